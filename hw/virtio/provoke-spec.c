/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Textual form of provocations, and what kinds there are. */
#include "hw/virtio/provoke-internal.h"

#include <string.h>

#include "hw/clock/host-profile.h"

#define PORT    PROVOKE_HAS_PORT
#define QUEUE   PROVOKE_HAS_QUEUE
#define MESSAGE PROVOKE_HAS_MESSAGE
#define VALUE   PROVOKE_HAS_VALUE
#define TO      PROVOKE_HAS_TO
#define COUNT   PROVOKE_HAS_COUNT
#define DELAY   PROVOKE_HAS_DELAY
#define SEED    PROVOKE_HAS_SEED

G_DEFINE_QUARK(jumpcut - provoke - error - quark, provoke_error)

static const ProvokeKindInfo kinds[PROVOKE_KIND__MAX] = {
    [PROVOKE_CONTROL_SEND] = {"control-send", false, "5.3.6.2",
                              "a control message out of its place"},
    [PROVOKE_CONTROL_DROP] = {"control-drop", false, "5.3.6.2",
                              "control messages are lost"},
    [PROVOKE_CONTROL_DELAY] = {"control-delay", false, "5.3.6.2",
                               "control messages come later, and later ones "
                               "before them"},
    [PROVOKE_CONTROL_DUPLICATE] = {"control-duplicate", false, "5.3.6.2.1",
                                   "control messages come twice"},
    [PROVOKE_CONTROL_REORDER] = {"control-reorder", false, "5.3.6.2",
                                 "a control message comes after the next"},
    [PROVOKE_CONTROL_STARVE] = {"control-starve", true, "5.3.6.2",
                                "no control message comes for a time, as if "
                                "there were no buffers"},
    [PROVOKE_PORT_ORDER] = {"port-order", true, "5.3.5",
                            "ports are announced in another order"},
    [PROVOKE_PORT_FLAP] = {"port-flap", true, "5.3.6.2",
                           "a port, or each, is removed and added at once"},
    [PROVOKE_PORT_UNPLUG] = {"port-unplug", true, "5.3.6.2",
                             "a port is unplugged"},
    [PROVOKE_PORT_THROTTLE] = {"port-throttle", true, "5.3.6",
                               "nothing is taken from a port for a time"},
    [PROVOKE_HOST_DISCONNECT] = {"host-disconnect", true, "5.3.6.2",
                                 "the host's end of a port closes, for a time "
                                 "or for good"},
    [PROVOKE_COMPLETION_HOLD] = {"completion-hold", true, "2.7.8",
                                 "used buffers are given back later"},
    [PROVOKE_COMPLETION_REORDER] = {"completion-reorder", true, "2.7.9",
                                    "used buffers are given back later, the "
                                    "last first"},
    [PROVOKE_INTERRUPT_SPURIOUS] = {"interrupt-spurious", true, "2.7.7.1",
                                    "interrupts of a queue with nothing used"},
    [PROVOKE_INTERRUPT_LOST] = {"interrupt-lost", false, "2.7.7.2",
                                "interrupts of queues are lost"},
    [PROVOKE_KICK_LOST] = {"kick-lost", false, "2.7.10",
                           "the driver's notifications are lost"},
    [PROVOKE_CONFIG_INTERRUPT] = {"config-interrupt", true, "3.2.1",
                                  "interrupts for a configuration that has not "
                                  "changed"},
    [PROVOKE_NEEDS_RESET] = {"needs-reset", true, "2.1.2",
                             "the device says that it needs a reset"},
};

