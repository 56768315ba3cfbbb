/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of a tap, for the files of this folder alone. */
#ifndef JUMPCUT_HW_TAP_TAP_INTERNAL_H
#define JUMPCUT_HW_TAP_TAP_INTERNAL_H

#include "hw/tap/tap.h"

/*
 * What is known of a page's content in a machine that replays.  Keyed by the
 * page's memory, wherever the guest sees it.
 */
typedef struct TapPage {
    char *name;      /* HostMemoryOps::page_name */
    const void *ptr; /* good while there are pins, or it is an overlay */
    unsigned pins;   /* overlays and aliases that show it not counted */
    bool overlay, mapped;
    unsigned generation; /* at which bytes were last known */
    unsigned nr_known;
    uint8_t known[HOST_PAGE_SIZE / 8]; /* a bit a byte */
    uint8_t data[HOST_PAGE_SIZE];
} TapPage;

typedef struct TapShadow {
    GHashTable *pages;    /* ptr -> TapPage, its own */
    GHashTable *of_host;  /* HostPage -> TapPage: pins and overlays */
    GHashTable *of_frame; /* gfn -> TapPage, while nothing moves */
    GPtrArray *watched;   /* TapPage: those the guest can write, in order */
    GHashTable *frames;   /* linear page -> how it lies in memory */
    unsigned generation;
} TapShadow;

/* Operations under way: each in a call that the one before made. */
#define TAP_ASK_MAX 8u

struct HostTap {
    Host host; /* first: HostOps hands it back */
    HostOps ops;
    Host *real;
    HostTapMode mode;
    const HostTapHooks *hooks;
    void *opaque;
    TapShadow shadow;
    bool started;
    unsigned depth;  /* of calls under way */
    unsigned asking; /* operations under way of which it may call */
    uint64_t steps;
    GString *memory; /* of this step: what the logic is about to read */
    GString *entry;
    GPtrArray *inputs; /* of GString: answers, and calls made meanwhile */
    guint asked[TAP_ASK_MAX]; /* whose answer is to come: its input */
    GString *did;             /* what the logic did to its host */
    GString *lines;           /* steps that wait */
    unsigned nr_lines;
    int64_t at_ns;
    GPtrArray *timers; /* of HostTimer, by id; NULL: freed */
    GQueue *apart;     /* of TapApart, put off */
    char *rest;        /* replay: inputs that are left, or NULL */
    char *problem;     /* replay: with the inputs, to be freed */
};

static inline HostTap *tap_of(Host *host)
{
    return (HostTap *)host;
}

static inline bool tap_records(const HostTap *tap)
{
    return tap->mode == HOST_TAP_RECORD;
}

/* Outside of steps (construction, a load) the real host answers. */
static inline bool tap_replays_step(const HostTap *tap)
{
    return !tap_records(tap) && tap->depth;
}

/* tap.c */
/* The logic did something; the word is " NAME/a/b...". */
void tap_did(HostTap *tap, const char *format, ...) G_GNUC_PRINTF(2, 3);
uint32_t tap_hash(const void *data, size_t len);
/*
 * Around an operation of the host's with an answer, or that may call the logic
 * again.  @return: the answer, recorded or from the request
 */
void tap_ask(HostTap *tap);
uint64_t tap_answered(HostTap *tap, uint64_t value);
void tap_finish(HostTap *tap, const uint64_t *answer, unsigned nr,
                GString *out);

/* tap-replay.c: the next input; calls that it names are made. */
uint64_t tap_next_input(HostTap *tap);

/* tap-host.c, tap-memory.c */
void tap_host_ops(HostTap *tap);
void tap_memory_ops(HostTap *tap);
bool tap_timer_fire(HostTap *tap, uint64_t id);
bool tap_apart_run(HostTap *tap);

/* tap-shadow.c */
void tap_shadow_init(TapShadow *s);
void tap_shadow_destroy(TapShadow *s);
TapPage *tap_shadow_add(HostTap *tap, HostPage *page, bool overlay);
void tap_shadow_remove(HostTap *tap, HostPage *page, bool overlay);
/* An overlay lies over a frame now, or (@mapped false) nowhere. */
void tap_shadow_map(HostTap *tap, HostPage *host, bool mapped);
/* Frames show other pages from now on. */
void tap_shadow_moved(HostTap *tap);
/* Content was changed that a machine that replays changes in its own way. */
void tap_shadow_lost(HostTap *tap);
/* The guest's memory is @data now: note what is not known. */
void tap_shadow_read(HostTap *tap, TapPage *page, size_t off,
                     const uint8_t *data, size_t len);
/* The logic wrote it. */
void tap_shadow_wrote(TapPage *page, size_t off, const uint8_t *data,
                      size_t len, unsigned generation);
/* The page at @gfn; NULL: not RAM that can be written */
TapPage *tap_shadow_at(HostTap *tap, uint64_t gfn);
/* Note what the guest wrote into pages the logic has pointers to. */
void tap_shadow_scan(HostTap *tap);
/*
 * Where a linear page lies: its frame times two, plus 1 if the guest may only
 * read it.
 */
#define TAP_READ_ONLY 1u
#define TAP_NOWHERE   UINT64_MAX
void tap_shadow_frame(HostTap *tap, uint64_t page, uint64_t frame);
uint64_t tap_shadow_lookup(const HostTap *tap, uint64_t page);

#endif
