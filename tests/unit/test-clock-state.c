/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A clock's migration state: round trip, and every field damaged. */
#include <string.h>

#include "hw/clock/clock.h"

#define S        ((guint64)1000000000)
#define NR_VCPUS 2
/* Each field of the clock is a 64-bit number after its header. */
#define HEADER    6
#define FIELD     (HEADER + 8)
#define NR_FIELDS (12 + NR_VCPUS)

static Clock *make_clock(ClockTscMode mode, unsigned nr_vcpus)
{
    const HostProfile none = {0};

    return clock_new(&none, mode, nr_vcpus, 0);
}

/* A clock in which no two fields are equal, after a cut. */
static Clock *make_used_clock(void)
{
    HostProfile p = {0};
    ClockCut report;
    Clock *clock;

    g_assert_true(host_profile_parse(
        &p,
        "uptime=508119.80759,tsc=99,tsc-khz=2596122,wallclock=1577836800,"
        "invtsc=on",
        NULL));
    clock = clock_new(&p, CLOCK_TSC_MODE_DEFAULT, NR_VCPUS, 5);
    clock_write_tsc(clock, 0, S, 123456);
    clock_write_tsc_adjust(clock, 1, 0x100000);
    p = (HostProfile){0};
    g_assert_true(host_profile_parse(
        &p, "uptime=77,tsc-khz=3000000,tsc-scaling=on", NULL));
    g_assert_true(clock_cut(clock, 2 * S + 1, &p, &report, NULL));
    return clock;
}

static GByteArray *state_of(const Clock *clock)
{
    StateWriter *w = state_writer_new();

    clock_save(clock, w);
    return state_writer_finish(w);
}

static gboolean load(Clock *clock, const guint8 *buf, size_t len,
                     GError **error)
{
    StateReader *r = state_reader_new(buf, len);

    clock_load(clock, r);
    return state_reader_finish(r, error);
}

static void assert_state(const Clock *clock, const GByteArray *want)
{
    GByteArray *got = state_of(clock);

    g_assert_cmpmem(got->data, got->len, want->data, want->len);
    g_byte_array_unref(got);
}

static void test_state_round_trip_keeps_every_clock(void)
{
    Clock *source = make_used_clock();
    Clock *target = make_clock(CLOCK_TSC_MODE_DEFAULT, NR_VCPUS);
    GByteArray *state = state_of(source);
    ClockTscInfo want_info, got_info;
    GError *error = NULL;

    g_assert_cmpuint(state->len, ==, NR_FIELDS * FIELD);
    g_assert_true(load(target, state->data, state->len, &error));
    g_assert_no_error(error);
    assert_state(target, state);
    for (gint64 now = 2 * S + 1; now < (gint64)(100 * S); now += S / 3) {
        ClockPvclock want, got;

        g_assert_cmpuint(clock_system_time(target, now), ==,
                         clock_system_time(source, now));
        for (unsigned v = 0; v < NR_VCPUS; v++) {
            memset(&want, 0, sizeof(want));
            memset(&got, 0, sizeof(got));
            clock_pvclock(source, v, now, &want);
            clock_pvclock(target, v, now, &got);
            g_assert_cmpmem(&got, sizeof(got), &want, sizeof(want));
        }
    }
    clock_tsc_info(source, &want_info);
    clock_tsc_info(target, &got_info);
    g_assert_cmpint(got_info.emulated, ==, want_info.emulated);
    g_assert_cmpuint(got_info.incarnation, ==, 2);
    g_assert_cmpuint(got_info.offset, ==, want_info.offset);
    g_assert_cmpuint(got_info.host_khz, ==, 3000000);
    g_assert_cmpint(clock_wallclock_base(target), ==,
                    clock_wallclock_base(source));
    g_byte_array_unref(state);
    clock_free(source);
    clock_free(target);
}

static void test_state_every_truncation_changes_nothing(void)
{
    Clock *source = make_used_clock();
    Clock *target = make_clock(CLOCK_TSC_MODE_DEFAULT, NR_VCPUS);
    GByteArray *state = state_of(source), *before = state_of(target);

    for (guint len = 0; len < state->len; len++) {
        guint8 *part = g_memdup2(state->data, len);
        GError *error = NULL;

        g_assert_false(load(target, part, len, &error));
        g_assert_error(error, STATE_ERROR, STATE_ERROR_TRUNCATED);
        assert_state(target, before);
        g_error_free(error);
        g_free(part);
    }
    g_byte_array_unref(state);
    g_byte_array_unref(before);
    clock_free(source);
    clock_free(target);
}

