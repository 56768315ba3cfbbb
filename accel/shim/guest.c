/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest under QEMU's machine: life cycle, cuts, digests and console.
 * Migration state is in guest-vmstate.c, the vCPUs' entries in guest-entry.c,
 * hypervisors in guest-xen.c and its like.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/i386/x86.h"
#include "system/cpu-timers.h"
#include "system/rtc.h"
#include "system/runstate.h"
#include "system/system.h"
#include "accel/shim/chardev-count.h"
#include "accel/shim/digest.h"
#include "accel/shim/events.h"
#include "accel/shim/host-qemu.h"
#include "accel/shim/guest-internal.h"

/* Kinds */

static const GuestKind kinds[] = {
    {"xen-hvm", "Xen, as a HVM guest finds it", GUEST_XEN},
    {"xen-pvh", "Xen, as a PVH guest finds it", GUEST_XEN | GUEST_PVH},
    {"kvm", "KVM's clock", GUEST_KVM},
    {"kvm-xen", "Xen, and KVM's clock behind it", GUEST_KVM | GUEST_XEN},
};

const GuestKind *guest_kind_at(unsigned i)
{
    return i < ARRAY_SIZE(kinds) ? &kinds[i] : NULL;
}

const GuestKind *guest_kind_by_name(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(kinds[i].name, name)) {
            return &kinds[i];
        }
    }
    return NULL;
}

void guest_add_part(Guest *g, const GuestPartOps *ops, void *part)
{
    assert(g->nr_parts < GUEST_PARTS_MAX);
    g->parts[g->nr_parts++] = (GuestPart){.ops = ops, .part = part};
}

/* Digests */

/* Is the machine's state a function of its configuration? */
static bool digests_wanted(void)
{
    /* Without icount, or once the machine stops, it depends on the host. */
    return icount_enabled() && runstate_is_running() &&
           qemu_shutdown_requested_get() == SHUTDOWN_CAUSE_NONE;
}

const StateDigest *guest_take_digest(Guest *g, const char *reason)
{
    GuestDigest digest = {
        .at_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
        .reason = reason,
    };
    StateDigest *rich;
    Error *err = NULL;

    if (!digests_wanted()) {
        return NULL;
    }
    rich = shim_digest(g->digester, &err);
    if (!rich) {
        error_reportf_err(err, "digest at %" PRId64 " ns: ", digest.at_ns);
        qemu_system_shutdown_request(SHUTDOWN_CAUSE_HOST_ERROR);
        return NULL;
    }
    digest.sha256 = g_strdup(rich->sha256);
    state_digest_kinds(rich, digest.kinds);
    g_array_append_val(g->digests, digest);
    g_clear_pointer(&g->last_digest, state_digest_free);
    g->last_digest = rich;
    gate_digest(g->gate, rich, reason);
    return rich;
}

/*
 * Before all else that is due at that time: timers of one time fire in the
 * order they were set in, which a migration or a checkpoint does not keep.
 */
static void digest_timer_arm(Guest *g)
{
    run_timer_mod(&g->digest_timer, g->next_digest_ns - 1);
}

static void digest_timer_fired(void *opaque)
{
    Guest *g = opaque;

    guest_take_digest(g, "interval");
    g->next_digest_ns += g->options.digest_ns;
    digest_timer_arm(g);
}

/* Digests are taken at multiples of the interval: after a load, the next. */
void guest_arm_digest_timer(Guest *g)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    int64_t interval = g->options.digest_ns;

    if (interval) {
        g->next_digest_ns = ((now + 1) / interval + 1) * interval;
        digest_timer_arm(g);
    }
}

/* Cuts */

void guest_arm_cut_timer(Guest *g)
{
    if (g->pending->len) {
        run_timer_mod(&g->cut_timer,
                      g_array_index(g->pending, CutSpec, 0).at_ns);
    } else {
        run_timer_del(&g->cut_timer);
    }
}

