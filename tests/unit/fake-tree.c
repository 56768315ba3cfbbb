/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A xenstore tree in memory for native tests. */
#include "tests/unit/fake-tree-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static gint compare_paths(gconstpointer a, gconstpointer b, gpointer unused)
{
    (void)unused;
    return strcmp(a, b);
}

static void free_node(gpointer data)
{
    FakeNode *node = data;

    g_byte_array_unref(node->value);
    g_ptr_array_unref(node->perms);
    g_free(node);
}

static void free_watch(gpointer data)
{
    FakeWatch *watch = data;

    g_free(watch->path);
    g_free(watch->token);
    g_free(watch);
}

static void free_tx(gpointer data)
{
    FakeTx *tx = data;

    if (tx->nodes) {
        g_tree_unref(tx->nodes);
    }
    g_ptr_array_unref(tx->changes);
    g_free(tx);
}

GTree *fake_nodes_new(void)
{
    return g_tree_new_full(compare_paths, NULL, g_free, free_node);
}

GPtrArray *fake_copy_strings(GPtrArray *from)
{
    GPtrArray *to = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < from->len; i++) {
        g_ptr_array_add(to, g_strdup(g_ptr_array_index(from, i)));
    }
    return to;
}

static GPtrArray *split_perms(const char *text)
{
    GPtrArray *perms = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    for (char **w = words; *w; w++) {
        g_ptr_array_add(perms, g_strdup(*w));
    }
    return perms;
}

static FakeNode *add_node(GTree *nodes, const char *path, GPtrArray *perms)
{
    FakeNode *node = g_new0(FakeNode, 1);

    node->value = g_byte_array_new();
    node->perms = perms;
    g_tree_insert(nodes, g_strdup(path), node);
    return node;
}

gboolean fake_node_copy(gpointer key, gpointer value, gpointer data)
{
    const FakeNode *from = value;
    FakeNode *to = add_node(data, key, fake_copy_strings(from->perms));

    g_byte_array_append(to->value, from->value->data, from->value->len);
    to->generation = from->generation;
    return FALSE;
}

char *fake_parent(const char *path)
{
    const char *slash = strrchr(path, '/');

    return !slash || slash == path ? g_strdup("/")
                                   : g_strndup(path, slash - path);
}

bool fake_is_below(const char *path, const char *above)
{
    size_t len = strlen(above);

    if (g_str_equal(above, "/")) {
        return path[0] == '/';
    }
    return strncmp(path, above, len) == 0 &&
           (path[len] == '/' || path[len] == '\0');
}

/* Does @domid hold one of @letters on @node?  xen: perm_for_conn */
static bool may(const FakeNode *node, unsigned domid, const char *letters)
{
    const char *owner = g_ptr_array_index(node->perms, 0);
    char letter = owner[0];

    if (domid == 0 || atoi(owner + 1) == (int)domid) {
        return true;
    }
    for (guint i = 1; i < node->perms->len; i++) {
        const char *perm = g_ptr_array_index(node->perms, i);

        if (atoi(perm + 1) == (int)domid) {
            letter = perm[0];
            break;
        }
    }
    return strchr(letters, letter);
}

FakeNode *fake_closest_above(GTree *nodes, const char *path)
{
    g_autofree char *at = fake_parent(path);
    FakeNode *node;

    while (!(node = g_tree_lookup(nodes, at))) {
        char *up = fake_parent(at);

        g_free(at);
        at = up;
    }
    return node;
}

/* The node if @domid may; else an error that tells it nothing it may not know
 */
int fake_node_find(GTree *nodes, unsigned domid, const char *path,
                   const char *letters, FakeNode **node)
{
    *node = NULL;
    if (!nodes) {
        return ENOENT;
    }
    *node = g_tree_lookup(nodes, path);
    if (*node && may(*node, domid, letters)) {
        return 0;
    }
    if (!*node && path[0] == '/' &&
        may(fake_closest_above(nodes, path), domid, letters)) {
        return ENOENT;
    }
    *node = NULL;
    return EACCES;
}

/* Creates @path and what is missing above it. */
FakeNode *fake_node_create(FakeTree *tree, GTree *nodes, unsigned domid,
                           const char *path)
{
    g_autofree char *above = fake_parent(path);
    FakeNode *parent = g_tree_lookup(nodes, above);
    FakeNode *node;

    if (!parent) {
        parent = fake_node_create(tree, nodes, domid, above);
    }
    node = add_node(nodes, path, fake_copy_strings(parent->perms));
    if (domid) {
        char **owner = (char **)&g_ptr_array_index(node->perms, 0);
        char letter = (*owner)[0];

        g_free(*owner);
        *owner = g_strdup_printf("%c%u", letter, domid);
    }
    parent->generation = ++tree->generation;
    return node;
}

