/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest for native tests of hw/xen. */
#include "tests/unit/xen-guest.h"

#include <string.h>

XenDomainConfig xen_guest_config(unsigned nr_vcpus, unsigned minor)
{
    return (XenDomainConfig){
        .nr_vcpus = nr_vcpus,
        .version_major = 4,
        .version_minor = minor,
        .domid = XEN_GUEST_DOMID,
        .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .nr_pages = XEN_GUEST_FRAMES,
    };
}

XenGuest *xen_guest_new(unsigned nr_vcpus, unsigned minor)
{
    XenGuest *g = g_new0(XenGuest, 1);
    XenDomainConfig cfg = xen_guest_config(nr_vcpus, minor);
    HostProfile profile = {
        .set = HOST_PROFILE_UPTIME | HOST_PROFILE_WALLCLOCK,
        .uptime_ns = XEN_GUEST_UPTIME_NS,
        .wallclock_ns = 1700000000123456789,
    };
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = XEN_GUEST_SHINFO,
    };
    GError *error = NULL;

    g->fake = fake_host_new(nr_vcpus, XEN_GUEST_FRAMES);
    fake_host_mark_frame(g->fake, XEN_GUEST_UNMAPPED, FAKE_FRAME_ABSENT);
    fake_host_mark_frame(g->fake, XEN_GUEST_READONLY, FAKE_FRAME_READONLY);
    g->tree = fake_tree_new();
    g->clock = clock_new(&profile, CLOCK_TSC_MODE_DEFAULT, nr_vcpus, 0);
    g->d = xen_domain_new(fake_host_ops(g->fake), g->clock, &cfg,
                          &fake_tree_ops, g->tree, &error);
    g_assert_no_error(error);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_memory_op,
                                 XENMEM_add_to_physmap, &map, sizeof(map)),
                    ==, 0);
    return g;
}

void xen_guest_free(XenGuest *g)
{
    g_assert_cmpuint(fake_host_undirtied_bytes(g->fake), ==, 0);
    xen_domain_free(g->d);
    clock_free(g->clock);
    fake_tree_free(g->tree);
    fake_host_free(g->fake);
    g_free(g);
}

void xen_guest_set_compat(XenGuest *g)
{
    g->compat = true;
    fake_host_set_long_mode(g->fake, g->vcpu, false);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, 0), ==, 0);
}

int64_t xen_guest_call(XenGuest *g, uint64_t nr, uint64_t a0, uint64_t a1,
                       uint64_t a2)
{
    XenHypercall call = {
        .long_mode = !g->compat,
        .privileged = true,
        .nr = nr,
        .args = {a0, a1, a2},
    };

    int64_t ret;

    do {
        call.again = false;
        ret = xen_domain_hypercall(g->d, g->vcpu, &call);
    } while (call.again);
    return ret;
}

static void arg_in(XenGuest *g, const void *arg, size_t len)
{
    if (len) {
        fake_host_poke(g->fake, XEN_GUEST_ARG, arg, len);
    }
}

static void arg_out(XenGuest *g, void *arg, size_t len)
{
    if (len) {
        fake_host_peek(g->fake, XEN_GUEST_ARG, arg, len);
    }
}

int64_t xen_guest_op(XenGuest *g, uint64_t nr, uint64_t cmd, void *arg,
                     size_t len)
{
    int64_t ret;

    arg_in(g, arg, len);
    ret = xen_guest_call(g, nr, cmd, XEN_GUEST_ARG, 1);
    arg_out(g, arg, len);
    return ret;
}

int64_t xen_guest_vcpu_op(XenGuest *g, uint64_t cmd, unsigned vcpu, void *arg,
                          size_t len)
{
    int64_t ret;

    arg_in(g, arg, len);
    ret = xen_guest_call(g, __HYPERVISOR_vcpu_op, cmd, vcpu, XEN_GUEST_ARG);
    arg_out(g, arg, len);
    return ret;
}

int64_t xen_guest_set_param(XenGuest *g, uint32_t index, uint64_t value)
{
    struct xen_hvm_param op = {DOMID_SELF, 0, index, value};

    return xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_set_param, &op,
                        sizeof(op));
}

