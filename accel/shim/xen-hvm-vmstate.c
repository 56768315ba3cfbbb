/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration state of a Xen domain: one tagged stream (hw/state.h) inside one
 * VMState section.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "migration/vmstate.h"
#include "accel/shim/vcpu.h"
#include "accel/shim/xen-hvm-internal.h"
#include "accel/shim/xenstore-host.h"
#include "accel/shim/xenstore-qemu.h"

/* Longest stream taken from a peer: the xenstore tree is the bulk of it. */
#define STATE_MAX (16u << 20)
#define CUTS_MAX  4096u

enum {
    TAG_CONSOLE_BYTES = 0x0100,
    TAG_NR_CUTS,
    TAG_CUT_AT,
    TAG_CUT_SET,
    TAG_CUT_UPTIME,
    TAG_CUT_TSC,
    TAG_CUT_TSC_KHZ,
    TAG_CUT_INVTSC,
    TAG_CUT_TSC_SCALING,
    TAG_CUT_WALLCLOCK,
    TAG_CUT_DOWNTIME,
    TAG_TREE,
    TAG_VCPU_VECTOR,
    TAG_VCPU_FLAGS,
    TAG_CONSOLE_INPUT,
};

static void put_cut(StateWriter *w, const CutSpec *cut)
{
    const HostProfile *p = &cut->profile;

    state_put_u64(w, TAG_CUT_AT, cut->at_ns);
    state_put_u64(w, TAG_CUT_SET, p->set);
    state_put_u64(w, TAG_CUT_UPTIME, p->uptime_ns);
    state_put_u64(w, TAG_CUT_TSC, p->tsc);
    state_put_u64(w, TAG_CUT_TSC_KHZ, p->tsc_khz);
    state_put_u64(w, TAG_CUT_INVTSC, p->invtsc);
    state_put_u64(w, TAG_CUT_TSC_SCALING, p->tsc_scaling);
    state_put_u64(w, TAG_CUT_WALLCLOCK, p->wallclock_ns);
    state_put_u64(w, TAG_CUT_DOWNTIME, p->downtime_ns);
}

static void get_cut(StateReader *r, CutSpec *cut)
{
    HostProfile *p = &cut->profile;

    cut->at_ns = state_get_u64(r, TAG_CUT_AT, "cut time", INT64_MAX);
    p->set = state_get_u64(r, TAG_CUT_SET, "cut fields", 0x7f);
    p->uptime_ns =
        state_get_u64(r, TAG_CUT_UPTIME, "cut uptime", HOST_UPTIME_NS_MAX);
    p->tsc = state_get_u64(r, TAG_CUT_TSC, "cut TSC", UINT64_MAX);
    p->tsc_khz = state_get_u64(r, TAG_CUT_TSC_KHZ, "cut TSC frequency",
                               HOST_TSC_KHZ_MAX);
    p->invtsc = state_get_u64(r, TAG_CUT_INVTSC, "cut invtsc", 1);
    p->tsc_scaling = state_get_u64(r, TAG_CUT_TSC_SCALING, "cut scaling", 1);
    p->wallclock_ns =
        state_get_u64(r, TAG_CUT_WALLCLOCK, "cut wall clock", UINT64_MAX);
    p->downtime_ns =
        state_get_u64(r, TAG_CUT_DOWNTIME, "cut downtime", HOST_UPTIME_NS_MAX);
}

static void put_vcpus(XenHvm *x, StateWriter *w)
{
    for (unsigned i = 0; i < x->nr_vcpus; i++) {
        ShimVcpuState state = shim_vcpu_state(i);

        state_put_u64(w, TAG_VCPU_VECTOR, state.vector);
        state_put_u64(w, TAG_VCPU_FLAGS, state.flags);
    }
}

static void load_vcpus(XenHvm *x, StateReader *r)
{
    for (unsigned i = 0; i < x->nr_vcpus; i++) {
        ShimVcpuState state;

        state.vector =
            state_get_u64(r, TAG_VCPU_VECTOR, "callback vector", UINT8_MAX);
        state.flags =
            state_get_u64(r, TAG_VCPU_FLAGS, "vCPU flags", SHIM_VCPU_FLAGS);
        shim_vcpu_set_state(i, state);
    }
}

