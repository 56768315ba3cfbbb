/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest of the guest's memory that is kept up to date.
 *
 * QEMU notes which pages are written for several clients.  Migration's notes
 * are migration's; those for a display are used here, which nothing but a
 * display asks for, and only of its own memory.  TCG notes every guest's
 * write for all clients, devices for those that a region is marked for.
 *
 * What we write ourselves through pointers that we keep (pinned pages,
 * overlays) is noted by nobody: those few pages are hashed each time.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/int128.h"
#include "qemu/rcu.h"
#include "cpu.h"
#include "exec/cpu-common.h"
#include "exec/cputlb.h"
#include "exec/memory.h"
#include "exec/ramblock.h"
#include "exec/ramlist.h"
#include "hw/boards.h"
#include "system/tcg.h"
#include "accel/shim/guest-memory.h"
#include "accel/shim/memory-digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Blocks up to so many bytes are hashed each time, and not tracked. */
#define SMALL_BLOCK (256u << 10)
/*
 * Page numbers of a block that is not the machine's RAM begin at a multiple of
 * 1 << OTHER_SHIFT that its name decides.
 */
#define OTHER_SHIFT 32

typedef unsigned __int128 Sum;

typedef struct Block {
    RAMBlock *rb;
    MemoryRegion *mr;
    char *name;
    uint64_t id;     /* hash of the name */
    uint64_t number; /* of its first page */
    uint64_t nr_pages;
    MemoryHash *pages; /* as of the last update */
    Sum sum;           /* of them */
    bool fresh;        /* pages are not known yet */
    bool tracked;
    bool seen;
} Block;

struct MemoryDigest {
    bool track;
    bool started;
    GPtrArray *blocks; /* of Block */
    GArray *touched;   /* of uint64_t, numbers of changed pages */
    GArray *changed;   /* of MemoryGroup */
    int pagemap;       /* /proc/self/pagemap, or -1 */

    /* Only while verifying */
    Sum verified;
    bool any_unseen;
    uint64_t unseen; /* number of such a page */
};

MemoryHash memory_hash_bytes(const void *buf, size_t len)
{
    XXH128_hash_t h = XXH3_128bits(buf, len);

    return (MemoryHash){h.low64, h.high64};
}

MemoryHash memory_hash_page(const void *page)
{
    if (buffer_is_zero(page, HOST_PAGE_SIZE)) {
        return (MemoryHash){0, 0};
    }
    return memory_hash_bytes(page, HOST_PAGE_SIZE);
}

static bool same_hash(MemoryHash a, MemoryHash b)
{
    return a.low == b.low && a.high == b.high;
}

/* What page @i of @b counts with content @h */
static Sum contribution(const Block *b, uint64_t i, MemoryHash h)
{
    uint64_t of[4] = {b->id, i, h.low, h.high};
    XXH128_hash_t mixed;

    if (!h.low && !h.high) {
        return 0;
    }
    mixed = XXH3_128bits(of, sizeof(of));
    return (Sum)mixed.high64 << 64 | mixed.low64;
}

/* Blocks */

static void block_free(gpointer data)
{
    Block *b = data;

    g_free(b->name);
    g_free(b->pages);
    g_free(b);
}

static uint64_t block_pages(RAMBlock *rb)
{
    return DIV_ROUND_UP(qemu_ram_get_used_length(rb), HOST_PAGE_SIZE);
}

static Block *block_new(RAMBlock *rb)
{
    Block *b = g_new0(Block, 1);

    b->rb = rb;
    b->mr = rb->mr;
    b->name = g_strdup(qemu_ram_get_idstr(rb));
    b->id = XXH3_64bits(b->name, strlen(b->name));
    b->number = rb->mr == current_machine->ram
                    ? 0
                    : ((b->id & 0x3fffffff) | 0x40000000) << OTHER_SHIFT;
    b->nr_pages = block_pages(rb);
    b->pages = g_new0(MemoryHash, b->nr_pages);
    b->fresh = true;
    return b;
}

