/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration into a second QEMU of the same options: the guest goes on with
 * the same clocks, timers, ports and pages, to the nanosecond.
 */
#include "tests/qtest/qtest-migrate.h"
#include "tests/qtest/xen-store.h"

#include <glib/gstdio.h>
#include <string.h>

#define MS           G_GINT64_CONSTANT(1000000)
#define NSEC_PER_SEC G_GINT64_CONSTANT(1000000000)

#define LEAF_TSC 0x40000003
#define MSR_TSC  0x10

/* A pair of QEMUs with a file between them. */
typedef struct Pair {
    const char *args, *plugin;
    Qtest *from, *to;
    char *dir, *file;
} Pair;

static void pair_start(Pair *p)
{
    g_autoptr(GError) error = NULL;

    p->dir = g_dir_make_tmp("qtest-migration-XXXXXX", &error);
    g_assert_no_error(error);
    p->file = g_build_filename(p->dir, "stream", NULL);
    p->from = qtest_start(p->args, p->plugin);
}

/* The guest is in @p->to afterwards. */
static void pair_migrate(Pair *p)
{
    g_autofree char *args =
        g_strjoin(" ", p->args ? p->args : "", "-incoming defer", NULL);

    g_assert_true(qtest_migrate_to(p->from, p->file));
    p->to = qtest_start(args, p->plugin);
    if (!qtest_migrate_from(p->to, p->file)) {
        g_autofree char *text = qtest_stderr(p->to);

        g_error("migration failed: %s", text);
    }
}

static void pair_quit(Pair *p)
{
    qtest_quit(p->from);
    qtest_quit(p->to);
    g_unlink(p->file);
    g_rmdir(p->dir);
    g_free(p->file);
    g_free(p->dir);
}

static void virtual_clock_goes_on(void)
{
    Pair p = {.plugin = NULL};

    pair_start(&p);
    qtest_clock_set(p.from, 123456789);
    qtest_writeq(p.from, XG_FREE_GPA, 0x1122334455667788);
    pair_migrate(&p);
    qtest_clock_set(p.to, 123456789);
    g_assert_cmpint(qtest_clock_step(p.to, 1), ==, 123456790);
    g_assert_cmphex(qtest_readq(p.to, XG_FREE_GPA), ==, 0x1122334455667788);
    pair_quit(&p);
}

static void clocks_go_on(void)
{
    static const char *const options[] = {
        "guest=xen-hvm",
        "guest=xen-hvm,uptime=1000,tsc=77,tsc-khz=2596122",
        "guest=xen-hvm,uptime=5,invtsc=on,tsc-khz=3000000,tsc-mode=native",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        Pair p = {.args = "-smp 2", .plugin = options[i]};
        struct vcpu_time_info t[2];
        uint64_t tsc[2], system;

        g_test_message("%s", options[i]);
        pair_start(&p);
        xg_map_shared_info(p.from);
        qtest_clock_step(p.from, 987654321);
        g_assert_true(qtest_wrmsr(p.from, 1, MSR_TSC, 5));
        qtest_clock_step(p.from, 3);
        tsc[0] = qtest_rdtsc(p.from, 0);
        tsc[1] = qtest_rdtsc(p.from, 1);
        system = xg_system_time(p.from, 0);
        xg_read_time(p.from, 0, &t[0]);
        pair_migrate(&p);
        g_assert_cmpuint(qtest_rdtsc(p.to, 0), ==, tsc[0]);
        g_assert_cmpuint(qtest_rdtsc(p.to, 1), ==, tsc[1]);
        g_assert_cmpuint(xg_system_time(p.to, 0), ==, system);
        /* QEMU's migration is the host's affair: nothing is written anew */
        xg_read_time(p.to, 0, &t[1]);
        g_assert_cmpmem(&t[1], sizeof(t[1]), &t[0], sizeof(t[0]));
        g_assert_cmpuint(qtest_cpuid(p.to, 0, LEAF_TSC, 0).edx, ==, 1);
        pair_quit(&p);
    }
}

