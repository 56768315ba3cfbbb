/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the record of a run and its console: nothing in either is trusted
 * to be there or to be of the right type.
 */
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "tools/agent-log.h"
#include "tools/run-load.h"
#include "tools/run-record.h"

/* json-glib recurses; a record's own depth is 4. */
#define DEPTH_MAX 64

static gboolean too_deep(const char *text, gsize size)
{
    gboolean quoted = FALSE;
    gint64 depth = 0;

    for (gsize i = 0; i < size; i++) {
        if (quoted) {
            quoted = text[i] != '"';
            i += text[i] == '\\';
        } else if (text[i] == '"') {
            quoted = TRUE;
        } else if (text[i] == '[' || text[i] == '{') {
            if (++depth > DEPTH_MAX) {
                return TRUE;
            }
        } else if (text[i] == ']' || text[i] == '}') {
            depth--;
        }
    }
    return FALSE;
}

const char *const run_digest_kinds[RUN_DIGEST_KINDS] = {
    "vcpus", "memory", "hypervisor", "devices"};

static void digest_clear(gpointer data)
{
    RunDigest *digest = data;

    for (guint i = 0; i < RUN_DIGEST_KINDS; i++) {
        g_free(digest->kinds[i]);
    }
    g_free(digest->reason);
    g_free(digest->sha256);
}

static gboolean bad(GError **error, const char *member, const char *wanted)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                "member \"%s\": want %s", member, wanted);
    return FALSE;
}

static gboolean get_object(JsonObject *parent, const char *name,
                           JsonObject **object, GError **error)
{
    JsonNode *node = json_object_get_member(parent, name);

    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        return bad(error, name, "an object");
    }
    *object = json_node_get_object(node);
    return TRUE;
}

static gboolean get_array(JsonObject *parent, const char *name,
                          JsonArray **array, GError **error)
{
    JsonNode *node = json_object_get_member(parent, name);

    if (!node || !JSON_NODE_HOLDS_ARRAY(node)) {
        return bad(error, name, "an array");
    }
    *array = json_node_get_array(node);
    return TRUE;
}

/* *@value is a copy. */
static gboolean get_string(JsonObject *parent, const char *name, char **value,
                           GError **error)
{
    JsonNode *node = json_object_get_member(parent, name);

    if (!node || json_node_get_value_type(node) != G_TYPE_STRING) {
        return bad(error, name, "a string");
    }
    *value = json_node_dup_string(node);
    return TRUE;
}

/* A number that is not negative. */
static gboolean get_number(JsonObject *parent, const char *name, gint64 *value,
                           GError **error)
{
    JsonNode *node = json_object_get_member(parent, name);

    if (!node || json_node_get_value_type(node) != G_TYPE_INT64 ||
        json_node_get_int(node) < 0) {
        return bad(error, name, "a number");
    }
    *value = json_node_get_int(node);
    return TRUE;
}

static gboolean get_bool(JsonObject *parent, const char *name, gboolean *value,
                         GError **error)
{
    JsonNode *node = json_object_get_member(parent, name);

    if (!node || json_node_get_value_type(node) != G_TYPE_BOOLEAN) {
        return bad(error, name, "true or false");
    }
    *value = json_node_get_boolean(node);
    return TRUE;
}

/* @return: element @i of @array as an object, or NULL and @error. */
static JsonObject *element(JsonArray *array, guint i, const char *name,
                           GError **error)
{
    JsonNode *node = json_array_get_element(array, i);

    if (!JSON_NODE_HOLDS_OBJECT(node)) {
        bad(error, name, "objects in it");
        return NULL;
    }
    return json_node_get_object(node);
}

static gboolean load_cuts(Run *run, JsonObject *info, GError **error)
{
    JsonArray *array;

    if (!get_array(info, "cuts", &array, error)) {
        return FALSE;
    }
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *object = element(array, i, "cuts", error);
        RunCut cut = {0};
        gint64 bytes;

        if (!object || !get_number(object, "at-ns", &cut.at_ns, error) ||
            !get_number(object, "console-bytes", &bytes, error) ||
            !get_bool(object, "invtsc-before", &cut.invtsc_before, error) ||
            !get_bool(object, "invtsc-after", &cut.invtsc_after, error) ||
            !get_number(object, "tsc-khz-before", &cut.tsc_khz_before, error) ||
            !get_number(object, "tsc-khz-after", &cut.tsc_khz_after, error)) {
            return FALSE;
        }
        cut.console_bytes = bytes;
        g_array_append_val(run->cuts, cut);
    }
    return TRUE;
}

