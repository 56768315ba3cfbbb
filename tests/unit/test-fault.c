/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults: their textual form, their queue, and their migration state.
 */
#include <string.h>

#include "hw/fault/faults.h"
#include "tests/unit/fake-host.h"

static void parse_takes_every_kind(void)
{
    static const struct {
        const char *text;
        FaultSpec want;
    } cases[] = {
        {"5:event-lost", {5000000000, FAULT_EVENT_LOST, 0, 0, 0, 0, 1, 0, 0}},
        {"5ns:event-lost,virq=timer,vcpu=2,count=3",
         {5, FAULT_EVENT_LOST,
          FAULT_HAS_VIRQ | FAULT_HAS_VCPU | FAULT_HAS_COUNT, 2, 0, 0, 3, 0, 0}},
        {"1us:event-late,port=7,delay=20ms",
         {1000, FAULT_EVENT_LATE, FAULT_HAS_PORT | FAULT_HAS_DELAY, 0, 7, 0, 1,
          20000000, 0}},
        {"0:pvclock-late,delay=1h",
         {0, FAULT_PVCLOCK_LATE, FAULT_HAS_DELAY, 0, 0, 0, 1, 3600000000000,
          0}},
        {"0:pvclock-torn,vcpu=1,delay=0.000000001",
         {0, FAULT_PVCLOCK_TORN, FAULT_HAS_VCPU | FAULT_HAS_DELAY, 1, 0, 0, 1,
          1, 0}},
        {"2m:wallclock-late,delay=1s",
         {120000000000, FAULT_WALLCLOCK_LATE, FAULT_HAS_DELAY, 0, 0, 0, 1,
          1000000000, 0}},
        {"1:timer-refused,count=9",
         {1000000000, FAULT_TIMER_REFUSED, FAULT_HAS_COUNT, 0, 0, 0, 9, 0, 0}},
        {"1:steal-add,time=-5s",
         {1000000000, FAULT_STEAL_ADD, FAULT_HAS_NS, 0, 0, 0, 1, 0,
          -5000000000}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        FaultSpec spec, want = cases[i].want;

        g_assert_true(fault_spec_parse(&spec, cases[i].text, &error));
        g_assert_no_error(error);
        g_assert_cmpint(spec.at_ns, ==, want.at_ns);
        g_assert_cmpint(spec.kind, ==, want.kind);
        g_assert_cmphex(spec.set, ==, want.set);
        g_assert_cmpuint(spec.vcpu, ==, want.vcpu);
        g_assert_cmpuint(spec.port, ==, want.port);
        g_assert_cmpuint(spec.virq, ==, want.virq);
        g_assert_cmpuint(spec.count, ==, want.count);
        g_assert_cmpuint(spec.delay_ns, ==, want.delay_ns);
        g_assert_cmpint(spec.ns, ==, want.ns);
    }
}

static void parse_refuses_and_names_the_part(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "AT:KIND"},
        {"event-lost", "AT:KIND"},
        {"x:event-lost", "time"},
        {"-1:event-lost", "time"},
        {"1:", "kind"},
        {"1:event", "event-lost, event-late"},
        {"1:event-lost,", "vcpu, port, virq, count"},
        {"1:event-lost,delay=1s", "vcpu, port, virq, count"},
        {"1:event-lost,vcpu", "vcpu, port"},
        {"1:event-lost,vcpu=128", "vcpu: wanted 0 to 127"},
        {"1:event-lost,port=0", "port: wanted 1 to 131071"},
        {"1:event-lost,virq=24", "virq: wanted timer or 0 to 23"},
        {"1:event-lost,virq=timers", "virq: wanted timer or"},
        {"1:event-lost,count=0", "count"},
        {"1:event-lost,count=1,count=1", "once"},
        {"1:event-lost,port=1,virq=0", "port or virq"},
        {"1:event-late", "delay"},
        {"1:event-late,delay=0", "delay: wanted more than 0"},
        {"1:event-late,delay=2h", "delay"},
        {"1:pvclock-late,delay=-1s", "delay"},
        {"1:pvclock-torn,port=1,delay=1s", "vcpu, delay"},
        {"1:wallclock-late,vcpu=0,delay=1s", "delay"},
        {"1:steal-add", "time"},
        {"1:steal-add,time=--1s", "time"},
        {"1:steal-add,time=9223372036854775808ns", "time"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        FaultSpec spec = {.at_ns = 7};
        g_autoptr(GError) error = NULL;

        g_assert_false(fault_spec_parse(&spec, cases[i].text, &error));
        g_assert_error(error, FAULT_ERROR, FAULT_ERROR_SPEC);
        g_test_message("'%s': %s", cases[i].text, error->message);
        g_assert_nonnull(strstr(error->message, cases[i].part));
        g_assert_cmpint(spec.at_ns, ==, 7);
    }
}

