/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving memory back to Xen, taking it again, and moving it.
 *
 * Behaviour: a frame whose page was given back reads all ones and loses what
 * is written; pages come back zeroed, wherever the guest wants them; every
 * operation tells how far it came.
 * Check: each operation's answers, and what the frames hold afterwards, read
 * by all processors.
 * Cannot tell apart: a page given back from one that is only out of sight, but
 * by the figures.
 * Real Xen: common/memory.c; arch/x86/mm/p2m.c; a domain whose maximum lies
 * above what it has finds more memory than given back.
 *
 * RUN: default
 * RUN: smp smp=4
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh guest=pvh smp=4
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define PAGES    8u
#define MANY     600u     /* more than one call does at once */
#define FAR_GFN  0x40000u /* 1 GiB: beyond the memory payloads are given */
#define PATTERN  0x5a5a1234u
#define ALL_ONES 0xffffffffu
#define GFN(p)   ((uintptr_t)(p) / PAGE_SIZE)

static uint8_t pages[PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t many[MANY][PAGE_SIZE] __attribute__((aligned(4096)));
static xen_pfn_t list[MANY];

static volatile uint32_t *word(void *page)
{
    return (volatile uint32_t *)page;
}

static long reservation(unsigned op, unsigned nr, unsigned order)
{
    struct xen_memory_reservation r = {
        .nr_extents = nr, .extent_order = order, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, list);
    return xen_memory_op(op, &r);
}

static long reservation_of(unsigned op, xen_pfn_t gfn, unsigned order)
{
    list[0] = gfn;
    return reservation(op, 1, order);
}

static long current(void)
{
    domid_t self = DOMID_SELF;

    return xen_memory_op(XENMEM_current_reservation, &self);
}

/* What another processor sees at @page. */
static void read_word(void *at)
{
    volatile uint32_t **slot = at;

    *(volatile uint32_t *)(slot + 1) = **slot;
}

static void check_everywhere(uint32_t want, void *page)
{
    struct {
        volatile uint32_t *at;
        volatile uint32_t got;
    } other = {word(page), 0};

    CHECK_EQ(want, *word(page));
    for (unsigned i = 1; i < cpu_count(); i++) {
        input("cpu %u", i);
        other.got = ~want;
        if (!cpu_start_other(i, read_word, &other)) {
            error("CPU does not start");
            return;
        }
        while (!cpu_other_done(i)) {
            cpu_relax();
        }
        CHECK_EQ(want, other.got);
    }
    input("cpu 0");
}

CONFORMS(XENMEM_decrease_reservation)
CONFORMS(XENMEM_populate_physmap)
CONFORMS(XENMEM_current_reservation)
static void page_given_back_is_a_hole_and_comes_back_zeroed(void)
{
    long before = current();

    *word(pages[0]) = PATTERN;
    CHECK_RC(1, reservation_of(XENMEM_decrease_reservation, GFN(pages[0]), 0));
    CHECK_RC(before - 1, current());
    check_everywhere(ALL_ONES, pages[0]);
    *word(pages[0]) = PATTERN;
    check_everywhere(ALL_ONES, pages[0]);
    CHECK_RC(0, reservation_of(XENMEM_decrease_reservation, GFN(pages[0]), 0));
    CHECK_RC(1, reservation_of(XENMEM_populate_physmap, GFN(pages[0]), 0));
    CHECK_RC(before, current());
    check_everywhere(0, pages[0]);
    *word(pages[0]) = PATTERN;
    check_everywhere(PATTERN, pages[0]);
}

static void hole_is_no_argument(void)
{
    domid_t *self = (void *)pages[1];

    *self = DOMID_SELF;
    CHECK(xen_memory_op(XENMEM_current_reservation, self) > 0);
    CHECK_RC(1, reservation_of(XENMEM_decrease_reservation, GFN(self), 0));
    CHECK_RC(-XEN_EFAULT, xen_memory_op(XENMEM_current_reservation, self));
    CHECK_RC(-XEN_EFAULT, xen_version_op(XENVER_extraversion, self));
    CHECK_RC(1, reservation_of(XENMEM_populate_physmap, GFN(self), 0));
    CHECK_RC(0, xen_version_op(XENVER_extraversion, self));
}

/* More extents than Xen does without looking for interrupts. */
static void long_lists_are_done_whole(void)
{
    long before = current();

    for (unsigned i = 0; i < MANY; i++) {
        list[i] = GFN(many[i]);
        *word(many[i]) = PATTERN;
    }
    CHECK_RC(MANY, reservation(XENMEM_decrease_reservation, MANY, 0));
    CHECK_RC(before - MANY, current());
    for (unsigned i = 0; i < MANY; i++) {
        input("page %u", i);
        CHECK_EQ(ALL_ONES, *word(many[i]));
    }
    input("all");
    CHECK_RC(MANY, reservation(XENMEM_populate_physmap, MANY, 0));
    CHECK_RC(before, current());
    for (unsigned i = 0; i < MANY; i++) {
        input("page %u", i);
        CHECK_EQ(0, *word(many[i]));
    }
}

static void list_stops_at_the_first_bad_extent(void)
{
    long before = current();

    for (unsigned i = 0; i < PAGES; i++) {
        list[i] = GFN(pages[i]);
        *word(pages[i]) = PATTERN;
    }
    list[3] = list[1];
    CHECK_RC(3, reservation(XENMEM_decrease_reservation, PAGES, 0));
    CHECK_RC(before - 3, current());
    CHECK_EQ(PATTERN, *word(pages[3]));
    CHECK_EQ(PATTERN, *word(pages[4]));
    CHECK_RC(3, reservation(XENMEM_populate_physmap, 3, 0));
    CHECK_RC(before, current());
}

static void orders_up_to_nine_are_served(void)
{
    xen_pfn_t first = (GFN(many) + 7) & ~(xen_pfn_t)7;
    long before = current();

    CHECK_RC(1, reservation_of(XENMEM_decrease_reservation, first, 3));
    CHECK_RC(before - 8, current());
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(ALL_ONES, *word((void *)((first + i) * PAGE_SIZE)));
    }
    CHECK_RC(0, reservation_of(XENMEM_decrease_reservation, first, 10));
    CHECK_RC(0, reservation_of(XENMEM_populate_physmap, first, 10));
    CHECK_RC(0, reservation_of(XENMEM_populate_physmap, first, 9));
    CHECK_RC(1, reservation_of(XENMEM_populate_physmap, first, 3));
    CHECK_RC(before, current());
}

