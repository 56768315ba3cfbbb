/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of a scenario.
 *
 * One at a virtual time is left to the gate.  For one that waits for the
 * console the machine is stopped every tenth of a second of virtual time: what
 * the guest has written by then is a function of the guest, so the step comes
 * at the same time each time.
 */
#include <string.h>

#include "tools/run-load.h"
#include "tools/scenario-steps.h"

#define LOOK_NS ((gint64)100000000)

struct ScenarioSteps {
    const Variant *variant;
    Session *session;
    guint next;        /* of variant->steps: the next that waits */
    gint64 look_ns;    /* where the machine stops, or will */
    GString *console;  /* what the guest has written */
    gsize matched;     /* end of the last match in it */
    gint64 wanted;     /* bytes the guest has written at this stop; -1: none */
    GPtrArray *events; /* as run->events */
    char *failure;
};

ScenarioSteps *scenario_steps_new(const Variant *variant)
{
    ScenarioSteps *steps = g_new0(ScenarioSteps, 1);

    steps->variant = variant;
    steps->console = g_string_new(NULL);
    steps->wanted = -1;
    steps->events = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    return steps;
}

void scenario_steps_free(ScenarioSteps *steps)
{
    g_string_free(steps->console, TRUE);
    g_ptr_array_unref(steps->events);
    g_free(steps->failure);
    g_free(steps);
}

/* The next step that waits for the console, or NULL. */
static const Step *waiting(ScenarioSteps *steps)
{
    const GPtrArray *all = steps->variant->steps;

    while (steps->next < all->len &&
           ((const Step *)all->pdata[steps->next])->at_ns >= 0) {
        steps->next++;
    }
    return steps->next < all->len ? all->pdata[steps->next] : NULL;
}

static void fail(ScenarioSteps *steps, const Step *step, const char *why)
{
    if (!steps->failure) {
        steps->failure = g_strdup_printf("[%s]: %s", step->name, why);
    }
    session_end(steps->session, ENDING_CUT, steps->failure);
}

static JsonObject *arguments_of(const Step *step)
{
    g_autoptr(JsonNode) node = json_from_string(step->arguments, NULL);

    return json_object_ref(json_node_get_object(node));
}

static void appointed(JsonNode *reply, const GError *error, gpointer opaque)
{
    ScenarioSteps *steps = opaque;

    if (!reply && !steps->failure) {
        steps->failure = g_strdup(error->message);
        session_end(steps->session, ENDING_CUT, steps->failure);
    }
}

static void appoint(ScenarioSteps *steps, const Step *step)
{
    JsonObject *later = json_object_new();

    json_object_set_int_member(later, "at-ns", step->at_ns);
    json_object_set_string_member(later, "execute", step->command);
    json_object_set_object_member(later, "arguments", arguments_of(step));
    session_execute(steps->session, "jumpcut-at", later, appointed, steps);
}

/* While the machine stands: where it is to stop next. */
static void look_again(ScenarioSteps *steps)
{
    JsonObject *at = json_object_new();

    steps->look_ns += LOOK_NS;
    json_object_set_int_member(at, "at-ns", steps->look_ns);
    session_execute(steps->session, "jumpcut-stop-at", at, appointed, steps);
}

static gboolean ready(Session *session, gpointer opaque)
{
    ScenarioSteps *steps = opaque;

    steps->session = session;
    for (guint i = 0; i < steps->variant->steps->len; i++) {
        const Step *step = steps->variant->steps->pdata[i];

        if (step->at_ns >= 0) {
            appoint(steps, step);
        }
    }
    if (waiting(steps)) {
        look_again(steps);
    }
    return TRUE;
}

static void look(ScenarioSteps *steps);

static void step_done(JsonNode *reply, const GError *error, gpointer opaque)
{
    ScenarioSteps *steps = opaque;
    const Step *step = waiting(steps);

    if (!reply) {
        fail(steps, step, error->message);
        return;
    }
    steps->next++;
    look(steps);
}

static void cut_done(const GError *error, gpointer opaque)
{
    ScenarioSteps *steps = opaque;

    if (error && !steps->failure) {
        steps->failure = g_strdup_printf("cut: %s", error->message);
        session_end(steps->session, ENDING_CUT, steps->failure);
    }
}

/* A cut in place is made at once; a guest that is to suspend itself must go
 * on for it. */
static void make_cut(ScenarioSteps *steps, const Step *step)
{
    g_autoptr(GError) error = NULL;
    CutRequest *request = cut_request_parse(step->cut, TRUE, &error);

    if (!request) {
        fail(steps, step, error->message);
        return;
    }
    session_cut(steps->session, request, cut_done, steps);
    steps->next++;
    look(steps);
}

/* The machine stands, and all the guest has written is here. */
static void look(ScenarioSteps *steps)
{
    const Step *step = waiting(steps);
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GError) error = NULL;
    int end;

    if (step &&
        g_regex_match_full(step->when, steps->console->str, steps->console->len,
                           steps->matched, 0, &match, &error)) {
        g_match_info_fetch_pos(match, 0, NULL, &end);
        steps->matched = end;
        if (step->cut) {
            make_cut(steps, step);
        } else {
            session_execute(steps->session, step->command, arguments_of(step),
                            step_done, steps);
        }
        return;
    }
    if (error) {
        fail(steps, step, error->message);
        return;
    }
    if (step) {
        look_again(steps);
    }
    session_continue(steps->session);
}

static void look_if_all_is_here(ScenarioSteps *steps)
{
    if (steps->wanted >= 0 && (gint64)steps->console->len >= steps->wanted) {
        steps->wanted = -1;
        look(steps);
    }
}

static void info_received(JsonNode *reply, const GError *error, gpointer opaque)
{
    ScenarioSteps *steps = opaque;

    (void)error; /* the session asks again when it ends, and tells */
    if (reply) {
        steps->wanted = json_object_get_int_member_with_default(
            json_node_get_object(reply), "console-bytes", 0);
        look_if_all_is_here(steps);
    }
}

static void event(Session *session, const char *name, JsonObject *data,
                  gpointer opaque)
{
    ScenarioSteps *steps = opaque;

    g_ptr_array_add(steps->events, run_event(name, data));
    if (!strcmp(name, "JUMPCUT_STOPPED") && data &&
        !strcmp(json_object_get_string_member_with_default(data, "reason", ""),
                "stop-at")) {
        session_execute(session, "query-jumpcut", NULL, info_received, steps);
    }
}

static void output(const guint8 *buf, size_t len, gpointer opaque)
{
    ScenarioSteps *steps = opaque;

    if (waiting(steps)) {
        g_string_append_len(steps->console, (const char *)buf, len);
        look_if_all_is_here(steps);
    }
}

const SessionHandlers scenario_steps_handlers = {
    .ready = ready,
    .event = event,
    .output = output,
};

GPtrArray *scenario_steps_events(const ScenarioSteps *steps)
{
    return g_ptr_array_ref(steps->events);
}

const char *scenario_steps_failure(ScenarioSteps *steps)
{
    const Step *step = waiting(steps);

    if (!steps->failure && step) {
        steps->failure =
            g_strdup_printf("[%s]: the guest ended before its console had '%s'",
                            step->name, g_regex_get_pattern(step->when));
    }
    return steps->failure;
}
