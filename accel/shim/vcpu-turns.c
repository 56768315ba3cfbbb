/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which vCPU executes, and for how long: a function of virtual time alone.
 *
 * Under icount QEMU's one thread gives each vCPU a slice in turn, and ends the
 * slice, with the turn, whenever anybody kicks: a RCU grace period, work that
 * another thread queues, a full code buffer, a timer.  When those come depends
 * on the host, so with several vCPUs the order in which they execute did, too.
 *
 * Here a turn is a number of instructions.  It ends when they are executed,
 * when the vCPU halts or when it says that it only waits (PAUSE, MWAIT).  What
 * else makes QEMU leave a vCPU splits a turn, which goes on where it was: that
 * is nothing a guest can notice.  So timers of the host's (a digest, a stop at
 * some time) are none of the guest's business either.
 *
 * Nothing executes, and no interrupt is taken, between a timer's time and the
 * end of all that the timer began: the work it queued is done first.  And no
 * timer fires while a vCPU executes.  Under icount QEMU fires them on the
 * vCPUs' thread alone (icount_handle_deadline), so those that are due at the
 * same instant fire in the order they were set in, and the interrupts that they
 * raise are judged at once: QEMU's local APIC has a vCPU that is asked from
 * another thread look for itself, which counts as work.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "cpu.h"
#include "exec/cputlb.h"
#include "hw/core/cpu.h"
#include "system/cpu-timers.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "accel/tcg/internal-common.h"
#include "accel/shim/vcpu-internal.h"

/*
 * A turn, in virtual time.  Long against what it takes to change vCPUs (some
 * microseconds of the host's), short against a guest's timer ticks.
 */
#define TURN_NS (500 * SCALE_US)
/* With one vCPU only how long until its TLBs are looked at depends on it. */
#define TURN_ALONE_NS (20 * SCALE_MS)
/* QEMU's most for one entry. */
#define DEADLINE_MAX_NS INT32_MAX

/*
 * QEMU shrinks a TLB that was little used for 100 ms of the host's time.  How
 * large it is decides what is still in it, and with that when the processor
 * sets an accessed bit again that the guest has cleared.  So windows begin and
 * end in virtual time.
 */
#define TLB_WINDOW_NS   (100 * SCALE_MS)
#define TLB_NOT_EXPIRED (INT64_MAX / 2)
#define TLB_EXPIRED     0

/* QEMU's, of util/qemu-timer.c; clock_find() proves it. */
typedef struct TimerClock {
    void *timer_lists;
    QEMUClockType type;
    bool enabled; /* timers fire */
} TimerClock;

static struct {
    bool on;
    TimerClock *clock; /* virtual time */
    bool timers;       /* they fired before the owner began to execute */
    int owner;         /* vCPU whose turn it is; -1: nobody's */
    unsigned last;     /* the one before */
    int64_t left;      /* instructions of the owner's turn */
    int64_t begun;     /* icount when the owner last began to execute */
    bool over;         /* the owner gives up what is left */
} turns;

bool vcpu_turns(void)
{
    return turns.on;
}

/* Would it execute if it had its turn? */
static bool turn_wanted(CPUState *cs)
{
    return !cs->unplug && (!cs->halted || vcpu_hold_has_work(cs));
}

/* Only a turn's end, not a moment of the host's, may look at this. */
bool vcpu_turns_alone(const CPUState *self)
{
    CPUState *cs;

    CPU_FOREACH(cs)
    {
        if (cs != self && turn_wanted(cs)) {
            return false;
        }
    }
    return true;
}

/* Is there anything to be done before a vCPU may go on? */
static bool turns_wait(void)
{
    CPUState *cs;

    CPU_FOREACH(cs)
    {
        if (!cpu_work_list_empty(cs) ||
            ((cs->stop || cs->stopped) && !cs->unplug)) {
            return true;
        }
    }
    return qemu_clock_deadline_ns_all(QEMU_CLOCK_VIRTUAL,
                                      QEMU_TIMER_ATTR_ALL) == 0;
}

