/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands and events of qapi/jumpcut.json.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "qapi/qmp-registry.h"
#include "qapi/qapi-emit-events.h"
#include "monitor/monitor-internal.h"
#include "system/runstate.h"
#include "jumpcut-qapi-commands.h"
#include "jumpcut-qapi-emit-events.h"
#include "jumpcut-qapi-events.h"
#include "accel/shim/events.h"
#include "accel/shim/guest-tap.h"
#include "accel/shim/qmp.h"
#include "accel/shim/qmp-replay.h"
#include "accel/shim/xenstore-host.h"

/* QMP handlers carry no pointer of ours. */
static struct {
    const char *version;
    const char *build_id;
    Guest *guest;
} qmp;

static JumpcutCutInfo cut_info(const GuestCut *c)
{
    return (JumpcutCutInfo){
        .at_ns = c->cut.at_ns,
        .console_bytes = c->console_bytes,
        .system_time_before = c->cut.system_time_before,
        .system_time_after = c->cut.system_time_after,
        .tsc_before = c->cut.tsc_before,
        .tsc_after = c->cut.tsc_after,
        .tsc_khz_before = c->cut.guest_khz_before,
        .tsc_khz_after = c->cut.guest_khz_after,
        .invtsc_before = c->cut.invtsc_before,
        .invtsc_after = c->cut.invtsc_after,
    };
}

static JumpcutCutInfoList *list_cuts(const GArray *cuts)
{
    JumpcutCutInfoList *head = NULL, **tail = &head;

    for (unsigned i = 0; i < cuts->len; i++) {
        JumpcutCutInfo info = cut_info(&g_array_index(cuts, GuestCut, i));

        QAPI_LIST_APPEND(tail, g_memdup2(&info, sizeof(info)));
    }
    return head;
}

static intList *list_pending(const GArray *pending)
{
    intList *head = NULL, **tail = &head;

    for (unsigned i = 0; i < pending->len; i++) {
        QAPI_LIST_APPEND(tail, g_array_index(pending, CutSpec, i).at_ns);
    }
    return head;
}

