/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Provocations as text, a line each, and any events after an empty line: a
 * text is refused in one printable line or taken; what is taken does only what
 * a device may be asked, and is saved and loaded as it was.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "hw/virtio/provoke.h"
#include "tests/unit/fake-host.h"

#define PORTS 4u

typedef struct Device {
    FakeHost *fake;
    Provoker *provoker;
    uint64_t calls;
} Device;

static void on_control(void *s, bool to_driver, unsigned port, uint16_t event,
                       uint16_t value)
{
    Device *d = s;

    d->calls++;
    g_assert_true(provoke_control(d->provoker, to_driver, port, event, value));
}

/* As the device: what is asked for is an event in its turn. */
static void on_interrupt(void *s, unsigned queue)
{
    Device *d = s;

    d->calls++;
    g_assert_cmpuint(queue, <, 2 * PORTS + 2);
    provoke_see(d->provoker, PROVOKE_INTERRUPT, 0, queue);
}

static void on_nothing(void *s)
{
    ((Device *)s)->calls++;
}

static void on_port(void *s, unsigned port)
{
    ((Device *)s)->calls++;
    g_assert_true(port < PORTS || port == PROVOKE_ALL_PORTS);
}

static void on_port_switch(void *s, unsigned port, bool on)
{
    (void)on;
    on_port(s, port);
}

static void on_hold(void *s, unsigned queue, bool on, bool reverse)
{
    Device *d = s;

    (void)on;
    (void)reverse;
    d->calls++;
    g_assert_cmpuint(queue, <, 2 * PORTS + 2);
    provoke_see(d->provoker, PROVOKE_PUSH, 0, queue);
}

static void on_switch(void *s, bool on)
{
    (void)on;
    on_nothing(s);
}

static const ProvokeOps ops = {
    on_control, on_interrupt,   on_nothing,     on_nothing, on_port,
    on_port,    on_port_switch, on_port_switch, on_hold,    on_switch,
};

static void add(Device *d, const char *text)
{
    g_autoptr(GError) error = NULL;
    unsigned before = provoke_nr(d->provoker);

    if (provoke_add(d->provoker, text, &error)) {
        g_assert_cmpuint(provoke_nr(d->provoker), ==, before + 1);
        g_assert_true(provoke_check(text, PORTS, NULL));
        return;
    }
    g_assert_true(error->domain == PROVOKE_ERROR);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_assert_null(strchr(error->message, '\n'));
    g_assert_cmpuint(provoke_nr(d->provoker), ==, before);
}

static GByteArray *saved(const Device *d)
{
    StateWriter *w = state_writer_new();

    provoke_save(d->provoker, w);
    return state_writer_finish(w);
}

static void migrate(Device *d)
{
    g_autoptr(GByteArray) before = saved(d), after = NULL;
    StateReader *r = state_reader_new(before->data, before->len);
    Provoker *to = provoke_new(PORTS, fake_host_ops(d->fake), &ops, d);

    provoke_load(to, r);
    g_assert_true(state_reader_finish(r, NULL));
    provoke_free(d->provoker);
    d->provoker = to;
    after = saved(d);
    g_assert_cmpmem(before->data, before->len, after->data, after->len);
}

static void step(Device *d, FuzzInput *in)
{
    uint8_t what = fuzz_u8(in), number = fuzz_u8(in) & 0xf;
    unsigned ports[PORTS] = {0, 1, 2, 3};

    switch (what % 16) {
    case 8:
        fake_host_run_until(d->fake,
                            fake_host_now(d->fake) + (int64_t)number * 1000000);
        break;
    case 9:
        migrate(d);
        break;
    case 10:
        provoke_order(d->provoker, ports, PORTS);
        g_assert_cmpuint(1u << ports[0] | 1u << ports[1] | 1u << ports[2] |
                             1u << ports[3],
                         ==, 0xf);
        break;
    case PROVOKE_CONTROL_RX:
    case PROVOKE_CONTROL_TX:
        provoke_control(d->provoker, what % 16 == PROVOKE_CONTROL_TX,
                        number & 3, number >> 1, 1);
        break;
    default:
        if (what % 16 < PROVOKE_POINT__MAX) {
            provoke_see(d->provoker, what % 16, what & 3, number);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    FuzzInput in = {data, len};
    Device d = {.fake = fake_host_new(1, 16)};

    d.provoker = provoke_new(PORTS, fake_host_ops(d.fake), &ops, &d);
    while (in.left) {
        const uint8_t *end = memchr(in.data, '\n', in.left);
        size_t n = end ? (size_t)(end - in.data) : in.left;
        g_autofree char *text = g_strndup((const char *)in.data, n);

        n += end != NULL;
        fuzz_bytes(&in, &n);
        if (!*text) {
            break;
        }
        add(&d, text);
    }
    for (unsigned i = 0; in.left && i < 512; i++) {
        step(&d, &in);
    }
    /* At most: each provocation's count of steps or messages. */
    g_assert_cmpuint(d.calls, <=,
                     (uint64_t)PROVOKE_MAX * 3 * PROVOKE_COUNT_MAX);
    provoke_free(d.provoker);
    fake_host_free(d.fake);
    return 0;
}
