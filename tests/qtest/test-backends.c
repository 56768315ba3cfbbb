/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's block back end over our grants, event channels and xenstore, with a
 * front end that the test plays: what it may do right and wrong.
 */
#include "tests/qtest/xen-disk.h"

#include <string.h>

#define READ_PAGE                   \
    ((struct blkif_request){        \
        .operation = BLKIF_OP_READ, \
        .nr_segments = 1,           \
        .seg = {{.gref = XD_REF_DATA, .first_sect = 0, .last_sect = 7}}})

/*
 * A disk with requests under way: it does one a second of virtual time, which
 * stands.
 */
static XgDisk disk_start_busy(void)
{
    XgDisk d = xg_disk_start(",throttling.iops-total=1", "");

    xg_disk_connect(&d);
    for (unsigned i = 0; i < 4; i++) {
        xg_disk_submit(&d, &READ_PAGE);
    }
    return d;
}

/* Tests */

static void nodes_are_a_toolstacks(void)
{
    static const struct {
        const char *path, *value;
    } rows[] = {
        {XD_FRONT "/backend", XD_BACK},
        {XD_FRONT "/backend-id", "0"},
        {XD_FRONT "/state", "1"},
        {XD_FRONT "/virtual-device", "51712"},
        {XD_FRONT "/device-type", "disk"},
        {XD_BACK "/frontend", XD_FRONT},
        {XD_BACK "/frontend-id", "7"},
        {XD_BACK "/online", "1"},
        {XD_BACK "/sectors", "128"},
        {XD_BACK "/sector-size", "512"},
        {XD_BACK "/mode", "w"},
        {XD_BACK "/max-ring-page-order", "4"},
    };
    XgDisk d = xg_disk_start("", "");

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *value = xg_disk_get(&d, rows[i].path);

        g_assert_cmpstr(value, ==, rows[i].value);
    }
    xg_disk_end(&d);
}

/* The guest owns the front end's nodes, and may only read the back end's. */
static void nodes_belong_to_their_ends(void)
{
    XgDisk d = xg_disk_start("", "");
    g_autofree char *front = xg_store_request(&d.store, XS_GET_PERMS, XD_FRONT,
                                              strlen(XD_FRONT) + 1);
    g_autofree char *back =
        xg_store_request(&d.store, XS_GET_PERMS, XD_BACK, strlen(XD_BACK) + 1);
    g_autofree char *denied =
        xg_store_request(&d.store, XS_WRITE, XD_BACK "/state\0006",
                         strlen(XD_BACK "/state") + 2);

    g_assert_cmpstr(front, ==, "n7");
    g_assert_cmpstr(front + 3, ==, "b0");
    g_assert_cmpstr(back, ==, "n0");
    g_assert_cmpstr(back + 3, ==, "r7");
    g_assert_cmpstr(denied, ==, "EACCES");
    xg_disk_end(&d);
}

static void disk_reads_and_writes(void)
{
    XgDisk d = xg_disk_start("", "");
    g_autofree char *content = NULL;

    xg_disk_connect(&d);
    xg_disk_check_page_is_read(&d);
    /* One sector in the middle of the page */
    g_assert_cmpint(xg_disk_request(&d, BLKIF_OP_READ, 100, XD_REF_DATA, 3, 3),
                    ==, BLKIF_RSP_OKAY);
    xg_disk_check_bytes(&d, XD_DATA_GPA + 3 * XD_SECTOR, 1, 101);
    xg_disk_check_bytes(&d, XD_DATA_GPA, 3, 9);
    qtest_memset(d.q, XD_DATA_GPA, 0xa5, XD_PAGE_SIZE);
    /* Reading is enough for a write to the disk. */
    g_assert_cmpint(
        xg_disk_request(&d, BLKIF_OP_WRITE, 0, XD_REF_READONLY, 0, 7), ==,
        BLKIF_RSP_OKAY);
    g_assert_cmpint(xg_disk_request(&d, BLKIF_OP_READ, 7, XD_REF_DATA, 0, 1),
                    ==, BLKIF_RSP_OKAY);
    xg_disk_check_bytes(&d, XD_DATA_GPA, 1, 0xa5);
    xg_disk_check_bytes(&d, XD_DATA_GPA + XD_SECTOR, 1, 9);
    g_assert_cmpint(
        xg_disk_request_of(
            &d, &(struct blkif_request){.operation = BLKIF_OP_FLUSH_DISKCACHE,
                                        .id = 5}),
        ==, BLKIF_RSP_OKAY);
    g_assert_true(g_file_get_contents(d.path, &content, NULL, NULL));
    g_assert_cmphex((uint8_t)content[8 * XD_SECTOR - 1], ==, 0xa5);
    g_assert_cmphex((uint8_t)content[8 * XD_SECTOR], ==, 9);
    xg_disk_end(&d);
}