/* Window pages of its linear addresses lie where the guest has no RAM. */
static void memory_comes_back_anywhere(void)
{
    void *far = cpu_map_window(0, (uint64_t)FAR_GFN * PAGE_SIZE,
                               PTE_PRESENT | PTE_WRITABLE);

    CHECK_RC(0, reservation_of(XENMEM_decrease_reservation, FAR_GFN, 0));
    CHECK_RC(1, reservation_of(XENMEM_decrease_reservation, GFN(pages[2]), 0));
    CHECK_RC(1, reservation_of(XENMEM_populate_physmap, FAR_GFN, 0));
    check_everywhere(0, far);
    *word(far) = PATTERN;
    check_everywhere(PATTERN, far);
    CHECK_EQ(ALL_ONES, *word(pages[2]));
    CHECK_RC(1, reservation_of(XENMEM_decrease_reservation, FAR_GFN, 0));
    check_everywhere(ALL_ONES, far);
    CHECK_RC(1, reservation_of(XENMEM_populate_physmap, GFN(pages[2]), 0));
    CHECK_EQ(0, *word(pages[2]));
}

static long add(unsigned space, unsigned long idx, unsigned long gfn,
                unsigned size)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF,
                                     .size = (uint16_t)size,
                                     .space = space,
                                     .idx = idx,
                                     .gpfn = gfn};

    return xen_memory_op(XENMEM_add_to_physmap, &map);
}

static long remove_at(unsigned long gfn)
{
    struct xen_remove_from_physmap op = {.domid = DOMID_SELF, .gpfn = gfn};

    return xen_memory_op(XENMEM_remove_from_physmap, &op);
}