void fake_tree_fire(FakeTree *tree, GTree *nodes, const char *path, bool exact)
{
    FakeNode *node = g_tree_lookup(nodes, path);

    for (guint i = 0; i < tree->watches->len; i++) {
        const FakeWatch *watch = g_ptr_array_index(tree->watches, i);

        if (exact ? !g_str_equal(path, watch->path)
                  : !fake_is_below(path, watch->path)) {
            continue;
        }
        /* xen: watch_permitted: the node or the one above it is readable */
        if ((node && may(node, watch->domid, "rb")) ||
            may(fake_closest_above(nodes, path), watch->domid, "rb")) {
            watch->fn(watch->opaque, path, watch->token);
        }
    }
}

FakeTx *fake_tree_tx(FakeTree *tree, unsigned domid, guint32 id)
{
    for (guint i = 0; i < tree->txs->len; i++) {
        FakeTx *tx = g_ptr_array_index(tree->txs, i);

        if (tx->id == id && tx->domid == domid) {
            return tx;
        }
    }
    return NULL;
}

GTree *fake_tree_nodes(FakeTree *tree, unsigned domid, guint32 id)
{
    FakeTx *tx;

    if (!id) {
        return tree->nodes;
    }
    tx = fake_tree_tx(tree, domid, id);
    return tx ? tx->nodes : NULL;
}

void fake_tree_changed(FakeTree *tree, unsigned domid, guint32 id,
                       const char *path, bool exact)
{
    if (id) {
        FakeChange *change = g_new0(FakeChange, 1);

        change->path = g_strdup(path);
        change->exact = exact;
        g_ptr_array_add(fake_tree_tx(tree, domid, id)->changes, change);
    } else {
        tree->changes++;
        fake_tree_fire(tree, tree->nodes, path, exact);
    }
}

FakeTree *fake_tree_new(void)
{
    FakeTree *tree = g_new0(FakeTree, 1);

    tree->nodes = fake_nodes_new();
    tree->watches = g_ptr_array_new_with_free_func(free_watch);
    tree->txs = g_ptr_array_new_with_free_func(free_tx);
    add_node(tree->nodes, "/", split_perms("n0"));
    add_node(tree->nodes, "@introduceDomain", split_perms("n0"));
    add_node(tree->nodes, "@releaseDomain", split_perms("n0"));
    return tree;
}

void fake_tree_free(FakeTree *tree)
{
    g_assert_cmpuint(tree->watches->len, ==, 0);
    g_assert_cmpuint(tree->txs->len, ==, 0);
    g_tree_unref(tree->nodes);
    g_ptr_array_unref(tree->watches);
    g_ptr_array_unref(tree->txs);
    g_free(tree);
}

void fake_tree_set(FakeTree *tree, const char *path, const char *value,
                   const char *perms)
{
    FakeNode *node = g_tree_lookup(tree->nodes, path);

    if (!node) {
        node = fake_node_create(tree, tree->nodes, 0, path);
    }
    if (perms) {
        g_ptr_array_unref(node->perms);
        node->perms = split_perms(perms);
    }
    g_byte_array_set_size(node->value, 0);
    g_byte_array_append(node->value, (const guint8 *)value, strlen(value));
    node->generation = ++tree->generation;
    fake_tree_changed(tree, 0, 0, path, false);
}

void fake_tree_rm(FakeTree *tree, const char *path)
{
    g_assert_cmpint(fake_tree_ops.rm(tree, 0, 0, path), ==, 0);
}

const char *fake_tree_get(FakeTree *tree, const char *path)
{
    FakeNode *node = g_tree_lookup(tree->nodes, path);

    if (!node) {
        return NULL;
    }
    g_byte_array_append(node->value, (const guint8 *)"", 1);
    g_byte_array_set_size(node->value, node->value->len - 1);
    return (const char *)node->value->data;
}

static gboolean dump_node(gpointer key, gpointer value, gpointer data)
{
    const FakeNode *node = value;
    GString *text = data;

    g_string_append_printf(text, "%s =", (const char *)key);
    for (guint i = 0; i < node->value->len; i++) {
        g_string_append_printf(text, " %02x", node->value->data[i]);
    }
    for (guint i = 0; i < node->perms->len; i++) {
        g_string_append_printf(text, " %s",
                               (char *)g_ptr_array_index(node->perms, i));
    }
    g_string_append_c(text, '\n');
    return FALSE;
}

char *fake_tree_dump(FakeTree *tree)
{
    GString *text = g_string_new(NULL);

    g_tree_foreach(tree->nodes, dump_node, text);
    return g_string_free(text, FALSE);
}

unsigned fake_tree_watches(const FakeTree *tree)
{
    return tree->watches->len;
}

unsigned fake_tree_transactions(const FakeTree *tree)
{
    return tree->txs->len;
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
