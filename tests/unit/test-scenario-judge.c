/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expectations of scenarios: each held, and each broken, by a made-up run. */
#include <string.h>

#include "tools/agent-log.h"
#include "tools/scenario-judge.h"

#define HEAD "[scenario]\ntitle=t\n[guest]\nkernel=debian-6.12\n"
#define CUT  "[cut 1]\nat=5\nuptime=9\n"
#define SAMPLE(n, printk, mono, tsc, source)                              \
    "JUMPCUT sample=" n " printk_us=" printk " monotonic_ns=" mono        \
    " boottime_ns=1 realtime_ns=2 tsc=" tsc " clocksource=" source " end" \
    "\r\n"

#define BEFORE                                                            \
    "boot\r\n[    1.500000] one\r\n" SAMPLE("1", "1000000", "1000000000", \
                                            "1000000000", "xen")          \
        SAMPLE("2", "2000000", "2000000000", "2000000000", "xen")
#define AFTER                                                  \
    SAMPLE("3", "9000000", "3000000000", "3000000000", "tsc")  \
    SAMPLE("4", "10000000", "5900000000", "4000000000", "tsc") \
    "two\r\nthree\r\n"

static const char *const events[] = {
    "RESET guest=true reason=guest",
    "SHUTDOWN guest=true",
    "RESET guest=false reason=host",
};

/* A run with a cut in the middle and two digests. */
static Run *run_new(void)
{
    Run *run = g_new0(Run, 1);
    RunCut cut = {.at_ns = 5, .console_bytes = strlen(BEFORE)};

    run->ending = g_strdup("powered-off");
    run->console = g_strdup(BEFORE AFTER);
    run->console_size = strlen(BEFORE AFTER);
    run->samples = agent_log_parse(run->console, run->console_size);
    run->cuts = g_array_new(FALSE, TRUE, sizeof(RunCut));
    g_array_append_val(run->cuts, cut);
    run->events = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
        g_ptr_array_add(run->events, g_strsplit(events[i], " ", -1));
    }
    run->digests = g_array_new(FALSE, TRUE, sizeof(RunDigest));
    for (int i = 1; i <= 2; i++) {
        RunDigest digest = {.at_ns = i, .sha256 = g_strdup("ab")};

        g_array_append_val(run->digests, digest);
    }
    return run;
}

static void run_done(Run *run)
{
    for (guint i = 0; i < run->digests->len; i++) {
        g_free(g_array_index(run->digests, RunDigest, i).sha256);
    }
    run_free(run);
}

typedef struct JudgeCase {
    const char *expect;  /* keys of [expect x] */
    const char *message; /* part of it; NULL: it holds */
} JudgeCase;

