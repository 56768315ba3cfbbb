/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest may do with each HVM parameter of its own, for the tests of the
 * core and for payloads (xen: arch/x86/hvm/hvm.c, hvm_allow_get_param and
 * hvm_allow_set_param; measured on 4.17).
 */
#ifndef JUMPCUT_TESTS_HVM_PARAMS_H
#define JUMPCUT_TESTS_HVM_PARAMS_H

#include <stdint.h>
#include <xen/errno.h>

static const struct {
    uint8_t first, last;
    int get, set; /* set: of 8, an address none takes unless it may */
} hvm_params[] = {
    {0, 0, 0, 0},
    {1, 1, 0, -XEN_EPERM},
    {2, 2, 0, 0},
    {3, 3, -XEN_EPERM, -XEN_EPERM},
    {4, 4, -XEN_EINVAL, -XEN_EINVAL},
    {5, 12, -XEN_EPERM, -XEN_EPERM},
    {13, 13, -XEN_EINVAL, -XEN_EINVAL},
    {14, 14, -XEN_EPERM, -XEN_EPERM},
    {15, 15, 0, 0},
    {16, 16, -XEN_EPERM, -XEN_EPERM},
    {17, 17, 0, -XEN_EPERM},
    {18, 18, 0, 0},
    {19, 19, 0, -XEN_EINVAL},
    {20, 26, -XEN_EINVAL, -XEN_EINVAL},
    {27, 29, -XEN_EPERM, -XEN_EPERM},
    {30, 30, -XEN_EINVAL, -XEN_EINVAL},
    {31, 33, -XEN_EPERM, -XEN_EPERM},
    {34, 34, 0, 0},
    {35, 35, 0, -XEN_EPERM},
    {36, 36, 0, 0},
    {37, 37, 0, -XEN_EINVAL},
    {38, 38, -XEN_EPERM, -XEN_EPERM},
    {39, 99, -XEN_EINVAL, -XEN_EINVAL},
};

#endif
