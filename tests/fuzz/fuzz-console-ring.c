/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console ring against a guest that writes anything into its page. */
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <string.h>

#include <xen/io/console.h>

#include "hw/xen/console-ring.h"
#include "tests/unit/fake-host.h"

#define PAGE 0x1000ull

typedef struct Target {
    FakeHost *fake;
    XenConsoleRing *ring;
    unsigned notified;
} Target;

static void count_notify(void *opaque)
{
    Target *t = opaque;

    t->notified++;
}

static void round_trip(Target *t)
{
    StateWriter *w = state_writer_new();
    g_autoptr(GByteArray) state = NULL;
    StateReader *r;

    xen_console_ring_save(t->ring, w);
    state = state_writer_finish(w);
    r = state_reader_new(state->data, state->len);
    xen_console_ring_load(t->ring, r);
    g_assert_true(state_reader_finish(r, NULL));
}

static void step(Target *t, FuzzInput *in)
{
    static const size_t fields[] = {
        offsetof(struct xencons_interface, in_cons),
        offsetof(struct xencons_interface, in_prod),
        offsetof(struct xencons_interface, out_cons),
        offsetof(struct xencons_interface, out_prod),
    };
    unsigned op = fuzz_u8(in);
    const uint8_t *bytes;
    size_t len, taken;
    uint64_t gpa;

    switch (op & 7) {
    case 0:
        xen_console_ring_kick(t->ring);
        break;
    case 1:
        gpa = PAGE + fields[op >> 3 & 3];
        fake_host_poke32(t->fake, gpa, fuzz_u32(in));
        break;
    case 2: /* as a guest does: on from where it was */
        gpa = PAGE + fields[op >> 3 & 3];
        fake_host_poke32(t->fake, gpa,
                         fake_host_peek32(t->fake, gpa) + fuzz_u8(in));
        break;
    case 3:
        len = fuzz_u8(in) * 16;
        bytes = fuzz_bytes(in, &len);
        taken = xen_console_ring_receive(t->ring, bytes, len);
        g_assert_cmpuint(taken, <=, len);
        break;
    case 4:
        gpa = PAGE + (fuzz_u32(in) & 0x7ff);
        len = fuzz_u8(in);
        bytes = fuzz_bytes(in, &len);
        fake_host_poke(t->fake, gpa, bytes, len);
        break;
    case 5:
        round_trip(t);
        break;
    case 6:
        xen_console_ring_reset(t->ring);
        break;
    default:
        fake_host_clear_events(t->fake);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    Target t = {.fake = fake_host_new(1, 4)};
    Host *host = fake_host_ops(t.fake);
    HostPage *page = host->ops->mem.page_pin(host, PAGE >> HOST_PAGE_SHIFT);

    t.ring = xen_console_ring_new(host, page, count_notify, &t);
    while (in.left) {
        step(&t, &in);
    }
    g_assert_cmpuint(fake_host_undirtied_bytes(t.fake), ==, 0);
    xen_console_ring_free(t.ring);
    host->ops->mem.page_unpin(host, page);
    fake_host_free(t.fake);
    return 0;
}
