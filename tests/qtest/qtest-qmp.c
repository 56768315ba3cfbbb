/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest client: QMP.
 */
#include "tests/qtest/qtest-internal.h"

#include <string.h>

/* The next object QEMU sends. */
static JsonNode *qmp_receive(Qtest *q)
{
    g_autofree char *line = qtest_receive(q, &q->qmp);
    g_autoptr(GError) error = NULL;
    JsonNode *node = json_from_string(line, &error);

    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        qtest_fatal(q, "QMP: wanted an object, got: %s", line);
    }
    return node;
}

/* The next answer; events that come before it are kept. */
static JsonNode *qmp_answer(Qtest *q)
{
    for (;;) {
        JsonNode *node = qmp_receive(q);

        if (!json_object_has_member(json_node_get_object(node), "event")) {
            return node;
        }
        g_queue_push_tail(&q->events, node);
    }
}

static JsonNode *qmp_execute(Qtest *q, const char *command, const char *args)
{
    g_autofree char *line =
        args ? g_strdup_printf("{\"execute\": \"%s\", \"arguments\": %s}",
                               command, args)
             : g_strdup_printf("{\"execute\": \"%s\"}", command);

    qtest_send(q, &q->qmp, line);
    return qmp_answer(q);
}

void qtest_qmp_handshake(Qtest *q)
{
    g_autoptr(JsonNode) greeting = qmp_receive(q);
    g_autoptr(JsonNode) answer = NULL;

    if (!json_object_has_member(json_node_get_object(greeting), "QMP")) {
        qtest_fatal(q, "QMP: no greeting");
    }
    answer = qtest_qmp(q, "qmp_capabilities", NULL);
}

JsonNode *qtest_qmp(Qtest *q, const char *command, const char *args)
{
    g_autoptr(JsonNode) answer = qmp_execute(q, command, args);
    JsonObject *object = json_node_get_object(answer);

    if (!json_object_has_member(object, "return")) {
        g_autofree char *text = json_to_string(answer, FALSE);

        qtest_fatal(q, "QMP: %s: wanted success, got %s", command, text);
    }
    return json_node_ref(json_object_get_member(object, "return"));
}

char *qtest_qmp_error(Qtest *q, const char *command, const char *args)
{
    g_autoptr(JsonNode) answer = qmp_execute(q, command, args);
    JsonObject *object = json_node_get_object(answer);

    if (!json_object_has_member(object, "error")) {
        return NULL;
    }
    object = json_object_get_object_member(object, "error");
    return g_strdup(json_object_get_string_member(object, "desc"));
}

char *qtest_qmp_fails(Qtest *q, const char *command, const char *args)
{
    char *desc = qtest_qmp_error(q, command, args);

    if (!desc) {
        qtest_fatal(q, "QMP: %s: wanted an error, got none", command);
    }
    return desc;
}

static bool qmp_event_is(JsonNode *node, const char *name)
{
    JsonObject *object = json_node_get_object(node);

    return !g_strcmp0(json_object_get_string_member(object, "event"), name);
}

JsonNode *qtest_qmp_event(Qtest *q, const char *name)
{
    for (GList *l = q->events.head; l; l = l->next) {
        JsonNode *node = l->data;

        if (qmp_event_is(node, name)) {
            g_queue_delete_link(&q->events, l);
            return node;
        }
    }
    for (;;) {
        JsonNode *node = qmp_receive(q);

        if (!json_object_has_member(json_node_get_object(node), "event")) {
            qtest_fatal(q, "QMP: an answer nobody asked for");
        }
        if (qmp_event_is(node, name)) {
            return node;
        }
        g_queue_push_tail(&q->events, node);
    }
}

JsonNode *qtest_qmp_any_event(Qtest *q)
{
    return g_queue_pop_head(&q->events);
}
