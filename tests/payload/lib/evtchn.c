/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels (two-level) as a guest uses them.
 */
#include "tests/payload/lib/xen.h"

#define BITS_PER_WORD (8 * sizeof(xen_ulong_t))

#define CALLBACK_VIA(type, data) \
    (((uint64_t)HVM_PARAM_CALLBACK_TYPE_##type << 56) | (data))

static xen_ulong_t bit_of(unsigned port)
{
    return (xen_ulong_t)1 << (port % BITS_PER_WORD);
}

int evtchn_bind_virq(unsigned virq, unsigned vcpu)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = vcpu};
    long ret = xen_evtchn_op(EVTCHNOP_bind_virq, &bind);

    return ret ? (int)ret : (int)bind.port;
}

int evtchn_bind_ipi(unsigned vcpu)
{
    struct evtchn_bind_ipi bind = {.vcpu = vcpu};
    long ret = xen_evtchn_op(EVTCHNOP_bind_ipi, &bind);

    return ret ? (int)ret : (int)bind.port;
}

long evtchn_send(unsigned port)
{
    struct evtchn_send send = {.port = port};

    return xen_evtchn_op(EVTCHNOP_send, &send);
}

long evtchn_unmask(unsigned port)
{
    struct evtchn_unmask unmask = {.port = port};

    return xen_evtchn_op(EVTCHNOP_unmask, &unmask);
}

long evtchn_close(unsigned port)
{
    struct evtchn_close close = {.port = port};

    return xen_evtchn_op(EVTCHNOP_close, &close);
}

void evtchn_mask(unsigned port)
{
    struct shared_info *shared = xen_shared_info();

    __atomic_fetch_or(&shared->evtchn_mask[port / BITS_PER_WORD], bit_of(port),
                      __ATOMIC_SEQ_CST);
}

bool evtchn_pending(unsigned port)
{
    struct shared_info *shared = xen_shared_info();

    return __atomic_load_n(&shared->evtchn_pending[port / BITS_PER_WORD],
                           __ATOMIC_SEQ_CST) &
           bit_of(port);
}

bool evtchn_clear(unsigned port)
{
    struct shared_info *shared = xen_shared_info();

    return __atomic_fetch_and(&shared->evtchn_pending[port / BITS_PER_WORD],
                              ~bit_of(port), __ATOMIC_SEQ_CST) &
           bit_of(port);
}

bool evtchn_ack_upcall(unsigned vcpu)
{
    struct vcpu_info *info = xen_vcpu_info(vcpu);
    bool was =
        __atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);

    __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    return was;
}

long evtchn_callback_vector(uint8_t vector)
{
    return xen_hvm_set_param(HVM_PARAM_CALLBACK_IRQ,
                             CALLBACK_VIA(VECTOR, vector));
}

long evtchn_callback_gsi(unsigned gsi)
{
    return xen_hvm_set_param(HVM_PARAM_CALLBACK_IRQ, CALLBACK_VIA(GSI, gsi));
}

long evtchn_callback_none(void)
{
    return xen_hvm_set_param(HVM_PARAM_CALLBACK_IRQ, 0);
}

long evtchn_upcall_vector(unsigned vcpu, uint8_t vector)
{
    struct xen_hvm_evtchn_upcall_vector set = {.vcpu = vcpu, .vector = vector};

    return xen_hvm_op(HVMOP_set_evtchn_upcall_vector, &set);
}
