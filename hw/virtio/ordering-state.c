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
    TAG_PORT_UNANSWERED,
    TAG_PORT_FLAGS,
    TAG_TOLD,
    TAG_READ,
    TAG_PORT_ADDED,
    TAG_PORT_CONSOLE,
};

/* Flags of the judge, and of a port, in the order of their bits. */
#define NR_FLAGS      13
#define NR_PORT_FLAGS 10

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

static void port_flags_of(JudgePort *p, bool *flags[NR_PORT_FLAGS])
{
    bool *const all[NR_PORT_FLAGS] = {
        &p->ready,     &p->open,    &p->known,       &p->asked,    &p->opened,
        &p->announced, &p->removed, &p->volunteered, &p->reopened, &p->spared,
    };

    memcpy(flags, all, sizeof(all));
}

static unsigned bits_of(bool *const *flags, unsigned n)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < n; i++) {
        bits |= (unsigned)*flags[i] << i;
    }
    return bits;
}

static void set_flags(bool *const *flags, unsigned n, unsigned bits)
{
    for (unsigned i = 0; i < n; i++) {
        *flags[i] = bits >> i & 1;
    }
}

void ordering_save(const OrderingJudge *j, StateWriter *w)
{
    bool *flags[NR_FLAGS];

    flags_of((OrderingJudge *)j, flags);
    state_put_u64(w, TAG_MAX_PORTS, j->max_ports);
    state_put_u64(w, TAG_STATUS, j->status);
    state_put_u64(w, TAG_FLAGS, bits_of(flags, NR_FLAGS));
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
        bool *port_flags[NR_PORT_FLAGS];

        port_flags_of((JudgePort *)p, port_flags);
        state_put_u64(w, TAG_PORT_UNANSWERED, p->unanswered);
        state_put_u64(w, TAG_PORT_FLAGS, bits_of(port_flags, NR_PORT_FLAGS));
        state_put_u64(w, TAG_PORT_ADDED, p->added);
        state_put_u64(w, TAG_PORT_CONSOLE, p->console);
    }
}

static void load_ports(OrderingJudge *j, StateReader *r)
{
    for (unsigned i = 0; i < j->max_ports && !state_reader_failed(r); i++) {
        JudgePort *p = &j->ports[i];
        bool *flags[NR_PORT_FLAGS];

        p->unanswered = state_get_u64(r, TAG_PORT_UNANSWERED,
                                      "announcements not answered", j->told);
        port_flags_of(p, flags);
        set_flags(flags, NR_PORT_FLAGS,
                  (unsigned)state_get_u64(r, TAG_PORT_FLAGS, "port flags",
                                          (1u << NR_PORT_FLAGS) - 1));
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

    forget(j);
    if (!state_reader_failed(r) && ports != j->max_ports) {
        state_reader_fail(r,
                          "state field 'judged ports': %u, the device has %u",
                          (unsigned)ports, j->max_ports);
    }
    j->status = (uint8_t)state_get_u64(r, TAG_STATUS, "judged status", 0xff);
    flags_of(j, flags);
    set_flags(flags, NR_FLAGS,
              (unsigned)state_get_u64(r, TAG_FLAGS, "judge's flags",
                                      (1u << NR_FLAGS) - 1));
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