static bool run_cut(Guest *g, const HostProfile *profile, bool restored,
                    GError **error)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    GuestCut done = {.console_bytes = shim_console_bytes(g->console)};

    if (!clock_cut(g->clock, now, profile, &done.cut, error)) {
        return false;
    }
    g->host->ops->trace(g->host, HOST_TRACE_cut, now,
                        done.cut.system_time_after, done.cut.tsc_after,
                        done.cut.guest_khz_after);
    for (unsigned i = 0; i < g->nr_parts; i++) {
        const GuestPart *p = &g->parts[i];

        (restored && p->ops->restored ? p->ops->restored
                                      : p->ops->clock_changed)(p->part);
    }
    shim_tsc_changed();
    g_array_append_val(g->cuts, done);
    gate_cut(g->gate, &done);
    guest_take_digest(g, "cut");
    shim_event_cut(&done);
    return true;
}

bool guest_cut_now(Guest *g, const HostProfile *p, bool restored,
                   GError **error)
{
    TapEntry entry = {
        .kind = restored ? TAP_RESTORED : TAP_CUT,
        .arg = {p->set, p->uptime_ns, p->tsc, p->tsc_khz, p->invtsc,
                p->tsc_scaling, (uint64_t)p->wallclock_ns, p->downtime_ns},
    };
    bool ok;

    host_tap_begin(g->tap, &entry);
    ok = run_cut(g, p, restored, error);
    host_tap_end(g->tap, NULL, 0);
    return ok;
}

static void cut_timer_fired(void *opaque)
{
    Guest *g = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    while (g->pending->len) {
        CutSpec spec = g_array_index(g->pending, CutSpec, 0);
        g_autoptr(GError) error = NULL;

        if (spec.at_ns > now) {
            break;
        }
        g_array_remove_index(g->pending, 0);
        if (!guest_cut_now(g, &spec.profile, false, &error)) {
            error_report("cut at %" PRId64 " ns: %s", spec.at_ns,
                         error->message);
        }
    }
    guest_arm_cut_timer(g);
}

static gint compare_cuts(gconstpointer a, gconstpointer b)
{
    const CutSpec *ca = a, *cb = b;

    return (ca->at_ns > cb->at_ns) - (ca->at_ns < cb->at_ns);
}

bool guest_cut(Guest *g, const HostProfile *profile, int64_t at_ns,
               Error **errp)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    CutSpec spec = {.at_ns = at_ns, .profile = *profile};
    g_autoptr(GError) error = NULL;

    if (!profile->set) {
        error_setg(errp, "a cut needs at least one field of a host profile");
        return false;
    }
    if (at_ns < 0) {
        if (!guest_cut_now(g, profile, false, &error)) {
            error_setg(errp, "%s", error->message);
            return false;
        }
        return true;
    }
    if (at_ns < now) {
        error_setg(errp,
                   "a cut at %" PRId64 " ns lies in the past: it is %" PRId64
                   " ns",
                   at_ns, now);
        return false;
    }
    if (g->pending->len == GUEST_CUTS_MAX) {
        error_setg(errp, "%u cuts wait already, which is the most",
                   GUEST_CUTS_MAX);
        return false;
    }
    g_array_append_val(g->pending, spec);
    g_array_sort(g->pending, compare_cuts);
    guest_arm_cut_timer(g);
    return true;
}

/* Faults */

static gboolean fault_now(void *opaque, const FaultSpec *spec, GError **error)
{
    Guest *g = opaque;

    return g->domain ? xen_domain_fault(g->domain, spec, error)
                     : kvm_guest_fault(g->kvm, spec, error);
}

static void fault_failed(void *opaque, const FaultSpec *spec,
                         const GError *error)
{
    error_report("jumpcut: fault at %" PRId64 " ns: %s", spec->at_ns,
                 error->message);
}

bool guest_fault(Guest *g, const FaultSpec *spec, Error **errp)
{
    g_autoptr(GError) error = NULL;

    if (!faults_add(g->faults, spec, &error)) {
        error_setg(errp, "%s", error->message);
        return false;
    }
    return true;
}

static bool make_faults(Guest *g, Error **errp)
{
    g->faults = faults_new(g->host, fault_now, fault_failed, g);
    for (unsigned i = 0; i < g->options.faults->len; i++) {
        if (!guest_fault(g, &g_array_index(g->options.faults, FaultSpec, i),
                         errp)) {
            return false;
        }
    }
    return true;
}

/* Contention */

static void hold_vcpu(void *opaque, unsigned vcpu, bool held)
{
    Guest *g = opaque;

    if (host_tap_ask(g->tap)) {
        shim_vcpu_hold(vcpu, held);
        host_tap_asked(g->tap);
    }
}