CONFORMS(XENMAPSPACE_gmfn)
static void page_moves_and_frees_what_was_there(void)
{
    long before = current();

    *word(pages[3]) = PATTERN;
    *word(pages[4]) = 1;
    CHECK_RC(0, add(XENMAPSPACE_gmfn, GFN(pages[3]), GFN(pages[4]), 0));
    check_everywhere(ALL_ONES, pages[3]);
    check_everywhere(PATTERN, pages[4]);
    CHECK_RC(before - 1, current());
    CHECK_RC(-XEN_EINVAL,
             add(XENMAPSPACE_gmfn, GFN(pages[3]), GFN(pages[4]), 0));
    CHECK_EQ(PATTERN, *word(pages[4]));
    CHECK_RC(0, add(XENMAPSPACE_gmfn, GFN(pages[4]), GFN(pages[4]), 0));
    CHECK_EQ(PATTERN, *word(pages[4]));
    CHECK_RC(0, add(XENMAPSPACE_gmfn, GFN(pages[4]), GFN(pages[3]), 0));
    CHECK_RC(1, reservation_of(XENMEM_populate_physmap, GFN(pages[4]), 0));
    CHECK_EQ(PATTERN, *word(pages[3]));
    CHECK_EQ(0, *word(pages[4]));
    CHECK_RC(before, current());
}

CONFORMS(XENMAPSPACE_gmfn_range)
static void range_moves_in_order(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        *word(many[i]) = i;
    }
    /* Each page on top of the one before it: the first is gone. */
    CHECK_RC(0,
             add(XENMAPSPACE_gmfn_range, GFN(many[1]), GFN(many[0]), MANY - 1));
    for (unsigned i = 0; i < MANY - 1; i++) {
        input("page %u", i);
        CHECK_EQ(i + 1, *word(many[i]));
    }
    input("last");
    CHECK_EQ(ALL_ONES, *word(many[MANY - 1]));
    CHECK_RC(1,
             reservation_of(XENMEM_populate_physmap, GFN(many[MANY - 1]), 0));
    CHECK_EQ(0, *word(many[MANY - 1]));
}

CONFORMS(XENMEM_remove_from_physmap)
CONFORMS(XENMEM_increase_reservation)
static void removed_page_stays_the_domains(void)
{
    long before = current();

    CHECK_RC(0, remove_at(GFN(pages[5])));
    check_everywhere(ALL_ONES, pages[5]);
    CHECK_RC(before, current());
    CHECK_RC(-XEN_ENOENT, remove_at(GFN(pages[5])));
    CHECK_RC(1, reservation_of(XENMEM_decrease_reservation, GFN(pages[6]), 0));
    CHECK_RC(1, reservation_of(XENMEM_populate_physmap, GFN(pages[5]), 0));
    check_everywhere(0, pages[5]);
    CHECK_RC(1, reservation_of(XENMEM_decrease_reservation, GFN(pages[5]), 0));
    CHECK_RC(1, reservation_of(XENMEM_increase_reservation, 0, 0));
    CHECK_RC(before, current());
    CHECK_EQ(ALL_ONES, *word(pages[5]));
}

