/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a session: commands from other programs, a JSON
 * object a line, answered in the way of QMP.
 */
#ifndef JUMPCUT_TOOLS_CONTROL_H
#define JUMPCUT_TOOLS_CONTROL_H

#include "tools/session.h"

typedef struct Control Control;

/*
 * Listens on the unix socket @path, which must not exist and is removed by
 * control_free().  Commands: "session-cut" with the member "cut" as in
 * jumpcut boot's --cut, but "AT:" may be missing; answered when the cut has
 * been made.  All others are for the QEMU that has the guest.
 */
Control *control_new(const char *path, Session *session, GError **error);
/* Before the session. */
void control_free(Control *control);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Control, control_free)

#endif
