/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xen_version: what this Xen is and can do. */
#include <string.h>

#include "hw/xen/abi/compat-version.h"
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

typedef struct VersionCase {
    unsigned minor;
    uint32_t cmd;
    bool compat;
    int64_t ret;
    const char *text; /* NULL: not a string */
    size_t len;       /* bytes written */
    uint64_t value;   /* first bytes, if len is 4 or 8 */
} VersionCase;

static const char caps[] = "xen-3.0-x86_64 xen-3.0-x86_32p hvm-3.0-x86_32 "
                           "hvm-3.0-x86_32p hvm-3.0-x86_64 ";

static const VersionCase version_cases[] = {
    {17, XENVER_version, false, 0x40011, NULL, 0, 0},
    {20, XENVER_version, true, 0x40014, NULL, 0, 0},
    {17, XENVER_extraversion, false, 0, ".7", 16, 0},
    {20, XENVER_extraversion, false, 0, ".0", 16, 0},
    {17, XENVER_capabilities, false, 0, caps, 1024, 0},
    {17, XENVER_changeset, false, 0, "", 64, 0},
    {17, XENVER_compile_info, false, 0, "gcc", 144, 0},
    {17, XENVER_platform_parameters, false, 0, NULL, 8, 0xffff800000000000},
    {17, XENVER_platform_parameters, true, 0, NULL, 4, 0xffffffff},
    {20, XENVER_platform_parameters, false, 0, NULL, 8, 0},
    {20, XENVER_platform_parameters, true, 0, NULL, 4, 0},
    {17, XENVER_pagesize, false, -XEN_EINVAL, NULL, 0, 0},
    {17, XENVER_guest_handle, false, 0, "\1\2\3\4\5\6\7\10", 16, 0},
    {17, XENVER_commandline, false, 0, "<denied>", 9, 0},
    {17, XENVER_build_id, false, -XEN_EPERM, NULL, 0, 0},
    {20, XENVER_build_id, false, -XEN_EPERM, NULL, 0, 0},
    {17, 11, false, -XEN_ENOSYS, NULL, 0, 0},
    {17, 14, false, -XEN_ENOSYS, NULL, 0, 0},
    {20, 14, false, -XEN_EPERM, NULL, 0, 0},
    {20, 15, false, -XEN_ENOSYS, NULL, 0, 0},
    {17, UINT32_MAX, false, -XEN_ENOSYS, NULL, 0, 0},
};

CONFORMS(XENVER_version)
CONFORMS(XENVER_extraversion)
CONFORMS(XENVER_compile_info)
CONFORMS(XENVER_capabilities)
CONFORMS(XENVER_changeset)
CONFORMS(XENVER_platform_parameters)
CONFORMS(XENVER_pagesize)
CONFORMS(XENVER_guest_handle)
CONFORMS(XENVER_commandline)
NOT_OFFERED(XENVER_build_id, -XEN_EPERM)
static void test_version_sub_operations_answer_as_xen(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(version_cases); i++) {
        const VersionCase *c = &version_cases[i];
        g_autoptr(XenGuest) g = xen_guest_new(1, c->minor);
        uint8_t buf[1032], untouched[1032];
        uint64_t value = 0;

        g_test_message("4.%u XENVER %u compat %d", c->minor, c->cmd, c->compat);
        g->compat = c->compat;
        memset(buf, 0xaa, sizeof(buf));
        memset(untouched, 0xaa, sizeof(untouched));
        g_assert_cmpint(
            xen_guest_op(g, __HYPERVISOR_xen_version, c->cmd, buf, sizeof(buf)),
            ==, c->ret);
        g_assert_cmpmem(buf + c->len, sizeof(buf) - c->len, untouched,
                        sizeof(buf) - c->len);
        if (c->text) {
            g_assert_cmpmem(buf, strlen(c->text), c->text, strlen(c->text));
        } else if (c->len) {
            memcpy(&value, buf, c->len);
            g_assert_cmpuint(value, ==, c->value);
        }
    }
}

