/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * physdev_op, and interrupts of the machine's devices as events (xen:
 * arch/x86/physdev.c; arch/x86/irq.c, map_domain_emuirq_pirq;
 * arch/x86/hvm/irq.c, assert_gsi and hvm_inject_msi).
 *
 * DEVIATION: a rising line that is taken as an event does not reach the 8259
 * interrupt controllers either.
 */
#include <inttypes.h>
#include <string.h>

#include "hw/xen/abi/compat-physdev.h"
#include "hw/xen/evtchn-port-internal.h"
#include "hw/xen/pirq-internal.h"

/* A host with one I/O APIC of 24 pins, and xl's 32 interrupts more. */
#define NR_HOST_GSIS 24u
#define NR_PIRQS     (NR_HOST_GSIS + 32u)
/* xen: NR_HVM_DOMU_IRQS, the pins of a guest's I/O APIC */
#define NR_GSIS 48u
#define NR_ISA  16u
/* xl has them off for HVM guests since this minor version. */
#define MINOR_NO_PIRQS 19u
/* Since this one map_pirq and unmap_pirq tell a guest without them so. */
#define MINOR_EOPNOTSUPP 20u

/* What a pirq stands for, besides a GSI's number. */
#define EMUIRQ_UNBOUND (-1)
#define EMUIRQ_MSI     (-3)

typedef struct Pirq {
    int emuirq;     /* a GSI or EMUIRQ_* */
    bool allocated; /* by get_free_pirq; it is never given back */
    uint32_t port;  /* 0: none */
} Pirq;

struct XenPirqs {
    Pirq pirq[NR_PIRQS];
    int of_gsi[NR_GSIS]; /* the pirq a GSI is; negative: none */
    bool level[NR_GSIS]; /* of the machine's lines */
};

XenPirqs *xen_pirqs_new(void)
{
    return g_new0(XenPirqs, 1);
}

void xen_pirqs_free(XenPirqs *pirqs)
{
    g_free(pirqs);
}

static void mappings_clear(XenPirqs *ps)
{
    for (unsigned i = 0; i < NR_PIRQS; i++) {
        ps->pirq[i] = (Pirq){.emuirq = EMUIRQ_UNBOUND};
    }
    for (unsigned i = 0; i < NR_GSIS; i++) {
        ps->of_gsi[i] = -1;
    }
}

/* The machine lowers its lines when it is reset. */
void xen_pirqs_reset(XenDomain *d)
{
    mappings_clear(d->pirqs);
    memset(d->pirqs->level, 0, sizeof(d->pirqs->level));
}

bool xen_domain_has_pirqs(const XenDomain *d)
{
    return !d->cfg.pvh && d->cfg.version_minor < MINOR_NO_PIRQS;
}

/* NULL if there is no such one */
static Pirq *pirq_get(const XenDomain *d, uint32_t pirq)
{
    return pirq < NR_PIRQS ? &d->pirqs->pirq[pirq] : NULL;
}

/* Does Xen hold a structure for it (xen: arch/x86/irq.c, pirq_cleanup_check)?
 */
static bool pirq_exists(const Pirq *p)
{
    return p && (p->allocated || p->emuirq != EMUIRQ_UNBOUND || p->port);
}

static void pirq_send(XenDomain *d, const Pirq *p)
{
    if (p->port) {
        xen_port_set_pending(d, p->port);
    }
}

/* Is @gsi taken as an event (xen: hvm_domain_use_pirq)? */
static bool gsi_taken(const XenPirqs *ps, unsigned gsi)
{
    return ps->of_gsi[gsi] >= 0 && ps->pirq[ps->of_gsi[gsi]].port;
}

/* @gsi may not be taken any more: whoever it interrupts instead must know. */
static void gsi_released(XenDomain *d, unsigned gsi)
{
    if (d->pirqs->level[gsi] && !gsi_taken(d->pirqs, gsi)) {
        d->host->ops->gsi_release(d->host, gsi);
    }
}

/* Only a rising line makes an event, whatever its trigger (xen: assert_gsi). */
bool xen_domain_gsi(XenDomain *d, unsigned gsi, bool level)
{
    XenPirqs *ps = d->pirqs;
    bool rises;

    if (gsi >= NR_GSIS) {
        return false;
    }
    rises = level && !ps->level[gsi];
    ps->level[gsi] = level;
    if (!gsi_taken(ps, gsi)) {
        return false;
    }
    if (rises) {
        pirq_send(d, &ps->pirq[ps->of_gsi[gsi]]);
    }
    return true;
}

