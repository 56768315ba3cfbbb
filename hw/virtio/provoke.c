/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Provocations that wait for their time and do their work. */
#include "hw/virtio/provoke-internal.h"

#include <assert.h>
#include <string.h>

static Provocation *nth(const Provoker *p, unsigned i)
{
    return &g_array_index(p->list, Provocation, i);
}

void provoke_count_interest(Provoker *p)
{
    memset(p->interest, 0, sizeof(p->interest));
    for (unsigned i = 0; i < p->list->len; i++) {
        const Provocation *one = nth(p, i);
        ProvokePoint acts_on = provoke_acts_on(&one->spec);

        if (one->waiting && !one->spec.timed) {
            p->interest[one->spec.point]++;
        } else if (one->left && acts_on != PROVOKE_POINT__MAX) {
            p->interest[acts_on]++;
        }
    }
    p->interest[PROVOKE_CONTROL_TX] += p->has_swap[true];
    p->interest[PROVOKE_CONTROL_RX] += p->has_swap[false];
}

void provoke_arm(Provoker *p)
{
    if (p->due->len) {
        p->host->ops->timer_mod(p->host, p->timer,
                                g_array_index(p->due, ProvokeDue, 0).at_ns);
    } else {
        p->host->ops->timer_del(p->host, p->timer);
    }
}

void provoke_insert_due(Provoker *p, const ProvokeDue *due)
{
    unsigned i = p->due->len;

    while (i && g_array_index(p->due, ProvokeDue, i - 1).at_ns > due->at_ns) {
        i--;
    }
    g_array_insert_vals(p->due, i, due, 1);
    p->late += due->task == PROVOKE_TASK_SEND;
}

static int64_t after(const Provoker *p, uint64_t delay_ns)
{
    int64_t now = p->host->ops->now_ns(p->host);

    return delay_ns > (uint64_t)(INT64_MAX - now) ? INT64_MAX
                                                  : now + (int64_t)delay_ns;
}

static void send(Provoker *p, const ProvokeMessage *m)
{
    bool was = p->replaying;

    p->replaying = true;
    p->ops->control(p->s, m->to_driver, m->port, m->event, m->value);
    p->replaying = was;
}

/* What begins, and ends later */

uint32_t provoke_steps(const ProvokeSpec *spec)
{
    switch (spec->kind) {
    case PROVOKE_CONTROL_STARVE:
    case PROVOKE_PORT_THROTTLE:
    case PROVOKE_HOST_DISCONNECT:
    case PROVOKE_COMPLETION_HOLD:
    case PROVOKE_COMPLETION_REORDER:
        return spec->delay_ns ? 2 * spec->count : 1;
    default:
        return 0;
    }
}

static void span_switch(Provoker *p, const ProvokeSpec *spec, bool on)
{
    switch (spec->kind) {
    case PROVOKE_CONTROL_STARVE:
        p->ops->starve(p->s, on);
        break;
    case PROVOKE_PORT_THROTTLE:
        p->ops->throttle(p->s, spec->port, on);
        break;
    case PROVOKE_HOST_DISCONNECT:
        p->ops->host_connect(p->s, spec->port, !on);
        break;
    default:
        p->ops->hold(p->s, spec->queue, on,
                     spec->kind == PROVOKE_COMPLETION_REORDER);
        break;
    }
}

/* Step 0 begins the first time, step 1 ends it, step 2 begins the second. */
static void span_step(Provoker *p, unsigned index, uint32_t step)
{
    const ProvokeSpec spec = nth(p, index)->spec;

    nth(p, index)->done += !(step & 1);
    if (step + 1 < provoke_steps(&spec)) {
        const ProvokeDue due = {.at_ns = after(p, spec.delay_ns),
                                .task = PROVOKE_TASK_STEP,
                                .index = index,
                                .step = step + 1};

        provoke_insert_due(p, &due);
        provoke_arm(p);
    }
    span_switch(p, &spec, !(step & 1));
}

