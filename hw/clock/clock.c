/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System time, guest TSC, pvclock and wall clock, derived from virtual time
 * and the host profile, and the cut that replaces the profile.
 *
 * Between cuts everything is linear in the virtual time since the last one
 * (or the start), and computed from it each time: nothing accumulates, so
 * nothing drifts.  With e that time in ns:
 *
 *     system time = system_base + e
 *     ticks       = floor(e * guest_khz / 10^6)
 *     guest TSC   = tsc_base + ticks + tsc_adjust of the vCPU, modulo 2^64
 */
#include "hw/clock/clock.h"

#define NS_PER_S ((guint64)1000000000)
/* ns in a period of 1 kHz */
#define NS_PER_MS ((guint64)1000000)

typedef unsigned __int128 ClockWide;

struct Clock {
    ClockTscMode mode;
    unsigned nr_vcpus;
    gint64 base_ns;        /* virtual time of the last cut or the start */
    guint64 system_base;   /* system time then, <= HOST_UPTIME_NS_MAX */
    gint64 wallclock_base; /* UTC at system time 0 */
    guint64 tsc_base;      /* guest TSC at base_ns where tsc_adjust is 0 */
    guint32 host_khz;
    guint32 guest_khz;
    gboolean invtsc;
    gboolean tsc_scaling;
    guint32 incarnation;
    /* System time at which the guest's TSC time was 0, ns, modulo 2^64
     * (xen: arch/x86/time.c, vtsc_offset). */
    guint64 vtsc_offset;
    guint64 *tsc_adjust; /* IA32_TSC_ADJUST, one a vCPU */
};

enum {
    CLOCK_TAG_MODE = 0x0100,
    CLOCK_TAG_NR_VCPUS,
    CLOCK_TAG_BASE_NS,
    CLOCK_TAG_SYSTEM_BASE,
    CLOCK_TAG_WALLCLOCK_BASE,
    CLOCK_TAG_TSC_BASE,
    CLOCK_TAG_HOST_KHZ,
    CLOCK_TAG_GUEST_KHZ,
    CLOCK_TAG_INVTSC,
    CLOCK_TAG_TSC_SCALING,
    CLOCK_TAG_INCARNATION,
    CLOCK_TAG_VTSC_OFFSET,
    CLOCK_TAG_TSC_ADJUST,
};

void clock_time_scale(guint64 hz, guint32 *mul, gint8 *shift)
{
    gint8 s = 0;

    g_assert(hz > 0);
    /* Bring hz into (10^9, 2 * 10^9], so that mul has all of its 32 bits. */
    for (; hz > 2 * NS_PER_S; hz >>= 1) {
        s--;
    }
    for (; hz <= NS_PER_S; hz <<= 1) {
        s++;
    }
    *mul = (NS_PER_S << 32) / hz;
    *shift = s;
}

static guint64 clock_elapsed(const Clock *clock, gint64 now_ns)
{
    return now_ns > clock->base_ns ? (guint64)(now_ns - clock->base_ns) : 0;
}

/* Whole periods of the guest's TSC since the last cut: below 2^87 */
static ClockWide clock_ticks(const Clock *clock, gint64 now_ns)
{
    return (ClockWide)clock_elapsed(clock, now_ns) * clock->guest_khz /
           NS_PER_MS;
}

/*
 * Does Xen emulate RDTSC for this guest?  Only native mode never does; default
 * mode does without a safe host TSC at the guest's frequency (xen:
 * arch/x86/time.c, tsc_set_info).
 */
static gboolean clock_emulated(const Clock *clock)
{
    switch (clock->mode) {
    case CLOCK_TSC_MODE_NATIVE:
        return FALSE;
    case CLOCK_TSC_MODE_ALWAYS_EMULATE:
        return TRUE;
    case CLOCK_TSC_MODE_DEFAULT:
        break;
    }
    return !clock->invtsc ||
           (clock->guest_khz != clock->host_khz && !clock->tsc_scaling);
}

static guint64 *clock_adjust(const Clock *clock, unsigned vcpu)
{
    g_assert(vcpu < clock->nr_vcpus);
    return &clock->tsc_adjust[vcpu];
}

