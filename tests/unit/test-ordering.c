/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ordering judge, rule by rule: a sequence that breaks the rule once and no
 * other, and the nearest one that breaks none.
 * Their words are those of ordering-words.h.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <string.h>

#include "tests/unit/ordering-words.h"

#define READY       "m0,0,1,8 "
#define PORT_READY1 "m1,3,1,8 "
#define OPEN1       "m1,6,1,8 "
#define CLOSE1      "m1,6,0,8 "
#define ADD1        "t1,1 "
#define REMOVE1     "t1,2 "
#define NOT_READY1  "m1,3,0,8 "
#define CONSOLE1    "t1,4 "
/* Port 0 comes, and its driver answers: it has read what came before. */
#define READ_ALL "t0,1 m0,3,1,8 "

#define RESET     "w0 r "
#define DRIVER    RESET "w1 w3 h0 h1 "
#define SETTLED   DRIVER "f100000002 wb r "
#define QUEUE(q)  "z" q ",80 v" q " V" q " d" q " a" q " u" q " "
#define ENABLE    "e0,1 e1,1 e2,1 e3,1 e4,1 e5,1 "
#define SET_UP    QUEUE("0") QUEUE("1") QUEUE("2") QUEUE("3") QUEUE("4") QUEUE("5")
#define UP        SETTLED SET_UP ENABLE "wf "
#define RING_UP   DRIVER "f10100000002 wb r " SET_UP ENABLE "wf "
#define DATA_UP   DRIVER "f4100000002 wb r " SET_UP ENABLE "wf "
#define TALKING   UP "k2 k3 " READY
#define PORT      TALKING ADD1 "k4 k3 " PORT_READY1
#define LEGACY    "l1 " RESET "w1 w3 h0 f2 p0,10 p3,10 "
#define LEGACY_UP RESET "w1 w3 h0 f2 p0,10 p1,10 p2,10 p3,10 p4,10 p5,10 w7 "

typedef struct Row {
    const char *rule, *bad, *good;
} Row;

