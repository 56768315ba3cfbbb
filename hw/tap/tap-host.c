/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap's operations for what is not memory.  While it replays nothing of the
 * machine moves: timers fire and vCPUs answer as the request says.
 */
#include "hw/tap/tap-internal.h"

/* A timer of the logic's; @real is NULL while replaying. */
struct HostTimer {
    HostTap *tap;
    HostTimer *real;
    HostTimerFn *fn;
    void *opaque;
    guint id;
};

typedef struct TapApart {
    HostTap *tap;
    HostApartFn *fn;
    void *opaque;
    uint32_t arg;
    bool late; /* the call that asked for it is over, or goes on without it */
} TapApart;

static int64_t tap_now_ns(Host *host)
{
    HostTap *tap = tap_of(host);

    return tap->real->ops->now_ns(tap->real);
}

/* Timers */

static void timer_fired(void *opaque)
{
    HostTimer *timer = opaque;
    TapEntry entry = {.kind = TAP_TIMER, .arg = {timer->id}};
    HostTap *tap = timer->tap;

    host_tap_begin(tap, &entry);
    timer->fn(timer->opaque);
    host_tap_end(tap, NULL, 0);
}

static HostTimer *tap_timer_new(Host *host, HostTimerFn *fn, void *opaque)
{
    HostTap *tap = tap_of(host);
    HostTimer *timer = g_new0(HostTimer, 1);

    *timer = (HostTimer){.tap = tap, .fn = fn, .opaque = opaque};
    if (tap_records(tap)) {
        timer->real = tap->real->ops->timer_new(tap->real, timer_fired, timer);
        if (!timer->real) {
            g_free(timer);
            return NULL;
        }
    }
    timer->id = tap->timers->len;
    g_ptr_array_add(tap->timers, timer);
    return timer;
}

static void tap_timer_mod(Host *host, HostTimer *timer, int64_t expire_ns)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "timer/%x/%" G_GINT64_MODIFIER "x", timer->id, expire_ns);
    if (timer->real) {
        tap->real->ops->timer_mod(tap->real, timer->real, expire_ns);
    }
}

static void tap_timer_del(Host *host, HostTimer *timer)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "timer/%x/-", timer->id);
    if (timer->real) {
        tap->real->ops->timer_del(tap->real, timer->real);
    }
}

static void tap_timer_free(Host *host, HostTimer *timer)
{
    HostTap *tap = tap_of(host);

    if (timer->real) {
        tap->real->ops->timer_free(tap->real, timer->real);
    }
    g_ptr_array_index(tap->timers, timer->id) = NULL;
    g_free(timer);
}

bool tap_timer_fire(HostTap *tap, uint64_t id)
{
    HostTimer *timer =
        id < tap->timers->len ? g_ptr_array_index(tap->timers, id) : NULL;

    if (timer) {
        timer->fn(timer->opaque);
    }
    return timer;
}

/* Interrupts */

static void tap_lapic_inject(Host *host, unsigned vcpu, uint8_t vector)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "lapic/%x/%x", vcpu, vector);
    if (tap_records(tap)) {
        tap->real->ops->lapic_inject(tap->real, vcpu, vector);
    }
}

static void tap_vector_level(Host *host, unsigned vcpu, uint8_t vector,
                             bool level)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "vector/%x/%x/%d", vcpu, vector, level);
    if (tap_records(tap)) {
        tap->real->ops->vector_level(tap->real, vcpu, vector, level);
    }
}

static void tap_gsi_level(Host *host, unsigned gsi, bool level)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "gsi/%x/%d", gsi, level);
    if (tap_records(tap)) {
        tap_ask(tap);
        tap->real->ops->gsi_level(tap->real, gsi, level);
        tap_answered(tap, 0);
    } else {
        tap_next_input(tap);
    }
}

static int tap_pci_intx_to_gsi(Host *host, unsigned domain, unsigned bus,
                               unsigned devfn, unsigned pin)
{
    HostTap *tap = tap_of(host);

    if (tap_replays_step(tap)) {
        return (int)(int64_t)tap_next_input(tap);
    }
    tap_ask(tap);
    return (int)(int64_t)tap_answered(
        tap, (uint64_t)(int64_t)tap->real->ops->pci_intx_to_gsi(
                 tap->real, domain, bus, devfn, pin));
}

static bool tap_gsi_is_level(Host *host, unsigned gsi)
{
    HostTap *tap = tap_of(host);

    if (tap_replays_step(tap)) {
        return tap_next_input(tap);
    }
    tap_ask(tap);
    return tap_answered(tap, tap->real->ops->gsi_is_level(tap->real, gsi));
}

static void tap_gsi_release(Host *host, unsigned gsi)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "gsi-release/%x", gsi);
    if (tap_records(tap)) {
        tap->real->ops->gsi_release(tap->real, gsi);
    }
}

static void tap_nmi_inject(Host *host, unsigned vcpu)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "nmi/%x", vcpu);
    if (tap_records(tap)) {
        tap->real->ops->nmi_inject(tap->real, vcpu);
    }
}

/* Scheduling */

static void tap_vcpu_block(Host *host, unsigned vcpu)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "block/%x", vcpu);
    if (tap_records(tap)) {
        tap->real->ops->vcpu_block(tap->real, vcpu);
    }
}

static void tap_vcpu_wake(Host *host, unsigned vcpu)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "wake/%x", vcpu);
    if (tap_records(tap)) {
        tap_ask(tap);
        tap->real->ops->vcpu_wake(tap->real, vcpu);
        tap_answered(tap, 0);
    } else {
        tap_next_input(tap);
    }
}

