/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain 0's side of the xenstore: what the QMP commands answer, what the
 * guest sees of it, and the watches' events.
 */
#include "tests/qtest/xen-store.h"

#include <string.h>

#define HOME "/local/domain/1"

static Qtest *start(void)
{
    return qtest_start(NULL, "guest=xen-hvm");
}

static char *host_read(Qtest *q, const char *path, const char *format)
{
    g_autofree char *args = g_strdup_printf("{\"path\": \"%s\"}", path);
    g_autoptr(JsonNode) got = qtest_qmp(q, "jumpcut-xenstore-read", args);
    JsonObject *value = json_node_get_object(got);

    g_assert_cmpstr(json_object_get_string_member(value, "format"), ==, format);
    return g_strdup(json_object_get_string_member(value, "value"));
}

static void check_read(Qtest *q, const char *path, const char *want)
{
    g_autofree char *got = host_read(q, path, "utf8");

    g_assert_cmpstr(got, ==, want);
}

static void host_do(Qtest *q, const char *command, const char *args)
{
    g_autofree char *name = g_strconcat("jumpcut-xenstore-", command, NULL);
    g_autoptr(JsonNode) got = qtest_qmp(q, name, args);

    g_assert_nonnull(got);
}

/* The command's strings, joined by blanks. */
static char *host_list(Qtest *q, const char *command, const char *args)
{
    g_autofree char *name = g_strconcat("jumpcut-xenstore-", command, NULL);
    g_autoptr(JsonNode) got = qtest_qmp(q, name, args);
    JsonArray *array = json_node_get_array(got);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < json_array_get_length(array); i++) {
        g_string_append_printf(text, "%s%s", i ? " " : "",
                               json_array_get_string_element(array, i));
    }
    return g_strdup(text->str);
}

static char *guest_read(const XgRing *r, const char *path)
{
    return xg_store_request(r, XS_READ, path, strlen(path) + 1);
}

static void write_is_read_by_both_sides(void)
{
    Qtest *q = start();
    XgRing r = xg_store_ring(q);
    g_autofree char *guest = NULL, *bytes = NULL;

    host_do(q, "write",
            "{\"path\": \"" HOME "/data/a/b\", \"value\": \"hello\"}");
    check_read(q, HOME "/data/a/b", "hello");
    check_read(q, HOME "/data/a", "");
    guest = guest_read(&r, "data/a/b");
    g_assert_cmpstr(guest, ==, "hello");
    host_do(q, "write",
            "{\"path\": \"" HOME "/data/a/b\", \"value\": \"/wAB\","
            " \"format\": \"base64\"}");
    bytes = host_read(q, HOME "/data/a/b", "base64");
    g_assert_cmpstr(bytes, ==, "/wAB");
    host_do(q, "write", "{\"path\": \"" HOME "/data/a/b\", \"value\": \"\"}");
    check_read(q, HOME "/data/a/b", "");
    qtest_quit(q);
}

static void list_and_remove(void)
{
    Qtest *q = start();
    g_autofree char *before = NULL, *after = NULL, *gone = NULL;

    host_do(q, "write", "{\"path\": \"" HOME "/data/y\", \"value\": \"1\"}");
    host_do(q, "write", "{\"path\": \"" HOME "/data/x/z\", \"value\": \"2\"}");
    before = host_list(q, "list", "{\"path\": \"" HOME "/data\"}");
    g_assert_cmpstr(before, ==, "x y");
    host_do(q, "remove", "{\"path\": \"" HOME "/data/x\"}");
    after = host_list(q, "list", "{\"path\": \"" HOME "/data\"}");
    g_assert_cmpstr(after, ==, "y");
    gone = qtest_qmp_fails(q, "jumpcut-xenstore-read",
                           "{\"path\": \"" HOME "/data/x/z\"}");
    g_assert_nonnull(strstr(gone, "no such node"));
    qtest_quit(q);
}

