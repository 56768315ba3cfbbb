/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ordering judge: features, configuration, and how registers are accessed.
 */
#include "hw/virtio/ordering-internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_pci.h>

/* 6.1; older headers do not have them */
#define F_NOTIFICATION_DATA 38
#define F_NOTIF_CONFIG_DATA 39

#define BIT_ULL(n) (1ull << (n))

enum {
    CONFIG_PORTS = offsetof(struct virtio_console_config, max_nr_ports),
    CONFIG_EMERG_WR = offsetof(struct virtio_console_config, emerg_wr),
    CONFIG_BYTES = sizeof(struct virtio_console_config),
    COMMON_BYTES = VIRTIO_PCI_COMMON_Q_RESET + 2,
};

/* Features */

void ordering_features_read(OrderingJudge *j, const OrderingEvent *e)
{
    j->features_0_read |= e->value == 0;
    j->features_32_read |= e->value == 1;
}

/* @return: those of @features that the driver cannot know to be offered */
static uint64_t unread(const OrderingJudge *j, uint64_t features)
{
    return features & ((j->features_0_read ? 0 : UINT32_MAX) |
                       (j->features_32_read ? 0 : ~(uint64_t)UINT32_MAX));
}

/*
 * DEVIATION: that they are read once until the machine is reset is enough.
 * Linux does not read them again when it comes back from sleep
 * (virtio_device_restore).  It does not after hibernation either, and that
 * cannot be told from a driver that never read them: no MUST.
 */
void ordering_features(OrderingJudge *j, const OrderingEvent *e)
{
    uint64_t new = e->value & ~j->features;
    uint64_t extra = new & ~e->old;

    j->offered = e->old;
    j->features = e->value;
    if (unread(j, new)) {
        ordering_report(j, RULE_FEATURES_NOT_READ, e, ORDERING_NO_PORT,
                        "features 0x%llx accepted, 0x%llx of them not read",
                        (unsigned long long)e->value,
                        (unsigned long long)unread(j, new));
    }
    if (extra) {
        ordering_report(j, RULE_FEATURE_NOT_OFFERED, e, ORDERING_NO_PORT,
                        "features 0x%llx accepted of 0x%llx",
                        (unsigned long long)e->value,
                        (unsigned long long)e->old);
    }
    if (j->status & STATUS_SETTLED) {
        ordering_report(j, RULE_FEATURES_AFTER_FEATURES_OK, e, ORDERING_NO_PORT,
                        "features written in status 0x%02x", j->status);
    } else if (!(j->status & VIRTIO_CONFIG_S_DRIVER)) {
        ordering_report(j, RULE_FEATURES_BEFORE_DRIVER, e, ORDERING_NO_PORT,
                        "features written in status 0x%02x", j->status);
    }
}

/* Configuration */

/*
 * A legacy driver may use a device before it has set any of these bits (3.1.2,
 * of which a transitional device has to support that).
 */
static bool is_settled(const OrderingJudge *j)
{
    return j->legacy || (j->status & STATUS_SETTLED);
}

/*
 * DEVIATION: the size of a console that has none is read by Linux whenever the
 * configuration changes (config_work_handler), so it is looked at before
 * DRIVER_OK alone.
 */
static void see_field(OrderingJudge *j, const OrderingEvent *e)
{
    unsigned at = (unsigned)MIN(e->value, CONFIG_BYTES);
    unsigned feature = at >= CONFIG_EMERG_WR ? VIRTIO_CONSOLE_F_EMERG_WRITE
                       : at >= CONFIG_PORTS  ? VIRTIO_CONSOLE_F_MULTIPORT
                                             : VIRTIO_CONSOLE_F_SIZE;

    if (!(j->offers & BIT_ULL(feature)) &&
        !(feature == VIRTIO_CONSOLE_F_SIZE &&
          (j->status & VIRTIO_CONFIG_S_DRIVER_OK))) {
        ordering_report(j, RULE_CONFIG_FIELD_NOT_OFFERED, e, ORDERING_NO_PORT,
                        "config at %u, feature %u is not offered", at, feature);
    }
}

/* @return: bytes of the field that begins at @at; 0: none does */
static unsigned config_width(uint64_t at)
{
    switch (at) {
    case offsetof(struct virtio_console_config, cols):
    case offsetof(struct virtio_console_config, rows):
        return 2;
    case CONFIG_PORTS:
    case CONFIG_EMERG_WR:
        return 4;
    default:
        return 0;
    }
}

