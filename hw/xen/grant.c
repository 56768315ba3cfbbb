/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's own grant table, version 1 (xen: common/grant_table.c).
 *
 * DEVIATION: mapping, copying and transferring other domains' pages, version 2
 * and the other operations answer -ENOSYS: there is no other domain.
 */
#include <string.h>

#include "hw/xen/hypercall-internal.h"

/* The toolstack grants the backends their rings in the first two entries. */
static void grant_seed(XenDomain *d, unsigned ref, uint32_t gfn)
{
    struct grant_entry_v1 entry = {GTF_permit_access, 0, gfn};

    memcpy(d->grant[0].ptr + ref * sizeof(entry), &entry, sizeof(entry));
    d->host->ops->page_dirty(d->host, d->grant[0].page, ref * sizeof(entry),
                             sizeof(entry));
}

/* One frame, mapped nowhere. */
void xen_grant_reset(XenDomain *d)
{
    for (unsigned i = 0; i < XEN_GRANT_FRAMES_MAX; i++) {
        xen_overlay_reset(d, &d->grant[i]);
    }
    d->nr_grant_frames = 1;
    grant_seed(d, GNTTAB_RESERVED_CONSOLE, XEN_CONSOLE_GFN);
    if (d->store_ring) {
        grant_seed(d, GNTTAB_RESERVED_XENSTORE, XEN_STORE_GFN);
    }
}

/* Frame @idx; the table grows to have it.  NULL beyond the limit. */
XenOverlay *xen_grant_frame(XenDomain *d, uint64_t idx)
{
    if (idx >= XEN_GRANT_FRAMES_MAX) {
        return NULL;
    }
    d->nr_grant_frames = MAX(d->nr_grant_frames, (unsigned)idx + 1);
    return &d->grant[idx];
}

/* A domain id as a GNTST_* status. */
static int16_t domid_status(const XenCall *c, uint16_t domid)
{
    switch (xen_domid_check(c, domid)) {
    case 0:
        return GNTST_okay;
    case -XEN_EPERM:
        return GNTST_permission_denied;
    default:
        return GNTST_bad_domain;
    }
}

static int64_t op_query_size(XenCall *c, void *arg)
{
    struct gnttab_query_size *op = arg;

    if (c->args[2] != 1) {
        return -XEN_EINVAL;
    }
    op->status = domid_status(c, op->dom);
    if (op->status == GNTST_okay) {
        op->nr_frames = c->d->nr_grant_frames;
        op->max_nr_frames = XEN_GRANT_FRAMES_MAX;
    }
    return 0;
}

/*
 * The frames as the guest knows them: all ones for those not yet mapped by
 * XENMEM_add_to_physmap.
 */
static int16_t frames_write(XenCall *c, uint64_t gva, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        const XenOverlay *o = &c->d->grant[i];
        uint64_t gfn = o->mapped ? o->gfn : UINT64_MAX;
        size_t size = c->compat ? sizeof(uint32_t) : sizeof(uint64_t);

        if (!xen_copy_out(c, gva + i * size, &gfn, size)) {
            return GNTST_bad_virt_addr;
        }
    }
    return GNTST_okay;
}

static int64_t op_setup_table(XenCall *c, void *arg)
{
    struct gnttab_setup_table *native = arg;
    XenCompatSetupTable *compat = arg;
    uint64_t list = c->compat ? compat->frame_list
                              : (uint64_t)(uintptr_t)native->frame_list.p;
    int16_t status = domid_status(c, native->dom);

    if (c->args[2] != 1) {
        return -XEN_EINVAL;
    }
    if (native->nr_frames > XEN_GRANT_FRAMES_MAX) {
        status = GNTST_general_error;
    } else if (status == GNTST_okay) {
        c->d->nr_grant_frames = MAX(c->d->nr_grant_frames, native->nr_frames);
        status = frames_write(c, list, native->nr_frames);
    }
    native->status = status; /* at the same place in both layouts */
    return 0;
}

static int64_t op_set_version(G_GNUC_UNUSED XenCall *c, void *arg)
{
    struct gnttab_set_version *op = arg;

    if (op->version == 2) {
        return -XEN_ENOSYS;
    }
    return op->version == 1 ? 0 : -XEN_EINVAL;
}

static int64_t op_get_version(XenCall *c, void *arg)
{
    struct gnttab_get_version *op = arg;
    int ret = xen_domid_check(c, op->dom);

    op->version = 1;
    return ret;
}

#define IN_OUT (XEN_ARG_IN | XEN_ARG_OUT)

static const XenSubop grant_ops[] = {
    XEN_SUBOP_COMPAT(GNTTABOP_setup_table, struct gnttab_setup_table,
                     XenCompatSetupTable, IN_OUT, op_setup_table),
    XEN_SUBOP(GNTTABOP_query_size, struct gnttab_query_size, IN_OUT,
              op_query_size),
    XEN_SUBOP(GNTTABOP_set_version, struct gnttab_set_version, IN_OUT,
              op_set_version),
    XEN_SUBOP(GNTTABOP_get_version, struct gnttab_get_version, IN_OUT,
              op_get_version),
};

int64_t xen_do_grant_table_op(XenCall *c)
{
    if ((int32_t)c->args[2] < 0) {
        return -XEN_EINVAL;
    }
    return xen_subop_call(c, grant_ops, G_N_ELEMENTS(grant_ops),
                          (uint32_t)c->args[0], c->args[1]);
}