/* TSC and features of @profile from @now_ns on. */
static void clock_apply(Clock *clock, gint64 now_ns, const HostProfile *profile)
{
    unsigned set = profile->set;

    /* All vCPUs move as vCPU 0 does: their differences are in tsc_adjust. */
    clock->tsc_base += (guint64)clock_ticks(clock, now_ns);
    clock->base_ns = now_ns;
    if (set & HOST_PROFILE_TSC) {
        clock->tsc_base = profile->tsc - clock->tsc_adjust[0];
    }
    if (set & HOST_PROFILE_TSC_KHZ) {
        clock->host_khz = profile->tsc_khz;
    }
    if (set & HOST_PROFILE_INVTSC) {
        clock->invtsc = profile->invtsc;
    }
    if (set & HOST_PROFILE_TSC_SCALING) {
        clock->tsc_scaling = profile->tsc_scaling;
    }
    if (clock->mode == CLOCK_TSC_MODE_NATIVE) {
        clock->guest_khz = clock->host_khz;
    }
}

Clock *clock_new(const HostProfile *profile, ClockTscMode mode,
                 unsigned nr_vcpus, gint64 now_ns)
{
    Clock *clock = g_new0(Clock, 1);

    g_assert(host_profile_check(profile, NULL));
    g_assert(nr_vcpus > 0 && now_ns >= 0);
    clock->mode = mode;
    clock->nr_vcpus = nr_vcpus;
    clock->tsc_adjust = g_new0(guint64, nr_vcpus);
    clock->host_khz = HOST_TSC_KHZ_DEFAULT;
    clock_apply(clock, now_ns, profile);
    clock->guest_khz = clock->host_khz;
    if (profile->set & HOST_PROFILE_UPTIME) {
        clock->system_base = profile->uptime_ns;
    }
    clock->wallclock_base = -(gint64)clock->system_base;
    if (profile->set & HOST_PROFILE_WALLCLOCK) {
        clock->wallclock_base += profile->wallclock_ns;
    }
    clock->incarnation = 1;
    /* A domain's TSC time starts as it is created. */
    clock->vtsc_offset = clock->system_base;
    return clock;
}

void clock_free(Clock *clock)
{
    if (clock) {
        g_free(clock->tsc_adjust);
        g_free(clock);
    }
}

void clock_reset_vcpu(Clock *clock, unsigned vcpu, gint64 now_ns)
{
    (void)now_ns; /* all that a guest changes is apart from the passing time */
    *clock_adjust(clock, vcpu) = 0;
}

guint64 clock_system_time(const Clock *clock, gint64 now_ns)
{
    /* At most HOST_UPTIME_NS_MAX + INT64_MAX: no overflow. */
    return clock->system_base + clock_elapsed(clock, now_ns);
}

gint64 clock_virtual_time(const Clock *clock, guint64 system_ns)
{
    /* System time runs at the rate of virtual time: the inverse is exact. */
    __int128 at = (__int128)clock->base_ns + system_ns - clock->system_base;

    return CLAMP(at, 0, G_MAXINT64);
}

guint64 clock_guest_tsc(const Clock *clock, unsigned vcpu, gint64 now_ns)
{
    return clock->tsc_base + (guint64)clock_ticks(clock, now_ns) +
           *clock_adjust(clock, vcpu);
}

gint64 clock_tsc_reached(const Clock *clock, unsigned vcpu, gint64 now_ns,
                         guint64 tsc)
{
    guint64 now_tsc = clock_guest_tsc(clock, vcpu, now_ns);
    ClockWide ticks, ns;

    if (tsc <= now_tsc) {
        return now_ns;
    }
    /* Below 2^87 + 2^64, and 2^108 with the factor: no overflow. */
    ticks = clock_ticks(clock, now_ns) + (tsc - now_tsc);
    ns = (ticks * NS_PER_MS + clock->guest_khz - 1) / clock->guest_khz;
    return ns < (ClockWide)(G_MAXINT64 - clock->base_ns)
               ? clock->base_ns + (gint64)ns
               : G_MAXINT64;
}

void clock_write_tsc(Clock *clock, unsigned vcpu, gint64 now_ns, guint64 value)
{
    *clock_adjust(clock, vcpu) += value - clock_guest_tsc(clock, vcpu, now_ns);
}

