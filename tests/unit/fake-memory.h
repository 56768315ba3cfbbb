/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake host's memory, as the guest and the test see it. */
#ifndef JUMPCUT_TESTS_UNIT_FAKE_MEMORY_H
#define JUMPCUT_TESTS_UNIT_FAKE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

typedef struct FakeHost FakeHost;

typedef enum FakeFrame {
    FAKE_FRAME_RAM,
    FAKE_FRAME_READONLY, /* reads work; writes and page_pin() fail */
    FAKE_FRAME_ABSENT,   /* nothing works, except laying an overlay */
} FakeFrame;
/* Any frame may be marked, also one beyond nr_frames. */
void fake_host_mark_frame(FakeHost *fake, uint64_t gfn, FakeFrame kind);

/*
 * What the guest itself reads and writes: overlays are on top, marks do not
 * matter, and no call is counted or fails.
 */
void fake_host_peek(FakeHost *fake, uint64_t gpa, void *buf, size_t len);
void fake_host_poke(FakeHost *fake, uint64_t gpa, const void *buf, size_t len);
uint8_t fake_host_peek8(FakeHost *fake, uint64_t gpa);
uint32_t fake_host_peek32(FakeHost *fake, uint64_t gpa);
uint64_t fake_host_peek64(FakeHost *fake, uint64_t gpa);
void fake_host_poke8(FakeHost *fake, uint64_t gpa, uint8_t value);
void fake_host_poke32(FakeHost *fake, uint64_t gpa, uint32_t value);
void fake_host_poke64(FakeHost *fake, uint64_t gpa, uint64_t value);
/* SHA-256 (hex, to be freed) of all memory beneath the overlays. */
char *fake_host_ram_digest(FakeHost *fake);
/*
 * Bytes changed through page_ptr() for which page_dirty() was not called, in
 * pages alive: each is a byte that migration would lose.
 */
size_t fake_host_undirtied_bytes(const FakeHost *fake);
/* Frames whose page is not at home; all must have been told by frames_sync().
 */
unsigned fake_host_frames_moved(const FakeHost *fake);

#endif
