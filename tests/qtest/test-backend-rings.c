/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of a disk: of a 32-bit front end, of several pages, and of one that
 * lies about it or takes it away; and a network card's.
 */
#include "tests/qtest/xen-disk.h"

#include <string.h>

#include <xen/io/netif.h>

#define RING_HEAD 64u
#define ORDER     2u
#define N_PAGES   (1u << ORDER)
#define REF_PAGES 20u /* of ring pages, which lie in another order */

/* xen: public/io/blkif.h as a 32-bit compiler lays it out */
typedef struct __attribute__((packed)) Request32 {
    uint8_t operation, nr_segments;
    uint16_t handle;
    uint64_t id, sector_number;
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
} Request32;

typedef struct __attribute__((packed)) Discard32 {
    uint8_t operation, flag;
    uint16_t handle;
    uint64_t id, sector_number, nr_sectors;
} Discard32;

typedef struct __attribute__((packed)) Response32 {
    uint64_t id;
    uint8_t operation, pad;
    int16_t status;
} Response32;

G_STATIC_ASSERT(sizeof(Request32) == 108);
G_STATIC_ASSERT(sizeof(Response32) == 12);

/* Requests of 32 bits */

static int request32(XgDisk *d, const void *req, size_t size)
{
    uint64_t at =
        XD_RING_GPA + RING_HEAD + d->prod % XD_RING_ENTRIES * sizeof(Request32);
    Response32 rsp;
    unsigned turns = 0;

    qtest_memset(d->q, at, 0, sizeof(Request32));
    qtest_memwrite(d->q, at, req, size);
    d->prod++;
    qtest_writel(d->q, XD_RING(rsp_event), d->prod);
    qtest_writel(d->q, XD_RING(req_prod), d->prod);
    xg_disk_kick(d);
    while (qtest_readl(d->q, XD_RING(rsp_prod)) != d->prod) {
        g_assert_cmpuint(turns++, <, XD_TURNS_MAX);
    }
    qtest_memread(d->q, at, &rsp, sizeof(rsp));
    g_assert_cmphex(rsp.id, ==, 0x1234567800000000u + d->prod - 1);
    return rsp.status;
}

static int page32(XgDisk *d, uint8_t op, uint64_t sector, unsigned segments)
{
    Request32 req = {.operation = op,
                     .nr_segments = segments,
                     .id = 0x1234567800000000u + d->prod,
                     .sector_number = sector};

    for (unsigned i = 0; i < MIN(segments, G_N_ELEMENTS(req.seg)); i++) {
        req.seg[i] = (struct blkif_request_segment){
            .gref = XD_REF_DATA, .first_sect = i % 8, .last_sect = i % 8};
    }
    return request32(d, &req, sizeof(req));
}

