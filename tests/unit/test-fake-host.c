/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake host keeps the contract of hw/host.h that other tests rely on. */
#include <inttypes.h>
#include <string.h>

#include "tests/unit/fake-host.h"

static GuestPhys phys(uint64_t v)
{
    return (GuestPhys){v};
}

static GuestVirt virt(uint64_t v)
{
    return (GuestVirt){v};
}

typedef struct Firing {
    GString *log;
    FakeHost *fake;
    char name;
    HostTimer *timer;
    int64_t again_ns; /* re-arm once at this time; 0: no */
} Firing;

static void log_firing(void *opaque)
{
    Firing *f = opaque;

    g_string_append_printf(f->log, "%c%" PRId64 " ", f->name,
                           fake_host_now(f->fake));
    if (f->again_ns) {
        Host *host = fake_host_ops(f->fake);

        host->ops->timer_mod(host, f->timer, f->again_ns);
        f->again_ns = 0;
    }
}

static void test_timers_due_together_fire_by_deadline_then_creation(void)
{
    FakeHost *fake = fake_host_new(1, 1);
    Host *host = fake_host_ops(fake);
    GString *log = g_string_new(NULL);
    Firing f[] = {
        {log, fake, 'a', NULL, 0},
        {log, fake, 'b', NULL, 20},
        {log, fake, 'c', NULL, 0},
        {log, fake, 'd', NULL, 0},
    };
    static const int64_t deadline[] = {30, 10, 10, 5};

    for (unsigned i = 0; i < G_N_ELEMENTS(f); i++) {
        f[i].timer = host->ops->timer_new(host, log_firing, &f[i]);
    }
    for (unsigned i = G_N_ELEMENTS(f); i > 0; i--) {
        host->ops->timer_mod(host, f[i - 1].timer, deadline[i - 1]);
    }
    host->ops->timer_del(host, f[3].timer);
    g_assert_cmpint(fake_host_next_deadline(fake), ==, 10);
    fake_host_run_until(fake, 29);
    g_assert_cmpstr(log->str, ==, "b10 c10 b20 ");
    g_assert_cmpint(fake_host_now(fake), ==, 29);

    /* A deadline in the past fires from the loop, at the present time. */
    host->ops->timer_mod(host, f[2].timer, 3);
    g_assert_cmpstr(log->str, ==, "b10 c10 b20 ");
    fake_host_advance(fake, 0);
    fake_host_advance(fake, 1);
    g_assert_cmpstr(log->str, ==, "b10 c10 b20 c29 a30 ");
    g_assert_cmpint(fake_host_next_deadline(fake), ==, INT64_MAX);

    for (unsigned i = 0; i < G_N_ELEMENTS(f); i++) {
        host->ops->timer_free(host, f[i].timer);
    }
    g_string_free(log, TRUE);
    fake_host_free(fake);
}

static void test_memory_marked_frames_are_refused(void)
{
    FakeHost *fake = fake_host_new(1, 4);
    Host *host = fake_host_ops(fake);
    const HostOps *ops = host->ops;
    uint8_t buf[2] = {1, 2};

    fake_host_mark_frame(fake, 1, FAKE_FRAME_READONLY);
    fake_host_mark_frame(fake, 2, FAKE_FRAME_ABSENT);
    fake_host_mark_frame(fake, 9, FAKE_FRAME_RAM);

    g_assert_true(ops->mem.phys_write(host, phys(0x9000), buf, 2));
    g_assert_true(ops->mem.phys_read(host, phys(0x1000), buf, 2));
    g_assert_false(ops->mem.phys_write(host, phys(0x1000), buf, 2));
    g_assert_false(ops->mem.phys_read(host, phys(0x2000), buf, 2));
    g_assert_false(ops->mem.phys_read(host, phys(0x4000), buf, 2));
    g_assert_false(ops->mem.phys_read(host, phys(UINT64_MAX), buf, 2));
    g_assert_null(ops->mem.page_pin(host, 1));
    g_assert_null(ops->mem.page_pin(host, 2));
    g_assert_null(ops->mem.page_pin(host, 4));

    /* Physical writes are all or nothing, virtual ones page by page. */
    memcpy(buf, "xy", 2);
    g_assert_false(ops->mem.phys_write(host, phys(0xfff), buf, 2));
    g_assert_cmpuint(fake_host_peek8(fake, 0xfff), ==, 0);
    g_assert_false(ops->mem.virt_write(host, 0, virt(0xfff), buf, 2));
    g_assert_cmpuint(fake_host_peek8(fake, 0xfff), ==, 'x');
    g_assert_cmpuint(fake_host_peek8(fake, 0x1000), ==, 0);
    fake_host_free(fake);
}

