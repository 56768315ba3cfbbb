/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages the hypervisor uses stay what they are, wherever the guest moves them,
 * and over a migration: on Xen a reference is to the page, not to its frame.
 */
#define _GNU_SOURCE /* memmem() */
#include <string.h>

#include "tests/conformance.h"
#include "tests/unit/fake-snapshot.h"
#include "tests/unit/grant-guest.h"

#define MEM __HYPERVISOR_memory_op
#define EVT __HYPERVISOR_event_channel_op
#define REF 20u
/* Frames, and homes, of what is pinned. */
#define INFO_GFN    0x50ull
#define TIME_GFN    0x51ull
#define STATE_GFN   0x52ull
#define CONTROL_GFN 0x68ull
#define ARRAY_GFN   0x69ull
#define AT_GFN      0x90ull /* where the grant is mapped */
#define PINS        6u
#define LIST        0x80000ull

static void gone(XenGuest *g, uint64_t gfn)
{
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};

    fake_host_poke64(g->fake, LIST, gfn);
    set_xen_guest_handle(op.extent_start, (void *)(uintptr_t)LIST);
    g_assert_cmpint(
        xen_guest_op(g, MEM, XENMEM_decrease_reservation, &op, sizeof(op)), ==,
        1);
}

static void removed(XenGuest *g, uint64_t gfn)
{
    struct xen_remove_from_physmap op = {DOMID_SELF, gfn};

    g_assert_cmpint(
        xen_guest_op(g, MEM, XENMEM_remove_from_physmap, &op, sizeof(op)), ==,
        0);
}

static void moved(XenGuest *g, uint64_t from, uint64_t to)
{
    struct xen_add_to_physmap op = {DOMID_SELF, 0, XENMAPSPACE_gmfn, from, to};

    g_assert_cmpint(
        xen_guest_op(g, MEM, XENMEM_add_to_physmap, &op, sizeof(op)), ==, 0);
}

static void use_pages(XenGuest *g)
{
    struct vcpu_register_vcpu_info info = {INFO_GFN, 0x80, 0};
    struct evtchn_init_control control = {.control_gfn = CONTROL_GFN};
    struct evtchn_expand_array array = {ARRAY_GFN};
    struct gnttab_map_grant_ref map = {.host_addr = AT_GFN << HOST_PAGE_SHIFT,
                                       .flags = GNTMAP_host_map,
                                       .ref = REF,
                                       .dom = XEN_GUEST_DOMID};
    uint64_t phys[] = {(TIME_GFN << 12) + 0x40, (STATE_GFN << 12) + 0x100};

    grant_guest_setup(g, 1);
    grant_guest_entry(g, REF, GTF_permit_access, XEN_GUEST_DOMID,
                      GRANT_GUEST_PAGE);
    g_assert_cmpint(
        xen_guest_op(g, EVT, EVTCHNOP_init_control, &control, sizeof(control)),
        ==, 0);
    g_assert_cmpint(
        xen_guest_op(g, EVT, EVTCHNOP_expand_array, &array, sizeof(array)), ==,
        0);
    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_register_vcpu_info, 0, &info, sizeof(info)),
        ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, XEN_VCPUOP_REGISTER_TIME_PHYS_AREA, 0,
                                      &phys[0], sizeof(phys[0])),
                    ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA,
                                      0, &phys[1], sizeof(phys[1])),
                    ==, 0);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_grant_table_op,
                                 GNTTABOP_map_grant_ref, &map, sizeof(map)),
                    ==, 0);
    g_assert_cmpint(map.status, ==, GNTST_okay);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, PINS);
}

/* All that is pinned is away from its frame; others may lie there. */
static XenGuest *guest_new(void)
{
    XenGuest *g = xen_guest_new(1, 20);

    use_pages(g);
    gone(g, INFO_GFN);
    removed(g, TIME_GFN);
    moved(g, STATE_GFN, STATE_GFN + 1);
    removed(g, CONTROL_GFN);
    moved(g, ARRAY_GFN, CONTROL_GFN);
    gone(g, GRANT_GUEST_PAGE);
    moved(g, GRANT_GUEST_PAGE + 1, GRANT_GUEST_PAGE);
    return g;
}

static uint32_t word_of(XenGuest *g, uint64_t home, size_t off)
{
    uint8_t page[HOST_PAGE_SIZE];
    uint32_t word;

    fake_host_peek_beneath(g->fake, home, page);
    memcpy(&word, page + off, sizeof(word));
    return word;
}

