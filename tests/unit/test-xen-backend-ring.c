/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A back end's copy of a ring: what gets into it, and what comes out. */
#include <string.h>

#include <glib.h>

#include "hw/host.h"
#include "hw/xen/backend-ring.h"

#define N_PAGES  3u
#define REQUEST  112u
#define RESPONSE 16u
/* (3 * 4096 - 64) / 112 is 109 */
#define ENTRIES 64u
#define HEAD    64u

enum { REQ_PROD, REQ_EVENT, RSP_PROD, RSP_EVENT };

typedef struct Ring {
    uint8_t *memory; /* the guest's pages, the last first */
    uint8_t *pages[N_PAGES];
    XenBackendRing *ring;
    uint32_t *own;   /* indexes of the copy */
    uint32_t *guest; /* of the guest */
} Ring;

static Ring ring_new(void)
{
    Ring r = {.memory = g_malloc0(N_PAGES * HOST_PAGE_SIZE)};

    for (unsigned i = 0; i < N_PAGES; i++) {
        r.pages[i] = r.memory + (N_PAGES - 1 - i) * HOST_PAGE_SIZE;
    }
    r.guest = (uint32_t *)r.pages[0];
    r.guest[REQ_EVENT] = 1;
    r.guest[RSP_EVENT] = 1;
    r.ring = xen_backend_ring_new(r.pages, N_PAGES, REQUEST, RESPONSE);
    r.own = xen_backend_ring_copy(r.ring);
    return r;
}

static void ring_free(Ring *r)
{
    xen_backend_ring_free(r->ring);
    g_free(r->memory);
}

static size_t slot(uint32_t i)
{
    return HEAD + i % ENTRIES * REQUEST;
}

static uint8_t *guest_byte(Ring *r, size_t at)
{
    return r->pages[at / HOST_PAGE_SIZE] + at % HOST_PAGE_SIZE;
}

static uint8_t *own_slot(Ring *r, uint32_t i)
{
    return (uint8_t *)r->own + slot(i);
}

/* Request @i is full of bytes @i + 1. */
static void ask(Ring *r, uint32_t n)
{
    for (; n; n--) {
        uint32_t i = r->guest[REQ_PROD]++;

        for (size_t b = 0; b < REQUEST; b++) {
            *guest_byte(r, slot(i) + b) = i + 1;
        }
    }
}

/* Response @i is full of bytes ~@i. */
static XenRingAnswer answer(Ring *r, uint32_t n)
{
    for (; n; n--) {
        memset(own_slot(r, r->own[RSP_PROD]), ~r->own[RSP_PROD], RESPONSE);
        r->own[RSP_PROD]++;
    }
    return xen_backend_ring_put(r->ring);
}

static void requests_come_and_responses_go(void)
{
    Ring r = ring_new();

    for (uint32_t i = 0; i < 5 * ENTRIES; i += 5) {
        ask(&r, 5);
        g_assert_true(xen_backend_ring_take(r.ring));
        g_assert_cmpuint(r.own[REQ_PROD], ==, i + 5);
        g_assert_cmpuint(r.guest[REQ_EVENT], ==, i + 6);
        for (uint32_t k = i; k < i + 5; k++) {
            for (size_t b = 0; b < REQUEST; b++) {
                g_assert_cmphex(own_slot(&r, k)[b], ==, (uint8_t)(k + 1));
            }
        }
        answer(&r, 5);
        g_assert_cmpuint(r.guest[RSP_PROD], ==, i + 5);
        for (uint32_t k = i; k < i + 5; k++) {
            g_assert_cmphex(*guest_byte(&r, slot(k)), ==, (uint8_t)~k);
            g_assert_cmphex(*guest_byte(&r, slot(k) + RESPONSE - 1), ==,
                            (uint8_t)~k);
            g_assert_cmphex(*guest_byte(&r, slot(k) + RESPONSE), ==,
                            (uint8_t)(k + 1));
        }
    }
    ring_free(&r);
}