/* More requests than the ring has room for, one after the other. */
static void disk_ring_wraps(void)
{
    XgDisk d = xg_disk_start("", "");

    xg_disk_connect(&d);
    for (unsigned i = 0; i < 3 * XD_RING_ENTRIES + 1; i++) {
        uint64_t sector = i % (XD_DISK_PAGES * 8);

        g_assert_cmpint(
            xg_disk_request(&d, BLKIF_OP_READ, sector, XD_REF_DATA, 0, 0), ==,
            BLKIF_RSP_OKAY);
        xg_disk_check_bytes(&d, XD_DATA_GPA, 1, sector + 1);
    }
    xg_disk_end(&d);
}

static void disk_bad_requests_are_errors(void)
{
    static const struct {
        const char *what;
        uint8_t op;
        uint64_t sector;
        uint32_t ref;
        uint8_t first, last;
    } rows[] = {
        {"read to what is granted to be read", BLKIF_OP_READ, 0,
         XD_REF_READONLY, 0, 7},
        {"granted to another", BLKIF_OP_READ, 0, XD_REF_OTHER, 0, 7},
        {"no RAM", BLKIF_OP_READ, 0, XD_REF_NO_RAM, 0, 7},
        {"not granted", BLKIF_OP_READ, 0, XD_REF_UNUSED, 0, 7},
        {"beyond the table", BLKIF_OP_READ, 0, XD_REF_NO_TABLE, 0, 7},
        {"greatest reference", BLKIF_OP_READ, 0, UINT32_MAX, 0, 7},
        {"not granted, written", BLKIF_OP_WRITE, 0, XD_REF_UNUSED, 0, 7},
        {"backwards", BLKIF_OP_READ, 0, XD_REF_DATA, 7, 0},
        {"beyond the page", BLKIF_OP_READ, 0, XD_REF_DATA, 0, 8},
        {"beyond the disk", BLKIF_OP_READ, XD_DISK_PAGES * 8, XD_REF_DATA, 0,
         0},
        {"far beyond the disk", BLKIF_OP_READ, UINT64_MAX / XD_SECTOR,
         XD_REF_DATA, 0, 0},
        {"unknown operation", 200, 0, XD_REF_DATA, 0, 0},
    };
    XgDisk d = xg_disk_start("", "");

    xg_disk_connect(&d);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int status = xg_disk_request(&d, rows[i].op, rows[i].sector,
                                     rows[i].ref, rows[i].first, rows[i].last);

        if (status != BLKIF_RSP_ERROR) {
            g_test_message("%s: status %d", rows[i].what, status);
            g_test_fail();
        }
    }
    /* It goes on, and nothing is in use. */
    xg_disk_check_page_is_read(&d);
    for (uint32_t ref = XD_REF_DATA; ref <= XD_REF_UNUSED; ref++) {
        g_assert_cmphex(
            xg_disk_grant_flags(&d, ref) & (GTF_reading | GTF_writing), ==, 0);
    }
    xg_disk_end(&d);
}

static void ring_is_in_use_while_connected(void)
{
    XgDisk d = xg_disk_start("", "");

    xg_disk_connect(&d);
    g_assert_cmphex(xg_disk_grant_flags(&d, XD_REF_RING), ==,
                    GTF_permit_access | GTF_reading | GTF_writing);
    g_assert_cmpuint(xg_disk_port_status(&d), ==, EVTCHNSTAT_interdomain);
    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    xg_disk_wait(&d, XD_BACK "/state", "6");
    g_assert_cmphex(xg_disk_grant_flags(&d, XD_REF_RING), ==,
                    GTF_permit_access);
    g_assert_cmpuint(xg_disk_port_status(&d), ==, EVTCHNSTAT_unbound);
    /* And once more, as a kernel does that was started by another. */
    xg_disk_put(&d, "state", "%d", XenbusStateInitialising);
    xg_disk_wait(&d, XD_BACK "/state", "2");
    xg_disk_close_port(&d, d.port);
    xg_disk_connect(&d);
    xg_disk_check_page_is_read(&d);
    xg_disk_end(&d);
}

