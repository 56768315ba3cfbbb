/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload of a digest: the state of a machine, by component. */
#include "replay/record-digest.h"

#include <string.h>

#include "replay/payload.h"

#define PART_BYTES_LEAST 9 /* a name's length, and the hash */
#define PAGE_BYTES_LEAST 5 /* one byte of distance, and the hash */

const char *const trace_register_names[TRACE_REGISTERS] = {
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8",
    "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags",
};

static void part_clear(gpointer data)
{
    TracePart *part = data;

    g_free(part->name);
}

void trace_digest_init(TraceDigest *digest)
{
    *digest = (TraceDigest){
        .parts = g_array_new(FALSE, FALSE, sizeof(TracePart)),
        .vcpus = g_array_new(FALSE, FALSE, sizeof(TraceRegisters)),
        .pages = g_array_new(FALSE, FALSE, sizeof(TracePage)),
    };
    g_array_set_clear_func(digest->parts, part_clear);
}

void trace_digest_clear(TraceDigest *digest)
{
    g_clear_pointer(&digest->reason, g_free);
    g_clear_pointer(&digest->parts, g_array_unref);
    g_clear_pointer(&digest->vcpus, g_array_unref);
    g_clear_pointer(&digest->pages, g_array_unref);
}

void trace_digest_add_part(TraceDigest *digest, const char *name, uint64_t hash)
{
    TracePart part = {g_strdup(name), hash};

    g_array_append_val(digest->parts, part);
}

static void put_text(GByteArray *out, const char *text)
{
    size_t len = strlen(text);

    g_assert(len <= G_MAXUINT8);
    payload_put_bytes(out, 1, text, len);
}

/* LEB128: seven bits a byte, the lowest first. */
static void put_varint(GByteArray *out, uint64_t value)
{
    while (value > 0x7f) {
        payload_put(out, (value & 0x7f) | 0x80, 1);
        value >>= 7;
    }
    payload_put(out, value, 1);
}

GByteArray *trace_put_digest(const TraceDigest *digest)
{
    GByteArray *out = g_byte_array_new();
    uint64_t last = 0;

    payload_put(out, digest->number, 4);
    put_text(out, digest->reason);
    g_byte_array_append(out, digest->sha256, TRACE_SHA256_SIZE);
    payload_put(out, digest->console_bytes, 8);
    payload_put(out, digest->console_crc, 4);
    g_assert(digest->parts->len <= G_MAXUINT16 &&
             digest->vcpus->len <= G_MAXUINT16);
    payload_put(out, digest->parts->len, 2);
    for (guint i = 0; i < digest->parts->len; i++) {
        const TracePart *part = &g_array_index(digest->parts, TracePart, i);

        put_text(out, part->name);
        payload_put(out, part->hash, 8);
    }
    payload_put(out, digest->vcpus->len, 2);
    for (guint i = 0; i < digest->vcpus->len; i++) {
        const TraceRegisters *vcpu =
            &g_array_index(digest->vcpus, TraceRegisters, i);

        for (unsigned r = 0; r < TRACE_REGISTERS; r++) {
            payload_put(out, vcpu->value[r], 8);
        }
    }
    payload_put(out, digest->page_shift, 1);
    payload_put(out, digest->pages->len, 4);
    for (guint i = 0; i < digest->pages->len; i++) {
        const TracePage *page = &g_array_index(digest->pages, TracePage, i);

        g_assert(i == 0 || page->pfn > last);
        put_varint(out, page->pfn - last);
        payload_put(out, page->hash, 4);
        last = page->pfn;
    }
    return out;
}

static uint64_t get_varint(PayloadReader *r, const char *field)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = payload_get(r, 1, field), bits = byte & 0x7f;

        if (r->wrong) {
            return 0;
        }
        /* One way to write a number: neither lost bits nor idle zeros. */
        if (bits << shift >> shift != bits || (shift && byte == 0)) {
            break;
        }
        value |= bits << shift;
        if (!(byte & 0x80)) {
            return value;
        }
    }
    r->wrong = g_strdup_printf("%s is no shortest number of 64 bits", field);
    return 0;
}

static void get_parts(PayloadReader *r, TraceDigest *out)
{
    uint32_t n = payload_get_count(r, 2, PART_BYTES_LEAST, "number of parts");

    for (uint32_t i = 0; i < n && !r->wrong; i++) {
        TracePart part = {.name = payload_get_text(r, 1, "a part's name")};

        part.hash = payload_get(r, 8, "a part's hash");
        g_array_append_val(out->parts, part);
    }
}

static void get_vcpus(PayloadReader *r, TraceDigest *out)
{
    uint32_t n =
        payload_get_count(r, 2, 8 * TRACE_REGISTERS, "number of vCPUs");

    for (uint32_t i = 0; i < n && !r->wrong; i++) {
        TraceRegisters vcpu;

        for (unsigned k = 0; k < TRACE_REGISTERS; k++) {
            vcpu.value[k] = payload_get(r, 8, trace_register_names[k]);
        }
        g_array_append_val(out->vcpus, vcpu);
    }
}

static void get_pages(PayloadReader *r, TraceDigest *out)
{
    uint64_t pfn = 0;
    uint32_t n;

    out->page_shift = payload_get(r, 1, "page shift");
    if (!r->wrong && out->page_shift > TRACE_PAGE_SHIFT_MAX) {
        r->wrong = g_strdup_printf("page shift is %u, at most %u",
                                   out->page_shift, TRACE_PAGE_SHIFT_MAX);
    }
    n = payload_get_count(r, 4, PAGE_BYTES_LEAST, "number of pages");

    for (uint32_t i = 0; i < n && !r->wrong; i++) {
        uint64_t delta = get_varint(r, "a page's distance");
        TracePage page = {.hash = payload_get(r, 4, "a page's hash")};

        if (!r->wrong && ((i && delta == 0) || pfn + delta < pfn)) {
            r->wrong = g_strdup("a page's distance leads backwards");
        }
        page.pfn = pfn += delta;
        g_array_append_val(out->pages, page);
    }
}

bool trace_get_digest(GBytes *payload, TraceDigest *out, GError **error)
{
    const uint8_t *sha256;
    PayloadReader r;

    trace_digest_init(out);
    payload_reader_init(&r, "digest", payload);
    out->number = payload_get(&r, 4, "number");
    out->reason = payload_get_text(&r, 1, "reason");
    sha256 = payload_get_raw(&r, TRACE_SHA256_SIZE, "SHA-256");
    if (sha256) {
        memcpy(out->sha256, sha256, TRACE_SHA256_SIZE);
    }
    out->console_bytes = payload_get(&r, 8, "console bytes");
    out->console_crc = payload_get(&r, 4, "console checksum");
    get_parts(&r, out);
    get_vcpus(&r, out);
    get_pages(&r, out);
    if (!payload_reader_end(&r, error)) {
        trace_digest_clear(out);
        return false;
    }
    return true;
}
