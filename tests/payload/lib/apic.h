/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC and the I/O APIC.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_APIC_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_APIC_H

#include "tests/payload/lib/payload.h"

/* Local APIC of this CPU. */
#define LAPIC_ID  0x20
#define LAPIC_TPR 0x80
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_IRR 0x200
#define LAPIC_ICR 0x300
uint32_t lapic_read(unsigned reg);
void lapic_write(unsigned reg, uint32_t value);
void lapic_eoi(void);
/* Is @vector requested and not yet taken? */
bool lapic_requested(uint8_t vector);
/* Route @gsi to @vector on CPU 0, level triggered, active low. */
void ioapic_route(unsigned gsi, uint8_t vector);
void ioapic_mask(unsigned gsi);

/* INIT to @apic_id: it waits for SIPI. */
void lapic_send_init(unsigned apic_id);
/* INIT and SIPI to @apic_id: it starts in real mode at @pa, a page < 1 MiB. */
void lapic_send_startup(unsigned apic_id, uint32_t pa);

#endif