/* A message without a vector has the number in its destination. */
static uint32_t msi_pirq(uint64_t addr, uint32_t data)
{
    return data & 0xff
               ? 0
               : (uint32_t)((addr >> 32 & 0xffffff00) | (addr >> 12 & 0xff));
}

bool xen_domain_takes_msi(const XenDomain *d, uint64_t addr, uint32_t data)
{
    return xen_domain_has_pirqs(d) && msi_pirq(addr, data);
}

/* What cannot be delivered is lost (xen: hvm_inject_msi). */
bool xen_domain_msi(XenDomain *d, uint64_t addr, uint32_t data)
{
    Pirq *p;

    if (!xen_domain_takes_msi(d, addr, data)) {
        return false;
    }
    p = pirq_get(d, msi_pirq(addr, data));
    if (p && p->emuirq == EMUIRQ_UNBOUND) {
        p->emuirq = EMUIRQ_MSI;
    }
    if (p && p->emuirq == EMUIRQ_MSI) {
        pirq_send(d, p);
    }
    return true;
}

int64_t xen_pirq_check(const XenDomain *d, uint32_t pirq)
{
    const Pirq *p = pirq_get(d, pirq);

    if (!p) {
        return -XEN_EINVAL;
    }
    return p->port ? -XEN_EEXIST : 0;
}

void xen_pirq_set_port(XenDomain *d, uint32_t pirq, uint32_t port)
{
    Pirq *p = pirq_get(d, pirq);

    p->port = port;
    xen_trace(d, HOST_TRACE_pirq_bind, pirq, port, 0, 0);
    if (p->emuirq >= 0) {
        gsi_released(d, (unsigned)p->emuirq);
    }
}

/* xen: arch/x86/domain.c, arch_domain_soft_reset */
void xen_pirqs_soft_reset(XenDomain *d)
{
    XenPirqs *ps = d->pirqs;

    for (unsigned i = 0; i < NR_PIRQS; i++) {
        Pirq *p = &ps->pirq[i];

        if (p->port) {
            xen_pirq_set_port(d, i, 0);
        }
        if (p->emuirq >= 0) {
            ps->of_gsi[p->emuirq] = -1;
        }
        p->emuirq = EMUIRQ_UNBOUND;
    }
}

void xen_pirqs_restore(XenDomain *d)
{
    xen_pirqs_soft_reset(d);
    mappings_clear(d->pirqs);
}

/* xen: arch/x86/irq.c, get_free_pirq */
static int free_pirq(const XenPirqs *ps, int type)
{
    unsigned first = type == MAP_PIRQ_TYPE_GSI ? NR_ISA : NR_HOST_GSIS;

    for (unsigned i = first; i < NR_HOST_GSIS; i++) {
        if (!ps->pirq[i].allocated && ps->pirq[i].emuirq == EMUIRQ_UNBOUND) {
            return (int)i;
        }
    }
    for (unsigned i = NR_PIRQS - 1; i >= NR_HOST_GSIS; i--) {
        if (!ps->pirq[i].allocated && ps->pirq[i].emuirq == EMUIRQ_UNBOUND) {
            return (int)i;
        }
    }
    return -XEN_ENOSPC;
}

/* A mapping that is at odds with one there is succeeds, and changes nothing. */
static int64_t gsi_map(XenPirqs *ps, int pirq, int gsi)
{
    Pirq *p;

    if (pirq < 0 || pirq >= (int)NR_PIRQS) {
        return -XEN_EINVAL;
    }
    p = &ps->pirq[pirq];
    if (p->emuirq == EMUIRQ_UNBOUND && ps->of_gsi[gsi] < 0) {
        p->emuirq = gsi;
        ps->of_gsi[gsi] = pirq;
    }
    return 0;
}

/*
 * What map_pirq and unmap_pirq say to who may not: 0 for a guest that asks for
 * itself, by no other name than DOMID_SELF.
 */
