/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State-machine fuzz of a domain: a guest that does what guests do and what
 * they must not, step by step, and a model of what has to come of it.
 *
 * A step draws everything it decides from the sequence's seed and its own
 * number, so that a failing sequence still fails with other steps left out.
 */
#ifndef JUMPCUT_TESTS_FUZZ_FUZZ_DOMAIN_H
#define JUMPCUT_TESTS_FUZZ_FUZZ_DOMAIN_H

#include "tests/fuzz/fuzz-domain-model.h"

typedef struct Action {
    const char *name;
    unsigned weight;
    void (*run)(World *w);
} Action;

typedef struct ActionTable {
    const Action *actions;
    unsigned nr;
} ActionTable;

/* fuzz-domain-world.c */
World *world_new(uint64_t seed);
void world_free(World *w);
/*
 * Draws an action, runs it, checks every invariant.
 * @return: false: the guest cannot call any more
 */
bool world_step(World *w, unsigned step);
/* The domain is as one just made: so is the model. */
void world_forget(World *w);
/* The model no longer knows: ask the domain. */
void world_resync(World *w);

/* fuzz-domain-draw.c: a number below @n; true once in @n. */
uint64_t draw(World *w, uint64_t n);
bool one_in(World *w, unsigned n);
/* Numbers at which things change: 0, 1, powers of two, all ones... */
uint64_t draw_edge(World *w);
/* A vCPU, at times one that does not exist. */
uint32_t draw_vcpu(World *w);
uint32_t draw_port(World *w);
/* The caller's domain, mostly. */
uint16_t draw_domid(World *w);
/* A guest address: of the areas, of what is not there, at an end. */
uint64_t draw_address(World *w);

/*
 * A hypercall of the vCPU in turn, followed through its continuations as far
 * as a guest would; @return: its result, 0 if it was left unfinished.
 */
int64_t world_call(World *w, uint64_t nr, uint64_t a0, uint64_t a1,
                   uint64_t a2);
/* Sub-operation with its argument, copied back. */
int64_t world_op(World *w, uint64_t nr, uint64_t cmd, void *arg, size_t len);
/* Ends the run unless it is what the model has. */
#define EXPECT(w, got, want) world_expect(w, #got, got, want)
void world_expect(World *w, const char *what, int64_t got, int64_t want);
/* The same for success; @return: it is. */
#define EXPECT_OK(w, got) world_expect_ok(w, #got, got)
bool world_expect_ok(World *w, const char *what, int64_t got);
/* Can the bits of shared_info be looked at? */
bool world_sees_shinfo(const World *w);

extern const ActionTable evtchn_actions, fifo_actions, backend_actions,
    grant_actions, balloon_actions, store_actions, life_actions, pirq_actions,
    vcpu_actions, memory_actions, world_actions;

/* fuzz-domain-evtchn.c */
void evtchn_forget(World *w);
void evtchn_resync(World *w);
void evtchn_check(World *w);

/* fuzz-domain-backend.c */
void backend_forget(World *w);
void backend_check(World *w);
/* Where the guest sees entry @ref of its table, or 0. */
uint64_t backend_entry_at(World *w, uint32_t ref);
/* Pages pinned because domain 0 uses grants. */
unsigned backend_pins(const World *w);
/* After a migration back ends bind their ports again, and map nothing. */
void backend_reconnect(World *w);

/* fuzz-domain-grant.c */
void grant_forget(World *w);
void grant_check(World *w);
/* Pages pinned because the guest uses its own grants. */
unsigned grant_pins(const World *w);

/* fuzz-domain-balloon.c */
void balloon_forget(World *w);
void balloon_check(World *w);

/* fuzz-domain-vcpu.c */
void vcpu_forget(World *w);
void vcpu_check(World *w);

/* fuzz-domain-memory.c */
void memory_forget(World *w);
void memory_check(World *w);

#endif
