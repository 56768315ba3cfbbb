/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that asks for what it must not have.
 *
 * Behaviour: wild pointers, unknown sub-operations, huge counts, ids that do
 * not exist, calls before anything is set up, from user mode and from real
 * mode get Xen's error; Xen and the machine live on.
 * Check: the exact error for each; a seeded storm of calls; afterwards time,
 * events and version still work.
 * Cannot tell apart: an error for the right reason from the same error for
 * another.
 * Real Xen: -EFAULT where a copy fails, -ENOSYS for an unknown operation
 * (xen: common/domain.c, common/event_channel.c, common/sched/core.c,
 * arch/x86/hvm/hvm.c); hypercalls from user mode are -EPERM, from real mode
 * they are served as 32-bit ones (xen: arch/x86/hvm/hypercall.c,
 * hvm_hypercall).
 *
 * RUN: default smp=2
 * RUN: 4-20 smp=2 plugin=xen-version=4.20
 * RUN: tcg smp=2 accel=tcg
 * RUN: mttcg smp=2 accel=mttcg
 * RUN: pvh smp=2 guest=pvh
 */
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#define MMIO_PA     0xfee00000ul /* the local APIC's page */
#define HOLE_PA     0xd0000000ul /* nothing there */
#define REAL_PA     0x9000       /* code in real mode, below 1 MiB */
#define CR0_WP      (1ul << 16)
#define STORM_CALLS 20000

/* Window pages: 8 absent, 9 mapped with 10 absent after it, 11 read-only. */
#define PAGE_ABSENT    8
#define PAGE_LAST      9
#define PAGE_READ_ONLY 11

static uint8_t memory[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t *absent, *last, *read_only;

static void map_window(void)
{
    unsigned long cr0;

    absent = cpu_map_window(PAGE_ABSENT, 0, 0);
    last = cpu_map_window(PAGE_LAST, (uintptr_t)memory,
                          PTE_PRESENT | PTE_WRITABLE);
    cpu_map_window(PAGE_LAST + 1, 0, 0);
    read_only = cpu_map_window(PAGE_READ_ONLY, (uintptr_t)memory, PTE_PRESENT);
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_WP));
}

/* Must be first: nothing is mapped, bound or registered yet. */
static void calls_before_set_up_are_served(void)
{
    evtchn_port_t none[1] = {0};
    struct sched_poll poll = {.nr_ports = 1};
    int port = evtchn_bind_ipi(0);

    map_window();
    CHECK(port > 0);
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK_RC(0, evtchn_unmask((unsigned)port));
    CHECK_RC(0, evtchn_close((unsigned)port));
    CHECK_RC(0, xen_set_timer(1));
    CHECK_RC(0, xen_set_timer(0));
    set_xen_guest_handle(poll.ports, none);
    CHECK_RC(-XEN_EINVAL, xen_sched_op(SCHEDOP_poll, &poll));
    CHECK_RC(0, xen_sched_op(SCHEDOP_yield, NULL));
    CHECK(clock_hypercall_now() > 0);
}

typedef long PointerCall(void *arg);

static long do_extraversion(void *arg)
{
    return xen_version_op(XENVER_extraversion, arg);
}

static long do_capabilities(void *arg)
{
    return xen_version_op(XENVER_capabilities, arg);
}

static long do_features(void *arg)
{
    return xen_version_op(XENVER_get_features, arg);
}

static long do_get_time(void *arg)
{
    return xen_hvm_op(HVMOP_get_time, arg);
}

static long do_get_param(void *arg)
{
    return xen_hvm_op(HVMOP_get_param, arg);
}

static long do_set_param(void *arg)
{
    return xen_hvm_op(HVMOP_set_param, arg);
}

static long do_upcall_vector(void *arg)
{
    return xen_hvm_op(HVMOP_set_evtchn_upcall_vector, arg);
}

static long do_add_to_physmap(void *arg)
{
    return xen_memory_op(XENMEM_add_to_physmap, arg);
}

static long do_bind_virq(void *arg)
{
    return xen_evtchn_op(EVTCHNOP_bind_virq, arg);
}

static long do_bind_ipi(void *arg)
{
    return xen_evtchn_op(EVTCHNOP_bind_ipi, arg);
}

static long do_bind_interdomain(void *arg)
{
    return xen_evtchn_op(EVTCHNOP_bind_interdomain, arg);
}

