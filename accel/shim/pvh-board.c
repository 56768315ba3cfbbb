/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board of a PVH guest: what Xen gives one, and nothing else.
 *
 * It takes the place of microvm's own, whose I/O APIC, virtio slots, fw_cfg
 * and BIOS a PVH guest does not have; to the user it still is -machine microvm.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "cpu.h"
#include "exec/address-spaces.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/i386/microvm.h"
#include "hw/i386/x86.h"
#include "hw/irq.h"
#include "hw/isa/isa.h"
#include "system/reset.h"
#include "system/system.h"
#include "system/tcg.h"
#include "accel/shim/guest-frames.h"
#include "accel/shim/guest-memory.h"
#include "accel/shim/pvh-board.h"

/* What Xen's toolstack gives vCPU 0 (xen: xg_dom_x86.c, vcpu_hvm). */
#define SEGMENT_FLAGS                                                      \
    (DESC_G_MASK | DESC_B_MASK | DESC_P_MASK | DESC_S_MASK | DESC_W_MASK | \
     DESC_A_MASK)
#define TSS_BUSY_32     (11 << DESC_TYPE_SHIFT)
#define TSS_LIMIT       0x67
#define MTRR_DEF_ENABLE (1u << 11)
#define MTRR_WRITE_BACK 6u

static struct {
    bool madt_all;
    PvhBoot *boot; /* NULL: no kernel, so nothing to execute (qtest) */
} board;

static void map_memory(MemoryRegion *mr, uint64_t gpa)
{
    memory_region_add_subregion(get_system_memory(), gpa, mr);
}

static void map_ram_alias(MachineState *ms, const char *name, uint64_t gpa,
                          uint64_t offset, uint64_t size)
{
    MemoryRegion *mr = g_new0(MemoryRegion, 1);

    memory_region_init_alias(mr, NULL, name, ms->ram, offset, size);
    map_memory(mr, gpa);
}

static void map_ram(const char *name, uint64_t gpa, uint64_t size)
{
    MemoryRegion *mr = g_new0(MemoryRegion, 1);

    memory_region_init_ram(mr, NULL, name, size, &error_fatal);
    map_memory(mr, gpa);
}

/* xen: hvm/emulate.c, null_handler: reads all ones, writes are lost */
static uint64_t nothing_read(void *opaque, hwaddr addr, unsigned size)
{
    return UINT64_MAX;
}

static void nothing_write(void *opaque, hwaddr addr, uint64_t data,
                          unsigned size)
{
}

