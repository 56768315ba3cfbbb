/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory of the fake host: sparse frames, marks, pins and overlays. */
#include "tests/unit/fake-host-internal.h"

#include <inttypes.h>
#include <string.h>

/* First frame beyond a 52-bit physical address space. */
#define FAKE_GFN_END ((uint64_t)1 << (52 - HOST_PAGE_SHIFT))

static void backing_unref(void *backing)
{
    g_rc_box_release(backing);
}

static void page_free(HostPage *page)
{
    backing_unref(page->backing);
    g_free(page->name);
    g_free(page);
}

void fake_memory_init(FakeMemory *mem, uint64_t nr_frames)
{
    mem->nr_frames = nr_frames;
    mem->frames = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                        backing_unref);
    mem->marks =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    mem->homes =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    mem->overlays = g_ptr_array_new();
    mem->mapped = g_ptr_array_new();
    mem->pins = g_ptr_array_new();
    mem->aliases = g_ptr_array_new();
}

void fake_memory_destroy(FakeMemory *mem)
{
    g_hash_table_unref(mem->frames);
    g_hash_table_unref(mem->marks);
    g_hash_table_unref(mem->homes);
    g_ptr_array_unref(mem->overlays);
    g_ptr_array_unref(mem->mapped);
    g_ptr_array_unref(mem->pins);
    g_ptr_array_unref(mem->aliases);
}

uint64_t *fake_key_new(uint64_t gfn)
{
    return g_memdup2(&gfn, sizeof(gfn));
}

static HostPage *overlay_at(FakeMemory *mem, uint64_t gfn)
{
    for (unsigned i = mem->mapped->len; i > 0; i--) {
        HostPage *page = mem->mapped->pdata[i - 1];

        if (page->gfn == gfn) {
            return page;
        }
    }
    return NULL;
}

/* Home of the page that lies at @gfn; HOST_NO_FRAME: somebody took it. */
static uint64_t home_at(FakeMemory *mem, uint64_t gfn)
{
    const uint64_t *home = g_hash_table_lookup(mem->homes, &gfn);

    return home ? *home : gfn;
}

static FakeFrame frame_kind(FakeMemory *mem, uint64_t gfn)
{
    const HostPage *overlay = overlay_at(mem, gfn);
    void *kind;

    if (overlay) {
        return overlay->read_only ? FAKE_FRAME_READONLY : FAKE_FRAME_RAM;
    }
    if (g_hash_table_contains(mem->homes, &gfn)) {
        return home_at(mem, gfn) == HOST_NO_FRAME ? FAKE_FRAME_ABSENT
                                                  : FAKE_FRAME_RAM;
    }
    if (g_hash_table_lookup_extended(mem->marks, &gfn, NULL, &kind)) {
        return GPOINTER_TO_UINT(kind);
    }
    return gfn < mem->nr_frames ? FAKE_FRAME_RAM : FAKE_FRAME_ABSENT;
}

static FakeBacking *backing_of(FakeMemory *mem, uint64_t home)
{
    FakeBacking *backing = g_hash_table_lookup(mem->frames, &home);

    if (!backing) {
        backing = g_rc_box_new0(FakeBacking);
        g_hash_table_insert(mem->frames, fake_key_new(home), backing);
    }
    return backing;
}

/* NULL: a page was taken from there. */
static FakeBacking *backing_at(FakeMemory *mem, uint64_t gfn)
{
    HostPage *overlay = overlay_at(mem, gfn);
    uint64_t home = home_at(mem, gfn);

    if (overlay) {
        return overlay->backing;
    }
    return home == HOST_NO_FRAME ? NULL : backing_of(mem, home);
}

void fake_host_mark_frame(FakeHost *fake, uint64_t gfn, FakeFrame kind)
{
    g_hash_table_insert(fake->mem.marks, fake_key_new(gfn),
                        GUINT_TO_POINTER(kind));
}

/* One page's part of an access that starts at @addr. */
static size_t chunk(uint64_t addr, size_t len)
{
    return MIN(len, HOST_PAGE_SIZE - (addr & (HOST_PAGE_SIZE - 1)));
}

