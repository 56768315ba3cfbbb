/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a PVH guest finds in its memory: kernel, start info, ACPI tables. */
#include <string.h>
#include <stdint.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "hw/xen/pvh/boot.h"
#include "tests/unit/pvh-image.h"

#define LOW_SIZE (4u << 20)

/* The guest's memory that is there: three ranges. */
static struct {
    uint8_t low[LOW_SIZE];
    uint8_t acpi[PVH_ACPI_SIZE];
    uint8_t special[PVH_SPECIAL_SIZE];
    unsigned writes, fail_at; /* 0: none fails */
} memory;

static uint8_t *memory_at(uint64_t pa, size_t len)
{
    if (pa < LOW_SIZE && len <= LOW_SIZE - pa) {
        return memory.low + pa;
    }
    if (pa >= PVH_ACPI_PA && pa - PVH_ACPI_PA + len <= PVH_ACPI_SIZE) {
        return memory.acpi + (pa - PVH_ACPI_PA);
    }
    if (pa >= PVH_SPECIAL_PA && pa - PVH_SPECIAL_PA + len <= PVH_SPECIAL_SIZE) {
        return memory.special + (pa - PVH_SPECIAL_PA);
    }
    return NULL;
}

static bool memory_write(GuestPhys pa, const void *buf, size_t len)
{
    uint8_t *at = memory_at(pa.v, len);

    if (!at || ++memory.writes == memory.fail_at) {
        return false;
    }
    memcpy(at, buf, len);
    return true;
}

static PvhBoot *boot_new(const char *cmdline, size_t initrd_size,
                         uint64_t ram_size, const PvhAcpiConfig *acpi,
                         GError **error)
{
    g_autoptr(GBytes) kernel = g_byte_array_free_to_bytes(pvh_image_elf(TRUE));
    g_autofree uint8_t *data = g_malloc(initrd_size + 1);
    g_autoptr(GBytes) initrd = NULL;
    PvhBootConfig config = {.kernel = kernel,
                            .cmdline = cmdline,
                            .ram_size = ram_size,
                            .acpi = *acpi};

    memset(data, 0xa5, initrd_size + 1);
    if (initrd_size) {
        initrd = g_bytes_new(data, initrd_size);
        config.initrd = initrd;
    }
    memset(&memory, 0xee, sizeof(memory));
    memory.writes = memory.fail_at = 0;
    return pvh_boot_new(&config, error);
}

static const uint32_t ids[PVH_ACPI_VCPUS_MAX] = {0, 1, 2, 300};
static const PvhAcpiConfig two_of_four = {4, 2, ids};

static void memory_map_is_the_toolstacks(void)
{
    static const struct {
        uint64_t ram, low, high;
    } cases[] = {
        {64u << 20, 64u << 20, 0},
        {PVH_LOWMEM_END, PVH_LOWMEM_END, 0},
        {PVH_LOWMEM_END + 4096ull, PVH_LOWMEM_END, 4096},
        {8ull << 30, PVH_LOWMEM_END, (8ull << 30) - PVH_LOWMEM_END},
    };
    static const uint64_t rest[][3] = {{0xfeff8000, 0x8000, 2},
                                       {0xfc008000, 64, 3},
                                       {0xfc000000, 0x1000, 3},
                                       {0xfc001000, 0x7000, 3}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        XenMemoryRange map[PVH_MAP_MAX];
        unsigned n = pvh_memory_map(cases[i].ram, map);

        g_assert_cmpuint(n, ==, cases[i].high ? 6 : 5);
        g_assert_cmphex(map[0].addr, ==, 0);
        g_assert_cmphex(map[0].size, ==, cases[i].low);
        g_assert_cmpuint(map[0].type, ==, 1);
        for (unsigned j = 0; j < G_N_ELEMENTS(rest); j++) {
            g_assert_cmphex(map[1 + j].addr, ==, rest[j][0]);
            g_assert_cmphex(map[1 + j].size, ==, rest[j][1]);
            g_assert_cmpuint(map[1 + j].type, ==, rest[j][2]);
        }
        if (cases[i].high) {
            g_assert_cmphex(map[5].addr, ==, 1ull << 32);
            g_assert_cmphex(map[5].size, ==, cases[i].high);
        }
    }
}

