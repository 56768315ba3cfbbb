/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine that replays holds where the logic reads: so that only what
 * the guest changed since is written down.
 */
#include <string.h>

#include "hw/tap/tap-internal.h"

/* Bytes that are known already, for which a run is not ended. */
#define GAP_MAX 8u
/* Equal bytes that are written as one. */
#define FILL_MIN 24u
/* Pages without a pin that are remembered. */
#define PAGES_MAX 4096u

static void page_free(gpointer data)
{
    TapPage *page = data;

    g_free(page->name);
    g_free(page);
}

static guint hash_u64(gconstpointer key)
{
    return g_int64_hash(key);
}

static guint64 *key_new(uint64_t value)
{
    return g_memdup2(&value, sizeof(value));
}

void tap_shadow_init(TapShadow *s)
{
    s->pages = g_hash_table_new_full(NULL, NULL, NULL, page_free);
    s->of_host = g_hash_table_new(NULL, NULL);
    s->of_frame = g_hash_table_new_full(hash_u64, g_int64_equal, g_free, NULL);
    s->frames = g_hash_table_new_full(hash_u64, g_int64_equal, g_free, g_free);
    s->watched = g_ptr_array_new();
}

void tap_shadow_destroy(TapShadow *s)
{
    g_hash_table_destroy(s->of_host);
    g_hash_table_destroy(s->of_frame);
    g_hash_table_destroy(s->frames);
    g_hash_table_destroy(s->pages);
    g_ptr_array_free(s->watched, true);
}

static gboolean is_unwatched(gpointer key, gpointer value, gpointer opaque)
{
    const TapPage *page = value;

    (void)key;
    (void)opaque;
    return !page->pins && !page->overlay;
}

static TapPage *page_of(HostTap *tap, HostPage *host)
{
    const HostMemoryOps *ops = &tap->real->ops->mem;
    TapShadow *s = &tap->shadow;
    const void *ptr = ops->page_ptr(tap->real, host);
    TapPage *page = g_hash_table_lookup(s->pages, ptr);

    if (!page) {
        if (g_hash_table_size(s->pages) >= PAGES_MAX + s->watched->len) {
            tap_shadow_moved(tap);
            g_hash_table_foreach_remove(s->pages, is_unwatched, NULL);
        }
        page = g_new0(TapPage, 1);
        page->name = ops->page_name(tap->real, host);
        page->ptr = ptr;
        page->generation = s->generation;
        g_hash_table_insert(s->pages, (gpointer)ptr, page);
    }
    return page;
}

static void page_watch(TapShadow *s, TapPage *page, bool was)
{
    bool is = page->pins || page->mapped;

    if (is && !was) {
        g_ptr_array_add(s->watched, page);
    } else if (was && !is) {
        g_ptr_array_remove(s->watched, page);
    }
}

TapPage *tap_shadow_add(HostTap *tap, HostPage *host, bool overlay)
{
    TapShadow *s = &tap->shadow;
    TapPage *page = page_of(tap, host);
    bool was = page->pins || page->mapped;

    g_hash_table_insert(s->of_host, host, page);
    if (overlay) {
        /* New ones are zero everywhere. */
        page->overlay = true;
        memset(page->data, 0, sizeof(page->data));
        memset(page->known, 0xff, sizeof(page->known));
        page->nr_known = HOST_PAGE_SIZE;
        page->generation = s->generation;
    } else {
        page->pins++;
    }
    page_watch(s, page, was);
    return page;
}

void tap_shadow_remove(HostTap *tap, HostPage *host, bool overlay)
{
    TapShadow *s = &tap->shadow;
    TapPage *page = g_hash_table_lookup(s->of_host, host);
    bool was;

    if (!page) {
        return;
    }
    g_hash_table_remove(s->of_host, host);
    was = page->pins || page->mapped;
    if (overlay) {
        page->overlay = page->mapped = false;
    } else {
        page->pins--;
    }
    page_watch(s, page, was);
    if (!page->pins && overlay) {
        /* Its memory is about to go. */
        tap_shadow_moved(tap);
        g_hash_table_remove(s->pages, page->ptr);
    }
}

void tap_shadow_map(HostTap *tap, HostPage *host, bool mapped)
{
    TapPage *page = g_hash_table_lookup(tap->shadow.of_host, host);
    bool was = page->pins || page->mapped;

    page->mapped = mapped;
    page_watch(&tap->shadow, page, was);
    tap_shadow_moved(tap);
}

void tap_shadow_moved(HostTap *tap)
{
    g_hash_table_remove_all(tap->shadow.of_frame);
}

