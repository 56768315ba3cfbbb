/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload of a checkpoint: a machine to go on with.
 *
 * Contents of pages are in records of their own (TRACE_CHECKPOINT_PAGES), one
 * page after the other; checkpoints refer to them, so what two checkpoints
 * have in common is there once.
 */
#ifndef JUMPCUT_REPLAY_RECORD_CHECKPOINT_H
#define JUMPCUT_REPLAY_RECORD_CHECKPOINT_H

#include "replay/record.h"

#define TRACE_PAGE_SIZE 4096u
/* Pages in a record of contents, at most */
#define TRACE_CONTENTS_MAX 1024u

/* Content @index of the record @seq */
#define TRACE_CONTENT(seq, index)  ((uint64_t)(seq)*TRACE_CONTENTS_MAX + (index))
#define TRACE_CONTENT_SEQ(content) ((content) / TRACE_CONTENTS_MAX)
#define TRACE_CONTENT_INDEX(content) \
    ((unsigned)((content) % TRACE_CONTENTS_MAX))

/* @count pages from @first on have the contents @content and following. */
typedef struct TracePages {
    uint64_t first;
    uint32_t count;
    uint64_t content;
} TracePages;

/* QEMU's block of memory: its pages that are not all zero */
typedef struct TraceMemory {
    char *name; /* at most 255 bytes */
    uint64_t nr_pages;
    GArray *pages; /* of TracePages, ascending */
} TraceMemory;

typedef struct TraceCheckpoint {
    uint32_t number;                   /* counted from 0 */
    uint8_t sha256[TRACE_SHA256_SIZE]; /* the digest of this state */
    GArray *memory;                    /* of TraceMemory, at most 65535 */
    GBytes *devices;                   /* QEMU's stream of all devices */
} TraceCheckpoint;

/* Zeros, and no memory; the devices are still to be set. */
void trace_checkpoint_init(TraceCheckpoint *c);
/* @return: valid until the next is added */
TraceMemory *trace_checkpoint_add_memory(TraceCheckpoint *c, const char *name,
                                         uint64_t nr_pages);
/* The page behind all that were added before: @page has the content. */
void trace_memory_add_page(TraceMemory *m, uint64_t page, uint64_t content);
GByteArray *trace_put_checkpoint(const TraceCheckpoint *c);
/*
 * @seq: the record's own number; contents lie before it.  The payload's bytes
 * are kept.
 */
bool trace_get_checkpoint(GBytes *payload, uint64_t seq, TraceCheckpoint *out,
                          GError **error);
/* Fine with zeros, too. */
void trace_checkpoint_clear(TraceCheckpoint *c);

#endif