static void timer_fires_on_the_other_side(void)
{
    Pair p = {.plugin = "guest=xen-hvm,uptime=50"};
    uint32_t port;

    pair_start(&p);
    xg_map_shared_info(p.from);
    port = xg_bind_virq(p.from, 0, VIRQ_TIMER);
    g_assert_cmpint(xg_set_timer(p.from, 0, 51 * NSEC_PER_SEC), ==, 0);
    qtest_clock_set(p.from, 400 * MS);
    pair_migrate(&p);
    qtest_clock_set(p.to, NSEC_PER_SEC - 1);
    g_assert_false(xg_pending(p.to, port));
    qtest_clock_step(p.to, 1);
    g_assert_true(xg_pending(p.to, port));
    pair_quit(&p);
}

/* Ports, parameters, the vCPU's record, the page under shared_info. */
static void domain_state_goes_along(void)
{
    Pair p = {.args = "-smp 2", .plugin = "guest=xen-hvm"};
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    struct vcpu_register_vcpu_info info = {.mfn = XG_FREE_GPA >> 12,
                                           .offset = 0x40};
    uint64_t via = 2ull << 56 | 0xf3;

    pair_start(&p);
    qtest_writeq(p.from, XG_SHARED_GPA + 0xf00, 0xabcd);
    xg_map_shared_info(p.from);
    xg_evtchn(p.from, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi));
    xg_hvm_param(p.from, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &via);
    qtest_memwrite(p.from, XG_ARG_GPA, &info, sizeof(info));
    g_assert_cmpint(qtest_hypercall(p.from, 0, __HYPERVISOR_vcpu_op,
                                    VCPUOP_register_vcpu_info, 0, XG_ARG_GPA),
                    ==, 0);
    qtest_writeb(p.from, XG_FREE_GPA + 0x40, 0);
    qtest_writeq(p.from, XG_FREE_GPA + 0x48, 0);
    pair_migrate(&p);

    via = 0;
    g_assert_cmpint(
        xg_hvm_param(p.to, HVMOP_get_param, HVM_PARAM_CALLBACK_IRQ, &via), ==,
        0);
    g_assert_cmphex(via, ==, 2ull << 56 | 0xf3);
    g_assert_false(qtest_upcall(p.to, 0));
    g_assert_cmpint(xg_send(p.to, ipi.port), ==, 0);
    g_assert_true(xg_pending(p.to, ipi.port));
    g_assert_cmpuint(qtest_readb(p.to, XG_FREE_GPA + 0x40), ==, 1);
    g_assert_true(qtest_upcall(p.to, 0));
    /* registered it still is */
    qtest_memwrite(p.to, XG_ARG_GPA, &info, sizeof(info));
    g_assert_cmpint(qtest_hypercall(p.to, 0, __HYPERVISOR_vcpu_op,
                                    VCPUOP_register_vcpu_info, 0, XG_ARG_GPA),
                    ==, -XEN_EINVAL);
    g_assert_cmphex(qtest_readq(p.to, XG_SHARED_GPA + 0xf00), ==, 0);
    pair_quit(&p);
}

static int64_t register_info(Qtest *q, uint64_t vcpu, uint64_t gfn)
{
    struct vcpu_register_vcpu_info info = {.mfn = gfn, .offset = 0x40};

    qtest_memwrite(q, XG_ARG_GPA, &info, sizeof(info));
    return qtest_hypercall(q, 0, __HYPERVISOR_vcpu_op,
                           VCPUOP_register_vcpu_info, vcpu, XG_ARG_GPA);
}

/*
 * vCPU 0's record lies in a page that was moved, vCPU 1's in one that was
 * given back: references are to pages, on real Xen too.
 */
