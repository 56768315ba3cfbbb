/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TSC deadlines: when one is reached, what the MSR and the timer register make
 * of it, and what becomes of it when the TSC, the clock or the machine changes.
 */
#include <inttypes.h>

#include "hw/clock/tsc-deadline.h"
#include "tests/unit/fake-host.h"

#define NR_VCPUS 2u
#define VECTOR   0xecu
#define ARMED    (TSC_DEADLINE_LVT_MODE | VECTOR)
#define TSC_0    1000000u
#define PERIODIC (1u << 17)

typedef struct World {
    FakeHost *fake;
    Clock *clock;
    TscDeadline *td;
    uint32_t lvt[NR_VCPUS];
} World;

static uint32_t world_lvt(void *opaque, unsigned vcpu)
{
    World *w = opaque;

    return w->lvt[vcpu];
}

static TscDeadline *deadlines_new(World *w, unsigned nr_vcpus)
{
    TscDeadline *td = tsc_deadline_new(fake_host_ops(w->fake), w->clock,
                                       nr_vcpus, world_lvt, w);

    g_assert_nonnull(td);
    return td;
}

/* 2 GHz, so that a tick is half a nanosecond */
static void world_setup(World *w, gconstpointer data)
{
    HostProfile profile = {
        .set = HOST_PROFILE_TSC_KHZ | HOST_PROFILE_TSC,
        .tsc_khz = 2000000,
        .tsc = TSC_0,
    };

    (void)data;
    w->fake = fake_host_new(NR_VCPUS, 1);
    w->clock = clock_new(&profile, CLOCK_TSC_MODE_NATIVE, NR_VCPUS, 0);
    w->td = deadlines_new(w, NR_VCPUS);
    for (unsigned i = 0; i < NR_VCPUS; i++) {
        w->lvt[i] = ARMED;
    }
}

static void world_teardown(World *w, gconstpointer data)
{
    (void)data;
    tsc_deadline_free(w->td);
    clock_free(w->clock);
    fake_host_free(w->fake);
}

static unsigned fired(World *w)
{
    return fake_host_event_count(w->fake, FAKE_LAPIC_INJECT);
}

/* When */

static void reached_is_the_first_moment(void)
{
    static const struct {
        guint32 khz;
        gint64 now;
        guint64 tsc;
        gint64 want;
    } cases[] = {
        {1000000, 0, 0, 0},
        {1000000, 0, 1, 1},
        {1000000, 7, 7, 7},
        {1000000, 7, 6, 7},
        {1000000, 7, 8, 8},
        {2000000, 0, 1, 1},
        {2000000, 0, 2, 1},
        {2000000, 0, 3, 2},
        {1, 0, 1, 1000000},
        {1, 999999, 1, 1000000},
        {1, 1000000, 1, 1000000},
        {3, 0, 1, 333334},
        {HOST_TSC_KHZ_MAX, 0, 1, 1},
        {HOST_TSC_KHZ_MAX, 0, 11, 2},
        {1000000, 0, INT64_MAX - 1, INT64_MAX - 1},
        {1000000, 0, INT64_MAX, INT64_MAX},
        {1000000, 0, UINT64_MAX, INT64_MAX},
        {1, 0, UINT64_MAX, INT64_MAX},
        {HOST_TSC_KHZ_MAX, INT64_MAX - 1, UINT64_MAX, INT64_MAX},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        HostProfile profile = {.set = HOST_PROFILE_TSC_KHZ,
                               .tsc_khz = cases[i].khz};
        Clock *clock = clock_new(&profile, CLOCK_TSC_MODE_DEFAULT, 1, 0);
        gint64 at = clock_tsc_reached(clock, 0, cases[i].now, cases[i].tsc);

        g_test_message("%u kHz, now %" PRId64 ", TSC %" PRIu64, cases[i].khz,
                       cases[i].now, cases[i].tsc);
        g_assert_cmpint(at, ==, cases[i].want);
        if (at != INT64_MAX && at > cases[i].now) {
            g_assert_cmpuint(clock_guest_tsc(clock, 0, at), >=, cases[i].tsc);
            g_assert_cmpuint(clock_guest_tsc(clock, 0, at - 1), <,
                             cases[i].tsc);
        }
        clock_free(clock);
    }
}

