/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All of the fake host's memory, looked at from outside. */
#include "tests/unit/fake-snapshot.h"

#include <string.h>

#include "tests/unit/fake-host-internal.h"

static int compare_gfns(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Numbers of the frames written so far, ascending. */
static GArray *sorted_gfns(FakeMemory *mem)
{
    GArray *gfns = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    GHashTableIter iter;
    void *key;

    g_hash_table_iter_init(&iter, mem->frames);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        g_array_append_vals(gfns, key, 1);
    }
    g_array_sort(gfns, compare_gfns);
    return gfns;
}

char *fake_host_ram_digest(FakeHost *fake)
{
    static const uint8_t zeroes[HOST_PAGE_SIZE];
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    GArray *gfns = sorted_gfns(&fake->mem);
    char *digest;

    for (unsigned i = 0; i < gfns->len; i++) {
        uint64_t gfn = g_array_index(gfns, uint64_t, i);
        FakeBacking *backing = g_hash_table_lookup(fake->mem.frames, &gfn);

        /* A frame read but never written is as one not allocated. */
        if (memcmp(backing->data, zeroes, sizeof(zeroes))) {
            g_checksum_update(sum, (const guchar *)&gfn, sizeof(gfn));
            g_checksum_update(sum, backing->data, sizeof(backing->data));
        }
    }
    digest = g_strdup(g_checksum_get_string(sum));
    g_array_unref(gfns);
    g_checksum_free(sum);
    return digest;
}

static size_t undirtied_in(const GPtrArray *pages)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < pages->len; i++) {
        const HostPage *page = pages->pdata[i];

        for (size_t off = 0; off < HOST_PAGE_SIZE; off++) {
            bytes += page->backing->data[off] != page->backing->told[off];
        }
    }
    return bytes;
}

size_t fake_host_undirtied_bytes(const FakeHost *fake)
{
    return undirtied_in(fake->mem.pins) + undirtied_in(fake->mem.overlays);
}

unsigned fake_host_overlays_at(const FakeHost *fake, uint64_t gfn)
{
    unsigned count = 0;

    for (unsigned i = 0; i < fake->mem.mapped->len; i++) {
        const HostPage *page = fake->mem.mapped->pdata[i];

        count += page->gfn == gfn;
    }
    return count;
}

unsigned fake_host_overlays_mapped(const FakeHost *fake)
{
    return fake->mem.mapped->len;
}

void fake_host_peek_beneath(FakeHost *fake, uint64_t gfn, uint8_t *page)
{
    const FakeBacking *backing = g_hash_table_lookup(fake->mem.frames, &gfn);

    if (backing) {
        memcpy(page, backing->data, HOST_PAGE_SIZE);
    } else {
        memset(page, 0, HOST_PAGE_SIZE);
    }
}

struct FakeSnapshot {
    GHashTable *frames;   /* gfn -> content */
    GHashTable *overlays; /* name -> content */
};

FakeSnapshot *fake_host_snapshot(const FakeHost *fake)
{
    FakeSnapshot *s = g_new0(FakeSnapshot, 1);
    GHashTableIter iter;
    void *key, *value;

    s->frames =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    s->overlays =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_iter_init(&iter, fake->mem.frames);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        g_hash_table_insert(
            s->frames, fake_key_new(*(uint64_t *)key),
            g_memdup2(((FakeBacking *)value)->data, HOST_PAGE_SIZE));
    }
    for (unsigned i = 0; i < fake->mem.overlays->len; i++) {
        const HostPage *page = fake->mem.overlays->pdata[i];

        g_hash_table_insert(s->overlays, g_strdup(page->name),
                            g_memdup2(page->backing->data, HOST_PAGE_SIZE));
    }
    return s;
}

static void backing_fill(FakeBacking *backing, const uint8_t *content)
{
    static const uint8_t zeroes[HOST_PAGE_SIZE];

    memcpy(backing->data, content ? content : zeroes, HOST_PAGE_SIZE);
    memcpy(backing->told, backing->data, HOST_PAGE_SIZE);
}

void fake_host_restore(FakeHost *fake, FakeSnapshot *s)
{
    GHashTableIter iter;
    void *key, *value;

    g_hash_table_iter_init(&iter, fake->mem.frames);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        backing_fill(value, g_hash_table_lookup(s->frames, key));
    }
    for (unsigned i = 0; i < fake->mem.overlays->len; i++) {
        HostPage *page = fake->mem.overlays->pdata[i];

        backing_fill(page->backing,
                     g_hash_table_lookup(s->overlays, page->name));
    }
    g_hash_table_unref(s->frames);
    g_hash_table_unref(s->overlays);
    g_free(s);
}