static void test_overlay_hides_and_gives_back_the_frame(void)
{
    FakeHost *fake = fake_host_new(1, 4);
    Host *host = fake_host_ops(fake);
    const HostOps *ops = host->ops;
    char *before, *after;
    HostPage *page, *pin;
    uint8_t *ptr;

    fake_host_poke32(fake, 0x3000, 0x11223344);
    before = fake_host_ram_digest(fake);
    page = ops->mem.overlay_new(host, "shared-info");
    ptr = ops->mem.page_ptr(host, page);
    ptr[0] = 0x55;
    ops->mem.page_dirty(host, page, 0, 1);
    g_assert_true(ops->mem.overlay_map(host, page, 3));
    g_assert_cmpuint(fake_host_peek32(fake, 0x3000), ==, 0x55);
    pin = ops->mem.page_pin(host, 3);
    g_assert_true(ops->mem.page_ptr(host, pin) == ptr);

    /* Laid over a frame with no RAM there is RAM. */
    g_assert_true(ops->mem.overlay_map(host, page, 100));
    g_assert_cmpuint(fake_host_peek32(fake, 0x3000), ==, 0x11223344);
    g_assert_cmpuint(fake_host_peek32(fake, 100 << 12), ==, 0x55);
    ops->mem.overlay_unmap(host, page);
    ops->mem.overlay_free(host, page);
    g_assert_cmpuint(*(uint8_t *)ops->mem.page_ptr(host, pin), ==, 0x55);
    ops->mem.page_unpin(host, pin);

    after = fake_host_ram_digest(fake);
    g_assert_cmpstr(before, ==, after);
    g_free(before);
    g_free(after);
    fake_host_free(fake);
}

static void test_pin_counts_bytes_nobody_was_told_of(void)
{
    FakeHost *fake = fake_host_new(1, 1);
    Host *host = fake_host_ops(fake);
    HostPage *pin = host->ops->mem.page_pin(host, 0);
    uint8_t *ptr = host->ops->mem.page_ptr(host, pin);

    memset(ptr + 8, 1, 4);
    g_assert_cmpuint(fake_host_undirtied_bytes(fake), ==, 4);
    host->ops->mem.page_dirty(host, pin, 8, 3);
    g_assert_cmpuint(fake_host_undirtied_bytes(fake), ==, 1);
    fake_host_poke8(fake, 11, 1);
    g_assert_cmpuint(fake_host_undirtied_bytes(fake), ==, 0);
    host->ops->mem.page_unpin(host, pin);
    fake_host_free(fake);
}

/* Calls of each fallible operation, of which exactly the n-th fails. */
static unsigned call_all_fallible(Host *host)
{
    const HostOps *ops = host->ops;
    uint8_t byte = 0;
    HostPage *pin, *overlay;
    unsigned failed = 0;

    failed += !ops->mem.phys_read(host, phys(0), &byte, 1);
    failed += !ops->mem.phys_write(host, phys(0), &byte, 1);
    failed += !ops->mem.virt_read(host, 0, virt(0), &byte, 1);
    failed += !ops->mem.virt_write(host, 0, virt(0), &byte, 1);
    pin = ops->mem.page_pin(host, 0);
    if (pin) {
        ops->mem.page_unpin(host, pin);
    } else {
        failed++;
    }
    overlay = ops->mem.overlay_new(host, "page");
    if (overlay) {
        failed += !ops->mem.overlay_map(host, overlay, 0);
        ops->mem.overlay_free(host, overlay);
    } else {
        failed++;
    }
    return failed;
}

static void test_fault_fires_once_for_every_n(void)
{
    FakeHost *fake = fake_host_new(1, 1);
    unsigned n;

    for (n = 1;; n++) {
        unsigned failed;

        fake_host_fail_nth(fake, n);
        failed = call_all_fallible(fake_host_ops(fake));
        g_assert_cmpuint(failed, ==, fake_host_fault_fired(fake));
        if (!failed) {
            break;
        }
    }
    g_assert_cmpuint(n, ==, 8);
    fake_host_fail_nth(fake, 0);
    g_assert_cmpuint(call_all_fallible(fake_host_ops(fake)), ==, 0);
    fake_host_free(fake);
}

