/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which page of the guest's RAM lies at which guest frame.
 *
 * An IOMMU region laid over RAM translates each frame: to its page, seen
 * through a window onto all of RAM above what a guest can address, or to a
 * page of all ones.  The region is there only while a page is not at home, so
 * that other guests pay nothing.  A second one beneath everything else serves
 * frames where the board has nothing at all.
 *
 * Translations are looked up by vCPU threads without a lock: chunks of the
 * table stay until a reset, and then until none looks at them; entries are
 * single words.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "qapi/error.h"
#include "cpu.h"
#include "exec/address-spaces.h"
#include "exec/cputlb.h"
#include "exec/exec-all.h"
#include "exec/memory.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/i386/x86.h"
#include "hw/resettable.h"
#include "qom/object.h"
#include "system/reset.h"
#include "system/tcg.h"
#include "accel/shim/guest-frames.h"
#include "accel/shim/guest-memory.h"

/* Above any physical address of a guest's, and the pages of vmcb.c. */
#define WINDOW_GPA (1ull << 57)
#define HOLE_GPA   (WINDOW_GPA + (1ull << 56))

/* RAM that nothing is laid over, to ask for its translation. */
#define ASK_GPA 0x7000u

/* Frames the table can tell of: 1 TiB, what 40 address bits reach. */
#define NR_FRAMES    (1ull << 28)
#define CHUNK_SHIFT  9
#define CHUNK_FRAMES (1u << CHUNK_SHIFT)

/* Entries; any other is a home plus ENTRY_HOME. */
enum {
    ENTRY_DEFAULT, /* the page whose home it is, if there is one */
    ENTRY_HOLE,
    ENTRY_HOME,
};

#define TYPE_FRAMES_IOMMU "jumpcut-frames"
#define TYPE_FRAMES_RESET "jumpcut-frames-reset"
OBJECT_DECLARE_SIMPLE_TYPE(FramesReset, FRAMES_RESET)

struct FramesReset {
    Object parent;
    ResettableState state;
};

/* Entries of so many frames. */
typedef struct Chunk {
    struct rcu_head rcu;
    uint32_t entry[CHUNK_FRAMES];
} Chunk;

static struct {
    bool ready;  /* regions are made */
    bool active; /* and laid over the guest's memory */
    uint64_t low_end, high,
        high_end; /* frames of RAM: [0, low_end), [high, ) */
    Chunk **chunks;
    MemoryRegion window, homes_low, homes_high, hole;
    MemoryRegion low, above, beneath; /* aliases of the translating region */
    IOMMUMemoryRegion iommu;
    void *hole_ptr;
} frames;

static bool is_home(uint64_t gfn)
{
    return gfn < frames.low_end ||
           (gfn >= frames.high && gfn < frames.high_end);
}

static uint64_t frame_home(uint64_t gfn)
{
    Chunk *chunk = qatomic_rcu_read(&frames.chunks[gfn >> CHUNK_SHIFT]);
    uint32_t entry =
        chunk ? qatomic_read(&chunk->entry[gfn % CHUNK_FRAMES]) : ENTRY_DEFAULT;

    switch (entry) {
    case ENTRY_DEFAULT:
        return is_home(gfn) ? gfn : HOST_NO_FRAME;
    case ENTRY_HOLE:
        return HOST_NO_FRAME;
    default:
        return entry - ENTRY_HOME;
    }
}

/*
 * TCG asks without naming an access and gets a page to read and write: the
 * page of holes is read-only memory.  Devices say what they want.
 */
static IOMMUTLBEntry frames_translate(IOMMUMemoryRegion *mr, hwaddr addr,
                                      IOMMUAccessFlags flag, int iommu_idx)
{
    uint64_t home = frame_home(addr >> HOST_PAGE_SHIFT);
    IOMMUTLBEntry entry = {
        .target_as = &address_space_memory,
        .iova = addr & TARGET_PAGE_MASK,
        .translated_addr = WINDOW_GPA + (home << HOST_PAGE_SHIFT),
        .addr_mask = ~TARGET_PAGE_MASK,
        .perm = IOMMU_RW,
    };

    if (home == HOST_NO_FRAME) {
        entry.translated_addr = HOLE_GPA;
        entry.perm = flag == IOMMU_WO ? IOMMU_NONE : IOMMU_RW;
    }
    return entry;
}