static const JudgeCase judge_cases[] = {
    {"present=^boot$", NULL},
    {"present=^oot$", "[expect x]: no match of '^oot$'"},
    {"present=^two$\nafter=one", NULL},
    {"present=^boot$\nafter=one", "no match of '^boot$' behind that of expect"},
    {"present=^two$\nafter=never", "[expect never]: no match of 'never'"},
    {"present=^boot$\ncut=1\nside=before", NULL},
    {"present=^boot$\ncut=1\nside=after", "no match"},
    {"present=^two$\ncut=1\nside=before", "no match"},
    {"present=^two$\ncut=1\nside=after\nafter=one", NULL},
    {"present=two\ncut=2", NULL},
    {"present=two\ncut=2\nside=after", "want 2 cuts, got 1"},
    {"present=JUMPCUT\ncount=4", NULL},
    {"present=JUMPCUT\ncount=5..", "matches: want 5..inf, got 4"},
    {"present= (\\d+\\.\\d+)\\] one\nnumber=1.5", NULL},
    {"present= (\\d+\\.\\d+)\\] one\nnumber=..1.4",
     "number: want -inf..1.4, go"},
    {"present=(one)\nnumber=1", "want a number, got 'one'"},
    {"present=(x?)boot\nnumber=1", "want a number, got ''"},
    {"absent=four", NULL},
    {"absent=tw.", "want no match of 'tw.', got 'two'"},
    {"absent=two\ncut=1\nside=before", NULL},
    {"text=two\\nthree", NULL},
    {"text=three\\ntwo", "want the lines"},
    {"text=tw", "want the lines 'tw'"},
    {"text=two\ncut=1\nside=before", "want the lines"},
    {"clocksource=tsc", NULL},
    {"clocksource=xen", "want clocksource xen, got tsc"},
    {"clocksource=xen\ncut=1\nside=before", NULL},
    {"ending=powered-off", NULL},
    {"ending=crashed", "want ending crashed, got powered-off"},
    {"event=RESET", NULL},
    {"event=RESET\ncount=2", NULL},
    {"event=RESET\ncount=3..", "events: want 3..inf, got 2"},
    {"event=STOP", "events: want 1..inf, got 0"},
    {"event=STOP\ncount=0", NULL},
    {"event=RESET\nwith=guest=true\ncount=1", NULL},
    {"event=RESET\nwith=reason=host,guest=false\ncount=1", NULL},
    {"event=RESET\nwith=reason=host,guest=true", "events: want 1..inf, got 0"},
    {"event=RESET\nwith=guest=RESET\ncount=0", NULL},
    {"event=RESET\nwith=guest=tru", "events: want 1..inf, got 0"},
    {"cuts=1", NULL},
    {"cuts=0", "cuts: want 0, got 1"},
    {"clock=printk\ncut=1\nstep=7", NULL},
    {"clock=printk\ncut=1\nstep=6..6.9", "step, s: want 6..6.9, got 7"},
    {"clock=monotonic\ncut=2\nstep=1", "want 2 cuts, got 1"},
    {"clock=monotonic\nagainst=tsc\nrate=2.9\ncut=1\nside=after", NULL},
    {"clock=monotonic\nagainst=tsc\nrate=1\ncut=1\nside=before", NULL},
    {"clock=monotonic\nagainst=tsc\nrate=1\ncut=1\nside=after", "rate: want 1"},
    {"clock=tsc\nagainst=boottime\nrate=1", "boottime stands still"},
    {"clock=tsc\nreading=1", NULL},
    {"clock=tsc\nreading=2\ncut=1\nside=before", NULL},
    {"clock=tsc\nreading=3\ncut=1\nside=after", NULL},
    {"clock=tsc\nreading=3", "reading, s: want 3, got 1"},
};

/* @return: what is wrong with @keys as [expect x]; free it. */
static char *judge(const Run *run, const char *keys)
{
    g_autofree char *text = g_strconcat(
        HEAD CUT "[cut 2]\nat=6\nuptime=1\n[expect one]\npresent=one\n"
                 "[expect never]\npresent=never\n[expect x]\n",
        keys, "\n", NULL);
    GError *error = NULL;
    g_autoptr(Scenario) scenario =
        scenario_parse("f", text, strlen(text), &error);
    const Variant *variant;
    const Expect *expect;
    g_autofree char *described = NULL;

    g_assert_no_error(error);
    variant = scenario->variants->pdata[0];
    expect = variant->expects->pdata[2];
    described = scenario_describe(expect);
    g_assert_nonnull(strstr(described, expect->value));
    return scenario_judge(variant, expect, run, NULL, NULL);
}

