/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Textual form of faults. */
#include "hw/fault/fault-spec.h"

#include <string.h>

#include "hw/clock/host-profile.h"

/* xen: public/xen.h */
#define NR_VIRQS   24u
#define VIRQ_TIMER 0u
#define PORT_MAX   131071u
#define VCPU_MAX   127u

#define EVENT_FIELDS \
    (FAULT_HAS_VCPU | FAULT_HAS_PORT | FAULT_HAS_VIRQ | FAULT_HAS_COUNT)

G_DEFINE_QUARK(jumpcut - fault - error - quark, fault_error)

/* A row of the table of kinds: what must and what may be said of it. */
static const struct {
    const char *name;
    unsigned needs, takes; /* FaultField bits; @takes has those of @needs */
} kinds[FAULT__MAX] = {
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

const char *fault_kind_name(FaultKind kind)
{
    return kinds[kind].name;
}

/* What came is escaped: it may be any bytes. */
static gboolean refuse(GError **error, const char *what, const char *wanted,
                       const char *value)
{
    g_autofree char *got = g_strescape(value, NULL);

    g_set_error(error, FAULT_ERROR, FAULT_ERROR_SPEC,
                "fault: %s: wanted %s, got '%s'", what, wanted, got);
    return FALSE;
}

static gboolean set_number(uint32_t *out, const char *key, const char *value,
                           guint64 min, guint64 max, GError **error)
{
    g_autofree char *wanted = NULL;
    guint64 n;

    if (g_ascii_string_to_unsigned(value, 10, min, max, &n, NULL)) {
        *out = (uint32_t)n;
        return TRUE;
    }
    wanted = g_strdup_printf("%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, min,
                             max);
    return refuse(error, key, wanted, value);
}

static gboolean set_vcpu(FaultSpec *spec, const char *key, const char *value,
                         GError **error)
{
    return set_number(&spec->vcpu, key, value, 0, VCPU_MAX, error);
}

static gboolean set_port(FaultSpec *spec, const char *key, const char *value,
                         GError **error)
{
    return set_number(&spec->port, key, value, 1, PORT_MAX, error);
}

static gboolean set_virq(FaultSpec *spec, const char *key, const char *value,
                         GError **error)
{
    if (!strcmp(value, "timer")) {
        spec->virq = VIRQ_TIMER;
        return TRUE;
    }
    return set_number(&spec->virq, key, value, 0, NR_VIRQS - 1, error);
}

static gboolean set_count(FaultSpec *spec, const char *key, const char *value,
                          GError **error)
{
    return set_number(&spec->count, key, value, 1, FAULT_COUNT_MAX, error);
}

static gboolean parse_time(guint64 *ns, const char *key, const char *value,
                           guint64 max, GError **error)
{
    g_autoptr(GError) reason = NULL;

    if (host_time_parse(value, key, max, ns, &reason)) {
        return TRUE;
    }
    g_set_error(error, FAULT_ERROR, FAULT_ERROR_SPEC, "fault: %s",
                reason->message);
    return FALSE;
}

static gboolean set_delay(FaultSpec *spec, const char *key, const char *value,
                          GError **error)
{
    guint64 ns;

    if (!parse_time(&ns, key, value, FAULT_DELAY_NS_MAX, error)) {
        return FALSE;
    }
    if (!ns) {
        return refuse(error, key, "more than 0", value);
    }
    spec->delay_ns = ns;
    return TRUE;
}

/* A time with a sign before it. */
static gboolean set_ns(FaultSpec *spec, const char *key, const char *value,
                       GError **error)
{
    gboolean negative = *value == '-';
    guint64 ns;

    if (!parse_time(&ns, key, value + negative, FAULT_ADD_NS_MAX, error)) {
        return FALSE;
    }
    spec->ns = negative ? -(gint64)ns : (gint64)ns;
    return TRUE;
}

static const struct {
    const char *name;
    FaultField field;
    gboolean (*set)(FaultSpec *spec, const char *key, const char *value,
                    GError **error);
} keys[] = {
    {"vcpu", FAULT_HAS_VCPU, set_vcpu},
    {"port", FAULT_HAS_PORT, set_port},
    {"virq", FAULT_HAS_VIRQ, set_virq},
    {"count", FAULT_HAS_COUNT, set_count},
    {"delay", FAULT_HAS_DELAY, set_delay},
    {"time", FAULT_HAS_NS, set_ns},
};

/* The keys of @fields, "a, b" */
static char *key_names(unsigned fields)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (fields & keys[i].field) {
            g_string_append_printf(out, "%s%s", out->len ? ", " : "",
                                   keys[i].name);
        }
    }
    return g_string_free(out, FALSE);
}

static gboolean parse_item(FaultSpec *spec, const char *item, GError **error)
{
    const char *equals = strchr(item, '=');
    g_autofree char *key = equals ? g_strndup(item, equals - item) : NULL;
    g_autofree char *known = key_names(kinds[spec->kind].takes);

    for (guint i = 0; equals && i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(key, keys[i].name) ||
            !(kinds[spec->kind].takes & keys[i].field)) {
            continue;
        }
        if (spec->set & keys[i].field) {
            return refuse(error, key, "it once", item);
        }
        spec->set |= keys[i].field;
        return keys[i].set(spec, key, equals + 1, error);
    }
    return refuse(error, kinds[spec->kind].name, known, item);
}

static gboolean parse_kind(FaultSpec *spec, const char *name, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < FAULT__MAX; i++) {
        if (!strcmp(name, kinds[i].name)) {
            spec->kind = i;
            return TRUE;
        }
        g_string_append_printf(known, "%s%s", i ? ", " : "", kinds[i].name);
    }
    return refuse(error, "kind", known->str, name);
}

/* "KIND,KEY=VALUE,..." */
static gboolean parse_rest(FaultSpec *spec, const char *text, GError **error)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    g_autofree char *missing = NULL;
    unsigned lacks;

    if (!parse_kind(spec, items[0] ? items[0] : "", error)) {
        return FALSE;
    }
    for (guint i = 1; items[i]; i++) {
        if (!parse_item(spec, items[i], error)) {
            return FALSE;
        }
    }
    lacks = kinds[spec->kind].needs & ~spec->set;
    if (lacks) {
        missing = key_names(lacks);
        return refuse(error, kinds[spec->kind].name, missing, text);
    }
    if ((spec->set & FAULT_HAS_PORT) && (spec->set & FAULT_HAS_VIRQ)) {
        return refuse(error, kinds[spec->kind].name, "port or virq", text);
    }
    return TRUE;
}

gboolean fault_spec_parse(FaultSpec *spec, const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    g_autofree char *at = colon ? g_strndup(text, colon - text) : NULL;
    FaultSpec parsed = {.count = 1};
    guint64 at_ns;

    if (!colon) {
        return refuse(error, "form", "AT:KIND,KEY=VALUE,...", text);
    }
    if (!parse_time(&at_ns, "time", at, G_MAXINT64, error) ||
        !parse_rest(&parsed, colon + 1, error)) {
        return FALSE;
    }
    parsed.at_ns = (int64_t)at_ns;
    *spec = parsed;
    return TRUE;
}
