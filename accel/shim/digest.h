/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest of the machine state a guest can see.
 */
#ifndef JUMPCUT_ACCEL_SHIM_DIGEST_H
#define JUMPCUT_ACCEL_SHIM_DIGEST_H

/*
 * SHA-256, hexadecimal, over every vCPU's registers, the guest's memory,
 * firmware and overlays (pages of zeroes by their absence) and @extra.  The
 * vCPUs must not execute.
 * @return: newly allocated, NULL and *@errp on failure
 */
char *shim_digest(const GByteArray *extra, Error **errp);

#endif
