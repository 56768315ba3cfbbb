/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grant_table_op (xen: common/grant_table.c, common/compat/grant_table.c), as
 * HVM and PVH guests are offered it: transfer, unmap_and_replace, dump_table,
 * get_status_frames and cache_flush answer -ENOSYS (xen: arch/x86/hvm/
 * hypercall.c, hvm_grant_table_op).
 *
 * DEVIATION: domain 0's table has one frame and grants nothing.
 */
#include <string.h>

#include "hw/xen/abi/compat-grant.h"
#include "hw/xen/grant-internal.h"
#include "hw/xen/hypercall-internal.h"

/* Elements of a batch that are done before the guest gets a chance. */
#define BATCH 32u
/*
 * Copies of a 32-bit caller's that are read before the first is done, as many
 * as Xen's translation area has room for.
 */
#define COMPAT_BATCH 204u

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

    op->status = domid_status(c, op->dom);
    if (op->status == GNTST_okay) {
        op->nr_frames = c->d->grant->nr_frames;
        op->max_nr_frames = XEN_GRANT_FRAMES_MAX;
    }
    return 0;
}

/*
 * The frames as the guest knows them: all ones for those not yet mapped by
 * XENMEM_add_to_physmap, which is too much for 32 bits.
 */
static int16_t frames_write(XenCall *c, uint64_t gva, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        const XenOverlay *o = &c->d->grant->frame[i];
        uint64_t gfn = o->mapped ? o->gfn : UINT64_MAX;
        size_t size = c->compat ? sizeof(uint32_t) : sizeof(uint64_t);

        if (c->compat && gfn > UINT32_MAX) {
            return GNTST_address_too_big;
        }
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

    if (status == GNTST_okay &&
        !xen_grant_grow(c->d->grant, native->nr_frames)) {
        status = GNTST_general_error;
    }
    if (status == GNTST_okay) {
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

/* Operations on arrays */

typedef struct Batch {
    size_t size;                 /* of an element */
    size_t out_offset, out_size; /* what of it is copied back */
    void (*fn)(XenCall *c, void *element);
} Batch;

static void one_map(XenCall *c, void *element)
{
    struct gnttab_map_grant_ref *op = element;

    op->status = xen_grant_map(c->d->grant, op);
}

static void one_unmap(XenCall *c, void *element)
{
    struct gnttab_unmap_grant_ref *op = element;

    op->status = xen_grant_unmap(c->d->grant, op);
}

static void one_swap(XenCall *c, void *element)
{
    struct gnttab_swap_grant_ref *op = element;

    op->status = xen_grant_swap(c->d->grant, op->ref_a, op->ref_b);
}

static void one_copy(XenCall *c, void *element)
{
    struct gnttab_copy *op = element;

    op->status = xen_grant_copy(c->d->grant, op);
}

/* The @done first elements, of @size, are; are there more? */
static int64_t batch_next(XenCall *c, size_t size, uint32_t done)
{
    c->args[1] += done * size;
    c->args[2] = (uint32_t)c->args[2] - done;
    c->again = c->args[2] != 0;
    return 0;
}

/*
 * @return: 0, or -XEN_EFAULT; then the elements before the one that cannot be
 * copied are done, and it is too if that was its result.
 */
static int64_t batch_run(XenCall *c, const Batch *b)
{
    uint64_t element[sizeof(struct gnttab_copy) / sizeof(uint64_t)];
    uint32_t n = MIN((uint32_t)c->args[2], BATCH);

    for (uint32_t i = 0; i < n; i++) {
        uint64_t gva = c->args[1] + i * b->size;

        if (!xen_copy_in(c, gva, element, b->size)) {
            return -XEN_EFAULT;
        }
        b->fn(c, element);
        if (!xen_copy_out(c, gva + b->out_offset,
                          (uint8_t *)element + b->out_offset, b->out_size)) {
            return -XEN_EFAULT;
        }
    }
    return batch_next(c, b->size, n);
}

static struct gnttab_copy_ptr native_ptr(const XenCompatGrantCopyPtr *p,
                                         bool gref)
{
    struct gnttab_copy_ptr ptr = {.domid = p->domid, .offset = p->offset};

    if (gref) {
        ptr.u.ref = p->ref;
    } else {
        ptr.u.gmfn = p->ref;
    }
    return ptr;
}

/* All are read before the first is done, as Xen translates them. */
static int64_t compat_copy(XenCall *c)
{
    uint32_t n = MIN((uint32_t)c->args[2], COMPAT_BATCH);
    g_autofree XenCompatGrantCopy *op = g_new(XenCompatGrantCopy, n);
    int64_t ret = 0;

    if (n && !xen_copy_in(c, c->args[1], op, n * sizeof(*op))) {
        return -XEN_EFAULT;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct gnttab_copy copy = {
            .source =
                native_ptr(&op[i].source, op[i].flags & GNTCOPY_source_gref),
            .dest = native_ptr(&op[i].dest, op[i].flags & GNTCOPY_dest_gref),
            .len = op[i].len,
            .flags = op[i].flags,
        };

        op[i].status = xen_grant_copy(c->d->grant, &copy);
        if (!xen_copy_out(c,
                          c->args[1] + i * sizeof(*op) +
                              offsetof(XenCompatGrantCopy, status),
                          &op[i].status, sizeof(op[i].status))) {
            ret = -XEN_EFAULT;
        }
    }
    return ret ? ret : batch_next(c, sizeof(*op), n);
}

#define STATUS(type) \
    sizeof(type), offsetof(type, status), sizeof(((type *)0)->status)

static int64_t op_map(XenCall *c, G_GNUC_UNUSED void *arg)
{
    static const Batch b = {sizeof(struct gnttab_map_grant_ref), 0,
                            sizeof(struct gnttab_map_grant_ref), one_map};

    return batch_run(c, &b);
}

static int64_t op_unmap(XenCall *c, G_GNUC_UNUSED void *arg)
{
    static const Batch b = {STATUS(struct gnttab_unmap_grant_ref), one_unmap};

    return batch_run(c, &b);
}

static int64_t op_swap(XenCall *c, G_GNUC_UNUSED void *arg)
{
    static const Batch b = {STATUS(struct gnttab_swap_grant_ref), one_swap};

    return batch_run(c, &b);
}

static int64_t op_copy(XenCall *c, G_GNUC_UNUSED void *arg)
{
    static const Batch b = {STATUS(struct gnttab_copy), one_copy};

    return c->compat ? compat_copy(c) : batch_run(c, &b);
}

#define IN_OUT (XEN_ARG_IN | XEN_ARG_OUT)

static const XenSubop grant_ops[] = {
    XEN_SUBOP_PLAIN(GNTTABOP_map_grant_ref, op_map),
    XEN_SUBOP_PLAIN(GNTTABOP_unmap_grant_ref, op_unmap),
    XEN_SUBOP_COMPAT(GNTTABOP_setup_table, struct gnttab_setup_table,
                     XenCompatSetupTable, IN_OUT, op_setup_table),
    XEN_SUBOP_PLAIN(GNTTABOP_copy, op_copy),
    XEN_SUBOP(GNTTABOP_query_size, struct gnttab_query_size, IN_OUT,
              op_query_size),
    XEN_SUBOP_PLAIN(GNTTABOP_set_version, op_set_version),
    XEN_SUBOP(GNTTABOP_get_version, struct gnttab_get_version, IN_OUT,
              op_get_version),
    XEN_SUBOP_PLAIN(GNTTABOP_swap_grant_ref, op_swap),
};

static bool offered(uint32_t cmd)
{
    for (size_t i = 0; i < G_N_ELEMENTS(grant_ops); i++) {
        if (grant_ops[i].cmd == cmd) {
            return true;
        }
    }
    return false;
}

int64_t xen_do_grant_table_op(XenCall *c)
{
    uint32_t cmd = (uint32_t)c->args[0];
    uint32_t count = (uint32_t)c->args[2];

    if (!offered(cmd)) {
        return -XEN_ENOSYS;
    }
    if ((int32_t)count < 0) {
        return -XEN_EINVAL;
    }
    if (cmd == GNTTABOP_setup_table && count != 1) {
        return c->compat && !count ? 0 : -XEN_EINVAL;
    }
    if (cmd == GNTTABOP_query_size && count != 1) {
        return -XEN_EINVAL;
    }
    return xen_subop_call(c, grant_ops, G_N_ELEMENTS(grant_ops), cmd,
                          c->args[1]);
}
