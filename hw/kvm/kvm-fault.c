/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this hypervisor does wrong when it is told to: kvmclock records that
 * are late or torn, steal time that jumps.
 */
#include "hw/kvm/kvm-internal.h"

static int64_t now_ns(const KvmGuest *k)
{
    return k->host->ops->now_ns(k->host);
}

static void arm(KvmGuest *k)
{
    if (k->record_fault.due_ns == FAULT_NEVER) {
        k->host->ops->timer_del(k->host, k->fault_timer);
    } else {
        k->host->ops->timer_mod(k->host, k->fault_timer,
                                k->record_fault.due_ns);
    }
}

void kvm_fault_fire(void *opaque)
{
    KvmGuest *k = opaque;

    k->record_fault.due_ns = FAULT_NEVER;
    kvm_clock_update(k, k->record_fault.vcpu, false);
    arm(k);
}

void kvm_faults_reset(KvmGuest *k)
{
    record_fault_reset(&k->record_fault);
    arm(k);
}

static void trace(KvmGuest *k, FaultKind kind, unsigned vcpu, uint64_t value)
{
    k->host->ops->trace(k->host, HOST_TRACE_fault, kind, vcpu, value,
                        (uint64_t)now_ns(k));
}

/* Torn: the last record's system time beside the new TSC stamp. */
bool kvm_fault_record(KvmGuest *k, unsigned vcpu,
                      struct pvclock_vcpu_time_info *next)
{
    RecordFault *f = &k->record_fault;
    int64_t was_due = f->due_ns;
    RecordVerdict verdict = record_fault_meets(f, vcpu, now_ns(k));

    if (f->due_ns != was_due) {
        trace(k, f->torn ? FAULT_PVCLOCK_TORN : FAULT_PVCLOCK_LATE, vcpu,
              (uint64_t)f->due_ns);
        arm(k);
    }
    if (verdict == RECORD_HALF) {
        next->system_time = k->vcpus[vcpu].time.system_time;
    }
    return verdict == RECORD_HELD;
}

gboolean kvm_guest_fault(KvmGuest *k, const FaultSpec *spec, GError **error)
{
    const char *name = fault_kind_name(spec->kind);

    if (spec->vcpu >= k->nr_vcpus) {
        g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE,
                    "%s: there is no vCPU %u", name, spec->vcpu);
        return FALSE;
    }
    switch (spec->kind) {
    case FAULT_PVCLOCK_LATE:
    case FAULT_PVCLOCK_TORN:
        return record_fault_take(&k->record_fault, spec, error);
    case FAULT_STEAL_ADD:
        if (!kvm_steal_add(k, spec->vcpu, spec->ns)) {
            g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE,
                        "%s: vCPU %u has no record of steal time", name,
                        spec->vcpu);
            return FALSE;
        }
        trace(k, FAULT_STEAL_ADD, spec->vcpu, (uint64_t)spec->ns);
        return TRUE;
    default:
        g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE,
                    "%s: the guest finds no Xen", name);
        return FALSE;
    }
}

void kvm_faults_load(KvmGuest *k, StateReader *r)
{
    record_fault_load(&k->record_fault, k->nr_vcpus, r);
    if (state_reader_failed(r)) {
        kvm_faults_reset(k);
    } else {
        arm(k);
    }
}
