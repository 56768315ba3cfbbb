/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvm_op: parameters, the per-vCPU upcall vector, the time and what little
 * else is a guest's own (xen: arch/x86/hvm/hvm.c, do_hvm_op).  The device
 * model's operations moved to dm_op; their numbers answer -ENOSYS, as in Xen.
 */
#include <string.h>

#include "hw/xen/hypercall-internal.h"

#define TRACE_CLASS_SHIFT 12
#define XEN_GFN_MAX       (UINT64_MAX >> HOST_PAGE_SHIFT)

/*
 * The TSS for virtual 8086 mode (xen: hvm_set_param): its size, which has the
 * upper half of VM86_TSS_SIZED, from a TSS alone to one with full bitmaps; and
 * what VM86_TSS says of it.
 */
#define TSS_SIZE_MIN     104u
#define TSS_SIZE_MAX     (TSS_SIZE_MIN + 0x100 / 8 + 0x10000 / 8 + 1)
#define TSS_SIZE_ASSUMED 128u

/*
 * Since this minor version ALTP2M is the domain's from its creation on, and
 * traces are made of whole words.
 */
#define MINOR_ALTP2M_FIXED 19u
#define MINOR_TRACE_WORDS  19u

/* Where hvmloader puts the PM timer: at port 0xb008 (xen: public/hvm/params.h)
 */
#define ACPI_IOPORTS_V1 1u

/* What the guest itself may do with a parameter; anything else: -EPERM. */
typedef enum ParamAccess {
    PARAM_GET = 1 << 0,
    PARAM_SET = 1 << 1,
    PARAM_GONE = 1 << 2, /* deprecated: -EINVAL */
} ParamAccess;

static const uint8_t param_access[HVM_NR_PARAMS] = {
    [HVM_PARAM_CALLBACK_IRQ] = PARAM_GET | PARAM_SET,
    [HVM_PARAM_STORE_PFN] = PARAM_GET,
    [HVM_PARAM_STORE_EVTCHN] = PARAM_GET | PARAM_SET,
    [HVM_PARAM_VM86_TSS] = PARAM_GET | PARAM_SET,
    [HVM_PARAM_CONSOLE_PFN] = PARAM_GET,
    [HVM_PARAM_CONSOLE_EVTCHN] = PARAM_GET | PARAM_SET,
    [HVM_PARAM_ACPI_IOPORTS_LOCATION] = PARAM_GET | PARAM_SET,
    [HVM_PARAM_VM_GENERATION_ID_ADDR] = PARAM_GET | PARAM_SET,
    [HVM_PARAM_ALTP2M] = PARAM_GET,
    [HVM_PARAM_X87_FIP_WIDTH] = PARAM_GET | PARAM_SET,
    [HVM_PARAM_VM86_TSS_SIZED] = PARAM_GET | PARAM_SET,
    /*
     * PAE_ENABLED, DM_DOMAIN, MEMORY_EVENT_*, NESTEDHVM and BUFIOREQ_EVTCHN:
     * the public headers keep them from guests.
     */
    [4] = PARAM_GONE,
    [13] = PARAM_GONE,
    [20 ... 26] = PARAM_GONE,
    [30] = PARAM_GONE,
};

/* As the toolstack leaves them. */
void xen_params_reset(XenDomain *d)
{
    memset(d->params, 0, sizeof(d->params));
    if (d->store_ring) {
        d->params[HVM_PARAM_STORE_PFN] = XEN_STORE_GFN;
        d->params[HVM_PARAM_STORE_EVTCHN] = XEN_STORE_PORT;
    }
    if (!d->cfg.pvh) {
        d->params[HVM_PARAM_ACPI_IOPORTS_LOCATION] = ACPI_IOPORTS_V1;
    }
    d->params[HVM_PARAM_CONSOLE_PFN] = XEN_CONSOLE_GFN;
    d->params[HVM_PARAM_CONSOLE_EVTCHN] = XEN_CONSOLE_PORT;
}

/* @return: 0 if @want is allowed on the parameter @op names */
static int64_t param_check(const XenCall *c, const struct xen_hvm_param *op,
                           ParamAccess want)
{
    int ret;

    if (op->index >= HVM_NR_PARAMS) {
        return -XEN_EINVAL;
    }
    ret = xen_domid_check(c, op->domid);
    if (ret) {
        return ret == -XEN_EPERM ? -XEN_EINVAL /* domain 0 is taken to be PV */
                                 : ret;
    }
    if (param_access[op->index] & PARAM_GONE) {
        return -XEN_EINVAL;
    }
    if (op->index == HVM_PARAM_ALTP2M && want == PARAM_SET &&
        c->d->cfg.version_minor >= MINOR_ALTP2M_FIXED) {
        return -XEN_EEXIST;
    }
    return param_access[op->index] & want ? 0 : -XEN_EPERM;
}

