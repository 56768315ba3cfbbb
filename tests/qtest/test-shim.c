/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a vCPU reads of its hypervisor: CPUID, MSRs, the hypercall page and
 * the TSC; values are those measured on Xen (4.17, HVM domU).
 */
#include "tests/qtest/qtest-client.h"

#include <string.h>

#define XEN "guest=xen-hvm"

#define LEAF_FEATURES   1
#define LEAF_EXT        0x80000001
#define LEAF_POWER      0x80000007
#define LEAF_SVM        0x8000000a
#define FEAT_HYPERVISOR (1u << 31) /* leaf 1 ECX */
#define FEAT_SVM        (1u << 2)  /* 80000001 ECX */
#define FEAT_INVTSC     (1u << 8)  /* 80000007 EDX */

#define MSR_TSC            0x10
#define MSR_TSC_ADJUST     0x3b
#define MSR_HYPERCALL_PAGE 0x40000000
#define MSR_EFER           0xc0000080

#define PAGE_GPA   0x5000
#define NO_RAM_GPA 0x4000000 /* the end of 64 MiB */

#define assert_cpuid(c, a, b, cx, d)      \
    do {                                  \
        g_assert_cmphex((c).eax, ==, a);  \
        g_assert_cmphex((c).ebx, ==, b);  \
        g_assert_cmphex((c).ecx, ==, cx); \
        g_assert_cmphex((c).edx, ==, d);  \
    } while (0)

typedef struct LeafCase {
    uint32_t leaf, subleaf;
    QtestCpuid want;
} LeafCase;

/* tsc-khz=2596122: the scale is one that was measured on Xen. */
static const LeafCase leaves[] = {
    {0x40000000, 0, {0x40000005, 0x566e6558, 0x65584d4d, 0x4d4d566e}},
    {0x40000001, 0, {0x00040011, 0, 0, 0}},
    {0x40000002, 0, {1, 0x40000000, 0, 0}},
    {0x40000003, 0, {5, 0, 2596122, 1}},
    {0x40000003, 1, {0, 0, 0xc5379ca5, 0xffffffff}},
    {0x40000003, 2, {2596122, 0, 0, 0}},
    {0x40000003, 3, {0, 0, 0, 0}},
    {0x40000004, 0, {0x5c, 1, 7, 0}},
    {0x40000004, 1, {0, 0, 0, 0}},
    {0x40000005, 0, {0, 0, 0, 0}},
    {0x40000006, 0, {0, 0, 0, 0}},
    {0x400000ff, 0, {0, 0, 0, 0}},
    {0x40000100, 0, {0, 0, 0, 0}},
};

static void cpuid_hypervisor_leaves(void)
{
    Qtest *q = qtest_start("-smp 2 -cpu qemu64,+rdtscp",
                           XEN ",xen-version=4.17,domid=7,tsc-khz=2596122");

    for (size_t i = 0; i < G_N_ELEMENTS(leaves); i++) {
        const LeafCase *l = &leaves[i];
        QtestCpuid got = qtest_cpuid(q, 1, l->leaf, l->subleaf);

        if (memcmp(&got, &l->want, sizeof(got))) {
            g_test_message("leaf 0x%x.%u", l->leaf, l->subleaf);
        }
        assert_cpuid(got, l->want.eax, l->want.ebx, l->want.ecx, l->want.edx);
    }
    qtest_quit(q);
}

/* QEMU answers a leaf it does not know with its last basic one. */
static void cpuid_leaves_after_xens_are_zero(void)
{
    static const uint32_t after[] = {0x40000100, 0x40000200, 0x40010000,
                                     0x4fffffff};
    Qtest *q = qtest_start("-cpu EPYC,level=7", XEN);

    for (size_t i = 0; i < G_N_ELEMENTS(after); i++) {
        assert_cpuid(qtest_cpuid(q, 0, after[i], 0), 0, 0, 0, 0);
    }
    qtest_quit(q);
}

