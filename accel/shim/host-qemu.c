/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HostOps over QEMU: time, timers, interrupts, scheduling and trace.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "cpu.h"
#include "hw/boards.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic_internal.h"
#include "hw/i386/x86.h"
#include "hw/irq.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_host.h"
#include "accel/shim/guest-frames.h"
#include "accel/shim/apart.h"
#include "accel/shim/guest-memory.h"
#include "accel/shim/host-qemu.h"
#include "accel/shim/run-timer.h"
#include "accel/shim/trace-host.h"
#include "accel/shim/vcpu.h"
#include "accel/shim/xen-pirq.h"

typedef struct HostQemu {
    Host base;
    const HostQemuHooks *hooks;
    void *opaque;
} HostQemu;

struct HostTimer {
    RunTimer timer;
    HostTimerFn *fn;
    void *opaque;
    unsigned calls; /* under way to a thread that may make them */
    bool due;       /* the last of them counts */
    bool freed;
};

static HostQemu *host_qemu(Host *host)
{
    return container_of(host, HostQemu, base);
}

static int64_t host_now_ns(Host *host)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* Memory */

static bool host_phys_read(Host *host, GuestPhys gpa, void *buf, size_t len)
{
    return guest_phys_read(gpa.v, buf, len);
}

static bool host_phys_write(Host *host, GuestPhys gpa, const void *buf,
                            size_t len)
{
    return guest_phys_write(gpa.v, buf, len);
}

static bool host_virt_read(Host *host, unsigned vcpu, GuestVirt gva, void *buf,
                           size_t len)
{
    CPUState *cs = qemu_get_cpu(vcpu);

    return cs && guest_virt_read(cs, gva.v, buf, len);
}

static bool host_virt_write(Host *host, unsigned vcpu, GuestVirt gva,
                            const void *buf, size_t len)
{
    CPUState *cs = qemu_get_cpu(vcpu);

    return cs && guest_virt_write(cs, gva.v, buf, len);
}

static HostPage *host_page_pin(Host *host, uint64_t gfn)
{
    return guest_page_pin(gfn);
}

static void host_page_unpin(Host *host, HostPage *page)
{
    guest_page_unpin(page);
}

static void *host_page_ptr(Host *host, HostPage *page)
{
    return guest_page_ptr(page);
}

static void host_page_dirty(Host *host, HostPage *page, size_t off, size_t len)
{
    guest_page_dirty(page, off, len);
}

static char *host_page_name(Host *host, HostPage *page)
{
    return guest_page_name(page);
}

static HostPage *host_page_pin_named(Host *host, const char *name)
{
    return guest_page_pin_named(name);
}

static bool host_frame_set(Host *host, uint64_t gfn, uint64_t home)
{
    return guest_frame_set(gfn, home);
}

static void host_frames_sync(Host *host)
{
    guest_frames_sync();
}

static void host_frames_reset(Host *host)
{
    guest_frames_reset();
}

static void host_frame_clear(Host *host, uint64_t home)
{
    guest_frame_clear(home);
}

static bool host_frame_pinned(Host *host, uint64_t home)
{
    return guest_frame_pinned(home);
}

static HostPage *host_overlay_new(Host *host, const char *name)
{
    return guest_overlay_new(name);
}

static bool host_overlay_map(Host *host, HostPage *page, uint64_t gfn)
{
    return guest_overlay_map(page, gfn);
}

static void host_overlay_unmap(Host *host, HostPage *page)
{
    guest_overlay_unmap(page);
}

static void host_overlay_free(Host *host, HostPage *page)
{
    guest_overlay_free(page);
}

static HostPage *host_alias_map(Host *host, HostPage *pin, uint64_t gfn,
                                bool read_only)
{
    return guest_alias_map(pin, gfn, read_only);
}

static void host_alias_unmap(Host *host, HostPage *alias)
{
    guest_alias_unmap(alias);
}

/* Timers */

static void timer_call(void *opaque, uint32_t unused)
{
    HostTimer *timer = opaque;

    timer->calls--;
    if (timer->due) {
        timer->due = false;
        timer->fn(timer->opaque);
    } else if (timer->freed && !timer->calls) {
        g_free(timer);
    }
}

