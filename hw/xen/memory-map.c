/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op: the memory map, and what is for other domains than a guest (xen:
 * arch/x86/mm.c, arch_memory_op; common/mem_access.c; common/memory.c).
 */
#include <string.h>

#include "hw/xen/memory-internal.h"

/* The toolstack's map. */
void xen_memory_map_reset(XenDomain *d)
{
    XenMemory *m = d->memory;

    m->nr_map = MIN(d->cfg.nr_map, XEN_E820_MAX);
    m->map = g_renew(XenE820Entry, m->map, m->nr_map);
    for (unsigned i = 0; i < m->nr_map; i++) {
        m->map[i] = (XenE820Entry){d->cfg.map[i].addr, d->cfg.map[i].size,
                                   d->cfg.map[i].type};
    }
}

/* A domain that was given no map has no such operation. */
int64_t xen_memop_memory_map(XenCall *c, G_GNUC_UNUSED void *arg)
{
    const XenMemory *m = c->d->memory;
    struct xen_memory_map native;
    XenCompatMemoryMap compat;
    void *op = c->compat ? (void *)&compat : (void *)&native;
    size_t size = c->compat ? sizeof(compat) : sizeof(native);
    uint64_t buffer;
    uint32_t n;

    if (!m->nr_map) {
        return -XEN_ENOSYS;
    }
    if (!xen_copy_in(c, c->args[1], op, size)) {
        return -XEN_EFAULT;
    }
    buffer = c->compat ? compat.buffer : (uintptr_t)native.buffer.p;
    n = MIN(c->compat ? compat.nr_entries : native.nr_entries, m->nr_map);
    if (!xen_copy_out(c, buffer, m->map, n * sizeof(*m->map)) ||
        !xen_copy_out(c, c->args[1], &n, sizeof(n))) {
        return -XEN_EFAULT;
    }
    return 0;
}

/* A guest may give itself another map. */
int64_t xen_memop_set_memory_map(XenCall *c, void *arg)
{
    const struct xen_foreign_memory_map *native = arg;
    const XenCompatForeignMemoryMap *compat = arg;
    uint32_t n = c->compat ? compat->map.nr_entries : native->map.nr_entries;
    uint64_t buffer =
        c->compat ? compat->map.buffer : (uintptr_t)native->map.buffer.p;
    XenMemory *m = c->d->memory;
    XenE820Entry *map;
    int ret;

    if (n > XEN_E820_MAX) {
        return -XEN_EINVAL;
    }
    ret = xen_domid_check(c, native->domid);
    if (ret) {
        return ret;
    }
    map = g_new(XenE820Entry, n);
    if (n && !xen_copy_in(c, buffer, map, n * sizeof(*map))) {
        g_free(map);
        return -XEN_EFAULT;
    }
    g_free(m->map);
    m->map = map;
    m->nr_map = n;
    return 0;
}

/* The hardware domain's; Xen before 4.19 kept it from all HVM guests. */
int64_t xen_memop_machine_memory_map(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return c->d->cfg.version_minor < 19 ? -XEN_ENOSYS : -XEN_EPERM;
}

/* What Xen's table of machine frames to guest frames covers in 2 MiB pages. */
#define M2P_EXTENT_PAGES (((uint64_t)2 << 20) / sizeof(uint64_t))

/*
 * DEVIATION: there is no such table: the frames told lie above the machine's
 * memory.
 */
int64_t xen_memop_machphys_mfn_list(XenCall *c, void *arg)
{
    struct xen_machphys_mfn_list *native = arg;
    XenCompatMachphysMfnList *compat = arg;
    uint64_t nr = c->d->cfg.nr_pages, mfn;
    uint64_t list =
        c->compat ? compat->extent_start : (uintptr_t)native->extent_start.p;
    size_t size = c->compat ? sizeof(uint32_t) : sizeof(mfn);
    uint32_t n = (uint32_t)MIN((nr + M2P_EXTENT_PAGES - 1) / M2P_EXTENT_PAGES,
                               native->max_extents);

    for (uint32_t i = 0; i < n; i++) {
        mfn = ((nr >> 9) + 1 + i) << 9;
        if (!xen_copy_out(c, list + i * size, &mfn, size)) {
            return -XEN_EFAULT;
        }
    }
    if (c->compat) {
        compat->nr_extents = n;
    } else {
        native->nr_extents = n;
    }
    return 0;
}