static void test_events_of_equal_virtual_time_are_compared(void)
{
    static const struct {
        const char *one, *two; /* events, with commas between */
        const char *difference;
    } cases[] = {
        {"A virtual-ns=5 port=1", "A virtual-ns=5 port=1", NULL},
        {"B,A virtual-ns=5", "A virtual-ns=5,C", NULL},
        {"B", "C", NULL},
        {"A virtual-ns=5", "A virtual-ns=6",
         "A virtual-ns=5, and A virtual-ns=6"},
        {"A virtual-ns=5", "B virtual-ns=5",
         "A virtual-ns=5, and B virtual-ns=5"},
        {"A virtual-ns=5", "B", "A virtual-ns=5, and no event"},
        {"B", "A virtual-ns=5", "no event, and A virtual-ns=5"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Run *runs[2] = {run_new(), run_new()};
        g_autofree char *difference = NULL;

        for (int j = 0; j < 2; j++) {
            g_auto(GStrv) list =
                g_strsplit(j ? cases[i].two : cases[i].one, ",", -1);

            g_ptr_array_set_size(runs[j]->events, 0);
            for (size_t k = 0; list[k]; k++) {
                g_ptr_array_add(runs[j]->events, g_strsplit(list[k], " ", -1));
            }
        }
        difference = scenario_compare_events(runs[0], runs[1]);
        g_assert_cmpstr(difference, ==, cases[i].difference);
        run_done(runs[0]);
        run_done(runs[1]);
    }
}

static void test_expectation_holds_or_tells_what_came(void)
{
    Run *run = run_new();

    for (guint i = 0; i < G_N_ELEMENTS(judge_cases); i++) {
        const JudgeCase *c = &judge_cases[i];
        g_autofree char *why = judge(run, c->expect);

        if (c->message ? !why || !strstr(why, c->message) : why != NULL) {
            g_error("'%s': want '%s', got '%s'", c->expect, c->message, why);
        }
    }
    run_done(run);
}

/* A guest writes what it likes: a pattern that takes for ever is given up. */
static void test_endless_pattern_is_an_error(void)
{
    Run *run = run_new();
    g_autofree char *why = NULL;

    g_free(run->console);
    run->console = g_strnfill(4000, 'a');
    run->console_size = 4000;
    why = judge(run, "absent=^(a|aa)+$b");
    g_assert_null(why);
    g_free(g_steal_pointer(&why));
    why = judge(run, "present=(a+)+#");
    g_assert_nonnull(why);
    run_done(run);
}

static void test_run_without_samples_says_so(void)
{
    Run *run = run_new();
    g_autofree char *why = NULL;

    g_array_set_size(run->samples, 0);
    why = judge(run, "clocksource=tsc");
    g_assert_cmpstr(why, ==, "no sample of the agent there");
    g_free(why);
    why = judge(run, "clock=tsc\ncut=1\nstep=1");
    g_assert_cmpstr(why, ==, "no sample of the agent before cut 1");
    run_done(run);
}

static void test_runs_are_compared_by_what_was_asked(void)
{
    Run *a = run_new(), *b = run_new();
    g_autofree char *why = scenario_compare(a, b, TRUE, TRUE);

    g_assert_null(why);
    b->console[3] = 'x';
    why = scenario_compare(a, b, TRUE, TRUE);
    g_assert_cmpstr(why, ==, "the consoles differ from byte 3");
    g_free(g_steal_pointer(&why));
    why = scenario_compare(a, b, FALSE, TRUE);
    g_assert_null(why);
    g_array_index(b->digests, RunDigest, 1).sha256[0] = 'x';
    why = scenario_compare(a, b, FALSE, TRUE);
    g_assert_cmpstr(why, ==, "the digests differ from number 2, at 2 ns");
    g_free(g_steal_pointer(&why));
    g_free(g_array_index(b->digests, RunDigest, 1).sha256);
    g_array_set_size(b->digests, 1);
    why = scenario_compare(a, b, FALSE, TRUE);
    g_assert_cmpstr(why, ==, "2 digests, and 1");
    run_done(a);
    run_done(b);
}

static const Run *no_other(const char *variant, gpointer opaque)
{
    return strcmp(variant, "a") ? NULL : opaque;
}

static void test_equal_compares_with_the_other_variant(void)
{
    static const char text[] = HEAD "[expect 1]\nending=powered-off\n"
                                    "[expect 2]\nequal=a\nvariant=b\n"
                                    "[variant a]\n[variant b]\n";
    g_autoptr(Scenario) s = scenario_parse("f", text, strlen(text), NULL);
    const Variant *b = scenario_variant(s, "b");
    Run *run = run_new();
    g_autofree char *why = NULL;

    why = scenario_judge(b, b->expects->pdata[1], run, no_other, run);
    g_assert_null(why);
    why = scenario_judge(b, b->expects->pdata[1], run, no_other, NULL);
    g_assert_cmpstr(why, ==, "variant a did not run");
    run_done(run);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/judge/each", test_expectation_holds_or_tells_what_came);
    g_test_add_func("/judge/endless", test_endless_pattern_is_an_error);
    g_test_add_func("/judge/no-samples", test_run_without_samples_says_so);
    g_test_add_func("/judge/compare", test_runs_are_compared_by_what_was_asked);
    g_test_add_func("/judge/events",
                    test_events_of_equal_virtual_time_are_compared);
    g_test_add_func("/judge/equal", test_equal_compares_with_the_other_variant);
    return g_test_run();
}
