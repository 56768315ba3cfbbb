/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap between the hypervisor logic and its host: writes down each call into
 * the logic, what it read, what it answered and what it did, or makes these
 * calls again from what was written.
 *
 * A step is one call: two lines of text, the request and its answer, which
 * docs/device-records.rst describes.  All functions run with the host's lock
 * held.  Nothing here changes what the logic does.
 */
#ifndef JUMPCUT_HW_TAP_TAP_H
#define JUMPCUT_HW_TAP_TAP_H

#include <glib.h>

#include "hw/host.h"
#include "hw/tap/tap-entry.h"

typedef struct HostTap HostTap;

typedef enum HostTapMode {
    HOST_TAP_RECORD,
    HOST_TAP_REPLAY,
} HostTapMode;

/* Longest request taken, and largest number of steps in flight. */
#define HOST_TAP_LINE_MAX (1u << 20)

typedef struct HostTapHooks {
    /*
     * Record: the frame at which the page of linear address @gva lies for
     * @vcpu now.  @return: false if it lies nowhere.
     */
    bool (*translate)(void *opaque, unsigned vcpu, uint64_t gva, uint64_t *gfn);
    /* Record: whole steps, @len bytes of lines, the last at @at_ns. */
    void (*emit)(void *opaque, int64_t at_ns, const char *lines, size_t len);
    /* Replay: virtual time becomes @at_ns, which is not in the past. */
    void (*set_time)(void *opaque, int64_t at_ns);
    /* Replay: make the call, set @answer.  @return: how many are set */
    unsigned (*run)(void *opaque, const TapEntry *entry,
                    uint64_t answer[TAP_ANSWERS_MAX]);
} HostTapHooks;

/* @real and @hooks are borrowed and outlive the tap. */
HostTap *host_tap_new(Host *real, HostTapMode mode, const HostTapHooks *hooks,
                      void *opaque);
/* Every timer of the logic is freed by then. */
void host_tap_free(HostTap *tap);
/* What the logic is to take for its host. */
Host *host_tap_host(HostTap *tap);
/* Recording begins with the next call; until then nothing is written. */
void host_tap_start(HostTap *tap);
/* @tap may be NULL. */
bool host_tap_replays(const HostTap *tap);
/* Steps so far: recorded, or made again. */
uint64_t host_tap_steps(const HostTap *tap);

/*
 * Around each call into the logic, while recording.  A call made while another
 * is under way, by what that one asked of its host, becomes part of it.
 */
void host_tap_begin(HostTap *tap, const TapEntry *entry);
void host_tap_end(HostTap *tap, const uint64_t *answer, unsigned nr_answers);
/* As the above, but leave no step if the logic did nothing and said 0. */
void host_tap_end_quiet(HostTap *tap, const uint64_t *answer,
                        unsigned nr_answers);
/*
 * What the glue answers to the logic beside HostOps, between the two above.
 * Recording gives back @value, replay what was recorded.
 */
uint64_t host_tap_input(HostTap *tap, uint64_t value);
/*
 * Around what the glue does for the logic beside HostOps and that may call the
 * logic again.  @return: false while replaying: the calls were made, and
 * nothing is to be done.
 */
bool host_tap_ask(HostTap *tap);
void host_tap_asked(HostTap *tap);
/* Hand the steps that wait to emit(). */
void host_tap_flush(HostTap *tap);

/*
 * Replay: make the step that @words (changed) ask for, and append its answer to
 * @answer.  @return: false, with the reason appended instead, if the request
 * is none; the logic may then have been called.
 */
bool host_tap_run(HostTap *tap, char **words, unsigned nr_words,
                  GString *answer);

#endif