static void cpuid_version_follows_option(void)
{
    Qtest *q = qtest_start(NULL, XEN ",xen-version=4.20");

    g_assert_cmphex(qtest_cpuid(q, 0, 0x40000001, 0).eax, ==, 0x00040014);
    qtest_quit(q);
}

static void cpuid_without_guest_is_unknown(void)
{
    Qtest *q = qtest_start(NULL, "");
    g_autofree char *reason = qtest_command_fails(q, "cpuid 0 0x40000000 0");

    g_assert_nonnull(strstr(reason, "Unknown command"));
    qtest_quit(q);
}

static void cpuid_says_hypervisor_and_hides_svm(void)
{
    Qtest *q = qtest_start("-cpu max", XEN);

    g_assert_cmphex(qtest_cpuid(q, 0, LEAF_FEATURES, 0).ecx & FEAT_HYPERVISOR,
                    ==, FEAT_HYPERVISOR);
    g_assert_cmphex(qtest_cpuid(q, 0, LEAF_EXT, 0).ecx & FEAT_SVM, ==, 0);
    assert_cpuid(qtest_cpuid(q, 0, LEAF_SVM, 0), 0, 0, 0, 0);
    qtest_quit(q);
}

/* With a safe host TSC of the guest's frequency nothing is emulated. */
static void cpuid_invtsc(gconstpointer data)
{
    bool on = GPOINTER_TO_INT(data);
    Qtest *q = qtest_start("-cpu qemu64,+rdtscp",
                           on ? XEN ",invtsc=on" : XEN ",invtsc=off");

    g_assert_cmphex(qtest_cpuid(q, 0, LEAF_POWER, 0).edx & FEAT_INVTSC, ==,
                    on ? FEAT_INVTSC : 0);
    g_assert_cmphex(qtest_cpuid(q, 0, 0x40000003, 0).eax, ==, on ? 6 : 5);
    qtest_quit(q);
}

typedef struct ModeCase {
    const char *options;
    uint32_t eax, ebx;
} ModeCase;

static void cpuid_tsc_mode(void)
{
    static const ModeCase cases[] = {
        {"tsc-mode=default,invtsc=off", 5, 0},
        {"tsc-mode=default,invtsc=on", 6, 0},
        {"tsc-mode=always-emulate,invtsc=off", 5, 1},
        {"tsc-mode=always-emulate,invtsc=on", 7, 1},
        {"tsc-mode=native,invtsc=off", 4, 2},
        {"tsc-mode=native,invtsc=on", 6, 2},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *plugin = g_strjoin(",", XEN, cases[i].options, NULL);
        Qtest *q = qtest_start("-cpu qemu64,+rdtscp", plugin);
        QtestCpuid c = qtest_cpuid(q, 0, 0x40000003, 0);

        assert_cpuid(c, cases[i].eax, cases[i].ebx, 1000000, 1);
        qtest_quit(q);
    }
}

static void msr_hypercall_page_is_filled(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    uint64_t value = 1;
    uint8_t page[4096];

    g_assert_true(qtest_rdmsr(q, 0, MSR_HYPERCALL_PAGE, &value));
    g_assert_cmphex(value, ==, 0);
    g_assert_true(qtest_wrmsr(q, 0, MSR_HYPERCALL_PAGE, PAGE_GPA));
    qtest_memread(q, PAGE_GPA, page, sizeof(page));
    for (unsigned n = 0; n < sizeof(page) / 32; n++) {
        uint8_t stub[32] = {0xb8, n, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3};

        memset(stub + 9, 0xcc, sizeof(stub) - 9);
        if (n == 23) { /* iret: none for HVM guests */
            memset(stub, 0xcc, sizeof(stub));
            memcpy(stub, "\x0f\x0b", 2);
        }
        g_assert_cmpmem(page + n * 32, 32, stub, 32);
    }
    g_assert_true(qtest_rdmsr(q, 0, MSR_HYPERCALL_PAGE, &value));
    g_assert_cmphex(value, ==, 0);
    qtest_quit(q);
}

