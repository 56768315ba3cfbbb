/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world of the state-machine fuzz: a domain, its vCPUs' turns, time,
 * resets, migration, failing hosts, and the checks after each step.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/fuzz/fuzz-domain.h"
#include "tests/unit/fake-snapshot.h"

#define CONTINUATIONS_MAX 64u
/* Calls of the host that one hypercall may make before it is preempted. */
#define CALLS_MAX      20000u
#define HYPERCALL_PAGE 0x40000000u
#define MS             1000000ll

static const ActionTable *const tables[] = {
    &evtchn_actions,  &fifo_actions, &backend_actions, &grant_actions,
    &balloon_actions, &vcpu_actions, &memory_actions,  &store_actions,
    &life_actions,    &pirq_actions, &world_actions};

static void seed_step(World *w, unsigned step)
{
    uint64_t x = w->seed + 0x9e3779b97f4a7c15ull * (step + 1ull);

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    w->rng = (x ^ (x >> 31)) | 1;
    w->step = step;
}

void world_expect(World *w, const char *what, int64_t got, int64_t want)
{
    if (!w->faulty && got != want) {
        g_printerr("fuzz-domain: %s is %" PRId64 ", the model has %" PRId64
                   "\n",
                   what, got, want);
        g_assert_cmpint(got, ==, want);
    }
}

bool world_expect_ok(World *w, const char *what, int64_t got)
{
    world_expect(w, what, got, 0);
    if (got) {
        w->pins_known = false; /* done, perhaps, if only half of it */
    }
    return got == 0;
}

bool world_sees_shinfo(const World *w)
{
    return w->shinfo_mapped && w->shinfo_known;
}

void world_forget(World *w)
{
    evtchn_forget(w);
    vcpu_forget(w);
    memory_forget(w);
    backend_forget(w);
    grant_forget(w);
    balloon_forget(w);
    w->over = false;
}

void world_resync(World *w)
{
    w->g->vcpu = 0;
    w->g->compat = false;
    evtchn_resync(w);
}

/* The same world, but for the kind of its guest. */
static void become_pvh(World *w)
{
    XenDomainConfig cfg = xen_guest_config(w->nr_vcpus, w->minor);
    GError *error = NULL;

    cfg.pvh = true;
    xen_domain_free(w->g->d);
    w->g->d = xen_domain_new(fake_host_ops(w->g->fake), w->g->clock, &cfg,
                             &fake_tree_ops, w->g->tree, &error);
    g_assert_no_error(error);
}

World *world_new(uint64_t seed)
{
    World *w = g_new0(World, 1);

    w->seed = seed;
    seed_step(w, UINT_MAX);
    w->nr_vcpus = 1 + (unsigned)draw(w, FUZZ_MAX_VCPUS);
    w->minor = one_in(w, 2) ? 17 : 20;
    w->wild = one_in(w, 4);
    w->g = xen_guest_new(w->nr_vcpus, w->minor);
    fake_host_set_tracing(w->g->fake, false);
    if (one_in(w, 3)) {
        become_pvh(w);
    }
    xen_domain_reset(w->g->d);
    w->born = fake_host_alive(w->g->fake);
    world_forget(w);
    return w;
}

void world_free(World *w)
{
    xen_guest_free(w->g);
    g_free(w);
}

/* What the domain did with its vCPUs, in order. */
static void follow_vcpus(World *w)
{
    static const FakeEventKind kinds[] = {FAKE_VCPU_BLOCK, FAKE_VCPU_WAKE,
                                          FAKE_VCPU_OFFLINE};

    for (unsigned i = 0; i < w->nr_vcpus; i++) {
        bool told = false, stopped = w->at[i] != VCPU_RUNS;

        for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
            const FakeEvent *e;

            for (unsigned n = 0; (e = fake_host_event(w->g->fake, kinds[k], n));
                 n++) {
                told |= e->a == i;
                stopped |= e->a == i && kinds[k] != FAKE_VCPU_WAKE;
            }
        }
        if (!told) {
            continue;
        }
        switch (fake_host_vcpu_state(w->g->fake, i)) {
        case FAKE_VCPU_RUNNING:
            w->at[i] = stopped ? VCPU_WOKEN : VCPU_RUNS;
            break;
        case FAKE_VCPU_BLOCKED:
            w->at[i] = VCPU_BLOCKED;
            break;
        case FAKE_VCPU_OFF:
            w->at[i] = VCPU_OFF;
            break;
        }
    }
    w->over |= fake_host_event_count(w->g->fake, FAKE_SHUTDOWN) > 0;
    fake_host_clear_events(w->g->fake);
}