static long do_alloc_unbound(void *arg)
{
    return xen_evtchn_op(EVTCHNOP_alloc_unbound, arg);
}

static long do_close(void *arg)
{
    return xen_evtchn_op(EVTCHNOP_close, arg);
}

static long do_send(void *arg)
{
    return xen_evtchn_op(EVTCHNOP_send, arg);
}

static long do_status(void *arg)
{
    return xen_evtchn_op(EVTCHNOP_status, arg);
}

static long do_unmask(void *arg)
{
    return xen_evtchn_op(EVTCHNOP_unmask, arg);
}

static long do_poll(void *arg)
{
    return xen_sched_op(SCHEDOP_poll, arg);
}

static long do_shutdown(void *arg)
{
    return xen_sched_op(SCHEDOP_shutdown, arg);
}

static long do_runstate(void *arg)
{
    return xen_vcpu_op(VCPUOP_get_runstate_info, 0, arg);
}

static long do_runstate_area(void *arg)
{
    return xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, arg);
}

static long do_time_area(void *arg)
{
    return xen_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, arg);
}

static long do_vcpu_info(void *arg)
{
    return xen_vcpu_op(VCPUOP_register_vcpu_info, 0, arg);
}

static long do_periodic(void *arg)
{
    return xen_vcpu_op(VCPUOP_set_periodic_timer, 0, arg);
}

static long do_singleshot(void *arg)
{
    return xen_vcpu_op(VCPUOP_set_singleshot_timer, 0, arg);
}

static const struct {
    const char *name;
    PointerCall *call;
    bool copies_out_only; /* reads nothing, writes to its argument */
} pointer_calls[] = {
    {"extraversion", do_extraversion, true},
    {"capabilities", do_capabilities, true},
    {"get_features", do_features, false},
    {"get_time", do_get_time, true},
    {"get_param", do_get_param, false},
    {"set_param", do_set_param, false},
    {"upcall_vector", do_upcall_vector, false},
    {"add_to_physmap", do_add_to_physmap, false},
    {"bind_virq", do_bind_virq, false},
    {"bind_ipi", do_bind_ipi, false},
    {"bind_interdomain", do_bind_interdomain, false},
    {"alloc_unbound", do_alloc_unbound, false},
    {"close", do_close, false},
    {"send", do_send, false},
    {"status", do_status, false},
    {"unmask", do_unmask, false},
    {"poll", do_poll, false},
    {"shutdown", do_shutdown, false},
    {"get_runstate", do_runstate, true},
    {"runstate_area", do_runstate_area, false},
    {"time_area", do_time_area, false},
    {"vcpu_info", do_vcpu_info, false},
    {"set_periodic", do_periodic, false},
    {"set_singleshot", do_singleshot, false},
};

static void wild_pointers_are_efault(void)
{
    void *const wild[] = {
        absent,
        absent + 1,
        last + PAGE_SIZE - 1,
        (void *)MMIO_PA,
        (void *)HOLE_PA,
#ifdef __x86_64__
        (void *)0x8000000000000000ul,
        (void *)0x0000800000000000ul,
        (void *)0xffff800000000000ul,
        (void *)(1ul << 40),
        (void *)~0ul,
#endif
    };

    for (unsigned i = 0; i < ARRAY_SIZE(pointer_calls); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(wild); j++) {
            input("%s at %lx", pointer_calls[i].name, (unsigned long)wild[j]);
            CHECK_RC(-XEN_EFAULT, pointer_calls[i].call(wild[j]));
        }
    }
}

static void read_only_pages_are_not_written(void)
{
    memset(memory, 0x5a, sizeof(memory));
    for (unsigned i = 0; i < ARRAY_SIZE(pointer_calls); i++) {
        if (pointer_calls[i].copies_out_only) {
            input("%s", pointer_calls[i].name);
            CHECK_RC(-XEN_EFAULT, pointer_calls[i].call(read_only));
        }
    }
    for (unsigned i = 0; i < sizeof(memory); i++) {
        if (memory[i] != 0x5a) {
            input("byte %u", i);
            CHECK_EQ(0x5a, memory[i]);
        }
    }
}

