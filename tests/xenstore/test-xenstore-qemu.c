/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore over QEMU's: what a guest finds in it, what QEMU's would do
 * otherwise, and its migration.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/boards.h"
#include "qemu/units.h"

#include "accel/shim/xenstore-qemu.h"

#define DOMID 7u
#define HOME  "/local/domain/7"

static void *store_new(void)
{
    return xenstore_qemu_new(DOMID, false, &error_abort);
}

static int put(void *s, unsigned domid, guint32 tx, const char *path,
               const char *value)
{
    return xenstore_qemu_ops.write(s, domid, tx, path, (const guint8 *)value,
                                   strlen(value));
}

static int rm(void *s, guint32 tx, const char *path)
{
    return xenstore_qemu_ops.rm(s, DOMID, tx, path);
}

static guint32 start(void *s)
{
    guint32 tx;

    g_assert_cmpint(xenstore_qemu_ops.transaction_start(s, DOMID, &tx), ==, 0);
    return tx;
}

static int end(void *s, guint32 tx)
{
    return xenstore_qemu_ops.transaction_end(s, DOMID, tx, true);
}

/* The node as the guest sees it is @value, or @error. */
static void expect(void *s, guint32 tx, const char *path, const char *value,
                   int error)
{
    g_autoptr(GByteArray) got = NULL;
    g_autofree char *text = NULL;
    int ret = xenstore_qemu_ops.read(s, DOMID, tx, path, &got);

    text =
        got && got->len ? g_strndup((char *)got->data, got->len) : g_strdup("");
    if (ret != error || (!ret && strcmp(text, value) != 0)) {
        g_error("%s: got error %d, value '%s'; want error %d, '%s'", path, ret,
                text, error, value ? value : "");
    }
}

static void expect_names(void *s, guint32 tx, const char *path,
                         const char *names)
{
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    guint64 generation;

    g_assert_cmpint(
        xenstore_qemu_ops.directory(s, DOMID, tx, path, &generation, &list), ==,
        0);
    for (guint i = 0; i < list->len; i++) {
        g_string_append_printf(text, "%s%s", i ? " " : "",
                               (char *)g_ptr_array_index(list, i));
    }
    g_assert_cmpstr(text->str, ==, names);
}

static void expect_perms(void *s, const char *path, const char *want)
{
    g_autoptr(GPtrArray) perms = NULL;
    g_autofree char *text = NULL;

    g_assert_cmpint(xenstore_qemu_ops.get_perms(s, 0, 0, path, &perms), ==, 0);
    g_ptr_array_add(perms, NULL);
    text = g_strjoinv(" ", (char **)perms->pdata);
    if (strcmp(text, want) != 0) {
        g_error("%s: permissions '%s', want '%s'", path, text, want);
    }
}

/* What Linux, xenbus and the tools of a guest look for. */
static void test_store_has_what_xl_puts_there(void)
{
    static const struct {
        const char *path, *value, *perms;
    } nodes[] = {
        {"", "", "n0 r7"},
        {"/domid", "7", "n0 r7"},
        {"/name", "guest", "n0 r7"},
        {"/vm", "/vm/00000000-0000-0000-0000-000000000000", "n0 r7"},
        {"/cpu/0/availability", "online", "n0 r7"},
        {"/memory/videoram", "0", "n0 r7"},
        {"/store/port", "1", "n0 r7"},
        {"/store/ring-ref", "1044476", "n0 r7"},
        {"/console/port", "2", "n0 r7"},
        {"/console/ring-ref", "1044479", "n0 r7"},
        {"/console/type", "xenconsoled", "n0 r7"},
        {"/console/backend", "/local/domain/0/backend/console/7/0", "n0 r7"},
        {"/control", "", "n0 r7"},
        {"/control/shutdown", "", "n7"},
        {"/control/feature-poweroff", "", "n7"},
        {"/control/feature-suspend", "", "n7"},
        {"/control/platform-feature-xs_reset_watches", "1", "n0 r7"},
        {"/control/platform-feature-multiprocessor-suspend", "1", "n0 r7"},
        {"/device", "", "n0 r7"},
        {"/device/suspend/event-channel", "", "n7"},
        {"/data", "", "n7"},
        {"/attr", "", "n7"},
        {"/hvmloader/bios", "seabios", "n0 r7"},
        {"/hvmloader/generation-id-address", "", "n7"},
        {"/platform/acpi", "1", "n0 r7"},
    };
    g_autofree char *kib = g_strdup_printf(
        "%" PRIu64, (uint64_t)(current_machine->ram_size / KiB));
    void *s = store_new();

    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        g_autofree char *path = g_strconcat(HOME, nodes[i].path, NULL);

        expect(s, 0, path, nodes[i].value, 0);
        expect_perms(s, path, nodes[i].perms);
    }
    expect(s, 0, HOME "/memory/target", kib, 0);
    expect(s, 0, HOME "/memory/static-max", kib, 0);
    expect(s, 0, "/vm/00000000-0000-0000-0000-000000000000/name", "guest", 0);
    expect(s, 0, "/local/domain/0/backend/console/7/0/frontend",
           HOME "/console", 0);
    expect(s, 0, "/local/domain/0/name", NULL, EACCES);
    expect(s, 0, "/libxl/7/type", NULL, EACCES);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/name", "x"), ==, EACCES);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/new", "x"), ==, EACCES);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/new", "x"), ==, 0);
    xenstore_qemu_free(s);
}

