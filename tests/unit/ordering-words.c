/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sequences of what an ordering judge sees, as text. */
#include "tests/unit/ordering-words.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>

#define VECTORS 8
#define OFFERED                                                           \
    (1ull << VIRTIO_CONSOLE_F_SIZE | 1ull << VIRTIO_CONSOLE_F_MULTIPORT | \
     1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_PACKED |          \
     1ull << VIRTIO_F_RING_RESET | 1ull << 38 /* NOTIFICATION_DATA */)

void seen_found(void *opaque, const OrderingViolation *violation)
{
    Seen *seen = opaque;

    seen->found++;
    seen->last = *violation;
}

Seen *seen_new(void)
{
    Seen *seen = g_new0(Seen, 1);

    seen->judge = ordering_new(ORDERING_WORDS_PORTS, seen_found, seen);
    return seen;
}

void seen_free(Seen *seen)
{
    ordering_free(seen->judge);
    g_free(seen);
}

static OrderingEvent status_event(char verb, uint64_t value, Seen *seen)
{
    OrderingEvent e = {.kind = ORDERING_STATUS_READ, .value = seen->status};

    if (verb == 'w') {
        e = (OrderingEvent){
            .kind = ORDERING_STATUS, .value = value, .old = seen->status};
        seen->status = (uint8_t)value;
    } else if (verb == 'R') {
        e = (OrderingEvent){.kind = ORDERING_RESET};
        seen->status = 0;
        seen->legacy = false;
    } else if (verb == 'W') {
        e = (OrderingEvent){.kind = ORDERING_WAKE};
    }
    return e;
}

static OrderingEvent queue_event(char verb, const uint64_t n[4])
{
    static const struct {
        char verb;
        OrderingEventKind kind;
        OrderingQueueField field;
    } kinds[] = {
        {'z', ORDERING_QUEUE_SET, ORDERING_QUEUE_SIZE},
        {'d', ORDERING_QUEUE_SET, ORDERING_QUEUE_DESC},
        {'a', ORDERING_QUEUE_SET, ORDERING_QUEUE_AVAIL},
        {'u', ORDERING_QUEUE_SET, ORDERING_QUEUE_USED},
        {'v', ORDERING_VECTOR_SET, 0},
        {'V', ORDERING_VECTOR_READ, 0},
        {'y', ORDERING_QUEUE_RESET_READ, 0},
        {'K', ORDERING_KICK, 0},
        {'p', ORDERING_QUEUE_SET, ORDERING_QUEUE_PFN},
        {'e', ORDERING_QUEUE_ENABLE, 0},
        {'x', ORDERING_QUEUE_RESET, 0},
        {'k', ORDERING_NOTIFY, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i].verb == verb) {
            OrderingEvent e = {.kind = kinds[i].kind, .queue = (unsigned)n[0]};

            e.value = e.kind == ORDERING_QUEUE_SET ? kinds[i].field : n[1];
            e.old = verb == 'v' ? VECTORS : verb == 'K' ? n[2] : n[1];
            return e;
        }
    }
    g_error("no such word: '%c'", verb);
}

static OrderingEvent register_event(char verb, const uint64_t n[4])
{
    OrderingEventKind kind = verb == 'g'   ? ORDERING_CONFIG_READ
                             : verb == 'c' ? ORDERING_CONFIG_WRITE
                             : verb == 'o' ? ORDERING_REGISTER_READ
                                           : ORDERING_REGISTER_WRITE;
    uint64_t field = n[0] < 4 ? 2 : 4;

    return (OrderingEvent){
        .kind = kind, .value = n[0], .old = n[1] ? n[1] : field};
}

static OrderingEvent event_of(char verb, const uint64_t n[4], Seen *seen)
{
    switch (verb) {
    case 'w':
    case 'r':
    case 'R':
    case 'W':
        return status_event(verb, n[0], seen);
    case 'f':
        return (OrderingEvent){
            .kind = ORDERING_FEATURES, .value = n[0], .old = OFFERED};
    case 'g':
    case 'c':
    case 'o':
    case 'j':
        return register_event(verb, n);
    case 'h':
        return (OrderingEvent){.kind = ORDERING_FEATURES_READ, .value = n[0]};
    case 'b':
        return (OrderingEvent){.kind = ORDERING_BUFFER,
                               .queue = (unsigned)n[0],
                               .value = n[1],
                               .old = n[2]};
    case 'm':
    case 't':
        return (OrderingEvent){.kind = verb == 'm' ? ORDERING_CONTROL_RX
                                                   : ORDERING_CONTROL_TX,
                               .port = (unsigned)n[0],
                               .value = n[1] | n[2] << 16,
                               .old = n[3]};
    default:
        return queue_event(verb, n);
    }
}

void seen_show(Seen *seen, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    for (unsigned i = 0; words[i]; i++) {
        g_auto(GStrv) numbers = NULL;
        uint64_t n[4] = {0};
        OrderingEvent e;

        if (!*words[i]) {
            continue;
        }
        numbers = g_strsplit(words[i] + 1, ",", 4);
        for (unsigned k = 0; numbers[k]; k++) {
            n[k] = g_ascii_strtoull(numbers[k], NULL, 16);
        }
        if (*words[i] == 'l') {
            seen->legacy = n[0];
            continue;
        }
        if (*words[i] == 'i') {
            seen->offers = n[0];
            ordering_offer(seen->judge, n[0]);
            continue;
        }
        e = event_of(*words[i], n, seen);
        e.legacy = seen->legacy;
        ordering_see(seen->judge, i, &e);
    }
}
