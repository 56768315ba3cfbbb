/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest of the guest's memory that is kept up to date: only what was
 * written since the last one is hashed.
 *
 * It is a function of the memory's content, whatever the way there: a hash of
 * each page's place and content, all of them added.  Pages of zeroes count
 * nothing.  With the big lock held; the vCPUs must not execute.
 */
#ifndef JUMPCUT_ACCEL_SHIM_MEMORY_DIGEST_H
#define JUMPCUT_ACCEL_SHIM_MEMORY_DIGEST_H

typedef struct MemoryDigest MemoryDigest;

/* All zero stands for a page of zeroes. */
typedef struct MemoryHash {
    uint64_t low, high;
} MemoryHash;

/*
 * 1 << shift pages from page @number << shift on; the hash is of their
 * content.  A page's number: see memory_digest_page_name().
 */
typedef struct MemoryGroup {
    uint64_t number;
    uint32_t hash;
} MemoryGroup;

static inline bool memory_hash_is_zero(MemoryHash h)
{
    return !h.low && !h.high;
}

/* Groups told of at the most */
#define MEMORY_GROUPS_MAX 256u

/*
 * Before the guest runs.  @track: have QEMU note what is written; without, all
 * memory is hashed each time.
 */
MemoryDigest *memory_digest_new(bool track);
/* Memory was changed in a way QEMU does not note: the next hashes all. */
void memory_digest_forget(MemoryDigest *m);

/*
 * Take note of all memory as it is now.
 * @return: its hash
 */
MemoryHash memory_digest_update(MemoryDigest *m);
/*
 * Groups with pages whose content differs between the last two updates, by
 * number.  @shift: as small as MEMORY_GROUPS_MAX allows
 * @return: of MemoryGroup; owned by @m, until the next update
 */
const GArray *memory_digest_changed(MemoryDigest *m, unsigned *shift);
/* Of the group, as of the last update */
uint32_t memory_digest_group(const MemoryDigest *m, uint64_t number,
                             unsigned shift);
/* QEMU's block of RAM and the offset in it: "pc.ram:0x5000".  Newly allocated */
char *memory_digest_page_name(const MemoryDigest *m, uint64_t number);

/* QEMU's block of RAM as of the last update */
typedef struct MemoryBlock {
    const char *name;
    uint64_t nr_pages;
    const MemoryHash *hashes; /* of the pages' contents */
    const uint8_t *host;
} MemoryBlock;
void memory_digest_foreach(const MemoryDigest *m,
                           void (*fn)(const MemoryBlock *block, void *opaque),
                           void *opaque);

/*
 * Hash all memory and compare with what the last update found, page by page.
 * @return: NULL, or the name of a page whose change went unseen
 */
char *memory_digest_verify(MemoryDigest *m);

/* The content of one page of memory, 4096 bytes, as it counts above */
MemoryHash memory_hash_page(const void *page);

/* Any bytes; not all zero even if they are */
MemoryHash memory_hash_bytes(const void *buf, size_t len);

#endif
