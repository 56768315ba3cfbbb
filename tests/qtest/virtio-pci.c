/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device's registers on PCI for qtest suites: virtio 1.3, 4.1.
 */
#include "tests/qtest/virtio-pci.h"

#include <stddef.h>

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)
#define LEGACY_BAR    0

/* How often a device may be asked whether a reset is done. */
#define RESET_READS_MAX 1000

static void read_capability(VirtioPci *v, uint8_t at, VirtioRegion *region)
{
    *region = (VirtioRegion){
        .bar = pci_config_readb(&v->f, at + VIRTIO_PCI_CAP_BAR),
        .offset = pci_config_readl(&v->f, at + VIRTIO_PCI_CAP_OFFSET),
        .length = pci_config_readl(&v->f, at + VIRTIO_PCI_CAP_LENGTH),
    };
}

/* The first of each kind counts: 4.1.4.1. */
static void read_capabilities(VirtioPci *v)
{
    VirtioRegion *const regions[] = {
        [VIRTIO_PCI_CAP_COMMON_CFG] = &v->common,
        [VIRTIO_PCI_CAP_NOTIFY_CFG] = &v->notify,
        [VIRTIO_PCI_CAP_ISR_CFG] = &v->isr,
        [VIRTIO_PCI_CAP_DEVICE_CFG] = &v->config,
    };

    for (uint8_t at = 0; (at = pci_capability(&v->f, PCI_CAP_ID_VNDR, at));) {
        uint8_t type = pci_config_readb(&v->f, at + VIRTIO_PCI_CAP_CFG_TYPE);

        if (type == VIRTIO_PCI_CAP_PCI_CFG && !v->cfg_access) {
            v->cfg_access = at;
        }
        if (type >= G_N_ELEMENTS(regions) || !regions[type] ||
            regions[type]->length) {
            continue;
        }
        read_capability(v, at, regions[type]);
        if (type == VIRTIO_PCI_CAP_NOTIFY_CFG) {
            v->notify_multiplier =
                pci_config_readl(&v->f, at + VIRTIO_PCI_NOTIFY_CAP_MULT);
        }
    }
}

bool virtio_pci_find(VirtioPci *v, Qtest *q, const VirtioPciId *id,
                     unsigned nth, bool legacy)
{
    uint16_t modern = VIRTIO_PCI_MODERN_FIRST + id->type;

    *v = (VirtioPci){.legacy = legacy, .ram = VIRTIO_PCI_RAM_GPA};
    if (!pci_find(&v->f, q, VIRTIO_PCI_VENDOR, id->transitional, nth) &&
        (legacy || !pci_find(&v->f, q, VIRTIO_PCI_VENDOR, modern, nth))) {
        return false;
    }
    pci_map_bars(&v->f);
    if (legacy) {
        g_assert_true(v->f.bar[LEGACY_BAR].io);
        return true;
    }
    read_capabilities(v);
    g_assert_cmpuint(v->common.length, >=,
                     sizeof(struct virtio_pci_common_cfg));
    g_assert_cmpuint(v->notify.length, !=, 0);
    g_assert_cmpuint(v->isr.length, !=, 0);
    return true;
}

uint64_t virtio_pci_alloc(VirtioPci *v, size_t size, size_t align)
{
    uint64_t gpa = (v->ram + align - 1) & ~(uint64_t)(align - 1);

    g_assert_cmphex(gpa + size, <=, VIRTIO_PCI_RAM_END);
    v->ram = gpa + size;
    qtest_memset(v->f.q, gpa, 0, size);
    return gpa;
}

