/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delta debugging: minimal sets of every kind, each asked for once. */
#include "tools/ddmin.h"

#define N_MAX 64

typedef struct Question {
    guint64 needs;   /* all of these */
    guint64 one_of;  /* and, unless 0, one of these */
    guint64 without; /* and none of these, unless all are there */
    guint asked, give_up_after;
    GHashTable *sets;
} Question;

static guint64 bits_of(const gboolean *keep, guint n)
{
    guint64 bits = 0;

    for (guint i = 0; i < MIN(n, N_MAX); i++) {
        bits |= (guint64) !!keep[i] << i;
    }
    return bits;
}

static gboolean shows(const Question *q, guint64 set)
{
    return (set & q->needs) == q->needs && (!q->one_of || set & q->one_of) &&
           (!(set & q->without) || (set & q->without) == q->without);
}

static DdminAnswer answer(const gboolean *keep, guint n, gpointer opaque)
{
    Question *q = opaque;
    guint64 set = bits_of(keep, n);

    if (++q->asked > q->give_up_after) {
        return DDMIN_GIVE_UP;
    }
    /* Never the same twice. */
    g_assert_true(g_hash_table_add(q->sets, g_memdup2(&set, sizeof(set))));
    return shows(q, set) ? DDMIN_SHOWS : DDMIN_HIDES;
}

static guint64 minimize(Question *q, guint n, gboolean want_done)
{
    gboolean keep[N_MAX];
    guint64 left;

    q->sets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    q->give_up_after = q->give_up_after ? q->give_up_after : G_MAXUINT;
    for (guint i = 0; i < n; i++) {
        keep[i] = TRUE;
    }
    g_assert_true(ddmin(keep, n, answer, q) == want_done);
    left = bits_of(keep, n);
    g_assert_true(shows(q, left));
    g_hash_table_unref(q->sets);
    return left;
}

static void test_ddmin_finds_each_single_one(void)
{
    for (guint n = 1; n <= N_MAX; n++) {
        for (guint i = 0; i < n; i++) {
            Question q = {.needs = (guint64)1 << i};

            g_assert_cmphex(minimize(&q, n, TRUE), ==, q.needs);
            /* Halves: a logarithm, not one run each. */
            g_assert_cmpuint(q.asked, <=, 2 * g_bit_storage(n) + 1);
        }
    }
}

static void test_ddmin_finds_each_pair(void)
{
    for (guint i = 0; i < 16; i++) {
        for (guint j = 0; j < i; j++) {
            Question q = {.needs = (guint64)1 << i | (guint64)1 << j};

            g_assert_cmphex(minimize(&q, 16, TRUE), ==, q.needs);
        }
    }
}

static void test_ddmin_needs_nothing(void)
{
    Question q = {0};

    g_assert_cmphex(minimize(&q, 20, TRUE), ==, 0);
    g_assert_cmpuint(q.asked, ==, 1);
    q = (Question){0};
    g_assert_cmphex(minimize(&q, 0, TRUE), ==, 0);
}

static void test_ddmin_needs_everything(void)
{
    Question q = {.needs = 0xff};

    g_assert_cmphex(minimize(&q, 8, TRUE), ==, 0xff);
}

/* No single one of what is left can be left out. */
static void test_ddmin_result_is_minimal(void)
{
    GRand *rand = g_rand_new_with_seed(4);

    for (guint round = 0; round < 500; round++) {
        guint n = g_rand_int_range(rand, 1, 25);
        guint64 all = ((guint64)1 << n) - 1;
        Question q = {
            .needs =
                g_rand_int(rand) & g_rand_int(rand) & g_rand_int(rand) & all,
            .one_of = g_rand_int(rand) & all,
            .without = g_rand_int(rand) & g_rand_int(rand) & all,
        };
        guint64 left;

        q.without &= ~q.needs & ~q.one_of;
        left = minimize(&q, n, TRUE);
        for (guint i = 0; i < n; i++) {
            guint64 less = left & ~((guint64)1 << i);

            if (less != left && shows(&q, less)) {
                g_error("round %u: %" G_GINT64_MODIFIER "x is not minimal",
                        round, left);
            }
        }
    }
    g_rand_free(rand);
}

static void test_ddmin_given_up_keeps_what_shows(void)
{
    for (guint after = 1; after < 12; after++) {
        Question q = {.needs = 1 << 3 | 1 << 12, .give_up_after = after};

        minimize(&q, 16, FALSE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ddmin/single", test_ddmin_finds_each_single_one);
    g_test_add_func("/ddmin/pair", test_ddmin_finds_each_pair);
    g_test_add_func("/ddmin/nothing", test_ddmin_needs_nothing);
    g_test_add_func("/ddmin/everything", test_ddmin_needs_everything);
    g_test_add_func("/ddmin/minimal", test_ddmin_result_is_minimal);
    g_test_add_func("/ddmin/given-up", test_ddmin_given_up_keeps_what_shows);
    return g_test_run();
}
