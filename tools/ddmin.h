/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delta debugging: the fewest things that still show something.
 *
 * Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
 * IEEE Transactions on Software Engineering 28(2), 2002: algorithm ddmin.
 */
#ifndef JUMPCUT_TOOLS_DDMIN_H
#define JUMPCUT_TOOLS_DDMIN_H

#include <glib.h>

typedef enum DdminAnswer {
    DDMIN_SHOWS,
    DDMIN_HIDES,
    DDMIN_GIVE_UP, /* nothing can be found out any more */
} DdminAnswer;

/* Do those things show it whose @keep is TRUE?  Asked once a set. */
typedef DdminAnswer (*DdminTest)(const gboolean *keep, guint n,
                                 gpointer opaque);

/*
 * @keep: @n times TRUE, of which it is known that they show it; becomes a set
 * of which no single one can be left out.
 * @return: FALSE: given up; @keep is the smallest set found so far
 */
gboolean ddmin(gboolean *keep, guint n, DdminTest test, gpointer opaque);

#endif