/* The argument of these must be, or may be, absent. */
CONFORMS(XENVER_pagesize)
CONFORMS(XEN_XENVER_EXTRAVERSION2)
CONFORMS(XEN_XENVER_CAPABILITIES2)
CONFORMS(XEN_XENVER_CHANGESET2)
NOT_OFFERED(XEN_XENVER_COMMANDLINE2, -XEN_EPERM)
static void test_version_strings_tell_their_length(void)
{
    static const struct {
        unsigned minor;
        uint32_t cmd;
        int64_t len; /* what is told without an argument */
        const char *text;
    } cases[] = {
        {17, XENVER_pagesize, 4096, NULL},
        {20, XENVER_pagesize, 4096, NULL},
        {17, XEN_XENVER_EXTRAVERSION2, -XEN_ENOSYS, NULL},
        {17, XEN_XENVER_COMMANDLINE2, -XEN_ENOSYS, NULL},
        {20, XEN_XENVER_EXTRAVERSION2, 2, ".0"},
        {20, XEN_XENVER_CAPABILITIES2, 77,
         "xen-3.0-x86_64 xen-3.0-x86_32p hvm-3.0-x86_32 hvm-3.0-x86_32p "
         "hvm-3.0-x86_64 "},
        {20, XEN_XENVER_CHANGESET2, 0, ""},
        {20, XEN_XENVER_COMMANDLINE2, -XEN_EPERM, NULL},
    };
    const uint64_t nr = __HYPERVISOR_xen_version;
    const uint64_t bad = XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, cases[i / 2].minor);
        const char *text = cases[i / 2].text;
        uint32_t cmd = cases[i / 2].cmd, len = (uint32_t)cases[i / 2].len;
        char got[128];

        g->compat = i % 2;
        g_test_message("case %u compat %u", i / 2, i % 2);
        g_assert_cmpint(xen_guest_call(g, nr, cmd, 0, 0), ==, cases[i / 2].len);
        if (!text) {
            continue;
        }
        g_assert_cmpint(xen_guest_call(g, nr, cmd, bad, 0), ==, -XEN_EFAULT);
        fake_host_poke32(g->fake, bad - 4, len);
        g_assert_cmpint(xen_guest_call(g, nr, cmd, bad - 4, 0), ==,
                        len ? -XEN_EFAULT : 0);
        fake_host_poke(g->fake, XEN_GUEST_ARG, &len, sizeof(len));
        if (len--) {
            fake_host_poke32(g->fake, XEN_GUEST_ARG, len);
            fake_host_poke32(g->fake, XEN_GUEST_ARG + 4, 0x55);
            g_assert_cmpint(xen_guest_call(g, nr, cmd, XEN_GUEST_ARG, 0), ==,
                            -XEN_ENOBUFS);
            g_assert_cmphex(fake_host_peek32(g->fake, XEN_GUEST_ARG + 4), ==,
                            0x55);
        }
        fake_host_poke32(g->fake, XEN_GUEST_ARG, 100);
        memset(got, 0x55, sizeof(got));
        fake_host_poke(g->fake, XEN_GUEST_ARG + 4, got, sizeof(got));
        g_assert_cmpint(xen_guest_call(g, nr, cmd, XEN_GUEST_ARG, 0), ==,
                        cases[i / 2].len);
        fake_host_peek(g->fake, XEN_GUEST_ARG + 4, got, sizeof(got));
        g_assert_cmpmem(got, strlen(text), text, strlen(text));
        g_assert_cmphex(got[strlen(text)], ==, 0x55);
    }
}

CONFORMS(XENVER_get_features)
static void test_version_features_are_those_of_a_hvm_domu(void)
{
    static const struct {
        unsigned minor;
        uint32_t want;
    } cases[] = {{17, 0x12705}, {20, 0x1d2305}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, cases[i].minor);
        struct xen_feature_info info = {0, 0};

        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_xen_version,
                                     XENVER_get_features, &info, sizeof(info)),
                        ==, 0);
        g_assert_cmphex(info.submap, ==, cases[i].want);
    }
}

static void test_version_feature_submaps_end(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct xen_feature_info info = {1, 0x5555};

    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_xen_version,
                                 XENVER_get_features, &info, sizeof(info)),
                    ==, -XEN_EINVAL);
    g_assert_cmphex(info.submap, ==, 0x5555);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/version/" #name, test_##name)
    ADD(version_sub_operations_answer_as_xen);
    ADD(version_strings_tell_their_length);
    ADD(version_features_are_those_of_a_hvm_domu);
    ADD(version_feature_submaps_end);
    return g_test_run();
}
