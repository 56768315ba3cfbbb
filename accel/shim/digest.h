/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest of the machine state a guest can see, in named parts.
 *
 * It is a function of the state alone: equal states have equal digests,
 * whatever the way there (a start, a checkpoint, a migration).
 */
#ifndef JUMPCUT_ACCEL_SHIM_DIGEST_H
#define JUMPCUT_ACCEL_SHIM_DIGEST_H

#include "accel/shim/memory-digest.h"

/* Core registers of a vCPU, as trace_register_names has them */
#define DIGEST_REGISTERS 18u

/* One part: "vcpuN", "ram", "guest" (all of ours) or "dev:NAME/INSTANCE" */
typedef struct DigestPart {
    char *name;
    MemoryHash hash;
} DigestPart;

/* Kinds of parts, in that order */
#define DIGEST_KINDS(X)       \
    X(VCPUS, vcpus)           \
    X(MEMORY, memory)         \
    X(HYPERVISOR, hypervisor) \
    X(DEVICES, devices)

typedef enum DigestKind {
#define X(id, name) DIGEST_##id,
    DIGEST_KINDS(X)
#undef X
        DIGEST__MAX
} DigestKind;

typedef struct StateDigest {
    char *sha256;         /* over names and hashes of the parts, hexadecimal */
    GArray *parts;        /* of DigestPart, by name */
    GArray *registers;    /* of uint64_t: DIGEST_REGISTERS for each vCPU */
    GArray *groups;       /* of MemoryGroup: changed since the last digest */
    unsigned group_shift; /* of them */
} StateDigest;

typedef struct ShimDigester ShimDigester;

/*
 * Before the guest runs.  @track: many digests will be taken; @verify: each
 * time hash all memory as well, and fail if a change went unseen.
 */
ShimDigester *shim_digester_new(bool track, bool verify);
/* The guest's memory was loaded. */
void shim_digester_forget(ShimDigester *d);
/*
 * Before it goes on after that: pages that change from now on are the next
 * digest's.
 */
void shim_digester_resume(ShimDigester *d);
/*
 * The vCPUs must not execute.
 * @return: NULL and *@errp on failure
 */
StateDigest *shim_digest(ShimDigester *d, Error **errp);
/*
 * The payload of a TRACE_DIGEST.  @number: digests taken before; console: what
 * the guest has written by now
 */
GByteArray *state_digest_record(const StateDigest *digest, uint32_t number,
                                const char *reason, uint64_t console_bytes,
                                uint32_t console_crc);
/* Over the parts of each kind */
void state_digest_kinds(const StateDigest *digest, uint64_t out[DIGEST__MAX]);
/* 32 bytes */
void state_digest_sha256(const StateDigest *digest, uint8_t *out);
void state_digest_free(StateDigest *digest);
/* As of the last digest; for messages about groups of pages that differ */
const MemoryDigest *shim_digester_memory(const ShimDigester *d);

/* digest-vcpu.c: appends what the guest can see of @cs's registers */
void digest_put_vcpu(GByteArray *out, CPUState *cs);
/* DIGEST_REGISTERS numbers */
void digest_core_registers(CPUState *cs, uint64_t *regs);

/*
 * digest-devices.c: QEMU's stream of the state of all devices and vCPUs.
 * @return: NULL and *@errp on failure
 */
GByteArray *digest_device_stream(Error **errp);
/* Appends a DigestPart for each section that is a device's or ours. */
void digest_put_devices(GArray *parts, const GByteArray *stream);

#endif