static void front_end_of_32_bits(void)
{
    XgDisk d = xg_disk_start(",discard=unmap", "");
    Discard32 discard = {
        .operation = BLKIF_OP_DISCARD, .sector_number = 8, .nr_sectors = 8};
    g_autofree char *content = NULL;

    d.protocol = XEN_IO_PROTO_ABI_X86_32;
    xg_disk_connect(&d);
    /* More than the ring has slots */
    for (unsigned i = 0; i < 2 * XD_RING_ENTRIES; i++) {
        g_assert_cmpint(page32(&d, BLKIF_OP_READ, i, 8), ==, BLKIF_RSP_OKAY);
        xg_disk_check_bytes(&d, XD_DATA_GPA, 8, i + 1);
    }
    g_assert_cmpint(
        page32(&d, BLKIF_OP_READ, 0, BLKIF_MAX_SEGMENTS_PER_REQUEST), ==,
        BLKIF_RSP_OKAY);
    qtest_memset(d.q, XD_DATA_GPA, 0xa5, XD_PAGE_SIZE);
    g_assert_cmpint(page32(&d, BLKIF_OP_WRITE, 16, 2), ==, BLKIF_RSP_OKAY);
    g_assert_cmpint(page32(&d, BLKIF_OP_FLUSH_DISKCACHE, 0, 0), ==,
                    BLKIF_RSP_OKAY);
    discard.id = 0x1234567800000000u + d.prod;
    g_assert_cmpint(request32(&d, &discard, sizeof(discard)), ==,
                    BLKIF_RSP_OKAY);
    g_assert_cmpint(page32(&d, BLKIF_OP_READ, XD_DISK_PAGES * 8, 1), ==,
                    BLKIF_RSP_ERROR);
    g_assert_cmpint(
        page32(&d, BLKIF_OP_READ, 0, BLKIF_MAX_SEGMENTS_PER_REQUEST + 1), ==,
        BLKIF_RSP_ERROR);
    /* QEMU offers no indirect segments. */
    g_assert_cmpint(page32(&d, BLKIF_OP_INDIRECT, 0, 1), ==, BLKIF_RSP_ERROR);
    g_assert_true(g_file_get_contents(d.path, &content, NULL, NULL));
    g_assert_cmphex((uint8_t)content[7 * XD_SECTOR], ==, 8);
    g_assert_cmphex((uint8_t)content[8 * XD_SECTOR], ==, 0);
    g_assert_cmphex((uint8_t)content[16 * XD_SECTOR - 1], ==, 0);
    g_assert_cmphex((uint8_t)content[18 * XD_SECTOR - 1], ==, 0xa5);
    g_assert_cmphex((uint8_t)content[18 * XD_SECTOR], ==, 19);
    xg_disk_end(&d);
}

/* Several pages */

static uint64_t ring_page(unsigned i)
{
    return XD_RING_GPA + (N_PAGES - 1 - i) * XD_PAGE_SIZE;
}

/* @write: or read; both may cross the border of two pages. */
static void ring_bytes(XgDisk *d, size_t at, void *buf, size_t size, bool write)
{
    for (uint8_t *byte = buf; size; size--, at++, byte++) {
        uint64_t gpa = ring_page(at / XD_PAGE_SIZE) + at % XD_PAGE_SIZE;

        if (write) {
            qtest_memwrite(d->q, gpa, byte, 1);
        } else {
            qtest_memread(d->q, gpa, byte, 1);
        }
    }
}

/* @n_refs of 2^@order pages are granted. */
static void offer_pages(XgDisk *d, unsigned order, unsigned n_refs)
{
    for (unsigned i = 0; i < 1u << order; i++) {
        g_autofree char *key = g_strdup_printf("ring-ref%u", i);

        xg_disk_set_grant(d, REF_PAGES + i,
                          i < n_refs ? GTF_permit_access : GTF_invalid, 0,
                          ring_page(i % N_PAGES));
        xg_disk_put(d, key, "%u", REF_PAGES + i);
    }
    qtest_memset(d->q, XD_RING_GPA, 0, N_PAGES * XD_PAGE_SIZE);
    qtest_writel(d->q, ring_page(0) + 4, 1);
    qtest_writel(d->q, ring_page(0) + 12, 1);
    d->port = xg_disk_new_port(d);
    xg_disk_put(d, "ring-page-order", "%u", order);
    xg_disk_put(d, "event-channel", "%u", d->port);
    xg_disk_put(d, "protocol", XEN_IO_PROTO_ABI_X86_64);
    xg_disk_put(d, "state", "%d", XenbusStateInitialised);
}

static void check_pages_used(XgDisk *d, unsigned flags)
{
    for (unsigned i = 0; i < N_PAGES; i++) {
        g_assert_cmphex(xg_disk_grant_flags(d, REF_PAGES + i), ==,
                        GTF_permit_access | flags);
    }
}

