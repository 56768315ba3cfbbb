/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapping granted frames into the guest's own address space, and handles of
 * such mappings (xen: common/grant_table.c, map_grant_ref, unmap_common;
 * arch/x86/hvm/grant_table.c).
 *
 * The guest can map only what it grants itself: domain 0 grants it nothing.
 * As in Xen an unmapping takes away what lies at the address given, if that
 * is the frame the handle's entry grants, whichever mapping put it there.
 *
 * DEVIATION: a frame that is mapped stays where it was too, and the memory
 * beneath the mapping comes back with the unmapping; Xen takes both away.
 * DEVIATION: mapping over another mapping fails; Xen ends the domain.  Writing
 * to a mapping for reading is ignored; Xen raises a general protection fault.
 * A page mapped for reading can be registered as vcpu_info and the like: as in
 * Xen what counts is the page's own type (get_page_type).
 * DEVIATION: arguments of hypercalls may lie where a grant is mapped; Xen fails
 * the call with -EFAULT (xen: hvm_translate_get_page).
 * DEVIATION: all vCPUs take handles from one list, of 511 at a time; Xen's
 * have a list each, of up to 1024 pages of 256 together.
 */
#include <string.h>

#include "hw/xen/grant-internal.h"

#define HANDLES_PER_PAGE 256u

static int gfn_compare(const void *a, const void *b, G_GNUC_UNUSED void *opaque)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void xen_grant_maps_new(XenGrantTable *t)
{
    t->mappings = g_array_new(FALSE, TRUE, sizeof(XenGrantMapping));
    t->free_handles = g_queue_new();
    t->aliases = g_tree_new_full(gfn_compare, NULL, g_free, g_free);
}

static gboolean alias_unmap(G_GNUC_UNUSED void *gfn, void *value, void *opaque)
{
    const XenGrantAlias *alias = value;
    Host *host = opaque;

    host->ops->mem.alias_unmap(host, alias->page);
    return FALSE;
}

/* No mapping is left; the uses they made of entries are the caller's. */
void xen_grant_maps_reset(XenGrantTable *t)
{
    g_tree_foreach(t->aliases, alias_unmap, t->d->host);
    g_tree_destroy(t->aliases);
    t->aliases = g_tree_new_full(gfn_compare, NULL, g_free, g_free);
    g_queue_clear(t->free_handles);
    g_array_set_size(t->mappings, 0);
}

void xen_grant_maps_free(XenGrantTable *t)
{
    xen_grant_maps_reset(t);
    g_tree_destroy(t->aliases);
    g_queue_free(t->free_handles);
    g_array_unref(t->mappings);
}

/* Is a grant mapped at guest frame @gfn? */
bool xen_grant_maps_gfn(const XenDomain *d, uint64_t gfn)
{
    return g_tree_lookup(d->grant->aliases, &gfn) != NULL;
}

/* Handles */

static void handles_add(XenGrantTable *t)
{
    unsigned first = t->mappings->len;

    g_array_set_size(t->mappings, first + HANDLES_PER_PAGE);
    for (unsigned i = 0; i < HANDLES_PER_PAGE; i++) {
        g_queue_push_tail(t->free_handles, GUINT_TO_POINTER(first + i));
    }
}

/* As in Xen the last free handle is never given away. */
static bool handle_get(XenGrantTable *t, uint32_t *handle)
{
    if (t->free_handles->length <= 1 &&
        t->mappings->len < XEN_GRANT_HANDLES_MAX) {
        handles_add(t);
    }
    if (t->free_handles->length <= 1) {
        return false;
    }
    *handle = GPOINTER_TO_UINT(g_queue_pop_head(t->free_handles));
    return true;
}

/* Mapping */

static XenGrantMapping *mapping(XenGrantTable *t, uint32_t handle)
{
    return &g_array_index(t->mappings, XenGrantMapping, handle);
}

/* Show the pinned @page at guest frame @gfn too. */
bool xen_grant_alias_add(XenGrantTable *t, HostPage *page, uint64_t gfn,
                         bool read_only)
{
    Host *host = t->d->host;
    XenGrantAlias alias = {.ptr = host->ops->mem.page_ptr(host, page),
                           .read_only = read_only};

    if (g_tree_lookup(t->aliases, &gfn)) {
        return false;
    }
    alias.page = host->ops->mem.alias_map(host, page, gfn, read_only);
    if (!alias.page) {
        return false;
    }
    g_tree_insert(t->aliases, g_memdup2(&gfn, sizeof(gfn)),
                  g_memdup2(&alias, sizeof(alias)));
    return true;
}