static bool reachable(FakeMemory *mem, uint64_t addr, size_t len, bool write)
{
    if (len && addr + (len - 1) < addr) {
        return false;
    }
    for (size_t done = 0; done < len; done += chunk(addr + done, len - done)) {
        FakeFrame kind = frame_kind(mem, (addr + done) >> HOST_PAGE_SHIFT);

        if (kind == FAKE_FRAME_ABSENT ||
            (write && kind == FAKE_FRAME_READONLY)) {
            return false;
        }
    }
    return true;
}

void fake_host_peek(FakeHost *fake, uint64_t gpa, void *buf, size_t len)
{
    for (size_t done = 0, n; done < len; done += n) {
        uint64_t addr = gpa + done;
        FakeBacking *backing = backing_at(&fake->mem, addr >> HOST_PAGE_SHIFT);

        n = chunk(addr, len - done);
        if (!backing) {
            memset((uint8_t *)buf + done, 0xff, n);
            continue;
        }
        memcpy((uint8_t *)buf + done,
               backing->data + (addr & (HOST_PAGE_SIZE - 1)), n);
    }
}

void fake_host_poke(FakeHost *fake, uint64_t gpa, const void *buf, size_t len)
{
    for (size_t done = 0, n; done < len; done += n) {
        uint64_t addr = gpa + done;
        size_t off = addr & (HOST_PAGE_SIZE - 1);
        FakeBacking *backing = backing_at(&fake->mem, addr >> HOST_PAGE_SHIFT);

        n = chunk(addr, len - done);
        if (!backing) {
            continue;
        }
        memcpy(backing->data + off, (const uint8_t *)buf + done, n);
        memcpy(backing->told + off, (const uint8_t *)buf + done, n);
    }
}

bool fake_phys_read(Host *host, GuestPhys gpa, void *buf, size_t len)
{
    FakeHost *fake = fake_host_from(host);

    if (fake_host_fault(fake) || !reachable(&fake->mem, gpa.v, len, false)) {
        return false;
    }
    fake_host_peek(fake, gpa.v, buf, len);
    return true;
}

bool fake_phys_write(Host *host, GuestPhys gpa, const void *buf, size_t len)
{
    FakeHost *fake = fake_host_from(host);

    if (fake_host_fault(fake) || !reachable(&fake->mem, gpa.v, len, true)) {
        return false;
    }
    fake_host_poke(fake, gpa.v, buf, len);
    return true;
}

bool fake_virt_read(Host *host, unsigned vcpu, GuestVirt gva, void *buf,
                    size_t len)
{
    g_assert_cmpuint(vcpu, <, fake_host_from(host)->nr_vcpus);
    return fake_phys_read(host, (GuestPhys){gva.v}, buf, len);
}

/* Writes the pages before the first bad one, as the contract allows. */
bool fake_virt_write(Host *host, unsigned vcpu, GuestVirt gva, const void *buf,
                     size_t len)
{
    FakeHost *fake = fake_host_from(host);

    g_assert_cmpuint(vcpu, <, fake->nr_vcpus);
    if (fake_host_fault(fake)) {
        return false;
    }
    for (size_t done = 0, n; done < len; done += n) {
        n = chunk(gva.v + done, len - done);
        if (gva.v + done < gva.v ||
            !reachable(&fake->mem, gva.v + done, n, true)) {
            return false;
        }
        fake_host_poke(fake, gva.v + done, (const uint8_t *)buf + done, n);
    }
    return true;
}

HostPage *fake_page_pin(Host *host, uint64_t gfn)
{
    FakeHost *fake = fake_host_from(host);
    HostPage *page;

    if (fake_host_fault(fake) || gfn >= FAKE_GFN_END ||
        frame_kind(&fake->mem, gfn) != FAKE_FRAME_RAM) {
        return NULL;
    }
    page = g_new0(HostPage, 1);
    page->backing = g_rc_box_acquire(backing_at(&fake->mem, gfn));
    page->gfn = gfn;
    g_ptr_array_add(fake->mem.pins, page);
    return page;
}

void fake_page_unpin(Host *host, HostPage *page)
{
    /* A page that is no pin, or no more, is the core's mistake. */
    g_assert_true(g_ptr_array_remove(fake_host_from(host)->mem.pins, page));
    page_free(page);
}

