/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration state of the ordering judge. */
#include "hw/virtio/ordering-internal.h"

#include <string.h>

enum {
    TAG_MAX_PORTS = 0x1000,
    TAG_STATUS,
    TAG_FLAGS,
    TAG_FEATURES,
    TAG_OFFERED,
    TAG_NR_RULES,
    TAG_COUNT,
    TAG_QUEUE,
    TAG_PORT_ADDS,
    TAG_PORT_READIES,
    TAG_PORT_FLAGS,
    TAG_TOLD,
    TAG_READ,
    TAG_PORT_ADDED,
    TAG_PORT_CONSOLE,
};

/* Flags of the judge, in the order of their bits. */
#define NR_FLAGS 13

static void flags_of(OrderingJudge *j, bool *flags[NR_FLAGS])
{
    bool *const all[NR_FLAGS] = {
        &j->reset_first,      &j->reset_read,    &j->ran,
        &j->features_read,    &j->early_queue,   &j->modern,
        &j->device_ready,     &j->restoring,     &j->wrote,
        &j->waking,           &j->vector_unread, &j->features_0_read,
        &j->features_32_read,
    };

    memcpy(flags, all, sizeof(all));
}

void ordering_save(const OrderingJudge *j, StateWriter *w)
{
    bool *flags[NR_FLAGS];
    unsigned bits = 0;

    flags_of((OrderingJudge *)j, flags);
    for (unsigned i = 0; i < NR_FLAGS; i++) {
        bits |= (unsigned)*flags[i] << i;
    }
    state_put_u64(w, TAG_MAX_PORTS, j->max_ports);
    state_put_u64(w, TAG_STATUS, j->status);
    state_put_u64(w, TAG_FLAGS, bits);
    state_put_u64(w, TAG_FEATURES, j->features);
    state_put_u64(w, TAG_OFFERED, j->offered);
    state_put_u64(w, TAG_TOLD, j->told);
    state_put_u64(w, TAG_READ, j->read);
    state_put_u64(w, TAG_NR_RULES, RULE__MAX);
    for (unsigned i = 0; i < RULE__MAX; i++) {
        state_put_u64(w, TAG_COUNT, j->counts[i]);
    }
    for (unsigned i = 0; i < j->nr_queues; i++) {
        state_put_u64(w, TAG_QUEUE, j->queues[i]);
    }
    for (unsigned i = 0; i < j->max_ports; i++) {
        const JudgePort *p = &j->ports[i];

        state_put_u64(w, TAG_PORT_ADDS, p->adds);
        state_put_u64(w, TAG_PORT_READIES, p->readies);
        state_put_u64(w, TAG_PORT_FLAGS,
                      p->ready | p->open << 1 | p->known << 2 | p->asked << 3 |
                          p->opened << 4);
        state_put_u64(w, TAG_PORT_ADDED, p->added);
        state_put_u64(w, TAG_PORT_CONSOLE, p->console);
    }
}

static void load_ports(OrderingJudge *j, StateReader *r)
{
    for (unsigned i = 0; i < j->max_ports && !state_reader_failed(r); i++) {
        JudgePort *p = &j->ports[i];
        unsigned flags;

        p->adds = (uint32_t)state_get_u64(r, TAG_PORT_ADDS, "announcements",
                                          G_MAXUINT16);
        p->readies = (uint32_t)state_get_u64(r, TAG_PORT_READIES,
                                             "ready messages", G_MAXUINT16 + 1);
        flags = (unsigned)state_get_u64(r, TAG_PORT_FLAGS, "port flags", 31);
        p->ready = flags & 1;
        p->open = flags & 2;
        p->known = flags & 4;
        p->asked = flags & 8;
        p->opened = flags & 16;
        p->added = state_get_u64(r, TAG_PORT_ADDED, "announcement", j->told);
        p->console = state_get_u64(r, TAG_PORT_CONSOLE, "console", j->told);
    }
}

static void forget(OrderingJudge *j)
{
    OrderingJudge new = {
        .max_ports = j->max_ports,
        .nr_queues = j->nr_queues,
        .found = j->found,
        .opaque = j->opaque,
        .offers = j->offers,
        .queues = j->queues,
        .ports = j->ports,
        .reset_read = true,
    };

    *j = new;
    memset(j->queues, 0, j->nr_queues * sizeof(*j->queues));
    memset(j->ports, 0, j->max_ports * sizeof(*j->ports));
}

void ordering_load(OrderingJudge *j, StateReader *r)
{
    uint64_t ports =
        state_get_u64(r, TAG_MAX_PORTS, "judged ports", ORDERING_MAX_PORTS);
    bool *flags[NR_FLAGS];
    unsigned bits;

    forget(j);
    if (!state_reader_failed(r) && ports != j->max_ports) {
        state_reader_fail(r,
                          "state field 'judged ports': %u, the device has %u",
                          (unsigned)ports, j->max_ports);
    }
    j->status = (uint8_t)state_get_u64(r, TAG_STATUS, "judged status", 0xff);
    bits = (unsigned)state_get_u64(r, TAG_FLAGS, "judge's flags",
                                   (1u << NR_FLAGS) - 1);
    flags_of(j, flags);
    for (unsigned i = 0; i < NR_FLAGS; i++) {
        *flags[i] = bits >> i & 1;
    }
    j->features = state_get_u64(r, TAG_FEATURES, "features", UINT64_MAX);
    j->offered = state_get_u64(r, TAG_OFFERED, "offered", UINT64_MAX);
    j->told = state_get_u64(r, TAG_TOLD, "messages told", UINT64_MAX);
    j->read = state_get_u64(r, TAG_READ, "messages read", j->told);
    if (state_get_u64(r, TAG_NR_RULES, "rules", RULE__MAX) != RULE__MAX) {
        state_reader_fail(r, "state field 'rules': not %u of them", RULE__MAX);
    }
    for (unsigned i = 0; i < RULE__MAX; i++) {
        j->counts[i] = state_get_u64(r, TAG_COUNT, "violations", UINT64_MAX);
    }
    for (unsigned i = 0; i < j->nr_queues && !state_reader_failed(r); i++) {
        j->queues[i] =
            (uint16_t)state_get_u64(r, TAG_QUEUE, "judged queue", QUEUE_FLAGS);
    }
    load_ports(j, r);
    if (state_reader_failed(r)) {
        forget(j);
    }
}
