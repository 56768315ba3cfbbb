/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grant_table_op (xen: common/grant_table.c, as arch/x86/hvm/hypercall.c,
 * hvm_grant_table_op offers it to HVM and PVH guests).
 *
 * DEVIATION: map_grant_ref, unmap_grant_ref, copy and swap_grant_ref answer
 * -ENOSYS.
 */
#include "hw/xen/grant-internal.h"
#include "hw/xen/hypercall-internal.h"

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
        op->nr_frames = c->d->grant->nr_frames;
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
        const XenOverlay *o = &c->d->grant->frame[i];
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
        xen_grant_grow(c->d->grant, native->nr_frames);
        status = frames_write(c, list, native->nr_frames);
    }
    native->status = status; /* at the same place in both layouts */
    return 0;
}

/* The version in force is told whether or not it could be changed. */
static int64_t op_set_version(XenCall *c, G_GNUC_UNUSED void *arg)
{
    struct gnttab_set_version op;
    int64_t ret;

    if (!xen_copy_in(c, c->args[1], &op, sizeof(op))) {
        return -XEN_EFAULT;
    }
    ret = xen_grant_set_version(c->d->grant, op.version);
    op.version = c->d->grant->version;
    return xen_copy_out(c, c->args[1], &op, sizeof(op)) ? ret : -XEN_EFAULT;
}

static int64_t op_get_version(XenCall *c, void *arg)
{
    struct gnttab_get_version *op = arg;

    op->version = c->d->grant->version;
    return xen_domid_check(c, op->dom);
}

#define IN_OUT (XEN_ARG_IN | XEN_ARG_OUT)

static const XenSubop grant_ops[] = {
    XEN_SUBOP_COMPAT(GNTTABOP_setup_table, struct gnttab_setup_table,
                     XenCompatSetupTable, IN_OUT, op_setup_table),
    XEN_SUBOP(GNTTABOP_query_size, struct gnttab_query_size, IN_OUT,
              op_query_size),
    XEN_SUBOP_PLAIN(GNTTABOP_set_version, op_set_version),
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
