/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serial ports of the machine's behind the gate: what their character devices
 * send waits for a tick.  The functions that a 16550 gives to its character
 * device are replaced.
 */
#include "qemu/osdep.h"
#include "chardev/char-fe.h"
#include "chardev/char.h"
#include "hw/char/serial.h"
#include "system/runstate.h"
#include "accel/shim/gate-internal.h"

typedef struct GateSerial {
    SerialState *serial;
    IOCanReadHandler *can_read; /* the 16550's own */
    IOReadHandler *read;
    GateSink *sink;
} GateSerial;

/* Character devices hand over the 16550, which knows nothing of us. */
static GPtrArray *serials;

static GateSerial *serial_of(void *opaque)
{
    for (guint i = 0; i < serials->len; i++) {
        GateSerial *gs = g_ptr_array_index(serials, i);

        if (gs->serial == opaque) {
            return gs;
        }
    }
    g_assert_not_reached();
}

/* From outside */

static int serial_can_read(void *opaque)
{
    return runstate_is_live(runstate_get())
               ? gate_sink_room(serial_of(opaque)->sink)
               : 0;
}

static void serial_read(void *opaque, const uint8_t *buf, int size)
{
    gate_sink_put(serial_of(opaque)->sink, buf, size);
}

/* At a tick */

static size_t sink_room(void *opaque)
{
    GateSerial *gs = opaque;

    return MAX(gs->can_read(gs->serial), 0);
}

static void sink_deliver(void *opaque, const uint8_t *buf, size_t len)
{
    GateSerial *gs = opaque;

    gs->read(gs->serial, buf, len);
}

static void sink_more(void *opaque)
{
    GateSerial *gs = opaque;

    qemu_chr_fe_accept_input(&gs->serial->chr);
}

static const GateSinkOps sink_ops = {
    .room = sink_room,
    .deliver = sink_deliver,
    .more = sink_more,
};

static int put_before(Object *obj, void *opaque)
{
    SerialState *s = (SerialState *)object_dynamic_cast(obj, TYPE_SERIAL);
    Gate *gate = opaque;
    GateSerial *gs;

    if (!s || !s->chr.chr || !s->chr.chr_read) {
        return 0;
    }
    gs = g_new(GateSerial, 1);
    *gs = (GateSerial){s, s->chr.chr_can_read, s->chr.chr_read, NULL};
    gs->sink = gate_sink_new(gate, s->chr.chr->label, &sink_ops, gs);
    g_ptr_array_add(serials, gs);
    s->chr.chr_can_read = serial_can_read;
    s->chr.chr_read = serial_read;
    /* A break from outside would not wait: there is none. */
    s->chr.chr_event = NULL;
    return 0;
}

void gate_serials_install(Gate *gate)
{
    serials = g_ptr_array_new();
    object_child_foreach_recursive(object_get_root(), put_before, gate);
}