static void assert_page_alive(Host *host, HostPage *page)
{
    FakeMemory *mem = &fake_host_from(host)->mem;

    g_assert_true(g_ptr_array_find(mem->pins, page, NULL) ||
                  g_ptr_array_find(mem->overlays, page, NULL));
}

void *fake_page_ptr(Host *host, HostPage *page)
{
    assert_page_alive(host, page);
    return page->backing->data;
}

void fake_page_dirty(Host *host, HostPage *page, size_t off, size_t len)
{
    assert_page_alive(host, page);
    g_assert_cmpuint(off, <=, HOST_PAGE_SIZE);
    g_assert_cmpuint(len, <=, HOST_PAGE_SIZE - off);
    memcpy(page->backing->told + off, page->backing->data + off, len);
}

/* "ram:" and its home, or an overlay's name. */
char *fake_page_name(Host *host, HostPage *page)
{
    FakeMemory *mem = &fake_host_from(host)->mem;
    GHashTableIter iter;
    void *home, *backing;

    g_hash_table_iter_init(&iter, mem->frames);
    while (g_hash_table_iter_next(&iter, &home, &backing)) {
        if (backing == page->backing) {
            return g_strdup_printf("ram:%" PRIx64, *(uint64_t *)home);
        }
    }
    for (unsigned i = 0; i < mem->overlays->len; i++) {
        const HostPage *overlay = mem->overlays->pdata[i];

        if (overlay->backing == page->backing) {
            return g_strdup(overlay->name);
        }
    }
    g_assert_not_reached();
}

static FakeBacking *backing_named(FakeMemory *mem, const char *name)
{
    guint64 home;

    for (unsigned i = 0; i < mem->overlays->len; i++) {
        HostPage *overlay = mem->overlays->pdata[i];

        if (!strcmp(overlay->name, name)) {
            return overlay->backing;
        }
    }
    if (!g_str_has_prefix(name, "ram:") ||
        !g_ascii_string_to_unsigned(name + strlen("ram:"), 16, 0,
                                    FAKE_GFN_END - 1, &home, NULL) ||
        home >= mem->nr_frames || g_hash_table_contains(mem->marks, &home)) {
        return NULL;
    }
    return backing_of(mem, home);
}

HostPage *fake_page_pin_named(Host *host, const char *name)
{
    FakeHost *fake = fake_host_from(host);
    FakeBacking *backing = backing_named(&fake->mem, name);
    HostPage *page;

    if (fake_host_fault(fake) || !backing) {
        return NULL;
    }
    page = g_new0(HostPage, 1);
    page->backing = g_rc_box_acquire(backing);
    g_ptr_array_add(fake->mem.pins, page);
    return page;
}

bool fake_frame_set(Host *host, uint64_t gfn, uint64_t home)
{
    FakeHost *fake = fake_host_from(host);

    if (fake_host_fault(fake) || gfn >= FAKE_GFN_END ||
        g_hash_table_contains(fake->mem.marks, &gfn)) {
        return false;
    }
    g_assert_true(home == HOST_NO_FRAME || home < fake->mem.nr_frames);
    if (home == gfn || (home == HOST_NO_FRAME && gfn >= fake->mem.nr_frames)) {
        g_hash_table_remove(fake->mem.homes, &gfn);
    } else {
        g_hash_table_insert(fake->mem.homes, fake_key_new(gfn),
                            fake_key_new(home));
    }
    fake->frames_unsynced = true;
    return true;
}

void fake_frames_sync(Host *host)
{
    fake_host_from(host)->frames_unsynced = false;
}

void fake_frames_reset(Host *host)
{
    FakeHost *fake = fake_host_from(host);

    g_hash_table_remove_all(fake->mem.homes);
    fake->frames_unsynced = false;
}

void fake_frame_clear(Host *host, uint64_t home)
{
    FakeHost *fake = fake_host_from(host);
    FakeBacking *backing;

    g_assert_cmpuint(home, <, fake->mem.nr_frames);
    backing = backing_of(&fake->mem, home);
    memset(backing->data, 0, sizeof(backing->data));
    memset(backing->told, 0, sizeof(backing->told));
}