static void assert_pages_in_use(XenGuest *g)
{
    int64_t port = xen_guest_bind_ipi(g, 0);
    uint32_t version = word_of(g, TIME_GFN, 0x40);
    struct gnttab_unmap_grant_ref unmap = {.host_addr = AT_GFN << 12};

    g_assert_cmpint(port, >, 0);
    g_assert_cmpint(xen_guest_send(g, (uint32_t)port), ==, 0);
    g_assert_cmphex(word_of(g, ARRAY_GFN, (size_t)port * 4) &
                        (1u << EVTCHN_FIFO_PENDING),
                    !=, 0);
    g_assert_cmphex(word_of(g, CONTROL_GFN, 0), !=, 0);
    g_assert_cmphex(word_of(g, INFO_GFN, 0x80) & 0xff, ==, 1);
    fake_host_advance(g->fake, 3 * XEN_GUEST_NS_PER_S);
    g_assert_cmpuint(word_of(g, TIME_GFN, 0x40), !=, version);
    xen_domain_vcpu_halted(g->d, 0, true);
    g_assert_cmpuint(word_of(g, STATE_GFN, 0x100), ==, RUNSTATE_blocked);
    xen_domain_vcpu_running(g->d, 0);
    fake_host_poke32(g->fake, AT_GFN << 12, 0x5a5a);
    g_assert_cmphex(word_of(g, GRANT_GUEST_PAGE, 0), ==, 0x5a5a);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_grant_table_op,
                                 GNTTABOP_unmap_grant_ref, &unmap,
                                 sizeof(unmap)),
                    ==, 0);
    g_assert_cmpint(unmap.status, ==, GNTST_okay);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, PINS - 1);
    g_assert_cmpuint(fake_host_undirtied_bytes(g->fake), ==, 0);
}

CONFORMS(VCPUOP_register_vcpu_info)
CONFORMS(EVTCHNOP_init_control)
CONFORMS(EVTCHNOP_expand_array)
static void test_pages_moved_away_stay_in_use(void)
{
    g_autoptr(XenGuest) g = guest_new();

    assert_pages_in_use(g);
}

/* @return: the stream was taken */
static bool load(XenGuest *g, const GByteArray *state)
{
    StateReader *r = state_reader_new(state->data, state->len);

    xen_domain_load(g->d, r);
    return state_reader_finish(r, NULL);
}

/* Saved, and loaded over the same memory: all is as it was. */
static void migrate(XenGuest *g)
{
    g_autoptr(GByteArray) state = xen_guest_save(g), again = NULL;
    FakeSnapshot *memory = fake_host_snapshot(g->fake);

    xen_domain_reset(g->d);
    fake_host_restore(g->fake, memory);
    g_assert_true(load(g, state));
    again = xen_guest_save(g);
    g_assert_cmpmem(again->data, again->len, state->data, state->len);
}

static void test_pages_moved_away_migrate(void)
{
    g_autoptr(XenGuest) g = guest_new();

    migrate(g);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, PINS);
    assert_pages_in_use(g);
}

static void test_load_that_fails_pins_nothing(void)
{
    g_autoptr(XenGuest) g = guest_new();
    g_autoptr(GByteArray) state = xen_guest_save(g);
    unsigned refused = 0;

    for (unsigned n = 1;; n++) {
        bool taken;

        xen_domain_reset(g->d);
        fake_host_fail_nth(g->fake, n);
        taken = load(g, state);
        if (!fake_host_fault_fired(g->fake)) {
            g_assert_true(taken);
            break;
        }
        g_test_message("call %u", n);
        g_assert_false(taken);
        g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
        g_assert_cmpuint(fake_host_alive(g->fake).aliases, ==, 0);
        g_assert_cmpuint(fake_host_frames_moved(g->fake), ==, 0);
        refused++;
    }
    g_assert_cmpuint(refused, >, PINS);
}

/* The bytes @what in @state become @with, which is as long. */
static void replace(GByteArray *state, const char *what, const char *with,
                    size_t len)
{
    uint8_t *at = memmem(state->data, state->len, what, len);

    g_assert_nonnull(at);
    memcpy(at, with, len);
}

static void test_name_of_no_memory_is_refused(void)
{
    static const char names[][7] = {"ram:5\0", "ram:\0\0", "\0am:50",
                                    "ram:5g",  "ram: 5",   "ram:-1",
                                    "rom:50",  "ram50:",   "ram:zz"};
    g_autoptr(XenGuest) g = guest_new();
    g_autoptr(GByteArray) state = xen_guest_save(g);

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GByteArray) bad = g_byte_array_new();

        g_test_message("name %u: %.6s", i, names[i]);
        g_byte_array_append(bad, state->data, state->len);
        replace(bad, "ram:50", names[i], 6);
        xen_domain_reset(g->d);
        g_assert_false(load(g, bad));
        g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
    }
    xen_domain_reset(g->d);
    g_assert_true(load(g, state));
}

