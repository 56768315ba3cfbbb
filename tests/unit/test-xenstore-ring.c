/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The xenstore ring: transport, abuse, bounds and migration. */
#include <string.h>

#include "hw/xen/byte-ring.h"
#include "tests/unit/xenstore-guest.h"

#define HOME "/local/domain/7"

static uint32_t field(XenstoreGuest *g, uint64_t gpa)
{
    return fake_host_peek32(g->fake, gpa);
}

static unsigned ring_errors(XenstoreGuest *g)
{
    return fake_host_trace_count(g->fake, HOST_TRACE_ring_error);
}

static void test_ring_new_page_is_connected_and_empty(void)
{
    FakeHost *fake = fake_host_new(1, 16);
    Host *host = fake_host_ops(fake);
    struct xenstore_domain_interface page, zero = {0};
    FakeTree *tree = fake_tree_new();
    XenstoreRing *ring;
    HostPage *pin;

    memset(&page, 0xa5, sizeof(page));
    fake_host_poke(fake, GUEST_PAGE, &page, sizeof(page));
    pin = host->ops->mem.page_pin(host, GUEST_PAGE >> HOST_PAGE_SHIFT);
    ring = xenstore_ring_new(host, pin, 1, &fake_tree_ops, tree, NULL, NULL);
    fake_host_peek(fake, GUEST_PAGE, &page, sizeof(page));
    g_assert_cmpmem(&page, sizeof(page), &zero, sizeof(zero));
    /* nothing to do: notify(), which is NULL here, is not called */
    xenstore_ring_kick(ring);
    g_assert_cmpuint(fake_host_undirtied_bytes(fake), ==, 0);
    xenstore_ring_free(ring);
    fake_tree_free(tree);
    host->ops->mem.page_unpin(host, pin);
    fake_host_free(fake);
}

static void test_ring_wraps_at_every_offset(void)
{
    XenstoreGuest *g = guest_new();
    g_autofree char *value = g_strnfill(700, 'v');

    fake_tree_set(g->tree, HOME "/long", value, NULL);
    for (uint32_t at = 0; at < XENSTORE_RING_SIZE; at++) {
        guest_set_indexes(g, at);
        guest_expect(g, "read", XS_READ, 0, ZSTR("long"), XS_READ, value, 700);
    }
    guest_free(g);
}

static void test_ring_indexes_wrap_at_32_bits(void)
{
    XenstoreGuest *g = guest_new();

    for (uint32_t before = 1; before <= 21; before++) {
        guest_set_indexes(g, -before);
        guest_expect(g, "read", XS_READ, 0, ZSTR("name"), XS_READ,
                     STR("guest"));
        g_assert_cmpuint(field(g, GUEST_FIELD(req_cons)), <, 0x1000);
    }
    guest_free(g);
}

static void test_ring_request_comes_byte_by_byte(void)
{
    XenstoreGuest *g = guest_new();
    struct xsd_sockmsg hdr = {.type = XS_READ, .req_id = 5, .len = 5};
    uint8_t bytes[sizeof(hdr) + 5];

    memcpy(bytes, &hdr, sizeof(hdr));
    memcpy(bytes + sizeof(hdr), "name", 5);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        g_assert_cmpuint(g->notified, ==, i);
        g_assert_cmpuint(field(g, GUEST_FIELD(rsp_prod)), ==, 0);
        guest_send_bytes(g, bytes + i, 1);
    }
    g_assert_cmpuint(field(g, GUEST_FIELD(rsp_prod)), ==, sizeof(hdr) + 5);
    guest_free(g);
}

static void test_ring_idle_kick_does_not_notify(void)
{
    XenstoreGuest *g = guest_new();

    guest_expect(g, "read", XS_READ, 0, ZSTR("name"), XS_READ, STR("guest"));
    g->notified = 0;
    xenstore_ring_kick(g->ring);
    g_assert_cmpuint(g->notified, ==, 0);
    guest_free(g);
}

static void test_ring_request_and_reply_of_4096_bytes_pass(void)
{
    XenstoreGuest *g = guest_new();
    g_autofree char *data = g_strnfill(XENSTORE_PAYLOAD_MAX, 'x');

    guest_expect_error(g, "request", XS_READ, 0, data, XENSTORE_PAYLOAD_MAX,
                       "EINVAL");
    fake_tree_set(g->tree, HOME "/big", data, NULL);
    guest_expect(g, "reply", XS_READ, 0, ZSTR("big"), XS_READ, data,
                 XENSTORE_PAYLOAD_MAX);
    guest_free(g);
}

