/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way into every hypercall: privilege, table, argument copies, trace (xen:
 * arch/x86/hvm/hypercall.c, hvm_hypercall).
 */
#include <assert.h>
#include <string.h>

#include "hw/xen/hypercall-internal.h"

bool xen_copy_in(XenCall *c, uint64_t gva, void *buf, size_t len)
{
    Host *host = c->d->host;

    return host->ops->mem.virt_read(host, c->v->id, (GuestVirt){gva}, buf, len);
}

bool xen_copy_out(XenCall *c, uint64_t gva, const void *buf, size_t len)
{
    Host *host = c->d->host;

    return host->ops->mem.virt_write(host, c->v->id, (GuestVirt){gva}, buf,
                                     len);
}

int xen_domid_check(const XenCall *c, uint16_t domid)
{
    if (domid == DOMID_SELF || domid == c->d->cfg.domid) {
        return 0;
    }
    return domid == 0 ? -XEN_EPERM : -XEN_ESRCH;
}

int xen_domid_remote(const XenCall *c, uint16_t domid)
{
    if (domid == c->d->cfg.domid) {
        return -XEN_EPERM;
    }
    return domid == 0 ? 0 : -XEN_ESRCH;
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

/* xen: common/domain.c, vm_assist */
static int64_t do_vm_assist(XenCall *c)
{
    uint32_t cmd = (uint32_t)c->args[0];

    if ((uint32_t)c->args[1] != VMASST_TYPE_runstate_update_flag) {
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
    [__HYPERVISOR_platform_op] = xen_do_platform_op,
    [__HYPERVISOR_memory_op] = xen_do_memory_op,
    [__HYPERVISOR_multicall] = xen_do_multicall,
    [__HYPERVISOR_set_timer_op] = xen_do_set_timer_op,
    [__HYPERVISOR_xen_version] = xen_do_xen_version,
    [__HYPERVISOR_console_io] = xen_do_console_io,
    [__HYPERVISOR_grant_table_op] = xen_do_grant_table_op,
    [__HYPERVISOR_vm_assist] = do_vm_assist,
    [__HYPERVISOR_vcpu_op] = xen_do_vcpu_op,
    [__HYPERVISOR_sched_op] = xen_do_sched_op,
    [__HYPERVISOR_event_channel_op] = xen_do_event_channel_op,
    [__HYPERVISOR_physdev_op] = xen_do_physdev_op,
    [__HYPERVISOR_hvm_op] = xen_do_hvm_op,
    [__HYPERVISOR_mmuext_op] = xen_do_mmuext_op,
    [__HYPERVISOR_sysctl] = xen_do_sysctl,
    [__HYPERVISOR_domctl] = xen_do_domctl,
    [__HYPERVISOR_xenpmu_op] = xen_do_xenpmu_op,
    [__HYPERVISOR_dm_op] = xen_do_dm_op,
    [__HYPERVISOR_hypfs_op] = xen_do_hypfs_op,
    [__HYPERVISOR_arch_1] = xen_do_paging_domctl_cont,
};

/* @return: what the call numbered @nr answers; -XEN_ENOSYS: there is none */
int64_t xen_hypercall_dispatch(XenCall *c, uint64_t nr)
{
    return nr < G_N_ELEMENTS(hypercalls) && hypercalls[nr] ? hypercalls[nr](c)
                                                           : -XEN_ENOSYS;
}

int64_t xen_domain_hypercall(XenDomain *d, unsigned vcpu, XenHypercall *call)
{
    XenCall c = {.d = d, .v = &d->vcpus[vcpu], .compat = !call->long_mode};
    uint64_t nr = c.compat ? (uint32_t)call->nr : call->nr;
    int64_t ret;

    if (c.v->upcall_lost) {
        xen_upcall_again(c.v);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(c.args); i++) {
        c.args[i] = c.compat ? (uint32_t)call->args[i] : call->args[i];
    }
    if (!call->privileged) {
        ret = -XEN_EPERM;
    } else {
        ret = xen_hypercall_dispatch(&c, nr);
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