static int64_t check_self(const XenCall *c, uint16_t domid)
{
    int ret = xen_domid_check(c, domid);

    if (ret) {
        return ret;
    }
    if (!xen_domain_has_pirqs(c->d)) {
        return -XEN_EOPNOTSUPP;
    }
    return domid == DOMID_SELF ? 0 : -XEN_EPERM;
}

/* Events must not go by an interrupt line that could be mapped itself. */
static bool events_by_vector(const XenDomain *d)
{
    return d->callback == XEN_CALLBACK_VECTOR || d->vcpus[0].upcall_vector;
}

/* The members used are in the same place in both layouts. */
static int64_t op_map_pirq(XenCall *c, void *arg)
{
    struct physdev_map_pirq *op = arg;
    int64_t ret = check_self(c, op->domid);

    if (ret) {
        return ret;
    }
    if (!events_by_vector(c->d) || op->type != MAP_PIRQ_TYPE_GSI ||
        op->index < 0 || op->index >= (int)NR_GSIS) {
        return -XEN_EINVAL;
    }
    if (op->pirq < 0) {
        op->pirq = free_pirq(c->d->pirqs, op->type);
    }
    ret = gsi_map(c->d->pirqs, op->pirq, op->index);
    xen_trace(c->d, HOST_TRACE_pirq_map, (uint32_t)op->pirq,
              (unsigned)op->index, true, (uint64_t)ret);
    return ret;
}

static int64_t op_unmap_pirq(XenCall *c, void *arg)
{
    const struct physdev_unmap_pirq *op = arg;
    int64_t ret = check_self(c, op->domid);
    Pirq *p = pirq_get(c->d, (uint32_t)op->pirq);
    int gsi;

    if (ret || !p) {
        return ret;
    }
    gsi = p->emuirq;
    p->emuirq = EMUIRQ_UNBOUND;
    xen_trace(c->d, HOST_TRACE_pirq_map, (uint32_t)op->pirq,
              (uint64_t)(int64_t)gsi, false, 0);
    if (gsi >= 0) {
        c->d->pirqs->of_gsi[gsi] = -1;
        gsi_released(c->d, (unsigned)gsi);
    }
    return 0;
}

/*
 * A level-triggered line that is still up makes the next event.
 * DEVIATION: where the machine routes PCI interrupts to the first sixteen
 * lines these count as level-triggered too, by the 8259s' trigger register.
 */
static int64_t op_eoi(XenCall *c, void *arg)
{
    const struct physdev_eoi *op = arg;
    XenDomain *d = c->d;
    const Pirq *p = pirq_get(d, op->irq);
    bool again = false;

    if (!pirq_exists(p)) {
        return -XEN_EINVAL;
    }
    if (p->emuirq > 0 && d->pirqs->level[p->emuirq] &&
        d->host->ops->gsi_is_level(d->host, (unsigned)p->emuirq)) {
        again = true;
        pirq_send(d, p);
    }
    xen_trace(d, HOST_TRACE_pirq_eoi, op->irq, again, 0, 0);
    return 0;
}

static int64_t op_irq_status_query(XenCall *c, void *arg)
{
    struct physdev_irq_status_query *op = arg;
    const Pirq *p = pirq_get(c->d, op->irq);

    if (!p || p->emuirq == EMUIRQ_UNBOUND) {
        return -XEN_EINVAL;
    }
    op->flags = XENIRQSTAT_needs_eoi;
    return 0;
}

static int64_t op_get_free_pirq(XenCall *c, void *arg)
{
    struct physdev_get_free_pirq *op = arg;
    int pirq = free_pirq(c->d->pirqs, op->type);

    if (pirq < 0) {
        return pirq;
    }
    c->d->pirqs->pirq[pirq].allocated = true;
    op->pirq = (uint32_t)pirq;
    return 0;
}

