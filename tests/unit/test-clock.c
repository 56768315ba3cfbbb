/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exactness of the clocks: every value is compared with one computed here in
 * another way, by whole seconds and remainders instead of wide products.
 */
#include "hw/clock/clock.h"

#define S           ((guint64)1000000000)
#define YEAR        ((guint64)31557600 * S)
#define UPTIME_SEEN ((guint64)508119807590000)

static const guint64 khz_table[] = {
    1,      2,       3,       999,     1000,    32768,
    999999, 1000000, 1000001, 2596122, 9999999, 10000000,
};

static const guint64 uptime_table[] = {
    0, 1, UPTIME_SEEN, 10 * YEAR, 100 * YEAR,
};

/* Instants after the start, ns: around ticks and seconds, and long after. */
static const guint64 elapsed_table[] = {
    0,     1, 999,   1000,        999999,        1000000,   1000001,
    S - 1, S, S + 1, UPTIME_SEEN, 10 * YEAR - 1, 10 * YEAR, 100 * YEAR,
};

static Clock *make_clock(guint64 khz, guint64 uptime_ns, guint64 tsc,
                         gint64 now_ns)
{
    HostProfile p = {
        .set = HOST_PROFILE_UPTIME | HOST_PROFILE_TSC | HOST_PROFILE_TSC_KHZ,
        .uptime_ns = uptime_ns,
        .tsc = tsc,
        .tsc_khz = khz,
    };

    return clock_new(&p, CLOCK_TSC_MODE_DEFAULT, 2, now_ns);
}

/* Ticks in @ns: khz * 1000 in each whole second, and those of the rest. */
static guint64 want_ticks(guint64 ns, guint64 khz)
{
    return ns / S * khz * 1000 + ns % S * khz / 1000000;
}

/* ns of the @ticks since the start, rounded down; ticks fit 64 bits here. */
static guint64 want_ns(guint64 ticks, guint64 khz)
{
    return ticks / khz * 1000000 + ticks % khz * 1000000 / khz;
}

/* What a guest makes of a record (pvclock ABI) at a reading of its TSC. */
static guint64 guest_time(const ClockPvclock *rec, guint64 tsc)
{
    guint64 delta = tsc - rec->tsc_timestamp;

    if (rec->tsc_shift < 0) {
        delta >>= -rec->tsc_shift;
    } else {
        delta <<= rec->tsc_shift;
    }
    return rec->system_time +
           (guint64)(((unsigned __int128)delta * rec->tsc_to_system_mul) >> 32);
}

typedef struct ScaleCase {
    guint64 hz;
    guint32 mul;
    gint8 shift;
} ScaleCase;

static const ScaleCase scale_cases[] = {
    {1000, 0xf4240000, 20},       {999000, 0xfa401066, 10},
    {1000000000, 0x80000000, 1},  {1000000001, 0xfffffffb, 0},
    {2000000000, 0x80000000, 0},  {2000001000, 0xfffff79c, -1},
    {2596122000, 0xc5379ca5, -1}, {10000000000, 0xcccccccc, -3},
    {4000000000, 0x80000000, -1},
};

static void test_time_scale_known_frequencies(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(scale_cases); i++) {
        const ScaleCase *c = &scale_cases[i];
        guint32 mul;
        gint8 shift;

        clock_time_scale(c->hz, &mul, &shift);
        if (mul != c->mul || shift != c->shift) {
            g_error("%" G_GUINT64_FORMAT " Hz: want 0x%x %d, got 0x%x %d",
                    c->hz, c->mul, c->shift, mul, shift);
        }
    }
}

/* The scale is the largest one of 32 bits that is not above ns per tick. */
static void test_time_scale_every_khz_is_rounded_down(void)
{
    for (guint64 khz = 1; khz <= HOST_TSC_KHZ_MAX;
         khz += khz < 20000 ? 1 : 61) {
        unsigned __int128 low, high, want;
        guint32 mul;
        gint8 shift;

        clock_time_scale(khz * 1000, &mul, &shift);
        low = (unsigned __int128)khz * 1000 * mul;
        high = (unsigned __int128)khz * 1000 * ((guint64)mul + 1);
        want = (unsigned __int128)S << 32;
        if (shift > 0) {
            low <<= shift;
            high <<= shift;
        } else {
            want <<= -shift;
        }
        if (low > want || high <= want || mul < 0x80000000) {
            g_error("%" G_GUINT64_FORMAT " kHz: 0x%x %d is not its scale", khz,
                    mul, shift);
        }
    }
}