static void ring_of_several_pages(void)
{
    const unsigned entries = 128; /* (4 * 4096 - 64) / 112 is 145 */
    XgDisk d = xg_disk_start("", "");

    offer_pages(&d, ORDER, N_PAGES);
    xg_disk_wait(&d, XD_BACK "/state", "4");
    check_pages_used(&d, GTF_reading | GTF_writing);
    /* As many as fit, one more, and round the end, each at once. */
    for (unsigned round = 0, i = 0; round < 3; round++) {
        unsigned turns = 0;

        for (unsigned n = 0; n < entries - round; n++, d.prod++) {
            struct blkif_request req = {
                .operation = BLKIF_OP_READ,
                .nr_segments = 1,
                .id = d.prod,
                .seg = {{.gref = XD_REF_DATA, .last_sect = 7}}};

            ring_bytes(&d, RING_HEAD + d.prod % entries * sizeof(req), &req,
                       sizeof(req), true);
        }
        qtest_writel(d.q, ring_page(0), d.prod);
        xg_disk_kick(&d);
        while (qtest_readl(d.q, ring_page(0) + 8) != d.prod) {
            g_assert_cmpuint(turns++, <, XD_TURNS_MAX);
        }
        for (; i < d.prod; i++) {
            struct blkif_response rsp;

            ring_bytes(&d,
                       RING_HEAD + i % entries * sizeof(struct blkif_request),
                       &rsp, sizeof(rsp), false);
            g_assert_cmpint(rsp.status, ==, BLKIF_RSP_OKAY);
        }
    }
    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    xg_disk_wait(&d, XD_BACK "/state", "6");
    check_pages_used(&d, 0);
    xg_disk_end(&d);
}

static void bad_ring_of_pages_is_not_connected(void)
{
    static const struct {
        unsigned order, refs;
    } rows[] = {{5, N_PAGES}, {ORDER, N_PAGES - 1}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        XgDisk d = xg_disk_start("", "");

        offer_pages(&d, rows[i].order, rows[i].refs);
        for (unsigned turn = 0; turn < XD_TURNS_MAX; turn++) {
            g_autofree char *state = xg_disk_get(&d, XD_BACK "/state");
            g_autofree char *text = qtest_stderr(d.q);

            g_assert_cmpstr(state, !=, "4");
            if (strstr(text, "change error")) {
                break;
            }
            g_assert_cmpuint(turn, <, XD_TURNS_MAX - 1);
        }
        g_assert_cmphex(xg_disk_grant_flags(&d, REF_PAGES), ==,
                        GTF_permit_access);
        xg_disk_put(&d, "state", "%d", XenbusStateClosed);
        xg_disk_wait(&d, XD_BACK "/state", "6");
        xg_disk_end(&d);
    }
}

/* Abuse */

static void reconnect(XgDisk *d)
{
    xg_disk_put(d, "state", "%d", XenbusStateClosed);
    xg_disk_wait(d, XD_BACK "/state", "6");
    xg_disk_put(d, "state", "%d", XenbusStateInitialising);
    xg_disk_wait(d, XD_BACK "/state", "2");
    xg_disk_close_port(d, d->port);
    xg_disk_connect(d);
    xg_disk_check_page_is_read(d);
}

static unsigned times_halted(XgDisk *d)
{
    g_autofree char *text = qtest_stderr(d->q);
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, "it is halted")); at++) {
        n++;
    }
    return n;
}

/* Each would keep a back end busy that believes it. */
static void impossible_claim_halts_the_ring(void)
{
    static const struct {
        uint32_t req_prod, rsp_prod;
    } rows[] = {
        {XD_RING_ENTRIES + 2, 1}, {0x10001, 1},
        {0x7fffffff, 1},          {0xffffffff, 1},
        {0x7fffffff, 0x7ffffff0}, {0, 1},
    };
    XgDisk d = xg_disk_start("", "");

    xg_disk_connect(&d);
    xg_disk_check_page_is_read(&d);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        qtest_memset(d.q, XD_ENTRY(0), 0xc8, XD_PAGE_SIZE - RING_HEAD);
        qtest_writel(d.q, XD_RING(rsp_prod), rows[i].rsp_prod);
        qtest_writel(d.q, XD_RING(req_prod), rows[i].req_prod);
        for (unsigned n = 0; n < 3; n++) {
            xg_disk_kick(&d);
        }
        for (unsigned turn = 0; times_halted(&d) != i + 1; turn++) {
            g_autofree char *state = xg_disk_get(&d, XD_BACK "/state");

            g_assert_cmpstr(state, ==, "4");
            g_assert_cmpuint(turn, <, XD_TURNS_MAX);
        }
        g_assert_cmphex(qtest_readl(d.q, XD_RING(rsp_prod)), ==,
                        rows[i].rsp_prod);
        reconnect(&d);
    }
    xg_disk_end(&d);
}