static JumpcutDigestList *list_digests(const GArray *digests)
{
    JumpcutDigestList *head = NULL, **tail = &head;

    for (unsigned i = 0; i < digests->len; i++) {
        const GuestDigest *d = &g_array_index(digests, GuestDigest, i);
        JumpcutDigest *out = g_new0(JumpcutDigest, 1);

        out->at_ns = d->at_ns;
        out->reason = g_strdup(d->reason);
        out->sha256 = g_strdup(d->sha256);
#define X(id, name) \
    out->name = g_strdup_printf("%016" PRIx64, d->kinds[DIGEST_##id]);
        DIGEST_KINDS(X)
#undef X
        QAPI_LIST_APPEND(tail, out);
    }
    return head;
}

static void count_vcpus(Guest *g, JumpcutInfo *info)
{
    for (unsigned i = 0; guest_kvm(g) && i < guest_nr_vcpus(g); i++) {
        KvmVcpuInfo v;

        kvm_guest_query_vcpu(guest_kvm(g), i, &v);
        info->hypercalls += v.hypercalls;
    }
    for (unsigned i = 0; guest_domain(g) && i < guest_nr_vcpus(g); i++) {
        XenVcpuInfo v;

        xen_domain_query_vcpu(guest_domain(g), i, &v);
        info->hypercalls += v.hypercalls;
        info->upcalls += v.upcalls;
    }
}

JumpcutInfo *qmp_query_jumpcut(Error **errp)
{
    JumpcutInfo *info = g_new0(JumpcutInfo, 1);
    Guest *g = qmp.guest;
    const GuestOptions *options;

    info->version = g_strdup(qmp.version);
    info->qemu_build_id = g_strdup(qmp.build_id);
    info->virtual_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    if (!g) {
        info->guest = g_strdup("none");
        return info;
    }
    options = guest_options(g);
    info->guest = g_strdup(options->kind->name);
    if (guest_domain(g)) {
        info->xen_version = g_strdup_printf("%u.%u", options->version_major,
                                            options->version_minor);
        info->has_domid = true;
        info->domid = options->domid;
    }
    info->has_shutdown_reason = guest_shutdown_reason(g) >= 0;
    info->shutdown_reason = MAX(guest_shutdown_reason(g), 0);
    info->console_bytes = guest_console_bytes(g);
    count_vcpus(g, info);
    info->cuts = list_cuts(guest_cuts(g));
    info->pending_cuts = list_pending(guest_pending_cuts(g));
    info->digests = list_digests(guest_digests(g));
    return info;
}

static const char *runstate_name(unsigned runstate)
{
    /* xen: public/vcpu.h, RUNSTATE_* */
    static const char *const names[] = {"running", "runnable", "blocked",
                                        "offline"};

    return runstate < ARRAY_SIZE(names) ? names[runstate] : "unknown";
}

static void vcpu_pvclock(uint32_t version, const ClockPvclock *pv,
                         JumpcutVcpuClock *out)
{
    out->pvclock_version = version;
    out->pvclock_system_time = pv->system_time;
    out->pvclock_tsc_timestamp = pv->tsc_timestamp;
    out->pvclock_mul = pv->tsc_to_system_mul;
    out->pvclock_shift = pv->tsc_shift;
    out->pvclock_flags = pv->flags;
}

static void vcpu_xen_clock(XenDomain *d, unsigned vcpu, JumpcutVcpuClock *out)
{
    uint64List **tail = &out->runstate_time_ns;
    XenVcpuInfo v;

    xen_domain_query_vcpu(d, vcpu, &v);
    vcpu_pvclock(v.pvclock_version, &v.pvclock, out);
    out->runstate = g_strdup(runstate_name(v.runstate));
    out->has_runstate_time_ns = true;
    for (unsigned i = 0; i < ARRAY_SIZE(v.runstate_time_ns); i++) {
        QAPI_LIST_APPEND(tail, v.runstate_time_ns[i]);
    }
}

static void vcpu_kvm_clock(KvmGuest *k, unsigned vcpu, JumpcutVcpuClock *out)
{
    KvmVcpuInfo v;

    kvm_guest_query_vcpu(k, vcpu, &v);
    vcpu_pvclock(v.pvclock_version, &v.pvclock, out);
    /* KvmVcpuState names the first three of Xen's states. */
    out->runstate = g_strdup(runstate_name(v.state));
    out->has_steal_ns = true;
    out->steal_ns = v.steal_ns;
}

/* A guest of both Xen and KVM takes its time from Xen. */
static JumpcutVcpuClock *vcpu_clock(Guest *g, unsigned vcpu, int64_t now)
{
    JumpcutVcpuClock *out = g_new0(JumpcutVcpuClock, 1);

    out->vcpu = vcpu;
    out->tsc = clock_guest_tsc(guest_clock(g), vcpu, now);
    out->tsc_adjust = clock_tsc_adjust(guest_clock(g), vcpu);
    if (guest_domain(g)) {
        vcpu_xen_clock(guest_domain(g), vcpu, out);
    } else {
        vcpu_kvm_clock(guest_kvm(g), vcpu, out);
    }
    return out;
}

bool shim_qmp_may_change(Error **errp)
{
    if (runstate_check(RUN_STATE_FINISH_MIGRATE)) {
        error_setg(errp, "a migration is completing: the guest cannot be "
                         "changed here any more");
        return false;
    }
    return true;
}

static bool qmp_have_guest(Error **errp)
{
    if (!qmp.guest) {
        error_setg(errp, "there is no guest of Jumpcut's: -plugin "
                         "jumpcut.so,guest=... was not given");
        return false;
    }
    return true;
}

JumpcutClockInfo *qmp_query_jumpcut_clock(Error **errp)
{
    Guest *g = qmp.guest;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    JumpcutVcpuClockList **tail;
    JumpcutClockInfo *info;
    ClockTscInfo tsc;

    if (!qmp_have_guest(errp)) {
        return NULL;
    }
    info = g_new0(JumpcutClockInfo, 1);
    clock_tsc_info(guest_clock(g), &tsc);
    info->virtual_ns = now;
    info->system_time = clock_system_time(guest_clock(g), now);
    info->wallclock_ns =
        clock_wallclock_base(guest_clock(g)) + (int64_t)info->system_time;
    info->tsc_mode = (JumpcutTscMode)tsc.mode;
    info->tsc_emulated = tsc.emulated;
    info->tsc_khz = tsc.guest_khz;
    info->host_tsc_khz = tsc.host_khz;
    info->invtsc = clock_invtsc(guest_clock(g));
    info->incarnation = tsc.incarnation;
    tail = &info->vcpus;
    for (unsigned i = 0; i < guest_nr_vcpus(g); i++) {
        QAPI_LIST_APPEND(tail, vcpu_clock(g, i, now));
    }
    return info;
}

static bool set_field(HostProfile *profile, const char *key, const char *value,
                      Error **errp)
{
    g_autoptr(GError) error = NULL;

    if (value && !host_profile_set(profile, key, value, &error)) {
        error_setg(errp, "%s", error->message);
        return false;
    }
    return true;
}

static bool set_number(HostProfile *profile, const char *key, bool has,
                       uint64_t value, Error **errp)
{
    g_autofree char *text = g_strdup_printf("%" PRIu64, value);

    return !has || set_field(profile, key, text, errp);
}

static bool set_switch(HostProfile *profile, const char *key, bool has,
                       bool value, Error **errp)
{
    return !has || set_field(profile, key, value ? "on" : "off", errp);
}

static bool get_profile(const JumpcutProfile *from, HostProfile *p,
                        Error **errp)
{
    *p = (HostProfile){.set = 0};
    return set_field(p, "uptime", from->uptime, errp) &&
           set_number(p, "tsc", from->has_tsc, from->tsc, errp) &&
           set_number(p, "tsc-khz", from->has_tsc_khz, from->tsc_khz, errp) &&
           set_switch(p, "invtsc", from->has_invtsc, from->invtsc, errp) &&
           set_switch(p, "tsc-scaling", from->has_tsc_scaling,
                      from->tsc_scaling, errp) &&
           set_field(p, "wallclock", from->wallclock, errp) &&
           set_field(p, "downtime", from->downtime, errp);
}

void qmp_jumpcut_cut(JumpcutCutArguments *cut, Error **errp)
{
    HostProfile p;

    if (!qmp_have_guest(errp) || !shim_qmp_may_change(errp)) {
        return;
    }
    if (cut->has_at_ns && cut->at_ns < 0) {
        error_setg(errp, "at-ns is %" PRId64 ": virtual time begins at 0",
                   cut->at_ns);
        return;
    }
    if (get_profile(qapi_JumpcutCutArguments_base(cut), &p, errp)) {
        guest_cut(qmp.guest, &p, cut->has_at_ns ? cut->at_ns : -1, errp);
    }
}

void qmp_jumpcut_restore(JumpcutProfile *profile, Error **errp)
{
    HostProfile p;

    if (qmp_have_guest(errp) && shim_qmp_may_change(errp) &&
        get_profile(profile, &p, errp)) {
        guest_restore(qmp.guest, &p, errp);
    }
}

static void append_key(GString *text, const char *key, const char *value)
{
    if (value) {
        g_string_append_printf(text, ",%s=%s", key, value);
    }
}

static void append_number(GString *text, const char *key, bool has,
                          uint32_t value)
{
    if (has) {
        g_string_append_printf(text, ",%s=%" PRIu32, key, value);
    }
}

/* The text is the one form that is checked. */
void qmp_jumpcut_fault(JumpcutFaultKind kind, bool has_at_ns, int64_t at_ns,
                       bool has_vcpu, uint32_t vcpu, bool has_port,
                       uint32_t port, const char *virq, bool has_count,
                       uint32_t count, const char *delay, const char *time,
                       Error **errp)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!qmp_have_guest(errp) || !shim_qmp_may_change(errp)) {
        return;
    }
    g_string_printf(text, "%" PRId64 "ns:%s",
                    has_at_ns ? at_ns : qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
                    JumpcutFaultKind_str(kind));
    append_number(text, "vcpu", has_vcpu, vcpu);
    append_number(text, "port", has_port, port);
    append_key(text, "virq", virq);
    append_number(text, "count", has_count, count);
    append_key(text, "delay", delay);
    append_key(text, "time", time);
    guest_tap_fault(qmp.guest, text->str, errp);
}

