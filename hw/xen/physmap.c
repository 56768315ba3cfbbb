/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's physmap (xen: arch/x86/mm/p2m.c; common/memory.c).
 *
 * What differs from every page being at home is kept in chunks of 512 frames,
 * so that taking away a guest's memory page by page costs little.
 */
#include <inttypes.h>
#include <string.h>

#include "hw/xen/abi/xen-abi.h"
#include "hw/xen/physmap.h"

#define CHUNK_SHIFT  9
#define CHUNK_FRAMES (1u << CHUNK_SHIFT)
#define NO_HOME      UINT32_MAX
/* RAM of a PC below its video memory, in a HVM guest's map or not. */
#define LOW_END 0xa0u
/* The rings of console and xenstore lie here at the least. */
#define MAX_GFN_AT_LEAST XEN_CONSOLE_GFN

/*
 * Chunks above the guest's memory that it may come to have, besides as many as
 * its memory fills.
 * DEVIATION: Xen's limit is a pool of page tables of another size; nothing is
 * given back to either until the domain ends.
 */
#define FAR_CHUNKS 4096u

/* Homes of 512 frames. */
typedef struct Chunk {
    uint32_t home[CHUNK_FRAMES];
} Chunk;

struct XenPhysmap {
    Host *host;
    const XenDomainConfig *cfg;
    XenMemoryRange all; /* what is home without a map */
    GTree *chunks;      /* gfn >> CHUNK_SHIFT -> Chunk, those changed */
    uint8_t *is_free;   /* a bit for each home; NULL: none was ever free */
    uint64_t nr_homes;  /* bits: one more than the highest home */
    uint64_t nr_free;
    uint64_t nr_far; /* chunks made that hold no home */
    uint64_t hint;   /* no home below it is free */
    uint64_t max_gfn;
    bool changed; /* since the last sync */
};

typedef enum PhysmapTag {
    TAG_FREE = 0x0b40,
    TAG_MAX_GFN,
    TAG_NR_CHUNKS,
    TAG_CHUNK,
    TAG_CHUNK_HOMES,
    TAG_NR_FAR,
} PhysmapTag;

static gint compare_keys(gconstpointer a, gconstpointer b,
                         G_GNUC_UNUSED gpointer data)
{
    uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

    return (x > y) - (x < y);
}

static const XenMemoryRange *ranges(const XenPhysmap *p, unsigned *n)
{
    *n = p->cfg->nr_map ? p->cfg->nr_map : 1;
    return p->cfg->nr_map ? p->cfg->map : &p->all;
}

static bool is_home(const XenPhysmap *p, uint64_t gfn)
{
    unsigned n;
    const XenMemoryRange *r = ranges(p, &n);

    if (gfn >= p->nr_homes) {
        return false;
    }
    if (gfn < LOW_END && !p->cfg->pvh) {
        return true;
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t first = r[i].addr >> HOST_PAGE_SHIFT;

        if (r[i].type == 1 && gfn >= first &&
            gfn - first < r[i].size >> HOST_PAGE_SHIFT) {
            return true;
        }
    }
    return false;
}

static uint64_t default_max_gfn(const XenPhysmap *p)
{
    return MAX(p->nr_homes, MAX_GFN_AT_LEAST + 1) - 1;
}

XenPhysmap *xen_physmap_new(Host *host, const XenDomainConfig *cfg)
{
    XenPhysmap *p = g_new0(XenPhysmap, 1);
    const XenMemoryRange *r;
    unsigned n;

    p->host = host;
    p->cfg = cfg;
    p->all = (XenMemoryRange){0, cfg->nr_pages << HOST_PAGE_SHIFT, 1};
    p->chunks = g_tree_new_full(compare_keys, NULL, NULL, g_free);
    r = ranges(p, &n);
    for (unsigned i = 0; i < n; i++) {
        if (r[i].type == 1) {
            p->nr_homes =
                MAX(p->nr_homes, (r[i].addr + r[i].size) >> HOST_PAGE_SHIFT);
        }
    }
    p->max_gfn = default_max_gfn(p);
    return p;
}