bool fake_frame_pinned(Host *host, uint64_t home)
{
    FakeMemory *mem = &fake_host_from(host)->mem;
    const FakeBacking *backing = backing_of(mem, home);

    for (unsigned i = 0; i < mem->pins->len; i++) {
        const HostPage *page = mem->pins->pdata[i];

        if (page->backing == backing) {
            return true;
        }
    }
    return false;
}

unsigned fake_host_frames_moved(const FakeHost *fake)
{
    g_assert_false(fake->frames_unsynced);
    return g_hash_table_size(fake->mem.homes);
}

HostPage *fake_overlay_new(Host *host, const char *name)
{
    FakeHost *fake = fake_host_from(host);
    HostPage *page;

    if (fake_host_fault(fake)) {
        return NULL;
    }
    for (unsigned i = 0; i < fake->mem.overlays->len; i++) {
        HostPage *other = fake->mem.overlays->pdata[i];

        g_assert_cmpstr(name, !=, other->name);
    }
    page = g_new0(HostPage, 1);
    page->backing = g_rc_box_new0(FakeBacking);
    page->name = g_strdup(name);
    g_ptr_array_add(fake->mem.overlays, page);
    return page;
}

static void assert_overlay_alive(Host *host, HostPage *page)
{
    g_assert_true(
        g_ptr_array_find(fake_host_from(host)->mem.overlays, page, NULL));
}

bool fake_overlay_map(Host *host, HostPage *page, uint64_t gfn)
{
    FakeHost *fake = fake_host_from(host);

    assert_overlay_alive(host, page);
    if (fake_host_fault(fake) || gfn >= FAKE_GFN_END) {
        return false;
    }
    if (page->mapped) {
        g_ptr_array_remove(fake->mem.mapped, page);
    }
    page->mapped = true;
    page->gfn = gfn;
    g_ptr_array_add(fake->mem.mapped, page);
    return true;
}

void fake_overlay_unmap(Host *host, HostPage *page)
{
    assert_overlay_alive(host, page);
    if (page->mapped) {
        g_ptr_array_remove(fake_host_from(host)->mem.mapped, page);
        page->mapped = false;
    }
}

void fake_overlay_free(Host *host, HostPage *page)
{
    fake_overlay_unmap(host, page);
    g_ptr_array_remove(fake_host_from(host)->mem.overlays, page);
    page_free(page);
}

HostPage *fake_alias_map(Host *host, HostPage *pin, uint64_t gfn,
                         bool read_only)
{
    FakeHost *fake = fake_host_from(host);
    HostPage *alias;

    assert_page_alive(host, pin);
    if (fake_host_fault(fake) || gfn >= FAKE_GFN_END) {
        return NULL;
    }
    alias = g_new0(HostPage, 1);
    alias->backing = g_rc_box_acquire(pin->backing);
    alias->mapped = true;
    alias->read_only = read_only;
    alias->gfn = gfn;
    g_ptr_array_add(fake->mem.aliases, alias);
    g_ptr_array_add(fake->mem.mapped, alias);
    return alias;
}

void fake_alias_unmap(Host *host, HostPage *alias)
{
    FakeMemory *mem = &fake_host_from(host)->mem;

    g_assert_true(g_ptr_array_remove(mem->aliases, alias));
    g_ptr_array_remove(mem->mapped, alias);
    page_free(alias);
}

uint8_t fake_host_peek8(FakeHost *fake, uint64_t gpa)
{
    uint8_t value;

    fake_host_peek(fake, gpa, &value, sizeof(value));
    return value;
}

uint32_t fake_host_peek32(FakeHost *fake, uint64_t gpa)
{
    uint32_t value;

    fake_host_peek(fake, gpa, &value, sizeof(value));
    return value;
}

uint64_t fake_host_peek64(FakeHost *fake, uint64_t gpa)
{
    uint64_t value;

    fake_host_peek(fake, gpa, &value, sizeof(value));
    return value;
}

void fake_host_poke8(FakeHost *fake, uint64_t gpa, uint8_t value)
{
    fake_host_poke(fake, gpa, &value, sizeof(value));
}

void fake_host_poke32(FakeHost *fake, uint64_t gpa, uint32_t value)
{
    fake_host_poke(fake, gpa, &value, sizeof(value));
}

void fake_host_poke64(FakeHost *fake, uint64_t gpa, uint64_t value)
{
    fake_host_poke(fake, gpa, &value, sizeof(value));
}
