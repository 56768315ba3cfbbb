/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cut: what each clock reads after it, and what CPUID leaf 3 tells. */
#include "hw/clock/clock.h"

#define S           ((guint64)1000000000)
#define UPTIME_SEEN ((guint64)508119807590000)
#define EPOCH_2020  (1577836800 * S)

/* The clock that every case starts from, and the instant of its cut. */
#define START_UPTIME (1000 * S)
#define START_NS     ((gint64)(3 * S))
#define CUT_NS       ((gint64)(13 * S + 7))
/* Virtual time at which the wall clock reads its largest value. */
#define WALLCLOCK_END (HOST_WALLCLOCK_NS_MAX - (gint64)EPOCH_2020 + START_NS)
#define BEFORE        (START_UPTIME + CUT_NS - START_NS)

static Clock *make_clock(ClockTscMode mode, guint64 khz, gboolean invtsc,
                         gboolean scaling)
{
    HostProfile p = {
        .set = HOST_PROFILE_UPTIME | HOST_PROFILE_TSC_KHZ |
               HOST_PROFILE_INVTSC | HOST_PROFILE_TSC_SCALING |
               HOST_PROFILE_WALLCLOCK,
        .uptime_ns = START_UPTIME,
        .tsc_khz = khz,
        .invtsc = invtsc,
        .tsc_scaling = scaling,
        .wallclock_ns = EPOCH_2020,
    };

    return clock_new(&p, mode, 3, START_NS);
}

static GByteArray *state_of(const Clock *clock)
{
    StateWriter *w = state_writer_new();

    clock_save(clock, w);
    return state_writer_finish(w);
}

static ClockCut cut(Clock *clock, const char *text)
{
    HostProfile p = {0};
    GError *error = NULL;
    ClockCut report;

    if (*text) {
        host_profile_parse(&p, text, &error);
        g_assert_no_error(error);
    }
    clock_cut(clock, CUT_NS, &p, &report, &error);
    g_assert_no_error(error);
    return report;
}

typedef struct TimeCase {
    const char *cut;
    guint64 system_after;
    guint64 wallclock_after;
} TimeCase;

#define WALL_BEFORE (EPOCH_2020 + CUT_NS - START_NS)

static const TimeCase time_cases[] = {
    {"", BEFORE, WALL_BEFORE},
    {"uptime=508119.80759", UPTIME_SEEN, WALL_BEFORE},
    {"uptime=0", 0, WALL_BEFORE},
    {"uptime=3155760000", HOST_UPTIME_NS_MAX, WALL_BEFORE},
    {"downtime=2.5", BEFORE + 2500000000, WALL_BEFORE + 2500000000},
    {"uptime=5,downtime=2.5", 5 * S, WALL_BEFORE + 2500000000},
    {"wallclock=99", BEFORE, 99 * S},
    {"wallclock=99,downtime=2.5", BEFORE + 2500000000, 99 * S},
    {"uptime=5,wallclock=99,downtime=2.5", 5 * S, 99 * S},
    {"wallclock=0,uptime=3155760000", HOST_UPTIME_NS_MAX, 0},
    {"tsc=5,tsc-khz=1,invtsc=on,tsc-scaling=on", BEFORE, WALL_BEFORE},
};

static void test_cut_moves_system_and_wall_time(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(time_cases); i++) {
        const TimeCase *c = &time_cases[i];
        Clock *clock =
            make_clock(CLOCK_TSC_MODE_DEFAULT, 2596122, FALSE, FALSE);
        ClockCut r = cut(clock, c->cut);

        g_test_message("%s", c->cut);
        g_assert_cmpint(r.at_ns, ==, CUT_NS);
        g_assert_cmpuint(r.system_time_before, ==, BEFORE);
        g_assert_cmpuint(r.system_time_after, ==, c->system_after);
        for (guint64 dt = 0; dt < 3 * S; dt += S - 1) {
            guint64 now = clock_system_time(clock, CUT_NS + dt);

            g_assert_cmpuint(now, ==, c->system_after + dt);
            g_assert_cmpint(clock_virtual_time(clock, now), ==, CUT_NS + dt);
            g_assert_cmpint(clock_wallclock_base(clock) + (gint64)now, ==,
                            c->wallclock_after + dt);
        }
        clock_free(clock);
    }
}

