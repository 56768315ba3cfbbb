/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest accelerator on a stock QEMU: virtual time is the test's, memory
 * and ports work, vCPUs stand still, a plugin can be loaded beside it.
 */
#include "tests/qtest/qtest-client.h"

#include <string.h>

#define PIT_CHANNEL0  0x40
#define PIT_MODE      0x43
#define PIT_HZ        1193182
#define PIT_IRQ       0
#define PIT_RATE_LOHI 0x34 /* channel 0, both bytes, rate generator */
#define PIT_LATCH0    0x00

#define RAM_GPA 0x100000

/* "clock_set 0" succeeds only while the clock reads 0. */
static void clock_starts_at_zero_and_stands(void)
{
    Qtest *q = qtest_start(NULL, NULL);

    for (unsigned i = 0; i < 1000; i++) {
        qtest_readl(q, RAM_GPA);
    }
    qtest_clock_set(q, 0);
    qtest_quit(q);
}

static void clock_moves_by_steps_only(void)
{
    Qtest *q = qtest_start(NULL, NULL);
    g_autofree char *reason = NULL;

    g_assert_cmpint(qtest_clock_step(q, 1), ==, 1);
    g_assert_cmpint(qtest_clock_step(q, 1000000000), ==, 1000000001);
    qtest_clock_set(q, G_GINT64_CONSTANT(5000000000));
    g_assert_cmpint(qtest_clock_step(q, 5), ==, G_GINT64_CONSTANT(5000000005));
    /* never backwards: the reply is the time it stays at */
    reason = qtest_command_fails(q, "clock_set 7");
    g_assert_cmpstr(reason, ==, "5000000005");
    qtest_quit(q);
}

static void pit_start(Qtest *q, uint16_t count)
{
    qtest_outb(q, PIT_MODE, PIT_RATE_LOHI);
    qtest_outb(q, PIT_CHANNEL0, count & 0xff);
    qtest_outb(q, PIT_CHANNEL0, count >> 8);
}

static unsigned pit_read(Qtest *q)
{
    unsigned low;

    qtest_outb(q, PIT_MODE, PIT_LATCH0);
    low = qtest_inb(q, PIT_CHANNEL0);
    return low | qtest_inb(q, PIT_CHANNEL0) << 8;
}

static void clock_device_counts_with_it(void)
{
    Qtest *q = qtest_start(NULL, NULL);

    pit_start(q, 0xffff);
    g_assert_cmpuint(pit_read(q), ==, 0xffff);
    qtest_clock_step(q, 10 * 1000 * 1000);
    g_assert_cmpuint(pit_read(q), ==, 0xffff - PIT_HZ / 100);
    g_assert_cmpuint(pit_read(q), ==, 0xffff - PIT_HZ / 100);
    qtest_quit(q);
}

static void clock_step_runs_timers_at_their_time(void)
{
    Qtest *q = qtest_start(NULL, NULL);
    unsigned before;

    qtest_irq_intercept_in(q, "ioapic");
    pit_start(q, 11932); /* every 10000151 ns: the 11th is not due at the end */
    before = qtest_irq_raised(q, PIT_IRQ);
    qtest_clock_set(q, 10000149);
    g_assert_cmpuint(qtest_irq_raised(q, PIT_IRQ), ==, before);
    qtest_clock_step(q, 1004);
    g_assert_cmpuint(qtest_irq_raised(q, PIT_IRQ), ==, before + 1);
    qtest_clock_step(q, 100 * 1000 * 1000);
    g_assert_cmpuint(qtest_irq_raised(q, PIT_IRQ), ==, before + 10);
    qtest_quit(q);
}

static void memory_reads_what_was_written(void)
{
    Qtest *q = qtest_start(NULL, NULL);
    uint8_t out[5000], in[sizeof(out)];

    for (size_t i = 0; i < sizeof(out); i++) {
        out[i] = i * 7 + (i >> 8);
    }
    qtest_memwrite(q, RAM_GPA + 3, out, sizeof(out));
    qtest_memread(q, RAM_GPA + 3, in, sizeof(in));
    g_assert_cmpmem(in, sizeof(in), out, sizeof(out));

    qtest_writeq(q, RAM_GPA, 0x1122334455667788);
    g_assert_cmphex(qtest_readb(q, RAM_GPA), ==, 0x88);
    g_assert_cmphex(qtest_readw(q, RAM_GPA + 1), ==, 0x6677);
    g_assert_cmphex(qtest_readl(q, RAM_GPA + 4), ==, 0x11223344);
    qtest_writeb(q, RAM_GPA, 0xaa);
    qtest_writew(q, RAM_GPA + 2, 0xbbcc);
    qtest_writel(q, RAM_GPA + 4, 0xdeadbeef);
    g_assert_cmphex(qtest_readq(q, RAM_GPA), ==, 0xdeadbeefbbcc77aa);
    qtest_memset(q, RAM_GPA, 0x5a, 3);
    g_assert_cmphex(qtest_readl(q, RAM_GPA), ==, 0xbb5a5a5a);
    qtest_quit(q);
}

