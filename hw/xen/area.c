/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Areas a guest registers by physical address, since Xen 4.18 (xen:
 * common/domain.c, map_guest_area).
 */
#include "hw/xen/domain-internal.h"

/*
 * Why guest frame @gfn cannot be written: -XEN_EINVAL if it is no memory, and
 * for all before Xen 4.18, else -XEN_EACCES.
 */
int64_t xen_frame_error(XenDomain *d, uint64_t gfn)
{
    char byte;

    if (d->cfg.version_minor < XEN_MINOR_PHYS_AREAS ||
        gfn >> (64 - HOST_PAGE_SHIFT) ||
        !d->host->ops->mem.phys_read(d->host,
                                     (GuestPhys){gfn << HOST_PAGE_SHIFT}, &byte,
                                     sizeof(byte))) {
        return -XEN_EINVAL;
    }
    return -XEN_EACCES;
}

void xen_area_unmap(XenVcpu *v, XenPhysArea *area)
{
    if (area->page) {
        v->d->host->ops->mem.page_unpin(v->d->host, area->page);
    }
    *area = (XenPhysArea){0};
}

/* The first @len bytes of @area were changed. */
void xen_area_dirty(XenVcpu *v, const XenPhysArea *area, size_t len)
{
    v->d->host->ops->mem.page_dirty(v->d->host, area->page, area->off, len);
}

/*
 * @area begins at byte @off of the pinned @page, which is @area's from now on;
 * the one it was before is let go.
 */
void xen_area_attach(XenVcpu *v, XenPhysArea *area, HostPage *page, size_t off)
{
    xen_area_unmap(v, area);
    *area = (XenPhysArea){
        .page = page,
        .ptr = (uint8_t *)v->d->host->ops->mem.page_ptr(v->d->host, page) + off,
        .off = off,
    };
}

/*
 * The guest registers the @len bytes at @gpa, or none if @gpa is all ones.
 * @return: 0; -XEN_ENXIO: it crosses the page or is misaligned; -XEN_EINVAL:
 * no RAM; -XEN_EACCES: it can only be read.
 */
int64_t xen_area_map(XenVcpu *v, XenPhysArea *area, uint64_t gpa, size_t len)
{
    Host *host = v->d->host;
    size_t off = gpa % HOST_PAGE_SIZE;
    size_t align = v->d->shinfo_32 ? sizeof(uint32_t) : sizeof(uint64_t);
    HostPage *page;

    if (gpa == UINT64_MAX) {
        xen_area_unmap(v, area);
        return 0;
    }
    if (off % align || off + len > HOST_PAGE_SIZE) {
        return -XEN_ENXIO;
    }
    page = host->ops->mem.page_pin(host, gpa >> HOST_PAGE_SHIFT);
    if (!page) {
        return xen_frame_error(v->d, gpa >> HOST_PAGE_SHIFT);
    }
    xen_area_attach(v, area, page, off);
    return 0;
}