static void tap_vcpu_offline(Host *host, unsigned vcpu)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "offline/%x", vcpu);
    if (tap_records(tap)) {
        tap->real->ops->vcpu_offline(tap->real, vcpu);
    }
}

static bool tap_vcpu_take_init(Host *host, unsigned vcpu)
{
    HostTap *tap = tap_of(host);

    if (!tap_records(tap)) {
        return tap_next_input(tap);
    }
    tap_ask(tap);
    return tap_answered(tap, tap->real->ops->vcpu_take_init(tap->real, vcpu));
}

static bool tap_vcpu_set_regs(Host *host, unsigned vcpu,
                              const HostVcpuRegs *regs)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "regs/%x/%" G_GINT64_MODIFIER "x/%" G_GINT64_MODIFIER "x",
            vcpu, regs->rip, regs->cr0);
    if (!tap_records(tap)) {
        return tap_next_input(tap);
    }
    tap_ask(tap);
    return tap_answered(tap,
                        tap->real->ops->vcpu_set_regs(tap->real, vcpu, regs));
}

static bool tap_vcpu_long_mode(Host *host, unsigned vcpu)
{
    HostTap *tap = tap_of(host);

    if (tap_replays_step(tap)) {
        return tap_next_input(tap);
    }
    tap_ask(tap);
    return tap_answered(tap, tap->real->ops->vcpu_long_mode(tap->real, vcpu));
}

static void tap_tlb_flush(Host *host, unsigned vcpu)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "flush/%x", vcpu);
    if (tap_records(tap)) {
        tap->real->ops->tlb_flush(tap->real, vcpu);
    }
}

/* The host ends more than vCPUs, its xenstore for one: in replay too. */
static void tap_shutdown(Host *host, unsigned vcpu, unsigned reason)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "shutdown/%x/%x", vcpu, reason);
    tap->real->ops->shutdown(tap->real, vcpu, reason);
}

/* Console */

static void tap_console_write(Host *host, const uint8_t *buf, size_t len)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "console/%zx/%x", len, tap_hash(buf, len));
    tap->real->ops->console_write(tap->real, buf, len);
}

static void tap_console_accept(Host *host)
{
    HostTap *tap = tap_of(host);

    tap_did(tap, "accept");
    if (tap_records(tap)) {
        tap_ask(tap);
        tap->real->ops->console_accept(tap->real);
        tap_answered(tap, 0);
    } else {
        tap_next_input(tap);
    }
}

/* Work that waits for a better place */

static void apart_now(void *opaque, uint32_t unused)
{
    TapApart *work = opaque;
    TapEntry entry = {.kind = TAP_APART};
    HostTap *tap = work->tap;

    (void)unused;
    if (!work->late) {
        work->fn(work->opaque, work->arg);
        work->late = true;
        return;
    }
    host_tap_begin(tap, &entry);
    work->fn(work->opaque, work->arg);
    host_tap_end(tap, NULL, 0);
    g_free(work);
}

static void apart_record(HostTap *tap, TapApart *work)
{
    bool late;

    tap_ask(tap);
    tap->real->ops->apart(tap->real, apart_now, work, 0);
    late = !work->late;
    tap_answered(tap, late);
    if (late) {
        work->late = true;
    } else {
        g_free(work);
    }
}

static void tap_apart(Host *host, HostApartFn *fn, void *opaque, uint32_t arg)
{
    HostTap *tap = tap_of(host);
    TapApart *work = g_new0(TapApart, 1);

    *work = (TapApart){.tap = tap, .fn = fn, .opaque = opaque, .arg = arg};
    if (tap_records(tap)) {
        apart_record(tap, work);
    } else if (tap->depth && tap_next_input(tap)) {
        g_queue_push_tail(tap->apart, work);
    } else {
        fn(opaque, arg);
        g_free(work);
    }
}

bool tap_apart_run(HostTap *tap)
{
    TapApart *work = g_queue_pop_head(tap->apart);

    if (!work) {
        return false;
    }
    work->fn(work->opaque, work->arg);
    g_free(work);
    return true;
}

/* Trace */

static void tap_trace(Host *host, HostTraceEvent event, uint64_t a, uint64_t b,
                      uint64_t c, uint64_t d)
{
    HostTap *tap = tap_of(host);

    tap->real->ops->trace(tap->real, event, a, b, c, d);
}

static bool tap_trace_enabled(Host *host, HostTraceEvent event)
{
    HostTap *tap = tap_of(host);

    return tap->real->ops->trace_enabled(tap->real, event);
}

void tap_host_ops(HostTap *tap)
{
    tap->ops = (HostOps){
        .now_ns = tap_now_ns,
        .timer_new = tap_timer_new,
        .timer_mod = tap_timer_mod,
        .timer_del = tap_timer_del,
        .timer_free = tap_timer_free,
        .lapic_inject = tap_lapic_inject,
        .vector_level = tap_vector_level,
        .gsi_level = tap_gsi_level,
        .pci_intx_to_gsi = tap_pci_intx_to_gsi,
        .gsi_is_level = tap_gsi_is_level,
        .gsi_release = tap_gsi_release,
        .nmi_inject = tap_nmi_inject,
        .vcpu_block = tap_vcpu_block,
        .vcpu_wake = tap_vcpu_wake,
        .vcpu_offline = tap_vcpu_offline,
        .vcpu_take_init = tap_vcpu_take_init,
        .vcpu_set_regs = tap_vcpu_set_regs,
        .vcpu_long_mode = tap_vcpu_long_mode,
        .tlb_flush = tap_tlb_flush,
        .shutdown = tap_shutdown,
        .console_write = tap_console_write,
        .console_accept = tap_console_accept,
        .apart = tap_apart,
        .trace = tap_trace,
        .trace_enabled = tap_trace_enabled,
    };
}
