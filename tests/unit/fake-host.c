/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time, timers, vCPUs, records and faults of the fake host. */
#include "tests/unit/fake-host-internal.h"

#include <string.h>

/* More firings in one run than any test wants: a timer re-arms for ever. */
#define FAKE_MAX_FIRINGS 10000000u

struct HostTimer {
    HostTimerFn *fn;
    void *opaque;
    bool armed;
    int64_t expire_ns;
};

bool fake_host_fault(FakeHost *fake)
{
    fake->calls++;
    if (fake->calls != fake->fail_at) {
        return false;
    }
    fake->fired = true;
    return true;
}

void fake_host_fail_nth(FakeHost *fake, unsigned n)
{
    fake->fail_at = n ? fake->calls + n : 0;
    fake->fired = false;
}

bool fake_host_fault_fired(const FakeHost *fake)
{
    return fake->fired;
}

unsigned fake_host_fallible_calls(const FakeHost *fake)
{
    return fake->calls;
}

static FakeVcpu *vcpu_of(Host *host, unsigned vcpu)
{
    FakeHost *fake = fake_host_from(host);

    g_assert_cmpuint(vcpu, <, fake->nr_vcpus);
    return &fake->vcpus[vcpu];
}

static void record(Host *host, FakeEvent event)
{
    FakeHost *fake = fake_host_from(host);

    event.at_ns = fake->now_ns;
    g_array_append_val(fake->events, event);
}

static int64_t fake_now_ns(Host *host)
{
    return fake_host_from(host)->now_ns;
}

static HostTimer *fake_timer_new(Host *host, HostTimerFn *fn, void *opaque)
{
    HostTimer *timer = g_new0(HostTimer, 1);

    timer->fn = fn;
    timer->opaque = opaque;
    g_ptr_array_add(fake_host_from(host)->timers, timer);
    return timer;
}

static void assert_timer_alive(Host *host, HostTimer *timer)
{
    g_assert_true(g_ptr_array_find(fake_host_from(host)->timers, timer, NULL));
}

static void fake_timer_mod(Host *host, HostTimer *timer, int64_t expire_ns)
{
    assert_timer_alive(host, timer);
    timer->armed = true;
    timer->expire_ns = expire_ns;
}

static void fake_timer_del(Host *host, HostTimer *timer)
{
    assert_timer_alive(host, timer);
    timer->armed = false;
}

static void fake_timer_free(Host *host, HostTimer *timer)
{
    assert_timer_alive(host, timer);
    g_ptr_array_remove(fake_host_from(host)->timers, timer);
    g_free(timer);
}

static HostTimer *next_timer(const FakeHost *fake)
{
    HostTimer *next = NULL;

    for (unsigned i = 0; i < fake->timers->len; i++) {
        HostTimer *timer = fake->timers->pdata[i];

        if (timer->armed && (!next || timer->expire_ns < next->expire_ns)) {
            next = timer;
        }
    }
    return next;
}

int64_t fake_host_next_deadline(const FakeHost *fake)
{
    const HostTimer *timer = next_timer(fake);

    return timer ? timer->expire_ns : INT64_MAX;
}

void fake_host_run_until(FakeHost *fake, int64_t at_ns)
{
    unsigned firings = 0;
    HostTimer *timer;

    g_assert_cmpint(at_ns, >=, fake->now_ns);
    while ((timer = next_timer(fake)) && timer->expire_ns <= at_ns) {
        fake->now_ns = MAX(fake->now_ns, timer->expire_ns);
        timer->armed = false;
        timer->fn(timer->opaque); /* may free the timer */
        g_assert_cmpuint(++firings, <, FAKE_MAX_FIRINGS);
    }
    fake->now_ns = at_ns;
}

void fake_host_advance(FakeHost *fake, int64_t ns)
{
    g_assert_cmpint(ns, >=, 0);
    g_assert_cmpint(ns, <=, INT64_MAX - fake->now_ns);
    fake_host_run_until(fake, fake->now_ns + ns);
}

int64_t fake_host_now(const FakeHost *fake)
{
    return fake->now_ns;
}

