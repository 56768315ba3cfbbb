/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delta debugging. */
#include <string.h>

#include "tools/ddmin.h"

typedef struct Ddmin {
    gboolean *keep; /* the smallest set so far */
    guint n;
    DdminTest test;
    gpointer opaque;
    GHashTable *hiding; /* sets, as texts, that were found not to show it */
} Ddmin;

/* "101": a set as a text. */
static char *set_name(const gboolean *keep, guint n)
{
    char *name = g_malloc(n + 1);

    for (guint i = 0; i < n; i++) {
        name[i] = keep[i] ? '1' : '0';
    }
    name[n] = '\0';
    return name;
}

static guint set_size(const gboolean *keep, guint n)
{
    guint size = 0;

    for (guint i = 0; i < n; i++) {
        size += keep[i];
    }
    return size;
}

/* Becomes the set to go on with if it shows it.  @set: taken. */
static DdminAnswer try_set(Ddmin *d, gboolean *set)
{
    g_autofree char *name = set_name(set, d->n);
    DdminAnswer answer = DDMIN_HIDES;

    if (!g_hash_table_contains(d->hiding, name)) {
        answer = d->test(set, d->n, d->opaque);
    }
    if (answer == DDMIN_SHOWS) {
        memcpy(d->keep, set, d->n * sizeof(*set));
    } else if (answer == DDMIN_HIDES) {
        g_hash_table_add(d->hiding, g_steal_pointer(&name));
    }
    g_free(set);
    return answer;
}

/*
 * The set's elements in @parts parts of as equal a size as can be: the set of
 * part @part alone, or without it.
 */
static gboolean *part_of(const Ddmin *d, guint part, guint parts, gboolean rest)
{
    guint size = set_size(d->keep, d->n), seen = 0;
    guint first = (guint64)size * part / parts;
    guint end = (guint64)size * (part + 1) / parts;
    gboolean *set = g_new0(gboolean, d->n);

    for (guint i = 0; i < d->n; i++) {
        if (d->keep[i]) {
            gboolean inside = seen >= first && seen < end;

            set[i] = rest ? !inside : inside;
            seen++;
        }
    }
    return set;
}

/* One part, or all but one: HIDES if none of these shows it. */
static DdminAnswer try_parts(Ddmin *d, guint parts, gboolean rest)
{
    for (guint part = 0; part < parts; part++) {
        DdminAnswer answer = try_set(d, part_of(d, part, parts, rest));

        if (answer != DDMIN_HIDES) {
            return answer;
        }
    }
    return DDMIN_HIDES;
}

static gboolean reduce(Ddmin *d)
{
    guint parts = 2;
    DdminAnswer answer = try_set(d, g_new0(gboolean, d->n));

    while (answer != DDMIN_GIVE_UP && set_size(d->keep, d->n) > 1) {
        guint size = set_size(d->keep, d->n);

        answer = try_parts(d, parts, FALSE);
        if (answer == DDMIN_SHOWS) {
            parts = 2;
            continue;
        }
        if (answer == DDMIN_HIDES && parts > 2) {
            answer = try_parts(d, parts, TRUE);
        }
        if (answer == DDMIN_SHOWS) {
            parts = MAX(parts - 1, 2);
        } else if (parts == size) {
            break;
        } else {
            parts = MIN(parts * 2, size);
        }
        parts = MIN(parts, MAX(set_size(d->keep, d->n), 2));
    }
    return answer != DDMIN_GIVE_UP;
}

gboolean ddmin(gboolean *keep, guint n, DdminTest test, gpointer opaque)
{
    Ddmin d = {.keep = keep, .n = n, .test = test, .opaque = opaque};
    gboolean done;

    if (n == 0) {
        return TRUE;
    }
    d.hiding = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    done = reduce(&d);
    g_hash_table_unref(d.hiding);
    return done;
}