static void msr_bad_access_is_gp(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    uint64_t value;

    g_assert_false(qtest_wrmsr(q, 0, MSR_HYPERCALL_PAGE, PAGE_GPA | 1));
    g_assert_false(qtest_wrmsr(q, 0, MSR_HYPERCALL_PAGE, NO_RAM_GPA));
    g_assert_false(qtest_wrmsr(q, 0, MSR_HYPERCALL_PAGE, 0xfffffffffffff000));
    /* Beyond the physical addresses: pages of the shim's own are there. */
    g_assert_false(qtest_wrmsr(q, 0, MSR_HYPERCALL_PAGE, 1ull << 52));
    g_assert_false(qtest_wrmsr(q, 0, MSR_HYPERCALL_PAGE, 1ull << 56));
    g_assert_false(qtest_wrmsr(q, 0, MSR_HYPERCALL_PAGE, 9ull << 53));
    g_assert_false(qtest_rdmsr(q, 0, 0x40000001, &value));
    g_assert_false(qtest_rdmsr(q, 0, 0x40000200, &value));
    g_assert_false(qtest_wrmsr(q, 0, 0x40000001, 0));
    qtest_quit(q);
}

static void msr_tsc_and_adjust_move_together(void)
{
    Qtest *q = qtest_start("-smp 2", XEN);
    uint64_t value;

    qtest_clock_step(q, 1000);
    g_assert_true(qtest_rdmsr(q, 0, MSR_TSC_ADJUST, &value));
    g_assert_cmphex(value, ==, 0);
    g_assert_true(qtest_rdmsr(q, 0, MSR_TSC, &value));
    g_assert_cmpuint(value, ==, 1000);

    g_assert_true(qtest_wrmsr(q, 0, MSR_TSC, 5000));
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 5000);
    g_assert_true(qtest_rdmsr(q, 0, MSR_TSC_ADJUST, &value));
    g_assert_cmpint((int64_t)value, ==, 4000);

    g_assert_true(qtest_wrmsr(q, 0, MSR_TSC_ADJUST, -(uint64_t)400));
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 600);
    g_assert_cmpuint(qtest_rdtsc(q, 1), ==, 1000);
    qtest_quit(q);
}

/* The hypervisor leaves the others to QEMU, where a vCPU finds them. */
static void msr_others_are_the_machines(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    g_autofree char *reason = qtest_command_fails(q, "rdmsr 0 0x%x", MSR_EFER);

    g_assert_nonnull(strstr(reason, "0xc0000080"));
    qtest_quit(q);
}

typedef struct TscCase {
    const char *options;
    int64_t step_ns;
    uint64_t before, after;
} TscCase;

static void rdtsc_follows_virtual_time(void)
{
    static const TscCase cases[] = {
        {XEN, 1, 0, 1},
        {XEN, 123456789, 0, 123456789},
        {XEN ",tsc=5000", 10, 5000, 5010},
        {XEN ",tsc-khz=2000000", 123, 0, 246},
        {XEN ",tsc-khz=2596122,tsc=7", 1000000000, 7, 7 + 2596122000ull},
        {XEN ",tsc-khz=1", 999999, 0, 0},
        {XEN ",tsc-khz=1", 1000000, 0, 1},
        {XEN ",tsc-khz=10000000", 3, 0, 30},
        {XEN ",tsc=0xffffffffffffffff", 1, UINT64_MAX, 0},
        {XEN ",tsc-khz=3000000,invtsc=on,tsc-mode=native", 7, 0, 21},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Qtest *q = qtest_start(NULL, cases[i].options);

        g_test_message("%s", cases[i].options);
        g_assert_cmpuint(qtest_rdtsc(q, 0), ==, cases[i].before);
        qtest_clock_step(q, cases[i].step_ns);
        g_assert_cmpuint(qtest_rdtsc(q, 0), ==, cases[i].after);
        qtest_quit(q);
    }
}

typedef struct BadCommand {
    const char *line, *reason;
} BadCommand;

