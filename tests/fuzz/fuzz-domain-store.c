/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest talks to xenstore in the state-machine fuzz: requests that are
 * well formed but for what they say, and replies that it takes or leaves.
 */
#include <stdint.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "tests/fuzz/fuzz-domain.h"

#define RING       ((uint64_t)XEN_STORE_GFN << HOST_PAGE_SHIFT)
#define AT(member) (RING + offsetof(struct xenstore_domain_interface, member))

static const char *const paths[] = {
    "domid",
    "a",
    "a/b",
    "/local/domain/7/c",
    "/",
    "@x",
    "control/shutdown",
    "@releaseDomain",
    "device/vbd/1",
    "//bad/",
    "",
    "a/b/c/d/e/f/g/h",
};

static const char *draw_path(World *w)
{
    return paths[draw(w, G_N_ELEMENTS(paths))];
}

/* Strings with their NULs, as most requests have them. */
static size_t draw_body(World *w, char *body, size_t size)
{
    size_t len = 0;

    for (uint64_t n = draw(w, 4); n > 0; n--) {
        const char *part = one_in(w, 4) ? "1" : draw_path(w);
        size_t part_len = strlen(part) + 1;

        if (len + part_len < size) {
            memcpy(body + len, part, part_len);
            len += part_len;
        }
    }
    if (len && one_in(w, 3)) {
        len--; /* values have none */
    }
    return len;
}

static void ring_put(World *w, uint32_t prod, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        fake_host_poke8(w->g->fake, AT(req) + MASK_XENSTORE_IDX(prod + i),
                        ((const uint8_t *)bytes)[i]);
    }
}

static void kick(World *w)
{
    struct evtchn_send op = {XEN_STORE_PORT};

    world_op(w, __HYPERVISOR_event_channel_op, EVTCHNOP_send, &op, sizeof(op));
}

static void act_request(World *w)
{
    uint32_t prod = fake_host_peek32(w->g->fake, AT(req_prod));
    uint32_t cons = fake_host_peek32(w->g->fake, AT(req_cons));
    struct xsd_sockmsg header = {
        .type = (uint32_t)draw(w, 26),
        .req_id = w->step,
        .tx_id = one_in(w, 3) ? (uint32_t)draw(w, 4) : 0,
    };
    char body[96];

    header.len = (uint32_t)draw_body(w, body, sizeof(body));
    if (prod - cons > XENSTORE_RING_SIZE - sizeof(header) - sizeof(body)) {
        kick(w);
        return;
    }
    ring_put(w, prod, &header, sizeof(header));
    ring_put(w, prod + sizeof(header), body, header.len);
    fake_host_poke32(w->g->fake, AT(req_prod),
                     prod + (uint32_t)sizeof(header) + header.len);
    kick(w);
}

static void act_take(World *w)
{
    fake_host_poke32(w->g->fake, AT(rsp_cons),
                     fake_host_peek32(w->g->fake, AT(rsp_prod)));
    if (one_in(w, 2)) {
        kick(w);
    }
}

/* Domain 0 changes what the guest may be watching. */
static void act_tree(World *w)
{
    fake_tree_set(w->g->tree, "/local/domain/7/a", one_in(w, 2) ? "x" : "y",
                  "n7");
}

static const Action actions[] = {
    {"store_request", 8, act_request},
    {"store_take", 5, act_take},
    {"store_tree", 1, act_tree},
};

const ActionTable store_actions = {actions, G_N_ELEMENTS(actions)};
