/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a guest is told that events are pending: a vector through its local
 * APIC, a direct vector, or the level of an interrupt line (xen:
 * arch/x86/hvm/irq.c).
 */
#include "hw/xen/domain-internal.h"

/* Types as in HVM_PARAM_CALLBACK_IRQ's top byte. */
#define VIA_TYPE(via) ((via) >> 56)

static void callback_line(XenDomain *d, bool level)
{
    if (d->callback_gsi >= 0) {
        d->host->ops->gsi_level(d->host, (unsigned)d->callback_gsi, level);
    }
}

/* The line follows vCPU 0's pending flag (xen: hvm_set_callback_irq_level). */
static void callback_line_update(XenDomain *d)
{
    bool level = xen_upcall_pending(&d->vcpus[0]);

    if (d->callback_asserted != level) {
        d->callback_asserted = level;
        callback_line(d, level);
    }
}

/* xen: hvm_assert_evtchn_irq */
void xen_upcall_assert(XenVcpu *v)
{
    XenDomain *d = v->d;
    const HostOps *ops = d->host->ops;
    uint8_t vector = 0;

    if (d->callback == XEN_CALLBACK_VECTOR) {
        /* Stays in force beside the other (hvm_vcpu_has_pending_irq). */
        vector = d->callback_vector;
        ops->vector_level(d->host, v->id, vector, xen_upcall_pending(v));
    }
    if (v->upcall_vector) {
        vector = v->upcall_vector;
        ops->lapic_inject(d->host, v->id, vector);
    } else if (d->callback != XEN_CALLBACK_VECTOR && v->id == 0) {
        callback_line_update(d);
    }
    v->upcalls++;
    xen_trace(d, HOST_TRACE_upcall, v->id, d->callback, vector,
              (uint64_t)xen_now(d));
    xen_vcpu_unblock(v);
}

/* xen: arch/x86/domain.c, vcpu_mark_events_pending */
void xen_upcall_mark(XenVcpu *v)
{
    size_t off = offsetof(struct vcpu_info, evtchn_upcall_pending);

    if (!xen_bit_test_and_set(v->info + off, 0)) {
        xen_vcpu_info_dirty(v, off, 1);
        xen_upcall_assert(v);
    }
}

/* The guest's kernel is awake: it is told what its local APIC forgot. */
void xen_upcall_again(XenVcpu *v)
{
    v->upcall_lost = false;
    if (xen_upcall_pending(v)) {
        xen_upcall_assert(v);
    }
}

static void callback_teardown(XenDomain *d)
{
    if (d->callback_asserted) {
        callback_line(d, false);
    }
    if (d->callback == XEN_CALLBACK_VECTOR) {
        for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
            d->host->ops->vector_level(d->host, i, d->callback_vector, false);
        }
    }
}

/* An unknown type, GSI 0 and a PCI function that does not exist mean none. */
static void callback_decode(XenDomain *d, uint64_t via)
{
    d->callback = XEN_CALLBACK_NONE;
    d->callback_gsi = -1;
    switch (VIA_TYPE(via)) {
    case HVM_PARAM_CALLBACK_TYPE_GSI:
        if ((uint8_t)via) {
            d->callback = XEN_CALLBACK_GSI;
            d->callback_gsi = (uint8_t)via;
        }
        break;
    case HVM_PARAM_CALLBACK_TYPE_PCI_INTX:
        /* The PCI domain and bus are there in the value, and ignored. */
        d->callback = XEN_CALLBACK_PCI_INTX;
        d->callback_gsi = d->host->ops->pci_intx_to_gsi(
            d->host, 0, 0, (via >> 8) & 0xf8, via & 3);
        break;
    case HVM_PARAM_CALLBACK_TYPE_VECTOR:
        d->callback = XEN_CALLBACK_VECTOR;
        d->callback_vector = (uint8_t)via;
        break;
    }
}

/* HVM_PARAM_CALLBACK_IRQ was set to @via (xen: hvm_set_callback_via). */
void xen_callback_set(XenDomain *d, uint64_t via)
{
    callback_teardown(d);
    callback_decode(d, via);
    if (d->callback_asserted) {
        callback_line(d, true);
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        if (!d->vcpus[i].down) {
            xen_upcall_assert(&d->vcpus[i]);
        }
    }
}

/* As the saved parameter says; levels are driven again, no edge is made. */
void xen_callback_load(XenDomain *d, bool asserted)
{
    callback_decode(d, d->params[HVM_PARAM_CALLBACK_IRQ]);
    d->callback_asserted = asserted;
    if (asserted) {
        callback_line(d, true);
    }
    for (unsigned i = 0;
         d->callback == XEN_CALLBACK_VECTOR && i < d->cfg.nr_vcpus; i++) {
        d->host->ops->vector_level(d->host, i, d->callback_vector,
                                   xen_upcall_pending(&d->vcpus[i]));
    }
}

void xen_callback_reset(XenDomain *d)
{
    callback_teardown(d);
    d->callback = XEN_CALLBACK_NONE;
    d->callback_gsi = -1;
    d->callback_vector = 0;
    d->callback_asserted = false;
}

/* xen: hvm_maybe_deassert_evtchn_irq, hvm_vcpu_has_pending_irq */
bool xen_domain_vcpu_upcall_due(XenDomain *d, unsigned vcpu)
{
    XenVcpu *v = &d->vcpus[vcpu];

    if (vcpu == 0 && d->callback_asserted) {
        callback_line_update(d);
    }
    return d->callback == XEN_CALLBACK_VECTOR && xen_upcall_pending(v);
}
