/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vcpu_op (xen: common/domain.c, common_vcpu_op; arch/x86/domain.c). */
#include <string.h>

#include "hw/xen/fault-internal.h"
#include "hw/xen/hypercall-internal.h"

static XenVcpu *target(XenCall *c)
{
    return &c->d->vcpus[c->target];
}

/* INIT that a vCPU which is down has not seen counts all the same. */
static void take_init(XenVcpu *v)
{
    Host *host = v->d->host;

    if (v->down && host->ops->vcpu_take_init(host, v->id) && v->initialised) {
        xen_domain_reset_vcpu(v->d, v->id);
    }
}

static int64_t op_initialise(XenCall *c, void *arg)
{
    take_init(target(c));
    return xen_vcpu_initialise(target(c), arg);
}

static int64_t op_up(XenCall *c, G_GNUC_UNUSED void *arg)
{
    XenVcpu *v = target(c);

    take_init(v);
    if (!v->initialised) {
        return -XEN_EINVAL;
    }
    if (v->down) {
        xen_vcpu_set_up(v);
    }
    return 0;
}

/* The last one to go down takes the domain along. */
static int64_t op_down(XenCall *c, G_GNUC_UNUSED void *arg)
{
    XenVcpu *v = target(c);

    if (!v->down) {
        xen_vcpu_set_down(v);
        c->d->host->ops->vcpu_offline(c->d->host, v->id);
    }
    return 0;
}

static int64_t op_is_up(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return !target(c)->down;
}

static int64_t op_get_runstate_info(XenCall *c, void *arg)
{
    struct vcpu_runstate_info info;
    XenCompatRunstateInfo compat;

    xen_runstate_get(target(c), &info);
    if (c->compat) {
        compat.state = info.state;
        compat.state_entry_time = info.state_entry_time;
        memcpy(compat.time, info.time, sizeof(compat.time));
        memcpy(arg, &compat, sizeof(compat));
    } else {
        memcpy(arg, &info, sizeof(info));
    }
    return 0;
}

/* A bad address is no error, only never written; 0 takes the area away. */
static void area_register(const XenCall *c, XenArea *area, uint64_t addr)
{
    area->gva.v = c->compat ? (uint32_t)addr : addr;
    area->registered = area->gva.v != 0;
}

/* Written at once. */
static int64_t op_register_runstate(XenCall *c, void *arg)
{
    const struct vcpu_register_runstate_memory_area *op = arg;
    XenVcpu *v = target(c);

    area_register(c, &v->runstate_area, op->addr.p);
    if (v->runstate_area.registered) {
        xen_runstate_write(v, c->v->id);
    }
    return 0;
}

static int64_t op_register_time(XenCall *c, void *arg)
{
    const struct vcpu_register_time_memory_area *op = arg;
    XenVcpu *v = target(c);

    area_register(c, &v->time_area, op->addr.p);
    xen_time_update(v, true);
    return 0;
}

/*
 * What both registrations of a physical address have for an argument, in
 * either layout.
 * @return: 0; -XEN_ENOSYS: Xen is too old to look at it; -XEN_EFAULT
 */
static int64_t phys_area_read(XenCall *c, uint64_t *gpa)
{
    if (c->d->cfg.version_minor < XEN_MINOR_PHYS_AREAS) {
        return -XEN_ENOSYS;
    }
    return xen_copy_in(c, c->args[2], gpa, sizeof(*gpa)) ? 0 : -XEN_EFAULT;
}

/* As register_runstate, by physical address; all ones ends it. */
static int64_t op_register_runstate_phys(XenCall *c, G_GNUC_UNUSED void *arg)
{
    XenVcpu *v = target(c);
    uint64_t gpa;
    int64_t ret = phys_area_read(c, &gpa);

    if (ret) {
        return ret;
    }
    ret = xen_area_map(v, &v->runstate_phys, gpa,
                       c->compat ? sizeof(XenCompatRunstateInfo)
                                 : sizeof(struct vcpu_runstate_info));
    if (!ret) {
        v->runstate_phys_32 = c->compat && v->runstate_phys.page;
    }
    if (!ret && v->runstate_phys.page && v == c->v) {
        xen_runstate_phys_write(v); /* another's at its next change */
    }
    return ret;
}

static int64_t op_register_time_phys(XenCall *c, G_GNUC_UNUSED void *arg)
{
    XenVcpu *v = target(c);
    uint64_t gpa;
    int64_t ret = phys_area_read(c, &gpa);

    if (ret) {
        return ret;
    }
    ret = xen_area_map(v, &v->time_phys, gpa, sizeof(struct vcpu_time_info));
    if (!ret) {
        xen_time_phys_populate(v);
    }
    return ret;
}