static void fake_lapic_inject(Host *host, unsigned vcpu, uint8_t vector)
{
    vcpu_of(host, vcpu);
    record(host,
           (FakeEvent){.kind = FAKE_LAPIC_INJECT, .a = vcpu, .b = vector});
}

static void fake_vector_level(Host *host, unsigned vcpu, uint8_t vector,
                              bool level)
{
    vcpu_of(host, vcpu)->vector_held = level ? vector : 0;
    record(host,
           (FakeEvent){
               .kind = FAKE_VECTOR_LEVEL, .a = vcpu, .b = vector, .c = level});
}

static void fake_gsi_level(Host *host, unsigned gsi, bool level)
{
    g_assert_cmpuint(gsi, <, FAKE_MAX_GSIS);
    fake_host_from(host)->gsi_held[gsi] = level;
    record(host, (FakeEvent){.kind = FAKE_GSI_LEVEL, .a = gsi, .b = level});
}

static int fake_pci_intx_to_gsi(Host *host, unsigned domain, unsigned bus,
                                unsigned devfn, unsigned pin)
{
    (void)host;
    if (domain || bus || devfn > 0xff || pin > 3) {
        return -1;
    }
    return 16 + ((devfn >> 3) + pin) % 4;
}

static bool fake_gsi_is_level(Host *host, unsigned gsi)
{
    (void)host;
    return gsi >= 16 || gsi == 10 || gsi == 11;
}

static void fake_gsi_release(Host *host, unsigned gsi)
{
    fake_gsi_level(host, gsi, true);
}

static void fake_tlb_flush(Host *host, unsigned vcpu)
{
    record(host, (FakeEvent){.kind = FAKE_TLB_FLUSH, .a = vcpu});
}

static void fake_nmi_inject(Host *host, unsigned vcpu)
{
    vcpu_of(host, vcpu);
    record(host, (FakeEvent){.kind = FAKE_NMI_INJECT, .a = vcpu});
}

static void fake_vcpu_block(Host *host, unsigned vcpu)
{
    vcpu_of(host, vcpu)->state = FAKE_VCPU_BLOCKED;
    record(host, (FakeEvent){.kind = FAKE_VCPU_BLOCK, .a = vcpu});
}

static void fake_vcpu_wake(Host *host, unsigned vcpu)
{
    vcpu_of(host, vcpu)->state = FAKE_VCPU_RUNNING;
    record(host, (FakeEvent){.kind = FAKE_VCPU_WAKE, .a = vcpu});
}

static void fake_vcpu_offline(Host *host, unsigned vcpu)
{
    vcpu_of(host, vcpu)->state = FAKE_VCPU_OFF;
    record(host, (FakeEvent){.kind = FAKE_VCPU_OFFLINE, .a = vcpu});
}

static bool fake_vcpu_take_init(Host *host, unsigned vcpu)
{
    FakeVcpu *v = vcpu_of(host, vcpu);
    bool taken = v->init_pending;

    v->init_pending = false;
    return taken;
}

void fake_host_send_init(FakeHost *fake, unsigned vcpu)
{
    vcpu_of(&fake->host, vcpu)->init_pending = true;
}

static bool fake_vcpu_set_regs(Host *host, unsigned vcpu,
                               const HostVcpuRegs *regs)
{
    FakeVcpu *v = vcpu_of(host, vcpu);

    if ((regs->cr4 & FAKE_CR4_UNKNOWN) || (regs->efer & FAKE_EFER_UNKNOWN)) {
        return false;
    }
    v->regs = *regs;
    v->state = FAKE_VCPU_OFF;
    record(host, (FakeEvent){.kind = FAKE_VCPU_SET_REGS, .a = vcpu});
    return true;
}

const HostVcpuRegs *fake_host_vcpu_regs(const FakeHost *fake, unsigned vcpu)
{
    g_assert_cmpuint(vcpu, <, fake->nr_vcpus);
    return &fake->vcpus[vcpu].regs;
}

static bool fake_vcpu_long_mode(Host *host, unsigned vcpu)
{
    return vcpu_of(host, vcpu)->long_mode;
}

