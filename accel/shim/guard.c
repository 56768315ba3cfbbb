/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the running QEMU with what the plugin was built for. */
#include "qemu/osdep.h"
#include <link.h>
#include "cpu.h"
#include "hw/i386/apic_internal.h"
#include "hw/i386/x86.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/qdev-properties.h"
#include "hw/rtc/mc146818rtc.h"
#include "hw/virtio/virtio-serial.h"
#include "migration/vmstate.h"
#include "system/tcg.h"
#include "tcg/helper-tcg.h"
#include "accel/tcg/cpu-ops.h"
#include "accel/shim/guard.h"
#include "accel/shim/guard-internal.h"

/* Deepest nesting of subsections looked into; QEMU's own tables have two. */
#define GUARD_MAX_DEPTH 4

#define GUARD_NT_GNU_BUILD_ID 3
#define GUARD_MAX_BUILD_ID    64

/* Appends one PT_NOTE segment's build id to the GString data, if it is there.
 */
static void read_note(const uint8_t *note, size_t size, GString *id)
{
    size_t at = 0;

    while (size - at >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) head;
        size_t name, desc, end;

        memcpy(&head, note + at, sizeof(head));
        name = at + sizeof(head);
        desc = name + QEMU_ALIGN_UP((size_t)head.n_namesz, 4);
        end = desc + QEMU_ALIGN_UP((size_t)head.n_descsz, 4);
        if (end > size) {
            return;
        }
        if (head.n_type == GUARD_NT_GNU_BUILD_ID && head.n_namesz == 4 &&
            !memcmp(note + name, "GNU", 4) &&
            head.n_descsz <= GUARD_MAX_BUILD_ID) {
            for (size_t i = 0; i < head.n_descsz; i++) {
                g_string_append_printf(id, "%02x", note[desc + i]);
            }
            return;
        }
        at = end;
    }
}

/* dl_iterate_phdr() tells of the main program first; the rest is skipped. */
static int read_main_program(struct dl_phdr_info *info, size_t size,
                             void *opaque)
{
    GString *id = opaque;

    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum && !id->len; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

        if (ph->p_type == PT_NOTE) {
            const uintptr_t start = info->dlpi_addr + ph->p_vaddr;

            read_note((const uint8_t *)start, ph->p_memsz, id);
        }
    }
    return 1;
}

static bool check_build_id(Error **errp)
{
    g_autoptr(GString) id = g_string_new(NULL);

    dl_iterate_phdr(read_main_program, id);
    if (g_str_equal(id->str, guard_build_id)) {
        return true;
    }
    error_setg(errp,
               "built for the QEMU with build id %s, but this one has %s: "
               "run ./configure --qemu=PATH-OF-THIS-QEMU and build again",
               guard_build_id, id->len ? id->str : "none");
    return false;
}

static const VMStateField *find_field(const VMStateDescription *vmsd,
                                      const char *name, unsigned depth)
{
    for (const VMStateField *f = vmsd->fields; f && f->name; f++) {
        if (g_str_equal(f->name, name)) {
            return f;
        }
    }
    if (!vmsd->subsections || depth == GUARD_MAX_DEPTH) {
        return NULL;
    }
    for (size_t i = 0; vmsd->subsections[i]; i++) {
        const VMStateField *f =
            find_field(vmsd->subsections[i], name, depth + 1);

        if (f) {
            return f;
        }
    }
    return NULL;
}

/* What a device class migrates. */
static const VMStateDescription *vmstate_of(const char *type)
{
    ObjectClass *oc = object_class_by_name(type);

    return oc ? DEVICE_CLASS(oc)->vmsd : NULL;
}

/* Looks a property up in a device class's own table. */
static const Property *find_property(const char *type, const char *name)
{
    ObjectClass *oc = object_class_by_name(type);
    const DeviceClass *dc = oc ? DEVICE_CLASS(oc) : NULL;

    for (size_t i = 0; dc && i < dc->props_count_; i++) {
        if (g_str_equal(dc->props_[i].name, name)) {
            return &dc->props_[i];
        }
    }
    return NULL;
}

