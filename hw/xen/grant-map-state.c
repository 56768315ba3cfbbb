/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration state of the mappings the guest made (hw/xen/grant-map.c). */
#include <inttypes.h>

#include "hw/xen/grant-internal.h"

typedef enum GrantMapTag {
    TAG_HANDLES = 0x0a10,
    TAG_FLAGS,
    TAG_REF,
    TAG_FRAME,
    TAG_FREE_HANDLE,
    TAG_NR_ALIASES,
    TAG_ALIAS_GFN,
    TAG_ALIAS_READ_ONLY,
} GrantMapTag;

typedef struct AliasSave {
    XenDomain *d;
    StateWriter *w;
} AliasSave;

static gboolean alias_save(void *key, void *value, void *opaque)
{
    const XenGrantAlias *alias = value;
    const AliasSave *save = opaque;
    StateWriter *w = save->w;

    state_put_u64(w, TAG_ALIAS_GFN, *(uint64_t *)key);
    xen_page_save(save->d, alias->page, w);
    state_put_u64(w, TAG_ALIAS_READ_ONLY, alias->read_only);
    return FALSE;
}

void xen_grant_maps_save(const XenGrantTable *t, StateWriter *w)
{
    AliasSave save = {t->d, w};

    state_put_u64(w, TAG_HANDLES, t->mappings->len);
    for (unsigned i = 0; i < t->mappings->len; i++) {
        const XenGrantMapping *m =
            &g_array_index(t->mappings, XenGrantMapping, i);

        state_put_u64(w, TAG_FLAGS, m->flags);
        if (m->flags) {
            state_put_u64(w, TAG_REF, m->ref);
            state_put_u64(w, TAG_FRAME, t->active[m->ref].gfn);
            xen_page_save(t->d, t->active[m->ref].page, w);
        }
    }
    for (const GList *l = t->free_handles->head; l; l = l->next) {
        state_put_u64(w, TAG_FREE_HANDLE, GPOINTER_TO_UINT(l->data));
    }
    state_put_u64(w, TAG_NR_ALIASES, (uint64_t)g_tree_nnodes(t->aliases));
    g_tree_foreach(t->aliases, alias_save, &save);
}

static void mapping_load(XenGrantTable *t, XenGrantMapping *m, StateReader *r)
{
    HostPage *page;
    uint64_t ref, frame,
        flags = state_get_u64(r, TAG_FLAGS, "grant mapping",
                              GNTMAP_host_map | GNTMAP_readonly);

    if (!flags) {
        return;
    }
    ref =
        state_get_u64(r, TAG_REF, "grant mapped", xen_grant_nr_entries(t) - 1);
    frame = state_get_u64(r, TAG_FRAME, "frame granted", UINT64_MAX);
    if (!(flags & GNTMAP_host_map)) {
        state_reader_fail(r, "grant mapping: flags 0x%" PRIx64, flags);
    }
    page = xen_page_load(t->d, "page granted", r);
    if (!page) {
        return;
    }
    if (!xen_grant_resume(t, (uint32_t)ref, frame, page,
                          !(flags & GNTMAP_readonly))) {
        state_reader_fail(r, "frame granted: 0x%" PRIx64 " cannot be", frame);
        return;
    }
    m->flags = (uint32_t)flags;
    m->ref = (uint32_t)ref;
}

static void free_handles_load(XenGrantTable *t, StateReader *r)
{
    unsigned nr_free = 0;
    g_autofree bool *seen = g_new0(bool, t->mappings->len + 1);

    for (unsigned i = 0; i < t->mappings->len; i++) {
        seen[i] = g_array_index(t->mappings, XenGrantMapping, i).flags != 0;
        nr_free += !seen[i];
    }
    for (unsigned i = 0; i < nr_free; i++) {
        uint64_t handle = state_get_u64(r, TAG_FREE_HANDLE, "free handle",
                                        t->mappings->len - 1);

        if (state_reader_failed(r)) {
            return;
        }
        if (seen[handle]) {
            state_reader_fail(r, "free handle: %" PRIu64 " is not", handle);
            return;
        }
        seen[handle] = true;
        g_queue_push_tail(t->free_handles, GUINT_TO_POINTER(handle));
    }
}

/* The page at @ptr that a mapping keeps in use, or NULL. */
static HostPage *page_mapped(const XenGrantTable *t, const void *ptr)
{
    Host *host = t->d->host;

    for (unsigned i = 0; i < t->mappings->len; i++) {
        const XenGrantMapping *m =
            &g_array_index(t->mappings, XenGrantMapping, i);
        HostPage *page = m->flags ? t->active[m->ref].page : NULL;

        if (page && host->ops->mem.page_ptr(host, page) == ptr) {
            return page;
        }
    }
    return NULL;
}

static void alias_load(XenGrantTable *t, StateReader *r)
{
    uint64_t gfn = state_get_u64(r, TAG_ALIAS_GFN, "mapped frame", UINT64_MAX);
    HostPage *pin = xen_page_load(t->d, "page mapped", r);
    bool read_only =
        state_get_u64(r, TAG_ALIAS_READ_ONLY, "mapped for reading", 1);
    Host *host = t->d->host;
    HostPage *page;

    if (!pin) {
        return;
    }
    page = page_mapped(t, host->ops->mem.page_ptr(host, pin));
    host->ops->mem.page_unpin(host, pin);
    if (state_reader_failed(r)) {
        return;
    }
    if (!page || !xen_grant_alias_add(t, page, gfn, read_only)) {
        state_reader_fail(r, "mapped frame: cannot be at 0x%" PRIx64, gfn);
    }
}

/* Into a table without mappings, whose frames were loaded. */
void xen_grant_maps_load(XenGrantTable *t, StateReader *r)
{
    uint64_t nr =
        state_get_u64(r, TAG_HANDLES, "grant handles", XEN_GRANT_HANDLES_MAX);
    uint64_t nr_aliases;

    if (state_reader_failed(r)) {
        return;
    }
    g_array_set_size(t->mappings, (unsigned)nr);
    for (unsigned i = 0; i < nr && !state_reader_failed(r); i++) {
        mapping_load(t, &g_array_index(t->mappings, XenGrantMapping, i), r);
    }
    if (!state_reader_failed(r)) {
        free_handles_load(t, r);
    }
    nr_aliases = state_get_u64(r, TAG_NR_ALIASES, "grant mappings", nr);
    for (uint64_t i = 0; i < nr_aliases && !state_reader_failed(r); i++) {
        alias_load(t, r);
    }
}
