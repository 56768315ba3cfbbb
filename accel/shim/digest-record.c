/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest as the payload of a trace's record.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "accel/shim/digest.h"
#include "replay/record-digest.h"

void state_digest_sha256(const StateDigest *digest, uint8_t *out)
{
    const char *hex = digest->sha256;

    for (unsigned i = 0; i < TRACE_SHA256_SIZE; i++) {
        out[i] = g_ascii_xdigit_value(hex[2 * i]) << 4 |
                 g_ascii_xdigit_value(hex[2 * i + 1]);
    }
}

static void put_registers(GArray *vcpus, const GArray *registers)
{
    QEMU_BUILD_BUG_ON(sizeof(TraceRegisters) !=
                      DIGEST_REGISTERS * sizeof(uint64_t));
    g_array_append_vals(vcpus, registers->data,
                        registers->len / DIGEST_REGISTERS);
}

GByteArray *state_digest_record(const StateDigest *digest, uint32_t number,
                                const char *reason, uint64_t console_bytes,
                                uint32_t console_crc)
{
    GByteArray *payload;
    TraceDigest record;

    trace_digest_init(&record);
    record.number = number;
    record.reason = g_strdup(reason);
    state_digest_sha256(digest, record.sha256);
    record.console_bytes = console_bytes;
    record.console_crc = console_crc;
    for (unsigned i = 0; i < digest->parts->len; i++) {
        const DigestPart *part = &g_array_index(digest->parts, DigestPart, i);

        trace_digest_add_part(&record, part->name, part->hash.low);
    }
    put_registers(record.vcpus, digest->registers);
    record.page_shift = digest->group_shift;
    for (unsigned i = 0; i < digest->groups->len; i++) {
        const MemoryGroup *group =
            &g_array_index(digest->groups, MemoryGroup, i);
        TracePage page = {group->number, group->hash};

        g_array_append_val(record.pages, page);
    }
    payload = trace_put_digest(&record);
    trace_digest_clear(&record);
    return payload;
}
