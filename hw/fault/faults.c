/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults that wait for their virtual time. */
#include "hw/fault/faults.h"

enum {
    TAG_NR = 0x0900,
    TAG_AT,
    TAG_KIND,
    TAG_SET,
    TAG_VCPU,
    TAG_PORT,
    TAG_VIRQ,
    TAG_COUNT,
    TAG_DELAY,
    TAG_NS,
};

struct Faults {
    Host *host;
    HostTimer *timer;
    FaultFn *fn;
    FaultFailFn *failed;
    void *opaque;
    GArray *waiting; /* of FaultSpec, by time, then by when they came */
};

static void arm(Faults *f)
{
    if (f->waiting->len) {
        f->host->ops->timer_mod(f->host, f->timer,
                                g_array_index(f->waiting, FaultSpec, 0).at_ns);
    } else {
        f->host->ops->timer_del(f->host, f->timer);
    }
}

static void fire(void *opaque)
{
    Faults *f = opaque;

    while (f->waiting->len) {
        FaultSpec spec = g_array_index(f->waiting, FaultSpec, 0);
        g_autoptr(GError) error = NULL;

        if (spec.at_ns > f->host->ops->now_ns(f->host)) {
            break;
        }
        g_array_remove_index(f->waiting, 0);
        if (!f->fn(f->opaque, &spec, &error)) {
            f->failed(f->opaque, &spec, error);
        }
    }
    arm(f);
}

Faults *faults_new(Host *host, FaultFn *fn, FaultFailFn *failed, void *opaque)
{
    Faults *f = g_new0(Faults, 1);

    f->host = host;
    f->fn = fn;
    f->failed = failed;
    f->opaque = opaque;
    f->waiting = g_array_new(FALSE, FALSE, sizeof(FaultSpec));
    f->timer = host->ops->timer_new(host, fire, f);
    if (!f->timer) {
        g_array_unref(f->waiting);
        g_free(f);
        return NULL;
    }
    return f;
}

void faults_free(Faults *f)
{
    if (f) {
        f->host->ops->timer_free(f->host, f->timer);
        g_array_unref(f->waiting);
        g_free(f);
    }
}

/* After those of the same time. */
static void insert(Faults *f, const FaultSpec *spec)
{
    guint i = f->waiting->len;

    while (i &&
           g_array_index(f->waiting, FaultSpec, i - 1).at_ns > spec->at_ns) {
        i--;
    }
    g_array_insert_vals(f->waiting, i, spec, 1);
}

gboolean faults_add(Faults *f, const FaultSpec *spec, GError **error)
{
    int64_t now = f->host->ops->now_ns(f->host);

    if (spec->at_ns < now) {
        g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE,
                    "a fault at %" G_GINT64_FORMAT " ns lies in the past: it "
                    "is %" G_GINT64_FORMAT " ns",
                    spec->at_ns, now);
        return FALSE;
    }
    if (f->waiting->len == FAULTS_MAX) {
        g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE,
                    "%u faults wait already, which is the most", FAULTS_MAX);
        return FALSE;
    }
    insert(f, spec);
    arm(f);
    return TRUE;
}

unsigned faults_waiting(const Faults *f)
{
    return f->waiting->len;
}

/* Migration */

void fault_spec_save(const FaultSpec *spec, StateWriter *w)
{
    state_put_u64(w, TAG_AT, (uint64_t)spec->at_ns);
    state_put_u64(w, TAG_KIND, spec->kind);
    state_put_u64(w, TAG_SET, spec->set);
    state_put_u64(w, TAG_VCPU, spec->vcpu);
    state_put_u64(w, TAG_PORT, spec->port);
    state_put_u64(w, TAG_VIRQ, spec->virq);
    state_put_u64(w, TAG_COUNT, spec->count);
    state_put_u64(w, TAG_DELAY, spec->delay_ns);
    state_put_u64(w, TAG_NS, (uint64_t)spec->ns);
}

void fault_spec_load(FaultSpec *spec, StateReader *r)
{
    spec->at_ns = (int64_t)state_get_u64(r, TAG_AT, "fault time", INT64_MAX);
    spec->kind = state_get_u64(r, TAG_KIND, "fault kind", FAULT__MAX - 1);
    spec->set = (unsigned)state_get_u64(r, TAG_SET, "fault fields", 0x3f);
    spec->vcpu = (uint32_t)state_get_u64(r, TAG_VCPU, "fault vCPU", UINT32_MAX);
    spec->port = (uint32_t)state_get_u64(r, TAG_PORT, "fault port", UINT32_MAX);
    spec->virq = (uint32_t)state_get_u64(r, TAG_VIRQ, "fault VIRQ", UINT32_MAX);
    spec->count =
        (uint32_t)state_get_u64(r, TAG_COUNT, "fault count", FAULT_COUNT_MAX);
    spec->delay_ns =
        state_get_u64(r, TAG_DELAY, "fault delay", FAULT_DELAY_NS_MAX);
    spec->ns =
        (int64_t)state_get_u64(r, TAG_NS, "fault time to add", UINT64_MAX);
    if (spec->count == 0) {
        state_reader_fail(r, "state field 'fault count': it is 0");
    }
}

void faults_save(const Faults *f, StateWriter *w)
{
    state_put_u64(w, TAG_NR, f->waiting->len);
    for (guint i = 0; i < f->waiting->len; i++) {
        fault_spec_save(&g_array_index(f->waiting, FaultSpec, i), w);
    }
}

void faults_load(Faults *f, StateReader *r)
{
    uint64_t nr = state_get_u64(r, TAG_NR, "faults", FAULTS_MAX);

    g_array_set_size(f->waiting, 0);
    for (uint64_t i = 0; i < nr && !state_reader_failed(r); i++) {
        FaultSpec spec;

        fault_spec_load(&spec, r);
        insert(f, &spec);
    }
    if (state_reader_failed(r)) {
        g_array_set_size(f->waiting, 0);
    }
    arm(f);
}
