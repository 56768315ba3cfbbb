/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A xenstore tree in memory for native tests: permissions and transactions as
 * xenstored has them, and calls that fail on demand.
 *
 * A new tree has "/", "@introduceDomain" and "@releaseDomain", all of domain 0
 * and closed to others.  A transaction sees a copy of the tree; its commit
 * fails with EAGAIN if anything was changed outside it meanwhile.
 */
#ifndef JUMPCUT_TESTS_UNIT_FAKE_TREE_H
#define JUMPCUT_TESTS_UNIT_FAKE_TREE_H

#include <stdbool.h>

#include "hw/xen/xenstore-tree.h"

typedef struct FakeTree FakeTree;

extern const XenstoreTreeOps fake_tree_ops; /* "void *tree" is a FakeTree */

FakeTree *fake_tree_new(void);
/* Fails the test if a watch or a transaction is left. */
void fake_tree_free(FakeTree *tree);

/*
 * As domain 0: sets the node, and makes it and those above it where missing;
 * watches fire.  @perms: "n1 r0"; NULL leaves or inherits them.
 */
void fake_tree_set(FakeTree *tree, const char *path, const char *value,
                   const char *perms);
void fake_tree_rm(FakeTree *tree, const char *path);
/* The value, NUL terminated, the tree's until the next change; NULL: none. */
const char *fake_tree_get(FakeTree *tree, const char *path);
/* Everything in the tree as text, to be freed. */
char *fake_tree_dump(FakeTree *tree);

unsigned fake_tree_watches(const FakeTree *tree);
unsigned fake_tree_transactions(const FakeTree *tree);

/* The @n-th call from now that may fail gives @error; 0 disarms. */
void fake_tree_fail_nth(FakeTree *tree, unsigned n, int error);
bool fake_tree_fault_fired(const FakeTree *tree);

#endif