static void test_node_belongs_to_its_maker(void)
{
    void *s = store_new();
    g_autoptr(GPtrArray) perms = g_ptr_array_new();

    g_assert_cmpint(put(s, 0, 0, "/shared", ""), ==, 0);
    g_ptr_array_add(perms, (char *)"r0");
    g_ptr_array_add(perms, (char *)"b7");
    g_assert_cmpint(xenstore_qemu_ops.set_perms(s, 0, 0, "/shared", perms), ==,
                    0);
    g_assert_cmpint(put(s, DOMID, 0, "/shared/a/b", "x"), ==, 0);
    expect_perms(s, "/shared/a", "r7 b7");
    expect_perms(s, "/shared/a/b", "r7 b7");
    g_assert_cmpint(put(s, 0, 0, "/shared/a/b/c", "x"), ==, 0);
    expect_perms(s, "/shared/a/b/c", "r7 b7");
    g_assert_cmpint(xenstore_qemu_ops.set_perms(s, DOMID, 0, "/shared", perms),
                    ==, EACCES);
    xenstore_qemu_free(s);
}

/* QEMU's store would still show what a transaction removed. */
static void test_transaction_sees_its_own_removals(void)
{
    void *s = store_new();
    guint32 tx = start(s);

    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/a/b", "1"), ==, 0);
    g_assert_cmpint(end(s, tx), ==, EAGAIN);
    tx = start(s);
    g_assert_cmpint(rm(s, tx, HOME "/data/a"), ==, 0);
    expect(s, tx, HOME "/data/a", NULL, ENOENT);
    expect(s, tx, HOME "/data/a/b", NULL, ENOENT);
    expect_names(s, tx, HOME "/data", "");
    expect(s, 0, HOME "/data/a/b", "1", 0);
    g_assert_cmpint(rm(s, tx, HOME "/data/a"), ==, 0);
    g_assert_cmpint(rm(s, tx, HOME "/data/a/b"), ==, ENOENT);
    g_assert_cmpint(put(s, DOMID, tx, HOME "/data/a/c", "2"), ==, 0);
    expect(s, tx, HOME "/data/a", "", 0);
    expect(s, tx, HOME "/data/a/b", NULL, ENOENT);
    expect_names(s, tx, HOME "/data/a", "c");
    g_assert_cmpint(end(s, tx), ==, 0);
    expect_names(s, 0, HOME "/data/a", "c");
    expect(s, 0, HOME "/data/a/b", NULL, ENOENT);
    xenstore_qemu_free(s);
}

/* Xen's would succeed: nothing it used has changed. */
static void test_transaction_conflicts_with_any_change(void)
{
    void *s = store_new();
    guint32 tx = start(s);

    g_assert_cmpint(put(s, DOMID, tx, HOME "/data/a", "v"), ==, 0);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/attr", "v"), ==, 0);
    g_assert_cmpint(end(s, tx), ==, EAGAIN);
    expect(s, 0, HOME "/data/a", NULL, ENOENT);
    xenstore_qemu_free(s);
}

static void test_transaction_of_another_domain_is_enoent(void)
{
    void *s = store_new();
    guint32 tx;

    g_assert_cmpint(xenstore_qemu_ops.transaction_start(s, 9, &tx), ==, 0);
    expect(s, tx, HOME "/name", NULL, ENOENT);
    g_assert_cmpint(put(s, DOMID, tx, HOME "/data/x", ""), ==, ENOENT);
    g_assert_cmpint(rm(s, tx, HOME "/data/x"), ==, ENOENT);
    g_assert_cmpint(end(s, tx), ==, ENOENT);
    g_assert_cmpint(xenstore_qemu_ops.transaction_end(s, 9, tx, false), ==, 0);
    xenstore_qemu_free(s);
}