static void permissions_count_for_the_guest(void)
{
    Qtest *q = start();
    XgRing r = xg_store_ring(q);
    g_autofree char *old = NULL, *closed = NULL, *opened = NULL, *open = NULL;
    g_autofree char *special = NULL;

    host_do(q, "write", "{\"path\": \"" HOME "/data/k\", \"value\": \"v\"}");
    old = host_list(q, "permissions", "{\"path\": \"" HOME "/data\"}");
    g_assert_cmpstr(old, ==, "n1");
    host_do(q, "permissions",
            "{\"path\": \"" HOME "/data/k\", \"permissions\": [\"n0\"]}");
    closed = guest_read(&r, "data/k");
    g_assert_cmpstr(closed, ==, "EACCES");
    opened = host_list(q, "permissions",
                       "{\"path\": \"" HOME "/data/k\","
                       " \"permissions\": [\"n0\", \"r1\"]}");
    g_assert_cmpstr(opened, ==, "n0 r1");
    open = guest_read(&r, "data/k");
    g_assert_cmpstr(open, ==, "v");
    special = host_list(q, "permissions", "{\"path\": \"@releaseDomain\"}");
    g_assert_cmpstr(special, ==, "n0");
    qtest_quit(q);
}

/* command, arguments, what the error must hold */
static const char *const refused[][3] = {
    {"read", "{\"path\": \"data\"}", "begin with '/'"},
    {"read", "{\"path\": \"@releaseDomain\"}", "begin with '/'"},
    {"read", "{\"path\": \"/local//domain\"}", "not valid"},
    {"read", "{\"path\": \"/local/\"}", "not valid"},
    {"read", "{\"path\": \"/local/d main\"}", "not valid"},
    {"read", "{\"path\": \"/none\"}", "no such node"},
    {"write", "{\"path\": \"\", \"value\": \"\"}", "begin with '/'"},
    {"write", "{\"path\": \"/a\", \"value\": \"%\", \"format\": \"base64\"}",
     "Base64"},
    {"write", "{\"path\": \"/a\", \"value\": \"\", \"format\": \"x\"}", "'x'"},
    {"remove", "{\"path\": \"/none\"}", "no such node"},
    {"remove", "{\"path\": \"/\"}", "Invalid"},
    {"list", "{\"path\": \"/none\"}", "no such node"},
    {"permissions", "{\"path\": \"/none\"}", "no such node"},
    {"permissions", "{\"path\": \"@other\"}", "no such node"},
    {"permissions", "{\"path\": \"/local\", \"permissions\": []}", "1 to 5"},
    {"permissions", "{\"path\": \"/local\", \"permissions\": [\"x1\"]}",
     "'x1'"},
    {"permissions",
     "{\"path\": \"/local\", \"permissions\": [\"n0\", \"n1\", \"n2\","
     " \"n3\", \"n4\", \"n5\"]}",
     "1 to 5"},
    {"watch", "{\"path\": \"relative\", \"token\": \"t\"}", "or '@'"},
    {"unwatch", "{\"path\": \"/local\", \"token\": \"t\"}", "no watch"},
};

static void errors_say_what_was_wanted(void)
{
    Qtest *q = start();

    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *name =
            g_strconcat("jumpcut-xenstore-", refused[i][0], NULL);
        g_autofree char *desc = qtest_qmp_fails(q, name, refused[i][1]);

        g_test_message("%s %s: %s", name, refused[i][1], desc);
        g_assert_nonnull(strstr(desc, refused[i][2]));
    }
    qtest_quit(q);
}

static void value_too_long_is_refused(void)
{
    Qtest *q = start();
    g_autofree char *value = g_strnfill(4097, 'v');
    g_autofree char *args =
        g_strdup_printf("{\"path\": \"/a\", \"value\": \"%s\"}", value);
    g_autofree char *desc = qtest_qmp_fails(q, "jumpcut-xenstore-write", args);

    g_assert_nonnull(strstr(desc, "4097"));
    qtest_quit(q);
}