void xen_physmap_free(XenPhysmap *p)
{
    if (p) {
        g_tree_unref(p->chunks);
        g_free(p->is_free);
        g_free(p);
    }
}

void xen_physmap_reset(XenPhysmap *p)
{
    g_tree_remove_all(p->chunks);
    g_clear_pointer(&p->is_free, g_free);
    p->nr_free = 0;
    p->nr_far = 0;
    p->hint = 0;
    p->max_gfn = default_max_gfn(p);
    p->changed = false;
    p->host->ops->mem.frames_reset(p->host);
}

static Chunk *chunk_at(const XenPhysmap *p, uint64_t gfn)
{
    return g_tree_lookup(p->chunks, (void *)(uintptr_t)(gfn >> CHUNK_SHIFT));
}

static uint64_t default_home(const XenPhysmap *p, uint64_t gfn)
{
    return is_home(p, gfn) ? gfn : HOST_NO_FRAME;
}

uint64_t xen_physmap_get(const XenPhysmap *p, uint64_t gfn)
{
    const Chunk *chunk = chunk_at(p, gfn);
    uint32_t home;

    if (!chunk) {
        return default_home(p, gfn);
    }
    home = chunk->home[gfn % CHUNK_FRAMES];
    return home == NO_HOME ? HOST_NO_FRAME : home;
}

static uint64_t far_max(const XenPhysmap *p)
{
    return FAR_CHUNKS + p->nr_homes / CHUNK_FRAMES;
}

/* Does the chunk of @gfn hold no home? */
static bool chunk_is_far(const XenPhysmap *p, uint64_t gfn)
{
    uint64_t first = gfn & ~(uint64_t)(CHUNK_FRAMES - 1);

    for (unsigned i = 0; i < CHUNK_FRAMES; i++) {
        if (is_home(p, first + i)) {
            return false;
        }
    }
    return true;
}

/* Is there a chunk for @gfn, or may there be? */
static bool chunk_allowed(const XenPhysmap *p, uint64_t gfn)
{
    return p->nr_far < far_max(p) || chunk_at(p, gfn) || !chunk_is_far(p, gfn);
}

static Chunk *chunk_make(XenPhysmap *p, uint64_t gfn)
{
    Chunk *chunk = chunk_at(p, gfn);
    uint64_t first = gfn & ~(uint64_t)(CHUNK_FRAMES - 1);

    if (!chunk) {
        p->nr_far += chunk_is_far(p, gfn);
        chunk = g_new(Chunk, 1);
        for (unsigned i = 0; i < CHUNK_FRAMES; i++) {
            uint64_t home = default_home(p, first + i);

            chunk->home[i] = home == HOST_NO_FRAME ? NO_HOME : (uint32_t)home;
        }
        g_tree_insert(p->chunks, (void *)(uintptr_t)(gfn >> CHUNK_SHIFT),
                      chunk);
    }
    return chunk;
}

/*
 * @return: 0; with nothing changed -XEN_EINVAL: @gfn can hold no page, or
 * -XEN_ENOMEM: too much is laid out already
 */
static int frame_set(XenPhysmap *p, uint64_t gfn, uint64_t home)
{
    if (!chunk_allowed(p, gfn)) {
        return -XEN_ENOMEM;
    }
    if (!p->host->ops->mem.frame_set(p->host, gfn, home)) {
        return -XEN_EINVAL;
    }
    chunk_make(p, gfn)->home[gfn % CHUNK_FRAMES] =
        home == HOST_NO_FRAME ? NO_HOME : (uint32_t)home;
    if (home != HOST_NO_FRAME) {
        p->max_gfn = MAX(p->max_gfn, gfn);
    }
    p->changed = true;
    return 0;
}

static bool home_is_free(const XenPhysmap *p, uint64_t home)
{
    return p->is_free && p->is_free[home / 8] & (1u << (home % 8));
}

