/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private layout of the fake host, for its own sources alone. */
#ifndef JUMPCUT_TESTS_UNIT_FAKE_HOST_INTERNAL_H
#define JUMPCUT_TESTS_UNIT_FAKE_HOST_INTERNAL_H

#include "tests/unit/fake-host.h"

#define FAKE_MAX_VCPUS 128
#define FAKE_MAX_GSIS  256

/*
 * Memory of a frame or an overlay.  It lives as long as a frame, an overlay or
 * a pin refers to it (g_rc_box), so that a pin outlasts an overlay.
 */
typedef struct FakeBacking {
    uint8_t data[HOST_PAGE_SIZE];
    /* What data should be if every change was told by page_dirty(). */
    uint8_t told[HOST_PAGE_SIZE];
} FakeBacking;

struct HostPage {
    FakeBacking *backing;
    char *name; /* overlays; NULL: a pin or an alias */
    bool mapped;
    bool read_only; /* to the guest; aliases */
    uint64_t gfn;   /* pins, aliases, and overlays while mapped */
};

typedef struct FakeMemory {
    uint64_t nr_frames;
    GHashTable *frames;  /* gfn -> FakeBacking, those written so far */
    GHashTable *marks;   /* gfn -> FakeFrame */
    GHashTable *homes;   /* gfn -> home, where a page is not at home */
    GPtrArray *overlays; /* HostPage, alive */
    GPtrArray *mapped;   /* HostPage, in the order they were laid */
    GPtrArray *pins;     /* HostPage, alive */
    GPtrArray *aliases;  /* HostPage, alive */
} FakeMemory;

typedef struct FakeVcpu {
    FakeVcpuState state;
    uint8_t vector_held;
    bool long_mode;
    bool init_pending;
    HostVcpuRegs regs; /* as set last */
} FakeVcpu;

struct FakeHost {
    Host host; /* first: HostOps hands it back */
    FakeMemory mem;
    FakeVcpu vcpus[FAKE_MAX_VCPUS];
    unsigned nr_vcpus;
    bool gsi_held[FAKE_MAX_GSIS];
    int64_t now_ns;
    GPtrArray *timers; /* HostTimer, by creation */
    GArray *events;    /* FakeEvent */
    GString *console;
    bool tracing;
    unsigned calls;   /* fallible ones so far */
    unsigned fail_at; /* value of calls at which one fails; 0: none */
    bool fired;
    bool frames_unsynced;
};

static inline FakeHost *fake_host_from(Host *host)
{
    return (FakeHost *)host;
}

/* Count a fallible call. @return: it has to fail. */
bool fake_host_fault(FakeHost *fake);

void fake_memory_init(FakeMemory *mem, uint64_t nr_frames);
void fake_memory_destroy(FakeMemory *mem);
/* A key of the tables above: @gfn, to be freed. */
uint64_t *fake_key_new(uint64_t gfn);

bool fake_phys_read(Host *host, GuestPhys gpa, void *buf, size_t len);
bool fake_phys_write(Host *host, GuestPhys gpa, const void *buf, size_t len);
bool fake_virt_read(Host *host, unsigned vcpu, GuestVirt gva, void *buf,
                    size_t len);
bool fake_virt_write(Host *host, unsigned vcpu, GuestVirt gva, const void *buf,
                     size_t len);
HostPage *fake_page_pin(Host *host, uint64_t gfn);
void fake_page_unpin(Host *host, HostPage *page);
void *fake_page_ptr(Host *host, HostPage *page);
void fake_page_dirty(Host *host, HostPage *page, size_t off, size_t len);
char *fake_page_name(Host *host, HostPage *page);
HostPage *fake_page_pin_named(Host *host, const char *name);
bool fake_frame_set(Host *host, uint64_t gfn, uint64_t home);
void fake_frames_sync(Host *host);
void fake_frames_reset(Host *host);
void fake_frame_clear(Host *host, uint64_t home);
bool fake_frame_pinned(Host *host, uint64_t home);
HostPage *fake_overlay_new(Host *host, const char *name);
bool fake_overlay_map(Host *host, HostPage *page, uint64_t gfn);
void fake_overlay_unmap(Host *host, HostPage *page);
void fake_overlay_free(Host *host, HostPage *page);
HostPage *fake_alias_map(Host *host, HostPage *pin, uint64_t gfn,
                         bool read_only);
void fake_alias_unmap(Host *host, HostPage *alias);

#endif