void qmp_jumpcut_type(const char *text, Error **errp)
{
    if (qmp_have_guest(errp) && shim_qmp_may_change(errp)) {
        guest_type(qmp.guest, (const uint8_t *)text, strlen(text), errp);
    }
}

void qmp_jumpcut_resume(Error **errp)
{
    if (qmp_have_guest(errp) && shim_qmp_may_change(errp)) {
        guest_resume(qmp.guest, errp);
    }
}

/* Events */

void jumpcut_qapi_event_emit(jumpcut_QAPIEvent event, QDict *qdict)
{
    /*
     * The monitor looks only for a rate limit at the event's number; RESUME
     * has none, so the event goes out as it is.
     */
    qapi_event_emit(QAPI_EVENT_RESUME, qdict);
}

void shim_event_cut(const GuestCut *cut)
{
    JumpcutCutInfo info = cut_info(cut);

    qapi_event_send_jumpcut_cut(&info);
}

void shim_qmp_register(const char *version, const char *build_id)
{
    qmp.version = version;
    qmp.build_id = build_id;
    shim_xenstore_register();
    shim_replay_register();
    qmp_register_command(&qmp_commands, "query-jumpcut",
                         qmp_marshal_query_jumpcut, 0, 0);
    qmp_register_command(&qmp_commands, "query-jumpcut-clock",
                         qmp_marshal_query_jumpcut_clock, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-resume",
                         qmp_marshal_jumpcut_resume, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-type",
                         qmp_marshal_jumpcut_type, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-fault",
                         qmp_marshal_jumpcut_fault, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-restore",
                         qmp_marshal_jumpcut_restore, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-cut", qmp_marshal_jumpcut_cut,
                         0, 0);
}

void shim_qmp_set_guest(Guest *g)
{
    qmp.guest = g;
    shim_xenstore_set(guest_xenstore(g));
    shim_replay_set(guest_gate(g));
}
