/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for a payload that is no guest: what the payload's library has of
 * its processor, its ports and its Xen.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "tests/pairs/machine.h"

#include <errno.h>
#include <gmodule.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/io/console.h>

#include "scenarios/payload/vport-machine.h"
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#define MIB        ((size_t)1 << 20)
#define MEMORY     (64 * MIB) /* of the guest */
#define WINDOW     (32 * MIB) /* where a piece of it lies here, too */
#define STACK      (1 * MIB)  /* first in it; then the console's page */
#define DEVICES    (WINDOW + 2 * MIB)
#define WINDOW_END (WINDOW + 16 * MIB)

/* Of "jumpcut boot --guest=xen-hvm"; with ioeventfd a kick would be answered
 * at a time that is the host's. */
#define MACHINE                                                              \
    "-machine pc,hpet=off,memory-backend=ram "                               \
    "-object memory-backend-file,id=ram,size=64M,share=on,mem-path=/proc/%d" \
    "/fd/%d -global virtio-serial-mq-pci.ioeventfd=off"

/*
 * What an access to device memory takes, and a wait; and how often one waits
 * for an answer.  What a device does later it does in that time.
 */
#define ACCESS_NS   1000
#define RELAX_NS    10000
#define WAIT_ROUNDS 5000u

#define DEBUG_PORT   0xe9
#define CONSOLE_PORT 1
#define NR_GSIS      24

static struct Machine {
    Qtest *q;
    MachineSeen *seen;
    const char *cmdline;
    void (*entry)(void);
    jmp_buf end;
    int64_t now_ns;
    TrapHandler *handlers[256];
    uint8_t vectors[NR_GSIS]; /* that a GSI is routed to; 0: masked */
} machine;

void port_out(uint16_t port, uint8_t byte)
{
    qtest_outb(machine.q, port, byte);
}

void port_out16(uint16_t port, uint16_t value)
{
    qtest_outw(machine.q, port, value);
}

void port_out32(uint16_t port, uint32_t value)
{
    qtest_outl(machine.q, port, value);
}

uint8_t port_in(uint16_t port)
{
    return qtest_inb(machine.q, port);
}

uint16_t port_in16(uint16_t port)
{
    return qtest_inw(machine.q, port);
}

uint32_t port_in32(uint16_t port)
{
    return qtest_inl(machine.q, port);
}

void port_out_bytes(uint16_t port, const char *bytes, size_t len)
{
    g_assert_cmphex(port, ==, DEBUG_PORT);
    g_string_append_len(machine.seen->report, bytes, len);
}

static void pass(int64_t ns)
{
    machine.now_ns = qtest_clock_step(machine.q, ns);
}

#define MMIO(bits, suffix)                                     \
    void mmio_write##bits(volatile void *at, uint##bits##_t v) \
    {                                                          \
        qtest_write##suffix(machine.q, (uintptr_t)at, v);      \
        pass(ACCESS_NS);                                       \
    }                                                          \
                                                               \
    uint##bits##_t mmio_read##bits(const volatile void *at)    \
    {                                                          \
        pass(ACCESS_NS);                                       \
        return qtest_read##suffix(machine.q, (uintptr_t)at);   \
    }

MMIO(8, b)
MMIO(16, w)
MMIO(32, l)

void cpu_relax(void)
{
    pass(RELAX_NS);
}

void cpu_open_interrupts(void)
{
    cpu_relax();
    for (unsigned gsi = 0; gsi < NR_GSIS; gsi++) {
        TrapHandler *handler = machine.handlers[machine.vectors[gsi]];

        if (handler && qtest_irq_level(machine.q, gsi)) {
            TrapFrame frame = {.vector = machine.vectors[gsi]};

            handler(&frame);
        }
    }
}

void cpu_set_handler(uint8_t vector, TrapHandler *fn)
{
    machine.handlers[vector] = fn;
}

void ioapic_route(unsigned gsi, uint8_t vector)
{
    g_assert_cmpuint(gsi, <, NR_GSIS);
    machine.vectors[gsi] = vector;
}

void lapic_eoi(void)
{
    /* What is asserted still is seen when interrupts are opened again. */
}

unsigned cpu_index(void)
{
    return 0;
}

