/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the fake xenstore tree share. */
#ifndef JUMPCUT_TESTS_UNIT_FAKE_TREE_INTERNAL_H
#define JUMPCUT_TESTS_UNIT_FAKE_TREE_INTERNAL_H

#include "tests/unit/fake-tree.h"

typedef struct FakeNode {
    GByteArray *value;
    GPtrArray *perms; /* "n0", the owner's first */
    guint64 generation;
} FakeNode;

typedef struct FakeWatch {
    unsigned domid;
    char *path;
    char *token;
    XenstoreWatchFn *fn;
    void *opaque;
} FakeWatch;

/* A change to be told when the transaction is committed. */
typedef struct FakeChange {
    char *path;
    bool exact; /* only to those who watch this very node */
} FakeChange;

typedef struct FakeTx {
    guint32 id;
    unsigned domid;
    guint64 base;       /* tree->changes at the start */
    GTree *nodes;       /* path: FakeNode */
    GPtrArray *changes; /* of FakeChange */
} FakeTx;

struct FakeTree {
    GTree *nodes;
    GPtrArray *watches; /* of FakeWatch */
    GPtrArray *txs;     /* of FakeTx */
    guint32 last_tx;
    guint64 changes, generation;
    unsigned fail_in; /* calls until one fails; 0: none will */
    int fail_error;
    bool fired;
};

/* Nodes by path: FakeNode, in the order of the paths. */
int fake_node_find(GTree *nodes, unsigned domid, const char *path,
                   const char *letters, FakeNode **node);
FakeNode *fake_node_create(FakeTree *tree, GTree *nodes, unsigned domid,
                           const char *path);
void fake_tree_changed(FakeTree *tree, unsigned domid, guint32 id,
                       const char *path, bool exact);
/* NULL: @domid has no such transaction. */
GTree *fake_tree_nodes(FakeTree *tree, unsigned domid, guint32 id);
FakeTx *fake_tree_tx(FakeTree *tree, unsigned domid, guint32 id);
GPtrArray *fake_copy_strings(GPtrArray *from);
GTree *fake_nodes_new(void);
gboolean fake_node_copy(gpointer key, gpointer value, gpointer data);
char *fake_parent(const char *path);
bool fake_is_below(const char *path, const char *above);
FakeNode *fake_closest_above(GTree *nodes, const char *path);
void fake_tree_fire(FakeTree *tree, GTree *nodes, const char *path, bool exact);

#endif
