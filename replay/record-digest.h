/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload of a digest: the state of a machine, by component.
 */
#ifndef JUMPCUT_REPLAY_RECORD_DIGEST_H
#define JUMPCUT_REPLAY_RECORD_DIGEST_H

#include "replay/record.h"

/* One component, such as "vcpu0", "dev:apic/0", "clock", "ram". */
typedef struct TracePart {
    char *name; /* at most 255 bytes */
    uint64_t hash;
} TracePart;

/* rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8 to r15, rip, rflags */
#define TRACE_REGISTERS 18
extern const char *const trace_register_names[TRACE_REGISTERS];
typedef struct TraceRegisters {
    uint64_t value[TRACE_REGISTERS];
} TraceRegisters;

/*
 * 1 << page_shift pages, the first of them @pfn << page_shift.  Pages of the
 * machine's RAM are numbered from its beginning on, those of other memory from
 * a multiple of 1 << 32 on.
 */
typedef struct TracePage {
    uint64_t pfn;
    uint32_t hash; /* of all of them */
} TracePage;
#define TRACE_PAGE_SHIFT_MAX 32

/* State, not history: equal states give equal digests. */
typedef struct TraceDigest {
    uint32_t number; /* counted from 0 */
    char *reason;    /* why it was taken; at most 255 bytes */
    uint8_t sha256[TRACE_SHA256_SIZE];
    uint64_t console_bytes; /* written by the guest so far */
    uint32_t console_crc;   /* CRC-32 of them */
    GArray *parts;          /* of TracePart, at most 65535 */
    GArray *vcpus;          /* of TraceRegisters, at most 65535 */
    uint8_t page_shift;     /* at most TRACE_PAGE_SHIFT_MAX */
    GArray *pages;          /* of TracePage, ascending: those whose content
                             * differs from that at the previous digest */
} TraceDigest;

/* Zeros, and empty arrays; the reason is still to be set. */
void trace_digest_init(TraceDigest *digest);
/* Copies the name. */
void trace_digest_add_part(TraceDigest *digest, const char *name,
                           uint64_t hash);
GByteArray *trace_put_digest(const TraceDigest *digest);
bool trace_get_digest(GBytes *payload, TraceDigest *out, GError **error);
/* Fine with zeros, too. */
void trace_digest_clear(TraceDigest *digest);

#endif
