/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ordering judge: status, features, configuration and queues. */
#include "hw/virtio/ordering-internal.h"

#include <assert.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <stdarg.h>
#include <string.h>

#define BIT_ULL(n) (1ull << (n))

enum {
    CONTROL_IN = 2,
    CONTROL_OUT = 3,
};

void ordering_report(OrderingJudge *j, OrderingRuleId rule,
                     const OrderingEvent *event, unsigned port, const char *fmt,
                     ...)
{
    OrderingViolation v = {
        .rule = &ordering_table[rule],
        .event = *event,
        .port = port < j->max_ports ? port : ORDERING_NO_PORT,
        .at_ns = j->now_ns,
        .count = ++j->counts[rule],
    };
    va_list args;

    va_start(args, fmt);
    g_vsnprintf(v.seen, sizeof(v.seen), fmt, args);
    va_end(args);
    j->found(j->opaque, &v);
}

bool ordering_has(const OrderingJudge *j, unsigned bit)
{
    return j->features & BIT_ULL(bit);
}

unsigned ordering_queue_port(unsigned queue)
{
    if (queue < CONTROL_IN) {
        return 0;
    }
    return queue <= CONTROL_OUT ? ORDERING_NO_PORT : queue / 2 - 1;
}

/* Life and death */

static void new_life(OrderingJudge *j)
{
    bool ran = j->ran || (j->status & VIRTIO_CONFIG_S_DRIVER_OK);

    for (unsigned i = 0; i < j->max_ports; i++) {
        j->ports[i] = (JudgePort){.known = j->ports[i].known};
    }
    memset(j->queues, 0, j->nr_queues * sizeof(*j->queues));
    j->status = 0;
    j->ran = ran;
    j->features_read = false;
    j->early_queue = false;
    j->vector_unread = false;
    j->modern = false;
    j->device_ready = false;
    j->restoring = false;
    j->wrote = false;
    j->features = 0;
    j->offered = 0;
    j->told = 0;
    j->read = 0;
}

/* No driver is there that could know a port, or what the device offers. */
static void forget_device(OrderingJudge *j)
{
    j->features_0_read = j->features_32_read = false;
    for (unsigned i = 0; i < j->max_ports; i++) {
        j->ports[i].known = false;
    }
}

static void see_reset(OrderingJudge *j, bool by_driver)
{
    new_life(j);
    j->reset_first = by_driver;
    j->reset_read = !by_driver;
    if (!by_driver) {
        j->ran = false;
        if (!j->waking) {
            forget_device(j);
        }
    }
}

static void see_wake(OrderingJudge *j, const OrderingEvent *e G_GNUC_UNUSED)
{
    j->waking = true;
}

/*
 * DEVIATION: what a driver does in the status it has just reset the device to,
 * having run it before, is not reported.  Linux takes its buffers back then
 * (virtcons_freeze), and kicks while it does.
 */
bool ordering_is_aftermath(const OrderingJudge *j)
{
    return !j->status && j->ran;
}

/* Status */

static void see_features_ok(OrderingJudge *j, const OrderingEvent *e)
{
    if (!(e->value & VIRTIO_CONFIG_S_DRIVER)) {
        ordering_report(j, RULE_FEATURES_OK_BEFORE_DRIVER, e, ORDERING_NO_PORT,
                        "status 0x%02x written", (unsigned)e->value);
    }
    if ((j->offered & ~j->features) & BIT_ULL(VIRTIO_F_VERSION_1)) {
        ordering_report(j, RULE_VERSION_1_REFUSED, e, ORDERING_NO_PORT,
                        "features 0x%llx accepted of 0x%llx",
                        (unsigned long long)j->features,
                        (unsigned long long)j->offered);
    }
    j->features_read = false;
    j->modern = true;
}

static void see_driver_ok(OrderingJudge *j, const OrderingEvent *e)
{
    unsigned value = (unsigned)e->value;

    if (!(value & VIRTIO_CONFIG_S_DRIVER)) {
        ordering_report(j, RULE_DRIVER_OK_BEFORE_DRIVER, e, ORDERING_NO_PORT,
                        "status 0x%02x written", value);
    } else if (value & VIRTIO_CONFIG_S_FEATURES_OK) {
        if (!j->features_read) {
            ordering_report(j, RULE_FEATURES_OK_NOT_READ, e, ORDERING_NO_PORT,
                            "status 0x%02x written, not read since FEATURES_OK",
                            value);
        }
    } else if (j->modern || ordering_has(j, VIRTIO_F_VERSION_1)) {
        ordering_report(j, RULE_DRIVER_OK_WITHOUT_FEATURES_OK, e,
                        ORDERING_NO_PORT, "status 0x%02x written", value);
    }
}