static Block *find_block(MemoryDigest *m, RAMBlock *rb)
{
    for (unsigned i = 0; i < m->blocks->len; i++) {
        Block *b = g_ptr_array_index(m->blocks, i);

        if (!strcmp(b->name, qemu_ram_get_idstr(rb))) {
            return b;
        }
    }
    return NULL;
}

/* The block of the same name may be another now, or have another size. */
static int note_block(RAMBlock *rb, void *opaque)
{
    MemoryDigest *m = opaque;
    Block *b;

    if (!qemu_ram_is_migratable(rb)) {
        return 0;
    }
    b = find_block(m, rb);
    if (b &&
        (b->rb != rb || b->mr != rb->mr || b->nr_pages != block_pages(rb))) {
        g_ptr_array_remove_fast(m->blocks, b);
        b = NULL;
    }
    if (!b) {
        b = block_new(rb);
        g_ptr_array_add(m->blocks, b);
    }
    if (m->track && !m->started && b->nr_pages * HOST_PAGE_SIZE > SMALL_BLOCK) {
        /* Not later: the memory map is made anew. */
        b->tracked = true;
    }
    b->seen = true;
    return 0;
}

static void find_blocks(MemoryDigest *m)
{
    for (unsigned i = 0; i < m->blocks->len; i++) {
        ((Block *)g_ptr_array_index(m->blocks, i))->seen = false;
    }
    WITH_RCU_READ_LOCK_GUARD()
    {
        qemu_ram_foreach_block(note_block, m);
    }
    for (unsigned i = m->blocks->len; i-- > 0;) {
        if (!((Block *)g_ptr_array_index(m->blocks, i))->seen) {
            g_ptr_array_remove_index_fast(m->blocks, i);
        }
    }
}

MemoryDigest *memory_digest_new(bool track)
{
    MemoryDigest *m = g_new0(MemoryDigest, 1);

    m->track = track;
    m->blocks = g_ptr_array_new_with_free_func(block_free);
    m->touched = g_array_new(false, false, sizeof(uint64_t));
    m->changed = g_array_new(false, false, sizeof(MemoryGroup));
    m->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    find_blocks(m);
    m->started = true;
    for (unsigned i = 0; i < m->blocks->len; i++) {
        Block *b = g_ptr_array_index(m->blocks, i);

        if (b->tracked) {
            memory_region_set_log(b->mr, true, DIRTY_MEMORY_VGA);
        }
    }
    return m;
}

void memory_digest_forget(MemoryDigest *m)
{
    for (unsigned i = 0; i < m->blocks->len; i++) {
        ((Block *)g_ptr_array_index(m->blocks, i))->fresh = true;
    }
}

/* Hashing */

static uint8_t *block_page(const Block *b, uint64_t i)
{
    return (uint8_t *)qemu_ram_get_host_addr(b->rb) + i * HOST_PAGE_SIZE;
}

static void note_page(MemoryDigest *m, Block *b, uint64_t i, MemoryHash h)
{
    MemoryHash *known = &b->pages[i];
    uint64_t number = b->number + i;

    if (same_hash(*known, h)) {
        return;
    }
    b->sum -= contribution(b, i, *known);
    b->sum += contribution(b, i, h);
    *known = h;
    g_array_append_val(m->touched, number);
}

static void hash_page(MemoryDigest *m, Block *b, uint64_t i)
{
    note_page(m, b, i, memory_hash_page(block_page(b, i)));
}

/*
 * Which pages have never been touched, and so are zero, the host's kernel
 * knows: to read them would only make it find pages for them.
 */
static bool read_pagemap(const MemoryDigest *m, const Block *b, uint64_t from,
                         uint64_t *entries, uint64_t n)
{
    uint64_t page = (uintptr_t)block_page(b, from) / HOST_PAGE_SIZE;

    return m->pagemap >= 0 && b->nr_pages * HOST_PAGE_SIZE > SMALL_BLOCK &&
           qemu_ram_get_fd(b->rb) < 0 && !qemu_ram_is_shared(b->rb) &&
           qemu_real_host_page_size() == HOST_PAGE_SIZE &&
           pread(m->pagemap, entries, n * sizeof(*entries),
                 page * sizeof(*entries)) == (ssize_t)(n * sizeof(*entries));
}