void virtio_pci_use_msix(VirtioPci *v)
{
    uint8_t cap = pci_capability(&v->f, PCI_CAP_ID_MSIX, 0);
    unsigned vectors =
        (pci_config_readw(&v->f, cap + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) +
        1;

    g_assert_cmphex(cap, !=, 0);
    pci_msix_enable(&v->f, virtio_pci_alloc(v, vectors * sizeof(uint32_t), 4));
    v->msix = true;
}

/* Registers of the common structure, or the legacy ones. */
#define COMMON_ACCESS(suffix, type)                                            \
    static type common_read##suffix(const VirtioPci *v, uint32_t offset)       \
    {                                                                          \
        return pci_bar_read##suffix(&v->f, v->common.bar,                      \
                                    v->common.offset + offset);                \
    }                                                                          \
                                                                               \
    static void common_write##suffix(const VirtioPci *v, uint32_t offset,      \
                                     type value)                               \
    {                                                                          \
        pci_bar_write##suffix(&v->f, v->common.bar, v->common.offset + offset, \
                              value);                                          \
    }

COMMON_ACCESS(b, uint8_t)
COMMON_ACCESS(w, uint16_t)
COMMON_ACCESS(l, uint32_t)

uint8_t virtio_status(const VirtioPci *v)
{
    return v->legacy ? pci_bar_readb(&v->f, LEGACY_BAR, VIRTIO_PCI_STATUS)
                     : common_readb(v, COMMON(device_status));
}

void virtio_set_status(const VirtioPci *v, uint8_t status)
{
    if (v->legacy) {
        pci_bar_writeb(&v->f, LEGACY_BAR, VIRTIO_PCI_STATUS, status);
    } else {
        common_writeb(v, COMMON(device_status), status);
    }
}

void virtio_add_status(const VirtioPci *v, uint8_t bit)
{
    virtio_set_status(v, virtio_status(v) | bit);
}

void virtio_reset(const VirtioPci *v)
{
    unsigned reads = 0;

    virtio_set_status(v, 0);
    while (virtio_status(v)) {
        g_assert_cmpuint(++reads, <, RESET_READS_MAX);
    }
}

uint64_t virtio_device_features(const VirtioPci *v)
{
    uint64_t features;

    if (v->legacy) {
        return pci_bar_readl(&v->f, LEGACY_BAR, VIRTIO_PCI_HOST_FEATURES);
    }
    common_writel(v, COMMON(device_feature_select), 0);
    features = common_readl(v, COMMON(device_feature));
    common_writel(v, COMMON(device_feature_select), 1);
    return features | (uint64_t)common_readl(v, COMMON(device_feature)) << 32;
}

void virtio_set_driver_features(const VirtioPci *v, uint64_t features)
{
    if (v->legacy) {
        pci_bar_writel(&v->f, LEGACY_BAR, VIRTIO_PCI_GUEST_FEATURES, features);
        return;
    }
    common_writel(v, COMMON(guest_feature_select), 0);
    common_writel(v, COMMON(guest_feature), features);
    common_writel(v, COMMON(guest_feature_select), 1);
    common_writel(v, COMMON(guest_feature), features >> 32);
}

uint64_t virtio_driver_features(const VirtioPci *v)
{
    uint64_t features;

    if (v->legacy) {
        return pci_bar_readl(&v->f, LEGACY_BAR, VIRTIO_PCI_GUEST_FEATURES);
    }
    common_writel(v, COMMON(guest_feature_select), 0);
    features = common_readl(v, COMMON(guest_feature));
    common_writel(v, COMMON(guest_feature_select), 1);
    return features | (uint64_t)common_readl(v, COMMON(guest_feature)) << 32;
}

uint8_t virtio_isr(const VirtioPci *v)
{
    return v->legacy ? pci_bar_readb(&v->f, LEGACY_BAR, VIRTIO_PCI_ISR)
                     : pci_bar_readb(&v->f, v->isr.bar, v->isr.offset);
}

uint16_t virtio_nr_queues(const VirtioPci *v)
{
    g_assert_false(v->legacy);
    return common_readw(v, COMMON(num_queues));
}

uint8_t virtio_config_generation(const VirtioPci *v)
{
    g_assert_false(v->legacy);
    return common_readb(v, COMMON(config_generation));
}

static unsigned config_bar(const VirtioPci *v)
{
    return v->legacy ? LEGACY_BAR : v->config.bar;
}

static uint32_t config_offset(const VirtioPci *v)
{
    return v->legacy ? VIRTIO_PCI_CONFIG_OFF(v->msix) : v->config.offset;
}

