/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RTC and the wall clock in shared_info.
 *
 * Behaviour: what the guest sets its RTC to becomes the domain's time: each
 * write of a time register moves the wall clock by as much, and its version by
 * 2; of a clock that is stopped (register B, SET) as it goes on, by what was
 * set less what it told when it stopped.  System time goes on.
 * Check: seconds, minutes, hours, all of a date at once; from another vCPU; the
 * RTC reads back what was written; a guest of KVM's wall clock stays.
 * Cannot tell apart: whether the RTC stands still while it is stopped (here,
 * as QEMU's) or not (Xen).
 * Real Xen: the same for a HVM guest; a PVH guest has no RTC (xen: arch/x86/
 * hvm/rtc.c, rtc_ioport_write, rtc_set_time; common/time.c,
 * update_domain_wallclock_time).
 *
 * RUN: default
 * RUN: smp smp=4 plugin=wallclock=1600000000 plugin=uptime=1000
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: kvm-xen guest=kvm-xen append=still
 */
#include "tests/payload/lib/clock.h"
#include "tests/payload/lib/rtc.h"

#define RTC_MINUTES 2
#define RTC_HOURS   4
#define RTC_DAY     7
#define RTC_MONTH   8
#define RTC_B       11
#define RTC_B_SET   0x80
#define DAY_S       86400

typedef struct Wall {
    uint64_t sec;
    uint32_t nsec, version;
} Wall;

static Wall wall(void)
{
    struct shared_info *shared = xen_shared_info();

    return (Wall){
        .sec = shared->wc_sec | (uint64_t)shared->xen_wc_sec_hi << 32,
        .nsec = shared->wc_nsec,
        .version = shared->wc_version,
    };
}

/* KVM's and its Xen's wall clock is the host's, whatever the guest's RTC. */
static void check_moved(const Wall *before, int64_t seconds, uint32_t updates)
{
    bool still = cmdline_has("still");
    Wall now = wall();

    CHECK_EQ(before->sec + (still ? 0 : (uint64_t)seconds), now.sec);
    CHECK_EQ(before->nsec, now.nsec);
    CHECK_EQ(before->version + (still ? 0 : 2 * updates), now.version);
}

/* 2020-01-01, some seconds after midnight */
static void running_rtc_is_set_register_by_register(void)
{
    static const struct {
        uint8_t reg, value;
        int64_t unit_s;
    } writes[] = {
        {RTC_HOURS, 0x23, 3600}, {RTC_HOURS, 0x09, 3600},
        {RTC_MINUTES, 0x59, 60}, {RTC_MINUTES, 0x00, 60},
        {RTC_DAY, 0x31, DAY_S},  {RTC_DAY, 0x01, DAY_S},
        {RTC_HOURS, 0x00, 3600},
    };

    if (!xen_shared_info()) {
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
        Wall before = wall();
        uint8_t old = rtc_read(writes[i].reg), value = writes[i].value;
        int64_t steps =
            (value >> 4) * 10 + (value & 15) - (old >> 4) * 10 - (old & 15);

        input("write %u", i);
        rtc_write(writes[i].reg, value);
        check_moved(&before, steps * writes[i].unit_s, 1);
        CHECK_EQ(value, rtc_read(writes[i].reg));
    }
}

static void stopped_rtc_is_set_as_it_goes_on(void)
{
    uint8_t b = rtc_read(RTC_B);
    Wall before = wall();
    uint64_t time = clock_now();
    struct sched_poll poll = {.timeout = time + 1500000000};

    rtc_write(RTC_B, b | RTC_B_SET);
    rtc_write(RTC_MONTH, 0x03);
    rtc_write(RTC_DAY, 0x02);
    rtc_write(RTC_HOURS, 0x01);
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    check_moved(&before, 0, 0);
    rtc_write(RTC_B, b);
    /* January, a leap year's February, a day, an hour */
    check_moved(&before, (31 + 29 + 1) * DAY_S + 3600, 1);
    CHECK_EQ(0x03, rtc_read(RTC_MONTH));
    CHECK_EQ(0x01, rtc_read(RTC_HOURS));
    CHECK_RANGE(time + 1500000000, time + 60000000000ull, clock_now());
}

static void other_sets(void *arg)
{
    (void)arg;
    rtc_write(RTC_MONTH, 0x01);
}

static void every_vcpu_may_set_it(void)
{
    for (unsigned i = 1; i < cpu_count(); i++) {
        Wall before = wall();

        input("cpu %u", i);
        rtc_read(RTC_MONTH);
        rtc_write(RTC_MONTH, 0x02);
        rtc_read(RTC_MONTH);
        CHECK(cpu_start_other(i, other_sets, NULL) && cpu_other_done(i));
        CHECK_EQ(before.version + 4, wall().version);
        CHECK_EQ(0x01, rtc_read(RTC_MONTH));
    }
}

static void what_is_no_time_moves_nothing(void)
{
    Wall before = wall();

    rtc_write(1, 0x12); /* alarm */
    rtc_write(RTC_B, rtc_read(RTC_B));
    rtc_write(0x40, rtc_read(0x40));
    rtc_read(12);
    check_moved(&before, 0, 0);
}

PAYLOAD(NEEDS_XEN, TEST(running_rtc_is_set_register_by_register),
        TEST(stopped_rtc_is_set_as_it_goes_on), TEST(every_vcpu_may_set_it),
        TEST(what_is_no_time_moves_nothing));
