/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unpacking what a kernel image is packed with, by the packers' own libraries.
 */
#include "hw/xen/pvh/unpack.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "hw/linux-header.h"
#include "hw/xen/pvh/error.h"

#define CHUNK ((size_t)1 << 20)
/* The dictionary of a kernel packed as tightly as can be: 128 MiB and more. */
#define LZMA_MEMORY ((uint64_t)256 << 20)
/* lz4 -l: blocks of at most 8 MiB of output, each after its packed size. */
#define LZ4_BLOCK ((size_t)8 << 20)

/* Input that is left, output so far. */
typedef struct Stream {
    const uint8_t *in;
    size_t left;
    GByteArray *out;
    size_t max;
    GError **error;
} Stream;

typedef enum Step {
    STEP_MORE,
    STEP_END,
    STEP_BAD,
} Step;

typedef bool UnpackFn(Stream *s);

static bool stream_fail(Stream *s, const char *what)
{
    g_set_error(s->error, PVH_ERROR, 0, "packed kernel: %s", what);
    return false;
}

/* Room for up to @want bytes more of output; *@len: how many there are. */
static uint8_t *stream_room(Stream *s, size_t want, size_t *len)
{
    size_t used = s->out->len;

    *len = MIN(want, s->max - used);
    if (!*len) {
        stream_fail(s, "holds more than a kernel");
        return NULL;
    }
    g_byte_array_set_size(s->out, (guint)(used + *len));
    return s->out->data + used;
}

/* @taken and @made: how far a library got in the input and the last room. */
static void stream_took(Stream *s, size_t taken, size_t room, size_t made)
{
    s->in += taken;
    s->left -= taken;
    g_byte_array_set_size(s->out, (guint)(s->out->len - room + made));
}

/* Call @step, which wants input or gives output, until the stream ends. */
static bool stream_run(Stream *s, Step (*step)(Stream *s, void *opaque),
                       void *opaque)
{
    for (;;) {
        size_t left = s->left, made = s->out->len;

        switch (step(s, opaque)) {
        case STEP_END:
            return true;
        case STEP_BAD:
            return *s->error ? false : stream_fail(s, "is damaged");
        case STEP_MORE:
            if (s->left == left && s->out->len == made) {
                return stream_fail(s, "is cut short");
            }
            break;
        }
    }
}

static Step step_gzip(Stream *s, void *opaque)
{
    z_stream *z = opaque;
    uInt in = (uInt)MIN(s->left, CHUNK);
    size_t room;
    int ret;

    z->next_out = stream_room(s, CHUNK, &room);
    if (!z->next_out) {
        return STEP_BAD;
    }
    z->next_in = (Bytef *)s->in;
    z->avail_in = in;
    z->avail_out = (uInt)room;
    ret = inflate(z, Z_NO_FLUSH);
    stream_took(s, in - z->avail_in, room, room - z->avail_out);
    return ret == Z_STREAM_END                 ? STEP_END
           : ret == Z_OK || ret == Z_BUF_ERROR ? STEP_MORE
                                               : STEP_BAD;
}

static bool unpack_gzip(Stream *s)
{
    z_stream z = {0};
    bool good;

    /* 16: a gzip header, not zlib's own */
    if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK) {
        return stream_fail(s, "no memory for gzip");
    }
    good = stream_run(s, step_gzip, &z);
    inflateEnd(&z);
    return good;
}

static Step step_bzip2(Stream *s, void *opaque)
{
    bz_stream *z = opaque;
    unsigned in = (unsigned)MIN(s->left, CHUNK);
    size_t room;
    int ret;

    z->next_out = (char *)stream_room(s, CHUNK, &room);
    if (!z->next_out) {
        return STEP_BAD;
    }
    z->next_in = (char *)s->in;
    z->avail_in = in;
    z->avail_out = (unsigned)room;
    ret = BZ2_bzDecompress(z);
    stream_took(s, in - z->avail_in, room, room - z->avail_out);
    return ret == BZ_STREAM_END ? STEP_END
           : ret == BZ_OK       ? STEP_MORE
                                : STEP_BAD;
}

static bool unpack_bzip2(Stream *s)
{
    bz_stream z = {0};
    bool good;

    if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK) {
        return stream_fail(s, "no memory for bzip2");
    }
    good = stream_run(s, step_bzip2, &z);
    BZ2_bzDecompressEnd(&z);
    return good;
}