static unsigned common_width(uint64_t at)
{
    switch (at) {
    case VIRTIO_PCI_COMMON_STATUS:
    case VIRTIO_PCI_COMMON_CFGGENERATION:
        return 1;
    case VIRTIO_PCI_COMMON_MSIX:
    case VIRTIO_PCI_COMMON_NUMQ:
    case VIRTIO_PCI_COMMON_Q_SELECT:
    case VIRTIO_PCI_COMMON_Q_SIZE:
    case VIRTIO_PCI_COMMON_Q_MSIX:
    case VIRTIO_PCI_COMMON_Q_ENABLE:
    case VIRTIO_PCI_COMMON_Q_NOFF:
    case VIRTIO_PCI_COMMON_Q_NDATA:
    case VIRTIO_PCI_COMMON_Q_RESET:
        return 2;
    default:
        return at < VIRTIO_PCI_COMMON_Q_NDATA && at % 4 == 0 ? 4 : 0;
    }
}

/* What lies past the fields that are known is another version's. */
static void see_width(OrderingJudge *j, const OrderingEvent *e, unsigned width,
                      const char *what, unsigned end)
{
    if (e->value < end && e->old != width) {
        ordering_report(j, RULE_REGISTER_WIDTH, e, ORDERING_NO_PORT,
                        "%s config at %u: %u bytes", what, (unsigned)e->value,
                        (unsigned)e->old);
    }
}

static void see_config_width(OrderingJudge *j, const OrderingEvent *e)
{
    if (!j->legacy) {
        see_width(j, e, config_width(e->value), "device", CONFIG_BYTES);
    }
}

void ordering_config_read(OrderingJudge *j, const OrderingEvent *e)
{
    see_config_width(j, e);
    if (!(j->status & VIRTIO_CONFIG_S_DRIVER) && !ordering_is_aftermath(j)) {
        ordering_report(j, RULE_CONFIG_READ_BEFORE_DRIVER, e, ORDERING_NO_PORT,
                        "config at %u read in status 0x%02x",
                        (unsigned)e->value, j->status);
    } else if (e->value < CONFIG_BYTES && !ordering_is_aftermath(j)) {
        see_field(j, e);
    }
}

void ordering_config_write(OrderingJudge *j, const OrderingEvent *e)
{
    see_config_width(j, e);
    if (e->value >= CONFIG_EMERG_WR && e->value < CONFIG_BYTES) {
        see_field(j, e);
        return; /* 5.3.5: at any time */
    }
    if (is_settled(j)) {
        ordering_report(j, RULE_CONFIG_WRITE_READ_ONLY, e, ORDERING_NO_PORT,
                        "config at %u written", (unsigned)e->value);
    } else {
        ordering_report(j, RULE_CONFIG_WRITE_BEFORE_FEATURES_OK, e,
                        ORDERING_NO_PORT,
                        "config at %u written in status 0x%02x",
                        (unsigned)e->value, j->status);
    }
}

/* The common configuration (4.1.4.3) and notifications */

void ordering_register_read(OrderingJudge *j, const OrderingEvent *e)
{
    see_width(j, e, common_width(e->value), "common", COMMON_BYTES);
}

void ordering_register_write(OrderingJudge *j, const OrderingEvent *e)
{
    static const uint8_t read_only[] = {
        VIRTIO_PCI_COMMON_DF,
        VIRTIO_PCI_COMMON_NUMQ,
        VIRTIO_PCI_COMMON_CFGGENERATION,
        VIRTIO_PCI_COMMON_Q_NOFF,
        VIRTIO_PCI_COMMON_Q_NDATA,
    };

    see_width(j, e, common_width(e->value), "common", COMMON_BYTES);
    for (unsigned i = 0; i < G_N_ELEMENTS(read_only); i++) {
        if (e->value == read_only[i]) {
            ordering_report(j, RULE_COMMON_WRITE_READ_ONLY, e, ORDERING_NO_PORT,
                            "common config at %u written", read_only[i]);
        }
    }
}

/* Of a queue that is there; the NOTIFY that follows is about the others. */
void ordering_kick(OrderingJudge *j, const OrderingEvent *e)
{
    bool data = ordering_has(j, F_NOTIFICATION_DATA);
    unsigned port = ordering_queue_port(e->queue);

    if (!(j->status & VIRTIO_CONFIG_S_DRIVER_OK) || e->queue >= j->nr_queues) {
        return;
    }
    if (e->old != (data ? 4 : 2)) {
        ordering_report(j, RULE_KICK_WIDTH, e, port,
                        "queue %u kicked, %u bytes", e->queue,
                        (unsigned)e->old);
    } else if ((e->value & 0xffff) != e->queue &&
               !ordering_has(j, F_NOTIF_CONFIG_DATA)) {
        ordering_report(j, RULE_KICK_VALUE, e, port,
                        "queue %u kicked, 0x%llx written", e->queue,
                        (unsigned long long)e->value);
    }
}
