/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration by way of a file, for qtest suites.
 */
#include "tests/qtest/qtest-migrate.h"

#include <string.h>

static bool run(Qtest *q, const char *command, const char *args)
{
    json_node_unref(qtest_qmp(q, "migrate-set-capabilities",
                              "{\"capabilities\": [{\"capability\": "
                              "\"events\", \"state\": true}]}"));
    json_node_unref(qtest_qmp(q, command, args));
    for (;;) {
        g_autoptr(JsonNode) event = qtest_qmp_event(q, "MIGRATION");
        JsonObject *data =
            json_object_get_object_member(json_node_get_object(event), "data");
        const char *status = json_object_get_string_member(data, "status");

        if (!strcmp(status, "completed") || !strcmp(status, "failed")) {
            return !strcmp(status, "completed");
        }
    }
}

bool qtest_migrate_to(Qtest *q, const char *file)
{
    g_autofree char *args = g_strdup_printf("{\"uri\": \"file:%s\"}", file);

    return run(q, "migrate", args);
}

bool qtest_migrate_from(Qtest *q, const char *file)
{
    g_autofree char *args = g_strdup_printf(
        "{\"uri\": \"file:%s\", \"exit-on-error\": false}", file);

    return run(q, "migrate-incoming", args);
}
