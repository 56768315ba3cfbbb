/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest ejects its vCPUs, as an operating system does at the end of a
 * hot-unplug, and as none should: the vCPU it runs on, twice, while it runs.
 *
 * Behaviour: the vCPU is gone, and the machine goes on.  QEMU by itself ends
 * (it joins the thread it is in) when all vCPUs share a thread, and when a vCPU
 * ejects itself.
 * Check: the controller says that the vCPU is not there, the others run and
 * take each other's interrupts.
 * Cannot tell apart: a vCPU that is gone from one that spins.
 * Real Xen: has another controller (tools/firmware/hvmloader and
 * tools/libacpi, GPE 2); the tests are skipped.
 *
 * RUN: icount smp=4
 * RUN: tcg smp=4 accel=tcg
 * RUN: mttcg smp=4 accel=mttcg
 */
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/cpu.h"

/* QEMU: docs/specs/acpi_cpu_hotplug; in the PC's place, PIIX4. */
#define CPUHP_SELECTOR 0xaf00
#define CPUHP_FLAGS    0xaf04
#define CPUHP_ENABLED  0x01
#define CPUHP_EJECT    0x08

static volatile unsigned started, spinning;

static void select_cpu(uint32_t index)
{
    __asm__ volatile("outl %0, %w1" : : "a"(index), "Nd"(CPUHP_SELECTOR));
}

static uint8_t flags_of(uint32_t index)
{
    uint8_t flags;

    select_cpu(index);
    __asm__ volatile("inb %w1, %0" : "=a"(flags) : "Nd"(CPUHP_FLAGS));
    return flags;
}

static void eject(uint32_t index)
{
    select_cpu(index);
    port_out(CPUHP_FLAGS, CPUHP_EJECT);
}

/* The controller has its newer interface after a zero in the older's bitmap. */
static bool controller_is_there(void)
{
    port_out(CPUHP_SELECTOR, 0);
    if (!(flags_of(1) & CPUHP_ENABLED) || flags_of(1) == 0xff) {
        skip("no such controller, or vCPU 1 was ejected before");
        return false;
    }
    return true;
}

static void other_starts(void *arg)
{
    (void)arg;
    started = started + 1;
}

static void other_spins(void *arg)
{
    (void)arg;
    spinning = 1;
    for (;;) {
        __asm__ volatile("pause");
    }
}

static void other_ejects_itself(void *arg)
{
    (void)arg;
    eject(cpu_index());
    /* What is left of it may run for a moment, and halts. */
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

static void wait_gone(uint32_t index)
{
    while (flags_of(index) & CPUHP_ENABLED) {
        __asm__ volatile("pause");
    }
}

static void cpu_that_halts_is_ejected(void)
{
    if (!controller_is_there()) {
        return;
    }
    CHECK(cpu_start_other(1, other_starts, NULL));
    CHECK(cpu_wait_for(&started, 1));
    eject(1);
    wait_gone(1);
    eject(1);
    CHECK_EQ(0, flags_of(1) & CPUHP_ENABLED);
}

static void cpu_that_runs_is_ejected(void)
{
    if (flags_of(2) == 0xff) {
        skip("no such controller");
        return;
    }
    CHECK(cpu_start_other(2, other_spins, NULL));
    CHECK(cpu_wait_for(&spinning, 1));
    eject(2);
    wait_gone(2);
}

static void cpu_ejects_itself(void)
{
    if (flags_of(3) == 0xff) {
        skip("no such controller");
        return;
    }
    CHECK(cpu_start_other(3, other_ejects_itself, NULL));
    wait_gone(3);
}

/* QEMU's own rule. */
static void first_cpu_stays(void)
{
    if (flags_of(0) == 0xff) {
        skip("no such controller");
        return;
    }
    eject(0);
    CHECK_EQ(CPUHP_ENABLED, flags_of(0) & CPUHP_ENABLED);
}

PAYLOAD(NEEDS_XEN, TEST(cpu_that_halts_is_ejected),
        TEST(cpu_that_runs_is_ejected), TEST(cpu_ejects_itself),
        TEST(first_cpu_stays));
