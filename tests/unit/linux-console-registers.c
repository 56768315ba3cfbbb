/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the model of Linux's driver of console devices does to registers. */
#include "tests/unit/linux-console-internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_pci.h>

#define QUEUES     LINUX_CONSOLE_QUEUES
#define MULTIPORT  (1ull << VIRTIO_CONSOLE_F_MULTIPORT)
#define VERSION_1  (1ull << VIRTIO_F_VERSION_1)
#define RING_RESET (1ull << VIRTIO_F_RING_RESET)
#define SIZE       (1ull << VIRTIO_CONSOLE_F_SIZE)
#define OFFERED    (MULTIPORT | VERSION_1 | SIZE | RING_RESET)
#define QUEUE_SIZE 128u
#define VECTORS    (QUEUES + 1)

uint64_t linux_console_offers(void)
{
    return OFFERED & 0xffffff;
}

void linux_write_register(LinuxModel *m, unsigned at, unsigned size)
{
    if (!m->legacy) {
        linux_look(m, ORDERING_REGISTER_WRITE, 0, at,
                   m->bug == LINUX_WIDE_REGISTERS ? 4 : size);
    }
}

static void read_register(LinuxModel *m, unsigned at, unsigned size)
{
    if (!m->legacy) {
        linux_look(m, ORDERING_REGISTER_READ, 0, at, size);
    }
}

void linux_read_config(LinuxModel *m, unsigned at, unsigned size)
{
    for (unsigned i = 0; m->legacy && i < size; i++) {
        linux_look(m, ORDERING_CONFIG_READ, 0, at + i, 1);
    }
    if (!m->legacy) {
        linux_look(m, ORDERING_CONFIG_READ, 0, at, size);
    }
}

void linux_read_status(LinuxModel *m)
{
    read_register(m, VIRTIO_PCI_COMMON_STATUS, 1);
    linux_look(m, ORDERING_STATUS_READ, 0, m->status, 0);
}

void linux_write_status(LinuxModel *m, uint8_t status)
{
    linux_write_register(m, VIRTIO_PCI_COMMON_STATUS, 1);
    linux_look(m, ORDERING_STATUS, 0, status, m->status);
    m->status = status;
}

void linux_add_status(LinuxModel *m, uint8_t bits)
{
    if (m->status || m->bug != LINUX_NO_WAIT) {
        linux_read_status(m);
    }
    linux_write_status(m, m->status | bits);
}

void linux_kick(LinuxModel *m, unsigned queue)
{
    if (!m->legacy) {
        linux_look(m, ORDERING_KICK, queue,
                   m->bug == LINUX_KICKS_ANOTHER ? queue ^ 1 : queue,
                   m->bug == LINUX_KICKS_WIDE ? 4 : 2);
    }
    linux_look(m, ORDERING_NOTIFY, queue, 0, 0);
}

/* When it comes back from sleep it does not. */
void linux_read_features(LinuxModel *m)
{
    for (unsigned half = 0; half < (m->legacy ? 1 : 2); half++) {
        linux_write_register(m, VIRTIO_PCI_COMMON_DFSELECT, 4);
        read_register(m, VIRTIO_PCI_COMMON_DF, 4);
        linux_look(m, ORDERING_FEATURES_READ, 0, half, 0);
    }
}

void linux_accept_features(LinuxModel *m)
{
    uint64_t low = MULTIPORT | SIZE;

    if (m->bug == LINUX_FEATURE_NOT_OFFERED) {
        low |= 1ull << VIRTIO_CONSOLE_F_EMERG_WRITE;
    }
    linux_look(m, ORDERING_FEATURES, 0, low, OFFERED);
    if (!m->legacy) {
        linux_look(m, ORDERING_FEATURES, 0, low | VERSION_1 | RING_RESET,
                   OFFERED);
    }
}

void linux_settle_features(LinuxModel *m)
{
    if (m->legacy || m->bug == LINUX_NO_FEATURES_OK) {
        return;
    }
    linux_add_status(m, VIRTIO_CONFIG_S_FEATURES_OK);
    if (m->bug != LINUX_NO_READ_BACK) {
        linux_read_status(m);
    }
}