int64_t world_call(World *w, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
    XenHypercall call = {
        .long_mode = !w->compat[w->g->vcpu],
        .privileged = true,
        .nr = nr,
        .args = {a0, a1, a2},
    };
    int64_t ret = 0;

    for (unsigned n = 0; n < CONTINUATIONS_MAX; n++) {
        unsigned calls = fake_host_fallible_calls(w->g->fake);

        call.again = false;
        ret = xen_domain_hypercall(w->g->d, w->g->vcpu, &call);
        g_assert_cmpuint(fake_host_fallible_calls(w->g->fake) - calls, <,
                         CALLS_MAX);
        if (!call.again) {
            break;
        }
    }
    return ret;
}

int64_t world_op(World *w, uint64_t nr, uint64_t cmd, void *arg, size_t len)
{
    int64_t ret;

    if (len) {
        fake_host_poke(w->g->fake, XEN_GUEST_ARG, arg, len);
    }
    ret = world_call(w, nr, cmd, XEN_GUEST_ARG, 1);
    if (len) {
        fake_host_peek(w->g->fake, XEN_GUEST_ARG, arg, len);
    }
    return ret;
}

static void act_time(World *w)
{
    int64_t next = fake_host_next_deadline(w->g->fake);
    int64_t now = fake_host_now(w->g->fake);

    if (one_in(w, 3) && next > now && next < now + 10000 * MS) {
        fake_host_run_until(w->g->fake, next);
    } else {
        fake_host_advance(w->g->fake,
                          (int64_t)draw(w, one_in(w, 20) ? 1500 * MS : 3 * MS));
    }
}

static void act_mode(World *w)
{
    unsigned v = w->g->vcpu;

    if (one_in(w, 3)) {
        w->compat[v] = !w->compat[v];
        fake_host_set_long_mode(w->g->fake, v, !w->compat[v]);
    }
}

static void act_machine_reset(World *w)
{
    if (one_in(w, w->over ? 2 : 10)) {
        xen_domain_reset(w->g->d);
        world_forget(w);
    }
}

static void load_all(World *w, const GByteArray *clock, const GByteArray *state)
{
    StateReader *r = state_reader_new(clock->data, clock->len);
    GError *error = NULL;

    clock_load(w->g->clock, r);
    state_reader_finish(r, &error);
    g_assert_no_error(error);
    r = state_reader_new(state->data, state->len);
    xen_domain_load(w->g->d, r);
    state_reader_finish(r, &error);
    g_assert_no_error(error);
}

/* A domain is saved, lost and loaded: it must be the same, to the byte. */
static void act_migrate(World *w)
{
    g_autoptr(GByteArray) before = NULL, after = NULL, clock = NULL;
    StateWriter *writer = state_writer_new();
    FakeHostAlive alive = fake_host_alive(w->g->fake), loaded;
    unsigned granted = backend_pins(w);
    FakeSnapshot *snapshot;

    if (!one_in(w, 2)) {
        state_put_u64(writer, 1, 0);
        before = state_writer_finish(writer);
        return;
    }
    clock_save(w->g->clock, writer);
    clock = state_writer_finish(writer);
    before = xen_guest_save(w->g);
    snapshot = fake_host_snapshot(w->g->fake);
    xen_domain_reset(w->g->d);
    fake_host_restore(w->g->fake, snapshot);
    load_all(w, clock, before);
    backend_reconnect(w);
    after = xen_guest_save(w->g);
    g_assert_cmpmem(after->data, after->len, before->data, before->len);
    loaded = fake_host_alive(w->g->fake);
    if (w->pins_known) {
        g_assert_cmpuint(loaded.pins, ==, alive.pins - granted);
    }
    g_assert_cmpuint(loaded.overlays, ==, alive.overlays);
    g_assert_cmpuint(loaded.timers, ==, alive.timers);
    fake_host_clear_events(w->g->fake);
}

