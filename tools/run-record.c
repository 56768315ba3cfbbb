/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing the record of one run.
 */
#include <string.h>

#include "tools/run-record.h"

static void member_string(JsonBuilder *b, const char *name, const char *value)
{
    json_builder_set_member_name(b, name);
    if (value) {
        json_builder_add_string_value(b, value);
    } else {
        json_builder_add_null_value(b);
    }
}

static void member_int(JsonBuilder *b, const char *name, gint64 value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_int_value(b, value);
}

static void member_bool(JsonBuilder *b, const char *name, gboolean value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_boolean_value(b, value);
}

static void member_strings(JsonBuilder *b, const char *name, char **values)
{
    json_builder_set_member_name(b, name);
    json_builder_begin_array(b);
    for (size_t i = 0; values[i]; i++) {
        json_builder_add_string_value(b, values[i]);
    }
    json_builder_end_array(b);
}

static void member_disks(JsonBuilder *b, const GArray *disks)
{
    json_builder_set_member_name(b, "disks");
    json_builder_begin_array(b);
    for (guint i = 0; i < disks->len; i++) {
        json_builder_add_string_value(b,
                                      g_array_index(disks, BootDisk, i).file);
    }
    json_builder_end_array(b);
}

/* All that decides what a deterministic guest does: equal, then equal runs. */
static void add_configuration(JsonBuilder *b, const BootOptions *o)
{
    json_builder_set_member_name(b, "configuration");
    json_builder_begin_object(b);
    member_string(b, "guest", o->guest);
    member_string(b, "kernel-sha256", o->kernel_sha256);
    member_string(b, "initrd-sha256", o->initrd_sha256);
    member_string(b, "append", o->append);
    member_int(b, "smp", o->smp);
    member_int(b, "max-smp", o->max_smp);
    member_int(b, "memory-mib", o->memory_mib);
    member_bool(b, "icount", o->icount);
    member_string(b, "reboot", o->reboot ? "continue" : "stop");
    member_string(b, "xen-version", o->xen_version);
    member_string(b, "tsc-mode", o->tsc_mode);
    member_string(b, "invtsc", o->invtsc);
    member_string(b, "tsc-khz", o->tsc_khz);
    member_string(b, "host-uptime", o->host_uptime);
    member_string(b, "steal", o->steal);
    member_strings(b, "cuts", o->cuts);
    member_strings(b, "faults", o->faults);
    member_string(b, "digest", o->digest);
    member_disks(b, o->disks);
    member_string(b, "net", o->net);
    member_strings(b, "qemu-arguments", o->qemu_args);
    json_builder_end_object(b);
}

static void add_console(JsonBuilder *b, const BootOptions *o,
                        const RunResult *r)
{
    g_autofree char *dir = g_path_get_dirname(o->report);
    g_autofree char *base = g_canonicalize_filename(dir, NULL);
    g_autofree char *prefix = g_strconcat(base, "/", NULL);
    g_autofree char *path = g_canonicalize_filename(o->console_log, NULL);

    json_builder_set_member_name(b, "console");
    json_builder_begin_object(b);
    member_string(b, "path",
                  g_str_has_prefix(path, prefix) ? path + strlen(prefix)
                                                 : path);
    member_int(b, "bytes", r->console_bytes);
    member_string(b, "sha256", r->console_sha256);
    json_builder_end_object(b);
}

static JsonNode *record_build(const BootOptions *o, const RunResult *r)
{
    g_autoptr(JsonBuilder) b = json_builder_new();

    json_builder_begin_object(b);
    member_string(b, "format", RUN_RECORD_FORMAT);
    member_string(b, "jumpcut-version", JUMPCUT_VERSION);
    member_string(b, "kernel", o->kernel);
    member_string(b, "kernel-version", o->image.version);
    member_string(b, "initrd", o->initrd);
    add_configuration(b, o);
    member_strings(b, "command", r->command);
    json_builder_set_member_name(b, "exit");
    json_builder_begin_object(b);
    member_int(b, "code", r->exit_code);
    member_string(b, "ending", r->ending);
    json_builder_end_object(b);
    add_console(b, o, r);
    json_builder_set_member_name(b, "query-jumpcut");
    json_builder_add_value(b, r->info ? json_node_copy(r->info)
                                      : json_node_new(JSON_NODE_NULL));
    json_builder_end_object(b);
    return json_builder_get_root(b);
}

gboolean run_record_write(const BootOptions *options, const RunResult *result,
                          GError **error)
{
    g_autoptr(JsonNode) root = record_build(options, result);
    g_autofree char *text = json_to_string(root, TRUE);
    g_autofree char *file = g_strconcat(text, "\n", NULL);

    return g_file_set_contents(options->report, file, -1, error);
}
