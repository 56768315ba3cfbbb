/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of a virtio_console driver that its bugs have in common.
 */
#include "scenarios/payload/vport-machine.h"
#include "scenarios/payload/vport.h"

#define LINE_MAX 160

SerialDriver vport;

static const VportWork *vport_work;
static VirtBuffer line_to_write;

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

static void control_work_handler(SerialDriver *s,
                                 const struct virtio_console_control *message,
                                 const char *name, size_t len)
{
    (void)s;
    (void)name;
    (void)len;
    if (message->event == VIRTIO_CONSOLE_PORT_ADD && vport_work->add) {
        vport_work->add(message->id);
    } else if (message->event == VIRTIO_CONSOLE_PORT_REMOVE &&
               vport_work->remove) {
        vport_work->remove(message->id);
    } else if (message->event == VIRTIO_CONSOLE_PORT_OPEN && vport_work->open) {
        vport_work->open(message->id, message->value);
    }
}

static void take_memory(void)
{
    static const char text[] = "hello\n";
    size_t size;
    void *memory = vport_memory(&size);

    virtio_give_memory(memory, size);
    line_to_write.len = sizeof(text) - 1;
    line_to_write.at =
        memcpy(virtio_alloc(sizeof(text), 1), text, sizeof(text));
}

bool vport_init(const VportWork *work)
{
    printk_init();
    if (!xen_shared_info()) {
        return false;
    }
    vport_work = work;
    vport.seen = control_work_handler;
    serial_wait_rounds = vport_wait_rounds();
    take_memory();
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

bool vport_say_ready(void)
{
    serial_fill_control(&vport, true);
    return serial_send(&vport, SERIAL_NO_PORT, VIRTIO_CONSOLE_DEVICE_READY, 1);
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

bool vport_probe(const VportWork *work)
{
    if (!vport_init(work)) {
        return false;
    }
    virtio_device_ready();
    return vport_say_ready() && vport_wait_added();
}

void vport_make_ready(unsigned port)
{
    serial_fill_port(&vport, port, true);
    serial_send(&vport, port, VIRTIO_CONSOLE_PORT_READY, 1);
}

void vport_make_open(unsigned port)
{
    vport_make_ready(port);
    serial_send(&vport, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

VirtBuffer vport_line(void)
{
    return line_to_write;
}

void vport_use(void)
{
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
        taken = serial_write(&vport, i, line_to_write.at, line_to_write.len);
        say("port %u: %s", i, taken ? "hello" : "nobody takes what is written");
    }
}
