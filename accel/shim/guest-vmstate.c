/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration state of a guest: one tagged stream (hw/state.h) inside one
 * VMState section.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "migration/vmstate.h"
#include "accel/shim/guest-internal.h"
#include "accel/shim/xenstore-qemu.h"

/* Longest stream taken from a peer: the xenstore tree and all the rest. */
#define STATE_MAX (XENSTORE_QEMU_STATE_MAX + (16u << 20))

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
    TAG_VCPU_VECTOR,
    TAG_VCPU_FLAGS,
    TAG_CONSOLE_INPUT,
    TAG_KIND,
    TAG_AP_STOP,
    TAG_BENEATH_AP_STOP,
    TAG_RANDOM_SEED,
    TAG_RANDOM_DRAWS,
    TAG_TURN_OWNER,
    TAG_TURN_LAST,
    TAG_TURN_LEFT,
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

static void put_vcpus(Guest *g, StateWriter *w)
{
    for (unsigned i = 0; i < g->nr_vcpus; i++) {
        ShimVcpuState state = shim_vcpu_state(i);

        state_put_u64(w, TAG_VCPU_VECTOR, state.vector);
        state_put_u64(w, TAG_VCPU_FLAGS, state.flags);
    }
}

static void load_vcpus(Guest *g, StateReader *r)
{
    for (unsigned i = 0; i < g->nr_vcpus; i++) {
        ShimVcpuState state;

        state.vector =
            state_get_u64(r, TAG_VCPU_VECTOR, "callback vector", UINT8_MAX);
        state.flags =
            state_get_u64(r, TAG_VCPU_FLAGS, "vCPU flags", SHIM_VCPU_FLAGS);
        shim_vcpu_set_state(i, state);
    }
}

static void put_turn(StateWriter *w)
{
    ShimTurn turn = shim_turn();

    state_put_u64(w, TAG_TURN_OWNER, turn.owner);
    state_put_u64(w, TAG_TURN_LAST, turn.last);
    state_put_u64(w, TAG_TURN_LEFT, turn.left);
}

static void load_turn(StateReader *r)
{
    ShimTurn turn = {
        .owner =
            state_get_u64(r, TAG_TURN_OWNER, "vCPU with the turn", UINT64_MAX),
        .last = state_get_u64(r, TAG_TURN_LAST, "vCPU before it", UINT64_MAX),
        .left = state_get_u64(r, TAG_TURN_LEFT, "rest of the turn", UINT64_MAX),
    };

    if (!state_reader_failed(r) && !shim_set_turn(&turn)) {
        state_reader_fail(r,
                          "turn of vCPU %" PRIu64 " after %" PRIu64
                          " with %" PRIu64 " instructions: there is none such",
                          turn.owner, turn.last, turn.left);
    }
}

static void put_console(Guest *g, StateWriter *w)
{
    size_t len;
    const uint8_t *input = shim_console_input(g->console, &len);

    state_put_u64(w, TAG_CONSOLE_BYTES, shim_console_bytes(g->console));
    state_put_bytes(w, TAG_CONSOLE_INPUT, input, len);
}

static void load_console(Guest *g, StateReader *r)
{
    uint64_t bytes =
        state_get_u64(r, TAG_CONSOLE_BYTES, "console bytes", UINT64_MAX);
    g_autoptr(GByteArray) input = state_get_blob(
        r, TAG_CONSOLE_INPUT, "console input", SHIM_CONSOLE_FIFO);

    shim_console_set_bytes(g->console, bytes);
    if (input) {
        shim_console_set_input(g->console, input->data, input->len);
    }
}

static void put_random(StateWriter *w)
{
    ShimRandom state = shim_random();

    state_put_u64(w, TAG_RANDOM_SEED, state.seed);
    state_put_u64(w, TAG_RANDOM_DRAWS, state.draws);
}

static void load_random(StateReader *r)
{
    ShimRandom state;

    state.seed = state_get_u64(r, TAG_RANDOM_SEED, "random seed", UINT64_MAX);
    state.draws =
        state_get_u64(r, TAG_RANDOM_DRAWS, "random numbers drawn", UINT64_MAX);
    shim_set_random(state);
}