/* Until the back end has said @n times that it cannot connect. */
static void wait_for_complaints(XgDisk *d, unsigned n)
{
    for (unsigned i = 0; i < XD_TURNS_MAX; i++) {
        g_autofree char *state = xg_disk_get(d, XD_BACK "/state");
        g_autofree char *text = qtest_stderr(d->q);
        unsigned found = 0;

        g_assert_cmpstr(state, !=, "4");
        for (const char *at = text; (at = strstr(at, "change error")); at++) {
            found++;
        }
        if (found == n) {
            return;
        }
    }
    g_assert_not_reached();
}

static void bad_ring_is_not_connected(void)
{
    XgDisk d = xg_disk_start("", "");
    uint32_t mine = xg_bind_virq(d.q, 0, VIRQ_DEBUG);
    const struct {
        uint32_t ref, port;
    } rows[] = {{XD_REF_UNUSED, 0},    {XD_REF_READONLY, 0},
                {XD_REF_OTHER, 0},     {XD_REF_NO_TABLE, 0},
                {XD_REF_RING, mine},   {XD_REF_RING, 4000},
                {XD_REF_RING, 0xffff}, {XD_REF_RING, 9999999}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint32_t port = rows[i].port ? rows[i].port : xg_disk_new_port(&d);

        xg_disk_offer_ring(&d, rows[i].ref, port);
        wait_for_complaints(&d, i + 1);
        xg_disk_put(&d, "state", "%d", XenbusStateClosed);
        xg_disk_wait(&d, XD_BACK "/state", "6");
        g_assert_cmphex(xg_disk_grant_flags(&d, XD_REF_RING), ==,
                        GTF_permit_access);
        xg_disk_put(&d, "state", "%d", XenbusStateInitialising);
        xg_disk_wait(&d, XD_BACK "/state", "2");
        if (!rows[i].port) {
            xg_disk_close_port(&d, port);
        }
    }
    xg_disk_connect(&d);
    xg_disk_check_page_is_read(&d);
    xg_disk_end(&d);
}

/* What a back end has of a port ends with the port. */
static void port_closed_and_used_again_is_another(void)
{
    XgDisk d =
        xg_disk_start("", "-drive if=none,id=e,file.driver=null-co,format=raw "
                          "-device xen-disk,id=other,drive=e,vdev=xvdb");
    uint32_t port, again;

    xg_disk_connect(&d);
    port = d.port;
    xg_disk_close_port(&d, port);
    again = xg_disk_new_port(&d);
    g_assert_cmpuint(again, ==, port);
    /* The disk lets go of what it thinks it has ... */
    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    xg_disk_wait(&d, XD_BACK "/state", "6");
    g_assert_cmpuint(xg_disk_port_status(&d), ==, EVTCHNSTAT_unbound);
    /* ... and takes the new one when told. */
    xg_disk_put(&d, "state", "%d", XenbusStateInitialising);
    xg_disk_wait(&d, XD_BACK "/state", "2");
    xg_disk_offer_ring(&d, XD_REF_RING, again);
    xg_disk_wait(&d, XD_BACK "/state", "4");
    xg_disk_check_page_is_read(&d);
    xg_disk_end(&d);
}

static void reset_of_all_ports_is_survived(void)
{
    XgDisk d = xg_disk_start("", "");
    struct evtchn_reset reset = {.dom = DOMID_SELF};

    xg_disk_connect(&d);
    g_assert_cmpint(xg_evtchn(d.q, EVTCHNOP_reset, &reset, sizeof(reset)), ==,
                    0);
    /* Domain 0 is told nothing; the xenstore's port is gone as well. */
    qtest_memset(d.q, XD_DATA_GPA, 0, XD_PAGE_SIZE);
    json_node_unref(qtest_qmp(d.q, "system_reset", NULL));
    xg_disk_begin(&d);
    xg_disk_connect(&d);
    xg_disk_check_page_is_read(&d);
    xg_disk_end(&d);
}

