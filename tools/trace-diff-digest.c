/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between two digests: parts, registers, pages. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/trace-diff.h"

#define PAGES_SHOWN 16

static const TracePart *find_part(const TraceDigest *d, const char *name)
{
    for (guint i = 0; i < d->parts->len; i++) {
        const TracePart *part = &g_array_index(d->parts, TracePart, i);

        if (!strcmp(part->name, name)) {
            return part;
        }
    }
    return NULL;
}

static void diff_parts(const TraceDigest *a, const TraceDigest *b)
{
    for (guint i = 0; i < a->parts->len; i++) {
        const TracePart *x = &g_array_index(a->parts, TracePart, i);
        const TracePart *y = find_part(b, x->name);

        if (!y) {
            printf("    part %s: in the first only\n", x->name);
        } else if (x->hash != y->hash) {
            printf("    part %s: %016" PRIx64 ", %016" PRIx64 "\n", x->name,
                   x->hash, y->hash);
        }
    }
    for (guint i = 0; i < b->parts->len; i++) {
        const TracePart *y = &g_array_index(b->parts, TracePart, i);

        if (!find_part(a, y->name)) {
            printf("    part %s: in the second only\n", y->name);
        }
    }
}

static void diff_registers(const TraceDigest *a, const TraceDigest *b)
{
    if (a->vcpus->len != b->vcpus->len) {
        printf("    vCPUs: %u, %u\n", a->vcpus->len, b->vcpus->len);
    }
    for (guint v = 0; v < MIN(a->vcpus->len, b->vcpus->len); v++) {
        const TraceRegisters *x = &g_array_index(a->vcpus, TraceRegisters, v);
        const TraceRegisters *y = &g_array_index(b->vcpus, TraceRegisters, v);

        for (unsigned r = 0; r < TRACE_REGISTERS; r++) {
            if (x->value[r] != y->value[r]) {
                printf("    vcpu%u %s: %" PRIx64 ", %" PRIx64 "\n", v,
                       trace_register_names[r], x->value[r], y->value[r]);
            }
        }
    }
}

static void print_page(unsigned shift, uint64_t pfn, const TracePage *x,
                       const TracePage *y)
{
    g_autofree char *pages = trace_pages(pfn, shift);

    if (x && y) {
        printf("    %s: %08x, %08x\n", pages, x->hash, y->hash);
    } else {
        printf("    %s: changed in the %s only\n", pages,
               x ? "first" : "second");
    }
}

/* Both lists ascend.  A page in one only changed in one run only. */
static void diff_pages(const TraceDigest *a, const TraceDigest *b)
{
    guint i = 0, j = 0, different = 0;

    if (a->page_shift != b->page_shift) {
        printf("    pages: in groups of different size\n");
        return;
    }
    while (i < a->pages->len || j < b->pages->len) {
        static const TracePage none = {G_MAXUINT64, 0};
        const TracePage *x =
            i < a->pages->len ? &g_array_index(a->pages, TracePage, i) : &none;
        const TracePage *y =
            j < b->pages->len ? &g_array_index(b->pages, TracePage, j) : &none;
        uint64_t pfn = MIN(x->pfn, y->pfn);
        gboolean both = x->pfn == y->pfn;

        i += x->pfn == pfn && x != &none;
        j += y->pfn == pfn && y != &none;
        if ((both && x->hash == y->hash) || ++different > PAGES_SHOWN) {
            continue;
        }
        print_page(a->page_shift, pfn, x->pfn == pfn ? x : NULL,
                   y->pfn == pfn ? y : NULL);
    }
    if (different > PAGES_SHOWN) {
        printf("    and %u more\n", different - PAGES_SHOWN);
    }
}

void trace_diff_digests(const TraceDigest *a, const TraceDigest *b)
{
    if (a->console_bytes != b->console_bytes ||
        a->console_crc != b->console_crc) {
        printf("    console: %" PRIu64 " bytes %08x, %" PRIu64 " bytes %08x\n",
               a->console_bytes, a->console_crc, b->console_bytes,
               b->console_crc);
    }
    diff_parts(a, b);
    diff_registers(a, b);
    diff_pages(a, b);
}
