/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of QEMU's devices on their way to a Xen domain.
 *
 * A line's handler is taken over in place, since devices hold the line itself.
 * QEMU's own support of Xen sends PCI messages at a place no plugin can switch
 * on, so each PCI device's way to send one is taken over too.
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/boards.h"
#include "hw/i386/x86.h"
#include "hw/intc/i8259.h"
#include "hw/irq.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_device.h"
#include "hw/qdev-core.h"
#include "accel/shim/xen-pirq.h"

/* The 8259s' trigger registers: a bit a line, set for level. */
#define ELCR_PORT 0x4d0

typedef struct Line {
    XenDomain *domain;
    HostTap *tap;
    bool level;               /* as written down last */
    qemu_irq_handler handler; /* as the board made it */
    void *opaque;
} Line;

typedef struct Messages {
    DeviceListener listener;
    XenDomain *domain;
    HostTap *tap;
    MSITriggerFunc *trigger;          /* as QEMU has it, for every device */
    const MemoryRegionOps *table_ops; /* of MSI-X tables, likewise */
    MemoryRegionOps hooked_ops;
} Messages;

/* What QEMU calls for a message knows the device only. */
static Messages *messages;

/* While a conversation is replayed devices are silent: it has their lines. */
static bool line_taken(Line *line, int gsi, int level)
{
    TapEntry entry = {.kind = TAP_GSI, .arg = {(uint64_t)gsi, level != 0}};
    uint64_t taken;

    if (host_tap_replays(line->tap)) {
        return false;
    }
    host_tap_begin(line->tap, &entry);
    taken = xen_domain_gsi(line->domain, gsi, level != 0);
    if (line->level == (level != 0)) {
        host_tap_end_quiet(line->tap, &taken, 1);
    } else {
        host_tap_end(line->tap, &taken, 1);
    }
    line->level = level != 0;
    return taken;
}

static void line_changed(void *opaque, int gsi, int level)
{
    Line *line = opaque;
    bool taken = line_taken(line, gsi, level);

    line->handler(line->opaque, gsi, level && !taken);
}

static void attach_lines(XenDomain *d, HostTap *tap, X86MachineState *x86ms)
{
    Line *lines = g_new(Line, IOAPIC_NUM_PINS);

    for (unsigned i = 0; i < IOAPIC_NUM_PINS; i++) {
        qemu_irq irq = x86ms->gsi[i];

        lines[i] = (Line){d, tap, false, irq->handler, irq->opaque};
        irq->handler = line_changed;
        irq->opaque = &lines[i];
    }
}

bool xen_pirq_gsi_is_level(unsigned gsi)
{
    uint8_t elcr;

    if (gsi >= ISA_NUM_IRQS) {
        return true;
    }
    if (!isa_pic) {
        return false;
    }
    elcr = address_space_ldub(&address_space_io, ELCR_PORT + gsi / 8,
                              MEMTXATTRS_UNSPECIFIED, NULL);
    return elcr & (1u << (gsi % 8));
}

void xen_pirq_gsi_release(unsigned gsi)
{
    X86MachineState *x86ms = X86_MACHINE(current_machine);

    if (gsi < IOAPIC_NUM_PINS) {
        const Line *line = x86ms->gsi[gsi]->opaque;

        line->handler(line->opaque, gsi, 1);
    }
}

static bool message_taken(MSIMessage msg)
{
    TapEntry entry = {.kind = TAP_MSI, .arg = {msg.address, msg.data}};
    uint64_t taken;

    if (host_tap_replays(messages->tap)) {
        return false;
    }
    host_tap_begin(messages->tap, &entry);
    taken = xen_domain_msi(messages->domain, msg.address, msg.data);
    host_tap_end(messages->tap, &taken, 1);
    return taken;
}

static void message_sent(PCIDevice *dev, MSIMessage msg)
{
    if (!message_taken(msg)) {
        messages->trigger(dev, msg);
    }
}

/*
 * A guest masks such a vector by its event channel and leaves it masked in the
 * table, as after reset.  A message without any data is one not written yet.
 */
static void table_written(void *opaque, hwaddr addr, uint64_t val,
                          unsigned size)
{
    PCIDevice *dev = opaque;
    unsigned vector = addr / PCI_MSIX_ENTRY_SIZE;
    MSIMessage msg;

    messages->table_ops->write(opaque, addr, val, size);
    msg = msix_get_message(dev, vector);
    if (msg.data &&
        xen_domain_takes_msi(messages->domain, msg.address, msg.data)) {
        msix_set_mask(dev, vector, false);
    }
}

static void device_realized(DeviceListener *listener, DeviceState *dev)
{
    Messages *m = container_of(listener, Messages, listener);
    PCIDevice *pci =
        (PCIDevice *)object_dynamic_cast(OBJECT(dev), TYPE_PCI_DEVICE);

    if (!pci || !pci->msi_trigger || pci->msi_trigger == message_sent) {
        return;
    }
    m->trigger = pci->msi_trigger;
    pci->msi_trigger = message_sent;
    if (!msix_present(pci)) {
        return;
    }
    if (!m->table_ops) {
        m->table_ops = pci->msix_table_mmio.ops;
        m->hooked_ops = *m->table_ops;
        m->hooked_ops.write = table_written;
    }
    pci->msix_table_mmio.ops = &m->hooked_ops;
}

void xen_pirq_attach(XenDomain *d, HostTap *tap)
{
    X86MachineState *x86ms = X86_MACHINE(current_machine);

    if (!xen_domain_has_pirqs(d) || !x86ms->gsi) {
        return;
    }
    attach_lines(d, tap, x86ms);
    messages = g_new0(Messages, 1);
    messages->domain = d;
    messages->tap = tap;
    messages->listener.realize = device_realized;
    device_listener_register(&messages->listener);
}
