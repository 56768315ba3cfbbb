/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console ring: output, input, abuse and migration. */
#include <stdint.h>
#include <string.h>

#include <xen/io/console.h>

#include "hw/xen/byte-ring.h"
#include "hw/xen/console-ring.h"
#include "tests/unit/fake-host.h"

#define PAGE     0x3000ull
#define FIELD(f) (PAGE + offsetof(struct xencons_interface, f))
#define OUT_SIZE 2048u
#define IN_SIZE  1024u

typedef struct Guest {
    FakeHost *fake;
    HostPage *page;
    XenConsoleRing *ring;
    unsigned notified;
} Guest;

static void count_notify(void *opaque)
{
    Guest *g = opaque;

    g->notified++;
}

static Guest *guest_new(void)
{
    Guest *g = g_new0(Guest, 1);
    Host *host;

    g->fake = fake_host_new(1, 16);
    host = fake_host_ops(g->fake);
    g->page = host->ops->mem.page_pin(host, PAGE >> HOST_PAGE_SHIFT);
    g->ring = xen_console_ring_new(host, g->page, count_notify, g);
    return g;
}

static void guest_free(Guest *g)
{
    Host *host = fake_host_ops(g->fake);

    g_assert_cmpuint(fake_host_undirtied_bytes(g->fake), ==, 0);
    xen_console_ring_free(g->ring);
    host->ops->mem.page_unpin(host, g->page);
    fake_host_free(g->fake);
    g_free(g);
}

/* The guest prints @text; it must have room. */
static void guest_print(Guest *g, const char *text)
{
    uint32_t prod = fake_host_peek32(g->fake, FIELD(out_prod));

    for (; *text; text++, prod++) {
        fake_host_poke8(g->fake, FIELD(out) + (prod & (OUT_SIZE - 1)), *text);
    }
    fake_host_poke32(g->fake, FIELD(out_prod), prod);
}

/* Takes up to @max bytes of input; to be freed. */
static char *guest_type(Guest *g, size_t max)
{
    uint32_t cons = fake_host_peek32(g->fake, FIELD(in_cons));
    uint32_t prod = fake_host_peek32(g->fake, FIELD(in_prod));
    GString *text = g_string_new(NULL);

    while (cons != prod && max--) {
        g_string_append_c(
            text,
            fake_host_peek8(g->fake, FIELD(in) + (cons++ & (IN_SIZE - 1))));
    }
    fake_host_poke32(g->fake, FIELD(in_cons), cons);
    return g_string_free(text, FALSE);
}

static void set_indexes(Guest *g, uint32_t out, uint32_t in)
{
    fake_host_poke32(g->fake, FIELD(out_cons), out);
    fake_host_poke32(g->fake, FIELD(out_prod), out);
    fake_host_poke32(g->fake, FIELD(in_cons), in);
    fake_host_poke32(g->fake, FIELD(in_prod), in);
}

static unsigned accepts(Guest *g)
{
    return fake_host_event_count(g->fake, FAKE_CONSOLE_ACCEPT);
}

static size_t receive(Guest *g, const char *text)
{
    return xen_console_ring_receive(g->ring, (const uint8_t *)text,
                                    strlen(text));
}

static void test_console_new_page_is_clear(void)
{
    FakeHost *fake = fake_host_new(1, 16);
    Host *host = fake_host_ops(fake);
    struct xencons_interface page, zero = {0};
    XenConsoleRing *ring;
    HostPage *pin;

    memset(&page, 0xa5, sizeof(page));
    fake_host_poke(fake, PAGE, &page, sizeof(page));
    pin = host->ops->mem.page_pin(host, PAGE >> HOST_PAGE_SHIFT);
    ring = xen_console_ring_new(host, pin, NULL, NULL);
    fake_host_peek(fake, PAGE, &page, sizeof(page));
    g_assert_cmpmem(&page, sizeof(page), &zero, sizeof(zero));
    /* notify() is NULL: it must not be called when nothing moves */
    xen_console_ring_kick(ring);
    g_assert_cmpuint(xen_console_ring_receive(ring, NULL, 0), ==, 0);
    xen_console_ring_free(ring);
    host->ops->mem.page_unpin(host, pin);
    fake_host_free(fake);
}

