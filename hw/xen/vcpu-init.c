/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VCPUOP_initialise: the registers a vCPU starts with (xen:
 * arch/x86/hvm/domain.c, arch_set_info_hvm_guest).
 *
 * DEVIATION: control registers no processor takes (paging without protection)
 * end the domain in Xen when the vCPU starts; here it starts with them.
 */
#include <string.h>

#include "hw/xen/hypercall-internal.h"

#define CR0_PG     (1ull << 31)
#define CR4_PAE    (1ull << 5)
#define EFER_LME   (1ull << 8)
#define EFER_LMA   (1ull << 10)
#define EFLAGS_ALL 0x3f7fd5u
#define EFLAGS_ONE 0x2u

/* A segment's attributes, as struct vcpu_hvm_x86_32 has them. */
#define ATTR_TYPE     0x000fu
#define ATTR_ACCESSED 0x0001u
#define ATTR_BUSY     0x0002u
#define ATTR_WRITABLE 0x0002u /* data */
#define ATTR_READABLE 0x0002u /* code */
#define ATTR_CODE     0x0008u
#define ATTR_S        0x0010u /* code or data */
#define ATTR_DPL(a)   ((a) >> 5 & 3u)
#define ATTR_P        0x0080u
#define ATTR_G        0x0800u
#define ATTR_PAD      0xf000u
#define TSS_BUSY      0x000bu /* a 32-bit one's type */

/* Is @s fit for the segment register @which? */
static bool segment_fits(const HostSegment *s, HostSegmentReg which)
{
    unsigned attr = s->attr;
    bool data = which == HOST_SEG_DS || which == HOST_SEG_ES;

    if (attr & ATTR_PAD) {
        return false;
    }
    if (!attr) {
        return data;
    }
    if (which == HOST_SEG_TR ? (attr & ATTR_S) || (attr & ATTR_TYPE) != TSS_BUSY
                             : !(attr & ATTR_S)) {
        return false;
    }
    if (!(attr & ATTR_P)) {
        return false;
    }
    switch (which) {
    case HOST_SEG_CS:
        return attr & ATTR_CODE;
    case HOST_SEG_SS:
        return !(attr & ATTR_CODE) && (attr & ATTR_WRITABLE);
    case HOST_SEG_DS:
    case HOST_SEG_ES:
        return !(attr & ATTR_CODE) || (attr & ATTR_READABLE);
    default:
        return true;
    }
}

/* A present segment counts as accessed, a present TSS as busy. */
static bool segment_load(HostVcpuRegs *r, HostSegmentReg which, uint32_t base,
                         uint32_t limit, uint16_t attr)
{
    HostSegment *s = &r->seg[which];

    if (attr & ATTR_P) {
        attr |= which == HOST_SEG_TR ? ATTR_BUSY : ATTR_ACCESSED;
    }
    *s = (HostSegment){.base = base, .limit = limit, .attr = attr};
    return segment_fits(s, which);
}

static bool privileges_fit(const HostVcpuRegs *r)
{
    unsigned cs = ATTR_DPL(r->seg[HOST_SEG_CS].attr);
    unsigned ds = r->seg[HOST_SEG_DS].attr, es = r->seg[HOST_SEG_ES].attr;

    return ATTR_DPL(r->seg[HOST_SEG_SS].attr) == cs &&
           !((ds & ATTR_P) && ATTR_DPL(ds) > cs) &&
           !((es & ATTR_P) && ATTR_DPL(es) > cs);
}