static int frames_attrs_to_index(IOMMUMemoryRegion *mr, MemTxAttrs attrs)
{
    return 0;
}

static void frames_iommu_class_init(ObjectClass *oc, void *data)
{
    IOMMUMemoryRegionClass *imrc = IOMMU_MEMORY_REGION_CLASS(oc);

    imrc->translate = frames_translate;
    imrc->attrs_to_index = frames_attrs_to_index;
}

static const TypeInfo frames_iommu_type = {
    .name = TYPE_FRAMES_IOMMU,
    .parent = TYPE_IOMMU_MEMORY_REGION,
    .class_init = frames_iommu_class_init,
};

static void frames_alias(MemoryRegion *alias, const char *name, uint64_t from,
                         uint64_t to, int priority)
{
    memory_region_init_alias(alias, NULL, name, MEMORY_REGION(&frames.iommu),
                             from << HOST_PAGE_SHIFT,
                             (to - from) << HOST_PAGE_SHIFT);
    memory_region_set_enabled(alias, false);
    memory_region_add_subregion_overlap(
        get_system_memory(), from << HOST_PAGE_SHIFT, alias, priority);
}

static void frames_make_window(X86MachineState *x86ms)
{
    MemoryRegion *ram = MACHINE(x86ms)->ram;

    memory_region_init(&frames.window, NULL, "jumpcut.frames-window",
                       HOLE_GPA - WINDOW_GPA + HOST_PAGE_SIZE);
    memory_region_init_alias(&frames.homes_low, NULL, "jumpcut.homes-low", ram,
                             0, x86ms->below_4g_mem_size);
    memory_region_add_subregion(&frames.window, 0, &frames.homes_low);
    if (x86ms->above_4g_mem_size) {
        memory_region_init_alias(&frames.homes_high, NULL, "jumpcut.homes-high",
                                 ram, x86ms->below_4g_mem_size,
                                 x86ms->above_4g_mem_size);
        memory_region_add_subregion(&frames.window, x86ms->above_4g_mem_start,
                                    &frames.homes_high);
    }
    memory_region_add_subregion(&frames.window, HOLE_GPA - WINDOW_GPA,
                                &frames.hole);
    memory_region_set_enabled(&frames.window, false);
    memory_region_add_subregion(get_system_memory(), WINDOW_GPA,
                                &frames.window);
}

/*
 * The regions, all of them switched off.  Over RAM they are of RAM's own
 * priority and newer, so on top of it, but below what the board lays over it
 * (video memory, firmware shadows, SMRAM).
 */
static bool frames_make(void)
{
    X86MachineState *x86ms = X86_MACHINE(current_machine);
    Error *err = NULL;

    if (frames.ready) {
        return true;
    }
    if (!memory_region_init_ram_nomigrate(&frames.hole, NULL, "jumpcut.hole",
                                          HOST_PAGE_SIZE, &err)) {
        error_free(err);
        return false;
    }
    frames.hole_ptr = memory_region_get_ram_ptr(&frames.hole);
    memset(frames.hole_ptr, 0xff, HOST_PAGE_SIZE);
    memory_region_set_readonly(&frames.hole, true);
    frames.low_end = x86ms->below_4g_mem_size >> HOST_PAGE_SHIFT;
    frames.high = x86ms->above_4g_mem_start >> HOST_PAGE_SHIFT;
    frames.high_end =
        frames.high + (x86ms->above_4g_mem_size >> HOST_PAGE_SHIFT);
    frames.chunks = g_new0(Chunk *, NR_FRAMES >> CHUNK_SHIFT);
    memory_region_init_iommu(&frames.iommu, sizeof(frames.iommu),
                             TYPE_FRAMES_IOMMU, NULL, "jumpcut.frames",
                             NR_FRAMES << HOST_PAGE_SHIFT);
    frames_make_window(x86ms);
    frames_alias(&frames.low, "jumpcut.frames-low", 0, frames.low_end, 0);
    if (frames.high_end > frames.high && frames.high_end <= NR_FRAMES) {
        frames_alias(&frames.above, "jumpcut.frames-high", frames.high,
                     frames.high_end, 0);
    }
    frames_alias(&frames.beneath, "jumpcut.frames-beneath", 0, NR_FRAMES,
                 GUEST_NOTHING_PRIORITY + 1);
    frames.ready = true;
    return true;
}