static void test_console_output_is_drained_and_told(void)
{
    Guest *g = guest_new();

    guest_print(g, "hello, ");
    guest_print(g, "world\n");
    xen_console_ring_kick(g->ring);
    g_assert_cmpstr(fake_host_console(g->fake), ==, "hello, world\n");
    g_assert_cmpuint(fake_host_peek32(g->fake, FIELD(out_cons)), ==, 13);
    g_assert_cmpuint(g->notified, ==, 1);
    xen_console_ring_kick(g->ring);
    g_assert_cmpuint(g->notified, ==, 1);
    g_assert_cmpstr(fake_host_console(g->fake), ==, "hello, world\n");
    guest_free(g);
}

static void test_console_output_wraps_at_every_offset(void)
{
    Guest *g = guest_new();
    GString *want = g_string_new(NULL);

    for (uint32_t at = 0; at < OUT_SIZE; at++) {
        set_indexes(g, at - OUT_SIZE / 2, 0);
        guest_print(g, "0123456789");
        xen_console_ring_kick(g->ring);
        g_string_append(want, "0123456789");
    }
    g_assert_cmpstr(fake_host_console(g->fake), ==, want->str);
    g_string_free(want, TRUE);
    guest_free(g);
}

static void test_console_full_output_ring_is_drained(void)
{
    Guest *g = guest_new();
    g_autofree char *text = g_strnfill(OUT_SIZE, 'x');

    set_indexes(g, 77, 0);
    guest_print(g, text);
    xen_console_ring_kick(g->ring);
    g_assert_cmpstr(fake_host_console(g->fake), ==, text);
    guest_free(g);
}

static void test_console_input_wraps_at_every_offset(void)
{
    Guest *g = guest_new();

    for (uint32_t at = 0; at < IN_SIZE; at++) {
        g_autofree char *got = NULL;

        set_indexes(g, 0, at - IN_SIZE / 2);
        g_assert_cmpuint(receive(g, "0123456789"), ==, 10);
        got = guest_type(g, SIZE_MAX);
        g_assert_cmpstr(got, ==, "0123456789");
        g_assert_cmpuint(g->notified, ==, at + 1);
    }
    xen_console_ring_kick(g->ring);
    g_assert_cmpuint(accepts(g), ==, 0);
    guest_free(g);
}

static void test_console_input_too_much_is_accepted_once_there_is_room(void)
{
    Guest *g = guest_new();
    g_autofree char *text = g_strnfill(IN_SIZE + 5, 'i');
    g_autofree char *one = NULL;

    g_assert_cmpuint(receive(g, text), ==, IN_SIZE);
    g_assert_cmpuint(receive(g, "more"), ==, 0);
    g_assert_cmpuint(g->notified, ==, 1);
    xen_console_ring_kick(g->ring);
    g_assert_cmpuint(accepts(g), ==, 0);
    one = guest_type(g, 1);
    xen_console_ring_kick(g->ring);
    g_assert_cmpuint(accepts(g), ==, 1);
    xen_console_ring_kick(g->ring);
    g_assert_cmpuint(accepts(g), ==, 1);
    g_assert_cmpuint(receive(g, "more"), ==, 1);
    guest_free(g);
}

static void check_error(Guest *g, unsigned nr, ByteRingId id)
{
    const FakeEvent *event =
        fake_host_last_trace(g->fake, HOST_TRACE_ring_error);

    g_assert_cmpuint(fake_host_trace_count(g->fake, HOST_TRACE_ring_error), ==,
                     nr);
    g_assert_cmpuint(event->b, ==, id);
}

