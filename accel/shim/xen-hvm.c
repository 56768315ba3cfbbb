/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Xen domain under QEMU's machine: hypervisor entries, life cycle, cuts and
 * digests.  Migration state is in xen-hvm-vmstate.c.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qemu/uuid.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/i386/x86.h"
#include "system/cpu-timers.h"
#include "system/reset.h"
#include "system/rtc.h"
#include "system/runstate.h"
#include "system/system.h"
#include "accel/shim/digest.h"
#include "accel/shim/events.h"
#include "accel/shim/host-qemu.h"
#include "accel/shim/vcpu.h"
#include "accel/shim/xen-hvm-internal.h"
#include "accel/shim/xenstore-host.h"
#include "accel/shim/xenstore-qemu.h"
#include <xen/sched.h>

/* Hypervisor entries */

static void hv_cpuid(void *opaque, unsigned vcpu, uint32_t leaf,
                     uint32_t subleaf, uint32_t regs[4])
{
    XenHvm *x = opaque;
    bool invtsc = clock_invtsc(x->clock);
    XenCpuid out;

    if (xen_domain_cpuid(x->domain, vcpu, leaf, subleaf, &out)) {
        regs[0] = out.eax;
        regs[1] = out.ebx;
        regs[2] = out.ecx;
        regs[3] = out.edx;
        return;
    }
    switch (leaf) {
    case 1:
        regs[2] |= CPUID_EXT_HYPERVISOR;
        break;
    case 0x80000000:
        if (invtsc && regs[0] < 0x80000007) {
            regs[0] = 0x80000007;
        }
        break;
    case 0x80000001:
        regs[2] &= ~CPUID_EXT3_SVM;
        break;
    case 0x80000007:
        regs[3] &= ~CPUID_APM_INVTSC;
        regs[3] |= invtsc ? CPUID_APM_INVTSC : 0;
        break;
    case 0x8000000a:
        memset(regs, 0, 4 * sizeof(regs[0]));
        break;
    }
}

static ShimMsrResult hv_msr_result(XenMsrResult result)
{
    switch (result) {
    case XEN_MSR_OK:
        return SHIM_MSR_OK;
    case XEN_MSR_GP:
        return SHIM_MSR_GP;
    case XEN_MSR_NOT_OURS:
        break;
    }
    return SHIM_MSR_NOT_OURS;
}

static ShimMsrResult hv_rdmsr(void *opaque, unsigned vcpu, uint32_t index,
                              uint64_t *value)
{
    XenHvm *x = opaque;

    return hv_msr_result(xen_domain_rdmsr(x->domain, vcpu, index, value));
}

static ShimMsrResult hv_wrmsr(void *opaque, unsigned vcpu, uint32_t index,
                              uint64_t value)
{
    XenHvm *x = opaque;
    XenMsrResult result = xen_domain_wrmsr(x->domain, vcpu, index, value);

    shim_tsc_changed();
    return hv_msr_result(result);
}

static int64_t hv_hypercall(void *opaque, unsigned vcpu, ShimHypercall *call)
{
    XenHvm *x = opaque;
    XenHypercall xc = {
        .long_mode = call->long_mode,
        .privileged = call->privileged,
        .nr = call->nr,
    };
    int64_t ret;

    memcpy(xc.args, call->args, sizeof(xc.args));
    ret = xen_domain_hypercall(x->domain, vcpu, &xc);
    memcpy(call->args, xc.args, sizeof(xc.args));
    call->again = xc.again;
    return ret;
}

static uint64_t hv_rdtsc(void *opaque, unsigned vcpu)
{
    XenHvm *x = opaque;

    return clock_guest_tsc(x->clock, vcpu,
                           qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
}

static bool hv_tsc_is_offset(void *opaque, unsigned vcpu, uint64_t *offset)
{
    XenHvm *x = opaque;

    return clock_tsc_is_offset(x->clock, vcpu, offset);
}

static void hv_halted(void *opaque, unsigned vcpu, bool interrupts)
{
    XenHvm *x = opaque;

    xen_domain_vcpu_halted(x->domain, vcpu, interrupts);
}

static void hv_running(void *opaque, unsigned vcpu)
{
    XenHvm *x = opaque;

    xen_domain_vcpu_running(x->domain, vcpu);
}

static void hv_init(void *opaque, unsigned vcpu)
{
    XenHvm *x = opaque;

    xen_domain_reset_vcpu(x->domain, vcpu);
}

static bool hv_upcall_due(void *opaque, unsigned vcpu)
{
    XenHvm *x = opaque;

    return xen_domain_vcpu_upcall_due(x->domain, vcpu);
}

static const ShimHypervisorOps hypervisor_ops = {
    .cpuid = hv_cpuid,
    .rdmsr = hv_rdmsr,
    .wrmsr = hv_wrmsr,
    .hypercall = hv_hypercall,
    .rdtsc = hv_rdtsc,
    .tsc_is_offset = hv_tsc_is_offset,
    .halted = hv_halted,
    .running = hv_running,
    .init = hv_init,
    .upcall_due = hv_upcall_due,
};

/* Digests */

/* Is the machine's state a function of its configuration? */
static bool digests_wanted(void)
{
    /* Without icount, or once the machine stops, it depends on the host. */
    return icount_enabled() && runstate_is_running() &&
           qemu_shutdown_requested_get() == SHUTDOWN_CAUSE_NONE;
}

static void take_digest(XenHvm *x, const char *reason)
{
    XenHvmDigest digest = {
        .at_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
        .reason = reason,
    };
    g_autoptr(GByteArray) state = NULL;
    Error *err = NULL;

    if (!digests_wanted()) {
        return;
    }
    state = xen_hvm_state(x);
    digest.sha256 = shim_digest(state, &err);
    if (!digest.sha256) {
        error_report_err(err);
        return;
    }
    g_array_append_val(x->digests, digest);
}

static void digest_timer_fired(void *opaque)
{
    XenHvm *x = opaque;

    take_digest(x, "interval");
    x->next_digest_ns += x->options.digest_ns;
    timer_mod_ns(x->digest_timer, x->next_digest_ns);
}

/* Digests are taken at multiples of the interval: after a load, the next. */
void xen_hvm_arm_digest_timer(XenHvm *x)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    int64_t interval = x->options.digest_ns;

    if (interval) {
        x->next_digest_ns = (now / interval + 1) * interval;
        timer_mod_ns(x->digest_timer, x->next_digest_ns);
    }
}

