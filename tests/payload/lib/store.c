/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's end of its xenstore ring. */
#include "tests/payload/lib/store.h"

#include "tests/payload/lib/clock.h"

#define EVENTS_MAX 8
/* Rounds of 1 ms: long for any store */
#define PATIENCE 2000
#define MS       1000000u

static struct xenstore_domain_interface *page;
static unsigned port;
static uint32_t last_id;

static StoreMsg reply;
static StoreMsg event;
static StoreMsg kept[EVENTS_MAX];
static unsigned nr_kept;

void store_init(void)
{
    uint64_t pfn = 0, value = 0;

    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_STORE_PFN, &pfn));
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_STORE_EVTCHN, &value));
    page = (void *)(uintptr_t)(pfn * PAGE_SIZE);
    port = (unsigned)value;
}

struct xenstore_domain_interface *store_page(void)
{
    return page;
}

void store_kick(void)
{
    CHECK_RC(0, evtchn_send(port));
}

static uint32_t load(const XENSTORE_RING_IDX *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void store_index(XENSTORE_RING_IDX *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* The store answers on a processor of its own. */
static void wait_a_while(void)
{
    struct sched_poll poll = {.timeout = clock_hypercall_now() + MS};

    xen_sched_op(SCHEDOP_poll, &poll);
}

bool store_put(const void *bytes, size_t len)
{
    const char *from = bytes;
    unsigned rounds = 0;

    while (len) {
        uint32_t prod = page->req_prod;
        uint32_t room = XENSTORE_RING_SIZE - (prod - load(&page->req_cons));
        uint32_t part = len < room ? (uint32_t)len : room;

        if (!part) {
            if (++rounds > PATIENCE) {
                return false;
            }
            wait_a_while();
            continue;
        }
        for (uint32_t i = 0; i < part; i++) {
            page->req[MASK_XENSTORE_IDX(prod + i)] = from[i];
        }
        store_index(&page->req_prod, prod + part);
        store_kick();
        from += part;
        len -= part;
    }
    return true;
}

bool store_send(uint32_t type, uint32_t tx, const void *payload, size_t len)
{
    struct xsd_sockmsg hdr = {
        .type = type, .req_id = ++last_id, .tx_id = tx, .len = (uint32_t)len};

    return store_put(&hdr, sizeof(hdr)) && store_put(payload, len);
}

static bool get(void *bytes, size_t len)
{
    char *to = bytes;
    unsigned rounds = 0;

    while (len) {
        uint32_t cons = page->rsp_cons;
        uint32_t used = load(&page->rsp_prod) - cons;
        uint32_t part = len < used ? (uint32_t)len : used;

        if (!part) {
            if (++rounds > PATIENCE) {
                return false;
            }
            wait_a_while();
            continue;
        }
        for (uint32_t i = 0; i < part; i++) {
            to[i] = page->rsp[MASK_XENSTORE_IDX(cons + i)];
        }
        store_index(&page->rsp_cons, cons + part);
        store_kick();
        to += part;
        len -= part;
    }
    return true;
}

static bool receive(StoreMsg *msg)
{
    if (!get(&msg->hdr, sizeof(msg->hdr)) ||
        msg->hdr.len > XENSTORE_PAYLOAD_MAX || !get(msg->data, msg->hdr.len)) {
        return false;
    }
    msg->data[msg->hdr.len] = '\0';
    return true;
}

const StoreMsg *store_receive(void)
{
    return receive(&reply) ? &reply : NULL;
}

/* Receives until it is no event. */
static const StoreMsg *receive_reply(void)
{
    while (receive(&reply)) {
        if (reply.hdr.type != XS_WATCH_EVENT) {
            return &reply;
        }
        if (nr_kept == EVENTS_MAX) {
            error("more than %u watch events", EVENTS_MAX);
            return NULL;
        }
        kept[nr_kept++] = reply;
    }
    return NULL;
}

const StoreMsg *store_call(uint32_t type, uint32_t tx, const void *payload,
                           size_t len)
{
    const StoreMsg *got;

    if (!store_send(type, tx, payload, len)) {
        return NULL;
    }
    got = receive_reply();
    if (got) {
        CHECK_EQ(last_id, got->hdr.req_id);
        CHECK_EQ(tx, got->hdr.tx_id);
    }
    return got;
}

const StoreMsg *store_event(void)
{
    if (nr_kept) {
        event = kept[0];
        memmove(kept, kept + 1, --nr_kept * sizeof(kept[0]));
        return &event;
    }
    if (!receive(&event)) {
        return NULL;
    }
    CHECK_EQ(XS_WATCH_EVENT, event.hdr.type);
    return &event;
}

bool store_has_event(void)
{
    /* Its reply comes after all events of what was done before. */
    return !store_call(XS_GET_DOMAIN_PATH, 0, "0", 2) || nr_kept;
}