static void test_console_impossible_output_indexes_read_nothing(void)
{
    static const uint32_t distance[] = {OUT_SIZE + 1, 1u << 31, -1u};

    for (size_t i = 0; i < G_N_ELEMENTS(distance); i++) {
        Guest *g = guest_new();

        fake_host_poke32(g->fake, FIELD(out_cons), 100);
        fake_host_poke32(g->fake, FIELD(out_prod), 100 + distance[i]);
        xen_console_ring_kick(g->ring);
        check_error(g, 1, BYTE_RING_CONSOLE_OUT);
        g_assert_cmpstr(fake_host_console(g->fake), ==, "");
        g_assert_cmpuint(fake_host_peek32(g->fake, FIELD(out_cons)), ==, 100);
        g_assert_cmpuint(g->notified, ==, 0);
        /* nothing else is held against the guest */
        set_indexes(g, 5, 0);
        guest_print(g, "fine");
        xen_console_ring_kick(g->ring);
        g_assert_cmpstr(fake_host_console(g->fake), ==, "fine");
        guest_free(g);
    }
}

static void test_console_impossible_input_indexes_take_nothing(void)
{
    static const uint32_t distance[] = {IN_SIZE + 1, 1u << 31, -1u};

    for (size_t i = 0; i < G_N_ELEMENTS(distance); i++) {
        Guest *g = guest_new();

        fake_host_poke32(g->fake, FIELD(in_cons), 100);
        fake_host_poke32(g->fake, FIELD(in_prod), 100 + distance[i]);
        g_assert_cmpuint(receive(g, "text"), ==, 0);
        check_error(g, 1, BYTE_RING_CONSOLE_IN);
        xen_console_ring_kick(g->ring);
        g_assert_cmpuint(accepts(g), ==, 0);
        set_indexes(g, 0, 9);
        xen_console_ring_kick(g->ring);
        g_assert_cmpuint(accepts(g), ==, 1);
        g_assert_cmpuint(receive(g, "text"), ==, 4);
        guest_free(g);
    }
}

static void test_console_reset_forgets_a_short_receive(void)
{
    Guest *g = guest_new();
    g_autofree char *text = g_strnfill(IN_SIZE + 1, 'i');

    receive(g, text);
    xen_console_ring_reset(g->ring);
    g_assert_cmpuint(fake_host_peek32(g->fake, FIELD(in_prod)), ==, 0);
    xen_console_ring_kick(g->ring);
    g_assert_cmpuint(accepts(g), ==, 0);
    guest_free(g);
}

static GByteArray *save(Guest *g)
{
    StateWriter *w = state_writer_new();

    xen_console_ring_save(g->ring, w);
    return state_writer_finish(w);
}

static bool load(Guest *g, const void *state, size_t len)
{
    StateReader *r = state_reader_new(state, len);

    xen_console_ring_load(g->ring, r);
    return state_reader_finish(r, NULL);
}

static void test_load_remembers_a_short_receive(void)
{
    Guest *from = guest_new(), *to = guest_new();
    g_autofree char *text = g_strnfill(IN_SIZE + 1, 'i');
    g_autoptr(GByteArray) state = NULL, again = NULL;

    receive(from, text);
    state = save(from);
    g_assert_true(load(to, state->data, state->len));
    again = save(to);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);
    xen_console_ring_kick(to->ring);
    g_assert_cmpuint(accepts(to), ==, 1);
    guest_free(from);
    guest_free(to);
}

static void test_load_damaged_is_refused(void)
{
    Guest *g = guest_new();
    g_autoptr(GByteArray) state = save(g);

    for (guint cut = 0; cut < state->len; cut++) {
        g_assert_false(load(g, state->data, cut));
    }
    for (guint i = 0; i < state->len; i++) {
        state->data[i] ^= 0xfe;
        g_assert_false(load(g, state->data, state->len));
        state->data[i] ^= 0xfe;
        xen_console_ring_kick(g->ring);
        g_assert_cmpuint(accepts(g), ==, 0);
    }
    guest_free(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/console-ring/" #name, test_##name)
    ADD(console_new_page_is_clear);
    ADD(console_output_is_drained_and_told);
    ADD(console_output_wraps_at_every_offset);
    ADD(console_full_output_ring_is_drained);
    ADD(console_input_wraps_at_every_offset);
    ADD(console_input_too_much_is_accepted_once_there_is_room);
    ADD(console_impossible_output_indexes_read_nothing);
    ADD(console_impossible_input_indexes_take_nothing);
    ADD(console_reset_forgets_a_short_receive);
    ADD(load_remembers_a_short_receive);
    ADD(load_damaged_is_refused);
#undef ADD
    return g_test_run();
}
