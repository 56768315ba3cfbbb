/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's connection to xenstore through its shared ring. */
#include "hw/xen/xenstore-ring.h"

#include <string.h>

#include "hw/xen/byte-ring.h"
#include "hw/xen/xenstore-proto.h"

/*
 * xenstored's default quota of outstanding requests: it reads no further
 * while that many replies wait (xen: tools/xenstored/domain.c).
 */
#define XENSTORE_REPLIES_MAX 20u

/*
 * DEVIATION: xenstored drops watch events once the domain's memory quota of
 * 2 MiB is used up, by nodes and transactions as well, and after 20 s in the
 * queue; here the quota counts the queue alone, and time does not matter.
 */
#define XENSTORE_QUEUE_MAX ((size_t)2 << 20)

#define XENSTORE_HEADER  sizeof(struct xsd_sockmsg)
#define XENSTORE_MSG_MAX (XENSTORE_HEADER + XENSTORE_PAYLOAD_MAX)

enum {
    XENSTORE_TAG_DEAD = 0x0601,
    XENSTORE_TAG_IN,
    XENSTORE_TAG_QUEUE_LEN,
    XENSTORE_TAG_QUEUE_MSG,
    XENSTORE_TAG_QUEUE_USED,
    XENSTORE_TAG_END, /* empty */
};

/* A message on its way to the guest. */
typedef struct XenstoreMsg {
    size_t len;     /* bytes with the header */
    uint8_t data[]; /* struct xsd_sockmsg, payload */
} XenstoreMsg;

struct XenstoreRing {
    Host *host;
    HostPage *page;
    ByteRing req; /* from the guest */
    ByteRing rsp; /* to the guest */
    void (*notify)(void *opaque);
    void *opaque;
    XenstoreConn *conn;

    bool dead;   /* nothing moves until the reset */
    bool kicked; /* inside xenstore_ring_kick(): it flushes at the end */
    bool moved;  /* an index moved: the guest is told */

    size_t in_used; /* bytes of the request being read */
    uint8_t in[XENSTORE_MSG_MAX];

    GQueue queue;       /* of XenstoreMsg, oldest first */
    size_t head_used;   /* bytes of the oldest that are in the ring */
    size_t queue_bytes; /* memory the queue takes */
    unsigned replies;   /* messages that are no events */
    GHashTable *events; /* set of the XenstoreMsg that are plain events */
};

static struct xsd_sockmsg xenstore_msg_header(const uint8_t *data)
{
    struct xsd_sockmsg hdr;

    memcpy(&hdr, data, sizeof(hdr));
    return hdr;
}

static guint xenstore_msg_hash(gconstpointer key)
{
    const XenstoreMsg *msg = key;
    guint hash = msg->len;

    for (size_t i = XENSTORE_HEADER; i < msg->len; i++) {
        hash = hash * 31 + msg->data[i];
    }
    return hash;
}

static gboolean xenstore_msg_equal(gconstpointer a, gconstpointer b)
{
    const XenstoreMsg *x = a, *y = b;

    return x->len == y->len && memcmp(x->data, y->data, x->len) == 0;
}

static size_t xenstore_msg_cost(const XenstoreMsg *msg)
{
    return sizeof(*msg) + msg->len;
}

static bool xenstore_msg_is_event(const XenstoreMsg *msg)
{
    return xenstore_msg_header(msg->data).type == XS_WATCH_EVENT;
}

/*
 * Events that say the same as one still waiting are dropped, but for those of
 * special nodes (xen: tools/xenstored/core.c, send_event).
 */
static bool xenstore_msg_is_unique(const XenstoreMsg *msg)
{
    return xenstore_msg_is_event(msg) && msg->len > XENSTORE_HEADER &&
           msg->data[XENSTORE_HEADER] != '@';
}

/* Takes @msg. */
static void xenstore_ring_queue(XenstoreRing *ring, XenstoreMsg *msg)
{
    g_queue_push_tail(&ring->queue, msg);
    ring->queue_bytes += xenstore_msg_cost(msg);
    if (!xenstore_msg_is_event(msg)) {
        ring->replies++;
    } else if (xenstore_msg_is_unique(msg)) {
        g_hash_table_add(ring->events, msg);
    }
}