/* Nothing moves any more; watches and transactions are gone. */
static void check_dead(XenstoreGuest *g, uint32_t error)
{
    struct xenstore_domain_interface before, after;

    g_assert_cmpuint(field(g, GUEST_FIELD(error)), ==, error);
    g_assert_cmpuint(fake_tree_watches(g->tree), ==, 0);
    g_assert_cmpuint(fake_tree_transactions(g->tree), ==, 0);
    guest_set_indexes(g, 0);
    fake_host_poke32(g->fake, GUEST_FIELD(req_prod), 100);
    fake_host_peek(g->fake, GUEST_PAGE, &before, sizeof(before));
    g->notified = 0;
    xenstore_ring_kick(g->ring);
    fake_tree_set(g->tree, HOME "/name", "changed", NULL);
    fake_host_peek(g->fake, GUEST_PAGE, &after, sizeof(after));
    g_assert_cmpmem(&before, sizeof(before), &after, sizeof(after));
    g_assert_cmpuint(g->notified, ==, 0);
    xenstore_ring_reset(g->ring);
    g_byte_array_set_size(g->stream, 0);
    guest_expect(g, "after reset", XS_READ, 0, ZSTR("name"), XS_READ,
                 STR("changed"));
    g_assert_cmpuint(guest_start_transaction(g), ==, 1);
}

static XenstoreGuest *new_watching_guest(void)
{
    XenstoreGuest *g = guest_new();

    guest_expect(g, "watch", XS_WATCH, 0, ZSTR("name\0t"), XS_WATCH,
                 ZSTR("OK"));
    guest_expect_event(g, "name", "t");
    g_assert_cmpuint(guest_start_transaction(g), ==, 1);
    return g;
}

static void test_ring_oversized_request_ends_the_connection(void)
{
    static const uint32_t lengths[] = {XENSTORE_PAYLOAD_MAX + 1, 1u << 31,
                                       UINT32_MAX, UINT32_MAX - 15};

    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        XenstoreGuest *g = new_watching_guest();
        struct xsd_sockmsg hdr = {.type = XS_READ, .len = lengths[i]};

        guest_send_bytes(g, &hdr, sizeof(hdr));
        g_assert_cmpuint(ring_errors(g), ==, 1);
        g_assert_cmpuint(
            fake_host_last_trace(g->fake, HOST_TRACE_ring_error)->b, ==,
            BYTE_RING_XENSTORE_LENGTH);
        check_dead(g, XENSTORE_ERROR_PROTO);
        guest_free(g);
    }
}

static void test_ring_impossible_indexes_end_the_connection(void)
{
    static const struct {
        uint64_t gpa;
        uint32_t delta;
        ByteRingId id;
    } cases[] = {
        {GUEST_FIELD(req_prod), XENSTORE_RING_SIZE + 1,
         BYTE_RING_XENSTORE_REQUEST},
        {GUEST_FIELD(req_prod), -1, BYTE_RING_XENSTORE_REQUEST},
        {GUEST_FIELD(req_cons), 1, BYTE_RING_XENSTORE_REQUEST},
        {GUEST_FIELD(req_cons), -XENSTORE_RING_SIZE - 1,
         BYTE_RING_XENSTORE_REQUEST},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        XenstoreGuest *g = new_watching_guest();
        uint32_t old = field(g, cases[i].gpa);

        fake_host_poke32(g->fake, cases[i].gpa, old + cases[i].delta);
        xenstore_ring_kick(g->ring);
        g_assert_cmpuint(ring_errors(g), ==, 1);
        g_assert_cmpuint(
            fake_host_last_trace(g->fake, HOST_TRACE_ring_error)->b, ==,
            cases[i].id);
        check_dead(g, XENSTORE_ERROR_RINGIDX);
        guest_free(g);
    }
}

static void test_ring_impossible_reply_indexes_end_the_connection(void)
{
    static const uint32_t deltas[] = {XENSTORE_RING_SIZE + 1, -1u};

    for (size_t i = 0; i < G_N_ELEMENTS(deltas); i++) {
        XenstoreGuest *g = new_watching_guest();
        uint32_t cons = field(g, GUEST_FIELD(rsp_cons));

        fake_host_poke32(g->fake, GUEST_FIELD(rsp_prod), cons + deltas[i]);
        guest_send(g, XS_READ, 1, 0, ZSTR("name"));
        g_assert_cmpuint(ring_errors(g), ==, 1);
        check_dead(g, XENSTORE_ERROR_RINGIDX);
        guest_free(g);
    }
}