int64_t xen_guest_get_param(XenGuest *g, uint32_t index, uint64_t *value)
{
    struct xen_hvm_param op = {DOMID_SELF, 0, index, 0};
    int64_t ret =
        xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_get_param, &op, sizeof(op));

    *value = op.value;
    return ret;
}

int64_t xen_guest_bind_virq(XenGuest *g, uint32_t virq, uint32_t vcpu)
{
    struct evtchn_bind_virq op = {virq, vcpu, 0};
    int64_t ret = xen_guest_op(g, __HYPERVISOR_event_channel_op,
                               EVTCHNOP_bind_virq, &op, sizeof(op));

    return ret ? ret : op.port;
}

int64_t xen_guest_bind_ipi(XenGuest *g, uint32_t vcpu)
{
    struct evtchn_bind_ipi op = {vcpu, 0};
    int64_t ret = xen_guest_op(g, __HYPERVISOR_event_channel_op,
                               EVTCHNOP_bind_ipi, &op, sizeof(op));

    return ret ? ret : op.port;
}

int64_t xen_guest_send(XenGuest *g, uint32_t port)
{
    struct evtchn_send op = {port};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_send, &op,
                        sizeof(op));
}

static uint64_t shinfo(const XenGuest *g, size_t native, size_t compat)
{
    return (XEN_GUEST_SHINFO << HOST_PAGE_SHIFT) +
           (g->compat ? compat : native);
}

static uint64_t pending_at(const XenGuest *g)
{
    return shinfo(g, offsetof(struct shared_info, evtchn_pending),
                  offsetof(XenCompatSharedInfo, evtchn_pending));
}

uint64_t xen_guest_vcpu_info(const XenGuest *g, unsigned vcpu)
{
    return shinfo(g, 0, 0) + vcpu * XEN_VCPU_INFO_SIZE;
}

bool xen_guest_pending(XenGuest *g, uint32_t port)
{
    return fake_host_peek8(g->fake, pending_at(g) + port / 8) &
           (1u << (port % 8));
}

void xen_guest_mask(XenGuest *g, uint32_t port, bool masked)
{
    uint64_t gpa = shinfo(g, offsetof(struct shared_info, evtchn_mask),
                          offsetof(XenCompatSharedInfo, evtchn_mask)) +
                   port / 8;
    uint8_t bit = 1u << (port % 8);
    uint8_t old = fake_host_peek8(g->fake, gpa);

    fake_host_poke8(g->fake, gpa, masked ? old | bit : old & ~bit);
}

bool xen_guest_upcall_pending(XenGuest *g, unsigned vcpu)
{
    return fake_host_peek8(g->fake, xen_guest_vcpu_info(g, vcpu));
}

void xen_guest_ack(XenGuest *g, unsigned vcpu)
{
    static const uint8_t zero[512];

    fake_host_poke(g->fake, pending_at(g), zero, g->compat ? 128 : 512);
    fake_host_poke(g->fake, xen_guest_vcpu_info(g, vcpu), zero, 16);
}

struct vcpu_time_info xen_guest_time(XenGuest *g, uint64_t gpa)
{
    struct vcpu_time_info time;

    fake_host_peek(g->fake, gpa, &time, sizeof(time));
    g_assert_cmpuint(time.version % 2, ==, 0);
    return time;
}

GByteArray *xen_guest_save(XenGuest *g)
{
    StateWriter *w = state_writer_new();

    xen_domain_save(g->d, w);
    return state_writer_finish(w);
}

char *xen_guest_dump(XenGuest *g)
{
    g_autoptr(GByteArray) state = xen_guest_save(g);
    g_autofree char *state_sum =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, state->data, state->len);
    uint8_t page[HOST_PAGE_SIZE];
    g_autofree char *page_sum = NULL;
    FakeHostAlive alive = fake_host_alive(g->fake);

    fake_host_peek(g->fake, XEN_GUEST_SHINFO << HOST_PAGE_SHIFT, page,
                   sizeof(page));
    page_sum =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, page, sizeof(page));
    return g_strdup_printf("state %s shared_info %s pins %u overlays %u "
                           "timers %u aliases %u",
                           state_sum, page_sum, alive.pins, alive.overlays,
                           alive.timers, alive.aliases);
}