static void no_guest_is_an_error(void)
{
    Qtest *q = qtest_start(NULL, "");
    g_autofree char *read =
        qtest_qmp_fails(q, "jumpcut-xenstore-read", "{\"path\": \"/local\"}");
    g_autofree char *unwatch = qtest_qmp_fails(
        q, "jumpcut-xenstore-unwatch", "{\"path\": \"/\", \"token\": \"\"}");

    g_assert_nonnull(strstr(read, "no xenstore"));
    g_assert_nonnull(strstr(unwatch, "no xenstore"));
    qtest_quit(q);
}

/* The next event is for @path and @token. */
static void check_event(Qtest *q, const char *path, const char *token)
{
    g_autoptr(JsonNode) event = qtest_qmp_event(q, "JUMPCUT_XENSTORE_WATCH");
    JsonObject *data =
        json_object_get_object_member(json_node_get_object(event), "data");

    g_assert_cmpstr(json_object_get_string_member(data, "path"), ==, path);
    g_assert_cmpstr(json_object_get_string_member(data, "token"), ==, token);
}

static void watch_tells_what_the_guest_does(void)
{
    static const char payload[] = "data/k\0value";
    Qtest *q = start();
    XgRing r = xg_store_ring(q);
    g_autofree char *ok = NULL, *twice = NULL;

    host_do(q, "watch", "{\"path\": \"" HOME "/data\", \"token\": \"t\"}");
    check_event(q, HOME "/data", "t");
    twice = qtest_qmp_fails(q, "jumpcut-xenstore-watch",
                            "{\"path\": \"" HOME "/data\", \"token\": \"t\"}");
    g_assert_nonnull(strstr(twice, "already"));
    ok = xg_store_request(&r, XS_WRITE, payload, sizeof(payload) - 1);
    g_assert_cmpstr(ok, ==, "OK");
    check_event(q, HOME "/data/k", "t");
    check_read(q, HOME "/data/k", "value");
    host_do(q, "unwatch", "{\"path\": \"" HOME "/data\", \"token\": \"t\"}");
    host_do(q, "write", "{\"path\": \"" HOME "/data/k\", \"value\": \"2\"}");
    /* Had the write fired, this watch's first event would not be next. */
    host_do(q, "watch", "{\"path\": \"/vm\", \"token\": \"u\"}");
    check_event(q, "/vm", "u");
    qtest_quit(q);
}

static void reset_fires_watches_and_special_nodes(void)
{
    Qtest *q = start();

    host_do(q, "watch", "{\"path\": \"@releaseDomain\", \"token\": \"r\"}");
    check_event(q, "@releaseDomain", "r");
    host_do(q, "watch", "{\"path\": \"@introduceDomain\", \"token\": \"i\"}");
    check_event(q, "@introduceDomain", "i");
    host_do(q, "write", "{\"path\": \"" HOME "/data/k\", \"value\": \"v\"}");
    host_do(
        q, "permissions",
        "{\"path\": \"@releaseDomain\", \"permissions\": [\"n0\", \"r1\"]}");
    check_event(q, "@releaseDomain", "r");
    g_clear_pointer(&(JsonNode *){qtest_qmp(q, "system_reset", NULL)},
                    json_node_unref);
    check_event(q, "@releaseDomain", "r");
    check_event(q, "@introduceDomain", "i");
    /* Each watch once more, for all that may have changed. */
    check_event(q, "@releaseDomain", "r");
    check_event(q, "@introduceDomain", "i");
    g_free(qtest_qmp_fails(q, "jumpcut-xenstore-read",
                           "{\"path\": \"" HOME "/data/k\"}"));
    qtest_quit(q);
}

