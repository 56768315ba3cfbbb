/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multiport virtio console device: its life, its status, which queue is
 * whose, its configuration.
 */
#include "hw/virtio/serial-mq-provoke.h"
#include "hw/virtio/serial-mq-registers.h"

#include <assert.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <string.h>

static void serial_mq_work(void *opaque);

static void serial_mq_found(void *opaque, const OrderingViolation *violation)
{
    SerialMq *s = opaque;
    size_t n;

    serial_mq_trace(s, HOST_TRACE_serial_violation,
                    violation->rule - ordering_rules(&n), violation->port,
                    violation->count, violation->at_ns);
    s->ops->violation(s->t, violation);
    if (s->cfg.ordering == SERIAL_MQ_ENFORCE && !s->refused &&
        violation->rule->severity == ORDERING_MUST) {
        s->refused = true;
        s->ops->needs_reset(s->t, violation->rule->name);
    }
}

SerialMq *serial_mq_new(const SerialMqConfig *cfg, Host *host,
                        const SerialMqOps *ops, void *t)
{
    SerialMq *s = g_new0(SerialMq, 1);

    assert(cfg->max_ports > 0 && cfg->max_ports <= SERIAL_MQ_MAX_PORTS);
    s->cfg = *cfg;
    s->host = host;
    s->ops = ops;
    s->t = t;
    s->ports = g_new0(SerialMqPort *, cfg->max_ports);
    s->hold = g_malloc0((serial_mq_nr_queues(s) + 7) / 8);
    s->work = g_malloc0((serial_mq_nr_queues(s) + 7) / 8);
    g_queue_init(&s->waiting);
    g_queue_init(&s->held);
    s->timer = host->ops->timer_new(host, serial_mq_work, s);
    s->span_timer = host->ops->timer_new(host, serial_mq_span_over, s);
    if (cfg->ordering != SERIAL_MQ_STOCK) {
        s->judge = ordering_new(cfg->max_ports, serial_mq_found, s);
        ordering_offer(s->judge, serial_mq_offered(s));
    }
    return s;
}

void serial_mq_free(SerialMq *s)
{
    serial_mq_free_messages(&s->waiting);
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        if (s->ports[i]) {
            serial_mq_detach_output(s, s->ports[i]);
            serial_mq_drop_kept(s->ports[i]);
            g_free(s->ports[i]->name);
            g_free(s->ports[i]);
        }
    }
    serial_mq_drop_held(s, SERIAL_MQ_NO_QUEUE);
    s->host->ops->timer_free(s->host, s->timer);
    s->host->ops->timer_free(s->host, s->span_timer);
    if (s->moderator) {
        s->host->ops->timer_free(s->host, s->moderator);
        s->host->ops->timer_free(s->host, s->refiller);
    }
    if (s->judge) {
        ordering_free(s->judge);
    }
    provoke_free(s->provoker);
    g_free(s->ports);
    g_free(s->hold);
    g_free(s->work);
    g_free(s);
}

unsigned serial_mq_nr_queues(const SerialMq *s)
{
    return 2 * s->cfg.max_ports + 2;
}

uint64_t serial_mq_offered(const SerialMq *s)
{
    uint64_t features = 0;

    if (s->cfg.size) {
        features |= 1ull << VIRTIO_CONSOLE_F_SIZE;
    }
    if (s->cfg.max_ports > 1) {
        features |= 1ull << VIRTIO_CONSOLE_F_MULTIPORT;
    }
    if (s->cfg.emerg_write) {
        features |= 1ull << VIRTIO_CONSOLE_F_EMERG_WRITE;
    }
    return features;
}

OrderingJudge *serial_mq_judge(SerialMq *s)
{
    return s->judge;
}

void serial_mq_see(SerialMq *s, OrderingEventKind kind, unsigned queue,
                   unsigned port, uint64_t value, uint64_t old)
{
    if (s->judge) {
        OrderingEvent event = {kind, queue, port, value, old, s->legacy};

        ordering_see(s->judge, s->host->ops->now_ns(s->host), &event);
    }
}

/*
 * DEVIATION: before DRIVER_OK queues are served all the same, as by
 * virtio-serial-pci, unless the rules are enforced (virtio 1.3, 2.1.2: the
 * device must not consume buffers before DRIVER_OK) and the driver uses the
 * modern interface (3.1.2: a transitional device has to serve a legacy driver
 * before DRIVER_OK).
 */
bool serial_mq_serves(const SerialMq *s)
{
    return !s->refused && (s->cfg.ordering != SERIAL_MQ_ENFORCE ||
                           s->status & VIRTIO_CONFIG_S_DRIVER_OK || s->legacy);
}

bool serial_mq_multiport(const SerialMq *s)
{
    return s->features & 1ull << VIRTIO_CONSOLE_F_MULTIPORT;
}

