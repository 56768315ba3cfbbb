/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over its corpus and over mutations of it, without any
 * fuzzing engine and the same way every time.
 *
 *     fuzz-NAME RUNS PATH...     corpus files or folders, then RUNS mutations
 *     fuzz-NAME 0 crash-file     that input alone
 *
 * An input that kills the target is left in the file fuzz-NAME.crash.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Well above the longest file, or nothing could be inserted into it. */
#define INPUT_MAX 65536u

static const uint8_t *current;
static size_t current_len;
static char crash_path[256];

/* Given by the sanitizers' runtime when there is one. */
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static void keep_input(void)
{
    static const char said[] = "fuzz: the input is in ";
    int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t ret = write(fd, current, current_len);

    close(fd);
    ret = write(STDERR_FILENO, said, sizeof(said) - 1);
    ret = write(STDERR_FILENO, crash_path, strlen(crash_path));
    ret = write(STDERR_FILENO, "\n", 1);
    (void)ret;
}

static void on_signal(int nr)
{
    keep_input();
    signal(nr, SIG_DFL);
    raise(nr);
}

static void run(const uint8_t *data, size_t len)
{
    /* A copy of the exact length, so that overruns are seen. */
    g_autofree uint8_t *copy = g_malloc(len ? len : 1);

    if (len) {
        memcpy(copy, data, len);
    }
    current = copy;
    current_len = len;
    LLVMFuzzerTestOneInput(copy, len);
}

/* xorshift64*: the sequence depends on nothing but its start. */
static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * 0x2545f4914f6cdd1dull >> 32) % below;
}

static void insert(GByteArray *in, uint32_t at, const uint8_t *bytes,
                   uint32_t len)
{
    uint32_t old = in->len;

    if (old + len > INPUT_MAX) {
        return;
    }
    g_byte_array_set_size(in, old + len);
    memmove(in->data + at + len, in->data + at, old - at);
    memcpy(in->data + at, bytes, len);
}

static void mutate(GByteArray *in, const GPtrArray *corpus, uint64_t *rng)
{
    static const uint32_t words[] = {
        0,      1,          7,          16,        0x7f,   0xff,
        0x3ff,  0x400,      0x401,      0xfff,     0x1000, 0x1001,
        0x7fff, 0x7fffffff, 0x80000000, 0xffffffff};
    uint32_t at = in->len ? draw(rng, in->len) : 0;
    uint32_t len = in->len ? 1 + draw(rng, MIN(in->len - at, 64)) : 0;
    uint32_t word = words[draw(rng, G_N_ELEMENTS(words))];
    uint8_t byte = draw(rng, 256);
    const GByteArray *other;

    switch (draw(rng, 7)) {
    case 0:
        if (in->len) {
            in->data[at] ^= 1u << draw(rng, 8);
        }
        break;
    case 1:
        if (in->len) {
            in->data[at] = byte;
        }
        break;
    case 2:
        insert(in, at, &byte, 1);
        break;
    case 3:
        if (len) {
            g_byte_array_remove_range(in, at, len);
        }
        break;
    case 4:
        if (in->len - at >= sizeof(word)) {
            memcpy(in->data + at, &word, sizeof(word));
        }
        break;
    case 5:
        if (len) {
            g_autofree uint8_t *part = g_memdup2(in->data + at, len);

            insert(in, draw(rng, in->len + 1), part, len);
        }
        break;
    case 6:
        other = g_ptr_array_index(corpus, draw(rng, corpus->len));
        if (other->len) {
            uint32_t from = draw(rng, other->len);

            insert(in, at, other->data + from,
                   1 + draw(rng, other->len - from));
        }
        break;
    }
}

static void add_file(GPtrArray *corpus, const char *path)
{
    g_autoptr(GError) error = NULL;
    gchar *text;
    gsize len;

    if (!g_file_get_contents(path, &text, &len, &error)) {
        g_error("fuzz: %s", error->message);
    }
    if (len > INPUT_MAX / 2) {
        g_error("fuzz: %s has %" G_GSIZE_FORMAT " bytes, %u are the most", path,
                len, INPUT_MAX / 2);
    }
    g_ptr_array_add(corpus, g_byte_array_new_take((guint8 *)text, len));
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files in the order of their names, whatever the file system says. */
static void add_path(GPtrArray *corpus, const char *path)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    if (!dir) {
        add_file(corpus, path);
        return;
    }
    while ((name = g_dir_read_name(dir))) {
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    }
    g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        add_file(corpus, g_ptr_array_index(names, i));
    }
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) corpus =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    g_autofree char *name = g_path_get_basename(argv[0]);
    uint64_t runs, rng = 0x9e3779b97f4a7c15ull;
    guint seeds;

    if (argc < 3 ||
        !g_ascii_string_to_unsigned(argv[1], 10, 0, G_MAXUINT32, &runs, NULL)) {
        g_printerr("usage: %s RUNS PATH...\n", name);
        return 2;
    }
    g_snprintf(crash_path, sizeof(crash_path), "%s.crash", name);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(keep_input);
    }
    signal(SIGABRT, on_signal);
    signal(SIGTRAP, on_signal);
    signal(SIGALRM, on_signal);
    for (int i = 2; i < argc; i++) {
        add_path(corpus, argv[i]);
    }
    for (unsigned i = 0; fuzz_seed; i++) {
        GByteArray *seed = fuzz_seed(i);

        if (!seed) {
            break;
        }
        g_ptr_array_add(corpus, seed);
    }
    seeds = corpus->len;
    for (guint i = 0; i < seeds; i++) {
        const GByteArray *seed = g_ptr_array_index(corpus, i);

        run(seed->data, seed->len);
    }
    for (uint64_t i = 0; i < runs && seeds; i++) {
        const GByteArray *seed = g_ptr_array_index(corpus, draw(&rng, seeds));
        g_autoptr(GByteArray) in = g_byte_array_new();

        g_byte_array_append(in, seed->data, seed->len);
        for (uint32_t n = 1 + draw(&rng, 8); n; n--) {
            mutate(in, corpus, &rng);
        }
        alarm(20); /* one input that takes this long is a hang */
        run(in->data, in->len);
    }
    if (!seeds) {
        g_printerr("%s: the corpus is empty\n", name);
        return 1;
    }
    g_print("%s: %u seeds, %" G_GUINT64_FORMAT " mutations\n", name, seeds,
            runs);
    return 0;
}
