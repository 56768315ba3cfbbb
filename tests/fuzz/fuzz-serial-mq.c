/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multiport console device against a driver, back ends and a host that do
 * anything: control messages of any bytes, chains of any shape, ports that
 * come and go, provocations, resets and migrations at any point.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "hw/virtio/serial-mq-registers.h"
#include "tests/unit/serial-mq-guest.h"

#define STEPS 400

/* A port that is often one there is; at times one there cannot be. */
static unsigned any_port(FuzzInput *in)
{
    uint8_t byte = fuzz_u8(in);

    return byte < 0xf8 ? byte % (MQ_MAX_PORTS + 1) : fuzz_u32(in);
}

static unsigned any_queue(const MqGuest *g, FuzzInput *in)
{
    return fuzz_u8(in) % g->nr_queues;
}

static void add_control(MqGuest *g, FuzzInput *in)
{
    size_t len = fuzz_u8(in) % 12;
    const uint8_t *bytes = fuzz_bytes(in, &len);

    mq_add(g, SERIAL_MQ_CONTROL_OUT, bytes, len);
}

/* Lists of parts as the transport makes them: empty, long, of any length. */
static unsigned any_parts(FuzzInput *in, size_t *parts, unsigned max)
{
    static const size_t lengths[] = {0, 1, 7, 8, 9, 64, 4096, 65536};
    uint8_t byte = fuzz_u8(in);
    unsigned nr = byte < 0xfe ? byte % 6 : max;

    for (unsigned i = 0; i < nr; i++) {
        parts[i] = nr == max ? i % 3 : lengths[fuzz_u8(in) % 8];
    }
    return nr;
}

static void add_chain(MqGuest *g, FuzzInput *in)
{
    size_t out[512], room[512];
    unsigned queue = any_queue(g, in);
    unsigned out_num = any_parts(in, out, G_N_ELEMENTS(out));
    unsigned in_num = any_parts(in, room, G_N_ELEMENTS(room));

    mq_add_parts(g, queue, out, out_num, room, in_num);
}

static void reset_queue(MqGuest *g, unsigned queue)
{
    serial_mq_queue_reset(g->s, queue);
    if (queue < g->nr_queues && queue % 2 == 0) {
        g->quiet[queue] = false;
    }
}

/* A register that only the judge looks at */
static void register_step(MqGuest *g, FuzzInput *in)
{
    static const OrderingEventKind kinds[] = {
        ORDERING_FEATURES_READ, ORDERING_QUEUE_RESET_READ,
        ORDERING_VECTOR_SET,    ORDERING_VECTOR_READ,
        ORDERING_REGISTER_READ, ORDERING_REGISTER_WRITE,
        ORDERING_KICK,
    };
    OrderingEventKind kind = kinds[fuzz_u8(in) % G_N_ELEMENTS(kinds)];
    unsigned queue = any_queue(g, in);

    serial_mq_register(g->s, kind, queue, fuzz_u32(in), fuzz_u8(in));
}

static void driver_step(MqGuest *g, FuzzInput *in)
{
    switch (fuzz_u8(in) % 11) {
    case 0:
        serial_mq_status(g->s, fuzz_u8(in), fuzz_u8(in), fuzz_u8(in));
        break;
    case 1:
        mq_reset(g, fuzz_u8(in) & 1);
        serial_mq_reset_done(g->s);
        break;
    case 2:
        serial_mq_features(g->s, fuzz_u64(in), serial_mq_offered(g->s),
                           fuzz_u64(in));
        break;
    case 3:
        serial_mq_queue_set(g->s, fuzz_u32(in), fuzz_u8(in) % 8, fuzz_u64(in));
        break;
    case 4:
        serial_mq_queue_enable(g->s, fuzz_u32(in), fuzz_u8(in));
        break;
    case 5:
        reset_queue(g, any_queue(g, in));
        break;
    case 6:
        serial_mq_config_write(g->s, fuzz_u8(in) % 16, fuzz_u32(in),
                               1u << fuzz_u8(in) % 3);
        break;
    case 7:
        serial_mq_config_read(g->s, fuzz_u32(in), fuzz_u8(in));
        break;
    case 8:
        mq_start_linux(g, fuzz_u8(in) % 4);
        break;
    case 9:
        serial_mq_notified(g->s, fuzz_u32(in));
        break;
    case 10:
        register_step(g, in);
        break;
    }
}

static void any_inside(MqGuest *g, unsigned port)
{
    switch (g->takes[port] % 5) {
    case 0:
        serial_mq_port_remove(g->s, port);
        break;
    case 1:
        serial_mq_port_host_open(g->s, port, false);
        break;
    case 2:
        mq_reset(g, true);
        break;
    case 3:
        serial_mq_port_writable(g->s, port);
        break;
    case 4:
        mq_kick_anyway(g, MQ_OUT(port));
        break;
    }
}

/* So much input that the driver need not notify of its buffers. */
static void flood(MqGuest *g, unsigned port, size_t count)
{
    static const uint8_t bytes[4096];

    for (size_t i = 0; port < MQ_MAX_PORTS && i < count; i++) {
        mq_add_in(g, MQ_IN(port), sizeof(bytes));
    }
    while (serial_mq_port_room(g->s, port) &&
           serial_mq_port_input(g->s, port, bytes, sizeof(bytes))) {
    }
}

