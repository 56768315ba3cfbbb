/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KIND,KEY=VALUE,...: every type of value, both sides of each limit, and what
 * is said of what is refused.
 */
#include <string.h>

#include "hw/spec/spec.h"

enum { SIZE = 1, COLOUR = 2, TASTE = 4, WAIT = 8, SHIFT = 16 };

typedef struct Fruit {
    uint32_t size, colour, taste;
    uint64_t wait_ns;
    int64_t shift_ns;
} Fruit;

static const char *const colours[] = {"green", "red", NULL};
static const char *const tastes[] = {"sweet", "sour", NULL};

static const SpecKey keys[] = {
    {"size", SIZE, SPEC_NUMBER, offsetof(Fruit, size), 2, 255, NULL},
    {"colour", COLOUR, SPEC_NUMBER, offsetof(Fruit, colour), 0, 9, colours},
    {"taste", TASTE, SPEC_NUMBER, offsetof(Fruit, taste), 0, 0, tastes},
    {"wait", WAIT, SPEC_DELAY, offsetof(Fruit, wait_ns), 0, 1000, NULL},
    {"shift", SHIFT, SPEC_SHIFT, offsetof(Fruit, shift_ns), 0, INT64_MAX, NULL},
};

static const SpecKind *kind_of(size_t i)
{
    static const SpecKind kinds[] = {
        {"apple", SIZE, SIZE | COLOUR | TASTE | WAIT | SHIFT},
        {"pear", 0, 0},
    };

    return &kinds[i];
}

static GQuark domain(void)
{
    return g_quark_from_static_string("fruit");
}

static const SpecSubject subject = {"fruit", domain, 7};
static const SpecForm form = {&subject, 2, kind_of, keys, G_N_ELEMENTS(keys)};

static void values_are_taken_up_to_their_limits(void)
{
    static const struct {
        const char *text;
        unsigned kind, set;
        Fruit want;
    } cases[] = {
        {"pear", 1, 0, {0}},
        {"apple,size=2", 0, SIZE, {.size = 2}},
        {"apple,size=255", 0, SIZE, {.size = 255}},
        {"apple,size=0xfF", 0, SIZE, {.size = 255}},
        {"apple,colour=red,size=3", 0, SIZE | COLOUR, {.size = 3, .colour = 1}},
        {"apple,size=3,colour=9", 0, SIZE | COLOUR, {.size = 3, .colour = 9}},
        {"apple,size=3,taste=sour", 0, SIZE | TASTE, {.size = 3, .taste = 1}},
        {"apple,size=3,wait=1ns", 0, SIZE | WAIT, {.size = 3, .wait_ns = 1}},
        {"apple,size=3,wait=1us", 0, SIZE | WAIT, {.size = 3, .wait_ns = 1000}},
        {"apple,size=3,shift=2",
         0,
         SIZE | SHIFT,
         {.size = 3, .shift_ns = 2000000000}},
        {"apple,size=3,shift=-9223372036854775807ns",
         0,
         SIZE | SHIFT,
         {.size = 3, .shift_ns = -INT64_MAX}},
        {"apple,size=3,shift=-0", 0, SIZE | SHIFT, {.size = 3}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        Fruit got = {0}, want = cases[i].want;
        unsigned kind, set;

        g_test_message("%s", cases[i].text);
        spec_parse(&form, cases[i].text, &got, &kind, &set, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(kind, ==, cases[i].kind);
        g_assert_cmphex(set, ==, cases[i].set);
        g_assert_cmpuint(got.size, ==, want.size);
        g_assert_cmpuint(got.colour, ==, want.colour);
        g_assert_cmpuint(got.taste, ==, want.taste);
        g_assert_cmpuint(got.wait_ns, ==, want.wait_ns);
        g_assert_cmpint(got.shift_ns, ==, want.shift_ns);
    }
}

static void refusal_says_what_was_wanted_and_what_came(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "fruit: kind: wanted apple, pear, got ''"},
        {"plum\n", "fruit: kind: wanted apple, pear, got 'plum\\n'"},
        {"pear,", "fruit: pear: wanted nothing, got ''"},
        {"pear,size=3", "fruit: pear: wanted nothing, got 'size=3'"},
        {"apple", "fruit: apple: wanted size, got 'apple'"},
        {"apple,size",
         "fruit: apple: wanted size, colour, taste, wait, shift, got 'size'"},
        {"apple,sizes=3", "fruit: apple: wanted size, colour, taste, wait, "
                          "shift, got 'sizes=3'"},
        {"apple,size=3,size=3", "fruit: size: wanted it once, got 'size=3'"},
        {"apple,size=1", "fruit: size: wanted 2 to 255, got '1'"},
        {"apple,size=256", "fruit: size: wanted 2 to 255, got '256'"},
        {"apple,size=0x100", "fruit: size: wanted 2 to 255, got '0x100'"},
        {"apple,size=0x", "fruit: size: wanted 2 to 255, got '0x'"},
        {"apple,size=+3", "fruit: size: wanted 2 to 255, got '+3'"},
        {"apple,size=", "fruit: size: wanted 2 to 255, got ''"},
        {"apple,colour=10",
         "fruit: colour: wanted green, red or 0 to 9, got '10'"},
        {"apple,colour=blue",
         "fruit: colour: wanted green, red or 0 to 9, got 'blue'"},
        {"apple,taste=0", "fruit: taste: wanted sweet, sour, got '0'"},
        {"apple,wait=0", "fruit: wait: wanted more than 0, got '0'"},
        {"apple,wait=-1",
         "fruit: wait: wanted seconds with up to nine decimals, or a whole "
         "number with one of ns, us, ms, s, m, h, d, got '-1'"},
        {"apple,shift=-5x",
         "fruit: shift: wanted a minus or none, and seconds with up to nine "
         "decimals, or a whole number with one of ns, us, ms, s, m, h, d, got "
         "'-5x'"},
        {"apple,shift=-",
         "fruit: shift: wanted a minus or none, and seconds with up to nine "
         "decimals, or a whole number with one of ns, us, ms, s, m, h, d, got "
         "'-'"},
        {"apple,shift=-9223372036854775808ns",
         "fruit: shift: wanted -9223372036854775807 to 9223372036854775807 ns, "
         "got '-9223372036854775808ns'"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        Fruit fruit = {0};
        unsigned kind, set;

        g_assert_false(
            spec_parse(&form, cases[i].text, &fruit, &kind, &set, &error));
        g_assert_error(error, domain(), 7);
        g_assert_cmpstr(error->message, ==, cases[i].message);
    }
}

static void refused_value_changes_nothing(void)
{
    static const char *const values[] = {"256", "12", "salty", "2us", "--1"};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GError) error = NULL;
        Fruit fruit = {1, 1, 1, 1, 1};

        g_assert_false(spec_set(&subject, &keys[i], &fruit, values[i], &error));
        g_assert_error(error, domain(), 7);
        g_assert_true(g_str_has_prefix(error->message, "fruit: "));
        g_assert_nonnull(strstr(error->message, keys[i].name));
        g_assert_cmpuint(fruit.size, ==, 1);
        g_assert_cmpuint(fruit.colour, ==, 1);
        g_assert_cmpuint(fruit.taste, ==, 1);
        g_assert_cmpuint(fruit.wait_ns, ==, 1);
        g_assert_cmpint(fruit.shift_ns, ==, 1);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/spec/" #name, name)
    TEST(values_are_taken_up_to_their_limits);
    TEST(refusal_says_what_was_wanted_and_what_came);
    TEST(refused_value_changes_nothing);
#undef TEST
    return g_test_run();
}
