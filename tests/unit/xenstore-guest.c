/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's end of a xenstore ring, for tests. */
#include "tests/unit/xenstore-guest.h"

#include <string.h>

static void count_notify(void *opaque)
{
    XenstoreGuest *g = opaque;

    g->notified++;
}

XenstoreGuest *guest_new(void)
{
    XenstoreGuest *g = g_new0(XenstoreGuest, 1);
    Host *host;

    g->fake = fake_host_new(1, 16);
    host = fake_host_ops(g->fake);
    g->page = host->ops->mem.page_pin(host, GUEST_PAGE >> HOST_PAGE_SHIFT);
    g->tree = fake_tree_new();
    fake_tree_set(g->tree, "/local", "", "n0");
    fake_tree_set(g->tree, "/local/domain/0", "", "r0");
    fake_tree_set(g->tree, "/local/domain/0/open", "yes", "r0");
    fake_tree_set(g->tree, "/local/domain/0/shut", "no", "n0");
    fake_tree_set(g->tree, "/local/domain/7", "", "n7");
    fake_tree_set(g->tree, "/local/domain/7/name", "guest", NULL);
    g->ring = xenstore_ring_new(host, g->page, GUEST_DOMID, &fake_tree_ops,
                                g->tree, count_notify, g);
    g->stream = g_byte_array_new();
    g_queue_init(&g->events);
    return g;
}

void guest_free(XenstoreGuest *g)
{
    Host *host = fake_host_ops(g->fake);

    g_assert_cmpuint(fake_host_undirtied_bytes(g->fake), ==, 0);
    xenstore_ring_free(g->ring);
    fake_tree_free(g->tree);
    host->ops->mem.page_unpin(host, g->page);
    fake_host_free(g->fake);
    g_byte_array_unref(g->stream);
    g_queue_clear_full(&g->events, (GDestroyNotify)g_byte_array_unref);
    g_free(g);
}

void guest_set_indexes(XenstoreGuest *g, uint32_t index)
{
    fake_host_poke32(g->fake, GUEST_FIELD(req_cons), index);
    fake_host_poke32(g->fake, GUEST_FIELD(req_prod), index);
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons), index);
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_prod), index);
}

static bool send_some(XenstoreGuest *g, const uint8_t **bytes, size_t *len)
{
    uint32_t cons = fake_host_peek32(g->fake, GUEST_FIELD(req_cons));
    uint32_t prod = fake_host_peek32(g->fake, GUEST_FIELD(req_prod));
    size_t room = XENSTORE_RING_SIZE - (prod - cons);
    size_t nr = MIN(*len, room);

    for (size_t i = 0; i < nr; i++) {
        fake_host_poke8(g->fake, GUEST_FIELD(req) + MASK_XENSTORE_IDX(prod + i),
                        (*bytes)[i]);
    }
    fake_host_poke32(g->fake, GUEST_FIELD(req_prod), prod + nr);
    *bytes += nr;
    *len -= nr;
    return nr;
}

void guest_send_bytes(XenstoreGuest *g, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    while (len) {
        if (!send_some(g, &bytes, &len)) {
            g_assert_true(guest_drain(g));
        }
        xenstore_ring_kick(g->ring);
    }
}

void guest_send(XenstoreGuest *g, uint32_t type, uint32_t req_id, uint32_t tx,
                const void *payload, size_t len)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct xsd_sockmsg hdr = {
        .type = type, .req_id = req_id, .tx_id = tx, .len = len};

    g_byte_array_append(bytes, (const guint8 *)&hdr, sizeof(hdr));
    if (len) {
        g_byte_array_append(bytes, payload, len);
    }
    guest_send_bytes(g, bytes->data, bytes->len);
}

bool guest_drain(XenstoreGuest *g)
{
    uint32_t cons = fake_host_peek32(g->fake, GUEST_FIELD(rsp_cons));
    uint32_t prod = fake_host_peek32(g->fake, GUEST_FIELD(rsp_prod));
    bool any = cons != prod;

    g_assert_cmpuint(prod - cons, <=, XENSTORE_RING_SIZE);
    for (; cons != prod; cons++) {
        guint8 byte = fake_host_peek8(g->fake, GUEST_FIELD(rsp) +
                                                   MASK_XENSTORE_IDX(cons));

        g_byte_array_append(g->stream, &byte, 1);
    }
    fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons), cons);
    xenstore_ring_kick(g->ring);
    return any;
}