#define CONFIG_ACCESS(suffix, type)                                            \
    type virtio_config_read##suffix(const VirtioPci *v, uint32_t offset)       \
    {                                                                          \
        return pci_bar_read##suffix(&v->f, config_bar(v),                      \
                                    config_offset(v) + offset);                \
    }                                                                          \
                                                                               \
    void virtio_config_write##suffix(const VirtioPci *v, uint32_t offset,      \
                                     type value)                               \
    {                                                                          \
        pci_bar_write##suffix(&v->f, config_bar(v), config_offset(v) + offset, \
                              value);                                          \
    }

CONFIG_ACCESS(b, uint8_t)
CONFIG_ACCESS(w, uint16_t)
CONFIG_ACCESS(l, uint32_t)

void virtio_write_config_vector(const VirtioPci *v, uint16_t vector)
{
    if (v->legacy) {
        pci_bar_writew(&v->f, LEGACY_BAR, VIRTIO_MSI_CONFIG_VECTOR, vector);
    } else {
        common_writew(v, COMMON(msix_config), vector);
    }
}

uint16_t virtio_set_config_vector(const VirtioPci *v, uint16_t vector)
{
    virtio_write_config_vector(v, vector);
    return v->legacy
               ? pci_bar_readw(&v->f, LEGACY_BAR, VIRTIO_MSI_CONFIG_VECTOR)
               : common_readw(v, COMMON(msix_config));
}

static void select_queue(const VirtioPci *v, uint16_t queue)
{
    if (v->legacy) {
        pci_bar_writew(&v->f, LEGACY_BAR, VIRTIO_PCI_QUEUE_SEL, queue);
    } else {
        common_writew(v, COMMON(queue_select), queue);
    }
}

void virtio_write_queue_vector(const VirtioPci *v, uint16_t queue,
                               uint16_t vector)
{
    select_queue(v, queue);
    if (v->legacy) {
        pci_bar_writew(&v->f, LEGACY_BAR, VIRTIO_MSI_QUEUE_VECTOR, vector);
    } else {
        common_writew(v, COMMON(queue_msix_vector), vector);
    }
}

uint16_t virtio_set_queue_vector(const VirtioPci *v, uint16_t queue,
                                 uint16_t vector)
{
    virtio_write_queue_vector(v, queue, vector);
    return v->legacy ? pci_bar_readw(&v->f, LEGACY_BAR, VIRTIO_MSI_QUEUE_VECTOR)
                     : common_readw(v, COMMON(queue_msix_vector));
}

uint16_t virtio_queue_size(const VirtioPci *v, uint16_t queue)
{
    select_queue(v, queue);
    return v->legacy ? pci_bar_readw(&v->f, LEGACY_BAR, VIRTIO_PCI_QUEUE_NUM)
                     : common_readw(v, COMMON(queue_size));
}

static void write_sized(const VirtioPci *v, unsigned bar, uint64_t offset,
                        unsigned size, uint32_t value)
{
    if (size == 1) {
        pci_bar_writeb(&v->f, bar, offset, value);
    } else if (size == 2) {
        pci_bar_writew(&v->f, bar, offset, value);
    } else {
        pci_bar_writel(&v->f, bar, offset, value);
    }
}

uint32_t virtio_common_read(const VirtioPci *v, uint32_t offset, unsigned size)
{
    g_assert_false(v->legacy);
    return size == 1   ? common_readb(v, offset)
           : size == 2 ? common_readw(v, offset)
                       : common_readl(v, offset);
}

void virtio_common_write(const VirtioPci *v, uint32_t offset, unsigned size,
                         uint32_t value)
{
    g_assert_false(v->legacy);
    write_sized(v, v->common.bar, v->common.offset + offset, size, value);
}

void virtio_queue_notify_as(const VirtioPci *v, uint16_t queue, unsigned size,
                            uint32_t value)
{
    uint32_t offset;

    g_assert_false(v->legacy);
    select_queue(v, queue);
    offset = common_readw(v, COMMON(queue_notify_off)) * v->notify_multiplier;
    write_sized(v, v->notify.bar, v->notify.offset + offset, size, value);
}

