/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between two digests, part by part.
 */
#ifndef JUMPCUT_TOOLS_TRACE_DIFF_H
#define JUMPCUT_TOOLS_TRACE_DIFF_H

#include "tools/trace-args.h"

/* Prints a line a difference; of pages no more than a screenful. */
void trace_diff_digests(const TraceDigest *a, const TraceDigest *b);

#endif