static void reached_after_a_cut_counts_from_it(void)
{
    HostProfile first = {.set = HOST_PROFILE_TSC_KHZ, .tsc_khz = 1000000};
    HostProfile next = {.set = HOST_PROFILE_TSC_KHZ | HOST_PROFILE_TSC,
                        .tsc_khz = 4000000,
                        .tsc = 5000};
    Clock *clock = clock_new(&first, CLOCK_TSC_MODE_NATIVE, 2, 0);
    ClockCut report;

    clock_write_tsc_adjust(clock, 1, 40);
    g_assert_true(clock_cut(clock, 1000, &next, &report, NULL));
    g_assert_cmpint(clock_tsc_reached(clock, 0, 1000, 5000), ==, 1000);
    g_assert_cmpint(clock_tsc_reached(clock, 0, 1000, 5004), ==, 1001);
    g_assert_cmpint(clock_tsc_reached(clock, 0, 1000, 5400), ==, 1100);
    g_assert_cmpint(clock_tsc_reached(clock, 1, 1000, 5400), ==, 1090);
    g_assert_cmpint(clock_tsc_reached(clock, 0, 1050, 5400), ==, 1100);
    clock_free(clock);
}

/* MSR */

static void deadline_fires_once_at_its_moment(World *w, gconstpointer data)
{
    (void)data;
    tsc_deadline_write(w->td, 1, TSC_0 + 2001);
    g_assert_cmpuint(tsc_deadline_read(w->td, 1), ==, TSC_0 + 2001);
    g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, 0);
    fake_host_run_until(w->fake, 1000);
    g_assert_cmpuint(fired(w), ==, 0);
    fake_host_run_until(w->fake, 1001);
    g_assert_cmpuint(fired(w), ==, 1);
    g_assert_cmpuint(fake_host_last_event(w->fake, FAKE_LAPIC_INJECT)->a, ==,
                     1);
    g_assert_cmpuint(fake_host_last_event(w->fake, FAKE_LAPIC_INJECT)->b, ==,
                     VECTOR);
    g_assert_cmpuint(tsc_deadline_read(w->td, 1), ==, 0);
    fake_host_advance(w->fake, 1000000);
    g_assert_cmpuint(fired(w), ==, 1);
    g_assert_cmpuint(fake_host_trace_count(w->fake, HOST_TRACE_timer_set), ==,
                     1);
    g_assert_cmpuint(fake_host_trace_count(w->fake, HOST_TRACE_timer_fire), ==,
                     1);
}

static void deadline_of_the_past_fires_at_once(World *w, gconstpointer data)
{
    static const uint64_t values[] = {1, TSC_0 - 1, TSC_0};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        tsc_deadline_write(w->td, 0, values[i]);
        g_assert_cmpuint(fired(w), ==, i); /* not from inside the write */
        fake_host_advance(w->fake, 0);
        g_assert_cmpuint(fired(w), ==, i + 1);
    }
}

static void deadline_zero_or_never_is_no_timer(World *w, gconstpointer data)
{
    (void)data;
    tsc_deadline_write(w->td, 0, TSC_0 + 100);
    tsc_deadline_write(w->td, 0, 0);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, INT64_MAX);
    g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, 0);
    /* On vCPU 1 it is beyond the end of virtual time. */
    clock_write_tsc_adjust(w->clock, 1, -(uint64_t)TSC_0);
    tsc_deadline_write(w->td, 1, UINT64_MAX);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, INT64_MAX);
    tsc_deadline_write(w->td, 0, UINT64_MAX);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==,
                    (UINT64_MAX - TSC_0) / 2 + 1);
    g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, UINT64_MAX);
    tsc_deadline_write(w->td, 0, TSC_0 + 100);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, 50);
}

static void other_modes_ignore_it(World *w, gconstpointer data)
{
    static const uint32_t lvts[] = {VECTOR, PERIODIC | VECTOR,
                                    TSC_DEADLINE_LVT_MODES | VECTOR,
                                    TSC_DEADLINE_LVT_MASKED};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(lvts); i++) {
        w->lvt[0] = lvts[i];
        tsc_deadline_write(w->td, 0, TSC_0 + 100);
        g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, 0);
        w->lvt[0] = ARMED;
        g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, 0);
    }
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, INT64_MAX);
}

/* Timer register */

static void masked_or_illegal_is_lost(World *w, gconstpointer data)
{
    static const uint32_t lvts[] = {
        ARMED | TSC_DEADLINE_LVT_MASKED,
        TSC_DEADLINE_LVT_MODE | 15,
        TSC_DEADLINE_LVT_MODE,
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(lvts); i++) {
        w->lvt[0] = lvts[i];
        tsc_deadline_write(w->td, 0, 1);
        fake_host_advance(w->fake, 0);
        g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, 0);
    }
    g_assert_cmpuint(fired(w), ==, 0);
    w->lvt[0] = TSC_DEADLINE_LVT_MODE | 16;
    tsc_deadline_write(w->td, 0, 1);
    fake_host_advance(w->fake, 0);
    g_assert_cmpuint(fired(w), ==, 1);
}