/* A deadline before the cut's new uptime belongs to the past. */
static void test_cut_gives_passed_deadlines_a_past_virtual_time(void)
{
    Clock *clock = make_clock(CLOCK_TSC_MODE_DEFAULT, 1000000, FALSE, FALSE);

    cut(clock, "uptime=2000");
    g_assert_cmpint(clock_virtual_time(clock, 2001 * S), ==, CUT_NS + S);
    g_assert_cmpint(clock_virtual_time(clock, 1999 * S), ==, CUT_NS - S);
    g_assert_cmpint(clock_virtual_time(clock, 1000 * S), ==, 0);
    clock_free(clock);
}

typedef struct TscCase {
    const char *cut;
    gboolean set; /* does vCPU 0 read @tsc, or go on? */
    guint64 tsc;
} TscCase;

static const TscCase tsc_cases[] = {
    {"uptime=508119", FALSE, 0},
    {"downtime=3600", FALSE, 0},
    {"tsc-khz=10000000,uptime=0", FALSE, 0},
    {"invtsc=on,tsc-khz=1", FALSE, 0},
    {"tsc=0", TRUE, 0},
    {"tsc=0x123456789abcdef0,tsc-khz=1", TRUE, 0x123456789abcdef0},
    {"tsc=18446744073709551615", TRUE, G_MAXUINT64},
};

static void test_cut_tsc_goes_on_or_is_set_on_every_vcpu(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(tsc_cases) * 3; i++) {
        const TscCase *c = &tsc_cases[i / 3];
        Clock *clock = make_clock(i % 3, 2596122, FALSE, FALSE);
        guint64 before[3], want;
        ClockCut r;

        g_test_message("mode %u: %s", i % 3, c->cut);
        clock_write_tsc(clock, 0, 5 * S, 1000);
        clock_write_tsc_adjust(clock, 2, -(guint64)77);
        for (guint v = 0; v < 3; v++) {
            before[v] = clock_guest_tsc(clock, v, CUT_NS);
        }
        want = c->set ? c->tsc : before[0];
        r = cut(clock, c->cut);
        g_assert_cmpuint(r.tsc_before, ==, before[0]);
        g_assert_cmpuint(r.tsc_after, ==, want);
        for (guint v = 0; v < 3; v++) {
            g_assert_cmpuint(clock_guest_tsc(clock, v, CUT_NS), ==,
                             want + before[v] - before[0]);
        }
        /* The rate is the new one; TSC_ADJUST is the guest's own. */
        g_assert_cmpuint(clock_guest_tsc(clock, 0, CUT_NS + S), ==,
                         want + r.guest_khz_after * 1000ull);
        g_assert_cmpuint(clock_tsc_adjust(clock, 2), ==, -(guint64)77);
        clock_free(clock);
    }
}

typedef struct InfoCase {
    ClockTscMode mode;
    gboolean invtsc, scaling;
    const char *cut;
    gboolean emulated_before, emulated_after;
    guint32 guest_khz_after, host_khz_after;
} InfoCase;

#define DEF CLOCK_TSC_MODE_DEFAULT
#define EMU CLOCK_TSC_MODE_ALWAYS_EMULATE
#define NAT CLOCK_TSC_MODE_NATIVE