/* All others are the hardware domain's: -XEN_ENOSYS (xen: hvm_physdev_op). */
static const XenSubop physdev_ops[] = {
    XEN_SUBOP_COMPAT(PHYSDEVOP_map_pirq, struct physdev_map_pirq,
                     XenCompatMapPirq, XEN_ARG_IN | XEN_ARG_OUT, op_map_pirq),
    XEN_SUBOP(PHYSDEVOP_unmap_pirq, struct physdev_unmap_pirq, XEN_ARG_IN,
              op_unmap_pirq),
    XEN_SUBOP(PHYSDEVOP_eoi, struct physdev_eoi, XEN_ARG_IN, op_eoi),
    XEN_SUBOP(PHYSDEVOP_irq_status_query, struct physdev_irq_status_query,
              XEN_ARG_IN | XEN_ARG_OUT, op_irq_status_query),
    XEN_SUBOP(PHYSDEVOP_get_free_pirq, struct physdev_get_free_pirq,
              XEN_ARG_IN | XEN_ARG_OUT, op_get_free_pirq),
};

int64_t xen_do_physdev_op(XenCall *c)
{
    uint32_t cmd = (uint32_t)c->args[0];
    bool maps = cmd == PHYSDEVOP_map_pirq || cmd == PHYSDEVOP_unmap_pirq;

    if (!xen_domain_has_pirqs(c->d) &&
        !(maps && c->d->cfg.version_minor >= MINOR_EOPNOTSUPP)) {
        return -XEN_ENOSYS;
    }
    return xen_subop_call(c, physdev_ops, G_N_ELEMENTS(physdev_ops), cmd,
                          c->args[1]);
}

typedef enum PirqTag {
    TAG_EMUIRQ = 0x0b00,
    TAG_ALLOCATED,
    TAG_LEVEL,
} PirqTag;

/* In the stream: 0 and 1 for what is no GSI, then GSIs. */
#define STREAM_MSI 1u
#define STREAM_GSI 2u

void xen_pirqs_save(XenDomain *d, StateWriter *w)
{
    const XenPirqs *ps = d->pirqs;

    for (unsigned i = 0; i < NR_PIRQS; i++) {
        const Pirq *p = &ps->pirq[i];
        uint64_t emuirq = p->emuirq >= 0 ? STREAM_GSI + (unsigned)p->emuirq
                                         : p->emuirq == EMUIRQ_MSI;

        state_put_u64(w, TAG_EMUIRQ, emuirq);
        state_put_u64(w, TAG_ALLOCATED, p->allocated);
    }
    for (unsigned i = 0; i < NR_GSIS; i++) {
        state_put_u64(w, TAG_LEVEL, ps->level[i]);
    }
}

static void pirq_load(XenPirqs *ps, unsigned i, StateReader *r)
{
    unsigned emuirq = (unsigned)state_get_u64(
        r, TAG_EMUIRQ, "physical interrupt", NR_GSIS - 1 + STREAM_GSI);
    unsigned gsi = emuirq - STREAM_GSI;

    ps->pirq[i].allocated =
        state_get_u64(r, TAG_ALLOCATED, "physical interrupt allocated", 1);
    if (emuirq == STREAM_MSI) {
        ps->pirq[i].emuirq = EMUIRQ_MSI;
    } else if (emuirq >= STREAM_GSI && ps->of_gsi[gsi] >= 0) {
        state_reader_fail(r, "physical interrupt %u: GSI %u is another's", i,
                          gsi);
    } else if (emuirq >= STREAM_GSI) {
        ps->pirq[i].emuirq = (int)gsi;
        ps->of_gsi[gsi] = (int)i;
    }
}

/* Ports say which physical interrupt they have. */
static void ports_link(XenDomain *d, StateReader *r)
{
    for (uint32_t i = 0; i < d->evtchn->nr_valid; i++) {
        const XenPort *p = xen_port_get(d, i);

        if (p->state != XEN_PORT_PIRQ) {
            continue;
        }
        if (xen_pirq_check(d, p->irq)) {
            state_reader_fail(r, "port %u: physical interrupt %u is none", i,
                              p->irq);
            return;
        }
        d->pirqs->pirq[p->irq].port = i;
    }
}

void xen_pirqs_load(XenDomain *d, StateReader *r)
{
    bool level[NR_GSIS];

    for (unsigned i = 0; i < NR_PIRQS; i++) {
        pirq_load(d->pirqs, i, r);
    }
    for (unsigned i = 0; i < NR_GSIS; i++) {
        level[i] = state_get_u64(r, TAG_LEVEL, "interrupt line", 1);
    }
    ports_link(d, r);
    if (!state_reader_failed(r)) {
        memcpy(d->pirqs->level, level, sizeof(level));
    }
}