static int64_t param_trace(XenCall *c, const struct xen_hvm_param *op, bool set,
                           int64_t ret)
{
    xen_trace(c->d, HOST_TRACE_hvm_param, op->index, op->value, set,
              (uint64_t)ret);
    return ret;
}

/*
 * DEVIATION: the ports of ACPI stay where they are; Xen moves its PM timer, and
 * refuses other places only.
 */
static int64_t acpi_ioports_set(const XenDomain *d, uint64_t version)
{
    if (d->cfg.pvh) {
        return -XEN_ENODEV; /* there is none */
    }
    return version == ACPI_IOPORTS_V1 ? 0 : -XEN_EINVAL;
}

/* Both parameters that say where the TSS is end up in VM86_TSS_SIZED. */
static int64_t tss_set(XenDomain *d, uint32_t index, uint64_t value)
{
    uint64_t size = value >> 32;

    if (index == HVM_PARAM_VM86_TSS) {
        /* DEVIATION: Xen crashes a domain that sets the upper half, too. */
        if (size) {
            return -XEN_EINVAL;
        }
        size = value ? TSS_SIZE_ASSUMED : 0;
    } else if (size < TSS_SIZE_MIN) {
        /* DEVIATION: Xen crashes a domain that tells too small a TSS, too. */
        return -XEN_EINVAL;
    }
    d->params[HVM_PARAM_VM86_TSS_SIZED] =
        MIN(size, TSS_SIZE_MAX) << 32 | (uint32_t)value;
    return 0;
}

/*
 * Most parameters are only kept: they tell a device model or an emulator that
 * we do not have.
 */
static int64_t param_apply(XenCall *c, const struct xen_hvm_param *op)
{
    XenDomain *d = c->d;

    switch (op->index) {
    case HVM_PARAM_CALLBACK_IRQ:
        xen_callback_set(d, op->value);
        xen_latch_shared_info(d, c->v->id);
        break;
    case HVM_PARAM_ACPI_IOPORTS_LOCATION:
        return acpi_ioports_set(d, op->value);
    case HVM_PARAM_X87_FIP_WIDTH:
        if (op->value != 0 && op->value != 4 && op->value != 8) {
            return -XEN_EINVAL;
        }
        break;
    case HVM_PARAM_VM86_TSS:
    case HVM_PARAM_VM86_TSS_SIZED:
        return tss_set(d, op->index, op->value);
    }
    d->params[op->index] = op->value;
    return 0;
}

static int64_t op_set_param(XenCall *c, void *arg)
{
    const struct xen_hvm_param *op = arg;
    int64_t ret = param_check(c, op, PARAM_SET);

    if (!ret) {
        ret = param_apply(c, op);
    }
    return param_trace(c, op, true, ret);
}

static int64_t op_get_param(XenCall *c, void *arg)
{
    struct xen_hvm_param *op = arg;
    int64_t ret = param_check(c, op, PARAM_GET);

    if (!ret) {
        op->value = op->index == HVM_PARAM_VM86_TSS
                        ? (uint32_t)c->d->params[HVM_PARAM_VM86_TSS_SIZED]
                        : c->d->params[op->index];
    }
    return param_trace(c, op, false, ret);
}

/* Xen's answer for domains with hardware-assisted paging. */
static int64_t op_pagetable_dying(XenCall *c, void *arg)
{
    const struct xen_hvm_pagetable_dying *op = arg;

    switch (xen_domid_check(c, op->domid)) {
    case 0:
        return -XEN_EINVAL;
    case -XEN_EPERM:
        return -XEN_EOPNOTSUPP; /* another domain */
    default:
        return -XEN_ESRCH;
    }
}

/* The argument must be absent: it once was a set of vCPUs. */
static int64_t op_flush_tlbs(XenCall *c, G_GNUC_UNUSED void *arg)
{
    if (c->args[1]) {
        return -XEN_EINVAL;
    }
    c->d->host->ops->tlb_flush(c->d->host, c->v->id);
    return 0;
}

