/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judging a run by the expectations of a scenario.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/agent-log.h"
#include "tools/scenario-judge.h"

#define QUOTE_MAX 80
#define NS_PER_S  1e9
#define US_PER_S  1e6
/* Bounds are decimal, values are not; no clock is finer. */
#define HALF_NS 0.5e-9

/* Part of a console. */
typedef struct Part {
    const char *text;
    gsize len;
} Part;

/* @return: where the cut is in the console. */
static gboolean cut_place(const Run *run, unsigned cut, gsize *at, char **why)
{
    if (cut > run->cuts->len) {
        *why = g_strdup_printf("want %u cuts, got %u", cut, run->cuts->len);
        return FALSE;
    }
    *at = g_array_index(run->cuts, RunCut, cut - 1).console_bytes;
    if (*at > run->console_size) {
        *why = g_strdup_printf("cut %u is at byte %" G_GSIZE_FORMAT
                               " of a console of %" G_GSIZE_FORMAT,
                               cut, *at, run->console_size);
        return FALSE;
    }
    return TRUE;
}

/* The part of the console that @expect is about. */
static gboolean part_of(const Expect *expect, const Run *run, Part *part,
                        char **why)
{
    gsize at;

    *part = (Part){run->console, run->console_size};
    if (!expect->cut || expect->side == SIDE_WHOLE) {
        return TRUE;
    }
    if (!cut_place(run, expect->cut, &at, why)) {
        return FALSE;
    }
    if (expect->side == SIDE_BEFORE) {
        part->len = at;
    } else {
        part->text += at;
        part->len -= at;
    }
    return TRUE;
}

static gboolean in_range(const Range *range, double value)
{
    return !range->set ||
           (range->low - HALF_NS <= value && value <= range->high + HALF_NS);
}

static char *range_text(const Range *range)
{
    return range->low == range->high
               ? g_strdup_printf("%.9g", range->low)
               : g_strdup_printf("%.15g..%.15g", range->low, range->high);
}

static char *bad_number(const char *what, const Range *range, double value)
{
    g_autofree char *wanted = range_text(range);

    return g_strdup_printf("%s: want %s, got %.15g", what, wanted, value);
}

static const Expect *expect_named(const Variant *variant, const char *label)
{
    for (guint i = 0; i < variant->expects->len; i++) {
        const Expect *expect = variant->expects->pdata[i];

        if (!strcmp(expect->name + strlen("expect "), label)) {
            return expect;
        }
    }
    return NULL;
}

/*
 * Looks for @expect's pattern, behind what it is to be after.  *@match: of the
 * first; free it.  *@end: where that ends in the console.
 */
static gboolean find(const Variant *variant, const Expect *expect,
                     const Run *run, GMatchInfo **match, gsize *end, char **why)
{
    const Expect *before =
        expect->after ? expect_named(variant, expect->after) : NULL;
    g_autoptr(GMatchInfo) other = NULL;
    g_autoptr(GError) error = NULL;
    gsize from = 0;
    Part part;
    int stop;

    if (before && !find(variant, before, run, &other, &from, why)) {
        return FALSE;
    }
    if (!part_of(expect, run, &part, why)) {
        return FALSE;
    }
    from = MAX(from, (gsize)(part.text - run->console));
    from -= part.text - run->console;
    if (from <= part.len &&
        g_regex_match_full(expect->regex, part.text, part.len, from, 0, match,
                           &error)) {
        g_match_info_fetch_pos(*match, 0, NULL, &stop);
        *end = part.text - run->console + stop;
        return TRUE;
    }
    *why =
        error ? g_strdup_printf("matching: %s", error->message)
              : g_strdup_printf("[%s]: no match of '%s'%s%s", expect->name,
                                expect->value, before ? " behind that of " : "",
                                before ? before->name : "");
    return FALSE;
}

static guint count_matches(GMatchInfo *match)
{
    guint n = 0;

    while (g_match_info_matches(match)) {
        n++;
        g_match_info_next(match, NULL);
    }
    return n;
}

static char *judge_present(const Variant *variant, const Expect *expect,
                           const Run *run)
{
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *number = NULL;
    char *why = NULL, *end = NULL;
    gsize at;
    double value;

    if (!find(variant, expect, run, &match, &at, &why)) {
        return why;
    }
    if (expect->number.set) {
        number = g_match_info_fetch(match, 1);
        value = g_ascii_strtod(number, &end);
        if (end == number || *end) {
            return g_strdup_printf("want a number, got '%.*s'", QUOTE_MAX,
                                   number);
        }
        if (!in_range(&expect->number, value)) {
            return bad_number("number", &expect->number, value);
        }
    }
    if (expect->count.set) {
        value = count_matches(match);
        if (!in_range(&expect->count, value)) {
            return bad_number("matches", &expect->count, value);
        }
    }
    return NULL;
}

