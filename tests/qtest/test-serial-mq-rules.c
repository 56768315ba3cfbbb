/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every rule of the ordering judge through the registers and queues of
 * virtio-serial-mq-pci: a driver that breaks it and the nearest one that does
 * not, and what the device makes of it in each of its modes.
 *
 * The judge's own unit tests have more sequences.  What counts here is that
 * the judge is shown what a driver does, in the order in which it does it.
 */
#include "hw/virtio/ordering.h"
#include "tests/qtest/serial-cases.h"
#include "tests/qtest/serial-machine.h"

#include <string.h>

#define PORT SERIAL_CASE_PORT

static const OrderingRule *rule_of(const SerialCase *c)
{
    size_t nr;
    const OrderingRule *rules = ordering_rules(&nr);

    for (size_t i = 0; i < nr; i++) {
        if (!strcmp(rules[i].name, c->rule)) {
            return &rules[i];
        }
    }
    g_error("%s: no such rule", c->rule);
}

static Qtest *start(const char *ordering, const char *properties)
{
    g_autofree char *args = g_strdup_printf(
        "-device virtio-serial-mq-pci,id=vs,max_ports=%u,ioeventfd=off,"
        "ordering=%s%s%s -device virtserialport-mq,bus=vs.0,nr=%u "
        "-device virtconsole-mq,bus=vs.0,nr=%u",
        SERIAL_CASE_MAX_PORTS, ordering, properties ? "," : "",
        properties ? properties : "", PORT, SERIAL_CASE_CONSOLE);

    return qtest_start(args, "");
}

/*
 * The driver of the case before its first step, in a machine that has been
 * reset; or in a new one, as drivers know ports across resets, and devices
 * differ.
 */
static SerialDriver *begin(Qtest **q, const SerialCase *c, const char *ordering)
{
    static const char *properties; /* of @q */
    const SerialOptions options = {.legacy = c->legacy};

    g_test_message("%s%s", c->rule, c->legacy ? ", legacy" : "");
    if (*q && (c->new_ports || g_strcmp0(properties, c->properties))) {
        qtest_quit(*q);
        *q = NULL;
    }
    if (*q) {
        json_node_unref(qtest_qmp(*q, "system_reset", NULL));
        json_node_unref(qtest_qmp_event(*q, "RESET"));
    } else {
        *q = start(ordering, c->properties);
        properties = c->properties;
    }
    return serial_find(*q, &options);
}

static void every_rule_has_a_case(void)
{
    size_t nr, nr_cases;
    const OrderingRule *rules = ordering_rules(&nr);
    const SerialCase *cases = serial_cases(&nr_cases);

    for (size_t r = 0; r < nr; r++) {
        bool found = false;

        for (size_t i = 0; i < nr_cases; i++) {
            found |= rule_of(&cases[i]) == &rules[r];
        }
        if (!found) {
            g_test_message("no case of %s", rules[r].name);
        }
        g_assert_true(found);
    }
}

static void right_order_is_not_reported(void)
{
    Qtest *q = NULL;
    size_t nr_cases;
    const SerialCase *cases = serial_cases(&nr_cases);

    for (size_t i = 0; i < nr_cases; i++) {
        SerialDriver *d = begin(&q, &cases[i], "observe");

        cases[i].right(d);
        g_assert_cmpuint(serial_broken(q, NULL), ==, 0);
        serial_free(d);
    }
    qtest_quit(q);
}

/* The events since the last call are about the case alone. */
static void check_events(Qtest *q, const SerialCase *c, uint64_t nr,
                         int64_t now_ns)
{
    const OrderingRule *rule = rule_of(c);

    for (uint64_t i = 0; i < nr; i++) {
        g_autoptr(JsonNode) event =
            qtest_qmp_event(q, "JUMPCUT_ORDERING_VIOLATION");
        JsonObject *o =
            json_object_get_object_member(json_node_get_object(event), "data");
        const char *name = json_object_get_string_member(o, "rule");

        g_test_message("%s", json_object_get_string_member(o, "seen"));
        if (!g_strcmp0(name, c->also)) {
            continue;
        }
        g_assert_cmpstr(name, ==, c->rule);
        g_assert_cmpstr(json_object_get_string_member(o, "device"), ==, "vs");
        g_assert_cmpstr(json_object_get_string_member(o, "section"), ==,
                        rule->section);
        g_assert_cmpstr(json_object_get_string_member(o, "severity"), ==,
                        ordering_severity_name(rule->severity));
        g_assert_cmpint(json_object_get_int_member(o, "virtual-ns"), ==,
                        now_ns);
        if (c->port) {
            g_assert_cmpint(json_object_get_int_member(o, "port"), ==, c->port);
        }
    }
}