static void boot_writes_kernel_module_and_start_info(void)
{
    g_autoptr(GError) error = NULL;
    PvhBoot *b = boot_new("a b", 5000, LOW_SIZE, &two_of_four, &error);
    struct hvm_start_info info;
    struct hvm_modlist_entry module;
    uint64_t kernel_end = PVH_IMAGE_PA + PVH_IMAGE_BODY_SIZE + PVH_IMAGE_BSS;
    uint32_t pa;

    g_assert_no_error(error);
    g_assert_cmphex(pvh_boot_entry(b), ==, PVH_IMAGE_ENTRY);
    g_assert_true(pvh_boot_write(b, memory_write));
    g_assert_cmphex(memory.low[PVH_IMAGE_PA + 1], ==, 8);
    g_assert_cmphex(memory.low[PVH_IMAGE_PA + PVH_IMAGE_BODY_SIZE], ==, 0);
    g_assert_cmphex(memory.low[kernel_end - 1], ==, 0);
    g_assert_cmphex(memory.low[kernel_end], ==, 0xee);

    pa = pvh_boot_start_info(b);
    g_assert_cmphex(pa & 0xfff, ==, 0);
    memcpy(&info, memory.low + pa, sizeof(info));
    g_assert_cmphex(info.magic, ==, XEN_HVM_START_MAGIC_VALUE);
    g_assert_cmpuint(info.version, ==, 1);
    g_assert_cmpuint(info.flags, ==, 0);
    g_assert_cmphex(info.rsdp_paddr, ==, 0xfc008000);
    g_assert_cmpuint(info.memmap_entries, ==, 5);
    g_assert_cmpuint(info.reserved, ==, 0);
    g_assert_cmpstr((char *)memory.low + info.cmdline_paddr, ==, "a b");
    g_assert_cmpuint(info.nr_modules, ==, 1);
    memcpy(&module, memory.low + info.modlist_paddr, sizeof(module));
    g_assert_cmphex(module.paddr, ==, (kernel_end + 0xfff) & ~0xfffull);
    g_assert_cmpuint(module.size, ==, 5000);
    g_assert_cmpuint(module.cmdline_paddr, ==, 0);
    g_assert_cmphex(memory.low[module.paddr + 4999], ==, 0xa5);
    pvh_boot_free(b);
}

static void boot_without_module_and_cmdline_says_so(void)
{
    g_autoptr(GError) error = NULL;
    PvhBoot *b = boot_new(NULL, 0, LOW_SIZE, &two_of_four, &error);
    struct hvm_start_info info;

    g_assert_no_error(error);
    g_assert_true(pvh_boot_write(b, memory_write));
    memcpy(&info, memory.low + pvh_boot_start_info(b), sizeof(info));
    g_assert_cmpuint(info.nr_modules, ==, 0);
    g_assert_cmpuint(info.modlist_paddr, ==, 0);
    g_assert_cmpuint(info.cmdline_paddr, ==, 0);
    pvh_boot_free(b);
}

static void special_pages_leave_the_rings_alone(void)
{
    g_autoptr(GError) error = NULL;
    PvhBoot *b = boot_new(NULL, 0, LOW_SIZE, &two_of_four, &error);
    uint32_t ident;

    g_assert_true(pvh_boot_write(b, memory_write));
    g_assert_cmphex(memory.special[0], ==, 0);
    g_assert_cmphex(memory.special[4 * 4096], ==, 0xee); /* xenstore */
    g_assert_cmphex(memory.special[7 * 4096], ==, 0xee); /* console */
    memcpy(&ident, memory.special + 6 * 4096 + 4 * 1023, 4);
    g_assert_cmphex(ident, ==, 0xffc000e7);
    pvh_boot_free(b);
}

static void boot_too_large_is_refused(void)
{
    static const struct {
        uint64_t ram;
        size_t initrd;
    } cases[] = {
        {PVH_IMAGE_PA, 0},
        {PVH_IMAGE_PA + PVH_IMAGE_BODY_SIZE + PVH_IMAGE_BSS, 0},
        {LOW_SIZE, LOW_SIZE - PVH_IMAGE_PA - 0x2000},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(
            boot_new("", cases[i].initrd, cases[i].ram, &two_of_four, &error));
        g_assert_nonnull(strstr(error->message, "kernel and initial RAM disk"));
    }
}

/* n-th fault: a page that is not there ends it, whichever it is. */
static void boot_write_that_fails_is_told(void)
{
    g_autoptr(GError) error = NULL;
    PvhBoot *b = boot_new("x", 10, LOW_SIZE, &two_of_four, &error);
    unsigned n;

    for (n = 1;; n++) {
        memory.writes = 0;
        memory.fail_at = n;
        if (pvh_boot_write(b, memory_write)) {
            break;
        }
    }
    g_assert_cmpuint(n, >, 5);
    pvh_boot_free(b);
}

static uint32_t le32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}