/* The first bits since a reset */
static void see_start(OrderingJudge *j, const OrderingEvent *e)
{
    if (!j->reset_first) {
        ordering_report(j, RULE_NO_RESET_FIRST, e, ORDERING_NO_PORT,
                        "status 0x%02x written, never 0", (unsigned)e->value);
        j->reset_first = true; /* once a life of the machine */
    } else if (!j->reset_read && !j->legacy) {
        ordering_report(j, RULE_RESET_NOT_AWAITED, e, ORDERING_NO_PORT,
                        "status 0x%02x written, not read since the reset",
                        (unsigned)e->value);
    }
    j->reset_read = true;
    j->ran = false;
    j->waking = false;
}

static void see_new_bits(OrderingJudge *j, const OrderingEvent *e, uint8_t new)
{
    unsigned value = (unsigned)e->value;

    if ((j->status & VIRTIO_CONFIG_S_FAILED) && new) {
        ordering_report(j, RULE_STATUS_AFTER_FAILED, e, ORDERING_NO_PORT,
                        "status 0x%02x written over 0x%02x", value, j->status);
    }
    if ((new &VIRTIO_CONFIG_S_DRIVER) &&
        !(value & VIRTIO_CONFIG_S_ACKNOWLEDGE)) {
        ordering_report(j, RULE_DRIVER_BEFORE_ACKNOWLEDGE, e, ORDERING_NO_PORT,
                        "status 0x%02x written", value);
    }
    if (new &VIRTIO_CONFIG_S_FEATURES_OK) {
        see_features_ok(j, e);
    }
    if (new &VIRTIO_CONFIG_S_DRIVER_OK) {
        see_driver_ok(j, e);
        ordering_vectors_due(j, e, 0, ORDERING_NO_QUEUE);
    }
}

static void see_status(OrderingJudge *j, const OrderingEvent *e)
{
    uint8_t value = (uint8_t)e->value, old = (uint8_t)e->old;
    uint8_t unknown = value & ~old & ~STATUS_DRIVER;
    uint8_t cleared = old & ~value & STATUS_DRIVER;

    if (!value) {
        see_reset(j, true);
        return;
    }
    j->status = old & STATUS_DRIVER;
    if (!j->status) {
        see_start(j, e);
    }
    if (unknown) {
        ordering_report(j, RULE_STATUS_UNKNOWN_BIT, e, ORDERING_NO_PORT,
                        "status 0x%02x written over 0x%02x", value, old);
    }
    if (cleared) {
        ordering_report(j, RULE_STATUS_BIT_CLEARED, e, ORDERING_NO_PORT,
                        "status 0x%02x written over 0x%02x", value, old);
    }
    if (value == old && (value & VIRTIO_CONFIG_S_DRIVER_OK)) {
        ordering_report(j, RULE_DRIVER_OK_AGAIN, e, ORDERING_NO_PORT,
                        "status 0x%02x written again", value);
    }
    see_new_bits(j, e, value & ~old & STATUS_DRIVER);
    j->status = value & STATUS_DRIVER;
}

static void see_status_read(OrderingJudge *j, const OrderingEvent *e)
{
    if (!e->value) {
        j->reset_read = true;
    }
    if (j->status & VIRTIO_CONFIG_S_FEATURES_OK) {
        j->features_read = true;
    }
    /* The device may have refused FEATURES_OK. */
    j->status = e->value & STATUS_DRIVER;
}

/* Notifications and buffers */

static void see_notify(OrderingJudge *j, const OrderingEvent *e)
{
    unsigned port = ordering_queue_port(e->queue);

    if (!(j->status & VIRTIO_CONFIG_S_DRIVER_OK)) {
        if (!ordering_is_aftermath(j)) {
            ordering_report(j,
                            j->legacy ? RULE_LEGACY_KICK_BEFORE_DRIVER_OK
                                      : RULE_KICK_BEFORE_DRIVER_OK,
                            e, port, "queue %u kicked in status 0x%02x",
                            e->queue, j->status);
        }
        return;
    }
    if (!ordering_queue_is_there(j, e)) {
        return;
    }
    ordering_vectors_due(j, e, e->queue, e->queue + 1);
    if (!(j->queues[e->queue] & QUEUE_ENABLED)) {
        ordering_report(j, RULE_KICK_QUEUE_NOT_ENABLED, e, port,
                        "queue %u kicked", e->queue);
    }
}

/*
 * A buffer from a port that the driver cannot know yet.  A kick would say less:
 * QEMU makes one for each queue when it begins to listen to them.
 */
