/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host profile: the machine a guest believes it runs on, as far as clocks go,
 * and its textual form (options, QMP, qtest).
 */
#ifndef JUMPCUT_HW_CLOCK_HOST_PROFILE_H
#define JUMPCUT_HW_CLOCK_HOST_PROFILE_H

#include <glib.h>

#define HOST_TSC_KHZ_MIN     1u        /* 1 kHz */
#define HOST_TSC_KHZ_MAX     10000000u /* 10 GHz */
#define HOST_TSC_KHZ_DEFAULT 1000000u  /* 1 GHz: no trap under icount */
/* Longest uptime, 100 years, ns: far inside int64_t. */
#define HOST_UPTIME_NS_MAX ((guint64)36525 * 86400 * 1000000000)
/* Latest wall clock time, about the year 2170, ns since 1970. */
#define HOST_WALLCLOCK_NS_MAX ((gint64)(2 * HOST_UPTIME_NS_MAX))

typedef enum HostProfileField {
    HOST_PROFILE_UPTIME = 1 << 0,
    HOST_PROFILE_TSC = 1 << 1,
    HOST_PROFILE_TSC_KHZ = 1 << 2,
    HOST_PROFILE_INVTSC = 1 << 3,
    HOST_PROFILE_TSC_SCALING = 1 << 4,
    HOST_PROFILE_WALLCLOCK = 1 << 5,
    HOST_PROFILE_DOWNTIME = 1 << 6,
} HostProfileField;

/*
 * Only the fields in @set say something; for a cut, the others stay as they
 * were (uptime and wall clock go on, plus the downtime).
 */
typedef struct HostProfile {
    unsigned set;         /* HostProfileField bits */
    guint64 uptime_ns;    /* host NOW() when the profile takes effect */
    guint64 tsc;          /* what the guest's RDTSC reads at that moment */
    guint64 tsc_khz;      /* host TSC frequency */
    gboolean invtsc;      /* CPUID 80000007 EDX[8]; host TSC is safe */
    gboolean tsc_scaling; /* hardware can scale a guest's TSC */
    gint64 wallclock_ns;  /* UTC, ns since 1970, at that moment */
    guint64 downtime_ns;  /* host time that passed while the guest did not */
} HostProfile;

#define HOST_PROFILE_ERROR (host_profile_error_quark())
GQuark host_profile_error_quark(void);
typedef enum HostProfileError {
    HOST_PROFILE_ERROR_KEY,   /* unknown, twice, missing */
    HOST_PROFILE_ERROR_VALUE, /* malformed or out of range */
    HOST_PROFILE_ERROR_TIME,  /* of a cut: missing, malformed, passed */
} HostProfileError;

/*
 * Seconds with up to nine decimals ("508119.80759", or a whole number with a
 * unit: ns, us, ms, s, m, h, d) to ns, at most @max_ns.  @what names the value
 * in the error, which is HOST_PROFILE_ERROR_VALUE.
 */
gboolean host_time_parse(const char *text, const char *what, guint64 max_ns,
                         guint64 *ns, GError **error);
/* The same, -@max_ns to @max_ns: it may have a minus before it. */
gboolean host_shift_parse(const char *text, const char *what, gint64 max_ns,
                          gint64 *ns, GError **error);
/*
 * Set one field from its textual key: uptime, tsc, tsc-khz, invtsc,
 * tsc-scaling, wallclock, downtime.  A key given twice, an unknown one (the
 * message lists those that exist) and a value out of range are refused.
 */
gboolean host_profile_set(HostProfile *profile, const char *key,
                          const char *value, GError **error);
/* "key=value,key=value", at least one; adds to *@profile, or nothing at all. */
gboolean host_profile_parse(HostProfile *profile, const char *text,
                            GError **error);

/* Are all fields that are set within the ranges that parsing enforces? */
gboolean host_profile_check(const HostProfile *profile, GError **error);

/* A cut: at virtual time @at_ns the profile takes effect. */
typedef struct CutSpec {
    gint64 at_ns;
    HostProfile profile;
} CutSpec;

/* "AT:key=value,..." as in --cut; at least one key.  Unset fields are 0. */
gboolean cut_spec_parse(CutSpec *spec, const char *text, GError **error);

#endif