static void test_value_quota_is_enospc(void)
{
    void *s = store_new();
    g_autofree char *value = g_strnfill(2049, 'v');

    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/v", value), ==, ENOSPC);
    expect(s, 0, HOME "/data/v", NULL, ENOENT);
    value[2048] = '\0';
    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/v", value), ==, 0);
    xenstore_qemu_free(s);
}

/* Fills the quota of nodes. */
static unsigned fill(void *s, guint32 tx)
{
    for (unsigned i = 0;; i++) {
        g_autofree char *path = g_strdup_printf(HOME "/data/n%u", i);
        int ret = put(s, DOMID, tx, path, "");

        if (ret) {
            g_assert_cmpint(ret, ==, ENOSPC);
            return i;
        }
        g_assert_cmpuint(i, <, 1000);
    }
}

/* However often nodes are removed, in and outside of transactions. */
static void test_node_quota_is_enospc_and_stays(void)
{
    void *s = store_new();
    unsigned room = fill(s, 0);
    guint32 tx;

    g_assert_cmpuint(room, >, 900);
    for (unsigned i = 0; i < 3; i++) {
        tx = start(s);
        g_assert_cmpint(rm(s, tx, HOME "/data/n5"), ==, 0);
        g_assert_cmpint(rm(s, tx, HOME "/data/n5"), ==, 0);
        g_assert_cmpint(put(s, DOMID, tx, HOME "/data/n5", ""), ==, 0);
        g_assert_cmpint(put(s, DOMID, tx, HOME "/data/more", ""), ==, ENOSPC);
        g_assert_cmpint(end(s, tx), ==, 0);
    }
    for (unsigned i = 0; i < room; i++) {
        g_autofree char *path = g_strdup_printf(HOME "/data/n%u", i);

        g_assert_cmpint(rm(s, 0, path), ==, 0);
    }
    tx = start(s);
    g_assert_cmpuint(fill(s, tx), ==, room);
    g_assert_cmpint(end(s, tx), ==, 0);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/more", ""), ==, ENOSPC);
    xenstore_qemu_free(s);
}

static void append_event(void *opaque, const char *path, const char *token)
{
    g_string_append_printf(opaque, "%s:%s ", path, token);
}

static void expect_events(GString *events, const char *want)
{
    g_assert_cmpstr(events->str, ==, want);
    g_string_truncate(events, 0);
}

/* QEMU's store would only end the first watch of a path. */
static void test_watches_of_one_path_end_in_any_order(void)
{
    g_autoptr(GString) events = g_string_new(NULL);
    void *s = store_new();

    for (char token[] = "a"; token[0] <= 'c'; token[0]++) {
        g_assert_cmpint(xenstore_qemu_ops.watch(s, DOMID, HOME "/data", token,
                                                append_event, events),
                        ==, 0);
    }
    expect_events(events, "");
    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/x", ""), ==, 0);
    expect_events(events,
                  HOME "/data/x:a " HOME "/data/x:b " HOME "/data/x:c ");
    xenstore_qemu_ops.unwatch(s, DOMID, HOME "/data", "b", append_event,
                              events);
    g_assert_cmpint(rm(s, 0, HOME "/data/x"), ==, 0);
    expect_events(events, HOME "/data/x:a " HOME "/data/x:c ");
    xenstore_qemu_ops.unwatch(s, DOMID, HOME "/data", "a", append_event,
                              events);
    xenstore_qemu_ops.unwatch(s, DOMID, HOME "/data", "c", append_event,
                              events);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/x", ""), ==, 0);
    expect_events(events, "");
    xenstore_qemu_free(s);
}

/* QEMU's store would never fire it. */
static void test_watch_of_root_sees_all_the_guest_may(void)
{
    g_autoptr(GString) events = g_string_new(NULL);
    void *s = store_new();

    g_assert_cmpint(
        xenstore_qemu_ops.watch(s, DOMID, "/", "t", append_event, events), ==,
        0);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/x", ""), ==, 0);
    g_assert_cmpint(put(s, 0, 0, "/libxl/7/secret", ""), ==, 0);
    g_assert_cmpint(put(s, 0, 0, HOME "/control/shutdown", "suspend"), ==, 0);
    expect_events(events, HOME "/data/x:t " HOME "/control/shutdown:t ");
    xenstore_qemu_ops.unwatch(s, DOMID, "/", "t", append_event, events);
    xenstore_qemu_free(s);
}

