/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a recorded step again.  Requests are foreign bytes: each word is
 * checked before it counts.
 */
#include <string.h>

#include "hw/tap/tap-internal.h"

/* Fields of a word, without its name, the last of which may hold slashes. */
#define FIELDS_MAX 4u

static bool fail(GString *answer, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GString *answer, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    g_string_vprintf(answer, format, ap);
    va_end(ap);
    return false;
}

/* @word is changed. @return: how many fields there are, at most @max */
static unsigned split(char *word, char *fields[FIELDS_MAX], unsigned max)
{
    unsigned n = 0;

    fields[n++] = word;
    while (n < max) {
        char *slash = strchr(fields[n - 1], '/');

        if (!slash) {
            break;
        }
        *slash = '\0';
        fields[n++] = slash + 1;
    }
    return n;
}

/* @data NULL: @len times @fill */
static bool write_page(HostTap *tap, const char *name, uint64_t off,
                       const uint8_t *data, uint8_t fill, uint64_t len,
                       GString *answer)
{
    const HostMemoryOps *ops = &tap->real->ops->mem;
    HostPage *page;
    uint8_t *ptr;

    if (off >= HOST_PAGE_SIZE || len > HOST_PAGE_SIZE - off) {
        return fail(answer,
                    "page %s: %" G_GINT64_MODIFIER
                    "x bytes at %" G_GINT64_MODIFIER "x are not in a page",
                    name, len, off);
    }
    page = ops->page_pin_named(tap->real, name);
    if (!page) {
        return fail(answer, "there is no page %s", name);
    }
    ptr = (uint8_t *)ops->page_ptr(tap->real, page) + off;
    if (data) {
        memcpy(ptr, data, len);
    } else {
        memset(ptr, fill, len);
    }
    ops->page_dirty(tap->real, page, off, len);
    ops->page_unpin(tap->real, page);
    return true;
}

/* w/OFF/BYTES/NAME */
static bool run_write(HostTap *tap, char *word, GString *answer)
{
    char *field[FIELDS_MAX];
    uint64_t off;
    size_t len;

    if (split(word, field, 3) != 3 || !tap_get_number(field[0], &off) ||
        !tap_get_hex(field[1], &len)) {
        return fail(answer, "a write is not w/OFFSET/BYTES/PAGE");
    }
    return write_page(tap, field[2], off, (uint8_t *)field[1], 0, len, answer);
}

/* f/OFF/LEN/BYTE/NAME */
static bool run_fill(HostTap *tap, char *word, GString *answer)
{
    char *field[FIELDS_MAX];
    uint64_t off, len, fill;

    if (split(word, field, 4) != 4 || !tap_get_number(field[0], &off) ||
        !tap_get_number(field[1], &len) || !tap_get_number(field[2], &fill) ||
        fill > UINT8_MAX) {
        return fail(answer, "a fill is not f/OFFSET/LENGTH/BYTE/PAGE");
    }
    return write_page(tap, field[3], off, NULL, (uint8_t)fill, len, answer);
}

/* m/PAGE/FRAME */
static bool run_map(HostTap *tap, char *word, GString *answer)
{
    char *field[FIELDS_MAX];
    uint64_t page, frame;

    if (split(word, field, 2) != 2 || !tap_get_number(field[0], &page) ||
        !tap_get_number(field[1], &frame)) {
        return fail(answer, "a translation is not m/PAGE/FRAME");
    }
    tap_shadow_frame(tap, page, frame);
    return true;
}

static bool run_memory(HostTap *tap, char *word, GString *answer)
{
    switch (word[0]) {
    case 'w':
        return run_write(tap, word + 2, answer);
    case 'f':
        return run_fill(tap, word + 2, answer);
    case 'm':
        return run_map(tap, word + 2, answer);
    }
    return fail(answer, "'%s' is neither w/, f/ nor m/", word);
}

/* Calls */

static unsigned run_call(HostTap *tap, const TapEntry *entry,
                         uint64_t answer[TAP_ANSWERS_MAX])
{
    switch (entry->kind) {
    case TAP_TIMER:
        if (!tap_timer_fire(tap, entry->arg[0]) && !tap->problem) {
            tap->problem = g_strdup_printf(
                "there is no timer %" G_GINT64_MODIFIER "x", entry->arg[0]);
        }
        return 0;
    case TAP_APART:
        if (!tap_apart_run(tap) && !tap->problem) {
            tap->problem = g_strdup("nothing was put off");
        }
        return 0;
    default:
        return tap->hooks->run(tap->opaque, entry, answer);
    }
}