static void act_cut(World *w)
{
    HostProfile profile = {
        .set = (unsigned)draw(w, 1 << 7),
        .uptime_ns = draw(w, 1ull << (20 + draw(w, 38))),
        .tsc = draw_edge(w),
        .tsc_khz = 1 + draw(w, HOST_TSC_KHZ_MAX),
        .invtsc = one_in(w, 2),
        .tsc_scaling = one_in(w, 2),
        .wallclock_ns = (gint64)draw(w, 1ull << (30 + draw(w, 30))),
        .downtime_ns = draw(w, 1ull << (10 + draw(w, 40))),
    };
    g_autoptr(GError) error = NULL;
    ClockCut report;

    if (one_in(w, 2) && clock_cut(w->g->clock, fake_host_now(w->g->fake),
                                  &profile, &report, &error)) {
        xen_domain_clock_changed(w->g->d);
    }
}

static void act_msr(World *w)
{
    static const uint32_t indexes[] = {
        0x10, 0x3b, HYPERCALL_PAGE, 0x40000001, 0x40000200, 0x6e0, 0x1b};
    uint32_t index = indexes[draw(w, G_N_ELEMENTS(indexes))];
    uint64_t value = draw_edge(w);

    if (index == HYPERCALL_PAGE && !one_in(w, 8)) {
        value = (FUZZ_AREA_GFN + draw(w, FUZZ_AREA_NR)) << HOST_PAGE_SHIFT;
    }
    if (one_in(w, 2)) {
        xen_domain_rdmsr(w->g->d, w->g->vcpu, index, &value);
    } else if (xen_domain_wrmsr(w->g->d, w->g->vcpu, index, value) ==
                   GUEST_MSR_OK &&
               index == HYPERCALL_PAGE) {
        w->shinfo_32 = w->compat[w->g->vcpu];
        w->shinfo_known = true;
    }
}

static void act_cpuid(World *w)
{
    uint32_t leaf = 0x40000000u + (uint32_t)draw(w, 8);
    GuestCpuid out;

    leaf = one_in(w, 10) ? (uint32_t)draw_edge(w) : leaf;
    EXPECT(
        w,
        xen_domain_cpuid(w->g->d, w->g->vcpu, leaf, (uint32_t)draw(w, 4), &out),
        leaf >= 0x40000000 && leaf <= 0x4fffffff);
}

/* Any call with any arguments: the model learns what came of it. */
static void act_wild(World *w)
{
    uint64_t args[3], nr = draw(w, 64);
    uint8_t bytes[64];

    if (!w->wild) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(args); i++) {
        args[i] = one_in(w, 2) ? draw(w, 32) : draw_address(w);
    }
    if (one_in(w, 2)) {
        args[1] = XEN_GUEST_ARG;
    }
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = one_in(w, 3) ? (uint8_t)draw(w, 256) : 0;
    }
    fake_host_poke(w->g->fake, XEN_GUEST_ARG, bytes, sizeof(bytes));
    world_call(w, nr, args[0], args[1], args[2]);
    w->fifo = true; /* perhaps: then nothing is taken for granted */
    w->shinfo_known = w->overlays_known = w->pins_known = false;
    w->frames_known = false;
    w->grant_version = 0;
    world_resync(w);
}

