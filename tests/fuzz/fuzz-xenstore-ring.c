/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The xenstore ring and protocol against a guest that sends anything. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tests/unit/xenstore-guest.h"

/* Paths that mean something in the tree, so that requests get that far. */
static const char *const paths[] = {
    "name",
    "a",
    "a/b",
    "/local/domain/7",
    "/local/domain/0/open",
    "/",
    "@releaseDomain",
    "/local/domain/7/a/b/c",
};

static void put_request(XenstoreGuest *g, FuzzInput *in)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    uint8_t how = fuzz_u8(in);
    struct xsd_sockmsg hdr = {.type = fuzz_u8(in), .tx_id = fuzz_u8(in)};
    size_t len = fuzz_u8(in);
    const uint8_t *tail = fuzz_bytes(in, &len);
    uint32_t prod = fake_host_peek32(g->fake, GUEST_FIELD(req_prod));

    g_byte_array_append(bytes, (const guint8 *)&hdr, sizeof(hdr));
    if (how & 1) {
        const char *path = paths[how >> 1 & 7];

        g_byte_array_append(bytes, (const guint8 *)path, strlen(path) + 1);
    }
    g_byte_array_append(bytes, tail, len);
    hdr.len = bytes->len - sizeof(hdr);
    memcpy(bytes->data, &hdr, sizeof(hdr));
    for (guint i = 0; i < bytes->len; i++) {
        fake_host_poke8(g->fake, GUEST_FIELD(req) + MASK_XENSTORE_IDX(prod + i),
                        bytes->data[i]);
    }
    fake_host_poke32(g->fake, GUEST_FIELD(req_prod), prod + bytes->len);
}

static void put_bytes(XenstoreGuest *g, FuzzInput *in)
{
    uint32_t prod = fake_host_peek32(g->fake, GUEST_FIELD(req_prod));
    size_t len = fuzz_u8(in);
    const uint8_t *bytes = fuzz_bytes(in, &len);

    for (size_t i = 0; i < len; i++) {
        fake_host_poke8(g->fake, GUEST_FIELD(req) + MASK_XENSTORE_IDX(prod + i),
                        bytes[i]);
    }
    fake_host_poke32(g->fake, GUEST_FIELD(req_prod), prod + len);
}

static void poke_field(XenstoreGuest *g, FuzzInput *in)
{
    uint64_t gpa = GUEST_FIELD(req_cons) + 4 * (fuzz_u8(in) % 7);

    fake_host_poke32(g->fake, gpa, fuzz_u32(in));
}

static GByteArray *save(XenstoreGuest *g)
{
    StateWriter *w = state_writer_new();

    xenstore_ring_save(g->ring, w);
    return state_writer_finish(w);
}

/* A saved connection loads and is the same; its page stays as it was. */
static void round_trip(XenstoreGuest *g)
{
    g_autoptr(GByteArray) state = save(g), again = NULL;
    struct xenstore_domain_interface page;
    StateReader *r;

    fake_host_peek(g->fake, GUEST_PAGE, &page, sizeof(page));
    xenstore_ring_reset(g->ring);
    fake_host_poke(g->fake, GUEST_PAGE, &page, sizeof(page));
    r = state_reader_new(state->data, state->len);
    xenstore_ring_load(g->ring, r);
    g_assert_true(state_reader_finish(r, NULL));
    again = save(g);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);
}

static void load_bytes(XenstoreGuest *g, FuzzInput *in)
{
    size_t len = fuzz_u8(in) * 4;
    const uint8_t *bytes = fuzz_bytes(in, &len);
    StateReader *r = state_reader_new(bytes, len);

    xenstore_ring_reset(g->ring);
    xenstore_ring_load(g->ring, r);
    state_reader_finish(r, NULL);
}

static void step(XenstoreGuest *g, FuzzInput *in)
{
    uint8_t op = fuzz_u8(in);

    switch (op & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
        put_request(g, in);
        xenstore_ring_kick(g->ring);
        break;
    case 4:
        put_bytes(g, in);
        break;
    case 5:
        xenstore_ring_kick(g->ring);
        break;
    case 6:
        poke_field(g, in);
        break;
    case 7: /* the guest reads all there is */
        fake_host_poke32(g->fake, GUEST_FIELD(rsp_cons),
                         fake_host_peek32(g->fake, GUEST_FIELD(rsp_prod)));
        xenstore_ring_kick(g->ring);
        break;
    case 8:
        fake_tree_set(g->tree, "/local/domain/7/a/b", "x", NULL);
        break;
    case 9:
        fake_tree_fail_nth(g->tree, op >> 4, fuzz_u8(in));
        break;
    case 10:
        fake_tree_fail_nth(g->tree, 0, 0);
        round_trip(g);
        break;
    case 11:
        load_bytes(g, in);
        break;
    case 12:
        xenstore_ring_reset(g->ring);
        break;
    default:
        fake_host_clear_events(g->fake);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    XenstoreGuest *g = guest_new();

    fake_tree_set(g->tree, "@releaseDomain", "", "r0");
    while (in.left) {
        step(g, &in);
    }
    guest_free(g);
    return 0;
}
