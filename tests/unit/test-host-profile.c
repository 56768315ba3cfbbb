/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host profiles and cuts as text: every key, every refusal by its message. */
#include <string.h>

#include "hw/clock/host-profile.h"

#define S ((guint64)1000000000)

typedef struct TimeCase {
    const char *text;
    guint64 ns;
} TimeCase;

static const TimeCase time_cases[] = {
    {"0", 0},
    {"0.0", 0},
    {"1", S},
    {"007", 7 * S},
    {"508119.80759", 508119807590000},
    {"508119.807590000", 508119807590000},
    {"0.000000001", 1},
    {"0.1", 100000000},
    {"1.999999999", 1999999999},
    {"0ns", 0},
    {"1ns", 1},
    {"1us", 1000},
    {"1ms", 1000000},
    {"1s", S},
    {"1m", 60 * S},
    {"1h", 3600 * S},
    {"1d", 86400 * S},
    {"36525d", HOST_UPTIME_NS_MAX},
    {"3155760000", HOST_UPTIME_NS_MAX},
    {"3155760000.000000000", HOST_UPTIME_NS_MAX},
    {"3155760000000000000ns", HOST_UPTIME_NS_MAX},
    {"0000000000000000000000000000000000000000000000001", S},
};

static void test_time_parse_reads_seconds_and_units(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(time_cases); i++) {
        const TimeCase *c = &time_cases[i];
        GError *error = NULL;
        guint64 ns = 1234;

        host_time_parse(c->text, "time", HOST_UPTIME_NS_MAX, &ns, &error);
        g_assert_no_error(error);
        if (ns != c->ns) {
            g_error("'%s': want %" G_GUINT64_FORMAT ", got %" G_GUINT64_FORMAT,
                    c->text, c->ns, ns);
        }
    }
}

static const char *const malformed_times[] = {
    "",
    " ",
    "x",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1 s",
    ".5",
    "5.",
    "1..2",
    "1.2.3",
    "1.5s",
    "1.5ms",
    "1,5",
    "1e3",
    "0x10",
    "1S",
    "1sec",
    "1ns ",
    "1w",
    "s",
    "ns",
    "inf",
    "nan",
    "1.000000000s",
    "1.0000000001",
    "1.-5",
    "1.+5",
    "1. 5",
    "--1",
    "1\n",
    "1_000",
    "\xff",
    "1\xc2\xb5s",
};

static void test_time_parse_malformed_is_refused(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(malformed_times); i++) {
        char *escaped = g_strescape(malformed_times[i], NULL);
        char *want = g_strdup_printf(
            "delay: wanted seconds with up to nine decimals, or a whole number "
            "with one of ns, us, ms, s, m, h, d, got '%s'",
            escaped);
        GError *error = NULL;
        guint64 ns = 1234;

        g_assert_false(host_time_parse(malformed_times[i], "delay", G_MAXUINT64,
                                       &ns, &error));
        g_assert_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE);
        g_assert_cmpstr(error->message, ==, want);
        g_assert_cmpuint(ns, ==, 1234);
        g_error_free(error);
        g_free(want);
        g_free(escaped);
    }
}

typedef struct RangeCase {
    const char *text;
    guint64 max_ns;
    gboolean good;
} RangeCase;

static const RangeCase range_cases[] = {
    {"0", 0, TRUE},
    {"1ns", 0, FALSE},
    {"3155760000.000000001", HOST_UPTIME_NS_MAX, FALSE},
    {"36526d", HOST_UPTIME_NS_MAX, FALSE},
    {"18446744073709551615ns", G_MAXUINT64, TRUE},
    {"18446744073709551616ns", G_MAXUINT64, FALSE},
    {"18446744073.709551615", G_MAXUINT64, TRUE},
    {"18446744073.709551616", G_MAXUINT64, FALSE},
    {"18446744073709551616", G_MAXUINT64, FALSE},
    {"18446744073709551615d", G_MAXUINT64, FALSE},
    {"99999999999999999999999999999999999999999999999d", G_MAXUINT64, FALSE},
    {"340282366920938463463374607431768211456ns", G_MAXUINT64, FALSE},
    {"340282366920938463463374607431768211457", G_MAXUINT64, FALSE},
};

