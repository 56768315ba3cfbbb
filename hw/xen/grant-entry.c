/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking a grant entry into use and giving it back (xen:
 * common/grant_table.c, _set_status_v1 and _v2, acquire_grant_for_copy).
 *
 * The guest changes its entries while we read them.  An entry is therefore
 * checked and marked in one atomic step (version 1), or marked and checked
 * again (version 2), and what it grants is then kept in XenGrantActive.
 */
#include <string.h>

#include "hw/xen/grant-internal.h"

/* A guest that changes an entry faster than this is not waited for. */
#define RETRIES 5
/* Uses of one kind an entry can have (xen: GNTPIN_incr2oflow_mask). */
#define USES_MAX 128u
/* Bits Xen keeps of a sub-page grant's first byte. */
#define START_MASK 0x7fffu

/* The first four bytes of an entry in either version. */
typedef union GrantHeader {
    uint32_t raw;
    struct {
        uint16_t flags;
        uint16_t domid;
    };
} GrantHeader;

unsigned xen_grant_nr_entries(const XenGrantTable *t)
{
    return t->nr_frames *
           (t->version == 1 ? XEN_GRANT_V1_PER_FRAME : XEN_GRANT_V2_PER_FRAME);
}

static void *entry_ptr(XenGrantTable *t, uint32_t ref)
{
    size_t size = t->version == 1 ? sizeof(struct grant_entry_v1)
                                  : sizeof(union grant_entry_v2);
    size_t per_frame = HOST_PAGE_SIZE / size;

    return t->frame[ref / per_frame].ptr + ref % per_frame * size;
}

uint32_t *xen_grant_header(XenGrantTable *t, uint32_t ref)
{
    return entry_ptr(t, ref);
}

/* Where the entry's reading and writing flags are. */
uint16_t *xen_grant_status(XenGrantTable *t, uint32_t ref)
{
    unsigned per_frame = XEN_GRANT_STATUS_PER_FRAME;

    if (t->version == 1) {
        return (uint16_t *)xen_grant_header(t, ref);
    }
    return (uint16_t *)t->status[ref / per_frame].ptr + ref % per_frame;
}

static void overlay_dirty(XenGrantTable *t, const XenOverlay *o,
                          const void *ptr, size_t len)
{
    t->d->host->ops->mem.page_dirty(
        t->d->host, o->page, (size_t)((const uint8_t *)ptr - o->ptr), len);
}

/* The entry, its status included, was changed. */
void xen_grant_entry_dirty(XenGrantTable *t, uint32_t ref)
{
    if (t->version == 1) {
        overlay_dirty(t, &t->frame[ref / XEN_GRANT_V1_PER_FRAME],
                      entry_ptr(t, ref), sizeof(struct grant_entry_v1));
    } else {
        overlay_dirty(t, &t->frame[ref / XEN_GRANT_V2_PER_FRAME],
                      entry_ptr(t, ref), sizeof(union grant_entry_v2));
        overlay_dirty(t, &t->status[ref / XEN_GRANT_STATUS_PER_FRAME],
                      xen_grant_status(t, ref), sizeof(grant_status_t));
    }
}

static GrantHeader header_read(XenGrantTable *t, uint32_t ref)
{
    return (GrantHeader){
        .raw = __atomic_load_n(xen_grant_header(t, ref), __ATOMIC_SEQ_CST),
    };
}

static bool in_use(const XenGrantActive *act)
{
    return act->readers || act->writers;
}

/* May @use begin by an entry with the header @h? */
static bool header_permits(const XenGrantTable *t, const XenGrantActive *act,
                           const XenGrantUse *use, GrantHeader h)
{
    unsigned type = h.flags & GTF_type_mask;

    if (use->write && (h.flags & GTF_readonly)) {
        return false;
    }
    if (in_use(act)) {
        return true; /* what it grants is settled */
    }
    if (h.domid != use->domid) {
        return false;
    }
    if (t->version == 1) {
        return type == GTF_permit_access;
    }
    if (use->map) {
        return type == GTF_permit_access && !(h.flags & GTF_sub_page);
    }
    return type == GTF_permit_access || type == GTF_transitive;
}