static void home_give(XenPhysmap *p, uint64_t home)
{
    if (p->host->ops->mem.frame_pinned(p->host, home)) {
        /* DEVIATION: it stays the domain's until a reset, not until unpinned */
        return;
    }
    if (!p->is_free) {
        p->is_free = g_malloc0(p->nr_homes / 8 + 1);
    }
    p->is_free[home / 8] |= 1u << (home % 8);
    p->nr_free++;
    p->hint = MIN(p->hint, home);
    p->host->ops->mem.frame_clear(p->host, home);
}

/* A free home, best @wish; HOST_NO_FRAME if there is none. */
static uint64_t home_find(XenPhysmap *p, uint64_t wish)
{
    if (!p->nr_free) {
        return HOST_NO_FRAME;
    }
    if (wish < p->nr_homes && home_is_free(p, wish)) {
        return wish;
    }
    while (!home_is_free(p, p->hint)) {
        p->hint += p->is_free[p->hint / 8] ? 1 : 8 - p->hint % 8;
    }
    return p->hint;
}

static void home_take(XenPhysmap *p, uint64_t home)
{
    p->is_free[home / 8] &= ~(1u << (home % 8));
    p->nr_free--;
    p->host->ops->mem.frame_clear(p->host, home);
}

uint64_t xen_physmap_nr_pages(const XenPhysmap *p)
{
    return p->cfg->nr_pages - MIN(p->nr_free, p->cfg->nr_pages);
}

uint64_t xen_physmap_max_gfn(const XenPhysmap *p)
{
    return p->max_gfn;
}

typedef enum TracedOp {
    OP_RELEASE,
    OP_REMOVE,
    OP_POPULATE,
    OP_MOVE,
} TracedOp;

static int traced(const XenPhysmap *p, TracedOp op, uint64_t gfn, uint64_t home,
                  int ret)
{
    p->host->ops->trace(p->host, HOST_TRACE_physmap, op, gfn, home,
                        (uint64_t)(int64_t)ret);
    return ret;
}

int xen_physmap_remove(XenPhysmap *p, uint64_t gfn, bool release)
{
    uint64_t home = xen_physmap_get(p, gfn);
    int ret = 0;

    if (home == HOST_NO_FRAME || frame_set(p, gfn, HOST_NO_FRAME)) {
        ret = -XEN_EINVAL;
    } else if (release) {
        home_give(p, home);
    }
    return traced(p, release ? OP_RELEASE : OP_REMOVE, gfn, home, ret);
}

int xen_physmap_populate(XenPhysmap *p, uint64_t gfn)
{
    uint64_t home = home_find(p, gfn);
    int ret = home == HOST_NO_FRAME ? -XEN_ENOMEM : frame_set(p, gfn, home);

    if (!ret) {
        home_take(p, home);
    }
    return traced(p, OP_POPULATE, gfn, home, ret);
}

static int page_move(XenPhysmap *p, uint64_t home, uint64_t from, uint64_t to)
{
    uint64_t old = xen_physmap_get(p, to);
    int ret;

    if (home == HOST_NO_FRAME) {
        return -XEN_EINVAL;
    }
    if (from == to) {
        return 0;
    }
    ret = frame_set(p, to, home);
    if (ret) {
        return ret;
    }
    if (frame_set(p, from, HOST_NO_FRAME)) {
        /* The page that lay at @to is still its home's or wherever it was. */
        frame_set(p, to, old);
        return -XEN_EINVAL;
    }
    if (old != HOST_NO_FRAME) {
        home_give(p, old);
    }
    return 0;
}

int xen_physmap_move(XenPhysmap *p, uint64_t from, uint64_t to)
{
    uint64_t home = xen_physmap_get(p, from);

    return traced(p, OP_MOVE, to, home, page_move(p, home, from, to));
}

int xen_physmap_allocate(XenPhysmap *p)
{
    uint64_t home = home_find(p, HOST_NO_FRAME);

    if (home == HOST_NO_FRAME) {
        return -XEN_ENOMEM;
    }
    home_take(p, home);
    return 0;
}

