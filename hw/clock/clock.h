/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one model of time: every clock a guest can see, derived from virtual
 * time and the current host profile.
 *
 * Units: virtual time and system time in ns, TSC in ticks, frequency in kHz.
 * Arithmetic is exact (128-bit, rounded down) from 1 kHz to 10 GHz over
 * HOST_UPTIME_NS_MAX.
 */
#ifndef JUMPCUT_HW_CLOCK_CLOCK_H
#define JUMPCUT_HW_CLOCK_CLOCK_H

#include "hw/clock/host-profile.h"
#include "hw/state.h"

typedef struct Clock Clock;

/* xen: xl.cfg tsc_mode; values as in CPUID leaf 3 EBX. */
typedef enum ClockTscMode {
    CLOCK_TSC_MODE_DEFAULT = 0,
    CLOCK_TSC_MODE_ALWAYS_EMULATE = 1,
    CLOCK_TSC_MODE_NATIVE = 2,
} ClockTscMode;

/* Scale and stamp of a pvclock record (struct vcpu_time_info's content). */
typedef struct ClockPvclock {
    guint64 tsc_timestamp;
    guint64 system_time; /* ns */
    guint32 tsc_to_system_mul;
    gint8 tsc_shift;
    guint8 flags;
} ClockPvclock;

/* What CPUID leaf 3 tells (xen: arch/x86/cpuid.c, cpuid_hypervisor_leaves) */
typedef struct ClockTscInfo {
    gboolean emulated; /* vtsc: RDTSC is emulated at guest_khz */
    gboolean host_tsc_safe;
    ClockTscMode mode;
    guint32 guest_khz;
    guint32 host_khz;
    guint32 incarnation; /* 1, and one more a cut */
    guint64 offset;      /* sub-leaf 1; 0 when emulated */
    guint32 mul;         /* of the emulated or native scale */
    gint8 shift;
} ClockTscInfo;

/* One cut as it happened. */
typedef struct ClockCut {
    gint64 at_ns;
    guint64 system_time_before, system_time_after; /* ns */
    guint64 tsc_before, tsc_after;                 /* vCPU 0's */
    guint32 guest_khz_before, guest_khz_after;
    gboolean invtsc_before, invtsc_after;
} ClockCut;

/*
 * A clock for @nr_vcpus vCPUs that starts at virtual time @now_ns.  Fields
 * @profile leaves unset: uptime 0, guest TSC 0, 1 GHz, TSC not invariant, no
 * scaling, wall clock 0.
 */
Clock *clock_new(const HostProfile *profile, ClockTscMode mode,
                 unsigned nr_vcpus, gint64 now_ns);
void clock_free(Clock *clock);
/* Guest reset: TSC writes and adjustments are undone, time goes on. */
void clock_reset_vcpu(Clock *clock, unsigned vcpu, gint64 now_ns);

/* Host NOW() of the profile: system time, ns since the host booted. */
guint64 clock_system_time(const Clock *clock, gint64 now_ns);
/*
 * Virtual time at which the system time is @system_ns: may lie in the past;
 * saturates at 0 and INT64_MAX.
 */
gint64 clock_virtual_time(const Clock *clock, guint64 system_ns);

/* The guest's TSC on @vcpu (RDTSC), with its writes and TSC_ADJUST. */
guint64 clock_guest_tsc(const Clock *clock, unsigned vcpu, gint64 now_ns);
/*
 * First virtual time, from @now_ns on, at which the TSC of @vcpu is @tsc or
 * more; INT64_MAX: never.
 */
gint64 clock_tsc_reached(const Clock *clock, unsigned vcpu, gint64 now_ns,
                         guint64 tsc);
/* WRMSR(IA32_TSC): RDTSC reads @value now; TSC_ADJUST moves along. */
void clock_write_tsc(Clock *clock, unsigned vcpu, gint64 now_ns, guint64 value);
guint64 clock_tsc_adjust(const Clock *clock, unsigned vcpu);
void clock_write_tsc_adjust(Clock *clock, unsigned vcpu, guint64 value);
/*
 * True while the guest's TSC is virtual time plus a constant (exactly 1 GHz):
 * the constant, modulo 2^64, goes to @offset.  Then RDTSC needs no trap.
 */
gboolean clock_tsc_is_offset(const Clock *clock, unsigned vcpu,
                             guint64 *offset);

void clock_pvclock(const Clock *clock, unsigned vcpu, gint64 now_ns,
                   ClockPvclock *out);
/* Wall clock at system time 0, ns since 1970 UTC. */
gint64 clock_wallclock_base(const Clock *clock);
/*
 * The wall clock moves by @seconds.
 * @return: FALSE, and it does not, if it would leave 1970 to
 * HOST_WALLCLOCK_NS_MAX.
 */
gboolean clock_move_wallclock(Clock *clock, gint64 now_ns, gint64 seconds);
gboolean clock_invtsc(const Clock *clock);
void clock_tsc_info(const Clock *clock, ClockTscInfo *out);

/*
 * Replace the host profile now.  By Xen's rules (facts: X86_TSC_INFO): unless
 * the profile says what the TSC reads, it continues where it was; native mode
 * takes the new host's frequency; default mode keeps the guest's, and turns to
 * emulation if the new host's TSC is not safe or of another frequency without
 * scaling.  Incarnation counts up.  Nothing changes on error.
 */
gboolean clock_cut(Clock *clock, gint64 now_ns, const HostProfile *profile,
                   ClockCut *report, GError **error);

/* Xen's scale for a TSC of @hz (xen: arch/x86/time.c, set_time_scale). */
void clock_time_scale(guint64 hz, guint32 *mul, gint8 *shift);

void clock_save(const Clock *clock, StateWriter *w);
/* Errors stay in the reader; the clock is unchanged unless all was read. */
void clock_load(Clock *clock, StateReader *r);

#endif