#define PAGEMAP_CHUNK   1024u
#define PAGEMAP_PRESENT (1ull << 63 | 1ull << 62) /* or swapped out */

typedef void PageFn(MemoryDigest *m, Block *b, uint64_t i, MemoryHash h);

static void hash_all(MemoryDigest *m, Block *b, PageFn *fn)
{
    uint64_t entries[PAGEMAP_CHUNK];

    for (uint64_t from = 0; from < b->nr_pages; from += PAGEMAP_CHUNK) {
        uint64_t n = MIN(b->nr_pages - from, PAGEMAP_CHUNK);
        bool known = read_pagemap(m, b, from, entries, n);

        for (uint64_t i = 0; i < n; i++) {
            bool zero = known && !(entries[i] & PAGEMAP_PRESENT);

            fn(m, b, from + i,
               zero ? (MemoryHash){0, 0}
                    : memory_hash_page(block_page(b, from + i)));
        }
    }
}

/*
 * Pages @from and on, of which the notes are in one word: take the word, and
 * leave it empty.  Blocks begin with a word.
 */
static unsigned long take_notes(const Block *b, uint64_t from)
{
    uint64_t page = (b->rb->offset >> HOST_PAGE_SHIFT) + from;
    DirtyMemoryBlocks *notes =
        qatomic_rcu_read(&ram_list.dirty_memory[DIRTY_MEMORY_VGA]);
    unsigned long *word =
        &notes->blocks[page / DIRTY_MEMORY_BLOCK_SIZE]
                      [page % DIRTY_MEMORY_BLOCK_SIZE / BITS_PER_LONG];

    return *word ? qatomic_xchg(word, 0) : 0;
}

/* @return: was anything written? */
static bool hash_noted(MemoryDigest *m, Block *b)
{
    bool any = false;

    RCU_READ_LOCK_GUARD();
    for (uint64_t from = 0; from < b->nr_pages; from += BITS_PER_LONG) {
        unsigned long noted = take_notes(b, from);

        any |= noted != 0;
        for (; noted; noted &= noted - 1) {
            uint64_t i = from + ctzl(noted);

            if (!b->fresh && i < b->nr_pages) {
                hash_page(m, b, i);
            }
        }
    }
    return any;
}

static void hash_pinned(const void *ptr, void *opaque)
{
    MemoryDigest *m = opaque;

    for (unsigned i = 0; i < m->blocks->len; i++) {
        Block *b = g_ptr_array_index(m->blocks, i);
        uint64_t at = (const uint8_t *)ptr - block_page(b, 0);

        if (at / HOST_PAGE_SIZE < b->nr_pages) {
            hash_page(m, b, at / HOST_PAGE_SIZE);
        }
    }
}

/* The vCPUs do not execute, so nothing is written meanwhile. */
static void update_block(MemoryDigest *m, Block *b)
{
    /* A display that looks at it takes the notes away. */
    bool ours = b->tracked && b->mr->vga_logging_count == 1;

    if (ours && hash_noted(m, b) && tcg_enabled()) {
        tlb_reset_dirty_range_all(b->rb->offset, b->nr_pages * HOST_PAGE_SIZE);
    }
    if (!ours || b->fresh) {
        hash_all(m, b, note_page);
    }
    b->fresh = false;
}

