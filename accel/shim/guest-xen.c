/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a guest that is Xen: a domain and its xenstore.  How it ends is
 * in guest-xen-life.c.
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qemu/uuid.h"
#include "qapi/error.h"
#include "hw/boards.h"
#include "hw/i386/x86.h"
#include "system/system.h"
#include "accel/shim/guest-internal.h"
#include "accel/shim/pvh-board.h"
#include "accel/shim/xen-pirq.h"
#include "accel/shim/xen-log.h"
#include "accel/shim/xen-rtc.h"
#include "accel/shim/xenstore-host.h"
#include "accel/shim/xenstore-qemu.h"
#include <xen/xen.h>

enum {
    TAG_TREE = 0x0120,
    TAG_RTC_STOPPED,
    TAG_RTC_OWED,
    TAG_DOMID,
};

/* Entries: the part is the Guest. */

static bool part_cpuid(void *part, unsigned vcpu, uint32_t leaf,
                       uint32_t subleaf, uint32_t regs[4])
{
    Guest *g = part;
    GuestCpuid out;

    if (!xen_domain_cpuid(g->domain, vcpu, leaf, subleaf, &out)) {
        return false;
    }
    regs[0] = out.eax;
    regs[1] = out.ebx;
    regs[2] = out.ecx;
    regs[3] = out.edx;
    return true;
}

static GuestMsrResult part_rdmsr(void *part, unsigned vcpu, uint32_t index,
                                 uint64_t *value)
{
    Guest *g = part;

    return xen_domain_rdmsr(g->domain, vcpu, index, value);
}

static GuestMsrResult part_wrmsr(void *part, unsigned vcpu, uint32_t index,
                                 uint64_t value)
{
    Guest *g = part;

    return xen_domain_wrmsr(g->domain, vcpu, index, value);
}

static int64_t part_hypercall(void *part, unsigned vcpu, ShimHypercall *call)
{
    Guest *g = part;
    XenHypercall xc = {
        .long_mode = call->long_mode,
        .privileged = call->privileged,
        .nr = call->nr,
    };
    int64_t ret;

    memcpy(xc.args, call->args, sizeof(xc.args));
    ret = xen_domain_hypercall(g->domain, vcpu, &xc);
    memcpy(call->args, xc.args, sizeof(xc.args));
    call->again = xc.again;
    return ret;
}

static void part_halted(void *part, unsigned vcpu, bool interrupts)
{
    Guest *g = part;

    xen_domain_vcpu_halted(g->domain, vcpu, interrupts);
}

static void part_runnable(void *part, unsigned vcpu)
{
    Guest *g = part;

    xen_domain_vcpu_runnable(g->domain, vcpu);
}

static void part_running(void *part, unsigned vcpu)
{
    Guest *g = part;

    xen_domain_vcpu_running(g->domain, vcpu);
}

static void part_init(void *part, unsigned vcpu)
{
    Guest *g = part;

    xen_domain_reset_vcpu(g->domain, vcpu);
}

static bool part_nmi(void *part, unsigned vcpu)
{
    Guest *g = part;

    xen_domain_vcpu_nmi(g->domain, vcpu);
    return true;
}

static bool part_upcall_due(void *part, unsigned vcpu)
{
    Guest *g = part;

    return xen_domain_vcpu_upcall_due(g->domain, vcpu);
}

static void part_clock_changed(void *part)
{
    Guest *g = part;

    xen_domain_clock_changed(g->domain);
}

static size_t part_console_input(void *part, const uint8_t *buf, size_t len)
{
    Guest *g = part;

    return xen_domain_console_receive(g->domain, buf, len);
}

static void part_reset(void *part)
{
    Guest *g = part;

    xen_domain_reset(g->domain);
    guest_xen_rebuild(g);
}

static void part_wakeup(void *part)
{
    Guest *g = part;

    xen_domain_wakeup(g->domain);
}

static void part_save(void *part, StateWriter *w)
{
    Guest *g = part;
    g_autoptr(GByteArray) tree = xenstore_qemu_save(g->tree);
    XenRtcState rtc = xen_rtc_state();

    state_put_u64(w, TAG_DOMID, g->options.domid);
    state_put_bytes(w, TAG_TREE, tree->data, tree->len);
    state_put_u64(w, TAG_RTC_STOPPED, rtc.stopped_s);
    state_put_u64(w, TAG_RTC_OWED, rtc.owed_s);
    xen_domain_save(g->domain, w);
}

/* A restored domain's is not the one that both sides were started with. */
static void domid_load(Guest *g, StateReader *r)
{
    uint64_t domid =
        state_get_u64(r, TAG_DOMID, "domain id", DOMID_FIRST_RESERVED - 1);

    if (state_reader_failed(r) || domid == g->options.domid) {
        return;
    }
    if (!domid) {
        state_reader_fail(r, "domain id: 0 is the toolstack's");
    } else {
        guest_xen_set_domid(g, (uint16_t)domid);
    }
}

