/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tests' tree (tests/unit/fake-tree.h), kept in QEMU's xenstore: so the
 * tests of the ring and the protocol judge the store that guests get.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"

#include "accel/shim/xenstore-qemu-internal.h"
#include "tests/unit/fake-tree.h"

struct FakeTree {
    void *store;
    GByteArray *value; /* what fake_tree_get() gave last */
    unsigned watches;
    unsigned fail_in; /* calls until one fails; 0: none will */
    int fail_error;
    bool fired;
};

static int fault(FakeTree *tree)
{
    if (tree->fail_in && --tree->fail_in == 0) {
        tree->fired = true;
        return tree->fail_error;
    }
    return 0;
}

#define WITH_FAULT(op, ...)  \
    FakeTree *tree = opaque; \
    int ret = fault(tree);   \
                             \
    return ret ? ret : xenstore_qemu_ops.op(tree->store, __VA_ARGS__)

static int op_read(void *opaque, unsigned domid, guint32 tx, const char *path,
                   GByteArray **value)
{
    WITH_FAULT(read, domid, tx, path, value);
}

static int op_write(void *opaque, unsigned domid, guint32 tx, const char *path,
                    const guint8 *value, size_t len)
{
    WITH_FAULT(write, domid, tx, path, value, len);
}

static int op_directory(void *opaque, unsigned domid, guint32 tx,
                        const char *path, guint64 *generation,
                        GPtrArray **names)
{
    WITH_FAULT(directory, domid, tx, path, generation, names);
}

static int op_mkdir(void *opaque, unsigned domid, guint32 tx, const char *path)
{
    WITH_FAULT(mkdir, domid, tx, path);
}

static int op_rm(void *opaque, unsigned domid, guint32 tx, const char *path)
{
    WITH_FAULT(rm, domid, tx, path);
}

static int op_get_perms(void *opaque, unsigned domid, guint32 tx,
                        const char *path, GPtrArray **perms)
{
    WITH_FAULT(get_perms, domid, tx, path, perms);
}

static int op_set_perms(void *opaque, unsigned domid, guint32 tx,
                        const char *path, GPtrArray *perms)
{
    WITH_FAULT(set_perms, domid, tx, path, perms);
}

static int op_watch(void *opaque, unsigned domid, const char *path,
                    const char *token, XenstoreWatchFn *fn, void *fn_opaque)
{
    FakeTree *tree = opaque;
    int ret = fault(tree);

    if (!ret) {
        ret = xenstore_qemu_ops.watch(tree->store, domid, path, token, fn,
                                      fn_opaque);
    }
    tree->watches += !ret;
    return ret;
}

static void op_unwatch(void *opaque, unsigned domid, const char *path,
                       const char *token, XenstoreWatchFn *fn, void *fn_opaque)
{
    FakeTree *tree = opaque;

    xenstore_qemu_ops.unwatch(tree->store, domid, path, token, fn, fn_opaque);
    tree->watches--;
}

static int op_transaction_start(void *opaque, unsigned domid, guint32 *tx)
{
    WITH_FAULT(transaction_start, domid, tx);
}

static int op_transaction_end(void *opaque, unsigned domid, guint32 tx,
                              gboolean commit)
{
    FakeTree *tree = opaque;
    int ret = commit ? fault(tree) : 0;

    if (ret) {
        xenstore_qemu_ops.transaction_end(tree->store, domid, tx, FALSE);
        return ret;
    }
    return xenstore_qemu_ops.transaction_end(tree->store, domid, tx, commit);
}

const XenstoreTreeOps fake_tree_ops = {
    .read = op_read,
    .write = op_write,
    .directory = op_directory,
    .mkdir = op_mkdir,
    .rm = op_rm,
    .get_perms = op_get_perms,
    .set_perms = op_set_perms,
    .watch = op_watch,
    .unwatch = op_unwatch,
    .transaction_start = op_transaction_start,
    .transaction_end = op_transaction_end,
};

FakeTree *fake_tree_new(void)
{
    FakeTree *tree = g_new0(FakeTree, 1);

    tree->store = xenstore_qemu_new(7, false, &error_abort);
    store_clear(tree->store);
    return tree;
}