static void command_bad_argument_is_named(void)
{
    static const BadCommand cases[] = {
        {"cpuid", "cpuid CPU LEAF SUBLEAF"},
        {"cpuid 0 1", "cpuid CPU LEAF SUBLEAF"},
        {"cpuid 0 1 0 0", "cpuid CPU LEAF SUBLEAF"},
        {"cpuid 2 1 0", "no vCPU 2"},
        {"cpuid -1 1 0", "argument 1"},
        {"cpuid 0x100000000 1 0", "argument 1"},
        {"cpuid 0 x 0", "argument 2: 'x' is not a number"},
        {"cpuid 0 0x100000000 0", "argument 2: '0x100000000' is more than"},
        {"cpuid 0  0", "argument 2: '' is not a number"},
        {"rdmsr 0", "rdmsr CPU INDEX"},
        {"rdmsr 0 0x10z", "'0x10z' is not a number"},
        {"rdmsr 9 0x10", "no vCPU 9"},
        {"wrmsr 0 0x10", "wrmsr CPU INDEX VALUE"},
        {"wrmsr 0 0x10 0x10000000000000000", "argument 3"},
        {"rdtsc", "rdtsc CPU"},
        {"rdtsc 0 0", "rdtsc CPU"},
        {"xen_hypercall 0", "xen_hypercall CPU NR [ARG...]"},
        {"xen_hypercall 0 1 2 3 4 5 6 7 8", "xen_hypercall CPU NR [ARG...]"},
        {"xen_hypercall 0 1 2 three", "argument 4: 'three'"},
        {"xen_hypercall32 0 17 0x100000000", "argument 3"},
        {"jumpcut_cut", "jumpcut_cut [at=NS] KEY=VALUE..."},
        {"jumpcut_cut uptime", "uptime"},
        {"jumpcut_cut at=0", "at least one field"},
        {"jumpcut_cut at=soon uptime=1", "soon"},
        {"jumpcut_cut at=-1 uptime=1", "-1"},
        {"jumpcut_cut speed=1", "speed"},
        {"jumpcut_cut uptime=1 uptime=2", "uptime"},
        {"jumpcut_upcall", "jumpcut_upcall CPU"},
        {"jumpcut_upcall 5", "no vCPU 5"},
    };
    Qtest *q = qtest_start("-smp 2", XEN);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = qtest_command_fails(q, "%s", cases[i].line);

        if (!strstr(got, cases[i].reason)) {
            g_test_message("\"%s\": wanted \"%s\", got \"%s\"", cases[i].line,
                           cases[i].reason, got);
            g_test_fail();
        }
    }
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/shim/cpuid/hypervisor-leaves", cpuid_hypervisor_leaves);
    g_test_add_func("/shim/cpuid/leaves-after-xens-are-zero",
                    cpuid_leaves_after_xens_are_zero);
    g_test_add_func("/shim/cpuid/version-follows-option",
                    cpuid_version_follows_option);
    g_test_add_func("/shim/cpuid/without-guest-is-unknown",
                    cpuid_without_guest_is_unknown);
    g_test_add_func("/shim/cpuid/says-hypervisor-and-hides-svm",
                    cpuid_says_hypervisor_and_hides_svm);
    g_test_add_data_func("/shim/cpuid/invtsc-on", GINT_TO_POINTER(true),
                         cpuid_invtsc);
    g_test_add_data_func("/shim/cpuid/invtsc-off", GINT_TO_POINTER(false),
                         cpuid_invtsc);
    g_test_add_func("/shim/cpuid/tsc-mode", cpuid_tsc_mode);
    g_test_add_func("/shim/msr/hypercall-page-is-filled",
                    msr_hypercall_page_is_filled);
    g_test_add_func("/shim/msr/bad-access-is-gp", msr_bad_access_is_gp);
    g_test_add_func("/shim/msr/tsc-and-adjust-move-together",
                    msr_tsc_and_adjust_move_together);
    g_test_add_func("/shim/msr/others-are-the-machines",
                    msr_others_are_the_machines);
    g_test_add_func("/shim/rdtsc/follows-virtual-time",
                    rdtsc_follows_virtual_time);
    g_test_add_func("/shim/command/bad-argument-is-named",
                    command_bad_argument_is_named);
    return g_test_run();
}
