/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GNTTABOP_copy (xen: common/grant_table.c, gnttab_copy_one). */
#include <string.h>

#include "hw/xen/grant-internal.h"

/* One end of a copy, taken. */
typedef struct CopyEnd {
    XenGrantActive what; /* a frame of the caller's own counts as granted */
    HostPage *page;      /* NULL: a frame that is only read */
    bool granted, pinned;
} CopyEnd;

/* May @domid's memory be named so? */
static int16_t check_domain(const XenGrantTable *t, uint16_t domid, bool gref)
{
    if (domid != DOMID_SELF && !gref) {
        return GNTST_permission_denied;
    }
    return domid == DOMID_SELF || domid == 0 || domid == t->d->cfg.domid
               ? GNTST_okay
               : GNTST_bad_domain;
}

static int16_t take_frame(XenGrantTable *t, uint64_t gfn, bool write,
                          CopyEnd *end)
{
    Host *host = t->d->host;
    char byte;

    end->what = (XenGrantActive){.gfn = gfn, .length = HOST_PAGE_SIZE};
    if (gfn >> (64 - HOST_PAGE_SHIFT) || xen_grant_maps_gfn(t->d, gfn)) {
        return GNTST_bad_page;
    }
    if (write) {
        end->page = host->ops->mem.page_pin(host, gfn);
        end->pinned = end->page != NULL;
        return end->page ? GNTST_okay : GNTST_bad_page;
    }
    return host->ops->mem.phys_read(host, (GuestPhys){gfn << HOST_PAGE_SHIFT},
                                    &byte, sizeof(byte))
               ? GNTST_okay
               : GNTST_bad_page;
}

static int16_t take(XenGrantTable *t, const struct gnttab_copy_ptr *p,
                    bool gref, bool write, CopyEnd *end)
{
    XenGrantUse use = {
        .ref = p->u.ref,
        .domid = t->d->cfg.domid,
        .write = write,
    };
    int16_t status;

    if (!gref) {
        return take_frame(t, p->u.gmfn, write, end);
    }
    if (p->domid == 0) {
        return xen_grant_of_dom0(p->u.ref);
    }
    status = xen_grant_acquire(t, &use);
    if (status == GNTST_okay) {
        end->granted = true;
        end->what = t->active[use.ref];
        end->page = end->what.page;
    }
    return status;
}

static void give_back(XenGrantTable *t, const struct gnttab_copy_ptr *p,
                      bool write, CopyEnd *end)
{
    if (end->granted) {
        xen_grant_release(t, p->u.ref, write);
    }
    if (end->pinned) {
        t->d->host->ops->mem.page_unpin(t->d->host, end->page);
    }
}

static int16_t check_ranges(const struct gnttab_copy *op, const CopyEnd *source,
                            const CopyEnd *dest)
{
    int16_t status;

    if (op->source.offset + op->len > HOST_PAGE_SIZE ||
        op->dest.offset + op->len > HOST_PAGE_SIZE) {
        return GNTST_bad_copy_arg;
    }
    status = xen_grant_range_check(&source->what, op->source.offset, op->len);
    if (status != GNTST_okay) {
        return status;
    }
    return xen_grant_range_check(&dest->what, op->dest.offset, op->len);
}

/* An end of a copy as trace events show it. */
static uint64_t traced_end(const struct gnttab_copy_ptr *ptr, bool gref)
{
    return gref ? XEN_TRACED_REF | ptr->u.ref : ptr->u.gmfn;
}

/* Through a buffer: the two ends may be one page, which the guest writes. */
static int16_t move(XenGrantTable *t, const struct gnttab_copy *op,
                    const CopyEnd *source, const CopyEnd *dest)
{
    Host *host = t->d->host;
    uint8_t buf[HOST_PAGE_SIZE];
    uint64_t gpa = (source->what.gfn << HOST_PAGE_SHIFT) + op->source.offset;

    if (source->page) {
        memcpy(buf,
               (uint8_t *)host->ops->mem.page_ptr(host, source->page) +
                   op->source.offset,
               op->len);
    } else if (!host->ops->mem.phys_read(host, (GuestPhys){gpa}, buf,
                                         op->len)) {
        return GNTST_bad_page;
    }
    memcpy((uint8_t *)host->ops->mem.page_ptr(host, dest->page) +
               op->dest.offset,
           buf, op->len);
    host->ops->mem.page_dirty(host, dest->page, op->dest.offset, op->len);
    return GNTST_okay;
}

/*
 * @return: GNTST_okay; GNTST_permission_denied: a frame of a domain that is
 * not DOMID_SELF; GNTST_bad_domain; GNTST_bad_gntref; GNTST_bad_page: no RAM;
 * GNTST_bad_copy_arg: beyond a page; GNTST_general_error: an entry that does
 * not permit it.
 * DEVIATION: memory that is not writable cannot be copied to; Xen writes it.
 */
int16_t xen_grant_copy(XenGrantTable *t, const struct gnttab_copy *op)
{
    bool source_gref = op->flags & GNTCOPY_source_gref;
    bool dest_gref = op->flags & GNTCOPY_dest_gref;
    CopyEnd source = {.page = NULL}, dest = {.page = NULL};
    int16_t status = check_domain(t, op->source.domid, source_gref);

    if (status == GNTST_okay) {
        status = check_domain(t, op->dest.domid, dest_gref);
    }
    if (status == GNTST_okay) {
        status = take(t, &op->source, source_gref, false, &source);
    }
    if (status == GNTST_okay) {
        status = take(t, &op->dest, dest_gref, true, &dest);
    }
    if (status == GNTST_okay) {
        status = check_ranges(op, &source, &dest);
    }
    if (status == GNTST_okay) {
        status = move(t, op, &source, &dest);
    }
    give_back(t, &op->dest, true, &dest);
    give_back(t, &op->source, false, &source);
    xen_trace(t->d, HOST_TRACE_grant_copy, traced_end(&op->source, source_gref),
              traced_end(&op->dest, dest_gref), op->len,
              (uint64_t)(int64_t)status);
    return status;
}
