/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration state of provocations. */
#include "hw/virtio/provoke-internal.h"

#include <string.h>

enum {
    TAG_NR = 0x1040,
    TAG_TEXT,
    TAG_WAITING,
    TAG_SEEN,
    TAG_LEFT,
    TAG_DONE,
    TAG_NR_DUE,
    TAG_AT,
    TAG_TASK,
    TAG_INDEX,
    TAG_STEP,
    TAG_SWAP,
    TAG_TO_DRIVER,
    TAG_PORT,
    TAG_EVENT,
    TAG_VALUE,
};

static void save_message(const ProvokeMessage *m, StateWriter *w)
{
    state_put_u64(w, TAG_TO_DRIVER, m->to_driver);
    state_put_u64(w, TAG_PORT, m->port);
    state_put_u64(w, TAG_EVENT, m->event);
    state_put_u64(w, TAG_VALUE, m->value);
}

static void load_message(ProvokeMessage *m, StateReader *r)
{
    m->to_driver = state_get_u64(r, TAG_TO_DRIVER, "message's direction", 1);
    m->port =
        (uint32_t)state_get_u64(r, TAG_PORT, "message's port", UINT32_MAX);
    m->event =
        (uint16_t)state_get_u64(r, TAG_EVENT, "message's event", UINT16_MAX);
    m->value =
        (uint16_t)state_get_u64(r, TAG_VALUE, "message's value", UINT16_MAX);
}

void provoke_save(const Provoker *p, StateWriter *w)
{
    state_put_u64(w, TAG_NR, p->list->len);
    for (unsigned i = 0; i < p->list->len; i++) {
        const Provocation *one = &g_array_index(p->list, Provocation, i);

        state_put_bytes(w, TAG_TEXT, one->text, strlen(one->text));
        state_put_u64(w, TAG_WAITING, one->waiting);
        state_put_u64(w, TAG_SEEN, one->seen);
        state_put_u64(w, TAG_LEFT, one->left);
        state_put_u64(w, TAG_DONE, one->done);
    }
    state_put_u64(w, TAG_NR_DUE, p->due->len);
    for (unsigned i = 0; i < p->due->len; i++) {
        const ProvokeDue *due = &g_array_index(p->due, ProvokeDue, i);

        state_put_u64(w, TAG_AT, (uint64_t)due->at_ns);
        state_put_u64(w, TAG_TASK, due->task);
        state_put_u64(w, TAG_INDEX, due->index);
        state_put_u64(w, TAG_STEP, due->step);
        save_message(&due->message, w);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(p->swap); i++) {
        state_put_u64(w, TAG_SWAP, p->has_swap[i]);
        save_message(&p->swap[i], w);
    }
}

static void forget(Provoker *p)
{
    g_array_set_size(p->list, 0);
    g_array_set_size(p->due, 0);
    p->late = 0;
    p->has_swap[0] = p->has_swap[1] = false;
}

static void load_provocation(Provoker *p, StateReader *r)
{
    g_autoptr(GByteArray) bytes =
        state_get_blob(r, TAG_TEXT, "provocation", PROVOKE_TEXT_MAX);
    g_autofree char *text = g_strndup(bytes ? (const char *)bytes->data : "",
                                      bytes ? bytes->len : 0);
    g_autoptr(GError) error = NULL;
    Provocation *one;
    ProvokeSpec spec;

    if (state_reader_failed(r)) {
        return;
    }
    if (!provoke_spec_parse(&spec, text, p->max_ports, &error)) {
        state_reader_fail(r, "state field 'provocation': %s", error->message);
        return;
    }
    provoke_append(p, &spec, text);
    one = &g_array_index(p->list, Provocation, p->list->len - 1);
    one->waiting = state_get_u64(r, TAG_WAITING, "provocation waits", 1);
    one->seen = (uint32_t)state_get_u64(r, TAG_SEEN, "events", spec.nth);
    one->left = (uint32_t)state_get_u64(r, TAG_LEFT, "left", spec.count);
    one->done = state_get_u64(r, TAG_DONE, "done", UINT64_MAX);
}

static void load_due(Provoker *p, StateReader *r)
{
    ProvokeDue due = {0};
    uint32_t steps = 0;

    due.at_ns = (int64_t)state_get_u64(r, TAG_AT, "due", INT64_MAX);
    due.task =
        (ProvokeTask)state_get_u64(r, TAG_TASK, "task", PROVOKE_TASK__MAX - 1);
    due.index = (uint32_t)state_get_u64(r, TAG_INDEX, "index", PROVOKE_MAX);
    due.step =
        (uint32_t)state_get_u64(r, TAG_STEP, "step", 2 * PROVOKE_COUNT_MAX);
    load_message(&due.message, r);
    if (state_reader_failed(r)) {
        return;
    }
    if (due.task != PROVOKE_TASK_SEND) {
        if (due.index >= p->list->len) {
            state_reader_fail(r, "state field 'index': %u, there are %u",
                              due.index, p->list->len);
            return;
        }
        steps =
            provoke_steps(&g_array_index(p->list, Provocation, due.index).spec);
    }
    if (due.task == PROVOKE_TASK_STEP && due.step >= steps) {
        state_reader_fail(r, "state field 'step': %u, of %u", due.step, steps);
        return;
    }
    provoke_insert_due(p, &due);
}

void provoke_load(Provoker *p, StateReader *r)
{
    uint64_t nr = state_get_u64(r, TAG_NR, "provocations", PROVOKE_MAX);

    forget(p);
    for (uint64_t i = 0; i < nr && !state_reader_failed(r); i++) {
        load_provocation(p, r);
    }
    /* One task a provocation at most, beside delayed messages. */
    nr = state_get_u64(r, TAG_NR_DUE, "due", PROVOKE_MAX + PROVOKE_LATE_MAX);
    for (uint64_t i = 0; i < nr && !state_reader_failed(r); i++) {
        load_due(p, r);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(p->swap); i++) {
        p->has_swap[i] = state_get_u64(r, TAG_SWAP, "swap", 1);
        load_message(&p->swap[i], r);
        p->swap[i].to_driver = i;
    }
    if (state_reader_failed(r)) {
        forget(p);
    }
    provoke_count_interest(p);
    provoke_arm(p);
}