static bool load_32(const struct vcpu_hvm_x86_32 *in, HostVcpuRegs *r)
{
    uint32_t limit = in->cs_limit;

    if (in->pad1 || in->pad2[0] || in->pad2[1] || in->pad2[2] ||
        !segment_load(r, HOST_SEG_CS, in->cs_base, in->cs_limit, in->cs_ar) ||
        !segment_load(r, HOST_SEG_DS, in->ds_base, in->ds_limit, in->ds_ar) ||
        !segment_load(r, HOST_SEG_SS, in->ss_base, in->ss_limit, in->ss_ar) ||
        !segment_load(r, HOST_SEG_ES, in->es_base, in->es_limit, in->es_ar) ||
        !segment_load(r, HOST_SEG_TR, in->tr_base, in->tr_limit, in->tr_ar)) {
        return false;
    }
    if (in->cs_ar & ATTR_G) {
        limit = limit << HOST_PAGE_SHIFT | (HOST_PAGE_SIZE - 1);
    }
    if (in->eip > limit || !privileges_fit(r) ||
        ((in->efer & EFER_LMA) && !(in->efer & EFER_LME))) {
        return false;
    }
    r->rax = in->eax;
    r->rcx = in->ecx;
    r->rdx = in->edx;
    r->rbx = in->ebx;
    r->rsp = in->esp;
    r->rbp = in->ebp;
    r->rsi = in->esi;
    r->rdi = in->edi;
    r->rip = in->eip;
    r->rflags = in->eflags;
    r->cr0 = in->cr0;
    r->cr3 = in->cr3;
    r->cr4 = in->cr4;
    r->efer = in->efer;
    return true;
}

static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool load_64(const struct vcpu_hvm_x86_64 *in, HostVcpuRegs *r)
{
    const HostSegment code = {.limit = UINT32_MAX, .attr = 0xa9b};
    const HostSegment data = {.limit = UINT32_MAX, .attr = 0xc93};

    if (!canonical(in->rip) || !(in->cr0 & CR0_PG) || !(in->cr4 & CR4_PAE) ||
        !(in->efer & EFER_LME)) {
        return false;
    }
    r->rax = in->rax;
    r->rcx = in->rcx;
    r->rdx = in->rdx;
    r->rbx = in->rbx;
    r->rsp = in->rsp;
    r->rbp = in->rbp;
    r->rsi = in->rsi;
    r->rdi = in->rdi;
    r->rip = in->rip;
    r->rflags = in->rflags;
    r->cr0 = in->cr0;
    r->cr3 = in->cr3;
    r->cr4 = in->cr4;
    r->efer = in->efer;
    r->seg[HOST_SEG_CS] = code;
    r->seg[HOST_SEG_DS] = r->seg[HOST_SEG_ES] = r->seg[HOST_SEG_SS] = data;
    r->seg[HOST_SEG_TR] = (HostSegment){.limit = 0x67, .attr = 0x8b};
    return true;
}

/*
 * Give @v, which never ran or got INIT, the registers of @ctx; VCPUOP_up
 * starts it.
 * @return: 0; -XEN_EEXIST: it has its registers; -XEN_EINVAL: padding that is
 * not zero, no such mode, or registers Xen or the processor refuses.
 */
int64_t xen_vcpu_initialise(XenVcpu *v, const struct vcpu_hvm_context *ctx)
{
    XenDomain *d = v->d;
    HostVcpuRegs regs = {0};
    bool ok;

    if (v->initialised) {
        return -XEN_EEXIST;
    }
    if (ctx->pad) {
        return -XEN_EINVAL;
    }
    switch (ctx->mode) {
    case VCPU_HVM_MODE_32B:
        ok = load_32(&ctx->cpu_regs.x86_32, &regs);
        break;
    case VCPU_HVM_MODE_64B:
        ok = load_64(&ctx->cpu_regs.x86_64, &regs);
        break;
    default:
        ok = false;
        break;
    }
    regs.rflags = (regs.rflags & EFLAGS_ALL) | EFLAGS_ONE;
    if (regs.efer & EFER_LME) {
        regs.efer |= EFER_LMA;
    }
    if (!ok || !d->host->ops->vcpu_set_regs(d->host, v->id, &regs)) {
        return -XEN_EINVAL;
    }
    /* In step with the first vCPU, as with SIPI. */
    clock_write_tsc_adjust(d->clock, v->id, clock_tsc_adjust(d->clock, 0));
    v->initialised = true;
    return 0;
}
