/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header record: keys and values, in order. */
#include <string.h>

#include "replay/trace-format.h"

/* Far more than a command line has; bounds what a bad file allocates. */
#define TRACE_HEADER_WORDS 16384

struct TraceHeader {
    GPtrArray *words; /* key, value, key, value... */
};

TraceHeader *trace_header_new(void)
{
    TraceHeader *h = g_new0(TraceHeader, 1);

    h->words = g_ptr_array_new_with_free_func(g_free);
    return h;
}

void trace_header_free(TraceHeader *h)
{
    if (h) {
        g_ptr_array_unref(h->words);
        g_free(h);
    }
}

void trace_header_add(TraceHeader *h, const char *key, const char *value)
{
    g_ptr_array_add(h->words, g_strdup(key));
    g_ptr_array_add(h->words, g_strdup(value));
}

unsigned trace_header_size(const TraceHeader *h)
{
    return h->words->len / 2;
}

void trace_header_pair(const TraceHeader *h, unsigned i, const char **key,
                       const char **value)
{
    g_assert(i < trace_header_size(h));
    *key = g_ptr_array_index(h->words, 2 * i);
    *value = g_ptr_array_index(h->words, 2 * i + 1);
}

const char *trace_header_get(const TraceHeader *h, const char *key)
{
    for (guint i = 0; i < h->words->len; i += 2) {
        if (!strcmp(g_ptr_array_index(h->words, i), key)) {
            return g_ptr_array_index(h->words, i + 1);
        }
    }
    return NULL;
}

const char **trace_header_values(const TraceHeader *h, const char *key)
{
    GPtrArray *values = g_ptr_array_new();

    for (guint i = 0; i < h->words->len; i += 2) {
        if (!strcmp(g_ptr_array_index(h->words, i), key)) {
            g_ptr_array_add(values, g_ptr_array_index(h->words, i + 1));
        }
    }
    g_ptr_array_add(values, NULL);
    return (const char **)g_ptr_array_free(values, FALSE);
}

GByteArray *trace_header_encode(const TraceHeader *h)
{
    GByteArray *out = g_byte_array_new();

    for (guint i = 0; i < h->words->len; i++) {
        const char *word = g_ptr_array_index(h->words, i);

        g_byte_array_append(out, (const guint8 *)word, strlen(word) + 1);
    }
    return out;
}

TraceHeader *trace_header_decode(GBytes *payload, GError **error)
{
    gsize len;
    const char *at = g_bytes_get_data(payload, &len);
    const char *end = at ? at + len : NULL;
    TraceHeader *h = trace_header_new();

    while (at < end) {
        const char *nul = memchr(at, '\0', end - at);

        if (!nul || !g_utf8_validate(at, nul - at, NULL) ||
            h->words->len == TRACE_HEADER_WORDS) {
            g_set_error(error, TRACE_ERROR, TRACE_ERROR_DAMAGED,
                        "the header's word %u %s", h->words->len,
                        !nul ? "has no end"
                        : h->words->len == TRACE_HEADER_WORDS
                            ? "is one too many"
                            : "is no UTF-8");
            trace_header_free(h);
            return NULL;
        }
        g_ptr_array_add(h->words, g_strdup(at));
        at = nul + 1;
    }
    if (h->words->len % 2) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_DAMAGED,
                    "the header's last key has no value");
        trace_header_free(h);
        return NULL;
    }
    return h;
}
