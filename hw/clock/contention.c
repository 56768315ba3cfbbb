/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contention: when which vCPU is held back, and the timers that tell. */
#include "hw/clock/contention.h"

#include <string.h>

#include "hw/clock/host-profile.h"

typedef struct ContentionVcpu {
    Contention *c;
    unsigned id;
    HostTimer *timer;
} ContentionVcpu;

struct Contention {
    Host *host;
    ContentionSpec spec;
    unsigned nr_vcpus;
    ContentionVcpu *vcpus;
    ContentionFn *fn;
    void *opaque;
};

gboolean contention_parse(ContentionSpec *spec, const char *text,
                          GError **error)
{
    const char *colon = strchr(text, ':');
    g_autofree char *period = NULL;
    guint64 ns, percent;

    if (!colon) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE,
                    "'%s': want PERIOD:PERCENT", text);
        return FALSE;
    }
    period = g_strndup(text, colon - text);
    if (!host_time_parse(period, "period", CONTENTION_PERIOD_NS_MAX, &ns,
                         error)) {
        return FALSE;
    }
    if (ns < CONTENTION_PERIOD_NS_MIN) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE,
                    "period: '%s': want 100us or more", period);
        return FALSE;
    }
    if (!g_ascii_string_to_unsigned(colon + 1, 10, 1, CONTENTION_PERCENT_MAX,
                                    &percent, NULL)) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE,
                    "percent: '%s': want 1 to %u", colon + 1,
                    CONTENTION_PERCENT_MAX);
        return FALSE;
    }
    *spec = (ContentionSpec){.period_ns = (gint64)ns, .percent = percent};
    return TRUE;
}

bool contention_held(const ContentionSpec *spec, unsigned vcpu,
                     unsigned nr_vcpus, int64_t now_ns, int64_t *next_ns)
{
    int64_t period = spec->period_ns;
    int64_t own = period - period * spec->percent / 100;
    int64_t phase = period * vcpu / nr_vcpus;
    /* Place in the period that is this vCPU's now. */
    int64_t at = (now_ns % period + period - phase) % period;
    bool held = at >= own;

    *next_ns = now_ns + (held ? period : own) - at;
    return held;
}

static void vcpu_tell(ContentionVcpu *v)
{
    Contention *c = v->c;
    int64_t next;
    bool held = contention_held(&c->spec, v->id, c->nr_vcpus,
                                c->host->ops->now_ns(c->host), &next);

    c->host->ops->timer_mod(c->host, v->timer, next);
    c->fn(c->opaque, v->id, held);
}

static void vcpu_fire(void *opaque)
{
    vcpu_tell(opaque);
}

Contention *contention_new(Host *host, const ContentionSpec *spec,
                           unsigned nr_vcpus, ContentionFn *fn, void *opaque)
{
    Contention *c = g_new0(Contention, 1);

    c->host = host;
    c->spec = *spec;
    c->nr_vcpus = nr_vcpus;
    c->fn = fn;
    c->opaque = opaque;
    c->vcpus = g_new0(ContentionVcpu, nr_vcpus);
    for (unsigned i = 0; i < nr_vcpus; i++) {
        c->vcpus[i] = (ContentionVcpu){
            .c = c,
            .id = i,
            .timer = host->ops->timer_new(host, vcpu_fire, &c->vcpus[i]),
        };
        if (!c->vcpus[i].timer) {
            contention_free(c);
            return NULL;
        }
    }
    return c;
}

void contention_free(Contention *c)
{
    if (!c) {
        return;
    }
    for (unsigned i = 0; i < c->nr_vcpus; i++) {
        if (c->vcpus[i].timer) {
            c->host->ops->timer_free(c->host, c->vcpus[i].timer);
        }
    }
    g_free(c->vcpus);
    g_free(c);
}

void contention_start(Contention *c)
{
    for (unsigned i = 0; i < c->nr_vcpus; i++) {
        vcpu_tell(&c->vcpus[i]);
    }
}