/* What must and what may be said of a kind; @takes has those of @needs. */
static const struct {
    unsigned needs, takes;
} fields_of[PROVOKE_KIND__MAX] = {
    [PROVOKE_CONTROL_SEND] = {PORT | MESSAGE,
                              PORT | MESSAGE | VALUE | TO | COUNT},
    [PROVOKE_CONTROL_DROP] = {0, PORT | MESSAGE | TO | COUNT},
    [PROVOKE_CONTROL_DELAY] = {DELAY, PORT | MESSAGE | TO | COUNT | DELAY},
    [PROVOKE_CONTROL_DUPLICATE] = {0, PORT | MESSAGE | TO | COUNT},
    [PROVOKE_CONTROL_REORDER] = {0, PORT | MESSAGE | TO | COUNT},
    [PROVOKE_CONTROL_STARVE] = {DELAY, DELAY | COUNT},
    [PROVOKE_PORT_ORDER] = {SEED, SEED | COUNT},
    [PROVOKE_PORT_FLAP] = {0, PORT | COUNT},
    [PROVOKE_PORT_UNPLUG] = {PORT, PORT},
    [PROVOKE_PORT_THROTTLE] = {PORT | DELAY, PORT | DELAY | COUNT},
    [PROVOKE_HOST_DISCONNECT] = {PORT, PORT | DELAY | COUNT},
    [PROVOKE_COMPLETION_HOLD] = {QUEUE | DELAY, QUEUE | DELAY | COUNT},
    [PROVOKE_COMPLETION_REORDER] = {QUEUE | DELAY, QUEUE | DELAY | COUNT},
    [PROVOKE_INTERRUPT_SPURIOUS] = {QUEUE, QUEUE | COUNT},
    [PROVOKE_INTERRUPT_LOST] = {0, QUEUE | COUNT},
    [PROVOKE_KICK_LOST] = {0, QUEUE | COUNT},
    [PROVOKE_CONFIG_INTERRUPT] = {0, COUNT},
    [PROVOKE_NEEDS_RESET] = {0, 0},
};

static const char *const points[PROVOKE_POINT__MAX] = {
    [PROVOKE_STATUS] = "status",
    [PROVOKE_RESET] = "reset",
    [PROVOKE_CONFIG_READ] = "config-read",
    [PROVOKE_NOTIFY] = "notify",
    [PROVOKE_PUSH] = "push",
    [PROVOKE_INTERRUPT] = "interrupt",
    [PROVOKE_CONTROL_RX] = "control-rx",
    [PROVOKE_CONTROL_TX] = "control-tx",
};

/* By the message's event, as in <linux/virtio_console.h> */
static const char *const messages[] = {
    "device-ready", "port-add", "port-remove", "port-ready",
    "console-port", "resize",   "port-open",   "port-name",
};

const ProvokeKindInfo *provoke_kinds(size_t *n)
{
    *n = PROVOKE_KIND__MAX;
    return kinds;
}

ProvokePoint provoke_acts_on(const ProvokeSpec *spec)
{
    switch (spec->kind) {
    case PROVOKE_CONTROL_DROP:
    case PROVOKE_CONTROL_DELAY:
    case PROVOKE_CONTROL_DUPLICATE:
    case PROVOKE_CONTROL_REORDER:
        return spec->to_driver ? PROVOKE_CONTROL_TX : PROVOKE_CONTROL_RX;
    case PROVOKE_INTERRUPT_LOST:
        return PROVOKE_INTERRUPT;
    case PROVOKE_KICK_LOST:
        return PROVOKE_NOTIFY;
    default:
        return PROVOKE_POINT__MAX;
    }
}

/* What came is escaped: it may be any bytes. */
static bool refuse(GError **error, const char *what, const char *wanted,
                   const char *value)
{
    g_autofree char *got = g_strescape(value, NULL);

    g_set_error(error, PROVOKE_ERROR, PROVOKE_ERROR_SPEC,
                "provocation: %s: wanted %s, got '%s'", what, wanted, got);
    return false;
}

/* The index of @name; @n, and an error with all the names, if it is none. */
static size_t find_name(const char *const *names, size_t n, const char *what,
                        const char *name, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (size_t i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) {
            return i;
        }
        g_string_append_printf(known, "%s%s", i ? ", " : "", names[i]);
    }
    refuse(error, what, known->str, name);
    return n;
}

