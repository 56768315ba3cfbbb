/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest client: the line protocol, QEMU's commands and the plugin's.
 */
#include "tests/qtest/qtest-internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* An asynchronous "IRQ raise N" or "IRQ lower N". */
static void qtest_note_irq(Qtest *q, const char *line)
{
    unsigned irq;
    char how[8];

    if (sscanf(line, "IRQ %7s %u", how, &irq) != 2 || irq >= QTEST_NR_IRQS) {
        qtest_fatal(q, "unknown interrupt message: %s", line);
    }
    q->irq_level[irq] = !strcmp(how, "raise");
    q->irq_raised[irq] += q->irq_level[irq];
}

static char *qtest_reply(Qtest *q)
{
    for (;;) {
        char *line = qtest_receive(q, &q->protocol);

        if (!g_str_has_prefix(line, "IRQ ")) {
            return line;
        }
        qtest_note_irq(q, line);
        g_free(line);
    }
}

G_GNUC_PRINTF(2, 0)
static char *qtest_request(Qtest *q, const char *fmt, va_list ap)
{
    g_autofree char *line = g_strdup_vprintf(fmt, ap);

    qtest_send(q, &q->protocol, line);
    return qtest_reply(q);
}

char *qtest_command(Qtest *q, const char *fmt, ...)
{
    g_autofree char *reply = NULL;
    va_list ap;

    va_start(ap, fmt);
    reply = qtest_request(q, fmt, ap);
    va_end(ap);
    if (strcmp(reply, "OK") && !g_str_has_prefix(reply, "OK ")) {
        qtest_fatal(q, "%s: wanted OK, got: %s", q->request, reply);
    }
    return g_strdup(g_strchug(reply + strlen("OK")));
}

char *qtest_command_fails(Qtest *q, const char *fmt, ...)
{
    g_autofree char *reply = NULL;
    va_list ap;

    va_start(ap, fmt);
    reply = qtest_request(q, fmt, ap);
    va_end(ap);
    if (!g_str_has_prefix(reply, "FAIL ")) {
        qtest_fatal(q, "%s: wanted FAIL, got: %s", q->request, reply);
    }
    return g_strdup(reply + strlen("FAIL "));
}

/* The single number of a reply. */
static uint64_t qtest_number(Qtest *q, const char *reply)
{
    char *end;
    uint64_t value = g_ascii_strtoull(reply, &end, 0);

    if (end == reply || *end) {
        qtest_fatal(q, "%s: wanted a number, got: %s", q->request, reply);
    }
    return value;
}

