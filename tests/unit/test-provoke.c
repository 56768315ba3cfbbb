/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Provocations: their textual form, when they come, what they do, and their
 * migration state.
 */
#include <linux/virtio_console.h>
#include <string.h>

#include "hw/virtio/provoke.h"
#include "tests/unit/fake-host.h"

#define PORTS 4
#define MS    1000000

/* A device that writes down what its provocations have it do. */
typedef struct Device {
    FakeHost *fake;
    Provoker *provoker;
    GString *log;
} Device;

static void log_control(void *s, bool to_driver, unsigned port, uint16_t event,
                        uint16_t value)
{
    Device *d = s;

    g_assert_true(provoke_control(d->provoker, to_driver, port, event, value));
    g_string_append_printf(d->log, "%s%u,%u,%u ", to_driver ? "tx" : "rx", port,
                           event, value);
}

static void log_interrupt(void *s, unsigned queue)
{
    g_string_append_printf(((Device *)s)->log, "irq%u ", queue);
}

static void log_config(void *s)
{
    g_string_append(((Device *)s)->log, "config ");
}

static void log_needs_reset(void *s)
{
    g_string_append(((Device *)s)->log, "needs-reset ");
}

static void log_unplug(void *s, unsigned port)
{
    g_string_append_printf(((Device *)s)->log, "unplug%u ", port);
}

static void log_flap(void *s, unsigned port)
{
    g_string_append_printf(((Device *)s)->log, "flap%d ", (int)port);
}

static void log_throttle(void *s, unsigned port, bool on)
{
    g_string_append_printf(((Device *)s)->log, "throttle%u=%d ", port, on);
}

static void log_connect(void *s, unsigned port, bool on)
{
    g_string_append_printf(((Device *)s)->log, "connect%u=%d ", port, on);
}

static void log_hold(void *s, unsigned queue, bool on, bool reverse)
{
    g_string_append_printf(((Device *)s)->log, "hold%u=%d%s ", queue, on,
                           reverse ? "r" : "");
}

static void log_starve(void *s, bool on)
{
    g_string_append_printf(((Device *)s)->log, "starve=%d ", on);
}

static const ProvokeOps ops = {
    log_control, log_interrupt, log_config,  log_needs_reset, log_unplug,
    log_flap,    log_throttle,  log_connect, log_hold,        log_starve,
};

static Device *device_new(void)
{
    Device *d = g_new0(Device, 1);

    d->fake = fake_host_new(1, 16);
    d->log = g_string_new(NULL);
    d->provoker = provoke_new(PORTS, fake_host_ops(d->fake), &ops, d);
    return d;
}

static void device_free(Device *d)
{
    provoke_free(d->provoker);
    fake_host_free(d->fake);
    g_string_free(d->log, TRUE);
    g_free(d);
}

static void add(Device *d, const char *text)
{
    g_autoptr(GError) error = NULL;

    provoke_add(d->provoker, text, &error);
    g_assert_no_error(error);
}

/* A message of the device's own, or the driver's, on its way. */
static void message(Device *d, bool to_driver, unsigned port, uint16_t event,
                    uint16_t value)
{
    if (provoke_control(d->provoker, to_driver, port, event, value)) {
        g_string_append_printf(d->log, "%s%u,%u,%u ", to_driver ? "tx" : "rx",
                               port, event, value);
    }
}

static void take_log(Device *d, const char *want)
{
    g_assert_cmpstr(d->log->str, ==, want);
    g_string_truncate(d->log, 0);
}

/* The three ADDs of three ports and what the driver answers. */
static void announce(Device *d)
{
    for (unsigned i = 1; i < 4; i++) {
        message(d, true, i, VIRTIO_CONSOLE_PORT_ADD, 1);
    }
}