static void turn_pick(void)
{
    unsigned nearest = UINT_MAX;
    CPUState *cs;

    CPU_FOREACH(cs)
    {
        unsigned distance =
            (cs->cpu_index + shim->nr_vcpus - turns.last - 1) % shim->nr_vcpus;

        if (distance < nearest && turn_wanted(cs)) {
            nearest = distance;
            turns.owner = cs->cpu_index;
        }
    }
}

static void tlb_set_windows(CPUState *cs, int64_t begin_ns)
{
    for (int i = 0; i < NB_MMU_MODES; i++) {
        cs->neg.tlb.d[i].window_begin_ns = begin_ns;
    }
}

/*
 * A new window for each TLB if the last one began long enough ago.  QEMU looks
 * at them when it flushes, and begins the next one in host time.
 */
static void tlb_new_windows(CPUState *cs, ShimVcpu *v)
{
    int64_t window = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) / TLB_WINDOW_NS;

    if (v->tlb_window != window) {
        v->tlb_window = window;
        tlb_set_windows(cs, TLB_EXPIRED);
        tlb_flush(cs);
    }
}

/* Whatever flushes a TLB until the next turn begins leaves its size. */
static void tlb_keep_windows(void)
{
    CPUState *cs;

    CPU_FOREACH(cs)
    {
        tlb_set_windows(cs, TLB_NOT_EXPIRED);
    }
}

static void turn_begin(void)
{
    CPUState *cs = qemu_get_cpu(turns.owner);

    turns.left = icount_round(CPU_NEXT(first_cpu) ? TURN_NS : TURN_ALONE_NS);
    turns.over = false;
    tlb_new_windows(cs, shim_vcpu(cs));
    tlb_keep_windows();
}

static void turn_end(void)
{
    turns.last = turns.owner;
    turns.owner = -1;
    turns.left = 0;
}

/*
 * May @cs execute, or look whether its halt ends?  With the big lock held, so
 * that no timer's callback is amid what it does.
 */
bool vcpu_turn_take(CPUState *cs)
{
    if (cs->exit_request || turns_wait()) {
        return false;
    }
    if (turns.owner < 0) {
        turn_pick();
        if (turns.owner < 0) {
            return false;
        }
        turn_begin();
    }
    return turns.owner == cs->cpu_index;
}

/*
 * @cs, whose turn it is, executes from now on: no longer than until a timer is
 * due.  QEMU gave it a budget that depends on its number of rounds.
 */
void vcpu_turn_enter(CPUState *cs)
{
    int64_t deadline =
        qemu_clock_deadline_ns_all(QEMU_CLOCK_VIRTUAL, QEMU_TIMER_ATTR_ALL);
    int64_t budget;

    if (deadline < 0 || deadline > DEADLINE_MAX_NS) {
        deadline = DEADLINE_MAX_NS;
    }
    budget = MIN(icount_round(deadline), turns.left);
    cs->icount_budget = budget;
    cs->neg.icount_decr.u16.low = MIN(budget, 0xffff);
    cs->icount_extra = budget - MIN(budget, 0xffff);
    turns.begun = icount_get_raw();
    /* No timer's callback is running: it would hold the big lock. */
    turns.timers = vcpu_turns_set_clock(false);
    tlb_set_windows(cs, TLB_NOT_EXPIRED);
}

void vcpu_turn_yield(void)
{
    turns.over = true;
}

/*
 * Do timers of virtual time fire from now on?  QEMU's own function waits for
 * a callback that is running, and tells the main loop.
 * @return: whether they did
 */
bool vcpu_turns_set_clock(bool enabled)
{
    bool before = turns.clock->enabled;

    turns.clock->enabled = enabled;
    return before;
}

static bool main_thread_began(void *opaque)
{
    return !runstate_is_running() ||
           (qemu_reset_requested_get() == SHUTDOWN_CAUSE_NONE &&
            qemu_shutdown_requested_get() == SHUTDOWN_CAUSE_NONE);
}

/*
 * The main thread may be amid another reset, for which the vCPUs are to stop
 * before it looks at this one: it is let have its way, as the one it is to
 * begin would begin with that, too.
 */
void shim_wait_for_main_thread(void)
{
    if (turns.on && !main_thread_began(NULL)) {
        vcpu_wait_stopped(main_thread_began, NULL, 1);
    }
}