static void fake_shutdown(Host *host, unsigned vcpu, unsigned reason)
{
    vcpu_of(host, vcpu);
    record(host, (FakeEvent){.kind = FAKE_SHUTDOWN, .a = vcpu, .b = reason});
}

static void fake_console_write(Host *host, const uint8_t *buf, size_t len)
{
    g_string_append_len(fake_host_from(host)->console, (const char *)buf, len);
}

static void fake_apart(G_GNUC_UNUSED Host *host, HostApartFn *fn, void *opaque,
                       uint32_t arg)
{
    fn(opaque, arg);
}

static void fake_console_accept(Host *host)
{
    record(host, (FakeEvent){.kind = FAKE_CONSOLE_ACCEPT});
}

static void fake_trace(Host *host, HostTraceEvent event, uint64_t a, uint64_t b,
                       uint64_t c, uint64_t d)
{
    g_assert_cmpuint(event, <, HOST_TRACE__MAX);
    record(host,
           (FakeEvent){
               .kind = FAKE_TRACE, .a = event, .b = a, .c = b, .d = c, .e = d});
}

static bool fake_trace_enabled(Host *host, HostTraceEvent event)
{
    g_assert_cmpuint(event, <, HOST_TRACE__MAX);
    return fake_host_from(host)->tracing;
}

unsigned fake_host_event_count(const FakeHost *fake, FakeEventKind kind)
{
    unsigned count = 0;

    for (unsigned i = 0; i < fake->events->len; i++) {
        count += g_array_index(fake->events, FakeEvent, i).kind == kind;
    }
    return count;
}

const FakeEvent *fake_host_event(const FakeHost *fake, FakeEventKind kind,
                                 unsigned nth)
{
    for (unsigned i = 0; i < fake->events->len; i++) {
        const FakeEvent *event = &g_array_index(fake->events, FakeEvent, i);

        if (event->kind == kind && nth-- == 0) {
            return event;
        }
    }
    return NULL;
}

const FakeEvent *fake_host_last_event(const FakeHost *fake, FakeEventKind kind)
{
    unsigned count = fake_host_event_count(fake, kind);

    return count ? fake_host_event(fake, kind, count - 1) : NULL;
}

unsigned fake_host_trace_count(const FakeHost *fake, HostTraceEvent event)
{
    unsigned count = 0;

    for (unsigned i = 0; i < fake->events->len; i++) {
        const FakeEvent *e = &g_array_index(fake->events, FakeEvent, i);

        count += e->kind == FAKE_TRACE && e->a == event;
    }
    return count;
}

const FakeEvent *fake_host_last_trace(const FakeHost *fake,
                                      HostTraceEvent event)
{
    for (unsigned i = fake->events->len; i > 0; i--) {
        const FakeEvent *e = &g_array_index(fake->events, FakeEvent, i - 1);

        if (e->kind == FAKE_TRACE && e->a == event) {
            return e;
        }
    }
    return NULL;
}

void fake_host_clear_events(FakeHost *fake)
{
    g_array_set_size(fake->events, 0);
}

FakeVcpuState fake_host_vcpu_state(const FakeHost *fake, unsigned vcpu)
{
    g_assert_cmpuint(vcpu, <, fake->nr_vcpus);
    return fake->vcpus[vcpu].state;
}

uint8_t fake_host_vector_held(const FakeHost *fake, unsigned vcpu)
{
    g_assert_cmpuint(vcpu, <, fake->nr_vcpus);
    return fake->vcpus[vcpu].vector_held;
}

bool fake_host_gsi_held(const FakeHost *fake, unsigned gsi)
{
    g_assert_cmpuint(gsi, <, FAKE_MAX_GSIS);
    return fake->gsi_held[gsi];
}

const char *fake_host_console(const FakeHost *fake)
{
    return fake->console->str;
}

void fake_host_set_long_mode(FakeHost *fake, unsigned vcpu, bool long_mode)
{
    vcpu_of(&fake->host, vcpu)->long_mode = long_mode;
}

void fake_host_set_tracing(FakeHost *fake, bool tracing)
{
    fake->tracing = tracing;
}

