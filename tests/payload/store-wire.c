/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore wire protocol, from inside a guest.
 *
 * Behaviour: each request answers once, with its own type and number or with
 * XS_ERROR and an error's name; a watch fires when it is set and at each
 * change below it; transactions are seen by nobody before they end.  A guest
 * that damages the ring is ignored from then on.
 * Check: every request with its success and its errors, oversized values,
 * directories and packets, malformed payloads, one of three abuses a run
 * ("abuse=" on the command line), which must leave the guest running.
 * Cannot tell apart: a store that answers at once from one that takes time.
 * Real Xen: the same (xen: docs/misc/xenstore.txt; tools/xenstored/core.c,
 * watch.c, transaction.c, domain.c), where no mark says otherwise.  It offers
 * no reconnection: server_features is 0, and nobody looks at "connection".
 *
 * RUN: default append=abuse=1
 * RUN: smp4 smp=4 accel=mttcg append=abuse=2
 * RUN: pvh guest=pvh append=abuse=3
 * RUN: pvh-smp4 guest=pvh smp=4 append=abuse=1
 */
#include "tests/conformance.h"
#include "tests/payload/lib/store.h"

/* Of a string with NULs in it, with and without the last. */
#define STR(s)  s, sizeof(s) - 1
#define ZSTR(s) s, sizeof(s)

typedef struct Case {
    uint32_t type, tx;
    const char *payload;
    size_t len;
    const char *want; /* error's name, or the reply */
    size_t want_len;  /* 0 for an error */
} Case;

#define OK       ZSTR("OK")
#define FAILS(e) #e, 0

static char home[32];
static char big[XENSTORE_PAYLOAD_MAX + 1];

static bool equal(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && !memcmp(a, b, strlen(a));
}

/* Replies with other bytes than @want; NULL: any bytes will do. */
static void expect(uint32_t type, uint32_t tx, const char *payload, size_t len,
                   const char *want, size_t want_len)
{
    const StoreMsg *got = store_call(type, tx, payload, len);

    if (!CHECK(got != NULL)) {
        return;
    }
    if (!CHECK_EQ(type, got->hdr.type)) {
        pr("# it says %s\n", got->data);
    } else if (want) {
        CHECK_EQ(want_len, got->hdr.len);
        CHECK_RC(0, memcmp(got->data, want, want_len));
    }
}

static void expect_error(uint32_t type, uint32_t tx, const char *payload,
                         size_t len, const char *error)
{
    const StoreMsg *got = store_call(type, tx, payload, len);

    if (CHECK(got != NULL) && CHECK_EQ(XS_ERROR, got->hdr.type)) {
        if (!CHECK(equal(error, got->data))) {
            pr("# want %s, got %s\n", error, got->data);
        }
        CHECK_EQ(strlen(error) + 1, got->hdr.len);
    }
}

static void run_cases(const Case *cases, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        const Case *c = &cases[i];

        input("case %u, type %u, %s", i, c->type, c->payload);
        if (c->want_len) {
            expect(c->type, c->tx, c->payload, c->len, c->want, c->want_len);
        } else {
            expect_error(c->type, c->tx, c->payload, c->len, c->want);
        }
    }
}

#define RUN_CASES(cases) run_cases(cases, ARRAY_SIZE(cases))

/* "/local/domain/N", which the other tests go by */
static void find_home(void)
{
    const StoreMsg *got;
    char id[8];
    size_t len;

    store_init();
    got = store_call(XS_READ, 0, ZSTR("domid"));
    if (!CHECK(got != NULL) || !CHECK_EQ(XS_READ, got->hdr.type)) {
        return;
    }
    len = got->hdr.len;
    CHECK_RANGE(1, 5, len);
    memcpy(id, got->data, len + 1);
    got = store_call(XS_GET_DOMAIN_PATH, 0, id, len + 1);
    if (CHECK(got != NULL) && CHECK_RANGE(16, 20, got->hdr.len)) {
        memcpy(home, got->data, got->hdr.len);
    }
}

