/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shared_info page.
 *
 * Behaviour: XENMEM_add_to_physmap lays the domain's shared_info over a frame
 * of the guest, again over another; it holds event bits, each vCPU's slot and
 * the wall clock, in the layout of the guest's width.
 * Check: the call's errors, the page's content when fresh, its moving, the
 * wall clock against the host profile.
 * Cannot tell apart: whether the memory beneath is kept (here) or freed (Xen).
 * Real Xen: measured (xen: arch/x86/mm.c, xenmem_add_to_physmap_one;
 * common/time.c, update_domain_wallclock_time; arch/x86/hvm/hvm.c,
 * hvm_latch_shinfo_size).
 *
 * RUN: default
 * RUN: wallclock plugin=wallclock=1577836800 plugin=uptime=1000
 *      append=wallclock=1577835800
 * RUN: year2106 plugin=wallclock=4294967396 append=wallclock=4294967396
 * RUN: pvh guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

static uint8_t pages[2][PAGE_SIZE] __attribute__((aligned(4096)));

static long map_at(uint16_t domid, unsigned space, unsigned long idx,
                   const void *at)
{
    struct xen_add_to_physmap map = {
        .domid = domid,
        .space = space,
        .idx = idx,
        .gpfn = (uintptr_t)at / PAGE_SIZE,
    };

    return xen_memory_op(XENMEM_add_to_physmap, &map);
}

static void bad_requests_are_refused(void)
{
    CHECK_RC(-XEN_EINVAL,
             map_at(DOMID_SELF, XENMAPSPACE_shared_info, 1, pages[0]));
    CHECK_RC(-XEN_EINVAL,
             map_at(DOMID_SELF, XENMAPSPACE_shared_info, ~0ul, pages[0]));
    CHECK_RC(-XEN_EINVAL, map_at(DOMID_SELF, 99, 0, pages[0]));
    CHECK_RC(-XEN_ESRCH, map_at(0x1234, XENMAPSPACE_shared_info, 0, pages[0]));
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        input("byte %u", i);
        CHECK_EQ(0, pages[0][i]);
    }
}

static void fresh_page_is_clean(void)
{
    struct shared_info *shared = xen_shared_info();
    struct vcpu_info *info;

    if (!shared) {
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(shared->evtchn_mask); i++) {
        input("word %u", i);
        CHECK_EQ(0, shared->evtchn_pending[i]);
        CHECK_EQ(0, shared->evtchn_mask[i]);
    }
    input("arch");
    CHECK_EQ(0, shared->arch.max_pfn);
    CHECK_EQ(0, shared->arch.pfn_to_mfn_frame_list_list);
    CHECK_EQ(0, shared->arch.nmi_reason);
    info = &shared->vcpu_info[0];
    CHECK_EQ(0, info->evtchn_upcall_mask);
    CHECK(info->time.version != 0 && !(info->time.version & 1));
    CHECK(info->time.tsc_to_system_mul != 0);
}

CONFORMS(XENMAPSPACE_shared_info)
static void mapping_again_moves_the_page(void)
{
    struct shared_info *first = xen_shared_info();
    struct shared_info *moved = (void *)pages[1];
    uint32_t mul;

    if (!first) {
        return;
    }
    mul = first->vcpu_info[0].time.tsc_to_system_mul;
    first->evtchn_mask[1] = 0x55;
    memset(pages[1], 0xaa, PAGE_SIZE);
    CHECK_RC(0, map_at(DOMID_SELF, XENMAPSPACE_shared_info, 0, moved));
    CHECK_EQ(mul, moved->vcpu_info[0].time.tsc_to_system_mul);
    CHECK_EQ(0x55, moved->evtchn_mask[1]);
    CHECK_RC(0, map_at(DOMID_SELF, XENMAPSPACE_shared_info, 0, first));
    CHECK_EQ(0x55, first->evtchn_mask[1]);
    first->evtchn_mask[1] = 0;
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void wall_clock_follows_callback_and_page(void)
{
    struct shared_info *shared = xen_shared_info();
    uint64_t want = cmdline_number("wallclock", 0);
    uint32_t version;

    if (!shared) {
        return;
    }
    version = shared->wc_version;
    CHECK(version != 0 && !(version & 1));
    CHECK_RC(0, evtchn_callback_vector(0x60));
    CHECK_EQ(version + 2, shared->wc_version);
    CHECK_RC(NO_TRAP,
             cpu_wrmsr(XEN_MSR_HYPERCALL_PAGE, (uintptr_t)xen_hypercall_page));
    CHECK_EQ(version + 4, shared->wc_version);
    CHECK_RC(0, evtchn_callback_none());
    if (cmdline_has("wallclock")) {
        CHECK_EQ(want & 0xffffffff, shared->wc_sec);
        CHECK_EQ(want >> 32, shared->xen_wc_sec_hi);
        CHECK_EQ(0, shared->wc_nsec);
    }
}

static void event_bits_use_words_of_the_guest(void)
{
    struct shared_info *shared = xen_shared_info();
    unsigned bits = 8 * sizeof(xen_ulong_t);
    int port = 0;

    if (!shared) {
        return;
    }
    /* Enough ports that the 32-bit layout has left its first word. */
    for (unsigned i = 0; i < 40; i++) {
        input("port %d", port);
        port = evtchn_bind_ipi(0);
        if (!CHECK(port > 0)) {
            return;
        }
    }
    input("port %d", port);
    evtchn_mask((unsigned)port);
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK_EQ((xen_ulong_t)1 << ((unsigned)port % bits),
             shared->evtchn_pending[(unsigned)port / bits]);
    CHECK(evtchn_clear((unsigned)port));
    CHECK_RC(0, evtchn_unmask((unsigned)port));
    evtchn_ack_upcall(0);
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK_EQ((xen_ulong_t)1 << ((unsigned)port / bits),
             shared->vcpu_info[0].evtchn_pending_sel);
    CHECK_EQ(1, shared->vcpu_info[0].evtchn_upcall_pending);
}

/* What Xen writes beside it must not hide what the guest writes. */
static void code_in_the_page_may_change(void)
{
    static const uint8_t bytes[] = {0xb8, 1, 0, 0, 0, 0xc3}; /* mov, ret */
    struct shared_info *shared = xen_shared_info();
    volatile uint8_t *code = (volatile uint8_t *)shared + 0xf00;
    int port = evtchn_bind_ipi(0);
    unsigned long got = 0;

    if (!shared || !CHECK(port > 0)) {
        return;
    }
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        code[i] = bytes[i];
    }
    __asm__ volatile("call *%1" : "=a"(got) : "r"(code) : "memory");
    CHECK_EQ(1, got);
    CHECK_RC(0, evtchn_send((unsigned)port));
    code[1] = 2;
    __asm__ volatile("call *%1" : "=a"(got) : "r"(code) : "memory");
    CHECK_EQ(2, got);
    CHECK_RC(0, evtchn_close((unsigned)port));
}

PAYLOAD(NEEDS_XEN, TEST(bad_requests_are_refused), TEST(fresh_page_is_clean),
        TEST(mapping_again_moves_the_page),
        TEST(wall_clock_follows_callback_and_page),
        TEST(event_bits_use_words_of_the_guest),
        TEST(code_in_the_page_may_change));