static void mask_and_vector_of_the_moment_count(World *w, gconstpointer data)
{
    (void)data;
    w->lvt[0] = ARMED | TSC_DEADLINE_LVT_MASKED;
    tsc_deadline_write(w->td, 0, TSC_0 + 2000);
    tsc_deadline_lvt_write(w->td, 0, TSC_DEADLINE_LVT_MODE | 0x77);
    w->lvt[0] = TSC_DEADLINE_LVT_MODE | 0x77;
    fake_host_run_until(w->fake, 1000);
    g_assert_cmpuint(fired(w), ==, 1);
    g_assert_cmpuint(fake_host_last_event(w->fake, FAKE_LAPIC_INJECT)->b, ==,
                     0x77);
}

static void change_of_mode_disarms(World *w, gconstpointer data)
{
    static const struct {
        uint32_t from, to;
        bool disarms, no_count;
    } cases[] = {
        {ARMED, VECTOR, true, true},
        {ARMED, PERIODIC | VECTOR, true, true},
        {ARMED, TSC_DEADLINE_LVT_MODES, true, true},
        {ARMED, ARMED | TSC_DEADLINE_LVT_MASKED, false, true},
        {ARMED, TSC_DEADLINE_LVT_MODE | 0x30, false, true},
        {VECTOR, ARMED, true, true},
        {PERIODIC, ARMED, true, true},
        {TSC_DEADLINE_LVT_MODES, ARMED, true, true},
        {VECTOR, PERIODIC | VECTOR, false, false},
        {PERIODIC, VECTOR | TSC_DEADLINE_LVT_MASKED, false, false},
        {PERIODIC, TSC_DEADLINE_LVT_MODES, false, true},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("0x%x to 0x%x", cases[i].from, cases[i].to);
        w->lvt[1] = ARMED;
        tsc_deadline_write(w->td, 1, TSC_0 + 2000);
        w->lvt[1] = cases[i].from;
        g_assert_cmpint(tsc_deadline_no_count(w->td, 1), ==,
                        (cases[i].from & TSC_DEADLINE_LVT_MODE) != 0);
        g_assert_cmpint(tsc_deadline_lvt_write(w->td, 1, cases[i].to), ==,
                        cases[i].no_count);
        g_assert_cmpint(fake_host_next_deadline(w->fake), ==,
                        cases[i].disarms ? INT64_MAX : 1000);
        w->lvt[1] = ARMED;
        g_assert_cmpuint(tsc_deadline_read(w->td, 1), ==,
                         cases[i].disarms ? 0 : TSC_0 + 2000);
    }
}

/* The register changed by a reset of the APIC that nobody told of. */
static void mode_gone_when_it_is_due_disarms(World *w, gconstpointer data)
{
    (void)data;
    tsc_deadline_write(w->td, 0, TSC_0 + 2000);
    w->lvt[0] = TSC_DEADLINE_LVT_MASKED;
    fake_host_run_until(w->fake, 1000);
    w->lvt[0] = ARMED;
    g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, 0);
    g_assert_cmpuint(fired(w), ==, 0);
}

/* Clock and machine */

static void write_of_the_tsc_moves_that_vcpus(World *w, gconstpointer data)
{
    (void)data;
    tsc_deadline_write(w->td, 0, TSC_0 + 20000);
    tsc_deadline_write(w->td, 1, TSC_0 + 30000);
    clock_write_tsc(w->clock, 0, 0, TSC_0 + 19000);
    tsc_deadline_tsc_written(w->td, 0);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, 500);
    clock_write_tsc_adjust(w->clock, 0, (uint64_t)-10000);
    tsc_deadline_tsc_written(w->td, 0);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, 15000);
    fake_host_run_until(w->fake, 15000);
    /* At the same time, which is both vCPUs' own. */
    g_assert_cmpuint(fired(w), ==, 2);
}

