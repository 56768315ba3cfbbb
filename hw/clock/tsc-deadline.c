/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TSC-deadline mode: one value and one timer a vCPU.
 *
 * DEVIATION: Xen stops an armed TSC deadline at each write of the local APIC's
 * timer register; here, as on KVM and the processor, only a change of the
 * timer's mode does.
 *
 * DEVIATION: Xen goes by the TSC as it was when the deadline was written; here,
 * as on the processor, a deadline follows writes of IA32_TSC and
 * IA32_TSC_ADJUST.
 */
#include "hw/clock/tsc-deadline.h"

/* Vectors below are the processor's own; no local APIC delivers them. */
#define FIRST_VECTOR 16u
/* Kind of timer, in the trace */
#define TRACE_KIND 2u

enum {
    TSC_DEADLINE_TAG_NR_VCPUS = 0x0d00,
    TSC_DEADLINE_TAG_VALUE,
};

typedef struct TscDeadlineVcpu {
    TscDeadline *td;
    unsigned id;
    HostTimer *timer;
    uint64_t value; /* of the TSC; 0: not armed */
} TscDeadlineVcpu;

struct TscDeadline {
    Host *host;
    const Clock *clock;
    unsigned nr_vcpus;
    TscDeadlineVcpu *vcpus;
    TscDeadlineLvtFn *lvt;
    void *opaque;
};

static bool in_mode(uint32_t lvt)
{
    return (lvt & TSC_DEADLINE_LVT_MODES) == TSC_DEADLINE_LVT_MODE;
}

/* This mode, and the reserved one */
static bool without_count(uint32_t lvt)
{
    return lvt & TSC_DEADLINE_LVT_MODE;
}

static int64_t now_ns(const TscDeadline *td)
{
    return td->host->ops->now_ns(td->host);
}

static void vcpu_trace(const TscDeadlineVcpu *v, HostTraceEvent event)
{
    Host *host = v->td->host;

    host->ops->trace(host, event, v->id, TRACE_KIND, v->value,
                     (uint64_t)now_ns(v->td));
}

/* Set or stop the timer as the value and the clock say. */
static void vcpu_arm(TscDeadlineVcpu *v)
{
    const HostOps *ops = v->td->host->ops;
    int64_t at = v->value ? clock_tsc_reached(v->td->clock, v->id,
                                              now_ns(v->td), v->value)
                          : INT64_MAX;

    if (at == INT64_MAX) {
        ops->timer_del(v->td->host, v->timer);
    } else {
        ops->timer_mod(v->td->host, v->timer, at);
    }
}

static void vcpu_fire(void *opaque)
{
    TscDeadlineVcpu *v = opaque;
    TscDeadline *td = v->td;
    uint32_t lvt = td->lvt(td->opaque, v->id);
    uint8_t vector = lvt & TSC_DEADLINE_LVT_VECTOR;

    if (!in_mode(lvt)) {
        /* The mode went by a reset of the APIC. */
        v->value = 0;
        return;
    }
    vcpu_trace(v, HOST_TRACE_timer_fire);
    v->value = 0;
    if (!(lvt & TSC_DEADLINE_LVT_MASKED) && vector >= FIRST_VECTOR) {
        td->host->ops->lapic_inject(td->host, v->id, vector);
    }
}

TscDeadline *tsc_deadline_new(Host *host, const Clock *clock, unsigned nr_vcpus,
                              TscDeadlineLvtFn *lvt, void *opaque)
{
    TscDeadline *td = g_new0(TscDeadline, 1);

    td->host = host;
    td->clock = clock;
    td->nr_vcpus = nr_vcpus;
    td->lvt = lvt;
    td->opaque = opaque;
    td->vcpus = g_new0(TscDeadlineVcpu, nr_vcpus);
    for (unsigned i = 0; i < nr_vcpus; i++) {
        td->vcpus[i] = (TscDeadlineVcpu){
            .td = td,
            .id = i,
            .timer = host->ops->timer_new(host, vcpu_fire, &td->vcpus[i]),
        };
        if (!td->vcpus[i].timer) {
            tsc_deadline_free(td);
            return NULL;
        }
    }
    return td;
}

void tsc_deadline_free(TscDeadline *td)
{
    if (!td) {
        return;
    }
    for (unsigned i = 0; i < td->nr_vcpus; i++) {
        if (td->vcpus[i].timer) {
            td->host->ops->timer_free(td->host, td->vcpus[i].timer);
        }
    }
    g_free(td->vcpus);
    g_free(td);
}

uint64_t tsc_deadline_read(const TscDeadline *td, unsigned vcpu)
{
    return in_mode(td->lvt(td->opaque, vcpu)) ? td->vcpus[vcpu].value : 0;
}

void tsc_deadline_write(TscDeadline *td, unsigned vcpu, uint64_t value)
{
    TscDeadlineVcpu *v = &td->vcpus[vcpu];

    if (!in_mode(td->lvt(td->opaque, vcpu))) {
        return;
    }
    v->value = value;
    vcpu_trace(v, HOST_TRACE_timer_set);
    vcpu_arm(v);
}

bool tsc_deadline_lvt_write(TscDeadline *td, unsigned vcpu, uint32_t lvt)
{
    bool change = in_mode(lvt) != in_mode(td->lvt(td->opaque, vcpu));

    if (change) {
        tsc_deadline_disarm(td, vcpu);
    }
    return change || without_count(lvt);
}

bool tsc_deadline_no_count(const TscDeadline *td, unsigned vcpu)
{
    return without_count(td->lvt(td->opaque, vcpu));
}

void tsc_deadline_tsc_written(TscDeadline *td, unsigned vcpu)
{
    vcpu_arm(&td->vcpus[vcpu]);
}

void tsc_deadline_clock_changed(TscDeadline *td)
{
    for (unsigned i = 0; i < td->nr_vcpus; i++) {
        vcpu_arm(&td->vcpus[i]);
    }
}

void tsc_deadline_disarm(TscDeadline *td, unsigned vcpu)
{
    td->vcpus[vcpu].value = 0;
    vcpu_arm(&td->vcpus[vcpu]);
}

void tsc_deadline_reset(TscDeadline *td)
{
    for (unsigned i = 0; i < td->nr_vcpus; i++) {
        tsc_deadline_disarm(td, i);
    }
}

void tsc_deadline_save(const TscDeadline *td, StateWriter *w)
{
    state_put_u64(w, TSC_DEADLINE_TAG_NR_VCPUS, td->nr_vcpus);
    for (unsigned i = 0; i < td->nr_vcpus; i++) {
        state_put_u64(w, TSC_DEADLINE_TAG_VALUE, td->vcpus[i].value);
    }
}

void tsc_deadline_load(TscDeadline *td, StateReader *r)
{
    uint64_t nr_vcpus =
        state_get_u64(r, TSC_DEADLINE_TAG_NR_VCPUS, "vCPUs", UINT32_MAX);

    tsc_deadline_reset(td);
    if (!state_reader_failed(r) && nr_vcpus != td->nr_vcpus) {
        state_reader_fail(r, "TSC deadlines of %u vCPUs, wanted %u",
                          (unsigned)nr_vcpus, td->nr_vcpus);
    }
    for (unsigned i = 0; i < td->nr_vcpus; i++) {
        td->vcpus[i].value = state_get_u64(r, TSC_DEADLINE_TAG_VALUE,
                                           "TSC deadline", UINT64_MAX);
    }
    if (state_reader_failed(r)) {
        tsc_deadline_reset(td);
    } else {
        tsc_deadline_clock_changed(td);
    }
}