static void parse_refuses_and_names_the_part(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "WHEN:KIND"},
        {"needs-reset", "WHEN:KIND"},
        {"x:needs-reset", "time"},
        {"-1:needs-reset", "time"},
        {"1:", "kind"},
        {"1:nothing", "control-send, control-drop"},
        {"1:needs-reset,", "nothing"},
        {"1:needs-reset,port=1", "nothing"},
        {"#1:needs-reset", "status, reset"},
        {"statu#1:needs-reset", "status, reset"},
        {"status#0:needs-reset", "event's number"},
        {"status#:needs-reset", "event's number"},
        {"status=#1:needs-reset", "event's value"},
        {"status=0x#1:needs-reset", "event's value"},
        {"status=0x10000#1:needs-reset", "event's value: wanted 0 to 65535"},
        {"control-tx=add#1:needs-reset", "port-add, port-remove"},
        {"control-tx=/1#1:needs-reset", "event's message"},
        {"control-tx/4#1:needs-reset", "event's port: wanted 0 to 3"},
        {"control-tx/#1:needs-reset", "event's port"},
        {"1:port-unplug", "port"},
        {"1:port-unplug,port=4", "port: wanted 0 to 3"},
        {"1:port-unplug,port=1,port=1", "once"},
        {"1:port-unplug,count=2", "port-unplug: wanted port"},
        {"1:interrupt-spurious,queue=10", "queue: wanted 0 to 9"},
        {"1:control-send,port=1", "message"},
        {"1:control-send,port=1,message=hello", "device-ready, port-add"},
        {"1:control-send,port=1,message=65536", "port-name or 0 to 65535"},
        {"1:control-send,port=1,message=1,value=65536", "value"},
        {"1:control-drop,to=host", "to: wanted device, driver"},
        {"1:control-drop,count=0", "count: wanted 1 to 1024"},
        {"1:control-drop,count", "port, message, to, count"},
        {"1:control-delay", "delay"},
        {"1:control-delay,delay=0", "delay"},
        {"1:control-delay,delay=2h", "delay"},
        {"1:port-order", "seed"},
        {"1:port-order,seed=0", "seed"},
        {"1:completion-hold,queue=1", "delay"},
        {"1:port-throttle,delay=1s", "port"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(provoke_check(cases[i].text, PORTS, &error));
        g_assert_error(error, PROVOKE_ERROR, PROVOKE_ERROR_SPEC);
        g_test_message("'%s': %s", cases[i].text, error->message);
        g_assert_nonnull(strstr(error->message, cases[i].part));
    }
}

static void text_too_long_is_refused(void)
{
    g_autofree char *zeros = g_strnfill(300, '0');
    g_autofree char *text = g_strdup_printf("%s:needs-reset", zeros);

    g_assert_false(provoke_check(text, PORTS, NULL));
}

static void no_more_than_may_and_none_of_the_past(void)
{
    Device *d = device_new();
    g_autoptr(GError) error = NULL;

    fake_host_run_until(d->fake, 5 * MS);
    g_assert_false(provoke_add(d->provoker, "4ms:needs-reset", &error));
    g_assert_error(error, PROVOKE_ERROR, PROVOKE_ERROR_STATE);
    g_assert_nonnull(strstr(error->message, "past"));
    g_clear_error(&error);
    for (unsigned i = 0; i < PROVOKE_MAX; i++) {
        add(d, "5ms:needs-reset");
    }
    g_assert_false(provoke_add(d->provoker, "6ms:needs-reset", &error));
    g_assert_nonnull(strstr(error->message, "256"));
    g_assert_cmpuint(provoke_nr(d->provoker), ==, PROVOKE_MAX);
    device_free(d);
}

/* One that waits, one in its midst, and as many as may be that are over. */
static void those_that_are_over_make_room(void)
{
    Device *d = device_new();
    ProvokeInfo info;

    add(d, "1s:needs-reset");
    add(d, "1ms:completion-hold,queue=5,delay=100ms");
    for (unsigned i = 2; i < PROVOKE_MAX; i++) {
        add(d, "2ms:config-interrupt");
    }
    fake_host_run_until(d->fake, 2 * MS);
    g_string_truncate(d->log, 0);
    add(d, "3ms:port-unplug,port=1");
    add(d, "4ms:port-unplug,port=2");
    g_assert_cmpuint(provoke_nr(d->provoker), ==, PROVOKE_MAX);
    provoke_info(d->provoker, 0, &info);
    g_assert_cmpstr(info.text, ==, "1s:needs-reset");
    provoke_info(d->provoker, 1, &info);
    g_assert_cmpstr(info.text, ==, "1ms:completion-hold,queue=5,delay=100ms");
    fake_host_run_until(d->fake, 50 * MS);
    take_log(d, "unplug1 unplug2 ");
    fake_host_run_until(d->fake, 101 * MS);
    take_log(d, "hold5=0 ");
    device_free(d);
}