static const Row rows[] = {
    {"no-reset-first", "w1", "w0 r w1"},
    {"no-reset-first", "w0 r w1 R w1", "w0 r w1 R w0 r w1"},
    {"reset-not-awaited", "w0 w1", "w0 r w1"},
    {"reset-not-awaited", UP "w0 w1", UP RESET "w1"},
    {"reset-not-awaited", "l1 w0 l0 w1", "l1 w0 w1"},
    {"status-bit-cleared", DRIVER "w1", DRIVER "w3"},
    {"status-bit-cleared", UP "w4", UP RESET "w1"},
    {"status-unknown-bit", RESET "w11", RESET "w1"},
    {"status-unknown-bit", RESET "w41", RESET "w1 w81"},
    {"status-after-failed", RESET "w1 w81 w83", RESET "w1 w81 w81"},
    {"driver-before-acknowledge", RESET "w2", RESET "w3"},
    {"features-ok-before-driver", RESET "w1 w9", DRIVER "wb"},
    {"driver-ok-before-driver", RESET "w1 w5", RESET "w1 w3 w7"},
    {"driver-ok-without-features-ok", DRIVER "f100000002 w7", SETTLED "wf"},
    {"driver-ok-without-features-ok", DRIVER "f2 w3 R " DRIVER "f100000000 w7",
     LEGACY_UP},
    {"features-ok-not-read", DRIVER "f100000002 wb wf",
     DRIVER "f100000002 wb r wf"},
    {"features-ok-not-read", DRIVER "f100000002 wf", SETTLED "wf"},
    {"driver-ok-again", UP "wf", UP "r w8f"},
    {"features-not-read", RESET "w1 w3 f2", RESET "w1 w3 h0 f2"},
    {"features-not-read", RESET "w1 w3 h0 f100000002",
     RESET "w1 w3 h1 f100000000"},
    /* Linux knows them when it wakes up. */
    {"features-not-read", UP "R w0 r w1 w3 f2", UP "W R w0 r w1 w3 f2"},
    /* ... but not that it was hibernating, as the judge sees it. */
    {"features-not-read",
     UP "R " RESET "w1 w3 f100000002 wb r " SET_UP ENABLE "wf ",
     UP RESET "w1 w3 f100000002 wb r " SET_UP ENABLE "wf "},
    {"features-not-read", UP "W R " RESET "w1 R w0 r w1 w3 f2",
     UP RESET "w1 w3 f2"},
    {"feature-not-offered", DRIVER "f100000006 f100000006",
     DRIVER "f100000003"},
    {"features-before-driver", RESET "w1 h0 f2", DRIVER "f2"},
    {"features-before-driver", UP "R h0 f2", UP "R " DRIVER "f2"},
    {"features-after-features-ok", SETTLED "f100000003",
     DRIVER "f100000002 f100000003 wb r"},
    {"version-1-refused", DRIVER "f2 wb", DRIVER "f2 f100000002 wb"},
    {"config-read-before-driver", RESET "w1 g4", DRIVER "g4"},
    {"config-read-before-driver", RESET "g4", UP RESET "g4"},
    {"config-write-before-features-ok", DRIVER "c0", RESET "c8 w1 c8"},
    {"config-write-before-features-ok", "l1 R w0 r c0", "l1 R w0 r c8"},
    {"config-write-read-only", UP "c4", UP "c8"},
    {"config-write-read-only", LEGACY "c4", LEGACY "c8"},
    {"config-write-read-only", UP "cc", UP "gc"},
    {"config-field-not-offered", "i5 " DRIVER "g4", "i2 " DRIVER "g4"},
    {"config-field-not-offered", "i3 c8", "i4 c8"},
    /* Linux reads a size whenever the configuration changes. */
    {"config-field-not-offered", "i6 " DRIVER "g0", "i6 " UP "g0"},
    {"config-field-not-offered", "i6 " DRIVER "g2", "i6 " UP RESET "g2"},
    {"common-write-read-only", RESET "j4,4", RESET "j8,4"},
    {"common-write-read-only", RESET "j12,2", RESET "j10,2"},
    {"common-write-read-only", RESET "j15,1", RESET "j14,1"},
    {"common-write-read-only", RESET "j1e,2", RESET "o1e,2 j3a,2"},
    {"common-write-read-only", RESET "j38,2", RESET "o38,2"},
    {"register-width", RESET "o14,4", RESET "o14,1"},
    {"register-width", RESET "j16,4", RESET "j16,2 j20,4 j24,4 j34,4"},
    {"register-width", RESET "o22,2", RESET "o3c,1"},
    {"register-width", UP "g4,1", UP "g4,4 g0,2 gc,1"},
    {"register-width", UP "g0,4", UP "l1 g0,4"},
    {"register-width", UP "c8,1", UP "l1 c8,1"},
    {"register-width", UP "g9,2", UP "g2,2"},
    {"queue-not-there", UP "k6", UP "k4"},
    {"queue-not-there", UP "kfffff", UP "k0"},
    {"queue-not-there", DRIVER "f100000000 wb r " QUEUE("0") "e0,1 e2,1",
     DRIVER "f100000000 wb r " QUEUE("0") "e0,1"},
    {"queue-not-there", RESET "w1 w3 p2,10", RESET "w1 w3 p1,10"},
    {"queue-before-features-ok", DRIVER "f100000002 z0,80 d0 a0 u0 z1,80",
     SETTLED "z0,80 d0 a0 u0 z1,80"},
    {"queue-before-features-ok", RESET "w1 p0,10", RESET "w1 p0,0"},
    {"queue-size-not-power-of-two", SETTLED "z4,7f",
     SETTLED "z4,80 z5,1 z5,8000"},
    {"queue-size-not-power-of-two", SETTLED "z4,0",
     DRIVER "f500000002 wb r z4,7f"},
    {"queue-size-too-large", SETTLED "z4,8000000100",
     SETTLED "z4,8000000080 z5,100"},
    {"queue-changed-enabled", SETTLED QUEUE("0") "e0,1 d0",
     SETTLED QUEUE("0") "d0 e0,1"},
    {"queue-changed-enabled", UP "z5,40", UP "v5,ffff w0 r v5,ffff"},
    {"queue-enable-incomplete", SETTLED "d0 a0 e0,1", SETTLED "d0 a0 u0 e0,1"},
    {"queue-address-unaligned", SETTLED "d0,8 a0 u0 e0,1",
     SETTLED "d0,10 a0 u0 e0,1"},
    {"queue-address-unaligned", SETTLED "d0,8 a0,2 u0,8 a0,4 e0,1",
     SETTLED "d0,8 a0,1 u0,2 d0 a0 u0 e0,1"},
    {"queue-address-unaligned", SETTLED "d0 a0,10001 u0 e0,1",
     SETTLED "d0 a0,10002 u0 e0,1"},
    {"queue-address-unaligned", SETTLED "d0 a0 u0,10002 e0,1",
     SETTLED "d0 a0 u0,10004 e0,1"},
    {"queue-enable-zero", UP "e0,0", UP},
    {"queue-enable-again", UP "e0,1", RING_UP "x0 y0 d0 a0 u0 e0,1"},
    {"queue-enable-after-driver-ok", SETTLED QUEUE("0") "wf e0,1",
     SETTLED QUEUE("0") "e0,1 wf"},
    {"queue-enable-after-driver-ok", SETTLED SET_UP "e0,1 wf e1,1",
     RING_UP "x1 y1 d1 a1 u1 e1,1"},
    {"queue-reset-not-negotiated", UP "x1", RING_UP "x1"},
    {"queue-reset-not-awaited", RING_UP "x1 d1 a1 u1 e1,1",
     RING_UP "x1 y1 d1 a1 u1 e1,1"},
    {"queue-reset-not-awaited", RING_UP "x1 y1,1 y2 z1,40",
     RING_UP "x1 y1,1 y1 z1,40"},
    {"queue-reset-not-awaited", RING_UP "x5 z5,40", RING_UP "x5 w0 r"},
    {"legacy-queue-changed-live", LEGACY_UP "p3,0", LEGACY_UP RESET "p3,0"},
    {"legacy-queue-changed-live", LEGACY_UP "p3,11", LEGACY "p3,11 w7"},
    {"vector-beyond-table", DRIVER "v0,8 V0", DRIVER "v0,7 V0"},
    {"vector-beyond-table", DRIVER "vffffffff,8", DRIVER "vffffffff,ffff"},
    {"vector-not-read-back", DRIVER "f100000002 wb r v0 wf",
     DRIVER "f100000002 wb r v0 V0 wf"},
    {"vector-not-read-back", DRIVER "f100000002 wb r v5 V4 wf",
     DRIVER "v5 " DRIVER "f100000002 wb r wf"},
    {"vector-not-read-back", DRIVER "f100000002 wb r vffffffff wf",
     DRIVER "f100000002 wb r vffffffff Vffffffff wf"},
    {"vector-not-read-back", UP "v0 k0", UP "v0 k1 V0 k0"},
    {"vector-not-read-back", UP "v0 v0,1 V0", UP "v0 V0 v0,1 V0"},
    /* It does without, rather than go on. */
    {"vector-not-read-back", UP "v0 v0,1 v0,ffff k0", UP "v0 v0,ffff k0"},
    {"vector-not-read-back", DRIVER "f100000002 wb r v0,ffff v0 wf",
     DRIVER "f100000002 wb r v0 v0,ffff vffffffff vffffffff,ffff wf"},
    {"kick-before-driver-ok", SETTLED SET_UP ENABLE "k2", UP "k2"},
    {"kick-before-driver-ok", RESET "k0", UP RESET "k0"},
    {"kick-before-driver-ok", UP RESET "w1 k0", UP "k0"},
    {"kick-before-driver-ok", UP "R k0", UP "k0 R"},
    {"legacy-kick-before-driver-ok", LEGACY "k0", LEGACY "w7 k0"},
    {"legacy-kick-before-driver-ok", LEGACY "k3 b3,8,0 " READY,
     LEGACY "w7 k3 b3,8,0 " READY},
    {"kick-queue-not-enabled", SETTLED SET_UP "e0,1 wf k2",
     SETTLED SET_UP "e0,1 e2,1 wf k2"},
    {"kick-queue-not-enabled", LEGACY "p2,0 w7 k2", LEGACY "p2,10 w7 k2"},
    {"kick-width", UP "K4,4,4 k4", UP "K4,4,2 k4"},
    {"kick-width", UP "K4,4,1", DATA_UP "K4,70004,4"},
    {"kick-width", DATA_UP "K4,4,2", UP RESET "K4,4,1"},
    {"kick-value", UP "K4,5,2 k4", UP "K4,4,2 k4"},
    {"kick-value", DATA_UP "K4,40005,4", DATA_UP "K4,40004,4"},
    {"buffer-readable-in-receive", UP "b4,1,1000", UP "b4,0,1000"},
    {"buffer-readable-in-receive", UP "b2,8,0", UP "b2,0,8"},
    {"buffer-writable-in-transmit", PORT "b5,8,1", PORT "b5,8,0"},
    {"control-buffer-small", UP "b2,0,7", UP "b2,0,8"},
    {"control-before-driver-ok", SETTLED SET_UP ENABLE READY, UP READY},
    {"control-before-driver-ok", SETTLED SET_UP ENABLE "m0,0,0,8",
     UP "m0,0,0,8"},
    {"control-short", UP "m0,0,1,7", UP "m0,0,1,8"},
    {"control-wrong-direction", TALKING "m1,1,1,8", TALKING ADD1 PORT_READY1},
    {"control-wrong-direction", TALKING "m1,ffff,0,8", TALKING},
    {"control-value", PORT "m1,6,2,8", PORT "m1,6,1,8"},
    {"control-no-such-port", TALKING "m2,3,1,8", TALKING ADD1 PORT_READY1},
    {"control-no-such-port", TALKING "mffffffff,6,1,8", UP "mffffffff,0,1,8"},
    {"control-before-device-ready", UP PORT_READY1, UP READY ADD1 PORT_READY1},
    {"control-before-device-ready", UP OPEN1, PORT OPEN1},
    /* An answer to what the device said too early is the device's fault. */
    {"control-before-device-ready", PORT RESET UP PORT_READY1 READY,
     UP ADD1 PORT_READY1 READY},
    /* Back from sleep, which may reset the machine. */
    {"control-before-device-ready", PORT RESET UP PORT_READY1 OPEN1 READY,
     PORT OPEN1 "W R " UP PORT_READY1 OPEN1 "k5 b5,8,0 " CLOSE1},
    /* It knows nothing after a reboot, nor after one that it slept through. */
    {"control-before-device-ready", PORT "R " UP PORT_READY1,
     PORT "W R R " UP PORT_READY1},
    {"control-before-device-ready", PORT "W R " UP "R " UP PORT_READY1,
     PORT "W R " UP RESET UP PORT_READY1},
    {"device-ready-twice", TALKING READY, TALKING "R " TALKING},
    {"device-ready-twice", TALKING "m5,0,1,8", UP "m0,0,0,8 " READY},
    {"port-ready-unasked", TALKING PORT_READY1, TALKING ADD1 PORT_READY1},
    {"port-ready-unasked", PORT RESET TALKING PORT_READY1,
     PORT RESET TALKING ADD1 PORT_READY1},
    {"port-ready-twice", PORT PORT_READY1, PORT ADD1 PORT_READY1},
    {"port-ready-twice", PORT RESET UP PORT_READY1 PORT_READY1,
     PORT RESET UP PORT_READY1 ADD1 PORT_READY1},
    {"port-open-unasked", TALKING OPEN1, PORT OPEN1},
    {"port-open-unasked", TALKING CLOSE1, PORT CLOSE1},
    {"port-open-unasked", PORT RESET TALKING OPEN1,
     PORT RESET TALKING ADD1 PORT_READY1 OPEN1},
    {"port-open-before-ready", TALKING ADD1 OPEN1 OPEN1,
     TALKING ADD1 PORT_READY1 OPEN1},
    {"port-open-before-ready", TALKING ADD1 OPEN1 CLOSE1 OPEN1 OPEN1,
     TALKING ADD1 OPEN1 CLOSE1 OPEN1 PORT_READY1 CLOSE1},
    {"port-open-before-ready", TALKING ADD1 NOT_READY1 OPEN1, PORT OPEN1},
    /* It may be the answer to another PORT_ADD that is under way. */
    {"port-open-before-ready", TALKING ADD1 ADD1 NOT_READY1 NOT_READY1 OPEN1,
     TALKING ADD1 ADD1 NOT_READY1 OPEN1 PORT_READY1},
    {"port-open-before-ready", TALKING ADD1 ADD1 NOT_READY1 OPEN1 OPEN1,
     TALKING ADD1 OPEN1 NOT_READY1 ADD1 OPEN1 PORT_READY1},
    /* It says nothing when a port goes; back from sleep it opens its own. */
    {"port-open-before-ready", PORT OPEN1 RESET UP OPEN1 OPEN1,
     PORT OPEN1 RESET UP PORT_READY1 OPEN1},
    /* PORT_READY does not close what was opened before it, of a first port. */
    {"port-open-twice", TALKING ADD1 OPEN1 PORT_READY1 OPEN1,
     TALKING ADD1 OPEN1 CLOSE1 PORT_READY1 OPEN1},
    {"port-open-twice", TALKING ADD1 OPEN1 PORT_READY1 CONSOLE1 OPEN1 OPEN1,
     TALKING ADD1 OPEN1 PORT_READY1 CONSOLE1 OPEN1},
    {"port-open-twice", PORT RESET UP OPEN1 PORT_READY1 OPEN1,
     PORT RESET UP OPEN1 PORT_READY1 CLOSE1 OPEN1},
    /* Of the next one, if it is known to be that: the third says so at once. */
    {"port-open-twice", PORT REMOVE1 ADD1 OPEN1 OPEN1 OPEN1 CLOSE1 PORT_READY1,
     PORT REMOVE1 ADD1 OPEN1 OPEN1 CLOSE1 OPEN1 CLOSE1 PORT_READY1},
    {"port-open-twice", PORT OPEN1 REMOVE1 ADD1 OPEN1 OPEN1,
     PORT OPEN1 REMOVE1 ADD1 OPEN1 CLOSE1 OPEN1},
    {"port-open-twice", PORT OPEN1 REMOVE1 ADD1 OPEN1 PORT_READY1 OPEN1,
     PORT REMOVE1 ADD1 OPEN1 PORT_READY1 OPEN1},
    {"port-open-twice", PORT OPEN1 REMOVE1 OPEN1,
     PORT OPEN1 REMOVE1 ADD1 OPEN1 "t1,2 " ADD1 PORT_READY1 OPEN1 PORT_READY1},
    /* Each of several that wait for PORT_READY, but none that never went. */
    {"port-open-twice",
     PORT OPEN1 REMOVE1 ADD1 REMOVE1 ADD1 OPEN1 PORT_READY1 OPEN1 OPEN1,
     PORT OPEN1 REMOVE1 ADD1 REMOVE1 ADD1 OPEN1 PORT_READY1 OPEN1 CLOSE1 OPEN1},
    {"port-open-twice", TALKING ADD1 ADD1 PORT_READY1 OPEN1 OPEN1,
     TALKING ADD1 ADD1 PORT_READY1 OPEN1 PORT_READY1},
    {"port-open-twice", TALKING ADD1 ADD1 PORT_READY1 OPEN1 PORT_READY1 OPEN1,
     TALKING ADD1 ADD1 REMOVE1 ADD1 PORT_READY1 OPEN1 PORT_READY1 OPEN1},
    /* The answer to CONSOLE_PORT, and the next port, in either order */
    {"port-open-twice",
     PORT OPEN1 CONSOLE1 REMOVE1 ADD1 OPEN1 OPEN1 OPEN1 OPEN1,
     PORT OPEN1 CONSOLE1 "t0,1 " REMOVE1 ADD1 OPEN1
                         "m0,3,1,8 " OPEN1 PORT_READY1},
    {"port-open-twice", PORT OPEN1 CONSOLE1 READ_ALL REMOVE1 ADD1 OPEN1 OPEN1,
     PORT OPEN1 REMOVE1 ADD1 CONSOLE1 OPEN1 PORT_READY1 CLOSE1 OPEN1 OPEN1},
    {"port-open-twice", PORT OPEN1 OPEN1, PORT OPEN1 CLOSE1 OPEN1},
    {"port-open-twice", PORT OPEN1 CLOSE1 OPEN1 OPEN1,
     PORT OPEN1 "t1,2 " ADD1 PORT_READY1 OPEN1},
    /* The second answers CONSOLE_PORT, if it may still be under way. */
    {"port-open-twice", PORT CONSOLE1 OPEN1 OPEN1 OPEN1,
     PORT CONSOLE1 OPEN1 OPEN1},
    {"port-open-twice", PORT CONSOLE1 READ_ALL OPEN1 OPEN1,
     PORT READ_ALL CONSOLE1 OPEN1 OPEN1},
    /* Told amid a removal it is taken for the new one, but once only. */
    {"port-open-twice",
     PORT "t1,2 " ADD1 CONSOLE1 PORT_READY1 OPEN1 OPEN1 OPEN1,
     PORT "t1,2 " ADD1 CONSOLE1 PORT_READY1 OPEN1 OPEN1},
    {"port-open-twice", PORT CONSOLE1 "t1,2 " ADD1 PORT_READY1 OPEN1 OPEN1,
     PORT CONSOLE1 "t1,2 " ADD1 ADD1 PORT_READY1 OPEN1 OPEN1},
    {"console-port-not-opened", PORT CONSOLE1 READ_ALL CLOSE1,
     PORT CONSOLE1 READ_ALL OPEN1 CLOSE1},
    /* It may not have read it yet; an answer to an older message tells nothing.
     */
    {"console-port-not-opened", PORT CONSOLE1 CLOSE1 READ_ALL CLOSE1,
     PORT "t0,1 " CONSOLE1 "m0,3,1,8 k2 b2,0,8 " CLOSE1},
    {"console-port-not-opened", PORT CONSOLE1 READ_ALL CONSOLE1 READ_ALL CLOSE1,
     PORT "t0,1 " CONSOLE1 "t0,1 m0,3,1,8 " CLOSE1},
    /* Nor does one that may have overtaken it. */
    {"console-port-not-opened",
     PORT CONSOLE1 "t0,1,10001 " READ_ALL "m0,3,1,8 " CLOSE1,
     PORT CONSOLE1 "t0,1,10001 m0,3,1,8 " CLOSE1},
    /* A program was quicker: that is an answer, whatever it does then. */
    {"console-port-not-opened", PORT CONSOLE1 READ_ALL CLOSE1 OPEN1 CLOSE1,
     PORT OPEN1 CONSOLE1 READ_ALL CLOSE1 OPEN1 CLOSE1},
    {"console-port-not-opened", PORT CONSOLE1 READ_ALL "b5,8,0 " CLOSE1,
     PORT CONSOLE1 READ_ALL "t1,2 " CLOSE1},
    {"console-port-not-opened",
     PORT CONSOLE1 RESET TALKING ADD1 PORT_READY1 CONSOLE1 READ_ALL CLOSE1,
     PORT CONSOLE1 ADD1 PORT_READY1 READ_ALL CLOSE1},
    {"transmit-before-device-ready", UP "b5,8,0", TALKING ADD1 "k5 b5,8,0"},
    {"transmit-before-device-ready", UP "k1 b1,8,0",
     DRIVER "f100000000 wb r " QUEUE("0") QUEUE("1") "e0,1 e1,1 wf k1 b1,8,0"},
    {"transmit-before-device-ready", PORT "R " UP "b5,8,0",
     PORT "W R " UP "b5,8,0"},
    {"transmit-before-device-ready", PORT RESET UP "b5,8,0 b5,8,0 " READY,
     PORT RESET UP ADD1 "b5,8,0 " READY},
    {"transmit-unknown-port", TALKING "k5 b5,8,0", PORT "k5 b5,8,0"},
    {"transmit-unknown-port", PORT RESET TALKING "b5,8,0",
     PORT RESET TALKING ADD1 "b5,8,0"},
};