/* Every request of random bytes is answered. */
static void random_requests_are_answered(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(3);
    XgDisk d = xg_disk_start("", "");

    xg_disk_connect(&d);
    for (unsigned round = 0; round < 20; round++) {
        unsigned turns = 0;

        for (unsigned i = 0; i < XD_RING_ENTRIES; i++, d.prod++) {
            uint8_t req[sizeof(struct blkif_request)];

            for (size_t n = 0; n < sizeof(req); n++) {
                req[n] = g_rand_int(random);
            }
            req[0] = g_rand_int_range(random, 0, 8);
            req[1] = g_rand_int_range(random, 0, 14);
            qtest_memwrite(d.q, XD_ENTRY(d.prod), req, sizeof(req));
        }
        qtest_writel(d.q, XD_RING(req_prod), d.prod);
        xg_disk_kick(&d);
        while (qtest_readl(d.q, XD_RING(rsp_prod)) != d.prod) {
            g_assert_cmpuint(turns++, <, XD_TURNS_MAX);
        }
    }
    g_assert_cmphex(xg_disk_grant_flags(&d, XD_REF_DATA), ==,
                    GTF_permit_access);
    xg_disk_end(&d);
}

/* The guest ends its grants, and uses the page for something else. */
static void ring_is_revoked_while_in_use(void)
{
    XgDisk d = xg_disk_start("", "");

    xg_disk_connect(&d);
    xg_disk_check_page_is_read(&d);
    xg_disk_set_grant(&d, XD_REF_RING, GTF_invalid, 0, 0);
    qtest_memset(d.q, XD_RING_GPA, 0xff, XD_PAGE_SIZE);
    for (unsigned i = 0; i < 3; i++) {
        xg_disk_kick(&d);
    }
    for (unsigned turn = 0; times_halted(&d) != 1; turn++) {
        g_autofree char *state = xg_disk_get(&d, XD_BACK "/state");

        g_assert_cmpstr(state, ==, "4");
        g_assert_cmpuint(turn, <, XD_TURNS_MAX);
    }
    g_assert_cmphex(qtest_readl(d.q, XD_RING(rsp_prod)), ==, 0xffffffff);
    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    xg_disk_wait(&d, XD_BACK "/state", "6");
    xg_disk_set_grant(&d, XD_REF_RING, GTF_permit_access, 0, XD_RING_GPA);
    reconnect(&d);
    xg_disk_end(&d);
}

/* ... while requests are under way that are to be answered in it. */
static void data_is_revoked_while_in_use(void)
{
    XgDisk d = xg_disk_start(",throttling.iops-total=1", "");
    struct blkif_request req = {.operation = BLKIF_OP_READ,
                                .nr_segments = 1,
                                .seg = {{.gref = XD_REF_DATA, .last_sect = 7}}};
    struct blkif_response rsp;

    xg_disk_connect(&d);
    for (unsigned i = 0; i < 4; i++) {
        xg_disk_submit(&d, &req);
    }
    xg_disk_set_grant(&d, XD_REF_DATA, GTF_invalid, 0, 0);
    qtest_memset(d.q, XD_DATA_GPA, 0xee, XD_PAGE_SIZE);
    /* They are ended before it closes. */
    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    xg_disk_wait(&d, XD_BACK "/state", "6");
    g_assert_cmpuint(qtest_readl(d.q, XD_RING(rsp_prod)), ==, d.prod);
    qtest_memread(d.q, XD_ENTRY(3), &rsp, sizeof(rsp));
    g_assert_cmpint(rsp.status, ==, BLKIF_RSP_ERROR);
    g_assert_cmphex(qtest_readq(d.q, XD_DATA_GPA), ==, 0xeeeeeeeeeeeeeeee);
    xg_disk_end(&d);
}

