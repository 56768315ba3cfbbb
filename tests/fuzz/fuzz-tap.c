/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of device-level steps, made of a Xen domain: each is refused with a
 * reason or answered, and nothing is left behind.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "hw/tap/tap.h"
#include "tests/unit/xen-guest.h"

#define VCPUS 2u
/* A file of more would take long, and find nothing else. */
#define STEPS_MAX 64u

typedef struct World {
    FakeHost *fake;
    HostTap *tap;
    Clock *clock;
    XenDomain *d;
} World;

static void set_time(void *opaque, int64_t at_ns)
{
    World *w = opaque;

    fake_host_run_until(w->fake, at_ns);
}

static unsigned run_hypercall(World *w, const TapEntry *e, uint64_t *answer)
{
    XenHypercall call = {
        .long_mode = e->arg[1] & TAP_HYPERCALL_LONG_MODE,
        .privileged = e->arg[1] & TAP_HYPERCALL_PRIVILEGED,
        .nr = e->arg[2],
    };

    memcpy(call.args, e->arg + 3, sizeof(call.args));
    *answer = (uint64_t)xen_domain_hypercall(w->d, (unsigned)e->arg[0], &call);
    return 1;
}

static unsigned run(void *opaque, const TapEntry *e, uint64_t *answer)
{
    World *w = opaque;
    unsigned vcpu = (unsigned)e->arg[0];

    if (e->kind <= TAP_LVT && e->arg[0] >= VCPUS) {
        return 0;
    }
    switch (e->kind) {
    case TAP_HYPERCALL:
        return run_hypercall(w, e, answer);
    case TAP_RDMSR:
        answer[0] =
            xen_domain_rdmsr(w->d, vcpu, (uint32_t)e->arg[1], &answer[1]);
        return 2;
    case TAP_WRMSR:
        answer[0] =
            xen_domain_wrmsr(w->d, vcpu, (uint32_t)e->arg[1], e->arg[2]);
        return 1;
    case TAP_HALTED:
        xen_domain_vcpu_halted(w->d, vcpu, e->arg[1]);
        return 0;
    case TAP_RUNNING:
        xen_domain_vcpu_running(w->d, vcpu);
        return 0;
    case TAP_UPCALL:
        answer[0] = xen_domain_vcpu_upcall_due(w->d, vcpu);
        return 1;
    case TAP_INPUT:
        answer[0] = xen_domain_console_receive(w->d, e->data, e->len);
        return 1;
    case TAP_RESET:
        xen_domain_reset(w->d);
        return 0;
    default:
        return 0;
    }
}

static const HostTapHooks hooks = {.set_time = set_time, .run = run};

static void world_init(World *w)
{
    XenDomainConfig config = xen_guest_config(VCPUS, 17);
    HostProfile profile = {.set = HOST_PROFILE_UPTIME};

    w->fake = fake_host_new(VCPUS, XEN_GUEST_FRAMES);
    w->tap = host_tap_new(fake_host_ops(w->fake), HOST_TAP_REPLAY, &hooks, w);
    w->clock = clock_new(&profile, CLOCK_TSC_MODE_DEFAULT, VCPUS, 0);
    w->d = xen_domain_new(host_tap_host(w->tap), w->clock, &config, NULL, NULL,
                          NULL);
    g_assert_nonnull(w->d);
}

static void world_destroy(World *w)
{
    xen_domain_free(w->d);
    clock_free(w->clock);
    host_tap_free(w->tap);
    fake_host_free(w->fake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = g_strndup((const char *)data, size);
    char **lines = g_strsplit(text, "\n", STEPS_MAX + 1);
    World w;

    world_init(&w);
    for (unsigned i = 0; i < STEPS_MAX && lines[i]; i++) {
        char **words = g_strsplit(lines[i], " ", -1);
        GString *answer = g_string_new(NULL);

        host_tap_run(w.tap, words, g_strv_length(words), answer);
        g_assert_cmpuint(answer->len, !=, 0);
        g_assert_null(strchr(answer->str, '\n'));
        g_string_free(answer, TRUE);
        g_strfreev(words);
    }
    world_destroy(&w);
    g_strfreev(lines);
    g_free(text);
    return 0;
}