CONFORMS(XS_GET_DOMAIN_PATH)
static void get_domain_path_makes_a_path_of_a_number(void)
{
    static const Case cases[] = {
        {XS_GET_DOMAIN_PATH, 0, ZSTR("0"), ZSTR("/local/domain/0")},
        {XS_GET_DOMAIN_PATH, 0, ZSTR("4711"), ZSTR("/local/domain/4711")},
        {XS_GET_DOMAIN_PATH, 0, ZSTR("junk"), ZSTR("/local/domain/0")},
        {XS_GET_DOMAIN_PATH, 0, STR("1"), FAILS(EINVAL)},
        {XS_GET_DOMAIN_PATH, 0, "", 0, FAILS(EINVAL)},
    };

    RUN_CASES(cases);
}

CONFORMS(XS_READ)
CONFORMS(XS_WRITE)
static void write_and_read_check_path_and_rights(void)
{
    static const Case cases[] = {
        {XS_WRITE, 0, STR("data/a\0value"), OK},
        {XS_READ, 0, ZSTR("data/a"), STR("value")},
        {XS_WRITE, 0, STR("data/a\0v\0w\0"), OK},
        {XS_READ, 0, ZSTR("data/a"), STR("v\0w\0")},
        {XS_WRITE, 0, STR("data/x/y/z\0deep"), OK},
        {XS_READ, 0, ZSTR("data/x/y/z"), STR("deep")},
        {XS_READ, 0, ZSTR("data/none"), FAILS(ENOENT)},
        {XS_READ, 9, ZSTR("data/a"), FAILS(ENOENT)},
        {XS_READ, 0, "", 0, FAILS(EINVAL)},
        {XS_READ, 0, ZSTR(""), FAILS(EINVAL)},
        {XS_READ, 0, STR("data/a"), FAILS(EINVAL)},
        {XS_READ, 0, ZSTR("data/a\0x"), FAILS(EINVAL)},
        {XS_READ, 0, ZSTR("data/a/"), FAILS(EINVAL)},
        {XS_READ, 0, ZSTR("data//a"), FAILS(EINVAL)},
        {XS_READ, 0, ZSTR("data/a b"), FAILS(EINVAL)},
        {XS_READ, 0, ZSTR("../0/name"), FAILS(EINVAL)},
        {XS_READ, 0, ZSTR("@releaseDomain"), FAILS(EINVAL)},
        {XS_READ, 0, ZSTR("/local/domain/0/name"), FAILS(EACCES)},
        {XS_READ, 0, ZSTR("/local/domain/0/none/x"), FAILS(EACCES)},
        {XS_WRITE, 0, STR("data/a"), FAILS(EINVAL)},
        {XS_WRITE, 0, "", 0, FAILS(EINVAL)},
        {XS_WRITE, 0, STR("data/a/\0x"), FAILS(EINVAL)},
        {XS_WRITE, 0, STR("@new\0x"), FAILS(EINVAL)},
        {XS_WRITE, 3, STR("data/a\0x"), FAILS(ENOENT)},
        {XS_WRITE, 0, STR("name\0x"), FAILS(EACCES)},
        {XS_WRITE, 0, STR("new\0x"), FAILS(EACCES)},
        {XS_WRITE, 0, STR("/local/domain/0/new\0x"), FAILS(EACCES)},
    };

    RUN_CASES(cases);
}

/* The longest value and path, and one byte more. */
static void sizes_have_limits(void)
{
    memset(big, 'v', sizeof(big));
    memcpy(big, "data/b", 7);
    input("a value of %u", 2048);
    expect(XS_WRITE, 0, big, 7 + 2048, OK);
    expect(XS_READ, 0, ZSTR("data/b"), big + 7, 2048);
    input("a value of %u", XENSTORE_PAYLOAD_MAX - 7);
    expect_error(XS_WRITE, 0, big, XENSTORE_PAYLOAD_MAX, "ENOSPC");
    expect(XS_RM, 0, ZSTR("data/b"), OK);
    big[4] = '/';
    big[6] = 'v';
    big[XENSTORE_REL_PATH_MAX] = '\0';
    input("a path of %u", XENSTORE_REL_PATH_MAX);
    expect_error(XS_READ, 0, big, XENSTORE_REL_PATH_MAX + 1, "ENOENT");
    big[XENSTORE_REL_PATH_MAX] = 'v';
    big[XENSTORE_REL_PATH_MAX + 1] = '\0';
    input("a path of %u", XENSTORE_REL_PATH_MAX + 1);
    expect_error(XS_READ, 0, big, XENSTORE_REL_PATH_MAX + 2, "EINVAL");
}