static void test_records_keep_order_and_arguments(void)
{
    FakeHost *fake = fake_host_new(2, 1);
    Host *host = fake_host_ops(fake);
    const HostOps *ops = host->ops;
    const FakeEvent *e;

    ops->lapic_inject(host, 1, 0xf3);
    fake_host_advance(fake, 7);
    ops->vector_level(host, 1, 0xf4, true);
    ops->gsi_level(host, 28, true);
    ops->vcpu_block(host, 0);
    ops->vcpu_offline(host, 1);
    ops->shutdown(host, 0, 2);
    ops->nmi_inject(host, 1);
    ops->console_accept(host);
    ops->console_write(host, (const uint8_t *)"hello", 5);
    ops->trace(host, HOST_TRACE_sched, 1, 2, 3, 4);
    ops->trace(host, HOST_TRACE_cut, 5, 6, 7, 8);

    e = fake_host_event(fake, FAKE_LAPIC_INJECT, 0);
    g_assert_cmpint(e->at_ns, ==, 0);
    g_assert_cmpuint(e->a, ==, 1);
    g_assert_cmpuint(e->b, ==, 0xf3);
    g_assert_null(fake_host_event(fake, FAKE_LAPIC_INJECT, 1));
    g_assert_cmpint(fake_host_last_event(fake, FAKE_SHUTDOWN)->at_ns, ==, 7);
    g_assert_cmpuint(fake_host_last_event(fake, FAKE_SHUTDOWN)->b, ==, 2);
    g_assert_cmpuint(fake_host_vector_held(fake, 1), ==, 0xf4);
    g_assert_true(fake_host_gsi_held(fake, 28));
    g_assert_cmpint(fake_host_vcpu_state(fake, 0), ==, FAKE_VCPU_BLOCKED);
    g_assert_cmpint(fake_host_vcpu_state(fake, 1), ==, FAKE_VCPU_OFF);
    g_assert_cmpstr(fake_host_console(fake), ==, "hello");
    g_assert_cmpuint(fake_host_trace_count(fake, HOST_TRACE_sched), ==, 1);
    g_assert_cmpuint(fake_host_last_trace(fake, HOST_TRACE_sched)->e, ==, 4);
    g_assert_null(fake_host_last_trace(fake, HOST_TRACE_upcall));

    ops->vector_level(host, 1, 0xf4, false);
    ops->vcpu_wake(host, 0);
    g_assert_cmpuint(fake_host_vector_held(fake, 1), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(fake, 0), ==, FAKE_VCPU_RUNNING);
    fake_host_clear_events(fake);
    g_assert_cmpuint(fake_host_event_count(fake, FAKE_TRACE), ==, 0);
    g_assert_null(fake_host_last_event(fake, FAKE_SHUTDOWN));
    fake_host_free(fake);
}

static void test_pci_intx_follows_slot_and_pin(void)
{
    FakeHost *fake = fake_host_new(1, 1);
    Host *host = fake_host_ops(fake);

    g_assert_cmpint(host->ops->pci_intx_to_gsi(host, 0, 0, 3 << 3, 2), ==, 17);
    g_assert_cmpint(host->ops->pci_intx_to_gsi(host, 0, 1, 0, 0), <, 0);
    g_assert_cmpint(host->ops->pci_intx_to_gsi(host, 0, 0, 0, 4), <, 0);
    fake_host_free(fake);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func(
        "/fake-host/timers_due_together_fire_by_deadline_then_creation",
        test_timers_due_together_fire_by_deadline_then_creation);
    g_test_add_func("/fake-host/memory_marked_frames_are_refused",
                    test_memory_marked_frames_are_refused);
    g_test_add_func("/fake-host/overlay_hides_and_gives_back_the_frame",
                    test_overlay_hides_and_gives_back_the_frame);
    g_test_add_func("/fake-host/pin_counts_bytes_nobody_was_told_of",
                    test_pin_counts_bytes_nobody_was_told_of);
    g_test_add_func("/fake-host/fault_fires_once_for_every_n",
                    test_fault_fires_once_for_every_n);
    g_test_add_func("/fake-host/records_keep_order_and_arguments",
                    test_records_keep_order_and_arguments);
    g_test_add_func("/fake-host/pci_intx_follows_slot_and_pin",
                    test_pci_intx_follows_slot_and_pin);
    return g_test_run();
}