/* All state of ours that migrates and counts for a digest. */
static GByteArray *guest_state(Guest *g)
{
    StateWriter *w = state_writer_new();

    state_put_u64(w, TAG_KIND, g->options.kind->flags);
    clock_save(g->clock, w);
    for (unsigned i = 0; i < g->nr_parts; i++) {
        g->parts[i].ops->save(g->parts[i].part, w);
    }
    put_vcpus(g, w);
    put_turn(w);
    put_console(g, w);
    put_random(w);
    state_put_u64(w, TAG_AP_STOP, g->ap_stop);
    state_put_bytes(w, TAG_BENEATH_AP_STOP, g->beneath_ap_stop,
                    g->ap_stop ? sizeof(g->beneath_ap_stop) : 0);
    state_put_u64(w, TAG_NR_CUTS, g->pending->len);
    for (unsigned i = 0; i < g->pending->len; i++) {
        put_cut(w, &g_array_index(g->pending, CutSpec, i));
    }
    faults_save(g->faults, w);
    return state_writer_finish(w);
}

static void load_ap_stop(Guest *g, StateReader *r)
{
    g->ap_stop = state_get_u64(r, TAG_AP_STOP, "code at wake-up", 1);
    state_get_bytes(r, TAG_BENEATH_AP_STOP, "bytes beneath it",
                    g->beneath_ap_stop,
                    g->ap_stop ? sizeof(g->beneath_ap_stop) : 0);
}

static void load_cuts(Guest *g, StateReader *r)
{
    uint64_t n =
        state_get_u64(r, TAG_NR_CUTS, "number of cuts", GUEST_CUTS_MAX);

    g_array_set_size(g->pending, 0);
    for (uint64_t i = 0; i < n; i++) {
        CutSpec cut;

        get_cut(r, &cut);
        g_array_append_val(g->pending, cut);
    }
}

/* The stream of another kind of guest has other parts. */
static void load_kind(const Guest *g, StateReader *r)
{
    uint64_t flags = state_get_u64(r, TAG_KIND, "kind of guest", UINT64_MAX);

    if (!state_reader_failed(r) && flags != g->options.kind->flags) {
        state_reader_fail(r,
                          "the state is of another kind of guest than %s "
                          "(flags 0x%" PRIx64 ", wanted 0x%x)",
                          g->options.kind->name, flags, g->options.kind->flags);
    }
}

static int guest_pre_save(void *opaque)
{
    Guest *g = opaque;
    GByteArray *state = guest_state(g);

    g->state_len = state->len;
    g->state = g_byte_array_free(state, false);
    return 0;
}

static int guest_post_save(void *opaque)
{
    Guest *g = opaque;

    g_clear_pointer(&g->state, g_free);
    g->state_len = 0;
    return 0;
}

static int guest_post_load(void *opaque, int version_id)
{
    Guest *g = opaque;
    StateReader *r = state_reader_new(g->state, g->state_len);
    g_autoptr(GError) error = NULL;
    bool ok;

    load_kind(g, r);
    shim_digester_forget(g->digester);
    clock_load(g->clock, r);
    for (unsigned i = 0; i < g->nr_parts; i++) {
        g->parts[i].ops->load(g->parts[i].part, r);
    }
    load_vcpus(g, r);
    load_turn(r);
    load_console(g, r);
    load_random(r);
    load_ap_stop(g, r);
    load_cuts(g, r);
    faults_load(g->faults, r);
    ok = state_reader_finish(r, &error);
    g_clear_pointer(&g->state, g_free);
    if (!ok) {
        error_report("jumpcut: migration state: %s", error->message);
        return -EINVAL;
    }
    for (unsigned i = 0; i < g->nr_parts; i++) {
        if (g->parts[i].ops->loaded) {
            g->parts[i].ops->loaded(g->parts[i].part);
        }
    }
    guest_arm_cut_timer(g);
    guest_arm_digest_timer(g);
    shim_tsc_changed();
    guest_hold_vcpus(g);
    host_tap_start(g->tap);
    return 0;
}

static bool state_len_valid(void *opaque, int version_id)
{
    Guest *g = opaque;

    return g->state_len <= STATE_MAX;
}

static const VMStateDescription vmstate_xen_hvm = {
    .name = "jumpcut/guest",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = guest_pre_save,
    .post_save = guest_post_save,
    .post_load = guest_post_load,
    .fields =
        (const VMStateField[]){
            VMSTATE_UINT32(state_len, Guest),
            VMSTATE_VALIDATE("state of a sane size", state_len_valid),
            VMSTATE_VBUFFER_ALLOC_UINT32(state, Guest, 1, NULL, state_len),
            VMSTATE_END_OF_LIST(),
        },
};

void guest_register_vmstate(Guest *g)
{
    vmstate_register(NULL, 0, &vmstate_xen_hvm, g);
}
