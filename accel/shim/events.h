/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP events of ours.
 */
#ifndef JUMPCUT_ACCEL_SHIM_EVENTS_H
#define JUMPCUT_ACCEL_SHIM_EVENTS_H

#include "accel/shim/guest.h"

void shim_event_cut(const GuestCut *cut);

#endif