/* The PCI configuration mechanism takes a 32-bit port and 8 to 32 bits. */
static void ports_reach_devices(void)
{
    Qtest *q = qtest_start(NULL, NULL);

    qtest_outl(q, 0xcf8, 0x80000000);
    g_assert_cmphex(qtest_inl(q, 0xcf8), ==, 0x80000000);
    g_assert_cmphex(qtest_inw(q, 0xcfc), ==, 0x8086);
    g_assert_cmphex(qtest_inl(q, 0xcfc), ==, 0x29c08086);
    g_assert_cmphex(qtest_inb(q, 0xcfd), ==, 0x80);
    qtest_outw(q, 0xcf8 + 4, 0); /* the vendor cannot be written */
    g_assert_cmphex(qtest_inw(q, 0xcfc), ==, 0x8086);
    qtest_quit(q);
}

static void vcpus_stay_at_the_reset_vector(void)
{
    Qtest *q = qtest_start("-smp 4", NULL);
    g_autoptr(JsonNode) status = qtest_qmp(q, "query-status", NULL);
    g_autoptr(JsonNode) cpus = qtest_qmp(q, "query-cpus-fast", NULL);
    g_autoptr(JsonNode) regs = NULL;

    g_assert_cmpstr(
        json_object_get_string_member(json_node_get_object(status), "status"),
        ==, "running");
    g_assert_cmpuint(json_array_get_length(json_node_get_array(cpus)), ==, 4);
    qtest_clock_step(q, 1000000000);
    regs = qtest_qmp(q, "human-monitor-command",
                     "{\"command-line\": \"info registers\"}");
    g_assert_nonnull(strstr(json_node_get_string(regs), "EIP=0000fff0"));
    qtest_quit(q);
}

static void accel_icount_is_refused(void)
{
    g_autofree char *text = qtest_start_refused("-icount shift=0", NULL);

    g_assert_nonnull(strstr(text, "icount"));
}

/* The stamp is what keeps a module away from a QEMU of another build. */
static void accel_other_stamp_is_refused(void)
{
    g_autofree char *text = NULL;

    qtest_set_module_dir(g_getenv("JUMPCUT_OTHER_MODULE_DIR"));
    text = qtest_start_refused(NULL, NULL);
    qtest_set_module_dir(NULL);
    /* it does not say why, but refuses as it does without a module */
    g_assert_nonnull(strstr(text, "invalid accelerator qtest"));
}

static void accel_plugin_loads_beside_it(void)
{
    Qtest *q = qtest_start(NULL, "");
    g_autoptr(JsonNode) info = qtest_qmp(q, "query-jumpcut", NULL);

    g_assert_cmpstr(
        json_object_get_string_member(json_node_get_object(info), "guest"), ==,
        "none");
    qtest_clock_set(q, 0);
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/accel/clock/starts-at-zero-and-stands",
                    clock_starts_at_zero_and_stands);
    g_test_add_func("/accel/clock/moves-by-steps-only",
                    clock_moves_by_steps_only);
    g_test_add_func("/accel/clock/device-counts-with-it",
                    clock_device_counts_with_it);
    g_test_add_func("/accel/clock/step-runs-timers-at-their-time",
                    clock_step_runs_timers_at_their_time);
    g_test_add_func("/accel/memory/reads-what-was-written",
                    memory_reads_what_was_written);
    g_test_add_func("/accel/ports/reach-devices", ports_reach_devices);
    g_test_add_func("/accel/vcpus/stay-at-the-reset-vector",
                    vcpus_stay_at_the_reset_vector);
    g_test_add_func("/accel/icount-is-refused", accel_icount_is_refused);
    g_test_add_func("/accel/other-stamp-is-refused",
                    accel_other_stamp_is_refused);
    g_test_add_func("/accel/plugin-loads-beside-it",
                    accel_plugin_loads_beside_it);
    return g_test_run();
}