/* Cuts */

void xen_hvm_arm_cut_timer(XenHvm *x)
{
    if (x->pending->len) {
        timer_mod_ns(x->cut_timer, g_array_index(x->pending, CutSpec, 0).at_ns);
    } else {
        timer_del(x->cut_timer);
    }
}

static bool cut_now(XenHvm *x, const HostProfile *profile, GError **error)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    XenHvmCut done = {.console_bytes = shim_console_bytes(x->console)};

    if (!clock_cut(x->clock, now, profile, &done.cut, error)) {
        return false;
    }
    x->host->ops->trace(x->host, HOST_TRACE_cut, now,
                        done.cut.system_time_after, done.cut.tsc_after,
                        done.cut.guest_khz_after);
    xen_domain_clock_changed(x->domain);
    shim_tsc_changed();
    g_array_append_val(x->cuts, done);
    take_digest(x, "cut");
    shim_event_cut(&done);
    return true;
}

static void cut_timer_fired(void *opaque)
{
    XenHvm *x = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    while (x->pending->len) {
        CutSpec spec = g_array_index(x->pending, CutSpec, 0);
        g_autoptr(GError) error = NULL;

        if (spec.at_ns > now) {
            break;
        }
        g_array_remove_index(x->pending, 0);
        if (!cut_now(x, &spec.profile, &error)) {
            error_report("cut at %" PRId64 " ns: %s", spec.at_ns,
                         error->message);
        }
    }
    xen_hvm_arm_cut_timer(x);
}

static gint compare_cuts(gconstpointer a, gconstpointer b)
{
    const CutSpec *ca = a, *cb = b;

    return (ca->at_ns > cb->at_ns) - (ca->at_ns < cb->at_ns);
}

