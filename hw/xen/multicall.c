/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many hypercalls in one (xen: common/multicall.c). */
#include "hw/xen/hypercall-internal.h"

/* Entries done before the guest may take an interrupt. */
#define BATCH 32u

/* In 32-bit layout; the 64-bit one is struct multicall_entry. */
typedef struct CompatEntry {
    uint32_t op, result;
    uint32_t args[6];
} CompatEntry;

XEN_ABI_SIZE(struct multicall_entry, 64);
XEN_ABI_SIZE(CompatEntry, 32);

static size_t entry_size(const XenCall *c)
{
    return c->compat ? sizeof(CompatEntry) : sizeof(struct multicall_entry);
}

static bool entry_read(XenCall *c, uint64_t gva, struct multicall_entry *entry)
{
    CompatEntry compat;

    if (!c->compat) {
        return xen_copy_in(c, gva, entry, sizeof(*entry));
    }
    if (!xen_copy_in(c, gva, &compat, sizeof(compat))) {
        return false;
    }
    entry->op = compat.op;
    entry->result = compat.result;
    for (size_t i = 0; i < G_N_ELEMENTS(compat.args); i++) {
        entry->args[i] = compat.args[i];
    }
    return true;
}

static bool entry_write(XenCall *c, uint64_t gva,
                        const struct multicall_entry *entry)
{
    CompatEntry compat = {(uint32_t)entry->op, (uint32_t)entry->result, {0}};

    for (size_t i = 0; i < G_N_ELEMENTS(compat.args); i++) {
        compat.args[i] = (uint32_t)entry->args[i];
    }
    return xen_copy_out(c, gva,
                        c->compat ? (const void *)&compat : (const void *)entry,
                        entry_size(c));
}

static bool result_write(XenCall *c, uint64_t gva, int64_t result)
{
    size_t size = c->compat ? sizeof(uint32_t) : sizeof(uint64_t);

    return xen_copy_out(c, gva + size, &result, size);
}

/* The entry at @gva. @return: 0, or -XEN_EFAULT; *@again: it is not finished */
static int64_t entry_do(XenCall *c, uint64_t gva, bool *again)
{
    struct multicall_entry entry;
    XenCall sub = {
        .d = c->d, .v = c->v, .compat = c->compat, .in_multicall = true};
    int64_t ret;

    if (!entry_read(c, gva, &entry)) {
        return -XEN_EFAULT;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(sub.args) - 1; i++) {
        sub.args[i] = entry.args[i];
    }
    ret = xen_hypercall_dispatch(&sub, entry.op);
    *again = sub.again;
    if (!sub.again) {
        return result_write(c, gva, ret) ? 0 : -XEN_EFAULT;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(sub.args) - 1; i++) {
        entry.args[i] = sub.args[i];
    }
    return entry_write(c, gva, &entry) ? 0 : -XEN_EFAULT;
}

/*
 * @return: 0, each entry having its own result; -XEN_EFAULT: an entry cannot
 * be read or written, those before it are done; -XEN_EINVAL: in a multicall
 */
int64_t xen_do_multicall(XenCall *c)
{
    uint32_t nr = (uint32_t)c->args[1];
    uint64_t gva = c->args[0];
    uint32_t done = 0;
    bool again = false;

    if (c->in_multicall) {
        return -XEN_EINVAL;
    }
    while (done < nr && done < BATCH && !again) {
        int64_t ret = entry_do(c, gva, &again);

        if (ret) {
            return ret;
        }
        if (!again) {
            gva += entry_size(c);
            done++;
        }
    }
    if (done < nr) {
        c->args[0] = gva;
        c->args[1] = nr - done;
        c->again = true;
    }
    return 0;
}