/* The tree is busy firing when the ring turns out to be broken. */
static void test_ring_dies_while_a_watch_fires(void)
{
    XenstoreGuest *g = new_watching_guest();

    guest_expect(g, "watch", XS_WATCH, 0, ZSTR("name\0u"), XS_WATCH,
                 ZSTR("OK"));
    guest_expect_event(g, "name", "u");
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_prod),
                     field(g, GUEST_FIELD(rsp_cons)) - 1);
    g->notified = 0;
    fake_tree_set(g->tree, HOME "/name", "x", NULL);
    g_assert_cmpuint(ring_errors(g), ==, 1);
    g_assert_cmpuint(g->notified, ==, 0);
    g_assert_cmpuint(field(g, GUEST_FIELD(error)), ==, XENSTORE_ERROR_RINGIDX);
    xenstore_ring_kick(g->ring);
    check_dead(g, XENSTORE_ERROR_RINGIDX);
    guest_free(g);
}

/* 20 replies wait, and what the ring holds besides: then nothing is read. */
static void test_ring_unread_replies_stop_reading(void)
{
    XenstoreGuest *g = guest_new();
    struct xsd_sockmsg hdr = {.type = XS_READ, .len = 5};
    unsigned sent = 0, replies = 0;
    GuestMsg *msg;

    for (;; sent++) {
        uint32_t cons = field(g, GUEST_FIELD(req_cons));
        uint32_t prod = field(g, GUEST_FIELD(req_prod));

        if (XENSTORE_RING_SIZE - (prod - cons) < sizeof(hdr) + 5) {
            break;
        }
        hdr.req_id = sent;
        guest_send_bytes(g, &hdr, sizeof(hdr));
        guest_send_bytes(g, "name", 5);
        g_assert_cmpuint(sent, <, 1000);
    }
    /* 48 whole replies in the ring, 20 in the queue, the rest not read */
    g_assert_cmpuint(field(g, GUEST_FIELD(rsp_prod)), ==, XENSTORE_RING_SIZE);
    g_assert_cmpuint(field(g, GUEST_FIELD(req_cons)), ==,
                     (1024 / 21 + 20) * 21);
    for (; (msg = guest_next(g)); replies++) {
        g_assert_cmpuint(msg->hdr.req_id, ==, replies);
        g_assert_cmpmem(msg->payload->data, msg->payload->len, "guest", 5);
        guest_msg_free(msg);
    }
    g_assert_cmpuint(replies, ==, sent);
    guest_free(g);
}

static void test_ring_equal_events_are_told_once(void)
{
    XenstoreGuest *g = new_watching_guest();
    uint32_t before;

    /* the reply ring is full: everything waits in the queue */
    before = field(g, GUEST_FIELD(rsp_prod));
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons),
                     before - XENSTORE_RING_SIZE);
    for (unsigned i = 0; i < 100; i++) {
        fake_tree_set(g->tree, HOME "/name", "x", NULL);
        fake_tree_set(g->tree, HOME "/name/below", "x", NULL);
    }
    g_assert_cmpuint(field(g, GUEST_FIELD(rsp_prod)), ==, before);
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons), before);
    guest_expect_event(g, "name", "t");
    guest_expect_event(g, "name/below", "t");
    guest_expect_no_event(g);
    /* told, so the next is news */
    fake_tree_set(g->tree, HOME "/name", "x", NULL);
    guest_expect_event(g, "name", "t");
    guest_free(g);
}

/* Special events are not the same for saying the same. */
static void test_ring_equal_special_events_are_all_told(void)
{
    XenstoreGuest *g = guest_new();
    uint32_t before;

    fake_tree_set(g->tree, "@releaseDomain", "", "r0");
    guest_expect(g, "watch", XS_WATCH, 0, ZSTR("@releaseDomain\0t"), XS_WATCH,
                 ZSTR("OK"));
    guest_expect_event(g, "@releaseDomain", "t");
    before = field(g, GUEST_FIELD(rsp_prod));
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons),
                     before - XENSTORE_RING_SIZE);
    fake_tree_set(g->tree, "@releaseDomain", "", NULL);
    fake_tree_set(g->tree, "@releaseDomain", "", NULL);
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons), before);
    guest_expect_event(g, "@releaseDomain", "t");
    guest_expect_event(g, "@releaseDomain", "t");
    guest_expect_no_event(g);
    guest_free(g);
}

