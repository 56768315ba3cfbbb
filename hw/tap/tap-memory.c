/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap's operations on guest memory.  While it replays, linear addresses lie
 * where the requests say, as there are no page tables.
 */
#include "hw/tap/tap-internal.h"

static const HostMemoryOps *real_ops(const HostTap *tap)
{
    return &tap->real->ops->mem;
}

static size_t page_rest(uint64_t addr, size_t len)
{
    return MIN(len, HOST_PAGE_SIZE - (addr & (HOST_PAGE_SIZE - 1)));
}

/* The logic saw (@wrote: made) guest memory at @gpa to be @buf. */
static void note_phys(HostTap *tap, uint64_t gpa, const uint8_t *buf,
                      size_t len, bool wrote)
{
    while (len) {
        size_t n = page_rest(gpa, len);
        TapPage *page = tap_shadow_at(tap, gpa >> HOST_PAGE_SHIFT);
        size_t off = gpa & (HOST_PAGE_SIZE - 1);

        if (page && wrote) {
            tap_shadow_wrote(page, off, buf, n, tap->shadow.generation);
        } else if (page) {
            tap_shadow_read(tap, page, off, buf, n);
        }
        gpa += n;
        buf += n;
        len -= n;
    }
}

static bool tap_phys_read(Host *host, GuestPhys gpa, void *buf, size_t len)
{
    HostTap *tap = tap_of(host);
    bool ok = real_ops(tap)->phys_read(tap->real, gpa, buf, len);

    if (ok && tap->depth && tap_records(tap)) {
        note_phys(tap, gpa.v, buf, len, false);
    }
    return ok;
}

static bool tap_phys_write(Host *host, GuestPhys gpa, const void *buf,
                           size_t len)
{
    HostTap *tap = tap_of(host);
    bool ok = real_ops(tap)->phys_write(tap->real, gpa, buf, len);

    if (ok && tap_records(tap)) {
        note_phys(tap, gpa.v, buf, len, true);
    }
    tap_did(tap, "%s/%" G_GINT64_MODIFIER "x/%zx/%x", ok ? "phys" : "no-phys",
            gpa.v, len, tap_hash(buf, len));
    return ok;
}

/* One page at most. */
static bool virt_real(HostTap *tap, unsigned vcpu, uint64_t gva, uint8_t *buf,
                      size_t n, bool write)
{
    GuestVirt at = {gva};

    return write ? real_ops(tap)->virt_write(tap->real, vcpu, at, buf, n)
                 : real_ops(tap)->virt_read(tap->real, vcpu, at, buf, n);
}

static bool virt_record(HostTap *tap, unsigned vcpu, uint64_t gva, uint8_t *buf,
                        size_t n, bool write)
{
    bool ok = virt_real(tap, vcpu, gva, buf, n, write);
    uint64_t gfn, frame = TAP_NOWHERE;

    if (!tap->depth) {
        return ok;
    }
    if (tap->hooks->translate(tap->opaque, vcpu, gva, &gfn)) {
        frame = gfn << 1 | (write && !ok ? TAP_READ_ONLY : 0);
    }
    if (frame == TAP_NOWHERE || write ||
        tap_shadow_lookup(tap, gva >> HOST_PAGE_SHIFT) >> 1 != gfn) {
        tap_shadow_frame(tap, gva >> HOST_PAGE_SHIFT, frame);
    }
    if (ok && frame != TAP_NOWHERE) {
        note_phys(tap, gfn << HOST_PAGE_SHIFT | (gva & (HOST_PAGE_SIZE - 1)),
                  buf, n, write);
    }
    return ok;
}