static void set_queue(LinuxModel *m, unsigned queue, OrderingQueueField field,
                      uint64_t value)
{
    linux_look(m, ORDERING_QUEUE_SET, queue, field, value);
}

static void set_vector(LinuxModel *m, unsigned queue, unsigned vector)
{
    linux_look(m, ORDERING_VECTOR_SET, queue, vector, VECTORS);
    if (m->bug != LINUX_VECTOR_UNREAD && !m->legacy) {
        read_register(m, VIRTIO_PCI_COMMON_Q_MSIX, 2);
    }
    if (m->bug != LINUX_VECTOR_UNREAD &&
        (vector != VIRTIO_MSI_NO_VECTOR || !m->legacy)) {
        linux_look(m, ORDERING_VECTOR_READ, queue, vector, 0);
    }
}

static void set_address(LinuxModel *m, unsigned queue, OrderingQueueField f)
{
    uint64_t at = m->bug == LINUX_UNALIGNED ? 0x1234001 : 0x1234000;

    linux_write_register(m, VIRTIO_PCI_COMMON_Q_DESCLO, 4);
    set_queue(m, queue, f, at);
    linux_write_register(m, VIRTIO_PCI_COMMON_Q_DESCHI, 4);
    set_queue(m, queue, f, at);
}

static void set_up_queue(LinuxModel *m, unsigned queue)
{
    uint64_t size =
        m->bug == LINUX_SIZE_TOO_LARGE ? 2 * QUEUE_SIZE : QUEUE_SIZE;

    if (m->legacy) {
        set_queue(m, queue, ORDERING_QUEUE_PFN, 0x1234);
    } else {
        linux_write_register(m, VIRTIO_PCI_COMMON_Q_SIZE, 2);
        set_queue(m, queue, ORDERING_QUEUE_SIZE,
                  (uint64_t)QUEUE_SIZE << 32 | size);
        for (OrderingQueueField f = ORDERING_QUEUE_DESC;
             f <= ORDERING_QUEUE_USED; f++) {
            set_address(m, queue, f);
        }
    }
    set_vector(m, queue, queue + 1 + (m->bug == LINUX_VECTOR_BEYOND));
}

void linux_take_down_queues(LinuxModel *m, unsigned n)
{
    for (unsigned q = 0; q < n; q++) {
        set_vector(m, q, VIRTIO_MSI_NO_VECTOR);
        if (m->legacy) {
            set_queue(m, q, ORDERING_QUEUE_PFN, 0);
        }
    }
}

void linux_enable_queues(LinuxModel *m)
{
    for (unsigned q = 0; !m->legacy && q < QUEUES; q++) {
        linux_write_register(m, VIRTIO_PCI_COMMON_Q_ENABLE, 2);
        linux_look(m, ORDERING_QUEUE_ENABLE, q, 1, 0);
        if (m->bug == LINUX_ENABLES_TWICE) {
            linux_look(m, ORDERING_QUEUE_ENABLE, q, 1, 0);
        }
    }
}

void linux_reset_queue(LinuxModel *m, unsigned queue)
{
    linux_write_register(m, VIRTIO_PCI_COMMON_Q_RESET, 2);
    linux_look(m, ORDERING_QUEUE_RESET, queue, 1, 0);
    set_up_queue(m, queue);
    linux_look(m, ORDERING_QUEUE_ENABLE, queue, 1, 0);
}

/* With a vector each, or if there are not so many, again with fewer. */
void linux_set_up_queues(LinuxModel *m)
{
    if (linux_draw(m, 3) == 0) {
        unsigned n = 1 + linux_draw(m, QUEUES);

        for (unsigned q = 0; q < n; q++) {
            set_up_queue(m, q);
        }
        linux_take_down_queues(m, n);
        set_vector(m, ORDERING_NO_QUEUE, VIRTIO_MSI_NO_VECTOR);
    }
    set_vector(m, ORDERING_NO_QUEUE, 0);
    for (unsigned q = 0; q < QUEUES; q++) {
        set_up_queue(m, q);
    }
    if (m->bug != LINUX_ENABLES_LATE) {
        linux_enable_queues(m);
    }
}
