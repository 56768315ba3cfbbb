/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest in the middle of everything, for tests of what a domain saves. */
#ifndef JUMPCUT_TESTS_UNIT_BUSY_GUEST_H
#define JUMPCUT_TESTS_UNIT_BUSY_GUEST_H

#include "tests/unit/xen-guest.h"

/* Of Xen 4.20, 3.5 s after its start; @nr_vcpus: 2 or more. */
XenGuest *busy_guest_new(unsigned nr_vcpus);

#endif