static const InfoCase info_cases[] = {
    {DEF, 0, 0, "downtime=1", 1, 1, 2596122, 2596122},
    {DEF, 1, 0, "downtime=1", 0, 0, 2596122, 2596122},
    {DEF, 1, 0, "invtsc=off", 0, 1, 2596122, 2596122},
    {DEF, 0, 0, "invtsc=on", 1, 0, 2596122, 2596122},
    {DEF, 0, 0, "invtsc=on,tsc-khz=3000000", 1, 1, 2596122, 3000000},
    {DEF, 0, 0, "tsc-khz=3000000", 1, 1, 2596122, 3000000},
    {DEF, 1, 0, "tsc-khz=2596122", 0, 0, 2596122, 2596122},
    {DEF, 1, 0, "tsc-khz=2596123", 0, 1, 2596122, 2596123},
    {DEF, 1, 1, "tsc-khz=3000000", 0, 0, 2596122, 3000000},
    {DEF, 1, 0, "tsc-khz=3000000,tsc-scaling=on", 0, 0, 2596122, 3000000},
    {DEF, 1, 1, "tsc-khz=3000000,tsc-scaling=off", 0, 1, 2596122, 3000000},
    {DEF, 1, 1, "tsc-khz=3000000,invtsc=off", 0, 1, 2596122, 3000000},
    {EMU, 1, 1, "downtime=1", 1, 1, 2596122, 2596122},
    {EMU, 0, 0, "invtsc=on,tsc-khz=1", 1, 1, 2596122, 1},
    {NAT, 0, 0, "downtime=1", 0, 0, 2596122, 2596122},
    {NAT, 0, 0, "tsc-khz=3000000", 0, 0, 3000000, 3000000},
    {NAT, 1, 1, "tsc-khz=3000000,invtsc=off", 0, 0, 3000000, 3000000},
};

static void test_cut_chooses_emulation_and_frequency_as_xen(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(info_cases); i++) {
        const InfoCase *c = &info_cases[i];
        Clock *clock = make_clock(c->mode, 2596122, c->invtsc, c->scaling);
        ClockTscInfo info;
        ClockPvclock rec;
        ClockCut r;

        g_test_message("case %u, mode %d, invtsc %d: %s", i, c->mode, c->invtsc,
                       c->cut);
        clock_tsc_info(clock, &info);
        g_assert_cmpint(info.emulated, ==, c->emulated_before);
        g_assert_cmpint(info.host_tsc_safe, ==, c->invtsc);
        g_assert_cmpint(info.mode, ==, c->mode);
        g_assert_cmpuint(info.incarnation, ==, 1);
        g_assert_cmpuint(info.mul, ==, 0xc5379ca5);
        g_assert_cmpint(info.shift, ==, -1);

        r = cut(clock, c->cut);
        clock_tsc_info(clock, &info);
        g_assert_cmpint(info.emulated, ==, c->emulated_after);
        g_assert_cmpuint(info.guest_khz, ==, c->guest_khz_after);
        g_assert_cmpuint(info.host_khz, ==, c->host_khz_after);
        g_assert_cmpuint(info.incarnation, ==, 2);
        g_assert_cmpuint(r.guest_khz_before, ==, 2596122);
        g_assert_cmpuint(r.guest_khz_after, ==, c->guest_khz_after);
        g_assert_cmpint(r.invtsc_before, ==, c->invtsc);
        g_assert_cmpint(r.invtsc_after, ==, clock_invtsc(clock));
        g_assert_cmpint(info.host_tsc_safe, ==, clock_invtsc(clock));

        /* A pvclock record has the scale that leaf 3 tells. */
        clock_pvclock(clock, 0, CUT_NS, &rec);
        g_assert_cmpuint(rec.tsc_to_system_mul, ==, info.mul);
        g_assert_cmpint(rec.tsc_shift, ==, info.shift);
        g_assert_cmpuint(rec.system_time, ==, r.system_time_after);
        clock_free(clock);
    }
}

typedef struct OffsetCase {
    ClockTscMode mode;
    gboolean invtsc;
    const char *cut;
    guint64 before, after;
} OffsetCase;

static const OffsetCase offset_cases[] = {
    /* Not emulated: system time at the domain's creation, ns. */
    {DEF, 1, "uptime=500", START_UPTIME, 500 * S - BEFORE},
    {DEF, 1, "downtime=8", START_UPTIME, 8 * S},
    {DEF, 1, "invtsc=off", START_UPTIME, 0},
    {NAT, 0, "uptime=148.78", START_UPTIME, 148780000000},
    {NAT, 1, "downtime=8", START_UPTIME, BEFORE + 8 * S},
    /* Emulated: 0; the domain's TSC time leaves the downtime out. */
    {DEF, 0, "uptime=500", 0, 0},
    {EMU, 1, "uptime=500", 0, 0},
    {DEF, 0, "invtsc=on,downtime=8", 0, START_UPTIME + 8 * S},
};