/* @return: GNTST_okay, with the flags set and *@h what was checked. */
static int16_t mark_v1(XenGrantTable *t, const XenGrantUse *use, GrantHeader *h)
{
    uint32_t *raw = xen_grant_header(t, use->ref);

    *h = header_read(t, use->ref);
    for (int i = 0; i < RETRIES; i++) {
        GrantHeader new = *h;

        if (!header_permits(t, &t->active[use->ref], use, *h)) {
            return GNTST_general_error;
        }
        new.flags |= GTF_reading | (use->write ? GTF_writing : 0);
        if (__atomic_compare_exchange_n(raw, &h->raw, new.raw, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            return GNTST_okay;
        }
    }
    return GNTST_general_error;
}

/* Flags are cleared that no use of the entry is the reason for any more. */
static void unmark(XenGrantTable *t, uint32_t ref)
{
    const XenGrantActive *act = &t->active[ref];
    uint16_t clear = 0;

    if (!act->writers) {
        clear |= GTF_writing;
    }
    if (!in_use(act)) {
        clear |= GTF_reading;
    }
    if (clear) {
        __atomic_fetch_and(xen_grant_status(t, ref), (uint16_t)~clear,
                           __ATOMIC_SEQ_CST);
        xen_grant_entry_dirty(t, ref);
    }
}

static int16_t mark_v2(XenGrantTable *t, const XenGrantUse *use, GrantHeader *h)
{
    const XenGrantActive *act = &t->active[use->ref];
    uint16_t set = GTF_reading | (use->write ? GTF_writing : 0);

    if (!header_permits(t, act, use, header_read(t, use->ref))) {
        return GNTST_general_error;
    }
    __atomic_fetch_or(xen_grant_status(t, use->ref), set, __ATOMIC_SEQ_CST);
    /* A guest that revoked it before it saw the flags is right. */
    *h = header_read(t, use->ref);
    if (!header_permits(t, act, use, *h)) {
        unmark(t, use->ref);
        return GNTST_general_error;
    }
    return GNTST_okay;
}

/* What the entry grants, from the body read once; @flags were checked. */
static void body_read(XenGrantTable *t, uint32_t ref, uint16_t flags,
                      XenGrantActive *act)
{
    act->start = 0;
    act->length = HOST_PAGE_SIZE;
    act->is_sub_page = false;
    if (t->version == 1) {
        const struct grant_entry_v1 *v1 = entry_ptr(t, ref);

        act->gfn = __atomic_load_n(&v1->frame, __ATOMIC_SEQ_CST);
    } else {
        const union grant_entry_v2 *v2 = entry_ptr(t, ref);

        act->gfn = __atomic_load_n(&v2->full_page.frame, __ATOMIC_SEQ_CST);
        if (flags & GTF_sub_page) {
            act->is_sub_page = true;
            act->start =
                __atomic_load_n(&v2->sub_page.page_off, __ATOMIC_SEQ_CST) &
                START_MASK;
            act->length =
                __atomic_load_n(&v2->sub_page.length, __ATOMIC_SEQ_CST);
        }
    }
}

/* The first use: the entry's content is settled and its page pinned. */
static int16_t begin(XenGrantTable *t, const XenGrantUse *use, uint16_t flags)
{
    Host *host = t->d->host;
    XenGrantActive act = {.domid = use->domid};

    body_read(t, use->ref, flags, &act);
    if (!xen_grant_maps_gfn(t->d, act.gfn)) {
        act.page = host->ops->mem.page_pin(host, act.gfn);
    }
    if (!act.page) {
        return GNTST_bad_page; /* what is mapped is not ours to grant */
    }
    t->active[use->ref] = act;
    return GNTST_okay;
}

/*
 * An entry that passes on what another domain's entry grants us, which cannot
 * be had: domain 0 grants nothing, and there is no other.
 */
static int16_t transitive(XenGrantTable *t, const XenGrantUse *use)
{
    const union grant_entry_v2 *v2 = entry_ptr(t, use->ref);
    uint16_t domid =
        __atomic_load_n(&v2->transitive.trans_domid, __ATOMIC_SEQ_CST);

    return domid == 0 ? xen_grant_of_dom0(__atomic_load_n(&v2->transitive.gref,
                                                          __ATOMIC_SEQ_CST))
                      : GNTST_general_error;
}

/*
 * What comes of using entry @ref of domain 0's table: it has the one frame all
 * tables begin with, and grants the guest nothing.
 */
int16_t xen_grant_of_dom0(uint32_t ref)
{
    return ref < XEN_GRANT_V1_PER_FRAME ? GNTST_general_error
                                        : GNTST_bad_gntref;
}

/* Settle what the entry grants; its header is @h. */
static int16_t settle(XenGrantTable *t, const XenGrantUse *use, GrantHeader h)
{
    if (t->version == 2 && (h.flags & GTF_type_mask) == GTF_transitive &&
        !use->map) {
        return transitive(t, use);
    }
    return in_use(&t->active[use->ref]) ? GNTST_okay : begin(t, use, h.flags);
}

/*
 * Take the entry @use->ref of the guest's table into use.
 * @return: GNTST_okay; GNTST_bad_gntref: no such entry; GNTST_bad_page: it
 * grants no RAM; GNTST_general_error: it does not permit that, is in use by
 * another domain, in too much use, or changes too fast.
 * DEVIATION: memory that is not writable cannot be granted for reading either.
 */
int16_t xen_grant_acquire(XenGrantTable *t, const XenGrantUse *use)
{
    XenGrantActive *act;
    GrantHeader h;
    int16_t status;

    if (use->ref >= xen_grant_nr_entries(t)) {
        return GNTST_bad_gntref;
    }
    act = &t->active[use->ref];
    if (in_use(act) &&
        (act->domid != use->domid ||
         (use->write ? act->writers : act->readers) >= USES_MAX ||
         (use->map && act->is_sub_page))) {
        return GNTST_general_error;
    }
    if (!in_use(act) || (use->write && !act->writers)) {
        status = t->version == 1 ? mark_v1(t, use, &h) : mark_v2(t, use, &h);
        if (status != GNTST_okay) {
            return status;
        }
        xen_grant_entry_dirty(t, use->ref);
    } else {
        h = header_read(t, use->ref);
    }
    status = settle(t, use, h);
    if (status != GNTST_okay) {
        unmark(t, use->ref);
        return status;
    }
    if (use->write) {
        act->writers++;
    } else {
        act->readers++;
    }
    return GNTST_okay;
}

/*
 * A use by the guest's own mapping that began in another process (migration):
 * the entry is not looked at again.  It grants the pinned @page, which is the
 * table's from now on and lay at @frame then.  False if that is not what other
 * uses of @ref have.
 */
bool xen_grant_resume(XenGrantTable *t, uint32_t ref, uint64_t frame,
                      HostPage *page, bool write)
{
    Host *host = t->d->host;
    XenGrantActive *act = &t->active[ref];

    if (in_use(act)) {
        bool same = host->ops->mem.page_ptr(host, page) ==
                    host->ops->mem.page_ptr(host, act->page);

        host->ops->mem.page_unpin(host, page);
        if (!same) {
            return false;
        }
    } else {
        *act = (XenGrantActive){
            .page = page,
            .gfn = frame,
            .domid = t->d->cfg.domid,
            .length = HOST_PAGE_SIZE,
        };
    }
    if (act->gfn != frame ||
        (write ? act->writers : act->readers) >= USES_MAX) {
        return false;
    }
    if (write) {
        act->writers++;
    } else {
        act->readers++;
    }
    return true;
}

/* One use less of @ref, which has one of that kind. */
void xen_grant_release(XenGrantTable *t, uint32_t ref, bool write)
{
    XenGrantActive *act = &t->active[ref];

    if (write) {
        act->writers--;
    } else {
        act->readers--;
    }
    unmark(t, ref);
    if (!in_use(act)) {
        t->d->host->ops->mem.page_unpin(t->d->host, act->page);
        act->page = NULL;
    }
}

/*
 * May bytes [@off, @off + @len) of the page be copied, as @act grants it?
 * @return: GNTST_okay; GNTST_bad_copy_arg: beyond the page;
 * GNTST_general_error: beyond what a sub-page grant grants.
 */
int16_t xen_grant_range_check(const XenGrantActive *act, uint32_t off,
                              uint32_t len)
{
    if (off + len > HOST_PAGE_SIZE) {
        return GNTST_bad_copy_arg;
    }
    if (off < act->start || off + len > (uint32_t)act->start + act->length) {
        return GNTST_general_error;
    }
    return GNTST_okay;
}

static void swap_bytes(void *a, void *b, size_t len)
{
    union grant_entry_v2 tmp;

    memcpy(&tmp, a, len);
    memcpy(a, b, len);
    memcpy(b, &tmp, len);
}

/*
 * GNTTABOP_swap_grant_ref.
 * @return: GNTST_okay; GNTST_bad_gntref; GNTST_eagain: one is in use.
 */
int16_t xen_grant_swap(XenGrantTable *t, uint32_t a, uint32_t b)
{
    size_t size = t->version == 1 ? sizeof(struct grant_entry_v1)
                                  : sizeof(union grant_entry_v2);

    if (a >= xen_grant_nr_entries(t) || b >= xen_grant_nr_entries(t)) {
        return GNTST_bad_gntref;
    }
    if (a == b) {
        return GNTST_okay;
    }
    if (in_use(&t->active[a]) || in_use(&t->active[b])) {
        return GNTST_eagain;
    }
    swap_bytes(entry_ptr(t, a), entry_ptr(t, b), size);
    if (t->version == 2) {
        swap_bytes(xen_grant_status(t, a), xen_grant_status(t, b),
                   sizeof(grant_status_t));
    }
    xen_grant_entry_dirty(t, a);
    xen_grant_entry_dirty(t, b);
    return GNTST_okay;
}