static bool virt_replay(HostTap *tap, unsigned vcpu, uint64_t gva, uint8_t *buf,
                        size_t n, bool write)
{
    uint64_t frame = tap_shadow_lookup(tap, gva >> HOST_PAGE_SHIFT);
    GuestPhys gpa = {frame >> 1 << HOST_PAGE_SHIFT |
                     (gva & (HOST_PAGE_SIZE - 1))};

    if (!tap->depth) {
        return virt_real(tap, vcpu, gva, buf, n, write);
    }
    if (frame == TAP_NOWHERE || (write && (frame & TAP_READ_ONLY))) {
        return false;
    }
    return write ? real_ops(tap)->phys_write(tap->real, gpa, buf, n)
                 : real_ops(tap)->phys_read(tap->real, gpa, buf, n);
}

static bool virt_access(HostTap *tap, unsigned vcpu, uint64_t gva, uint8_t *buf,
                        size_t len, bool write)
{
    while (len) {
        size_t n = page_rest(gva, len);

        if (!(tap_records(tap) ? virt_record(tap, vcpu, gva, buf, n, write)
                               : virt_replay(tap, vcpu, gva, buf, n, write))) {
            return false;
        }
        gva += n;
        buf += n;
        len -= n;
    }
    return true;
}

static bool tap_virt_read(Host *host, unsigned vcpu, GuestVirt gva, void *buf,
                          size_t len)
{
    return virt_access(tap_of(host), vcpu, gva.v, buf, len, false);
}

static bool tap_virt_write(Host *host, unsigned vcpu, GuestVirt gva,
                           const void *buf, size_t len)
{
    HostTap *tap = tap_of(host);
    bool ok = virt_access(tap, vcpu, gva.v, (uint8_t *)buf, len, true);

    tap_did(tap, "%s/%" G_GINT64_MODIFIER "x/%zx/%x", ok ? "virt" : "no-virt",
            gva.v, len, tap_hash(buf, len));
    return ok;
}

/* Pages */

static HostPage *pinned(HostTap *tap, HostPage *pin)
{
    TapPage *page;

    if (!pin) {
        return NULL;
    }
    page = tap_shadow_add(tap, pin, false);
    if (tap->depth && tap_records(tap)) {
        tap_shadow_read(tap, page, 0, page->ptr, HOST_PAGE_SIZE);
    }
    return pin;
}

static HostPage *tap_page_pin(Host *host, uint64_t gfn)
{
    HostTap *tap = tap_of(host);

    return pinned(tap, real_ops(tap)->page_pin(tap->real, gfn));
}

static HostPage *tap_page_pin_named(Host *host, const char *name)
{
    HostTap *tap = tap_of(host);

    return pinned(tap, real_ops(tap)->page_pin_named(tap->real, name));
}

static void tap_page_unpin(Host *host, HostPage *pin)
{
    HostTap *tap = tap_of(host);

    tap_shadow_remove(tap, pin, false);
    real_ops(tap)->page_unpin(tap->real, pin);
}

static void *tap_page_ptr(Host *host, HostPage *page)
{
    HostTap *tap = tap_of(host);

    return real_ops(tap)->page_ptr(tap->real, page);
}

static void tap_page_dirty(Host *host, HostPage *handle, size_t off, size_t len)
{
    HostTap *tap = tap_of(host);
    TapPage *page = g_hash_table_lookup(tap->shadow.of_host, handle);
    const uint8_t *data;

    real_ops(tap)->page_dirty(tap->real, handle, off, len);
    if (!page) {
        return; /* an alias: what it shows is pinned */
    }
    data = (const uint8_t *)page->ptr + off;
    tap_shadow_wrote(page, off, data, len, tap->shadow.generation);
    tap_did(tap, "page/%zx/%zx/%x/%s", off, len, tap_hash(data, len),
            page->name);
}

static char *tap_page_name(Host *host, HostPage *page)
{
    HostTap *tap = tap_of(host);

    return real_ops(tap)->page_name(tap->real, page);
}

/* Frames */

static bool tap_frame_set(Host *host, uint64_t gfn, uint64_t home)
{
    HostTap *tap = tap_of(host);
    bool ok = real_ops(tap)->frame_set(tap->real, gfn, home);

    tap_shadow_moved(tap);
    tap_did(tap, "%s/%" G_GINT64_MODIFIER "x/%" G_GINT64_MODIFIER "x",
            ok ? "frame" : "no-frame", gfn, home);
    return ok;
}

