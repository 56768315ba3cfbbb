/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a driver of several ports says that the device is ready.
 *
 * Behaviour: a device is not notified before DRIVER_OK (virtio 1.3, 3.1.1).
 * virtio_console sends control messages in its probe.  Up to 3.17 the bus set
 * DRIVER_OK after the probe: too late.  3.18-rc1 set it in add_port(), which
 * control_work_handler() calls for each port: virtio_device_ready() has a
 * BUG_ON() for the second, and the control queue has been used by then.  The
 * fix sets it in the probe, before the control queue is filled.
 * Check: the log of such a driver.  control_work_handler() is of another
 * processor in the reports; here it runs where the probe would wait for it.
 *
 * Command line: probe or add-port: where DRIVER_OK is set; else it is by the
 * bus; ports=N.
 */
#include "scenarios/payload/vport.h"

/* Those that have been added; buffers stay where they are. */
static bool known[SERIAL_PORTS_MAX];

static void add_port(unsigned id)
{
    if (cmdline_has("add-port")) {
        virtio_device_ready();
    }
    if (!known[id]) {
        serial_fill_port(&vport, id, true);
    }
    known[id] = true;
    say("port %u added", id);
    if (vport.multiport) {
        serial_send(&vport, id, VIRTIO_CONSOLE_PORT_READY, 1);
    }
}

static bool virtcons_probe(void)
{
    static const VportWork work = {.add = add_port};

    if (!vport_init(&work)) {
        return false;
    }
    if (cmdline_has("probe")) {
        virtio_device_ready();
    }
    if (!vport.multiport) {
        add_port(0);
        return true;
    }
    if (!vport_say_ready()) {
        say("DEVICE_READY is not taken");
        return false;
    }
    return vport_wait_added();
}

/* As virtio_dev_probe() does it. */
static bool probe(void)
{
    memset(known, 0, sizeof(known));
    if (!virtcons_probe()) {
        return false;
    }
    if (!(virtio_status(&vport.dev) & VIRTIO_CONFIG_S_DRIVER_OK)) {
        virtio_device_ready();
    }
    say("probed");
    return true;
}

static void device_is_made_ready(void)
{
    if (!probe()) {
        return;
    }
    if (virtio_status(&vport.dev) & VIRTIO_CONFIG_S_NEEDS_RESET) {
        say("the device needs a reset");
        if (!probe()) {
            return;
        }
    }
    vport_use();
}

PAYLOAD(NEEDS_XEN, TEST(device_is_made_ready));
