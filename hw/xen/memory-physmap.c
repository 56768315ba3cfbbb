/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op: what lies at which guest frame (xen: common/memory.c;
 * arch/x86/mm/p2m.c, xenmem_add_to_physmap_one).
 */
#include "hw/xen/memory-internal.h"

/* The overlay of @d's that @space and @idx name, or NULL. */
static XenOverlay *overlay_named(XenDomain *d, uint32_t space, uint64_t idx)
{
    switch (space) {
    case XENMAPSPACE_shared_info:
        return idx == 0 ? &d->shared_info : NULL;
    case XENMAPSPACE_grant_table:
        return xen_grant_frame(d, idx);
    case XENMAPSPACE_gmfn:
    case XENMAPSPACE_gmfn_range:
        return xen_overlay_at(d, idx);
    default:
        return NULL;
    }
}

/* What was laid over @gfn before goes away, as any page of Xen's does. */
static int64_t overlay_add(XenDomain *d, XenOverlay *o, uint64_t gfn)
{
    XenOverlay *old = xen_overlay_at(d, gfn);

    if (!xen_overlay_map(d, o, gfn)) {
        return -XEN_ENOMEM;
    }
    if (old && old != o) {
        xen_overlay_unmap(d, old);
    }
    return 0;
}

/* A page of the guest's own moves. */
static int64_t page_add(XenDomain *d, uint64_t from, uint64_t gfn)
{
    XenOverlay *old = xen_overlay_at(d, gfn);
    int64_t ret = xen_physmap_move(d->memory->physmap, from, gfn);

    if (!ret && old) {
        xen_overlay_unmap(d, old);
    }
    return ret;
}

/* The highest frame of a 32-bit caller is one (xen: common/compat/memory.c). */
static bool no_gfn(uint64_t gfn)
{
    return gfn == UINT64_MAX;
}

/*
 * xenmem_add_to_physmap_one.
 * @return: 0; -XEN_EINVAL: no such page, or none can be at @gfn; -XEN_ENOMEM:
 * the machine can lay nothing there; -XEN_EPERM: memory of another domain,
 * whichever, is for a hardware domain (xen: arch/x86/mm/p2m.c,
 * p2m_add_foreign)
 * DEVIATION: nothing is put where a grant is mapped (-XEN_EINVAL); Xen ends the
 * domain as well (xen: arch/x86/mm/p2m.c, p2m_add_page).
 */
static int64_t physmap_add(XenCall *c, uint32_t space, uint64_t idx,
                           uint64_t gfn)
{
    XenDomain *d = c->d;
    bool none = no_gfn(gfn) || xen_grant_maps_gfn(d, gfn);
    XenOverlay *o;
    int64_t ret = -XEN_EINVAL;

    if (space == XENMAPSPACE_gmfn_foreign) {
        return -XEN_EPERM;
    }
    o = none ? NULL : overlay_named(d, space, idx);
    if (o) {
        ret = overlay_add(d, o, gfn);
    } else if (!none &&
               (space == XENMAPSPACE_gmfn || space == XENMAPSPACE_gmfn_range)) {
        ret = page_add(d, idx, gfn);
    }
    xen_trace(d, HOST_TRACE_overlay, space, idx, gfn, (uint64_t)ret);
    return ret;
}

/* xen: xatp_permission_check */
static int64_t permission_check(const XenCall *c, uint16_t domid,
                                uint32_t space)
{
    if (domid != 0 && xen_domid_check(c, domid)) {
        return -XEN_ESRCH;
    }
    return space == XENMAPSPACE_dev_mmio ? -XEN_EACCES
                                         : xen_domid_check(c, domid);
}

/* Frames from the continuation's on; a failure ends it, earlier ones stay. */
static int64_t range_add(XenCall *c, uint64_t idx, uint64_t gfn, uint16_t size)
{
    uint64_t start = xen_memop_extent(c);
    uint64_t end = MIN(size, start + XEN_MEMOP_BATCH);
    int64_t ret;

    if (no_gfn(gfn)) {
        return -XEN_EINVAL;
    }
    if (size < start) {
        return -XEN_EILSEQ;
    }
    if (gfn + size < gfn || idx + size < idx) {
        return -XEN_EOVERFLOW;
    }
    for (uint64_t i = start; i < end; i++) {
        ret = physmap_add(c, XENMAPSPACE_gmfn_range, idx + i, gfn + i);
        if (ret) {
            return ret;
        }
    }
    if (end < size) {
        xen_memop_continue(c, end);
    }
    return 0;
}

