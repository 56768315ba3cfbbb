/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State streams of any bytes: the reader stays within them, and a clock loaded
 * from one is unchanged, or saves the same bytes again and keeps its rules.  So
 * do TSC deadlines.
 */
#include "tests/fuzz/fuzz.h"

#include "hw/clock/tsc-deadline.h"
#include "tests/unit/fake-host.h"

#define DEADLINE_VCPUS 2u

/* Fields of every kind, with tags and limits drawn from the input. */
static void read_fields(FuzzInput *in)
{
    size_t len = fuzz_u8(in);
    const uint8_t *stream = fuzz_bytes(in, &len);
    StateReader *r = state_reader_new(stream, len);
    gboolean failed;

    while (in->left) {
        uint8_t op = fuzz_u8(in), buf[64];
        uint16_t tag = fuzz_u8(in);
        uint8_t limit = fuzz_u8(in);
        GByteArray *blob;

        switch (op & 3) {
        case 0:
            g_assert_cmpuint(state_get_u64(r, tag, "number", limit), <=, limit);
            break;
        case 1:
            state_get_bytes(r, tag, "bytes", buf, limit % sizeof(buf));
            break;
        case 2:
            blob = state_get_blob(r, tag, "blob", limit);
            g_assert_true((blob == NULL) == state_reader_failed(r));
            if (blob) {
                g_assert_cmpuint(blob->len, <=, limit);
                g_byte_array_unref(blob);
            }
            break;
        case 3:
            if (limit == 0) {
                state_reader_fail(r, "drawn to fail");
            }
            break;
        }
    }
    failed = state_reader_failed(r);
    g_assert_false(state_reader_finish(r, NULL) && failed);
}

static GByteArray *state_of(const Clock *clock)
{
    StateWriter *w = state_writer_new();

    clock_save(clock, w);
    return state_writer_finish(w);
}

/* The TSC is @tsc, or just past it, at the moment told, and not before. */
static void check_reached(const Clock *clock, unsigned vcpu, gint64 now,
                          guint64 tsc)
{
    gint64 at = clock_tsc_reached(clock, vcpu, now, tsc);

    g_assert_cmpint(at, >=, now);
    if (at > now && at < G_MAXINT64) {
        g_assert_cmpuint(clock_guest_tsc(clock, vcpu, at) - tsc, <=,
                         HOST_TSC_KHZ_MAX / 1000000 + 1);
        g_assert_cmpuint(clock_guest_tsc(clock, vcpu, at - 1), <, tsc);
    }
}

static void use_clock(Clock *clock, unsigned nr_vcpus)
{
    static const gint64 times[] = {0, 1, 1000000007, G_MAXINT64};
    const HostProfile boot = {.set =
                                  HOST_PROFILE_UPTIME | HOST_PROFILE_WALLCLOCK};
    ClockTscInfo info;
    ClockCut report;

    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        guint64 system = clock_system_time(clock, times[i]);
        ClockPvclock rec;

        clock_pvclock(clock, nr_vcpus - 1, times[i], &rec);
        g_assert_cmpuint(rec.system_time, <=, system);
        g_assert_cmpuint(rec.tsc_to_system_mul, >=, 0x80000000);
        g_assert_cmpuint(rec.tsc_timestamp, ==,
                         clock_guest_tsc(clock, nr_vcpus - 1, times[i]));
        g_assert_cmpint(clock_virtual_time(clock, system), >=, times[i]);
        check_reached(clock, nr_vcpus - 1, times[i], G_MAXUINT64);
        check_reached(clock, nr_vcpus - 1, times[i], rec.tsc_timestamp + 12345);
    }
    clock_tsc_info(clock, &info);
    g_assert_cmpuint(info.guest_khz, >=, HOST_TSC_KHZ_MIN);
    g_assert_true(clock_cut(clock, G_MAXINT64, &boot, &report, NULL));
    g_assert_cmpuint(report.tsc_before, ==, report.tsc_after);
}

static void load_clock(FuzzInput *in)
{
    const HostProfile none = {0};
    ClockTscMode mode = fuzz_u8(in) % 3;
    unsigned nr_vcpus = 1 + fuzz_u8(in) % 4;
    Clock *clock = clock_new(&none, mode, nr_vcpus, 0);
    GByteArray *before = state_of(clock), *after;
    StateReader *r = state_reader_new(in->data, in->left);
    gboolean loaded;

    clock_load(clock, r);
    loaded = !state_reader_failed(r);
    after = state_of(clock);
    if (!loaded) {
        g_assert_cmpmem(after->data, after->len, before->data, before->len);
    } else {
        /* What follows the clock in the stream is another reader's. */
        g_assert_cmpuint(after->len, <=, in->left);
        g_assert_cmpmem(after->data, after->len, in->data, after->len);
        use_clock(clock, nr_vcpus);
    }
    g_assert_false(state_reader_finish(r, NULL) && !loaded);
    g_byte_array_unref(before);
    g_byte_array_unref(after);
    clock_free(clock);
}

static uint32_t armed_lvt(void *opaque, unsigned vcpu)
{
    (void)opaque;
    (void)vcpu;
    return TSC_DEADLINE_LVT_MODE | 0x30;
}

static GByteArray *state_of_deadlines(const TscDeadline *td)
{
    StateWriter *w = state_writer_new();

    tsc_deadline_save(td, w);
    return state_writer_finish(w);
}

static void load_deadlines(FuzzInput *in)
{
    const HostProfile none = {0};
    FakeHost *fake = fake_host_new(DEADLINE_VCPUS, 1);
    Clock *clock = clock_new(&none, CLOCK_TSC_MODE_DEFAULT, DEADLINE_VCPUS, 0);
    TscDeadline *td = tsc_deadline_new(fake_host_ops(fake), clock,
                                       DEADLINE_VCPUS, armed_lvt, NULL);
    GByteArray *before = state_of_deadlines(td), *after;
    StateReader *r = state_reader_new(in->data, in->left);

    tsc_deadline_load(td, r);
    after = state_of_deadlines(td);
    if (state_reader_failed(r)) {
        g_assert_cmpmem(after->data, after->len, before->data, before->len);
        g_assert_cmpint(fake_host_next_deadline(fake), ==, G_MAXINT64);
    } else {
        g_assert_cmpmem(after->data, after->len, in->data, after->len);
        fake_host_advance(fake, G_MAXINT32);
        g_assert_cmpuint(fake_host_event_count(fake, FAKE_LAPIC_INJECT), <=,
                         DEADLINE_VCPUS);
    }
    state_reader_finish(r, NULL);
    g_byte_array_unref(before);
    g_byte_array_unref(after);
    tsc_deadline_free(td);
    clock_free(clock);
    fake_host_free(fake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    uint8_t what = fuzz_u8(&in);

    if (what & 1) {
        load_clock(&in);
    } else if (what & 2) {
        load_deadlines(&in);
    } else {
        read_fields(&in);
    }
    return 0;
}