void serial_mq_interrupt(SerialMq *s, unsigned queue)
{
    /* Nothing was used while completions are held back. */
    if (serial_mq_bit(s->hold, queue) ||
        !serial_mq_happens(s, PROVOKE_INTERRUPT, queue)) {
        return;
    }
    s->interrupts++;
    if (queue != SERIAL_MQ_CONTROL_IN && queue != SERIAL_MQ_CONTROL_OUT) {
        SerialMqPort *p = s->ports[serial_mq_queue_port(queue)];

        if (p) {
            p->interrupts++;
        }
    }
    s->ops->interrupt(s->t, queue);
}

static void serial_mq_serve(SerialMq *s, unsigned queue)
{
    if (!serial_mq_serves(s)) {
        return;
    }
    if (queue == SERIAL_MQ_CONTROL_IN) {
        serial_mq_deliver(s);
    } else if (queue == SERIAL_MQ_CONTROL_OUT) {
        serial_mq_control(s);
    } else if (queue & 1) {
        serial_mq_output(s, serial_mq_queue_port(queue));
    } else {
        serial_mq_input_added(s, serial_mq_queue_port(queue));
    }
}

void serial_mq_notified(SerialMq *s, unsigned queue)
{
    serial_mq_see(s, ORDERING_NOTIFY, queue, ORDERING_NO_PORT, 0, 0);
    if (queue < serial_mq_nr_queues(s) &&
        serial_mq_happens(s, PROVOKE_NOTIFY, queue)) {
        serial_mq_serve(s, queue);
    }
}

void serial_mq_again(SerialMq *s, unsigned queue)
{
    serial_mq_set_bit(s->work, queue, true);
    s->host->ops->timer_mod(s->host, s->timer, s->host->ops->now_ns(s->host));
}

/* After a load: both ends hear what the other side's became meanwhile. */
static void serial_mq_meet_again(SerialMq *s)
{
    s->loaded = false;
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);

        if (!p) {
            continue;
        }
        if (p->told_open != p->host_open) {
            serial_mq_tell_open(s, p);
        }
        s->ops->port_guest_open(s->t, i, p->guest_open);
        serial_mq_accept(s, p);
        serial_mq_set_bit(s->work, serial_mq_in_queue(i) + 1, true);
    }
}

static void serial_mq_work(void *opaque)
{
    SerialMq *s = opaque;

    if (s->loaded) {
        serial_mq_meet_again(s);
    }
    for (unsigned i = 0; i < serial_mq_nr_queues(s); i++) {
        if (serial_mq_bit(s->work, i)) {
            serial_mq_set_bit(s->work, i, false);
            serial_mq_serve(s, i);
        }
    }
}

/* What the driver was and knew is gone; so are the chains the device holds. */
static void serial_mq_forget(SerialMq *s)
{
    s->talking = false;
    s->device_ready = false;
    serial_mq_free_messages(&s->waiting);
    serial_mq_forget_refills(s);
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);

        if (s->ports[i]) {
            s->ports[i]->untold = false;
        }
        if (p) {
            serial_mq_detach_output(s, p);
            p->guest_ready = false;
            p->told_open = false;
            serial_mq_guest_open(s, p, false);
        }
    }
    serial_mq_drop_held(s, SERIAL_MQ_NO_QUEUE);
    memset(s->work, 0, (serial_mq_nr_queues(s) + 7) / 8);
}

void serial_mq_status(SerialMq *s, uint8_t old, uint8_t written, uint8_t taken)
{
    SerialMqPort *p = serial_mq_port(s, 0);

    s->status = taken;
    serial_mq_trace(s, HOST_TRACE_serial_status, old, written, taken,
                    s->host->ops->now_ns(s->host));
    serial_mq_see(s, ORDERING_STATUS, 0, ORDERING_NO_PORT, written, old);
    if (!(taken & VIRTIO_CONFIG_S_DRIVER_OK)) {
        if (old & VIRTIO_CONFIG_S_DRIVER_OK) {
            /* No queue is reset: of its buffers the driver has to notify. */
            serial_mq_settle_refills(s);
            serial_mq_forget(s);
        }
    } else if (p && !serial_mq_multiport(s)) {
        /* Such a driver has port 0 alone, and no word for opening it. */
        serial_mq_guest_open(s, p, true);
    }
    serial_mq_happens(s, PROVOKE_STATUS, written);
}

void serial_mq_status_read(SerialMq *s, uint8_t status)
{
    serial_mq_see(s, ORDERING_STATUS_READ, 0, ORDERING_NO_PORT, status, 0);
}