static void test_removal_tells_children_first(void)
{
    g_autoptr(GString) events = g_string_new(NULL);
    void *s = store_new();

    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/d/a", ""), ==, 0);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/d/b", ""), ==, 0);
    g_assert_cmpint(xenstore_qemu_ops.watch(s, DOMID, HOME "/data", "t",
                                            append_event, events),
                    ==, 0);
    g_assert_cmpint(xenstore_qemu_ops.watch(s, DOMID, HOME "/data/d/a", "a",
                                            append_event, events),
                    ==, 0);
    g_assert_cmpint(rm(s, 0, HOME "/data/d"), ==, 0);
    expect_events(events, HOME "/data/d/a:a " HOME "/data/d:t ");
    xenstore_qemu_ops.unwatch(s, DOMID, HOME "/data", "t", append_event,
                              events);
    xenstore_qemu_ops.unwatch(s, DOMID, HOME "/data/d/a", "a", append_event,
                              events);
    xenstore_qemu_free(s);
}

static bool load(void *s, const void *bytes, size_t len)
{
    g_autoptr(GByteArray) copy = g_byte_array_new();
    StateReader *r = state_reader_new(NULL, 0);

    g_byte_array_append(copy, bytes, len);
    xenstore_qemu_load(s, copy, r);
    return state_reader_finish(r, NULL);
}

static void check_same(void *a, void *b)
{
    g_autoptr(GByteArray) x = xenstore_qemu_save(a), y = xenstore_qemu_save(b);

    g_assert_cmpmem(x->data, x->len, y->data, y->len);
}

/* A store with a lost transaction and a live one: 1 and 2. */
static void *busy_store(void)
{
    void *s = store_new();

    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/a/b", "1"), ==, 0);
    g_assert_cmpuint(start(s), ==, 1);
    g_assert_cmpint(put(s, DOMID, 1, HOME "/data/a/b", "lost"), ==, 0);
    g_assert_cmpint(put(s, DOMID, 0, HOME "/data/c", "2"), ==, 0);
    g_assert_cmpuint(start(s), ==, 2);
    g_assert_cmpint(put(s, DOMID, 2, HOME "/data/new/x", "3"), ==, 0);
    g_assert_cmpint(rm(s, 2, HOME "/data/a"), ==, 0);
    g_assert_cmpint(put(s, DOMID, 2, HOME "/data/a", "again"), ==, 0);
    return s;
}

static void test_load_continues_transactions(void)
{
    g_autoptr(GString) events = g_string_new(NULL);
    void *from = busy_store(), *to = store_new();
    g_autoptr(GByteArray) bytes = xenstore_qemu_save(from);

    g_assert_true(load(to, bytes->data, bytes->len));
    check_same(from, to);
    for (unsigned i = 0; i < 2; i++) {
        void *s = i ? to : from;

        g_assert_cmpint(xenstore_qemu_ops.watch(s, DOMID, HOME "/data", "t",
                                                append_event, events),
                        ==, 0);
        expect(s, 1, HOME "/data/a/b", "lost", 0);
        expect(s, 2, HOME "/data/a", "again", 0);
        expect(s, 2, HOME "/data/a/b", NULL, ENOENT);
        expect(s, 0, HOME "/data/a/b", "1", 0);
        g_assert_cmpint(end(s, 1), ==, EAGAIN);
        g_assert_cmpint(end(s, 2), ==, 0);
        expect_events(events, HOME "/data/a:t " HOME "/data/a/b:t " HOME
                                   "/data/new/x:t ");
        expect_names(s, 0, HOME "/data", "a c new");
        g_assert_cmpuint(start(s), ==, 3);
        xenstore_qemu_ops.unwatch(s, DOMID, HOME "/data", "t", append_event,
                                  events);
    }
    check_same(from, to);
    xenstore_qemu_free(from);
    xenstore_qemu_free(to);
}

static void test_reset_is_as_new(void)
{
    void *fresh = store_new(), *used = busy_store();

    xenstore_qemu_reset(used);
    check_same(fresh, used);
    g_assert_cmpuint(start(used), ==, 1);
    xenstore_qemu_free(fresh);
    xenstore_qemu_free(used);
}