/* Under icount on the vCPUs' thread: at once, as QEMU's own devices' are. */
static void timer_fired(void *opaque)
{
    HostTimer *timer = opaque;

    timer->calls++;
    timer->due = true;
    shim_apart(timer_call, timer, 0);
}

static HostTimer *host_timer_new(Host *host, HostTimerFn *fn, void *opaque)
{
    HostTimer *timer = g_new0(HostTimer, 1);

    timer->fn = fn;
    timer->opaque = opaque;
    run_timer_init(&timer->timer, timer_fired, timer);
    return timer;
}

static void host_timer_mod(Host *host, HostTimer *timer, int64_t expire_ns)
{
    timer->due = false;
    run_timer_mod(&timer->timer, expire_ns);
}

static void host_timer_del(Host *host, HostTimer *timer)
{
    timer->due = false;
    run_timer_del(&timer->timer);
}

static void host_timer_free(Host *host, HostTimer *timer)
{
    host_timer_del(host, timer);
    run_timer_deinit(&timer->timer);
    timer->freed = true;
    if (!timer->calls) {
        g_free(timer);
    }
}

static void host_apart(Host *host, HostApartFn *fn, void *opaque, uint32_t arg)
{
    shim_apart(fn, opaque, arg);
}

/* Interrupts */

static void host_lapic_inject(Host *host, unsigned vcpu, uint8_t vector)
{
    CPUState *cs = qemu_get_cpu(vcpu);
    APICCommonState *apic;
    MSIMessage msi;

    if (!cs || !X86_CPU(cs)->apic_state) {
        return;
    }
    apic = APIC_COMMON(X86_CPU(cs)->apic_state);
    /* Edge triggered, fixed, physical destination: SDM volume 3, 11.11. */
    msi.address = APIC_DEFAULT_ADDRESS | (uint64_t)apic->id << 12;
    msi.data = vector;
    apic_get_class(NULL)->send_msi(&msi);
}

static void host_vector_level(Host *host, unsigned vcpu, uint8_t vector,
                              bool level)
{
    shim_vcpu_vector_level(vcpu, vector, level);
}

static void host_gsi_level(Host *host, unsigned gsi, bool level)
{
    X86MachineState *x86ms = X86_MACHINE(current_machine);

    if (gsi < IOAPIC_NUM_PINS && x86ms->gsi) {
        qemu_set_irq(x86ms->gsi[gsi], level);
    }
}

static int host_pci_intx_to_gsi(Host *host, unsigned domain, unsigned bus,
                                unsigned devfn, unsigned pin)
{
    Object *bridge = object_resolve_path_type("", TYPE_PCI_HOST_BRIDGE, NULL);
    PCIDevice *dev;
    PCIINTxRoute route;

    if (!bridge || domain != 0 || bus > 0xff || devfn > 0xff ||
        pin >= PCI_NUM_PINS) {
        return -1;
    }
    dev = pci_find_device(PCI_HOST_BRIDGE(bridge)->bus, bus, devfn);
    if (!dev) {
        return -1;
    }
    route = pci_device_route_intx_to_irq(dev, pin);
    return route.mode == PCI_INTX_ENABLED ? route.irq : -1;
}

static bool host_gsi_is_level(Host *host, unsigned gsi)
{
    return xen_pirq_gsi_is_level(gsi);
}

static void host_gsi_release(Host *host, unsigned gsi)
{
    xen_pirq_gsi_release(gsi);
}

static void host_nmi_inject(Host *host, unsigned vcpu)
{
    CPUState *cs = qemu_get_cpu(vcpu);

    if (cs) {
        cpu_interrupt(cs, CPU_INTERRUPT_NMI);
    }
}

/* Scheduling */

static void host_vcpu_block(Host *host, unsigned vcpu)
{
    shim_vcpu_block(vcpu);
}

static void host_vcpu_wake(Host *host, unsigned vcpu)
{
    shim_vcpu_wake(vcpu);
}

