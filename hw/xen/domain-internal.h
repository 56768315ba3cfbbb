/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of a Xen domain do for each other; each function is described
 * where it is written.
 */
#ifndef JUMPCUT_HW_XEN_DOMAIN_INTERNAL_H
#define JUMPCUT_HW_XEN_DOMAIN_INTERNAL_H

#include "hw/xen/domain-types-internal.h"

/* domain.c */
int64_t xen_now(const XenDomain *d);
uint64_t xen_system_time(const XenDomain *d);
void xen_trace(const XenDomain *d, HostTraceEvent event, uint64_t a, uint64_t b,
               uint64_t c, uint64_t v);

void xen_rings_reset(XenDomain *d);

/* shared.c */
bool xen_bit_test(const uint8_t *bits, unsigned bit);
bool xen_bit_test_and_set(uint8_t *bits, unsigned bit);
bool xen_bit_test_and_clear(uint8_t *bits, unsigned bit);
void xen_shared_info_dirty(XenDomain *d, size_t off, size_t len);
void xen_vcpu_info_dirty(XenVcpu *v, size_t off, size_t len);
void xen_vcpu_info_reset(XenVcpu *v);
int64_t xen_vcpu_info_register(XenVcpu *v, uint64_t gfn, uint32_t off,
                               const XenVcpu *caller);
void xen_vcpu_info_attach(XenVcpu *v, HostPage *page, uint32_t off);
unsigned xen_word_bits(const XenDomain *d);
size_t xen_pending_offset(const XenDomain *d);
size_t xen_mask_offset(const XenDomain *d);
size_t xen_pending_sel_offset(const XenDomain *d);
bool xen_upcall_pending(const XenVcpu *v);

/* vcpu-init.c */
int64_t xen_vcpu_initialise(XenVcpu *v, const struct vcpu_hvm_context *ctx);

/* area.c */
int64_t xen_frame_error(XenDomain *d, uint64_t gfn);
int64_t xen_area_map(XenVcpu *v, XenPhysArea *area, uint64_t gpa, size_t len);
void xen_area_attach(XenVcpu *v, XenPhysArea *area, HostPage *page, size_t off);
void xen_area_unmap(XenVcpu *v, XenPhysArea *area);
void xen_area_dirty(XenVcpu *v, const XenPhysArea *area, size_t len);

/* upcall.c */
void xen_upcall_mark(XenVcpu *v);
void xen_upcall_assert(XenVcpu *v);
void xen_upcall_again(XenVcpu *v);
void xen_callback_set(XenDomain *d, uint64_t via);
void xen_callback_reset(XenDomain *d);
void xen_callback_load(XenDomain *d, bool asserted);

/* time.c */
void xen_time_update(XenVcpu *v, bool force);
void xen_time_phys_populate(XenVcpu *v);
void xen_time_reset(XenDomain *d);
void xen_time_running(XenVcpu *v);
void xen_epoch_arm(XenDomain *d);
void xen_wallclock_update(XenDomain *d);
void xen_latch_shared_info(XenDomain *d, unsigned vcpu);
HostTimerFn xen_epoch_fire;

/* runstate.c */
void xen_runstate_change(XenVcpu *v, int state);
void xen_runstate_get(const XenVcpu *v, struct vcpu_runstate_info *info);
bool xen_runstate_write(XenVcpu *v, unsigned writer);
void xen_runstate_phys_write(XenVcpu *v);
void xen_runstate_reset(XenVcpu *v, int state);

/* timer.c */
bool xen_vcpu_timers_new(XenVcpu *v);
void xen_vcpu_timers_free(XenVcpu *v);
void xen_vcpu_timers_stop(XenVcpu *v);
void xen_timer_arm_system(XenDomain *d, XenTimer *t, uint64_t system_ns);
void xen_timer_arm_virtual(XenDomain *d, XenTimer *t, int64_t at_ns);
void xen_timer_stop(XenDomain *d, XenTimer *t);
void xen_timer_free(XenDomain *d, XenTimer *t);
void xen_singleshot_set(XenVcpu *v, uint64_t system_ns);
void xen_periodic_set(XenVcpu *v, uint64_t period_ns);
void xen_periodic_resume(XenVcpu *v);
void xen_periodic_suspend(XenVcpu *v);
void xen_timers_rearm(XenDomain *d);

/* sched.c */
void xen_vcpu_sleep(XenVcpu *v, int runstate);
void xen_vcpu_unblock(XenVcpu *v);
void xen_vcpu_set_down(XenVcpu *v);
void xen_vcpu_set_up(XenVcpu *v);
void xen_check_pollers(XenDomain *d, uint32_t port);
void xen_shutdown(XenDomain *d, unsigned vcpu, uint8_t reason);
HostTimerFn xen_watchdog_fire;
HostTimerFn xen_poll_fire;

/* grant-table.c */
bool xen_grant_new(XenDomain *d);
void xen_grant_free(XenDomain *d);
void xen_grant_reset(XenDomain *d);
XenOverlay *xen_grant_frame(XenDomain *d, uint64_t idx);
bool xen_grant_maps_gfn(const XenDomain *d, uint64_t gfn); /* grant-map.c */
void xen_grant_save(const XenDomain *d, StateWriter *w);
void xen_grant_load(XenDomain *d, StateReader *r);

/* hvm.c */
void xen_params_reset(XenDomain *d);

/* memory.c, memory-map.c */
void xen_memory_new(XenDomain *d);
void xen_memory_free(XenDomain *d);
void xen_memory_reset(XenDomain *d);
void xen_memory_save(const XenDomain *d, StateWriter *w);
void xen_memory_load(XenDomain *d, StateReader *r);
bool xen_overlay_new(XenDomain *d, XenOverlay *o, const char *name);
bool xen_overlay_map(XenDomain *d, XenOverlay *o, uint64_t gfn);
void xen_overlay_reset(XenDomain *d, XenOverlay *o);
void xen_overlay_free(XenDomain *d, XenOverlay *o);

/* domain-state.c */
void xen_page_save(XenDomain *d, HostPage *page, StateWriter *w);
HostPage *xen_page_load(XenDomain *d, const char *what, StateReader *r);
void xen_overlay_save(const XenOverlay *o, StateWriter *w);
void xen_overlay_load(XenDomain *d, XenOverlay *o, const char *name,
                      StateReader *r);

#endif
