/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of KVM's in a machine whose vCPUs do not run: kvmclock to the
 * nanosecond over steps of time and cuts, steal time, and both hypervisors.
 */
#include <linux/kvm_para.h>
#include <string.h>

#include "tests/qtest/qtest-client.h"

#define NS_PER_S  1000000000ull
#define CLOCK_GPA 0x10000u
#define STEAL_GPA 0x11000u
#define UPTIME    "guest=kvm,uptime=100,tsc-khz=2000000"

typedef struct Record {
    uint32_t version, pad0;
    uint64_t tsc, system;
    uint32_t mul;
    int8_t shift;
    uint8_t flags, pad[2];
} Record;

static Record record(Qtest *q, unsigned cpu)
{
    Record r;

    qtest_memread(q, CLOCK_GPA + cpu * sizeof(r), &r, sizeof(r));
    return r;
}

static void clock_on(Qtest *q, unsigned cpu)
{
    g_assert_true(qtest_wrmsr(q, cpu, MSR_KVM_SYSTEM_TIME_NEW,
                              (CLOCK_GPA + cpu * sizeof(Record)) | 1));
}

static void clock_is_of_the_moment(void)
{
    Qtest *q = qtest_start("-smp 2", UPTIME);

    qtest_clock_step(q, 12345);
    clock_on(q, 1);
    g_assert_cmpuint(record(q, 1).version, ==, 2);
    g_assert_cmpuint(record(q, 1).system, ==, 100 * NS_PER_S + 12345);
    g_assert_cmpuint(record(q, 1).tsc, ==, 24690);
    g_assert_cmpuint(record(q, 1).flags, ==, 0);
    g_assert_cmpuint(record(q, 0).version, ==, 0);
    /* All are brought up to date when one is switched on. */
    qtest_clock_step(q, 5);
    clock_on(q, 0);
    g_assert_cmpuint(record(q, 1).system, ==, record(q, 0).system);
    g_assert_cmpuint(record(q, 1).version, ==, 4);
    qtest_clock_step(q, (int64_t)(300 * NS_PER_S));
    g_assert_cmpuint(record(q, 0).version, ==, 4);
    qtest_quit(q);
}

static void cut_moves_and_tells(void)
{
    Qtest *q = qtest_start(NULL, UPTIME);

    clock_on(q, 0);
    qtest_clock_step(q, (int64_t)NS_PER_S);
    qtest_cut(q, "uptime=5 tsc=77 invtsc=on");
    g_assert_cmpuint(record(q, 0).system, ==, 5 * NS_PER_S);
    g_assert_cmpuint(record(q, 0).tsc, ==, 77);
    g_assert_cmpuint(record(q, 0).flags, ==, 3);
    /* A stop tells the guest too, and moves nothing. */
    qtest_writeb(q, CLOCK_GPA + 29, 1);
    json_node_unref(qtest_qmp(q, "stop", NULL));
    g_assert_cmpuint(record(q, 0).flags, ==, 1);
    json_node_unref(qtest_qmp(q, "cont", NULL));
    g_assert_cmpuint(record(q, 0).flags, ==, 3);
    qtest_quit(q);
}

/* Under qtest the first vCPU counts as one that executes. */
static void held_vcpu_is_stolen_from(void)
{
    Qtest *q = qtest_start("-smp 2", "guest=kvm,steal=1ms:30");

    g_assert_true(qtest_wrmsr(q, 0, MSR_KVM_STEAL_TIME, STEAL_GPA | 1));
    qtest_clock_step(q, 699999);
    g_assert_cmpuint(qtest_readb(q, STEAL_GPA + 16), ==, 0);
    qtest_clock_step(q, 1);
    g_assert_cmpuint(qtest_readb(q, STEAL_GPA + 16), ==, KVM_VCPU_PREEMPTED);
    g_assert_cmpuint(qtest_readq(q, STEAL_GPA), ==, 0);
    qtest_clock_step(q, 300000);
    g_assert_cmpuint(qtest_readb(q, STEAL_GPA + 16), ==, 0);
    g_assert_cmpuint(qtest_readq(q, STEAL_GPA), ==, 300000);
    qtest_clock_step(q, 9000000);
    g_assert_cmpuint(qtest_readq(q, STEAL_GPA), ==, 3000000);
    qtest_quit(q);
}

static void leaves_are_where_they_belong(void)
{
    static const struct {
        const char *plugin;
        uint32_t leaf, ebx;
    } cases[] = {
        {"guest=kvm", 0x40000000, 0x4b4d564b},
        {"guest=kvm", 0x40000100, 0},
        {"guest=kvm-xen", 0x40000000, 0x566e6558},
        {"guest=kvm-xen", 0x40000100, 0x4b4d564b},
        {"guest=xen-hvm", 0x40000100, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Qtest *q = qtest_start(NULL, cases[i].plugin);

        g_test_message("%s leaf 0x%x", cases[i].plugin, cases[i].leaf);
        g_assert_cmphex(qtest_cpuid(q, 0, cases[i].leaf, 0).ebx, ==,
                        cases[i].ebx);
        qtest_quit(q);
    }
}

static void what_is_xens_is_refused(void)
{
    Qtest *q = qtest_start(NULL, "guest=kvm");
    g_autofree char *upcall = qtest_command_fails(q, "jumpcut_upcall 0");
    g_autofree char *store =
        qtest_qmp_fails(q, "jumpcut-xenstore-read", "{\"path\": \"/local\"}");
    g_autofree char *chardev = NULL;
    uint64_t value;

    g_assert_nonnull(strstr(upcall, "Xen"));
    g_assert_nonnull(strstr(store, "xenstore"));
    g_assert_false(qtest_rdmsr(q, 0, MSR_KVM_PV_EOI_EN, &value));
    qtest_quit(q);
    chardev = qtest_start_refused(NULL, "guest=kvm,console=none");
    g_assert_nonnull(strstr(chardev, "console=none"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/clock-is-of-the-moment", clock_is_of_the_moment);
    g_test_add_func("/kvm/cut-moves-and-tells", cut_moves_and_tells);
    g_test_add_func("/kvm/held-vcpu-is-stolen-from", held_vcpu_is_stolen_from);
    g_test_add_func("/kvm/leaves-are-where-they-belong",
                    leaves_are_where_they_belong);
    g_test_add_func("/kvm/what-is-xens-is-refused", what_is_xens_is_refused);
    return g_test_run();
}