void virtio_queue_notify(const VirtioPci *v, uint16_t queue)
{
    if (v->legacy) {
        pci_bar_writew(&v->f, LEGACY_BAR, VIRTIO_PCI_QUEUE_NOTIFY, queue);
    } else {
        virtio_queue_notify_as(v, queue, 2, queue);
    }
}

void virtio_queue_set_size(const VirtioPci *v, uint16_t queue, uint16_t size)
{
    g_assert_false(v->legacy);
    select_queue(v, queue);
    common_writew(v, COMMON(queue_size), size);
}

void virtio_queue_set_addresses(const VirtioPci *v, uint16_t queue,
                                uint64_t desc, uint64_t avail, uint64_t used)
{
    g_assert_false(v->legacy);
    select_queue(v, queue);
    common_writel(v, COMMON(queue_desc_lo), desc);
    common_writel(v, COMMON(queue_desc_hi), desc >> 32);
    common_writel(v, COMMON(queue_avail_lo), avail);
    common_writel(v, COMMON(queue_avail_hi), avail >> 32);
    common_writel(v, COMMON(queue_used_lo), used);
    common_writel(v, COMMON(queue_used_hi), used >> 32);
}

void virtio_queue_enable(const VirtioPci *v, uint16_t queue, uint16_t value)
{
    g_assert_false(v->legacy);
    select_queue(v, queue);
    common_writew(v, COMMON(queue_enable), value);
}

bool virtio_queue_enabled(const VirtioPci *v, uint16_t queue)
{
    g_assert_false(v->legacy);
    select_queue(v, queue);
    return common_readw(v, COMMON(queue_enable));
}

void virtio_write_queue_reset(const VirtioPci *v, uint16_t queue)
{
    g_assert_false(v->legacy);
    select_queue(v, queue);
    common_writew(v, VIRTIO_PCI_COMMON_Q_RESET, 1);
}

void virtio_queue_reset(const VirtioPci *v, uint16_t queue)
{
    virtio_write_queue_reset(v, queue);
    for (unsigned reads = 0; common_readw(v, VIRTIO_PCI_COMMON_Q_RESET);) {
        g_assert_cmpuint(++reads, <, RESET_READS_MAX);
    }
}

void virtio_queue_set_pfn(const VirtioPci *v, uint16_t queue, uint32_t pfn)
{
    g_assert_true(v->legacy);
    select_queue(v, queue);
    pci_bar_writel(&v->f, LEGACY_BAR, VIRTIO_PCI_QUEUE_PFN, pfn);
}

static void cfg_access_aim(const VirtioPci *v, uint8_t bar, uint32_t offset,
                           uint8_t len)
{
    g_assert_cmphex(v->cfg_access, !=, 0);
    pci_config_writeb(&v->f, v->cfg_access + VIRTIO_PCI_CAP_BAR, bar);
    pci_config_writel(&v->f, v->cfg_access + VIRTIO_PCI_CAP_OFFSET, offset);
    pci_config_writel(&v->f, v->cfg_access + VIRTIO_PCI_CAP_LENGTH, len);
}

uint32_t virtio_cfg_access_read(const VirtioPci *v, uint8_t bar,
                                uint32_t offset, uint8_t len)
{
    uint8_t at =
        v->cfg_access + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);

    cfg_access_aim(v, bar, offset, len);
    return len == 1   ? pci_config_readb(&v->f, at)
           : len == 2 ? pci_config_readw(&v->f, at)
                      : pci_config_readl(&v->f, at);
}

void virtio_cfg_access_write(const VirtioPci *v, uint8_t bar, uint32_t offset,
                             uint8_t len, uint32_t value)
{
    uint8_t at =
        v->cfg_access + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);

    cfg_access_aim(v, bar, offset, len);
    if (len == 1) {
        pci_config_writeb(&v->f, at, value);
    } else if (len == 2) {
        pci_config_writew(&v->f, at, value);
    } else {
        pci_config_writel(&v->f, at, value);
    }
}
