/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory for HostOps: physical, linear, pinned pages and overlays.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/rcu.h"
#include "cpu.h"
#include "exec/address-spaces.h"
#include "exec/exec-all.h"
#include "exec/memory.h"
#include "exec/ramblock.h"
#include "exec/target_page.h"
#include "hw/core/cpu.h"
#include "system/tcg.h"
#include "accel/shim/guest-frames.h"
#include "accel/shim/guest-memory.h"

/* Above QEMU's own overlapping regions (SMRAM, PAM, option ROM shadows). */
#define OVERLAY_PRIORITY 100

struct HostPage {
    struct rcu_head rcu;
    MemoryRegion *mr;
    uint64_t offset; /* of the page in @mr */
    bool is_overlay;
    bool mapped;
    MemoryRegion overlay; /* @mr of an overlay page or alias */
    MemoryRegion *target; /* what an alias shows; else NULL */
};

static size_t page_rest(uint64_t addr, size_t len)
{
    return MIN(len, HOST_PAGE_SIZE - (addr & (HOST_PAGE_SIZE - 1)));
}

/*
 * The RAM region behind @gpa, or NULL. Call and use within the big lock.
 * Above the physical addresses lie pages that no guest may reach (vmcb.c).
 */
static MemoryRegion *ram_at(uint64_t gpa, bool write, uint64_t *offset)
{
    hwaddr len = 1, xlat;
    MemoryRegion *mr;

    if (gpa >> TARGET_PHYS_ADDR_SPACE_BITS) {
        return NULL;
    }
    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(&address_space_memory, gpa, &xlat, &len, write,
                                 MEMTXATTRS_UNSPECIFIED);
    if (!memory_region_is_ram(mr) || (write && mr->readonly) ||
        memory_region_is_ram_device(mr) ||
        guest_frames_is_hole(memory_region_get_ram_ptr(mr))) {
        return NULL;
    }
    *offset = xlat;
    return mr;
}

static bool ram_range(uint64_t gpa, size_t len, bool write)
{
    uint64_t offset;

    if (len && gpa + (len - 1) < gpa) {
        return false;
    }
    while (len) {
        size_t n = page_rest(gpa, len);

        if (!ram_at(gpa, write, &offset)) {
            return false;
        }
        gpa += n;
        len -= n;
    }
    return true;
}

bool guest_phys_read(uint64_t gpa, void *buf, size_t len)
{
    return ram_range(gpa, len, false) &&
           address_space_read(&address_space_memory, gpa,
                              MEMTXATTRS_UNSPECIFIED, buf, len) == MEMTX_OK;
}

bool guest_phys_write(uint64_t gpa, const void *buf, size_t len)
{
    return ram_range(gpa, len, true) &&
           address_space_write(&address_space_memory, gpa,
                               MEMTXATTRS_UNSPECIFIED, buf, len) == MEMTX_OK;
}

/* Host address of [gva, gva + len), which lies in one page, or NULL. */
static void *virt_probe(CPUState *cs, uint64_t gva, size_t len,
                        MMUAccessType type, int mmu_idx)
{
    void *host = NULL;
    int flags = probe_access_flags(cpu_env(cs), gva, len, type, mmu_idx, true,
                                   &host, 0);

    if (flags & (TLB_INVALID_MASK | TLB_MMIO | TLB_DISCARD_WRITE) ||
        guest_frames_is_hole(host)) {
        return NULL;
    }
    return host;
}

/*
 * By the page tables of a vCPU that does not execute now, or not on this
 * thread.  They are only read: neither permissions nor accessed bits count.
 */
static bool virt_access_stopped(CPUState *cs, uint64_t gva, void *buf,
                                size_t len, bool write)
{
    bool narrow = tcg_enabled() && !(cpu_env(cs)->hflags & HF_LMA_MASK);

    while (len) {
        uint64_t addr = narrow ? (uint32_t)gva : gva;
        size_t n = page_rest(addr, len);
        hwaddr gpa = cpu_get_phys_page_debug(cs, addr & TARGET_PAGE_MASK);

        if (gpa == (hwaddr)-1) {
            return false;
        }
        gpa += addr & ~TARGET_PAGE_MASK;
        if (!(write ? guest_phys_write(gpa, buf, n)
                    : guest_phys_read(gpa, buf, n))) {
            return false;
        }
        buf = (uint8_t *)buf + n;
        gva += n;
        len -= n;
    }
    return true;
}

