/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Textual form of things of several kinds, each with keys of its own:
 *
 *     KIND[,KEY=VALUE...]
 *
 * The user gives tables of the kinds and of the keys.  A message names the part
 * that is wrong, what was wanted and, escaped, what came: "fault: count: wanted
 * 1 to 10, got '0'".
 */
#ifndef JUMPCUT_HW_SPEC_SPEC_H
#define JUMPCUT_HW_SPEC_SPEC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose text it is: how messages begin, and of what domain and code they are.
 */
typedef struct SpecSubject {
    const char *name;
    GQuark (*domain)(void);
    int code;
} SpecSubject;

typedef enum SpecType {
    SPEC_NUMBER, /* uint32_t: decimal, or hexadecimal after 0x */
    SPEC_TIME,   /* int64_t or uint64_t, ns: as host_time_parse() reads it */
    SPEC_DELAY,  /* the same, more than 0 */
    SPEC_SHIFT,  /* int64_t, ns: a time that may have a minus before it */
} SpecType;

typedef struct SpecKey {
    const char *name;
    unsigned field; /* its bit */
    SpecType type;
    size_t offset; /* of the value in what is parsed */
    uint64_t min;  /* of a SPEC_NUMBER */
    uint64_t max;  /* of a SPEC_SHIFT: without its sign */
    /* Ends with NULL: names of the numbers from 0.  With names and a @max of 0
     * there is no other way to say the number. */
    const char *const *names;
} SpecKey;

typedef struct SpecKind {
    const char *name;
    unsigned needs, takes; /* fields; @takes has those of @needs */
} SpecKind;

typedef struct SpecForm {
    const SpecSubject *subject;
    size_t nr_kinds;
    const SpecKind *(*kind)(size_t i);
    const SpecKey *keys;
    size_t nr_keys;
} SpecForm;

/* @return: false, always */
bool spec_refuse(const SpecSubject *subject, const char *what,
                 const char *wanted, const char *got, GError **error);
/* The index of @name in @names; -1, and an error with all of them: none. */
int spec_find(const SpecSubject *subject, const char *what,
              const char *const *names, const char *name, GError **error);
/* @spec: what @key's offset is of; on error it is as it was. */
bool spec_set(const SpecSubject *subject, const SpecKey *key, void *spec,
              const char *value, GError **error);
/* @kind: the kind's index.  @set: the fields that were given, and are in @spec;
 * on error, some of them. */
bool spec_parse(const SpecForm *form, const char *text, void *spec,
                unsigned *kind, unsigned *set, GError **error);

#endif
