/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants for QEMU's Xen back ends.
 *
 * One page a mapping, as QEMU's own emulation has it: guest frames lie apart
 * in host memory, so several cannot be made one range.  Only rings, which are
 * copies, have several pages (xen-backend-ring.c).
 */
#include "accel/shim/xen-backend-internal.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "migration/blocker.h"
#include "accel/shim/guest-memory.h"
#include "hw/xen/backend.h"

typedef struct Mapping {
    uint32_t ref;
    HostPage *page;
    void *ptr;
    bool write;
} Mapping;

/* Each device has one, as long as it is there. */
struct xengntdev_handle {
    GArray *maps;   /* of Mapping */
    Error *blocker; /* of migration */
};

static xengnttab_handle *gnttab_open(void)
{
    xengnttab_handle *xgt = g_new0(xengnttab_handle, 1);
    Error *err = NULL;

    error_setg(&xgt->blocker, "a Xen back end cannot be migrated: unplug it "
                              "before");
    if (migrate_add_blocker(&xgt->blocker, &err)) {
        error_report_err(err);
        g_free(xgt);
        errno = EBUSY;
        return NULL;
    }
    xgt->maps = g_array_new(false, false, sizeof(Mapping));
    return xgt;
}

static void end_mapping(const Mapping *map)
{
    xen_backend_grant_unmap(xen_backends()->domain, map->ref, map->page,
                            map->write);
}

static int gnttab_close(xengnttab_handle *xgt)
{
    xen_backend_rings_close(xen_backends(), xgt);
    for (guint i = 0; i < xgt->maps->len; i++) {
        end_mapping(&g_array_index(xgt->maps, Mapping, i));
    }
    g_array_unref(xgt->maps);
    migrate_del_blocker(&xgt->blocker);
    g_free(xgt);
    return 0;
}

/* There is no limit of our own. */
static int gnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
    return 0;
}

static void *gnttab_map_refs(xengnttab_handle *xgt, uint32_t count,
                             uint32_t domid, uint32_t *refs, int prot)
{
    XenBackends *b = xen_backends();
    Mapping map = {.write = prot & PROT_WRITE};
    XenBackendShape shape;
    bool ring;
    int16_t status;

    if (domid != b->domid || !b->domain) {
        errno = EINVAL;
        return NULL;
    }
    ring = xen_backend_ring_wanted(b, xgt, prot, &shape);
    if (!count || count > (ring ? XEN_BACKEND_RING_PAGES_MAX : 1)) {
        errno = EINVAL;
        return NULL;
    }
    if (ring) {
        return xen_backend_ring_map(b, xgt, &shape, refs, count);
    }
    map.ref = refs[0];
    map.page = xen_backend_grant_map(b->domain, map.ref, map.write, &status);
    if (!map.page) {
        errno = EINVAL;
        return NULL;
    }
    map.ptr = guest_page_ptr(map.page);
    g_array_append_val(xgt->maps, map);
    return map.ptr;
}

static int gnttab_unmap(xengnttab_handle *xgt, void *start_address,
                        uint32_t *refs, uint32_t count)
{
    if (xen_backend_ring_unmap(xen_backends(), start_address)) {
        return 0;
    }
    for (guint i = xgt->maps->len; count == 1 && i > 0; i--) {
        Mapping map = g_array_index(xgt->maps, Mapping, i - 1);

        if (map.ref == refs[0] && map.ptr == start_address) {
            g_array_remove_index_fast(xgt->maps, i - 1);
            end_mapping(&map);
            return 0;
        }
    }
    errno = EINVAL;
    return -1;
}

static bool copy_segment(XenDomain *d, bool to_domain,
                         const XenGrantCopySegment *seg, Error **errp)
{
    uint32_t ref = to_domain ? seg->dest.foreign.ref : seg->source.foreign.ref;
    off_t off =
        to_domain ? seg->dest.foreign.offset : seg->source.foreign.offset;
    void *buf = to_domain ? seg->source.virt : seg->dest.virt;
    int16_t status;

    if (off < 0 || off > (off_t)XEN_PAGE_SIZE ||
        seg->len > XEN_PAGE_SIZE - off) {
        error_setg(errp, "grant %u: %zu bytes at %jd leave the page", ref,
                   seg->len, (intmax_t)off);
        return false;
    }
    status = xen_backend_grant_copy(d, ref, off, buf, seg->len, to_domain);
    if (status) {
        error_setg(errp, "grant %u: cannot be copied %s: status %d", ref,
                   to_domain ? "to" : "from", status);
        return false;
    }
    return true;
}

static int gnttab_copy(xengnttab_handle *xgt, bool to_domain, uint32_t domid,
                       XenGrantCopySegment *segs, uint32_t nr_segs,
                       Error **errp)
{
    XenBackends *b = xen_backends();

    if (domid != b->domid || !b->domain) {
        error_setg(errp, "domain %u: there is none", domid);
        return -EINVAL;
    }
    for (uint32_t i = 0; i < nr_segs; i++) {
        if (!copy_segment(b->domain, to_domain, &segs[i], errp)) {
            return -EINVAL;
        }
    }
    return 0;
}

struct gnttab_backend_ops xen_backend_gnttab_ops = {
    .features = XEN_GNTTAB_OP_FEATURE_MAP_MULTIPLE,
    .open = gnttab_open,
    .close = gnttab_close,
    .grant_copy = gnttab_copy,
    .set_max_grants = gnttab_set_max_grants,
    .map_refs = gnttab_map_refs,
    .unmap = gnttab_unmap,
};