void guest_hold_vcpus(Guest *g)
{
    if (g->contention) {
        contention_start(g->contention);
        return;
    }
    /* A peer may have held them. */
    for (unsigned i = 0; i < g->nr_vcpus; i++) {
        shim_vcpu_hold(i, false);
    }
}

/* Console */

static void host_hook_console_write(void *opaque, const uint8_t *buf,
                                    size_t len)
{
    Guest *g = opaque;

    shim_console_write(g->console, buf, len);
    gate_output(g->gate, buf, len);
}

static void host_hook_console_accept(void *opaque)
{
    Guest *g = opaque;

    shim_console_accept(g->console);
}

static const HostQemuHooks host_hooks = {
    .shutdown = guest_xen_shutdown,
    .console_write = host_hook_console_write,
    .console_accept = host_hook_console_accept,
};

size_t guest_console_input(Guest *g, const uint8_t *buf, size_t len)
{

    for (unsigned i = 0; i < g->nr_parts; i++) {
        const GuestPart *p = &g->parts[i];

        if (p->ops->console_input) {
            return p->ops->console_input(p->part, buf, len);
        }
    }
    return 0;
}

static size_t console_input(void *opaque, const uint8_t *buf, size_t len)
{
    TapEntry entry = {.kind = TAP_INPUT, .data = buf, .len = len};
    Guest *g = opaque;
    uint64_t taken;

    host_tap_begin(g->tap, &entry);
    taken = guest_console_input(g, buf, len);
    host_tap_end(g->tap, &taken, 1);
    return taken;
}

static void run_state_changed(void *opaque, bool running, RunState state)
{
    TapEntry entry = {.kind = TAP_RESUMED};
    Guest *g = opaque;

    if (!running) {
        return;
    }
    shim_digester_resume(g->digester);
    run_timers_resume();
    shim_console_resume(g->console);
    if (gate_resumes_unseen(g->gate)) {
        return;
    }
    host_tap_begin(g->tap, &entry);
    for (unsigned i = 0; i < g->nr_parts; i++) {
        if (g->parts[i].ops->resumed) {
            g->parts[i].ops->resumed(g->parts[i].part);
        }
    }
    host_tap_end(g->tap, NULL, 0);
}

/* Construction */

