/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading pvclock records and asking Xen for the time.
 */
#include "tests/payload/lib/clock.h"

#define SNAPSHOT_TRIES 1000

bool pvclock_snapshot(const struct vcpu_time_info *from,
                      struct vcpu_time_info *copy)
{
    const volatile uint32_t *version = &from->version;

    for (unsigned i = 0; i < SNAPSHOT_TRIES; i++) {
        uint32_t before = *version;

        barrier();
        memcpy(copy, from, sizeof(*copy));
        barrier();
        if (!(before & 1) && *version == before) {
            return true;
        }
        cpu_relax();
    }
    return false;
}

uint64_t pvclock_scale(const struct vcpu_time_info *record, uint64_t delta)
{
    uint64_t mul = record->tsc_to_system_mul;

    if (record->tsc_shift < 0) {
        delta >>= -record->tsc_shift;
    } else {
        delta <<= record->tsc_shift;
    }
    return (delta >> 32) * mul + (((delta & 0xffffffff) * mul) >> 32);
}

uint64_t pvclock_read(const struct vcpu_time_info *record)
{
    struct vcpu_time_info copy;
    uint64_t tsc;

    /* The TSC belongs to the record that is current while it is read. */
    do {
        if (!pvclock_snapshot(record, &copy)) {
            return 0;
        }
        tsc = rdtsc();
        barrier();
    } while (*(const volatile uint32_t *)&record->version != copy.version);
    return copy.system_time + pvclock_scale(&copy, tsc - copy.tsc_timestamp);
}

uint64_t clock_now(void)
{
    return pvclock_read(&xen_vcpu_info(cpu_index())->time);
}

uint64_t clock_hypercall_now(void)
{
    struct xen_hvm_get_time get = {0};
    long ret = xen_hvm_op(HVMOP_get_time, &get);

    if (ret != 0) {
        error("HVMOP_get_time: %ld", ret);
        return 0;
    }
    return get.now;
}