/* A reset makes a new domain: as if the disk had just been plugged in. */
static void reset_connects_anew(void)
{
    XgDisk d = xg_disk_start("", "");

    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *gone = NULL;
        g_autofree char *state = NULL;

        xg_disk_connect(&d);
        xg_disk_check_page_is_read(&d);
        json_node_unref(qtest_qmp(d.q, "system_reset", NULL));
        d.store = xg_store_ring(d.q);
        gone = xg_disk_get(&d, XD_FRONT "/ring-ref");
        state = xg_disk_get(&d, XD_FRONT "/state");
        g_assert_cmpstr(gone, ==, "ENOENT");
        g_assert_cmpstr(state, ==, "1");
        xg_disk_begin(&d);
    }
    xg_disk_end(&d);
}

/* Nothing of the old domain's requests gets into the new one's memory. */
static void reset_ends_requests_under_way(void)
{
    XgDisk d = disk_start_busy();

    json_node_unref(qtest_qmp(d.q, "system_reset", NULL));
    xg_disk_begin(&d);
    qtest_memset(d.q, XD_DATA_GPA, 0xee, XD_PAGE_SIZE);
    qtest_memset(d.q, XD_RING_GPA, 0xee, XD_PAGE_SIZE);
    qtest_clock_step(d.q, 10000000000);
    xg_disk_wait(&d, XD_BACK "/state", "2");
    g_assert_cmphex(qtest_readq(d.q, XD_DATA_GPA), ==, 0xeeeeeeeeeeeeeeee);
    g_assert_cmphex(qtest_readq(d.q, XD_RING(rsp_prod)), ==,
                    0xeeeeeeeeeeeeeeee);
    xg_disk_end(&d);
}

/* The ring is given back when all is done, and not before. */
static void close_ends_requests_under_way(void)
{
    XgDisk d = disk_start_busy();
    g_autoptr(JsonNode) event = NULL;

    json_node_unref(qtest_qmp(d.q, "device_del", "{\"id\": \"disk\"}"));
    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    event = qtest_qmp_event(d.q, "DEVICE_DELETED");
    g_assert_cmpuint(qtest_readl(d.q, XD_RING(rsp_prod)), ==, 4);
    g_assert_cmphex(xg_disk_grant_flags(&d, XD_REF_RING), ==,
                    GTF_permit_access);
    xg_disk_check_bytes(&d, XD_DATA_GPA, 8, 1);
    qtest_memset(d.q, XD_DATA_GPA, 0xee, XD_PAGE_SIZE);
    qtest_clock_step(d.q, 10000000000);
    g_assert_cmphex(qtest_readq(d.q, XD_DATA_GPA), ==, 0xeeeeeeeeeeeeeeee);
    xg_disk_end(&d);
}

/* It connects again while requests of before are under way. */
static void reconnect_ends_requests_under_way(void)
{
    XgDisk d = disk_start_busy();

    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    xg_disk_wait(&d, XD_BACK "/state", "6");
    g_assert_cmpuint(qtest_readl(d.q, XD_RING(rsp_prod)), ==, 4);
    xg_disk_put(&d, "state", "%d", XenbusStateInitialising);
    xg_disk_wait(&d, XD_BACK "/state", "2");
    xg_disk_close_port(&d, d.port);
    xg_disk_connect(&d);
    qtest_clock_step(d.q, 10000000000);
    g_assert_cmpuint(qtest_readl(d.q, XD_RING(rsp_prod)), ==, 0);
    xg_disk_end(&d);
}

