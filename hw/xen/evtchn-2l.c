/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels in the 2-level ABI: a pending and a mask bit a port in
 * shared_info, a selector bit for each word of them in vcpu_info (xen:
 * common/event_2l.c).
 */
#include "hw/xen/evtchn-port-internal.h"

static void l2_init(G_GNUC_UNUSED XenDomain *d, G_GNUC_UNUSED uint32_t port,
                    G_GNUC_UNUSED XenPort *p)
{
    /* The bits are as the guest left them. */
}

static bool l2_is_pending(const XenDomain *d, uint32_t port)
{
    return xen_bit_test(d->shared_info.ptr + xen_pending_offset(d), port);
}

static bool l2_is_masked(const XenDomain *d, uint32_t port)
{
    return xen_bit_test(d->shared_info.ptr + xen_mask_offset(d), port);
}

static bool l2_is_busy(G_GNUC_UNUSED const XenDomain *d,
                       G_GNUC_UNUSED uint32_t port)
{
    return false;
}

static void select_word(XenDomain *d, uint32_t port, const XenPort *p)
{
    XenVcpu *v = &d->vcpus[p->vcpu];
    size_t sel = xen_pending_sel_offset(d);
    unsigned word = port / xen_word_bits(d);

    if (!xen_bit_test_and_set(v->info + sel, word)) {
        xen_vcpu_info_dirty(v, sel + word / 8, 1);
        xen_upcall_mark(v);
    }
}

/*
 * The order matters: a guest that clears and masks bits meanwhile must find
 * either the bit or the upcall (xen: evtchn_2l_set_pending).
 */
static void l2_set_pending(XenDomain *d, uint32_t port, XenPort *p)
{
    size_t pending = xen_pending_offset(d);

    if (xen_bit_test_and_set(d->shared_info.ptr + pending, port)) {
        return;
    }
    xen_shared_info_dirty(d, pending + port / 8, 1);
    if (!l2_is_masked(d, port)) {
        select_word(d, port, p);
    }
    xen_check_pollers(d, port);
}

static void l2_clear_pending(XenDomain *d, uint32_t port,
                             G_GNUC_UNUSED XenPort *p)
{
    size_t pending = xen_pending_offset(d);

    if (xen_bit_test_and_clear(d->shared_info.ptr + pending, port)) {
        xen_shared_info_dirty(d, pending + port / 8, 1);
    }
}

/* The order matters, as in l2_set_pending() (xen: evtchn_2l_unmask). */
static void l2_unmask(XenDomain *d, uint32_t port, XenPort *p)
{
    size_t mask = xen_mask_offset(d);

    if (!xen_bit_test_and_clear(d->shared_info.ptr + mask, port)) {
        return;
    }
    xen_shared_info_dirty(d, mask + port / 8, 1);
    if (l2_is_pending(d, port)) {
        select_word(d, port, p);
    }
}

/* xen: common/event_channel.h, max_evtchns */
static uint32_t l2_nr_ports(const XenDomain *d)
{
    return xen_word_bits(d) * xen_word_bits(d);
}

const XenPortOps xen_evtchn_2l_ops = {
    .init = l2_init,
    .set_pending = l2_set_pending,
    .clear_pending = l2_clear_pending,
    .unmask = l2_unmask,
    .is_pending = l2_is_pending,
    .is_masked = l2_is_masked,
    .is_busy = l2_is_busy,
    .nr_ports = l2_nr_ports,
};