static void frames_set_active(bool active)
{
    memory_region_transaction_begin();
    memory_region_set_enabled(&frames.window, active);
    memory_region_set_enabled(&frames.low, active);
    if (frames.above.alias) {
        memory_region_set_enabled(&frames.above, active);
    }
    memory_region_set_enabled(&frames.beneath, active);
    memory_region_transaction_commit();
    qatomic_set(&frames.active, active);
}

/*
 * Does the board have something at @gfn that is no RAM of the guest's?  What
 * lies beneath an overlay of ours is not looked at.
 */
static bool board_has(uint64_t gfn)
{
    MemoryRegion *mr;

    if (is_home(gfn)) {
        return false;
    }
    mr = memory_region_find(get_system_memory(), gfn << HOST_PAGE_SHIFT,
                            HOST_PAGE_SIZE)
             .mr;
    if (!mr) {
        return false;
    }
    memory_region_unref(mr);
    return mr != MEMORY_REGION(&frames.iommu) && !guest_overlay_is(mr) &&
           mr->priority != GUEST_NOTHING_PRIORITY;
}

bool guest_frame_set(uint64_t gfn, uint64_t home)
{
    Chunk **slot, *chunk;
    uint32_t entry;

    if (gfn >= NR_FRAMES || !frames_make() || board_has(gfn)) {
        return false;
    }
    assert(home == HOST_NO_FRAME || is_home(home));
    slot = &frames.chunks[gfn >> CHUNK_SHIFT];
    entry = home == HOST_NO_FRAME
                ? (is_home(gfn) ? ENTRY_HOLE : ENTRY_DEFAULT)
                : (home == gfn ? ENTRY_DEFAULT : (uint32_t)home + ENTRY_HOME);
    if (!*slot && entry == ENTRY_DEFAULT) {
        return true;
    }
    if (!*slot) {
        chunk = g_new0(Chunk, 1);
        qatomic_rcu_set(slot, chunk);
    }
    qatomic_set(&(*slot)->entry[gfn % CHUNK_FRAMES], entry);
    return true;
}

static void flush_tlb(CPUState *cs, run_on_cpu_data data)
{
    tlb_flush(cs);
}

/* Switching the regions on flushes as well. */
void guest_frames_sync(void)
{
    CPUState *cs;

    if (!frames.ready) {
        return;
    }
    if (!frames.active) {
        frames_set_active(true);
    } else if (tcg_enabled() && current_cpu) {
        tlb_flush_all_cpus_synced(current_cpu);
    } else if (tcg_enabled()) {
        CPU_FOREACH(cs)
        {
            async_run_on_cpu(cs, flush_tlb, RUN_ON_CPU_NULL);
        }
    }
}

/*
 * TCG has each vCPU listen for changes of a translation, from the first that
 * it asks for on, and takes no lock to enter it in the list: it asks here.
 */
void guest_frames_enter(CPUState *cs)
{
    hwaddr xlat, len = HOST_PAGE_SIZE;
    int prot = PAGE_READ | PAGE_WRITE;

    if (likely(!qatomic_read(&frames.active)) || cs->iommu_notifiers->len) {
        return;
    }
    bql_lock();
    WITH_RCU_READ_LOCK_GUARD()
    {
        address_space_translate_for_iotlb(cs, 0, ASK_GPA, &xlat, &len,
                                          MEMTXATTRS_UNSPECIFIED, &prot);
    }
    bql_unlock();
}