static void host_step(MqGuest *g, FuzzInput *in)
{
    uint8_t step = fuzz_u8(in) % 11;
    unsigned port = any_port(in);
    size_t len = fuzz_u8(in);
    const uint8_t *bytes;

    switch (step) {
    case 0:
        serial_mq_port_add(g->s, port, len & 1 ? "org.a" : NULL, port == 0,
                           NULL);
        break;
    case 1:
        serial_mq_port_remove(g->s, port);
        break;
    case 2:
        serial_mq_port_host_open(g->s, port, len & 1);
        break;
    case 3:
        bytes = fuzz_bytes(in, &len);
        g_assert_cmpuint(serial_mq_port_input(g->s, port, bytes, len), <=, len);
        break;
    case 4:
        serial_mq_port_room(g->s, port);
        break;
    case 5:
        serial_mq_port_writable(g->s, port);
        break;
    case 6:
        serial_mq_port_throttle(g->s, port, len & 1);
        break;
    case 7:
        serial_mq_resize(g->s, port, fuzz_u8(in), len);
        break;
    case 8:
        serial_mq_hold(g->s, any_queue(g, in), len & 1, len & 2);
        break;
    case 9:
        g->inside = any_inside;
        break;
    case 10:
        flood(g, port, len);
        break;
    }
}

/* Any provocation, at once or when something happens. */
static void provoke_step(MqGuest *g, FuzzInput *in)
{
    static const char *const whens[] = {
        "0",
        "1ns",
        "status#1",
        "reset#1",
        "config-read#1",
        "notify#1",
        "notify#3",
        "push#1",
        "push#2",
        "interrupt#1",
        "control-rx#1",
        "control-rx=port-ready#1",
        "control-tx#1",
        "control-tx=port-add#2",
        "control-tx=port-open/1#1",
    };
    static const char *const kinds[] = {
        "control-send,port=1,message=port-add",
        "control-send,port=7,message=port-name,to=device",
        "control-send,port=1,message=port-open,to=device,value=1",
        "control-drop,count=2",
        "control-drop,to=device",
        "control-delay,delay=1ns,count=9",
        "control-delay,delay=1ns,to=device",
        "control-duplicate,count=3",
        "control-duplicate,to=device",
        "control-reorder",
        "control-reorder,to=device",
        "control-starve,delay=1ns",
        "port-order,seed=3",
        "port-flap,port=1",
        "port-flap,count=2",
        "port-unplug,port=1",
        "port-throttle,port=1,delay=1ns,count=3",
        "host-disconnect,port=1",
        "host-disconnect,port=5,delay=1ns",
        "completion-hold,queue=5,delay=1ns",
        "completion-hold,queue=3,delay=1ns",
        "completion-reorder,queue=4,delay=1ns",
        "interrupt-spurious,queue=2",
        "interrupt-lost,count=5",
        "kick-lost,queue=5",
        "config-interrupt,count=2",
        "needs-reset",
    };
    const char *when = whens[fuzz_u8(in) % G_N_ELEMENTS(whens)];
    const char *kind = kinds[fuzz_u8(in) % G_N_ELEMENTS(kinds)];
    g_autofree char *text = g_strdup_printf("%s:%s", when, kind);
    g_autoptr(GError) error = NULL;

    serial_mq_provoke_check(text, MQ_MAX_PORTS, &error);
    g_assert_no_error(error);
    /* There may be too many already. */
    serial_mq_provoke(g->s, text, NULL);
}

static void round_trip(MqGuest *g)
{
    g_autoptr(GByteArray) state = mq_save(g), again = NULL;
    MqGuest *to = mq_new(mq_info(g).ordering);
    SerialMqPortInfo info;

    for (unsigned i = 0; i < MQ_MAX_PORTS; i++) {
        if (serial_mq_port_info(g->s, i, &info)) {
            g_assert_true(
                serial_mq_port_add(to->s, i, info.name, info.console, NULL));
        }
    }
    to->no_backends = UINT_MAX; /* who would know better than the state */
    g_assert_true(mq_migrate(g, to, NULL));
    again = mq_save(to);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);
    fake_host_advance(to->fake, 0);
    mq_free(to);
}

static void step(MqGuest *g, FuzzInput *in)
{
    /* After the third output is told, after the last rings are looked at. */
    static const int64_t advances[] = {0, 1, 1000000, 2000000};

    switch (fuzz_u8(in) % 9) {
    case 0:
        add_control(g, in);
        break;
    case 1:
        add_chain(g, in);
        break;
    case 2:
        mq_kick_anyway(g, any_queue(g, in));
        break;
    case 3:
        driver_step(g, in);
        break;
    case 4:
    case 5:
        host_step(g, in);
        break;
    case 6:
        g->takes[fuzz_u8(in) % MQ_MAX_PORTS] = fuzz_u8(in);
        break;
    case 7:
        fake_host_advance(g->fake, advances[fuzz_u8(in) % 4]);
        break;
    case 8:
        provoke_step(g, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    MqGuest *g = mq_new(fuzz_u8(&in) % 3);
    const uint8_t how = fuzz_u8(&in);
    const bool migrates = how % 8 == 0;

    g->packed = how & 16;
    if (how & 8) {
        serial_mq_moderate(g->s);
    }
    for (unsigned i = 0; i < STEPS && in.left; i++) {
        step(g, &in);
        g_assert_cmpuint(mq_info(g).control_waiting, <=, MQ_MAX_PORTS * 8);
        g_assert_cmpuint(g->alive, ==, serial_mq_nr_chains(g->s));
    }
    serial_mq_settle(g->s);
    if (migrates) {
        round_trip(g);
    }
    mq_free(g);
    return 0;
}