/* Pages of ours can be in use, too: what is there need not be the guest's. */
static void test_overlays_in_use_migrate(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 20);
    struct vcpu_register_vcpu_info info = {XEN_GUEST_SHINFO, 0xf00, 0};
    struct evtchn_init_control control = {.control_gfn = GRANT_GUEST_TABLE,
                                          .offset = 0xf00};
    uint64_t time = (XEN_GUEST_SHINFO << HOST_PAGE_SHIFT) + 0xf80;

    grant_guest_setup(g, 1);
    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_register_vcpu_info, 0, &info, sizeof(info)),
        ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, XEN_VCPUOP_REGISTER_TIME_PHYS_AREA, 0,
                                      &time, sizeof(time)),
                    ==, 0);
    g_assert_cmpint(
        xen_guest_op(g, EVT, EVTCHNOP_init_control, &control, sizeof(control)),
        ==, 0);
    removed(g, XEN_GUEST_SHINFO);
    migrate(g);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 3);
}

/*
 * Two entries grant the same frame while different pages lie there: each handle
 * ends the mapping of its own page (xen: arch/x86/mm/p2m.c,
 * replace_grant_p2m_mapping, which compares machine frames).
 */
static void test_handle_does_not_end_another_pages_mapping(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 20);
    struct gnttab_map_grant_ref maps[2];
    struct gnttab_unmap_grant_ref unmap = {0};

    grant_guest_setup(g, 1);
    for (uint32_t i = 0; i < 2; i++) {
        maps[i] = (struct gnttab_map_grant_ref){.host_addr = (AT_GFN + i)
                                                             << HOST_PAGE_SHIFT,
                                                .flags = GNTMAP_host_map,
                                                .ref = REF + i,
                                                .dom = XEN_GUEST_DOMID};
        grant_guest_entry(g, REF + i, GTF_permit_access, XEN_GUEST_DOMID,
                          GRANT_GUEST_PAGE);
        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_grant_table_op,
                                     GNTTABOP_map_grant_ref, &maps[i],
                                     sizeof(maps[i])),
                        ==, 0);
        g_assert_cmpint(maps[i].status, ==, GNTST_okay);
        moved(g, GRANT_GUEST_PAGE + 1 + i, GRANT_GUEST_PAGE);
    }
    unmap.handle = maps[0].handle;
    unmap.host_addr = maps[1].host_addr;
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_grant_table_op,
                                 GNTTABOP_unmap_grant_ref, &unmap,
                                 sizeof(unmap)),
                    ==, 0);
    g_assert_cmpint(unmap.status, ==, GNTST_general_error);
    migrate(g);
}

/* Whatever lies at a frame before a migration does so after it. */
static void test_nothing_is_put_where_a_grant_is_mapped(void)
{
    static const struct {
        unsigned space;
        uint64_t idx;
    } cases[] = {
        {XENMAPSPACE_shared_info, 0},
        {XENMAPSPACE_grant_table, 0},
        {XENMAPSPACE_gmfn, GRANT_GUEST_PAGE + 1},
        {XENMAPSPACE_gmfn, GRANT_GUEST_TABLE},
        {XENMAPSPACE_gmfn_range, GRANT_GUEST_PAGE + 1},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = guest_new();
        struct xen_add_to_physmap op = {DOMID_SELF, 1, cases[i].space,
                                        cases[i].idx, AT_GFN};

        g_test_message("case %u", i);
        g_assert_cmpint(
            xen_guest_op(g, MEM, XENMEM_add_to_physmap, &op, sizeof(op)), ==,
            -XEN_EINVAL);
        fake_host_poke32(g->fake, AT_GFN << 12, 0x5a5a + i);
        g_assert_cmphex(word_of(g, GRANT_GUEST_PAGE, 0), ==, 0x5a5a + i);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/pinned/" #name, test_##name)
    ADD(pages_moved_away_stay_in_use);
    ADD(pages_moved_away_migrate);
    ADD(load_that_fails_pins_nothing);
    ADD(name_of_no_memory_is_refused);
    ADD(overlays_in_use_migrate);
    ADD(handle_does_not_end_another_pages_mapping);
    ADD(nothing_is_put_where_a_grant_is_mapped);
    return g_test_run();
}
