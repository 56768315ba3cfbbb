/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls of a guest's vCPUs into its hypervisor, written down; and all
 * calls, made again without a guest.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "cpu.h"
#include "exec/ioport.h"
#include "hw/core/cpu.h"
#include "hw/intc/ioapic.h"
#include "system/qtest.h"
#include "accel/shim/guest-internal.h"
#include "accel/shim/guest-tap.h"
#include "accel/shim/xen-pirq.h"
#include "accel/shim/xenstore-host.h"
#include "accel/shim/xenstore-qemu.h"
#include "hw/xen/pirq.h"
#include <xen/sched.h>

#define HYPERVISOR_LEAVES 0x4u /* leaf >> 28 */

/* Configuration mechanism #1, and the PAM registers of host bridges */
#define PCI_CONFIG_ADDRESS 0xcf8
#define PCI_CONFIG_DATA    0xcfc
#define PCI_CONFIG_ENABLE  0x80000000u
#define I440FX_ID          0x12378086u
#define I440FX_PAM_FIRST   0x59u
#define Q35_ID             0x29c08086u
#define Q35_PAM_FIRST      0x90u
#define PAM_NR_REGS        7u
#define PAM_ALL_RAM        0x33u

#define PROFILE_FIELDS (2u * HOST_PROFILE_DOWNTIME - 1)

static const ShimHypervisorOps *const stock = &guest_hypervisor_ops;

static bool is_apic_register(uint32_t index)
{
    return index >= MSR_APIC_START && index <= MSR_APIC_END;
}

/* Entries: the opaque is the Guest. */

static void tap_cpuid(void *opaque, unsigned vcpu, uint32_t leaf,
                      uint32_t subleaf, uint32_t regs[4])
{
    TapEntry entry = {.kind = TAP_CPUID, .arg = {vcpu, leaf, subleaf}};
    Guest *g = opaque;

    if (leaf >> 28 != HYPERVISOR_LEAVES) {
        stock->cpuid(g, vcpu, leaf, subleaf, regs);
        return;
    }
    host_tap_begin(g->tap, &entry);
    stock->cpuid(g, vcpu, leaf, subleaf, regs);
    host_tap_end(g->tap, (uint64_t[]){regs[0], regs[1], regs[2], regs[3]}, 4);
}

static GuestMsrResult tap_rdmsr(void *opaque, unsigned vcpu, uint32_t index,
                                uint64_t *value)
{
    TapEntry entry = {.kind = TAP_RDMSR, .arg = {vcpu, index}};
    Guest *g = opaque;
    GuestMsrResult result;

    if (is_apic_register(index)) {
        return stock->rdmsr(g, vcpu, index, value);
    }
    host_tap_begin(g->tap, &entry);
    result = stock->rdmsr(g, vcpu, index, value);
    if (result == GUEST_MSR_NOT_OURS) {
        host_tap_end_quiet(g->tap, NULL, 0);
    } else {
        host_tap_end(g->tap,
                     (uint64_t[]){result, result == GUEST_MSR_OK ? *value : 0},
                     2);
    }
    return result;
}

static GuestMsrResult tap_wrmsr(void *opaque, unsigned vcpu, uint32_t index,
                                uint64_t value)
{
    TapEntry entry = {.kind = TAP_WRMSR, .arg = {vcpu, index, value}};
    Guest *g = opaque;
    GuestMsrResult result;

    if (is_apic_register(index)) {
        return stock->wrmsr(g, vcpu, index, value);
    }
    host_tap_begin(g->tap, &entry);
    result = stock->wrmsr(g, vcpu, index, value);
    if (result == GUEST_MSR_NOT_OURS) {
        host_tap_end_quiet(g->tap, (uint64_t[]){result}, 1);
    } else {
        host_tap_end(g->tap, (uint64_t[]){result}, 1);
    }
    return result;
}

static int64_t tap_hypercall(void *opaque, unsigned vcpu, ShimHypercall *call)
{
    Guest *g = opaque;
    TapEntry entry = {
        .kind = TAP_HYPERCALL,
        .arg = {vcpu,
                (call->long_mode ? TAP_HYPERCALL_LONG_MODE : 0) |
                    (call->privileged ? TAP_HYPERCALL_PRIVILEGED : 0),
                call->nr},
    };
    int64_t ret;

    /* KVM's arguments are in other registers. */
    if (g->domain) {
        memcpy(entry.arg + 3, call->args, sizeof(call->args));
    } else {
        memcpy(entry.arg + 3, call->regs, sizeof(call->regs));
    }
    host_tap_begin(g->tap, &entry);
    ret = stock->hypercall(g, vcpu, call);
    host_tap_end(g->tap, (uint64_t[]){(uint64_t)ret, 1}, call->again ? 2 : 1);
    return ret;
}

