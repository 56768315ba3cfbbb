/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of HostOps that is guest memory: bytes, pages, frames, overlays.
 */
#ifndef JUMPCUT_HW_HOST_MEMORY_H
#define JUMPCUT_HW_HOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_PAGE_SHIFT 12
#define HOST_PAGE_SIZE  ((size_t)1 << HOST_PAGE_SHIFT)

/* No guest frame. */
#define HOST_NO_FRAME UINT64_MAX

/* Guest addresses cannot be dereferenced, and the two kinds cannot be mixed. */
typedef struct GuestPhys {
    uint64_t v; /* guest physical address, bytes */
} GuestPhys;

typedef struct GuestVirt {
    uint64_t v; /* guest virtual (linear) address, bytes */
} GuestVirt;

typedef struct Host Host;
typedef struct HostPage HostPage;

typedef struct HostMemoryOps {
    /*
     * Guest physical memory.  Only RAM (overlays included) can be reached;
     * @return: false, with nothing written, if any byte lies elsewhere.
     */
    bool (*phys_read)(Host *host, GuestPhys gpa, void *buf, size_t len);
    bool (*phys_write)(Host *host, GuestPhys gpa, const void *buf, size_t len);

    /*
     * Memory at a linear address of @vcpu, by its current page tables with
     * supervisor rights.
     * @return: false on a page that is absent, not RAM or (write) read-only;
     * a write may then have changed earlier pages, as Xen's copy_to_guest().
     */
    bool (*virt_read)(Host *host, unsigned vcpu, GuestVirt gva, void *buf,
                      size_t len);
    bool (*virt_write)(Host *host, unsigned vcpu, GuestVirt gva,
                       const void *buf, size_t len);

    /*
     * Pin the RAM page at guest frame @gfn (an overlay counts as RAM): the
     * pointer page_ptr() gives stays good until page_unpin().
     * @return: NULL if the frame is not writable RAM.
     */
    HostPage *(*page_pin)(Host *host, uint64_t gfn);
    void (*page_unpin)(Host *host, HostPage *page);
    /* Host pointer to the HOST_PAGE_SIZE bytes of a pinned or overlay page. */
    void *(*page_ptr)(Host *host, HostPage *page);
    /* Tell that [off, off + len) was changed through page_ptr(). */
    void (*page_dirty)(Host *host, HostPage *page, size_t off, size_t len);
    /*
     * What the memory of a pinned page or alias is called here and in the
     * process a migration leads to, wherever it lies in guest memory, or
     * nowhere; to be freed.  page_pin_named() pins the page called so.
     * @return: NULL if there is no writable RAM of that name.
     */
    char *(*page_name)(Host *host, HostPage *page);
    HostPage *(*page_pin_named)(Host *host, const char *name);

    /*
     * Which page of the guest's RAM lies at a guest frame.  A page is named by
     * its home, the frame it lies at after frames_reset().  HOST_NO_FRAME for
     * @home: nothing lies at @gfn, reads give all ones, writes are lost and
     * the calls above fail.  Pins and overlays stay as they are, overlays on
     * top.  vCPUs may see what was before until frames_sync().
     * @return: false, and nothing changed, if @gfn can have no RAM.
     */
    bool (*frame_set)(Host *host, uint64_t gfn, uint64_t home);
    void (*frames_sync)(Host *host);
    void (*frames_reset)(Host *host);
    /* The page of home @home becomes zeroes; it may lie anywhere, or nowhere:
     * then memory of the real host's is given back where that is possible. */
    void (*frame_clear)(Host *host, uint64_t home);
    /* Is the page of home @home pinned? */
    bool (*frame_pinned)(Host *host, uint64_t home);

    /*
     * Overlay pages: zeroed RAM that belongs to the hypervisor and can be
     * laid over a guest frame; the memory beneath keeps its content.  A page
     * is mapped at most once; mapping it again moves it.  page_ptr() and
     * page_dirty() work on it, mapped or not.  @name is unique, and the page's
     * content migrates under it.
     */
    HostPage *(*overlay_new)(Host *host, const char *name); /* NULL: none */
    bool (*overlay_map)(Host *host, HostPage *page, uint64_t gfn);
    void (*overlay_unmap)(Host *host, HostPage *page);
    void (*overlay_free)(Host *host, HostPage *page);

    /*
     * Show the pinned page @pin at guest frame @gfn too, over what is there.
     * The alias keeps the memory alive, as a pin does.
     * @return: NULL if there can be nothing at @gfn.
     */
    HostPage *(*alias_map)(Host *host, HostPage *pin, uint64_t gfn,
                           bool read_only);
    void (*alias_unmap)(Host *host, HostPage *alias);
} HostMemoryOps;

#endif
