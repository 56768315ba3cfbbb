/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a PVH guest starts with: registers, start info, memory map, ACPI tables,
 * and devices it does not have.
 *
 * A kernel without firmware relies on all of it.  Checked are the registers of
 * Xen's docs/misc/pvh.pandoc as the entry code saved them, the structures that
 * the toolstack makes (xg_dom_x86.c, libxl_x86.c, libacpi/build.c), and that
 * ports and addresses of a PC's devices read all ones.  It cannot tell whether
 * an operating system is content with the tables.
 *
 * Real Xen (4.17, a PVH domU): start info version 1, RSDP at 0xfc008000, five
 * ranges; segments' limits and the local APIC's version are the processor's.
 *
 * RUN: default guest=pvh
 * RUN: smp smp=4 guest=pvh
 * RUN: mttcg smp=4 accel=mttcg guest=pvh
 * RUN: offline smp=1,maxcpus=4 guest=pvh append=max=4
 */
#include <stdint.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/cpu.h"
#include "tests/payload/lib/xen.h"

#define RSDP_PA   0xfc008000ull
#define TABLES_PA 0xfc001000ull
#define LAPIC_PA  0xfee00000u

static const struct hvm_start_info *start_info(void)
{
    return (const struct hvm_start_info *)(uintptr_t)start_state.ebx;
}

static uint32_t le32(uint64_t pa)
{
    uint32_t v;

    memcpy(&v, (const void *)(uintptr_t)pa, sizeof(v));
    return v;
}

static uint8_t sum(uint64_t pa, uint32_t len)
{
    const uint8_t *p = (const uint8_t *)(uintptr_t)pa;
    uint8_t s = 0;

    while (len--) {
        s = (uint8_t)(s + *p++);
    }
    return s;
}

/* CR0.ET is the processor's; everything else but PE is clear. */
static void registers_are_the_abis(void)
{
    CHECK_EQ(1, start_state.cr0 & ~0x10u);
    CHECK_EQ(0, start_state.cr4);
    /* VM, TF and IF are clear. */
    CHECK_EQ(0, start_state.eflags & (1u << 17 | 1u << 8 | 1u << 9));
    CHECK_EQ(0, start_state.ebx & 3);
    CHECK(start_state.ebx != 0);
}

static void start_info_is_version_one(void)
{
    const struct hvm_start_info *s = start_info();

    CHECK_EQ(XEN_HVM_START_MAGIC_VALUE, s->magic);
    CHECK_EQ(1, s->version);
    CHECK_EQ(0, s->flags);
    CHECK_EQ(0, s->nr_modules);
    CHECK_EQ(RSDP_PA, s->rsdp_paddr);
    CHECK_EQ(0, s->reserved);
    CHECK(s->cmdline_paddr != 0);
    CHECK(memcmp((const void *)(uintptr_t)s->cmdline_paddr, "cpus=", 5) == 0);
}

/* Real Xen, M: RAM, the special pages, then three ranges of ACPI tables. */
static void memory_map_is_the_toolstacks(void)
{
    static const struct {
        uint64_t addr, size;
        uint32_t type;
    } want[] = {
        {0, 64u << 20, XEN_HVM_MEMMAP_TYPE_RAM},
        {0xfeff8000, 0x8000, XEN_HVM_MEMMAP_TYPE_RESERVED},
        {0xfc008000, 64, XEN_HVM_MEMMAP_TYPE_ACPI},
        {0xfc000000, 0x1000, XEN_HVM_MEMMAP_TYPE_ACPI},
        {0xfc001000, 0x7000, XEN_HVM_MEMMAP_TYPE_ACPI},
    };
    const struct hvm_start_info *s = start_info();
    const struct hvm_memmap_table_entry *map =
        (const void *)(uintptr_t)s->memmap_paddr;

    if (!CHECK_EQ(ARRAY_SIZE(want), s->memmap_entries)) {
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
        input("range %u", i);
        CHECK_EQ(want[i].addr, map[i].addr);
        CHECK_EQ(want[i].size, map[i].size);
        CHECK_EQ(want[i].type, map[i].type);
        CHECK_EQ(0, map[i].reserved);
    }
}

/* The hypercall tells the same map, in the same order. */
static void memory_map_hypercall_agrees(void)
{
    const struct hvm_start_info *s = start_info();
    const struct hvm_memmap_table_entry *map =
        (const void *)(uintptr_t)s->memmap_paddr;
    struct __attribute__((packed)) {
        uint64_t addr, size;
        uint32_t type;
    } got[8];
    struct xen_memory_map op = {.nr_entries = ARRAY_SIZE(got)};

    set_xen_guest_handle(op.buffer, (void *)got);
    CHECK_RC(0, xen_memory_op(XENMEM_memory_map, &op));
    if (!CHECK_EQ(s->memmap_entries, op.nr_entries)) {
        return;
    }
    for (unsigned i = 0; i < op.nr_entries; i++) {
        input("range %u", i);
        CHECK_EQ(map[i].addr, got[i].addr);
        CHECK_EQ(map[i].size, got[i].size);
        CHECK_EQ(map[i].type, got[i].type);
    }
}