static uint64_t tap_rdtsc(void *opaque, unsigned vcpu)
{
    return stock->rdtsc(opaque, vcpu);
}

static bool tap_tsc_is_offset(void *opaque, unsigned vcpu, uint64_t *offset)
{
    return stock->tsc_is_offset(opaque, vcpu, offset);
}

static void tap_halted(void *opaque, unsigned vcpu, bool interrupts)
{
    TapEntry entry = {.kind = TAP_HALTED, .arg = {vcpu, interrupts}};
    Guest *g = opaque;

    host_tap_begin(g->tap, &entry);
    stock->halted(g, vcpu, interrupts);
    host_tap_end(g->tap, NULL, 0);
}

static void tap_vcpu_call(Guest *g, TapEntryKind kind, unsigned vcpu,
                          void (*fn)(void *opaque, unsigned vcpu))
{
    TapEntry entry = {.kind = kind, .arg = {vcpu}};

    host_tap_begin(g->tap, &entry);
    fn(g, vcpu);
    host_tap_end(g->tap, NULL, 0);
}

static void tap_runnable(void *opaque, unsigned vcpu)
{
    tap_vcpu_call(opaque, TAP_RUNNABLE, vcpu, stock->runnable);
}

static void tap_running(void *opaque, unsigned vcpu)
{
    tap_vcpu_call(opaque, TAP_RUNNING, vcpu, stock->running);
}

static void tap_init(void *opaque, unsigned vcpu)
{
    tap_vcpu_call(opaque, TAP_INIT, vcpu, stock->init);
}

static bool tap_nmi(void *opaque, unsigned vcpu)
{
    TapEntry entry = {.kind = TAP_NMI, .arg = {vcpu}};
    Guest *g = opaque;
    bool taken;

    host_tap_begin(g->tap, &entry);
    taken = stock->nmi(g, vcpu);
    host_tap_end(g->tap, (uint64_t[]){taken}, 1);
    return taken;
}

/* Asked each time a vCPU looks for interrupts: changes count. */
static bool tap_upcall_due(void *opaque, unsigned vcpu)
{
    TapEntry entry = {.kind = TAP_UPCALL, .arg = {vcpu}};
    Guest *g = opaque;
    uint64_t due;

    host_tap_begin(g->tap, &entry);
    due = stock->upcall_due(g, vcpu);
    if (due == g->tap_upcall[vcpu]) {
        host_tap_end_quiet(g->tap, &due, 1);
    } else {
        host_tap_end(g->tap, &due, 1);
    }
    g->tap_upcall[vcpu] = due;
    return due;
}

const ShimHypervisorOps guest_tap_ops = {
    .cpuid = tap_cpuid,
    .rdmsr = tap_rdmsr,
    .wrmsr = tap_wrmsr,
    .hypercall = tap_hypercall,
    .rdtsc = tap_rdtsc,
    .tsc_is_offset = tap_tsc_is_offset,
    .halted = tap_halted,
    .runnable = tap_runnable,
    .running = tap_running,
    .init = tap_init,
    .nmi = tap_nmi,
    .upcall_due = tap_upcall_due,
};

/* Replay */

static unsigned run_hypercall(Guest *g, const TapEntry *e, uint64_t answer[])
{
    ShimHypercall call = {
        .long_mode = e->arg[1] & TAP_HYPERCALL_LONG_MODE,
        .privileged = e->arg[1] & TAP_HYPERCALL_PRIVILEGED,
        .nr = e->arg[2],
    };

    memcpy(call.args, e->arg + 3, sizeof(call.args));
    memcpy(call.regs, e->arg + 3, sizeof(call.regs));
    answer[0] = (uint64_t)stock->hypercall(g, e->arg[0], &call);
    answer[1] = 1;
    return call.again ? 2 : 1;
}

static unsigned run_cpuid(Guest *g, const TapEntry *e, uint64_t answer[])
{
    uint32_t regs[4] = {0};

    stock->cpuid(g, e->arg[0], e->arg[1], e->arg[2], regs);
    for (unsigned i = 0; i < 4; i++) {
        answer[i] = regs[i];
    }
    return 4;
}

static unsigned run_rdmsr(Guest *g, const TapEntry *e, uint64_t answer[])
{
    answer[1] = 0;
    answer[0] = stock->rdmsr(g, e->arg[0], e->arg[1], &answer[1]);
    return 2;
}

