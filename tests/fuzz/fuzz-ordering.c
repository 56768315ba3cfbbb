/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any sequence of events for the ordering judge, cut by migrations: what it
 * reports is well formed and counted, and after a reset of the machine Linux's
 * driver breaks no rule, whatever was before.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/unit/linux-console.h"

typedef struct Court {
    OrderingJudge *judge;
    uint64_t found;
} Court;

static void on_found(void *opaque, const OrderingViolation *v)
{
    Court *c = opaque;
    size_t n;
    const OrderingRule *rules = ordering_rules(&n);

    c->found++;
    g_assert_true(v->rule >= rules && v->rule < rules + n);
    g_assert_true(v->port == ORDERING_NO_PORT || v->port < LINUX_CONSOLE_PORTS);
    g_assert_cmpuint(v->count, >, 0);
    g_assert_true(g_utf8_validate(v->seen, -1, NULL) && *v->seen);
}

static void on_event(void *opaque, const OrderingEvent *event)
{
    ordering_see(((Court *)opaque)->judge, 0, event);
}

static void migrate(Court *c)
{
    StateWriter *w = state_writer_new();
    OrderingJudge *to = ordering_new(LINUX_CONSOLE_PORTS, on_found, c);
    g_autoptr(GByteArray) state = NULL;
    StateReader *r;

    ordering_offer(to, linux_console_offers());
    ordering_save(c->judge, w);
    state = state_writer_finish(w);
    r = state_reader_new(state->data, state->len);
    ordering_load(to, r);
    g_assert_true(state_reader_finish(r, NULL));
    ordering_free(c->judge);
    c->judge = to;
}

/* Mostly numbers that mean something. */
static uint64_t draw_number(FuzzInput *in)
{
    uint8_t how = fuzz_u8(in);

    return how < 0xf0 ? how & 0xf : fuzz_u64(in);
}

static void load_damaged(Court *c, FuzzInput *in)
{
    size_t len = 64;
    const uint8_t *bytes = fuzz_bytes(in, &len);
    StateReader *r = state_reader_new(bytes, len);

    ordering_load(c->judge, r);
    g_assert_false(state_reader_finish(r, NULL));
    c->found = 0;
}

static void step(Court *c, FuzzInput *in)
{
    uint8_t kind = fuzz_u8(in) % (ORDERING_EVENT__MAX + 2);
    OrderingEvent e = {.kind = kind};

    if (kind == ORDERING_EVENT__MAX) {
        migrate(c);
        return;
    }
    if (kind > ORDERING_EVENT__MAX) {
        load_damaged(c, in);
        return;
    }
    e.queue = (unsigned)draw_number(in);
    e.port = (unsigned)draw_number(in);
    e.value = draw_number(in);
    e.old = draw_number(in);
    e.legacy = draw_number(in) & 1;
    if (kind == ORDERING_CONTROL_RX || kind == ORDERING_CONTROL_TX) {
        e.value |= draw_number(in) << 16;
    }
    ordering_see(c->judge, 0, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const OrderingEvent reset = {.kind = ORDERING_RESET};
    FuzzInput in = {data, len};
    Court c = {0};
    uint32_t seed = fuzz_u32(&in);

    c.judge = ordering_new(LINUX_CONSOLE_PORTS, on_found, &c);
    ordering_offer(c.judge, linux_console_offers());
    while (in.left) {
        step(&c, &in);
        g_assert_cmpuint(ordering_total(c.judge), ==, c.found);
    }
    ordering_reset_counts(c.judge);
    ordering_see(c.judge, 0, &reset);
    linux_console_run(seed, LINUX_NO_BUG, on_event, &c);
    g_assert_cmpuint(ordering_total(c.judge), ==, 0);
    ordering_free(c.judge);
    return 0;
}