static void xenstore_ring_dequeue(XenstoreRing *ring)
{
    XenstoreMsg *msg = g_queue_pop_head(&ring->queue);

    ring->queue_bytes -= xenstore_msg_cost(msg);
    if (!xenstore_msg_is_event(msg)) {
        ring->replies--;
    } else if (xenstore_msg_is_unique(msg)) {
        g_hash_table_remove(ring->events, msg);
    }
    ring->head_used = 0;
    g_free(msg);
}

static void xenstore_ring_drop(XenstoreRing *ring)
{
    while (!g_queue_is_empty(&ring->queue)) {
        xenstore_ring_dequeue(ring);
    }
    ring->in_used = 0;
}

/*
 * xen: tools/xenstored/core.c, ignore_connection.  The watches end at the
 * next kick at the latest: here the tree may be in the middle of firing them.
 */
static void xenstore_ring_die(XenstoreRing *ring, uint32_t error)
{
    const HostOps *ops = ring->host->ops;
    struct xenstore_domain_interface *intf =
        ops->mem.page_ptr(ring->host, ring->page);

    ring->dead = true;
    xenstore_ring_drop(ring);
    __atomic_store_n(&intf->error, error, __ATOMIC_RELEASE);
    ops->mem.page_dirty(ring->host, ring->page,
                        offsetof(struct xenstore_domain_interface, error),
                        sizeof(intf->error));
}

/* Moves what fits from the queue to the ring. */
static void xenstore_ring_flush(XenstoreRing *ring)
{
    while (!ring->dead && !g_queue_is_empty(&ring->queue)) {
        XenstoreMsg *msg = g_queue_peek_head(&ring->queue);
        size_t len;

        if (!byte_ring_write(&ring->rsp, msg->data + ring->head_used,
                             msg->len - ring->head_used, &len)) {
            xenstore_ring_die(ring, XENSTORE_ERROR_RINGIDX);
            return;
        }
        if (len == 0) {
            return;
        }
        ring->moved = true;
        ring->head_used += len;
        if (ring->head_used == msg->len) {
            xenstore_ring_dequeue(ring);
        }
    }
}

static void xenstore_ring_notify(XenstoreRing *ring)
{
    if (ring->moved) {
        ring->moved = false;
        ring->notify(ring->opaque);
    }
}

static void xenstore_ring_send(void *opaque, const struct xsd_sockmsg *hdr,
                               const void *payload)
{
    XenstoreRing *ring = opaque;
    XenstoreMsg *msg;

    if (ring->dead) {
        return;
    }
    msg = g_malloc(sizeof(*msg) + sizeof(*hdr) + hdr->len);
    msg->len = sizeof(*hdr) + hdr->len;
    memcpy(msg->data, hdr, sizeof(*hdr));
    if (hdr->len) {
        memcpy(msg->data + sizeof(*hdr), payload, hdr->len);
    }
    if (xenstore_msg_is_event(msg) &&
        (g_hash_table_contains(ring->events, msg) ||
         ring->queue_bytes + xenstore_msg_cost(msg) > XENSTORE_QUEUE_MAX)) {
        g_free(msg);
        return;
    }
    xenstore_ring_queue(ring, msg);
    if (!ring->kicked) {
        xenstore_ring_flush(ring);
        xenstore_ring_notify(ring);
    }
}

/* Bytes still wanted of the request being read: of its header, then of it. */
static size_t xenstore_ring_wanted(const XenstoreRing *ring)
{
    if (ring->in_used < XENSTORE_HEADER) {
        return XENSTORE_HEADER - ring->in_used;
    }
    return XENSTORE_HEADER + xenstore_msg_header(ring->in).len - ring->in_used;
}

/* The request in @ring->in is complete. */
static void xenstore_ring_request(XenstoreRing *ring)
{
    const HostOps *ops = ring->host->ops;
    struct xsd_sockmsg hdr = xenstore_msg_header(ring->in);
    int ret =
        xenstore_conn_request(ring->conn, &hdr, ring->in + XENSTORE_HEADER);

    ring->in_used = 0;
    ops->trace(ring->host, HOST_TRACE_xenstore, hdr.type, hdr.req_id, hdr.len,
               ret);
}

