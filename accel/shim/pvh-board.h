/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board of a PVH guest: what Xen gives one, and nothing else. */
#ifndef JUMPCUT_ACCEL_SHIM_PVH_BOARD_H
#define JUMPCUT_ACCEL_SHIM_PVH_BOARD_H

#include "hw/xen/domain.h"
#include "hw/xen/pvh/boot.h"

/*
 * Have the machine, which must be microvm and not stand yet, built as a PVH
 * guest's board: RAM, local APICs, an ISA bus with nothing on it, and -kernel,
 * -initrd and -append put into memory at each reset.
 *
 * -smp cpus=N,maxcpus=M: M vCPUs of which N are online (xl's vcpus, maxvcpus).
 * @madt_all: enable them all in the MADT, where Xen's toolstack enables the N.
 * Returns false and sets *errp if the machine is another one.
 */
bool pvh_board_prepare(bool madt_all, Error **errp);

#endif