static void argument_may_cross_mapped_pages(void)
{
    static uint8_t two[2 * PAGE_SIZE] __attribute__((aligned(4096)));
    struct xen_feature_info *info = (void *)(two + PAGE_SIZE - 4);

    /* Unaligned on purpose; byte by byte for this compiler's sake. */
    memset(two, 0, sizeof(two));
    CHECK_RC(0, xen_version_op(XENVER_get_features, info));
    CHECK(two[PAGE_SIZE] | two[PAGE_SIZE + 1]);
    info = (void *)(two + PAGE_SIZE - 3);
    memset(two, 0, sizeof(two));
    CHECK_RC(0, xen_version_op(XENVER_get_features, info));
    CHECK(two[PAGE_SIZE + 1] | two[PAGE_SIZE + 2]);
}

static void unknown_operations_are_enosys(void)
{
    static const unsigned ops[] = {1000, 0x7fffffff, 0x80000000, 0xffffffff};

    memset(memory, 0, sizeof(memory));
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        input("op %x", ops[i]);
        CHECK_RC(-XEN_ENOSYS, xen_version_op(ops[i], memory));
        CHECK_RC(-XEN_ENOSYS, xen_evtchn_op(ops[i], memory));
        CHECK_RC(-XEN_ENOSYS, xen_sched_op(ops[i], memory));
        CHECK_RC(-XEN_ENOSYS, xen_hvm_op(ops[i], memory));
        CHECK_RC(-XEN_ENOSYS, xen_vcpu_op(ops[i], 0, memory));
    }
    CHECK_RC(-XEN_EINVAL, ({
        struct xen_feature_info info = {.submap_idx = 1};
        xen_version_op(XENVER_get_features, &info);
    }));
}

static long poll_ports(unsigned nr, evtchn_port_t *ports)
{
    struct sched_poll poll = {.nr_ports = nr, .timeout = 1};

    set_xen_guest_handle(poll.ports, ports);
    return xen_sched_op(SCHEDOP_poll, &poll);
}

static void huge_counts_are_refused(void)
{
    static evtchn_port_t many[200];

    CHECK_RC(-XEN_EINVAL, poll_ports(129, many));
    CHECK_RC(-XEN_EINVAL, poll_ports(~0u, many));
    CHECK_RC(-XEN_EINVAL, poll_ports(1u << 31, many));
    CHECK_RC(-XEN_EFAULT, poll_ports(1, (void *)absent));
    CHECK_RC(-XEN_EFAULT, poll_ports(128, (void *)absent));
    many[0] = 5000;
    CHECK_RC(-XEN_EINVAL, poll_ports(1, many));
    many[0] = ~0u;
    CHECK_RC(-XEN_EINVAL, poll_ports(1, many));
    many[0] = 60;
    CHECK_RC(-XEN_EINVAL, poll_ports(1, many));
}

static void ports_and_domains_are_checked(void)
{
    static const unsigned ports[] = {0, 60, 4095, 5000, 0x20000, ~0u};
    struct evtchn_alloc_unbound alloc = {.dom = 0x1234};
    struct evtchn_bind_interdomain bind = {.remote_dom = 0x1234};
    struct evtchn_bind_vcpu vcpu = {.port = 1, .vcpu = 99};

    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        input("port %x", ports[i]);
        CHECK_RC(-XEN_EINVAL, evtchn_close(ports[i]));
        CHECK_RC(-XEN_EINVAL, evtchn_send(ports[i]));
    }
    input("id");
    CHECK_RC(-XEN_EINVAL, evtchn_unmask(5000));
    CHECK_RC(-XEN_EINVAL, evtchn_unmask(~0u));
    CHECK_RC(-XEN_ENOENT, evtchn_bind_ipi(99));
    CHECK_RC(-XEN_ENOENT, evtchn_bind_ipi(~0u));
    CHECK_RC(-XEN_ENOENT, evtchn_bind_virq(VIRQ_TIMER, 99));
    CHECK_RC(-XEN_EINVAL, evtchn_bind_virq(24, 0));
    CHECK_RC(-XEN_EINVAL, evtchn_bind_virq(~0u, 0));
    CHECK_RC(-XEN_ESRCH, xen_evtchn_op(EVTCHNOP_alloc_unbound, &alloc));
    CHECK_RC(-XEN_ESRCH, xen_evtchn_op(EVTCHNOP_bind_interdomain, &bind));
    CHECK_RC(-XEN_ENOENT, xen_evtchn_op(EVTCHNOP_bind_vcpu, &vcpu));
}