static const OrderingRule *rule_named(const char *name)
{
    size_t n;
    const OrderingRule *rules = ordering_rules(&n);

    for (size_t i = 0; i < n; i++) {
        if (!strcmp(rules[i].name, name)) {
            return &rules[i];
        }
    }
    g_error("no rule '%s'", name);
}

static void each_rule_is_broken_once_and_kept_once(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OrderingRule *rule = rule_named(rows[i].rule);
        Seen *bad = seen_new(), *good = seen_new();

        seen_show(bad, rows[i].bad);
        seen_show(good, rows[i].good);
        g_test_message("row %zu, '%s': %u, last '%s' (%s); '%s': %u, last '%s'",
                       i, rows[i].bad, bad->found,
                       bad->found ? bad->last.rule->name : "", bad->last.seen,
                       rows[i].good, good->found,
                       good->found ? good->last.rule->name : "");
        g_assert_cmpuint(bad->found, ==, 1);
        g_assert_true(bad->last.rule == rule);
        g_assert_cmpuint(bad->last.count, ==, 1);
        g_assert_cmpuint(ordering_count(bad->judge, rule), ==, 1);
        g_assert_cmpuint(ordering_total(bad->judge), ==, 1);
        g_assert_cmpstr(bad->last.seen, !=, "");
        g_assert_cmpuint(good->found, ==, 0);
        g_assert_cmpuint(ordering_total(good->judge), ==, 0);
        seen_free(bad);
        seen_free(good);
    }
}

