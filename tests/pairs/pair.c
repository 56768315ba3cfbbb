/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A variant of a scenario, run without a guest.
 *
 * Each run loads the driver anew, so that it has no memory of the run before.
 */
#include "tests/pairs/pair.h"

#include <dlfcn.h>
#include <string.h>

#include "tests/pairs/machine.h"
#include "tools/scenario-judge.h"

#define PAYLOAD "payload:"
#define APPEND  "--append="
#define PROVOKE "virtio-serial-mq-device.provoke="

/* What the machine is anyway, or what is about records. */
static bool is_met(const char *option)
{
    static const char *const same[] = {"--guest=xen-hvm", "--memory=64M", NULL};

    return g_strv_contains(same, option) ||
           g_str_has_prefix(option, "--digest=");
}

static const char *command_line(const Variant *variant)
{
    const char *found = "";

    for (size_t i = 0; variant->options[i]; i++) {
        if (g_str_has_prefix(variant->options[i], APPEND)) {
            found = variant->options[i] + strlen(APPEND);
        } else if (!is_met(variant->options[i])) {
            g_error("variant '%s': %s is nothing that is there without a guest",
                    variant->name, variant->options[i]);
        }
    }
    if (variant->steps->len || variant->initrd) {
        g_error("variant '%s': there are no steps and no initrd without a "
                "guest",
                variant->name);
    }
    return found;
}

static char *module_path(const Variant *variant)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *self = g_file_read_link("/proc/self/exe", &error);
    g_autofree char *dir = self ? g_path_get_dirname(self) : NULL;

    if (!self) {
        g_error("%s", error->message);
    }
    if (!g_str_has_prefix(variant->kernel, PAYLOAD)) {
        g_error("variant '%s': %s is no payload", variant->name,
                variant->kernel);
    }
    return g_strdup_printf("%s/pair-%s.so", dir,
                           variant->kernel + strlen(PAYLOAD));
}

/* @return: the events, as run->events has them. */
static GPtrArray *take_events(Qtest *q)
{
    GPtrArray *events =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    JsonNode *node;

    while ((node = qtest_qmp_any_event(q))) {
        JsonObject *event = json_node_get_object(node);
        JsonObject *data = json_object_has_member(event, "data")
                               ? json_object_get_object_member(event, "data")
                               : NULL;

        g_ptr_array_add(
            events,
            run_event(json_object_get_string_member(event, "event"), data));
        json_node_unref(node);
    }
    return events;
}

static Run *run_of(const MachineSeen *seen, GPtrArray *events)
{
    Run *run = g_new0(Run, 1);

    run->ending = g_strdup(seen->crashed ? "crashed" : "powered-off");
    run->virtual_ns = seen->end_ns;
    run->console = g_strdup(seen->console->str);
    run->console_size = seen->console->len;
    run->cuts = g_array_new(FALSE, FALSE, sizeof(RunCut));
    run->digests = g_array_new(FALSE, FALSE, sizeof(RunDigest));
    run->events = events;
    return run;
}

/* @return: the words for QEMU, @spec added to what the device does. */
static char **words_of(const Variant *variant, const char *spec)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autoptr(GString) provoke = g_string_new(NULL);

    for (size_t i = 0; variant->qemu && variant->qemu[i]; i++) {
        g_strv_builder_add(words, variant->qemu[i]);
        if (g_str_has_prefix(variant->qemu[i], PROVOKE)) {
            g_string_append_printf(provoke, "%s;", variant->qemu[i]);
        }
    }
    if (spec) {
        /* The last one of a property is the one. */
        g_string_append_printf(provoke, "%s%s", provoke->len ? "" : PROVOKE,
                               spec);
        g_strv_builder_add_many(words, "-global", provoke->str, NULL);
    }
    return g_strv_builder_end(words);
}

static Pair *drive(const Variant *variant, const char *spec,
                   void (*entry)(void))
{
    Pair *pair = g_new0(Pair, 1);
    MachineSeen seen = {.console = g_string_new(NULL),
                        .report = g_string_new(NULL)};
    g_auto(GStrv) words = words_of(variant, spec);
    Qtest *q = machine_run((const char *const *)words, command_line(variant),
                           entry, &seen);

    /* Behind the answer are no events of what was before. */
    pair->info = qtest_qmp(q, "query-virtio-serial-mq", NULL);
    pair->run = run_of(&seen, take_events(q));
    qtest_quit(q);
    pair->report = g_string_free(seen.report, FALSE);
    g_string_free(seen.console, TRUE);
    return pair;
}

Pair *pair_run_provoked(const Variant *variant, const char *spec)
{
    g_autofree char *path = module_path(variant);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void (*entry)(void);
    Pair *pair;

    if (!module) {
        g_error("%s", dlerror());
    }
    *(void **)&entry = dlsym(module, "payload_main");
    if (!entry) {
        g_error("%s", dlerror());
    }
    pair = drive(variant, spec, entry);
    dlclose(module);
    if (dlopen(path, RTLD_NOW | RTLD_NOLOAD)) {
        g_error("%s stays loaded: the next run would not be a new one", path);
    }
    return pair;
}

Pair *pair_run(const Variant *variant)
{
    return pair_run_provoked(variant, NULL);
}

void pair_free(Pair *pair)
{
    run_free(pair->run);
    g_free(pair->report);
    json_node_unref(pair->info);
    g_free(pair);
}

static char *text_of(const Pair *pair)
{
    g_autofree char *info = json_to_string(pair->info, FALSE);

    return g_strdup_printf("%s at %" G_GINT64_FORMAT " ns\n%s%s",
                           pair->run->ending, pair->run->virtual_ns,
                           pair->report, info);
}

char *pair_compare(const Pair *pair, const Pair *other)
{
    g_autofree char *a = text_of(pair), *b = text_of(other);
    char *difference = scenario_compare(pair->run, other->run, TRUE, FALSE)
                           ?: scenario_compare_events(pair->run, other->run);

    return difference     ? difference
           : strcmp(a, b) ? g_strdup_printf("%s\nand\n%s", a, b)
                          : NULL;
}