static void params_are_guarded(void)
{
    uint64_t value;

    CHECK_RC(-XEN_EPERM, xen_hvm_set_param(HVM_PARAM_STORE_PFN, 0));
    CHECK_RC(-XEN_EPERM, xen_hvm_set_param(HVM_PARAM_TIMER_MODE, 0));
    CHECK_RC(-XEN_EINVAL, xen_hvm_set_param(99, 0));
    CHECK_RC(-XEN_EINVAL, xen_hvm_get_param(99, &value));
    CHECK_RC(-XEN_EINVAL, xen_hvm_get_param(~0u, &value));
    CHECK_RC(0, xen_hvm_set_param(HVM_PARAM_CALLBACK_IRQ, 255ull << 56));
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CALLBACK_IRQ, &value));
    CHECK_EQ(255ull << 56, value);
    CHECK_RC(0, xen_hvm_set_param(HVM_PARAM_CALLBACK_IRQ, 0));
    CHECK_RC(-XEN_EINVAL, evtchn_upcall_vector(0, 0));
    CHECK_RC(-XEN_EINVAL, evtchn_upcall_vector(0, 15));
    CHECK_RC(-XEN_ENOENT, evtchn_upcall_vector(99, 0x30));
    CHECK_RC(-XEN_ENOENT, evtchn_upcall_vector(~0u, 0x30));
}

/* The area is registered although the write fails: it is dropped. */
static void unmapped_areas_are_dropped(void)
{
    struct vcpu_register_runstate_memory_area where = {0};

    where.addr.p = (uintptr_t)absent;
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where));
    for (unsigned i = 0; i < 3; i++) {
        struct sched_poll poll = {.timeout = clock_hypercall_now() + 100000};

        CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    }
    where.addr.p = (uintptr_t)last + PAGE_SIZE - 8;
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where));
    CHECK_RC(0, xen_sched_op(SCHEDOP_yield, NULL));
    where.addr.p = (uintptr_t)memory;
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where));
}

static unsigned long user_vmmcall(void)
{
    long ret;

    __asm__ volatile(".byte 0x0f, 0x01, 0xd9"
                     : "=a"(ret)
                     : "0"(__HYPERVISOR_xen_version)
                     : "memory");
    return (unsigned long)ret;
}

static unsigned long user_page(void)
{
    return (unsigned long)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0,
                                        0, 0);
}

static void user_mode_is_eperm(void)
{
    CHECK_RC(-XEN_EPERM, (long)cpu_user_call(user_vmmcall));
    CHECK_RC(-XEN_EPERM, (long)cpu_user_call(user_page));
    CHECK_RC(-XEN_EPERM, (long)cpu_user_call(user_vmmcall));
}

/*
 * Real mode, then 16-bit protected mode: xen_version, an unknown number, and a
 * copy to linear address REAL_PA + 0x200; the results go to REAL_PA + 0x100.
 */
extern const uint8_t real_code[], real_code_end[];
__asm__(".pushsection .text\n"
        ".code16\n"
        "real_code:\n"
        "cli\n"
        "mov %cs, %ax\n"
        "mov %ax, %ds\n"
        "call calls\n"
        "mov $0x100, %di\n"
        "call store\n"
        "lgdtl gdtr - real_code\n"
        "mov %cr0, %eax\n"
        "or $1, %eax\n"
        "mov %eax, %cr0\n"
        /* CS still is 16-bit and its privilege level 0 */
        "call calls\n"
        "mov $0x110, %di\n"
        "call store\n"
        "movl $1, 0x120\n"
        "1: cli\n"
        "hlt\n"
        "jmp 1b\n"
        "calls:\n"
        "mov $17, %eax\n" /* xen_version */
        "mov $0, %ebx\n"
        ".byte 0x0f, 0x01, 0xd9\n"
        "mov %eax, %ebp\n"
        "mov $17, %eax\n"
        "mov $1, %ebx\n"      /* extraversion */
        "mov $0x9200, %ecx\n" /* linear: segments do not count */
        ".byte 0x0f, 0x01, 0xd9\n"
        "mov %eax, %esi\n"
        "mov $100, %eax\n"
        ".byte 0x0f, 0x01, 0xd9\n"
        "ret\n"
        "store:\n"
        "mov %ebp, (%di)\n"
        "mov %esi, 4(%di)\n"
        "mov %eax, 8(%di)\n"
        "ret\n"
        ".balign 4\n"
        "gdtr: .word 63\n"
        ".long gdt\n"
        "real_code_end:\n"
#ifdef __x86_64__
        ".code64\n"
#else
        ".code32\n"
#endif
        ".popsection");

