/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single instructions, for C.
 *
 * A program of the host's has those that reach a device as functions: the
 * machine that it drives is not its own (tests/pairs).
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_INSN_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_INSN_H

#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
void port_out(uint16_t port, uint8_t byte);
void port_out_bytes(uint16_t port, const char *bytes, size_t len);
uint8_t port_in(uint16_t port);
void port_out16(uint16_t port, uint16_t value);
uint16_t port_in16(uint16_t port);
void port_out32(uint16_t port, uint32_t value);
uint32_t port_in32(uint16_t port);
void mmio_write8(volatile void *at, uint8_t value);
void mmio_write16(volatile void *at, uint16_t value);
void mmio_write32(volatile void *at, uint32_t value);
uint8_t mmio_read8(const volatile void *at);
uint16_t mmio_read16(const volatile void *at);
uint32_t mmio_read32(const volatile void *at);
void cpu_relax(void);
void cpu_open_interrupts(void);
#else
static inline void port_out(uint16_t port, uint8_t byte)
{
    __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port));
}

static inline void port_out_bytes(uint16_t port, const char *bytes, size_t len)
{
    __asm__ volatile("rep outsb"
                     : "+S"(bytes), "+c"(len)
                     : "d"(port)
                     : "memory");
}

static inline uint8_t port_in(uint16_t port)
{
    uint8_t byte;

    __asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"(port) : "memory");
    return byte;
}

static inline void port_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint16_t port_in16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void port_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint32_t port_in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void mmio_write8(volatile void *at, uint8_t value)
{
    *(volatile uint8_t *)at = value;
}

static inline void mmio_write16(volatile void *at, uint16_t value)
{
    *(volatile uint16_t *)at = value;
}

static inline void mmio_write32(volatile void *at, uint32_t value)
{
    *(volatile uint32_t *)at = value;
}

static inline uint8_t mmio_read8(const volatile void *at)
{
    return *(const volatile uint8_t *)at;
}

static inline uint16_t mmio_read16(const volatile void *at)
{
    return *(const volatile uint16_t *)at;
}

static inline uint32_t mmio_read32(const volatile void *at)
{
    return *(const volatile uint32_t *)at;
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline uint64_t rdtscp(uint32_t *aux)
{
    uint32_t low, high;

    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(*aux) : : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/* Enable interrupts, wait for one, disable them. */
static inline void cpu_wait(void)
{
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

/* Let pending interrupts in, without waiting. */
static inline void cpu_open_interrupts(void)
{
    __asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
}
#endif

#define barrier() __asm__ volatile("" : : : "memory")

#endif