CONFORMS(XS_MKDIR)
CONFORMS(XS_RM)
static void mkdir_and_rm_make_and_remove(void)
{
    static const Case cases[] = {
        {XS_MKDIR, 0, ZSTR("data/dir"), OK},
        {XS_READ, 0, ZSTR("data/dir"), FAILS(ENOENT)},
        {XS_MKDIR, 0, ZSTR("data/dir"), OK},
        {XS_WRITE, 0, STR("data/dir/a\0x"), OK},
        {XS_MKDIR, 0, STR("data/dir"), FAILS(EINVAL)},
        {XS_MKDIR, 0, ZSTR("new"), FAILS(EACCES)},
        {XS_MKDIR, 5, ZSTR("data/dir"), FAILS(ENOENT)},
        {XS_RM, 0, STR("data/dir"), FAILS(EINVAL)},
        {XS_RM, 0, ZSTR("/"), FAILS(EACCES)},
        {XS_RM, 0, ZSTR("name"), FAILS(EACCES)},
        {XS_RM, 5, ZSTR("data/dir"), FAILS(ENOENT)},
        {XS_RM, 0, ZSTR("data/dir"), OK},
        {XS_READ, 0, ZSTR("data/dir/a"), FAILS(ENOENT)},
        {XS_RM, 0, ZSTR("data/dir"), OK},
        {XS_RM, 0, ZSTR("data/dir/a"), FAILS(ENOENT)},
    };

    /* What is there but empty reads as nothing, which Case cannot say. */
    run_cases(cases, 1);
    expect(XS_READ, 0, ZSTR("data/dir"), "", 0);
    run_cases(cases + 2, ARRAY_SIZE(cases) - 2);
}

DEVIATES(XS_DIRECTORY, "names come sorted, not as they were made")
static void directory_lists_names(void)
{
    static const Case cases[] = {
        {XS_MKDIR, 0, ZSTR("data/list/a"), OK},
        {XS_MKDIR, 0, ZSTR("data/list/b"), OK},
        {XS_DIRECTORY, 0, ZSTR("data/list"), ZSTR("a\0b")},
        {XS_DIRECTORY, 0, STR("data/list"), FAILS(EINVAL)},
        {XS_DIRECTORY, 0, ZSTR("data/none"), FAILS(ENOENT)},
        {XS_DIRECTORY, 2, ZSTR("data/list"), FAILS(ENOENT)},
        {XS_DIRECTORY, 0, ZSTR("/"), FAILS(EACCES)},
    };

    RUN_CASES(cases);
    expect(XS_DIRECTORY, 0, ZSTR("data/list/a"), "", 0);
}

/* Names of 200 bytes in data/long, more than one reply can hold. */
static void fill_long(unsigned nr)
{
    static char path[10 + 200 + 1];

    memset(path, 'n', sizeof(path) - 1);
    memcpy(path, "data/long/", 10);
    for (unsigned i = 0; i < nr; i++) {
        path[10] = (char)('a' + i);
        expect(XS_MKDIR, 0, path, sizeof(path), OK);
    }
}

