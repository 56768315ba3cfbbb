/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing the version of the guest's grant table (xen: common/grant_table.c,
 * gnttab_set_version).  The reserved entries, which the toolstack filled in
 * and back ends have mapped, are carried over; all others must not be in use.
 */
#include <string.h>

#include "hw/xen/grant-internal.h"

#define RESERVED  GNTTAB_NR_RESERVED_ENTRIES
#define USE_FLAGS (GTF_reading | GTF_writing)

static bool in_use(const XenGrantTable *t)
{
    for (unsigned i = RESERVED; i < xen_grant_nr_entries(t); i++) {
        if (t->active[i].page) {
            return true;
        }
    }
    return false;
}

/* Reserved entries of version 2 as version 1 says it, each read once. */
static int64_t reserved_v2(XenGrantTable *t, struct grant_entry_v1 *out)
{
    for (unsigned i = 0; i < RESERVED; i++) {
        union grant_entry_v2 entry;
        unsigned type;

        memcpy(&entry, xen_grant_header(t, i), sizeof(entry));
        type = entry.hdr.flags & GTF_type_mask;
        if (type == GTF_transitive ||
            (type == GTF_permit_access && entry.full_page.frame >> 32)) {
            return -XEN_ERANGE;
        }
        memset(&out[i], 0, sizeof(out[i]));
        if (type == GTF_permit_access) {
            out[i].flags =
                entry.hdr.flags |
                __atomic_load_n(xen_grant_status(t, i), __ATOMIC_SEQ_CST);
            out[i].domid = entry.hdr.domid;
            out[i].frame = (uint32_t)entry.full_page.frame;
        }
    }
    return 0;
}

static void reserved_write(XenGrantTable *t, const struct grant_entry_v1 *in)
{
    for (unsigned i = 0; i < RESERVED; i++) {
        union grant_entry_v2 entry = {
            .full_page = {.hdr = {in[i].flags & ~USE_FLAGS, in[i].domid},
                          .frame = in[i].frame},
        };

        if (t->version == 1) {
            memcpy(xen_grant_header(t, i), &in[i], sizeof(in[i]));
        } else {
            memcpy(xen_grant_header(t, i), &entry, sizeof(entry));
            *xen_grant_status(t, i) = in[i].flags & USE_FLAGS;
        }
        xen_grant_entry_dirty(t, i);
    }
}

static void frames_clear(XenGrantTable *t)
{
    for (unsigned i = 0; i < t->nr_frames; i++) {
        memset(t->frame[i].ptr, 0, HOST_PAGE_SIZE);
        t->d->host->ops->mem.page_dirty(t->d->host, t->frame[i].page, 0,
                                        HOST_PAGE_SIZE);
    }
    for (unsigned i = 0; i < XEN_GRANT_STATUS_MAX; i++) {
        xen_overlay_reset(t->d, &t->status[i]);
    }
}

static int64_t set_version(XenGrantTable *t, uint32_t version)
{
    struct grant_entry_v1 reserved[RESERVED];
    int64_t ret = 0;

    if (version != 1 && version != 2) {
        return -XEN_EINVAL;
    }
    if (version == t->version) {
        return 0;
    }
    if (in_use(t)) {
        return -XEN_EBUSY;
    }
    if (t->version == 1) {
        memcpy(reserved, t->frame[0].ptr, sizeof(reserved));
    } else {
        ret = reserved_v2(t, reserved);
    }
    if (ret) {
        return ret;
    }
    frames_clear(t);
    t->version = version;
    t->nr_status = 0;
    xen_grant_grow(t, t->nr_frames);
    reserved_write(t, reserved);
    return 0;
}

/*
 * @return: 0; -XEN_EINVAL: there is no such version; -XEN_EBUSY: entries that
 * are not reserved are in use; -XEN_ERANGE: a reserved entry cannot be said in
 * version 1.
 */
int64_t xen_grant_set_version(XenGrantTable *t, uint32_t version)
{
    int64_t ret = set_version(t, version);

    xen_trace(t->d, HOST_TRACE_grant_version, version, t->nr_frames, 0,
              (uint64_t)ret);
    return ret;
}
