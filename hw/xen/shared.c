/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory a running guest shares with us: vcpu_info and the event channel bits,
 * changed with atomic operations only, in the guest's layout.
 */
#include <string.h>

#include "hw/xen/domain-internal.h"

/*
 * Bits are numbered alike in arrays of bytes and of little-endian words, so
 * that one set of operations serves both layouts.
 */
bool xen_bit_test(const uint8_t *bits, unsigned bit)
{
    return __atomic_load_n(&bits[bit / 8], __ATOMIC_SEQ_CST) &
           (1u << (bit % 8));
}

bool xen_bit_test_and_set(uint8_t *bits, unsigned bit)
{
    uint8_t mask = 1u << (bit % 8);

    return __atomic_fetch_or(&bits[bit / 8], mask, __ATOMIC_SEQ_CST) & mask;
}

bool xen_bit_test_and_clear(uint8_t *bits, unsigned bit)
{
    uint8_t mask = 1u << (bit % 8);

    return __atomic_fetch_and(&bits[bit / 8], (uint8_t)~mask,
                              __ATOMIC_SEQ_CST) &
           mask;
}

/* Bits in a word of the guest's: 64 or 32. */
unsigned xen_word_bits(const XenDomain *d)
{
    return d->shinfo_32 ? 32 : 64;
}

size_t xen_pending_offset(const XenDomain *d)
{
    return d->shinfo_32 ? offsetof(XenCompatSharedInfo, evtchn_pending)
                        : offsetof(struct shared_info, evtchn_pending);
}

size_t xen_mask_offset(const XenDomain *d)
{
    return d->shinfo_32 ? offsetof(XenCompatSharedInfo, evtchn_mask)
                        : offsetof(struct shared_info, evtchn_mask);
}

/* Within vcpu_info. */
size_t xen_pending_sel_offset(const XenDomain *d)
{
    return d->shinfo_32 ? offsetof(XenCompatVcpuInfo, evtchn_pending_sel)
                        : offsetof(struct vcpu_info, evtchn_pending_sel);
}

void xen_shared_info_dirty(XenDomain *d, size_t off, size_t len)
{
    d->host->ops->mem.page_dirty(d->host, d->shared_info.page, off, len);
}

/* [off, off + len) of @v's vcpu_info was changed. */
void xen_vcpu_info_dirty(XenVcpu *v, size_t off, size_t len)
{
    if (v->info_page) {
        v->d->host->ops->mem.page_dirty(v->d->host, v->info_page,
                                        v->info_off + off, len);
    }
}

bool xen_upcall_pending(const XenVcpu *v)
{
    const uint8_t *pending =
        v->info + offsetof(struct vcpu_info, evtchn_upcall_pending);

    return __atomic_load_n(pending, __ATOMIC_SEQ_CST) != 0;
}

/*
 * Back to the slot in shared_info, or, for vCPUs that have none, to a dummy
 * the guest never sees (xen: common/domain.c, vcpu_info_reset).
 */
void xen_vcpu_info_reset(XenVcpu *v)
{
    XenDomain *d = v->d;

    if (v->info_registered) {
        d->host->ops->mem.page_unpin(d->host, v->info_page);
    }
    v->info_registered = false;
    if (v->id < XEN_LEGACY_MAX_VCPUS) {
        v->info_page = d->shared_info.page;
        v->info_off = (size_t)v->id * XEN_VCPU_INFO_SIZE;
        v->info = d->shared_info.ptr + v->info_off;
    } else {
        v->info_page = NULL;
        v->info_off = 0;
        v->info = v->dummy_info;
    }
    memset(v->dummy_info, 0, sizeof(v->dummy_info));
}

/* Xen 4.17 checks the offset first, later versions the registration. */
static int64_t check_registration(const XenVcpu *v, uint32_t off,
                                  const XenVcpu *caller)
{
    uint32_t align = v->d->shinfo_32 ? 4 : 8;
    bool old_order = v->d->cfg.version_minor < XEN_MINOR_PHYS_AREAS;

    if (!old_order && off >= HOST_PAGE_SIZE) {
        return -XEN_EINVAL;
    }
    if (!old_order && v->info_registered) {
        return -XEN_EBUSY;
    }
    if (off > HOST_PAGE_SIZE - XEN_VCPU_INFO_SIZE || off % align) {
        return -XEN_ENXIO;
    }
    if (old_order && (v->info_registered || (v != caller && !v->down))) {
        return -XEN_EINVAL;
    }
    return 0;
}

/*
 * Take @v's vcpu_info from byte @off of the pinned @page on, which is @v's from
 * now on; its content stays as it is.
 */
void xen_vcpu_info_attach(XenVcpu *v, HostPage *page, uint32_t off)
{
    Host *host = v->d->host;

    v->info = (uint8_t *)host->ops->mem.page_ptr(host, page) + off;
    v->info_page = page;
    v->info_off = off;
    v->info_registered = true;
}

/*
 * Move @v's vcpu_info to byte @off of guest frame @gfn, for good.
 * @return: 0; -XEN_ENXIO: it crosses the page or is misaligned; -XEN_EINVAL:
 * no writable RAM (later -XEN_EACCES if it can be read), for 4.17 also a second
 * registration (later -XEN_EBUSY) and a vCPU that is up and not @caller.
 * Source: xen 4.17 common/domain.c, map_vcpu_info; 4.18 map_guest_area.
 */
int64_t xen_vcpu_info_register(XenVcpu *v, uint64_t gfn, uint32_t off,
                               const XenVcpu *caller)
{
    XenDomain *d = v->d;
    uint8_t old[XEN_VCPU_INFO_SIZE] = {0};
    int64_t ret = check_registration(v, off, caller);
    HostPage *page;

    if (ret) {
        return ret;
    }
    page = d->host->ops->mem.page_pin(d->host, gfn);
    if (!page) {
        return xen_frame_error(d, gfn);
    }
    if (v->info_page) {
        memcpy(old, v->info, sizeof(old)); /* the dummy's is not the guest's */
    }
    xen_vcpu_info_attach(v, page, off);
    memcpy(v->info, old, sizeof(old));
    /*
     * Events may have been marked in the old place since the copy; all words
     * are selected so that the guest finds them.
     */
    memset(v->info + xen_pending_sel_offset(d), 0xff, xen_word_bits(d) / 8);
    xen_vcpu_info_dirty(v, 0, XEN_VCPU_INFO_SIZE);
    xen_upcall_mark(v);
    return 0;
}