static void pages_in_use_go_along_wherever_they_are(void)
{
    Pair p = {.args = "-smp 2", .plugin = "guest=xen-hvm"};
    const uint64_t gfn = XG_FREE_GPA >> 12;
    struct xen_add_to_physmap move = {DOMID_SELF, 0, XENMAPSPACE_gmfn, gfn,
                                      gfn + 1};
    struct xen_memory_reservation back = {.nr_extents = 1, .domid = DOMID_SELF};
    struct evtchn_bind_ipi ipi = {.vcpu = 0};

    pair_start(&p);
    xg_map_shared_info(p.from);
    xg_evtchn(p.from, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi));
    g_assert_cmpint(register_info(p.from, 0, gfn), ==, 0);
    g_assert_cmpint(register_info(p.from, 1, gfn + 2), ==, 0);
    qtest_writeb(p.from, XG_FREE_GPA + 0x40, 0);
    qtest_writeq(p.from, XG_FREE_GPA + 0x48, 0);
    g_assert_cmpint(xg_call(p.from, 0, __HYPERVISOR_memory_op,
                            XENMEM_add_to_physmap, &move, sizeof(move)),
                    ==, 0);
    qtest_writeq(p.from, XG_FREE_GPA + 0x5000, gfn + 2);
    set_xen_guest_handle(back.extent_start,
                         (void *)(uintptr_t)(XG_FREE_GPA + 0x5000));
    g_assert_cmpint(xg_call(p.from, 0, __HYPERVISOR_memory_op,
                            XENMEM_decrease_reservation, &back, sizeof(back)),
                    ==, 1);
    pair_migrate(&p);

    g_assert_cmphex(qtest_readq(p.to, XG_FREE_GPA + 0x40), ==, UINT64_MAX);
    g_assert_cmphex(qtest_readq(p.to, XG_FREE_GPA + 0x2040), ==, UINT64_MAX);
    g_assert_cmpuint(qtest_readb(p.to, XG_FREE_GPA + 0x1040), ==, 0);
    g_assert_cmpint(xg_send(p.to, ipi.port), ==, 0);
    g_assert_cmpuint(qtest_readb(p.to, XG_FREE_GPA + 0x1040), ==, 1);
    g_assert_cmpint(register_info(p.to, 1, gfn + 3), ==, -XEN_EINVAL);
    pair_quit(&p);
}

/* The guest's own nodes, and where it was in the ring. */
static void xenstore_goes_along(void)
{
    Pair p = {.plugin = "guest=xen-hvm,domid=7"};
    g_autofree char *written = NULL;
    g_autofree char *read = NULL;
    XgRing ring;

    pair_start(&p);
    ring = xg_store_ring(p.from);
    written = xg_store_request(&ring, XS_WRITE, "data/test\0hello", 15);
    g_assert_cmpstr(written, ==, "OK");
    pair_migrate(&p);
    ring = xg_store_ring(p.to);
    g_assert_cmpuint(qtest_readl(p.to, ring.gpa + XG_STORE(req_prod)), ==,
                     sizeof(struct xsd_sockmsg) + 15);
    read = xg_store_request(&ring, XS_READ, "data/test", 10);
    g_assert_cmpstr(read, ==, "hello");
    pair_quit(&p);
}

/* All that domain 0 can write can be migrated, with what the guest adds. */
static void full_xenstore_goes_along(void)
{
    enum { DEPTH = 25, NAME = 78, LEN = 900 };
    Pair p = {.plugin = "guest=xen-hvm"};
    g_autoptr(GString) deep = g_string_new(NULL);
    g_autofree char *value = g_strnfill(LEN, 'v');
    g_autofree char *name = g_strnfill(NAME, 'n');
    g_autofree char *answer = NULL, *error = NULL, *read = NULL;
    g_autoptr(JsonNode) got = NULL;
    char payload[7 + LEN] = "data/k";
    XgRing ring;
    unsigned nr = 0;

    /* A write that makes 25 nodes, whose paths take 25 KiB. */
    for (unsigned i = 0; i < DEPTH; i++) {
        g_string_append_printf(deep, "/%s", name);
    }
    pair_start(&p);
    do {
        g_autofree char *args = g_strdup_printf(
            "{\"path\": \"/tool/n%u%s\", \"value\": \"\"}", nr, deep->str);

        error = qtest_qmp_error(p.from, "jumpcut-xenstore-write", args);
    } while (!error && ++nr < 1000);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error, "the store is full"));
    g_assert_cmpuint(nr, >, 500);
    ring = xg_store_ring(p.from);
    memcpy(payload + 7, value, LEN);
    answer = xg_store_request(&ring, XS_WRITE, payload, sizeof(payload));
    g_assert_cmpstr(answer, ==, "OK");
    pair_migrate(&p);
    ring = xg_store_ring(p.to);
    read = xg_store_request(&ring, XS_READ, "data/k", 7);
    g_assert_cmpstr(read, ==, value);
    got = qtest_qmp(p.to, "jumpcut-xenstore-list", "{\"path\": \"/tool\"}");
    g_assert_cmpuint(json_array_get_length(json_node_get_array(got)), ==,
                     nr + 1);
    pair_quit(&p);
}

