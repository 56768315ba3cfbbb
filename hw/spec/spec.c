/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Textual form of things of several kinds, each with keys of its own. */
#include "hw/spec/spec.h"

#include <string.h>

#include "hw/clock/host-profile.h"

bool spec_refuse(const SpecSubject *subject, const char *what,
                 const char *wanted, const char *got, GError **error)
{
    g_autofree char *escaped = g_strescape(got, NULL); /* it may be any bytes */

    g_set_error(error, subject->domain(), subject->code,
                "%s: %s: wanted %s, got '%s'", subject->name, what, wanted,
                escaped);
    return false;
}

static int index_of(const char *const *names, const char *name)
{
    for (int i = 0; names && names[i]; i++) {
        if (!strcmp(names[i], name)) {
            return i;
        }
    }
    return -1;
}

/* "a, b" */
static char *join(const char *const *names)
{
    return g_strjoinv(", ", (char **)names);
}

int spec_find(const SpecSubject *subject, const char *what,
              const char *const *names, const char *name, GError **error)
{
    int i = index_of(names, name);
    g_autofree char *known = join(names);

    if (i < 0) {
        spec_refuse(subject, what, known, name, error);
    }
    return i;
}

static bool refuse_number(const SpecSubject *subject, const SpecKey *key,
                          const char *value, GError **error)
{
    g_autofree char *names = key->names ? join(key->names) : g_strdup("");
    g_autofree char *wanted = g_strdup_printf(
        "%s%s%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, names,
        *names ? " or " : "", (guint64)key->min, (guint64)key->max);

    return spec_refuse(subject, key->name, wanted, value, error);
}

static bool set_number(const SpecSubject *subject, const SpecKey *key,
                       uint32_t *out, const char *value, GError **error)
{
    bool hex = g_str_has_prefix(value, "0x");
    int named = index_of(key->names, value);
    guint64 n = (guint64)named;

    if (named < 0 && key->names && !key->max) {
        return spec_find(subject, key->name, key->names, value, error) >= 0;
    }
    if (named < 0 &&
        !g_ascii_string_to_unsigned(value + 2 * hex, hex ? 16 : 10, key->min,
                                    key->max, &n, NULL)) {
        return refuse_number(subject, key, value, error);
    }
    *out = (uint32_t)n;
    return true;
}

static bool set_time(const SpecSubject *subject, const SpecKey *key, void *out,
                     const char *value, GError **error)
{
    g_autoptr(GError) reason = NULL;
    guint64 ns = 0;
    gint64 shift = 0;
    bool good = key->type == SPEC_SHIFT
                    ? host_shift_parse(value, key->name, (gint64)key->max,
                                       &shift, &reason)
                    : host_time_parse(value, key->name, key->max, &ns, &reason);

    if (!good) {
        g_set_error(error, subject->domain(), subject->code, "%s: %s",
                    subject->name, reason->message);
        return false;
    }
    if (key->type == SPEC_DELAY && !ns) {
        return spec_refuse(subject, key->name, "more than 0", value, error);
    }
    *(uint64_t *)out = key->type == SPEC_SHIFT ? (uint64_t)shift : ns;
    return true;
}

bool spec_set(const SpecSubject *subject, const SpecKey *key, void *spec,
              const char *value, GError **error)
{
    void *out = (char *)spec + key->offset;

    return key->type == SPEC_NUMBER
               ? set_number(subject, key, out, value, error)
               : set_time(subject, key, out, value, error);
}

/* The keys of @fields, "a, b" */
static char *key_names(const SpecForm *form, unsigned fields)
{
    g_autofree const char **names = g_new0(const char *, form->nr_keys + 1);
    size_t n = 0;

    for (size_t i = 0; i < form->nr_keys; i++) {
        if (fields & form->keys[i].field) {
            names[n++] = form->keys[i].name;
        }
    }
    return n ? join(names) : g_strdup("nothing");
}

static bool parse_item(const SpecForm *form, const SpecKind *kind,
                       const char *item, void *spec, unsigned *set,
                       GError **error)
{
    const char *equals = strchr(item, '=');
    g_autofree char *name = equals ? g_strndup(item, equals - item) : NULL;
    g_autofree char *known = key_names(form, kind->takes);

    for (size_t i = 0; equals && i < form->nr_keys; i++) {
        const SpecKey *key = &form->keys[i];

        if (strcmp(name, key->name) || !(kind->takes & key->field)) {
            continue;
        }
        if (*set & key->field) {
            return spec_refuse(form->subject, name, "it once", item, error);
        }
        *set |= key->field;
        return spec_set(form->subject, key, spec, equals + 1, error);
    }
    return spec_refuse(form->subject, kind->name, known, item, error);
}

static int parse_kind(const SpecForm *form, const char *name, GError **error)
{
    g_autofree const char **names = g_new0(const char *, form->nr_kinds + 1);

    for (size_t i = 0; i < form->nr_kinds; i++) {
        names[i] = form->kind(i)->name;
    }
    return spec_find(form->subject, "kind", names, name, error);
}

bool spec_parse(const SpecForm *form, const char *text, void *spec,
                unsigned *kind, unsigned *set, GError **error)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    int i = parse_kind(form, items[0] ? items[0] : "", error);
    g_autofree char *missing = NULL;
    const SpecKind *k;

    if (i < 0) {
        return false;
    }
    k = form->kind(i);
    *kind = (unsigned)i;
    *set = 0;
    for (char **item = items + 1; items[0] && *item; item++) {
        if (!parse_item(form, k, *item, spec, set, error)) {
            return false;
        }
    }
    if (k->needs & ~*set) {
        missing = key_names(form, k->needs & ~*set);
        return spec_refuse(form->subject, k->name, missing, text, error);
    }
    return true;
}