static void check_instant(const Clock *clock, guint64 khz, guint64 uptime,
                          guint64 start, guint64 elapsed)
{
    const guint64 tsc = 0x123456789abcdef0;
    guint64 ticks = want_ticks(elapsed, khz);
    gint64 now = start + elapsed;
    ClockPvclock rec;
    guint64 truth;

    truth = clock_system_time(clock, now);
    g_assert_cmpuint(truth, ==, uptime + elapsed);
    g_assert_cmpint(clock_virtual_time(clock, truth), ==, now);
    if (clock_guest_tsc(clock, 0, now) != tsc + ticks) {
        g_error("%" G_GUINT64_FORMAT " kHz after %" G_GUINT64_FORMAT
                " ns: want TSC 0x%" G_GINT64_MODIFIER
                "x, got 0x%" G_GINT64_MODIFIER "x",
                khz, elapsed, tsc + ticks, clock_guest_tsc(clock, 0, now));
    }
    clock_pvclock(clock, 0, now, &rec);
    g_assert_cmpuint(rec.tsc_timestamp, ==, tsc + ticks);
    g_assert_cmpuint(rec.flags, ==, 0);
    /* 100 years at 10 GHz have more than 2^64 ticks. */
    if ((unsigned __int128)elapsed * khz / 1000000 == ticks) {
        g_assert_cmpuint(rec.system_time, ==, uptime + want_ns(ticks, khz));
    }
    g_assert_cmpuint(rec.system_time, <=, truth);
    /* The tick was at most one period ago. */
    g_assert_cmpuint(truth - rec.system_time, <=, (1000000 + khz - 1) / khz);
}

static void test_clock_is_exact_at_every_instant(void)
{
    for (guint k = 0; k < G_N_ELEMENTS(khz_table); k++) {
        for (guint u = 0; u < G_N_ELEMENTS(uptime_table); u++) {
            const guint64 start = 77 * S + 5;
            Clock *clock = make_clock(khz_table[k], uptime_table[u],
                                      0x123456789abcdef0, start);

            for (guint e = 0; e < G_N_ELEMENTS(elapsed_table); e++) {
                check_instant(clock, khz_table[k], uptime_table[u], start,
                              elapsed_table[e]);
            }
            clock_free(clock);
        }
    }
}

static void test_clock_before_its_start_stands_still(void)
{
    Clock *clock = make_clock(2596122, UPTIME_SEEN, 40, 1000);

    g_assert_cmpuint(clock_system_time(clock, 0), ==, UPTIME_SEEN);
    g_assert_cmpuint(clock_system_time(clock, 999), ==, UPTIME_SEEN);
    g_assert_cmpuint(clock_guest_tsc(clock, 1, 0), ==, 40);
    clock_free(clock);
}

static void test_clock_unset_profile_is_a_1ghz_host_just_booted(void)
{
    const HostProfile none = {0};
    Clock *clock = clock_new(&none, CLOCK_TSC_MODE_DEFAULT, 1, 5);
    ClockTscInfo info;

    clock_tsc_info(clock, &info);
    g_assert_cmpuint(info.host_khz, ==, 1000000);
    g_assert_cmpuint(info.guest_khz, ==, 1000000);
    g_assert_cmpuint(info.incarnation, ==, 1);
    g_assert_true(info.emulated);
    g_assert_false(info.host_tsc_safe);
    g_assert_false(clock_invtsc(clock));
    g_assert_cmpuint(clock_system_time(clock, 5), ==, 0);
    g_assert_cmpuint(clock_guest_tsc(clock, 0, 5), ==, 0);
    g_assert_cmpint(clock_wallclock_base(clock), ==, 0);
    clock_free(clock);
}

static void test_virtual_time_saturates(void)
{
    Clock *clock = make_clock(1000000, 100 * S, 0, 30 * S);

    g_assert_cmpint(clock_virtual_time(clock, 71 * S), ==, S);
    g_assert_cmpint(clock_virtual_time(clock, 70 * S), ==, 0);
    g_assert_cmpint(clock_virtual_time(clock, 0), ==, 0);
    g_assert_cmpint(clock_virtual_time(clock, G_MAXUINT64), ==, G_MAXINT64);
    g_assert_cmpint(clock_virtual_time(clock, G_MAXINT64 + 70 * S), ==,
                    G_MAXINT64);
    g_assert_cmpint(clock_virtual_time(clock, G_MAXINT64 + 70 * S - 1), ==,
                    G_MAXINT64 - 1);
    clock_free(clock);
}

