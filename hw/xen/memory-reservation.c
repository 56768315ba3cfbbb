/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op: giving memory back to Xen and getting it again (xen:
 * common/memory.c; common/compat/memory.c).
 *
 * DEVIATION: memory has no machine addresses: mem_flags' address bits and
 * nodes are checked and then mean nothing.
 */
#include "hw/xen/memory-internal.h"

/* A reservation, in either layout. */
typedef struct Reservation {
    uint64_t list; /* linear address of the extents' first frames */
    uint64_t nr;
    uint32_t order, flags;
    uint16_t domid;
} Reservation;

static Reservation reservation_from(const XenCall *c, const void *arg)
{
    const struct xen_memory_reservation *native = arg;
    const XenCompatMemoryReservation *compat = arg;

    return c->compat
               ? (Reservation){compat->extent_start, compat->nr_extents,
                               compat->extent_order, compat->mem_flags,
                               compat->domid}
               : (Reservation){(uint64_t)(uintptr_t)native->extent_start.p,
                               native->nr_extents, native->extent_order,
                               native->mem_flags, native->domid};
}

static size_t reservation_size(const XenCall *c)
{
    return c->compat ? sizeof(XenCompatMemoryReservation)
                     : sizeof(struct xen_memory_reservation);
}

/*
 * Frames @first to @first + @n of the list.
 * @return: how many could be read from the first on
 */
static unsigned list_read(XenCall *c, const Reservation *r, uint64_t first,
                          unsigned n, uint64_t *gfns)
{
    size_t size = c->compat ? sizeof(uint32_t) : sizeof(uint64_t);
    uint64_t at = r->list + first * size;
    uint32_t narrow[XEN_MEMOP_BATCH];
    uint8_t *buf = c->compat ? (uint8_t *)narrow : (uint8_t *)gfns;
    unsigned got = n;

    if (!xen_copy_in(c, at, buf, n * size)) {
        for (got = 0; got < n; got++) {
            if (!xen_copy_in(c, at + got * size, buf + got * size, size)) {
                break;
            }
        }
    }
    for (unsigned i = 0; c->compat && i < got; i++) {
        gfns[i] = narrow[i];
    }
    return got;
}

/* xen: guest_remove_page; an overlay goes, and the memory beneath as well. */
static bool extent_remove(XenDomain *d, uint64_t gfn, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++) {
        XenOverlay *o = xen_overlay_at(d, gfn + i);

        if (o) {
            xen_overlay_unmap(d, o);
        }
        if (xen_physmap_remove(d->memory->physmap, gfn + i, true) && !o) {
            return false;
        }
    }
    return true;
}

/*
 * In place of an overlay comes the memory beneath, which on Xen had been given
 * back when the overlay came: it is as new.
 */
static int page_populate(XenDomain *d, uint64_t gfn)
{
    XenPhysmap *p = d->memory->physmap;
    XenOverlay *o = xen_overlay_at(d, gfn);
    uint64_t home = xen_physmap_get(p, gfn);
    int ret;

    if (o && home != HOST_NO_FRAME) {
        xen_overlay_unmap(d, o);
        d->host->ops->mem.frame_clear(d->host, home);
        return 0;
    }
    ret = xen_physmap_populate(p, gfn);
    if (!ret && o) {
        xen_overlay_unmap(d, o);
    }
    return ret;
}

/* All of the extent or, if Xen has not that much for us, nothing. */
static bool extent_populate(XenDomain *d, uint64_t gfn, uint64_t nr)
{
    XenPhysmap *p = d->memory->physmap;
    uint64_t i;

    if (d->cfg.nr_pages - xen_physmap_nr_pages(p) < nr) {
        return false;
    }
    for (i = 0; i < nr; i++) {
        if (page_populate(d, gfn + i)) {
            break;
        }
    }
    if (i == nr) {
        return true;
    }
    while (i--) {
        xen_physmap_remove(p, gfn + i, true);
    }
    return false;
}

