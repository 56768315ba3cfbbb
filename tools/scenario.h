/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario: what a guest is, what happens to it, and what is expected of
 * it, in one or several variants (docs/scenarios.rst).
 */
#ifndef JUMPCUT_TOOLS_SCENARIO_H
#define JUMPCUT_TOOLS_SCENARIO_H

#include "hw/clock/host-profile.h"
#include "tools/scenario-file.h"

/* What an expectation is about; each is a key of [expect N]. */
typedef enum ExpectSubject {
    EXPECT_PRESENT,     /* a regular expression the console matches */
    EXPECT_ABSENT,      /* one that it does not */
    EXPECT_TEXT,        /* lines that stand on it, exactly */
    EXPECT_CLOCK,       /* what the agent read of a clock */
    EXPECT_CLOCKSOURCE, /* the agent's last sample has it */
    EXPECT_ENDING,      /* how the run ends */
    EXPECT_EQUAL,       /* console or digests of another variant */
    EXPECT_CUTS,        /* number of cuts there were */
    EXPECT_EVENT,       /* an event of QMP's that came */
    EXPECT__MAX
} ExpectSubject;

/* Which part of a run, seen from a cut. */
typedef enum ExpectSide {
    SIDE_WHOLE,
    SIDE_BEFORE,
    SIDE_AFTER,
} ExpectSide;

/* How a clock is judged. */
typedef enum ExpectMeasure {
    MEASURE_NONE,
    MEASURE_STEP,    /* over the cut, s */
    MEASURE_RATE,    /* against another clock */
    MEASURE_READING, /* first reading of that side, s */
} ExpectMeasure;

typedef struct Range {
    gboolean set;
    double low, high; /* both included */
} Range;

typedef struct Expect {
    char *name; /* of the group: "expect 3" */
    unsigned line;
    ExpectSubject subject;
    char *value;   /* the subject's: pattern, text, clock, word... */
    GRegex *regex; /* of PRESENT and ABSENT */
    char *after;   /* PRESENT: behind the match of that expectation */
    Range count;   /* PRESENT: how many matches; EVENT: how many events */
    char **with;   /* EVENT: MEMBER=VALUE of its data, all; may be NULL */
    Range number;  /* PRESENT: what group 1 of the first match is */
    unsigned cut;  /* 1 and on; 0: none named */
    ExpectSide side;
    ExpectMeasure measure;
    Range range;
    char *against;             /* RATE: the other clock */
    gboolean console, digests; /* EQUAL: what of it */
} Expect;

/* Something that happens to the guest and is no option of jumpcut boot. */
typedef struct Step {
    char *name; /* of the group: "input 1" */
    unsigned line;
    gint64 at_ns;    /* virtual time; -1: when the console matches */
    GRegex *when;    /* with at_ns -1 */
    char *cut;       /* as after "AT:" in --cut; NULL: it is an input */
    char *command;   /* of QMP, for an input */
    char *arguments; /* a JSON object */
} Step;

typedef struct Variant {
    char *name; /* "" where the file names none */
    char *about;
    char *kernel, *initrd; /* as in the file; initrd NULL: none */
    char **options;        /* of jumpcut boot, without kernel and initrd */
    char **qemu;           /* further words for QEMU; NULL: none */
    GPtrArray *steps;      /* Step; those with a "when" come in order */
    GPtrArray *expects;    /* Expect */
} Variant;

typedef struct Scenario {
    char *path;
    char *title, *report, *about; /* the last two may be NULL */
    GPtrArray *variants;          /* Variant, at least one */
} Scenario;

/*
 * Every group, key and value is checked; @path is only what messages name.
 * The message is one line, "PATH:LINE: what is wanted".
 */
Scenario *scenario_parse(const char *path, const char *text, gsize size,
                         GError **error);
Scenario *scenario_load(const char *path, GError **error);
void scenario_free(Scenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scenario, scenario_free)

/* @return: the variant of that name, or NULL. */
const Variant *scenario_variant(const Scenario *scenario, const char *name);

#endif
