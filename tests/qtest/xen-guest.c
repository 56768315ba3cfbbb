/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Xen guest's side of hypercalls for qtest suites.
 */
#include "tests/qtest/xen-guest.h"

#include <stddef.h>

#define SHARED(field) (XG_SHARED_GPA + offsetof(struct shared_info, field))
#define VCPU(cpu, field)                                    \
    (SHARED(vcpu_info) + (cpu) * sizeof(struct vcpu_info) + \
     offsetof(struct vcpu_info, field))
#define BITS_PER_WORD 64

int64_t xg_call(Qtest *q, unsigned cpu, unsigned nr, unsigned op, void *arg,
                size_t size)
{
    int64_t ret;

    qtest_memwrite(q, XG_ARG_GPA, arg, size);
    ret = qtest_hypercall(q, cpu, nr, op, XG_ARG_GPA);
    qtest_memread(q, XG_ARG_GPA, arg, size);
    return ret;
}

int64_t xg_evtchn(Qtest *q, unsigned op, void *arg, size_t size)
{
    return xg_call(q, 0, __HYPERVISOR_event_channel_op, op, arg, size);
}

uint32_t xg_bind_ipi(Qtest *q, unsigned cpu)
{
    struct evtchn_bind_ipi ipi = {.vcpu = cpu};

    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi)), ==, 0);
    return ipi.port;
}

int64_t xg_send(Qtest *q, uint32_t port)
{
    struct evtchn_send send = {.port = port};

    return xg_evtchn(q, EVTCHNOP_send, &send, sizeof(send));
}

int64_t xg_hvm_param(Qtest *q, unsigned op, uint32_t index, uint64_t *value)
{
    struct xen_hvm_param p = {
        .domid = DOMID_SELF, .index = index, .value = *value};
    int64_t ret = xg_call(q, 0, __HYPERVISOR_hvm_op, op, &p, sizeof(p));

    *value = p.value;
    return ret;
}

void xg_map_shared_info(Qtest *q)
{
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = XG_SHARED_GFN,
    };

    g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                            &add, sizeof(add)),
                    ==, 0);
}

void xg_read_time(Qtest *q, unsigned cpu, struct vcpu_time_info *out)
{
    qtest_memread(q, VCPU(cpu, time), out, sizeof(*out));
    g_assert_cmpuint(out->version & 1, ==, 0);
}

uint64_t xg_system_time(Qtest *q, unsigned cpu)
{
    struct vcpu_time_info t;
    uint64_t delta;

    xg_read_time(q, cpu, &t);
    delta = qtest_rdtsc(q, cpu) - t.tsc_timestamp;
    delta = t.tsc_shift < 0 ? delta >> -t.tsc_shift : delta << t.tsc_shift;
    return t.system_time +
           (uint64_t)((unsigned __int128)delta * t.tsc_to_system_mul >> 32);
}

uint64_t xg_wallclock_base(Qtest *q)
{
    uint64_t sec = qtest_readl(q, SHARED(wc_sec)) |
                   (uint64_t)qtest_readl(q, SHARED(wc_sec_hi)) << 32;

    g_assert_cmpuint(qtest_readl(q, SHARED(wc_version)) & 1, ==, 0);
    return sec * 1000000000 + qtest_readl(q, SHARED(wc_nsec));
}

uint32_t xg_bind_virq(Qtest *q, unsigned cpu, unsigned virq)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = cpu};

    g_assert_cmpint(xg_call(q, cpu, __HYPERVISOR_event_channel_op,
                            EVTCHNOP_bind_virq, &bind, sizeof(bind)),
                    ==, 0);
    return bind.port;
}

bool xg_pending(Qtest *q, uint32_t port)
{
    return qtest_readb(q, SHARED(evtchn_pending) + port / 8) >> port % 8 & 1;
}

void xg_clear(Qtest *q, unsigned cpu, uint32_t port)
{
    uint64_t addr = SHARED(evtchn_pending) + port / BITS_PER_WORD * 8;

    qtest_writeq(q, addr,
                 qtest_readq(q, addr) & ~(1ull << port % BITS_PER_WORD));
    qtest_writeq(q, VCPU(cpu, evtchn_pending_sel), 0);
    qtest_writeb(q, VCPU(cpu, evtchn_upcall_pending), 0);
}

bool xg_upcall_pending(Qtest *q, unsigned cpu)
{
    return qtest_readb(q, VCPU(cpu, evtchn_upcall_pending)) != 0;
}

int64_t xg_set_timer(Qtest *q, unsigned cpu, uint64_t deadline_ns)
{
    return qtest_hypercall(q, cpu, __HYPERVISOR_set_timer_op, deadline_ns);
}
