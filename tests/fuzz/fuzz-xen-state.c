/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration state of a domain from a sender that may be hostile. */
#include "tests/fuzz/fuzz.h"

#include "tests/unit/busy-guest.h"

#define NR_VCPUS 2u

/* A state that was taken must carry the domain on. */
static void go_on(XenGuest *g)
{
    for (unsigned i = 0; i < NR_VCPUS; i++) {
        xen_domain_vcpu_halted(g->d, i, true);
        xen_domain_vcpu_running(g->d, i);
        xen_domain_vcpu_upcall_due(g->d, i);
    }
    for (uint32_t port = 0; port < 16; port++) {
        xen_guest_send(g, port);
    }
    fake_host_advance(g->fake, 3000000);
}

/* A guest as it starts, and a busy one. */
GByteArray *fuzz_seed(unsigned i)
{
    XenGuest *g;
    GByteArray *state;

    if (i > 1) {
        return NULL;
    }
    g = i ? busy_guest_new(NR_VCPUS) : xen_guest_new(NR_VCPUS, 20);
    state = xen_guest_save(g);
    xen_guest_free(g);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static GByteArray *fresh; /* what a refusal must leave */
    XenGuest *g = xen_guest_new(NR_VCPUS, 20);
    StateReader *r = state_reader_new(data, size);
    g_autoptr(GByteArray) state = NULL;
    bool refused;

    fake_host_set_tracing(g->fake, false);
    fake_host_advance(g->fake, XEN_GUEST_NS_PER_S);
    xen_domain_reset(g->d);
    if (!fresh) {
        fresh = xen_guest_save(g);
    }
    xen_domain_load(g->d, r);
    /* What follows the domain's fields in the stream is not its business. */
    refused = state_reader_failed(r);
    state_reader_finish(r, NULL);
    if (!refused) {
        go_on(g);
    } else {
        state = xen_guest_save(g);
        g_assert_cmpmem(state->data, state->len, fresh->data, fresh->len);
    }
    xen_guest_free(g);
    return 0;
}
