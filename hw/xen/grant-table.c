/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of the guest's grant table: making, growing, resetting and
 * migrating them (xen: common/grant_table.c).
 */
#include <string.h>

#include "hw/xen/grant-internal.h"

typedef enum GrantTag {
    TAG_VERSION = 0x0a00,
    TAG_NR_FRAMES,
    TAG_NR_STATUS,
} GrantTag;

bool xen_grant_new(XenDomain *d)
{
    XenGrantTable *t = g_new0(XenGrantTable, 1);

    d->grant = t;
    t->d = d;
    t->active =
        g_new0(XenGrantActive, XEN_GRANT_FRAMES_MAX * XEN_GRANT_V1_PER_FRAME);
    xen_grant_maps_new(t);
    for (unsigned i = 0; i < XEN_GRANT_FRAMES_MAX; i++) {
        g_autofree char *name = g_strdup_printf("xen.grant-%u", i);

        if (!xen_overlay_new(d, &t->frame[i], name)) {
            return false;
        }
    }
    for (unsigned i = 0; i < XEN_GRANT_STATUS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("xen.grant-status-%u", i);

        if (!xen_overlay_new(d, &t->status[i], name)) {
            return false;
        }
    }
    return true;
}

/* Whatever is in use is not any more; the shared entries stay as they are. */
static void uses_drop(XenGrantTable *t)
{
    unsigned n = XEN_GRANT_FRAMES_MAX * XEN_GRANT_V1_PER_FRAME;

    for (unsigned i = 0; i < n; i++) {
        if (t->active[i].page) {
            t->d->host->ops->mem.page_unpin(t->d->host, t->active[i].page);
        }
    }
    memset(t->active, 0, n * sizeof(*t->active));
}

void xen_grant_free(XenDomain *d)
{
    XenGrantTable *t = d->grant;

    if (!t) {
        return;
    }
    xen_grant_maps_free(t);
    uses_drop(t);
    for (unsigned i = 0; i < XEN_GRANT_FRAMES_MAX; i++) {
        xen_overlay_free(d, &t->frame[i]);
    }
    for (unsigned i = 0; i < XEN_GRANT_STATUS_MAX; i++) {
        xen_overlay_free(d, &t->status[i]);
    }
    g_free(t->active);
    g_free(t);
    d->grant = NULL;
}

/* The toolstack grants the back ends their rings in the first two entries. */
static void seed(XenGrantTable *t, unsigned ref, uint32_t gfn)
{
    struct grant_entry_v1 entry = {GTF_permit_access, 0, gfn};

    memcpy(t->frame[0].ptr + ref * sizeof(entry), &entry, sizeof(entry));
    xen_grant_entry_dirty(t, ref);
}

/* One frame, mapped nowhere, version 1; nothing is in use. */
void xen_grant_reset(XenDomain *d)
{
    XenGrantTable *t = d->grant;

    xen_grant_maps_reset(t);
    uses_drop(t);
    for (unsigned i = 0; i < XEN_GRANT_FRAMES_MAX; i++) {
        xen_overlay_reset(d, &t->frame[i]);
    }
    for (unsigned i = 0; i < XEN_GRANT_STATUS_MAX; i++) {
        xen_overlay_reset(d, &t->status[i]);
    }
    t->version = 1;
    t->nr_frames = 1;
    t->nr_status = 0;
    seed(t, GNTTAB_RESERVED_CONSOLE, XEN_CONSOLE_GFN);
    if (d->store_ring) {
        seed(t, GNTTAB_RESERVED_XENSTORE, XEN_STORE_GFN);
    }
}

/* Status frames that go with @nr_frames. */
static unsigned status_frames(unsigned nr_frames)
{
    return (nr_frames * XEN_GRANT_V2_PER_FRAME + XEN_GRANT_STATUS_PER_FRAME -
            1) /
           XEN_GRANT_STATUS_PER_FRAME;
}

/* At least @nr_frames, with their status; false beyond the limit. */
bool xen_grant_grow(XenGrantTable *t, unsigned nr_frames)
{
    if (nr_frames > XEN_GRANT_FRAMES_MAX) {
        return false;
    }
    t->nr_frames = MAX(t->nr_frames, nr_frames);
    if (t->version == 2) {
        t->nr_status = status_frames(t->nr_frames);
    }
    return true;
}

/*
 * The frame XENMAPSPACE_grant_table calls @idx: a status frame if that is
 * marked in @idx and the table is of version 2.  The table grows to have it.
 * @return: NULL beyond the limit (-XEN_EINVAL).
 * Source: xen: common/grant_table.c, gnttab_map_frame.
 */
XenOverlay *xen_grant_frame(XenDomain *d, uint64_t idx)
{
    XenGrantTable *t = d->grant;
    const uint64_t per_status =
        XEN_GRANT_STATUS_PER_FRAME / XEN_GRANT_V2_PER_FRAME;

    if (t->version == 2 && (idx & XENMAPIDX_grant_table_status)) {
        idx &= ~(uint64_t)XENMAPIDX_grant_table_status;
        if (idx >= XEN_GRANT_STATUS_MAX ||
            (idx >= t->nr_status &&
             !xen_grant_grow(t, (unsigned)((idx + 1) * per_status)))) {
            return NULL;
        }
        return &t->status[idx];
    }
    if (idx >= XEN_GRANT_FRAMES_MAX || !xen_grant_grow(t, (unsigned)idx + 1)) {
        return NULL;
    }
    return &t->frame[idx];
}

void xen_grant_save(const XenDomain *d, StateWriter *w)
{
    const XenGrantTable *t = d->grant;

    state_put_u64(w, TAG_VERSION, t->version);
    state_put_u64(w, TAG_NR_FRAMES, t->nr_frames);
    state_put_u64(w, TAG_NR_STATUS, t->nr_status);
    for (unsigned i = 0; i < t->nr_frames; i++) {
        xen_overlay_save(&t->frame[i], w);
    }
    for (unsigned i = 0; i < t->nr_status; i++) {
        xen_overlay_save(&t->status[i], w);
    }
    xen_grant_maps_save(t, w);
}

void xen_grant_load(XenDomain *d, StateReader *r)
{
    XenGrantTable *t = d->grant;

    t->version =
        (unsigned)state_get_u64(r, TAG_VERSION, "grant table version", 2);
    t->nr_frames = (unsigned)state_get_u64(r, TAG_NR_FRAMES, "grant frames",
                                           XEN_GRANT_FRAMES_MAX);
    t->nr_status = (unsigned)state_get_u64(
        r, TAG_NR_STATUS, "grant status frames", XEN_GRANT_STATUS_MAX);
    if (t->version == 0 || t->nr_frames == 0) {
        state_reader_fail(r,
                          "grant table: version %u with %u frames, must be "
                          "at least 1 of both",
                          t->version, t->nr_frames);
    } else if (t->nr_status !=
               (t->version == 2 ? status_frames(t->nr_frames) : 0)) {
        state_reader_fail(r, "grant status frames: %u do not go with %u frames",
                          t->nr_status, t->nr_frames);
    }
    for (unsigned i = 0; i < t->nr_frames; i++) {
        xen_overlay_load(d, &t->frame[i], "grant frame", r);
    }
    for (unsigned i = 0; i < t->nr_status; i++) {
        xen_overlay_load(d, &t->status[i], "grant status frame", r);
    }
    xen_grant_maps_load(t, r);
}