/* The toolstack's. */
int64_t xen_memop_pod_target(XenCall *c, void *arg)
{
    const struct xen_pod_target *native = arg;
    const XenCompatPodTarget *compat = arg;
    uint16_t domid = c->compat ? compat->domid : native->domid;

    return xen_domid_check(c, domid) == -XEN_ESRCH ? -XEN_ESRCH : -XEN_EPERM;
}

/* Not on oneself, and a domain 0 that is PV has no such thing. */
int64_t xen_memop_access_op(XenCall *c, void *arg)
{
    const XenMemAccessOp *op = arg;
    int ret = xen_domid_remote(c, op->domid);

    return ret ? ret : -XEN_EINVAL;
}

/* The guest has no NUMA topology. */
int64_t xen_memop_vnumainfo(XenCall *c, void *arg)
{
    const struct xen_vnuma_topology_info *op = arg;
    int ret = op->pad ? -XEN_EINVAL : xen_domid_check(c, op->domid);

    return ret ? ret : -XEN_EOPNOTSUPP;
}

/* The machine reserves none for devices. */
int64_t xen_memop_reserved_device_map(G_GNUC_UNUSED XenCall *c, void *arg)
{
    XenReservedDeviceMap *op = arg; /* these fields are alike in 32 bits */

    if (op->flags & ~XENMEM_RDM_ALL) {
        return -XEN_EINVAL;
    }
    op->nr_entries = 0;
    return 0;
}

/* For a hardware domain, or one that sees machine frames. */
int64_t xen_memop_acquire_resource(XenCall *c, G_GNUC_UNUSED void *arg)
{
    uint8_t op[32]; /* as long as the 32-bit layout, which is copied first */

    return c->compat && !xen_copy_in(c, c->args[1], op, sizeof(op))
               ? -XEN_EFAULT
               : -XEN_EACCES;
}

typedef enum MemoryTag {
    TAG_NR_MAP = 0x0b80,
    TAG_MAP,
    TAG_SPECIAL_MAPPED,
    TAG_SPECIAL_GFN,
} MemoryTag;

static void special_save(const XenOverlay *o, StateWriter *w)
{
    state_put_u64(w, TAG_SPECIAL_MAPPED, o->mapped);
    state_put_u64(w, TAG_SPECIAL_GFN, o->gfn);
}

static void special_load(XenDomain *d, XenOverlay *o, const char *name,
                         StateReader *r)
{
    bool mapped = state_get_u64(r, TAG_SPECIAL_MAPPED, name, 1);
    uint64_t gfn = state_get_u64(r, TAG_SPECIAL_GFN, name, UINT64_MAX);

    if (state_reader_failed(r) || !o->page) {
        return;
    }
    if (!mapped) {
        xen_overlay_unmap(d, o);
    } else if (!xen_overlay_map(d, o, gfn)) {
        state_reader_fail(r, "%s: cannot be at its guest frame", name);
    }
}

void xen_memory_save(const XenDomain *d, StateWriter *w)
{
    const XenMemory *m = d->memory;

    state_put_u64(w, TAG_NR_MAP, m->nr_map);
    state_put_bytes(w, TAG_MAP, m->nr_map ? (void *)m->map : (void *)"",
                    m->nr_map * sizeof(*m->map));
    special_save(&d->console, w);
    special_save(&d->store, w);
    xen_physmap_save(m->physmap, w);
}

/* Into a domain that was just reset. */
void xen_memory_load(XenDomain *d, StateReader *r)
{
    XenMemory *m = d->memory;
    unsigned n =
        (unsigned)state_get_u64(r, TAG_NR_MAP, "memory map", XEN_E820_MAX);

    m->nr_map = n;
    m->map = g_renew(XenE820Entry, m->map, n);
    state_get_bytes(r, TAG_MAP, "memory map", m->map, n * sizeof(*m->map));
    special_load(d, &d->console, "console ring", r);
    special_load(d, &d->store, "xenstore ring", r);
    xen_physmap_load(m->physmap, r);
}