static unsigned run_cut(Guest *g, const TapEntry *e)
{
    HostProfile profile = {
        .set = e->arg[0],
        .uptime_ns = e->arg[1],
        .tsc = e->arg[2],
        .tsc_khz = e->arg[3],
        .invtsc = e->arg[4] != 0,
        .tsc_scaling = e->arg[5] != 0,
        .wallclock_ns = (gint64)e->arg[6],
        .downtime_ns = e->arg[7],
    };

    /* Whoever wrote it down had it checked. */
    if (!(profile.set & ~PROFILE_FIELDS) &&
        host_profile_check(&profile, NULL)) {
        guest_cut_now(g, &profile, e->kind == TAP_RESTORED, NULL);
    }
    return 0;
}

static unsigned run_parts(Guest *g, void (*(*op)(const GuestPartOps *))(void *))
{
    for (unsigned i = 0; i < g->nr_parts; i++) {
        void (*fn)(void *) = op(g->parts[i].ops);

        if (fn) {
            fn(g->parts[i].part);
        }
    }
    return 0;
}

static void (*resumed_op(const GuestPartOps *ops))(void *)
{
    return ops->resumed;
}

bool guest_tap_fault(Guest *g, const char *text, Error **errp)
{
    TapEntry entry = {
        .kind = TAP_FAULT, .data = (const uint8_t *)text, .len = strlen(text)};
    g_autoptr(GError) error = NULL;
    FaultSpec spec;
    uint64_t taken;

    if (!fault_spec_parse(&spec, text, &error)) {
        error_setg(errp, "%s", error->message);
        return false;
    }
    host_tap_begin(g->tap, &entry);
    taken = guest_fault(g, &spec, errp);
    host_tap_end(g->tap, &taken, 1);
    return taken;
}

static uint64_t run_fault(Guest *g, const TapEntry *e)
{
    g_autofree char *text = g_strndup((const char *)e->data, e->len);

    return guest_tap_fault(g, text, NULL);
}

/* What the entries of vCPUs take; others have no vCPU. */
static bool has_vcpu(TapEntryKind kind)
{
    return kind <= TAP_LVT;
}

static unsigned run_xen(Guest *g, const TapEntry *e, uint64_t answer[])
{
    switch (e->kind) {
    case TAP_GSI:
        if (e->arg[0] >= IOAPIC_NUM_PINS) {
            return 0;
        }
        answer[0] = xen_domain_gsi(g->domain, e->arg[0], e->arg[1]);
        return 1;
    case TAP_MSI:
        answer[0] = xen_domain_msi(g->domain, e->arg[0], e->arg[1]);
        return 1;
    case TAP_RTC:
        answer[0] = guest_xen_rtc_moved(g, (int64_t)e->arg[0]);
        return 1;
    case TAP_CANCELLED:
        if (g->shutdown_reason == SHUTDOWN_suspend) {
            guest_xen_cancelled(g);
        }
        return 0;
    case TAP_RESTORED:
        return g->shutdown_reason == SHUTDOWN_suspend ? run_cut(g, e) : 0;
    case TAP_SOFT_RESET:
        if (g->shutdown_reason == SHUTDOWN_soft_reset) {
            guest_xen_soft_reset(g);
        }
        return 0;
    case TAP_STORE_WRITE:
    case TAP_STORE_REMOVE:
    case TAP_STORE_PERMS:
        answer[0] = shim_xenstore_run(e);
        return 1;
    default:
        return 0;
    }
}

static unsigned run_vcpu(Guest *g, const TapEntry *e, uint64_t answer[])
{
    unsigned vcpu = e->arg[0];

    switch (e->kind) {
    case TAP_HYPERCALL:
        return run_hypercall(g, e, answer);
    case TAP_CPUID:
        return run_cpuid(g, e, answer);
    case TAP_RDMSR:
        return run_rdmsr(g, e, answer);
    case TAP_WRMSR:
        answer[0] = stock->wrmsr(g, vcpu, e->arg[1], e->arg[2]);
        return 1;
    case TAP_HALTED:
        stock->halted(g, vcpu, e->arg[1]);
        return 0;
    case TAP_RUNNABLE:
        stock->runnable(g, vcpu);
        return 0;
    case TAP_RUNNING:
        stock->running(g, vcpu);
        return 0;
    case TAP_INIT:
        stock->init(g, vcpu);
        return 0;
    case TAP_NMI:
        answer[0] = stock->nmi(g, vcpu);
        return 1;
    case TAP_UPCALL:
        answer[0] = stock->upcall_due(g, vcpu);
        return 1;
    case TAP_LVT:
        answer[0] = tsc_deadline_lvt_write(g->tsc_deadline, vcpu, e->arg[1]);
        return 1;
    default:
        return 0;
    }
}