static gboolean load_kinds(JsonObject *object, RunDigest *digest,
                           GError **error)
{
    for (guint i = 0; i < RUN_DIGEST_KINDS; i++) {
        if (json_object_has_member(object, run_digest_kinds[i]) &&
            !get_string(object, run_digest_kinds[i], &digest->kinds[i],
                        error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean load_digests(Run *run, JsonObject *info, GError **error)
{
    JsonArray *array;

    if (!get_array(info, "digests", &array, error)) {
        return FALSE;
    }
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *object = element(array, i, "digests", error);
        RunDigest digest = {0};

        if (!object || !get_number(object, "at-ns", &digest.at_ns, error) ||
            !get_string(object, "reason", &digest.reason, error) ||
            !get_string(object, "sha256", &digest.sha256, error) ||
            !load_kinds(object, &digest, error)) {
            digest_clear(&digest);
            return FALSE;
        }
        g_array_append_val(run->digests, digest);
    }
    return TRUE;
}

static gboolean load_console(Run *run, GError **error)
{
    g_autofree char *dir = g_path_get_dirname(run->path);
    g_autofree char *base = g_canonicalize_filename(dir, NULL);
    g_autofree char *path = g_canonicalize_filename(run->console_path, base);
    g_autofree char *got = NULL;

    if (!g_file_get_contents(path, &run->console, &run->console_size, error)) {
        return FALSE;
    }
    got = g_compute_checksum_for_data(
        G_CHECKSUM_SHA256, (const guchar *)run->console, run->console_size);
    if (strcmp(run->console_sha256, got)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s is not the console of this run: SHA-256 %s, want %s",
                    path, got, run->console_sha256);
        return FALSE;
    }
    run->samples = agent_log_parse(run->console, run->console_size);
    return TRUE;
}

static gboolean load_root(Run *run, JsonObject *root, GError **error)
{
    g_autofree char *format = NULL;
    JsonObject *configuration, *ending, *info, *console;

    if (!get_string(root, "format", &format, error)) {
        return FALSE;
    }
    if (strcmp(format, RUN_RECORD_FORMAT)) {
        return bad(error, "format", "\"" RUN_RECORD_FORMAT "\"");
    }
    if (!get_object(root, "configuration", &configuration, error) ||
        !get_number(configuration, "smp", &run->smp, error) ||
        !get_string(root, "kernel-version", &run->kernel_version, error) ||
        !get_object(root, "exit", &ending, error) ||
        !get_string(ending, "ending", &run->ending, error) ||
        !get_object(root, "query-jumpcut", &info, error) ||
        !get_number(info, "virtual-ns", &run->virtual_ns, error) ||
        !load_cuts(run, info, error) || !load_digests(run, info, error) ||
        !get_object(root, "console", &console, error) ||
        !get_string(console, "path", &run->console_path, error) ||
        !get_string(console, "sha256", &run->console_sha256, error)) {
        return FALSE;
    }
    run->configuration =
        json_to_string(json_object_get_member(root, "configuration"), FALSE);
    return TRUE;
}

Run *run_parse(const char *path, const char *text, gsize size, GError **error)
{
    g_autoptr(Run) run = g_new0(Run, 1);
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonNode *root;

    run->path = g_strdup(path);
    run->cuts = g_array_new(FALSE, TRUE, sizeof(RunCut));
    run->digests = g_array_new(FALSE, TRUE, sizeof(RunDigest));
    g_array_set_clear_func(run->digests, digest_clear);
    if (too_deep(text, size)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: not a record of a run: nested over %d deep", path,
                    DEPTH_MAX);
        return NULL;
    }
    if (!json_parser_load_from_data(parser, text, size, error)) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: not a record of a run", path);
        return NULL;
    }
    if (!load_root(run, json_node_get_object(root), error)) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    return g_steal_pointer(&run);
}

Run *run_load(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(Run) run = NULL;
    gsize size;

    if (!g_file_get_contents(path, &text, &size, error)) {
        return NULL;
    }
    run = run_parse(path, text, size, error);
    if (!run) {
        return NULL;
    }
    if (!load_console(run, error)) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    return g_steal_pointer(&run);
}

/* "MEMBER=VALUE"; nothing for what is neither text, number nor boolean. */
static void add_member(JsonObject *data, const char *name, JsonNode *node,
                       gpointer opaque)
{
    g_autofree char *value = NULL, *word = NULL;

    (void)data;
    if (!JSON_NODE_HOLDS_VALUE(node)) {
        return;
    }
    value = json_node_get_value_type(node) == G_TYPE_STRING
                ? json_node_dup_string(node)
                : json_to_string(node, FALSE);
    word = g_strdup_printf("%s=%s", name, value);
    g_strv_builder_add(opaque, word);
}

char **run_event(const char *name, JsonObject *data)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    g_strv_builder_add(words, name);
    if (data) {
        json_object_foreach_member(data, add_member, words);
    }
    return g_strv_builder_end(words);
}

gboolean run_write_events(const Run *run, const char *path, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; run->events && i < run->events->len; i++) {
        g_autofree char *line = g_strjoinv("\t", run->events->pdata[i]);

        g_string_append_printf(text, "%s\n", line);
    }
    return g_file_set_contents(path, text->str, text->len, error);
}

void run_free(Run *run)
{
    g_free(run->path);
    g_free(run->configuration);
    g_free(run->kernel_version);
    g_free(run->ending);
    g_free(run->console_path);
    g_free(run->console_sha256);
    g_free(run->console);
    g_array_unref(run->cuts);
    g_array_unref(run->digests);
    g_clear_pointer(&run->events, g_ptr_array_unref);
    if (run->samples) {
        g_array_unref(run->samples);
    }
    g_free(run);
}