static Step step_lzma(Stream *s, void *opaque)
{
    lzma_stream *z = opaque;
    size_t in = MIN(s->left, CHUNK), room;
    lzma_ret ret;

    z->next_out = stream_room(s, CHUNK, &room);
    if (!z->next_out) {
        return STEP_BAD;
    }
    z->next_in = s->in;
    z->avail_in = in;
    z->avail_out = room;
    ret = lzma_code(z, LZMA_RUN);
    stream_took(s, in - z->avail_in, room, room - z->avail_out);
    return ret == LZMA_STREAM_END                    ? STEP_END
           : ret == LZMA_OK || ret == LZMA_BUF_ERROR ? STEP_MORE
                                                     : STEP_BAD;
}

/* xz, and the older format that begins with its properties. */
static bool unpack_lzma(Stream *s)
{
    lzma_stream z = LZMA_STREAM_INIT;
    bool good;

    if (lzma_auto_decoder(&z, LZMA_MEMORY, 0) != LZMA_OK) {
        return stream_fail(s, "no memory for lzma");
    }
    good = stream_run(s, step_lzma, &z);
    lzma_end(&z);
    return good;
}

static Step step_zstd(Stream *s, void *opaque)
{
    ZSTD_inBuffer in = {s->in, MIN(s->left, CHUNK), 0};
    ZSTD_outBuffer out = {0};
    size_t room, ret;

    out.dst = stream_room(s, CHUNK, &room);
    if (!out.dst) {
        return STEP_BAD;
    }
    out.size = room;
    ret = ZSTD_decompressStream(opaque, &out, &in);
    stream_took(s, in.pos, room, out.pos);
    return ZSTD_isError(ret) ? STEP_BAD : ret == 0 ? STEP_END : STEP_MORE;
}

static bool unpack_zstd(Stream *s)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    bool good;

    if (!z) {
        return stream_fail(s, "no memory for zstd");
    }
    good = stream_run(s, step_zstd, z);
    ZSTD_freeDStream(z);
    return good;
}

/* A last word with no block after it is the size that Linux's build adds. */
static Step step_lz4(Stream *s, void *opaque)
{
    size_t packed, room;
    uint8_t *out;
    int made;

    (void)opaque;
    if (s->left <= 4) {
        return s->out->len ? STEP_END : STEP_BAD;
    }
    packed = get_le32(s->in);
    if (packed > s->left - 4 || packed > (size_t)LZ4_COMPRESSBOUND(LZ4_BLOCK)) {
        return STEP_BAD;
    }
    out = stream_room(s, LZ4_BLOCK, &room);
    if (!out) {
        return STEP_BAD;
    }
    made = LZ4_decompress_safe((const char *)s->in + 4, (char *)out,
                               (int)packed, (int)room);
    stream_took(s, 4 + packed, room, made < 0 ? 0 : (size_t)made);
    return made < 0 ? STEP_BAD : STEP_MORE;
}

static bool unpack_lz4(Stream *s)
{
    /* the magic number */
    s->in += 4;
    s->left -= 4;
    return stream_run(s, step_lz4, NULL);
}

static const struct {
    const char *magic;
    size_t len;
    UnpackFn *fn;
} packers[] = {
    {"\x1f\x8b\x08", 3, unpack_gzip},
    {"BZh", 3, unpack_bzip2},
    {"\xfd"
     "7zXZ",
     6, unpack_lzma},
    {"\x5d\0\0", 3, unpack_lzma},
    {"\x28\xb5\x2f\xfd", 4, unpack_zstd},
    {"\x02\x21\x4c\x18", 4, unpack_lz4},
};

GBytes *pvh_unpack(const uint8_t *data, size_t size, size_t max, GError **error)
{
    g_autoptr(GError) reason = NULL;
    Stream s = {.in = data, .left = size, .max = max, .error = &reason};

    for (size_t i = 0; i < G_N_ELEMENTS(packers); i++) {
        if (size < packers[i].len ||
            memcmp(data, packers[i].magic, packers[i].len)) {
            continue;
        }
        s.out = g_byte_array_new();
        if (packers[i].fn(&s)) {
            return g_byte_array_free_to_bytes(s.out);
        }
        g_byte_array_free(s.out, TRUE);
        g_propagate_error(error, g_steal_pointer(&reason));
        return NULL;
    }
    g_set_error(error, PVH_ERROR, 0,
                "packed kernel: by none of gzip, bzip2, xz, lzma, zstd, lz4");
    return NULL;
}
