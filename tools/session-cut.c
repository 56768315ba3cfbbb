/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cuts of a session: each is armed while the guest stands, so that the
 * next comes at the same instruction each time, and made one after the other.
 */
#include <string.h>

#include "tools/session-internal.h"

/* xen: tools/libs/light/libxl_dom_suspend.c: what a guest has to answer */
#define SUSPEND_PATIENCE_S 60
/* Wall-clock time between two looks at the guest's */
#define SUSPEND_LOOK_S 1

typedef struct PendingCut {
    Session *session;
    CutRequest *request;
    SessionCutDone done; /* may be NULL */
    gpointer opaque;
    gboolean armed;
    gint64 asked_ns; /* to suspend itself, at the latest; 0: not known yet */
} PendingCut;

struct SessionCuts {
    Session *session;
    GQueue queue;   /* of PendingCut, oldest first */
    gboolean begun; /* the guest has */
    gint64 domid;   /* the guest's, once it is known */
    guint look;     /* source: at a guest that is to suspend itself; 0: none */
};

static void pending_free(gpointer opaque)
{
    PendingCut *cut = opaque;

    cut_request_free(cut->request);
    g_free(cut);
}

SessionCuts *session_cuts_new(Session *s)
{
    SessionCuts *cuts = g_new0(SessionCuts, 1);

    cuts->session = s;
    g_queue_init(&cuts->queue);
    return cuts;
}

void session_cuts_free(SessionCuts *cuts)
{
    if (cuts->look) {
        g_source_remove(cuts->look);
    }
    g_queue_clear_full(&cuts->queue, pending_free);
    g_free(cuts);
}

static PendingCut *current(Session *s)
{
    return g_queue_peek_head(&s->cuts->queue);
}

static void arm(PendingCut *cut, gboolean stands);

static void cut_finish(Session *s, const GError *error)
{
    PendingCut *cut = g_queue_pop_head(&s->cuts->queue);

    if (cut->done) {
        cut->done(error, cut->opaque);
    }
    pending_free(cut);
    cut = current(s);
    if (cut && !cut->armed) {
        arm(cut, FALSE);
    }
}

/* The reply to what only arms a cut. */
static void armed(JsonNode *reply, const GError *error, gpointer opaque)
{
    Session *s = opaque;

    if (!reply && current(s)) {
        cut_finish(s, error);
    }
}

/* The reply to what makes a cut. */
static void made(JsonNode *reply, const GError *error, gpointer opaque)
{
    Session *s = opaque;

    if (current(s)) {
        cut_finish(s, reply ? NULL : error);
    }
}

static void restored(JsonNode *reply, const GError *error, gpointer opaque)
{
    Session *s = opaque;

    if (reply) {
        s->cuts->domid++;
    }
    made(reply, error, opaque);
}

/* Is the one before @cut a restore that is still to come? */
static gboolean follows_restore(const PendingCut *cut)
{
    const PendingCut *head = current(cut->session);

    return head != cut && head->request->way == CUT_SUSPEND;
}

static JsonObject *write_of_shutdown(gint64 domid, const char *value)
{
    JsonObject *write = json_object_new();
    g_autofree char *path = g_strdup_printf(
        "/local/domain/%" G_GINT64_FORMAT "/control/shutdown", domid);

    json_object_set_string_member(write, "path", path);
    json_object_set_string_member(write, "value", value);
    return write;
}

static gboolean waits_for_suspend(Session *s)
{
    PendingCut *cut = current(s);

    return cut && cut->armed && s->ending == ENDING_NONE &&
           (cut->request->way == CUT_SUSPEND ||
            cut->request->way == CUT_CANCEL);
}

/* It is asked no longer, as by libxl. */
static void give_up_suspend(Session *s)
{
    g_autoptr(GError) error = g_error_new(
        G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
        "the guest did not suspend itself within %d s", SUSPEND_PATIENCE_S);

    session_execute(s, "jumpcut-xenstore-write",
                    write_of_shutdown(s->cuts->domid, ""), NULL, NULL);
    cut_finish(s, error);
}

