/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces for viewers of other people's.
 */
#ifndef JUMPCUT_TOOLS_TRACE_EXPORT_H
#define JUMPCUT_TOOLS_TRACE_EXPORT_H

#include "tools/trace-args.h"

/* A record, and where and when it was. */
typedef struct ExportItem {
    const TraceRecord *record;
    guint process;         /* QEMU's, counted from 1; a handover ends one */
    TraceGuestClock clock; /* of the guest, after the record */
    const char *text;      /* what the record says, in a line */
} ExportItem;

/* Virtual time plus the clock's offset; 0 while it is not known. */
gint64 export_guest_ns(const ExportItem *item);

/*
 * A format.  begin() makes its state, item() takes the records in their order,
 * end() frees the state and gives the file's text.
 */
typedef struct ExportFormat {
    const char *name;
    void *(*begin)(const TraceHeader *header);
    void (*item)(void *state, const ExportItem *item);
    GString *(*end)(void *state);
    /* More files beside the text in a folder; NULL: the text is all. */
    const char *text_name, *data_name;
    GByteArray *(*data)(void *state); /* before end() */
} ExportFormat;

extern const ExportFormat export_chrome, export_vcd, export_ctf;

#endif
