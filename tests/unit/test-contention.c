/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contention: its textual form, who is held when, and the timers that tell.
 */
#include <string.h>

#include "hw/clock/contention.h"
#include "hw/clock/host-profile.h"
#include "tests/unit/fake-host.h"

static void parse_takes_period_and_percent(void)
{
    static const struct {
        const char *text;
        gint64 period_ns;
        unsigned percent;
    } cases[] = {
        {"10ms:30", 10000000, 30},
        {"0.5:1", 500000000, 1},
        {"100us:90", 100000, 90},
        {"10s:50", 10000000000, 50},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ContentionSpec spec;
        g_autoptr(GError) error = NULL;

        g_assert_true(contention_parse(&spec, cases[i].text, &error));
        g_assert_no_error(error);
        g_assert_cmpint(spec.period_ns, ==, cases[i].period_ns);
        g_assert_cmpuint(spec.percent, ==, cases[i].percent);
    }
}

static void parse_refuses_and_names_the_part(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "PERIOD:PERCENT"},   {"10ms", "PERIOD:PERCENT"},
        {":30", "period"},        {"10:30", NULL},
        {"99us:30", "100us"},     {"0:30", "100us"},
        {"11s:30", "period"},     {"10ms:", "percent"},
        {"10ms:0", "percent"},    {"10ms:91", "percent"},
        {"10ms:30%", "percent"},  {"10ms:-1", "percent"},
        {"10ms:30:1", "percent"}, {"x:30", "period"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ContentionSpec spec = {.period_ns = 7, .percent = 8};
        g_autoptr(GError) error = NULL;
        gboolean ok = contention_parse(&spec, cases[i].text, &error);

        g_test_message("'%s': %s", cases[i].text, ok ? "-" : error->message);
        g_assert_cmpint(ok, ==, !cases[i].part);
        if (!ok) {
            g_assert_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE);
            g_assert_nonnull(strstr(error->message, cases[i].part));
            g_assert_cmpint(spec.period_ns, ==, 7);
        }
    }
}

static void held_is_the_end_of_each_period(void)
{
    const ContentionSpec spec = {.period_ns = 1000000, .percent = 30};
    static const struct {
        unsigned vcpu;
        int64_t now;
        bool held;
        int64_t next;
    } cases[] = {
        {0, 0, false, 700000},
        {0, 699999, false, 700000},
        {0, 700000, true, 1000000},
        {0, 999999, true, 1000000},
        {0, 1000000, false, 1700000},
        {0, 5700000, true, 6000000},
        /* The second of two is half a period later. */
        {1, 0, false, 200000},
        {1, 200000, true, 500000},
        {1, 499999, true, 500000},
        {1, 500000, false, 1200000},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t next;

        g_assert_cmpint(
            contention_held(&spec, cases[i].vcpu, 2, cases[i].now, &next), ==,
            cases[i].held);
        g_assert_cmpint(next, ==, cases[i].next);
    }
}

/* Walking from change to change covers each period with the right share. */
static void held_share_is_exact(void)
{
    static const ContentionSpec specs[] = {
        {100000, 1}, {100000, 90}, {333333, 33}, {10000000000, 50}};

    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        for (unsigned vcpu = 0; vcpu < 8; vcpu++) {
            int64_t now = 0, held_ns = 0, next;
            const int64_t end = specs[i].period_ns * 20;

            while (now < end) {
                bool held = contention_held(&specs[i], vcpu, 8, now, &next);

                g_assert_cmpint(next, >, now);
                next = MIN(next, end);
                held_ns += held ? next - now : 0;
                now = next;
            }
            g_assert_cmpint(held_ns, ==,
                            20 * (specs[i].period_ns * specs[i].percent / 100));
        }
    }
}

typedef struct Told {
    bool held[2];
    unsigned calls;
} Told;

static void note(void *opaque, unsigned vcpu, bool held)
{
    Told *told = opaque;

    told->held[vcpu] = held;
    told->calls++;
}

static void timers_tell_each_change(void)
{
    const ContentionSpec spec = {.period_ns = 1000000, .percent = 30};
    FakeHost *fake = fake_host_new(2, 1);
    Told told = {.calls = 0};
    Contention *c = contention_new(fake_host_ops(fake), &spec, 2, note, &told);

    g_assert_cmpuint(told.calls, ==, 0);
    contention_start(c);
    g_assert_cmpuint(told.calls, ==, 2);
    g_assert_false(told.held[0] || told.held[1]);
    for (int64_t t = 0; t <= 5000000; t += 50000) {
        int64_t next;

        fake_host_run_until(fake, t);
        for (unsigned i = 0; i < 2; i++) {
            g_assert_cmpint(told.held[i], ==,
                            contention_held(&spec, i, 2, t, &next));
        }
    }
    /* Four changes a period. */
    g_assert_cmpuint(told.calls, ==, 2 + 5 * 4);
    /* After a load: the states of now, whatever was told before. */
    told.held[1] = !told.held[1];
    contention_start(c);
    {
        int64_t next;

        g_assert_cmpint(
            told.held[1], ==,
            contention_held(&spec, 1, 2, fake_host_now(fake), &next));
    }
    contention_free(c);
    fake_host_free(fake);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/contention/parse", parse_takes_period_and_percent);
    g_test_add_func("/contention/parse-refuses",
                    parse_refuses_and_names_the_part);
    g_test_add_func("/contention/held", held_is_the_end_of_each_period);
    g_test_add_func("/contention/share", held_share_is_exact);
    g_test_add_func("/contention/timers", timers_tell_each_change);
    return g_test_run();
}
