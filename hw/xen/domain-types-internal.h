/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of a Xen domain and its vCPUs, for the files of this folder alone. */
#ifndef JUMPCUT_HW_XEN_DOMAIN_TYPES_INTERNAL_H
#define JUMPCUT_HW_XEN_DOMAIN_TYPES_INTERNAL_H

#include "hw/xen/abi/xen-abi.h"
#include "hw/xen/console-ring.h"
#include "hw/xen/domain.h"
#include "hw/xen/evtchn-internal.h"
#include "hw/xen/pirq-internal.h"
#include "hw/xen/xenstore-ring.h"

#define XEN_MINOR_PHYS_AREAS 18u /* and other news of Xen 4.18 */
#define XEN_NR_WATCHDOGS     2u
#define XEN_NR_RUNSTATES     4u
#define XEN_EPOCH_NS         1000000000
#define XEN_PERIOD_MIN_NS    1000000u
/* xen: STIME_DELTA_MAX */
#define XEN_PERIOD_MAX_NS     (((uint64_t)1 << 56) - 1)
#define XEN_UPCALL_VECTOR_MIN 0x10u
#define XEN_VM_ASSIST_VALID   (1u << VMASST_TYPE_runstate_update_flag)

typedef struct XenVcpu XenVcpu;
typedef struct XenMemory XenMemory;
typedef struct XenGrantTable XenGrantTable;
typedef struct XenFaults XenFaults;

/* An overlay page and the guest frame it lies over. */
typedef struct XenOverlay {
    HostPage *page;
    uint8_t *ptr;
    bool mapped;
    uint64_t gfn;
} XenOverlay;

/* A timer and when it fires; which time that is depends on its use. */
typedef struct XenTimer {
    HostTimer *timer;
    bool armed;
    uint64_t deadline_ns;
} XenTimer;

/* An area in the guest's linear address space. */
typedef struct XenArea {
    bool registered;
    GuestVirt gva;
} XenArea;

/* An area in a page of the guest's choice, pinned while it is mapped. */
typedef struct XenPhysArea {
    HostPage *page; /* NULL: none */
    uint8_t *ptr;
    size_t off; /* in the page */
} XenPhysArea;

typedef struct XenWatchdog {
    XenDomain *d;
    XenTimer timer; /* in virtual time */
    bool in_use;
} XenWatchdog;

struct XenVcpu {
    XenDomain *d;
    unsigned id;
    bool initialised; /* has started once: VCPUOP_up may start it again */
    bool down;
    bool nmi_pending; /* sent while it was down */
    bool waiting;     /* in SCHEDOP_block or SCHEDOP_poll */
    bool polling;
    uint32_t poll_port; /* 0: any */

    /* vcpu_info: in shared_info, or in a page of the guest's choice. */
    uint8_t *info;
    HostPage *info_page; /* what info lies in; NULL: dummy_info */
    size_t info_off;
    bool info_registered; /* info_page is pinned */
    _Alignas(8) uint8_t dummy_info[XEN_VCPU_INFO_SIZE];

    struct vcpu_time_info time; /* as last written */
    XenArea time_area;
    XenPhysArea time_phys;

    int runstate;
    int64_t runstate_since_ns;  /* virtual time */
    uint64_t runstate_entry_ns; /* system time */
    uint64_t runstate_time_ns[XEN_NR_RUNSTATES];
    XenArea runstate_area;
    XenPhysArea runstate_phys;
    bool runstate_phys_32; /* it is in 32-bit layout */

    XenTimer singleshot; /* in system time */
    XenTimer poll;       /* in system time */
    XenTimer periodic;   /* in virtual time */
    uint64_t period_ns;  /* 0: no periodic timer */
    int64_t periodic_last_ns;

    uint8_t upcall_vector; /* 0: none */
    bool upcall_lost;      /* one is pending that no local APIC knows of */
    uint32_t virq_port[XEN_NR_VIRQS];
    uint64_t upcalls, hypercalls;
};

typedef enum XenCallbackType {
    XEN_CALLBACK_NONE,
    XEN_CALLBACK_GSI,
    XEN_CALLBACK_PCI_INTX,
    XEN_CALLBACK_VECTOR,
} XenCallbackType;

struct XenDomain {
    Host *host;
    Clock *clock;
    XenDomainConfig cfg;
    XenVcpu *vcpus;

    XenOverlay shared_info, store, console;
    XenMemory *memory;
    XenGrantTable *grant;
    bool shinfo_32; /* shared memory is in 32-bit layout */
    uint32_t vm_assist;

    XenEvtchn *evtchn;
    XenPirqs *pirqs;
    uint64_t params[HVM_NR_PARAMS];

    XenCallbackType callback;
    uint8_t callback_vector;
    int callback_gsi; /* negative: none */
    bool callback_asserted;

    int64_t epoch_base_ns; /* virtual time pvclock epochs count from */
    HostTimer *epoch_timer;
    bool epoch_armed;

    XenWatchdog watchdog[XEN_NR_WATCHDOGS];
    bool shutdown_code_set;
    uint8_t shutdown_code;
    bool shutting_down;

    XenstoreRing *store_ring; /* NULL: no xenstore */
    XenConsoleRing *console_ring;
    XenFaults *faults;
};

#endif
