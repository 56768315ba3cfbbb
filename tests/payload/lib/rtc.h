/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of the machine's real-time clock. */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_RTC_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_RTC_H

#include "tests/payload/lib/insn.h"

#define RTC_INDEX 0x70
#define RTC_DATA  0x71

static inline void rtc_write(uint8_t reg, uint8_t value)
{
    port_out(RTC_INDEX, reg);
    port_out(RTC_DATA, value);
}

static inline uint8_t rtc_read(uint8_t reg)
{
    port_out(RTC_INDEX, reg);
    return port_in(RTC_DATA);
}

#endif
