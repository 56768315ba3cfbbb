/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State-machine fuzz of a domain: what the model knows of it.
 */
#ifndef JUMPCUT_TESTS_FUZZ_FUZZ_DOMAIN_MODEL_H
#define JUMPCUT_TESTS_FUZZ_FUZZ_DOMAIN_MODEL_H

#include "tests/unit/xen-guest.h"

#define FUZZ_MAX_VCPUS 4u
#define FUZZ_NR_PORTS  1024u
#define FUZZ_NR_GRANTS 64u /* frames of the grant table */
/* Frames for overlays alone: their memory has a pattern and keeps it. */
#define FUZZ_OVERLAY_GFN 0x60u
#define FUZZ_OVERLAY_NR  16u
/* Frames a guest puts its areas into, and scribbles over. */
#define FUZZ_AREA_GFN   0x50u
#define FUZZ_AREA_NR    8u
#define FUZZ_NR_MAPPED  16u
#define FUZZ_NR_BALLOON 16u

typedef enum PortKind {
    PORT_FREE,
    PORT_RESERVED,
    PORT_UNBOUND,
    PORT_INTERDOMAIN,
    PORT_VIRQ,
    PORT_IPI,
    PORT_OTHER, /* a kind the model leaves alone */
} PortKind;

typedef struct ModelPort {
    PortKind kind;
    unsigned vcpu;
    uint16_t dom;  /* unbound, interdomain */
    uint32_t peer; /* interdomain */
    uint32_t virq;
    bool own_backend; /* bound through xen_backend_bind() */
} ModelPort;

/* What the world has done with a vCPU. */
typedef enum VcpuAt {
    VCPU_RUNS,
    VCPU_BLOCKED, /* until it is woken or interrupted */
    VCPU_WOKEN,   /* runs when its turn comes */
    VCPU_OFF,
} VcpuAt;

/* A grant that domain 0 has mapped. */
typedef struct FuzzMapping {
    HostPage *page;
    uint32_t ref;
    bool write;
    bool flags_kept; /* the guest has not written its entry since */
} FuzzMapping;

/* One the guest has mapped itself. */
typedef struct FuzzGuestMap {
    bool used;
    uint32_t handle, ref;
    uint64_t gfn, frame; /* where, and what */
} FuzzGuestMap;

typedef struct World {
    XenGuest *g;
    unsigned nr_vcpus, minor;
    uint64_t seed;
    unsigned step;
    uint64_t rng;
    bool verbose;

    VcpuAt at[FUZZ_MAX_VCPUS];
    bool compat[FUZZ_MAX_VCPUS];
    FakeHostAlive born; /* what a domain just made holds */
    bool faulty;        /* a call of the host fails: expect nothing */
    bool wild;          /* does what the model cannot follow, too */

    ModelPort ports[FUZZ_NR_PORTS];
    uint32_t nr_valid;
    bool fifo; /* pending bits are not where two levels have them */
    unsigned fifo_pages, fifo_pins;
    bool fifo_control[FUZZ_MAX_VCPUS];
    /* The model knows where shared_info is, and in which layout. */
    bool shinfo_mapped, shinfo_known, shinfo_32;
    uint64_t shinfo_gfn;
    bool overlays_known;
    bool grant_mapped[FUZZ_NR_GRANTS];
    uint64_t grant_gfn[FUZZ_NR_GRANTS];
    unsigned backend_calls;
    unsigned grant_version; /* 0: not known */
    FuzzGuestMap guest_maps[FUZZ_NR_MAPPED];
    bool frames_known; /* the model knows which are there */
    bool frame_gone[FUZZ_NR_BALLOON];
    uint32_t frame_marks[FUZZ_NR_BALLOON];
    FuzzMapping mapped[FUZZ_NR_MAPPED]; /* by domain 0; page NULL: none */

    int64_t counted_from_ns[FUZZ_MAX_VCPUS]; /* runstate times are 0 there */
    bool time_phys[FUZZ_MAX_VCPUS], runstate_phys[FUZZ_MAX_VCPUS];
    bool pins_known; /* the model knows all pins */
    bool over;       /* the domain was shut down */
} World;

#endif
