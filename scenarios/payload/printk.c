/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on the PV console.
 */
#include "scenarios/payload/printk.h"

#include <xen/io/console.h>

#define LINE_MAX 200

static struct xencons_interface *ring;
static unsigned port;

void printk_init(void)
{
    uint64_t pfn = 0, value = 0;

    if (xen_hvm_get_param(HVM_PARAM_CONSOLE_PFN, &pfn) != 0 ||
        xen_hvm_get_param(HVM_PARAM_CONSOLE_EVTCHN, &value) != 0) {
        error("no console");
        return;
    }
    ring = (void *)(uintptr_t)(pfn * PAGE_SIZE);
    port = (unsigned)value;
}

/* The back end takes all there is when it is told, so there is always room. */
static void put(const char *text, size_t len)
{
    uint32_t prod = ring->out_prod;

    for (size_t i = 0; i < len; i++) {
        ring->out[MASK_XENCONS_IDX(prod + i, ring->out)] = text[i];
    }
    __atomic_store_n(&ring->out_prod, prod + (uint32_t)len, __ATOMIC_RELEASE);
    evtchn_send(port);
}

static size_t print(char *to, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    format(to, size, fmt, ap);
    va_end(ap);
    return strlen(to);
}

void printk_at(uint64_t at_ns, const char *fmt, ...)
{
    char line[LINE_MAX + 2];
    size_t len = print(line, LINE_MAX, "[%5llu.%06llu] ",
                       (unsigned long long)(at_ns / NS_PER_S),
                       (unsigned long long)(at_ns % NS_PER_S / NS_PER_US));
    va_list ap;

    va_start(ap, fmt);
    format(line + len, LINE_MAX - len, fmt, ap);
    va_end(ap);
    len = strlen(line);
    line[len++] = '\r';
    line[len++] = '\n';
    put(line, len);
}