static void wrong_order_is_reported_alone(void)
{
    Qtest *q = NULL;
    size_t nr_cases;
    const SerialCase *cases = serial_cases(&nr_cases);

    for (size_t i = 0; i < nr_cases; i++) {
        const SerialCase *c = &cases[i];
        SerialDriver *d = begin(&q, c, "observe");
        uint64_t all = serial_broken(q, NULL), this = serial_broken(q, c->rule);
        uint64_t also = c->also ? serial_broken(q, c->also) : 0;
        int64_t now_ns = qtest_clock_step(q, 1000);
        uint64_t told;

        c->wrong(d);
        told = serial_broken(q, NULL) - all;
        this = serial_broken(q, c->rule) - this;
        also = c->also ? serial_broken(q, c->also) - also : 0;
        g_assert_cmpuint(this, >, 0);
        g_assert_cmpuint(told, ==, this + also);
        check_events(q, c, told, now_ns);
        /* the driver is not treated otherwise, unless QEMU's core does */
        g_assert_cmpint(!!(virtio_status(&d->v) & VIRTIO_CONFIG_S_NEEDS_RESET),
                        ==, c->core);
        serial_free(d);
    }
    qtest_quit(q);
}

/*
 * A driver on modern registers sees that the device needs a reset; but not in
 * a status of 0, which says that a reset is over.
 */
static void check_needs_reset(const SerialDriver *d)
{
    const uint8_t bit = VIRTIO_CONFIG_S_NEEDS_RESET;

    if (virtio_status(&d->v)) {
        g_assert_cmphex(virtio_status(&d->v) & bit, ==, bit);
    }
    virtio_set_status(&d->v, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    g_assert_cmphex(virtio_status(&d->v), ==,
                    VIRTIO_CONFIG_S_ACKNOWLEDGE | bit);
}

static void enforce_refuses_what_must_not_be(void)
{
    Qtest *q = NULL;
    size_t nr_cases;
    const SerialCase *cases = serial_cases(&nr_cases);

    for (size_t i = 0; i < nr_cases; i++) {
        const SerialCase *c = &cases[i];
        SerialDriver *d = begin(&q, c, "enforce");
        uint64_t before = serial_broken(q, c->rule);

        c->wrong(d);
        if (!c->also) {
            g_assert_cmpuint(serial_broken(q, c->rule), >, before);
        }
        g_assert_cmpint(serial_refused(q), ==,
                        rule_of(c)->severity == ORDERING_MUST);
        if (serial_refused(q) && !c->legacy) {
            check_needs_reset(d);
        }
        serial_free(d);
        /* the next driver finds a device as new */
        d = serial_start(q, &(SerialOptions){.legacy = c->legacy});
        g_assert_false(serial_refused(q));
        serial_expect(d, PORT, VIRTIO_CONSOLE_PORT_ADD, 1);
        serial_free(d);
    }
    qtest_quit(q);
}

static void stock_lets_everything_through(void)
{
    Qtest *q = NULL;
    size_t nr_cases;
    const SerialCase *cases = serial_cases(&nr_cases);

    for (size_t i = 0; i < nr_cases; i++) {
        SerialDriver *d = begin(&q, &cases[i], "stock");

        cases[i].wrong(d);
        g_assert_cmpuint(serial_broken(q, NULL), ==, 0);
        g_assert_cmpint(!!(virtio_status(&d->v) & VIRTIO_CONFIG_S_NEEDS_RESET),
                        ==, cases[i].core);
        serial_free(d);
    }
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    static const QtestCase tests[] = {
        {"/serial-mq-rules/every-rule-has-a-case", every_rule_has_a_case},
        {"/serial-mq-rules/right-order-is-not-reported",
         right_order_is_not_reported},
        {"/serial-mq-rules/wrong-order-is-reported-alone",
         wrong_order_is_reported_alone},
        {"/serial-mq-rules/enforce-refuses-what-must-not-be",
         enforce_refuses_what_must_not_be},
        {"/serial-mq-rules/stock-lets-everything-through",
         stock_lets_everything_through},
    };

    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
