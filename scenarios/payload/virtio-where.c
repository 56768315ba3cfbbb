/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three accesses to a console device that break a rule each, made by
 * instructions that have names.
 *
 * Behaviour: the device's judge tells of the instruction that broke the rule.
 * Check: the symbols' addresses in the image, by whoever runs this.
 */
#include "tests/payload/lib/insn.h"
#include "tests/payload/lib/payload.h"
#include "tests/payload/lib/virtio-pci.h"

/* Each is once in the image, as its symbol is. */
#define NAMED __attribute__((noinline, used))

static NAMED void write_memory(volatile uint8_t *at, uint8_t value)
{
    __asm__ volatile(".globl where_memory\nwhere_memory: movb %0, (%1)"
                     :
                     : "q"(value), "r"(at)
                     : "memory");
}

static NAMED void kick(volatile uint8_t *at, uint16_t queue)
{
    __asm__ volatile(".globl where_kick\nwhere_kick: movw %0, (%1)"
                     :
                     : "r"(queue), "r"(at)
                     : "memory");
}

static NAMED void write_port(uint16_t port, uint8_t value)
{
    __asm__ volatile(".globl where_port\nwhere_port: outb %0, %1"
                     :
                     : "a"(value), "d"(port)
                     : "memory");
}

static void rules_are_broken_by_known_instructions(void)
{
    VirtioDevice d;

    if (!check_true("modern registers",
                    virtio_find(&d, VIRTIO_ID_CONSOLE, 0, false))) {
        return;
    }
    virtio_reset(&d);
    write_memory(d.common + VIRTIO_PCI_COMMON_STATUS, VIRTIO_CONFIG_S_DRIVER);
    virtio_reset(&d);
    virtio_set_status(&d, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    kick(d.notify, 0);
    if (!check_true("legacy registers",
                    virtio_find(&d, VIRTIO_ID_CONSOLE, 0, true))) {
        return;
    }
    virtio_reset(&d);
    write_port((uint16_t)(d.io + VIRTIO_PCI_STATUS), VIRTIO_CONFIG_S_DRIVER);
}

PAYLOAD(NEEDS_NOTHING, TEST(rules_are_broken_by_known_instructions));
