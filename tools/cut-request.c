/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cut as asked for: from text, and to QMP.
 */
#include <gio/gio.h>
#include <string.h>

#include "tools/cut-request.h"

static const char *const way_names[] = {
    [CUT_IN_PLACE] = "in-place",
    [CUT_SUSPEND] = "suspend",
    [CUT_MIGRATE] = "migrate",
    [CUT_CANCEL] = "cancel",
};

static gboolean parse_way(const char *value, CutWay *way, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(way_names); i++) {
        if (!strcmp(value, way_names[i])) {
            *way = i;
            return TRUE;
        }
    }
    g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE,
                "way=%s: want one of in-place, suspend, migrate, cancel",
                value);
    return FALSE;
}

/* Take way= and via= out of @text; the rest is the host profile. */
static gboolean parse_keys(CutRequest *r, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    g_autoptr(GString) rest = g_string_new(NULL);
    gboolean via = FALSE;

    for (size_t i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], "way=")) {
            if (!parse_way(words[i] + strlen("way="), &r->way, error)) {
                return FALSE;
            }
        } else if (!strcmp(words[i], "via=unix") ||
                   !strcmp(words[i], "via=file")) {
            via = TRUE;
            r->via_file = !strcmp(words[i], "via=file");
        } else {
            g_string_append_printf(rest, "%s%s", rest->len ? "," : "",
                                   words[i]);
        }
    }
    if (via && r->way != CUT_MIGRATE) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_KEY,
                    "via=%s: only with way=migrate",
                    r->via_file ? "file" : "unix");
        return FALSE;
    }
    if (r->way == CUT_CANCEL && rest->len) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_KEY,
                    "%s: way=cancel stays on its host", rest->str);
        return FALSE;
    }
    /* A cut in place that replaces nothing is none; the others move. */
    if ((rest->len || r->way == CUT_IN_PLACE) &&
        !host_profile_parse(&r->profile, rest->str, error)) {
        return FALSE;
    }
    r->text = g_string_free(g_steal_pointer(&rest), FALSE);
    return TRUE;
}

CutRequest *cut_request_parse(const char *text, gboolean may_be_now,
                              GError **error)
{
    g_autoptr(CutRequest) r = g_new0(CutRequest, 1);
    const char *colon = strchr(text, ':');
    g_autofree char *at = colon ? g_strndup(text, colon - text) : NULL;
    guint64 at_ns;

    r->at_ns = -1;
    if (!colon && !may_be_now) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_TIME,
                    "cut: wanted AT:KEY=VALUE,..., got '%s'", text);
        return NULL;
    }
    if (colon) {
        if (!host_time_parse(at, "time", G_MAXINT64, &at_ns, error)) {
            return NULL;
        }
        r->at_ns = at_ns;
        if (r->at_ns <= 0) {
            g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_TIME,
                        "in the past: the guest starts at 0");
            return NULL;
        }
    }
    if (!parse_keys(r, colon ? colon + 1 : text, error)) {
        return NULL;
    }
    return g_steal_pointer(&r);
}

static void set_ns(JsonObject *object, const char *name, guint64 ns)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT "ns", ns);

    json_object_set_string_member(object, name, text);
}

JsonObject *cut_request_arguments(const CutRequest *r)
{
    const HostProfile *p = &r->profile;
    JsonObject *arguments = json_object_new();

    if (p->set & HOST_PROFILE_UPTIME) {
        set_ns(arguments, "uptime", p->uptime_ns);
    }
    if (p->set & HOST_PROFILE_TSC) {
        /* QAPI takes what is past 2^63 as the negative number, too. */
        json_object_set_int_member(arguments, "tsc", (gint64)p->tsc);
    }
    if (p->set & HOST_PROFILE_TSC_KHZ) {
        json_object_set_int_member(arguments, "tsc-khz", (gint64)p->tsc_khz);
    }
    if (p->set & HOST_PROFILE_INVTSC) {
        json_object_set_boolean_member(arguments, "invtsc", p->invtsc);
    }
    if (p->set & HOST_PROFILE_TSC_SCALING) {
        json_object_set_boolean_member(arguments, "tsc-scaling",
                                       p->tsc_scaling);
    }
    if (p->set & HOST_PROFILE_WALLCLOCK) {
        set_ns(arguments, "wallclock", p->wallclock_ns);
    }
    if (p->set & HOST_PROFILE_DOWNTIME) {
        set_ns(arguments, "downtime", p->downtime_ns);
    }
    return arguments;
}

gint cut_request_compare(gconstpointer a, gconstpointer b)
{
    const CutRequest *one = *(CutRequest *const *)a;
    const CutRequest *other = *(CutRequest *const *)b;

    return one->at_ns < other->at_ns ? -1 : one->at_ns > other->at_ns;
}

CutRequest *cut_request_copy(const CutRequest *r)
{
    CutRequest *copy = g_new(CutRequest, 1);

    *copy = *r;
    copy->text = g_strdup(r->text);
    return copy;
}

void cut_request_free(CutRequest *r)
{
    g_free(r->text);
    g_free(r);
}
