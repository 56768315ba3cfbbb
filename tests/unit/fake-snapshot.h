/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies where in a fake host's memory, and all of it put away. */
#ifndef JUMPCUT_TESTS_UNIT_FAKE_SNAPSHOT_H
#define JUMPCUT_TESTS_UNIT_FAKE_SNAPSHOT_H

#include "tests/unit/fake-host.h"

/* How many overlays are laid over @gfn, and over any frame. */
unsigned fake_host_overlays_at(const FakeHost *fake, uint64_t gfn);
unsigned fake_host_overlays_mapped(const FakeHost *fake);
/* The HOST_PAGE_SIZE bytes of @gfn's RAM, whatever lies over it. */
void fake_host_peek_beneath(FakeHost *fake, uint64_t gfn, uint8_t *page);

/*
 * Content of all frames and overlays, as a migration takes it along; restore
 * puts it back, everything told, and frees the snapshot.
 */
typedef struct FakeSnapshot FakeSnapshot;
FakeSnapshot *fake_host_snapshot(const FakeHost *fake);
void fake_host_restore(FakeHost *fake, FakeSnapshot *snapshot);

#endif