static gint compare_numbers(gconstpointer a, gconstpointer b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

MemoryHash memory_digest_update(MemoryDigest *m)
{
    Sum sum = 0;

    find_blocks(m);
    g_array_set_size(m->touched, 0);
    for (unsigned i = 0; i < m->blocks->len; i++) {
        update_block(m, g_ptr_array_index(m->blocks, i));
    }
    guest_ram_pins_foreach(hash_pinned, m);
    g_array_sort(m->touched, compare_numbers);
    for (unsigned i = 0; i < m->blocks->len; i++) {
        const Block *b = g_ptr_array_index(m->blocks, i);

        sum += b->sum;
        /* Present, though it may be all zero */
        sum += contribution(b, UINT64_MAX, (MemoryHash){b->nr_pages, 1});
    }
    return (MemoryHash){(uint64_t)sum, (uint64_t)(sum >> 64)};
}

/* What changed */

static unsigned count_groups(const GArray *pages, unsigned shift)
{
    unsigned n = 0;
    uint64_t last = 0;

    for (unsigned i = 0; i < pages->len; i++) {
        uint64_t group = g_array_index(pages, uint64_t, i) >> shift;

        n += !n || group != last;
        last = group;
    }
    return n;
}

static const Block *block_of(const MemoryDigest *m, uint64_t page)
{
    for (unsigned i = 0; i < m->blocks->len; i++) {
        const Block *b = g_ptr_array_index(m->blocks, i);

        if (page - b->number < b->nr_pages) {
            return b;
        }
    }
    return NULL;
}

uint32_t memory_digest_group(const MemoryDigest *m, uint64_t number,
                             unsigned shift)
{
    const Block *b = block_of(m, number << shift);
    uint64_t sum = 0, first, end;

    if (!b) {
        return 0;
    }
    first = (number << shift) - b->number;
    end = MIN(first + (1ull << shift), b->nr_pages);
    for (uint64_t i = first; i < end; i++) {
        sum += (b->pages[i].low ^ b->pages[i].high) * (2 * i + 1);
    }
    return sum >> 32;
}

const GArray *memory_digest_changed(MemoryDigest *m, unsigned *shift)
{
    unsigned s = 0;

    while (count_groups(m->touched, s) > MEMORY_GROUPS_MAX) {
        s++;
    }
    g_array_set_size(m->changed, 0);
    for (unsigned i = 0; i < m->touched->len; i++) {
        MemoryGroup group = {.number =
                                 g_array_index(m->touched, uint64_t, i) >> s};

        if (m->changed->len &&
            g_array_index(m->changed, MemoryGroup, m->changed->len - 1)
                    .number == group.number) {
            continue;
        }
        group.hash = memory_digest_group(m, group.number, s);
        g_array_append_val(m->changed, group);
    }
    *shift = s;
    return m->changed;
}

char *memory_digest_page_name(const MemoryDigest *m, uint64_t number)
{
    const Block *b = block_of(m, number);

    return g_strdup_printf("%s:0x%" PRIx64, b ? b->name : "?",
                           (b ? number - b->number : number) * HOST_PAGE_SIZE);
}

void memory_digest_foreach(const MemoryDigest *m,
                           void (*fn)(const MemoryBlock *block, void *opaque),
                           void *opaque)
{
    for (unsigned i = 0; i < m->blocks->len; i++) {
        const Block *b = g_ptr_array_index(m->blocks, i);
        MemoryBlock block = {b->name, b->nr_pages, b->pages, block_page(b, 0)};

        fn(&block, opaque);
    }
}

static void verify_page(MemoryDigest *m, Block *b, uint64_t i, MemoryHash h)
{
    if (!same_hash(h, b->pages[i])) {
        m->unseen = b->number + i;
        m->any_unseen = true;
    }
    m->verified += contribution(b, i, h);
}

char *memory_digest_verify(MemoryDigest *m)
{
    m->any_unseen = false;
    for (unsigned i = 0; i < m->blocks->len; i++) {
        Block *b = g_ptr_array_index(m->blocks, i);

        m->verified = 0;
        hash_all(m, b, verify_page);
        if (m->any_unseen) {
            return memory_digest_page_name(m, m->unseen);
        }
        if (m->verified != b->sum) {
            return g_strdup_printf("%s: the sum of all pages", b->name);
        }
    }
    return NULL;
}
