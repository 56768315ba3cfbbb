/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding Xen, hypercalls, shared pages and the end of a payload.
 */
#include "tests/payload/lib/xen.h"

#define EXIT_PORT 0xf4

uint8_t xen_hypercall_page[PAGE_SIZE] __attribute__((aligned(4096)));

static uint8_t shared_page[PAGE_SIZE] __attribute__((aligned(4096)));
static struct shared_info *shared_info;
static struct vcpu_info *registered[MAX_CPUS];
static uint32_t version;

bool xen_init(void)
{
    for (uint32_t base = XEN_CPUID_FIRST_LEAF; base < 0x40010000;
         base += 0x100) {
        CpuidRegs r = cpu_cpuid(base, 0);

        if (r.ebx == XEN_CPUID_SIGNATURE_EBX &&
            r.ecx == XEN_CPUID_SIGNATURE_ECX &&
            r.edx == XEN_CPUID_SIGNATURE_EDX) {
            uint32_t msr = cpu_cpuid(base + 2, 0).ebx;

            if (cpu_wrmsr(msr, (uintptr_t)xen_hypercall_page) != NO_TRAP) {
                pr("# WRMSR of the hypercall page faulted\n");
                return false;
            }
            version = cpu_cpuid(base + 1, 0).eax;
            return true;
        }
    }
    pr("# no Xen: no CPUID leaf has its signature\n");
    return false;
}

uint32_t xen_version(void)
{
    return version;
}

void xen_exit(XenExit how)
{
    struct sched_shutdown shutdown = {
        .reason = how == XEN_EXIT_POWEROFF ? SHUTDOWN_poweroff : SHUTDOWN_crash,
    };

    if (version) {
        xen_sched_op(SCHEDOP_shutdown, &shutdown);
    }
    port_out(EXIT_PORT, how == XEN_EXIT_POWEROFF ? 32 : 33);
    for (;;) {
        __asm__ volatile("cli\n\thlt");
    }
}

long xen_hypercall(unsigned nr, unsigned long a1, unsigned long a2,
                   unsigned long a3, unsigned long a4)
{
    const uint8_t *entry = xen_hypercall_page + nr * 32;
    long ret;

    if (!version) {
        return -XEN_ENOSYS;
    }
#ifdef __x86_64__
    register unsigned long r10 __asm__("r10") = a4;

    __asm__ volatile("call *%[entry]"
                     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                     : [entry] "r"(entry)
                     : "memory", "r8", "r11", "cc");
#else
    __asm__ volatile("call *%[entry]"
                     : "=a"(ret), "+b"(a1), "+c"(a2), "+d"(a3), "+S"(a4)
                     : [entry] "0"(entry)
                     : "memory", "edi", "cc");
#endif
    return ret;
}

long xen_version_op(unsigned op, void *arg)
{
    return xen_hypercall(__HYPERVISOR_xen_version, op, (uintptr_t)arg, 0, 0);
}

long xen_memory_op(unsigned op, void *arg)
{
    return xen_hypercall(__HYPERVISOR_memory_op, op, (uintptr_t)arg, 0, 0);
}

long xen_vcpu_op(unsigned op, unsigned vcpu, void *arg)
{
    return xen_hypercall(__HYPERVISOR_vcpu_op, op, vcpu, (uintptr_t)arg, 0);
}

long xen_evtchn_op(unsigned op, void *arg)
{
    return xen_hypercall(__HYPERVISOR_event_channel_op, op, (uintptr_t)arg, 0,
                         0);
}

long xen_sched_op(unsigned op, void *arg)
{
    return xen_hypercall(__HYPERVISOR_sched_op, op, (uintptr_t)arg, 0, 0);
}

long xen_hvm_op(unsigned op, void *arg)
{
    return xen_hypercall(__HYPERVISOR_hvm_op, op, (uintptr_t)arg, 0, 0);
}

long xen_set_timer(uint64_t deadline_ns)
{
#ifdef __x86_64__
    return xen_hypercall(__HYPERVISOR_set_timer_op, deadline_ns, 0, 0, 0);
#else
    return xen_hypercall(__HYPERVISOR_set_timer_op, (uint32_t)deadline_ns,
                         (uint32_t)(deadline_ns >> 32), 0, 0);
#endif
}

long xen_hvm_get_param(unsigned index, uint64_t *value)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};
    long ret = xen_hvm_op(HVMOP_get_param, &param);

    *value = param.value;
    return ret;
}

long xen_hvm_set_param(unsigned index, uint64_t value)
{
    struct xen_hvm_param param = {
        .domid = DOMID_SELF, .index = index, .value = value};

    return xen_hvm_op(HVMOP_set_param, &param);
}

#ifdef __x86_64__
#define RAW_CALL(opcode, nr, ret)                                        \
    do {                                                                 \
        register unsigned long r10 __asm__("r10") = 0;                   \
                                                                         \
        __asm__ volatile("1: .byte " opcode "\n2:\n\t" FIXUP("1b", "2b") \
                         : "=a"(ret), "+r"(r10)                          \
                         : "0"(nr), "D"(0ul), "S"(0ul), "d"(0ul)         \
                         : "memory", "r8", "cc");                        \
    } while (0)
#else
#define RAW_CALL(opcode, nr, ret)                                       \
    __asm__ volatile("1: .byte " opcode "\n2:\n\t" FIXUP("1b", "2b")    \
                     : "=a"(ret)                                        \
                     : "0"(nr), "b"(0ul), "c"(0ul), "d"(0ul), "S"(0ul), \
                       "D"(0ul)                                         \
                     : "memory", "cc")
#endif

long xen_vmmcall(unsigned long nr, int *trap)
{
    long ret;

    cpu_clear_trap();
    RAW_CALL("0x0f, 0x01, 0xd9", nr, ret);
    *trap = cpu_trap();
    return ret;
}

long xen_vmcall(unsigned long nr, int *trap)
{
    long ret;

    cpu_clear_trap();
    RAW_CALL("0x0f, 0x01, 0xc1", nr, ret);
    *trap = cpu_trap();
    return ret;
}

struct shared_info *xen_shared_info(void)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = (uintptr_t)shared_page / PAGE_SIZE,
    };
    long ret;

    if (!shared_info) {
        ret = xen_memory_op(XENMEM_add_to_physmap, &map);
        if (ret != 0) {
            error("XENMEM_add_to_physmap of shared_info: %ld", ret);
            return NULL;
        }
        shared_info = (void *)shared_page;
    }
    return shared_info;
}

struct vcpu_info *xen_vcpu_info(unsigned vcpu)
{
    struct shared_info *shared = xen_shared_info();

    if (registered[vcpu]) {
        return registered[vcpu];
    }
    return shared ? &shared->vcpu_info[vcpu] : NULL;
}

long xen_register_vcpu_info(unsigned vcpu, struct vcpu_info *info)
{
    struct vcpu_register_vcpu_info where = {
        .mfn = (uintptr_t)info / PAGE_SIZE,
        .offset = (uintptr_t)info % PAGE_SIZE,
    };
    long ret = xen_vcpu_op(VCPUOP_register_vcpu_info, vcpu, &where);

    if (ret == 0) {
        registered[vcpu] = info;
    }
    return ret;
}