static void each_rule_has_a_row_and_a_text(void)
{
    size_t n;
    const OrderingRule *rules = ordering_rules(&n);

    for (size_t i = 0; i < n; i++) {
        unsigned found = 0;

        for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
            found += !strcmp(rows[k].rule, rules[i].name);
        }
        g_test_message("%s", rules[i].name);
        g_assert_cmpuint(found, >, 0);
        g_assert_true(g_str_has_suffix(rules[i].text, "."));
        g_assert_true(g_ascii_isdigit(*rules[i].section));
        g_assert_true(rule_named(rules[i].name) == &rules[i]);
    }
    g_assert_cmpstr(ordering_severity_name(ORDERING_MUST), ==, "must");
    g_assert_cmpstr(ordering_severity_name(ORDERING_SHOULD), ==, "should");
    g_assert_cmpstr(ordering_severity_name(ORDERING_SUSPECT), ==, "suspect");
}

static void violation_says_port_time_and_event(void)
{
    Seen *seen = seen_new();

    seen_show(seen, UP "b5,8,0");
    g_assert_cmpuint(seen->found, ==, 1);
    g_assert_cmpuint(seen->last.port, ==, 1);
    g_assert_cmpint(seen->last.event.kind, ==, ORDERING_BUFFER);
    g_assert_cmpuint(seen->last.event.queue, ==, 5);
    g_assert_cmpint(seen->last.at_ns, >, 0);
    g_assert_cmpstr(seen->last.seen, ==,
                    "8 bytes of port 1, DEVICE_READY not sent");
    seen_show(seen, "b5,8,0");
    g_assert_cmpuint(seen->last.count, ==, 2);
    g_assert_cmpuint(ordering_total(seen->judge), ==, 2);
    ordering_reset_counts(seen->judge);
    g_assert_cmpuint(ordering_total(seen->judge), ==, 0);
    seen_show(seen, "b5,8,0");
    g_assert_cmpuint(seen->last.count, ==, 1);
    seen_free(seen);
}

