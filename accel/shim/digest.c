/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest of the machine state a guest can see, put together from its parts.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "cpu.h"
#include "crypto/hash.h"
#include "hw/core/cpu.h"
#include "accel/shim/digest.h"

struct ShimDigester {
    MemoryDigest *memory;
    bool track;
    bool verify;
    bool forgot;
};

ShimDigester *shim_digester_new(bool track, bool verify)
{
    ShimDigester *d = g_new0(ShimDigester, 1);

    d->memory = memory_digest_new(track);
    d->track = track;
    d->verify = verify;
    return d;
}

void shim_digester_forget(ShimDigester *d)
{
    memory_digest_forget(d->memory);
    d->forgot = true;
}

void shim_digester_resume(ShimDigester *d)
{
    if (d->forgot && d->track) {
        memory_digest_update(d->memory);
    }
    d->forgot = false;
}

const MemoryDigest *shim_digester_memory(const ShimDigester *d)
{
    return d->memory;
}

static void part_clear(gpointer data)
{
    g_free(((DigestPart *)data)->name);
}

static void put_part(GArray *parts, char *name, MemoryHash hash)
{
    DigestPart part = {.name = name, .hash = hash};

    g_array_append_val(parts, part);
}

static void put_vcpus(StateDigest *digest)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    CPUState *cs;

    CPU_FOREACH(cs)
    {
        uint64_t core[DIGEST_REGISTERS];

        g_byte_array_set_size(bytes, 0);
        digest_put_vcpu(bytes, cs);
        put_part(digest->parts, g_strdup_printf("vcpu%d", cs->cpu_index),
                 memory_hash_bytes(bytes->data, bytes->len));
        digest_core_registers(cs, core);
        g_array_append_vals(digest->registers, core, DIGEST_REGISTERS);
    }
}

static gint compare_parts(gconstpointer a, gconstpointer b)
{
    return strcmp(((const DigestPart *)a)->name, ((const DigestPart *)b)->name);
}

static char *hash_parts(const GArray *parts, Error **errp)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    char *hex = NULL;

    for (unsigned i = 0; i < parts->len; i++) {
        const DigestPart *part = &g_array_index(parts, DigestPart, i);
        uint64_t hash[2] = {GUINT64_TO_LE(part->hash.low),
                            GUINT64_TO_LE(part->hash.high)};

        g_byte_array_append(bytes, (const uint8_t *)part->name,
                            strlen(part->name) + 1);
        g_byte_array_append(bytes, (const uint8_t *)hash, sizeof(hash));
    }
    qcrypto_hash_digest(QCRYPTO_HASH_ALGO_SHA256, (const char *)bytes->data,
                        bytes->len, &hex, errp);
    return hex;
}

static DigestKind kind_of(const char *name)
{
    if (g_str_has_prefix(name, "vcpu")) {
        return DIGEST_VCPUS;
    }
    if (!strcmp(name, "ram")) {
        return DIGEST_MEMORY;
    }
    return strcmp(name, "guest") ? DIGEST_DEVICES : DIGEST_HYPERVISOR;
}

void state_digest_kinds(const StateDigest *digest, uint64_t out[DIGEST__MAX])
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (unsigned kind = 0; kind < DIGEST__MAX; kind++) {
        g_byte_array_set_size(bytes, 0);
        for (unsigned i = 0; i < digest->parts->len; i++) {
            const DigestPart *part =
                &g_array_index(digest->parts, DigestPart, i);
            uint64_t hash = GUINT64_TO_LE(part->hash.low);

            if (kind_of(part->name) == kind) {
                g_byte_array_append(bytes, (const uint8_t *)part->name,
                                    strlen(part->name) + 1);
                g_byte_array_append(bytes, (const uint8_t *)&hash,
                                    sizeof(hash));
            }
        }
        out[kind] = memory_hash_bytes(bytes->data, bytes->len).low;
    }
}

static bool put_memory(ShimDigester *d, StateDigest *digest, Error **errp)
{
    const GArray *groups;
    g_autofree char *unseen = NULL;

    put_part(digest->parts, g_strdup("ram"), memory_digest_update(d->memory));
    unseen = d->verify ? memory_digest_verify(d->memory) : NULL;
    if (unseen) {
        error_setg(errp, "a change of the page %s went unseen", unseen);
        return false;
    }
    groups = memory_digest_changed(d->memory, &digest->group_shift);
    g_array_append_vals(digest->groups, groups->data, groups->len);
    return true;
}

StateDigest *shim_digest(ShimDigester *d, Error **errp)
{
    StateDigest *digest = g_new0(StateDigest, 1);
    g_autoptr(GByteArray) stream = digest_device_stream(errp);

    digest->parts = g_array_new(false, false, sizeof(DigestPart));
    g_array_set_clear_func(digest->parts, part_clear);
    digest->registers = g_array_new(false, false, sizeof(uint64_t));
    digest->groups = g_array_new(false, false, sizeof(MemoryGroup));
    if (!stream || !put_memory(d, digest, errp)) {
        state_digest_free(digest);
        return NULL;
    }
    put_vcpus(digest);
    digest_put_devices(digest->parts, stream);
    g_array_sort(digest->parts, compare_parts);
    digest->sha256 = hash_parts(digest->parts, errp);
    if (!digest->sha256) {
        state_digest_free(digest);
        return NULL;
    }
    return digest;
}

void state_digest_free(StateDigest *digest)
{
    if (digest) {
        g_array_unref(digest->parts);
        g_array_unref(digest->registers);
        g_array_unref(digest->groups);
        g_free(digest->sha256);
        g_free(digest);
    }
}