GuestMsg *guest_next(XenstoreGuest *g)
{
    struct xsd_sockmsg hdr;
    GuestMsg *msg;

    for (;;) {
        if (g->stream->len >= sizeof(hdr)) {
            memcpy(&hdr, g->stream->data, sizeof(hdr));
            g_assert_cmpuint(hdr.len, <=, XENSTORE_PAYLOAD_MAX);
            if (g->stream->len >= sizeof(hdr) + hdr.len) {
                break;
            }
        }
        xenstore_ring_kick(g->ring);
        if (!guest_drain(g)) {
            g_assert_cmpuint(g->stream->len, ==, 0);
            return NULL;
        }
    }
    msg = g_new0(GuestMsg, 1);
    msg->hdr = hdr;
    msg->payload = g_byte_array_new();
    g_byte_array_append(msg->payload, g->stream->data + sizeof(hdr), hdr.len);
    g_byte_array_remove_range(g->stream, 0, sizeof(hdr) + hdr.len);
    return msg;
}

void guest_msg_free(GuestMsg *msg)
{
    g_byte_array_unref(msg->payload);
    g_free(msg);
}

GuestMsg *guest_call(XenstoreGuest *g, uint32_t type, uint32_t tx,
                     const void *payload, size_t len)
{
    static uint32_t req_id = 100;
    GuestMsg *msg;

    guest_send(g, type, ++req_id, tx, payload, len);
    while ((msg = guest_next(g)) && msg->hdr.type == XS_WATCH_EVENT) {
        g_assert_cmpuint(msg->hdr.req_id, ==, 0);
        g_assert_cmpuint(msg->hdr.tx_id, ==, 0);
        g_queue_push_tail(&g->events, g_byte_array_ref(msg->payload));
        guest_msg_free(msg);
    }
    g_assert_nonnull(msg);
    g_assert_cmpuint(msg->hdr.req_id, ==, req_id);
    g_assert_cmpuint(msg->hdr.tx_id, ==, tx);
    return msg;
}

void guest_expect(XenstoreGuest *g, const char *what, uint32_t type,
                  uint32_t tx, const void *payload, size_t len,
                  uint32_t want_type, const void *want, size_t want_len)
{
    GuestMsg *msg = guest_call(g, type, tx, payload, len);

    if (msg->hdr.type != want_type || msg->payload->len != want_len ||
        (want_len && memcmp(msg->payload->data, want, want_len) != 0)) {
        g_error("%s: request type %u: got type %u, %u bytes \"%.*s\", want "
                "type %u, %zu bytes \"%.*s\"",
                what, type, msg->hdr.type, msg->payload->len,
                (int)msg->payload->len, (char *)msg->payload->data, want_type,
                want_len, (int)want_len, (const char *)want);
    }
    guest_msg_free(msg);
}

void guest_expect_error(XenstoreGuest *g, const char *what, uint32_t type,
                        uint32_t tx, const void *payload, size_t len,
                        const char *error)
{
    guest_expect(g, what, type, tx, payload, len, XS_ERROR, error,
                 strlen(error) + 1);
}

static void take_event(XenstoreGuest *g)
{
    GuestMsg *msg;

    if (!g_queue_is_empty(&g->events)) {
        return;
    }
    msg = guest_next(g);
    if (msg) {
        g_assert_cmpuint(msg->hdr.type, ==, XS_WATCH_EVENT);
        g_queue_push_tail(&g->events, g_byte_array_ref(msg->payload));
        guest_msg_free(msg);
    }
}

void guest_expect_event(XenstoreGuest *g, const char *path, const char *token)
{
    size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
    GByteArray *event;

    take_event(g);
    event = g_queue_pop_head(&g->events);
    if (!event) {
        g_error("no event, want '%s' '%s'", path, token);
    }
    g_assert_cmpstr((char *)event->data, ==, path);
    g_assert_cmpuint(event->len, ==, path_len + token_len);
    g_assert_cmpstr((char *)event->data + path_len, ==, token);
    g_byte_array_unref(event);
}

void guest_expect_no_event(XenstoreGuest *g)
{
    take_event(g);
    if (!g_queue_is_empty(&g->events)) {
        GByteArray *event = g_queue_peek_head(&g->events);

        g_error("event '%s', want none", (char *)event->data);
    }
}

uint32_t guest_start_transaction(XenstoreGuest *g)
{
    GuestMsg *msg = guest_call(g, XS_TRANSACTION_START, 0, ZSTR(""));
    uint32_t tx;

    g_assert_cmpuint(msg->hdr.type, ==, XS_TRANSACTION_START);
    tx = g_ascii_strtoull((char *)msg->payload->data, NULL, 10);
    g_assert_cmpuint(tx, !=, 0);
    guest_msg_free(msg);
    return tx;
}

GByteArray *guest_save(XenstoreGuest *g)
{
    StateWriter *w = state_writer_new();

    xenstore_ring_save(g->ring, w);
    return state_writer_finish(w);
}

bool guest_load(XenstoreGuest *g, const GByteArray *state, GError **error)
{
    StateReader *r = state_reader_new(state->data, state->len);

    xenstore_ring_load(g->ring, r);
    return state_reader_finish(r, error);
}