/* Memory the guest has not seen: it is not in its physmap. */
static bool extent_increase(XenDomain *d, uint64_t nr)
{
    XenPhysmap *p = d->memory->physmap;

    if (d->cfg.nr_pages - xen_physmap_nr_pages(p) < nr) {
        return false;
    }
    while (nr--) {
        xen_physmap_allocate(p);
    }
    return true;
}

/*
 * Extents from @i on, as many as one call may do.
 * @return: the first that is not done
 */
static uint64_t extents_do(XenCall *c, uint32_t cmd, const Reservation *r,
                           uint64_t i)
{
    uint64_t pages = (uint64_t)1 << r->order, gfns[XEN_MEMOP_BATCH];
    unsigned n = (unsigned)MIN(r->nr - i, XEN_MEMOP_BATCH >> r->order);
    bool lists = cmd != XENMEM_increase_reservation;
    unsigned got = lists ? list_read(c, r, i, n, gfns) : n;

    for (unsigned k = 0; k < got; k++) {
        bool ok = cmd == XENMEM_decrease_reservation
                      ? extent_remove(c->d, gfns[k], pages)
                  : cmd == XENMEM_populate_physmap
                      ? extent_populate(c->d, gfns[k], pages)
                      : extent_increase(c->d, pages);

        if (!ok) {
            return i + k;
        }
    }
    i += got;
    if (got == n && i < r->nr) {
        xen_memop_continue(c, i);
    }
    return i;
}

/* Enough bits to name any page of the machine's. */
static unsigned machine_address_bits(const XenDomain *d)
{
    return HOST_PAGE_SHIFT + g_bit_storage(d->cfg.nr_pages - 1);
}

#define NUMA_NO_NODE 0xffu

/* No guest may insist on a node (xen: propagate_node). */
static bool node_allowed(uint32_t flags)
{
    return !(flags & XENMEMF_exact_node_request) ||
           XENMEMF_get_node(flags) == NUMA_NO_NODE;
}

static bool reservation_valid(const XenCall *c, uint32_t cmd,
                              const Reservation *r)
{
    unsigned bits = XENMEMF_get_address_bits(r->flags);

    if (bits && bits < machine_address_bits(c->d) && bits <= HOST_PAGE_SHIFT) {
        return false;
    }
    if (!(r->flags & XENMEMF_vnode) && !node_allowed(r->flags)) {
        return false;
    }
    /* Nobody has himself populated on demand. */
    return !(cmd == XENMEM_populate_physmap &&
             (r->flags & XENMEMF_populate_on_demand)) &&
           r->order <= XEN_DOMU_MAX_ORDER;
}

/*
 * increase_reservation, decrease_reservation, populate_physmap.
 * @return: how many extents are done, whatever went wrong with the next
 */
int64_t xen_memop_reservation(XenCall *c, uint32_t cmd)
{
    uint64_t start = xen_memop_extent(c), arg[4] = {0};
    Reservation r;

    if (!xen_copy_in(c, c->args[1], arg, reservation_size(c))) {
        return (int64_t)start;
    }
    r = reservation_from(c, arg);
    if (r.nr > XEN_MEMOP_EXTENT_MAX || start >= r.nr ||
        xen_domid_check(c, r.domid) || !reservation_valid(c, cmd, &r)) {
        return (int64_t)start;
    }
    return (int64_t)extents_do(c, cmd, &r, start);
}

typedef struct Exchange {
    Reservation in, out;
    uint64_t nr_exchanged;
} Exchange;

/* Xen's bounce buffer for 32-bit lists: two pages, less the argument. */
#define COMPAT_XLAT_BYTES (2 * HOST_PAGE_SIZE - 72)

/* xen: compat_memory_op, which looks at the sizes in 32 bits first */
static int64_t exchange_check_compat(const Exchange *x)
{
    unsigned in = x->in.order, out = x->out.order;
    unsigned delta = in < out ? out - in : in - out;

    if (x->nr_exchanged > x->in.nr ||
        (in < out && delta < 32 &&
         x->nr_exchanged & (((uint64_t)1 << delta) - 1)) ||
        in >= 32 || out >= 32 || UINT32_MAX >> in < x->in.nr ||
        UINT32_MAX >> out < x->out.nr ||
        (uint32_t)(x->in.nr << in) != (uint32_t)(x->out.nr << out)) {
        return -XEN_EINVAL;
    }
    return COMPAT_XLAT_BYTES / ((((uint64_t)1 << delta) + 1) * 8) ? 0
                                                                  : -XEN_E2BIG;
}