static char *judge_absent(const Expect *expect, const Run *run)
{
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *got = NULL;
    char *why = NULL;
    Part part;

    if (!part_of(expect, run, &part, &why)) {
        return why;
    }
    if (g_regex_match_full(expect->regex, part.text, part.len, 0, 0, &match,
                           &error)) {
        got = g_match_info_fetch(match, 0);
        return g_strdup_printf("want no match of '%s', got '%.*s'",
                               expect->value, QUOTE_MAX, got);
    }
    return error ? g_strdup_printf("matching: %s", error->message) : NULL;
}

/* Whole lines; the console's line ends are "\r\n" or "\n". */
static char *judge_text(const Expect *expect, const Run *run)
{
    g_autoptr(GString) lines = g_string_new("\n");
    g_autofree char *wanted = g_strdup_printf("\n%s\n", expect->value);
    char *why = NULL;
    Part part;

    if (!part_of(expect, run, &part, &why)) {
        return why;
    }
    for (gsize i = 0; i < part.len; i++) {
        if (part.text[i] != '\r' && part.text[i] != '\0') {
            g_string_append_c(lines, part.text[i]);
        }
    }
    return strstr(lines->str, wanted)
               ? NULL
               : g_strdup_printf("want the lines '%s'", expect->value);
}

/* @return: the clock in seconds. */
static double clock_of(const AgentSample *s, const char *clock)
{
    switch (*clock) {
    case 'p':
        return s->printk_us / US_PER_S;
    case 'm':
        return s->monotonic_ns / NS_PER_S;
    case 'b':
        return s->boottime_ns / NS_PER_S;
    case 'r':
        return s->realtime_ns / NS_PER_S;
    default:
        return s->tsc / NS_PER_S;
    }
}

/* First and last sample of the part of the run that @expect is about. */
static gboolean samples_of(const Expect *expect, const Run *run,
                           const AgentSample **first, const AgentSample **last,
                           char **why)
{
    const GArray *samples = run->samples;
    gsize at = 0;

    if (samples->len) {
        *first = &g_array_index(samples, AgentSample, 0);
        *last = &g_array_index(samples, AgentSample, samples->len - 1);
    } else {
        *first = *last = NULL;
    }
    if (expect->cut && expect->side != SIDE_WHOLE) {
        if (!cut_place(run, expect->cut, &at, why)) {
            return FALSE;
        }
        if (expect->side == SIDE_BEFORE) {
            *last = agent_log_before(samples, at);
        } else {
            *first = agent_log_after(samples, at);
        }
    }
    if (!*first || !*last || *first > *last) {
        *why = g_strdup("no sample of the agent there");
        return FALSE;
    }
    return TRUE;
}

static char *judge_step(const Expect *expect, const Run *run)
{
    const AgentSample *before, *after;
    char *why = NULL;
    double step;
    gsize at;

    if (!cut_place(run, expect->cut, &at, &why)) {
        return why;
    }
    before = agent_log_before(run->samples, at);
    after = agent_log_after(run->samples, at);
    if (!before || !after) {
        return g_strdup_printf("no sample of the agent %s cut %u",
                               before ? "after" : "before", expect->cut);
    }
    step = clock_of(after, expect->value) - clock_of(before, expect->value);
    return in_range(&expect->range, step)
               ? NULL
               : bad_number("step, s", &expect->range, step);
}

static char *judge_clock(const Expect *expect, const Run *run)
{
    const AgentSample *first, *last;
    char *why = NULL;
    double value, base;

    if (expect->measure == MEASURE_STEP) {
        return judge_step(expect, run);
    }
    if (!samples_of(expect, run, &first, &last, &why)) {
        return why;
    }
    if (expect->measure == MEASURE_READING) {
        value =
            clock_of(expect->side == SIDE_BEFORE ? last : first, expect->value);
        return in_range(&expect->range, value)
                   ? NULL
                   : bad_number("reading, s", &expect->range, value);
    }
    base = clock_of(last, expect->against) - clock_of(first, expect->against);
    value = clock_of(last, expect->value) - clock_of(first, expect->value);
    if (base <= 0) {
        return g_strdup_printf("%s stands still", expect->against);
    }
    return in_range(&expect->range, value / base)
               ? NULL
               : bad_number("rate", &expect->range, value / base);
}

static char *judge_clocksource(const Expect *expect, const Run *run)
{
    const AgentSample *first, *last;
    char *why = NULL;

    if (!samples_of(expect, run, &first, &last, &why)) {
        return why;
    }
    return strcmp(last->clocksource, expect->value)
               ? g_strdup_printf("want clocksource %s, got %s", expect->value,
                                 last->clocksource)
               : NULL;
}