/* Reads up to @budget bytes; false when there is nothing more to be done. */
static bool xenstore_ring_pull(XenstoreRing *ring, size_t *budget)
{
    const HostOps *ops = ring->host->ops;
    size_t len;

    if (ring->dead || ring->replies >= XENSTORE_REPLIES_MAX) {
        return false;
    }
    if (!byte_ring_read(&ring->req, ring->in + ring->in_used,
                        MIN(xenstore_ring_wanted(ring), *budget), &len)) {
        xenstore_ring_die(ring, XENSTORE_ERROR_RINGIDX);
        return false;
    }
    if (len == 0) {
        return false;
    }
    ring->moved = true;
    ring->in_used += len;
    *budget -= len;
    if (ring->in_used == XENSTORE_HEADER) {
        uint32_t payload = xenstore_msg_header(ring->in).len;

        if (payload > XENSTORE_PAYLOAD_MAX) {
            ops->trace(ring->host, HOST_TRACE_ring_error,
                       BYTE_RING_XENSTORE_LENGTH, payload, 0,
                       ops->now_ns(ring->host));
            xenstore_ring_die(ring, XENSTORE_ERROR_PROTO);
            return false;
        }
    }
    if (ring->in_used >= XENSTORE_HEADER && xenstore_ring_wanted(ring) == 0) {
        xenstore_ring_request(ring);
    }
    return true;
}

void xenstore_ring_kick(XenstoreRing *ring)
{
    size_t budget;

    ring->kicked = true;
    xenstore_ring_flush(ring);
    /*
     * What is there now is handled now, which bounds the work; what the guest
     * adds meanwhile comes with a kick of its own.
     */
    if (!ring->dead) {
        if (!byte_ring_used(&ring->req, &budget)) {
            xenstore_ring_die(ring, XENSTORE_ERROR_RINGIDX);
        }
        while (xenstore_ring_pull(ring, &budget)) {
            xenstore_ring_flush(ring);
        }
    }
    ring->kicked = false;
    if (ring->dead) {
        xenstore_conn_reset(ring->conn);
    }
    xenstore_ring_notify(ring);
}

XenstoreRing *xenstore_ring_new(Host *host, HostPage *page, unsigned domid,
                                const XenstoreTreeOps *ops, void *tree,
                                void (*notify)(void *opaque), void *opaque)
{
    XenstoreRing *ring = g_new0(XenstoreRing, 1);

    ring->host = host;
    ring->page = page;
    ring->notify = notify;
    ring->opaque = opaque;
    ring->req = (ByteRing){
        .host = host,
        .page = page,
        .id = BYTE_RING_XENSTORE_REQUEST,
        .size = XENSTORE_RING_SIZE,
        .data = offsetof(struct xenstore_domain_interface, req),
        .cons = offsetof(struct xenstore_domain_interface, req_cons),
        .prod = offsetof(struct xenstore_domain_interface, req_prod),
    };
    ring->rsp = (ByteRing){
        .host = host,
        .page = page,
        .id = BYTE_RING_XENSTORE_REPLY,
        .size = XENSTORE_RING_SIZE,
        .data = offsetof(struct xenstore_domain_interface, rsp),
        .cons = offsetof(struct xenstore_domain_interface, rsp_cons),
        .prod = offsetof(struct xenstore_domain_interface, rsp_prod),
    };
    g_queue_init(&ring->queue);
    ring->events = g_hash_table_new(xenstore_msg_hash, xenstore_msg_equal);
    ring->conn = xenstore_conn_new(domid, ops, tree, xenstore_ring_send, ring);
    xenstore_ring_reset(ring);
    return ring;
}

void xenstore_ring_free(XenstoreRing *ring)
{
    if (!ring) {
        return;
    }
    xenstore_conn_free(ring->conn);
    xenstore_ring_drop(ring);
    g_hash_table_destroy(ring->events);
    g_free(ring);
}

/*
 * The page: no features, connected, no error (xenstored sets none of the
 * three when it takes a domain; xen: tools/xenstored/domain.c, do_introduce).
 */
void xenstore_ring_reset(XenstoreRing *ring)
{
    const HostOps *ops = ring->host->ops;

    xenstore_conn_reset(ring->conn);
    xenstore_ring_drop(ring);
    ring->dead = false;
    ring->moved = false;
    memset(ops->mem.page_ptr(ring->host, ring->page), 0,
           sizeof(struct xenstore_domain_interface));
    ops->mem.page_dirty(ring->host, ring->page, 0,
                        sizeof(struct xenstore_domain_interface));
}