/* Every instant up to @span after a record, in steps that hit odd ns. */
static void check_extrapolation(const Clock *clock, guint64 khz, gint64 at,
                                guint64 span)
{
    ClockPvclock rec;

    clock_pvclock(clock, 1, at, &rec);
    for (guint64 dt = 0; dt <= span; dt += span / 101 + 1) {
        guint64 truth = clock_system_time(clock, at + dt);
        guint64 seen = guest_time(&rec, clock_guest_tsc(clock, 1, at + dt));

        if (seen > truth) {
            g_error("%" G_GUINT64_FORMAT " kHz: a guest is %" G_GUINT64_FORMAT
                    " ns ahead %" G_GUINT64_FORMAT " ns after a record",
                    khz, seen - truth, dt);
        }
        /* One tick for the TSC, 2^-31 for mul, 8 periods for the shift. */
        g_assert_cmpuint(truth - seen, <=,
                         9 * (1000000 / khz + 1) + (dt >> 31) + 2);
    }
}

static void test_pvclock_extrapolation_is_never_ahead(void)
{
    static const guint64 spans[] = {3000, S, 5 * S, 86400 * S};

    for (guint k = 0; k < G_N_ELEMENTS(khz_table); k++) {
        for (guint u = 0; u < G_N_ELEMENTS(uptime_table); u++) {
            Clock *clock = make_clock(khz_table[k], uptime_table[u], -5, 0);

            for (guint s = 0; s < G_N_ELEMENTS(spans); s++) {
                check_extrapolation(clock, khz_table[k], 0, spans[s]);
                check_extrapolation(clock, khz_table[k], 1234567891, spans[s]);
                check_extrapolation(clock, khz_table[k], 10 * YEAR + 7,
                                    spans[s]);
            }
            clock_free(clock);
        }
    }
}

/* A guest that reads right before and right after an update of its record. */
static void check_updates(const Clock *clock, guint64 khz, GRand *rng)
{
    ClockPvclock old, new;
    gint64 now = 0;

    clock_pvclock(clock, 0, now, &old);
    for (guint i = 0; i < 2000; i++) {
        guint64 tsc, before, after;

        now += g_rand_int_range(rng, 1, i % 2 ? 50 : 1000000000);
        tsc = clock_guest_tsc(clock, 0, now);
        clock_pvclock(clock, 0, now, &new);
        before = guest_time(&old, tsc);
        after = guest_time(&new, tsc);
        if (after < before) {
            g_error("%" G_GUINT64_FORMAT " kHz: the update at %" G_GINT64_FORMAT
                    " ns takes a guest back from %" G_GUINT64_FORMAT
                    " to %" G_GUINT64_FORMAT,
                    khz, now, before, after);
        }
        old = new;
    }
}

static void test_pvclock_updates_never_go_back(void)
{
    GRand *rng = g_rand_new_with_seed(20);

    for (guint k = 0; k < G_N_ELEMENTS(khz_table); k++) {
        Clock *clock = make_clock(khz_table[k], UPTIME_SEEN, 9, 0);

        check_updates(clock, khz_table[k], rng);
        clock_free(clock);
    }
    g_rand_free(rng);
}

static void test_tsc_write_moves_adjust_along(void)
{
    Clock *clock = make_clock(2596122, 0, 1000, 0);
    guint64 at_s = 1000 + 2596122000;
    ClockPvclock rec;

    clock_write_tsc(clock, 1, S, 5);
    g_assert_cmpuint(clock_guest_tsc(clock, 1, S), ==, 5);
    g_assert_cmpuint(clock_guest_tsc(clock, 0, S), ==, at_s);
    g_assert_cmpuint(clock_tsc_adjust(clock, 1), ==, 5 - at_s);
    g_assert_cmpuint(clock_tsc_adjust(clock, 0), ==, 0);

    clock_write_tsc_adjust(clock, 1, 0x100000);
    g_assert_cmpuint(clock_guest_tsc(clock, 1, S), ==, at_s + 0x100000);
    clock_write_tsc(clock, 1, S, at_s + 0x100007);
    g_assert_cmpuint(clock_tsc_adjust(clock, 1), ==, 0x100007);

    /* A "negative" timestamp after a write in a young guest */
    clock_write_tsc_adjust(clock, 1, -(guint64)at_s - 1);
    clock_pvclock(clock, 1, S, &rec);
    g_assert_cmpuint(rec.tsc_timestamp, ==, G_MAXUINT64);
    g_assert_cmpuint(guest_time(&rec, clock_guest_tsc(clock, 1, 2 * S)), >=,
                     2 * S - 2);

    clock_reset_vcpu(clock, 1, S);
    g_assert_cmpuint(clock_tsc_adjust(clock, 1), ==, 0);
    g_assert_cmpuint(clock_guest_tsc(clock, 1, S), ==, at_s);
    clock_free(clock);
}

