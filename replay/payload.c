/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, strings and bytes in payloads. */
#include "replay/payload.h"
#include "replay/trace.h"

#include <string.h>

void payload_put(GByteArray *out, uint64_t value, unsigned size)
{
    uint64_t le = GUINT64_TO_LE(value);

    g_byte_array_append(out, (const guint8 *)&le, size);
}

void payload_put_bytes(GByteArray *out, unsigned size, const void *bytes,
                       size_t len)
{
    payload_put(out, len, size);
    g_byte_array_append(out, bytes, len);
}

void payload_reader_init(PayloadReader *r, const char *what, GBytes *payload)
{
    *r = (PayloadReader){.what = what};
    r->data = g_bytes_get_data(payload, &r->len);
}

const uint8_t *payload_get_raw(PayloadReader *r, size_t len, const char *field)
{
    if (r->wrong) {
        return NULL;
    }
    if (len > r->len - r->at) {
        r->wrong = g_strdup_printf("%s wants %zu bytes, %zu are left", field,
                                   len, r->len - r->at);
        return NULL;
    }
    r->at += len;
    return r->data + r->at - len;
}

uint64_t payload_get(PayloadReader *r, unsigned size, const char *field)
{
    const uint8_t *raw = payload_get_raw(r, size, field);
    uint64_t le = 0;

    if (!raw) {
        return 0;
    }
    memcpy(&le, raw, size);
    return GUINT64_FROM_LE(le);
}

bool payload_get_flag(PayloadReader *r, const char *field)
{
    uint64_t value = payload_get(r, 1, field);

    if (value > 1 && !r->wrong) {
        r->wrong = g_strdup_printf("%s is %" G_GUINT64_FORMAT ", not 0 or 1",
                                   field, value);
    }
    return value == 1;
}

uint32_t payload_get_count(PayloadReader *r, unsigned size, size_t least,
                           const char *field)
{
    uint32_t n = payload_get(r, size, field);

    if (!r->wrong && n > (r->len - r->at) / least) {
        r->wrong = g_strdup_printf("%s is %u, %zu bytes are left", field, n,
                                   r->len - r->at);
    }
    return r->wrong ? 0 : n;
}

const uint8_t *payload_get_bytes(PayloadReader *r, unsigned size, size_t *len,
                                 const char *field)
{
    *len = payload_get(r, size, field);
    return payload_get_raw(r, *len, field);
}

char *payload_get_text(PayloadReader *r, unsigned size, const char *field)
{
    size_t len;
    const uint8_t *bytes = payload_get_bytes(r, size, &len, field);

    if (bytes && !g_utf8_validate((const char *)bytes, len, NULL)) {
        r->wrong = g_strdup_printf("%s is not text", field);
    }
    return r->wrong ? g_strdup("") : g_strndup((const char *)bytes, len);
}

bool payload_reader_end(PayloadReader *r, GError **error)
{
    if (!r->wrong && r->at != r->len) {
        r->wrong = g_strdup_printf("%zu bytes are left over", r->len - r->at);
    }
    if (!r->wrong) {
        return true;
    }
    g_set_error(error, TRACE_ERROR, TRACE_ERROR_DAMAGED, "payload of %s: %s",
                r->what, r->wrong);
    g_clear_pointer(&r->wrong, g_free);
    return false;
}