/* NAME,ARG,...: what the host called while it was asked. */
static void run_nested(HostTap *tap, char *call)
{
    g_auto(GStrv) words = g_strsplit(call, ",", TAP_ARGS_MAX + 2);
    uint64_t answer[TAP_ANSWERS_MAX];
    char *problem = NULL;
    TapEntry entry;

    if (tap->depth > TAP_ASK_MAX) {
        problem = g_strdup("calls within calls, too deep");
    } else if (tap_entry_parse(words, g_strv_length(words), &entry, &problem)) {
        tap->depth++;
        run_call(tap, &entry, answer);
        tap->depth--;
    }
    if (problem && !tap->problem) {
        tap->problem = problem;
    } else {
        g_free(problem);
    }
}

uint64_t tap_next_input(HostTap *tap)
{
    g_auto(GStrv) calls = NULL;
    char *input = tap->rest, *end;
    uint64_t value;

    if (!tap->depth || !input) {
        return 0;
    }
    end = strchr(input, ';');
    if (end) {
        *end = '\0';
    }
    tap->rest = end ? end + 1 : NULL;
    calls = g_strsplit(input, ":", -1);
    if (!calls[0] || !tap_get_number(calls[0], &value)) {
        if (!tap->problem) {
            tap->problem = g_strdup_printf("input '%s' is not a number", input);
        }
        return 0;
    }
    for (unsigned i = 1; calls[i]; i++) {
        run_nested(tap, calls[i]);
    }
    return value;
}

static bool run_step(HostTap *tap, const TapEntry *entry, GString *out)
{
    uint64_t answer[TAP_ANSWERS_MAX] = {0};
    unsigned nr;

    g_string_truncate(tap->did, 0);
    g_clear_pointer(&tap->problem, g_free);
    tap->depth = 1;
    nr = run_call(tap, entry, answer);
    tap->depth = 0;
    if (!tap->problem && tap->rest) {
        tap->problem =
            g_strdup_printf("nobody asked for input '%s'", tap->rest);
    }
    tap->rest = NULL;
    if (tap->problem) {
        return fail(out, "%s", tap->problem);
    }
    tap_finish(tap, answer, nr, out);
    return true;
}

static bool set_time(HostTap *tap, const char *word, GString *answer)
{
    uint64_t at;

    if (word[0] != '@' || !tap_get_number(word + 1, &at) || at > INT64_MAX) {
        return fail(answer, "'%s' is not a time, @ and nanoseconds", word);
    }
    if ((int64_t)at < tap->real->ops->now_ns(tap->real)) {
        return fail(answer, "time %s lies in the past", word);
    }
    tap->hooks->set_time(tap->opaque, (int64_t)at);
    return true;
}

bool host_tap_run(HostTap *tap, char **words, unsigned nr_words,
                  GString *answer)
{
    g_autofree char *problem = NULL;
    unsigned at = 1, end = nr_words;
    g_autoptr(GString) out = g_string_new(NULL);
    TapEntry entry;

    if (nr_words < 2) {
        g_string_append(answer, "a step has a time and a call");
        return false;
    }
    if (nr_words > 3 && !strcmp(words[nr_words - 2], "in")) {
        end = nr_words - 2;
        tap->rest = words[nr_words - 1];
    }
    if (!set_time(tap, words[0], out)) {
        goto failed;
    }
    for (; at < end && words[at][0] && words[at][1] == '/'; at++) {
        if (!run_memory(tap, words[at], out)) {
            goto failed;
        }
    }
    if (!tap_entry_parse(words + at, end - at, &entry, &problem)) {
        fail(out, "%s", problem);
        goto failed;
    }
    if (!run_step(tap, &entry, out)) {
        goto failed;
    }
    g_string_append_len(answer, out->str, out->len);
    return true;

failed:
    tap->rest = NULL;
    g_string_append_len(answer, out->str, out->len);
    return false;
}