static void time_received(JsonNode *reply, const GError *error, gpointer opaque)
{
    Session *s = opaque;
    PendingCut *cut = current(s);
    gint64 now;

    (void)error; /* there is another look */
    if (!reply || !JSON_NODE_HOLDS_OBJECT(reply) || !waits_for_suspend(s)) {
        return;
    }
    now = json_object_get_int_member_with_default(json_node_get_object(reply),
                                                  "virtual-ns", 0);
    if (!cut->asked_ns) {
        cut->asked_ns = MAX(now, cut->request->at_ns);
    }
    if (now - cut->asked_ns >
        SUSPEND_PATIENCE_S * G_GINT64_CONSTANT(1000000000)) {
        give_up_suspend(s);
    }
}

static gboolean look_for_suspend(gpointer opaque)
{
    Session *s = opaque;

    if (!waits_for_suspend(s)) {
        s->cuts->look = 0;
        return G_SOURCE_REMOVE;
    }
    session_execute(s, "query-jumpcut-replay", NULL, time_received, s);
    return G_SOURCE_CONTINUE;
}

/* As the toolstack asks for it (xen: tools/libs/light/libxl_dom_suspend.c). */
static void ask_for_suspend(PendingCut *cut)
{
    Session *s = cut->session;
    gint64 domid = s->cuts->domid + (follows_restore(cut) ? 1 : 0);
    JsonObject *write = write_of_shutdown(domid, "suspend");

    if (!s->cuts->look) {
        s->cuts->look =
            g_timeout_add_seconds(SUSPEND_LOOK_S, look_for_suspend, s);
    }
    if (cut->request->at_ns >= 0) {
        JsonObject *later = json_object_new();

        json_object_set_int_member(later, "at-ns", cut->request->at_ns);
        json_object_set_string_member(later, "execute",
                                      "jumpcut-xenstore-write");
        json_object_set_object_member(later, "arguments", write);
        session_execute(s, "jumpcut-at", later, armed, s);
    } else {
        session_execute(s, "jumpcut-xenstore-write", write, armed, s);
    }
}

static void domid_received(JsonNode *reply, const GError *error,
                           gpointer opaque)
{
    Session *s = opaque;
    JsonObject *info = reply && JSON_NODE_HOLDS_OBJECT(reply)
                           ? json_node_get_object(reply)
                           : NULL;

    (void)error; /* the session asks again when it ends, and tells */
    s->cuts->domid =
        info ? json_object_get_int_member_with_default(info, "domid", 1) : 1;
    if (current(s) && current(s)->armed) {
        ask_for_suspend(current(s));
    }
}

static void arm_suspend(PendingCut *cut)
{
    Session *s = cut->session;

    if (s->cuts->domid) {
        ask_for_suspend(cut);
    } else {
        session_execute(s, "query-jumpcut", NULL, domid_received, s);
    }
}

/*
 * A machine that stands cannot be told to stop; the last tick of its gate
 * before the cut tells it.
 */
static void arm_migrate(PendingCut *cut, gboolean stands)
{
    Session *s = cut->session;
    JsonObject *handover = json_object_new();
    gint64 at_ns = cut->request->at_ns;

    if (at_ns >= 0) {
        json_object_set_int_member(handover, "at-ns", at_ns);
    }
    if (stands) {
        JsonObject *later = json_object_new();

        json_object_set_int_member(later, "at-ns",
                                   MAX(at_ns - BOOT_GATE_NS, 0));
        json_object_set_string_member(later, "execute", "jumpcut-handover");
        json_object_set_object_member(later, "arguments", handover);
        session_execute(s, "jumpcut-at", later, armed, s);
    } else {
        session_execute(s, "jumpcut-handover", handover, armed, s);
    }
}