DEVIATES(XS_DIRECTORY_PART, "the generation is a hash of the names")
static void directory_part_pages_through_what_is_too_long(void)
{
    static const Case cases[] = {
        {XS_DIRECTORY_PART, 0, ZSTR("data/long"), FAILS(EINVAL)},
        {XS_DIRECTORY_PART, 0, ZSTR("data//\0000"), FAILS(EINVAL)},
        {XS_DIRECTORY_PART, 0, ZSTR("data/none\0000"), FAILS(ENOENT)},
        {XS_DIRECTORY_PART, 0, ZSTR("data/long\0000\0"), FAILS(EINVAL)},
        {XS_DIRECTORY, 0, ZSTR("data/long"), FAILS(E2BIG)},
    };
    const StoreMsg *got;
    size_t skip;

    fill_long(21);
    RUN_CASES(cases);
    got = store_call(XS_DIRECTORY_PART, 0, ZSTR("data/long\0000"));
    if (!CHECK(got != NULL) || !CHECK_EQ(XS_DIRECTORY_PART, got->hdr.type)) {
        return;
    }
    skip = strlen(got->data) + 1;
    /* The generation's digits, then 20 names of 201 bytes and their NULs. */
    CHECK_RANGE(2, 21, skip);
    CHECK(got->hdr.len > XENSTORE_PAYLOAD_MAX - 202);
    CHECK_EQ(0, (got->hdr.len - skip) % 201);
    got = store_call(XS_DIRECTORY_PART, 0, ZSTR("data/long\0004020"));
    if (CHECK(got != NULL) && CHECK_EQ(XS_DIRECTORY_PART, got->hdr.type)) {
        /* The last name, and the empty one that ends the list. */
        CHECK_EQ(skip + 201 + 1, got->hdr.len);
        CHECK_EQ('u', got->data[skip]);
    }
    expect(XS_RM, 0, ZSTR("data/long"), OK);
}

/* "nN" of this guest. */
static const char *own_perm(char letter)
{
    static char perm[8];

    perm[0] = letter;
    memcpy(perm + 1, home + 14, strlen(home + 14) + 1);
    return perm;
}

CONFORMS(XS_GET_PERMS)
CONFORMS(XS_SET_PERMS)
static void permissions_are_the_owners(void)
{
    static const Case cases[] = {
        {XS_GET_PERMS, 0, STR("data/p"), FAILS(EINVAL)},
        {XS_GET_PERMS, 0, ZSTR("data/none"), FAILS(ENOENT)},
        {XS_GET_PERMS, 0, ZSTR("/local/domain/0/name"), FAILS(EACCES)},
        {XS_GET_PERMS, 0, ZSTR("@releaseDomain"), FAILS(EACCES)},
        {XS_SET_PERMS, 0, ZSTR("data/p"), FAILS(EINVAL)},
        {XS_SET_PERMS, 0, ZSTR("data/p\0x1"), FAILS(EINVAL)},
        {XS_SET_PERMS, 0, ZSTR("data/p\0n"), FAILS(EINVAL)},
        {XS_SET_PERMS, 0, ZSTR("data/p\0n123456"), FAILS(EINVAL)},
        {XS_SET_PERMS, 0, ZSTR("data/p\0n0"), FAILS(EPERM)},
        {XS_SET_PERMS, 0, ZSTR("name\0n0"), FAILS(EACCES)},
        {XS_SET_PERMS, 0, ZSTR("data/p\0n1\0n2\0n3\0n4\0n5\0n6"),
         FAILS(ENOSPC)},
    };
    char payload[32] = "data/p";
    size_t len;

    expect(XS_MKDIR, 0, ZSTR("data/p"), OK);
    expect(XS_GET_PERMS, 0, ZSTR("data/p"), own_perm('n'),
           strlen(own_perm('n')) + 1);
    RUN_CASES(cases);
    len = 7;
    memcpy(payload + len, own_perm('r'), strlen(own_perm('r')) + 1);
    len += strlen(own_perm('r')) + 1;
    memcpy(payload + len, "w0", 3);
    len += 3;
    expect(XS_SET_PERMS, 0, payload, len, OK);
    expect(XS_GET_PERMS, 0, ZSTR("data/p"), payload + 7, len - 7);
}