/* Decimal, or hexadecimal after 0x */
static bool parse_number(uint32_t *out, const char *what, const char *text,
                         guint64 min, guint64 max, GError **error)
{
    bool hex = g_str_has_prefix(text, "0x");
    g_autofree char *wanted = NULL;
    guint64 n;

    if (g_ascii_string_to_unsigned(text + 2 * hex, hex ? 16 : 10, min, max, &n,
                                   NULL)) {
        *out = (uint32_t)n;
        return true;
    }
    wanted = g_strdup_printf("%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, min,
                             max);
    return refuse(error, what, wanted, text);
}

/* By name or by number */
static bool parse_message(uint32_t *out, const char *what, const char *text,
                          GError **error)
{
    size_t i;

    if (g_ascii_isdigit(*text)) {
        return parse_number(out, what, text, 0, UINT16_MAX, error);
    }
    i = find_name(messages, G_N_ELEMENTS(messages), what, text, error);
    *out = (uint32_t)i;
    return i < G_N_ELEMENTS(messages);
}

static bool parse_time(guint64 *ns, const char *what, const char *text,
                       guint64 max, GError **error)
{
    g_autoptr(GError) reason = NULL;

    if (host_time_parse(text, what, max, ns, &reason)) {
        return true;
    }
    g_set_error(error, PROVOKE_ERROR, PROVOKE_ERROR_SPEC, "provocation: %s",
                reason->message);
    return false;
}

static const struct {
    const char *name;
    ProvokeField field;
} keys[] = {
    {"port", PORT}, {"queue", QUEUE}, {"message", MESSAGE}, {"value", VALUE},
    {"to", TO},     {"count", COUNT}, {"delay", DELAY},     {"seed", SEED},
};

static bool parse_to(ProvokeSpec *spec, const char *value, GError **error)
{
    static const char *const ends[] = {"device", "driver"};
    size_t i = find_name(ends, G_N_ELEMENTS(ends), "to", value, error);

    spec->to_driver = i == 1;
    return i < G_N_ELEMENTS(ends);
}

static bool parse_delay(ProvokeSpec *spec, const char *value, GError **error)
{
    guint64 ns;

    if (!parse_time(&ns, "delay", value, PROVOKE_DELAY_NS_MAX, error)) {
        return false;
    }
    spec->delay_ns = ns;
    return ns || refuse(error, "delay", "more than 0", value);
}

static bool parse_value(ProvokeSpec *spec, ProvokeField field,
                        const char *value, unsigned max_ports, GError **error)
{
    switch (field) {
    case PORT:
        return parse_number(&spec->port, "port", value, 0, max_ports - 1,
                            error);
    case QUEUE:
        return parse_number(&spec->queue, "queue", value, 0, 2 * max_ports + 1,
                            error);
    case MESSAGE:
        return parse_message(&spec->message, "message", value, error);
    case VALUE:
        return parse_number(&spec->value, "value", value, 0, UINT16_MAX, error);
    case TO:
        return parse_to(spec, value, error);
    case COUNT:
        return parse_number(&spec->count, "count", value, 1, PROVOKE_COUNT_MAX,
                            error);
    case DELAY:
        return parse_delay(spec, value, error);
    case SEED:
        return parse_number(&spec->seed, "seed", value, 1, UINT32_MAX, error);
    }
    g_assert_not_reached();
}

/* The keys of @fields, "a, b" */
static char *key_names(unsigned fields)
{
    GString *out = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (fields & keys[i].field) {
            g_string_append_printf(out, "%s%s", out->len ? ", " : "",
                                   keys[i].name);
        }
    }
    return g_string_free(out, FALSE);
}

static bool parse_item(ProvokeSpec *spec, const char *item, unsigned max_ports,
                       GError **error)
{
    unsigned takes = fields_of[spec->kind].takes;
    const char *equals = strchr(item, '=');
    g_autofree char *key = equals ? g_strndup(item, equals - item) : NULL;
    g_autofree char *known = NULL;

    for (size_t i = 0; equals && i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(key, keys[i].name) || !(takes & keys[i].field)) {
            continue;
        }
        if (spec->set & keys[i].field) {
            return refuse(error, key, "it once", item);
        }
        spec->set |= keys[i].field;
        return parse_value(spec, keys[i].field, equals + 1, max_ports, error);
    }
    known = takes ? key_names(takes) : g_strdup("nothing");
    return refuse(error, kinds[spec->kind].name, known, item);
}