static void put_console(XenHvm *x, StateWriter *w)
{
    size_t len;
    const uint8_t *input = shim_console_input(x->console, &len);

    state_put_u64(w, TAG_CONSOLE_BYTES, shim_console_bytes(x->console));
    state_put_bytes(w, TAG_CONSOLE_INPUT, input, len);
}

static void load_console(XenHvm *x, StateReader *r)
{
    uint64_t bytes =
        state_get_u64(r, TAG_CONSOLE_BYTES, "console bytes", UINT64_MAX);
    g_autoptr(GByteArray) input = state_get_blob(
        r, TAG_CONSOLE_INPUT, "console input", SHIM_CONSOLE_FIFO);

    shim_console_set_bytes(x->console, bytes);
    if (input) {
        shim_console_set_input(x->console, input->data, input->len);
    }
}

GByteArray *xen_hvm_state(XenHvm *x)
{
    StateWriter *w = state_writer_new();
    g_autoptr(GByteArray) tree = xenstore_qemu_save(x->tree);

    clock_save(x->clock, w);
    state_put_bytes(w, TAG_TREE, tree->data, tree->len);
    xen_domain_save(x->domain, w);
    put_vcpus(x, w);
    put_console(x, w);
    state_put_u64(w, TAG_NR_CUTS, x->pending->len);
    for (unsigned i = 0; i < x->pending->len; i++) {
        put_cut(w, &g_array_index(x->pending, CutSpec, i));
    }
    return state_writer_finish(w);
}

static void load_cuts(XenHvm *x, StateReader *r)
{
    uint64_t n = state_get_u64(r, TAG_NR_CUTS, "number of cuts", CUTS_MAX);

    g_array_set_size(x->pending, 0);
    for (uint64_t i = 0; i < n; i++) {
        CutSpec cut;

        get_cut(r, &cut);
        g_array_append_val(x->pending, cut);
    }
}

static int xen_hvm_pre_save(void *opaque)
{
    XenHvm *x = opaque;
    GByteArray *state = xen_hvm_state(x);

    x->state_len = state->len;
    x->state = g_byte_array_free(state, false);
    return 0;
}

static int xen_hvm_post_save(void *opaque)
{
    XenHvm *x = opaque;

    g_clear_pointer(&x->state, g_free);
    x->state_len = 0;
    return 0;
}

static int xen_hvm_post_load(void *opaque, int version_id)
{
    XenHvm *x = opaque;
    StateReader *r = state_reader_new(x->state, x->state_len);
    g_autoptr(GByteArray) tree = NULL;
    g_autoptr(GError) error = NULL;
    bool ok;

    clock_load(x->clock, r);
    tree = state_get_blob(r, TAG_TREE, "xenstore tree", STATE_MAX);
    if (tree) {
        xenstore_qemu_load(x->tree, tree, r);
    }
    xen_domain_load(x->domain, r);
    load_vcpus(x, r);
    load_console(x, r);
    load_cuts(x, r);
    ok = state_reader_finish(r, &error);
    g_clear_pointer(&x->state, g_free);
    if (!ok) {
        error_report("jumpcut: migration state: %s", error->message);
        return -EINVAL;
    }
    xen_hvm_arm_cut_timer(x);
    xen_hvm_arm_digest_timer(x);
    shim_xenstore_replaced();
    shim_tsc_changed();
    return 0;
}

static bool state_len_valid(void *opaque, int version_id)
{
    XenHvm *x = opaque;

    return x->state_len <= STATE_MAX;
}

static const VMStateDescription vmstate_xen_hvm = {
    .name = "jumpcut/xen-hvm",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = xen_hvm_pre_save,
    .post_save = xen_hvm_post_save,
    .post_load = xen_hvm_post_load,
    .fields =
        (const VMStateField[]){
            VMSTATE_UINT32(state_len, XenHvm),
            VMSTATE_VALIDATE("state of a sane size", state_len_valid),
            VMSTATE_VBUFFER_ALLOC_UINT32(state, XenHvm, 1, NULL, state_len),
            VMSTATE_END_OF_LIST(),
        },
};

void xen_hvm_register_vmstate(XenHvm *x)
{
    vmstate_register(NULL, 0, &vmstate_xen_hvm, x);
}