static void host_vcpu_offline(Host *host, unsigned vcpu)
{
    shim_vcpu_offline(vcpu);
}

static bool host_vcpu_take_init(Host *host, unsigned vcpu)
{
    return shim_vcpu_take_init(vcpu);
}

static bool host_vcpu_set_regs(Host *host, unsigned vcpu,
                               const HostVcpuRegs *regs)
{
    return shim_vcpu_set_regs(vcpu, regs);
}

static bool host_vcpu_long_mode(Host *host, unsigned vcpu)
{
    return shim_vcpu_long_mode(vcpu);
}

static void host_tlb_flush(Host *host, unsigned vcpu)
{
    shim_tlb_flush(vcpu);
}

static void host_shutdown(Host *host, unsigned vcpu, unsigned reason)
{
    HostQemu *h = host_qemu(host);

    h->hooks->shutdown(h->opaque, vcpu, reason);
}

static void host_console_write(Host *host, const uint8_t *buf, size_t len)
{
    HostQemu *h = host_qemu(host);

    h->hooks->console_write(h->opaque, buf, len);
}

static void host_console_accept(Host *host)
{
    HostQemu *h = host_qemu(host);

    h->hooks->console_accept(h->opaque);
}

static void host_trace(Host *host, HostTraceEvent event, uint64_t a, uint64_t b,
                       uint64_t c, uint64_t d)
{
    trace_host_event(event, a, b, c, d);
}

static bool host_trace_enabled(Host *host, HostTraceEvent event)
{
    return trace_host_event_enabled(event);
}

static const HostOps host_qemu_ops = {
    .now_ns = host_now_ns,
    .mem.phys_read = host_phys_read,
    .mem.phys_write = host_phys_write,
    .mem.virt_read = host_virt_read,
    .mem.virt_write = host_virt_write,
    .mem.page_pin = host_page_pin,
    .mem.page_unpin = host_page_unpin,
    .mem.page_ptr = host_page_ptr,
    .mem.page_dirty = host_page_dirty,
    .mem.page_name = host_page_name,
    .mem.page_pin_named = host_page_pin_named,
    .mem.frame_set = host_frame_set,
    .mem.frames_sync = host_frames_sync,
    .mem.frames_reset = host_frames_reset,
    .mem.frame_clear = host_frame_clear,
    .mem.frame_pinned = host_frame_pinned,
    .mem.overlay_new = host_overlay_new,
    .mem.overlay_map = host_overlay_map,
    .mem.overlay_unmap = host_overlay_unmap,
    .mem.overlay_free = host_overlay_free,
    .mem.alias_map = host_alias_map,
    .mem.alias_unmap = host_alias_unmap,
    .timer_new = host_timer_new,
    .timer_mod = host_timer_mod,
    .timer_del = host_timer_del,
    .timer_free = host_timer_free,
    .lapic_inject = host_lapic_inject,
    .vector_level = host_vector_level,
    .gsi_level = host_gsi_level,
    .pci_intx_to_gsi = host_pci_intx_to_gsi,
    .gsi_is_level = host_gsi_is_level,
    .gsi_release = host_gsi_release,
    .nmi_inject = host_nmi_inject,
    .vcpu_block = host_vcpu_block,
    .vcpu_wake = host_vcpu_wake,
    .vcpu_offline = host_vcpu_offline,
    .vcpu_take_init = host_vcpu_take_init,
    .vcpu_set_regs = host_vcpu_set_regs,
    .vcpu_long_mode = host_vcpu_long_mode,
    .tlb_flush = host_tlb_flush,
    .shutdown = host_shutdown,
    .console_write = host_console_write,
    .console_accept = host_console_accept,
    .apart = host_apart,
    .trace = host_trace,
    .trace_enabled = host_trace_enabled,
};

Host *host_qemu_new(const HostQemuHooks *hooks, void *opaque)
{
    HostQemu *h = g_new0(HostQemu, 1);

    h->base.ops = &host_qemu_ops;
    h->hooks = hooks;
    h->opaque = opaque;
    return &h->base;
}