/* What is done at once */

static void act_once(Provoker *p, const ProvokeSpec *spec)
{
    const ProvokeMessage m = {.to_driver = spec->to_driver,
                              .port = spec->port,
                              .event = (uint16_t)spec->message,
                              .value = (uint16_t)spec->value};

    switch (spec->kind) {
    case PROVOKE_CONTROL_SEND:
        send(p, &m);
        break;
    case PROVOKE_PORT_FLAP:
        p->ops->port_flap(p->s, spec->set & PROVOKE_HAS_PORT
                                    ? spec->port
                                    : PROVOKE_ALL_PORTS);
        break;
    case PROVOKE_PORT_UNPLUG:
        p->ops->port_unplug(p->s, spec->port);
        break;
    case PROVOKE_INTERRUPT_SPURIOUS:
        p->ops->interrupt(p->s, spec->queue);
        break;
    case PROVOKE_CONFIG_INTERRUPT:
        p->ops->config_interrupt(p->s);
        break;
    case PROVOKE_NEEDS_RESET:
        p->ops->needs_reset(p->s);
        break;
    default:
        g_assert_not_reached();
    }
}

/* The operations may come back here; none adds to the list: indices stay. */
static void fire(Provoker *p, unsigned index)
{
    const ProvokeSpec spec = nth(p, index)->spec;

    nth(p, index)->waiting = false;
    if (provoke_steps(&spec)) {
        provoke_count_interest(p);
        span_step(p, index, 0);
        return;
    }
    if (provoke_acts_on(&spec) != PROVOKE_POINT__MAX ||
        spec.kind == PROVOKE_PORT_ORDER) {
        nth(p, index)->left = spec.count;
        provoke_count_interest(p);
        return;
    }
    provoke_count_interest(p);
    nth(p, index)->done += spec.count;
    for (uint32_t i = 0; i < spec.count; i++) {
        act_once(p, &spec);
    }
}

static void run_task(Provoker *p, const ProvokeDue *due)
{
    switch (due->task) {
    case PROVOKE_TASK_FIRE:
        fire(p, due->index);
        break;
    case PROVOKE_TASK_STEP:
        span_step(p, due->index, due->step);
        break;
    default:
        send(p, &due->message);
        break;
    }
}

static void on_timer(void *opaque)
{
    Provoker *p = opaque;

    while (p->due->len) {
        const ProvokeDue due = g_array_index(p->due, ProvokeDue, 0);

        if (due.at_ns > p->host->ops->now_ns(p->host)) {
            break;
        }
        g_array_remove_index(p->due, 0);
        p->late -= due.task == PROVOKE_TASK_SEND;
        run_task(p, &due);
    }
    provoke_arm(p);
}

/* What happens */

static bool matches(const ProvokeSpec *spec, unsigned port, unsigned what)
{
    return (!spec->has_where || spec->where == port) &&
           (!spec->has_what || spec->what == what);
}

/* Messages of an earlier life of the driver are none of the next one's. */
static void forget_messages(Provoker *p)
{
    for (unsigned i = p->due->len; i-- > 0;) {
        if (g_array_index(p->due, ProvokeDue, i).task == PROVOKE_TASK_SEND) {
            g_array_remove_index(p->due, i);
        }
    }
    p->late = 0;
    p->has_swap[false] = p->has_swap[true] = false;
    provoke_count_interest(p);
    provoke_arm(p);
}

static void count_event(Provoker *p, ProvokePoint point, unsigned port,
                        unsigned what)
{
    for (unsigned i = 0; i < p->list->len; i++) {
        Provocation *one = nth(p, i);

        if (one->waiting && !one->spec.timed && one->spec.point == point &&
            matches(&one->spec, port, what) && ++one->seen == one->spec.nth) {
            fire(p, i);
        }
    }
}

