/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the gate writes into a trace; for gate*.c and qmp-replay.c alone. */
#ifndef JUMPCUT_ACCEL_SHIM_GATE_RECORDER_H
#define JUMPCUT_ACCEL_SHIM_GATE_RECORDER_H

#include "accel/shim/gate.h"

typedef struct GateRecorder GateRecorder;

GateRecorder *gate_recorder_open(Gate *gate, Error **errp);
void gate_recorder_close(GateRecorder *r);
void gate_recorder_put(GateRecorder *r, uint16_t type, uint16_t flags,
                       int64_t at_ns, const void *payload, size_t len);
/* What is put until the end follows the record that is put then. */
void gate_recorder_begin(GateRecorder *r);
void gate_recorder_end(GateRecorder *r, uint16_t type, uint16_t flags,
                       const void *payload, size_t len);
void gate_recorder_output(GateRecorder *r, const uint8_t *buf, size_t len);
void gate_recorder_flush(GateRecorder *r);
uint64_t gate_recorder_records(const GateRecorder *r);
/* The number in the trace of the record that is put next */
uint64_t gate_recorder_seq(GateRecorder *r);
/* A place that readers can go to. */
void gate_recorder_new_frame(GateRecorder *r);
/* The last record of all. */
void gate_recorder_finish(Gate *gate, const char *why);

#endif