static void test_time_parse_too_long_is_refused(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(range_cases); i++) {
        const RangeCase *c = &range_cases[i];
        char *want =
            g_strdup_printf("t: wanted 0 to %" G_GUINT64_FORMAT " ns, got '%s'",
                            c->max_ns, c->text);
        GError *error = NULL;
        guint64 ns;

        g_assert_cmpint(host_time_parse(c->text, "t", c->max_ns, &ns, &error),
                        ==, c->good);
        if (!c->good) {
            g_assert_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE);
            g_assert_cmpstr(error->message, ==, want);
            g_error_free(error);
        }
        g_free(want);
    }
}

typedef struct KeyCase {
    const char *text;
    HostProfile want;
} KeyCase;

#define UPTIME    HOST_PROFILE_UPTIME
#define TSC       HOST_PROFILE_TSC
#define TSC_KHZ   HOST_PROFILE_TSC_KHZ
#define INVTSC    HOST_PROFILE_INVTSC
#define SCALING   HOST_PROFILE_TSC_SCALING
#define WALLCLOCK HOST_PROFILE_WALLCLOCK
#define DOWNTIME  HOST_PROFILE_DOWNTIME

static const KeyCase key_cases[] = {
    {"uptime=0", {.set = UPTIME}},
    {"uptime=36525d", {.set = UPTIME, .uptime_ns = HOST_UPTIME_NS_MAX}},
    {"tsc=0", {.set = TSC}},
    {"tsc=18446744073709551615", {.set = TSC, .tsc = G_MAXUINT64}},
    {"tsc=0xffffffffffffffff", {.set = TSC, .tsc = G_MAXUINT64}},
    {"tsc=0xAbC", {.set = TSC, .tsc = 0xabc}},
    {"tsc-khz=1", {.set = TSC_KHZ, .tsc_khz = 1}},
    {"tsc-khz=10000000", {.set = TSC_KHZ, .tsc_khz = 10000000}},
    {"invtsc=on", {.set = INVTSC, .invtsc = TRUE}},
    {"invtsc=off", {.set = INVTSC}},
    {"tsc-scaling=on", {.set = SCALING, .tsc_scaling = TRUE}},
    {"tsc-scaling=off", {.set = SCALING}},
    {"wallclock=0", {.set = WALLCLOCK}},
    {"wallclock=1577836800.5",
     {.set = WALLCLOCK, .wallclock_ns = 1577836800500000000}},
    {"wallclock=6311520000",
     {.set = WALLCLOCK, .wallclock_ns = HOST_WALLCLOCK_NS_MAX}},
    {"downtime=250ms", {.set = DOWNTIME, .downtime_ns = 250000000}},
    {"downtime=3155760000",
     {.set = DOWNTIME, .downtime_ns = HOST_UPTIME_NS_MAX}},
    {"uptime=1,tsc=2,tsc-khz=3,invtsc=on,tsc-scaling=on,wallclock=4,"
     "downtime=5",
     {.set = UPTIME | TSC | TSC_KHZ | INVTSC | SCALING | WALLCLOCK | DOWNTIME,
      .uptime_ns = S,
      .tsc = 2,
      .tsc_khz = 3,
      .invtsc = TRUE,
      .tsc_scaling = TRUE,
      .wallclock_ns = 4 * S,
      .downtime_ns = 5 * S}},
};

static void assert_profile(const HostProfile *got, const HostProfile *want)
{
    g_assert_cmpuint(got->set, ==, want->set);
    g_assert_cmpuint(got->uptime_ns, ==, want->uptime_ns);
    g_assert_cmpuint(got->tsc, ==, want->tsc);
    g_assert_cmpuint(got->tsc_khz, ==, want->tsc_khz);
    g_assert_cmpint(got->invtsc, ==, want->invtsc);
    g_assert_cmpint(got->tsc_scaling, ==, want->tsc_scaling);
    g_assert_cmpint(got->wallclock_ns, ==, want->wallclock_ns);
    g_assert_cmpuint(got->downtime_ns, ==, want->downtime_ns);
}

static void test_profile_parse_sets_the_field_of_each_key(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(key_cases); i++) {
        const KeyCase *c = &key_cases[i];
        HostProfile got = {0};
        GError *error = NULL;

        g_test_message("%s", c->text);
        host_profile_parse(&got, c->text, &error);
        g_assert_no_error(error);
        assert_profile(&got, &c->want);
        g_assert_true(host_profile_check(&got, &error));
        g_assert_no_error(error);
    }
}