static uint8_t sum(const uint8_t *p, size_t len)
{
    uint8_t s = 0;

    while (len--) {
        s = (uint8_t)(s + *p++);
    }
    return s;
}

/* The table at @pa, its checksum and owner checked */
static const uint8_t *table_at(const uint8_t *area, uint64_t pa,
                               const char *signature)
{
    const uint8_t *t = area + (pa - PVH_ACPI_PA);

    g_assert_cmphex(pa, >=, PVH_ACPI_TABLES_PA);
    g_assert_cmphex(pa + le32(t + 4), <=, PVH_RSDP_PA);
    g_assert_cmpmem(t, 4, signature, 4);
    if (strcmp(signature, "FACS")) {
        g_assert_cmphex(sum(t, le32(t + 4)), ==, 0);
        g_assert_cmpmem(t + 10, 6, "Xen\0\0\0", 6);
    }
    return t;
}

static void check_fadt(const uint8_t *area, const uint8_t *fadt,
                       unsigned revision, unsigned len)
{
    g_assert_cmpuint(fadt[8], ==, revision);
    g_assert_cmpuint(le32(fadt + 4), ==, len);
    g_assert_cmphex(le32(fadt + 112), ==, 0x8175);
    table_at(area, le32(fadt + 36), "FACS");
    table_at(area, le32(fadt + 40), "DSDT");
}

static void acpi_tables_are_whole_and_found(void)
{
    static uint8_t area[PVH_ACPI_SIZE];
    const uint8_t *rsdp = area + (PVH_RSDP_PA - PVH_ACPI_PA);
    const uint8_t *xsdt, *rsdt, *fadt, *madt;

    pvh_acpi_build(area, &two_of_four);
    g_assert_cmpmem(rsdp, 8, "RSD PTR ", 8);
    g_assert_cmphex(sum(rsdp, 20), ==, 0);
    g_assert_cmphex(sum(rsdp, 36), ==, 0);
    xsdt = table_at(area, le32(rsdp + 24), "XSDT");
    rsdt = table_at(area, le32(rsdp + 16), "RSDT");
    g_assert_cmpuint(le32(xsdt + 4), ==, 36 + 16);
    g_assert_cmpuint(le32(rsdt + 4), ==, 36 + 8);
    fadt = table_at(area, le32(xsdt + 36), "FACP");
    check_fadt(area, fadt, 5, 268);
    /* no VGA, no RTC; no 8042, no legacy devices */
    g_assert_cmphex(fadt[109], ==, 0x24);
    check_fadt(area, table_at(area, le32(rsdt + 36), "FACP"), 1, 116);
    madt = table_at(area, le32(xsdt + 44), "APIC");
    g_assert_cmphex(le32(madt + 36), ==, 0xfee00000);
    /* three local APICs and one whose id only an x2APIC can have */
    g_assert_cmpuint(le32(madt + 4), ==, 44 + 3 * 8 + 16);
    g_assert_cmpuint(le32(madt + 44 + 4), ==, 1);
    g_assert_cmpuint(le32(madt + 44 + 8 + 4), ==, 1);
    g_assert_cmpuint(le32(madt + 44 + 16 + 4), ==, 0);
    g_assert_cmpuint(madt[44 + 24], ==, 9);
    g_assert_cmpuint(le32(madt + 44 + 24 + 4), ==, 300);
    g_assert_cmpuint(le32(madt + 44 + 24 + 8), ==, 0);
}

static void acpi_tables_of_all_vcpus_fit(void)
{
    static uint8_t area[PVH_ACPI_SIZE];
    static uint32_t far[PVH_ACPI_VCPUS_MAX];

    for (unsigned i = 0; i < PVH_ACPI_VCPUS_MAX; i++) {
        far[i] = 0x1000 + i; /* the longest entries */
    }
    for (unsigned n = 1; n <= PVH_ACPI_VCPUS_MAX; n++) {
        PvhAcpiConfig c = {n, n, far};

        pvh_acpi_build(area, &c);
        table_at(area, le32(area + (PVH_RSDP_PA - PVH_ACPI_PA) + 24), "XSDT");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(fn) g_test_add_func("/pvh-boot/" #fn, fn)
    ADD(memory_map_is_the_toolstacks);
    ADD(boot_writes_kernel_module_and_start_info);
    ADD(boot_without_module_and_cmdline_says_so);
    ADD(special_pages_leave_the_rings_alone);
    ADD(boot_too_large_is_refused);
    ADD(boot_write_that_fails_is_told);
    ADD(acpi_tables_are_whole_and_found);
    ADD(acpi_tables_of_all_vcpus_fit);
    return g_test_run();
}