static unsigned hook_run(void *opaque, const TapEntry *e, uint64_t answer[])
{
    Guest *g = opaque;

    if (has_vcpu(e->kind)) {
        bool apic = (e->kind == TAP_RDMSR || e->kind == TAP_WRMSR) &&
                    is_apic_register(e->arg[1]);

        /* The registers of QEMU's APIC are asked by a vCPU that executes. */
        return e->arg[0] < g->nr_vcpus && !apic ? run_vcpu(g, e, answer) : 0;
    }
    switch (e->kind) {
    case TAP_INPUT:
        answer[0] = guest_console_input(g, e->data, e->len);
        return 1;
    case TAP_FAULT:
        answer[0] = run_fault(g, e);
        return 1;
    case TAP_CUT:
        return run_cut(g, e);
    case TAP_RESUMED:
        return run_parts(g, resumed_op);
    case TAP_RESET:
        guest_run_reset(g, false);
        return 0;
    case TAP_WAKEUP:
        guest_run_reset(g, true);
        return 0;
    default:
        return g->domain ? run_xen(g, e, answer) : 0;
    }
}

/*
 * Firmware makes the memory below 1 MiB writable; here there is none.  PAM
 * registers of the i440FX and Q35 host bridges, all to RAM.
 */
static void open_low_memory(void)
{
    uint8_t reg;

    cpu_outl(PCI_CONFIG_ADDRESS, PCI_CONFIG_ENABLE);
    switch (cpu_inl(PCI_CONFIG_DATA)) {
    case I440FX_ID:
        reg = I440FX_PAM_FIRST;
        break;
    case Q35_ID:
        reg = Q35_PAM_FIRST;
        break;
    default:
        return;
    }
    for (unsigned i = 0; i < PAM_NR_REGS; i++) {
        cpu_outl(PCI_CONFIG_ADDRESS, PCI_CONFIG_ENABLE | ((reg + i) & ~3u));
        cpu_outb(PCI_CONFIG_DATA + ((reg + i) & 3u), PAM_ALL_RAM);
    }
}

static void hook_set_time(void *opaque, int64_t at_ns)
{
    qemu_clock_advance_virtual_time(at_ns);
}

/* Recording */

static bool hook_translate(void *opaque, unsigned vcpu, uint64_t gva,
                           uint64_t *gfn)
{
    CPUState *cs = qemu_get_cpu(vcpu);
    hwaddr gpa = -1;

    if (cs) {
        if (!(cpu_env(cs)->hflags & HF_LMA_MASK)) {
            gva = (uint32_t)gva;
        }
        gpa = cpu_get_phys_page_debug(cs, gva & TARGET_PAGE_MASK);
    }
    *gfn = gpa >> HOST_PAGE_SHIFT;
    return gpa != (hwaddr)-1;
}

static void hook_emit(void *opaque, int64_t at_ns, const char *lines,
                      size_t len)
{
    Guest *g = opaque;

    if (g->tap_sink) {
        g->tap_sink(g->tap_opaque, at_ns, lines, len);
    }
}

static const HostTapHooks tap_hooks = {
    .translate = hook_translate,
    .emit = hook_emit,
    .set_time = hook_set_time,
    .run = hook_run,
};

bool guest_tap_new(Guest *g, Error **errp)
{
    bool replay = g->options.devices == GUEST_DEVICES_REPLAY;

    if (g->options.devices == GUEST_DEVICES_NONE) {
        return true;
    }
    if (replay != qtest_enabled()) {
        error_setg(errp, replay ? "device-replay=on needs -accel qtest"
                                : "device-level records need a guest that "
                                  "executes: not -accel qtest");
        return false;
    }
    g->tap = host_tap_new(g->host, replay ? HOST_TAP_REPLAY : HOST_TAP_RECORD,
                          &tap_hooks, g);
    g->host = host_tap_host(g->tap);
    g->tap_upcall = g_new0(bool, g->nr_vcpus);
    return !g->options.device_log || guest_tap_log_new(g, errp);
}

void guest_tap_set_sink(Guest *g, GuestTapSink *sink, void *opaque)
{
    g->tap_sink = sink;
    g->tap_opaque = opaque;
}

void guest_tap_flush(Guest *g)
{
    host_tap_flush(g->tap);
}

bool guest_tap_run(Guest *g, char **words, unsigned nr_words, GString *answer)
{
    if (!host_tap_replays(g->tap)) {
        g_string_append(answer, "the plugin was not given devices=replay");
        return false;
    }
    if (!host_tap_steps(g->tap)) {
        open_low_memory();
    }
    return host_tap_run(g->tap, words, nr_words, answer);
}
