/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of traces, of an input of a fuzz target. */
#ifndef JUMPCUT_TESTS_FUZZ_FUZZ_TRACE_H
#define JUMPCUT_TESTS_FUZZ_FUZZ_TRACE_H

#include <glib.h>
#include <stdint.h>

/* @return: a descriptor of a file of these bytes that is nowhere */
int fuzz_trace_file(const void *data, size_t size);
/*
 * A file of records, decompressed, that are given right checksums and numbers.
 */
GByteArray *fuzz_trace_pack(const uint8_t *records, size_t size);

#endif
