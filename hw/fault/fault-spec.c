/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Textual form of faults. */
#include "hw/fault/fault-spec.h"

#include <string.h>

#include "hw/spec/spec.h"

/* xen: public/xen.h */
#define NR_VIRQS   24u
#define VIRQ_TIMER 0u
#define PORT_MAX   131071u
#define VCPU_MAX   127u

#define EVENT_FIELDS \
    (FAULT_HAS_VCPU | FAULT_HAS_PORT | FAULT_HAS_VIRQ | FAULT_HAS_COUNT)

G_DEFINE_QUARK(jumpcut - fault - error - quark, fault_error)

static const SpecKind kinds[FAULT__MAX] = {
    [FAULT_EVENT_LOST] = {"event-lost", 0, EVENT_FIELDS},
    [FAULT_EVENT_LATE] = {"event-late", FAULT_HAS_DELAY,
                          EVENT_FIELDS | FAULT_HAS_DELAY},
    [FAULT_PVCLOCK_LATE] = {"pvclock-late", FAULT_HAS_DELAY,
                            FAULT_HAS_VCPU | FAULT_HAS_DELAY},
    [FAULT_PVCLOCK_TORN] = {"pvclock-torn", FAULT_HAS_DELAY,
                            FAULT_HAS_VCPU | FAULT_HAS_DELAY},
    [FAULT_WALLCLOCK_LATE] = {"wallclock-late", FAULT_HAS_DELAY,
                              FAULT_HAS_DELAY},
    [FAULT_STEAL_ADD] = {"steal-add", FAULT_HAS_NS,
                         FAULT_HAS_VCPU | FAULT_HAS_NS},
    [FAULT_TIMER_REFUSED] = {"timer-refused", 0, FAULT_HAS_COUNT},
};

/* A VIRQ may be said by its name. */
static const char *const virqs[] = {[VIRQ_TIMER] = "timer", NULL};

#define AT(field) offsetof(FaultSpec, field)

static const SpecKey keys[] = {
    {"vcpu", FAULT_HAS_VCPU, SPEC_NUMBER, AT(vcpu), 0, VCPU_MAX, NULL},
    {"port", FAULT_HAS_PORT, SPEC_NUMBER, AT(port), 1, PORT_MAX, NULL},
    {"virq", FAULT_HAS_VIRQ, SPEC_NUMBER, AT(virq), 0, NR_VIRQS - 1, virqs},
    {"count", FAULT_HAS_COUNT, SPEC_NUMBER, AT(count), 1, FAULT_COUNT_MAX,
     NULL},
    {"delay", FAULT_HAS_DELAY, SPEC_DELAY, AT(delay_ns), 0, FAULT_DELAY_NS_MAX,
     NULL},
    {"time", FAULT_HAS_NS, SPEC_SHIFT, AT(ns), 0, FAULT_ADD_NS_MAX, NULL},
};
static const SpecKey at_key = {
    .name = "time", .type = SPEC_TIME, .offset = AT(at_ns), .max = G_MAXINT64};

static const SpecSubject subject = {"fault", fault_error_quark,
                                    FAULT_ERROR_SPEC};

static const SpecKind *kind_of(size_t i)
{
    return &kinds[i];
}

static const SpecForm form = {&subject, FAULT__MAX, kind_of, keys,
                              G_N_ELEMENTS(keys)};

const char *fault_kind_name(FaultKind kind)
{
    return kinds[kind].name;
}

/* "KIND,KEY=VALUE,..." */
static bool parse_what(FaultSpec *spec, const char *text, GError **error)
{
    unsigned kind;

    if (!spec_parse(&form, text, spec, &kind, &spec->set, error)) {
        return false;
    }
    spec->kind = (FaultKind)kind;
    if ((spec->set & FAULT_HAS_PORT) && (spec->set & FAULT_HAS_VIRQ)) {
        return spec_refuse(&subject, kinds[kind].name, "port or virq", text,
                           error);
    }
    return true;
}

gboolean fault_spec_parse(FaultSpec *spec, const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    g_autofree char *at = colon ? g_strndup(text, colon - text) : NULL;
    FaultSpec parsed = {.count = 1};

    if (!colon) {
        return spec_refuse(&subject, "form", "AT:KIND,KEY=VALUE,...", text,
                           error);
    }
    if (!spec_set(&subject, &at_key, &parsed, at, error) ||
        !parse_what(&parsed, colon + 1, error)) {
        return FALSE;
    }
    *spec = parsed;
    return TRUE;
}
