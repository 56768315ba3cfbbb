/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Textual form and ranges of host profiles and cuts. */
#include "hw/clock/host-profile.h"

#include <string.h>

#define NS_PER_S ((guint64)1000000000)

G_DEFINE_QUARK(jumpcut - host - profile - error - quark, host_profile_error)

typedef struct TimeUnit {
    const char *name;
    guint64 ns;
} TimeUnit;

static const TimeUnit time_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"d", 86400 * NS_PER_S},
};

/*
 * Refuse @value of @what.  What came is escaped: it may be any bytes, and the
 * message has to be fit for QMP and a terminal.
 */
static gboolean refuse_value(GError **error, const char *what,
                             const char *wanted, const char *value)
{
    char *got = g_strescape(value, NULL);

    g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE,
                "%s: wanted %s, got '%s'", what, wanted, got);
    g_free(got);
    return FALSE;
}

static gboolean refuse_range(GError **error, const char *what, guint64 min,
                             guint64 max, const char *unit, const char *value)
{
    char *wanted = g_strdup_printf(
        "%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " %s", min, max, unit);

    refuse_value(error, what, wanted, value);
    g_free(wanted);
    return FALSE;
}

static gboolean refuse_key(GError **error, const char *key, const char *why)
{
    char *got = g_strescape(key, NULL);

    g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_KEY,
                "key '%s' %s", got, why);
    g_free(got);
    return FALSE;
}

/* Beyond 64 bits, so that no number of digits overflows before it is refused */
typedef unsigned __int128 WideNumber;

/*
 * Decimal digits at *@text, which moves past them.
 * @return: false if there are none.  A number that does not fit 64 bits gives
 * some value above G_MAXUINT64.
 */
static gboolean parse_digits(const char **text, WideNumber *value)
{
    const char *p = *text;

    *value = 0;
    for (; g_ascii_isdigit(*p); p++) {
        if (*value <= G_MAXUINT64) {
            *value = *value * 10 + g_ascii_digit_value(*p);
        }
    }
    if (p == *text) {
        return FALSE;
    }
    *text = p;
    return TRUE;
}

/* ns in one of the unit a number is followed by; 0: there is no such unit */
static guint64 unit_ns(const char *name)
{
    if (!*name) {
        return NS_PER_S;
    }
    for (guint i = 0; i < G_N_ELEMENTS(time_units); i++) {
        if (!strcmp(name, time_units[i].name)) {
            return time_units[i].ns;
        }
    }
    return 0;
}

/* Up to nine decimals, as ns, and then the end of the text */
static gboolean parse_fraction(const char *text, WideNumber *ns)
{
    const char *end = text;

    if (!parse_digits(&end, ns) || *end || end - text > 9) {
        return FALSE;
    }
    for (; end - text < 9; end++) {
        *ns *= 10;
    }
    return TRUE;
}

static gboolean refuse_time(GError **error, const char *what, gboolean minus,
                            const char *text)
{
    char *wanted = g_strdup_printf(
        "%sseconds with up to nine decimals, or a whole number with one of ns, "
        "us, ms, s, m, h, d",
        minus ? "a minus or none, and " : "");

    refuse_value(error, what, wanted, text);
    g_free(wanted);
    return FALSE;
}