int64_t xen_memop_add_to_physmap(XenCall *c, void *arg)
{
    const struct xen_add_to_physmap *native = arg;
    const XenCompatAddToPhysmap *compat = arg;
    uint64_t idx = c->compat ? compat->idx : native->idx;
    uint64_t gfn = c->compat ? compat->gpfn : native->gpfn;
    int64_t ret;

    if (native->space == XENMAPSPACE_gmfn_foreign) {
        return -XEN_ENOSYS; /* only by the batched operation */
    }
    ret = permission_check(c, native->domid, native->space);
    if (ret) {
        return ret;
    }
    return native->space == XENMAPSPACE_gmfn_range
               ? range_add(c, idx, gfn, native->size)
               : physmap_add(c, native->space, idx, gfn);
}

/* add_to_physmap_batch's lists, in either layout. */
typedef struct Batch {
    uint16_t space, size;
    uint64_t idxs, gpfns, errs;
} Batch;

static int64_t batch_one(XenCall *c, const Batch *b, uint64_t i)
{
    size_t size = c->compat ? sizeof(uint32_t) : sizeof(uint64_t);
    uint64_t idx = 0, gfn = 0;
    int32_t err;

    if (!xen_copy_in(c, b->idxs + i * size, &idx, size) ||
        !xen_copy_in(c, b->gpfns + i * size, &gfn, size)) {
        return -XEN_EFAULT;
    }
    if (no_gfn(gfn)) {
        return -XEN_EINVAL;
    }
    err = (int32_t)physmap_add(c, b->space, idx, gfn);
    return xen_copy_out(c, b->errs + i * sizeof(err), &err, sizeof(err))
               ? 0
               : -XEN_EFAULT;
}

int64_t xen_memop_add_to_physmap_batch(XenCall *c, void *arg)
{
    const struct xen_add_to_physmap_batch *native = arg;
    const XenCompatAddToPhysmapBatch *compat = arg;
    Batch b = {native->space, native->size,
               c->compat ? compat->idxs : (uintptr_t)native->idxs.p,
               c->compat ? compat->gpfns : (uintptr_t)native->gpfns.p,
               c->compat ? compat->errs : (uintptr_t)native->errs.p};
    uint64_t start = xen_memop_extent(c);
    uint64_t end = MIN(b.size, start + XEN_MEMOP_BATCH);
    int64_t ret;

    if (b.space == XENMAPSPACE_gmfn_range) {
        return -XEN_EOPNOTSUPP;
    }
    ret = permission_check(c, native->domid, b.space);
    if (ret) {
        return ret;
    }
    if (b.size < start || (b.size == start && start)) {
        return -XEN_EILSEQ;
    }
    for (uint64_t i = start; i < end; i++) {
        ret = batch_one(c, &b, i);
        if (ret) {
            return ret;
        }
    }
    if (end < b.size) {
        xen_memop_continue(c, end);
    }
    return 0;
}

/*
 * A page of the guest's own is still its, only out of its sight; an overlay
 * uncovers the memory beneath.
 */
int64_t xen_memop_remove_from_physmap(XenCall *c, void *arg)
{
    const struct xen_remove_from_physmap *native = arg;
    const XenCompatRemoveFromPhysmap *compat = arg;
    uint64_t gfn = c->compat ? compat->gpfn : native->gpfn;
    int64_t ret = xen_domid_check(c, native->domid);
    XenOverlay *o;

    if (ret) {
        return ret;
    }
    o = xen_overlay_at(c->d, gfn);
    if (o) {
        xen_overlay_unmap(c->d, o);
    } else if (xen_physmap_remove(c->d->memory->physmap, gfn, false)) {
        return -XEN_ENOENT;
    }
    return 0;
}