guint64 clock_tsc_adjust(const Clock *clock, unsigned vcpu)
{
    return *clock_adjust(clock, vcpu);
}

void clock_write_tsc_adjust(Clock *clock, unsigned vcpu, guint64 value)
{
    *clock_adjust(clock, vcpu) = value;
}

gboolean clock_tsc_is_offset(const Clock *clock, unsigned vcpu, guint64 *offset)
{
    if (clock->guest_khz != NS_PER_MS) {
        return FALSE;
    }
    *offset =
        clock->tsc_base - (guint64)clock->base_ns + *clock_adjust(clock, vcpu);
    return TRUE;
}

/*
 * The record belongs to the moment of the TSC's last tick, not to now: system
 * time is that of the tick, rounded down.  As mul is rounded down as well, the
 * guest's extrapolation is never ahead of the true system time, and a later
 * record never behind an earlier one's extrapolation.
 *
 * DEVIATION: Xen stamps system_time with NOW() and the TSC with the current
 * count, which lets the guest run ahead by up to one tick of its TSC.
 */
void clock_pvclock(const Clock *clock, unsigned vcpu, gint64 now_ns,
                   ClockPvclock *out)
{
    ClockWide ticks = clock_ticks(clock, now_ns);

    out->tsc_timestamp =
        clock->tsc_base + (guint64)ticks + *clock_adjust(clock, vcpu);
    out->system_time =
        clock->system_base + (guint64)(ticks * NS_PER_MS / clock->guest_khz);
    clock_time_scale((guint64)clock->guest_khz * 1000, &out->tsc_to_system_mul,
                     &out->tsc_shift);
    /* TSC_STABLE only where the hypervisor's own clock is the TSC: measured
     * 0, with a safe TSC as without. */
    out->flags = 0;
}

gint64 clock_wallclock_base(const Clock *clock)
{
    return clock->wallclock_base;
}

gboolean clock_move_wallclock(Clock *clock, gint64 now_ns, gint64 seconds)
{
    __int128 base = clock->wallclock_base + (__int128)seconds * NS_PER_S;
    __int128 wallclock = base + clock_system_time(clock, now_ns);

    if (wallclock < 0 || wallclock > HOST_WALLCLOCK_NS_MAX) {
        return FALSE;
    }
    clock->wallclock_base = (gint64)base;
    return TRUE;
}

gboolean clock_invtsc(const Clock *clock)
{
    return clock->invtsc;
}

void clock_tsc_info(const Clock *clock, ClockTscInfo *out)
{
    *out = (ClockTscInfo){
        .emulated = clock_emulated(clock),
        .host_tsc_safe = clock->invtsc,
        .mode = clock->mode,
        .guest_khz = clock->guest_khz,
        .host_khz = clock->host_khz,
        .incarnation = clock->incarnation,
    };
    /* Emulated reads have the offset in them (xen: arch/x86/cpuid.c). */
    out->offset = out->emulated ? 0 : clock->vtsc_offset;
    clock_time_scale((guint64)clock->guest_khz * 1000, &out->mul, &out->shift);
}

/* System and wall clock time right after a cut at @now_ns; see the header. */
static gboolean clock_cut_times(const Clock *clock, gint64 now_ns,
                                const HostProfile *profile, guint64 *system_ns,
                                gint64 *wallclock_ns, GError **error)
{
    unsigned set = profile->set;
    guint64 downtime = set & HOST_PROFILE_DOWNTIME ? profile->downtime_ns : 0;
    guint64 system = clock_system_time(clock, now_ns);
    __int128 wallclock = (__int128)clock->wallclock_base + system + downtime;
    ClockWide uptime = (ClockWide)system + downtime;

    if (set & HOST_PROFILE_UPTIME) {
        uptime = profile->uptime_ns;
    }
    if (set & HOST_PROFILE_WALLCLOCK) {
        wallclock = profile->wallclock_ns;
    }
    if (uptime > HOST_UPTIME_NS_MAX) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE,
                    "cut: the uptime would go on from %" G_GUINT64_FORMAT
                    " ns to above %" G_GUINT64_FORMAT " ns",
                    system, HOST_UPTIME_NS_MAX);
        return FALSE;
    }
    if (wallclock < 0 || wallclock > HOST_WALLCLOCK_NS_MAX) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE,
                    "cut: the wall clock would be outside 0 to "
                    "%" G_GINT64_FORMAT " ns since 1970",
                    HOST_WALLCLOCK_NS_MAX);
        return FALSE;
    }
    *system_ns = uptime;
    *wallclock_ns = wallclock;
    return TRUE;
}

