/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers, strings and bytes in payloads, little-endian: written one after the
 * other, and read with a cursor that stops at the first thing wrong.
 */
#ifndef JUMPCUT_REPLAY_PAYLOAD_H
#define JUMPCUT_REPLAY_PAYLOAD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void payload_put(GByteArray *out, uint64_t value, unsigned size);
/* A length of @size bytes, and that many bytes. */
void payload_put_bytes(GByteArray *out, unsigned size, const void *bytes,
                       size_t len);

typedef struct PayloadReader {
    const char *what; /* for messages: "input-qmp" */
    const uint8_t *data;
    size_t len, at;
    char *wrong; /* the first thing wrong; NULL: nothing is */
} PayloadReader;

void payload_reader_init(PayloadReader *r, const char *what, GBytes *payload);
/* 0 once something is wrong. */
uint64_t payload_get(PayloadReader *r, unsigned size, const char *field);
/* As payload_get() of one byte that is 0 or 1. */
bool payload_get_flag(PayloadReader *r, const char *field);
/* A count of things of @least bytes or more each, all of which have to be
 * there; 0 once something is wrong. */
uint32_t payload_get_count(PayloadReader *r, unsigned size, size_t least,
                           const char *field);
/* @len bytes, which are the payload's; NULL once something is wrong. */
const uint8_t *payload_get_raw(PayloadReader *r, size_t len, const char *field);
/* What payload_put_bytes() wrote; NULL once something is wrong. */
const uint8_t *payload_get_bytes(PayloadReader *r, unsigned size, size_t *len,
                                 const char *field);
/* The same as text: valid UTF-8 without zeros; "" once something is wrong. */
char *payload_get_text(PayloadReader *r, unsigned size, const char *field);
/* Was all of it right, and is nothing left? */
bool payload_reader_end(PayloadReader *r, GError **error);

#endif