static void test_cut_moves_the_offset_of_leaf_3(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(offset_cases); i++) {
        const OffsetCase *c = &offset_cases[i];
        Clock *clock = make_clock(c->mode, 2596122, c->invtsc, FALSE);
        ClockTscInfo info;

        g_test_message("case %u: %s", i, c->cut);
        clock_tsc_info(clock, &info);
        g_assert_cmpuint(info.offset, ==, c->before);
        cut(clock, c->cut);
        clock_tsc_info(clock, &info);
        g_assert_cmpuint(info.offset, ==, c->after);
        clock_free(clock);
    }
}

static void test_cut_hundred_times_keeps_time_exact(void)
{
    Clock *clock = make_clock(NAT, 2596122, FALSE, FALSE);
    HostProfile p = {.set = HOST_PROFILE_TSC_KHZ | HOST_PROFILE_DOWNTIME,
                     .downtime_ns = 1};
    guint64 system = START_UPTIME, tsc = 0;
    gint64 now = START_NS;
    ClockTscInfo info;

    for (guint i = 0; i < 100; i++) {
        ClockCut r;

        clock_tsc_info(clock, &info);
        p.tsc_khz = 1 + i * 101010;
        tsc += (guint64)info.guest_khz * 1000 + info.guest_khz * 3 / 1000000;
        system += S + 3 + 1;
        now += S + 3;
        g_assert_true(clock_cut(clock, now, &p, &r, NULL));
        g_assert_cmpuint(r.system_time_after, ==, system);
        g_assert_cmpuint(r.tsc_after, ==, tsc);
    }
    clock_tsc_info(clock, &info);
    g_assert_cmpuint(info.incarnation, ==, 101);
    clock_free(clock);
}

/* The last instant of the wall clock, and two cuts at once. */
static void test_cut_at_the_bounds_is_taken(void)
{
    Clock *clock = make_clock(DEF, 2596122, FALSE, FALSE);
    HostProfile p = {.set = HOST_PROFILE_UPTIME};
    ClockCut r;

    g_assert_true(clock_cut(clock, START_NS, &p, &r, NULL));
    g_assert_true(clock_cut(clock, START_NS, &p, &r, NULL));
    g_assert_cmpuint(r.tsc_before, ==, r.tsc_after);
    g_assert_true(clock_cut(clock, WALLCLOCK_END, &p, &r, NULL));
    g_assert_cmpint(clock_wallclock_base(clock), ==, HOST_WALLCLOCK_NS_MAX);
    clock_free(clock);
}

typedef struct RefusalCase {
    gint64 at_ns;
    HostProfile profile;
    int code;
    const char *message;
} RefusalCase;