static void see_transmit(OrderingJudge *j, const OrderingEvent *e)
{
    unsigned port = ordering_queue_port(e->queue);
    const JudgePort *p = &j->ports[port];

    if (p->announced) {
        return;
    }
    if (!j->device_ready && p->known) {
        j->wrote = true; /* back from sleep, if DEVICE_READY does not follow */
    } else if (!j->device_ready) {
        ordering_report(j, RULE_TRANSMIT_BEFORE_DEVICE_READY, e, port,
                        "%llu bytes of port %u, DEVICE_READY not sent",
                        (unsigned long long)e->value, port);
    } else {
        ordering_report(j, RULE_TRANSMIT_UNKNOWN_PORT, e, port,
                        "%llu bytes of port %u, not announced",
                        (unsigned long long)e->value, port);
    }
}

static void see_buffer(OrderingJudge *j, const OrderingEvent *e)
{
    unsigned port = ordering_queue_port(e->queue);

    if (e->queue & 1) {
        if (e->old) {
            ordering_report(j, RULE_BUFFER_WRITABLE_IN_TRANSMIT, e, port,
                            "queue %u: %llu bytes to write", e->queue,
                            (unsigned long long)e->old);
        }
        if (port < j->max_ports &&
            ordering_has(j, VIRTIO_CONSOLE_F_MULTIPORT)) {
            see_transmit(j, e);
        }
        return;
    }
    if (e->value) {
        ordering_report(j, RULE_BUFFER_READABLE_IN_RECEIVE, e, port,
                        "queue %u: %llu bytes to read", e->queue,
                        (unsigned long long)e->value);
    } else if (e->queue == CONTROL_IN &&
               e->old < sizeof(struct virtio_console_control)) {
        ordering_report(j, RULE_CONTROL_BUFFER_SMALL, e, port, "%llu bytes",
                        (unsigned long long)e->old);
    }
}

/* All of them */

void ordering_see(OrderingJudge *j, int64_t now_ns, const OrderingEvent *event)
{
    static OrderingSee *const see[ORDERING_EVENT__MAX] = {
        [ORDERING_STATUS] = see_status,
        [ORDERING_STATUS_READ] = see_status_read,
        [ORDERING_WAKE] = see_wake,
        [ORDERING_FEATURES] = ordering_features,
        [ORDERING_FEATURES_READ] = ordering_features_read,
        [ORDERING_CONFIG_READ] = ordering_config_read,
        [ORDERING_CONFIG_WRITE] = ordering_config_write,
        [ORDERING_QUEUE_SET] = ordering_queue_set,
        [ORDERING_QUEUE_ENABLE] = ordering_queue_enable,
        [ORDERING_QUEUE_RESET] = ordering_queue_reset,
        [ORDERING_QUEUE_RESET_READ] = ordering_queue_reset_read,
        [ORDERING_VECTOR_SET] = ordering_vector_set,
        [ORDERING_VECTOR_READ] = ordering_vector_read,
        [ORDERING_REGISTER_READ] = ordering_register_read,
        [ORDERING_REGISTER_WRITE] = ordering_register_write,
        [ORDERING_KICK] = ordering_kick,
        [ORDERING_NOTIFY] = see_notify,
        [ORDERING_BUFFER] = see_buffer,
        [ORDERING_CONTROL_RX] = ordering_control_rx,
        [ORDERING_CONTROL_TX] = ordering_control_tx,
    };

    j->now_ns = now_ns;
    j->legacy = event->legacy;
    if (event->kind == ORDERING_RESET) {
        see_reset(j, event->value);
    } else if (see[event->kind]) {
        see[event->kind](j, event);
    }
}

OrderingJudge *ordering_new(unsigned max_ports, OrderingFound *found,
                            void *opaque)
{
    OrderingJudge *j = g_new0(OrderingJudge, 1);

    assert(max_ports >= 1 && max_ports <= ORDERING_MAX_PORTS);
    j->max_ports = max_ports;
    j->nr_queues = 2 * (max_ports + 1);
    j->found = found;
    j->opaque = opaque;
    j->queues = g_new0(uint16_t, j->nr_queues);
    j->ports = g_new0(JudgePort, max_ports);
    j->reset_read = true;
    j->offers = UINT64_MAX;
    return j;
}

void ordering_offer(OrderingJudge *j, uint64_t features)
{
    j->offers = features;
}

void ordering_free(OrderingJudge *j)
{
    if (j) {
        g_free(j->queues);
        g_free(j->ports);
        g_free(j);
    }
}

uint64_t ordering_count(const OrderingJudge *j, const OrderingRule *rule)
{
    return j->counts[rule - ordering_table];
}

uint64_t ordering_total(const OrderingJudge *j)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < RULE__MAX; i++) {
        total += j->counts[i];
    }
    return total;
}

void ordering_reset_counts(OrderingJudge *j)
{
    memset(j->counts, 0, sizeof(j->counts));
}