static int64_t exchange_check(XenCall *c, const Exchange *x)
{
    if (MAX(x->in.order, x->out.order) > XEN_DOMU_MAX_ORDER) {
        return -XEN_EPERM;
    }
    if (x->nr_exchanged > x->in.nr || x->in.domid != x->out.domid ||
        UINT64_MAX >> x->in.order < x->in.nr ||
        UINT64_MAX >> x->out.order < x->out.nr ||
        x->in.nr << x->in.order != x->out.nr << x->out.order) {
        return -XEN_EINVAL;
    }
    if (x->nr_exchanged == x->in.nr) {
        return 0; /* whose they are does not matter */
    }
    return node_allowed(x->out.flags) ? xen_domid_check(c, x->in.domid)
                                      : -XEN_EINVAL;
}

/*
 * Pages cannot be exchanged by a domain that does not see machine frames (xen:
 * arch/x86/mm.c, steal_page): -XEN_EOPNOTSUPP at the first that exists.
 */
static int64_t exchange_first(XenCall *c, const Exchange *x)
{
    uint64_t gfn;

    if (x->nr_exchanged == x->in.nr) {
        return 0;
    }
    if (list_read(c, &x->in, x->nr_exchanged, 1, &gfn) != 1) {
        return -XEN_EFAULT;
    }
    return xen_physmap_get(c->d->memory->physmap, gfn) == HOST_NO_FRAME &&
                   !xen_overlay_at(c->d, gfn)
               ? -XEN_EINVAL
               : -XEN_EOPNOTSUPP;
}

int64_t xen_memop_exchange(XenCall *c, G_GNUC_UNUSED void *arg)
{
    struct xen_memory_exchange native;
    XenCompatMemoryExchange compat;
    Exchange x;
    int64_t ret = 0;
    uint64_t at = c->args[1];

    if (!(c->compat ? xen_copy_in(c, at, &compat, sizeof(compat))
                    : xen_copy_in(c, at, &native, sizeof(native)))) {
        return -XEN_EFAULT;
    }
    if (c->compat) {
        x = (Exchange){reservation_from(c, &compat.in),
                       reservation_from(c, &compat.out), compat.nr_exchanged};
        ret = exchange_check_compat(&x);
        if (ret) {
            return ret;
        }
        at += offsetof(XenCompatMemoryExchange, nr_exchanged);
    } else {
        x = (Exchange){reservation_from(c, &native.in),
                       reservation_from(c, &native.out), native.nr_exchanged};
        at += offsetof(struct xen_memory_exchange, nr_exchanged);
    }
    ret = exchange_check(c, &x);
    if (!ret) {
        ret = exchange_first(c, &x);
    }
    if ((ret == 0 || !c->compat) &&
        !xen_copy_out(c, at, &x.nr_exchanged,
                      c->compat ? sizeof(uint32_t) : sizeof(uint64_t))) {
        return -XEN_EFAULT;
    }
    return ret;
}

/*
 * @return: -XEN_EPERM for the domains that exist; no guest may claim memory.
 * Xen has no such operation for 32-bit callers (xen: common/compat/memory.c).
 */
int64_t xen_memop_claim_pages(XenCall *c, G_GNUC_UNUSED void *arg)
{
    struct xen_memory_reservation native;
    Reservation r;

    if (c->compat) {
        return -XEN_ENOSYS;
    }
    if (xen_memop_extent(c)) {
        return -XEN_EINVAL;
    }
    if (!xen_copy_in(c, c->args[1], &native, sizeof(native))) {
        return -XEN_EFAULT;
    }
    r = reservation_from(c, &native);
    if (r.list || r.order || r.flags ||
        (r.domid != 0 && r.domid != c->d->cfg.domid)) {
        return -XEN_EINVAL;
    }
    return -XEN_EPERM;
}
