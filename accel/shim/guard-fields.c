/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where our copy of QEMU's headers has the fields that QEMU's own tables name.
 *
 * Every field the shim uses is here if a table has it; the others are kept
 * in place by neighbours: a table's fields lie all over its structure, and
 * env's own place in X86CPU proves the size of CPUState before it.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "hw/i386/apic_internal.h"
#include "hw/rtc/mc146818rtc.h"
#include "hw/virtio/virtio-pci.h"
#include "hw/virtio/virtio-serial.h"
#include "accel/shim/guard-internal.h"

/* clang-format off */
#define X86(field) { GUARD_X86_CPU, #field, offsetof(X86CPU, field) }
#define COMMON(field) { GUARD_CPU_COMMON, #field, offsetof(CPUState, field) }
#define APIC(name, field) { GUARD_APIC, name, offsetof(APICCommonState, field) }
#define VIRTIO_PCI(name, field)                                   \
    { GUARD_VIRTIO_PCI, name, offsetof(VirtIOPCIProxy, field) }
#define VIRTIO(name, field) \
    { GUARD_VIRTIO, name, offsetof(VirtIODevice, field) }
#define VIRTIO_SERIAL(name, field) \
    { GUARD_VIRTIO_SERIAL, name, offsetof(VirtIOSerial, field) }
#define RTC(field) { GUARD_RTC, #field, offsetof(MC146818RtcState, field) }
/* clang-format on */

const GuardField guard_fields[] = {
    COMMON(halted),
    COMMON(interrupt_request),
    COMMON(exception_index),
    COMMON(crash_occurred),

    X86(env.regs),
    X86(env.eip),
    X86(env.eflags),
    X86(env.hflags),
    X86(env.hflags2),
    X86(env.fpuc),
    X86(env.fpregs),
    X86(env.segs),
    X86(env.ldt),
    X86(env.tr),
    X86(env.gdt),
    X86(env.idt),
    X86(env.cr[0]),
    X86(env.cr[2]),
    X86(env.cr[3]),
    X86(env.cr[4]),
    X86(env.dr),
    X86(env.a20_mask),
    X86(env.mxcsr),
    X86(env.sysenter_cs),
    X86(env.sysenter_esp),
    X86(env.sysenter_eip),
    X86(env.efer),
    X86(env.star),
    X86(env.lstar),
    X86(env.cstar),
    X86(env.fmask),
    X86(env.kernelgsbase),
    X86(env.smbase),
    X86(env.pat),
    X86(env.tsc),
    X86(env.tsc_aux),
    X86(env.tsc_adjust),
    X86(env.tsc_deadline),
    X86(env.tsc_khz),
    X86(env.tsc_offset),
    X86(env.xcr0),
    X86(env.xss),
    X86(env.vm_hsave),
    X86(env.vm_vmcb),
    X86(env.intercept),
    X86(env.intercept_cr_read),
    X86(env.intercept_cr_write),
    X86(env.intercept_dr_read),
    X86(env.intercept_dr_write),
    X86(env.intercept_exceptions),
    X86(env.v_tpr),
    X86(env.int_ctl),
    X86(env.nested_cr3),
    X86(env.nested_pg_mode),
    X86(env.mtrr_deftype),
    X86(env.mp_state),
    X86(env.sipi_vector),
    X86(env.interrupt_injected),
    X86(env.exception_nr),
    X86(env.exception_injected),
    X86(env.has_error_code),
    X86(env.mcg_cap),
    X86(env.msr_ia32_misc_enable),
    X86(env.spec_ctrl),
    X86(env.pkru),
    X86(env.amd_tsc_scale_msr),
    X86(env.xtilecfg),
    X86(env.msr_hwcr),

    APIC("version", version),
    APIC("vapic", vapic_control),
    APIC("legacy-instance-id", legacy_instance_id),

    RTC(cmos_data),
    RTC(cmos_index),
    RTC(base_rtc),
    RTC(last_update),
    RTC(offset),

    VIRTIO_PCI("ioeventfd", flags),
    VIRTIO_PCI("class", class_code),
    VIRTIO_PCI("vectors", nvectors),
    VIRTIO("indirect_desc", host_features),
    VIRTIO("use-started", use_started),
    VIRTIO("use-disabled-flag", use_disabled_flag),
    VIRTIO("x-disable-legacy-check", disable_legacy_check),
    VIRTIO_SERIAL("max_ports", serial.max_virtserial_ports),
    VIRTIO_SERIAL("emergency-write", host_features),
};

const size_t guard_n_fields = G_N_ELEMENTS(guard_fields);
