/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one error domain of a PVH guest's loader; messages are for people. */
#ifndef JUMPCUT_HW_XEN_PVH_ERROR_H
#define JUMPCUT_HW_XEN_PVH_ERROR_H

#include <glib.h>

#define PVH_ERROR (g_quark_from_static_string("jumpcut-pvh"))

#endif