/* One of those that act on @point now, and takes it; NULL: none */
static Provocation *meets(Provoker *p, ProvokePoint point, unsigned port,
                          unsigned what)
{
    for (unsigned i = 0; i < p->list->len; i++) {
        Provocation *one = nth(p, i);
        const ProvokeSpec *spec = &one->spec;

        if (!one->left || provoke_acts_on(spec) != point ||
            ((spec->set & PROVOKE_HAS_PORT) && spec->port != port) ||
            ((spec->set & PROVOKE_HAS_MESSAGE) && spec->message != what) ||
            ((spec->set & PROVOKE_HAS_QUEUE) && spec->queue != what)) {
            continue;
        }
        one->left--;
        one->done++;
        if (!one->left) {
            provoke_count_interest(p);
        }
        return one;
    }
    return NULL;
}

bool provoke_see(Provoker *p, ProvokePoint point, unsigned port, unsigned what)
{
    if (!p) {
        return true;
    }
    if (point == PROVOKE_RESET) {
        forget_messages(p);
    }
    if (!p->interest[point]) {
        return true;
    }
    count_event(p, point, port, what);
    return !meets(p, point, port, what);
}

/* @m came after one that waits for it: both go now, in their new order. */
static void swap(Provoker *p, const ProvokeMessage *m)
{
    const ProvokeMessage first = p->swap[m->to_driver];

    p->has_swap[m->to_driver] = false;
    provoke_count_interest(p);
    send(p, m);
    send(p, &first);
}

/* @return: the message goes on its way now */
static bool act_on_message(Provoker *p, const ProvokeSpec *spec,
                           const ProvokeMessage *m)
{
    const ProvokeDue due = {.at_ns = after(p, spec->delay_ns),
                            .task = PROVOKE_TASK_SEND,
                            .message = *m};

    switch (spec->kind) {
    case PROVOKE_CONTROL_DELAY:
        if (p->late == PROVOKE_LATE_MAX) {
            return true;
        }
        provoke_insert_due(p, &due);
        provoke_arm(p);
        return false;
    case PROVOKE_CONTROL_DUPLICATE:
        send(p, m);
        return true;
    case PROVOKE_CONTROL_REORDER:
        p->swap[m->to_driver] = *m;
        p->has_swap[m->to_driver] = true;
        provoke_count_interest(p);
        return false;
    default:
        return false;
    }
}

bool provoke_control(Provoker *p, bool to_driver, unsigned port, uint16_t event,
                     uint16_t value)
{
    const ProvokeMessage m = {to_driver, port, event, value};
    ProvokePoint point = to_driver ? PROVOKE_CONTROL_TX : PROVOKE_CONTROL_RX;
    const Provocation *one;
    ProvokeSpec spec;

    if (!p || p->replaying || !p->interest[point]) {
        return true;
    }
    count_event(p, point, port, event);
    if (p->has_swap[to_driver]) {
        swap(p, &m);
        return false;
    }
    one = meets(p, point, port, event);
    if (!one) {
        return true;
    }
    spec = one->spec;
    return act_on_message(p, &spec, &m);
}

void provoke_order(Provoker *p, unsigned *ports, unsigned n)
{
    Provocation *one = NULL;
    uint32_t state;

    for (unsigned i = 0; p && i < p->list->len && !one; i++) {
        if (nth(p, i)->left && nth(p, i)->spec.kind == PROVOKE_PORT_ORDER) {
            one = nth(p, i);
        }
    }
    if (!one) {
        return;
    }
    one->left--;
    one->done++;
    state = one->spec.seed;
    for (unsigned i = n; i > 1; i--) {
        unsigned k, port;

        /* xorshift32; never 0 */
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        k = state % i;
        port = ports[k];
        ports[k] = ports[i - 1];
        ports[i - 1] = port;
    }
}

/* The list */

void provoke_clear_provocation(gpointer provocation)
{
    g_free(((Provocation *)provocation)->text);
}