#define QTEST_IO(suffix, type)                                             \
    type qtest_in##suffix(Qtest *q, uint16_t port)                         \
    {                                                                      \
        g_autofree char *r = qtest_command(q, "in" #suffix " 0x%x", port); \
                                                                           \
        return qtest_number(q, r);                                         \
    }                                                                      \
                                                                           \
    void qtest_out##suffix(Qtest *q, uint16_t port, type value)            \
    {                                                                      \
        g_free(qtest_command(q, "out" #suffix " 0x%x 0x%x", port, value)); \
    }

QTEST_IO(b, uint8_t)
QTEST_IO(w, uint16_t)
QTEST_IO(l, uint32_t)

#define QTEST_MEM(suffix, type)                                              \
    type qtest_read##suffix(Qtest *q, uint64_t addr)                         \
    {                                                                        \
        g_autofree char *r =                                                 \
            qtest_command(q, "read" #suffix " 0x%" PRIx64, addr);            \
                                                                             \
        return qtest_number(q, r);                                           \
    }                                                                        \
                                                                             \
    void qtest_write##suffix(Qtest *q, uint64_t addr, type value)            \
    {                                                                        \
        g_free(qtest_command(q, "write" #suffix " 0x%" PRIx64 " 0x%" PRIx64, \
                             addr, (uint64_t)value));                        \
    }

QTEST_MEM(b, uint8_t)
QTEST_MEM(w, uint16_t)
QTEST_MEM(l, uint32_t)
QTEST_MEM(q, uint64_t)

void qtest_memread(Qtest *q, uint64_t addr, void *buf, size_t len)
{
    g_autofree char *text =
        qtest_command(q, "b64read 0x%" PRIx64 " 0x%zx", addr, len);
    size_t got;
    g_autofree guchar *data = g_base64_decode(text, &got);

    if (got != len) {
        qtest_fatal(q, "%s: wanted %zu bytes, got %zu", q->request, len, got);
    }
    memcpy(buf, data, len);
}

void qtest_memwrite(Qtest *q, uint64_t addr, const void *buf, size_t len)
{
    g_autofree char *text = g_base64_encode(buf, len);

    g_free(
        qtest_command(q, "b64write 0x%" PRIx64 " 0x%zx %s", addr, len, text));
}

void qtest_memset(Qtest *q, uint64_t addr, uint8_t value, size_t len)
{
    g_free(
        qtest_command(q, "memset 0x%" PRIx64 " 0x%zx 0x%x", addr, len, value));
}

int64_t qtest_clock_step(Qtest *q, int64_t ns)
{
    g_autofree char *r = qtest_command(q, "clock_step %" PRId64, ns);

    return qtest_number(q, r);
}

int64_t qtest_clock_step_next(Qtest *q)
{
    g_autofree char *r = qtest_command(q, "clock_step");

    return qtest_number(q, r);
}

void qtest_clock_set(Qtest *q, int64_t ns)
{
    g_free(qtest_command(q, "clock_set %" PRId64, ns));
}

void qtest_irq_intercept_in(Qtest *q, const char *path)
{
    g_free(qtest_command(q, "irq_intercept_in %s", path));
}

bool qtest_irq_level(Qtest *q, unsigned irq)
{
    g_assert_cmpuint(irq, <, QTEST_NR_IRQS);
    return q->irq_level[irq];
}

unsigned qtest_irq_raised(Qtest *q, unsigned irq)
{
    g_assert_cmpuint(irq, <, QTEST_NR_IRQS);
    return q->irq_raised[irq];
}

QtestCpuid qtest_cpuid(Qtest *q, unsigned cpu, uint32_t leaf, uint32_t subleaf)
{
    g_autofree char *r =
        qtest_command(q, "cpuid %u 0x%x 0x%x", cpu, leaf, subleaf);
    QtestCpuid c;

    if (sscanf(r, "0x%8x 0x%8x 0x%8x 0x%8x", &c.eax, &c.ebx, &c.ecx, &c.edx) !=
        4) {
        qtest_fatal(q, "%s: wanted four registers, got: %s", q->request, r);
    }
    return c;
}

/* @return: false for a reply of "FAIL GP"; other failures are fatal. */
static bool qtest_msr_reply(Qtest *q, uint64_t *value)
{
    g_autofree char *reply = qtest_reply(q);

    if (!strcmp(reply, "FAIL GP")) {
        return false;
    }
    if (value && g_str_has_prefix(reply, "OK ")) {
        *value = qtest_number(q, reply + strlen("OK "));
    } else if (value || strcmp(reply, "OK")) {
        qtest_fatal(q, "%s: got: %s", q->request, reply);
    }
    return true;
}

bool qtest_rdmsr(Qtest *q, unsigned cpu, uint32_t index, uint64_t *value)
{
    g_autofree char *line = g_strdup_printf("rdmsr %u 0x%x", cpu, index);

    qtest_send(q, &q->protocol, line);
    return qtest_msr_reply(q, value);
}

bool qtest_wrmsr(Qtest *q, unsigned cpu, uint32_t index, uint64_t value)
{
    g_autofree char *line =
        g_strdup_printf("wrmsr %u 0x%x 0x%" PRIx64, cpu, index, value);

    qtest_send(q, &q->protocol, line);
    return qtest_msr_reply(q, NULL);
}

uint64_t qtest_rdtsc(Qtest *q, unsigned cpu)
{
    g_autofree char *r = qtest_command(q, "rdtsc %u", cpu);

    return qtest_number(q, r);
}

int64_t qtest_hypercall_args(Qtest *q, unsigned cpu, bool long_mode,
                             uint64_t nr, const uint64_t args[6])
{
    g_autofree char *r =
        qtest_command(q,
                      "xen_hypercall%s %u %" PRIu64 " 0x%" PRIx64 " 0x%" PRIx64
                      " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64,
                      long_mode ? "" : "32", cpu, nr, args[0], args[1], args[2],
                      args[3], args[4], args[5]);
    char *end;
    int64_t ret = g_ascii_strtoll(r, &end, 10);

    if (end == r || *end) {
        qtest_fatal(q, "%s: wanted a number, got: %s", q->request, r);
    }
    return ret;
}

void qtest_cut(Qtest *q, const char *keys)
{
    g_free(qtest_command(q, "jumpcut_cut %s", keys));
}

bool qtest_upcall(Qtest *q, unsigned cpu)
{
    g_autofree char *r = qtest_command(q, "jumpcut_upcall %u", cpu);

    return qtest_number(q, r);
}

int qtest_main(int argc, char **argv, const QtestCase *tests, size_t nr)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (size_t i = 0; i < nr; i++) {
        g_test_add_func(tests[i].path, tests[i].fn);
    }
    return g_test_run();
}