static const MemoryRegionOps nothing_ops = {
    .read = nothing_read,
    .write = nothing_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

/* Below everything else, where QEMU would read zeros. */
static void map_nothing(void)
{
    MemoryRegion *mr = g_new0(MemoryRegion, 1);

    memory_region_init_io(mr, NULL, &nothing_ops, NULL, "pvh.nothing",
                          1ull << TARGET_PHYS_ADDR_SPACE_BITS);
    memory_region_add_subregion_overlap(get_system_memory(), 0, mr,
                                        GUEST_NOTHING_PRIORITY);
}

static void build_memory(MachineState *ms)
{
    X86MachineState *x86ms = X86_MACHINE(ms);
    uint64_t low = MIN(ms->ram_size, PVH_LOWMEM_END);

    x86ms->below_4g_mem_size = low;
    x86ms->above_4g_mem_size = ms->ram_size - low;
    x86ms->ioapic_as = &address_space_memory;
    map_nothing();
    map_ram_alias(ms, "pvh.ram-below-4g", 0, 0, low);
    if (ms->ram_size > low) {
        map_ram_alias(ms, "pvh.ram-above-4g", 4 * GiB, low, ms->ram_size - low);
    }
    map_ram("pvh.acpi", PVH_ACPI_PA, PVH_ACPI_SIZE);
    map_ram("pvh.special", PVH_SPECIAL_PA, PVH_SPECIAL_SIZE);
}

static void no_irq(void *opaque, int n, int level)
{
}

/* For -device isa-debugcon and the like; the bus itself decodes nothing. */
static void build_isa_bus(void)
{
    ISABus *bus =
        isa_bus_new(NULL, get_system_memory(), get_system_io(), &error_fatal);

    isa_bus_register_input_irqs(bus,
                                qemu_allocate_irqs(no_irq, NULL, ISA_NUM_IRQS));
}

static GBytes *read_file(const char *path)
{
    g_autoptr(GError) error = NULL;
    char *data;
    gsize size;

    if (!path) {
        return NULL;
    }
    if (!g_file_get_contents(path, &data, &size, &error)) {
        error_report("jumpcut: %s", error->message);
        exit(1);
    }
    return g_bytes_new_take(data, size);
}

static void build_boot(MachineState *ms)
{
    g_autoptr(GBytes) kernel = read_file(ms->kernel_filename);
    g_autoptr(GBytes) initrd = read_file(ms->initrd_filename);
    g_autofree uint32_t *apic_ids = g_new0(uint32_t, ms->smp.max_cpus);
    g_autoptr(GError) error = NULL;
    PvhBootConfig config = {
        .kernel = kernel,
        .initrd = initrd,
        .cmdline = ms->kernel_cmdline,
        .ram_size = ms->ram_size,
        .acpi = {.nr_vcpus = ms->smp.max_cpus,
                 .nr_online = board.madt_all ? ms->smp.max_cpus : ms->smp.cpus,
                 .apic_ids = apic_ids},
    };

    if (!kernel) {
        if (tcg_enabled()) {
            error_report("jumpcut: guest=xen-pvh needs -kernel");
            exit(1);
        }
        return;
    }
    for (unsigned i = 0; i < ms->smp.max_cpus; i++) {
        apic_ids[i] = ms->possible_cpus->cpus[i].arch_id;
    }
    board.boot = pvh_boot_new(&config, &error);
    if (!board.boot) {
        error_report("jumpcut: -kernel %s: %s", ms->kernel_filename,
                     error->message);
        exit(1);
    }
}

static void pvh_board_init(MachineState *ms)
{
    unsigned online = ms->smp.cpus;

    if (ms->smp.max_cpus > PVH_ACPI_VCPUS_MAX) {
        error_report("jumpcut: %u vCPUs: a PVH guest has at most %u",
                     ms->smp.max_cpus, PVH_ACPI_VCPUS_MAX);
        exit(1);
    }
    build_memory(ms);
    build_isa_bus();
    /* All of them exist for Xen; the guest starts those that are offline. */
    ms->smp.cpus = ms->smp.max_cpus;
    x86_cpus_init(X86_MACHINE(ms), CPU_VERSION_LATEST);
    ms->smp.cpus = online;
    build_boot(ms);
}

static bool write_memory(GuestPhys pa, const void *buf, size_t len)
{
    return guest_phys_write(pa.v, buf, len);
}

/* docs/misc/pvh.pandoc of Xen, "x86/HVM direct boot ABI" */
static void start_vcpu(CPUX86State *env)
{
    static const int data[] = {R_DS, R_ES, R_SS, R_FS, R_GS};

    cpu_x86_load_seg_cache(env, R_CS, 0, 0, UINT32_MAX,
                           SEGMENT_FLAGS | DESC_CS_MASK);
    for (unsigned i = 0; i < G_N_ELEMENTS(data); i++) {
        cpu_x86_load_seg_cache(env, data[i], 0, 0, UINT32_MAX, SEGMENT_FLAGS);
    }
    env->tr.selector = 0;
    env->tr.base = 0;
    env->tr.limit = TSS_LIMIT;
    env->tr.flags = DESC_P_MASK | TSS_BUSY_32;
    cpu_x86_update_cr0(env, CR0_PE_MASK | CR0_ET_MASK);
    env->mtrr_deftype = MTRR_DEF_ENABLE | MTRR_WRITE_BACK;
    env->regs[R_EBX] = pvh_boot_start_info(board.boot);
    env->regs[R_EDX] = 0;
    env->eip = pvh_boot_entry(board.boot);
}

static void pvh_board_reset(MachineState *ms, ResetType type)
{
    CPUState *cs;

    qemu_devices_reset(type);
    CPU_FOREACH(cs)
    {
        x86_cpu_after_reset(X86_CPU(cs));
    }
    if (!board.boot) {
        return;
    }
    if (!pvh_boot_write(board.boot, write_memory)) {
        error_report("jumpcut: the kernel does not fit the guest's memory");
        exit(1);
    }
    if (tcg_enabled()) {
        start_vcpu(cpu_env(first_cpu));
    }
}

bool pvh_board_prepare(bool madt_all, Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(current_machine);

    if (!object_dynamic_cast(OBJECT(current_machine), TYPE_MICROVM_MACHINE)) {
        error_setg(errp, "machine %s: guest=xen-pvh needs -machine microvm",
                   mc->name);
        return false;
    }
    board.madt_all = madt_all;
    mc->init = pvh_board_init;
    mc->reset = pvh_board_reset;
    return true;
}
