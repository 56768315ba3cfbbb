/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cut as asked for on the command line or over a control socket: its way,
 * its time, and what the new host is like.
 */
#ifndef JUMPCUT_TOOLS_CUT_REQUEST_H
#define JUMPCUT_TOOLS_CUT_REQUEST_H

#include <json-glib/json-glib.h>

#include "hw/clock/host-profile.h"

typedef enum CutWay {
    CUT_IN_PLACE, /* the clocks of the running guest */
    CUT_SUSPEND,  /* the guest suspends itself, a new domain goes on */
    CUT_MIGRATE,  /* a second QEMU takes over */
    CUT_CANCEL,   /* the guest suspends itself, which is cancelled */
} CutWay;

typedef struct CutRequest {
    CutWay way;
    gboolean via_file;   /* CUT_MIGRATE: through a file, not a socket */
    gint64 at_ns;        /* virtual time; -1: now */
    char *text;          /* the profile: "KEY=VALUE,..." or "" */
    HostProfile profile; /* the same */
} CutRequest;

/*
 * @text: "[AT:]KEY=VALUE,...", with the keys of a host profile and way=, via=.
 * Without "AT:" the cut is now, which only @may_be_now permits.
 */
CutRequest *cut_request_parse(const char *text, gboolean may_be_now,
                              GError **error);
/* @return: the profile as arguments of jumpcut-cut and jumpcut-restore. */
JsonObject *cut_request_arguments(const CutRequest *request);
/* By time, for g_ptr_array_sort(): @a and @b point to pointers. */
gint cut_request_compare(gconstpointer a, gconstpointer b);
CutRequest *cut_request_copy(const CutRequest *request);
void cut_request_free(CutRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutRequest, cut_request_free)

#endif