/* A flipped bit is refused, or is a legal value and comes out as it went in. */
static void test_state_every_flipped_bit_is_refused_or_kept(void)
{
    Clock *source = make_used_clock();
    GByteArray *state = state_of(source);
    guint refused = 0;

    for (guint bit = 0; bit < state->len * 8; bit++) {
        Clock *target = make_clock(CLOCK_TSC_MODE_DEFAULT, NR_VCPUS);
        GByteArray *before = state_of(target);
        gboolean header = bit / 8 % FIELD < HEADER, good;

        state->data[bit / 8] ^= 1 << bit % 8;
        good = load(target, state->data, state->len, NULL);
        g_assert_false(header && good);
        assert_state(target, good ? state : before);
        refused += !good;
        state->data[bit / 8] ^= 1 << bit % 8;
        g_byte_array_unref(before);
        clock_free(target);
    }
    g_assert_cmpuint(refused, >, NR_FIELDS * HEADER * 8);
    g_byte_array_unref(state);
    clock_free(source);
}

typedef struct FieldCase {
    guint field; /* in the order of the stream */
    guint64 value;
    const char *message; /* NULL: accepted */
} FieldCase;

#define RANGE(name, value, max) \
    "state field '" name "' at byte *: value " value " is above " max
#define OUTSIDE(name, value, min, max) \
    "state field '" name "': value " value " is outside " min " to " max

static const FieldCase field_cases[] = {
    {0, 1,
     "clock state is of TSC mode 1 and 2 vCPUs, wanted mode 0 and 2 "
     "vCPUs"},
    {0, G_MAXUINT64, "clock state is of TSC mode 18446744073709551615 *"},
    {1, 1,
     "clock state is of TSC mode 0 and 1 vCPUs, wanted mode 0 and 2 "
     "vCPUs"},
    {1, 0x100000002, "clock state is of TSC mode 0 and 4294967298 vCPUs, *"},
    {2, 0, NULL},
    {2, G_MAXINT64, NULL},
    {2, (guint64)G_MAXINT64 + 1,
     OUTSIDE("base", "-9223372036854775808", "0", "9223372036854775807")},
    {3, HOST_UPTIME_NS_MAX, NULL},
    {3, HOST_UPTIME_NS_MAX + 1,
     RANGE("system base", "3155760000000000001", "3155760000000000000")},
    {4, -(guint64)(77 * S), NULL},
    {4, -(guint64)(77 * S) - 1,
     "state field 'wallclock base': the wall clock would be outside its "
     "range"},
    {4, HOST_WALLCLOCK_NS_MAX - 77 * S, NULL},
    {4, HOST_WALLCLOCK_NS_MAX - 77 * S + 1,
     "state field 'wallclock base': the wall clock would be outside its "
     "range"},
    {4, HOST_WALLCLOCK_NS_MAX + (guint64)1,
     OUTSIDE("wallclock base", "6311520000000000001", "-3155760000000000000",
             "6311520000000000000")},
    {4, -HOST_UPTIME_NS_MAX - 1,
     OUTSIDE("wallclock base", "-3155760000000000001", "-3155760000000000000",
             "6311520000000000000")},
    {5, 0, NULL},
    {5, G_MAXUINT64, NULL},
    {6, 0, "state field 'host kHz': a frequency of 0 kHz"},
    {6, 10000000, NULL},
    {6, 10000001, RANGE("host kHz", "10000001", "10000000")},
    {6, 0x100000001, RANGE("host kHz", "4294967297", "10000000")},
    {7, 0, "state field 'guest kHz': a frequency of 0 kHz"},
    {7, 1, NULL},
    {7, 10000001, RANGE("guest kHz", "10000001", "10000000")},
    {8, 0, NULL},
    {8, 2, RANGE("invtsc", "2", "1")},
    {9, 0, NULL},
    {9, 2, RANGE("scaling", "2", "1")},
    {10, G_MAXUINT32, NULL},
    {10, (guint64)G_MAXUINT32 + 1,
     RANGE("incarnation", "4294967296", "4294967295")},
    {11, G_MAXUINT64, NULL},
    {12, G_MAXUINT64, NULL},
    {13, 0, NULL},
};

static void check_field(const FieldCase *c)
{
    Clock *source = make_used_clock();
    Clock *target = make_clock(CLOCK_TSC_MODE_DEFAULT, NR_VCPUS);
    GByteArray *state = state_of(source), *before = state_of(target);
    GError *error = NULL;

    for (guint i = 0; i < 8; i++) {
        state->data[c->field * FIELD + HEADER + i] = c->value >> (8 * i);
    }
    g_test_message("field %u: %" G_GUINT64_FORMAT, c->field, c->value);
    if (load(target, state->data, state->len, &error)) {
        g_assert_null(c->message);
        assert_state(target, state);
    } else {
        g_assert_nonnull(c->message);
        if (!g_pattern_match_simple(c->message, error->message)) {
            g_error("want \"%s\", got \"%s\"", c->message, error->message);
        }
        assert_state(target, before);
    }
    g_clear_error(&error);
    g_byte_array_unref(state);
    g_byte_array_unref(before);
    clock_free(source);
    clock_free(target);
}

