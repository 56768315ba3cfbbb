/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op, and the pages of ours that lie over guest frames (xen:
 * common/memory.c; arch/x86/mm.c, arch_memory_op).
 *
 * DEVIATION: an overlay hides the memory beneath, which stays and is there
 * again when the overlay goes; Xen gives that memory back to its heap, and
 * leaves a hole.
 */
#include <string.h>

#include "hw/xen/memory-internal.h"

bool xen_overlay_new(XenDomain *d, XenOverlay *o, const char *name)
{
    o->page = d->host->ops->mem.overlay_new(d->host, name);
    if (!o->page) {
        return false;
    }
    o->ptr = d->host->ops->mem.page_ptr(d->host, o->page);
    return true;
}

/* Moves it if it is mapped already; false, and unchanged, if it cannot be. */
bool xen_overlay_map(XenDomain *d, XenOverlay *o, uint64_t gfn)
{
    if (!d->host->ops->mem.overlay_map(d->host, o->page, gfn)) {
        return false;
    }
    if (!o->mapped) {
        g_ptr_array_add(d->memory->overlays, o);
    }
    o->mapped = true;
    o->gfn = gfn;
    return true;
}

void xen_overlay_unmap(XenDomain *d, XenOverlay *o)
{
    if (o->mapped) {
        d->host->ops->mem.overlay_unmap(d->host, o->page);
        g_ptr_array_remove_fast(d->memory->overlays, o);
        o->mapped = false;
        o->gfn = 0;
    }
}

/* Zeroed and nowhere. */
void xen_overlay_reset(XenDomain *d, XenOverlay *o)
{
    xen_overlay_unmap(d, o);
    memset(o->ptr, 0, HOST_PAGE_SIZE);
    d->host->ops->mem.page_dirty(d->host, o->page, 0, HOST_PAGE_SIZE);
}

void xen_overlay_free(XenDomain *d, XenOverlay *o)
{
    if (o->page) {
        xen_overlay_unmap(d, o);
        d->host->ops->mem.overlay_free(d->host, o->page);
        o->page = NULL;
    }
}

/* The one a guest sees at @gfn, or NULL. */
XenOverlay *xen_overlay_at(const XenDomain *d, uint64_t gfn)
{
    for (unsigned i = 0; i < d->memory->overlays->len; i++) {
        XenOverlay *o = d->memory->overlays->pdata[i];

        if (o->gfn == gfn) {
            return o;
        }
    }
    return NULL;
}

void xen_memory_new(XenDomain *d)
{
    d->memory = g_new0(XenMemory, 1);
    d->memory->physmap = xen_physmap_new(d->host, &d->cfg);
    d->memory->overlays = g_ptr_array_new();
}

/* After all overlays. */
void xen_memory_free(XenDomain *d)
{
    xen_physmap_free(d->memory->physmap);
    g_ptr_array_unref(d->memory->overlays);
    g_free(d->memory->map);
    g_free(d->memory);
}

/* A ring's page, which a guest may have taken away, where it belongs. */
static void special_page_reset(XenDomain *d, XenOverlay *o, uint64_t gfn)
{
    if (o->page && (!o->mapped || o->gfn != gfn)) {
        xen_overlay_map(d, o, gfn);
    }
}

/* The rings' pages. */
void xen_special_pages_reset(XenDomain *d)
{
    special_page_reset(d, &d->console, XEN_CONSOLE_GFN);
    special_page_reset(d, &d->store, XEN_STORE_GFN);
}

/* Before anything else is reset that touches guest memory. */
void xen_memory_reset(XenDomain *d)
{
    xen_physmap_reset(d->memory->physmap);
    xen_memory_map_reset(d);
    xen_special_pages_reset(d);
}

void xen_memop_continue(XenCall *c, uint64_t done)
{
    c->args[0] =
        (c->args[0] & XEN_MEMOP_CMD_MASK) | done << XEN_MEMOP_EXTENT_SHIFT;
    c->again = true;
}

uint64_t xen_memop_extent(const XenCall *c)
{
    return c->args[0] >> XEN_MEMOP_EXTENT_SHIFT;
}

/* The argument is a domid; the answer is the result. */
static int64_t op_current_reservation(XenCall *c, void *arg)
{
    const domid_t *domid = arg;
    int ret = xen_domid_check(c, *domid);

    return ret ? ret : (int64_t)xen_physmap_nr_pages(c->d->memory->physmap);
}

static int64_t op_maximum_reservation(XenCall *c, void *arg)
{
    const domid_t *domid = arg;
    int ret = xen_domid_check(c, *domid);

    return ret ? ret : (int64_t)c->d->cfg.nr_pages;
}

static int64_t op_maximum_gpfn(XenCall *c, void *arg)
{
    const domid_t *domid = arg;
    int ret = xen_domid_check(c, *domid);

    return ret ? ret : (int64_t)xen_physmap_max_gfn(c->d->memory->physmap);
}

/* DEVIATION: the machine has just the guest's memory. */
static int64_t op_maximum_ram_page(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return (int64_t)c->d->cfg.nr_pages;
}

/* Nothing is shared between domains. */
static int64_t op_sharing_pages(G_GNUC_UNUSED XenCall *c,
                                G_GNUC_UNUSED void *arg)
{
    return 0;
}

#define IN_OUT (XEN_ARG_IN | XEN_ARG_OUT)