void xen_physmap_sync(XenPhysmap *p)
{
    if (p->changed) {
        p->host->ops->mem.frames_sync(p->host);
        p->changed = false;
    }
}

/* Migration */

/* A chunk of holes and of pages at home is saved as a bit for each hole. */
#define HOLES_LEN (CHUNK_FRAMES / 8)

typedef enum ChunkKind {
    CHUNK_DEFAULT,
    CHUNK_HOLES,
    CHUNK_ANY,
} ChunkKind;

static ChunkKind chunk_kind(const XenPhysmap *p, uint64_t first,
                            const Chunk *chunk)
{
    ChunkKind kind = CHUNK_DEFAULT;

    for (unsigned i = 0; i < CHUNK_FRAMES; i++) {
        uint64_t home = default_home(p, first + i);

        if (chunk->home[i] == (uint32_t)home) { /* NO_HOME: all ones as well */
            continue;
        }
        if (chunk->home[i] != NO_HOME) {
            return CHUNK_ANY;
        }
        kind = CHUNK_HOLES;
    }
    return kind;
}

typedef struct ChunkSave {
    const XenPhysmap *p;
    StateWriter *w; /* NULL: only count */
    uint64_t n;
} ChunkSave;

static gboolean chunk_save(gpointer key, gpointer value, gpointer data)
{
    const Chunk *chunk = value;
    ChunkSave *save = data;
    uint64_t nr = (uintptr_t)key;
    uint8_t holes[HOLES_LEN] = {0};
    ChunkKind kind = chunk_kind(save->p, nr << CHUNK_SHIFT, chunk);

    save->n += kind != CHUNK_DEFAULT;
    if (kind == CHUNK_DEFAULT || !save->w) {
        return FALSE;
    }
    state_put_u64(save->w, TAG_CHUNK, nr);
    if (kind == CHUNK_ANY) {
        state_put_bytes(save->w, TAG_CHUNK_HOMES, chunk, sizeof(*chunk));
        return FALSE;
    }
    for (unsigned i = 0; i < CHUNK_FRAMES; i++) {
        if (chunk->home[i] == NO_HOME) {
            holes[i / 8] |= 1u << (i % 8);
        }
    }
    state_put_bytes(save->w, TAG_CHUNK_HOMES, holes, sizeof(holes));
    return FALSE;
}

void xen_physmap_save(const XenPhysmap *p, StateWriter *w)
{
    ChunkSave save = {p, NULL, 0};

    g_tree_foreach(p->chunks, chunk_save, &save);
    state_put_bytes(w, TAG_FREE, p->nr_free ? p->is_free : (uint8_t *)"",
                    p->nr_free ? p->nr_homes / 8 + 1 : 0);
    state_put_u64(w, TAG_MAX_GFN, p->max_gfn);
    state_put_u64(w, TAG_NR_FAR, p->nr_far);
    state_put_u64(w, TAG_NR_CHUNKS, save.n);
    save.w = w;
    g_tree_foreach(p->chunks, chunk_save, &save);
}

/* What a stream says must be possible: a page is in one place only. */
static void homes_load(XenPhysmap *p, uint64_t first, const uint32_t *homes,
                       uint8_t *seen, StateReader *r)
{
    for (unsigned i = 0; i < CHUNK_FRAMES && !state_reader_failed(r); i++) {
        uint64_t home = homes[i] == NO_HOME ? HOST_NO_FRAME : homes[i];

        if (home != HOST_NO_FRAME) {
            if (!is_home(p, home) || home_is_free(p, home) ||
                seen[home / 8] & (1u << (home % 8))) {
                state_reader_fail(r, "guest frame 0x%" PRIx64 ": no page 0x%x",
                                  first + i, homes[i]);
                return;
            }
            seen[home / 8] |= 1u << (home % 8);
        }
        if (home != xen_physmap_get(p, first + i) &&
            frame_set(p, first + i, home)) {
            state_reader_fail(r, "guest frame 0x%" PRIx64 ": can have no page",
                              first + i);
        }
    }
}