static void refused_features_are_settled_by_no_one(void)
{
    Seen *seen = seen_new();

    seen_show(seen, DRIVER "f100000002 wb");
    seen->status = 3; /* the device did not take FEATURES_OK */
    seen_show(seen, "r f100000000");
    g_assert_cmpuint(seen->found, ==, 0);
    seen_free(seen);
}

/* More than 16 bits could count; each life of the port is judged alike. */
static void port_lives_are_not_numbered(void)
{
    Seen *seen = seen_new();

    seen_show(seen, TALKING);
    for (unsigned i = 0; i < 66000; i++) {
        seen_show(seen, ADD1 PORT_READY1 OPEN1 CLOSE1 REMOVE1);
    }
    g_assert_cmpuint(seen->found, ==, 0);
    seen_show(seen, ADD1 PORT_READY1 OPEN1 CONSOLE1 READ_ALL OPEN1);
    g_assert_cmpuint(seen->found, ==, 1);
    g_assert_cmpstr(seen->last.rule->name, ==, "port-open-twice");
    seen_show(seen, PORT_READY1);
    g_assert_cmpuint(seen->found, ==, 2);
    g_assert_cmpstr(seen->last.rule->name, ==, "port-ready-twice");
    seen_free(seen);
}

/* As many announcements as could wait for an answer get one. */
static void many_announcements_are_all_answered(void)
{
    Seen *seen = seen_new();

    seen_show(seen, TALKING);
    for (unsigned i = 0; i < 66000; i++) {
        seen_show(seen, ADD1);
    }
    for (unsigned i = 0; i < 66000; i++) {
        seen_show(seen, PORT_READY1);
    }
    g_assert_cmpuint(seen->found, ==, 0);
    seen_show(seen, PORT_READY1);
    g_assert_cmpuint(seen->found, ==, 1);
    seen_free(seen);
}