/* The XSDT's entry with that signature, or 0 */
static uint64_t acpi_table(const char *signature)
{
    uint64_t xsdt = le32(RSDP_PA + 24);

    for (uint32_t at = 36; at < le32(xsdt + 4); at += 8) {
        uint64_t table = le32(xsdt + at);

        if (memcmp((const void *)(uintptr_t)table, signature, 4) == 0) {
            return table;
        }
    }
    return 0;
}

static void acpi_tables_are_xens(void)
{
    static const char *const names[] = {"FACP", "APIC"};

    CHECK(memcmp((const void *)(uintptr_t)RSDP_PA, "RSD PTR ", 8) == 0);
    CHECK_EQ(0, sum(RSDP_PA, 20));
    CHECK_EQ(0, sum(RSDP_PA, 36));
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        uint64_t table = acpi_table(names[i]);

        input("%s", names[i]);
        if (!CHECK_RANGE(TABLES_PA, RSDP_PA - 1, table)) {
            return;
        }
        CHECK_EQ(0, sum(table, le32(table + 4)));
        CHECK(memcmp((const void *)(uintptr_t)(table + 10), "Xen\0\0\0HVM",
                     9) == 0);
    }
    /* No VGA, no RTC; no 8042 nor other legacy devices */
    CHECK_EQ(0x24, le32(acpi_table("FACP") + 109) & 0xffff);
}

/* One enabled local APIC for each vCPU that is online; no I/O APIC. */
static void madt_has_local_apics_only(void)
{
    uint64_t madt = acpi_table("APIC");
    uint32_t end = le32(madt + 4);
    unsigned enabled = 0, all = 0;

    CHECK_EQ(LAPIC_PA, le32(madt + 36));
    for (uint32_t at = 44; at < end; at += 8) {
        uint32_t head = le32(madt + at);

        input("entry %u", all);
        CHECK_EQ(0x0800, head & 0xffff);    /* type 0, 8 bytes */
        CHECK_EQ(all, (head >> 16) & 0xff); /* processor */
        enabled += le32(madt + at + 4) & 1;
        all++;
    }
    CHECK_EQ(cpu_count(), enabled);
    CHECK_EQ(cmdline_number("max", cpu_count()), all);
}

static void legacy_ports_read_all_ones(void)
{
    static const uint16_t ports[] = {
        0x20,   0x21,   0xa0,   0xa1,           /* PIC */
        0x40,   0x41,   0x42,   0x61,           /* PIT, speaker */
        0x60,   0x64,                           /* keyboard */
        0x70,   0x71,                           /* RTC */
        0x92,                                   /* A20 */
        0x3f8,  0x3fd,  0x3d5,  0x510,  0x511,  /* serial, VGA, fw_cfg */
        0xcf8,  0xcfc,  0xcf9,                  /* PCI, reset */
        0xb000, 0xb004, 0xb008, 0xaf00, 0xafe0, /* PM, hotplug, GPE */
    };

    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        input("port %x", ports[i]);
        CHECK_EQ(0xff, port_in(ports[i]));
    }
}

static void device_addresses_read_all_ones(void)
{
    static const uint32_t at[] = {
        0xfec00000, 0xfec00010, /* I/O APIC */
        0xfed00000,             /* HPET */
        0xfeb00000,             /* virtio-mmio of microvm */
        0xf0000000, 0xfffffff0, /* PCI, BIOS */
    };

    for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
        input("address %x", at[i]);
        CHECK_EQ(0xffffffff, *(volatile uint32_t *)(uintptr_t)at[i]);
    }
    /* The local APIC is there. */
    CHECK_EQ(0x10, lapic_read(0x30) & 0xf0);
}

static void low_memory_is_ram_without_holes(void)
{
    for (uint32_t pa = 0xa0000; pa < 0x100000; pa += 0x8000) {
        volatile uint32_t *p = (volatile uint32_t *)(uintptr_t)pa;

        input("address %x", pa);
        *p = 0x5a5a0000 + pa;
        CHECK_EQ(0x5a5a0000 + pa, *p);
    }
}

PAYLOAD(NEEDS_XEN, TEST(registers_are_the_abis),
        TEST(start_info_is_version_one), TEST(memory_map_is_the_toolstacks),
        TEST(memory_map_hypercall_agrees), TEST(acpi_tables_are_xens),
        TEST(madt_has_local_apics_only), TEST(legacy_ports_read_all_ones),
        TEST(device_addresses_read_all_ones),
        TEST(low_memory_is_ram_without_holes));