static void chunk_load(XenPhysmap *p, uint64_t first, uint8_t *seen,
                       StateReader *r)
{
    g_autoptr(GByteArray) blob =
        state_get_blob(r, TAG_CHUNK_HOMES, "guest frames", sizeof(Chunk));
    uint32_t homes[CHUNK_FRAMES];

    if (!blob) {
        return;
    }
    if (blob->len == sizeof(homes)) {
        memcpy(homes, blob->data, sizeof(homes));
    } else if (blob->len == HOLES_LEN) {
        for (unsigned i = 0; i < CHUNK_FRAMES; i++) {
            homes[i] = blob->data[i / 8] & (1u << (i % 8))
                           ? NO_HOME
                           : (uint32_t)default_home(p, first + i);
        }
    } else {
        state_reader_fail(r, "guest frames: %u bytes", blob->len);
        return;
    }
    homes_load(p, first, homes, seen, r);
}

static void free_load(XenPhysmap *p, StateReader *r)
{
    g_autoptr(GByteArray) bits =
        state_get_blob(r, TAG_FREE, "free pages", p->nr_homes / 8 + 1);

    if (!bits || !bits->len) {
        return;
    }
    if (bits->len != p->nr_homes / 8 + 1) {
        state_reader_fail(r, "free pages: %u bytes", bits->len);
        return;
    }
    p->is_free = g_memdup2(bits->data, bits->len);
    for (uint64_t home = 0; home < (uint64_t)bits->len * 8; home++) {
        if (!home_is_free(p, home)) {
            continue;
        }
        p->nr_free++;
        if (!is_home(p, home)) {
            state_reader_fail(r, "free pages: 0x%" PRIx64 " is none", home);
            return;
        }
    }
}

/*
 * A page that is at home as far as the stream's chunks say must be neither free
 * nor somewhere else.
 */
static void rest_check(const XenPhysmap *p, const uint8_t *seen, StateReader *r)
{
    for (uint64_t gfn = 0; gfn < p->nr_homes; gfn++) {
        if (chunk_at(p, gfn)) {
            gfn |= CHUNK_FRAMES - 1;
        } else if (is_home(p, gfn) && (home_is_free(p, gfn) ||
                                       seen[gfn / 8] & (1u << (gfn % 8)))) {
            state_reader_fail(r, "guest frame 0x%" PRIx64 ": page is away",
                              gfn);
            return;
        }
    }
}

/* Into one that was just reset. */
void xen_physmap_load(XenPhysmap *p, StateReader *r)
{
    g_autofree uint8_t *seen = g_malloc0(p->nr_homes / 8 + 1);
    uint64_t n, nr_far, next = 0;

    free_load(p, r);
    p->max_gfn = state_get_u64(r, TAG_MAX_GFN, "highest frame", UINT32_MAX);
    nr_far = state_get_u64(r, TAG_NR_FAR, "far guest frames", far_max(p));
    n = state_get_u64(r, TAG_NR_CHUNKS, "guest frames", UINT32_MAX);
    while (n-- && !state_reader_failed(r)) {
        uint64_t nr = state_get_u64(r, TAG_CHUNK, "guest frame",
                                    UINT32_MAX >> CHUNK_SHIFT);

        if (nr < next) {
            state_reader_fail(r, "guest frames: not in order");
        } else if (!chunk_allowed(p, nr << CHUNK_SHIFT)) {
            state_reader_fail(r, "guest frames: too many are far");
        }
        next = nr + 1;
        if (!state_reader_failed(r)) {
            chunk_make(p, nr << CHUNK_SHIFT);
            chunk_load(p, nr << CHUNK_SHIFT, seen, r);
        }
    }
    rest_check(p, seen, r);
    if (p->nr_far > nr_far) {
        state_reader_fail(r, "far guest frames: not all are counted");
    }
    p->nr_far = nr_far;
    xen_physmap_sync(p);
}