/*
 * The guest's TSC time in ns, as a save before the cut would carry it
 * (xen: arch/x86/time.c, tsc_get_info).
 */
static guint64 clock_elapsed_nsec(const Clock *clock, guint64 system_ns)
{
    if (clock->mode == CLOCK_TSC_MODE_NATIVE) {
        return 0;
    }
    /* Not emulated, it is the host's own TSC, which counts since its boot. */
    return clock_emulated(clock) ? system_ns - clock->vtsc_offset : system_ns;
}

gboolean clock_cut(Clock *clock, gint64 now_ns, const HostProfile *profile,
                   ClockCut *report, GError **error)
{
    guint64 system_ns, elapsed_ns;
    gint64 wallclock_ns;
    ClockTscInfo before, after;

    if (now_ns < clock->base_ns) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_TIME,
                    "cut: virtual time %" G_GINT64_FORMAT
                    " ns lies before the last cut at %" G_GINT64_FORMAT " ns",
                    now_ns, clock->base_ns);
        return FALSE;
    }
    if (!host_profile_check(profile, error) ||
        !clock_cut_times(clock, now_ns, profile, &system_ns, &wallclock_ns,
                         error)) {
        return FALSE;
    }
    clock_tsc_info(clock, &before);
    report->at_ns = now_ns;
    report->system_time_before = clock_system_time(clock, now_ns);
    report->tsc_before = clock_guest_tsc(clock, 0, now_ns);
    elapsed_ns = clock_elapsed_nsec(clock, report->system_time_before);

    clock_apply(clock, now_ns, profile);
    clock->system_base = system_ns;
    clock->wallclock_base = wallclock_ns - (gint64)system_ns;
    clock->vtsc_offset = system_ns - elapsed_ns;
    clock->incarnation++;

    clock_tsc_info(clock, &after);
    report->system_time_after = system_ns;
    report->tsc_after = clock_guest_tsc(clock, 0, now_ns);
    report->guest_khz_before = before.guest_khz;
    report->guest_khz_after = after.guest_khz;
    report->invtsc_before = before.host_tsc_safe;
    report->invtsc_after = after.host_tsc_safe;
    return TRUE;
}

void clock_save(const Clock *clock, StateWriter *w)
{
    state_put_u64(w, CLOCK_TAG_MODE, clock->mode);
    state_put_u64(w, CLOCK_TAG_NR_VCPUS, clock->nr_vcpus);
    state_put_u64(w, CLOCK_TAG_BASE_NS, clock->base_ns);
    state_put_u64(w, CLOCK_TAG_SYSTEM_BASE, clock->system_base);
    state_put_u64(w, CLOCK_TAG_WALLCLOCK_BASE, clock->wallclock_base);
    state_put_u64(w, CLOCK_TAG_TSC_BASE, clock->tsc_base);
    state_put_u64(w, CLOCK_TAG_HOST_KHZ, clock->host_khz);
    state_put_u64(w, CLOCK_TAG_GUEST_KHZ, clock->guest_khz);
    state_put_u64(w, CLOCK_TAG_INVTSC, clock->invtsc);
    state_put_u64(w, CLOCK_TAG_TSC_SCALING, clock->tsc_scaling);
    state_put_u64(w, CLOCK_TAG_INCARNATION, clock->incarnation);
    state_put_u64(w, CLOCK_TAG_VTSC_OFFSET, clock->vtsc_offset);
    for (unsigned i = 0; i < clock->nr_vcpus; i++) {
        state_put_u64(w, CLOCK_TAG_TSC_ADJUST, clock->tsc_adjust[i]);
    }
}

