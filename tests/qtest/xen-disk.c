/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of a paravirtual disk, for qtest suites.
 */
#include "tests/qtest/xen-disk.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* The xenstore */

void xg_disk_put(XgDisk *d, const char *key, const char *fmt, ...)
{
    g_autofree char *value = NULL;
    g_autofree char *answer = NULL;
    g_autoptr(GString) payload = g_string_new(XD_FRONT "/");
    va_list ap;

    va_start(ap, fmt);
    value = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_string_append_len(payload, key, strlen(key) + 1);
    g_string_append(payload, value);
    answer = xg_store_request(&d->store, XS_WRITE, payload->str, payload->len);
    g_assert_cmpstr(answer, ==, "OK");
}

char *xg_disk_get(XgDisk *d, const char *path)
{
    return xg_store_request(&d->store, XS_READ, path, strlen(path) + 1);
}

/* Until the node has that value; each request lets the main loop turn. */
void xg_disk_wait(XgDisk *d, const char *path, const char *value)
{
    g_autofree char *now = xg_disk_get(d, path);

    for (unsigned i = 0; i < XD_TURNS_MAX && strcmp(now, value); i++) {
        g_free(now);
        now = xg_disk_get(d, path);
    }
    g_assert_cmpstr(now, ==, value);
}

/* Grants and ports */

void xg_disk_set_grant(XgDisk *d, uint32_t ref, uint16_t flags, uint16_t domid,
                       uint64_t gpa)
{
    struct grant_entry_v1 entry = {
        .flags = flags, .domid = domid, .frame = gpa / XD_PAGE_SIZE};

    qtest_memwrite(d->q, XD_GRANT_GFN * XD_PAGE_SIZE + ref * sizeof(entry),
                   &entry, sizeof(entry));
}

uint16_t xg_disk_grant_flags(XgDisk *d, uint32_t ref)
{
    return qtest_readw(d->q, XD_GRANT_GFN * XD_PAGE_SIZE +
                                 ref * sizeof(struct grant_entry_v1));
}

uint32_t xg_disk_new_port(XgDisk *d)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = 0};

    g_assert_cmpint(
        xg_evtchn(d->q, EVTCHNOP_alloc_unbound, &alloc, sizeof(alloc)), ==, 0);
    return alloc.port;
}

void xg_disk_close_port(XgDisk *d, uint32_t port)
{
    struct evtchn_close close = {.port = port};

    g_assert_cmpint(xg_evtchn(d->q, EVTCHNOP_close, &close, sizeof(close)), ==,
                    0);
}

void xg_disk_kick(XgDisk *d)
{
    g_assert_cmpint(xg_send(d->q, d->port), ==, 0);
}

uint32_t xg_disk_port_status(XgDisk *d)
{
    struct evtchn_status status = {.dom = DOMID_SELF, .port = d->port};

    g_assert_cmpint(xg_evtchn(d->q, EVTCHNOP_status, &status, sizeof(status)),
                    ==, 0);
    return status.status;
}

/* What a new domain sets up before its devices. */
void xg_disk_begin(XgDisk *d)
{
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_grant_table,
        .gpfn = XD_GRANT_GFN,
    };

    d->store = xg_store_ring(d->q);
    xg_map_shared_info(d->q);
    g_assert_cmpint(xg_call(d->q, 0, __HYPERVISOR_memory_op,
                            XENMEM_add_to_physmap, &add, sizeof(add)),
                    ==, 0);
    xg_disk_set_grant(d, XD_REF_RING, GTF_permit_access, 0, XD_RING_GPA);
    xg_disk_set_grant(d, XD_REF_DATA, GTF_permit_access, 0, XD_DATA_GPA);
    xg_disk_set_grant(d, XD_REF_READONLY, GTF_permit_access | GTF_readonly, 0,
                      XD_DATA_GPA);
    xg_disk_set_grant(d, XD_REF_OTHER, GTF_permit_access, 5, XD_DATA_GPA);
    xg_disk_set_grant(d, XD_REF_NO_RAM, GTF_permit_access, 0, XG_NO_RAM_GPA);
    xg_disk_set_grant(d, XD_REF_UNUSED, GTF_invalid, 0, 0);
    xg_disk_wait(d, XD_BACK "/state", "2");
}

