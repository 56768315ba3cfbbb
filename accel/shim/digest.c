/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest of the machine state a guest can see.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "cpu.h"
#include "crypto/hash.h"
#include "qemu/rcu.h"
#include "exec/cpu-common.h"
#include "hw/core/cpu.h"
#include "accel/shim/digest.h"

#define DIGEST_PAGE 4096u

static void put(GByteArray *out, const void *buf, size_t len)
{
    g_byte_array_append(out, buf, len);
}

static void put_u64(GByteArray *out, uint64_t value)
{
    uint64_t le = GUINT64_TO_LE(value);

    put(out, &le, sizeof(le));
}

static void put_segment(GByteArray *out, const SegmentCache *seg)
{
    put_u64(out, seg->selector);
    put_u64(out, seg->base);
    put_u64(out, seg->limit);
    put_u64(out, seg->flags);
}

static void put_system_registers(GByteArray *out, const CPUX86State *env)
{
    for (int i = 0; i < 6; i++) {
        put_segment(out, &env->segs[i]);
    }
    put_segment(out, &env->ldt);
    put_segment(out, &env->tr);
    put_segment(out, &env->gdt);
    put_segment(out, &env->idt);
    for (int i = 0; i < 5; i++) {
        put_u64(out, env->cr[i]);
    }
    for (int i = 0; i < 8; i++) {
        put_u64(out, env->dr[i]);
    }
    put_u64(out, env->xcr0);
    put_u64(out, env->efer);
    put_u64(out, env->star);
    put_u64(out, env->lstar);
    put_u64(out, env->cstar);
    put_u64(out, env->fmask);
    put_u64(out, env->kernelgsbase);
    put_u64(out, env->sysenter_cs);
    put_u64(out, env->sysenter_esp);
    put_u64(out, env->sysenter_eip);
    put_u64(out, env->tsc_aux);
    put_u64(out, env->pat);
}

/* In its own function: floatx80 has padding, so field by field. */
static void put_fpu(GByteArray *out, const CPUX86State *env)
{
    put_u64(out, env->fpstt);
    put_u64(out, env->fpus);
    put_u64(out, env->fpuc);
    for (int i = 0; i < 8; i++) {
        put_u64(out, env->fptags[i]);
        put_u64(out, env->fpregs[i].d.low);
        put_u64(out, env->fpregs[i].d.high);
    }
    put_u64(out, env->mxcsr);
    for (int i = 0; i < CPU_NB_REGS; i++) {
        put(out, &env->xmm_regs[i], sizeof(env->xmm_regs[i]));
    }
}

/*
 * A timer's callback may find a vCPU on its way out of cpu_exec, with flags
 * still in TCG's lazy form: cpu_compute_eflags() is right in either form.
 */
static void put_vcpu(GByteArray *out, CPUState *cs)
{
    CPUX86State *env = cpu_env(cs);

    put_u64(out, cs->cpu_index);
    put_u64(out, cs->halted);
    for (int i = 0; i < CPU_NB_REGS; i++) {
        put_u64(out, env->regs[i]);
    }
    put_u64(out, env->eip);
    put_u64(out, cpu_compute_eflags(env));
    put_system_registers(out, env);
    put_fpu(out, env);
}

typedef struct DigestMemory {
    QCryptoHash *hash;
    Error **errp;
} DigestMemory;

/*
 * Name, page numbers and content of the pages that are not all zero.  The
 * guest's RAM, firmware, and the overlays with what they hold; what does not
 * migrate is none of the guest's.
 */
static int hash_block(RAMBlock *rb, void *opaque)
{
    DigestMemory *m = opaque;
    const char *name = qemu_ram_get_idstr(rb);
    const uint8_t *base = qemu_ram_get_host_addr(rb);
    uint64_t size = qemu_ram_get_used_length(rb);

    if (!qemu_ram_is_migratable(rb)) {
        return 0;
    }
    if (qcrypto_hash_update(m->hash, name, strlen(name) + 1, m->errp) < 0) {
        return -1;
    }
    for (uint64_t off = 0; off < size; off += DIGEST_PAGE) {
        size_t len = MIN(size - off, DIGEST_PAGE);
        uint64_t le = GUINT64_TO_LE(off);
        struct iovec iov[2] = {
            {.iov_base = &le, .iov_len = sizeof(le)},
            {.iov_base = (void *)(base + off), .iov_len = len},
        };

        if (buffer_is_zero(base + off, len)) {
            continue;
        }
        if (qcrypto_hash_updatev(m->hash, iov, 2, m->errp) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool hash_memory(QCryptoHash *hash, Error **errp)
{
    DigestMemory m = {.hash = hash, .errp = errp};

    RCU_READ_LOCK_GUARD();
    return qemu_ram_foreach_block(hash_block, &m) == 0;
}

char *shim_digest(const GByteArray *extra, Error **errp)
{
    g_autoptr(QCryptoHash) hash =
        qcrypto_hash_new(QCRYPTO_HASH_ALGO_SHA256, errp);
    g_autoptr(GByteArray) regs = g_byte_array_new();
    char *hex = NULL;
    CPUState *cs;

    if (!hash) {
        return NULL;
    }
    CPU_FOREACH(cs)
    {
        put_vcpu(regs, cs);
    }
    if (qcrypto_hash_update(hash, (char *)regs->data, regs->len, errp) < 0 ||
        qcrypto_hash_update(hash, (char *)extra->data, extra->len, errp) < 0 ||
        !hash_memory(hash, errp) ||
        qcrypto_hash_finalize_digest(hash, &hex, errp) < 0) {
        return NULL;
    }
    return hex;
}
