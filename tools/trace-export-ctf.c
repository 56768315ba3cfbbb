/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Common Trace Format, version 1.8: a folder with "metadata" and one stream
 * of one packet.  Fields are aligned to bytes and little-endian.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/trace-export.h"

#define CTF_MAGIC        0xc1fc1fc1u
#define CTF_UUID         16
#define CTF_HEAD         (4 + CTF_UUID + 4) /* packet.header */
#define CTF_TIME_END     (CTF_HEAD + 8)     /* in packet.context */
#define CTF_CONTENT_SIZE (CTF_HEAD + 16)
#define CTF_PACKET_SIZE  (CTF_HEAD + 24)

typedef struct Ctf {
    GByteArray *stream;
    uint8_t uuid[CTF_UUID];
    gint64 first_ns, last_ns;
} Ctf;

static void put_le(GByteArray *out, uint64_t value, unsigned size)
{
    uint64_t le = GUINT64_TO_LE(value);

    g_byte_array_append(out, (const guint8 *)&le, size);
}

static void patch_le(GByteArray *out, guint at, uint64_t value)
{
    uint64_t le = GUINT64_TO_LE(value);

    memcpy(out->data + at, &le, sizeof(le));
}

/* The same of the same header, as everything that comes out. */
static void make_uuid(Ctf *c, const TraceHeader *header)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t digest[32];
    gsize len = sizeof(digest);

    for (unsigned i = 0; i < trace_header_size(header); i++) {
        const char *key, *value;

        trace_header_pair(header, i, &key, &value);
        g_checksum_update(sum, (const guchar *)key, strlen(key) + 1);
        g_checksum_update(sum, (const guchar *)value, strlen(value) + 1);
    }
    g_checksum_get_digest(sum, digest, &len);
    memcpy(c->uuid, digest, CTF_UUID);
    c->uuid[6] = (c->uuid[6] & 0x0f) | 0x80;
    c->uuid[8] = (c->uuid[8] & 0x3f) | 0x80;
}

static void *ctf_begin(const TraceHeader *header)
{
    Ctf *c = g_new0(Ctf, 1);

    make_uuid(c, header);
    c->stream = g_byte_array_new();
    put_le(c->stream, CTF_MAGIC, 4);
    g_byte_array_append(c->stream, c->uuid, CTF_UUID);
    put_le(c->stream, 0, 4);
    for (unsigned i = 0; i < 4; i++) {
        put_le(c->stream, 0, 8); /* the context, known at the end */
    }
    c->first_ns = -1;
    return c;
}

static void ctf_item(void *state, const ExportItem *item)
{
    const TraceRecord *record = item->record;
    TraceCut cut;
    Ctf *c = state;

    if (c->first_ns < 0) {
        c->first_ns = record->at_ns;
    }
    c->last_ns = record->at_ns;
    put_le(c->stream, record->type, 2);
    put_le(c->stream, record->at_ns, 8);
    put_le(c->stream, record->seq, 8);
    put_le(c->stream, item->process, 4);
    put_le(c->stream, record->vcpu, 4);
    put_le(c->stream, !!(record->flags & TRACE_AT_STOP), 1);
    put_le(c->stream, item->clock.known, 1);
    put_le(c->stream, export_guest_ns(item), 8);
    g_byte_array_append(c->stream, (const guint8 *)item->text,
                        strlen(item->text) + 1);
    if (record->type == TRACE_CUT) {
        memset(&cut, 0, sizeof(cut));
        trace_get_cut(record->payload, &cut, NULL);
        put_le(c->stream, cut.system_time_before, 8);
        put_le(c->stream, cut.system_time_after, 8);
        put_le(c->stream, cut.tsc_before, 8);
        put_le(c->stream, cut.tsc_after, 8);
        put_le(c->stream, cut.khz_before, 4);
        put_le(c->stream, cut.khz_after, 4);
    }
}

static GByteArray *ctf_data(void *state)
{
    Ctf *c = state;
    uint64_t bits = (uint64_t)c->stream->len * 8;

    patch_le(c->stream, CTF_HEAD, MAX(c->first_ns, 0));
    patch_le(c->stream, CTF_TIME_END, c->last_ns);
    patch_le(c->stream, CTF_CONTENT_SIZE, bits);
    patch_le(c->stream, CTF_PACKET_SIZE, bits);
    return g_byte_array_ref(c->stream);
}

static const char metadata_start[] =
    "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
    "typealias integer { size = 16; align = 8; signed = false; } := "
    "uint16_t;\n"
    "typealias integer { size = 32; align = 8; signed = false; } := "
    "uint32_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; } := "
    "uint64_t;\n"
    "typealias integer { size = 64; align = 8; signed = true; } := int64_t;\n";

static const char metadata_stream[] =
    "clock {\n"
    "  name = virtual;\n"
    "  description = \"Virtual time of the machine\";\n"
    "  freq = 1000000000;\n"
    "  offset = 0;\n"
    "};\n"
    "typealias integer { size = 64; align = 8; signed = false; "
    "map = clock.virtual.value; } := time_t;\n"
    "stream {\n"
    "  id = 0;\n"
    "  packet.context := struct {\n"
    "    time_t timestamp_begin;\n"
    "    time_t timestamp_end;\n"
    "    uint64_t content_size;\n"
    "    uint64_t packet_size;\n"
    "  };\n"
    "  event.header := struct { uint16_t id; time_t timestamp; };\n"
    "};\n";

static const char metadata_fields[] = "    uint64_t record;\n"
                                      "    uint32_t qemu_process;\n"
                                      "    uint32_t vcpu;\n"
                                      "    uint8_t stopped;\n"
                                      "    uint8_t guest_ns_known;\n"
                                      "    int64_t guest_ns;\n"
                                      "    string what;\n";

static const char metadata_cut[] = "    uint64_t system_time_before;\n"
                                   "    uint64_t system_time_after;\n"
                                   "    uint64_t tsc_before;\n"
                                   "    uint64_t tsc_after;\n"
                                   "    uint32_t tsc_khz_before;\n"
                                   "    uint32_t tsc_khz_after;\n";

static GString *ctf_end(void *state)
{
    GString *out = g_string_new("/* CTF 1.8 */\n");
    Ctf *c = state;

    g_string_append(out, metadata_start);
    g_string_append(out, "trace {\n  major = 1;\n  minor = 8;\n  uuid = \"");
    for (unsigned i = 0; i < CTF_UUID; i++) {
        g_string_append_printf(out, "%s%02x",
                               i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                               c->uuid[i]);
    }
    g_string_append(out, "\";\n  byte_order = le;\n"
                         "  packet.header := struct {\n"
                         "    uint32_t magic;\n"
                         "    uint8_t uuid[16];\n"
                         "    uint32_t stream_id;\n"
                         "  };\n"
                         "};\n");
    g_string_append(out, metadata_stream);
    for (unsigned type = TRACE_INPUT_BYTES; type < TRACE_INDEX; type++) {
        g_string_append_printf(out,
                               "event {\n  id = %u;\n  name = \"%s\";\n"
                               "  stream_id = 0;\n  fields := struct {\n%s%s"
                               "  };\n};\n",
                               type, trace_type_name(type), metadata_fields,
                               type == TRACE_CUT ? metadata_cut : "");
    }
    g_byte_array_unref(c->stream);
    g_free(c);
    return out;
}

const ExportFormat export_ctf = {
    .name = "ctf",
    .begin = ctf_begin,
    .item = ctf_item,
    .end = ctf_end,
    .text_name = "metadata",
    .data_name = "stream",
    .data = ctf_data,
};
