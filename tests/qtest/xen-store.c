/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of its xenstore ring, for qtest suites.
 */
#include "tests/qtest/xen-store.h"

#define PAGE_SHIFT 12

uint64_t xg_get_param(Qtest *q, uint32_t index)
{
    uint64_t value = 0;

    g_assert_cmpint(xg_hvm_param(q, HVMOP_get_param, index, &value), ==, 0);
    return value;
}

void xg_ring_kick(const XgRing *r)
{
    struct evtchn_send send = {.port = r->port};

    g_assert_cmpint(xg_evtchn(r->q, EVTCHNOP_send, &send, sizeof(send)), ==, 0);
}

XgRing xg_store_ring(Qtest *q)
{
    return (XgRing){
        .q = q,
        .gpa = xg_get_param(q, HVM_PARAM_STORE_PFN) << PAGE_SHIFT,
        .port = xg_get_param(q, HVM_PARAM_STORE_EVTCHN),
    };
}

void xg_store_put(const XgRing *r, const void *buf, size_t len)
{
    uint32_t prod = qtest_readl(r->q, r->gpa + XG_STORE(req_prod));
    uint32_t at = MASK_XENSTORE_IDX(prod);
    size_t first = MIN(len, XENSTORE_RING_SIZE - at);

    g_assert_cmpuint(len, <=, XENSTORE_RING_SIZE);
    if (first) {
        qtest_memwrite(r->q, r->gpa + XG_STORE(req) + at, buf, first);
    }
    if (len > first) {
        qtest_memwrite(r->q, r->gpa + XG_STORE(req), (const char *)buf + first,
                       len - first);
    }
    qtest_writel(r->q, r->gpa + XG_STORE(req_prod), prod + len);
}

/* @len bytes that must be there. */
static void store_get(const XgRing *r, void *buf, size_t len)
{
    uint32_t cons = qtest_readl(r->q, r->gpa + XG_STORE(rsp_cons));
    uint32_t prod = qtest_readl(r->q, r->gpa + XG_STORE(rsp_prod));
    uint32_t at = MASK_XENSTORE_IDX(cons);
    size_t first = MIN(len, XENSTORE_RING_SIZE - at);

    g_assert_cmpuint(prod - cons, >=, len);
    if (first) {
        qtest_memread(r->q, r->gpa + XG_STORE(rsp) + at, buf, first);
    }
    if (len > first) {
        qtest_memread(r->q, r->gpa + XG_STORE(rsp), (char *)buf + first,
                      len - first);
    }
    qtest_writel(r->q, r->gpa + XG_STORE(rsp_cons), cons + len);
}

char *xg_store_request(const XgRing *r, uint32_t type, const void *payload,
                       size_t len)
{
    struct xsd_sockmsg msg = {.type = type, .req_id = 77, .len = len};
    char *text;

    xg_store_put(r, &msg, sizeof(msg));
    xg_store_put(r, payload, len);
    xg_ring_kick(r);
    store_get(r, &msg, sizeof(msg));
    g_assert_cmpuint(msg.req_id, ==, 77);
    g_assert_true(msg.type == type || msg.type == XS_ERROR);
    g_assert_cmpuint(msg.len, <=, XENSTORE_PAYLOAD_MAX);
    text = g_malloc0(msg.len + 1);
    store_get(r, text, msg.len);
    return text;
}