static const Action *draw_action(World *w)
{
    unsigned total = 0;
    uint64_t at;

    for (unsigned t = 0; t < G_N_ELEMENTS(tables); t++) {
        for (unsigned i = 0; i < tables[t]->nr; i++) {
            total += tables[t]->actions[i].weight;
        }
    }
    at = draw(w, total);
    for (unsigned t = 0;; t++) {
        for (unsigned i = 0; i < tables[t]->nr; i++) {
            if (at < tables[t]->actions[i].weight) {
                return &tables[t]->actions[i];
            }
            at -= tables[t]->actions[i].weight;
        }
    }
}

/* One of the next step's calls to the host fails. */
static void act_fault(World *w)
{
    const Action *action = draw_action(w);

    if (action->run == act_fault || action->run == act_migrate) {
        return;
    }
    fake_host_fail_nth(w->g->fake, 1 + (unsigned)draw(w, 6));
    w->faulty = true;
    action->run(w);
    fake_host_fail_nth(w->g->fake, 0);
    w->faulty = false;
    world_resync(w);
}

static const Action actions[] = {
    {"time", 20, act_time},
    {"mode", 3, act_mode},
    {"machine_reset", 1, act_machine_reset},
    {"migrate", 3, act_migrate},
    {"cut", 2, act_cut},
    {"msr", 3, act_msr},
    {"cpuid", 1, act_cpuid},
    {"wild", 1, act_wild},
    {"fault", 5, act_fault},
};

const ActionTable world_actions = {actions, G_N_ELEMENTS(actions)};

static void vcpu_runs(World *w, unsigned vcpu)
{
    xen_domain_vcpu_running(w->g->d, vcpu);
    w->at[vcpu] = VCPU_RUNS;
}

/* A vCPU that runs has the turn; others may come to run. */
static unsigned choose_vcpu(World *w)
{
    for (unsigned n = 0; n < 8; n++) {
        unsigned vcpu = (unsigned)draw(w, w->nr_vcpus);

        if (w->at[vcpu] == VCPU_WOKEN ||
            (w->at[vcpu] == VCPU_BLOCKED && one_in(w, 3)) ||
            (w->at[vcpu] == VCPU_OFF && one_in(w, 6))) {
            vcpu_runs(w, vcpu);
        }
        if (w->at[vcpu] == VCPU_RUNS) {
            return vcpu;
        }
    }
    vcpu_runs(w, 0);
    return 0;
}

static void check_all(World *w)
{
    FakeHostAlive alive = fake_host_alive(w->g->fake);

    vcpu_check(w);
    evtchn_check(w);
    memory_check(w);
    backend_check(w);
    grant_check(w);
    balloon_check(w);
    g_assert_cmpuint(alive.timers, ==, w->born.timers);
    g_assert_cmpuint(alive.overlays, ==, w->born.overlays);
    if (w->step % 32 == 0) {
        g_assert_cmpuint(fake_host_undirtied_bytes(w->g->fake), ==, 0);
    }
}

/* It may have given away the pages it calls with. */
static bool can_call(World *w)
{
    static const GuestVirt pages[] = {{XEN_GUEST_ARG}, {XEN_GUEST_BUF}};
    Host *host = fake_host_ops(w->g->fake);
    const HostMemoryOps *mem = &host->ops->mem;
    uint8_t byte;

    for (unsigned i = 0; i < G_N_ELEMENTS(pages); i++) {
        if (!mem->virt_read(host, 0, pages[i], &byte, 1) ||
            !mem->virt_write(host, 0, pages[i], &byte, 1)) {
            return false;
        }
    }
    return true;
}

bool world_step(World *w, unsigned step)
{
    const Action *action;

    seed_step(w, step);
    w->g->vcpu = choose_vcpu(w);
    w->g->compat = w->compat[w->g->vcpu];
    action = draw_action(w);
    if (w->verbose) {
        g_printerr("%6u  %12" PRId64 " ns  vCPU %u  %s\n", step,
                   fake_host_now(w->g->fake), w->g->vcpu, action->name);
    }
    action->run(w);
    follow_vcpus(w);
    if (!can_call(w)) {
        return false;
    }
    check_all(w);
    fake_host_clear_events(w->g->fake);
    return true;
}
