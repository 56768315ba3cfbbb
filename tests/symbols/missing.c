/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An object that wants what QEMU's process has, and what nobody has. */
#include <glib.h>

void jumpcut_no_such_symbol(gint64 now);
void jumpcut_missing(void);

void jumpcut_missing(void)
{
    jumpcut_no_such_symbol(g_get_monotonic_time());
}
