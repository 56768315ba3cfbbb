/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults: what a host does wrong to its guest at a virtual time, and their
 * textual form.
 */
#ifndef JUMPCUT_HW_FAULT_FAULT_SPEC_H
#define JUMPCUT_HW_FAULT_FAULT_SPEC_H

#include <glib.h>
#include <stdint.h>

/* Longest delay, one hour, ns. */
#define FAULT_DELAY_NS_MAX ((guint64)3600 * 1000000000)
#define FAULT_COUNT_MAX    1000000u
/* Largest change of a time, either way, ns: any value of its 64 bits. */
#define FAULT_ADD_NS_MAX ((guint64)INT64_MAX)

typedef enum FaultKind {
    FAULT_EVENT_LOST,     /* the next events are not delivered */
    FAULT_EVENT_LATE,     /* the next events are delivered later */
    FAULT_PVCLOCK_LATE,   /* the next record of a vCPU is written later */
    FAULT_PVCLOCK_TORN,   /* half of it at once, under an even version */
    FAULT_WALLCLOCK_LATE, /* the next wall clock is written later */
    FAULT_STEAL_ADD,      /* the guest's steal time jumps */
    FAULT_TIMER_REFUSED,  /* one-shot timers of the past are refused */
    FAULT__MAX
} FaultKind;

typedef enum FaultField {
    FAULT_HAS_VCPU = 1 << 0,
    FAULT_HAS_PORT = 1 << 1,
    FAULT_HAS_VIRQ = 1 << 2,
    FAULT_HAS_COUNT = 1 << 3,
    FAULT_HAS_DELAY = 1 << 4,
    FAULT_HAS_NS = 1 << 5,
} FaultField;

/* Fields that are not in @set are 0; count is at least 1. */
typedef struct FaultSpec {
    int64_t at_ns; /* virtual time */
    FaultKind kind;
    unsigned set;  /* FaultField bits */
    uint32_t vcpu; /* events: of that vCPU only, if set */
    uint32_t port; /* events: of that port only, if set */
    uint32_t virq; /* events: of that VIRQ only, if set */
    uint32_t count;
    uint64_t delay_ns;
    int64_t ns; /* FAULT_STEAL_ADD */
} FaultSpec;

#define FAULT_ERROR (fault_error_quark())
GQuark fault_error_quark(void);
typedef enum FaultError {
    FAULT_ERROR_SPEC,  /* malformed, unknown, missing, out of range */
    FAULT_ERROR_STATE, /* cannot be now: past, too many, no such record */
} FaultError;

/*
 * "AT:KIND,KEY=VALUE,...".  The message names the part that is wrong and lists
 * the kinds or keys that there are.
 */
gboolean fault_spec_parse(FaultSpec *spec, const char *text, GError **error);
/* Its name as in the text, "event-lost". */
const char *fault_kind_name(FaultKind kind);

#endif
