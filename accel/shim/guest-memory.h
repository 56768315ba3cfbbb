/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory for HostOps: physical, linear, pinned pages and overlays.
 * Sizes in bytes; only RAM can be reached.
 */
#ifndef JUMPCUT_ACCEL_SHIM_GUEST_MEMORY_H
#define JUMPCUT_ACCEL_SHIM_GUEST_MEMORY_H

#include "hw/host.h"

bool guest_phys_read(uint64_t gpa, void *buf, size_t len);
bool guest_phys_write(uint64_t gpa, const void *buf, size_t len);

/*
 * By @cs's page tables with supervisor rights; on a vCPU that executes they
 * check permissions, on one that does not (qtest) they only translate.
 */
bool guest_virt_read(CPUState *cs, uint64_t gva, void *buf, size_t len);
bool guest_virt_write(CPUState *cs, uint64_t gva, const void *buf, size_t len);
/* Code bytes at @pc as the vCPU fetches them. @return: bytes got */
size_t guest_fetch(CPUState *cs, uint64_t pc, uint8_t *buf, size_t len);

HostPage *guest_page_pin(uint64_t gfn);
void guest_page_unpin(HostPage *page);
void *guest_page_ptr(HostPage *page);
void guest_page_dirty(HostPage *page, size_t off, size_t len);
char *guest_page_name(HostPage *page);
HostPage *guest_page_pin_named(const char *name);

/* [ptr, ptr + len) of the RAM @mr was changed by us. */
void guest_ram_changed(MemoryRegion *mr, void *ptr, size_t len);
/* Is the page of RAM at @ptr pinned? */
bool guest_ram_pinned(const void *ptr);
/* Each pinned page, by its host address; @fn must not pin or unpin. */
void guest_ram_pins_foreach(void (*fn)(const void *ptr, void *opaque),
                            void *opaque);

HostPage *guest_overlay_new(const char *name);
bool guest_overlay_map(HostPage *page, uint64_t gfn);
void guest_overlay_unmap(HostPage *page);
void guest_overlay_free(HostPage *page);
/* Is @mr an overlay's? */
bool guest_overlay_is(const MemoryRegion *mr);

HostPage *guest_alias_map(HostPage *pin, uint64_t gfn, bool read_only);
void guest_alias_unmap(HostPage *page);

#endif