/*
 * A timer may find its vCPU's thread as the current one or the main loop's:
 * what it does to guest memory must not depend on that.
 */
static bool virt_access(CPUState *cs, uint64_t gva, void *buf, size_t len,
                        bool write)
{
    CPUX86State *env = cpu_env(cs);

    if (!tcg_enabled() || current_cpu != cs || !cs->running) {
        return virt_access_stopped(cs, gva, buf, len, write);
    }
    while (len) {
        uint64_t addr = env->hflags & HF_LMA_MASK ? gva : (uint32_t)gva;
        size_t n = page_rest(addr, len);
        void *host =
            virt_probe(cs, addr, n, write ? MMU_DATA_STORE : MMU_DATA_LOAD,
                       cpu_mmu_index_kernel(env));

        if (!host) {
            return false;
        }
        if (write) {
            memcpy(host, buf, n);
        } else {
            memcpy(buf, host, n);
        }
        buf = (uint8_t *)buf + n;
        gva += n;
        len -= n;
    }
    return true;
}

bool guest_virt_read(CPUState *cs, uint64_t gva, void *buf, size_t len)
{
    return virt_access(cs, gva, buf, len, false);
}

bool guest_virt_write(CPUState *cs, uint64_t gva, const void *buf, size_t len)
{
    return virt_access(cs, gva, (void *)buf, len, true);
}

size_t guest_fetch(CPUState *cs, uint64_t pc, uint8_t *buf, size_t len)
{
    size_t got = 0;

    while (got < len) {
        size_t n = page_rest(pc + got, len - got);
        void *host = virt_probe(cs, pc + got, n, MMU_INST_FETCH,
                                cpu_mmu_index(cs, true));

        if (!host) {
            break;
        }
        memcpy(buf + got, host, n);
        got += n;
    }
    return got;
}

/* Pinned pages */

/* How often each is pinned, by its host address. */
static GHashTable *pins;

static void pins_add(const void *ptr, int n)
{
    unsigned count;

    if (!pins) {
        pins = g_hash_table_new(NULL, NULL);
    }
    count = GPOINTER_TO_UINT(g_hash_table_lookup(pins, ptr)) + n;
    if (count) {
        g_hash_table_insert(pins, (void *)ptr, GUINT_TO_POINTER(count));
    } else {
        g_hash_table_remove(pins, ptr);
    }
}

bool guest_ram_pinned(const void *ptr)
{
    return pins && g_hash_table_contains(pins, ptr);
}

void guest_ram_pins_foreach(void (*fn)(const void *ptr, void *opaque),
                            void *opaque)
{
    GHashTableIter iter;
    gpointer ptr;

    if (!pins) {
        return;
    }
    g_hash_table_iter_init(&iter, pins);
    while (g_hash_table_iter_next(&iter, &ptr, NULL)) {
        fn(ptr, opaque);
    }
}

static HostPage *page_pin(MemoryRegion *mr, uint64_t offset)
{
    HostPage *page = g_new0(HostPage, 1);

    page->mr = mr;
    page->offset = offset;
    memory_region_ref(mr);
    pins_add(guest_page_ptr(page), 1);
    return page;
}

HostPage *guest_page_pin(uint64_t gfn)
{
    MemoryRegion *mr;
    uint64_t offset;

    if (gfn >> (64 - HOST_PAGE_SHIFT)) {
        return NULL;
    }
    mr = ram_at(gfn << HOST_PAGE_SHIFT, true, &offset);
    return mr ? page_pin(mr, offset) : NULL;
}

void guest_page_unpin(HostPage *page)
{
    pins_add(guest_page_ptr(page), -1);
    /* What was written through it, nobody has noted. */
    memory_region_set_dirty(page->mr, page->offset, HOST_PAGE_SIZE);
    memory_region_unref(page->mr);
    g_free(page);
}

void *guest_page_ptr(HostPage *page)
{
    return (uint8_t *)memory_region_get_ram_ptr(page->mr) + page->offset;
}