void guest_frames_reset(void)
{
    if (!frames.active) {
        return;
    }
    frames_set_active(false);
    for (uint64_t i = 0; i < NR_FRAMES >> CHUNK_SHIFT; i++) {
        Chunk *chunk = frames.chunks[i];

        if (chunk) {
            qatomic_rcu_set(&frames.chunks[i], NULL);
            g_free_rcu(chunk, rcu);
        }
    }
}

/*
 * At the very beginning of a reset, before anything is loaded into memory;
 * the wake-up from suspend to RAM is none.
 */
static void frames_reset_enter(Object *obj, ResetType type)
{
    if (type != RESET_TYPE_WAKEUP) {
        guest_frames_reset();
    }
}

static ResettableState *frames_reset_state(Object *obj)
{
    return &FRAMES_RESET(obj)->state;
}

static void frames_reset_class_init(ObjectClass *oc, void *data)
{
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    rc->get_state = frames_reset_state;
    rc->phases.enter = frames_reset_enter;
}

static const TypeInfo frames_reset_type = {
    .name = TYPE_FRAMES_RESET,
    .parent = TYPE_OBJECT,
    .instance_size = sizeof(FramesReset),
    .class_init = frames_reset_class_init,
    .interfaces =
        (InterfaceInfo[]){
            {TYPE_RESETTABLE_INTERFACE},
            {},
        },
};

void guest_frames_install(void)
{
    type_register_static(&frames_iommu_type);
    type_register_static(&frames_reset_type);
    qemu_register_resettable(object_new(TYPE_FRAMES_RESET));
}

/* The RAM behind the page of home @home, and where in it; NULL: none */
static MemoryRegion *home_ram(uint64_t home, uint64_t *offset)
{
    X86MachineState *x86ms = X86_MACHINE(current_machine);
    MemoryRegion *mr, *ram = current_machine->ram;
    uint64_t at = home << HOST_PAGE_SHIFT;

    if (at >= x86ms->above_4g_mem_start) {
        at = at - x86ms->above_4g_mem_start + x86ms->below_4g_mem_size;
    }
    *offset = at;
    if (memory_region_is_ram(ram)) {
        return ram;
    }
    /* Several in one container: -numa with memory back ends. */
    QTAILQ_FOREACH(mr, &ram->subregions, subregions_link)
    {
        if (at >= mr->addr && at - mr->addr < memory_region_size(mr)) {
            *offset = at - mr->addr;
            return mr;
        }
    }
    return NULL;
}

/* Anonymous memory only: what is in a file may be somebody else's, too. */
static bool ram_discard(MemoryRegion *mr, uint64_t offset)
{
    RAMBlock *block = mr->ram_block;

    return memory_region_get_fd(mr) < 0 && !ram_block_discard_is_disabled() &&
           qemu_ram_pagesize(block) == HOST_PAGE_SIZE &&
           ram_block_discard_range(block, offset, HOST_PAGE_SIZE) == 0;
}

void guest_frame_clear(uint64_t home)
{
    uint64_t offset;
    MemoryRegion *mr = home_ram(home, &offset);
    uint8_t *ptr;

    if (!mr) {
        return;
    }
    ptr = (uint8_t *)memory_region_get_ram_ptr(mr) + offset;
    /* Discarded even if it is zero: guests clear what they give away. */
    if (!ram_discard(mr, offset)) {
        memset(ptr, 0, HOST_PAGE_SIZE);
    }
    guest_ram_changed(mr, ptr, HOST_PAGE_SIZE);
}

bool guest_frame_pinned(uint64_t home)
{
    uint64_t offset;
    MemoryRegion *mr = home_ram(home, &offset);

    return mr &&
           guest_ram_pinned((uint8_t *)memory_region_get_ram_ptr(mr) + offset);
}

bool guest_frames_is_hole(const void *ptr)
{
    const uint8_t *p = ptr, *hole = frames.hole_ptr;

    return hole && p >= hole && p < hole + HOST_PAGE_SIZE;
}
