/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the subcommands that read traces share: options, and clocks of a guest.
 */
#ifndef JUMPCUT_TOOLS_TRACE_ARGS_H
#define JUMPCUT_TOOLS_TRACE_ARGS_H

#include <glib.h>

#include "replay/record-digest.h"
#include "tools/command.h"

/*
 * A subcommand's options, and @least to @most files.  @head is its help above
 * the options, @foot below them.
 * @return: the files, to be freed with g_strfreev(); NULL: exit with *@status
 */
char **trace_args(int argc, char **argv, const GOptionEntry *entries,
                  const char *head, const char *foot, unsigned least,
                  unsigned most, ExitStatus *status);

/* "--from 5", "12.5", "300ms": ns; NULL keeps *@ns. */
gboolean trace_time(const char *command, const char *option, const char *text,
                    gint64 *ns);

/* "12.345678901", seconds of @ns. */
char *trace_seconds(gint64 ns);
/* 64 hexadecimal digits. */
char *trace_hex(const uint8_t sha256[TRACE_SHA256_SIZE]);
/* "page 0x5" or, of a group, "pages 0x500 to 0x5ff". */
char *trace_pages(uint64_t group, unsigned shift);

/*
 * What pvclock tells the guest, as the cuts passed so far say: virtual time
 * plus an offset.  Before a trace's first cut, that one says it, too.
 */
typedef struct TraceGuestClock {
    gboolean known;
    gint64 offset_ns;
} TraceGuestClock;
/* Of the trace's start; FALSE: the trace cannot be read. */
gboolean trace_guest_clock_load(TraceGuestClock *clock, const char *path,
                                GError **error);
/* The record was passed. */
void trace_guest_clock_pass(TraceGuestClock *clock, const TraceRecord *record);

#endif
