/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grant table inside, for grant*.c alone. */
#ifndef JUMPCUT_HW_XEN_GRANT_INTERNAL_H
#define JUMPCUT_HW_XEN_GRANT_INTERNAL_H

#include "hw/xen/domain-internal.h"

#define XEN_GRANT_FRAMES_MAX 64u /* xen: opt_max_grant_frames */
#define XEN_GRANT_V1_PER_FRAME \
    (unsigned)(HOST_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define XEN_GRANT_V2_PER_FRAME \
    (unsigned)(HOST_PAGE_SIZE / sizeof(union grant_entry_v2))
#define XEN_GRANT_STATUS_PER_FRAME \
    (unsigned)(HOST_PAGE_SIZE / sizeof(grant_status_t))
#define XEN_GRANT_HANDLES_MAX 512u
#define XEN_GRANT_STATUS_MAX \
    (XEN_GRANT_FRAMES_MAX * XEN_GRANT_V2_PER_FRAME / XEN_GRANT_STATUS_PER_FRAME)

/*
 * What an entry grants while it is in use, as it was when the use began: the
 * guest may change the shared entry at any time (xen: active_grant_entry).
 */
typedef struct XenGrantActive {
    uint32_t readers, writers; /* uses of each kind; none: not in use */
    HostPage *page;            /* pinned while in use */
    uint64_t gfn;
    uint16_t domid;         /* whose uses they are */
    uint16_t start, length; /* of what is granted in the page, bytes */
    bool is_sub_page;
} XenGrantActive;

/* A mapping the guest made, by its handle. */
typedef struct XenGrantMapping {
    uint32_t ref;
    uint32_t flags; /* GNTMAP_*; 0: the handle is free */
} XenGrantMapping;

/* What lies where a mapping is. */
typedef struct XenGrantAlias {
    HostPage *page;
    const void *ptr; /* of the page that is to be seen there */
    bool read_only;
} XenGrantAlias;

struct XenGrantTable {
    XenDomain *d;
    unsigned version; /* 1 or 2 */
    XenOverlay frame[XEN_GRANT_FRAMES_MAX];
    XenOverlay status[XEN_GRANT_STATUS_MAX]; /* version 2 */
    unsigned nr_frames, nr_status;
    XenGrantActive *active; /* for each entry version 1 has */
    GArray *mappings;       /* XenGrantMapping, by handle */
    GQueue *free_handles;   /* those free, the next first */
    GTree *aliases;         /* guest frame -> XenGrantAlias there */
};

/* In trace events: an entry's number, not a frame's. */
#define XEN_TRACED_REF (1ull << 32)

/* A use of an entry: by whom, for what. */
typedef struct XenGrantUse {
    uint32_t ref;
    uint16_t domid;
    bool write;
    bool map; /* a mapping needs all of the page; else a copy */
} XenGrantUse;

/* grant-entry.c */
unsigned xen_grant_nr_entries(const XenGrantTable *t);
uint32_t *xen_grant_header(XenGrantTable *t, uint32_t ref);
uint16_t *xen_grant_status(XenGrantTable *t, uint32_t ref);
void xen_grant_entry_dirty(XenGrantTable *t, uint32_t ref);
int16_t xen_grant_acquire(XenGrantTable *t, const XenGrantUse *use);
void xen_grant_release(XenGrantTable *t, uint32_t ref, bool write);
bool xen_grant_resume(XenGrantTable *t, uint32_t ref, uint64_t frame,
                      HostPage *page, bool write);
int16_t xen_grant_swap(XenGrantTable *t, uint32_t a, uint32_t b);
int16_t xen_grant_of_dom0(uint32_t ref);
int16_t xen_grant_range_check(const XenGrantActive *act, uint32_t off,
                              uint32_t len);

/* grant-map.c */
void xen_grant_maps_new(XenGrantTable *t);
void xen_grant_maps_reset(XenGrantTable *t);
void xen_grant_maps_free(XenGrantTable *t);
int16_t xen_grant_map(XenGrantTable *t, struct gnttab_map_grant_ref *op);
int16_t xen_grant_unmap(XenGrantTable *t,
                        const struct gnttab_unmap_grant_ref *op);

bool xen_grant_alias_add(XenGrantTable *t, HostPage *page, uint64_t gfn,
                         bool read_only);

/* grant-map-state.c */
void xen_grant_maps_save(const XenGrantTable *t, StateWriter *w);
void xen_grant_maps_load(XenGrantTable *t, StateReader *r);

/* grant-copy.c */
int16_t xen_grant_copy(XenGrantTable *t, const struct gnttab_copy *op);

/* grant-version.c */
int64_t xen_grant_set_version(XenGrantTable *t, uint32_t version);

/* grant-table.c */
bool xen_grant_grow(XenGrantTable *t, unsigned nr_frames);

#endif
