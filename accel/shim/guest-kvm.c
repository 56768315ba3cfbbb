/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a guest that is KVM, alone or beside Xen.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "accel/shim/guest-internal.h"

static bool part_cpuid(void *part, unsigned vcpu, uint32_t leaf,
                       uint32_t subleaf, uint32_t regs[4])
{
    Guest *g = part;
    GuestCpuid out;

    if (!kvm_guest_cpuid(g->kvm, leaf, &out)) {
        return false;
    }
    regs[0] = out.eax;
    regs[1] = out.ebx;
    regs[2] = out.ecx;
    regs[3] = out.edx;
    return true;
}

/* Alone, it leaves the other hypervisors' leaves empty too. */
static bool part_cpuid_alone(void *part, unsigned vcpu, uint32_t leaf,
                             uint32_t subleaf, uint32_t regs[4])
{
    if (part_cpuid(part, vcpu, leaf, subleaf, regs)) {
        return true;
    }
    if (leaf >> 28 == KVM_CPUID_BASE_ALONE >> 28) {
        memset(regs, 0, 4 * sizeof(regs[0]));
        return true;
    }
    return false;
}

static GuestMsrResult part_rdmsr(void *part, unsigned vcpu, uint32_t index,
                                 uint64_t *value)
{
    Guest *g = part;

    return kvm_guest_rdmsr(g->kvm, vcpu, index, value);
}

static GuestMsrResult part_wrmsr(void *part, unsigned vcpu, uint32_t index,
                                 uint64_t value)
{
    Guest *g = part;

    return kvm_guest_wrmsr(g->kvm, vcpu, index, value);
}

static int64_t part_hypercall(void *part, unsigned vcpu, ShimHypercall *call)
{
    Guest *g = part;
    KvmHypercall kc = {
        .long_mode = call->long_mode,
        .privileged = call->privileged,
        .nr = call->nr,
    };

    memcpy(kc.args, call->regs, sizeof(kc.args));
    return kvm_guest_hypercall(g->kvm, vcpu, &kc);
}

static void part_halted(void *part, unsigned vcpu, bool interrupts)
{
    Guest *g = part;

    kvm_guest_vcpu_state(g->kvm, vcpu, KVM_VCPU_BLOCKED);
}

static void part_runnable(void *part, unsigned vcpu)
{
    Guest *g = part;

    kvm_guest_vcpu_state(g->kvm, vcpu, KVM_VCPU_RUNNABLE);
}

static void part_running(void *part, unsigned vcpu)
{
    Guest *g = part;

    kvm_guest_vcpu_state(g->kvm, vcpu, KVM_VCPU_RUNNING);
}

static void part_init(void *part, unsigned vcpu)
{
    Guest *g = part;

    kvm_guest_vcpu_init(g->kvm, vcpu);
}

static void part_tsc_written(void *part, unsigned vcpu)
{
    Guest *g = part;

    kvm_guest_tsc_written(g->kvm, vcpu);
}

static void part_stopped(void *part)
{
    Guest *g = part;

    kvm_guest_stopped(g->kvm);
}

static void part_reset(void *part)
{
    Guest *g = part;

    kvm_guest_reset(g->kvm);
}

static void part_save(void *part, StateWriter *w)
{
    Guest *g = part;

    kvm_guest_save(g->kvm, w);
}

static void part_load(void *part, StateReader *r)
{
    Guest *g = part;

    kvm_guest_load(g->kvm, r);
}

#define PART_OPS                                                           \
    .rdmsr = part_rdmsr, .wrmsr = part_wrmsr, .halted = part_halted,       \
    .runnable = part_runnable, .running = part_running, .init = part_init, \
    .tsc_written = part_tsc_written, .clock_changed = part_stopped,        \
    .resumed = part_stopped, .reset = part_reset, .save = part_save,       \
    .load = part_load

static const GuestPartOps alone_ops = {
    .cpuid = part_cpuid_alone,
    .hypercall = part_hypercall,
    PART_OPS,
};

/* linux: kvm_xen_hypercall_enabled: all hypercalls are Xen's then. */
static const GuestPartOps beside_ops = {
    .cpuid = part_cpuid,
    PART_OPS,
};

bool guest_kvm_new(Guest *g, Error **errp)
{
    bool alone = !(g->options.kind->flags & GUEST_XEN);

    g->kvm =
        kvm_guest_new(g->host, g->clock, g->nr_vcpus,
                      alone ? KVM_CPUID_BASE_ALONE : KVM_CPUID_BASE_BESIDE);
    if (!g->kvm) {
        error_setg(errp, "kvm guest: no timer to be had");
        return false;
    }
    guest_add_part(g, alone ? &alone_ops : &beside_ops, g);
    return true;
}