DEVIATES(XENMEM_add_to_physmap, "the memory beneath an overlay stays")
static void overlay_comes_and_goes(void)
{
    struct shared_info *shared = xen_shared_info();
    uint32_t mul;

    if (!shared) {
        return;
    }
    mul = shared->vcpu_info[0].time.tsc_to_system_mul;
    *word(pages[7]) = PATTERN;
    CHECK_RC(0, add(XENMAPSPACE_shared_info, 0, GFN(pages[7]), 0));
    CHECK_EQ(
        mul,
        ((struct shared_info *)pages[7])->vcpu_info[0].time.tsc_to_system_mul);
    CHECK_RC(0, remove_at(GFN(pages[7])));
    /* Real Xen gave the memory back: a hole. */
    CHECK(*word(pages[7]) == PATTERN || *word(pages[7]) == ALL_ONES);
    CHECK_RC(0, add(XENMAPSPACE_shared_info, 0, GFN(shared), 0));
    CHECK_EQ(mul, shared->vcpu_info[0].time.tsc_to_system_mul);
    /* A page of one's own over it takes its place. */
    CHECK_RC(0, add(XENMAPSPACE_grant_table, 0, GFN(shared), 0));
    CHECK_RC(0, add(XENMAPSPACE_shared_info, 0, GFN(shared), 0));
    CHECK_EQ(mul, shared->vcpu_info[0].time.tsc_to_system_mul);
    CHECK_RC(1, reservation_of(XENMEM_decrease_reservation, GFN(shared), 0));
    check_everywhere(ALL_ONES, shared);
    CHECK_RC(0, add(XENMAPSPACE_shared_info, 0, GFN(shared), 0));
    CHECK_EQ(mul, shared->vcpu_info[0].time.tsc_to_system_mul);
}

/* One range of a memory map. */
typedef struct Range {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed)) Range;

CONFORMS(XENMEM_memory_map)
static void map_tells_of_the_memory(void)
{
    static Range ranges[32];
    struct xen_memory_map map = {.nr_entries = ARRAY_SIZE(ranges)};
    uint64_t ram = 0;

    set_xen_guest_handle(map.buffer, ranges);
    CHECK_RC(0, xen_memory_op(XENMEM_memory_map, &map));
    CHECK(map.nr_entries > 0 && map.nr_entries < ARRAY_SIZE(ranges));
    for (unsigned i = 0; i < map.nr_entries; i++) {
        input("range %u", i);
        CHECK(ranges[i].size != 0);
        ram += ranges[i].type == 1 ? ranges[i].size : 0;
    }
    input("all");
    /* A HVM guest's map leaves the first MiB to its BIOS. */
    CHECK(ranges[0].addr == 0 || ranges[0].addr == 0x100000);
    CHECK_RANGE(ram, ram + 0x100000,
                (uint64_t)(unsigned long)current() * PAGE_SIZE);
    map.nr_entries = 1;
    CHECK_RC(0, xen_memory_op(XENMEM_memory_map, &map));
    CHECK_EQ(1, map.nr_entries);
    CHECK_RC(-XEN_EFAULT, xen_memory_op(XENMEM_memory_map, (void *)WINDOW_VA));
}

/* Code in a page that goes must not be executed from a copy. */
static void code_goes_with_its_page(void)
{
    static const uint8_t bytes[] = {0xb8, 1, 0, 0, 0, 0xc3}; /* mov, ret */
    unsigned long got = 0;

    memcpy(pages[0], bytes, sizeof(bytes));
    memcpy(pages[1], bytes, sizeof(bytes));
    pages[1][1] = 2;
    __asm__ volatile("call *%1" : "=a"(got) : "r"(pages[0]) : "memory");
    CHECK_EQ(1, got);
    CHECK_RC(0, add(XENMAPSPACE_gmfn, GFN(pages[1]), GFN(pages[0]), 0));
    __asm__ volatile("call *%1" : "=a"(got) : "r"(pages[0]) : "memory");
    CHECK_EQ(2, got);
    CHECK_RC(1, reservation_of(XENMEM_populate_physmap, GFN(pages[1]), 0));
    memcpy(pages[1], bytes, sizeof(bytes));
    __asm__ volatile("call *%1" : "=a"(got) : "r"(pages[1]) : "memory");
    CHECK_EQ(1, got);
}

PAYLOAD(NEEDS_XEN, TEST(map_tells_of_the_memory),
        TEST(page_given_back_is_a_hole_and_comes_back_zeroed),
        TEST(hole_is_no_argument), TEST(long_lists_are_done_whole),
        TEST(list_stops_at_the_first_bad_extent),
        TEST(orders_up_to_nine_are_served), TEST(memory_comes_back_anywhere),
        TEST(page_moves_and_frees_what_was_there), TEST(range_moves_in_order),
        TEST(removed_page_stays_the_domains), TEST(overlay_comes_and_goes),
        TEST(code_goes_with_its_page));
