/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of KVM's in a machine whose vCPUs do not run: kvmclock to the
 * nanosecond over steps of time and cuts, steal time, and both hypervisors.
 */
#include <glib/gstdio.h>
#include <linux/kvm_para.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
    g_assert_false(qtest_rdmsr(q, 0, MSR_KVM_ASYNC_PF_EN, &value));
    qtest_quit(q);
    chardev = qtest_start_refused(NULL, "guest=kvm,console=none");
    g_assert_nonnull(strstr(chardev, "console=none"));
}

/* A connection to the socket that QEMU listens at. */
static int connect_to(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpuint(strlen(path), <, sizeof(addr.sun_path));
    strcpy(addr.sun_path, path);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
    return fd;
}

/*
 * Else the guest would see how fast the console is read, and its run would not
 * repeat: a socket has room for some 280 single bytes.
 */
static void serial_port_never_waits_for_its_reader(void)
{
    enum { BYTES = 5000, THR = 0x3f8, LSR = 0x3fd, LSR_EMPTY = 0x60 };
    g_autofree char *dir = g_dir_make_tmp("qtest-kvm-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "console", NULL);
    g_autofree char *args = g_strdup_printf(
        "-chardev socket,id=c,path=%s,server=on,wait=off -serial chardev:c",
        path);
    Qtest *q = qtest_start(args, "guest=kvm,console=c");
    int fd = connect_to(path);
    uint8_t got[BYTES];
    size_t len = 0;

    json_node_unref(qtest_qmp(q, "query-chardev", NULL));
    for (unsigned i = 0; i < BYTES; i++) {
        qtest_outb(q, THR, i % 251);
        g_assert_cmphex(qtest_inb(q, LSR) & LSR_EMPTY, ==, LSR_EMPTY);
    }
    while (len < BYTES) {
        ssize_t n = read(fd, got + len, BYTES - len);

        g_assert_cmpint(n, >, 0);
        len += n;
    }
    for (unsigned i = 0; i < BYTES; i++) {
        g_assert_cmpuint(got[i], ==, i % 251);
    }
    close(fd);
    qtest_quit(q);
    g_unlink(path);
    g_rmdir(dir);
}

/* The RTC is the machine's alone (linux: arch/x86/kvm/x86.c has none). */
static void wall_clock_leaves_the_rtc_alone(void)
{
    Qtest *q = qtest_start("-rtc base=2020-01-01T00:00:00,clock=vm",
                           "guest=kvm,wallclock=1600000000");
    uint32_t wall[3];

    qtest_outb(q, 0x70, 4);
    qtest_outb(q, 0x71, 0x03);
    g_assert_cmphex(qtest_inb(q, 0x71), ==, 0x03);
    g_assert_true(qtest_wrmsr(q, 0, MSR_KVM_WALL_CLOCK_NEW, CLOCK_GPA));
    qtest_memread(q, CLOCK_GPA, wall, sizeof(wall));
    g_assert_cmpuint(wall[1], ==, 1600000000);
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/clock-is-of-the-moment", clock_is_of_the_moment);
    g_test_add_func("/kvm/cut-moves-and-tells", cut_moves_and_tells);
    g_test_add_func("/kvm/held-vcpu-is-stolen-from", held_vcpu_is_stolen_from);
    g_test_add_func("/kvm/serial-port-never-waits-for-its-reader",
                    serial_port_never_waits_for_its_reader);
    g_test_add_func("/kvm/wall-clock-leaves-the-rtc-alone",
                    wall_clock_leaves_the_rtc_alone);
    g_test_add_func("/kvm/leaves-are-where-they-belong",
                    leaves_are_where_they_belong);
    g_test_add_func("/kvm/what-is-xens-is-refused", what_is_xens_is_refused);
    return g_test_run();
}