/* A storm of different events is bounded; the connection lives on. */
static void test_ring_event_storm_is_bounded(void)
{
    XenstoreGuest *g = guest_new();
    g_autofree char *pad = g_strnfill(1500, 'p');
    unsigned events = 0;
    GuestMsg *msg;

    guest_expect(g, "watch", XS_WATCH, 0, ZSTR("storm\0t"), XS_WATCH,
                 ZSTR("OK"));
    guest_expect_event(g, "storm", "t");
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons),
                     field(g, GUEST_FIELD(rsp_prod)) - XENSTORE_RING_SIZE);
    for (unsigned i = 0; i < 3000; i++) {
        g_autofree char *path = g_strdup_printf(HOME "/storm/%s/%u", pad, i);

        fake_tree_set(g->tree, path, "", NULL);
    }
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons),
                     field(g, GUEST_FIELD(rsp_prod)));
    while ((msg = guest_next(g))) {
        g_assert_cmpuint(msg->hdr.type, ==, XS_WATCH_EVENT);
        events++;
        guest_msg_free(msg);
    }
    /* 2 MiB of events of a good 1.5 kB */
    g_assert_cmpuint(events, >, 1200);
    g_assert_cmpuint(events, <, 1400);
    guest_expect(g, "read", XS_READ, 0, ZSTR("name"), XS_READ, STR("guest"));
    guest_free(g);
}

static void test_ring_reset_is_as_new(void)
{
    XenstoreGuest *g = new_watching_guest();
    struct xenstore_domain_interface page, zero = {0};

    guest_send_bytes(g, "half", 4);
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons),
                     field(g, GUEST_FIELD(rsp_prod)) - XENSTORE_RING_SIZE);
    fake_tree_set(g->tree, HOME "/name", "guest", NULL);
    xenstore_ring_reset(g->ring);
    fake_host_peek(g->fake, GUEST_PAGE, &page, sizeof(page));
    g_assert_cmpmem(&page, sizeof(page), &zero, sizeof(zero));
    g_assert_cmpuint(fake_tree_watches(g->tree), ==, 0);
    g_assert_cmpuint(fake_tree_transactions(g->tree), ==, 0);
    g_byte_array_set_size(g->stream, 0);
    guest_expect(g, "read", XS_READ, 0, ZSTR("name"), XS_READ, STR("guest"));
    guest_expect_no_event(g);
    g_assert_cmpuint(guest_start_transaction(g), ==, 1);
    guest_free(g);
}

/* What was migrated is in the page before its domain's id is known. */
static void test_ring_new_domid_keeps_the_page(void)
{
    struct xenstore_domain_interface before, after;
    XenstoreGuest *g = new_watching_guest();

    guest_send_bytes(g, "half", 4);
    fake_host_peek(g->fake, GUEST_PAGE, &before, sizeof(before));
    g_assert_cmpuint(before.req_cons, !=, 0);
    xenstore_ring_set_domid(g->ring, GUEST_DOMID + 1);
    fake_host_peek(g->fake, GUEST_PAGE, &after, sizeof(after));
    g_assert_cmpmem(&before, sizeof(before), &after, sizeof(after));
    g_assert_cmpuint(fake_tree_watches(g->tree), ==, 0);
    guest_free(g);
}

/* Moves the connection of @from to @to, page and all. */
static void migrate(XenstoreGuest *from, XenstoreGuest *to)
{
    g_autoptr(GByteArray) state = guest_save(from), again = NULL;
    uint8_t page[HOST_PAGE_SIZE];
    GError *error = NULL;

    fake_host_peek(from->fake, GUEST_PAGE, page, sizeof(page));
    fake_host_poke(to->fake, GUEST_PAGE, page, sizeof(page));
    guest_load(to, state, &error);
    g_assert_no_error(error);
    again = guest_save(to);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);
}

static void test_load_continues_a_request_cut_anywhere(void)
{
    struct xsd_sockmsg hdr = {.type = XS_READ, .req_id = 5, .len = 5};
    uint8_t bytes[sizeof(hdr) + 5];

    memcpy(bytes, &hdr, sizeof(hdr));
    memcpy(bytes + sizeof(hdr), "name", 5);
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        XenstoreGuest *from = guest_new(), *to = guest_new();
        GuestMsg *msg;

        guest_send_bytes(from, bytes, cut);
        migrate(from, to);
        guest_send_bytes(to, bytes + cut, sizeof(bytes) - cut);
        msg = guest_next(to);
        g_assert_nonnull(msg);
        g_assert_cmpuint(msg->hdr.req_id, ==, 5);
        g_assert_cmpmem(msg->payload->data, msg->payload->len, "guest", 5);
        guest_msg_free(msg);
        guest_free(from);
        guest_free(to);
    }
}

