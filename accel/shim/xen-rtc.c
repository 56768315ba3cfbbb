/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notice that the guest sets the RTC, by wrapping the write to its ports.
 *
 * Xen moves the domain's time by what the guest sets less what the RTC told
 * when it stopped: the time it stands still is not lost, as it is to QEMU's.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "system/rtc.h"
#include "hw/rtc/mc146818rtc.h"
#include "hw/rtc/mc146818rtc_regs.h"
#include "system/system.h"
#include "accel/shim/xen-rtc.h"

/* Register A: the divider, and what of it stops the chain */
#define DIVIDER       0x70
#define DIVIDER_RESET 0x60
#define DIVIDER_RUNS  0x20 /* up to this */

/* A memory region's methods get the device's opaque, not ours. */
static struct {
    const MemoryRegionOps *stock;
    MemoryRegionOps wrapped;
    XenRtcFn *fn;
    void *opaque;
    XenRtcState state;
} rtc;

static bool runs(const MC146818RtcState *s)
{
    return !(s->cmos_data[RTC_REG_B] & REG_B_SET) &&
           (s->cmos_data[RTC_REG_A] & DIVIDER) <= DIVIDER_RUNS;
}

/*
 * What the RTC tells now, in whole seconds since 1970: QEMU's has 64 bits of
 * nanoseconds, and shows what is left of a year that is too far.
 */
static int64_t told_s(const MC146818RtcState *s)
{
    int64_t told_ns = s->base_rtc * NANOSECONDS_PER_SECOND +
                      (uint64_t)qemu_clock_get_ns(rtc_clock) - s->last_update +
                      s->offset;

    return told_ns / NANOSECONDS_PER_SECOND -
           (told_ns % NANOSECONDS_PER_SECOND < 0);
}

/* A guest that sets one register after the other may pass absurd times. */
static void move(uint64_t seconds)
{
    rtc.state.owed_s += seconds;
    if (rtc.fn(rtc.opaque, (int64_t)rtc.state.owed_s)) {
        rtc.state.owed_s = 0;
    }
}

/* Does @data to the register that is selected set the time? */
static bool sets_time(const MC146818RtcState *s, uint8_t data)
{
    uint8_t a = s->cmos_data[RTC_REG_A], b = s->cmos_data[RTC_REG_B];

    switch (s->cmos_index) {
    case RTC_SECONDS:
    case RTC_MINUTES:
    case RTC_HOURS:
    case RTC_DAY_OF_WEEK:
    case RTC_DAY_OF_MONTH:
    case RTC_MONTH:
    case RTC_YEAR:
    case RTC_CENTURY:
    case RTC_IBM_PS2_CENTURY_BYTE:
        return runs(s);
    case RTC_REG_A:
        return !(b & REG_B_SET) && (a & DIVIDER_RESET) == DIVIDER_RESET &&
               (data & DIVIDER) <= DIVIDER_RUNS;
    case RTC_REG_B:
        return (b & REG_B_SET) && !(data & REG_B_SET) &&
               (a & DIVIDER) <= DIVIDER_RUNS;
    default:
        return false;
    }
}

static void rtc_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    const MC146818RtcState *s = opaque;
    bool sets = (addr & 1) && sets_time(s, data);
    bool divider = s->cmos_index == RTC_REG_A;
    uint64_t before_s = runs(s) ? (uint64_t)told_s(s) : rtc.state.stopped_s;
    uint64_t moved_s;

    rtc.stock->write(opaque, addr, data, size);
    rtc.state.stopped_s = runs(s) ? 0 : before_s;
    moved_s = told_s(s) - before_s;
    /* Xen knows no divider: with it alone nothing was set. */
    if (sets && (moved_s || !divider)) {
        move(moved_s);
    }
}

void xen_rtc_follow(XenRtcFn *fn, void *opaque)
{
    Object *obj = object_resolve_path_type("", TYPE_MC146818_RTC, NULL);
    MC146818RtcState *s;

    assert(!rtc.fn);
    if (!obj) {
        return;
    }
    s = MC146818_RTC(obj);
    rtc.fn = fn;
    rtc.opaque = opaque;
    rtc.stock = s->io.ops;
    rtc.wrapped = *rtc.stock;
    rtc.wrapped.write = rtc_write;
    s->io.ops = &rtc.wrapped;
}

XenRtcState xen_rtc_state(void)
{
    return rtc.state;
}

void xen_rtc_set_state(XenRtcState state)
{
    rtc.state = state;
}