static void disk_is_unplugged_when_the_guest_lets_go(void)
{
    XgDisk d = xg_disk_start("", "");
    g_autoptr(JsonNode) event = NULL;
    g_autofree char *gone = NULL;

    xg_disk_connect(&d);
    json_node_unref(qtest_qmp(d.q, "device_del", "{\"id\": \"disk\"}"));
    xg_disk_wait(&d, XD_BACK "/state", "5");
    xg_disk_wait(&d, XD_BACK "/online", "0");
    xg_disk_check_page_is_read(&d);
    xg_disk_put(&d, "state", "%d", XenbusStateClosed);
    event = qtest_qmp_event(d.q, "DEVICE_DELETED");
    gone = xg_disk_get(&d, XD_FRONT "/state");
    g_assert_cmpstr(gone, ==, "ENOENT");
    g_assert_cmphex(xg_disk_grant_flags(&d, XD_REF_RING), ==,
                    GTF_permit_access);
    /* A reset does not bring it back. */
    json_node_unref(qtest_qmp(d.q, "system_reset", NULL));
    d.store = xg_store_ring(d.q);
    g_free(gone);
    gone = xg_disk_get(&d, XD_FRONT "/state");
    g_assert_cmpstr(gone, ==, "ENOENT");
    xg_disk_end(&d);
}

static void disk_hinders_migration_while_plugged(void)
{
    XgDisk d = xg_disk_start("", "");
    g_autofree char *text =
        qtest_qmp_fails(d.q, "migrate", "{\"uri\": \"exec:cat >/dev/null\"}");

    g_assert_nonnull(strstr(text, "a Xen back end cannot be migrated"));
    xg_disk_end(&d);
}

static void bad_device_is_refused_by_name(void)
{
    static const struct {
        const char *args, *options, *names[3];
    } rows[] = {
        {"-device xen-disk,drive=d,vdev=xvda",
         ",digest=1s",
         {"xen-disk", "digest=", "initrd"}},
        {"-netdev user,id=n -device xen-net-device,netdev=n",
         ",digest=1s",
         {"xen-net-device", "digest="}},
        {"-object iothread,id=t -device xen-disk,drive=d,vdev=xvda,iothread=t",
         "",
         {"xen-disk", "iothread", "main loop"}},
        {"-chardev null,id=c -device xen-console,chardev=c,idx=0",
         "",
         {"xen-console", "idx 0", "console="}},
        {"-device xen-disk,drive=d,vdev=xvda,frontend-id=3",
         "",
         {"frontend-id 3", "7"}},
        {"-drive if=none,id=e,file.driver=null-co,format=raw "
         "-device xen-disk,drive=d,vdev=xvda "
         "-device xen-disk,drive=e,vdev=d0",
         "",
         {"xen-disk", "vbd/51712"}},
        {"-chardev null,id=c -device xen-console,chardev=c "
         "-chardev null,id=e -device xen-console,chardev=e,idx=1",
         "",
         {"xen-console", "console/1"}},
        {"-incoming defer -device xen-disk,drive=d,vdev=xvda",
         "",
         {"xen-disk", "migrated"}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *args =
            g_strdup_printf("-drive if=none,id=d,file.driver=null-co,"
                            "format=raw %s",
                            rows[i].args);
        g_autofree char *options = g_strconcat(XD_XEN, rows[i].options, NULL);
        g_autofree char *text = qtest_start_refused(args, options);

        for (size_t n = 0; n < 3 && rows[i].names[n]; n++) {
            if (!strstr(text, rows[i].names[n])) {
                g_test_message("%s: wanted \"%s\" in: %s", rows[i].args,
                               rows[i].names[n], text);
                g_test_fail();
            }
        }
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } tests[] = {
#define TEST(fn) {"/backends/" #fn, fn}
        TEST(nodes_are_a_toolstacks),
        TEST(nodes_belong_to_their_ends),
        TEST(disk_reads_and_writes),
        TEST(disk_ring_wraps),
        TEST(disk_bad_requests_are_errors),
        TEST(ring_is_in_use_while_connected),
        TEST(bad_ring_is_not_connected),
        TEST(port_closed_and_used_again_is_another),
        TEST(reset_of_all_ports_is_survived),
        TEST(reset_connects_anew),
        TEST(reset_ends_requests_under_way),
        TEST(close_ends_requests_under_way),
        TEST(reconnect_ends_requests_under_way),
        TEST(disk_is_unplugged_when_the_guest_lets_go),
        TEST(disk_hinders_migration_while_plugged),
        TEST(bad_device_is_refused_by_name),
#undef TEST
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_test_add_func(tests[i].name, tests[i].fn);
    }
    return g_test_run();
}