static void expect_event(const char *want, size_t len)
{
    const StoreMsg *got = store_event();

    if (CHECK(got != NULL) && CHECK_EQ(XS_WATCH_EVENT, got->hdr.type)) {
        CHECK_EQ(0, got->hdr.req_id);
        CHECK_EQ(0, got->hdr.tx_id);
        if (!CHECK_EQ(len, got->hdr.len) || memcmp(want, got->data, len)) {
            CHECK(equal(want, got->data));
            pr("# want %s, got %s\n", want, got->data);
        }
    }
}

CONFORMS(XS_WATCH)
CONFORMS(XS_UNWATCH)
CONFORMS(XS_RESET_WATCHES)
static void watches_fire_until_they_end(void)
{
    static const Case errors[] = {
        {XS_WATCH, 0, ZSTR("data/w"), FAILS(EINVAL)},
        {XS_WATCH, 0, ZSTR("data/w\0a\0b"), FAILS(EINVAL)},
        {XS_WATCH, 0, ZSTR("da ta\0t"), FAILS(EINVAL)},
        {XS_WATCH, 0, ZSTR("data/w\0t"), FAILS(EEXIST)},
        {XS_UNWATCH, 0, ZSTR("data/w"), FAILS(EINVAL)},
        {XS_UNWATCH, 0, ZSTR("data/w\0other"), FAILS(ENOENT)},
        {XS_UNWATCH, 0, ZSTR("data/w/\0t"), FAILS(EINVAL)},
    };

    expect(XS_WATCH, 0, ZSTR("data/w\0t"), OK);
    expect_event(ZSTR("data/w\0t"));
    RUN_CASES(errors);
    expect(XS_WRITE, 0, STR("data/w/x\0v"), OK);
    expect_event(ZSTR("data/w/x\0t"));
    expect(XS_RM, 0, ZSTR("data/w"), OK);
    expect_event(ZSTR("data/w\0t"));
    CHECK(!store_has_event());
    expect(XS_UNWATCH, 0, ZSTR("data/w\0t"), OK);
    expect(XS_MKDIR, 0, ZSTR("data/w"), OK);
    CHECK(!store_has_event());
    expect(XS_WATCH, 0, ZSTR("@releaseDomain\0s"), OK);
    expect_event(ZSTR("@releaseDomain\0s"));
    expect(XS_RESET_WATCHES, 0, ZSTR(""), OK);
    expect_error(XS_UNWATCH, 0, ZSTR("@releaseDomain\0s"), "ENOENT");
}

/* Number of a transaction just begun, 0 after an error. */
static uint32_t start(void)
{
    const StoreMsg *got = store_call(XS_TRANSACTION_START, 0, ZSTR(""));
    uint32_t id = 0;

    if (CHECK(got != NULL) && CHECK_EQ(XS_TRANSACTION_START, got->hdr.type)) {
        for (const char *c = got->data; *c >= '0' && *c <= '9'; c++) {
            id = id * 10 + (uint32_t)(*c - '0');
        }
    }
    return id;
}

CONFORMS(XS_TRANSACTION_START)
static void transaction_is_seen_when_it_ends(void)
{
    uint32_t id = start();

    CHECK(id != 0);
    expect(XS_WRITE, id, STR("data/t\0new"), OK);
    expect(XS_READ, id, ZSTR("data/t"), STR("new"));
    expect_error(XS_READ, 0, ZSTR("data/t"), "ENOENT");
    expect_error(XS_TRANSACTION_START, id, ZSTR(""), "EBUSY");
    expect_error(XS_TRANSACTION_START, id + 1, ZSTR(""), "ENOENT");
    expect(XS_TRANSACTION_END, id, ZSTR("T"), OK);
    expect(XS_READ, 0, ZSTR("data/t"), STR("new"));
    id = start();
    expect(XS_RM, id, ZSTR("data/t"), OK);
    expect_error(XS_READ, id, ZSTR("data/t"), "ENOENT");
    expect(XS_TRANSACTION_END, id, ZSTR("F"), OK);
    expect(XS_READ, 0, ZSTR("data/t"), STR("new"));
}

