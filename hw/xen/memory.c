/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op, and the pages of ours that lie over guest frames (xen:
 * common/memory.c; arch/x86/mm/p2m.c, xenmem_add_to_physmap_one).
 *
 * DEVIATION: an overlay hides the memory beneath, which stays; Xen drops it.
 * DEVIATION: changing the guest's memory (the reservations, exchange,
 * remove_from_physmap, XENMAPSPACE_gmfn and gmfn_range, the batched
 * operation) and asking for its map, which the machine gives by other means,
 * answer -ENOSYS.
 */
#include <string.h>

#include "hw/xen/hypercall-internal.h"

/* The upper bits of the command are where to continue (MEMOP_EXTENT_SHIFT). */
#define EXTENT_SHIFT 6
#define CMD_MASK     ((1u << EXTENT_SHIFT) - 1)
/* add_to_physmap's continuation counts in its 16-bit size field. */
#define EXTENT_MAX UINT16_MAX

bool xen_overlay_new(XenDomain *d, XenOverlay *o, const char *name)
{
    o->page = d->host->ops->overlay_new(d->host, name);
    if (!o->page) {
        return false;
    }
    o->ptr = d->host->ops->page_ptr(d->host, o->page);
    return true;
}

/* Moves it if it is mapped already; false, and unchanged, if it cannot be. */
bool xen_overlay_map(XenDomain *d, XenOverlay *o, uint64_t gfn)
{
    if (!d->host->ops->overlay_map(d->host, o->page, gfn)) {
        return false;
    }
    o->mapped = true;
    o->gfn = gfn;
    return true;
}

/* Zeroed and nowhere. */
void xen_overlay_reset(XenDomain *d, XenOverlay *o)
{
    if (o->mapped) {
        d->host->ops->overlay_unmap(d->host, o->page);
        o->mapped = false;
        o->gfn = 0;
    }
    memset(o->ptr, 0, HOST_PAGE_SIZE);
    d->host->ops->page_dirty(d->host, o->page, 0, HOST_PAGE_SIZE);
}

void xen_overlay_free(XenDomain *d, XenOverlay *o)
{
    if (!o->page) {
        return;
    }
    if (o->mapped) {
        d->host->ops->overlay_unmap(d->host, o->page);
    }
    d->host->ops->overlay_free(d->host, o->page);
    o->page = NULL;
}

/* The overlay of @d's that @space and @idx name, or NULL with *@ret set. */
static XenOverlay *overlay_find(XenDomain *d, uint32_t space, uint64_t idx,
                                int64_t *ret)
{
    *ret = -XEN_EINVAL;
    switch (space) {
    case XENMAPSPACE_shared_info:
        return idx == 0 ? &d->shared_info : NULL;
    case XENMAPSPACE_grant_table:
        return xen_grant_frame(d, idx);
    case XENMAPSPACE_gmfn:
    case XENMAPSPACE_gmfn_range:
    case XENMAPSPACE_gmfn_foreign:
        *ret = -XEN_ENOSYS;
        return NULL;
    default:
        return NULL;
    }
}

static int64_t physmap_add(XenDomain *d, uint32_t space, uint64_t idx,
                           uint64_t gfn)
{
    int64_t ret;
    XenOverlay *o = overlay_find(d, space, idx, &ret);

    if (o) {
        ret = xen_overlay_map(d, o, gfn) ? 0 : -XEN_ENOMEM;
    }
    xen_trace(d, HOST_TRACE_overlay, space, idx, gfn, (uint64_t)ret);
    return ret;
}

static int64_t op_add_to_physmap(XenCall *c, void *arg)
{
    const struct xen_add_to_physmap *native = arg;
    const XenCompatAddToPhysmap *compat = arg;
    uint64_t idx = c->compat ? compat->idx : native->idx;
    uint64_t gfn = c->compat ? compat->gpfn : native->gpfn;
    bool no_gfn = c->compat ? compat->gpfn == UINT32_MAX : ~gfn == 0;
    int ret;

    if (native->space == XENMAPSPACE_gmfn_foreign) {
        return -XEN_ENOSYS;
    }
    ret = xen_domid_check(c, native->domid);
    if (ret) {
        return ret;
    }
    return no_gfn ? -XEN_EINVAL : physmap_add(c->d, native->space, idx, gfn);
}

/* The argument is a domid; the answer is the result. */
static int64_t op_reservation(XenCall *c, void *arg)
{
    const domid_t *domid = arg;
    int ret = xen_domid_check(c, *domid);

    return ret ? ret : (int64_t)c->d->cfg.nr_pages;
}

/* DEVIATION: the machine has just the guest's memory. */
static int64_t op_maximum_ram_page(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return (int64_t)c->d->cfg.nr_pages;
}

static const XenSubop memory_ops[] = {
    XEN_SUBOP_COMPAT(XENMEM_add_to_physmap, struct xen_add_to_physmap,
                     XenCompatAddToPhysmap, XEN_ARG_IN, op_add_to_physmap),
    XEN_SUBOP_PLAIN(XENMEM_maximum_ram_page, op_maximum_ram_page),
    XEN_SUBOP(XENMEM_current_reservation, domid_t, XEN_ARG_IN, op_reservation),
    XEN_SUBOP(XENMEM_maximum_reservation, domid_t, XEN_ARG_IN, op_reservation),
};

int64_t xen_do_memory_op(XenCall *c)
{
    uint32_t cmd = (uint32_t)c->args[0] & CMD_MASK;
    uint64_t extent = c->args[0] >> EXTENT_SHIFT;

    if (cmd == XENMEM_add_to_physmap && extent > EXTENT_MAX) {
        return -XEN_EDOM;
    }
    if (cmd != XENMEM_add_to_physmap && extent) {
        return -XEN_EINVAL;
    }
    return xen_subop_call(c, memory_ops, G_N_ELEMENTS(memory_ops), cmd,
                          c->args[1]);
}
