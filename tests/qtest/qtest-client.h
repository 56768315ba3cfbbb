/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of QEMU's qtest protocol: starts a stock QEMU whose vCPUs never
 * run, and plays their part.
 *
 *     Qtest *q = qtest_start("-smp 2", "guest=xen-hvm,tsc-khz=2000000");
 *     qtest_clock_step(q, 1000000);
 *     g_assert_cmphex(qtest_rdtsc(q, 0), ==, 2000000);
 *     qtest_quit(q);
 *
 * Where QEMU, the plugin and the accelerator's module are is read from the
 * environment: JUMPCUT_QEMU, JUMPCUT_PLUGIN and JUMPCUT_MODULE_DIR, which
 * `meson test` and `meson devenv` set.
 *
 * A reply that a function does not expect, a QEMU that ends or one that does
 * not answer is fatal for the test program; the command line, the request and
 * what QEMU wrote to stderr are printed.  Strings and JSON nodes returned are
 * the caller's to free.  Addresses are guest physical, times are virtual and
 * in ns.
 */
#ifndef JUMPCUT_TESTS_QTEST_CLIENT_H
#define JUMPCUT_TESTS_QTEST_CLIENT_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Qtest Qtest;

/* A test program: @nr tests that do not end at the first thing wrong. */
typedef struct QtestCase {
    const char *path;
    void (*fn)(void);
} QtestCase;
int qtest_main(int argc, char **argv, const QtestCase *tests, size_t nr);

/*
 * Start QEMU with the machine q35, 64 MiB and no default devices.
 * @args: more arguments, quoted as for a shell; may be NULL.
 * @plugin: options of the plugin ("guest=xen-hvm,..."); NULL: no plugin.
 */
Qtest *qtest_start(const char *args, const char *plugin);
/* Make QEMU quit, check that it was alive until then and that it exits with
 * status 0, and free @q. */
void qtest_quit(Qtest *q);
/*
 * Start QEMU as qtest_start() does, expecting it to refuse and end.
 * @return: what it wrote to stderr.
 */
char *qtest_start_refused(const char *args, const char *plugin);
/* Have QEMU look for modules in @dir; NULL: JUMPCUT_MODULE_DIR again. */
void qtest_set_module_dir(const char *dir);
/* What QEMU has written to stderr so far. */
char *qtest_stderr(Qtest *q);

/* Send one line; the reply's text after "OK". */
char *qtest_command(Qtest *q, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Send one line that must fail; the reply's text after "FAIL ". */
char *qtest_command_fails(Qtest *q, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

uint8_t qtest_inb(Qtest *q, uint16_t port);
uint16_t qtest_inw(Qtest *q, uint16_t port);
uint32_t qtest_inl(Qtest *q, uint16_t port);
void qtest_outb(Qtest *q, uint16_t port, uint8_t value);
void qtest_outw(Qtest *q, uint16_t port, uint16_t value);
void qtest_outl(Qtest *q, uint16_t port, uint32_t value);

uint8_t qtest_readb(Qtest *q, uint64_t addr);
uint16_t qtest_readw(Qtest *q, uint64_t addr);
uint32_t qtest_readl(Qtest *q, uint64_t addr);
uint64_t qtest_readq(Qtest *q, uint64_t addr);
void qtest_writeb(Qtest *q, uint64_t addr, uint8_t value);
void qtest_writew(Qtest *q, uint64_t addr, uint16_t value);
void qtest_writel(Qtest *q, uint64_t addr, uint32_t value);
void qtest_writeq(Qtest *q, uint64_t addr, uint64_t value);
void qtest_memread(Qtest *q, uint64_t addr, void *buf, size_t len);
void qtest_memwrite(Qtest *q, uint64_t addr, const void *buf, size_t len);
void qtest_memset(Qtest *q, uint64_t addr, uint8_t value, size_t len);

/* Advance time by @ns, running the timers on the way; the time after it. */
int64_t qtest_clock_step(Qtest *q, int64_t ns);
/* Advance time to the next timer's deadline. */
int64_t qtest_clock_step_next(Qtest *q);
/* Advance time to @ns. */
void qtest_clock_set(Qtest *q, int64_t ns);

/* Watch the input lines of the device at QOM path @path (one a QEMU). */
void qtest_irq_intercept_in(Qtest *q, const char *path);
/* Level of a watched line (0 to 255), as of the last reply. */
bool qtest_irq_level(Qtest *q, unsigned irq);
/* How often a watched line has risen. */
unsigned qtest_irq_raised(Qtest *q, unsigned irq);

/*
 * The plugin's own commands: what a vCPU would execute (see docs).  @return
 * of qtest_rdmsr() and qtest_wrmsr(): false on a general protection fault.
 */
typedef struct QtestCpuid {
    uint32_t eax, ebx, ecx, edx;
} QtestCpuid;

QtestCpuid qtest_cpuid(Qtest *q, unsigned cpu, uint32_t leaf, uint32_t subleaf);
bool qtest_rdmsr(Qtest *q, unsigned cpu, uint32_t index, uint64_t *value);
bool qtest_wrmsr(Qtest *q, unsigned cpu, uint32_t index, uint64_t value);
uint64_t qtest_rdtsc(Qtest *q, unsigned cpu);
int64_t qtest_hypercall_args(Qtest *q, unsigned cpu, bool long_mode,
                             uint64_t nr, const uint64_t args[6]);
/* Up to six arguments follow @nr. */
#define qtest_hypercall(q, cpu, nr, ...) \
    qtest_hypercall_args(q, cpu, true, nr, (const uint64_t[6]){__VA_ARGS__})
#define qtest_hypercall32(q, cpu, nr, ...) \
    qtest_hypercall_args(q, cpu, false, nr, (const uint64_t[6]){__VA_ARGS__})
/* A cut; @keys: "key=value key=value ...". */
void qtest_cut(Qtest *q, const char *keys);
/* Is a callback vector due on the vCPU? */
bool qtest_upcall(Qtest *q, unsigned cpu);

/*
 * Execute a QMP command; @args is a JSON object, or NULL.
 * @return: what it returned.
 */
JsonNode *qtest_qmp(Qtest *q, const char *command, const char *args);
/* The error's description of a QMP command, NULL if it succeeded. */
char *qtest_qmp_error(Qtest *q, const char *command, const char *args);
/* Execute a QMP command that must fail; the error's description. */
char *qtest_qmp_fails(Qtest *q, const char *command, const char *args);
/* The first event called @name that has not been asked for; waits for it. */
JsonNode *qtest_qmp_event(Qtest *q, const char *name);
/* The first event of those that came before the last answer and have not been
 * asked for; NULL: there is none. */
JsonNode *qtest_qmp_any_event(Qtest *q);

#endif
