/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A payload's grant table. */
#include "tests/payload/lib/grant.h"

static uint8_t table[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t status[PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned table_version;

long grant_op(unsigned op, void *arg, unsigned count)
{
    return xen_hypercall(__HYPERVISOR_grant_table_op, op, (uintptr_t)arg, count,
                         0);
}

uint16_t grant_domid(void)
{
    return (uint16_t)cpu_cpuid(0x40000004, 0).ecx;
}

long grant_lay(unsigned long idx, void *page)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_grant_table,
        .idx = idx,
        .gpfn = grant_gfn(page),
    };

    return xen_memory_op(XENMEM_add_to_physmap, &map);
}

bool grant_setup(unsigned version)
{
    struct gnttab_set_version set = {version};
    long ret = grant_op(GNTTABOP_set_version, &set, 1);

    if (!ret) {
        ret = grant_lay(0, table);
    }
    if (!ret && version == 2) {
        ret = grant_lay(XENMAPIDX_grant_table_status, status);
    }
    if (ret) {
        error("grant table of version %u: %ld", version, ret);
        return false;
    }
    table_version = version;
    return true;
}

union grant_entry_v2 *grant_entry_v2(uint32_t ref)
{
    return (union grant_entry_v2 *)table + ref;
}

static struct grant_entry_v1 *entry_v1(uint32_t ref)
{
    return (struct grant_entry_v1 *)table + ref;
}

/* The flags last, as the other side looks at them first. */
void grant_entry_frame(uint32_t ref, uint16_t flags, uint16_t domid,
                       uint64_t frame)
{
    volatile uint16_t *first;

    if (table_version == 1) {
        entry_v1(ref)->frame = (uint32_t)frame;
        entry_v1(ref)->domid = domid;
        first = &entry_v1(ref)->flags;
    } else {
        grant_entry_v2(ref)->full_page.pad0 = 0;
        grant_entry_v2(ref)->full_page.frame = frame;
        grant_entry_v2(ref)->hdr.domid = domid;
        first = &grant_entry_v2(ref)->hdr.flags;
    }
    barrier();
    *first = flags;
    barrier();
}

void grant_entry(uint32_t ref, uint16_t flags, uint16_t domid, const void *page)
{
    grant_entry_frame(ref, flags, domid, grant_gfn(page));
}

uint16_t grant_flags(uint32_t ref)
{
    barrier();
    return table_version == 1 ? entry_v1(ref)->flags
                              : grant_entry_v2(ref)->hdr.flags |
                                    ((grant_status_t *)status)[ref];
}

long grant_map(uint32_t ref, void *at, uint32_t flags, uint32_t *handle)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = (uintptr_t)at,
        .flags = flags,
        .ref = ref,
        .dom = grant_domid(),
    };
    long ret = grant_op(GNTTABOP_map_grant_ref, &op, 1);

    *handle = op.handle;
    return ret ? ret : op.status;
}

long grant_unmap(uint32_t handle, const void *at)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = (uintptr_t)at,
        .handle = handle,
    };
    long ret = grant_op(GNTTABOP_unmap_grant_ref, &op, 1);

    return ret ? ret : op.status;
}
