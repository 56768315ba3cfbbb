/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a toolstack puts into a PVH guest's memory before it starts (xen:
 * xg_dom_core.c for the order, xg_dom_x86.c, bootlate_hvm for the start info).
 */
#include "hw/xen/pvh/boot.h"

#include <string.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "hw/xen/pvh/bzimage.h"
#include "hw/xen/pvh/kernel-elf.h"
#include "hw/xen/pvh/error.h"

#define KERNEL_MAX ((size_t)512 << 20) /* unpacked */
#define HIGHMEM_PA ((uint64_t)1 << 32)

/* xen: xg_dom_x86.c, SPECIALPAGE_*; the identity page table maps 4 GiB. */
#define SPECIAL_STORE    (XEN_STORE_GFN - PVH_SPECIAL_PA / PVH_PAGE)
#define SPECIAL_IDENT_PT 6u
#define SPECIAL_CONSOLE  (XEN_CONSOLE_GFN - PVH_SPECIAL_PA / PVH_PAGE)
/* present, writable, user, accessed, dirty, 4 MiB */
#define IDENT_PT_FLAGS 0xe7u

/* The start info's page and those after it. */
typedef struct StartInfo {
    struct hvm_start_info info;
    struct hvm_modlist_entry module;
    struct hvm_memmap_table_entry map[PVH_MAP_MAX];
    char cmdline[];
} StartInfo;

struct PvhBoot {
    GBytes *kernel; /* ELF */
    PvhElf elf;
    GBytes *initrd;
    uint64_t initrd_pa;
    StartInfo *start_info;
    size_t start_info_size;
    uint64_t start_info_pa;
    uint8_t acpi[PVH_ACPI_SIZE];
};

unsigned pvh_memory_map(uint64_t ram_size, XenMemoryRange map[PVH_MAP_MAX])
{
    unsigned n = 0;

    map[n++] = (XenMemoryRange){0, MIN(ram_size, PVH_LOWMEM_END),
                                XEN_HVM_MEMMAP_TYPE_RAM};
    map[n++] = (XenMemoryRange){PVH_SPECIAL_PA, PVH_SPECIAL_SIZE,
                                XEN_HVM_MEMMAP_TYPE_RESERVED};
    map[n++] =
        (XenMemoryRange){PVH_RSDP_PA, PVH_RSDP_SIZE, XEN_HVM_MEMMAP_TYPE_ACPI};
    map[n++] =
        (XenMemoryRange){PVH_ACPI_PA, PVH_PAGE, XEN_HVM_MEMMAP_TYPE_ACPI};
    map[n++] = (XenMemoryRange){PVH_ACPI_TABLES_PA, PVH_ACPI_TABLES_SIZE,
                                XEN_HVM_MEMMAP_TYPE_ACPI};
    if (ram_size > PVH_LOWMEM_END) {
        map[n++] = (XenMemoryRange){HIGHMEM_PA, ram_size - PVH_LOWMEM_END,
                                    XEN_HVM_MEMMAP_TYPE_RAM};
    }
    return n;
}

static uint64_t page_up(uint64_t pa)
{
    return (pa + PVH_PAGE - 1) & ~(uint64_t)(PVH_PAGE - 1);
}

static bool load_kernel(PvhBoot *b, GBytes *file, GError **error)
{
    size_t size;
    const uint8_t *data = g_bytes_get_data(file, &size);

    b->kernel = pvh_elf_is(data, size)
                    ? g_bytes_ref(file)
                    : pvh_bzimage_unpack(data, size, KERNEL_MAX, error);
    if (!b->kernel) {
        return false;
    }
    data = g_bytes_get_data(b->kernel, &size);
    return pvh_elf_parse(&b->elf, data, size, error);
}

static void make_start_info(PvhBoot *b, const PvhBootConfig *c)
{
    const char *cmdline = c->cmdline ? c->cmdline : "";
    size_t len = strlen(cmdline) + 1;
    uint64_t pa = b->start_info_pa;
    XenMemoryRange map[PVH_MAP_MAX];
    StartInfo *s;

    b->start_info_size = sizeof(*s) + len;
    s = b->start_info = g_malloc0(b->start_info_size);
    s->info.magic = XEN_HVM_START_MAGIC_VALUE;
    s->info.version = 1;
    s->info.rsdp_paddr = PVH_RSDP_PA;
    if (*cmdline) {
        s->info.cmdline_paddr = pa + offsetof(StartInfo, cmdline);
        memcpy(s->cmdline, cmdline, len);
    }
    if (b->initrd) {
        s->info.nr_modules = 1;
        s->info.modlist_paddr = pa + offsetof(StartInfo, module);
        s->module.paddr = b->initrd_pa;
        s->module.size = g_bytes_get_size(b->initrd);
    }
    s->info.memmap_paddr = pa + offsetof(StartInfo, map);
    s->info.memmap_entries = pvh_memory_map(c->ram_size, map);
    for (unsigned i = 0; i < s->info.memmap_entries; i++) {
        s->map[i].addr = map[i].addr;
        s->map[i].size = map[i].size;
        s->map[i].type = map[i].type;
    }
}