/* "KIND,KEY=VALUE,..." */
static bool parse_what(ProvokeSpec *spec, const char *text, unsigned max_ports,
                       GError **error)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    const char *names[PROVOKE_KIND__MAX];
    g_autofree char *missing = NULL;
    unsigned lacks;
    size_t kind;

    for (size_t i = 0; i < PROVOKE_KIND__MAX; i++) {
        names[i] = kinds[i].name;
    }
    kind = find_name(names, PROVOKE_KIND__MAX, "kind", items[0] ? items[0] : "",
                     error);
    if (kind == PROVOKE_KIND__MAX) {
        return false;
    }
    spec->kind = (ProvokeKind)kind;
    for (size_t i = 1; items[i]; i++) {
        if (!parse_item(spec, items[i], max_ports, error)) {
            return false;
        }
    }
    lacks = fields_of[kind].needs & ~spec->set;
    if (lacks) {
        missing = key_names(lacks);
        return refuse(error, kinds[kind].name, missing, text);
    }
    return true;
}

/* "=WHAT" and "/PORT" of an event, whose name ends at @text. */
static bool parse_filter(ProvokeSpec *spec, char *text, unsigned max_ports,
                         GError **error)
{
    char *slash = strchr(text, '/');

    if (slash) {
        *slash = '\0';
        spec->has_where = true;
        if (!parse_number(&spec->where, "event's port", slash + 1, 0,
                          max_ports - 1, error)) {
            return false;
        }
    }
    if (*text == '\0') {
        return true;
    }
    spec->has_what = true;
    if (spec->point == PROVOKE_CONTROL_RX ||
        spec->point == PROVOKE_CONTROL_TX) {
        return parse_message(&spec->what, "event's message", text + 1, error);
    }
    return parse_number(&spec->what, "event's value", text + 1, 0, UINT16_MAX,
                        error);
}

/* "EVENT[=WHAT][/PORT]" and "N" */
static bool parse_event(ProvokeSpec *spec, char *event, const char *nth,
                        unsigned max_ports, GError **error)
{
    size_t len = strcspn(event, "=/");
    g_autofree char *name = g_strndup(event, len);
    size_t i = find_name(points, PROVOKE_POINT__MAX, "event", name, error);

    if (i == PROVOKE_POINT__MAX) {
        return false;
    }
    spec->point = (ProvokePoint)i;
    return parse_number(&spec->nth, "event's number", nth, 1, UINT32_MAX,
                        error) &&
           parse_filter(spec, event + len, max_ports, error);
}

static bool parse_when(ProvokeSpec *spec, char *when, unsigned max_ports,
                       GError **error)
{
    char *hash = strchr(when, '#');
    guint64 at_ns = 0;

    if (hash) {
        *hash = '\0';
        return parse_event(spec, when, hash + 1, max_ports, error);
    }
    spec->timed = true;
    if (!parse_time(&at_ns, "time", when, G_MAXINT64, error)) {
        return false;
    }
    spec->at_ns = (int64_t)at_ns;
    return true;
}

bool provoke_spec_parse(ProvokeSpec *spec, const char *text, unsigned max_ports,
                        GError **error)
{
    const char *colon = strchr(text, ':');
    g_autofree char *when = colon ? g_strndup(text, colon - text) : NULL;
    ProvokeSpec parsed = {.value = 1, .count = 1, .to_driver = true};

    if (!colon || strlen(text) > PROVOKE_TEXT_MAX) {
        return refuse(error, "form", "WHEN:KIND,KEY=VALUE,...", text);
    }
    if (!parse_when(&parsed, when, max_ports, error) ||
        !parse_what(&parsed, colon + 1, max_ports, error)) {
        return false;
    }
    *spec = parsed;
    return true;
}

bool provoke_check(const char *text, unsigned max_ports, GError **error)
{
    ProvokeSpec spec;

    return provoke_spec_parse(&spec, text, max_ports, error);
}
