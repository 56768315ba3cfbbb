/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which operation a test shows the state of, for the conformance table.
 *
 * Written above a test function, in payloads, unit tests and qtests alike:
 *     CONFORMS(EVTCHNOP_send)
 *     DEVIATES(XENMEM_maximum_ram_page, "the machine has the guest's memory")
 *     NOT_OFFERED(XENMEM_set_memory_map, -XEN_EPERM)
 * scripts/conformance reads them and the test's name below them, and checks
 * that Xen's headers know the operation: they hide some names from guests, so
 * the compiler cannot.
 */
#ifndef JUMPCUT_TESTS_CONFORMANCE_H
#define JUMPCUT_TESTS_CONFORMANCE_H

/* Answers as Xen does: success and every error the test names. */
#define CONFORMS(op) _Static_assert(sizeof(#op) > 1, #op);
/* Answers, and differs from Xen as @why says. */
#define DEVIATES(op, why) \
    _Static_assert(sizeof(#op) > 1 && sizeof(why) > 1, #op);
/* Xen does not let a domU do this; it answers @error, and so do we. */
#define NOT_OFFERED(op, error) \
    _Static_assert(sizeof(#op) > 1 && sizeof(error) > 0, #op);

#endif