static void real_mode_calls_are_served(void)
{
    volatile uint32_t *results = (volatile uint32_t *)(REAL_PA + 0x100);
    const volatile unsigned *done = &results[8];

    if (cpu_count() < 2) {
        skip("needs two CPUs");
        return;
    }
    memset((void *)REAL_PA, 0, PAGE_SIZE);
    memcpy((void *)REAL_PA, real_code, (size_t)(real_code_end - real_code));
    lapic_send_startup(cpu_apic_id(1), REAL_PA);
    CHECK(cpu_wait_for(done, 1));
    for (unsigned i = 0; i < 2; i++) {
        input(i ? "16-bit protected mode" : "real mode");
        CHECK_EQ(xen_version(), results[4 * i]);
        CHECK_EQ(0, results[4 * i + 1]);
        CHECK_EQ((uint32_t)-XEN_ENOSYS, results[4 * i + 2]);
    }
    CHECK(*(volatile uint8_t *)(REAL_PA + 0x200) == '.');
}

static uint64_t seed = 20261121;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33) % bound;
}

/*
 * Calls that may legitimately not come back (block, shutdown, down) or change
 * the payload's own memory map are left out.
 */
static void storm_of_calls_leaves_xen_alive(void)
{
    static const uint8_t numbers[] = {
        __HYPERVISOR_xen_version,    __HYPERVISOR_event_channel_op,
        __HYPERVISOR_hvm_op,         __HYPERVISOR_grant_table_op,
        __HYPERVISOR_physdev_op,     __HYPERVISOR_vm_assist,
        __HYPERVISOR_console_io,     __HYPERVISOR_xsm_op,
        __HYPERVISOR_set_trap_table, __HYPERVISOR_mmu_update,
        __HYPERVISOR_sysctl,         __HYPERVISOR_domctl,
        __HYPERVISOR_platform_op,    __HYPERVISOR_nmi_op,
        __HYPERVISOR_callback_op,    __HYPERVISOR_kexec_op,
    };
    unsigned long wild[] = {(uintptr_t)absent,
                            (uintptr_t)last + PAGE_SIZE - 3,
                            (uintptr_t)memory,
                            (uintptr_t)memory + 4001,
                            (uintptr_t)read_only,
                            MMIO_PA,
                            HOLE_PA,
                            0xfffffffc,
                            ~0ul};

    for (unsigned i = 0; i < STORM_CALLS; i++) {
        unsigned nr = numbers[random_below(ARRAY_SIZE(numbers))];
        unsigned op = random_below(nr == __HYPERVISOR_xen_version ? 14 : 40);
        unsigned long arg = wild[random_below(ARRAY_SIZE(wild))];

        for (unsigned j = 0; j < 16; j++) {
            memory[random_below(64)] = (uint8_t)random_below(256);
        }
        /* Reset would take away the ports of the next tests. */
        if (nr == __HYPERVISOR_event_channel_op && op == EVTCHNOP_reset) {
            continue;
        }
        /* Each answer of a batch is written: more would not fit memory[]. */
        xen_hypercall(nr, op, arg,
                      nr == __HYPERVISOR_grant_table_op ? random_below(2)
                                                        : random_below(2000),
                      arg);
    }
    CHECK_EQ(xen_version(), xen_version_op(XENVER_version, NULL));
}

static void everything_still_works(void)
{
    struct sched_poll poll = {0};
    uint64_t now;

    if (!xen_shared_info()) {
        return;
    }
    now = clock_now();
    poll.timeout = now + 1000000;
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    CHECK(clock_now() >= now + 1000000 - 2);
    CHECK_EQ(xen_version(), xen_version_op(XENVER_version, NULL));
}

PAYLOAD(NEEDS_XEN, TEST(calls_before_set_up_are_served),
        TEST(wild_pointers_are_efault), TEST(read_only_pages_are_not_written),
        TEST(argument_may_cross_mapped_pages),
        TEST(unknown_operations_are_enosys), TEST(huge_counts_are_refused),
        TEST(ports_and_domains_are_checked), TEST(params_are_guarded),
        TEST(unmapped_areas_are_dropped), TEST(user_mode_is_eperm),
        TEST(real_mode_calls_are_served), TEST(storm_of_calls_leaves_xen_alive),
        TEST(everything_still_works));
