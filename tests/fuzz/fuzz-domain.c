/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs sequences of the state-machine fuzz, by number or by time, says how to
 * repeat the one that failed, and makes it short.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/fuzz-domain.h"

#define HANG_S 20 /* a sequence that takes this long hangs */

static gint64 first_seed = 1;
static gint sequences = 100, nr_steps = 300, seconds;
static gboolean verbose, minimise;
static char *only;

static const GOptionEntry options[] = {
    {"seed", 0, 0, G_OPTION_ARG_INT64, &first_seed, "first sequence (1)", "N"},
    {"sequences", 0, 0, G_OPTION_ARG_INT, &sequences,
     "how many sequences (100)", "N"},
    {"steps", 0, 0, G_OPTION_ARG_INT, &nr_steps, "steps a sequence (300)", "N"},
    {"seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "go on for this long instead",
     "N"},
    {"only", 0, 0, G_OPTION_ARG_STRING, &only, "leave out all steps but these",
     "N,N-M,..."},
    {"minimise", 0, 0, G_OPTION_ARG_NONE, &minimise,
     "leave out what the failure does not need", NULL},
    {"verbose", 0, 0, G_OPTION_ARG_NONE, &verbose, "name each step", NULL},
    {0},
};

/* Given by the sanitizers' runtime when there is one. */
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

/* Which step is being run, for whoever dies in it. */
static char where[160];

static void say_where(void)
{
    ssize_t ret = write(STDERR_FILENO, where, strlen(where));

    (void)ret;
}

static void on_signal(int nr)
{
    say_where();
    signal(nr, SIG_DFL);
    raise(nr);
}

static void catch_death(void)
{
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(say_where);
    }
    signal(SIGABRT, on_signal);
    signal(SIGTRAP, on_signal);
    signal(SIGALRM, on_signal);
}

/* Which of the steps are run. */
static bool *keep_all(void)
{
    bool *keep = g_new(bool, nr_steps);

    memset(keep, true, nr_steps * sizeof(*keep));
    return keep;
}

static bool *keep_listed(const char *list)
{
    bool *keep = g_new0(bool, nr_steps);
    g_auto(GStrv) parts = g_strsplit(list, ",", -1);

    for (char **part = parts; *part; part++) {
        unsigned from, to;
        int got = sscanf(*part, "%u-%u", &from, &to);

        to = got == 2 ? to : from;
        for (unsigned i = from; got > 0 && i <= to && i < (unsigned)nr_steps;
             i++) {
            keep[i] = true;
        }
    }
    return keep;
}

static char *keep_text(const bool *keep)
{
    GString *text = g_string_new(NULL);

    for (int i = 0, end; i < nr_steps; i = end + 1) {
        for (end = i; end < nr_steps && keep[end] == keep[i]; end++) {
        }
        end--;
        if (keep[i]) {
            g_string_append_printf(text, "%s%d", text->len ? "," : "", i);
            if (end > i) {
                g_string_append_printf(text, "-%d", end);
            }
        }
    }
    return g_string_free(text, FALSE);
}

static uint64_t run_sequence(uint64_t seed, const bool *keep)
{
    World *w = world_new(seed);
    uint64_t done = 0;

    w->verbose = verbose;
    alarm(HANG_S);
    for (int i = 0; i < nr_steps; i++) {
        if (keep[i]) {
            g_snprintf(where, sizeof(where),
                       "fuzz-domain: repeat with --seed %" G_GUINT64_FORMAT
                       " --steps %d --sequences 1, it is step %d; or add "
                       "--minimise\n",
                       seed, nr_steps, i);
            done++;
            if (!world_step(w, (unsigned)i)) {
                break;
            }
        }
    }
    world_free(w);
    return done;
}

/* In a process of its own, silently. */
static bool fails(uint64_t seed, const bool *keep)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        g_assert_nonnull(freopen("/dev/null", "w", stderr));
        g_assert_nonnull(freopen("/dev/null", "w", stdout));
        run_sequence(seed, keep);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return status != 0;
}

/* Leaves out parts of @keep, ever smaller, while it still fails. */
static void shrink(uint64_t seed, bool *keep)
{
    for (int size = nr_steps / 2; size >= 1; size /= 2) {
        for (int at = 0; at < nr_steps; at += size) {
            int len = MIN(size, nr_steps - at);
            g_autofree bool *before = g_memdup2(keep, nr_steps * sizeof(*keep));

            memset(keep + at, false, len * sizeof(*keep));
            if (memcmp(before, keep, nr_steps * sizeof(*keep)) &&
                !fails(seed, keep)) {
                memcpy(keep, before, nr_steps * sizeof(*keep));
            }
        }
    }
}

static int run_minimise(bool *keep)
{
    g_autofree char *text = NULL;

    if (!fails((uint64_t)first_seed, keep)) {
        g_printerr("fuzz-domain: seed %" G_GINT64_FORMAT " does not fail\n",
                   first_seed);
        return 1;
    }
    shrink((uint64_t)first_seed, keep);
    text = keep_text(keep);
    g_print("fuzz-domain --seed %" G_GINT64_FORMAT " --steps %d --sequences 1 "
            "--only %s\n",
            first_seed, nr_steps, text);
    return 0;
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autofree bool *keep = NULL;
    gint64 start = g_get_monotonic_time(), end;
    uint64_t seed, steps = 0;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        g_printerr("fuzz-domain: %s\n", error->message);
        return 2;
    }
    if (nr_steps < 1 || sequences < 0 || seconds < 0) {
        g_printerr("fuzz-domain: numbers must not be negative\n");
        return 2;
    }
    keep = only ? keep_listed(only) : keep_all();
    if (minimise) {
        return run_minimise(keep);
    }
    catch_death();
    end = start + (gint64)seconds * G_USEC_PER_SEC;
    for (seed = (uint64_t)first_seed;
         seconds ? g_get_monotonic_time() < end
                 : seed < (uint64_t)first_seed + (uint64_t)sequences;
         seed++) {
        steps += run_sequence(seed, keep);
    }
    g_print("fuzz-domain: %" G_GUINT64_FORMAT " sequences, %" G_GUINT64_FORMAT
            " steps, %.0f steps/s\n",
            seed - (uint64_t)first_seed, steps,
            (double)steps * G_USEC_PER_SEC /
                (double)MAX(1, g_get_monotonic_time() - start));
    return 0;
}
