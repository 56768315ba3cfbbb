/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Textual form of provocations, and what kinds there are. */
#include "hw/virtio/provoke-internal.h"

#include <string.h>

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
    [PROVOKE_CONTROL_SEND] = {{"control-send", PORT | MESSAGE,
                               PORT | MESSAGE | VALUE | TO | COUNT},
                              false,
                              "5.3.6.2",
                              "a control message out of its place"},
    [PROVOKE_CONTROL_DROP] = {{"control-drop", 0, PORT | MESSAGE | TO | COUNT},
                              false,
                              "5.3.6.2",
                              "control messages are lost"},
    [PROVOKE_CONTROL_DELAY] = {{"control-delay", DELAY,
                                PORT | MESSAGE | TO | COUNT | DELAY},
                               false,
                               "5.3.6.2",
                               "control messages come later, and later ones "
                               "before them"},
    [PROVOKE_CONTROL_DUPLICATE] = {{"control-duplicate", 0,
                                    PORT | MESSAGE | TO | COUNT},
                                   false,
                                   "5.3.6.2.1",
                                   "control messages come twice"},
    [PROVOKE_CONTROL_REORDER] = {{"control-reorder", 0,
                                  PORT | MESSAGE | TO | COUNT},
                                 false,
                                 "5.3.6.2",
                                 "a control message comes after the next"},
    [PROVOKE_CONTROL_STARVE] = {{"control-starve", DELAY, DELAY | COUNT},
                                true,
                                "5.3.6.2",
                                "no control message comes for a time, as if "
                                "there were no buffers"},
    [PROVOKE_PORT_ORDER] = {{"port-order", SEED, SEED | COUNT},
                            true,
                            "5.3.5",
                            "ports are announced in another order"},
    [PROVOKE_PORT_FLAP] = {{"port-flap", 0, PORT | COUNT},
                           true,
                           "5.3.6.2",
                           "a port, or each, is removed and added at once"},
    [PROVOKE_PORT_UNPLUG] = {{"port-unplug", PORT, PORT},
                             true,
                             "5.3.6.2",
                             "a port is unplugged"},
    [PROVOKE_PORT_THROTTLE] = {{"port-throttle", PORT | DELAY,
                                PORT | DELAY | COUNT},
                               true,
                               "5.3.6",
                               "nothing is taken from a port for a time"},
    [PROVOKE_HOST_DISCONNECT] = {{"host-disconnect", PORT,
                                  PORT | DELAY | COUNT},
                                 true,
                                 "5.3.6.2",
                                 "the host's end of a port closes, for a time "
                                 "or for good"},
    [PROVOKE_COMPLETION_HOLD] = {{"completion-hold", QUEUE | DELAY,
                                  QUEUE | DELAY | COUNT},
                                 true,
                                 "2.7.8",
                                 "used buffers are given back later"},
    [PROVOKE_COMPLETION_REORDER] = {{"completion-reorder", QUEUE | DELAY,
                                     QUEUE | DELAY | COUNT},
                                    true,
                                    "2.7.9",
                                    "used buffers are given back later, the "
                                    "last first"},
    [PROVOKE_INTERRUPT_SPURIOUS] = {{"interrupt-spurious", QUEUE,
                                     QUEUE | COUNT},
                                    true,
                                    "2.7.7.1",
                                    "interrupts of a queue with nothing used"},
    [PROVOKE_INTERRUPT_LOST] = {{"interrupt-lost", 0, QUEUE | COUNT},
                                false,
                                "2.7.7.2",
                                "interrupts of queues are lost"},
    [PROVOKE_KICK_LOST] = {{"kick-lost", 0, QUEUE | COUNT},
                           false,
                           "2.7.10",
                           "the driver's notifications are lost"},
    [PROVOKE_CONFIG_INTERRUPT] = {{"config-interrupt", 0, COUNT},
                                  true,
                                  "3.2.1",
                                  "interrupts for a configuration that has not "
                                  "changed"},
    [PROVOKE_NEEDS_RESET] = {{"needs-reset", 0, 0},
                             true,
                             "2.1.2",
                             "the device says that it needs a reset"},
};

static const char *const points[] = {
    [PROVOKE_STATUS] = "status",
    [PROVOKE_RESET] = "reset",
    [PROVOKE_CONFIG_READ] = "config-read",
    [PROVOKE_NOTIFY] = "notify",
    [PROVOKE_PUSH] = "push",
    [PROVOKE_INTERRUPT] = "interrupt",
    [PROVOKE_CONTROL_RX] = "control-rx",
    [PROVOKE_CONTROL_TX] = "control-tx",
    [PROVOKE_POINT__MAX] = NULL,
};

/* By the message's event, as in <linux/virtio_console.h> */
static const char *const messages[] = {
    "device-ready", "port-add",  "port-remove", "port-ready", "console-port",
    "resize",       "port-open", "port-name",   NULL,
};