static gboolean refuse_shift(GError **error, const char *what, guint64 max_ns,
                             const char *text)
{
    char *wanted = g_strdup_printf(
        "-%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " ns", max_ns, max_ns);

    refuse_value(error, what, wanted, text);
    g_free(wanted);
    return FALSE;
}

/* @minus: there may be one, it counts for nothing */
static gboolean parse_time(const char *text, const char *what, gboolean minus,
                           guint64 max_ns, guint64 *ns, GError **error)
{
    const char *p = text + (minus && *text == '-');
    WideNumber number, fraction = 0, total;
    guint64 unit = NS_PER_S;
    gboolean good;

    good = parse_digits(&p, &number);
    if (good && *p == '.') {
        good = parse_fraction(p + 1, &fraction);
    } else if (good) {
        unit = unit_ns(p);
        good = unit != 0;
    }
    if (!good) {
        return refuse_time(error, what, minus, text);
    }
    total = number * unit + fraction;
    if (total > max_ns) {
        return minus ? refuse_shift(error, what, max_ns, text)
                     : refuse_range(error, what, 0, max_ns, "ns", text);
    }
    *ns = total;
    return TRUE;
}

gboolean host_time_parse(const char *text, const char *what, guint64 max_ns,
                         guint64 *ns, GError **error)
{
    return parse_time(text, what, FALSE, max_ns, ns, error);
}

gboolean host_shift_parse(const char *text, const char *what, gint64 max_ns,
                          gint64 *ns, GError **error)
{
    guint64 n;

    if (!parse_time(text, what, TRUE, (guint64)max_ns, &n, error)) {
        return FALSE;
    }
    *ns = *text == '-' ? -(gint64)n : (gint64)n;
    return TRUE;
}

static gboolean set_uptime(HostProfile *p, const char *key, const char *value,
                           GError **error)
{
    return host_time_parse(value, key, HOST_UPTIME_NS_MAX, &p->uptime_ns,
                           error);
}

static gboolean set_tsc(HostProfile *p, const char *key, const char *value,
                        GError **error)
{
    gboolean hex = g_str_has_prefix(value, "0x");
    const char *digits = hex ? value + 2 : value;

    /* Refuses signs, blanks and a second "0x" itself. */
    if (!g_ascii_string_to_unsigned(digits, hex ? 16 : 10, 0, G_MAXUINT64,
                                    &p->tsc, NULL)) {
        return refuse_value(error, key, "a 64-bit number, decimal or 0x...",
                            value);
    }
    return TRUE;
}

static gboolean set_tsc_khz(HostProfile *p, const char *key, const char *value,
                            GError **error)
{
    const char *end = value;
    WideNumber khz;

    if (!parse_digits(&end, &khz) || *end || khz < HOST_TSC_KHZ_MIN ||
        khz > HOST_TSC_KHZ_MAX) {
        return refuse_range(error, key, HOST_TSC_KHZ_MIN, HOST_TSC_KHZ_MAX,
                            "kHz", value);
    }
    p->tsc_khz = khz;
    return TRUE;
}

static gboolean parse_switch(const char *key, const char *value, gboolean *on,
                             GError **error)
{
    if (strcmp(value, "on") && strcmp(value, "off")) {
        return refuse_value(error, key, "on or off", value);
    }
    *on = !strcmp(value, "on");
    return TRUE;
}

static gboolean set_invtsc(HostProfile *p, const char *key, const char *value,
                           GError **error)
{
    return parse_switch(key, value, &p->invtsc, error);
}

static gboolean set_tsc_scaling(HostProfile *p, const char *key,
                                const char *value, GError **error)
{
    return parse_switch(key, value, &p->tsc_scaling, error);
}

static gboolean set_wallclock(HostProfile *p, const char *key,
                              const char *value, GError **error)
{
    guint64 ns;

    if (!host_time_parse(value, key, HOST_WALLCLOCK_NS_MAX, &ns, error)) {
        return FALSE;
    }
    p->wallclock_ns = ns;
    return TRUE;
}

static gboolean set_downtime(HostProfile *p, const char *key, const char *value,
                             GError **error)
{
    return host_time_parse(value, key, HOST_UPTIME_NS_MAX, &p->downtime_ns,
                           error);
}

typedef struct ProfileKey {
    const char *name;
    HostProfileField field;
    gboolean (*set)(HostProfile *p, const char *key, const char *value,
                    GError **error);
} ProfileKey;

static const ProfileKey profile_keys[] = {
    {"uptime", HOST_PROFILE_UPTIME, set_uptime},
    {"tsc", HOST_PROFILE_TSC, set_tsc},
    {"tsc-khz", HOST_PROFILE_TSC_KHZ, set_tsc_khz},
    {"invtsc", HOST_PROFILE_INVTSC, set_invtsc},
    {"tsc-scaling", HOST_PROFILE_TSC_SCALING, set_tsc_scaling},
    {"wallclock", HOST_PROFILE_WALLCLOCK, set_wallclock},
    {"downtime", HOST_PROFILE_DOWNTIME, set_downtime},
};

static gboolean refuse_unknown_key(GError **error, const char *key)
{
    GString *known = g_string_new("is unknown; the keys are ");

    for (guint i = 0; i < G_N_ELEMENTS(profile_keys); i++) {
        g_string_append_printf(known, "%s%s", i ? ", " : "",
                               profile_keys[i].name);
    }
    refuse_key(error, key, known->str);
    g_string_free(known, TRUE);
    return FALSE;
}

gboolean host_profile_set(HostProfile *profile, const char *key,
                          const char *value, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(profile_keys); i++) {
        const ProfileKey *k = &profile_keys[i];

        if (strcmp(key, k->name)) {
            continue;
        }
        if (profile->set & k->field) {
            return refuse_key(error, key, "is given twice");
        }
        if (!k->set(profile, key, value, error)) {
            return FALSE;
        }
        profile->set |= k->field;
        return TRUE;
    }
    return refuse_unknown_key(error, key);
}