/* Refuse a continuation with -XEN_EINVAL. */
static const XenSubop common_ops[] = {
    XEN_SUBOP_PLAIN(XENMEM_maximum_ram_page, op_maximum_ram_page),
    XEN_SUBOP(XENMEM_current_reservation, domid_t, XEN_ARG_IN,
              op_current_reservation),
    XEN_SUBOP(XENMEM_maximum_reservation, domid_t, XEN_ARG_IN,
              op_maximum_reservation),
    XEN_SUBOP(XENMEM_maximum_gpfn, domid_t, XEN_ARG_IN, op_maximum_gpfn),
    XEN_SUBOP_PLAIN(XENMEM_exchange, xen_memop_exchange),
    XEN_SUBOP_COMPAT(XENMEM_remove_from_physmap, struct xen_remove_from_physmap,
                     XenCompatRemoveFromPhysmap, XEN_ARG_IN,
                     xen_memop_remove_from_physmap),
    XEN_SUBOP(XENMEM_get_vnumainfo, struct xen_vnuma_topology_info, XEN_ARG_IN,
              xen_memop_vnumainfo),
    XEN_SUBOP_COMPAT(XENMEM_reserved_device_memory_map, XenReservedDeviceMap,
                     XenCompatReservedDeviceMap, IN_OUT,
                     xen_memop_reserved_device_map),
};

/* Know of continuations, or look at the caller first. */
static const XenSubop batch_ops[] = {
    XEN_SUBOP_COMPAT(XENMEM_add_to_physmap, struct xen_add_to_physmap,
                     XenCompatAddToPhysmap, XEN_ARG_IN,
                     xen_memop_add_to_physmap),
    XEN_SUBOP_COMPAT(
        XENMEM_add_to_physmap_batch, struct xen_add_to_physmap_batch,
        XenCompatAddToPhysmapBatch, XEN_ARG_IN, xen_memop_add_to_physmap_batch),
    XEN_SUBOP(XENMEM_access_op, XenMemAccessOp, XEN_ARG_IN,
              xen_memop_access_op),
    XEN_SUBOP_PLAIN(XENMEM_acquire_resource, xen_memop_acquire_resource),
    XEN_SUBOP_PLAIN(XENMEM_claim_pages, xen_memop_claim_pages),
};

/* Do not exist with a continuation. */
static const XenSubop arch_ops[] = {
    XEN_SUBOP_COMPAT(XENMEM_memory_map, struct xen_memory_map,
                     XenCompatMemoryMap, 0, xen_memop_memory_map),
    XEN_SUBOP_COMPAT(XENMEM_set_memory_map, struct xen_foreign_memory_map,
                     XenCompatForeignMemoryMap, XEN_ARG_IN,
                     xen_memop_set_memory_map),
    XEN_SUBOP_PLAIN(XENMEM_machine_memory_map, xen_memop_machine_memory_map),
    XEN_SUBOP_COMPAT(XENMEM_machphys_mfn_list, struct xen_machphys_mfn_list,
                     XenCompatMachphysMfnList, IN_OUT,
                     xen_memop_machphys_mfn_list),
    XEN_SUBOP_COMPAT(XENMEM_machphys_compat_mfn_list,
                     struct xen_machphys_mfn_list, XenCompatMachphysMfnList,
                     IN_OUT, xen_memop_machphys_mfn_list),
    XEN_SUBOP_COMPAT(XENMEM_set_pod_target, struct xen_pod_target,
                     XenCompatPodTarget, XEN_ARG_IN, xen_memop_pod_target),
    XEN_SUBOP_COMPAT(XENMEM_get_pod_target, struct xen_pod_target,
                     XenCompatPodTarget, XEN_ARG_IN, xen_memop_pod_target),
    XEN_SUBOP_PLAIN(XENMEM_get_sharing_freed_pages, op_sharing_pages),
    XEN_SUBOP_PLAIN(XENMEM_get_sharing_shared_pages, op_sharing_pages),
};

static bool has_op(const XenSubop *table, size_t n, uint32_t cmd)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].cmd == cmd) {
            return true;
        }
    }
    return false;
}

static int64_t memory_op(XenCall *c, uint32_t cmd)
{
    uint64_t extent = xen_memop_extent(c);

    switch (cmd) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return xen_memop_reservation(c, cmd);
    }
    if (has_op(common_ops, G_N_ELEMENTS(common_ops), cmd)) {
        return extent ? -XEN_EINVAL
                      : xen_subop_call(c, common_ops, G_N_ELEMENTS(common_ops),
                                       cmd, c->args[1]);
    }
    if ((cmd == XENMEM_add_to_physmap || cmd == XENMEM_add_to_physmap_batch) &&
        extent > UINT16_MAX) {
        return -XEN_EDOM; /* their lengths have 16 bits */
    }
    if (has_op(batch_ops, G_N_ELEMENTS(batch_ops), cmd)) {
        return xen_subop_call(c, batch_ops, G_N_ELEMENTS(batch_ops), cmd,
                              c->args[1]);
    }
    return extent ? -XEN_ENOSYS
                  : xen_subop_call(c, arch_ops, G_N_ELEMENTS(arch_ops), cmd,
                                   c->args[1]);
}

int64_t xen_do_memory_op(XenCall *c)
{
    int64_t ret = memory_op(c, (uint32_t)c->args[0] & XEN_MEMOP_CMD_MASK);

    xen_physmap_sync(c->d->memory->physmap);
    return ret;
}
