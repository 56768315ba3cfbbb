/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels in the FIFO ABI: a word a port in pages the guest gives, and
 * for each vCPU a control block with the heads of sixteen queues, by priority
 * (xen: common/event_fifo.c; Linux: drivers/xen/events/events_fifo.c has the
 * other side).
 *
 * The guest unlinks, masks and clears words at any time: each is changed with
 * atomic operations only, and nothing is taken from one but its flags.  The
 * queues' tails are kept here, so a corrupted word costs the guest events and
 * us nothing.
 */
#include <inttypes.h>

#include "hw/xen/evtchn-port-internal.h"

#define WORDS_PER_PAGE  ((uint32_t)(HOST_PAGE_SIZE / sizeof(event_word_t)))
#define ARRAY_PAGES_MAX (XEN_PORT_LIMIT / WORDS_PER_PAGE)
/* What the guest may do to a word that is busy makes so many tries fail. */
#define LINK_TRIES 4u

#define BIT(n) ((uint32_t)1 << (n))

typedef struct FifoVcpu {
    HostPage *control; /* pinned; NULL: none */
    uint32_t off;      /* of the control block in the page */
    uint32_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* a port; 0: known to be empty */
} FifoVcpu;

struct XenFifo {
    FifoVcpu vcpus[XEN_DOMAIN_MAX_VCPUS];
    HostPage *array[ARRAY_PAGES_MAX]; /* pinned */
    uint32_t nr_pages;
};

/* A 32-bit word shared with the guest. */
typedef struct Word {
    Host *host;
    HostPage *page;
    size_t off;
    uint32_t *ptr;
} Word;

static Word word_in(const XenDomain *d, HostPage *page, size_t off)
{
    uint8_t *base = d->host->ops->mem.page_ptr(d->host, page);

    return (Word){d->host, page, off, (uint32_t *)(void *)(base + off)};
}

static void word_dirty(const Word *w)
{
    w->host->ops->mem.page_dirty(w->host, w->page, w->off, sizeof(*w->ptr));
}

static uint32_t word_read(const Word *w)
{
    return __atomic_load_n(w->ptr, __ATOMIC_SEQ_CST);
}

static bool word_test(const Word *w, unsigned bit)
{
    return word_read(w) & BIT(bit);
}

static bool word_test_and_set(const Word *w, unsigned bit)
{
    bool was = __atomic_fetch_or(w->ptr, BIT(bit), __ATOMIC_SEQ_CST) & BIT(bit);

    if (!was) {
        word_dirty(w);
    }
    return was;
}

static void word_clear(const Word *w, unsigned bit)
{
    if (__atomic_fetch_and(w->ptr, ~BIT(bit), __ATOMIC_SEQ_CST) & BIT(bit)) {
        word_dirty(w);
    }
}

/* @return: whether the guest gave the page @port's word is in */
static bool port_word(const XenDomain *d, uint32_t port, Word *w)
{
    const XenFifo *f = d->evtchn->fifo;
    uint32_t slot = port / WORDS_PER_PAGE;

    if (slot >= f->nr_pages) {
        return false;
    }
    *w = word_in(d, f->array[slot],
                 port % WORDS_PER_PAGE * sizeof(event_word_t));
    return true;
}

static Word control_word(const XenDomain *d, const FifoVcpu *fv, size_t member)
{
    return word_in(d, fv->control, fv->off + member);
}

static bool word_is(const XenDomain *d, uint32_t port, unsigned bit)
{
    Word w;

    return port_word(d, port, &w) && word_test(&w, bit);
}

static bool fifo_is_pending(const XenDomain *d, uint32_t port)
{
    return word_is(d, port, EVTCHN_FIFO_PENDING);
}

static bool fifo_is_masked(const XenDomain *d, uint32_t port)
{
    Word w;

    return !port_word(d, port, &w) || word_test(&w, EVTCHN_FIFO_MASKED);
}

static bool fifo_is_busy(const XenDomain *d, uint32_t port)
{
    return word_is(d, port, EVTCHN_FIFO_LINKED);
}

static void fifo_init(G_GNUC_UNUSED XenDomain *d, G_GNUC_UNUSED uint32_t port,
                      XenPort *p)
{
    p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
}

static int64_t fifo_set_priority(XenPort *p, uint32_t priority)
{
    if (priority > EVTCHN_FIFO_PRIORITY_MIN) {
        return -XEN_EINVAL;
    }
    p->priority = priority; /* where it is queued now it stays */
    return 0;
}

/*
 * Make @tail, the last of a queue, point to @port, unless the guest took it out
 * of the queue, which is empty then.  While the word is busy the guest does not
 * unmask it, so that only a guest that breaks the protocol makes all tries
 * fail; its event counts as linked (xen: evtchn_fifo_set_link).
 * @return: false: the queue is empty
 */
