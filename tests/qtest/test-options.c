/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the plugin: what is unknown or malformed is refused by name, with
 * what there is instead, and QEMU does not start.
 */
#include "tests/qtest/qtest-client.h"

#include <string.h>

typedef struct RefusedCase {
    const char *options;
    const char *names[4]; /* all of them are in the message */
} RefusedCase;

#define XEN "guest=xen-hvm,"

static void check_refused(const RefusedCase *cases, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        g_autofree char *text = qtest_start_refused(NULL, cases[i].options);

        for (size_t n = 0; n < 4 && cases[i].names[n]; n++) {
            if (!strstr(text, cases[i].names[n])) {
                g_test_message("%s: wanted \"%s\" in: %s", cases[i].options,
                               cases[i].names[n], text);
                g_test_fail();
            }
        }
    }
}

static void option_unknown_is_named_with_list(void)
{
    static const RefusedCase cases[] = {
        {XEN "colour=blue", {"'colour'", "xen-version", "tsc-khz", "digest"}},
        {XEN "tsc_khz=1", {"'tsc_khz'", "tsc-khz"}},
        {XEN "=1", {"''", "xen-version"}},
        {"uptime=5", {"guest=xen-hvm", "uptime", "kvm"}},
    };

    check_refused(cases, G_N_ELEMENTS(cases));
}

static void option_bad_value_is_named(void)
{
    static const RefusedCase cases[] = {
        {"guest=xen-pv", {"guest", "xen-pv", "xen-hvm"}},
        {"guest=", {"guest", "xen-hvm", "kvm"}},
        {XEN "steal=10ms", {"PERIOD:PERCENT"}},
        {XEN "steal=10ms:91", {"percent", "91"}},
        {XEN "guest=xen-hvm", {"guest", "twice"}},
        {XEN "xen-version=4.18", {"xen-version", "4.18", "4.17", "4.20"}},
        {XEN "domid=0", {"domid", "1 to 32751"}},
        {XEN "domid=32752", {"domid", "1 to 32751"}},
        {XEN "domid=one", {"domid", "one"}},
        {XEN "domid=1,domid=2", {"domid", "twice"}},
        {XEN "max-event-channels=2", {"max-event-channels", "3 to 131071"}},
        {XEN "max-event-channels=131072", {"max-event-channels", "131071"}},
        {XEN "tsc-mode=fast", {"tsc-mode", "fast", "native"}},
        {XEN "tsc-khz=0", {"tsc-khz", "0"}},
        {XEN "tsc-khz=10000001", {"tsc-khz", "10000001"}},
        {XEN "tsc-khz=1.5", {"tsc-khz", "1.5"}},
        {XEN "tsc-khz=", {"tsc-khz"}},
        {XEN "tsc=-1", {"tsc", "-1"}},
        {XEN "tsc=0x10000000000000000", {"tsc"}},
        {XEN "uptime=-1", {"uptime", "-1"}},
        {XEN "uptime=1.1234567891", {"uptime", "1.1234567891"}},
        {XEN "uptime=1y", {"uptime", "1y"}},
        {XEN "uptime=40000d", {"uptime", "40000d"}},
        {XEN "uptime=1,uptime=2", {"uptime", "twice"}},
        {XEN "invtsc=maybe", {"invtsc", "maybe"}},
        {XEN "tsc-scaling=2", {"tsc-scaling", "2"}},
        {XEN "wallclock=today", {"wallclock", "today"}},
        {XEN "madt=some", {"madt", "some", "online or all"}},
        {XEN "digest=0", {"digest", "0"}},
        {XEN "digest=often", {"digest", "often"}},
        {XEN "digest-verify=yes", {"digest-verify", "yes", "on or off"}},
        {XEN "console=nobody", {"nobody"}},
        {XEN "console=", {"console", "chardev"}},
    };

    check_refused(cases, G_N_ELEMENTS(cases));
}

static void cut_malformed_is_named(void)
{
    static const RefusedCase cases[] = {
        {XEN "cut=", {"cut"}},
        {XEN "cut=1s", {"1s"}},
        {XEN "cut=1s:", {"cut", "KEY=VALUE"}},
        {XEN "cut=soon:uptime=1", {"soon"}},
        {XEN "cut=-1:uptime=1", {"-1"}},
        {XEN "cut=1s:speed=1", {"speed", "uptime"}},
        {XEN "cut=1s:tsc-khz=0", {"tsc-khz", "0"}},
        {XEN "cut=1s:uptime=1,,uptime=2", {"uptime"}},
    };

    check_refused(cases, G_N_ELEMENTS(cases));
}