/* The frame is taken from the guest; the back end's page stays. */
static void ring_is_ballooned_out_while_in_use(void)
{
    XgDisk d = xg_disk_start("", "");
    xen_pfn_t gfn = XD_RING_GPA / XD_PAGE_SIZE;
    struct xen_memory_reservation less = {.nr_extents = 1, .domid = DOMID_SELF};

    xg_disk_connect(&d);
    xg_disk_check_page_is_read(&d);
    qtest_memwrite(d.q, XG_FREE_GPA + 0x20000, &gfn, sizeof(gfn));
    set_xen_guest_handle(less.extent_start,
                         (xen_pfn_t *)(uintptr_t)(XG_FREE_GPA + 0x20000));
    g_assert_cmpint(xg_call(d.q, 0, __HYPERVISOR_memory_op,
                            XENMEM_decrease_reservation, &less, sizeof(less)),
                    ==, 1);
    g_assert_cmphex(qtest_readl(d.q, XD_RING(req_prod)), ==, 0xffffffff);
    xg_disk_kick(&d);
    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    xg_disk_wait(&d, XD_BACK "/state", "6");
    g_assert_cmphex(xg_disk_grant_flags(&d, XD_REF_RING), ==,
                    GTF_permit_access);
    xg_disk_end(&d);
}

/* A network card */

#define VIF_FRONT "/local/domain/7/device/vif/0"
#define VIF_BACK  "/local/domain/0/backend/qnic/7/0"
#define TX        ring_page(0)
#define RX        ring_page(1)

static void put_vif(XgDisk *d, const char *key, unsigned value)
{
    g_autofree char *path = g_strdup_printf(VIF_FRONT "/%s", key);
    g_autofree char *text = g_strdup_printf("%u", value);
    g_autoptr(GString) payload = g_string_new(path);
    g_autofree char *answer = NULL;

    g_string_append_len(payload, "", 1);
    g_string_append(payload, text);
    answer = xg_store_request(&d->store, XS_WRITE, payload->str, payload->len);
    g_assert_cmpstr(answer, ==, "OK");
}

static void connect_vif(XgDisk *d)
{
    qtest_memset(d->q, XD_RING_GPA, 0, N_PAGES * XD_PAGE_SIZE);
    for (unsigned i = 0; i < 2; i++) {
        qtest_writel(d->q, ring_page(i) + 4, 1);
        qtest_writel(d->q, ring_page(i) + 12, 1);
        xg_disk_set_grant(d, REF_PAGES + i, GTF_permit_access, 0, ring_page(i));
    }
    d->prod = 0;
    d->port = xg_disk_new_port(d);
    put_vif(d, "tx-ring-ref", REF_PAGES);
    put_vif(d, "rx-ring-ref", REF_PAGES + 1);
    put_vif(d, "request-rx-copy", 1);
    put_vif(d, "event-channel", d->port);
    put_vif(d, "state", XenbusStateConnected);
    xg_disk_wait(d, VIF_BACK "/state", "4");
}

/* @return: NETIF_RSP_* */
static int send_packet(XgDisk *d, uint32_t ref, uint16_t size)
{
    struct netif_tx_request req = {.gref = ref, .id = d->prod, .size = size};
    uint64_t at = TX + RING_HEAD + d->prod % 256 * sizeof(req);
    struct netif_tx_response rsp;
    unsigned turns = 0;

    qtest_memwrite(d->q, at, &req, sizeof(req));
    d->prod++;
    qtest_writel(d->q, TX, d->prod);
    xg_disk_kick(d);
    while (qtest_readl(d->q, TX + 8) != d->prod) {
        g_assert_cmpuint(turns++, <, XD_TURNS_MAX);
    }
    qtest_memread(d->q, at, &rsp, sizeof(rsp));
    g_assert_cmpuint(rsp.id, ==, req.id);
    return rsp.status;
}