DEVIATES(XS_TRANSACTION_END,
         "any change of the tree since the start is a conflict, not only one "
         "of the nodes used")
static void transaction_that_conflicts_is_eagain(void)
{
    static const Case errors[] = {
        {XS_TRANSACTION_END, 0, ZSTR("T"), FAILS(ENOENT)},
        {XS_TRANSACTION_END, 77, ZSTR("T"), FAILS(ENOENT)},
        {XS_TRANSACTION_END, 0, ZSTR("X"), FAILS(EINVAL)},
        {XS_TRANSACTION_END, 0, ZSTR(""), FAILS(EINVAL)},
        {XS_TRANSACTION_END, 0, STR("T"), FAILS(EINVAL)},
        {XS_TRANSACTION_END, 0, ZSTR("TT"), FAILS(EINVAL)},
    };
    uint32_t id = start();

    RUN_CASES(errors);
    input("conflict");
    expect(XS_WRITE, id, STR("data/c\0inside"), OK);
    expect(XS_WRITE, 0, STR("data/c\0outside"), OK);
    expect_error(XS_TRANSACTION_END, id, ZSTR("T"), "EAGAIN");
    expect(XS_READ, 0, ZSTR("data/c"), STR("outside"));
    expect_error(XS_READ, id, ZSTR("data/c"), "ENOENT");
}

/* Ten of them, xenstored's default quota; XS_RESET_WATCHES ends them all. */
static void transactions_have_a_quota(void)
{
    unsigned nr = 0;

    for (;; nr++) {
        const StoreMsg *got = store_call(XS_TRANSACTION_START, 0, ZSTR(""));

        if (!CHECK(got != NULL) || nr > 20) {
            return;
        }
        if (got->hdr.type == XS_ERROR) {
            CHECK(equal("ENOSPC", got->data));
            break;
        }
    }
    /* The quota counts those there are before the new one. */
    CHECK_RANGE(10, 11, nr);
    expect(XS_RESET_WATCHES, 0, "", 0, OK);
    CHECK(start() != 0);
    expect(XS_RESET_WATCHES, 0, "", 0, OK);
}

NOT_OFFERED(XS_CONTROL, -XEN_EACCES)
NOT_OFFERED(XS_INTRODUCE, -XEN_EACCES)
NOT_OFFERED(XS_RELEASE, -XEN_EACCES)
NOT_OFFERED(XS_IS_DOMAIN_INTRODUCED, -XEN_EACCES)
NOT_OFFERED(XS_RESUME, -XEN_EACCES)
NOT_OFFERED(XS_SET_TARGET, -XEN_EACCES)
NOT_OFFERED(XS_WATCH_EVENT, -XEN_ENOSYS)
NOT_OFFERED(XS_ERROR, -XEN_ENOSYS)
static void requests_of_others_are_refused(void)
{
    static const Case cases[] = {
        {XS_CONTROL, 0, ZSTR("help"), FAILS(EACCES)},
        {XS_INTRODUCE, 0, ZSTR("1\0002\0003"), FAILS(EACCES)},
        {XS_RELEASE, 0, ZSTR("1"), FAILS(EACCES)},
        {XS_IS_DOMAIN_INTRODUCED, 0, ZSTR("0"), FAILS(EACCES)},
        {XS_RESUME, 0, ZSTR("1"), FAILS(EACCES)},
        {XS_SET_TARGET, 0, ZSTR("1\0002"), FAILS(EACCES)},
        {XS_WATCH_EVENT, 0, ZSTR("data\0t"), FAILS(ENOSYS)},
        {XS_ERROR, 0, ZSTR("EIO"), FAILS(ENOSYS)},
        {XS_SET_TARGET + 1, 0, ZSTR("1"), FAILS(ENOSYS)},
        {XS_TYPE_COUNT, 0, ZSTR("1"), FAILS(ENOSYS)},
        {XS_INVALID, 0, ZSTR("1"), FAILS(ENOSYS)},
        {0xffffffff, 0, "", 0, FAILS(ENOSYS)},
    };

    RUN_CASES(cases);
}