void serial_mq_reset(SerialMq *s, bool by_driver)
{
    serial_mq_trace(s, HOST_TRACE_serial_status, s->status, 0, 0,
                    s->host->ops->now_ns(s->host));
    serial_mq_see(s, ORDERING_RESET, 0, ORDERING_NO_PORT, by_driver, 0);
    serial_mq_forget(s);
    s->status = 0;
    s->features = 0;
    s->refused = false;
    s->legacy &= by_driver; /* no driver is there after a machine's */
    s->resets++;
    s->resetting = true;
    s->reset_by_driver = by_driver;
}

void serial_mq_wakes(SerialMq *s)
{
    serial_mq_see(s, ORDERING_WAKE, 0, ORDERING_NO_PORT, 0, 0);
}

void serial_mq_interface(SerialMq *s, bool legacy)
{
    s->legacy = legacy;
}

/*
 * Provocations wait until here: until the transport has forgotten its queues
 * they are in memory that is the driver's again, and what the device says of
 * itself would be forgotten with them.
 */
void serial_mq_reset_done(SerialMq *s)
{
    if (s->resetting) {
        s->resetting = false;
        serial_mq_happens(s, PROVOKE_RESET, s->reset_by_driver);
    }
}

void serial_mq_features(SerialMq *s, uint64_t accepted, uint64_t offered,
                        uint64_t taken)
{
    s->features = taken & offered;
    serial_mq_see(s, ORDERING_FEATURES, 0, ORDERING_NO_PORT, accepted, offered);
}

void serial_mq_queue_set(SerialMq *s, unsigned queue, OrderingQueueField field,
                         uint64_t value)
{
    serial_mq_see(s, ORDERING_QUEUE_SET, queue, ORDERING_NO_PORT, field, value);
}

void serial_mq_register(SerialMq *s, OrderingEventKind kind, unsigned queue,
                        uint64_t value, uint64_t old)
{
    serial_mq_see(s, kind, queue, ORDERING_NO_PORT, value, old);
}

void serial_mq_queue_enable(SerialMq *s, unsigned queue, uint64_t value)
{
    serial_mq_see(s, ORDERING_QUEUE_ENABLE, queue, ORDERING_NO_PORT, value, 0);
}

void serial_mq_queue_reset(SerialMq *s, unsigned queue)
{
    if (queue >= serial_mq_nr_queues(s)) {
        return;
    }
    serial_mq_see(s, ORDERING_QUEUE_RESET, queue, ORDERING_NO_PORT, 1, 0);
    serial_mq_drop_held(s, queue);
    serial_mq_set_bit(s->work, queue, false);
    if (queue != SERIAL_MQ_CONTROL_IN && queue != SERIAL_MQ_CONTROL_OUT) {
        SerialMqPort *p = serial_mq_port(s, serial_mq_queue_port(queue));

        if (p && queue & 1) {
            serial_mq_detach_output(s, p);
            p->untold = false;
        } else if (p) {
            p->room = 0;
            serial_mq_forget_refill(p);
        }
    }
}

static SerialMqPort *serial_mq_first_console(const SerialMq *s)
{
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);

        if (p && p->console && p->host_open) {
            return p;
        }
    }
    return NULL;
}

size_t serial_mq_config(const SerialMq *s, uint8_t *buf, size_t len)
{
    const SerialMqPort *p = s->cfg.size ? serial_mq_port(s, 0) : NULL;
    struct virtio_console_config config = {
        .cols = GUINT16_TO_LE(p ? p->cols : 0),
        .rows = GUINT16_TO_LE(p ? p->rows : 0),
        .max_nr_ports = GUINT32_TO_LE(s->cfg.max_ports),
    };
    size_t size = s->cfg.emerg_write
                      ? sizeof(config)
                      : offsetof(struct virtio_console_config, emerg_wr);

    size = MIN(size, len);
    memcpy(buf, &config, size);
    return size;
}

void serial_mq_config_read(SerialMq *s, unsigned offset, unsigned size)
{
    serial_mq_see(s, ORDERING_CONFIG_READ, 0, ORDERING_NO_PORT, offset, size);
    serial_mq_happens(s, PROVOKE_CONFIG_READ, offset);
}

void serial_mq_config_write(SerialMq *s, unsigned offset, uint32_t value,
                            unsigned size)
{
    const uint8_t byte = value;
    SerialMqPort *p;

    serial_mq_see(s, ORDERING_CONFIG_WRITE, 0, ORDERING_NO_PORT, offset, size);
    if (s->refused || !s->cfg.emerg_write || value == 0 ||
        offset != offsetof(struct virtio_console_config, emerg_wr)) {
        return;
    }
    p = serial_mq_first_console(s);
    if (p) {
        /* An emergency has one try; it has no way to wait either. */
        p->out_bytes += s->ops->port_output(s->t, p->nr, &byte, 1) == 1;
    }
}