/* @return: a GNTST_*; with it okay the entry is in use and mapped. */
static int16_t map_entry(XenGrantTable *t,
                         const struct gnttab_map_grant_ref *op)
{
    bool read_only = op->flags & GNTMAP_readonly;
    XenGrantUse use = {
        .ref = op->ref,
        .domid = t->d->cfg.domid,
        .write = !read_only,
        .map = true,
    };
    int16_t status = xen_grant_acquire(t, &use);
    const XenGrantActive *act = &t->active[op->ref];

    if (status != GNTST_okay) {
        return status;
    }
    if ((op->flags & ~GNTMAP_readonly) != GNTMAP_host_map ||
        !xen_grant_alias_add(t, act->page, op->host_addr >> HOST_PAGE_SHIFT,
                             read_only)) {
        xen_grant_release(t, op->ref, use.write);
        return GNTST_general_error;
    }
    return GNTST_okay;
}

static int16_t map_ref(XenGrantTable *t, struct gnttab_map_grant_ref *op)
{
    uint32_t handle;
    int16_t status;

    if (!(op->flags & (GNTMAP_device_map | GNTMAP_host_map))) {
        return GNTST_bad_gntref;
    }
    if (op->flags &
        (GNTMAP_device_map | GNTMAP_application_map | GNTMAP_contains_pte)) {
        return GNTST_general_error;
    }
    if (op->dom != 0 && op->dom != t->d->cfg.domid) {
        return GNTST_bad_domain;
    }
    if (!handle_get(t, &handle)) {
        return GNTST_no_space;
    }
    status = op->dom == 0 ? xen_grant_of_dom0(op->ref) : map_entry(t, op);
    if (status != GNTST_okay) {
        g_queue_push_tail(t->free_handles, GUINT_TO_POINTER(handle));
        return status;
    }
    *mapping(t, handle) = (XenGrantMapping){.ref = op->ref, .flags = op->flags};
    op->handle = handle;
    op->dev_bus_addr = t->active[op->ref].gfn << HOST_PAGE_SHIFT;
    return GNTST_okay;
}

/*
 * GNTTABOP_map_grant_ref; the handle and address are filled in.
 * @return: GNTST_okay; GNTST_bad_gntref: no kind of mapping asked for, or no
 * such entry; GNTST_bad_domain: DOMID_SELF or no such domain; GNTST_no_space:
 * no handle left; GNTST_bad_page: the entry grants no RAM;
 * GNTST_general_error: other kinds of mapping than the CPUs', an entry that
 * does not permit it, or an address where it cannot be.
 */
int16_t xen_grant_map(XenGrantTable *t, struct gnttab_map_grant_ref *op)
{
    int16_t status = map_ref(t, op);

    xen_trace(t->d, HOST_TRACE_grant_map, t->d->cfg.domid, op->ref,
              !(op->flags & GNTMAP_readonly), (uint64_t)(int64_t)status);
    return status;
}

static int16_t unmap_handle(XenGrantTable *t, XenGrantMapping *m,
                            const struct gnttab_unmap_grant_ref *op)
{
    Host *host = t->d->host;
    uint64_t gfn = op->host_addr >> HOST_PAGE_SHIFT;
    XenGrantAlias *alias;

    if (!m) {
        return GNTST_bad_handle;
    }
    if (!op->host_addr) {
        return GNTST_okay;
    }
    alias = g_tree_lookup(t->aliases, &gfn);
    if (!alias ||
        alias->ptr != host->ops->mem.page_ptr(host, t->active[m->ref].page)) {
        return GNTST_general_error;
    }
    host->ops->mem.alias_unmap(host, alias->page);
    g_tree_remove(t->aliases, &gfn);
    xen_grant_release(t, m->ref, !(m->flags & GNTMAP_readonly));
    m->flags = 0;
    g_queue_push_tail(t->free_handles, GUINT_TO_POINTER(op->handle));
    return GNTST_okay;
}

/*
 * GNTTABOP_unmap_grant_ref.  Without an address nothing is done.
 * @return: GNTST_okay; GNTST_bad_handle: not in use; GNTST_general_error: the
 * page the handle's entry grants is not mapped at that address (xen:
 * arch/x86/mm/p2m.c, replace_grant_p2m_mapping).
 */
int16_t xen_grant_unmap(XenGrantTable *t,
                        const struct gnttab_unmap_grant_ref *op)
{
    XenGrantMapping *m =
        op->handle < t->mappings->len ? mapping(t, op->handle) : NULL;
    XenGrantMapping was = m ? *m : (XenGrantMapping){0};
    int16_t status = unmap_handle(t, was.flags ? m : NULL, op);

    xen_trace(t->d, HOST_TRACE_grant_unmap, t->d->cfg.domid,
              was.flags ? was.ref : UINT64_MAX,
              was.flags && !(was.flags & GNTMAP_readonly),
              (uint64_t)(int64_t)status);
    return status;
}