void tap_shadow_lost(HostTap *tap)
{
    tap->shadow.generation++;
}

static bool is_known(const TapPage *page, size_t at)
{
    return page->known[at / 8] & 1u << at % 8;
}

static void page_know(TapPage *page, size_t off, const uint8_t *data,
                      size_t len)
{
    memcpy(page->data + off, data, len);
    for (size_t at = off; at < off + len; at++) {
        if (!is_known(page, at)) {
            page->known[at / 8] |= 1u << at % 8;
            page->nr_known++;
        }
    }
}

static void page_refresh(TapPage *page, unsigned generation)
{
    if (page->generation != generation) {
        page->generation = generation;
        page->nr_known = 0;
        memset(page->known, 0, sizeof(page->known));
    }
}

static size_t equal_bytes(const uint8_t *data, size_t len)
{
    size_t n = 1;

    while (n < len && data[n] == data[0]) {
        n++;
    }
    return n;
}

static void put_bytes(HostTap *tap, const TapPage *page, size_t off,
                      const uint8_t *data, size_t len)
{
    if (len) {
        g_string_append_printf(tap->memory, " w/%zx/", off);
        tap_put_hex(tap->memory, data, len);
        g_string_append_printf(tap->memory, "/%s", page->name);
    }
}

static void put_run(HostTap *tap, const TapPage *page, size_t off,
                    const uint8_t *data, size_t len)
{
    size_t start = 0, at = 0;

    while (at < len) {
        size_t n = equal_bytes(data + at, len - at);

        if (n < FILL_MIN) {
            at += n;
            continue;
        }
        put_bytes(tap, page, off + start, data + start, at - start);
        g_string_append_printf(tap->memory, " f/%zx/%zx/%02x/%s", off + at, n,
                               data[at], page->name);
        at += n;
        start = at;
    }
    put_bytes(tap, page, off + start, data + start, len - start);
}

void tap_shadow_read(HostTap *tap, TapPage *page, size_t off,
                     const uint8_t *data, size_t len)
{
    size_t start = 0, end = 0; /* of a run, in @data */

    page_refresh(page, tap->shadow.generation);
    if (page->nr_known == HOST_PAGE_SIZE &&
        !memcmp(page->data + off, data, len)) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (is_known(page, off + i) && page->data[off + i] == data[i]) {
            continue;
        }
        if (end && i - end >= GAP_MAX) {
            put_run(tap, page, off + start, data + start, end - start);
            end = 0;
        }
        start = end ? start : i;
        end = i + 1;
    }
    if (end) {
        put_run(tap, page, off + start, data + start, end - start);
    }
    page_know(page, off, data, len);
}

void tap_shadow_wrote(TapPage *page, size_t off, const uint8_t *data,
                      size_t len, unsigned generation)
{
    page_refresh(page, generation);
    page_know(page, off, data, len);
}

TapPage *tap_shadow_at(HostTap *tap, uint64_t gfn)
{
    const HostMemoryOps *ops = &tap->real->ops->mem;
    TapPage *page = g_hash_table_lookup(tap->shadow.of_frame, &gfn);
    HostPage *host;

    if (page) {
        return page;
    }
    host = ops->page_pin(tap->real, gfn);
    if (!host) {
        return NULL;
    }
    page = page_of(tap, host);
    ops->page_unpin(tap->real, host);
    g_hash_table_insert(tap->shadow.of_frame, key_new(gfn), page);
    return page;
}

void tap_shadow_scan(HostTap *tap)
{
    const GPtrArray *watched = tap->shadow.watched;

    for (guint i = 0; i < watched->len; i++) {
        TapPage *page = g_ptr_array_index(watched, i);

        tap_shadow_read(tap, page, 0, page->ptr, HOST_PAGE_SIZE);
    }
}

void tap_shadow_frame(HostTap *tap, uint64_t page, uint64_t frame)
{
    const uint64_t *known = g_hash_table_lookup(tap->shadow.frames, &page);

    if (!known || *known != frame) {
        g_hash_table_replace(tap->shadow.frames, key_new(page), key_new(frame));
        if (tap_records(tap)) {
            g_string_append_printf(tap->memory, " m/%" G_GINT64_MODIFIER "x/",
                                   page);
            tap_put_number(tap->memory, frame);
        }
    }
}

uint64_t tap_shadow_lookup(const HostTap *tap, uint64_t page)
{
    const uint64_t *frame = g_hash_table_lookup(tap->shadow.frames, &page);

    return frame ? *frame : TAP_NOWHERE;
}