bool xen_hvm_cut(XenHvm *x, const HostProfile *profile, int64_t at_ns,
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
        if (!cut_now(x, profile, &error)) {
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
    g_array_append_val(x->pending, spec);
    g_array_sort(x->pending, compare_cuts);
    xen_hvm_arm_cut_timer(x);
    return true;
}

/* Shutdown, console, reset */

/*
 * On the vCPU's thread, when it no longer executes: so a digest of the end is
 * of a machine at an exact instruction.
 */
static void shutdown_work(CPUState *cs, run_on_cpu_data data)
{
    XenHvm *x = data.host_ptr;

    take_digest(x, "shutdown");
    switch (x->shutdown_reason) {
    case SHUTDOWN_reboot:
    case SHUTDOWN_soft_reset:
        qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
        break;
    case SHUTDOWN_crash:
        qemu_system_guest_panicked(NULL);
        break;
    case SHUTDOWN_suspend:
        qemu_system_vmstop_request_prepare();
        qemu_system_vmstop_request(RUN_STATE_PAUSED);
        break;
    default:
        qemu_system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
        break;
    }
}

/* xen: common/domain.c, domain_shutdown: every vCPU is paused */
static void host_hook_shutdown(void *opaque, unsigned vcpu, unsigned reason)
{
    XenHvm *x = opaque;
    CPUState *cs = qemu_get_cpu(vcpu);

    x->shutdown_reason = reason;
    xenstore_qemu_released(x->tree);
    for (unsigned i = 0; i < x->nr_vcpus; i++) {
        shim_vcpu_offline(i);
    }
    async_run_on_cpu(cs ? cs : first_cpu, shutdown_work,
                     RUN_ON_CPU_HOST_PTR(x));
}

static void host_hook_console_write(void *opaque, const uint8_t *buf,
                                    size_t len)
{
    XenHvm *x = opaque;

    shim_console_write(x->console, buf, len);
}

static void host_hook_console_accept(void *opaque)
{
    XenHvm *x = opaque;

    shim_console_accept(x->console);
}

static const HostQemuHooks host_hooks = {
    .shutdown = host_hook_shutdown,
    .console_write = host_hook_console_write,
    .console_accept = host_hook_console_accept,
};

static size_t console_input(void *opaque, const uint8_t *buf, size_t len)
{
    XenHvm *x = opaque;

    return xen_domain_console_receive(x->domain, buf, len);
}

static void xen_hvm_reset(void *opaque)
{
    XenHvm *x = opaque;

    shim_reset();
    x->shutdown_reason = -1;
    xen_domain_reset(x->domain);
    xenstore_qemu_released(x->tree);
    xenstore_qemu_reset(x->tree);
    xenstore_qemu_introduced(x->tree);
    shim_xenstore_replaced();
    shim_tsc_changed();
}

/* Construction */

static Clock *make_clock(XenHvm *x, Error **errp)
{
    HostProfile profile = x->options.profile;
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
    return clock_new(&profile, x->options.tsc_mode, x->nr_vcpus,
                     qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
}

static bool make_domain(XenHvm *x, Error **errp)
{
    XenDomainConfig config = {
        .nr_vcpus = x->nr_vcpus,
        .version_major = x->options.version_major,
        .version_minor = x->options.version_minor,
        .domid = x->options.domid,
        .nr_pages = current_machine->ram_size >> HOST_PAGE_SHIFT,
    };
    g_autoptr(GError) error = NULL;

    memcpy(config.uuid, qemu_uuid.data, sizeof(config.uuid));
    x->tree = xenstore_qemu_new(x->options.domid, errp);
    if (!x->tree) {
        return false;
    }
    x->domain = xen_domain_new(x->host, x->clock, &config, &xenstore_qemu_ops,
                               x->tree, &error);
    if (!x->domain) {
        error_setg(errp, "%s", error->message);
        return false;
    }
    return true;
}

static void make_timers(XenHvm *x)
{
    x->pending = g_array_new(false, false, sizeof(CutSpec));
    x->cuts = g_array_new(false, false, sizeof(XenHvmCut));
    x->digests = g_array_new(false, false, sizeof(XenHvmDigest));
    x->cut_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, cut_timer_fired, x);
    g_array_append_vals(x->pending, x->options.cuts->data,
                        x->options.cuts->len);
    g_array_sort(x->pending, compare_cuts);
    xen_hvm_arm_cut_timer(x);
    x->digest_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, digest_timer_fired, x);
    xen_hvm_arm_digest_timer(x);
}

XenHvm *xen_hvm_new(const XenHvmOptions *options, Error **errp)
{
    XenHvm *x;

    if (!object_dynamic_cast(OBJECT(current_machine), TYPE_X86_MACHINE)) {
        error_setg(errp, "machine %s: a Xen HVM guest needs pc, q35 or microvm",
                   MACHINE_GET_CLASS(current_machine)->name);
        return NULL;
    }
    x = g_new0(XenHvm, 1);
    x->options = *options;
    x->shutdown_reason = -1;
    x->nr_vcpus = current_machine->smp.max_cpus;
    if (x->nr_vcpus > XEN_DOMAIN_MAX_VCPUS) {
        error_setg(errp, "%u vCPUs: a HVM guest has at most %u", x->nr_vcpus,
                   XEN_DOMAIN_MAX_VCPUS);
        return NULL;
    }
    x->host = host_qemu_new(&host_hooks, x);
    x->console = shim_console_new(x->options.console, console_input, x, errp);
    if (!x->console) {
        return NULL;
    }
    x->clock = make_clock(x, errp);
    if (!x->clock || !make_domain(x, errp) ||
        !shim_install(&hypervisor_ops, x, x->nr_vcpus, errp)) {
        return NULL;
    }
    make_timers(x);
    xen_hvm_register_vmstate(x);
    qemu_register_reset(xen_hvm_reset, x);
    return x;
}

/* Views */

const XenHvmOptions *xen_hvm_options(const XenHvm *x)
{
    return &x->options;
}

Clock *xen_hvm_clock(const XenHvm *x)
{
    return x->clock;
}

XenDomain *xen_hvm_domain(const XenHvm *x)
{
    return x->domain;
}

void *xen_hvm_tree(const XenHvm *x)
{
    return x->tree;
}

unsigned xen_hvm_nr_vcpus(const XenHvm *x)
{
    return x->nr_vcpus;
}

const GArray *xen_hvm_cuts(const XenHvm *x)
{
    return x->cuts;
}

const GArray *xen_hvm_pending_cuts(const XenHvm *x)
{
    return x->pending;
}

const GArray *xen_hvm_digests(const XenHvm *x)
{
    return x->digests;
}

uint64_t xen_hvm_console_bytes(const XenHvm *x)
{
    return shim_console_bytes(x->console);
}

int xen_hvm_shutdown_reason(const XenHvm *x)
{
    return x->shutdown_reason;
}
