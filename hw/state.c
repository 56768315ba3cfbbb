/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writer and reader of the tagged byte streams of core migration state. */
#include "hw/state.h"

#include <string.h>

/* u16 tag and u32 length before each field's bytes */
#define STATE_HEADER_SIZE 6

struct StateWriter {
    GByteArray *out;
};

struct StateReader {
    const guint8 *buf;
    size_t len;
    size_t pos;    /* <= len */
    GError *error; /* the first one; nothing is read after it */
};

G_DEFINE_QUARK(jumpcut - state - error - quark, state_error)

static void state_put_le(GByteArray *out, guint64 value, unsigned size)
{
    guint8 bytes[8];

    for (unsigned i = 0; i < size; i++) {
        bytes[i] = value >> (8 * i);
    }
    g_byte_array_append(out, bytes, size);
}

static guint64 state_parse_le(const guint8 *bytes, unsigned size)
{
    guint64 value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (guint64)bytes[i] << (8 * i);
    }
    return value;
}

StateWriter *state_writer_new(void)
{
    StateWriter *w = g_new0(StateWriter, 1);

    w->out = g_byte_array_new();
    return w;
}

GByteArray *state_writer_finish(StateWriter *w)
{
    GByteArray *out = w->out;

    g_free(w);
    return out;
}

void state_put_u64(StateWriter *w, uint16_t tag, uint64_t value)
{
    state_put_le(w->out, tag, 2);
    state_put_le(w->out, sizeof(value), 4);
    state_put_le(w->out, value, sizeof(value));
}

void state_put_bytes(StateWriter *w, uint16_t tag, const void *buf, size_t len)
{
    /* The writer's fields are bounded by their readers' limits. */
    g_assert(len <= G_MAXUINT32 - STATE_HEADER_SIZE);
    state_put_le(w->out, tag, 2);
    state_put_le(w->out, len, 4);
    if (len) {
        g_byte_array_append(w->out, buf, len);
    }
}

StateReader *state_reader_new(const void *buf, size_t len)
{
    StateReader *r = g_new0(StateReader, 1);

    r->buf = buf;
    r->len = len;
    return r;
}

static void G_GNUC_PRINTF(3, 4)
    state_set_error(StateReader *r, StateError code, const char *fmt, ...)
{
    va_list args;

    if (r->error) {
        return;
    }
    va_start(args, fmt);
    r->error = g_error_new_valist(STATE_ERROR, code, fmt, args);
    va_end(args);
}

/*
 * Header of the next field, checked against @tag, the lengths [@min, @max] and
 * the end of the stream.
 * @return: its bytes, *@len of them, read; or NULL with the reader failed.
 */
static const guint8 *state_next_field(StateReader *r, uint16_t tag,
                                      const char *name, size_t min, size_t max,
                                      size_t *len)
{
    size_t left = r->len - r->pos;
    const guint8 *field;
    guint64 got_tag, got_len;

    if (r->error) {
        return NULL;
    }
    if (left < STATE_HEADER_SIZE) {
        state_set_error(r, STATE_ERROR_TRUNCATED,
                        "state field '%s' at byte %zu: the stream ends in or "
                        "before its header, %zu of %d bytes are left",
                        name, r->pos, left, STATE_HEADER_SIZE);
        return NULL;
    }
    field = r->buf + r->pos;
    got_tag = state_parse_le(field, 2);
    got_len = state_parse_le(field + 2, 4);
    left -= STATE_HEADER_SIZE;
    if (got_tag != tag) {
        state_set_error(r, STATE_ERROR_MISMATCH,
                        "state field '%s' at byte %zu: wanted tag 0x%04x, "
                        "got 0x%04x",
                        name, r->pos, tag, (unsigned)got_tag);
        return NULL;
    }
    if (got_len < min || got_len > max) {
        state_set_error(r, STATE_ERROR_MISMATCH,
                        "state field '%s' at byte %zu: wanted %s%zu bytes, "
                        "got %" G_GUINT64_FORMAT,
                        name, r->pos, min == max ? "" : "at most ", max,
                        got_len);
        return NULL;
    }
    if (got_len > left) {
        state_set_error(r, STATE_ERROR_TRUNCATED,
                        "state field '%s' at byte %zu: its length is "
                        "%" G_GUINT64_FORMAT ", but only %zu bytes are left",
                        name, r->pos, got_len, left);
        return NULL;
    }
    r->pos += STATE_HEADER_SIZE + got_len;
    *len = got_len;
    return field + STATE_HEADER_SIZE;
}

uint64_t state_get_u64(StateReader *r, uint16_t tag, const char *name,
                       uint64_t max)
{
    size_t start = r->pos, len;
    const guint8 *bytes = state_next_field(r, tag, name, 8, 8, &len);
    uint64_t value;

    if (!bytes) {
        return 0;
    }
    value = state_parse_le(bytes, 8);
    if (value > max) {
        state_set_error(r, STATE_ERROR_RANGE,
                        "state field '%s' at byte %zu: value "
                        "%" G_GUINT64_FORMAT " is above %" G_GUINT64_FORMAT,
                        name, start, value, max);
        return 0;
    }
    return value;
}

void state_get_bytes(StateReader *r, uint16_t tag, const char *name, void *buf,
                     size_t len)
{
    size_t got;
    const guint8 *bytes = state_next_field(r, tag, name, len, len, &got);

    if (!len) {
        return;
    }
    if (bytes) {
        memcpy(buf, bytes, len);
    } else {
        memset(buf, 0, len);
    }
}

GByteArray *state_get_blob(StateReader *r, uint16_t tag, const char *name,
                           size_t max)
{
    size_t len;
    const guint8 *bytes = state_next_field(r, tag, name, 0, max, &len);
    GByteArray *blob;

    if (!bytes) {
        return NULL;
    }
    blob = g_byte_array_sized_new(len);
    if (len) {
        g_byte_array_append(blob, bytes, len);
    }
    return blob;
}

gboolean state_reader_failed(const StateReader *r)
{
    return r->error != NULL;
}

void state_reader_fail(StateReader *r, const char *fmt, ...)
{
    va_list args;

    if (r->error) {
        return;
    }
    va_start(args, fmt);
    r->error = g_error_new_valist(STATE_ERROR, STATE_ERROR_RANGE, fmt, args);
    va_end(args);
}

gboolean state_reader_finish(StateReader *r, GError **error)
{
    gboolean ok;

    if (r->pos < r->len) {
        state_set_error(r, STATE_ERROR_MISMATCH,
                        "state: %zu bytes are left over at byte %zu",
                        r->len - r->pos, r->pos);
    }
    ok = !r->error;
    if (!ok) {
        g_propagate_error(error, r->error);
    }
    g_free(r);
    return ok;
}
