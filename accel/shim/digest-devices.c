/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of QEMU's devices for a digest: its migration stream, cut into
 * sections.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qapi/error.h"
#include "cpu.h"
#include "io/channel-buffer.h"
#include "migration/global_state.h"
#include "migration/qemu-file-types.h"
#include "migration/qemu-file.h"
#include "migration/savevm.h"
#include "accel/shim/digest.h"

/* Room for the stream of a PC, to begin with */
#define STREAM_SIZE (256u << 10)
/* QEMU_VM_FILE_MAGIC and QEMU_VM_FILE_VERSION */
#define STREAM_HEADER 8u

/*
 * What is no device's, or the host's: the vCPUs are digested register by
 * register, the clock's offsets are those of the host's clocks.
 */
static const char *const not_devices[] = {
    "cpu", "cpu_common", "globalstate", "jumpcut/gate", "replay", "timer",
};

typedef struct Section {
    const uint8_t *start; /* of its content */
    size_t len;
    char name[256];
    uint32_t id, instance;
} Section;

GByteArray *digest_device_stream(Error **errp)
{
    QIOChannelBuffer *channel = qio_channel_buffer_new(STREAM_SIZE);
    QEMUFile *f = qemu_file_new_output(QIO_CHANNEL(channel));
    GByteArray *stream = NULL;

    /* A section of its own, that cannot be loaded if it was never stored. */
    global_state_store();
    if (qemu_save_device_state(f) < 0 || qemu_fflush(f) < 0) {
        error_setg(errp, "the state of QEMU's devices cannot be saved");
    } else {
        stream = g_byte_array_sized_new(channel->usage);
        g_byte_array_append(stream, channel->data, channel->usage);
    }
    qemu_fclose(f);
    object_unref(OBJECT(channel));
    return stream;
}

/*
 * The header of a section.
 * @return: what follows it, NULL if there is none at @p
 */
static const uint8_t *read_header(const uint8_t *p, const uint8_t *end,
                                  Section *s)
{
    size_t len;

    if (end - p < 6 || p[0] != QEMU_VM_SECTION_FULL) {
        return NULL;
    }
    s->id = ldl_be_p(p + 1);
    len = p[5];
    p += 6;
    if ((size_t)(end - p) < len + 8) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (!g_ascii_isprint(p[i])) {
            return NULL;
        }
    }
    memcpy(s->name, p, len);
    s->name[len] = '\0';
    s->instance = ldl_be_p(p + len);
    return p + len + 8;
}

/* What follows a section: another or the end, so content is not taken for a
 * footer. */
static bool section_ends(const uint8_t *p, const uint8_t *end, uint32_t id)
{
    Section next;

    if (end - p < 6 || p[0] != QEMU_VM_SECTION_FOOTER ||
        (uint32_t)ldl_be_p(p + 1) != id) {
        return false;
    }
    p += 5;
    return (p[0] == QEMU_VM_EOF && p + 1 == end) || read_header(p, end, &next);
}

static bool is_device(const Section *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(not_devices); i++) {
        if (!strcmp(s->name, not_devices[i])) {
            return false;
        }
    }
    return true;
}

static char *section_part(const Section *s)
{
    if (!strcmp(s->name, "jumpcut/guest")) {
        return g_strdup("guest");
    }
    return g_strdup_printf("dev:%.200s/%u", s->name, s->instance);
}

void digest_put_devices(GArray *parts, const GByteArray *stream)
{
    const uint8_t *end = stream->data + stream->len;
    const uint8_t *p = stream->data + STREAM_HEADER;
    Section s;

    while ((p = read_header(p, end, &s))) {
        s.start = p;
        while (p < end && !section_ends(p, end, s.id)) {
            p++;
        }
        s.len = p - s.start;
        if (is_device(&s)) {
            DigestPart part = {
                .name = section_part(&s),
                .hash = memory_hash_bytes(s.start, s.len),
            };

            g_array_append_val(parts, part);
        }
        if (p == end) {
            return;
        }
        p += 5;
    }
}