/* Tell the back end of the ring and have it connect, or not. */
void xg_disk_offer_ring(XgDisk *d, uint32_t ref, uint32_t port)
{
    d->prod = 0;
    qtest_memset(d->q, XD_RING_GPA, 0, XD_PAGE_SIZE);
    qtest_writel(d->q, XD_RING(req_event), 1);
    qtest_writel(d->q, XD_RING(rsp_event), 1);
    xg_disk_put(d, "ring-ref", "%u", ref);
    xg_disk_put(d, "event-channel", "%u", port);
    xg_disk_put(d, "protocol", "%s", d->protocol);
    xg_disk_put(d, "state", "%d", XenbusStateInitialised);
}

void xg_disk_connect(XgDisk *d)
{
    d->port = xg_disk_new_port(d);
    xg_disk_offer_ring(d, XD_REF_RING, d->port);
    xg_disk_wait(d, XD_BACK "/state", "4");
    xg_disk_put(d, "state", "%d", XenbusStateConnected);
}

/* @drive: more of the drive, or ""; @more: more arguments */
XgDisk xg_disk_start(const char *drive, const char *more)
{
    XgDisk d = {.protocol = XEN_IO_PROTO_ABI_X86_64};
    g_autofree char *args = NULL;
    g_autoptr(GByteArray) content = g_byte_array_new();
    int fd = g_file_open_tmp("jumpcut-disk-XXXXXX", &d.path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    for (unsigned i = 0; i < XD_DISK_PAGES * XD_PAGE_SIZE; i++) {
        uint8_t byte = i / XD_SECTOR + 1;

        g_byte_array_append(content, &byte, 1);
    }
    g_assert_true(g_file_set_contents(d.path, (const char *)content->data,
                                      content->len, NULL));
    args = g_strdup_printf("-drive if=none,id=d,format=raw,file=%s%s "
                           "-device xen-disk,id=disk,drive=d,vdev=xvda %s",
                           d.path, drive, more);
    d.q = qtest_start(args, XD_XEN);
    xg_disk_begin(&d);
    return d;
}

void xg_disk_end(XgDisk *d)
{
    qtest_quit(d->q);
    g_remove(d->path);
    g_free(d->path);
}

/* Requests */

void xg_disk_submit(XgDisk *d, const struct blkif_request *req)
{
    qtest_memwrite(d->q, XD_ENTRY(d->prod), req, sizeof(*req));
    qtest_writel(d->q, XD_RING(rsp_event), d->prod + 1);
    d->prod++;
    qtest_writel(d->q, XD_RING(req_prod), d->prod);
    xg_disk_kick(d);
}

/* @return: BLKIF_RSP_* */
int xg_disk_request_of(XgDisk *d, const struct blkif_request *req)
{
    struct blkif_response rsp;
    unsigned turns = 0;

    xg_disk_submit(d, req);
    while (qtest_readl(d->q, XD_RING(rsp_prod)) != d->prod) {
        g_assert_cmpuint(turns++, <, XD_TURNS_MAX);
    }
    qtest_memread(d->q, XD_ENTRY(d->prod - 1), &rsp, sizeof(rsp));
    g_assert_cmpuint(rsp.id, ==, req->id);
    return rsp.status;
}

int xg_disk_request(XgDisk *d, uint8_t op, uint64_t sector, uint32_t ref,
                    uint8_t first, uint8_t last)
{
    struct blkif_request req = {
        .operation = op,
        .nr_segments = 1,
        .id = 0x1234567800000000u + d->prod,
        .sector_number = sector,
        .seg = {{.gref = ref, .first_sect = first, .last_sect = last}},
    };

    return xg_disk_request_of(d, &req);
}

void xg_disk_check_bytes(XgDisk *d, uint64_t gpa, unsigned sectors,
                         uint8_t first)
{
    for (unsigned i = 0; i < sectors; i++) {
        g_assert_cmphex(qtest_readb(d->q, gpa + i * XD_SECTOR), ==, first + i);
        g_assert_cmphex(qtest_readb(d->q, gpa + i * XD_SECTOR + XD_SECTOR - 1),
                        ==, first + i);
    }
}

void xg_disk_check_page_is_read(XgDisk *d)
{
    qtest_memset(d->q, XD_DATA_GPA, 0, XD_PAGE_SIZE);
    g_assert_cmpint(xg_disk_request(d, BLKIF_OP_READ, 8, XD_REF_DATA, 0, 7), ==,
                    BLKIF_RSP_OKAY);
    xg_disk_check_bytes(d, XD_DATA_GPA, 8, 9);
}