static Clock *make_clock(Guest *g, Error **errp)
{
    HostProfile profile = g->options.profile;
    g_autoptr(GError) error = NULL;

    if (!(profile.set & HOST_PROFILE_WALLCLOCK)) {
        struct tm tm;

        qemu_get_timedate(&tm, 0);
        profile.wallclock_ns = mktimegm(&tm) * NANOSECONDS_PER_SECOND;
        profile.set |= HOST_PROFILE_WALLCLOCK;
    }
    if (!host_profile_check(&profile, &error)) {
        error_setg(errp, "host profile (wall clock from -rtc): %s",
                   error->message);
        return NULL;
    }
    return clock_new(&profile, g->options.tsc_mode, g->nr_vcpus,
                     qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
}

static void console_written(void *opaque, const uint8_t *buf, size_t len)
{
    Guest *g = opaque;

    shim_console_set_bytes(g->console, shim_console_bytes(g->console) + len);
    gate_output(g->gate, buf, len);
}

/* Only Xen brings a console; else a device of the machine's is counted. */
static bool make_console(Guest *g, Error **errp)
{
    bool ours = g->options.kind->flags & GUEST_XEN;
    const char *chardev = g->options.console;

    g->console = shim_console_new(ours ? chardev : NULL, g->gate, console_input,
                                  g, errp);
    return g->console &&
           (ours || !chardev ||
            chardev_count(chardev, g->gate, console_written, g, errp));
}

static bool make_parts(Guest *g, Error **errp)
{
    unsigned flags = g->options.kind->flags;

    return (!(flags & GUEST_KVM) || guest_kvm_new(g, errp)) &&
           (!(flags & GUEST_XEN) || guest_xen_new(g, errp)) &&
           guest_apic_new(g, errp);
}

static void make_timers(Guest *g)
{
    g->pending = g_array_new(false, false, sizeof(CutSpec));
    g->cuts = g_array_new(false, false, sizeof(GuestCut));
    g->digests = g_array_new(false, false, sizeof(GuestDigest));
    run_timer_init(&g->cut_timer, cut_timer_fired, g);
    g_array_append_vals(g->pending, g->options.cuts->data,
                        g->options.cuts->len);
    g_array_sort(g->pending, compare_cuts);
    guest_arm_cut_timer(g);
    run_timer_init(&g->digest_timer, digest_timer_fired, g);
    guest_arm_digest_timer(g);
}

Guest *guest_new(const GuestOptions *options, Error **errp)
{
    Guest *g;

    if (!object_dynamic_cast(OBJECT(current_machine), TYPE_X86_MACHINE)) {
        error_setg(errp, "machine %s: guest=%s needs pc, q35 or microvm",
                   MACHINE_GET_CLASS(current_machine)->name,
                   options->kind->name);
        return NULL;
    }
    if (options->cuts->len > GUEST_CUTS_MAX) {
        error_setg(errp, "%u options cut=, at most %u", options->cuts->len,
                   GUEST_CUTS_MAX);
        return NULL;
    }
    g = g_new0(Guest, 1);
    g->options = *options;
    g->shutdown_reason = -1;
    g->nr_vcpus = current_machine->smp.max_cpus;
    if (g->nr_vcpus > XEN_DOMAIN_MAX_VCPUS) {
        error_setg(errp, "%u vCPUs: a guest has at most %u", g->nr_vcpus,
                   XEN_DOMAIN_MAX_VCPUS);
        return NULL;
    }
    g->host = host_qemu_new(&host_hooks, g);
    if (!gate_new(&g->options.gate, g, &g->gate, errp)) {
        return NULL;
    }
    if (gate_wants_devices(g->gate)) {
        g->options.devices = GUEST_DEVICES_RECORD;
    }
    if (!guest_tap_new(g, errp) || !make_console(g, errp)) {
        return NULL;
    }
    g->clock = make_clock(g, errp);
    if (!g->clock || !make_parts(g, errp) ||
        !shim_install(g->options.devices == GUEST_DEVICES_RECORD
                          ? &guest_tap_ops
                          : &guest_hypervisor_ops,
                      g, g->nr_vcpus, errp)) {
        return NULL;
    }
    g->digester = shim_digester_new(
        g->options.digest_ns || gate_records(g->gate) || gate_replays(g->gate),
        g->options.digest_verify);
    make_timers(g);
    if (!make_faults(g, errp)) {
        return NULL;
    }
    if (g->options.contention.period_ns) {
        g->contention = contention_new(g->host, &g->options.contention,
                                       g->nr_vcpus, hold_vcpu, g);
    }
    guest_register_vmstate(g);
    guest_register_reset(g);
    qemu_add_vm_change_state_handler(run_state_changed, g);
    return gate_start(g->gate, errp) ? g : NULL;
}

/* Views */

const GuestOptions *guest_options(const Guest *g)
{
    return &g->options;
}

Clock *guest_clock(const Guest *g)
{
    return g->clock;
}

XenDomain *guest_domain(const Guest *g)
{
    return g->domain;
}

KvmGuest *guest_kvm(const Guest *g)
{
    return g->kvm;
}

void *guest_xenstore(const Guest *g)
{
    return g->tree;
}

unsigned guest_nr_vcpus(const Guest *g)
{
    return g->nr_vcpus;
}

Gate *guest_gate(const Guest *g)
{
    return g->gate;
}

const GArray *guest_cuts(const Guest *g)
{
    return g->cuts;
}

const GArray *guest_pending_cuts(const Guest *g)
{
    return g->pending;
}

ShimDigester *guest_digester(const Guest *g)
{
    return g->digester;
}

const GArray *guest_digests(const Guest *g)
{
    return g->digests;
}

bool guest_type(Guest *g, const uint8_t *buf, size_t len, Error **errp)
{
    if (!(g->options.kind->flags & GUEST_XEN)) {
        error_setg(errp, "the guest has no console of Xen's");
        return false;
    }
    if (!shim_console_type(g->console, buf, len)) {
        error_setg(errp, "the console has no room for %zu bytes", len);
        return false;
    }
    return true;
}

uint64_t guest_console_bytes(const Guest *g)
{
    return shim_console_bytes(g->console);
}

bool guest_console_full(const Guest *g)
{
    return shim_console_full(g->console) || chardev_count_full();
}

int guest_shutdown_reason(const Guest *g)
{
    return g->shutdown_reason;
}
