/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's RTC as Xen's: what the guest sets it to is the domain's time
 * (xen: arch/x86/hvm/rtc.c, rtc_set_time).
 */
#ifndef JUMPCUT_ACCEL_SHIM_XEN_RTC_H
#define JUMPCUT_ACCEL_SHIM_XEN_RTC_H

/*
 * The guest set its RTC @seconds ahead of what it told.
 * @return: false: the clock cannot follow; what is missing comes with the next.
 */
typedef bool XenRtcFn(void *opaque, int64_t seconds);

/* Follow the RTC, once; on a machine without one nothing ever moves. */
void xen_rtc_follow(XenRtcFn *fn, void *opaque);

/* For migration; seconds, modulo 2^64 */
typedef struct XenRtcState {
    uint64_t stopped_s; /* what it told when it was stopped; 0: it runs */
    uint64_t owed_s;    /* what the clock has yet to follow */
} XenRtcState;

XenRtcState xen_rtc_state(void);
void xen_rtc_set_state(XenRtcState state);

#endif
