/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls that exist for other domains than a guest: what they answer one
 * (xen: common/domctl.c, common/sysctl.c, arch/x86/platform_hypercall.c,
 * common/dm.c, arch/x86/mm.c, common/hypfs.c, arch/x86/cpu/vpmu.c).
 */
#include "hw/xen/hypercall-internal.h"

#define SYSCTL_VERSION   0x15u
#define DOMCTL_VERSION   0x15u
#define DOMCTL_VERSION_N 0x17u /* since Xen 4.19 */
#define PLATFORM_VERSION 0x03000001u

/* xen: public/domctl.h */
#define DOMCTL_CREATEDOMAIN       1u
#define DOMCTL_GETDOMAININFO      5u
#define DOMCTL_SHADOW_OP          10u
#define DOMCTL_ASSIGN_DEVICE      37u
#define DOMCTL_TEST_ASSIGN_DEVICE 45u
#define DOMCTL_DEASSIGN_DEVICE    47u
#define DOMCTL_VM_EVENT_OP        56u

/* What all of these arguments begin with. */
typedef struct ToolstackOp {
    uint32_t cmd;
    uint32_t interface_version;
    uint16_t domid; /* domctl */
    uint8_t rest[134];
} ToolstackOp;

#define SYSCTL_SIZE 136u
#define DOMCTL_SIZE 144u

XEN_ABI_SIZE(ToolstackOp, DOMCTL_SIZE);

/* @return: 0 if the argument can be read and names @version */
static int64_t op_read(XenCall *c, ToolstackOp *op, size_t size,
                       uint32_t version)
{
    if (!xen_copy_in(c, c->args[0], op, size)) {
        return -XEN_EFAULT;
    }
    return op->interface_version == version ? 0 : -XEN_EACCES;
}

int64_t xen_do_sysctl(XenCall *c)
{
    ToolstackOp op;
    int64_t ret = op_read(c, &op, SYSCTL_SIZE, SYSCTL_VERSION);

    return ret ? ret : -XEN_EPERM;
}

int64_t xen_do_platform_op(XenCall *c)
{
    ToolstackOp op;
    int64_t ret = op_read(c, &op, SYSCTL_SIZE, PLATFORM_VERSION);

    return ret ? ret : -XEN_EPERM;
}

/* @return: 0 if the argument can be read and is of the right version */
static int64_t domctl_read(XenCall *c, ToolstackOp *op)
{
    return op_read(c, op, DOMCTL_SIZE,
                   c->d->cfg.version_minor < XEN_MINOR_PHYS_AREAS
                       ? DOMCTL_VERSION
                       : DOMCTL_VERSION_N);
}

/* What there is no domain for is refused all the same. */
static bool domctl_needs_no_domain(const XenCall *c, const ToolstackOp *op)
{
    switch (op->cmd) {
    case DOMCTL_CREATEDOMAIN:
        return true;
    case DOMCTL_GETDOMAININFO: /* the next one then, before Xen 4.18 */
        return c->d->cfg.version_minor < XEN_MINOR_PHYS_AREAS;
    case DOMCTL_ASSIGN_DEVICE:
    case DOMCTL_DEASSIGN_DEVICE:
        return op->domid == DOMID_IO;
    case DOMCTL_TEST_ASSIGN_DEVICE:
    case DOMCTL_VM_EVENT_OP:
        return op->domid == DOMID_INVALID;
    default:
        return false;
    }
}

/* DOMID_SELF is none. */
static bool domctl_has_domain(const XenCall *c, const ToolstackOp *op)
{
    return op->domid == 0 || op->domid == c->d->cfg.domid;
}

int64_t xen_do_domctl(XenCall *c)
{
    ToolstackOp op;
    int64_t ret = domctl_read(c, &op);

    if (ret) {
        return ret;
    }
    return domctl_needs_no_domain(c, &op) || domctl_has_domain(c, &op)
               ? -XEN_EPERM
               : -XEN_ESRCH;
}

/*
 * A part of domctl that is numbered on its own for its continuations (xen:
 * arch/x86/mm/paging.c, do_paging_domctl_cont).
 */
int64_t xen_do_paging_domctl_cont(XenCall *c)
{
    ToolstackOp op;
    int64_t ret = domctl_read(c, &op);

    if (ret == -XEN_EACCES || (!ret && op.cmd != DOMCTL_SHADOW_OP)) {
        return -XEN_EOPNOTSUPP;
    }
    if (ret) {
        return ret;
    }
    return domctl_has_domain(c, &op) ? -XEN_EPERM : -XEN_ESRCH;
}

/* Release builds have no console for domains other than the first. */
int64_t xen_do_console_io(G_GNUC_UNUSED XenCall *c)
{
    return -XEN_EPERM;
}

#define MMU_UPDATE_PREEMPTED 0x80000000u /* of a continuation's count */

/*
 * For the page tables of a PV domain, which this one is not.  What looks like
 * the end of a continuation returns what that was to return.
 */
int64_t xen_do_mmuext_op(XenCall *c)
{
    uint16_t foreign = (uint16_t)c->args[3];

    if ((uint32_t)c->args[1] == MMU_UPDATE_PREEMPTED && !c->args[0]) {
        return (int32_t)c->args[3];
    }
    switch (foreign) {
    case DOMID_SELF:
        return -XEN_EINVAL;
    case DOMID_IO: /* system domains, and the first, are taken to be PV */
    case DOMID_XEN:
    case 0:
        return -XEN_EPERM;
    default:
        return -XEN_ESRCH;
    }
}

/* Performance counters are off unless Xen is told otherwise. */
int64_t xen_do_xenpmu_op(G_GNUC_UNUSED XenCall *c)
{
    return -XEN_EOPNOTSUPP;
}

#define DM_OP_BUFS 2u

/* A device model's, for another domain. */
int64_t xen_do_dm_op(XenCall *c)
{
    int ret = xen_domid_remote(c, (uint16_t)c->args[0]);
    uint32_t nr_bufs = (uint32_t)c->args[1];
    size_t size = nr_bufs * (c->compat ? 8 : 16);
    uint8_t bufs[DM_OP_BUFS * 16];

    if (nr_bufs > DM_OP_BUFS) {
        return -XEN_E2BIG;
    }
    if (nr_bufs && !xen_copy_in(c, c->args[2], bufs, size)) {
        return -XEN_EFAULT;
    }
    return ret ? ret : -XEN_EINVAL; /* domain 0 is taken to be PV */
}

int64_t xen_do_hypfs_op(G_GNUC_UNUSED XenCall *c)
{
    return -XEN_EPERM;
}