/* A signed 64-bit value; the reader fails outside [@min, @max]. */
static gint64 clock_get_signed(StateReader *r, uint16_t tag, const char *name,
                               gint64 min, gint64 max)
{
    gint64 value = (gint64)state_get_u64(r, tag, name, G_MAXUINT64);

    if (value < min || value > max) {
        state_reader_fail(r,
                          "state field '%s': value %" G_GINT64_FORMAT
                          " is outside %" G_GINT64_FORMAT
                          " to %" G_GINT64_FORMAT,
                          name, value, min, max);
    }
    return value;
}

static guint32 clock_get_khz(StateReader *r, uint16_t tag, const char *name)
{
    guint32 khz = state_get_u64(r, tag, name, HOST_TSC_KHZ_MAX);

    if (khz < HOST_TSC_KHZ_MIN) {
        state_reader_fail(r, "state field '%s': a frequency of 0 kHz", name);
    }
    return khz;
}

/* Do the fields of @c contradict each other, or no clock's past? */
static void clock_check_loaded(const Clock *c, StateReader *r)
{
    __int128 wallclock = (__int128)c->wallclock_base + c->system_base;

    if (wallclock < 0 || wallclock > HOST_WALLCLOCK_NS_MAX) {
        state_reader_fail(r, "state field 'wallclock base': the wall clock "
                             "would be outside its range");
    }
    if (c->mode == CLOCK_TSC_MODE_NATIVE && c->guest_khz != c->host_khz) {
        state_reader_fail(r,
                          "state field 'guest kHz': %u in native mode on a "
                          "host of %u kHz",
                          c->guest_khz, c->host_khz);
    }
}

void clock_load(Clock *clock, StateReader *r)
{
    const guint64 any = G_MAXUINT64;
    guint64 mode = state_get_u64(r, CLOCK_TAG_MODE, "TSC mode", any);
    guint64 nr_vcpus = state_get_u64(r, CLOCK_TAG_NR_VCPUS, "vCPUs", any);
    Clock c = *clock;

    if (mode != clock->mode || nr_vcpus != clock->nr_vcpus) {
        state_reader_fail(r,
                          "clock state is of TSC mode %" G_GUINT64_FORMAT
                          " and %" G_GUINT64_FORMAT
                          " vCPUs, wanted mode %d and %u vCPUs",
                          mode, nr_vcpus, clock->mode, clock->nr_vcpus);
    }
    c.base_ns = clock_get_signed(r, CLOCK_TAG_BASE_NS, "base", 0, G_MAXINT64);
    c.system_base = state_get_u64(r, CLOCK_TAG_SYSTEM_BASE, "system base",
                                  HOST_UPTIME_NS_MAX);
    c.wallclock_base =
        clock_get_signed(r, CLOCK_TAG_WALLCLOCK_BASE, "wallclock base",
                         -(gint64)HOST_UPTIME_NS_MAX, HOST_WALLCLOCK_NS_MAX);
    c.tsc_base = state_get_u64(r, CLOCK_TAG_TSC_BASE, "TSC base", any);
    c.host_khz = clock_get_khz(r, CLOCK_TAG_HOST_KHZ, "host kHz");
    c.guest_khz = clock_get_khz(r, CLOCK_TAG_GUEST_KHZ, "guest kHz");
    c.invtsc = state_get_u64(r, CLOCK_TAG_INVTSC, "invtsc", 1);
    c.tsc_scaling = state_get_u64(r, CLOCK_TAG_TSC_SCALING, "scaling", 1);
    c.incarnation =
        state_get_u64(r, CLOCK_TAG_INCARNATION, "incarnation", G_MAXUINT32);
    c.vtsc_offset = state_get_u64(r, CLOCK_TAG_VTSC_OFFSET, "vtsc offset", any);
    c.tsc_adjust = g_new0(guint64, clock->nr_vcpus);
    for (unsigned i = 0; i < clock->nr_vcpus; i++) {
        c.tsc_adjust[i] =
            state_get_u64(r, CLOCK_TAG_TSC_ADJUST, "TSC adjust", any);
    }
    clock_check_loaded(&c, r);
    if (state_reader_failed(r)) {
        g_free(c.tsc_adjust);
        return;
    }
    g_free(clock->tsc_adjust);
    *clock = c;
}