static const HostOps fake_ops = {
    .now_ns = fake_now_ns,
    .mem.phys_read = fake_phys_read,
    .mem.phys_write = fake_phys_write,
    .mem.virt_read = fake_virt_read,
    .mem.virt_write = fake_virt_write,
    .mem.page_pin = fake_page_pin,
    .mem.page_unpin = fake_page_unpin,
    .mem.page_ptr = fake_page_ptr,
    .mem.page_dirty = fake_page_dirty,
    .mem.page_name = fake_page_name,
    .mem.page_pin_named = fake_page_pin_named,
    .mem.frame_set = fake_frame_set,
    .mem.frames_sync = fake_frames_sync,
    .mem.frames_reset = fake_frames_reset,
    .mem.frame_clear = fake_frame_clear,
    .mem.frame_pinned = fake_frame_pinned,
    .mem.overlay_new = fake_overlay_new,
    .mem.overlay_map = fake_overlay_map,
    .mem.overlay_unmap = fake_overlay_unmap,
    .mem.overlay_free = fake_overlay_free,
    .mem.alias_map = fake_alias_map,
    .mem.alias_unmap = fake_alias_unmap,
    .timer_new = fake_timer_new,
    .timer_mod = fake_timer_mod,
    .timer_del = fake_timer_del,
    .timer_free = fake_timer_free,
    .lapic_inject = fake_lapic_inject,
    .vector_level = fake_vector_level,
    .gsi_level = fake_gsi_level,
    .pci_intx_to_gsi = fake_pci_intx_to_gsi,
    .gsi_is_level = fake_gsi_is_level,
    .gsi_release = fake_gsi_release,
    .nmi_inject = fake_nmi_inject,
    .tlb_flush = fake_tlb_flush,
    .vcpu_block = fake_vcpu_block,
    .vcpu_wake = fake_vcpu_wake,
    .vcpu_offline = fake_vcpu_offline,
    .vcpu_take_init = fake_vcpu_take_init,
    .vcpu_set_regs = fake_vcpu_set_regs,
    .vcpu_long_mode = fake_vcpu_long_mode,
    .shutdown = fake_shutdown,
    .console_write = fake_console_write,
    .console_accept = fake_console_accept,
    .apart = fake_apart,
    .trace = fake_trace,
    .trace_enabled = fake_trace_enabled,
};

FakeHost *fake_host_new(unsigned nr_vcpus, uint64_t nr_frames)
{
    FakeHost *fake = g_new0(FakeHost, 1);

    g_assert_cmpuint(nr_vcpus, <=, FAKE_MAX_VCPUS);
    fake->host.ops = &fake_ops;
    fake->nr_vcpus = nr_vcpus;
    for (unsigned i = 0; i < nr_vcpus; i++) {
        fake->vcpus[i].long_mode = true;
    }
    fake->timers = g_ptr_array_new();
    fake->events = g_array_new(FALSE, FALSE, sizeof(FakeEvent));
    fake->console = g_string_new(NULL);
    fake->tracing = true;
    fake_memory_init(&fake->mem, nr_frames);
    return fake;
}

FakeHostAlive fake_host_alive(const FakeHost *fake)
{
    return (FakeHostAlive){
        .pins = fake->mem.pins->len,
        .aliases = fake->mem.aliases->len,
        .overlays = fake->mem.overlays->len,
        .timers = fake->timers->len,
    };
}

void fake_host_free(FakeHost *fake)
{
    FakeHostAlive alive = fake_host_alive(fake);

    g_assert_cmpuint(alive.pins, ==, 0);
    g_assert_cmpuint(alive.overlays, ==, 0);
    g_assert_cmpuint(alive.timers, ==, 0);
    g_assert_cmpuint(alive.aliases, ==, 0);
    fake_memory_destroy(&fake->mem);
    g_ptr_array_unref(fake->timers);
    g_array_unref(fake->events);
    g_string_free(fake->console, TRUE);
    g_free(fake);
}

Host *fake_host_ops(FakeHost *fake)
{
    return &fake->host;
}