/* @stands: the machine does, and goes on at once. */
static void arm(PendingCut *cut, gboolean stands)
{
    Session *s = cut->session;
    JsonObject *arguments;

    cut->armed = TRUE;
    switch (cut->request->way) {
    case CUT_IN_PLACE:
        arguments = cut_request_arguments(cut->request);
        if (cut->request->at_ns >= 0) {
            json_object_set_int_member(arguments, "at-ns", cut->request->at_ns);
        }
        session_execute(s, "jumpcut-cut", arguments, made, s);
        break;
    case CUT_MIGRATE:
        arm_migrate(cut, stands);
        break;
    case CUT_SUSPEND:
    case CUT_CANCEL:
        arm_suspend(cut);
        break;
    }
}

/* The guest stands: what comes after the current cut can be armed exactly. */
static void arm_next(Session *s)
{
    PendingCut *next = g_queue_peek_nth(&s->cuts->queue, 1);

    if (next && !next->armed && next->request->at_ns >= 0) {
        arm(next, TRUE);
    }
}

void session_cut(Session *s, CutRequest *request, SessionCutDone done,
                 gpointer opaque)
{
    PendingCut *cut = g_new0(PendingCut, 1);

    cut->session = s;
    cut->request = request;
    cut->done = done;
    cut->opaque = opaque;
    g_queue_push_tail(&s->cuts->queue, cut);
    if (s->cuts->begun && current(s) == cut) {
        arm(cut, FALSE);
    }
}

static void option_cut_done(const GError *error, gpointer opaque)
{
    g_autofree char *why = NULL;

    if (error) {
        why = g_strdup_printf("--cut: %s", error->message);
        session_end(opaque, ENDING_CUT, why);
    }
}

void session_cuts_begin(Session *s)
{
    GPtrArray *moves = s->config.options->moves;

    for (guint i = 0; i < moves->len; i++) {
        session_cut(s, cut_request_copy(g_ptr_array_index(moves, i)),
                    option_cut_done, s);
    }
    s->cuts->begun = TRUE;
    if (current(s)) {
        arm(current(s), TRUE);
    }
}

static void suspended(Session *s)
{
    PendingCut *cut = current(s);
    JsonObject *arguments = cut_request_arguments(cut->request);
    gboolean cancel = cut->request->way == CUT_CANCEL;

    arm_next(s);
    if (cancel) {
        json_object_unref(arguments);
        session_execute(s, "jumpcut-resume", NULL, made, s);
    } else {
        session_execute(s, "jumpcut-restore", arguments, restored, s);
    }
}

/* xen: include/public/sched.h, SHUTDOWN_suspend */
#define XEN_SHUTDOWN_SUSPEND 2

static void paused_info_received(JsonNode *reply, const GError *error,
                                 gpointer opaque)
{
    Session *s = opaque;
    JsonObject *info = reply && JSON_NODE_HOLDS_OBJECT(reply)
                           ? json_node_get_object(reply)
                           : NULL;

    (void)error; /* then it is not known to be suspended */
    if (info && waits_for_suspend(s) &&
        json_object_get_int_member_with_default(info, "shutdown-reason", -1) ==
            XEN_SHUTDOWN_SUSPEND) {
        suspended(s);
    }
}

void session_cuts_paused(Session *s)
{
    if (waits_for_suspend(s)) {
        session_execute(s, "query-jumpcut", NULL, paused_info_received, s);
    }
}

void session_cuts_stopped(Session *s, const char *reason)
{
    PendingCut *cut = current(s);

    if (s->ending != ENDING_NONE || s->move || strcmp(reason, "handover")) {
        return;
    }
    session_move_begin(s, cut && cut->request->via_file);
}

static void moved_and_cut(JsonNode *reply, const GError *error, gpointer opaque)
{
    Session *s = opaque;

    arm_next(s);
    if (reply) {
        session_continue(s);
    }
    made(reply, error, opaque);
}

void session_cuts_moved(Session *s)
{
    PendingCut *cut = current(s);
    JsonObject *arguments;

    if (!cut || cut->request->way != CUT_MIGRATE) {
        return; /* a replay's: it is in the trace how it goes on */
    }
    if (!*cut->request->text) {
        arm_next(s);
        session_continue(s);
        cut_finish(s, NULL);
        return;
    }
    arguments = cut_request_arguments(cut->request);
    session_execute(s, "jumpcut-cut", arguments, moved_and_cut, s);
}