static void option_of_another_kind_is_named(void)
{
    static const RefusedCase cases[] = {
        {"guest=kvm,xen-version=4.20", {"'xen-version'", "guest=kvm", "Xen"}},
        {"domid=5,guest=kvm", {"'domid'", "guest=kvm"}},
        {"guest=kvm,max-event-channels=9", {"'max-event-channels'"}},
        {"guest=kvm,xen-log=x", {"'xen-log'", "guest=kvm"}},
        {XEN "madt=all", {"'madt'", "guest=xen-hvm", "PVH"}},
        {"guest=kvm-xen,madt=online", {"'madt'", "guest=kvm-xen"}},
    };

    check_refused(cases, G_N_ELEMENTS(cases));
}

/* Every option with a value that is good. */
static void option_all_together_are_taken(void)
{
    Qtest *q = qtest_start(
        "-smp 2 -chardev null,id=con0",
        XEN "xen-version=4.20,domid=32751,tsc-mode=native,uptime=1d,tsc=0x10,"
            "tsc-khz=3000000,invtsc=on,tsc-scaling=off,wallclock=1600000000.5,"
            "cut=1s:uptime=5,,tsc=7,cut=2500ms:invtsc=off,console=con0,"
            "digest=100ms");

    g_assert_cmphex(qtest_cpuid(q, 0, 0x40000001, 0).eax, ==, 0x00040014);
    g_assert_cmphex(qtest_cpuid(q, 1, 0x40000004, 0).ecx, ==, 32751);
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 0x10);
    qtest_quit(q);
}

static void help_lists_every_option(void)
{
    static const char *const keys[] = {
        "guest",    "xen-version", "domid",
        "tsc-mode", "uptime",      "max-event-channels",
        "tsc",      "tsc-khz",     "invtsc",
        "cut",      "tsc-scaling", "digest",
        "console",  "wallclock",   "help",
    };
    g_autofree char *plugin =
        g_strconcat(g_getenv("JUMPCUT_PLUGIN"), ",help=on", NULL);
    const char *argv[] = {
        g_getenv("JUMPCUT_QEMU"), "-display", "none", "-plugin", plugin, NULL};
    g_autofree char *out = NULL;
    g_autoptr(GError) error = NULL;
    int status = -1;

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out,
                 NULL, &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *line = g_strdup_printf("\n  %s ", keys[i]);

        g_assert_nonnull(strstr(out, line));
    }
}

/* By another name for the same file, which QEMU takes for another plugin. */
static void plugin_loaded_twice_is_refused(void)
{
    const char *plugin = g_getenv("JUMPCUT_PLUGIN");
    g_autofree char *folder = g_path_get_dirname(plugin);
    g_autofree char *name = g_path_get_basename(plugin);
    g_autofree char *args =
        g_strdup_printf("-plugin %s/./%s,guest=xen-hvm", folder, name);
    g_autofree char *text = qtest_start_refused(args, "guest=xen-hvm");

    g_assert_nonnull(strstr(text, "loaded already"));
}

/* The machine itself can be too large for the domain. */
static void machine_of_too_many_vcpus_is_refused(void)
{
    g_autofree char *text = qtest_start_refused("-smp 129", "guest=xen-hvm");

    g_assert_nonnull(strstr(text, "128"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/options/of-another-kind-is-named",
                    option_of_another_kind_is_named);
    g_test_add_func("/plugin/loaded-twice-is-refused",
                    plugin_loaded_twice_is_refused);
    g_test_add_func("/options/unknown-is-named-with-list",
                    option_unknown_is_named_with_list);
    g_test_add_func("/options/bad-value-is-named", option_bad_value_is_named);
    g_test_add_func("/options/cut-malformed-is-named", cut_malformed_is_named);
    g_test_add_func("/options/all-together-are-taken",
                    option_all_together_are_taken);
    g_test_add_func("/options/help-lists-every-option",
                    help_lists_every_option);
    g_test_add_func("/options/machine-of-too-many-vcpus-is-refused",
                    machine_of_too_many_vcpus_is_refused);
    return g_test_run();
}