/* By ProvokeSpec.to_driver */
static const char *const ends[] = {"device", "driver", NULL};

const ProvokeKindInfo *provoke_kinds(size_t *n)
{
    *n = PROVOKE_KIND__MAX;
    return kinds;
}

const char *const *provoke_events(void)
{
    return points;
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

static const SpecSubject subject = {"provocation", provoke_error_quark,
                                    PROVOKE_ERROR_SPEC};

static const SpecKind *kind_of(size_t i)
{
    return &kinds[i].spec;
}

#define AT(field) offsetof(ProvokeSpec, field)

/* "KIND,KEY=VALUE,..." */
static bool parse_what(ProvokeSpec *spec, const char *text, unsigned max_ports,
                       GError **error)
{
    const SpecKey keys[] = {
        {"port", PORT, SPEC_NUMBER, AT(port), 0, max_ports - 1, NULL},
        {"queue", QUEUE, SPEC_NUMBER, AT(queue), 0, 2 * max_ports + 1, NULL},
        {"message", MESSAGE, SPEC_NUMBER, AT(message), 0, UINT16_MAX, messages},
        {"value", VALUE, SPEC_NUMBER, AT(value), 0, UINT16_MAX, NULL},
        {"to", TO, SPEC_NUMBER, AT(to_driver), 0, 0, ends},
        {"count", COUNT, SPEC_NUMBER, AT(count), 1, PROVOKE_COUNT_MAX, NULL},
        {"delay", DELAY, SPEC_DELAY, AT(delay_ns), 0, PROVOKE_DELAY_NS_MAX,
         NULL},
        {"seed", SEED, SPEC_NUMBER, AT(seed), 1, UINT32_MAX, NULL},
    };
    const SpecForm form = {&subject, PROVOKE_KIND__MAX, kind_of, keys,
                           G_N_ELEMENTS(keys)};
    unsigned kind;

    if (!spec_parse(&form, text, spec, &kind, &spec->set, error)) {
        return false;
    }
    spec->kind = (ProvokeKind)kind;
    return true;
}

/* "[=WHAT][/PORT]" of an event */
static bool parse_filter(ProvokeSpec *spec, char *text, unsigned max_ports,
                         GError **error)
{
    static const SpecKey value = {
        .name = "event's value", .offset = AT(what), .max = UINT16_MAX};
    static const SpecKey message = {.name = "event's message",
                                    .offset = AT(what),
                                    .max = UINT16_MAX,
                                    .names = messages};
    const SpecKey port = {
        .name = "event's port", .offset = AT(where), .max = max_ports - 1};
    const bool control =
        spec->point == PROVOKE_CONTROL_RX || spec->point == PROVOKE_CONTROL_TX;
    char *slash = strchr(text, '/');

    if (slash) {
        *slash = '\0';
        spec->has_where = true;
        if (!spec_set(&subject, &port, spec, slash + 1, error)) {
            return false;
        }
    }
    spec->has_what = *text != '\0';
    return !spec->has_what || spec_set(&subject, control ? &message : &value,
                                       spec, text + 1, error);
}

/* "EVENT[=WHAT][/PORT]" and "N" */
static bool parse_event(ProvokeSpec *spec, char *event, const char *nth,
                        unsigned max_ports, GError **error)
{
    static const SpecKey number = {.name = "event's number",
                                   .offset = AT(nth),
                                   .min = 1,
                                   .max = UINT32_MAX};
    size_t len = strcspn(event, "=/");
    g_autofree char *name = g_strndup(event, len);
    int i = spec_find(&subject, "event", points, name, error);

    if (i < 0) {
        return false;
    }
    spec->point = (ProvokePoint)i;
    return spec_set(&subject, &number, spec, nth, error) &&
           parse_filter(spec, event + len, max_ports, error);
}

static bool parse_when(ProvokeSpec *spec, char *when, unsigned max_ports,
                       GError **error)
{
    static const SpecKey time = {.name = "time",
                                 .type = SPEC_TIME,
                                 .offset = AT(at_ns),
                                 .max = G_MAXINT64};
    char *hash = strchr(when, '#');

    if (hash) {
        *hash = '\0';
        return parse_event(spec, when, hash + 1, max_ports, error);
    }
    spec->timed = true;
    return spec_set(&subject, &time, spec, when, error);
}

bool provoke_spec_parse(ProvokeSpec *spec, const char *text, unsigned max_ports,
                        GError **error)
{
    const char *colon = strchr(text, ':');
    g_autofree char *when = colon ? g_strndup(text, colon - text) : NULL;
    ProvokeSpec parsed = {.value = 1, .count = 1, .to_driver = true};

    if (!colon || strlen(text) > PROVOKE_TEXT_MAX) {
        return spec_refuse(&subject, "form", "WHEN:KIND,KEY=VALUE,...", text,
                           error);
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