/* The reply ring is full but for @room bytes: the rest waits in the queue. */
static void test_load_continues_replies_cut_anywhere(void)
{
    for (uint32_t room = 0; room <= 70; room++) {
        XenstoreGuest *from = guest_new(), *to = guest_new();
        uint32_t prod = 5000;

        guest_set_indexes(from, prod);
        fake_host_poke32(from->fake, GUEST_FIELD(rsp_cons),
                         prod - XENSTORE_RING_SIZE + room);
        for (uint32_t i = 0; i < 3; i++) {
            guest_send(from, XS_READ, i, 0, ZSTR("name"));
        }
        g_assert_cmpuint(field(from, GUEST_FIELD(rsp_prod)), ==,
                         prod + MIN(room, 63));
        migrate(from, to);
        fake_host_poke32(to->fake, GUEST_FIELD(rsp_cons), prod);
        for (uint32_t i = 0; i < 3; i++) {
            GuestMsg *msg = guest_next(to);

            g_assert_nonnull(msg);
            g_assert_cmpuint(msg->hdr.req_id, ==, i);
            g_assert_cmpmem(msg->payload->data, msg->payload->len, "guest", 5);
            guest_msg_free(msg);
        }
        guest_free(from);
        guest_free(to);
    }
}

static void test_load_dead_connection_stays_dead(void)
{
    XenstoreGuest *from = guest_new(), *to = guest_new();
    struct xsd_sockmsg hdr = {.type = XS_READ, .len = 5000};

    guest_send_bytes(from, &hdr, sizeof(hdr));
    migrate(from, to);
    check_dead(to, XENSTORE_ERROR_PROTO);
    guest_free(from);
    guest_free(to);
}

/* Every truncation and changed byte of a state with all there can be in it. */
static void test_load_damaged_is_refused_and_resets(void)
{
    XenstoreGuest *from = guest_new(), *to = guest_new();
    g_autoptr(GByteArray) state = NULL;
    unsigned refused = 0;

    fake_host_poke32(from->fake, GUEST_FIELD(rsp_cons), -XENSTORE_RING_SIZE);
    guest_send(from, XS_READ, 1, 0, ZSTR("name"));
    guest_send(from, XS_READ, 2, 0, ZSTR("none"));
    guest_send_bytes(from, "half of a header", 9);
    state = guest_save(from);
    for (guint cut = 0; cut < state->len; cut++) {
        g_autoptr(GByteArray) part = g_byte_array_new();

        g_byte_array_append(part, state->data, cut);
        g_assert_false(guest_load(to, part, NULL));
        g_byte_array_set_size(to->stream, 0);
        guest_expect(to, "reset", XS_READ, 0, ZSTR("name"), XS_READ,
                     STR("guest"));
    }
    for (guint i = 0; i < state->len; i++) {
        g_autoptr(GByteArray) bad = g_byte_array_new();

        g_byte_array_append(bad, state->data, state->len);
        bad->data[i] ^= 0xff;
        refused += !guest_load(to, bad, NULL);
        xenstore_ring_reset(to->ring);
    }
    g_assert_cmpuint(refused, >, state->len / 2);
    guest_free(from);
    guest_free(to);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xenstore-ring/" #name, test_##name)
    ADD(ring_new_page_is_connected_and_empty);
    ADD(ring_wraps_at_every_offset);
    ADD(ring_indexes_wrap_at_32_bits);
    ADD(ring_request_comes_byte_by_byte);
    ADD(ring_idle_kick_does_not_notify);
    ADD(ring_request_and_reply_of_4096_bytes_pass);
    ADD(ring_oversized_request_ends_the_connection);
    ADD(ring_impossible_indexes_end_the_connection);
    ADD(ring_impossible_reply_indexes_end_the_connection);
    ADD(ring_dies_while_a_watch_fires);
    ADD(ring_unread_replies_stop_reading);
    ADD(ring_equal_events_are_told_once);
    ADD(ring_equal_special_events_are_all_told);
    ADD(ring_event_storm_is_bounded);
    ADD(ring_reset_is_as_new);
    ADD(ring_new_domid_keeps_the_page);
    ADD(load_continues_a_request_cut_anywhere);
    ADD(load_continues_replies_cut_anywhere);
    ADD(load_dead_connection_stays_dead);
    ADD(load_damaged_is_refused_and_resets);
#undef ADD
    return g_test_run();
}