void provoke_append(Provoker *p, const ProvokeSpec *spec, const char *text)
{
    const Provocation one = {
        .spec = *spec, .text = g_strdup(text), .waiting = true};

    g_array_append_val(p->list, one);
}

static bool is_over(const Provoker *p, unsigned index)
{
    const Provocation *one = nth(p, index);

    if (one->waiting || one->left) {
        return false;
    }
    for (unsigned i = 0; i < p->due->len; i++) {
        const ProvokeDue *due = &g_array_index(p->due, ProvokeDue, i);

        if (due->task != PROVOKE_TASK_SEND && due->index == index) {
            return false;
        }
    }
    return true;
}

/* The oldest that has done all it will makes room for another. */
static bool make_room(Provoker *p)
{
    unsigned gone = 0;

    if (p->list->len < PROVOKE_MAX) {
        return true;
    }
    while (gone < p->list->len && !is_over(p, gone)) {
        gone++;
    }
    if (gone == p->list->len) {
        return false;
    }
    g_array_remove_index(p->list, gone);
    for (unsigned i = 0; i < p->due->len; i++) {
        ProvokeDue *due = &g_array_index(p->due, ProvokeDue, i);

        due->index -= due->task != PROVOKE_TASK_SEND && due->index > gone;
    }
    return true;
}

bool provoke_add(Provoker *p, const char *text, GError **error)
{
    int64_t now = p->host->ops->now_ns(p->host);
    ProvokeSpec spec;

    if (!provoke_spec_parse(&spec, text, p->max_ports, error)) {
        return false;
    }
    if (spec.timed && spec.at_ns < now) {
        g_set_error(error, PROVOKE_ERROR, PROVOKE_ERROR_STATE,
                    "a provocation at %" G_GINT64_FORMAT " ns lies in the "
                    "past: it is %" G_GINT64_FORMAT " ns",
                    spec.at_ns, now);
        return false;
    }
    if (!make_room(p)) {
        g_set_error(error, PROVOKE_ERROR, PROVOKE_ERROR_STATE,
                    "the device has %u provocations that are not over, which "
                    "is the most",
                    PROVOKE_MAX);
        return false;
    }
    provoke_append(p, &spec, text);
    if (spec.timed) {
        const ProvokeDue due = {.at_ns = spec.at_ns,
                                .task = PROVOKE_TASK_FIRE,
                                .index = p->list->len - 1};

        provoke_insert_due(p, &due);
        provoke_arm(p);
    }
    provoke_count_interest(p);
    return true;
}

unsigned provoke_nr(const Provoker *p)
{
    return p->list->len;
}

void provoke_info(const Provoker *p, unsigned i, ProvokeInfo *info)
{
    const Provocation *one = nth(p, i);
    size_t n;

    assert(i < p->list->len);
    *info = (ProvokeInfo){
        .text = one->text,
        .legal = provoke_kinds(&n)[one->spec.kind].legal,
        .waiting = one->waiting,
        .count = one->done,
    };
}

Provoker *provoke_new(unsigned max_ports, Host *host, const ProvokeOps *ops,
                      void *s)
{
    Provoker *p = g_new0(Provoker, 1);

    p->max_ports = max_ports;
    p->host = host;
    p->ops = ops;
    p->s = s;
    p->swap[true].to_driver = true;
    p->timer = host->ops->timer_new(host, on_timer, p);
    if (!p->timer) {
        g_free(p);
        return NULL;
    }
    p->list = g_array_new(FALSE, FALSE, sizeof(Provocation));
    g_array_set_clear_func(p->list, provoke_clear_provocation);
    p->due = g_array_new(FALSE, FALSE, sizeof(ProvokeDue));
    return p;
}

void provoke_free(Provoker *p)
{
    if (p) {
        p->host->ops->timer_free(p->host, p->timer);
        g_array_unref(p->list);
        g_array_unref(p->due);
        g_free(p);
    }
}