static void part_load(void *part, StateReader *r)
{
    Guest *g = part;
    g_autoptr(GByteArray) tree = NULL;
    XenRtcState rtc;

    domid_load(g, r);
    tree =
        state_get_blob(r, TAG_TREE, "xenstore tree", XENSTORE_QEMU_STATE_MAX);
    if (tree) {
        xenstore_qemu_load(g->tree, tree, r);
    }
    rtc.stopped_s =
        state_get_u64(r, TAG_RTC_STOPPED, "time of the RTC", UINT64_MAX);
    rtc.owed_s = state_get_u64(r, TAG_RTC_OWED, "move of the RTC", UINT64_MAX);
    xen_rtc_set_state(rtc);
    xen_domain_load(g->domain, r);
}

static void part_loaded(void *part)
{
    Guest *g = part;

    g->shutdown_reason = xen_domain_shutdown_reason(g->domain);
    shim_xenstore_replaced();
}

/*
 * DEVIATION: Xen's wall clock also follows out of the years 1970 to 2170; here
 * it waits until the guest sets a time within them.
 */
bool guest_xen_rtc_moved(Guest *g, int64_t seconds)
{
    if (!clock_move_wallclock(g->clock, g->host->ops->now_ns(g->host),
                              seconds)) {
        return false;
    }
    xen_domain_wallclock_changed(g->domain);
    return true;
}

static bool rtc_moved(void *opaque, int64_t seconds)
{
    TapEntry entry = {.kind = TAP_RTC, .arg = {(uint64_t)seconds}};
    Guest *g = opaque;
    uint64_t moved;

    host_tap_begin(g->tap, &entry);
    moved = guest_xen_rtc_moved(g, seconds);
    host_tap_end(g->tap, &moved, 1);
    return moved;
}

static const GuestPartOps part_ops = {
    .cpuid = part_cpuid,
    .rdmsr = part_rdmsr,
    .wrmsr = part_wrmsr,
    .hypercall = part_hypercall,
    .halted = part_halted,
    .runnable = part_runnable,
    .running = part_running,
    .init = part_init,
    .nmi = part_nmi,
    .upcall_due = part_upcall_due,
    .clock_changed = part_clock_changed,
    .restored = guest_xen_restored,
    .console_input = part_console_input,
    .reset = part_reset,
    .wakeup = part_wakeup,
    .save = part_save,
    .load = part_load,
    .loaded = part_loaded,
};

/* Xen's toolstack leaves out the first MiB, which the BIOS tells of. */
static unsigned hvm_memory_map(XenMemoryRange *map)
{
    const X86MachineState *x86ms = X86_MACHINE(current_machine);
    unsigned n = 0;

    if (x86ms->below_4g_mem_size > 1 * MiB) {
        map[n++] =
            (XenMemoryRange){1 * MiB, x86ms->below_4g_mem_size - 1 * MiB, 1};
    }
    if (x86ms->above_4g_mem_size) {
        map[n++] = (XenMemoryRange){x86ms->above_4g_mem_start,
                                    x86ms->above_4g_mem_size, 1};
    }
    return n;
}

bool guest_xen_new(Guest *g, Error **errp)
{
    XenMemoryRange map[PVH_MAP_MAX];
    XenDomainConfig config = {
        .pvh = g->options.kind->flags & GUEST_PVH,
        .nr_vcpus = g->nr_vcpus,
        .version_major = g->options.version_major,
        .version_minor = g->options.version_minor,
        .domid = g->options.domid,
        .max_port = g->options.max_event_channels,
        .nr_pages = current_machine->ram_size >> HOST_PAGE_SHIFT,
    };
    g_autoptr(GError) error = NULL;

    config.map = map;
    config.nr_map = config.pvh ? pvh_memory_map(current_machine->ram_size, map)
                               : hvm_memory_map(map);
    memcpy(config.uuid, qemu_uuid.data, sizeof(config.uuid));
    g->tree = xen_backends_tree(g->options.backends);
    g->domain = xen_domain_new(g->host, g->clock, &config, &xenstore_qemu_ops,
                               g->tree, &error);
    if (!g->domain) {
        error_setg(errp, "%s", error->message);
        return false;
    }
    if (g->options.xen_log &&
        !xen_log_new(g->options.xen_log, g->options.domid, errp)) {
        return false;
    }
    /* A PVH guest has no RTC; KVM's is the machine's alone. */
    if (g->options.kind->flags == GUEST_XEN) {
        xen_rtc_follow(rtc_moved, g);
    }
    xen_pirq_attach(g->domain, g->tap);
    shim_xenstore_tap(g->tap);
    xen_backends_attach(g->options.backends, g->domain);
    guest_add_part(g, &part_ops, g);
    return true;
}