/* A cut that was to come still comes, and one that was is not undone. */
static void cuts_go_along(void)
{
    Pair p = {.plugin = "guest=xen-hvm,uptime=1,cut=1s:uptime=100,,tsc=5,"
                        "cut=3s:uptime=200"};

    pair_start(&p);
    xg_map_shared_info(p.from);
    qtest_cut(p.from, "at=4000000000 uptime=300");
    qtest_clock_set(p.from, 2 * NSEC_PER_SEC);
    pair_migrate(&p);
    g_assert_cmpuint(xg_system_time(p.to, 0), ==, 101 * NSEC_PER_SEC);
    g_assert_cmpuint(qtest_rdtsc(p.to, 0), ==, NSEC_PER_SEC + 5);
    g_assert_cmpuint(qtest_cpuid(p.to, 0, LEAF_TSC, 0).edx, ==, 2);
    qtest_clock_set(p.to, 3 * NSEC_PER_SEC);
    g_assert_cmpuint(xg_system_time(p.to, 0), ==, 200 * NSEC_PER_SEC);
    qtest_clock_set(p.to, 4 * NSEC_PER_SEC);
    g_assert_cmpuint(xg_system_time(p.to, 0), ==, 300 * NSEC_PER_SEC);
    g_assert_cmpuint(qtest_cpuid(p.to, 0, LEAF_TSC, 0).edx, ==, 4);
    pair_quit(&p);
}

/* The guest stopped its RTC to set it. */
static void rtc_goes_along(void)
{
    static const struct {
        uint8_t reg, value;
    } writes[] = {{11, 0x82}, {4, 0x05}, {11, 0x02}};
    Pair p = {.args = "-rtc base=2020-01-01T00:00:00,clock=vm",
              .plugin = "guest=xen-hvm,wallclock=1600000000"};

    pair_start(&p);
    xg_map_shared_info(p.from);
    for (unsigned i = 0; i < G_N_ELEMENTS(writes); i++) {
        Qtest *q = i < 2 ? p.from : p.to;

        qtest_outb(q, 0x70, writes[i].reg);
        qtest_outb(q, 0x71, writes[i].value);
        if (i == 1) {
            qtest_clock_set(q, 3 * NSEC_PER_SEC);
            pair_migrate(&p);
        }
    }
    g_assert_cmpuint(xg_wallclock_base(p.to), ==,
                     (1600000000 + 5 * 3600) * NSEC_PER_SEC);
    pair_quit(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/migration/virtual-clock-goes-on", virtual_clock_goes_on);
    g_test_add_func("/migration/clocks-go-on", clocks_go_on);
    g_test_add_func("/migration/timer-fires-on-the-other-side",
                    timer_fires_on_the_other_side);
    g_test_add_func("/migration/domain-state-goes-along",
                    domain_state_goes_along);
    g_test_add_func("/migration/pages-in-use-go-along-wherever-they-are",
                    pages_in_use_go_along_wherever_they_are);
    g_test_add_func("/migration/xenstore-goes-along", xenstore_goes_along);
    g_test_add_func("/migration/full-xenstore-goes-along",
                    full_xenstore_goes_along);
    g_test_add_func("/migration/cuts-go-along", cuts_go_along);
    g_test_add_func("/migration/rtc-goes-along", rtc_goes_along);
    return g_test_run();
}