static const RefusalCase refusal_cases[] = {
    {START_NS - 1,
     {.set = 0},
     HOST_PROFILE_ERROR_TIME,
     "cut: virtual time 2999999999 ns lies before the last cut at 3000000000 "
     "ns"},
    {CUT_NS,
     {.set = HOST_PROFILE_TSC_KHZ},
     HOST_PROFILE_ERROR_VALUE,
     "tsc-khz: wanted 1 to 10000000, got 0"},
    {CUT_NS,
     {.set = HOST_PROFILE_TSC_KHZ, .tsc_khz = 10000001},
     HOST_PROFILE_ERROR_VALUE,
     "tsc-khz: wanted 1 to 10000000, got 10000001"},
    {CUT_NS,
     {.set = HOST_PROFILE_TSC_KHZ, .tsc_khz = G_MAXUINT64},
     HOST_PROFILE_ERROR_VALUE,
     "tsc-khz: wanted 1 to 10000000, got 18446744073709551615"},
    {CUT_NS,
     {.set = HOST_PROFILE_UPTIME, .uptime_ns = HOST_UPTIME_NS_MAX + 1},
     HOST_PROFILE_ERROR_VALUE,
     "uptime: wanted 0 to 3155760000000000000, got 3155760000000000001"},
    {CUT_NS,
     {.set = HOST_PROFILE_DOWNTIME, .downtime_ns = HOST_UPTIME_NS_MAX + 1},
     HOST_PROFILE_ERROR_VALUE,
     "downtime: wanted 0 to 3155760000000000000, got 3155760000000000001"},
    {CUT_NS,
     {.set = HOST_PROFILE_WALLCLOCK, .wallclock_ns = -1},
     HOST_PROFILE_ERROR_VALUE,
     "wallclock: wanted 0 to 6311520000000000000, got -1"},
    {CUT_NS,
     {.set = HOST_PROFILE_WALLCLOCK, .wallclock_ns = G_MININT64},
     HOST_PROFILE_ERROR_VALUE,
     "wallclock: wanted 0 to 6311520000000000000, got -9223372036854775808"},
    {CUT_NS,
     {.set = HOST_PROFILE_DOWNTIME, .downtime_ns = HOST_UPTIME_NS_MAX},
     HOST_PROFILE_ERROR_VALUE,
     "cut: the uptime would go on from 1010000000007 ns to above "
     "3155760000000000000 ns"},
    {G_MAXINT64,
     {.set = HOST_PROFILE_UPTIME},
     HOST_PROFILE_ERROR_VALUE,
     "cut: the wall clock would be outside 0 to 6311520000000000000 ns since "
     "1970"},
    {WALLCLOCK_END + 1,
     {.set = HOST_PROFILE_UPTIME},
     HOST_PROFILE_ERROR_VALUE,
     "cut: the wall clock would be outside 0 to 6311520000000000000 ns since "
     "1970"},
};

static void test_cut_refused_changes_nothing(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(refusal_cases); i++) {
        const RefusalCase *c = &refusal_cases[i];
        Clock *clock = make_clock(DEF, 2596122, TRUE, FALSE);
        GByteArray *before = state_of(clock), *after;
        GError *error = NULL;
        ClockCut r;

        g_assert_false(clock_cut(clock, c->at_ns, &c->profile, &r, &error));
        g_assert_error(error, HOST_PROFILE_ERROR, c->code);
        g_assert_cmpstr(error->message, ==, c->message);
        g_assert_false(clock_cut(clock, c->at_ns, &c->profile, &r, NULL));
        after = state_of(clock);
        g_assert_cmpmem(before->data, before->len, after->data, after->len);
        g_error_free(error);
        g_byte_array_unref(before);
        g_byte_array_unref(after);
        clock_free(clock);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock-cut/cut_moves_system_and_wall_time",
                    test_cut_moves_system_and_wall_time);
    g_test_add_func("/clock-cut/cut_gives_passed_deadlines_a_past_virtual_time",
                    test_cut_gives_passed_deadlines_a_past_virtual_time);
    g_test_add_func("/clock-cut/cut_tsc_goes_on_or_is_set_on_every_vcpu",
                    test_cut_tsc_goes_on_or_is_set_on_every_vcpu);
    g_test_add_func("/clock-cut/cut_chooses_emulation_and_frequency_as_xen",
                    test_cut_chooses_emulation_and_frequency_as_xen);
    g_test_add_func("/clock-cut/cut_moves_the_offset_of_leaf_3",
                    test_cut_moves_the_offset_of_leaf_3);
    g_test_add_func("/clock-cut/cut_hundred_times_keeps_time_exact",
                    test_cut_hundred_times_keeps_time_exact);
    g_test_add_func("/clock-cut/cut_at_the_bounds_is_taken",
                    test_cut_at_the_bounds_is_taken);
    g_test_add_func("/clock-cut/cut_refused_changes_nothing",
                    test_cut_refused_changes_nothing);
    return g_test_run();
}
