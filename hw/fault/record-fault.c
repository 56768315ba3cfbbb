/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A clock record of one vCPU that is written late, or half of it late. */
#include "hw/fault/record-fault.h"

enum {
    TAG_DELAY = 0x0b00,
    TAG_VCPU,
    TAG_TORN,
    TAG_DUE,
};

void record_fault_reset(RecordFault *f)
{
    *f = (RecordFault){.due_ns = FAULT_NEVER};
}

gboolean record_fault_take(RecordFault *f, const FaultSpec *spec,
                           GError **error)
{
    if (f->due_ns != FAULT_NEVER) {
        g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE,
                    "%s: vCPU %u's record is held back already",
                    fault_kind_name(spec->kind), f->vcpu);
        return FALSE;
    }
    f->vcpu = spec->vcpu;
    f->torn = spec->kind == FAULT_PVCLOCK_TORN;
    f->delay_ns = spec->delay_ns;
    return TRUE;
}

RecordVerdict record_fault_meets(RecordFault *f, unsigned vcpu, int64_t now_ns)
{
    if (vcpu != f->vcpu) {
        return RECORD_WHOLE;
    }
    if (f->due_ns != FAULT_NEVER) {
        return RECORD_HELD;
    }
    if (!f->delay_ns) {
        return RECORD_WHOLE;
    }
    f->due_ns = now_ns + (int64_t)f->delay_ns;
    f->delay_ns = 0;
    return f->torn ? RECORD_HALF : RECORD_HELD;
}

void record_fault_save(const RecordFault *f, StateWriter *w)
{
    state_put_u64(w, TAG_DELAY, f->delay_ns);
    state_put_u64(w, TAG_VCPU, f->vcpu);
    state_put_u64(w, TAG_TORN, f->torn);
    state_put_u64(w, TAG_DUE, (uint64_t)f->due_ns);
}

void record_fault_load(RecordFault *f, unsigned nr_vcpus, StateReader *r)
{
    f->delay_ns =
        state_get_u64(r, TAG_DELAY, "record delay", FAULT_DELAY_NS_MAX);
    f->vcpu = (unsigned)state_get_u64(r, TAG_VCPU, "record vCPU", nr_vcpus - 1);
    f->torn = state_get_u64(r, TAG_TORN, "record torn", 1);
    f->due_ns = (int64_t)state_get_u64(r, TAG_DUE, "record due", INT64_MAX);
}