char *scenario_compare(const Run *run, const Run *other, gboolean console,
                       gboolean digests)
{
    gsize i = 0;
    guint n = 0;

    if (console) {
        while (i < run->console_size && i < other->console_size &&
               run->console[i] == other->console[i]) {
            i++;
        }
        if (i < run->console_size || i < other->console_size) {
            return g_strdup_printf("the consoles differ from byte "
                                   "%" G_GSIZE_FORMAT,
                                   i);
        }
    }
    for (; digests && n < MAX(run->digests->len, other->digests->len); n++) {
        const RunDigest *a = &g_array_index(run->digests, RunDigest, n);
        const RunDigest *b = &g_array_index(other->digests, RunDigest, n);

        if (n >= MIN(run->digests->len, other->digests->len)) {
            return g_strdup_printf("%u digests, and %u", run->digests->len,
                                   other->digests->len);
        }
        if (a->at_ns != b->at_ns || strcmp(a->sha256, b->sha256)) {
            return g_strdup_printf("the digests differ from number %u, at "
                                   "%" PRId64 " ns",
                                   n + 1, a->at_ns);
        }
    }
    return NULL;
}

/* @return: the next event from *@i on that tells its virtual time, or NULL. */
static char **next_timed(const Run *run, guint *i)
{
    while (run->events && *i < run->events->len) {
        char **words = run->events->pdata[(*i)++];

        for (size_t j = 1; words[j]; j++) {
            if (g_str_has_prefix(words[j], "virtual-ns=")) {
                return words;
            }
        }
    }
    return NULL;
}

char *scenario_compare_events(const Run *run, const Run *other)
{
    guint a = 0, b = 0;
    char **one, **two;

    do {
        g_autofree char *x = NULL, *y = NULL;

        one = next_timed(run, &a);
        two = next_timed(other, &b);
        x = one ? g_strjoinv(" ", one) : g_strdup("no event");
        y = two ? g_strjoinv(" ", two) : g_strdup("no event");
        if (strcmp(x, y)) {
            return g_strdup_printf("%s, and %s", x, y);
        }
    } while (one);
    return NULL;
}

static gboolean is_event(const Expect *expect, char **words)
{
    if (strcmp(words[0], expect->value)) {
        return FALSE;
    }
    for (size_t i = 0; expect->with && expect->with[i]; i++) {
        if (!g_strv_contains((const char *const *)words + 1, expect->with[i])) {
            return FALSE;
        }
    }
    return TRUE;
}

static char *judge_event(const Expect *expect, const Run *run)
{
    guint n = 0;

    for (guint i = 0; run->events && i < run->events->len; i++) {
        n += is_event(expect, run->events->pdata[i]);
    }
    return in_range(&expect->count, n)
               ? NULL
               : bad_number("events", &expect->count, n);
}

char *scenario_judge(const Variant *variant, const Expect *expect,
                     const Run *run, ScenarioOther *other, gpointer opaque)
{
    const Run *with;

    switch (expect->subject) {
    case EXPECT_PRESENT:
        return judge_present(variant, expect, run);
    case EXPECT_ABSENT:
        return judge_absent(expect, run);
    case EXPECT_TEXT:
        return judge_text(expect, run);
    case EXPECT_CLOCK:
        return judge_clock(expect, run);
    case EXPECT_CLOCKSOURCE:
        return judge_clocksource(expect, run);
    case EXPECT_ENDING:
        return strcmp(run->ending, expect->value)
                   ? g_strdup_printf("want ending %s, got %s", expect->value,
                                     run->ending)
                   : NULL;
    case EXPECT_EQUAL:
        with = other(expect->value, opaque);
        return with ? scenario_compare(run, with, expect->console,
                                       expect->digests)
                    : g_strdup_printf("variant %s did not run", expect->value);
    case EXPECT_CUTS:
        return in_range(&expect->count, run->cuts->len)
                   ? NULL
                   : bad_number("cuts", &expect->count, run->cuts->len);
    case EXPECT_EVENT:
        return judge_event(expect, run);
    case EXPECT__MAX:
        break;
    }
    g_assert_not_reached();
}

char *scenario_describe(const Expect *expect)
{
    static const char *const words[EXPECT__MAX] = {
        "console has", "console has no", "console has lines",
        "clock",       "clocksource",    "ending",
        "same as",     "cuts",           "event",
    };
    static const char *const measures[] = {"", " steps", " rate", " reads"};
    g_autofree char *wanted =
        expect->range.set ? range_text(&expect->range) : g_strdup("");
    g_autofree char *with =
        expect->with ? g_strjoinv(",", expect->with) : g_strdup("");

    return g_strdup_printf("%s %s%s%s%s%s%s", words[expect->subject],
                           expect->value, measures[expect->measure],
                           *wanted ? " " : "", wanted, *with ? " with " : "",
                           with);
}
