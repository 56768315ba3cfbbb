/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of a paravirtual disk, for qtest suites: grants, a ring, an
 * event channel and the front end's nodes.
 */
#ifndef JUMPCUT_TESTS_XEN_DISK_H
#define JUMPCUT_TESTS_XEN_DISK_H

#include "tests/qtest/xen-store.h"

#include <xen/grant_table.h>
#include <xen/io/blkif.h>
#include <xen/io/protocols.h>
#include <xen/io/xenbus.h>

#define XD_XEN   "guest=xen-hvm,domid=7"
#define XD_FRONT "/local/domain/7/device/vbd/51712"
#define XD_BACK  "/local/domain/0/backend/qdisk/7/51712"

#define XD_PAGE_SIZE  4096u
#define XD_SECTOR     512u
#define XD_DISK_PAGES 16u

#define XD_GRANT_GFN 0x210u
#define XD_RING_GPA  0x300000u
#define XD_DATA_GPA  0x310000u

/* References the test uses; those below 8 are reserved. */
#define XD_REF_RING     8u
#define XD_REF_DATA     9u
#define XD_REF_READONLY 10u
#define XD_REF_OTHER    11u /* granted to domain 5 */
#define XD_REF_NO_RAM   12u
#define XD_REF_UNUSED   13u
#define XD_REF_NO_TABLE 100000u

/* How often the main loop may turn before the back end has done its part. */
#define XD_TURNS_MAX 20000

#define XD_RING(field) (XD_RING_GPA + offsetof(struct blkif_sring, field))
#define XD_ENTRY(i) \
    (XD_RING(ring) + (i) % XD_RING_ENTRIES * sizeof(union blkif_sring_entry))
#define XD_RING_ENTRIES 32u /* what fits a page */

typedef struct XgDisk {
    Qtest *q;
    XgRing store;
    char *path; /* of the image */
    uint32_t port;
    uint32_t prod;        /* requests made */
    const char *protocol; /* of the front end; 64 bits if nobody sets it */
} XgDisk;

/* Write a node of the front end. */
void xg_disk_put(XgDisk *d, const char *key, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);
/* Value of a node, or the name of the error. */
char *xg_disk_get(XgDisk *d, const char *path);
/* Until the node has that value; each request lets the main loop turn. */
void xg_disk_wait(XgDisk *d, const char *path, const char *value);
/* @flags: GTF_* of a grant to @domid of the page at @gpa */
void xg_disk_set_grant(XgDisk *d, uint32_t ref, uint16_t flags, uint16_t domid,
                       uint64_t gpa);
uint16_t xg_disk_grant_flags(XgDisk *d, uint32_t ref);
/* A port that domain 0 may bind. */
uint32_t xg_disk_new_port(XgDisk *d);
void xg_disk_close_port(XgDisk *d, uint32_t port);
/* Send on the disk's port. */
void xg_disk_kick(XgDisk *d);
/* EVTCHNSTAT_* of the disk's port */
uint32_t xg_disk_port_status(XgDisk *d);

/*
 * QEMU with a disk whose n-th sector is full of bytes n + 1.
 * @drive: more of its -drive, or ""; @more: more arguments, or ""
 */
XgDisk xg_disk_start(const char *drive, const char *more);
void xg_disk_end(XgDisk *d);
/* What a new domain sets up before its devices. */
void xg_disk_begin(XgDisk *d);
/* Tell the back end of the ring and have it connect, or not. */
void xg_disk_offer_ring(XgDisk *d, uint32_t ref, uint32_t port);
void xg_disk_connect(XgDisk *d);

void xg_disk_submit(XgDisk *d, const struct blkif_request *req);
/* @return: BLKIF_RSP_* */
int xg_disk_request_of(XgDisk *d, const struct blkif_request *req);
/* The same with one segment. */
int xg_disk_request(XgDisk *d, uint8_t op, uint64_t sector, uint32_t ref,
                    uint8_t first, uint8_t last);
/* @sectors at @gpa are full of bytes @first, @first + 1, ... */
void xg_disk_check_bytes(XgDisk *d, uint64_t gpa, unsigned sectors,
                         uint8_t first);
void xg_disk_check_page_is_read(XgDisk *d);

#endif