/* What came of the faults: a letter each. */
typedef struct Log {
    GString *text;
} Log;

static gboolean log_fault(void *opaque, const FaultSpec *spec, GError **error)
{
    Log *log = opaque;

    if (spec->kind == FAULT_STEAL_ADD) {
        g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE, "no");
        return FALSE;
    }
    g_string_append_printf(log->text, "%u ", spec->port);
    return TRUE;
}

static void log_failed(void *opaque, const FaultSpec *spec, const GError *error)
{
    Log *log = opaque;

    g_string_append_printf(log->text, "%u:%s ", spec->port, error->message);
}

static void faults_happen_by_time_and_then_by_order(void)
{
    FakeHost *fake = fake_host_new(1, 16);
    Log log = {g_string_new(NULL)};
    Faults *f = faults_new(fake_host_ops(fake), log_fault, log_failed, &log);
    const FaultSpec specs[] = {
        {.at_ns = 20, .port = 1},
        {.at_ns = 10, .port = 2},
        {.at_ns = 20, .port = 3, .kind = FAULT_STEAL_ADD},
        {.at_ns = 10, .port = 4},
    };
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        g_assert_true(faults_add(f, &specs[i], &error));
    }
    g_assert_cmpuint(faults_waiting(f), ==, 4);
    fake_host_run_until(fake, 9);
    g_assert_cmpstr(log.text->str, ==, "");
    fake_host_run_until(fake, 10);
    g_assert_cmpstr(log.text->str, ==, "2 4 ");
    fake_host_run_until(fake, 30);
    g_assert_cmpstr(log.text->str, ==, "2 4 1 3:no ");
    g_assert_cmpuint(faults_waiting(f), ==, 0);
    g_assert_false(faults_add(f, &specs[0], &error));
    g_assert_error(error, FAULT_ERROR, FAULT_ERROR_STATE);
    g_assert_nonnull(strstr(error->message, "in the past"));
    faults_free(f);
    fake_host_free(fake);
    g_string_free(log.text, TRUE);
}

static void no_more_wait_than_may(void)
{
    FakeHost *fake = fake_host_new(1, 16);
    Log log = {g_string_new(NULL)};
    Faults *f = faults_new(fake_host_ops(fake), log_fault, log_failed, &log);
    const FaultSpec spec = {.at_ns = 20};
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < FAULTS_MAX; i++) {
        g_assert_true(faults_add(f, &spec, &error));
    }
    g_assert_false(faults_add(f, &spec, &error));
    g_assert_nonnull(strstr(error->message, "4096 faults wait already"));
    faults_free(f);
    fake_host_free(fake);
    g_string_free(log.text, TRUE);
}

static void waiting_faults_migrate(void)
{
    FakeHost *fake = fake_host_new(1, 16);
    Log log = {g_string_new(NULL)};
    Faults *from = faults_new(fake_host_ops(fake), log_fault, log_failed, &log);
    Faults *to = faults_new(fake_host_ops(fake), log_fault, log_failed, &log);
    const FaultSpec specs[] = {
        {.at_ns = 20, .port = 1, .count = 1},
        {.at_ns = 10, .port = 2, .count = 5, .ns = -3},
    };
    const FaultSpec other = {.at_ns = 5, .port = 9};
    StateWriter *w = state_writer_new();
    g_autoptr(GByteArray) state = NULL;
    g_autoptr(GError) error = NULL;
    StateReader *r;

    faults_add(from, &specs[0], NULL);
    faults_add(from, &specs[1], NULL);
    faults_save(from, w);
    state = state_writer_finish(w);
    faults_free(from);
    faults_add(to, &other, NULL);
    r = state_reader_new(state->data, state->len);
    faults_load(to, r);
    g_assert_true(state_reader_finish(r, &error));
    fake_host_run_until(fake, 30);
    g_assert_cmpstr(log.text->str, ==, "2 1 ");
    for (guint cut = 0; cut < state->len; cut++) {
        r = state_reader_new(state->data, cut);
        faults_load(to, r);
        g_assert_false(state_reader_finish(r, NULL));
        g_assert_cmpuint(faults_waiting(to), ==, 0);
    }
    faults_free(to);
    fake_host_free(fake);
    g_string_free(log.text, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fault/parse_takes_every_kind", parse_takes_every_kind);
    g_test_add_func("/fault/parse_refuses_and_names_the_part",
                    parse_refuses_and_names_the_part);
    g_test_add_func("/fault/faults_happen_by_time_and_then_by_order",
                    faults_happen_by_time_and_then_by_order);
    g_test_add_func("/fault/no_more_wait_than_may", no_more_wait_than_may);
    g_test_add_func("/fault/waiting_faults_migrate", waiting_faults_migrate);
    return g_test_run();
}