/* There is no trace buffer, as in a Xen whose tracing is off. */
static int64_t op_xentrace(XenCall *c, void *arg)
{
    const struct xen_hvm_xentrace *op = arg;

    if (c->d->cfg.version_minor >= MINOR_TRACE_WORDS &&
        op->extra_bytes % sizeof(uint32_t)) {
        return -XEN_EINVAL;
    }

    /* A class is set by Xen (xen: public/trace.h, TRC_SUBCLS_SHIFT). */
    if (op->extra_bytes > sizeof(op->extra) || op->event >> TRACE_CLASS_SHIFT) {
        return -XEN_EINVAL;
    }
    return 0;
}

static uint16_t mem_type(XenDomain *d, uint64_t gfn)
{
    const HostOps *ops = d->host->ops;
    HostPage *page;
    uint8_t byte;

    if (gfn > XEN_GFN_MAX) {
        return HVMMEM_mmio_dm;
    }
    page = ops->mem.page_pin(d->host, gfn);
    if (page) {
        ops->mem.page_unpin(d->host, page);
        return HVMMEM_ram_rw;
    }
    return ops->mem.phys_read(d->host, (GuestPhys){gfn << HOST_PAGE_SHIFT},
                              &byte, 1)
               ? HVMMEM_ram_ro
               : HVMMEM_mmio_dm;
}

static int64_t op_get_mem_type(XenCall *c, void *arg)
{
    struct xen_hvm_get_mem_type *op = arg;
    int ret = xen_domid_check(c, op->domid);

    if (!ret) {
        op->mem_type = mem_type(c->d, op->pfn);
    }
    return ret;
}

/* Nobody listens to the guest's requests. */
static int64_t op_guest_request(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return c->args[1] ? -XEN_EINVAL : 0;
}

/* Xen's answer on processors without EPT. */
static int64_t op_altp2m(G_GNUC_UNUSED XenCall *c, G_GNUC_UNUSED void *arg)
{
    return -XEN_EOPNOTSUPP;
}

static int64_t op_get_time(XenCall *c, void *arg)
{
    struct xen_hvm_get_time *op = arg;

    op->now = xen_system_time(c->d);
    return 0;
}

/* One event is made up, since some may have been missed until now. */
static int64_t op_set_upcall_vector(XenCall *c, void *arg)
{
    const struct xen_hvm_evtchn_upcall_vector *op = arg;
    XenVcpu *v;

    if (op->vector < XEN_UPCALL_VECTOR_MIN) {
        return -XEN_EINVAL;
    }
    if (op->vcpu >= c->d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    v = &c->d->vcpus[op->vcpu];
    v->upcall_vector = op->vector;
    xen_upcall_assert(v);
    return 0;
}

/* xen: public/hvm/hvm_op.h, laid out alike in 32-bit code */
static const XenSubop hvm_ops[] = {
    XEN_SUBOP(HVMOP_set_param, struct xen_hvm_param, XEN_ARG_IN, op_set_param),
    XEN_SUBOP(HVMOP_get_param, struct xen_hvm_param, XEN_ARG_IN | XEN_ARG_OUT,
              op_get_param),
    XEN_SUBOP_PLAIN(HVMOP_flush_tlbs, op_flush_tlbs),
    XEN_SUBOP(HVMOP_xentrace, struct xen_hvm_xentrace, XEN_ARG_IN, op_xentrace),
    XEN_SUBOP(HVMOP_get_mem_type, struct xen_hvm_get_mem_type,
              XEN_ARG_IN | XEN_ARG_OUT, op_get_mem_type),
    XEN_SUBOP_PLAIN(HVMOP_guest_request_vm_event, op_guest_request),
    XEN_SUBOP_PLAIN(HVMOP_altp2m, op_altp2m),
    XEN_SUBOP(HVMOP_pagetable_dying, struct xen_hvm_pagetable_dying, XEN_ARG_IN,
              op_pagetable_dying),
    XEN_SUBOP(HVMOP_get_time, struct xen_hvm_get_time, XEN_ARG_OUT,
              op_get_time),
    XEN_SUBOP(HVMOP_set_evtchn_upcall_vector,
              struct xen_hvm_evtchn_upcall_vector, XEN_ARG_IN,
              op_set_upcall_vector),
};

int64_t xen_do_hvm_op(XenCall *c)
{
    return xen_subop_call(c, hvm_ops, G_N_ELEMENTS(hvm_ops),
                          (uint32_t)c->args[0], c->args[1]);
}