static void test_profile_parse_adds_to_the_profile(void)
{
    const HostProfile want = {
        .set = UPTIME | TSC, .uptime_ns = 9 * S, .tsc = 5};
    HostProfile got = {.set = UPTIME, .uptime_ns = 9 * S};

    g_assert_true(host_profile_parse(&got, "tsc=5", NULL));
    assert_profile(&got, &want);
}

typedef struct RefusalCase {
    const char *text;
    HostProfileError code;
    const char *message;
} RefusalCase;

#define KEYS                                                               \
    "is unknown; the keys are uptime, tsc, tsc-khz, invtsc, tsc-scaling, " \
    "wallclock, downtime"
#define TIME_FORM                                                             \
    "wanted seconds with up to nine decimals, or a whole number with one of " \
    "ns, us, ms, s, m, h, d, got "
#define KEY   HOST_PROFILE_ERROR_KEY
#define VALUE HOST_PROFILE_ERROR_VALUE

static const RefusalCase refusal_cases[] = {
    {"", KEY, "wanted KEY=VALUE,..., got nothing"},
    {",", KEY, "key '' has no value; wanted KEY=VALUE"},
    {"tsc=1,", KEY, "key '' has no value; wanted KEY=VALUE"},
    {",tsc=1", KEY, "key '' has no value; wanted KEY=VALUE"},
    {"tsc", KEY, "key 'tsc' has no value; wanted KEY=VALUE"},
    {"=", KEY, "key '' " KEYS},
    {"=5", KEY, "key '' " KEYS},
    {"tsc_khz=5", KEY, "key 'tsc_khz' " KEYS},
    {"TSC=5", KEY, "key 'TSC' " KEYS},
    {"ts=5", KEY, "key 'ts' " KEYS},
    {"tscc=5", KEY, "key 'tscc' " KEYS},
    {" tsc=5", KEY, "key ' tsc' " KEYS},
    {"\xff\n=5", KEY, "key '\\377\\n' " KEYS},
    {"uptime=1,uptime=1", KEY, "key 'uptime' is given twice"},
    {"tsc=1,invtsc=on,tsc=1", KEY, "key 'tsc' is given twice"},
    {"tsc-khz=1,tsc-khz=2", KEY, "key 'tsc-khz' is given twice"},
    {"invtsc=on,invtsc=off", KEY, "key 'invtsc' is given twice"},
    {"tsc-scaling=on,tsc-scaling=on", KEY, "key 'tsc-scaling' is given twice"},
    {"wallclock=1,wallclock=1", KEY, "key 'wallclock' is given twice"},
    {"downtime=1,downtime=1", KEY, "key 'downtime' is given twice"},
    {"uptime=", VALUE, "uptime: " TIME_FORM "''"},
    {"uptime=-1", VALUE, "uptime: " TIME_FORM "'-1'"},
    {"uptime=5x", VALUE, "uptime: " TIME_FORM "'5x'"},
    {"uptime=1=2", VALUE, "uptime: " TIME_FORM "'1=2'"},
    {"uptime=3155760001", VALUE,
     "uptime: wanted 0 to 3155760000000000000 ns, got '3155760001'"},
    {"tsc=", VALUE, "tsc: wanted a 64-bit number, decimal or 0x..., got ''"},
    {"tsc=0x", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got '0x'"},
    {"tsc=0x0x1", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got '0x0x1'"},
    {"tsc=0x-1", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got '0x-1'"},
    {"tsc=-1", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got '-1'"},
    {"tsc=+1", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got '+1'"},
    {"tsc= 1", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got ' 1'"},
    {"tsc=12a", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got '12a'"},
    {"tsc=0x12g", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got '0x12g'"},
    {"tsc=18446744073709551616", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got "
     "'18446744073709551616'"},
    {"tsc=0x10000000000000000", VALUE,
     "tsc: wanted a 64-bit number, decimal or 0x..., got "
     "'0x10000000000000000'"},
    {"tsc-khz=", VALUE, "tsc-khz: wanted 1 to 10000000 kHz, got ''"},
    {"tsc-khz=0", VALUE, "tsc-khz: wanted 1 to 10000000 kHz, got '0'"},
    {"tsc-khz=10000001", VALUE,
     "tsc-khz: wanted 1 to 10000000 kHz, got '10000001'"},
    {"tsc-khz=2.5", VALUE, "tsc-khz: wanted 1 to 10000000 kHz, got '2.5'"},
    {"tsc-khz=5k", VALUE, "tsc-khz: wanted 1 to 10000000 kHz, got '5k'"},
    {"tsc-khz=-5", VALUE, "tsc-khz: wanted 1 to 10000000 kHz, got '-5'"},
    {"tsc-khz=18446744073709551617", VALUE,
     "tsc-khz: wanted 1 to 10000000 kHz, got '18446744073709551617'"},
    {"tsc-khz=340282366920938463463374607431768211457", VALUE,
     "tsc-khz: wanted 1 to 10000000 kHz, got "
     "'340282366920938463463374607431768211457'"},
    {"invtsc=", VALUE, "invtsc: wanted on or off, got ''"},
    {"invtsc=yes", VALUE, "invtsc: wanted on or off, got 'yes'"},
    {"invtsc=ON", VALUE, "invtsc: wanted on or off, got 'ON'"},
    {"invtsc=1", VALUE, "invtsc: wanted on or off, got '1'"},
    {"tsc-scaling=", VALUE, "tsc-scaling: wanted on or off, got ''"},
    {"tsc-scaling=offf", VALUE, "tsc-scaling: wanted on or off, got 'offf'"},
    {"wallclock=", VALUE, "wallclock: " TIME_FORM "''"},
    {"wallclock=2020-01-01", VALUE, "wallclock: " TIME_FORM "'2020-01-01'"},
    {"wallclock=6311520001", VALUE,
     "wallclock: wanted 0 to 6311520000000000000 ns, got '6311520001'"},
    {"downtime=", VALUE, "downtime: " TIME_FORM "''"},
    {"downtime=now", VALUE, "downtime: " TIME_FORM "'now'"},
    {"downtime=99999999999999999999", VALUE,
     "downtime: wanted 0 to 3155760000000000000 ns, got "
     "'99999999999999999999'"},
};

static void check_refusal(const RefusalCase *c, gboolean good,
                          const GError *error)
{
    g_test_message("want: %s", c->message);
    g_assert_false(good);
    g_assert_error(error, HOST_PROFILE_ERROR, (int)c->code);
    g_assert_cmpstr(error->message, ==, c->message);
}

static void test_profile_parse_refused_changes_nothing(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(refusal_cases); i++) {
        const HostProfile none = {0};
        HostProfile got = {0};
        GError *error = NULL;
        gboolean good = host_profile_parse(&got, refusal_cases[i].text, &error);

        check_refusal(&refusal_cases[i], good, error);
        assert_profile(&got, &none);
        g_assert_false(host_profile_parse(&got, refusal_cases[i].text, NULL));
        g_error_free(error);
    }
}

static void test_profile_set_refuses_a_field_already_set(void)
{
    HostProfile p = {.set = TSC, .tsc = 5};
    GError *error = NULL;

    g_assert_false(host_profile_set(&p, "tsc", "6", &error));
    g_assert_error(error, HOST_PROFILE_ERROR, KEY);
    g_assert_cmpuint(p.tsc, ==, 5);
    g_error_free(error);
}

/* Values of unset fields are nobody's concern. */
static void test_profile_check_looks_at_set_fields_alone(void)
{
    const HostProfile p = {
        .uptime_ns = G_MAXUINT64,
        .downtime_ns = G_MAXUINT64,
        .wallclock_ns = -1,
        .tsc_khz = 0,
    };

    g_assert_true(host_profile_check(&p, NULL));
}

static void test_cut_parse_reads_time_and_profile(void)
{
    static const TimeCase cases[] = {
        {"0:tsc=5", 0},
        {"12.5:tsc=5", 12500000000},
        {"3ms:tsc=5", 3000000},
        {"9223372036854775807ns:tsc=5", G_MAXINT64},
    };
    const HostProfile want = {.set = TSC, .tsc = 5};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        CutSpec spec = {.at_ns = -1, .profile = {.set = TSC | INVTSC}};
        GError *error = NULL;

        cut_spec_parse(&spec, cases[i].text, &error);
        g_assert_no_error(error);
        g_assert_cmpint(spec.at_ns, ==, cases[i].ns);
        assert_profile(&spec.profile, &want);
    }
}

#define TIME HOST_PROFILE_ERROR_TIME

static const RefusalCase cut_refusals[] = {
    {"", TIME, "cut: wanted AT:KEY=VALUE,..., got ''"},
    {"tsc=5", TIME, "cut: wanted AT:KEY=VALUE,..., got 'tsc=5'"},
    {":", TIME, "cut: time: " TIME_FORM "''"},
    {":tsc=5", TIME, "cut: time: " TIME_FORM "''"},
    {"-1:tsc=5", TIME, "cut: time: " TIME_FORM "'-1'"},
    {"1 :tsc=5", TIME, "cut: time: " TIME_FORM "'1 '"},
    {"9223372036854775808ns:tsc=5", TIME,
     "cut: time: wanted 0 to 9223372036854775807 ns, got "
     "'9223372036854775808ns'"},
    {"5:", KEY, "cut: wanted KEY=VALUE,..., got nothing"},
    {"5:tsc", KEY, "cut: key 'tsc' has no value; wanted KEY=VALUE"},
    {"5:at=5", KEY, "cut: key 'at' " KEYS},
    {"5:tsc=5,tsc=5", KEY, "cut: key 'tsc' is given twice"},
    {"5:tsc-khz=0", VALUE, "cut: tsc-khz: wanted 1 to 10000000 kHz, got '0'"},
    {"5:6:tsc=5", KEY, "cut: key '6:tsc' " KEYS},
};

static void test_cut_parse_refused_changes_nothing(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cut_refusals); i++) {
        const HostProfile none = {0};
        CutSpec spec = {.at_ns = 77};
        GError *error = NULL;
        gboolean good = cut_spec_parse(&spec, cut_refusals[i].text, &error);

        check_refusal(&cut_refusals[i], good, error);
        g_assert_cmpint(spec.at_ns, ==, 77);
        assert_profile(&spec.profile, &none);
        g_assert_false(cut_spec_parse(&spec, cut_refusals[i].text, NULL));
        g_error_free(error);
    }
}

/* Every byte of a good cut replaced by every other: parsed or refused. */
static void test_cut_parse_damaged_text_is_refused_or_in_range(void)
{
    static const char good[] = "12.5:uptime=508119.8,tsc=0x5,tsc-khz=2596122,"
                               "invtsc=on,tsc-scaling=off,wallclock=5d,"
                               "downtime=1";

    for (gsize i = 0; i < sizeof(good) - 1; i++) {
        for (guint byte = 0; byte < 256; byte++) {
            char *text = g_strndup(good, sizeof(good));
            GError *error = NULL;
            CutSpec spec;

            text[i] = byte;
            if (cut_spec_parse(&spec, text, &error)) {
                g_assert_no_error(error);
                g_assert_cmpint(spec.at_ns, >=, 0);
                g_assert_true(host_profile_check(&spec.profile, NULL));
            } else {
                g_assert_true(error->domain == HOST_PROFILE_ERROR);
                g_assert_true(g_utf8_validate(error->message, -1, NULL));
                g_assert_null(strchr(error->message, '\n'));
            }
            g_clear_error(&error);
            g_free(text);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-profile/time_parse_reads_seconds_and_units",
                    test_time_parse_reads_seconds_and_units);
    g_test_add_func("/host-profile/time_parse_malformed_is_refused",
                    test_time_parse_malformed_is_refused);
    g_test_add_func("/host-profile/time_parse_too_long_is_refused",
                    test_time_parse_too_long_is_refused);
    g_test_add_func("/host-profile/profile_parse_sets_the_field_of_each_key",
                    test_profile_parse_sets_the_field_of_each_key);
    g_test_add_func("/host-profile/profile_parse_adds_to_the_profile",
                    test_profile_parse_adds_to_the_profile);
    g_test_add_func("/host-profile/profile_parse_refused_changes_nothing",
                    test_profile_parse_refused_changes_nothing);
    g_test_add_func("/host-profile/profile_set_refuses_a_field_already_set",
                    test_profile_set_refuses_a_field_already_set);
    g_test_add_func("/host-profile/profile_check_looks_at_set_fields_alone",
                    test_profile_check_looks_at_set_fields_alone);
    g_test_add_func("/host-profile/cut_parse_reads_time_and_profile",
                    test_cut_parse_reads_time_and_profile);
    g_test_add_func("/host-profile/cut_parse_refused_changes_nothing",
                    test_cut_parse_refused_changes_nothing);
    g_test_add_func(
        "/host-profile/cut_parse_damaged_text_is_refused_or_in_range",
        test_cut_parse_damaged_text_is_refused_or_in_range);
    return g_test_run();
}