static void hibernation_is_reported_as_a_new_driver(void)
{
    static const struct {
        const char *rule;
        uint64_t count;
    } want[] = {
        {"features-not-read", 1},
        {"control-before-device-ready", 2},
        {"transmit-before-device-ready", 1},
    };
    Seen *seen = seen_new();
    uint64_t total = 0;

    seen_show(seen, PORT OPEN1 RESET "R " RESET "w1 w3 f100000002 wb r ");
    seen_show(seen, SET_UP ENABLE "wf k2 " PORT_READY1 OPEN1 "k5 b5,8,0 ");
    for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
        g_assert_cmpuint(ordering_count(seen->judge, rule_named(want[i].rule)),
                         ==, want[i].count);
        total += want[i].count;
    }
    g_assert_cmpuint(ordering_total(seen->judge), ==, total);
    seen_free(seen);
}

static void queues_belong_to_ports(void)
{
    static const unsigned want[] = {
        0, 0, ORDERING_NO_PORT, ORDERING_NO_PORT, 1, 1, 2, 2};

    for (unsigned i = 0; i < G_N_ELEMENTS(want); i++) {
        g_assert_cmpuint(ordering_queue_port(i), ==, want[i]);
    }
}

/* Cut every sequence at every word: the rest is judged the same elsewhere. */
static void state_migrates(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (const char *at = strchr(rows[i].bad, ' '); at;
             at = strchr(at + 1, ' ')) {
            g_autofree char *head =
                g_strndup(rows[i].bad, (gsize)(at - rows[i].bad));
            Seen *from = seen_new(), *to = seen_new();
            g_autoptr(GError) error = NULL;
            g_autoptr(GByteArray) bytes = NULL;
            StateWriter *w = state_writer_new();
            StateReader *r;

            seen_show(from, head);
            ordering_save(from->judge, w);
            bytes = state_writer_finish(w);
            r = state_reader_new(bytes->data, bytes->len);
            ordering_load(to->judge, r);
            g_assert_true(state_reader_finish(r, &error));
            g_assert_no_error(error);
            to->status = from->status;
            to->legacy = from->legacy;
            if (from->offers) {
                ordering_offer(to->judge, from->offers);
            }
            seen_show(to, at);
            g_assert_cmpuint(ordering_total(to->judge), ==, 1);
            g_assert_cmpuint(
                ordering_count(to->judge, rule_named(rows[i].rule)), ==, 1);
            seen_free(from);
            seen_free(to);
        }
    }
}

