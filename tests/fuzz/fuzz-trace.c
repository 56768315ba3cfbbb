/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of traces, of an input of a fuzz target. */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz-trace.h"

#include <sys/mman.h>
#include <unistd.h>

#include "replay/trace-format.h"

int fuzz_trace_file(const void *data, size_t size)
{
    int fd = memfd_create("trace", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, size), ==, size);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    return fd;
}

/* Lengths as they come, checksums and numbers as they should be. */
static void mend_records(uint8_t *data, size_t size)
{
    uint64_t seq = 0;

    while (size >= TRACE_RECORD_SIZE) {
        size_t len = trace_get_le(data, 4);

        if (len > size - TRACE_RECORD_SIZE) {
            return;
        }
        trace_put_le(data + 24, seq++, 8);
        trace_put_le(data + TRACE_CRC_OFFSET,
                     trace_record_crc(data, data + TRACE_RECORD_SIZE, len), 4);
        data += TRACE_RECORD_SIZE + len;
        size -= TRACE_RECORD_SIZE + len;
    }
}

/* One frame of blocks that are not compressed, with a window of 1 MiB. */
GByteArray *fuzz_trace_pack(const uint8_t *records, size_t size)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3};
    uint8_t preamble[TRACE_PREAMBLE_SIZE];
    GByteArray *file = g_byte_array_new();
    g_autofree uint8_t *copy = g_memdup2(records, size);
    const uint8_t *data = copy;

    mend_records(copy, size);
    trace_preamble_fill(preamble);
    g_byte_array_append(file, preamble, sizeof(preamble));
    g_byte_array_append(file, frame, sizeof(frame));
    do {
        size_t part = MIN(size, 65536);
        uint8_t head[3];

        trace_put_le(head, part << 3 | (part == size), 3);
        g_byte_array_append(file, head, sizeof(head));
        g_byte_array_append(file, data, part);
        data += part;
        size -= part;
    } while (size);
    return file;
}
