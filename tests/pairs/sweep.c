/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that a device may do, at every step of a driver.
 */
#include "tests/pairs/sweep.h"

#include <string.h>

#include "hw/virtio/provoke.h"
#include "tests/pairs/pair.h"

/* A driver with more events of a kind goes on and on. */
#define EVENTS_MAX 500u

/* Each legal kind, with keys that mean something to all drivers. */
static const struct {
    const char *kind, *keys;
} provocations[] = {
    {"control-starve", ",delay=1ms"},
    {"port-order", ",seed=5"},
    {"port-flap", ""},
    {"port-unplug", ",port=1"},
    {"port-throttle", ",port=1,delay=1ms"},
    {"host-disconnect", ",port=1,delay=1ms"},
    {"completion-hold", ",queue=3,delay=1ms"},
    {"completion-reorder", ",queue=3,delay=1ms"},
    {"interrupt-spurious", ",queue=2"},
    {"config-interrupt", ""},
    {"needs-reset", ""},
};

typedef struct Sweep {
    const Variant *variant;
    const char *event;
    size_t provocation;
} Sweep;

static bool is_swept(const char *kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(provocations); i++) {
        if (!strcmp(provocations[i].kind, kind)) {
            return true;
        }
    }
    return false;
}

/* A kind that is new and legal is to be here. */
static void check_kinds(void)
{
    size_t n;
    const ProvokeKindInfo *kinds = provoke_kinds(&n);

    for (size_t i = 0; i < n; i++) {
        if (is_swept(kinds[i].spec.name) != kinds[i].legal) {
            g_error("provocation %s: %s", kinds[i].spec.name,
                    kinds[i].legal ? "legal, and not swept" : "not legal");
        }
    }
}

static JsonObject *info_of(const Pair *pair)
{
    return json_array_get_object_element(json_node_get_array(pair->info), 0);
}

/* Did the last provocation's time come? */
static bool happened(const Pair *pair)
{
    JsonArray *list =
        json_object_get_array_member(info_of(pair), "provocations");
    guint n = json_array_get_length(list);

    g_assert_cmpuint(n, >, 0);
    return !json_object_get_boolean_member(
        json_array_get_object_element(list, n - 1), "waiting");
}

static void check_lives(const Pair *pair, const char *spec)
{
    JsonArray *broken =
        json_object_get_array_member(info_of(pair), "violations");

    if (strcmp(pair->run->ending, "powered-off") ||
        strstr(pair->run->console, "BUG") || json_array_get_length(broken)) {
        g_autofree char *info = json_to_string(pair->info, FALSE);

        g_test_message("%s: %s\n%s%s", spec, pair->run->ending,
                       pair->run->console, info);
        g_test_fail();
    }
}

static void lives_whenever_it_happens(gconstpointer data)
{
    const Sweep *s = data;
    bool again = true;
    unsigned n;

    for (n = 1; again && n <= EVENTS_MAX; n++) {
        g_autofree char *spec = g_strdup_printf(
            "%s#%u:%s%s", s->event, n, provocations[s->provocation].kind,
            provocations[s->provocation].keys);
        g_autoptr(Pair) pair = pair_run_provoked(s->variant, spec);

        check_lives(pair, spec);
        again = happened(pair);
    }
    g_test_message("%u runs", n - 1);
    g_assert_false(again);
    /* The last run had no such event any more; where the first had none the
     * sweep says nothing. */
    g_assert_cmpuint(n - 1, >, 1);
}

static void add_event(const char *name, const Variant *variant,
                      const char *event)
{
    for (size_t i = 0; i < G_N_ELEMENTS(provocations); i++) {
        Sweep *s = g_new(Sweep, 1);
        g_autofree char *test =
            g_strdup_printf("%s/%s/%s", name, event, provocations[i].kind);

        *s = (Sweep){variant, event, i};
        g_test_add_data_func_full(test, s, lives_whenever_it_happens, g_free);
    }
}

void sweep_add(const char *name, const Variant *variant, const char *event)
{
    const char *const *events = provoke_events();
    bool found = false;

    check_kinds();
    for (; *events; events++) {
        if (!*event || !strcmp(*events, event)) {
            add_event(name, variant, *events);
            found = true;
        }
    }
    if (!found) {
        g_error("%s: no event that is swept", event);
    }
}
