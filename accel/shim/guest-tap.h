/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's device-level conversation, written down or made again. */
#ifndef JUMPCUT_ACCEL_SHIM_GUEST_TAP_H
#define JUMPCUT_ACCEL_SHIM_GUEST_TAP_H

#include "accel/shim/guest.h"
#include "hw/tap/tap.h"

/* Whole steps: docs/device-records.rst; the last of them at @at_ns. */
typedef void GuestTapSink(void *opaque, int64_t at_ns, const char *lines,
                          size_t len);
/* With GuestOptions.devices GUEST_DEVICES_RECORD, before the guest starts. */
void guest_tap_set_sink(Guest *g, GuestTapSink *sink, void *opaque);
/* Hand the steps that wait to the sink. */
void guest_tap_flush(Guest *g);
/* guest_fault() of fault_spec_parse()'s @text, as a step. */
bool guest_tap_fault(Guest *g, const char *text, Error **errp);
/* @return: false and the reason in @answer; see host_tap_run() */
bool guest_tap_run(Guest *g, char **words, unsigned nr_words, GString *answer);

#endif