/* A reset takes what is left of it, which would count as executed. */
static void forget_budget(CPUState *cs)
{
    cs->icount_budget = 0;
    cs->icount_extra = 0;
    cs->neg.icount_decr.u16.low = 0;
}

/*
 * @cs, whose turn it is, leaves QEMU's execution loop.  With the big lock held
 * since before it told anybody what time it is.
 */
void vcpu_turn_exit(CPUState *cs)
{
    turns.left -= icount_get_raw() - turns.begun;
    tlb_set_windows(cs, TLB_NOT_EXPIRED);
    /* Timers that are due fire once the machine is awake again. */
    turns.clock->enabled = turns.timers && !vcpu_sleep_asked();
    if (cs->halted || turns.over || turns.left <= 0) {
        turn_end();
    }
    /*
     * QEMU's main thread may be waiting for readers of RCU, of which its
     * execution loop is one.
     */
    rcu_read_unlock();
    forget_budget(cs);
    shim_wait_for_main_thread();
    if (vcpu_sleep_asked()) {
        vcpu_sleep_wait();
    }
    rcu_read_lock();
}

/* @cs, whose turn it is, stays halted. */
void vcpu_turn_declined(void)
{
    turn_end();
}

/*
 * An interrupt is taken when a vCPU begins to execute or amid it, never as it
 * stops: what is done at that time comes first.
 */
bool vcpu_turn_stops(const CPUState *cs)
{
    return cs->exit_request ||
           (uint32_t)cs->neg.icount_decr.u16.low + cs->icount_extra == 0;
}

void vcpu_turns_reset(void)
{
    turns.owner = -1;
    turns.last = shim->nr_vcpus - 1;
    turns.left = 0;
    turns.over = false;
}

void vcpu_turns_gone(const CPUState *cs)
{
    if (turns.owner == cs->cpu_index) {
        turn_end();
    }
}

/* A list of timers begins with a pointer to its clock. */
static TimerClock *clock_find(void)
{
    TimerClock *clock = *(TimerClock **)main_loop_tlg.tl[QEMU_CLOCK_VIRTUAL];
    bool enabled = clock->enabled;
    bool follows;

    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, false);
    follows = !clock->enabled;
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, true);
    follows &= clock->enabled;
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, enabled);
    return follows && clock->type == QEMU_CLOCK_VIRTUAL ? clock : NULL;
}

bool vcpu_turns_install(Error **errp)
{
    turns.on = icount_enabled() && replay_mode == REPLAY_MODE_NONE;
    turns.clock = clock_find();
    if (!turns.clock) {
        error_setg(errp, "QEMU's clock is not where it is in the QEMU this "
                         "plugin was built for");
        return false;
    }
    vcpu_turns_reset();
    if (turns.on) {
        vcpu_sleep_install();
    }
    return true;
}

/* For migration */

ShimTurn shim_turn(void)
{
    return (ShimTurn){
        .owner = turns.owner + 1,
        .last = turns.last,
        .left = turns.left,
    };
}

bool shim_set_turn(const ShimTurn *turn)
{
    if (turn->owner > shim->nr_vcpus || turn->last >= shim->nr_vcpus ||
        turn->left > INT64_MAX || (turn->owner != 0) != (turn->left != 0)) {
        return false;
    }
    turns.owner = (int)turn->owner - 1;
    turns.last = turn->last;
    turns.left = turn->left;
    turns.over = false;
    return true;
}

/*
 * A new process begins with empty TLBs of QEMU's first size.  So that a run
 * that goes on in one process is the same, it has to begin anew, too.
 */
static void tlb_begin_anew(CPUState *cs, run_on_cpu_data data)
{
    tlb_destroy(cs);
    tlb_init(cs);
    tlb_flush(cs); /* and what is remembered of blocks by their address */
    shim_vcpu(cs)->tlb_window = -1;
}

void shim_tlbs_begin_anew(void)
{
    CPUState *cs;

    if (!tcg_enabled()) {
        return;
    }
    CPU_FOREACH(cs)
    {
        async_run_on_cpu(cs, tlb_begin_anew, RUN_ON_CPU_NULL);
    }
}