static void cut_moves_all(World *w, gconstpointer data)
{
    HostProfile slow = {.set = HOST_PROFILE_TSC_KHZ, .tsc_khz = 1000000};
    HostProfile over = {.set = HOST_PROFILE_TSC, .tsc = TSC_0 + 1000000};
    HostProfile back = {.set = HOST_PROFILE_TSC, .tsc = 5};
    ClockCut report;

    (void)data;
    tsc_deadline_write(w->td, 0, TSC_0 + 20000);
    g_assert_true(clock_cut(w->clock, 0, &slow, &report, NULL));
    tsc_deadline_clock_changed(w->td);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, 20000);
    g_assert_true(clock_cut(w->clock, 0, &back, &report, NULL));
    tsc_deadline_clock_changed(w->td);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, TSC_0 + 19995);
    g_assert_true(clock_cut(w->clock, 0, &over, &report, NULL));
    tsc_deadline_clock_changed(w->td);
    fake_host_advance(w->fake, 0);
    g_assert_cmpuint(fired(w), ==, 1);
}

static void init_and_reset_disarm(World *w, gconstpointer data)
{
    (void)data;
    tsc_deadline_write(w->td, 0, TSC_0 + 2000);
    tsc_deadline_write(w->td, 1, TSC_0 + 4000);
    tsc_deadline_disarm(w->td, 0);
    g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, 0);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, 2000);
    tsc_deadline_reset(w->td);
    g_assert_cmpuint(tsc_deadline_read(w->td, 1), ==, 0);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, INT64_MAX);
}

static GByteArray *save(World *w)
{
    StateWriter *writer = state_writer_new();

    tsc_deadline_save(w->td, writer);
    return state_writer_finish(writer);
}

static void state_goes_over(World *w, gconstpointer data)
{
    g_autoptr(GByteArray) bytes = NULL, again = NULL;
    StateReader *r;

    (void)data;
    tsc_deadline_write(w->td, 0, UINT64_MAX);
    tsc_deadline_write(w->td, 1, TSC_0 + 4000);
    bytes = save(w);
    tsc_deadline_free(w->td);
    w->td = deadlines_new(w, NR_VCPUS);
    tsc_deadline_write(w->td, 0, TSC_0 + 2);
    r = state_reader_new(bytes->data, bytes->len);
    tsc_deadline_load(w->td, r);
    g_assert_true(state_reader_finish(r, NULL));
    again = save(w);
    g_assert_cmpmem(bytes->data, bytes->len, again->data, again->len);
    g_assert_cmpint(fake_host_next_deadline(w->fake), ==, 2000);
}

static void state_damaged_is_refused(World *w, gconstpointer data)
{
    g_autoptr(GByteArray) bytes = NULL;
    TscDeadline *one = deadlines_new(w, 1);
    StateReader *r;

    (void)data;
    tsc_deadline_write(w->td, 0, TSC_0 + 2000);
    bytes = save(w);
    r = state_reader_new(bytes->data, bytes->len);
    tsc_deadline_load(one, r);
    g_assert_false(state_reader_finish(r, NULL));
    g_assert_cmpuint(tsc_deadline_read(one, 0), ==, 0);
    tsc_deadline_free(one);
    for (size_t len = 0; len < bytes->len; len++) {
        tsc_deadline_write(w->td, 0, TSC_0 + 2000);
        r = state_reader_new(bytes->data, len);
        tsc_deadline_load(w->td, r);
        g_assert_false(state_reader_finish(r, NULL));
        g_assert_cmpuint(tsc_deadline_read(w->td, 0), ==, 0);
        g_assert_cmpint(fake_host_next_deadline(w->fake), ==, INT64_MAX);
    }
}

#define TEST(name)                                                     \
    g_test_add("/tsc-deadline/" #name, World, NULL, world_setup, name, \
               world_teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tsc-deadline/reached_is_the_first_moment",
                    reached_is_the_first_moment);
    g_test_add_func("/tsc-deadline/reached_after_a_cut_counts_from_it",
                    reached_after_a_cut_counts_from_it);
    TEST(deadline_fires_once_at_its_moment);
    TEST(deadline_of_the_past_fires_at_once);
    TEST(deadline_zero_or_never_is_no_timer);
    TEST(other_modes_ignore_it);
    TEST(masked_or_illegal_is_lost);
    TEST(mask_and_vector_of_the_moment_count);
    TEST(change_of_mode_disarms);
    TEST(mode_gone_when_it_is_due_disarms);
    TEST(write_of_the_tsc_moves_that_vcpus);
    TEST(cut_moves_all);
    TEST(init_and_reset_disarm);
    TEST(state_goes_over);
    TEST(state_damaged_is_refused);
    return g_test_run();
}