/* The device class that a table of properties is of. */
static const char *property_type(GuardTable table)
{
    switch (table) {
    case GUARD_VIRTIO_PCI:
        return "virtio-serial-pci-base";
    case GUARD_VIRTIO:
        return TYPE_VIRTIO_DEVICE;
    case GUARD_VIRTIO_SERIAL:
        return TYPE_VIRTIO_SERIAL;
    default:
        return TYPE_APIC_COMMON;
    }
}

/* Finds where the running QEMU has a field; false if it knows none so named. */
static bool find_offset(const GuardField *want, size_t *offset)
{
    const VMStateField *field = NULL;
    const VMStateDescription *vmsd;
    const Property *property;

    switch (want->table) {
    case GUARD_X86_CPU:
        field = find_field(&vmstate_x86_cpu, want->name, 0);
        break;
    case GUARD_CPU_COMMON:
        field = find_field(&vmstate_cpu_common, want->name, 0);
        break;
    case GUARD_APIC:
    case GUARD_VIRTIO_PCI:
    case GUARD_VIRTIO:
    case GUARD_VIRTIO_SERIAL:
        property = find_property(property_type(want->table), want->name);
        if (property) {
            *offset = property->offset;
        }
        return property != NULL;
    case GUARD_RTC:
        vmsd = vmstate_of(TYPE_MC146818_RTC);
        field = vmsd ? find_field(vmsd, want->name, 0) : NULL;
        break;
    }
    if (field) {
        *offset = field->offset;
    }
    return field != NULL;
}

static bool check_field(const GuardField *want, Error **errp)
{
    size_t offset;

    if (!find_offset(want, &offset)) {
        error_setg(errp,
                   "QEMU's headers do not fit this QEMU: %s is in none of its "
                   "tables",
                   want->name);
        return false;
    }
    if (offset != want->offset) {
        error_setg(errp,
                   "QEMU's headers do not fit this QEMU: %s is at offset %zu, "
                   "the headers say %zu: pass its own source to ./configure "
                   "--qemu-source= and build again",
                   want->name, offset, want->offset);
        return false;
    }
    return true;
}

bool abi_guard_check(Error **errp)
{
    if (!check_build_id(errp)) {
        return false;
    }
    for (size_t i = 0; i < guard_n_fields; i++) {
        if (!check_field(&guard_fields[i], errp)) {
            return false;
        }
    }
    return true;
}

/* What the board and its first vCPU say of themselves, by other ways. */
static const char *find_misfit(void)
{
    CPUState *cs = first_cpu;
    X86CPU *cpu = X86_CPU(cs);
    const TCGCPUOps *ops = cs->cc->tcg_ops;
    X86MachineState *board = X86_MACHINE(current_machine);
    Object *lapic = object_resolve_path_component(OBJECT(cpu), "lapic");

    if (CPU_GET_CLASS(cs) != cs->cc) {
        return "CPUState::cc";
    }
    if (lapic &&
        (OBJECT(cpu->apic_state) != lapic || APIC_COMMON(lapic)->cpu != cpu)) {
        return "X86CPU::apic_state";
    }
    if (tcg_enabled() && (ops->do_interrupt != x86_cpu_do_interrupt ||
                          ops->cpu_exec_interrupt != x86_cpu_exec_interrupt ||
                          ops->tlb_fill != x86_cpu_tlb_fill)) {
        return "CPUClass::tcg_ops";
    }
    if (board->fw_cfg != fw_cfg_find() ||
        board->below_4g_mem_size + board->above_4g_mem_size !=
            current_machine->ram_size) {
        return "X86MachineState";
    }
    return NULL;
}

bool abi_guard_check_machine(Error **errp)
{
    const char *misfit;

    if (!object_dynamic_cast(OBJECT(current_machine), TYPE_X86_MACHINE)) {
        error_setg(errp, "machine %s is not an x86 machine",
                   object_get_typename(OBJECT(current_machine)));
        return false;
    }
    misfit = find_misfit();
    if (misfit) {
        error_setg(errp,
                   "QEMU's headers do not fit this QEMU: %s is elsewhere: "
                   "pass its own source to ./configure --qemu-source= and "
                   "build again",
                   misfit);
        return false;
    }
    return true;
}

const char *abi_guard_build_id(void)
{
    return guard_build_id;
}