static void test_tsc_is_offset_at_exactly_1ghz(void)
{
    for (guint k = 0; k < G_N_ELEMENTS(khz_table); k++) {
        Clock *clock = make_clock(khz_table[k], UPTIME_SEEN, -3, 17);
        guint64 offset = 0;
        gboolean is_offset;

        clock_write_tsc(clock, 1, S, 77);
        is_offset = clock_tsc_is_offset(clock, 1, &offset);
        g_assert_cmpint(is_offset, ==, khz_table[k] == 1000000);
        for (guint e = 0; is_offset && e < G_N_ELEMENTS(elapsed_table); e++) {
            guint64 now = 17 + elapsed_table[e];

            g_assert_cmpuint(clock_guest_tsc(clock, 1, now), ==, now + offset);
        }
        clock_free(clock);
    }
}

static void test_wallclock_base_is_that_of_system_time_0(void)
{
    HostProfile p = {
        .set = HOST_PROFILE_UPTIME | HOST_PROFILE_WALLCLOCK,
        .uptime_ns = UPTIME_SEEN,
        .wallclock_ns = 1577836800 * S + 3,
    };
    Clock *clock = clock_new(&p, CLOCK_TSC_MODE_DEFAULT, 1, 9 * S);

    g_assert_cmpint(clock_wallclock_base(clock), ==,
                    1577836800 * S + 3 - UPTIME_SEEN);
    clock_free(clock);

    p.set = HOST_PROFILE_UPTIME;
    clock = clock_new(&p, CLOCK_TSC_MODE_DEFAULT, 1, 9 * S);
    g_assert_cmpint(clock_wallclock_base(clock), ==, -(gint64)UPTIME_SEEN);
    clock_free(clock);
}

static void test_wallclock_moves_within_its_range(void)
{
    HostProfile p = {
        .set = HOST_PROFILE_UPTIME | HOST_PROFILE_WALLCLOCK,
        .uptime_ns = UPTIME_SEEN,
        .wallclock_ns = 100 * S + 7,
    };
    const gint64 last_s = HOST_WALLCLOCK_NS_MAX / S;
    const struct {
        gint64 seconds;
        gboolean moves;
    } moves[] = {
        {0, TRUE},          {5, TRUE},           {-105, TRUE},
        {-1, FALSE},        {G_MININT64, FALSE}, {G_MAXINT64, FALSE},
        {last_s, FALSE},    {last_s - 1, TRUE},  {1, FALSE},
        {1 - last_s, TRUE}, {100, TRUE},
    };
    Clock *clock = clock_new(&p, CLOCK_TSC_MODE_DEFAULT, 1, 9 * S);
    gint64 want = 100 * S + 7;

    for (guint i = 0; i < G_N_ELEMENTS(moves); i++) {
        guint64 system = clock_system_time(clock, 12 * S);

        g_assert_cmpint(clock_move_wallclock(clock, 9 * S, moves[i].seconds),
                        ==, moves[i].moves);
        want += moves[i].moves ? moves[i].seconds * S : 0;
        g_assert_cmpint(clock_wallclock_base(clock), ==,
                        want - (gint64)UPTIME_SEEN);
        g_assert_cmpuint(clock_system_time(clock, 12 * S), ==, system);
    }
    clock_free(clock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock/time_scale_known_frequencies",
                    test_time_scale_known_frequencies);
    g_test_add_func("/clock/time_scale_every_khz_is_rounded_down",
                    test_time_scale_every_khz_is_rounded_down);
    g_test_add_func("/clock/clock_is_exact_at_every_instant",
                    test_clock_is_exact_at_every_instant);
    g_test_add_func("/clock/clock_before_its_start_stands_still",
                    test_clock_before_its_start_stands_still);
    g_test_add_func("/clock/clock_unset_profile_is_a_1ghz_host_just_booted",
                    test_clock_unset_profile_is_a_1ghz_host_just_booted);
    g_test_add_func("/clock/virtual_time_saturates",
                    test_virtual_time_saturates);
    g_test_add_func("/clock/pvclock_extrapolation_is_never_ahead",
                    test_pvclock_extrapolation_is_never_ahead);
    g_test_add_func("/clock/pvclock_updates_never_go_back",
                    test_pvclock_updates_never_go_back);
    g_test_add_func("/clock/tsc_write_moves_adjust_along",
                    test_tsc_write_moves_adjust_along);
    g_test_add_func("/clock/tsc_is_offset_at_exactly_1ghz",
                    test_tsc_is_offset_at_exactly_1ghz);
    g_test_add_func("/clock/wallclock_base_is_that_of_system_time_0",
                    test_wallclock_base_is_that_of_system_time_0);
    g_test_add_func("/clock/wallclock_moves_within_its_range",
                    test_wallclock_moves_within_its_range);
    return g_test_run();
}