void xenstore_ring_set_domid(XenstoreRing *ring, unsigned domid)
{
    xenstore_conn_set_domid(ring->conn, domid);
}

void xenstore_ring_save(const XenstoreRing *ring, StateWriter *w)
{
    state_put_u64(w, XENSTORE_TAG_DEAD, ring->dead);
    state_put_bytes(w, XENSTORE_TAG_IN, ring->in, ring->in_used);
    state_put_u64(w, XENSTORE_TAG_QUEUE_LEN, ring->queue.length);
    for (GList *l = ring->queue.head; l; l = l->next) {
        const XenstoreMsg *msg = l->data;

        state_put_bytes(w, XENSTORE_TAG_QUEUE_MSG, msg->data, msg->len);
    }
    state_put_u64(w, XENSTORE_TAG_QUEUE_USED, ring->head_used);
    xenstore_conn_save(ring->conn, w);
    state_put_bytes(w, XENSTORE_TAG_END, NULL, 0);
}

/* The part of a request that was read: never a whole one, never too long. */
static bool xenstore_ring_load_in(XenstoreRing *ring, StateReader *r)
{
    g_autoptr(GByteArray) in = state_get_blob(
        r, XENSTORE_TAG_IN, "xenstore ring: request", XENSTORE_MSG_MAX - 1);

    if (!in) {
        return false;
    }
    if (in->len >= XENSTORE_HEADER) {
        uint32_t len = xenstore_msg_header(in->data).len;

        if (len > XENSTORE_PAYLOAD_MAX || in->len >= XENSTORE_HEADER + len) {
            state_reader_fail(r, "xenstore ring: request of %u bytes, %u read",
                              len, in->len);
            return false;
        }
    }
    if (in->len) {
        memcpy(ring->in, in->data, in->len);
    }
    ring->in_used = in->len;
    return true;
}

static bool xenstore_ring_load_msg(XenstoreRing *ring, StateReader *r)
{
    g_autoptr(GByteArray) data = state_get_blob(
        r, XENSTORE_TAG_QUEUE_MSG, "xenstore ring: message", XENSTORE_MSG_MAX);
    XenstoreMsg *msg;

    if (!data) {
        return false;
    }
    if (data->len < XENSTORE_HEADER ||
        xenstore_msg_header(data->data).len != data->len - XENSTORE_HEADER) {
        state_reader_fail(r, "xenstore ring: message of %u bytes is malformed",
                          data->len);
        return false;
    }
    msg = g_malloc(sizeof(*msg) + data->len);
    msg->len = data->len;
    memcpy(msg->data, data->data, data->len);
    xenstore_ring_queue(ring, msg);
    return true;
}

static bool xenstore_ring_load_queue(XenstoreRing *ring, StateReader *r)
{
    uint64_t len =
        state_get_u64(r, XENSTORE_TAG_QUEUE_LEN, "xenstore ring: queue length",
                      XENSTORE_QUEUE_MAX / XENSTORE_HEADER);
    uint64_t head_max = 0;

    for (uint64_t i = 0; i < len; i++) {
        if (!xenstore_ring_load_msg(ring, r)) {
            return false;
        }
    }
    if (ring->replies > XENSTORE_REPLIES_MAX) {
        state_reader_fail(r, "xenstore ring: %u replies wait, %u can",
                          ring->replies, XENSTORE_REPLIES_MAX);
        return false;
    }
    if (len) {
        const XenstoreMsg *head = g_queue_peek_head(&ring->queue);

        head_max = head->len - 1;
    }
    ring->head_used = state_get_u64(r, XENSTORE_TAG_QUEUE_USED,
                                    "xenstore ring: bytes sent", head_max);
    return true;
}

void xenstore_ring_load(XenstoreRing *ring, StateReader *r)
{
    g_autoptr(GByteArray) end = NULL;

    ring->dead = state_get_u64(r, XENSTORE_TAG_DEAD, "xenstore ring: dead", 1);
    if (xenstore_ring_load_in(ring, r) && xenstore_ring_load_queue(ring, r)) {
        xenstore_conn_load(ring->conn, r);
    }
    /* absent after any error before it */
    end = state_get_blob(r, XENSTORE_TAG_END, "xenstore ring: end", 0);
    if (!end) {
        xenstore_ring_reset(ring);
    }
}
