/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tap's life, and how a step becomes two lines. */
#include "hw/tap/tap-internal.h"

/* Steps that are handed on together; a function of the run, not of time. */
#define BATCH_STEPS 64u
#define BATCH_BYTES (32u << 10)

HostTap *host_tap_new(Host *real, HostTapMode mode, const HostTapHooks *hooks,
                      void *opaque)
{
    HostTap *tap = g_new0(HostTap, 1);

    tap->real = real;
    tap->mode = mode;
    tap->hooks = hooks;
    tap->opaque = opaque;
    tap->memory = g_string_new(NULL);
    tap->entry = g_string_new(NULL);
    tap->did = g_string_new(NULL);
    tap->lines = g_string_new(NULL);
    tap->inputs = g_ptr_array_new();
    tap->timers = g_ptr_array_new();
    tap->apart = g_queue_new();
    tap_shadow_init(&tap->shadow);
    tap_host_ops(tap);
    tap_memory_ops(tap);
    tap->host.ops = &tap->ops;
    return tap;
}

static void inputs_clear(HostTap *tap)
{
    for (guint i = 0; i < tap->inputs->len; i++) {
        g_string_free(g_ptr_array_index(tap->inputs, i), true);
    }
    g_ptr_array_set_size(tap->inputs, 0);
}

void host_tap_free(HostTap *tap)
{
    if (!tap) {
        return;
    }
    inputs_clear(tap);
    g_ptr_array_free(tap->inputs, true);
    g_ptr_array_free(tap->timers, true);
    g_queue_free_full(tap->apart, g_free);
    g_string_free(tap->memory, true);
    g_string_free(tap->entry, true);
    g_string_free(tap->did, true);
    g_string_free(tap->lines, true);
    g_free(tap->problem);
    tap_shadow_destroy(&tap->shadow);
    g_free(tap);
}

Host *host_tap_host(HostTap *tap)
{
    return &tap->host;
}

void host_tap_start(HostTap *tap)
{
    if (tap) {
        tap->started = true;
    }
}

bool host_tap_replays(const HostTap *tap)
{
    return tap && !tap_records(tap);
}

uint64_t host_tap_steps(const HostTap *tap)
{
    return tap->steps;
}

/* FNV-1a of 32 bits */
uint32_t tap_hash(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint32_t hash = 0x811c9dc5u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * 0x01000193u;
    }
    return hash;
}

void tap_did(HostTap *tap, const char *format, ...)
{
    va_list ap;

    if (tap->depth) {
        g_string_append_c(tap->did, ' ');
        va_start(ap, format);
        g_string_append_vprintf(tap->did, format, ap);
        va_end(ap);
    }
}

/* What the host answered */

void tap_ask(HostTap *tap)
{
    if (tap->depth && tap_records(tap)) {
        g_assert(tap->asking < TAP_ASK_MAX);
        tap->asked[tap->asking++] = tap->inputs->len;
        g_ptr_array_add(tap->inputs, g_string_new(NULL));
    }
}

uint64_t tap_answered(HostTap *tap, uint64_t value)
{
    if (tap->depth && tap_records(tap)) {
        GString *input =
            g_ptr_array_index(tap->inputs, tap->asked[--tap->asking]);
        g_autoptr(GString) number = g_string_new(NULL);

        tap_put_number(number, value);
        g_string_prepend(input, number->str);
    }
    return value;
}

uint64_t host_tap_input(HostTap *tap, uint64_t value)
{
    if (!tap || !tap->depth) {
        return value;
    }
    if (!tap_records(tap)) {
        return tap_next_input(tap);
    }
    tap_ask(tap);
    return tap_answered(tap, value);
}

bool host_tap_ask(HostTap *tap)
{
    if (!tap || tap_records(tap)) {
        if (tap) {
            tap_ask(tap);
        }
        return true;
    }
    tap_next_input(tap);
    return !tap->depth;
}

void host_tap_asked(HostTap *tap)
{
    if (tap && tap_records(tap)) {
        tap_answered(tap, 0);
    }
}

/* Without the zeros at the end: replay takes what is missing for 0. */
static void put_inputs(const HostTap *tap, GString *out)
{
    guint n = tap->inputs->len;

    while (n) {
        const GString *last = g_ptr_array_index(tap->inputs, n - 1);

        if (!g_str_equal(last->str, "0")) {
            break;
        }
        n--;
    }
    for (guint i = 0; i < n; i++) {
        const GString *input = g_ptr_array_index(tap->inputs, i);

        g_string_append(out, i ? ";" : " in ");
        g_string_append(out, input->str);
    }
}

/* Steps */

void host_tap_begin(HostTap *tap, const TapEntry *entry)
{
    if (!tap || !tap_records(tap) || !tap->started) {
        return;
    }
    if (tap->depth++) {
        /* Only what asks the host is called back meanwhile. */
        if (tap->asking) {
            GString *input =
                g_ptr_array_index(tap->inputs, tap->asked[tap->asking - 1]);

            g_string_append_c(input, ':');
            tap_entry_format(input, entry, ',');
        }
        return;
    }
    tap->at_ns = tap->real->ops->now_ns(tap->real);
    g_string_truncate(tap->entry, 0);
    g_string_truncate(tap->did, 0);
    inputs_clear(tap);
    tap_entry_format(tap->entry, entry, ' ');
    tap_shadow_scan(tap);
}

void host_tap_flush(HostTap *tap)
{
    if (tap && tap->nr_lines) {
        tap->hooks->emit(tap->opaque, tap->at_ns, tap->lines->str,
                         tap->lines->len);
        g_string_truncate(tap->lines, 0);
        tap->nr_lines = 0;
    }
}

static void put_answer(GString *out, const uint64_t *answer, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        if (i) {
            g_string_append_c(out, ',');
        }
        tap_put_number(out, answer[i]);
    }
    if (!nr) {
        g_string_append_c(out, '-');
    }
}

static void put_step(HostTap *tap, const uint64_t *answer, unsigned nr)
{
    GString *out = tap->lines;

    g_string_append_printf(out, "@%" G_GINT64_MODIFIER "x", tap->at_ns);
    g_string_append_len(out, tap->memory->str, tap->memory->len);
    g_string_truncate(tap->memory, 0);
    g_string_append_c(out, ' ');
    g_string_append_len(out, tap->entry->str, tap->entry->len);
    put_inputs(tap, out);
    g_string_append_c(out, '\n');
    put_answer(out, answer, nr);
    g_string_append_len(out, tap->did->str, tap->did->len);
    g_string_append_c(out, '\n');
    tap->steps++;
    if (++tap->nr_lines == BATCH_STEPS || out->len >= BATCH_BYTES) {
        host_tap_flush(tap);
    }
}

void host_tap_end(HostTap *tap, const uint64_t *answer, unsigned nr)
{
    if (tap && tap_records(tap) && tap->depth && !--tap->depth) {
        put_step(tap, answer, nr);
    }
}

/* What was read before such a call goes with the next step. */
void host_tap_end_quiet(HostTap *tap, const uint64_t *answer, unsigned nr)
{
    if (!tap || !tap_records(tap) || !tap->depth || --tap->depth) {
        return;
    }
    if (tap->did->len || tap->inputs->len) {
        put_step(tap, answer, nr);
    }
}

/* Replay, after the call: what a step came to */
void tap_finish(HostTap *tap, const uint64_t *answer, unsigned nr, GString *out)
{
    put_answer(out, answer, nr);
    g_string_append_len(out, tap->did->str, tap->did->len);
    tap->steps++;
}