unsigned cpu_count(void)
{
    return 1;
}

unsigned cpu_apic_id(unsigned index)
{
    return index;
}

const char *cpu_cmdline(void)
{
    return machine.cmdline;
}

uint64_t clock_now(void)
{
    return machine.now_ns;
}

void *vport_memory(size_t *size)
{
    *size = WINDOW_END - DEVICES;
    return (void *)DEVICES;
}

unsigned vport_wait_rounds(void)
{
    return WAIT_ROUNDS;
}

bool xen_init(void)
{
    return true;
}

/* Nobody's: there is no hypercall page. */
uint32_t xen_version(void)
{
    return 0;
}

static struct xencons_interface *console_ring(void)
{
    return (void *)(WINDOW + STACK);
}

struct shared_info *xen_shared_info(void)
{
    /* Time is not read from it, and there are no events: it is only there. */
    return (void *)(WINDOW + STACK + PAGE_SIZE);
}

long xen_hvm_get_param(unsigned index, uint64_t *value)
{
    switch (index) {
    case HVM_PARAM_CONSOLE_PFN:
        *value = (uintptr_t)console_ring() / PAGE_SIZE;
        return 0;
    case HVM_PARAM_CONSOLE_EVTCHN:
        *value = CONSOLE_PORT;
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

long evtchn_send(unsigned port)
{
    struct xencons_interface *ring = console_ring();

    g_assert_cmpuint(port, ==, CONSOLE_PORT);
    for (; ring->out_cons != ring->out_prod; ring->out_cons++) {
        g_string_append_c(
            machine.seen->console,
            ring->out[MASK_XENCONS_IDX(ring->out_cons, ring->out)]);
    }
    return 0;
}

void xen_exit(XenExit how)
{
    machine.seen->crashed = how == XEN_EXIT_CRASH;
    longjmp(machine.end, 1);
}

/*
 * AddressSanitizer's run-time library asks for this.  What is on the thread's
 * stack is in the guest's memory, where the device reads it; clang 15 and later
 * would have a function's variables elsewhere.
 */
const char *__asan_default_options(void);
G_MODULE_EXPORT const char *__asan_default_options(void)
{
    return "detect_stack_use_after_return=0";
}

static void *processor(void *unused)
{
    (void)unused;
    if (!setjmp(machine.end)) {
        machine.entry();
    }
    return NULL;
}

/* @return: a file that is the guest's memory; the window is mapped. */
static int make_memory(void)
{
    int fd = memfd_create("pairs", MFD_CLOEXEC);
    void *at;

    if (fd < 0 || ftruncate(fd, MEMORY)) {
        g_error("memory of the guest: %s", g_strerror(errno));
    }
    at = mmap((void *)WINDOW, WINDOW_END - WINDOW, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_FIXED_NOREPLACE, fd, WINDOW);
    if (at != (void *)WINDOW) {
        g_error("memory of the guest, at 0x%zx: %s", WINDOW, g_strerror(errno));
    }
    return fd;
}

static void run_processor(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    int error;

    pthread_attr_init(&attr);
    error = pthread_attr_setstack(&attr, (void *)WINDOW, STACK);
    if (!error) {
        error = pthread_create(&thread, &attr, processor, NULL);
    }
    if (error) {
        g_error("a processor: %s", g_strerror(error));
    }
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}

Qtest *machine_run(const char *const *words, const char *cmdline,
                   void (*entry)(void), MachineSeen *seen)
{
    int fd = make_memory();
    g_autoptr(GString) args = g_string_new(NULL);

    g_string_printf(args, MACHINE, (int)getpid(), fd);
    for (size_t i = 0; words && words[i]; i++) {
        g_autofree char *word = g_shell_quote(words[i]);

        g_string_append_printf(args, " %s", word);
    }
    machine = (struct Machine){
        .seen = seen,
        .cmdline = cmdline,
        .entry = entry,
        .q = qtest_start(args->str, "guest=xen-hvm"),
    };
    qtest_irq_intercept_in(machine.q, "ioapic");
    run_processor();
    seen->end_ns = machine.now_ns;
    munmap((void *)WINDOW, WINDOW_END - WINDOW);
    close(fd);
    return machine.q;
}
