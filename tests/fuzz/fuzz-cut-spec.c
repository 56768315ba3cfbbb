/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts as text: refused in one printable line with nothing changed, or in
 * range and fit to start a clock with and to cut it.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "hw/clock/clock.h"

static void check_refusal(const CutSpec *spec, const GError *error)
{
    static const CutSpec untouched = {.at_ns = 77};

    g_assert_cmpint(spec->at_ns, ==, untouched.at_ns);
    g_assert_cmpuint(spec->profile.set, ==, 0);
    g_assert_true(error->domain == HOST_PROFILE_ERROR);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_assert_null(strchr(error->message, '\n'));
}

static void use_spec(const CutSpec *spec)
{
    Clock *clock = clock_new(&spec->profile, CLOCK_TSC_MODE_DEFAULT, 2, 0);
    GError *error = NULL;
    ClockCut report;

    if (spec->profile.set & HOST_PROFILE_TSC) {
        g_assert_cmpuint(clock_guest_tsc(clock, 1, 0), ==, spec->profile.tsc);
    }
    if (clock_cut(clock, spec->at_ns, &spec->profile, &report, &error)) {
        g_assert_cmpuint(clock_system_time(clock, spec->at_ns), ==,
                         report.system_time_after);
        g_assert_cmpuint(report.system_time_after, <=, HOST_UPTIME_NS_MAX);
        g_assert_cmpint(clock_virtual_time(clock, report.system_time_after), ==,
                        spec->at_ns);
    } else {
        g_assert_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE);
        g_error_free(error);
    }
    clock_free(clock);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Ends at the first NUL, as an option does. */
    char *text = g_strndup((const char *)data, size);
    CutSpec spec = {.at_ns = 77};
    GError *error = NULL;

    if (cut_spec_parse(&spec, text, &error)) {
        g_assert_no_error(error);
        g_assert_cmpint(spec.at_ns, >=, 0);
        g_assert_cmpuint(spec.profile.set, !=, 0);
        g_assert_true(host_profile_check(&spec.profile, NULL));
        use_spec(&spec);
    } else {
        check_refusal(&spec, error);
        g_error_free(error);
    }
    g_free(text);
    return 0;
}
