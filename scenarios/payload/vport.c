/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of a virtio_console driver that its bugs have in common.
 */
#include "scenarios/payload/vport.h"

#define LINE_MAX 160
/* With icount the device answers before a kick returns. */
#define WAIT_ROUNDS 500000u

SerialDriver vport;

static uint8_t memory[SERIAL_MEMORY] __attribute__((aligned(PAGE_SIZE)));

void say(const char *fmt, ...)
{
    char line[LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    format(line, sizeof(line), fmt, ap);
    va_end(ap);
    printk_at(clock_now(), "%s", line);
}

void bug(const char *where)
{
    say("kernel BUG at %s!", where);
    xen_exit(XEN_EXIT_CRASH);
}

unsigned vport_count(void)
{
    return (unsigned)cmdline_number("ports", 1);
}

bool vport_init(void)
{
    printk_init();
    if (!xen_shared_info()) {
        return false;
    }
    serial_wait_rounds = WAIT_ROUNDS;
    virtio_give_memory(memory, sizeof(memory));
    if (!serial_find(&vport, 0, false) ||
        !serial_negotiate(&vport, SERIAL_FEATURE(MULTIPORT)) ||
        !serial_init_queues(&vport, NULL)) {
        say("no console device that answers");
        return false;
    }
    return true;
}

void virtio_device_ready(void)
{
    uint8_t status = virtio_status(&vport.dev);

    if (status & VIRTIO_CONFIG_S_DRIVER_OK) {
        bug("include/linux/virtio_config.h:125");
    }
    virtio_set_status(&vport.dev, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

bool vport_wait_added(void)
{
    for (unsigned i = 1; vport.multiport && i <= vport_count(); i++) {
        if (!serial_wait(&vport, &vport.ports[i].added)) {
            say("port %u is not announced", i);
            return false;
        }
    }
    return true;
}

bool vport_probe(void)
{
    if (!vport_init()) {
        return false;
    }
    virtio_device_ready();
    serial_fill_control(&vport, true);
    serial_send(&vport, SERIAL_NO_PORT, VIRTIO_CONSOLE_DEVICE_READY, 1);
    return vport_wait_added();
}

void vport_use(void)
{
    static const char text[] = "hello\n";

    for (unsigned i = vport.multiport; i < vport_count() + vport.multiport;
         i++) {
        bool taken;

        if (vport.multiport) {
            serial_take_control(&vport);
        }
        if (vport.multiport && !vport.ports[i].added) {
            say("port %u: gone", i);
            continue;
        }
        taken = serial_write(&vport, i, text, sizeof(text) - 1);

        say("port %u: %s", i, taken ? "hello" : "nobody takes what is written");
    }
}
