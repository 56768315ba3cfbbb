/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain 0's use of what the guest grants it (hw/xen/backend.h).
 *
 * DEVIATION: its mappings do not migrate: back ends connect anew, and the
 * flags of the entries they used stay set until the guest ends the grants.
 */
#include <string.h>

#include "hw/xen/backend.h"
#include "hw/xen/grant-internal.h"

HostPage *xen_backend_grant_map(XenDomain *d, uint32_t ref, bool write,
                                int16_t *status)
{
    XenGrantUse use = {.ref = ref, .write = write, .map = true};

    *status = xen_grant_acquire(d->grant, &use);
    xen_trace(d, HOST_TRACE_grant_map, 0, ref, write,
              (uint64_t)(int64_t)*status);
    return *status == GNTST_okay ? d->grant->active[ref].page : NULL;
}

/* One that ended with a reset, or never was, is ignored. */
void xen_backend_grant_unmap(XenDomain *d, uint32_t ref, HostPage *page,
                             bool write)
{
    const XenGrantActive *act;

    if (ref >= xen_grant_nr_entries(d->grant)) {
        return;
    }
    act = &d->grant->active[ref];
    if (act->page == page && act->domid == 0 &&
        (write ? act->writers : act->readers)) {
        xen_grant_release(d->grant, ref, write);
        xen_trace(d, HOST_TRACE_grant_unmap, 0, ref, write, GNTST_okay);
    }
}

static int16_t copy(XenDomain *d, uint32_t ref, uint16_t off, void *buf,
                    uint16_t len, bool to_guest)
{
    Host *host = d->host;
    XenGrantUse use = {.ref = ref, .write = to_guest};
    const XenGrantActive *act;
    uint8_t *ptr;
    int16_t status;

    status = xen_grant_acquire(d->grant, &use);
    if (status != GNTST_okay) {
        return status;
    }
    act = &d->grant->active[ref];
    status = xen_grant_range_check(act, off, len);
    if (status == GNTST_okay) {
        ptr = (uint8_t *)host->ops->mem.page_ptr(host, act->page) + off;
        if (to_guest) {
            memcpy(ptr, buf, len);
            host->ops->mem.page_dirty(host, act->page, off, len);
        } else {
            memcpy(buf, ptr, len);
        }
    }
    xen_grant_release(d->grant, ref, to_guest);
    return status;
}

int16_t xen_backend_grant_copy(XenDomain *d, uint32_t ref, uint16_t off,
                               void *buf, uint16_t len, bool to_guest)
{
    int16_t status = copy(d, ref, off, buf, len, to_guest);
    uint64_t end = XEN_TRACED_REF | ref;

    xen_trace(d, HOST_TRACE_grant_copy, to_guest ? UINT64_MAX : end,
              to_guest ? end : UINT64_MAX, len, (uint64_t)(int64_t)status);
    return status;
}
