/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP: what the queries tell, errors of jumpcut-cut, the event of a cut.
 */
#include "tests/qtest/xen-guest.h"

#include <string.h>

#define XEN "guest=xen-hvm,"

/* Members of the object @node, which stays the caller's. */
static JsonObject *object(JsonNode *node)
{
    return json_node_get_object(node);
}

static int64_t member(JsonNode *node, const char *name)
{
    g_assert_true(json_object_has_member(object(node), name));
    return json_object_get_int_member(object(node), name);
}

static unsigned length(JsonNode *node, const char *name)
{
    g_assert_true(json_object_has_member(object(node), name));
    return json_array_get_length(
        json_object_get_array_member(object(node), name));
}

static void info_without_guest(void)
{
    Qtest *q = qtest_start(NULL, "");
    g_autoptr(JsonNode) info = qtest_qmp(q, "query-jumpcut", NULL);
    g_autofree char *clock = qtest_qmp_fails(q, "query-jumpcut-clock", NULL);
    g_autofree char *cut =
        qtest_qmp_fails(q, "jumpcut-cut", "{\"uptime\": \"5\"}");

    g_assert_cmpstr(json_object_get_string_member(object(info), "guest"), ==,
                    "none");
    g_assert_false(json_object_has_member(object(info), "xen-version"));
    g_assert_cmpint(member(info, "virtual-ns"), ==, 0);
    g_assert_nonnull(strstr(clock, "guest"));
    g_assert_nonnull(strstr(cut, "guest"));
    qtest_quit(q);
}

static void info_of_guest(void)
{
    Qtest *q = qtest_start(
        NULL, XEN "xen-version=4.20,domid=9,cut=5s:uptime=1,cut=3s:tsc=2");
    g_autoptr(JsonNode) info = NULL;

    qtest_clock_step(q, 1234567);
    qtest_hypercall(q, 0, __HYPERVISOR_xen_version, XENVER_version, 0);
    qtest_hypercall(q, 0, 55, 0);
    info = qtest_qmp(q, "query-jumpcut", NULL);
    g_assert_cmpstr(json_object_get_string_member(object(info), "guest"), ==,
                    "xen-hvm");
    g_assert_cmpstr(json_object_get_string_member(object(info), "xen-version"),
                    ==, "4.20");
    g_assert_cmpuint(
        strlen(json_object_get_string_member(object(info), "qemu-build-id")),
        ==, 40);
    g_assert_cmpint(member(info, "domid"), ==, 9);
    g_assert_cmpint(member(info, "virtual-ns"), ==, 1234567);
    g_assert_cmpint(member(info, "hypercalls"), ==, 2);
    g_assert_cmpint(member(info, "console-bytes"), ==, 0);
    g_assert_false(json_object_has_member(object(info), "shutdown-reason"));
    g_assert_cmpuint(length(info, "cuts"), ==, 0);
    g_assert_cmpuint(length(info, "pending-cuts"), ==, 2);
    qtest_quit(q);
}

static void info_shutdown_reason(void)
{
    Qtest *q = qtest_start("-no-shutdown", "guest=xen-hvm");
    struct sched_shutdown off = {.reason = SHUTDOWN_crash};
    g_autoptr(JsonNode) info = NULL;

    xg_call(q, 0, __HYPERVISOR_sched_op, SCHEDOP_shutdown, &off, sizeof(off));
    info = qtest_qmp(q, "query-jumpcut", NULL);
    g_assert_cmpint(member(info, "shutdown-reason"), ==, SHUTDOWN_crash);
    qtest_quit(q);
}

static void clock_tells_what_the_guest_sees(void)
{
    Qtest *q = qtest_start("-smp 2", XEN "uptime=100,tsc=50,tsc-khz=2000000,"
                                         "wallclock=1600000000");
    struct vcpu_time_info t;
    g_autoptr(JsonNode) clock = NULL;
    JsonArray *vcpus;
    JsonNode *vcpu;

    xg_map_shared_info(q);
    qtest_clock_set(q, 1000000);
    clock = qtest_qmp(q, "query-jumpcut-clock", NULL);
    xg_read_time(q, 0, &t);

    g_assert_cmpint(member(clock, "virtual-ns"), ==, 1000000);
    g_assert_cmpint(member(clock, "system-time"), ==, 100001000000);
    g_assert_cmpint(member(clock, "wallclock-ns"), ==, 1600000000001000000);
    g_assert_cmpint(member(clock, "tsc-khz"), ==, 2000000);
    g_assert_cmpint(member(clock, "host-tsc-khz"), ==, 2000000);
    g_assert_cmpint(member(clock, "incarnation"), ==, 1);
    g_assert_cmpstr(json_object_get_string_member(object(clock), "tsc-mode"),
                    ==, "default");
    g_assert_true(
        json_object_get_boolean_member(object(clock), "tsc-emulated"));
    g_assert_false(json_object_get_boolean_member(object(clock), "invtsc"));
    vcpus = json_object_get_array_member(object(clock), "vcpus");
    g_assert_cmpuint(json_array_get_length(vcpus), ==, 2);
    vcpu = json_array_get_element(vcpus, 0);
    g_assert_cmpint(member(vcpu, "vcpu"), ==, 0);
    g_assert_cmpint(member(vcpu, "tsc"), ==, 50 + 2000000);
    g_assert_cmpint(member(vcpu, "tsc"), ==, qtest_rdtsc(q, 0));
    g_assert_cmpint(member(vcpu, "tsc-adjust"), ==, 0);
    g_assert_cmpint(member(vcpu, "pvclock-version"), ==, t.version);
    g_assert_cmpint(member(vcpu, "pvclock-system-time"), ==, t.system_time);
    g_assert_cmpint(member(vcpu, "pvclock-tsc-timestamp"), ==, t.tsc_timestamp);
    g_assert_cmpint(member(vcpu, "pvclock-mul"), ==, t.tsc_to_system_mul);
    g_assert_cmpint(member(vcpu, "pvclock-shift"), ==, t.tsc_shift);
    g_assert_cmpint(member(vcpu, "pvclock-flags"), ==, t.flags);
    g_assert_cmpuint(length(vcpu, "runstate-time-ns"), ==, 4);
    qtest_quit(q);
}