static bool tail_link(const Word *tail, uint32_t port)
{
    uint32_t seen = word_read(tail);

    for (unsigned i = 0; i <= LINK_TRIES; i++) {
        uint32_t linked =
            (seen & ~(BIT(EVTCHN_FIFO_BUSY) | EVTCHN_FIFO_LINK_MASK)) | port;

        if (!(seen & BIT(EVTCHN_FIFO_LINKED))) {
            if (i > 0) {
                word_clear(tail, EVTCHN_FIFO_BUSY);
            }
            return false;
        }
        if (__atomic_compare_exchange_n(tail->ptr, &seen, linked, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            word_dirty(tail);
            return true;
        }
        if (i == 0) {
            word_test_and_set(tail, EVTCHN_FIFO_BUSY);
            seen = word_read(tail);
        }
    }
    word_clear(tail, EVTCHN_FIFO_BUSY);
    return true;
}

/* Put @port, whose word is LINKED now, at the end of its queue. */
static void queue_append(XenDomain *d, uint32_t port, XenPort *p)
{
    XenFifo *f = d->evtchn->fifo;
    FifoVcpu *fv = &f->vcpus[p->vcpu];
    uint32_t *tail = &fv->tail[p->priority];
    uint32_t *last = &f->vcpus[p->last_vcpu].tail[p->last_priority];
    bool linked;
    Word w;

    /* It was the last one there: linking to it would mix up two queues. */
    if (*last == port) {
        *last = 0;
    }
    p->last_vcpu = p->vcpu;
    p->last_priority = p->priority;
    linked = *tail && port_word(d, *tail, &w) && tail_link(&w, port);
    if (!linked) {
        w = control_word(d, fv,
                         offsetof(struct evtchn_fifo_control_block, head) +
                             p->priority * sizeof(uint32_t));
        __atomic_store_n(w.ptr, port, __ATOMIC_SEQ_CST);
        word_dirty(&w);
    }
    *tail = port;
    w = control_word(d, fv, offsetof(struct evtchn_fifo_control_block, ready));
    if (!linked && !word_test_and_set(&w, p->priority)) {
        xen_upcall_mark(&d->vcpus[p->vcpu]);
    }
}

/*
 * Without a word for it the event is remembered; without a control block it is
 * only marked (xen: evtchn_fifo_set_pending).
 */
static void fifo_set_pending(XenDomain *d, uint32_t port, XenPort *p)
{
    bool was_pending;
    Word w;

    if (!port_word(d, port, &w)) {
        p->missed = true;
        return;
    }
    was_pending = word_test_and_set(&w, EVTCHN_FIFO_PENDING);
    if (d->evtchn->fifo->vcpus[p->vcpu].control &&
        !word_test(&w, EVTCHN_FIFO_MASKED) &&
        !word_test_and_set(&w, EVTCHN_FIFO_LINKED)) {
        queue_append(d, port, p);
    }
    if (!was_pending) {
        xen_check_pollers(d, port);
    }
}

/* The guest takes it out of its queue when it gets there. */
static void fifo_clear_pending(XenDomain *d, uint32_t port,
                               G_GNUC_UNUSED XenPort *p)
{
    Word w;

    if (port_word(d, port, &w)) {
        word_clear(&w, EVTCHN_FIFO_PENDING);
    }
}

static void fifo_unmask(XenDomain *d, uint32_t port, XenPort *p)
{
    Word w;

    if (!port_word(d, port, &w)) {
        return;
    }
    word_clear(&w, EVTCHN_FIFO_MASKED);
    if (word_test(&w, EVTCHN_FIFO_PENDING)) {
        fifo_set_pending(d, port, p);
    }
}

static uint32_t fifo_nr_ports(G_GNUC_UNUSED const XenDomain *d)
{
    return XEN_PORT_LIMIT;
}

const XenPortOps xen_evtchn_fifo_ops = {
    .init = fifo_init,
    .set_pending = fifo_set_pending,
    .clear_pending = fifo_clear_pending,
    .unmask = fifo_unmask,
    .is_pending = fifo_is_pending,
    .is_masked = fifo_is_masked,
    .is_busy = fifo_is_busy,
    .set_priority = fifo_set_priority,
    .nr_ports = fifo_nr_ports,
};

static void page_unpin(XenDomain *d, HostPage *page)
{
    if (page) {
        d->host->ops->mem.page_unpin(d->host, page);
    }
}

/* Back to the 2-level ABI; what is pending in words is lost. */
void xen_fifo_destroy(XenDomain *d)
{
    XenFifo *f = d->evtchn->fifo;

    d->evtchn->ops = &xen_evtchn_2l_ops;
    d->evtchn->fifo = NULL;
    if (!f) {
        return;
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        page_unpin(d, f->vcpus[i].control);
    }
    for (uint32_t i = 0; i < f->nr_pages; i++) {
        page_unpin(d, f->array[i]);
    }
    g_free(f);
}

/* What is pending in shared_info becomes so once there are event words. */
static void switch_to_fifo(XenDomain *d, XenFifo *f)
{
    uint32_t nr = MIN(d->evtchn->nr_valid, xen_evtchn_2l_ops.nr_ports(d));

    for (uint32_t i = 1; i < nr; i++) {
        XenPort *p = xen_port_get(d, i);

        p->missed |= xen_evtchn_2l_ops.is_pending(d, i);
        p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    }
    d->evtchn->fifo = f;
    d->evtchn->ops = &xen_evtchn_fifo_ops;
}

/*
 * The first control block changes the domain's ABI (xen:
 * evtchn_fifo_init_control).
 */
int64_t xen_fifo_init_control(XenCall *c, void *arg)
{
    struct evtchn_init_control *op = arg;
    XenDomain *d = c->d;
    XenFifo *f = d->evtchn->fifo;
    HostPage *page;
    FifoVcpu *fv;

    op->link_bits = EVTCHN_FIFO_LINK_BITS;
    if (op->vcpu >= d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    if (op->offset >
            HOST_PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) ||
        op->offset % sizeof(uint64_t) || (f && f->vcpus[op->vcpu].control)) {
        return -XEN_EINVAL;
    }
    page = d->host->ops->mem.page_pin(d->host, op->control_gfn);
    if (!page) {
        return -XEN_EINVAL;
    }
    if (!f) {
        f = g_new0(XenFifo, 1);
        switch_to_fifo(d, f);
    }
    fv = &f->vcpus[op->vcpu];
    fv->control = page;
    fv->off = op->offset;
    return 0;
}

/* One more page of event words (xen: evtchn_fifo_expand_array). */
int64_t xen_fifo_expand_array(XenCall *c, void *arg)
{
    const struct evtchn_expand_array *op = arg;
    XenDomain *d = c->d;
    XenFifo *f = d->evtchn->fifo;
    uint32_t first;
    HostPage *page;

    if (!f) {
        return -XEN_EOPNOTSUPP;
    }
    if (f->nr_pages == ARRAY_PAGES_MAX) {
        return -XEN_ENOSPC;
    }
    page = d->host->ops->mem.page_pin(d->host, op->array_gfn);
    if (!page) {
        return -XEN_EINVAL;
    }
    f->array[f->nr_pages] = page;
    first = f->nr_pages++ * WORDS_PER_PAGE;
    for (uint32_t i = 0; i < WORDS_PER_PAGE; i++) {
        XenPort *p = xen_port_get(d, first + i);

        if (p && p->missed) {
            p->missed = false;
            xen_port_set_pending(d, first + i);
        }
    }
    return 0;
}

typedef enum FifoTag {
    TAG_FIFO = 0x05c0,
    TAG_CONTROL_MAPPED,
    TAG_CONTROL_OFF,
    TAG_TAIL,
    TAG_NR_PAGES,
} FifoTag;

void xen_fifo_save(XenDomain *d, StateWriter *w)
{
    const XenFifo *f = d->evtchn->fifo;

    state_put_u64(w, TAG_FIFO, f != NULL);
    if (!f) {
        return;
    }
    state_put_u64(w, TAG_NR_PAGES, f->nr_pages);
    for (uint32_t i = 0; i < f->nr_pages; i++) {
        xen_page_save(d, f->array[i], w);
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        const FifoVcpu *fv = &f->vcpus[i];

        state_put_u64(w, TAG_CONTROL_MAPPED, fv->control != NULL);
        if (!fv->control) {
            continue;
        }
        xen_page_save(d, fv->control, w);
        state_put_u64(w, TAG_CONTROL_OFF, fv->off);
        for (unsigned q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
            state_put_u64(w, TAG_TAIL, fv->tail[q]);
        }
    }
}

static void vcpu_load(XenDomain *d, FifoVcpu *fv, StateReader *r)
{
    XenFifo *f = d->evtchn->fifo;
    uint64_t max = f->nr_pages ? f->nr_pages * WORDS_PER_PAGE - 1 : 0;

    if (!state_get_u64(r, TAG_CONTROL_MAPPED, "control block", 1)) {
        return;
    }
    fv->control = xen_page_load(d, "control block", r);
    fv->off = (uint32_t)state_get_u64(
        r, TAG_CONTROL_OFF, "control block offset",
        HOST_PAGE_SIZE - sizeof(struct evtchn_fifo_control_block));
    if (fv->off % sizeof(uint64_t)) {
        state_reader_fail(r, "control block offset: 0x%x is misaligned",
                          fv->off);
    }
    for (unsigned q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
        fv->tail[q] = (uint32_t)state_get_u64(r, TAG_TAIL, "queue tail", max);
    }
}

/* Content of the pages migrated as memory does. */
void xen_fifo_load(XenDomain *d, StateReader *r)
{
    XenFifo *f;
    uint32_t nr;

    if (!state_get_u64(r, TAG_FIFO, "FIFO event channels", 1)) {
        return;
    }
    f = g_new0(XenFifo, 1);
    d->evtchn->fifo = f;
    d->evtchn->ops = &xen_evtchn_fifo_ops;
    nr = (uint32_t)state_get_u64(r, TAG_NR_PAGES, "event array pages",
                                 ARRAY_PAGES_MAX);
    for (uint32_t i = 0; i < nr && !state_reader_failed(r); i++) {
        f->array[i] = xen_page_load(d, "event array page", r);
        f->nr_pages += f->array[i] != NULL;
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        vcpu_load(d, &f->vcpus[i], r);
    }
}