/* Who has 10.0.2.2? QEMU's user network answers at once. */
static void ask_for_an_answer(XgDisk *d)
{
    static const uint8_t arp[] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34,
        0x56, 0x08, 0x06, 0,    1,    0x08, 0,    6,    4, 0,    1,
        0x52, 0x54, 0,    0x12, 0x34, 0x56, 10,   0,    2, 15,   0,
        0,    0,    0,    0,    0,    10,   0,    2,    2};

    qtest_memwrite(d->q, XD_DATA_GPA, arp, sizeof(arp));
    g_assert_cmpint(send_packet(d, XD_REF_DATA, sizeof(arp)), ==,
                    NETIF_RSP_OKAY);
}

static void wait_received(XgDisk *d, uint32_t n)
{
    for (unsigned turns = 0; qtest_readl(d->q, RX + 8) != n; turns++) {
        g_assert_cmpuint(turns, <, XD_TURNS_MAX);
    }
}

static void network_card_is_lied_to(void)
{
    XgDisk d =
        xg_disk_start("", "-netdev user,id=n -device xen-net-device,netdev=n,"
                          "mac=52:54:00:12:34:56");
    struct netif_rx_request room = {.gref = XD_REF_DATA};

    for (unsigned round = 0; round < 2; round++) {
        connect_vif(&d);
        qtest_memwrite(d.q, RX + RING_HEAD, &room, sizeof(room));
        qtest_writel(d.q, RX, 1);
        ask_for_an_answer(&d);
        wait_received(&d, 1);
        /* An ARP answer, two bytes into the page */
        g_assert_cmphex(qtest_readb(d.q, XD_DATA_GPA + 2 + 13), ==, 0x06);
        g_assert_cmphex(qtest_readb(d.q, XD_DATA_GPA + 2 + 21), ==, 2);
        g_assert_cmpint(send_packet(&d, XD_REF_DATA, 5), ==, NETIF_RSP_ERROR);
        g_assert_cmpint(send_packet(&d, XD_REF_UNUSED, 60), ==,
                        NETIF_RSP_ERROR);
        /* Nothing but bad references to receive by: one a packet. */
        qtest_memset(d.q, RX + RING_HEAD, 0xff, XD_PAGE_SIZE - RING_HEAD);
        qtest_writel(d.q, RX, 0x7fffffff);
        ask_for_an_answer(&d);
        wait_received(&d, 2);
        qtest_writel(d.q, TX, 0x7fffffff);
        xg_disk_kick(&d);
        for (unsigned turn = 0; times_halted(&d) != round + 1; turn++) {
            g_autofree char *state = xg_disk_get(&d, VIF_BACK "/state");

            g_assert_cmpstr(state, ==, "4");
            g_assert_cmpuint(turn, <, XD_TURNS_MAX);
        }
        g_assert_cmpuint(qtest_readl(d.q, TX + 8), ==, d.prod);
        put_vif(&d, "state", XenbusStateClosed);
        xg_disk_wait(&d, VIF_BACK "/state", "6");
        for (unsigned i = 0; i < 2; i++) {
            g_assert_cmphex(xg_disk_grant_flags(&d, REF_PAGES + i), ==,
                            GTF_permit_access);
        }
        put_vif(&d, "state", XenbusStateInitialising);
        xg_disk_wait(&d, VIF_BACK "/state", "2");
        xg_disk_close_port(&d, d.port);
    }
    xg_disk_end(&d);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } tests[] = {
#define TEST(fn) {"/backend-rings/" #fn, fn}
        TEST(front_end_of_32_bits),
        TEST(ring_of_several_pages),
        TEST(bad_ring_of_pages_is_not_connected),
        TEST(impossible_claim_halts_the_ring),
        TEST(random_requests_are_answered),
        TEST(ring_is_revoked_while_in_use),
        TEST(data_is_revoked_while_in_use),
        TEST(ring_is_ballooned_out_while_in_use),
        TEST(network_card_is_lied_to),
#undef TEST
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_test_add_func(tests[i].name, tests[i].fn);
    }
    return g_test_run();
}