static void call_as_other(void *arg)
{
    const char *path = arg;

    expect(XS_READ, 0, path, strlen(path) + 1, STR("v"));
}

/* The ring is the domain's, not a processor's. */
static void any_processor_may_ask(void)
{
    static char path[] = "data/cpu";

    expect(XS_WRITE, 0, STR("data/cpu\0v"), OK);
    call_as_other(path);
    for (unsigned i = 1; i < cpu_count(); i++) {
        input("CPU %u", i);
        CHECK(cpu_start_other(i, call_as_other, path));
        for (unsigned n = 0; !cpu_other_done(i) && n < 100000000; n++) {
            cpu_relax();
        }
        CHECK(cpu_other_done(i));
    }
}

/* Nobody offers it, so nobody does it: the ring goes on as it is. */
static void reconnection_is_not_offered(void)
{
    struct xenstore_domain_interface *page = store_page();

    CHECK_EQ(0, page->server_features);
    CHECK_EQ(XENSTORE_CONNECTED, page->connection);
    CHECK_EQ(XENSTORE_ERROR_NONE, page->error);
    page->connection = XENSTORE_RECONNECT;
    expect(XS_READ, 0, ZSTR("data/cpu"), STR("v"));
    CHECK_EQ(XENSTORE_RECONNECT, page->connection);
    page->connection = XENSTORE_CONNECTED;
}

/* A packet longer than may be; the bytes of its payload do not matter. */
static void announce_too_much(void)
{
    struct xsd_sockmsg hdr = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1};

    store_put(&hdr, sizeof(hdr));
}

/* Once ignored a guest stays so: no request is taken, no watch fires. */
static void ring_abuse_is_ignored_from_then_on(void)
{
    struct xenstore_domain_interface *page = store_page();
    uint64_t abuse = cmdline_number("abuse", 0);
    uint32_t cons;

    expect(XS_WATCH, 0, ZSTR("data\0w"), OK);
    expect_event(ZSTR("data\0w"));
    switch (abuse) {
    case 1:
        announce_too_much();
        break;
    case 2:
        page->req_prod = page->req_cons + XENSTORE_RING_SIZE + 1;
        store_kick();
        break;
    case 3: /* found when there is a reply to put there */
        page->rsp_cons = page->rsp_prod + 1;
        store_send(XS_READ, 0, ZSTR("domid"));
        break;
    default:
        error("abuse=%u on the command line", (unsigned)abuse);
        return;
    }
    for (unsigned n = 0; n < 100000000 && !*(volatile uint32_t *)&page->error;
         n++) {
        cpu_relax();
    }
    CHECK_EQ(abuse == 1 ? XENSTORE_ERROR_PROTO : XENSTORE_ERROR_RINGIDX,
             page->error);
    page->req_prod = page->req_cons;
    page->rsp_cons = page->rsp_prod;
    page->error = XENSTORE_ERROR_NONE;
    cons = page->req_cons;
    CHECK(store_send(XS_READ, 0, ZSTR("domid")));
    CHECK_EQ(cons, page->req_cons);
    CHECK_EQ(page->rsp_cons, page->rsp_prod);
    CHECK_EQ(xen_version(), xen_version_op(XENVER_version, NULL));
}

PAYLOAD(NEEDS_XEN, TEST(find_home),
        TEST(get_domain_path_makes_a_path_of_a_number),
        TEST(write_and_read_check_path_and_rights), TEST(sizes_have_limits),
        TEST(mkdir_and_rm_make_and_remove), TEST(directory_lists_names),
        TEST(directory_part_pages_through_what_is_too_long),
        TEST(permissions_are_the_owners), TEST(watches_fire_until_they_end),
        TEST(transaction_is_seen_when_it_ends),
        TEST(transaction_that_conflicts_is_eagain),
        TEST(transactions_have_a_quota), TEST(requests_of_others_are_refused),
        TEST(any_processor_may_ask), TEST(reconnection_is_not_offered),
        TEST(ring_abuse_is_ignored_from_then_on));