static void damaged_state_leaves_a_new_judge(void)
{
    Seen *from = seen_new();
    g_autoptr(GByteArray) bytes = NULL;
    StateWriter *w = state_writer_new();

    seen_show(from, PORT OPEN1 "b5,8,0 k6");
    ordering_save(from->judge, w);
    bytes = state_writer_finish(w);
    for (guint len = 0; len < bytes->len; len++) {
        Seen *to = seen_new();
        g_autoptr(GError) error = NULL;
        StateReader *r = state_reader_new(bytes->data, len);

        seen_show(to, "w1");
        ordering_load(to->judge, r);
        g_assert_false(state_reader_finish(r, &error));
        g_assert_cmpuint(ordering_total(to->judge), ==, 0);
        seen_show(to, "w0 r w1");
        g_assert_cmpuint(ordering_total(to->judge), ==, 0);
        seen_free(to);
    }
    seen_free(from);
}

static void state_of_other_ports_is_refused(void)
{
    Seen *seen = seen_new();
    OrderingJudge *other =
        ordering_new(ORDERING_WORDS_PORTS + 1, seen_found, seen);
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) bytes = NULL;
    StateWriter *w = state_writer_new();
    StateReader *r;

    ordering_save(other, w);
    bytes = state_writer_finish(w);
    r = state_reader_new(bytes->data, bytes->len);
    ordering_load(seen->judge, r);
    g_assert_false(state_reader_finish(r, &error));
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, "judged ports"));
    ordering_free(other);
    seen_free(seen);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ordering/each_rule_is_broken_once_and_kept_once",
                    each_rule_is_broken_once_and_kept_once);
    g_test_add_func("/ordering/each_rule_has_a_row_and_a_text",
                    each_rule_has_a_row_and_a_text);
    g_test_add_func("/ordering/violation_says_port_time_and_event",
                    violation_says_port_time_and_event);
    g_test_add_func("/ordering/refused_features_are_settled_by_no_one",
                    refused_features_are_settled_by_no_one);
    g_test_add_func("/ordering/port_lives_are_not_numbered",
                    port_lives_are_not_numbered);
    g_test_add_func("/ordering/many_announcements_are_all_answered",
                    many_announcements_are_all_answered);
    g_test_add_func("/ordering/hibernation_is_reported_as_a_new_driver",
                    hibernation_is_reported_as_a_new_driver);
    g_test_add_func("/ordering/queues_belong_to_ports", queues_belong_to_ports);
    g_test_add_func("/ordering/state_migrates", state_migrates);
    g_test_add_func("/ordering/damaged_state_leaves_a_new_judge",
                    damaged_state_leaves_a_new_judge);
    g_test_add_func("/ordering/state_of_other_ports_is_refused",
                    state_of_other_ports_is_refused);
    return g_test_run();
}