static bool place(PvhBoot *b, const PvhBootConfig *c, GError **error)
{
    uint64_t low = MIN(c->ram_size, PVH_LOWMEM_END), end;

    b->initrd_pa = page_up(b->elf.end);
    b->start_info_pa =
        page_up(b->initrd_pa + (b->initrd ? g_bytes_get_size(b->initrd) : 0));
    end = b->start_info_pa + sizeof(StartInfo) +
          (c->cmdline ? strlen(c->cmdline) + 1 : 1);
    /* The kernel's end alone first: the sums may wrap. */
    if (b->elf.end > low || end > low) {
        g_set_error(error, PVH_ERROR, 0,
                    "kernel and initial RAM disk end at %#" G_GINT64_MODIFIER
                    "x, the memory below 4 GiB at %#" G_GINT64_MODIFIER "x",
                    MAX(b->elf.end, end), low);
        return false;
    }
    return true;
}

PvhBoot *pvh_boot_new(const PvhBootConfig *config, GError **error)
{
    PvhBoot *b = g_new0(PvhBoot, 1);

    b->initrd = config->initrd ? g_bytes_ref(config->initrd) : NULL;
    if (!load_kernel(b, config->kernel, error) || !place(b, config, error)) {
        pvh_boot_free(b);
        return NULL;
    }
    make_start_info(b, config);
    pvh_acpi_build(b->acpi, &config->acpi);
    return b;
}

void pvh_boot_free(PvhBoot *b)
{
    if (!b) {
        return;
    }
    g_clear_pointer(&b->kernel, g_bytes_unref);
    g_clear_pointer(&b->initrd, g_bytes_unref);
    g_free(b->start_info);
    g_free(b);
}

uint32_t pvh_boot_entry(const PvhBoot *b)
{
    return b->elf.entry;
}

uint32_t pvh_boot_start_info(const PvhBoot *b)
{
    return (uint32_t)b->start_info_pa;
}

static bool write_zeros(PvhWriteFn *write, uint64_t pa, uint64_t len)
{
    static const uint8_t zeros[PVH_PAGE];

    while (len) {
        size_t n = MIN(len, sizeof(zeros));

        if (!write((GuestPhys){pa}, zeros, n)) {
            return false;
        }
        pa += n;
        len -= n;
    }
    return true;
}

static bool write_kernel(const PvhBoot *b, PvhWriteFn *write)
{
    const uint8_t *data = g_bytes_get_data(b->kernel, NULL);

    for (unsigned i = 0; i < b->elf.nr_segments; i++) {
        const PvhSegment *s = &b->elf.segments[i];

        if (!write((GuestPhys){s->pa}, data + s->file_off, s->file_size) ||
            !write_zeros(write, s->pa + s->file_size,
                         s->mem_size - s->file_size)) {
            return false;
        }
    }
    return true;
}

/*
 * The special pages but the two rings, which are the domain's (xen:
 * alloc_magic_pages_hvm).
 */
static bool write_special(PvhWriteFn *write)
{
    uint32_t ident[PVH_PAGE / sizeof(uint32_t)];

    for (uint32_t i = 0; i < G_N_ELEMENTS(ident); i++) {
        ident[i] = i << 22 | IDENT_PT_FLAGS;
    }
    for (unsigned i = 0; i < PVH_SPECIAL_SIZE / PVH_PAGE; i++) {
        uint64_t pa = PVH_SPECIAL_PA + (uint64_t)i * PVH_PAGE;
        bool good = true;

        if (i == SPECIAL_IDENT_PT) {
            good = write((GuestPhys){pa}, ident, sizeof(ident));
        } else if (i != SPECIAL_STORE && i != SPECIAL_CONSOLE) {
            good = write_zeros(write, pa, PVH_PAGE);
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

bool pvh_boot_write(const PvhBoot *b, PvhWriteFn *write)
{
    size_t size = 0;
    const void *initrd = b->initrd ? g_bytes_get_data(b->initrd, &size) : NULL;

    return write_kernel(b, write) && write_special(write) &&
           (!size || write((GuestPhys){b->initrd_pa}, initrd, size)) &&
           write((GuestPhys){b->start_info_pa}, b->start_info,
                 b->start_info_size) &&
           write((GuestPhys){PVH_ACPI_PA}, b->acpi, sizeof(b->acpi));
}