/* Of QEMU's block of RAM, as migration calls it, and of the page in it. */
char *guest_page_name(HostPage *page)
{
    MemoryRegion *mr = page->target ? page->target : page->mr;

    return g_strdup_printf("%s:%" PRIx64, qemu_ram_get_idstr(mr->ram_block),
                           page->offset >> HOST_PAGE_SHIFT);
}

/* Not every block is the guest's: ours are not migrated. */
HostPage *guest_page_pin_named(const char *name)
{
    const char *colon = strrchr(name, ':');
    g_autofree char *id = NULL;
    RAMBlock *block;
    uint64_t page;

    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 16, 0,
                                              UINT64_MAX >> HOST_PAGE_SHIFT,
                                              &page, NULL)) {
        return NULL;
    }
    id = g_strndup(name, (size_t)(colon - name));
    block = qemu_ram_block_by_name(id);
    if (!block || !qemu_ram_is_migratable(block) ||
        !memory_region_is_ram(block->mr) || block->mr->readonly ||
        memory_region_is_ram_device(block->mr) ||
        page >= memory_region_size(block->mr) >> HOST_PAGE_SHIFT) {
        return NULL;
    }
    return page_pin(block->mr, page << HOST_PAGE_SHIFT);
}

/* Code in the page that was translated is not what memory holds any more. */
void guest_ram_changed(MemoryRegion *mr, void *ptr, size_t len)
{
    /* Which is what the end of a device's access does, and drops a reference */
    memory_region_ref(mr);
    address_space_unmap(&address_space_memory, ptr, len, true, len);
}

void guest_page_dirty(HostPage *page, size_t off, size_t len)
{
    guest_ram_changed(page->mr, (uint8_t *)guest_page_ptr(page) + off, len);
}

/* Overlays */

HostPage *guest_overlay_new(const char *name)
{
    HostPage *page = g_new0(HostPage, 1);
    Error *err = NULL;

    if (!memory_region_init_ram(&page->overlay, NULL, name, HOST_PAGE_SIZE,
                                &err)) {
        error_report_err(err);
        g_free(page);
        return NULL;
    }
    page->mr = &page->overlay;
    page->is_overlay = true;
    return page;
}

bool guest_overlay_map(HostPage *page, uint64_t gfn)
{
    if (gfn >> (TARGET_PHYS_ADDR_SPACE_BITS - HOST_PAGE_SHIFT)) {
        return false;
    }
    guest_overlay_unmap(page);
    memory_region_add_subregion_overlap(get_system_memory(),
                                        gfn << HOST_PAGE_SHIFT, page->mr,
                                        OVERLAY_PRIORITY);
    page->mapped = true;
    return true;
}

void guest_overlay_unmap(HostPage *page)
{
    if (page->mapped) {
        memory_region_del_subregion(get_system_memory(), page->mr);
        page->mapped = false;
    }
}

static void overlay_reclaim(HostPage *page)
{
    object_unparent(OBJECT(page->mr));
    if (page->target) {
        memory_region_unref(page->target);
    }
    g_free(page);
}

void guest_overlay_free(HostPage *page)
{
    guest_overlay_unmap(page);
    /* A flat view of before the unmapping may still be read. */
    call_rcu(page, overlay_reclaim, rcu);
}

/* Aliases */

HostPage *guest_alias_map(HostPage *pin, uint64_t gfn, bool read_only)
{
    HostPage *page;

    if (gfn >> (TARGET_PHYS_ADDR_SPACE_BITS - HOST_PAGE_SHIFT)) {
        return NULL;
    }
    page = g_new0(HostPage, 1);
    page->target = pin->mr;
    page->offset = pin->offset;
    memory_region_ref(page->target);
    memory_region_init_alias(&page->overlay, NULL, "xen.grant-map", pin->mr,
                             pin->offset, HOST_PAGE_SIZE);
    memory_region_set_readonly(&page->overlay, read_only);
    page->mr = &page->overlay;
    guest_overlay_map(page, gfn);
    return page;
}

void guest_alias_unmap(HostPage *page)
{
    guest_overlay_free(page);
}

bool guest_overlay_is(const MemoryRegion *mr)
{
    return mr->container == get_system_memory() &&
           mr->priority == OVERLAY_PRIORITY;
}
