/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hypervisor logic tells of itself: the trace events of HostOps.
 */
#ifndef JUMPCUT_HW_HOST_TRACE_H
#define JUMPCUT_HW_HOST_TRACE_H

/*
 * Trace events: one a transition, with its result.  HOST_TRACE(name, a, b, c,
 * d) names the four unsigned 64-bit values; the glue emits each as the QEMU
 * trace event jumpcut_<name>.
 */
#define HOST_TRACE_EVENTS(X)                                     \
    X(hypercall, vcpu, nr, arg0, ret)                            \
    X(cut, at_ns, uptime_ns, tsc, tsc_khz)                       \
    X(pvclock_update, vcpu, version, system_time, tsc_timestamp) \
    X(wallclock_update, version, sec, nsec, at_ns)               \
    X(runstate, vcpu, from, to, at_ns)                           \
    X(evtchn_bind, vcpu, port, type, ret)                        \
    X(evtchn_close, port, type, unused, ret)                     \
    X(evtchn_send, port, vcpu, masked, ret)                      \
    X(upcall, vcpu, kind, vector, at_ns)                         \
    X(timer_set, vcpu, kind, deadline, at_ns)                    \
    X(timer_fire, vcpu, kind, deadline, at_ns)                   \
    X(overlay, space, idx, gfn, ret)                             \
    X(hvm_param, index, value, set, ret)                         \
    X(sched, vcpu, op, arg, ret)                                 \
    X(shutdown, vcpu, reason, unused, at_ns)                     \
    X(xenstore, type, req_id, len, ret)                          \
    X(console, out_bytes, in_bytes, pending, at_ns)              \
    X(ring_error, which, prod, cons, at_ns)                      \
    X(grant_map, domid, ref, write, ret)                         \
    X(grant_unmap, domid, ref, write, ret)                       \
    X(grant_copy, source, dest, len, ret)                        \
    X(grant_version, version, nr_frames, unused, ret)            \
    X(physmap, op, gfn, home, ret)                               \
    X(pirq_map, pirq, gsi, mapped, ret)                          \
    X(pirq_bind, pirq, port, unused, ret)                        \
    X(pirq_eoi, pirq, again, unused, ret)                        \
    X(fault, kind, which, value, at_ns)                          \
    X(serial_status, old, written, taken, at_ns)                 \
    X(serial_control, port, event, value, sent)                  \
    X(serial_violation, rule, port, count, at_ns)

typedef enum HostTraceEvent {
#define HOST_TRACE_ENUM(name, a, b, c, d) HOST_TRACE_##name,
    HOST_TRACE_EVENTS(HOST_TRACE_ENUM)
#undef HOST_TRACE_ENUM
        HOST_TRACE__MAX
} HostTraceEvent;

#endif