static void cut_errors(void)
{
    static const struct {
        const char *args, *reason;
    } cases[] = {
        {"{}", "at least one field"},
        {"{\"at-ns\": 5000000000}", "at least one field"},
        {"{\"at-ns\": 999999999, \"uptime\": \"5\"}", "past"},
        {"{\"at-ns\": -1, \"uptime\": \"5\"}", "at-ns"},
        {"{\"uptime\": \"soon\"}", "soon"},
        {"{\"uptime\": \"-5\"}", "-5"},
        {"{\"tsc-khz\": 0}", "tsc-khz"},
        {"{\"tsc-khz\": 10000001}", "tsc-khz"},
        {"{\"wallclock\": \"1e9\"}", "1e9"},
        {"{\"downtime\": \"-1\"}", "downtime"},
        {"{\"colour\": 1}", "colour"},
        {"{\"invtsc\": \"on\"}", "invtsc"},
    };
    Qtest *q = qtest_start(NULL, "guest=xen-hvm");
    g_autoptr(JsonNode) info = NULL;

    qtest_clock_set(q, 1000000000);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = qtest_qmp_fails(q, "jumpcut-cut", cases[i].args);

        if (!strstr(got, cases[i].reason)) {
            g_test_message("%s: wanted \"%s\", got \"%s\"", cases[i].args,
                           cases[i].reason, got);
            g_test_fail();
        }
    }
    info = qtest_qmp(q, "query-jumpcut", NULL);
    g_assert_cmpuint(length(info, "cuts"), ==, 0);
    g_assert_cmpuint(length(info, "pending-cuts"), ==, 0);
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 1000000000);
    qtest_quit(q);
}

static void check_cut_info(JsonNode *info)
{
    g_assert_cmpint(member(info, "at-ns"), ==, 3000000);
    g_assert_cmpint(member(info, "system-time-before"), ==, 10003000000);
    g_assert_cmpint(member(info, "system-time-after"), ==, 500000000000);
    g_assert_cmpint(member(info, "tsc-before"), ==, 3000000);
    g_assert_cmpint(member(info, "tsc-after"), ==, 42);
    g_assert_cmpint(member(info, "tsc-khz-before"), ==, 1000000);
    g_assert_false(
        json_object_get_boolean_member(object(info), "invtsc-before"));
    g_assert_true(json_object_get_boolean_member(object(info), "invtsc-after"));
}

/* Asked for in advance over QMP: pending, then done, then told. */
static void cut_later_emits_event(void)
{
    Qtest *q = qtest_start(NULL, XEN "uptime=10");
    g_autoptr(JsonNode) before = NULL;
    g_autoptr(JsonNode) after = NULL;
    g_autoptr(JsonNode) event = NULL;
    JsonObject *data;

    json_node_unref(qtest_qmp(q, "jumpcut-cut",
                              "{\"at-ns\": 3000000, \"uptime\": \"500\", "
                              "\"tsc\": 42, \"invtsc\": true}"));
    qtest_clock_set(q, 2999999);
    before = qtest_qmp(q, "query-jumpcut", NULL);
    g_assert_cmpuint(length(before, "cuts"), ==, 0);
    g_assert_cmpuint(length(before, "pending-cuts"), ==, 1);
    qtest_clock_step(q, 1);
    event = qtest_qmp_event(q, "JUMPCUT_CUT");
    data = json_object_get_object_member(object(event), "data");
    check_cut_info(json_object_get_member(data, "info"));
    after = qtest_qmp(q, "query-jumpcut", NULL);
    g_assert_cmpuint(length(after, "pending-cuts"), ==, 0);
    g_assert_cmpuint(length(after, "cuts"), ==, 1);
    check_cut_info(json_array_get_element(
        json_object_get_array_member(object(after), "cuts"), 0));
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/qmp/info/without-guest", info_without_guest);
    g_test_add_func("/qmp/info/of-guest", info_of_guest);
    g_test_add_func("/qmp/info/shutdown-reason", info_shutdown_reason);
    g_test_add_func("/qmp/clock/tells-what-the-guest-sees",
                    clock_tells_what_the_guest_sees);
    g_test_add_func("/qmp/cut/errors", cut_errors);
    g_test_add_func("/qmp/cut/later-emits-event", cut_later_emits_event);
    return g_test_run();
}
