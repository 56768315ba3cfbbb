/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC and the I/O APIC, at their architectural addresses.
 */
#include "tests/payload/lib/apic.h"

#define LAPIC_PA  0xfee00000u
#define IOAPIC_PA 0xfec00000u

#define ICR_HIGH    (LAPIC_ICR + 0x10)
#define ICR_INIT    0x500u
#define ICR_STARTUP 0x600u
#define ICR_ASSERT  0x4000u

#define REDIRECTION_LEVEL      (1u << 15)
#define REDIRECTION_ACTIVE_LOW (1u << 13)
#define REDIRECTION_MASKED     (1u << 16)

static volatile uint32_t *lapic_reg(unsigned reg)
{
    return (volatile uint32_t *)(uintptr_t)(LAPIC_PA + reg);
}

uint32_t lapic_read(unsigned reg)
{
    return *lapic_reg(reg);
}

void lapic_write(unsigned reg, uint32_t value)
{
    *lapic_reg(reg) = value;
}

void lapic_eoi(void)
{
    lapic_write(LAPIC_EOI, 0);
}

bool lapic_requested(uint8_t vector)
{
    return lapic_read(LAPIC_IRR + (vector / 32) * 0x10) & (1u << (vector % 32));
}

void lapic_send_init(unsigned apic_id)
{
    lapic_write(ICR_HIGH, apic_id << 24);
    lapic_write(LAPIC_ICR, ICR_INIT | ICR_ASSERT);
}

void lapic_send_startup(unsigned apic_id, uint32_t pa)
{
    lapic_send_init(apic_id);
    lapic_write(ICR_HIGH, apic_id << 24);
    lapic_write(LAPIC_ICR, ICR_STARTUP | ICR_ASSERT | (pa >> 12));
}

static void ioapic_write(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)IOAPIC_PA = reg;
    *(volatile uint32_t *)(uintptr_t)(IOAPIC_PA + 0x10) = value;
}

void ioapic_route(unsigned gsi, uint8_t vector)
{
    ioapic_write(0x11 + 2 * gsi, 0);
    ioapic_write(0x10 + 2 * gsi,
                 REDIRECTION_LEVEL | REDIRECTION_ACTIVE_LOW | vector);
}

void ioapic_mask(unsigned gsi)
{
    ioapic_write(0x10 + 2 * gsi, REDIRECTION_MASKED);
}
