/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cut as asked for on the command line: parsed, refused, told to QEMU.
 */
#include "tools/cut-request.h"

static CutRequest *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    CutRequest *r = cut_request_parse(text, TRUE, &error);

    g_assert_no_error(error);
    g_assert_nonnull(r);
    return r;
}

static void keys_of_a_way_are_taken_out(void)
{
    g_autoptr(CutRequest) r =
        parse("5:uptime=1,way=migrate,tsc=7,via=file,downtime=2");

    g_assert_cmpint(r->at_ns, ==, 5000000000);
    g_assert_cmpint(r->way, ==, CUT_MIGRATE);
    g_assert_true(r->via_file);
    g_assert_cmpstr(r->text, ==, "uptime=1,tsc=7,downtime=2");
}

static void plain_cut_is_in_place_and_now(void)
{
    g_autoptr(CutRequest) r = parse("tsc=0");

    g_assert_cmpint(r->at_ns, ==, -1);
    g_assert_cmpint(r->way, ==, CUT_IN_PLACE);
}

static void move_may_replace_nothing(void)
{
    g_autoptr(CutRequest) r = parse("way=suspend");
    JsonObject *arguments = cut_request_arguments(r);

    g_assert_cmpint(r->way, ==, CUT_SUSPEND);
    g_assert_cmpuint(json_object_get_size(arguments), ==, 0);
    json_object_unref(arguments);
}

static void arguments_are_as_the_schema_wants(void)
{
    g_autoptr(CutRequest) r =
        parse("uptime=1.5,tsc=18446744073709551615,tsc-khz=010,invtsc=on,"
              "tsc-scaling=off,wallclock=3,downtime=4ms");
    JsonObject *a = cut_request_arguments(r);

    g_assert_cmpstr(json_object_get_string_member(a, "uptime"), ==,
                    "1500000000ns");
    g_assert_cmpint(json_object_get_int_member(a, "tsc"), ==, -1);
    g_assert_cmpint(json_object_get_int_member(a, "tsc-khz"), ==, 10);
    g_assert_true(json_object_get_boolean_member(a, "invtsc"));
    g_assert_false(json_object_get_boolean_member(a, "tsc-scaling"));
    g_assert_cmpstr(json_object_get_string_member(a, "wallclock"), ==,
                    "3000000000ns");
    g_assert_cmpstr(json_object_get_string_member(a, "downtime"), ==,
                    "4000000ns");
    json_object_unref(a);
}

static void bad_request_is_named(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "want"},
        {"way=walk", "way=walk: want one of in-place, suspend"},
        {"via=file,tsc=0", "via=file: only with way=migrate"},
        {"way=cancel,tsc=0", "tsc=0: way=cancel stays on its host"},
        {"way=in-place", "want"},
        {"0:tsc=0", "in the past"},
        {"soon:tsc=0", "time"},
        {"way=migrate,tsc=0,tsc=0", "tsc"},
        {"way=migrate,speed=1", "speed"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", rows[i].text);
        g_assert_null(cut_request_parse(rows[i].text, TRUE, &error));
        g_assert_nonnull(g_strstr_len(error->message, -1, rows[i].message));
    }
}

static void time_is_wanted_before_the_start(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(cut_request_parse("tsc=0", FALSE, &error));
    g_assert_nonnull(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cut-request/way", keys_of_a_way_are_taken_out);
    g_test_add_func("/cut-request/now", plain_cut_is_in_place_and_now);
    g_test_add_func("/cut-request/empty-move", move_may_replace_nothing);
    g_test_add_func("/cut-request/arguments",
                    arguments_are_as_the_schema_wants);
    g_test_add_func("/cut-request/bad", bad_request_is_named);
    g_test_add_func("/cut-request/no-time", time_is_wanted_before_the_start);
    return g_test_run();
}