/* Its index moves while its time has not come. */
static void one_that_waits_survives_those_before_it(void)
{
    Device *d = device_new();

    for (unsigned i = 1; i < PROVOKE_MAX; i++) {
        add(d, "1ms:config-interrupt");
    }
    add(d, "1ms:port-throttle,port=3,delay=50ms");
    fake_host_run_until(d->fake, 1 * MS);
    g_string_truncate(d->log, 0);
    for (unsigned i = 1; i < PROVOKE_MAX; i++) {
        add(d, "9ms:needs-reset");
    }
    fake_host_run_until(d->fake, 8 * MS);
    take_log(d, "");
    fake_host_run_until(d->fake, 9 * MS);
    g_string_truncate(d->log, 0);
    fake_host_run_until(d->fake, 51 * MS);
    take_log(d, "throttle3=0 ");
    device_free(d);
}

/* Each kind that acts at once or for a time: what it does, and when. */
static void actions_come_at_their_time(void)
{
    static const struct {
        const char *text, *at_once, *after_1ms, *after_2ms, *later;
    } cases[] = {
        {"control-send,port=2,message=port-open", "tx2,6,1 ", "", "", ""},
        {"control-send,port=0,message=9,value=7,count=2", "tx0,9,7 tx0,9,7 ",
         "", "", ""},
        {"control-send,port=1,message=port-ready,value=0,to=device", "rx1,3,0 ",
         "", "", ""},
        {"control-starve,delay=1ms", "starve=1 ", "starve=0 ", "", ""},
        {"port-flap", "flap-1 ", "", "", ""},
        {"port-flap,port=3,count=2", "flap3 flap3 ", "", "", ""},
        {"port-unplug,port=1", "unplug1 ", "", "", ""},
        {"port-throttle,port=1,delay=1ms,count=2", "throttle1=1 ",
         "throttle1=0 ", "throttle1=1 ", "throttle1=0 "},
        {"host-disconnect,port=1", "connect1=0 ", "", "", ""},
        {"host-disconnect,port=1,delay=2ms", "connect1=0 ", "", "connect1=1 ",
         ""},
        {"completion-hold,queue=5,delay=1ms", "hold5=1 ", "hold5=0 ", "", ""},
        {"completion-reorder,queue=5,delay=1ms", "hold5=1r ", "hold5=0r ", "",
         ""},
        {"interrupt-spurious,queue=9,count=3", "irq9 irq9 irq9 ", "", "", ""},
        {"config-interrupt", "config ", "", "", ""},
        {"needs-reset", "needs-reset ", "", "", ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *timed = g_strdup_printf("3ms:%s", cases[i].text);
        g_autofree char *counted =
            g_strdup_printf("status=0x0f#2:%s", cases[i].text);
        Device *d = device_new();

        g_test_message("%s", cases[i].text);
        add(d, timed);
        fake_host_run_until(d->fake, 3 * MS - 1);
        take_log(d, "");
        fake_host_run_until(d->fake, 3 * MS);
        take_log(d, cases[i].at_once);
        fake_host_run_until(d->fake, 4 * MS);
        take_log(d, cases[i].after_1ms);
        fake_host_run_until(d->fake, 5 * MS);
        take_log(d, cases[i].after_2ms);
        fake_host_run_until(d->fake, 100 * MS);
        take_log(d, cases[i].later);

        add(d, counted);
        g_assert_true(
            provoke_see(d->provoker, PROVOKE_STATUS, PROVOKE_NO_PORT, 0x0f));
        g_assert_true(
            provoke_see(d->provoker, PROVOKE_STATUS, PROVOKE_NO_PORT, 0x0b));
        g_assert_true(
            provoke_see(d->provoker, PROVOKE_RESET, PROVOKE_NO_PORT, 0x0f));
        take_log(d, "");
        provoke_see(d->provoker, PROVOKE_STATUS, PROVOKE_NO_PORT, 0x0f);
        take_log(d, cases[i].at_once);
        provoke_see(d->provoker, PROVOKE_STATUS, PROVOKE_NO_PORT, 0x0f);
        take_log(d, "");
        device_free(d);
    }
}

static void messages_are_met(void)
{
    static const struct {
        const char *text, *want, *later;
    } cases[] = {
        {"0:control-drop", "tx2,1,1 tx3,1,1 ", ""},
        {"0:control-drop,count=2", "tx3,1,1 ", ""},
        {"0:control-drop,port=3", "tx1,1,1 tx2,1,1 ", ""},
        {"0:control-drop,message=port-remove", "tx1,1,1 tx2,1,1 tx3,1,1 ", ""},
        {"0:control-drop,to=device", "tx1,1,1 tx2,1,1 tx3,1,1 ", ""},
        {"control-tx#2:control-drop", "tx1,1,1 tx3,1,1 ", ""},
        {"control-tx=port-add/3#1:control-drop", "tx1,1,1 tx2,1,1 ", ""},
        {"control-tx=port-add/3#2:control-drop", "tx1,1,1 tx2,1,1 tx3,1,1 ",
         ""},
        {"control-tx=2#1:control-drop", "tx1,1,1 tx2,1,1 tx3,1,1 ", ""},
        {"control-rx#1:control-drop", "tx1,1,1 tx2,1,1 tx3,1,1 ", ""},
        {"0:control-duplicate,port=2", "tx1,1,1 tx2,1,1 tx2,1,1 tx3,1,1 ", ""},
        {"0:control-reorder", "tx2,1,1 tx1,1,1 tx3,1,1 ", ""},
        {"0:control-reorder,count=2", "tx2,1,1 tx1,1,1 ", ""},
        {"0:control-reorder,port=3", "tx1,1,1 tx2,1,1 ", ""},
        {"0:control-delay,delay=1ms,port=1", "tx2,1,1 tx3,1,1 ", "tx1,1,1 "},
        {"0:control-delay,delay=1ms,count=3", "", "tx1,1,1 tx2,1,1 tx3,1,1 "},
        {"control-tx/1#1:control-send,port=1,message=port-remove",
         "tx1,2,1 tx1,1,1 tx2,1,1 tx3,1,1 ", ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Device *d = device_new();

        g_test_message("%s", cases[i].text);
        add(d, cases[i].text);
        fake_host_run_until(d->fake, 0);
        announce(d);
        take_log(d, cases[i].want);
        fake_host_run_until(d->fake, MS);
        take_log(d, cases[i].later);
        device_free(d);
    }
}

static void messages_of_the_driver_are_met(void)
{
    Device *d = device_new();

    add(d, "control-rx=port-open/2#1:control-drop,to=device,count=1");
    add(d, "control-rx=port-open/2#2:control-reorder,to=device");
    message(d, false, 2, VIRTIO_CONSOLE_PORT_OPEN, 1);
    take_log(d, "");
    message(d, false, 2, VIRTIO_CONSOLE_PORT_OPEN, 0);
    take_log(d, "");
    message(d, true, 2, VIRTIO_CONSOLE_PORT_OPEN, 0);
    take_log(d, "tx2,6,0 ");
    message(d, false, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    take_log(d, "rx1,3,1 rx2,6,0 ");
    device_free(d);
}

static void interrupts_and_kicks_are_lost(void)
{
    Device *d = device_new();

    add(d, "interrupt=5#2:interrupt-lost,queue=5,count=2");
    add(d, "0:kick-lost");
    fake_host_run_until(d->fake, 0);
    g_assert_true(provoke_see(d->provoker, PROVOKE_INTERRUPT, 1, 5));
    g_assert_false(provoke_see(d->provoker, PROVOKE_INTERRUPT, 1, 5));
    g_assert_true(provoke_see(d->provoker, PROVOKE_INTERRUPT, 1, 4));
    g_assert_false(provoke_see(d->provoker, PROVOKE_INTERRUPT, 1, 5));
    g_assert_true(provoke_see(d->provoker, PROVOKE_INTERRUPT, 1, 5));
    g_assert_false(provoke_see(d->provoker, PROVOKE_NOTIFY, 1, 5));
    g_assert_true(provoke_see(d->provoker, PROVOKE_NOTIFY, 1, 5));
    g_assert_true(provoke_see(NULL, PROVOKE_NOTIFY, 1, 5));
    device_free(d);
}

static void reset_forgets_messages(void)
{
    Device *d = device_new();

    add(d, "0:control-delay,delay=1ms,port=1");
    add(d, "0:control-reorder,port=2");
    fake_host_run_until(d->fake, 0);
    message(d, true, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
    message(d, true, 2, VIRTIO_CONSOLE_PORT_ADD, 1);
    provoke_see(d->provoker, PROVOKE_RESET, PROVOKE_NO_PORT, 1);
    message(d, true, 3, VIRTIO_CONSOLE_PORT_ADD, 1);
    fake_host_run_until(d->fake, 100 * MS);
    take_log(d, "tx3,1,1 ");
    device_free(d);
}

static void no_more_messages_are_late_than_may(void)
{
    Device *d = device_new();

    add(d, "0:control-delay,delay=1ms,count=1024");
    add(d, "0:control-delay,delay=1ms,count=1024");
    fake_host_run_until(d->fake, 0);
    for (unsigned i = 0; i < PROVOKE_LATE_MAX; i++) {
        message(d, true, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
    take_log(d, "");
    message(d, true, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    take_log(d, "tx1,6,1 ");
    fake_host_run_until(d->fake, MS);
    g_assert_cmpuint(d->log->len, ==, PROVOKE_LATE_MAX * strlen("tx1,6,1 "));
    device_free(d);
}

static void order_is_of_the_seed(void)
{
    unsigned first[8], second[8], third[8];
    bool moved = false, differ = false;
    unsigned sum = 0;
    Device *d = device_new();

    for (unsigned i = 0; i < 8; i++) {
        first[i] = second[i] = third[i] = i;
    }
    add(d, "0:port-order,seed=7");
    add(d, "0:port-order,seed=7");
    add(d, "0:port-order,seed=8");
    provoke_order(d->provoker, first, 8);
    g_assert_cmpuint(first[3], ==, 3);
    fake_host_run_until(d->fake, 0);
    provoke_order(d->provoker, first, 8);
    provoke_order(d->provoker, second, 8);
    provoke_order(d->provoker, third, 8);
    for (unsigned i = 0; i < 8; i++) {
        moved |= first[i] != i;
        differ |= first[i] != third[i];
        sum |= 1u << first[i];
    }
    g_assert_true(moved && differ);
    g_assert_cmphex(sum, ==, 0xff);
    g_assert_cmpint(memcmp(first, second, sizeof(first)), ==, 0);
    provoke_order(NULL, first, 8);
    device_free(d);
}

static void list_says_what_was_done(void)
{
    Device *d = device_new();
    ProvokeInfo info;

    add(d, "control-tx#2:control-drop,count=2");
    add(d, "1:port-unplug,port=1");
    announce(d);
    provoke_info(d->provoker, 0, &info);
    g_assert_cmpstr(info.text, ==, "control-tx#2:control-drop,count=2");
    g_assert_false(info.legal || info.waiting);
    g_assert_cmpuint(info.count, ==, 2);
    provoke_info(d->provoker, 1, &info);
    g_assert_true(info.legal && info.waiting);
    g_assert_cmpuint(info.count, ==, 0);
    device_free(d);
}

static GByteArray *saved(Device *d)
{
    StateWriter *w = state_writer_new();

    provoke_save(d->provoker, w);
    return state_writer_finish(w);
}

/* One that waits, one that is met, one in the middle, one message late. */
static Device *busy_device(void)
{
    Device *d = device_new();

    add(d, "control-tx#5:needs-reset");
    add(d, "control-tx#2:control-drop");
    add(d, "0:port-throttle,port=1,delay=1ms,count=2");
    add(d, "0:control-delay,delay=2ms,port=1");
    add(d, "0:control-reorder,message=port-open");
    add(d, "3ms:config-interrupt");
    fake_host_run_until(d->fake, 0);
    message(d, true, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
    message(d, true, 2, VIRTIO_CONSOLE_PORT_ADD, 1);
    message(d, true, 3, VIRTIO_CONSOLE_PORT_OPEN, 1);
    return d;
}

static void go_on(Device *d)
{
    g_string_truncate(d->log, 0);
    for (unsigned i = 0; i < 4; i++) {
        message(d, true, 2, VIRTIO_CONSOLE_PORT_NAME, (uint16_t)i);
    }
    fake_host_run_until(d->fake, 10 * MS);
}

static void state_migrates(void)
{
    Device *from = busy_device(), *to = device_new();
    g_autoptr(GByteArray) bytes = saved(from), again = NULL;
    StateReader *r = state_reader_new(bytes->data, bytes->len);
    g_autoptr(GError) error = NULL;

    add(to, "0:needs-reset");
    provoke_load(to->provoker, r);
    g_assert_true(state_reader_finish(r, &error));
    g_assert_no_error(error);
    again = saved(to);
    g_assert_cmpmem(bytes->data, bytes->len, again->data, again->len);
    go_on(from);
    go_on(to);
    g_test_message("%s", from->log->str);
    g_assert_cmpstr(from->log->str, ==,
                    "tx2,7,0 tx3,6,1 needs-reset tx2,7,1 tx2,7,2 tx2,7,3 "
                    "throttle1=0 tx1,1,1 throttle1=1 config throttle1=0 ");
    g_assert_cmpstr(from->log->str, ==, to->log->str);
    device_free(from);
    device_free(to);
}

static void damaged_state_leaves_none(void)
{
    Device *from = busy_device();
    g_autoptr(GByteArray) bytes = saved(from);

    for (guint len = 0; len < bytes->len; len++) {
        Device *to = device_new();
        StateReader *r = state_reader_new(bytes->data, len);

        provoke_load(to->provoker, r);
        g_assert_false(state_reader_finish(r, NULL));
        g_assert_cmpuint(provoke_nr(to->provoker), ==, 0);
        fake_host_run_until(to->fake, 10 * MS);
        announce(to);
        take_log(to, "tx1,1,1 tx2,1,1 tx3,1,1 ");
        device_free(to);
    }
    device_free(from);
}

static void kinds_are_described(void)
{
    size_t n;
    const ProvokeKindInfo *kinds = provoke_kinds(&n);

    for (size_t i = 0; i < n; i++) {
        g_assert_nonnull(kinds[i].spec.name);
        g_assert_nonnull(kinds[i].text);
        g_assert_true(g_ascii_isdigit(*kinds[i].section));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/provoke/" #name, name)
    TEST(parse_refuses_and_names_the_part);
    TEST(text_too_long_is_refused);
    TEST(no_more_than_may_and_none_of_the_past);
    TEST(those_that_are_over_make_room);
    TEST(one_that_waits_survives_those_before_it);
    TEST(actions_come_at_their_time);
    TEST(messages_are_met);
    TEST(messages_of_the_driver_are_met);
    TEST(interrupts_and_kicks_are_lost);
    TEST(reset_forgets_messages);
    TEST(no_more_messages_are_late_than_may);
    TEST(order_is_of_the_seed);
    TEST(list_says_what_was_done);
    TEST(state_migrates);
    TEST(damaged_state_leaves_none);
    TEST(kinds_are_described);
#undef TEST
    return g_test_run();
}
