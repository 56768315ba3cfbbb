/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tagged, versioned byte streams for the migration state of core modules.
 *
 * A stream is a sequence of fields: u16 tag, u32 length, bytes; all little
 * endian.  Fields are read in the order written; a reader refuses a tag or a
 * length it does not expect and names the field, and stays refused: only the
 * end needs to be checked.
 */
#ifndef JUMPCUT_HW_STATE_H
#define JUMPCUT_HW_STATE_H

#include <glib.h>
#include <stdint.h>

typedef struct StateWriter StateWriter;
typedef struct StateReader StateReader;

#define STATE_ERROR (state_error_quark())
GQuark state_error_quark(void);
typedef enum StateError {
    STATE_ERROR_TRUNCATED,
    STATE_ERROR_MISMATCH,
    STATE_ERROR_RANGE,
} StateError;

StateWriter *state_writer_new(void);
/* Takes the bytes and frees the writer. */
GByteArray *state_writer_finish(StateWriter *w);
void state_put_u64(StateWriter *w, uint16_t tag, uint64_t value);
void state_put_bytes(StateWriter *w, uint16_t tag, const void *buf, size_t len);

/* @buf must outlive the reader. */
StateReader *state_reader_new(const void *buf, size_t len);
/*
 * The field's value, or 0 after an error.  @max: largest legal value; one
 * above it is refused with @name in the message.
 */
uint64_t state_get_u64(StateReader *r, uint16_t tag, const char *name,
                       uint64_t max);
/* Exactly @len bytes into @buf (zeroed after an error). */
void state_get_bytes(StateReader *r, uint16_t tag, const char *name, void *buf,
                     size_t len);
/* A field of at most @max bytes, newly allocated; NULL after an error. */
GByteArray *state_get_blob(StateReader *r, uint16_t tag, const char *name,
                           size_t max);
/* Did anything fail so far?  Then what was read must not be taken over. */
gboolean state_reader_failed(const StateReader *r);
/* Refuse the stream with a message of the caller's own. */
void state_reader_fail(StateReader *r, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);
/* Frees the reader; false and @error set unless all of it was read well. */
gboolean state_reader_finish(StateReader *r, GError **error);

#endif