/* As many nodes as domain 0 may make, and a guest's own: they load again. */
static void test_all_that_can_be_written_loads_again(void)
{
    void *from = store_new(), *to = store_new();
    g_autoptr(GByteArray) bytes = NULL;
    unsigned nr = 0;
    int ret;

    do {
        g_autofree char *path = g_strdup_printf("/tool/d%u/n%u", nr / 500, nr);

        ret = put(from, 0, 0, path, "v");
    } while (!ret && ++nr < 100000);
    g_assert_cmpint(ret, ==, ENOSPC);
    g_assert_cmpuint(nr, >, 65000);
    g_assert_cmpint(xenstore_qemu_ops.mkdir(from, 0, 0, "/tool/dir"), ==,
                    ENOSPC);
    g_assert_cmpint(put(from, 0, 0, "/tool/d0/n0", "other"), ==, 0);
    for (unsigned i = 0; i < 900; i++) {
        g_autofree char *path = g_strdup_printf(HOME "/data/n%u", i);

        g_assert_cmpint(put(from, DOMID, 0, path, "v"), ==, 0);
    }
    bytes = xenstore_qemu_save(from);
    g_assert_true(load(to, bytes->data, bytes->len));
    check_same(from, to);
    /* What is removed makes room. */
    g_assert_cmpint(xenstore_qemu_ops.rm(to, 0, 0, "/tool/d1"), ==, 0);
    g_assert_cmpint(put(to, 0, 0, "/tool/new", "v"), ==, ENOSPC);
    g_assert_cmpint(xenstore_qemu_ops.rm(to, 0, 0, "/tool/d2"), ==, 0);
    g_assert_cmpint(put(to, 0, 0, "/tool/new", "v"), ==, 0);
    xenstore_qemu_free(from);
    xenstore_qemu_free(to);
}

/* A transaction that makes and removes without end is bounded, too. */
static void test_transaction_node_quota_is_enospc(void)
{
    void *s = store_new();
    guint32 tx = start(s);
    int ret = 0;

    for (unsigned i = 0; i < 1023; i++) {
        g_autofree char *path = g_strdup_printf(HOME "/data/n%u", i);

        g_assert_cmpint(put(s, DOMID, tx, path, "v"), ==, 0);
        g_assert_cmpint(rm(s, tx, path), ==, 0);
    }
    g_assert_cmpint(put(s, DOMID, tx, HOME "/data/a", "v"), ==, 0);
    ret = put(s, DOMID, tx, HOME "/data/b", "v");
    g_assert_cmpint(ret, ==, ENOSPC);
    g_assert_cmpint(xenstore_qemu_ops.mkdir(s, DOMID, tx, HOME "/data/b"), ==,
                    ENOSPC);
    g_assert_cmpint(rm(s, tx, HOME "/attr"), ==, ENOSPC);
    g_assert_cmpint(end(s, tx), ==, 0);
    expect(s, 0, HOME "/data/a", "v", 0);
    xenstore_qemu_free(s);
}

static void test_load_damaged_changes_nothing(void)
{
    void *from = busy_store(), *to = store_new(), *fresh = store_new();
    g_autoptr(GByteArray) bytes = xenstore_qemu_save(from);
    unsigned refused = 0;

    for (guint cut = 0; cut < bytes->len; cut++) {
        g_assert_false(load(to, bytes->data, cut));
    }
    check_same(to, fresh);
    for (guint i = 0; i < bytes->len; i++) {
        bytes->data[i] ^= 0xa5;
        if (!load(to, bytes->data, bytes->len)) {
            refused++;
        }
        bytes->data[i] ^= 0xa5;
    }
    g_assert_cmpuint(refused, >, bytes->len / 2);
    g_assert_true(load(to, bytes->data, bytes->len));
    check_same(to, from);
    xenstore_qemu_free(from);
    xenstore_qemu_free(to);
    xenstore_qemu_free(fresh);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xenstore-qemu/" #name, test_##name)
    ADD(store_has_what_xl_puts_there);
    ADD(node_belongs_to_its_maker);
    ADD(transaction_sees_its_own_removals);
    ADD(transaction_conflicts_with_any_change);
    ADD(transaction_of_another_domain_is_enoent);
    ADD(value_quota_is_enospc);
    ADD(node_quota_is_enospc_and_stays);
    ADD(watches_of_one_path_end_in_any_order);
    ADD(watch_of_root_sees_all_the_guest_may);
    ADD(removal_tells_children_first);
    ADD(load_continues_transactions);
    ADD(reset_is_as_new);
    ADD(all_that_can_be_written_loads_again);
    ADD(transaction_node_quota_is_enospc);
    ADD(load_damaged_changes_nothing);
#undef ADD
    return g_test_run();
}
