/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP events of ours.
 */
#ifndef JUMPCUT_ACCEL_SHIM_EVENTS_H
#define JUMPCUT_ACCEL_SHIM_EVENTS_H

#include "accel/shim/xen-hvm.h"

void shim_event_cut(const XenHvmCut *cut);

#endif
