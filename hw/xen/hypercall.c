/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way into every hypercall: privilege, table, argument copies, trace (xen:
 * arch/x86/hvm/hypercall.c, hvm_hypercall).
 *
 * DEVIATION: multicall, dm_op, argo_op, xenpmu_op, hypfs_op and
 * mmuext_op answer -ENOSYS.
 */
#include <assert.h>
#include <string.h>

#include "hw/xen/hypercall-internal.h"

bool xen_copy_in(XenCall *c, uint64_t gva, void *buf, size_t len)
{
    Host *host = c->d->host;

    return host->ops->virt_read(host, c->v->id, (GuestVirt){gva}, buf, len);
}

bool xen_copy_out(XenCall *c, uint64_t gva, const void *buf, size_t len)
{
    Host *host = c->d->host;

    return host->ops->virt_write(host, c->v->id, (GuestVirt){gva}, buf, len);
}

int xen_domid_check(const XenCall *c, uint16_t domid)
{
    if (domid == DOMID_SELF || domid == c->d->cfg.domid) {
        return 0;
    }
    return domid == 0 ? -XEN_EPERM : -XEN_ESRCH;
}

/*
 * @return: the sub-operation's result; -XEN_ENOSYS if @cmd is not in @table;
 * -XEN_EFAULT if the argument cannot be copied.  As in Xen what an operation
 * did is not undone when only its result could not be copied back.
 */
int64_t xen_subop_call(XenCall *c, const XenSubop *table, size_t n,
                       uint32_t cmd, uint64_t gva)
{
    const XenSubop *op = NULL;
    uint64_t arg[XEN_ARG_MAX / sizeof(uint64_t)];
    size_t size;
    int64_t ret;

    for (size_t i = 0; i < n && !op; i++) {
        op = table[i].cmd == cmd ? &table[i] : NULL;
    }
    if (!op) {
        return -XEN_ENOSYS;
    }
    size = c->compat ? op->compat_size : op->size;
    assert(size <= sizeof(arg));
    memset(arg, 0, size);
    if ((op->flags & XEN_ARG_IN) && !xen_copy_in(c, gva, arg, size)) {
        return -XEN_EFAULT;
    }
    ret = op->fn(c, arg);
    if (ret >= 0 && (op->flags & XEN_ARG_OUT) &&
        !xen_copy_out(c, gva, arg, size)) {
        return -XEN_EFAULT;
    }
    return ret;
}

/* Release builds have no console for domains other than the first. */
static int64_t do_console_io(G_GNUC_UNUSED XenCall *c)
{
    return -XEN_EPERM;
}

/*
 * The control domain's: sysctl, domctl, platform_op.
 * DEVIATION: -EPERM whatever interface version the argument names (Xen looks
 * at that first: -EACCES).
 */
static int64_t do_privileged(XenCall *c)
{
    uint32_t cmd;

    return xen_copy_in(c, c->args[0], &cmd, sizeof(cmd)) ? -XEN_EPERM
                                                         : -XEN_EFAULT;
}

/* xen: common/domain.c, vm_assist */
static int64_t do_vm_assist(XenCall *c)
{
    uint32_t cmd = (uint32_t)c->args[0];

    if (c->args[1] != VMASST_TYPE_runstate_update_flag) {
        return -XEN_EINVAL;
    }
    switch (cmd) {
    case VMASST_CMD_enable:
        c->d->vm_assist |= XEN_VM_ASSIST_VALID;
        return 0;
    case VMASST_CMD_disable:
        c->d->vm_assist &= ~XEN_VM_ASSIST_VALID;
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

static XenHypercallFn *const hypercalls[] = {
    [__HYPERVISOR_platform_op] = do_privileged,
    [__HYPERVISOR_memory_op] = xen_do_memory_op,
    [__HYPERVISOR_set_timer_op] = xen_do_set_timer_op,
    [__HYPERVISOR_xen_version] = xen_do_xen_version,
    [__HYPERVISOR_console_io] = do_console_io,
    [__HYPERVISOR_grant_table_op] = xen_do_grant_table_op,
    [__HYPERVISOR_vm_assist] = do_vm_assist,
    [__HYPERVISOR_vcpu_op] = xen_do_vcpu_op,
    [__HYPERVISOR_sched_op] = xen_do_sched_op,
    [__HYPERVISOR_event_channel_op] = xen_do_event_channel_op,
    [__HYPERVISOR_physdev_op] = xen_do_physdev_op,
    [__HYPERVISOR_hvm_op] = xen_do_hvm_op,
    [__HYPERVISOR_sysctl] = do_privileged,
    [__HYPERVISOR_domctl] = do_privileged,
};

int64_t xen_domain_hypercall(XenDomain *d, unsigned vcpu, XenHypercall *call)
{
    XenCall c = {.d = d, .v = &d->vcpus[vcpu], .compat = !call->long_mode};
    uint64_t nr = c.compat ? (uint32_t)call->nr : call->nr;
    int64_t ret;

    for (size_t i = 0; i < G_N_ELEMENTS(c.args); i++) {
        c.args[i] = c.compat ? (uint32_t)call->args[i] : call->args[i];
    }
    if (!call->privileged) {
        ret = -XEN_EPERM;
    } else if (nr >= G_N_ELEMENTS(hypercalls) || !hypercalls[nr]) {
        ret = -XEN_ENOSYS;
    } else {
        ret = hypercalls[nr](&c);
    }
    if (c.again) {
        memcpy(call->args, c.args, sizeof(c.args));
        call->again = true;
        return 0;
    }
    c.v->hypercalls++;
    xen_trace(d, HOST_TRACE_hypercall, vcpu, nr, c.args[0], (uint64_t)ret);
    return ret;
}