/* Set what @item, "key=value", says. */
static gboolean parse_item(HostProfile *profile, const char *item,
                           GError **error)
{
    const char *equals = strchr(item, '=');
    gboolean good;
    char *key;

    if (!equals) {
        return refuse_key(error, item, "has no value; wanted KEY=VALUE");
    }
    key = g_strndup(item, equals - item);
    good = host_profile_set(profile, key, equals + 1, error);
    g_free(key);
    return good;
}

gboolean host_profile_parse(HostProfile *profile, const char *text,
                            GError **error)
{
    HostProfile parsed = *profile;
    char **items = g_strsplit(text, ",", -1);
    gboolean good = items[0] != NULL;

    if (!good) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_KEY,
                    "wanted KEY=VALUE,..., got nothing");
    }
    for (guint i = 0; good && items[i]; i++) {
        good = parse_item(&parsed, items[i], error);
    }
    g_strfreev(items);
    if (good) {
        *profile = parsed;
    }
    return good;
}

typedef struct RangeCheck {
    HostProfileField field;
    const char *name;
    __int128 value, min, max;
} RangeCheck;

gboolean host_profile_check(const HostProfile *profile, GError **error)
{
    const RangeCheck checks[] = {
        {HOST_PROFILE_UPTIME, "uptime", profile->uptime_ns, 0,
         HOST_UPTIME_NS_MAX},
        {HOST_PROFILE_TSC_KHZ, "tsc-khz", profile->tsc_khz, HOST_TSC_KHZ_MIN,
         HOST_TSC_KHZ_MAX},
        {HOST_PROFILE_WALLCLOCK, "wallclock", profile->wallclock_ns, 0,
         HOST_WALLCLOCK_NS_MAX},
        {HOST_PROFILE_DOWNTIME, "downtime", profile->downtime_ns, 0,
         HOST_UPTIME_NS_MAX},
    };

    for (guint i = 0; i < G_N_ELEMENTS(checks); i++) {
        const RangeCheck *c = &checks[i];

        if ((profile->set & c->field) &&
            (c->value < c->min || c->value > c->max)) {
            g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_VALUE,
                        "%s: wanted %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                        ", got %s%" G_GUINT64_FORMAT,
                        c->name, (gint64)c->min, (gint64)c->max,
                        c->value < 0 ? "-" : "",
                        (guint64)(c->value < 0 ? -c->value : c->value));
            return FALSE;
        }
    }
    return TRUE;
}

gboolean cut_spec_parse(CutSpec *spec, const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    CutSpec parsed = {0};
    GError *reason = NULL;
    guint64 at_ns;
    char *at;

    if (!colon) {
        char *got = g_strescape(text, NULL);

        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_TIME,
                    "cut: wanted AT:KEY=VALUE,..., got '%s'", got);
        g_free(got);
        return FALSE;
    }
    at = g_strndup(text, colon - text);
    if (!host_time_parse(at, "time", G_MAXINT64, &at_ns, &reason)) {
        reason->code = HOST_PROFILE_ERROR_TIME;
    }
    g_free(at);
    if (reason || !host_profile_parse(&parsed.profile, colon + 1, &reason)) {
        g_propagate_prefixed_error(error, reason, "cut: ");
        return FALSE;
    }
    parsed.at_ns = at_ns;
    *spec = parsed;
    return TRUE;
}
