/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints: the whole machine in a trace, to replay from there on.
 */
#ifndef JUMPCUT_ACCEL_SHIM_CHECKPOINT_H
#define JUMPCUT_ACCEL_SHIM_CHECKPOINT_H

#include "accel/shim/digest.h"

/* Writes a record. @return: its number in the trace */
typedef uint64_t CheckpointWriteFn(void *opaque, uint16_t type,
                                   const void *payload, size_t len);

/* Which contents of pages the trace has already. */
typedef struct CheckpointWriter CheckpointWriter;
CheckpointWriter *checkpoint_writer_new(void);

/*
 * The machine as of the last digest, which was taken just now.
 * @return: false and *@errp if it cannot be saved; then nothing is lost but the
 * checkpoint
 */
bool checkpoint_write(CheckpointWriter *w, uint32_t number,
                      const StateDigest *digest, const MemoryDigest *memory,
                      CheckpointWriteFn *write, void *opaque, Error **errp);

/* A checkpoint in a trace, and where its replay goes on. */
typedef struct Checkpoint Checkpoint;

/* @return: NULL and *@errp if the trace at @path has no checkpoint @number */
Checkpoint *checkpoint_find(const char *path, uint32_t number, Error **errp);
void checkpoint_free(Checkpoint *c);
/* The first record after it */
uint64_t checkpoint_seq(const Checkpoint *c);
/*
 * Put the machine, which has not run yet, into that state.
 * @return: false and *@errp; the machine must not run then
 */
bool checkpoint_load(const Checkpoint *c, ShimDigester *digester, Error **errp);

#endif