static void tap_frames_sync(Host *host)
{
    HostTap *tap = tap_of(host);

    tap_shadow_moved(tap);
    real_ops(tap)->frames_sync(tap->real);
}

static void tap_frames_reset(Host *host)
{
    HostTap *tap = tap_of(host);

    tap_shadow_moved(tap);
    real_ops(tap)->frames_reset(tap->real);
}

static void tap_frame_clear(Host *host, uint64_t home)
{
    HostTap *tap = tap_of(host);

    tap_shadow_lost(tap);
    tap_did(tap, "clear/%" G_GINT64_MODIFIER "x", home);
    real_ops(tap)->frame_clear(tap->real, home);
}

static bool tap_frame_pinned(Host *host, uint64_t home)
{
    HostTap *tap = tap_of(host);

    return real_ops(tap)->frame_pinned(tap->real, home);
}

/* Overlays and aliases */

static HostPage *tap_overlay_new(Host *host, const char *name)
{
    HostTap *tap = tap_of(host);
    HostPage *page = real_ops(tap)->overlay_new(tap->real, name);

    if (page) {
        tap_shadow_add(tap, page, true);
    }
    return page;
}

static bool tap_overlay_map(Host *host, HostPage *page, uint64_t gfn)
{
    HostTap *tap = tap_of(host);
    bool ok = real_ops(tap)->overlay_map(tap->real, page, gfn);

    tap_shadow_map(tap, page, ok);
    tap_did(tap, "%s/%" G_GINT64_MODIFIER "x", ok ? "overlay" : "no-overlay",
            gfn);
    return ok;
}

static void tap_overlay_unmap(Host *host, HostPage *page)
{
    HostTap *tap = tap_of(host);

    real_ops(tap)->overlay_unmap(tap->real, page);
    tap_shadow_map(tap, page, false);
    tap_did(tap, "overlay/-");
}

static void tap_overlay_free(Host *host, HostPage *page)
{
    HostTap *tap = tap_of(host);

    tap_shadow_remove(tap, page, true);
    real_ops(tap)->overlay_free(tap->real, page);
}

static HostPage *tap_alias_map(Host *host, HostPage *pin, uint64_t gfn,
                               bool read_only)
{
    HostTap *tap = tap_of(host);
    HostPage *alias = real_ops(tap)->alias_map(tap->real, pin, gfn, read_only);

    tap_shadow_moved(tap);
    tap_did(tap, "%s/%" G_GINT64_MODIFIER "x/%d", alias ? "alias" : "no-alias",
            gfn, read_only);
    return alias;
}

static void tap_alias_unmap(Host *host, HostPage *alias)
{
    HostTap *tap = tap_of(host);

    tap_shadow_moved(tap);
    tap_did(tap, "alias/-");
    real_ops(tap)->alias_unmap(tap->real, alias);
}

void tap_memory_ops(HostTap *tap)
{
    tap->ops.mem = (HostMemoryOps){
        .phys_read = tap_phys_read,
        .phys_write = tap_phys_write,
        .virt_read = tap_virt_read,
        .virt_write = tap_virt_write,
        .page_pin = tap_page_pin,
        .page_unpin = tap_page_unpin,
        .page_ptr = tap_page_ptr,
        .page_dirty = tap_page_dirty,
        .page_name = tap_page_name,
        .page_pin_named = tap_page_pin_named,
        .frame_set = tap_frame_set,
        .frames_sync = tap_frames_sync,
        .frames_reset = tap_frames_reset,
        .frame_clear = tap_frame_clear,
        .frame_pinned = tap_frame_pinned,
        .overlay_new = tap_overlay_new,
        .overlay_map = tap_overlay_map,
        .overlay_unmap = tap_overlay_unmap,
        .overlay_free = tap_overlay_free,
        .alias_map = tap_alias_map,
        .alias_unmap = tap_alias_unmap,
    };
}