/* Each request is taken once, whatever the guest does to it then. */
static void copy_stays(void)
{
    Ring r = ring_new();

    ask(&r, 1);
    g_assert_true(xen_backend_ring_take(r.ring));
    *guest_byte(&r, slot(0)) = 0xee;
    g_assert_true(xen_backend_ring_take(r.ring));
    g_assert_cmphex(own_slot(&r, 0)[0], ==, 1);
    g_assert_cmpint(xen_backend_ring_put(r.ring), ==, XEN_RING_NOTHING);
    g_assert_cmphex(*guest_byte(&r, slot(0)), ==, 0xee);
    ring_free(&r);
}

/* xen: public/io/ring.h, RING_PUSH_RESPONSES_AND_CHECK_NOTIFY */
static void guest_says_when_it_wants_an_event(void)
{
    static const struct {
        uint32_t event, n;
        XenRingAnswer want;
    } rows[] = {
        {1, 0, XEN_RING_NOTHING}, {1, 1, XEN_RING_NOTIFY},
        {3, 1, XEN_RING_QUIET},   {3, 1, XEN_RING_NOTIFY},
        {3, 1, XEN_RING_QUIET},   {6, 4, XEN_RING_NOTIFY},
        {100, 2, XEN_RING_QUIET},
    };
    Ring r = ring_new();

    ask(&r, 20);
    g_assert_true(xen_backend_ring_take(r.ring));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        r.guest[RSP_EVENT] = rows[i].event;
        g_assert_cmpint(answer(&r, rows[i].n), ==, rows[i].want);
        /* The back end tells of the next in any case. */
        g_assert_cmpuint(r.own[RSP_EVENT], ==, r.own[RSP_PROD] + 1);
    }
    ring_free(&r);
}

static void full_ring_is_taken(void)
{
    Ring r = ring_new();

    ask(&r, ENTRIES);
    g_assert_true(xen_backend_ring_take(r.ring));
    answer(&r, 1);
    ask(&r, 1);
    g_assert_true(xen_backend_ring_take(r.ring));
    g_assert_cmpuint(r.own[REQ_PROD], ==, ENTRIES + 1);
    ring_free(&r);
}

static void impossible_claim_halts_it(void)
{
    /* Two requests are taken, one is answered. */
    static const struct {
        uint32_t req_prod, rsp_prod;
    } rows[] = {
        {ENTRIES + 2, 1}, {ENTRIES + 2, 2},
        {1u << 31, 1},    {1u << 31, (1u << 31) - 1},
        {UINT32_MAX, 1},  {1, 1},
        {0, 1},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Ring r = ring_new();

        ask(&r, 2);
        g_assert_true(xen_backend_ring_take(r.ring));
        answer(&r, 1);
        r.guest[REQ_PROD] = rows[i].req_prod;
        r.guest[RSP_PROD] = rows[i].rsp_prod;
        g_assert_false(xen_backend_ring_take(r.ring));
        g_assert_cmpuint(r.own[REQ_PROD], ==, 2);
        /* For good, but for the answers. */
        r.guest[REQ_PROD] = 3;
        g_assert_false(xen_backend_ring_take(r.ring));
        g_assert_cmpuint(r.own[REQ_PROD], ==, 2);
        answer(&r, 1);
        g_assert_cmpuint(r.guest[RSP_PROD], ==, 2);
        ring_free(&r);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xen/backend-ring/go", requests_come_and_responses_go);
    g_test_add_func("/xen/backend-ring/once", copy_stays);
    g_test_add_func("/xen/backend-ring/event",
                    guest_says_when_it_wants_an_event);
    g_test_add_func("/xen/backend-ring/full", full_ring_is_taken);
    g_test_add_func("/xen/backend-ring/halted", impossible_claim_halts_it);
    return g_test_run();
}
