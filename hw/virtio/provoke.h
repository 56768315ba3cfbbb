/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Provocations: what a console device does to its driver on purpose, at a
 * virtual time or at the n-th of some event.
 *
 *     WHEN:KIND[,KEY=VALUE...]
 *     WHEN = TIME | EVENT[=WHAT][/PORT]#N
 *
 * "2s:port-unplug,port=1", "control-tx=port-add/2#1:control-duplicate",
 * "status=0x0f#1:config-interrupt".  Events are counted from when the
 * provocation was added; one that concerns messages begins with the very
 * message at which its time comes.
 */
#ifndef JUMPCUT_HW_VIRTIO_PROVOKE_H
#define JUMPCUT_HW_VIRTIO_PROVOKE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hw/host.h"
#include "hw/spec/spec.h"
#include "hw/state.h"

/* Of one device; those that are over make room. */
#define PROVOKE_MAX          256u
#define PROVOKE_LATE_MAX     1024u /* messages delayed; others are not */
#define PROVOKE_COUNT_MAX    1024u
#define PROVOKE_DELAY_NS_MAX ((uint64_t)3600 * 1000000000)
#define PROVOKE_NO_PORT      UINT32_MAX
#define PROVOKE_ALL_PORTS    UINT32_MAX

/* Events; @what is WHAT. */
typedef enum ProvokePoint {
    PROVOKE_STATUS,      /* the driver wrote device_status; what: the value */
    PROVOKE_RESET,       /* what: 1 by the driver, 0 by the machine */
    PROVOKE_CONFIG_READ, /* what: offset */
    PROVOKE_NOTIFY,      /* what: queue */
    PROVOKE_PUSH,        /* a chain is given back; what: queue */
    PROVOKE_INTERRUPT,   /* what: queue */
    PROVOKE_CONTROL_RX,  /* from the driver; what: the message's event */
    PROVOKE_CONTROL_TX,  /* to the driver, about to be queued */
    PROVOKE_POINT__MAX
} ProvokePoint;

/*
 * What the device does for its provocations; all are called from inside the
 * calls below or from a timer.
 */
typedef struct ProvokeOps {
    /* A message to the driver, or as if from it: not shown to provoke_control()
     * (were it, it would pass). */
    void (*control)(void *s, bool to_driver, unsigned port, uint16_t event,
                    uint16_t value);
    void (*interrupt)(void *s, unsigned queue);
    void (*config_interrupt)(void *s);
    void (*needs_reset)(void *s);
    void (*port_unplug)(void *s, unsigned port);
    /* Unplug it and plug it in again, as the driver sees it;
     * PROVOKE_ALL_PORTS: each, one after another. */
    void (*port_flap)(void *s, unsigned port);
    void (*throttle)(void *s, unsigned port, bool on);
    void (*host_connect)(void *s, unsigned port, bool on);
    /* Completions wait while @on, then come, the last first if @reverse. */
    void (*hold)(void *s, unsigned queue, bool on, bool reverse);
    /* Messages to the driver wait while @on. */
    void (*starve)(void *s, bool on);
} ProvokeOps;

typedef struct ProvokeKindInfo {
    SpecKind spec;       /* its name, and its keys: ProvokeField */
    bool legal;          /* for a device; else it is a device's fault */
    const char *section; /* of virtio 1.3: what allows it or what it breaks */
    const char *text;
} ProvokeKindInfo;

typedef struct ProvokeInfo {
    const char *text; /* as it was given */
    bool legal;
    bool waiting;   /* for its time */
    uint64_t count; /* of what it did: messages, interrupts, changes */
} ProvokeInfo;

typedef struct Provoker Provoker;

#define PROVOKE_ERROR (provoke_error_quark())
GQuark provoke_error_quark(void);
typedef enum ProvokeError {
    PROVOKE_ERROR_SPEC,  /* malformed, unknown, missing, out of range */
    PROVOKE_ERROR_STATE, /* cannot be now: past, too many */
} ProvokeError;

/* @return: NULL: no timer to be had */
Provoker *provoke_new(unsigned max_ports, Host *host, const ProvokeOps *ops,
                      void *s);
void provoke_free(Provoker *p);
/* Is @text a provocation of a device of @max_ports?  Its time is not looked at.
 */
bool provoke_check(const char *text, unsigned max_ports, GError **error);
bool provoke_add(Provoker *p, const char *text, GError **error);

/*
 * It happens now. @port: PROVOKE_NO_PORT if it has none. @return: false: it is
 * lost (PROVOKE_NOTIFY, PROVOKE_INTERRUPT), and is to be left out.  @p may be
 * NULL.
 */
bool provoke_see(Provoker *p, ProvokePoint point, unsigned port, unsigned what);
/* @return: false: leave the message out; it is lost, or the provoker has it */
bool provoke_control(Provoker *p, bool to_driver, unsigned port, uint16_t event,
                     uint16_t value);
/*
 * The device is about to announce the @n ports in @ports: puts them into
 * another order, if a provocation wants that.
 */
void provoke_order(Provoker *p, unsigned *ports, unsigned n);

const ProvokeKindInfo *provoke_kinds(size_t *n);
/* Names of all events, by ProvokePoint; NULL is behind the last. */
const char *const *provoke_events(void);
unsigned provoke_nr(const Provoker *p);
void provoke_info(const Provoker *p, unsigned i, ProvokeInfo *info);

void provoke_save(const Provoker *p, StateWriter *w);
/* What was here is forgotten; on error there is none. */
void provoke_load(Provoker *p, StateReader *r);

#endif