/* Events up to the first with token "end": how many of each of two tokens. */
static unsigned count_events(Qtest *q, const char *whole, unsigned *attr)
{
    unsigned nr = 0, nr_whole = 0;

    for (*attr = 0;;) {
        g_autoptr(JsonNode) event =
            qtest_qmp_event(q, "JUMPCUT_XENSTORE_WATCH");
        JsonObject *data =
            json_object_get_object_member(json_node_get_object(event), "data");
        const char *token = json_object_get_string_member(data, "token");
        const char *path = json_object_get_string_member(data, "path");

        if (!strcmp(token, "end")) {
            /* One stands for those that were too many. */
            g_test_message("%u events, %u of the whole", nr, nr_whole);
            g_assert_cmpuint(nr_whole, ==, 1);
            return nr;
        }
        nr += !strcmp(token, "t");
        nr_whole += !strcmp(token, "t") && !strcmp(path, whole);
        *attr += !strcmp(token, "a");
    }
}

/*
 * A guest that fires watches without end, a client that does not read
 * meanwhile: what it gets then is bounded, and tells of all that changed.
 */
static void events_nobody_reads_are_merged(void)
{
    enum { NODES = 900, NAME = 900 };
    Qtest *q = start();
    XgRing r = xg_store_ring(q);
    g_autofree char *name = g_strnfill(NAME, 'n');
    unsigned nr, attr;

    host_do(q, "watch", "{\"path\": \"" HOME "\", \"token\": \"t\"}");
    check_event(q, HOME, "t");
    host_do(q, "watch", "{\"path\": \"" HOME "/attr\", \"token\": \"a\"}");
    check_event(q, HOME "/attr", "a");
    for (unsigned i = 0; i < NODES; i++) {
        g_autofree char *path = g_strdup_printf("data/%s%u", name, i);
        g_autofree char *ok =
            xg_store_request(&r, XS_MKDIR, path, strlen(path) + 1);

        g_assert_cmpstr(ok, ==, "OK");
    }
    for (unsigned i = 0; i < 5; i++) {
        g_autofree char *written =
            xg_store_request(&r, XS_WRITE, "attr\0v", sizeof("attr\0v") - 1);

        g_assert_cmpstr(written, ==, "OK");
    }
    host_do(q, "watch", "{\"path\": \"/vm\", \"token\": \"end\"}");
    nr = count_events(q, HOME, &attr);
    g_assert_cmpuint(nr, <, NODES);
    g_assert_cmpuint(attr, ==, 1);
    /* And on they go, one by one. */
    host_do(q, "write", "{\"path\": \"" HOME "/data\", \"value\": \"\"}");
    check_event(q, HOME "/data", "t");
    qtest_quit(q);
}

static void shutdown_fires_release_domain(void)
{
    Qtest *q = qtest_start("-no-shutdown", "guest=xen-hvm");
    struct sched_shutdown off = {.reason = SHUTDOWN_poweroff};

    host_do(q, "watch", "{\"path\": \"@releaseDomain\", \"token\": \"r\"}");
    check_event(q, "@releaseDomain", "r");
    xg_call(q, 0, __HYPERVISOR_sched_op, SCHEDOP_shutdown, &off, sizeof(off));
    check_event(q, "@releaseDomain", "r");
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xenstore-host/write_is_read_by_both_sides",
                    write_is_read_by_both_sides);
    g_test_add_func("/xenstore-host/list_and_remove", list_and_remove);
    g_test_add_func("/xenstore-host/permissions_count_for_the_guest",
                    permissions_count_for_the_guest);
    g_test_add_func("/xenstore-host/errors_say_what_was_wanted",
                    errors_say_what_was_wanted);
    g_test_add_func("/xenstore-host/value_too_long_is_refused",
                    value_too_long_is_refused);
    g_test_add_func("/xenstore-host/no_guest_is_an_error",
                    no_guest_is_an_error);
    g_test_add_func("/xenstore-host/watch_tells_what_the_guest_does",
                    watch_tells_what_the_guest_does);
    g_test_add_func("/xenstore-host/reset_fires_watches_and_special_nodes",
                    reset_fires_watches_and_special_nodes);
    g_test_add_func("/xenstore-host/events_nobody_reads_are_merged",
                    events_nobody_reads_are_merged);
    g_test_add_func("/xenstore-host/shutdown_fires_release_domain",
                    shutdown_fires_release_domain);
    return g_test_run();
}