static int64_t op_set_periodic(XenCall *c, void *arg)
{
    const struct vcpu_set_periodic_timer *op = arg;

    if (op->period_ns < XEN_PERIOD_MIN_NS ||
        op->period_ns > XEN_PERIOD_MAX_NS) {
        return -XEN_EINVAL;
    }
    xen_periodic_set(target(c), op->period_ns);
    return 0;
}

static int64_t op_stop_periodic(XenCall *c, G_GNUC_UNUSED void *arg)
{
    xen_periodic_set(target(c), 0);
    return 0;
}

/*
 * The flag VCPU_SSHOTTMR_future is ignored, as in Xen since 4.17, unless a
 * fault is in force.
 */
static int64_t op_set_singleshot(XenCall *c, G_GNUC_UNUSED void *arg)
{
    struct vcpu_set_singleshot_timer op;
    size_t len = c->compat ? sizeof(XenCompatSingleshotTimer) : sizeof(op);

    if (target(c) != c->v) {
        return -XEN_EINVAL;
    }
    if (!xen_copy_in(c, c->args[2], &op, len)) {
        return -XEN_EFAULT;
    }
    if (op.flags & VCPU_SSHOTTMR_future &&
        op.timeout_abs_ns < xen_system_time(c->d) && xen_fault_timer(c->v)) {
        return -XEN_ETIME;
    }
    xen_singleshot_set(c->v, op.timeout_abs_ns);
    return 0;
}

static int64_t op_stop_singleshot(XenCall *c, G_GNUC_UNUSED void *arg)
{
    if (target(c) != c->v) {
        return -XEN_EINVAL;
    }
    xen_timer_stop(c->d, &c->v->singleshot);
    return 0;
}

static int64_t op_register_vcpu_info(XenCall *c, void *arg)
{
    const struct vcpu_register_vcpu_info *op = arg;
    int64_t ret = xen_vcpu_info_register(target(c), op->mfn, op->offset, c->v);

    if (!ret) {
        xen_time_update(target(c), true);
    }
    return ret;
}

/* A vCPU that is down takes it when it starts (xen: nmi_pending). */
static int64_t op_send_nmi(XenCall *c, G_GNUC_UNUSED void *arg)
{
    if (target(c)->down) {
        target(c)->nmi_pending = true;
        return 0;
    }
    c->d->host->ops->nmi_inject(c->d->host, c->target);
    return 0;
}

static int64_t op_get_physid(G_GNUC_UNUSED XenCall *c, G_GNUC_UNUSED void *arg)
{
    return -XEN_EINVAL; /* the hardware domain's */
}

static const XenSubop vcpu_ops[] = {
    XEN_SUBOP(VCPUOP_initialise, struct vcpu_hvm_context, XEN_ARG_IN,
              op_initialise),
    XEN_SUBOP_PLAIN(VCPUOP_up, op_up),
    XEN_SUBOP_PLAIN(VCPUOP_down, op_down),
    XEN_SUBOP_PLAIN(VCPUOP_is_up, op_is_up),
    XEN_SUBOP_COMPAT(VCPUOP_get_runstate_info, struct vcpu_runstate_info,
                     XenCompatRunstateInfo, XEN_ARG_OUT, op_get_runstate_info),
    XEN_SUBOP(VCPUOP_register_runstate_memory_area,
              struct vcpu_register_runstate_memory_area, XEN_ARG_IN,
              op_register_runstate),
    XEN_SUBOP(VCPUOP_set_periodic_timer, struct vcpu_set_periodic_timer,
              XEN_ARG_IN, op_set_periodic),
    XEN_SUBOP_PLAIN(VCPUOP_stop_periodic_timer, op_stop_periodic),
    XEN_SUBOP_PLAIN(VCPUOP_set_singleshot_timer, op_set_singleshot),
    XEN_SUBOP_PLAIN(VCPUOP_stop_singleshot_timer, op_stop_singleshot),
    XEN_SUBOP(VCPUOP_register_vcpu_info, struct vcpu_register_vcpu_info,
              XEN_ARG_IN, op_register_vcpu_info),
    XEN_SUBOP_PLAIN(VCPUOP_send_nmi, op_send_nmi),
    XEN_SUBOP_PLAIN(VCPUOP_get_physid, op_get_physid),
    XEN_SUBOP(VCPUOP_register_vcpu_time_memory_area,
              struct vcpu_register_time_memory_area, XEN_ARG_IN,
              op_register_time),
    XEN_SUBOP_PLAIN(XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA,
                    op_register_runstate_phys),
    XEN_SUBOP_PLAIN(XEN_VCPUOP_REGISTER_TIME_PHYS_AREA, op_register_time_phys),
};

int64_t xen_do_vcpu_op(XenCall *c)
{
    c->target = (uint32_t)c->args[1];
    if (c->target >= c->d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    return xen_subop_call(c, vcpu_ops, G_N_ELEMENTS(vcpu_ops),
                          (uint32_t)c->args[0], c->args[2]);
}
