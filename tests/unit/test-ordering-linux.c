/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ordering judge and a driver that behaves as Linux's: no false alarm in
 * any order of its threads, and no bug of it that is missed.
 */
#include <string.h>

#include "tests/unit/linux-console.h"

#define RUNS     10000u
#define BUG_RUNS 300u

typedef struct Court {
    OrderingJudge *judge;
    unsigned events, found;
    OrderingViolation first;
} Court;

static void on_found(void *opaque, const OrderingViolation *violation)
{
    Court *c = opaque;

    if (!c->found++) {
        c->first = *violation;
    }
}

static void on_event(void *opaque, const OrderingEvent *event)
{
    Court *c = opaque;

    ordering_see(c->judge, c->events++, event);
}

static void run(Court *c, uint32_t seed, LinuxBug bug)
{
    *c = (Court){0};
    c->judge = ordering_new(LINUX_CONSOLE_PORTS, on_found, c);
    ordering_offer(c->judge, linux_console_offers());
    linux_console_run(seed, bug, on_event, c);
}

/* The rule that @bug breaks, by name. */
static const char *linux_bug_rule(LinuxBug bug)
{
    static const char *const rules[LINUX_BUG__MAX] = {
        [LINUX_READY_IN_ADD_PORT] = "kick-before-driver-ok",
        [LINUX_FILLS_EARLY] = "kick-before-driver-ok",
        [LINUX_RESTORE_EARLY] = "kick-before-driver-ok",
        [LINUX_NO_FEATURES_OK] = "driver-ok-without-features-ok",
        [LINUX_NO_READ_BACK] = "features-ok-not-read",
        [LINUX_QUEUES_EARLY] = "queue-before-features-ok",
        [LINUX_ENABLES_LATE] = "queue-enable-after-driver-ok",
        [LINUX_CLEARS_STATUS] = "status-bit-cleared",
        [LINUX_NO_WAIT] = "reset-not-awaited",
        [LINUX_NO_RESET] = "no-reset-first",
        [LINUX_FEATURE_NOT_OFFERED] = "feature-not-offered",
        [LINUX_PORTS_FIRST] = "control-before-device-ready",
        [LINUX_RESTORE_READY] = "control-before-device-ready",
        [LINUX_DEVICE_READY_TWICE] = "device-ready-twice",
        [LINUX_PORT_READY_TWICE] = "port-ready-twice",
        [LINUX_OPENS_UNREADY] = "port-open-before-ready",
        [LINUX_OPENS_NEXT_UNREADY] = "port-open-twice",
        [LINUX_OPENS_AGAIN_READY] = "port-open-twice",
        [LINUX_OPENS_TWICE] = "port-open-twice",
        [LINUX_WRITES_UNKNOWN_PORT] = "transmit-unknown-port",
        [LINUX_READABLE_IN_RECEIVE] = "buffer-readable-in-receive",
        [LINUX_FEATURES_UNREAD] = "features-not-read",
        [LINUX_EMERGENCY_UNOFFERED] = "config-field-not-offered",
        [LINUX_WRITES_NUM_QUEUES] = "common-write-read-only",
        [LINUX_WIDE_REGISTERS] = "register-width",
        [LINUX_SIZE_TOO_LARGE] = "queue-size-too-large",
        [LINUX_UNALIGNED] = "queue-address-unaligned",
        [LINUX_ENABLES_TWICE] = "queue-enable-again",
        [LINUX_QUEUE_RESET_UNREAD] = "queue-reset-not-awaited",
        [LINUX_VECTOR_UNREAD] = "vector-not-read-back",
        [LINUX_VECTOR_BEYOND] = "vector-beyond-table",
        [LINUX_KICKS_WIDE] = "kick-width",
        [LINUX_KICKS_ANOTHER] = "kick-value",
    };

    return rules[bug];
}

static uint64_t count_of(const Court *c, const char *name)
{
    size_t n;
    const OrderingRule *rules = ordering_rules(&n);

    for (size_t i = 0; i < n; i++) {
        if (!strcmp(rules[i].name, name)) {
            return ordering_count(c->judge, &rules[i]);
        }
    }
    g_error("no rule '%s'", name);
}

static void stock_driver_breaks_no_rule(void)
{
    uint64_t events = 0;

    for (uint32_t seed = 1; seed <= RUNS; seed++) {
        Court c;

        run(&c, seed, LINUX_NO_BUG);
        if (c.found) {
            g_test_message("seed %u, event %" G_GINT64_FORMAT ": %s: %s", seed,
                           c.first.at_ns, c.first.rule->name, c.first.seen);
        }
        g_assert_cmpuint(c.found, ==, 0);
        events += c.events;
        ordering_free(c.judge);
    }
    g_test_message("%u runs, %" G_GUINT64_FORMAT " events", RUNS, events);
    g_assert_cmpuint(events, >, RUNS * 100);
}

static void each_bug_is_found(void)
{
    for (LinuxBug bug = LINUX_NO_BUG + 1; bug < LINUX_BUG__MAX; bug++) {
        for (uint32_t seed = 1; seed <= BUG_RUNS; seed++) {
            Court c;

            run(&c, seed, bug);
            if (!count_of(&c, linux_bug_rule(bug))) {
                g_test_message("bug %u, seed %u: no %s, but %u others", bug,
                               seed, linux_bug_rule(bug), c.found);
            }
            g_assert_cmpuint(count_of(&c, linux_bug_rule(bug)), >, 0);
            ordering_free(c.judge);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ordering-linux/stock_driver_breaks_no_rule",
                    stock_driver_breaks_no_rule);
    g_test_add_func("/ordering-linux/each_bug_is_found", each_bug_is_found);
    return g_test_run();
}