/* The store comes back from its bytes, and gives the same bytes. */
static void check_state(FakeTree *tree)
{
    g_autoptr(GByteArray) bytes = xenstore_qemu_save(tree->store), again = NULL;
    void *other = xenstore_qemu_new(7, false, &error_abort);
    StateReader *r = state_reader_new(NULL, 0);
    GError *error = NULL;

    xenstore_qemu_load(other, bytes, r);
    state_reader_finish(r, &error);
    g_assert_no_error(error);
    again = xenstore_qemu_save(other);
    g_assert_cmpmem(bytes->data, bytes->len, again->data, again->len);
    xenstore_qemu_free(other);
}

void fake_tree_free(FakeTree *tree)
{
    check_state(tree);
    g_assert_cmpuint(fake_tree_watches(tree), ==, 0);
    g_assert_cmpuint(fake_tree_transactions(tree), ==, 0);
    if (tree->value) {
        g_byte_array_unref(tree->value);
    }
    xenstore_qemu_free(tree->store);
    g_free(tree);
}

void fake_tree_set(FakeTree *tree, const char *path, const char *value,
                   const char *perms)
{
    g_auto(GStrv) words = perms ? g_strsplit(perms, " ", -1) : NULL;

    /* Special nodes are not kept. */
    if (path[0] == '@') {
        return;
    }
    g_assert_cmpint(xenstore_qemu_ops.write(tree->store, 0, 0, path,
                                            (const guint8 *)value,
                                            strlen(value)),
                    ==, 0);
    if (perms) {
        g_autoptr(GPtrArray) list = g_ptr_array_new();

        for (char **word = words; *word; word++) {
            g_ptr_array_add(list, *word);
        }
        g_assert_cmpint(
            xenstore_qemu_ops.set_perms(tree->store, 0, 0, path, list), ==, 0);
    }
}

void fake_tree_rm(FakeTree *tree, const char *path)
{
    g_assert_cmpint(xenstore_qemu_ops.rm(tree->store, 0, 0, path), ==, 0);
}

const char *fake_tree_get(FakeTree *tree, const char *path)
{
    if (tree->value) {
        g_byte_array_unref(tree->value);
        tree->value = NULL;
    }
    if (xenstore_qemu_ops.read(tree->store, 0, 0, path, &tree->value)) {
        return NULL;
    }
    g_byte_array_append(tree->value, (const guint8 *)"", 1);
    return (const char *)tree->value->data;
}

typedef struct Dump {
    Store *store;
    GString *text;
} Dump;

static void dump_node(void *opaque, const char *path)
{
    Dump *dump = opaque;
    GList *perms = store_perms(dump->store, NULL, path);
    g_autoptr(GByteArray) value = g_byte_array_new();

    xs_impl_read(dump->store->impl, 0, XBT_NULL, path, value);
    g_string_append_printf(dump->text, "%s =", path);
    for (guint i = 0; i < value->len; i++) {
        g_string_append_printf(dump->text, " %02x", value->data[i]);
    }
    for (GList *l = perms; l; l = l->next) {
        g_string_append_printf(dump->text, " %s", (const char *)l->data);
    }
    g_string_append_c(dump->text, '\n');
    store_free_perms(perms);
}

char *fake_tree_dump(FakeTree *tree)
{
    Dump dump = {tree->store, g_string_new(NULL)};

    store_walk(tree->store, NULL, "/", dump_node, &dump);
    return g_string_free(dump.text, FALSE);
}

unsigned fake_tree_watches(const FakeTree *tree)
{
    return tree->watches;
}

unsigned fake_tree_transactions(const FakeTree *tree)
{
    const Store *s = tree->store;

    return s->txs->len;
}

void fake_tree_fail_nth(FakeTree *tree, unsigned n, int error)
{
    tree->fail_in = n;
    tree->fail_error = error;
    tree->fired = false;
}

bool fake_tree_fault_fired(const FakeTree *tree)
{
    return tree->fired;
}