static void test_state_field_out_of_range_is_named(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(field_cases); i++) {
        check_field(&field_cases[i]);
    }
}

static void test_state_native_mode_has_one_frequency(void)
{
    Clock *clock = make_clock(CLOCK_TSC_MODE_NATIVE, NR_VCPUS);
    GByteArray *state = state_of(clock);
    GError *error = NULL;

    g_assert_true(load(clock, state->data, state->len, &error));
    state->data[7 * FIELD + HEADER] ^= 1;
    g_assert_false(load(clock, state->data, state->len, &error));
    g_assert_cmpstr(error->message, ==,
                    "state field 'guest kHz': 1000001 in native mode on a host "
                    "of 1000000 kHz");
    g_error_free(error);
    g_byte_array_unref(state);
    clock_free(clock);
}

static void test_state_of_other_configurations_is_refused(void)
{
    Clock *source = make_used_clock();
    GByteArray *state = state_of(source);
    Clock *target = make_clock(CLOCK_TSC_MODE_DEFAULT, NR_VCPUS + 1);

    g_assert_false(load(target, state->data, state->len, NULL));
    clock_free(target);
    target = make_clock(CLOCK_TSC_MODE_NATIVE, NR_VCPUS);
    g_assert_false(load(target, state->data, state->len, NULL));
    clock_free(target);
    g_byte_array_unref(state);
    clock_free(source);
}

/* Whatever a stream may hold, a clock loaded from it can be used and cut. */
static void test_state_of_extremes_can_be_cut(void)
{
    Clock *source = make_used_clock();
    Clock *target = make_clock(CLOCK_TSC_MODE_DEFAULT, NR_VCPUS);
    GByteArray *state = state_of(source);
    const guint64 values[NR_FIELDS] = {
        0,
        NR_VCPUS,
        0,
        HOST_UPTIME_NS_MAX,
        -HOST_UPTIME_NS_MAX,
        G_MAXUINT64,
        1,
        10000000,
        1,
        0,
        G_MAXUINT32,
        0,
        G_MAXUINT64,
        G_MAXUINT64,
    };
    const HostProfile p = {.set = HOST_PROFILE_UPTIME | HOST_PROFILE_WALLCLOCK};
    ClockPvclock rec;
    ClockTscInfo info;
    ClockCut report;

    for (guint i = 0; i < NR_FIELDS * 8; i++) {
        state->data[i / 8 * FIELD + HEADER + i % 8] =
            values[i / 8] >> (8 * (i % 8));
    }
    g_assert_true(load(target, state->data, state->len, NULL));
    g_assert_cmpuint(clock_system_time(target, G_MAXINT64), ==,
                     HOST_UPTIME_NS_MAX + G_MAXINT64);
    clock_pvclock(target, 1, G_MAXINT64, &rec);
    g_assert_cmpuint(rec.system_time, ==, HOST_UPTIME_NS_MAX + G_MAXINT64);
    g_assert_true(clock_cut(target, G_MAXINT64, &p, &report, NULL));
    clock_tsc_info(target, &info);
    g_assert_cmpuint(info.incarnation, ==, 0);
    g_assert_cmpuint(clock_system_time(target, G_MAXINT64), ==, 0);
    g_byte_array_unref(state);
    clock_free(source);
    clock_free(target);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock-state/state_round_trip_keeps_every_clock",
                    test_state_round_trip_keeps_every_clock);
    g_test_add_func("/clock-state/state_every_truncation_changes_nothing",
                    test_state_every_truncation_changes_nothing);
    g_test_add_func("/clock-state/state_every_flipped_bit_is_refused_or_kept",
                    test_state_every_flipped_bit_is_refused_or_kept);
    g_test_add_func("/clock-state/state_field_out_of_range_is_named",
                    test_state_field_out_of_range_is_named);
    g_test_add_func("/clock-state/state_native_mode_has_one_frequency",
                    test_state_native_mode_has_one_frequency);
    g_test_add_func("/clock-state/state_of_other_configurations_is_refused",
                    test_state_of_other_configurations_is_refused);
    g_test_add_func("/clock-state/state_of_extremes_can_be_cut",
                    test_state_of_extremes_can_be_cut);
    return g_test_run();
}
