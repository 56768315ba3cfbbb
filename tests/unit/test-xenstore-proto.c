/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every request of the xenstore protocol, answered as xenstored answers. */
#include <string.h>

#include "tests/unit/xenstore-guest.h"

typedef struct Case {
    const char *name;
    uint32_t type, tx;
    const char *payload;
    size_t len;
    const char *error; /* NULL: success with @want */
    const char *want;
    size_t want_len;
} Case;

#define OK(...)  NULL, __VA_ARGS__
#define ERROR(e) #e, NULL, 0
#define LONG_16  "abcdefghijklmnop"
#define LONG_256                                                            \
    LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 \
        LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16
#define LONG_2048 \
    LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256 LONG_256

static const Case cases[] = {
    {"read relative", XS_READ, 0, ZSTR("name"), OK(STR("guest"))},
    {"read absolute", XS_READ, 0, ZSTR("/local/domain/7/name"),
     OK(STR("guest"))},
    {"read another's", XS_READ, 0, ZSTR("/local/domain/0/open"),
     OK(STR("yes"))},
    {"read empty", XS_READ, 0, ZSTR("/local/domain/7"), OK("", 0)},
    {"read missing", XS_READ, 0, ZSTR("none"), ERROR(ENOENT)},
    {"read closed", XS_READ, 0, ZSTR("/local/domain/0/shut"), ERROR(EACCES)},
    {"read below closed", XS_READ, 0, ZSTR("/local/domain/0/shut/x"),
     ERROR(EACCES)},
    {"read below open", XS_READ, 0, ZSTR("/local/domain/0/x/y"), ERROR(ENOENT)},
    {"read in no transaction", XS_READ, 9, ZSTR("name"), ERROR(ENOENT)},
    {"read nothing", XS_READ, 0, "", 0, ERROR(EINVAL)},
    {"read without NUL", XS_READ, 0, STR("name"), ERROR(EINVAL)},
    {"read two strings", XS_READ, 0, ZSTR("name\0x"), ERROR(EINVAL)},
    {"read empty path", XS_READ, 0, ZSTR(""), ERROR(EINVAL)},
    {"read slash at end", XS_READ, 0, ZSTR("name/"), ERROR(EINVAL)},
    {"read double slash", XS_READ, 0, ZSTR("/local//domain"), ERROR(EINVAL)},
    {"read bad character", XS_READ, 0, ZSTR("na me"), ERROR(EINVAL)},
    {"read dot", XS_READ, 0, ZSTR("../0/shut"), ERROR(EINVAL)},
    {"read special", XS_READ, 0, ZSTR("@releaseDomain"), ERROR(EINVAL)},
    {"read longest", XS_READ, 0, ZSTR(LONG_2048), ERROR(ENOENT)},
    {"read longest absolute", XS_READ, 0, ZSTR("/local/domain/0/" LONG_2048),
     ERROR(ENOENT)},
    {"read too long", XS_READ, 0, ZSTR(LONG_2048 "a"), ERROR(EINVAL)},
    {"read too long absolute", XS_READ, 0, ZSTR("/" LONG_2048), ERROR(EINVAL)},

    {"directory", XS_DIRECTORY, 0, ZSTR("/local/domain/7"), OK(ZSTR("name"))},
    {"directory two", XS_DIRECTORY, 0, ZSTR("/local/domain/0"),
     OK(ZSTR("open\0shut"))},
    {"directory empty", XS_DIRECTORY, 0, ZSTR("name"), OK("", 0)},
    {"directory missing", XS_DIRECTORY, 0, ZSTR("none"), ERROR(ENOENT)},
    {"directory closed", XS_DIRECTORY, 0, ZSTR("/"), ERROR(EACCES)},
    {"directory malformed", XS_DIRECTORY, 0, STR("name"), ERROR(EINVAL)},

    {"part one string", XS_DIRECTORY_PART, 0, ZSTR("name"), ERROR(EINVAL)},
    {"part three strings", XS_DIRECTORY_PART, 0,
     ZSTR("name\0"
          "0\0"),
     ERROR(EINVAL)},
    {"part bad path", XS_DIRECTORY_PART, 0,
     ZSTR("//\0"
          "0"),
     ERROR(EINVAL)},
    {"part missing", XS_DIRECTORY_PART, 0,
     ZSTR("none\0"
          "0"),
     ERROR(ENOENT)},

    {"write", XS_WRITE, 0, STR("new\0value"), OK(ZSTR("OK"))},
    {"write empty", XS_WRITE, 0, ZSTR("new"), OK(ZSTR("OK"))},
    {"write NULs", XS_WRITE, 0, ZSTR("new\0\0\0"), OK(ZSTR("OK"))},
    {"write deep", XS_WRITE, 0, STR("a/b/c/d\0x"), OK(ZSTR("OK"))},
    {"write without NUL", XS_WRITE, 0, STR("new"), ERROR(EINVAL)},
    {"write nothing", XS_WRITE, 0, "", 0, ERROR(EINVAL)},
    {"write bad path", XS_WRITE, 0, STR("new/\0x"), ERROR(EINVAL)},
    {"write special", XS_WRITE, 0, STR("@new\0x"), ERROR(EINVAL)},
    {"write another's", XS_WRITE, 0, STR("/local/domain/0/open\0x"),
     ERROR(EACCES)},
    {"write new another's", XS_WRITE, 0, STR("/local/domain/0/new\0x"),
     ERROR(EACCES)},
    {"write in no transaction", XS_WRITE, 1, STR("new\0x"), ERROR(ENOENT)},

    {"mkdir", XS_MKDIR, 0, ZSTR("dir"), OK(ZSTR("OK"))},
    {"mkdir existing", XS_MKDIR, 0, ZSTR("name"), OK(ZSTR("OK"))},
    {"mkdir malformed", XS_MKDIR, 0, STR("dir"), ERROR(EINVAL)},
    {"mkdir another's", XS_MKDIR, 0, ZSTR("/local/domain/0/dir"),
     ERROR(EACCES)},

    {"rm", XS_RM, 0, ZSTR("name"), OK(ZSTR("OK"))},
    {"rm missing", XS_RM, 0, ZSTR("none"), OK(ZSTR("OK"))},
    {"rm missing below missing", XS_RM, 0, ZSTR("no/no"), ERROR(ENOENT)},
    {"rm root", XS_RM, 0, ZSTR("/"), ERROR(EACCES)},
    {"rm another's", XS_RM, 0, ZSTR("/local/domain/0/open"), ERROR(EACCES)},
    {"rm malformed", XS_RM, 0, STR("name"), ERROR(EINVAL)},

    {"get perms", XS_GET_PERMS, 0, ZSTR("name"), OK(ZSTR("n7"))},
    {"get perms another's", XS_GET_PERMS, 0, ZSTR("/local/domain/0/open"),
     OK(ZSTR("r0"))},
    {"get perms closed", XS_GET_PERMS, 0, ZSTR("/local/domain/0/shut"),
     ERROR(EACCES)},
    {"get perms special", XS_GET_PERMS, 0, ZSTR("@releaseDomain"),
     ERROR(EACCES)},
    {"get perms missing", XS_GET_PERMS, 0, ZSTR("none"), ERROR(ENOENT)},
    {"get perms malformed", XS_GET_PERMS, 0, STR("name"), ERROR(EINVAL)},

    {"set perms", XS_SET_PERMS, 0, ZSTR("name\0n7\0r0"), OK(ZSTR("OK"))},
    {"set perms five", XS_SET_PERMS, 0, ZSTR("name\0n7\0r1\0r2\0w3\0b4"),
     OK(ZSTR("OK"))},
    {"set perms six", XS_SET_PERMS, 0, ZSTR("name\0n7\0r1\0r2\0w3\0b4\0n5"),
     ERROR(ENOSPC)},
    {"set perms none", XS_SET_PERMS, 0, ZSTR("name"), ERROR(EINVAL)},
    {"set perms nothing", XS_SET_PERMS, 0, "", 0, ERROR(EINVAL)},
    {"set perms letter", XS_SET_PERMS, 0, ZSTR("name\0x7"), ERROR(EINVAL)},
    {"set perms empty", XS_SET_PERMS, 0, ZSTR("name\0"), ERROR(EINVAL)},
    {"set perms no domain", XS_SET_PERMS, 0, ZSTR("name\0n"), ERROR(EINVAL)},
    {"set perms sign", XS_SET_PERMS, 0, ZSTR("name\0n-7"), ERROR(EINVAL)},
    {"set perms long", XS_SET_PERMS, 0, ZSTR("name\0n123456"), ERROR(EINVAL)},
    {"set perms junk", XS_SET_PERMS, 0, ZSTR("name\0n7x"), ERROR(EINVAL)},
    {"set perms bad path", XS_SET_PERMS, 0, ZSTR("name/\0n7"), ERROR(EINVAL)},
    {"set perms give away", XS_SET_PERMS, 0, ZSTR("name\0n0"), ERROR(EPERM)},
    {"set perms another's", XS_SET_PERMS, 0, ZSTR("/local/domain/0/open\0n7"),
     ERROR(EACCES)},
    {"set perms special", XS_SET_PERMS, 0, ZSTR("@releaseDomain\0n7"),
     ERROR(EACCES)},

    {"watch", XS_WATCH, 0, ZSTR("name\0tok"), OK(ZSTR("OK"))},
    {"watch any transaction", XS_WATCH, 55, ZSTR("name\0tok"), OK(ZSTR("OK"))},
    {"watch missing", XS_WATCH, 0, ZSTR("none\0tok"), OK(ZSTR("OK"))},
    {"watch special", XS_WATCH, 0, ZSTR("@releaseDomain\0"), OK(ZSTR("OK"))},
    {"watch one string", XS_WATCH, 0, ZSTR("name"), ERROR(EINVAL)},
    {"watch three strings", XS_WATCH, 0, ZSTR("name\0a\0b"), ERROR(EINVAL)},
    {"watch nothing", XS_WATCH, 0, "", 0, ERROR(EINVAL)},
    {"watch bad path", XS_WATCH, 0, ZSTR("na me\0tok"), ERROR(EINVAL)},
    {"unwatch none", XS_UNWATCH, 0, ZSTR("name\0tok"), ERROR(ENOENT)},
    {"unwatch one string", XS_UNWATCH, 0, ZSTR("name"), ERROR(EINVAL)},
    {"unwatch bad path", XS_UNWATCH, 0, ZSTR("/x/\0tok"), ERROR(EINVAL)},
    {"reset watches", XS_RESET_WATCHES, 0, ZSTR(""), OK(ZSTR("OK"))},
    {"reset watches empty", XS_RESET_WATCHES, 0, "", 0, OK(ZSTR("OK"))},

    {"start", XS_TRANSACTION_START, 0, ZSTR(""), OK(ZSTR("1"))},
    {"start in none", XS_TRANSACTION_START, 1, ZSTR(""), ERROR(ENOENT)},
    {"end outside", XS_TRANSACTION_END, 0, ZSTR("T"), ERROR(ENOENT)},
    {"end none", XS_TRANSACTION_END, 1, ZSTR("T"), ERROR(ENOENT)},
    {"end neither", XS_TRANSACTION_END, 0, ZSTR("X"), ERROR(EINVAL)},
    {"end empty", XS_TRANSACTION_END, 0, ZSTR(""), ERROR(EINVAL)},
    {"end long", XS_TRANSACTION_END, 0, ZSTR("TT"), ERROR(EINVAL)},
    {"end without NUL", XS_TRANSACTION_END, 0, STR("T"), ERROR(EINVAL)},

    {"domain path", XS_GET_DOMAIN_PATH, 0, ZSTR("7"),
     OK(ZSTR("/local/domain/7"))},
    {"domain path 0", XS_GET_DOMAIN_PATH, 0, ZSTR("junk"),
     OK(ZSTR("/local/domain/0"))},
    {"domain path -1", XS_GET_DOMAIN_PATH, 0, ZSTR("-1"),
     OK(ZSTR("/local/domain/4294967295"))},
    {"domain path malformed", XS_GET_DOMAIN_PATH, 0, STR("7"), ERROR(EINVAL)},
    {"domain path nothing", XS_GET_DOMAIN_PATH, 0, "", 0, ERROR(EINVAL)},

    {"control", XS_CONTROL, 0, ZSTR("help"), ERROR(EACCES)},
    {"introduce", XS_INTRODUCE, 0,
     ZSTR("1\0"
          "1\0"
          "1"),
     ERROR(EACCES)},
    {"release", XS_RELEASE, 0, ZSTR("1"), ERROR(EACCES)},
    {"is introduced", XS_IS_DOMAIN_INTRODUCED, 0, ZSTR("7"), ERROR(EACCES)},
    {"resume", XS_RESUME, 0, ZSTR("7"), ERROR(EACCES)},
    {"set target", XS_SET_TARGET, 0,
     ZSTR("1\0"
          "2"),
     ERROR(EACCES)},
    {"watch event", XS_WATCH_EVENT, 0, ZSTR("a\0b"), ERROR(ENOSYS)},
    {"error", XS_ERROR, 0, ZSTR("EIO"), ERROR(ENOSYS)},
    {"restrict", XS_SET_TARGET + 1, 0, ZSTR("7"), ERROR(ENOSYS)},
    {"past the last", XS_TYPE_COUNT, 0, ZSTR("x"), ERROR(ENOSYS)},
    {"invalid", XS_INVALID, 0, ZSTR("x"), ERROR(ENOSYS)},
    {"largest type", UINT32_MAX, 0, "", 0, ERROR(ENOSYS)},
};

static void run_case(const Case *c)
{
    XenstoreGuest *g = guest_new();
    g_autofree char *before = fake_tree_dump(g->tree);

    if (c->error) {
        g_autofree char *after = NULL;

        guest_expect_error(g, c->name, c->type, c->tx, c->payload, c->len,
                           c->error);
        after = fake_tree_dump(g->tree);
        g_assert_cmpstr(before, ==, after);
        g_assert_cmpuint(fake_tree_watches(g->tree), ==, 0);
        g_assert_cmpuint(fake_tree_transactions(g->tree), ==, 0);
    } else {
        guest_expect(g, c->name, c->type, c->tx, c->payload, c->len, c->type,
                     c->want, c->want_len);
    }
    guest_free(g);
}

static void test_request_answers_as_xenstored(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        run_case(&cases[i]);
    }
}

/*
 * The same requests while the tree's n-th operation fails: the answer is an
 * error, and nothing has changed.
 */
static void test_request_tree_fault_is_reported_and_changes_nothing(void)
{
    unsigned fired = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned n = 1;; n++) {
            XenstoreGuest *g = guest_new();
            g_autofree char *before = fake_tree_dump(g->tree);
            g_autofree char *after = NULL;
            const Case *c = &cases[i];
            GuestMsg *msg;
            bool done;

            fake_tree_fail_nth(g->tree, n, ENOMEM);
            msg = guest_call(g, c->type, c->tx, c->payload, c->len);
            done = !fake_tree_fault_fired(g->tree);
            after = fake_tree_dump(g->tree);
            if (!done) {
                fired++;
                g_assert_cmpuint(msg->hdr.type, ==, XS_ERROR);
                g_assert_cmpstr((char *)msg->payload->data, ==, "ENOMEM");
                g_assert_cmpstr(before, ==, after);
                g_assert_cmpuint(fake_tree_watches(g->tree), ==, 0);
                g_assert_cmpuint(fake_tree_transactions(g->tree), ==, 0);
            }
            guest_msg_free(msg);
            guest_free(g);
            if (done) {
                break;
            }
        }
    }
    g_assert_cmpuint(fired, >, 30);
}

/* Errors of the tree that have no name in the protocol are EINVAL. */
static void test_request_unnamed_error_is_einval(void)
{
    static const struct {
        int error;
        const char *name;
    } errors[] = {
        {EINVAL, "EINVAL"}, {EACCES, "EACCES"},   {EEXIST, "EEXIST"},
        {EISDIR, "EISDIR"}, {ENOENT, "ENOENT"},   {ENOMEM, "ENOMEM"},
        {ENOSPC, "ENOSPC"}, {EIO, "EIO"},         {ENOTEMPTY, "ENOTEMPTY"},
        {ENOSYS, "ENOSYS"}, {EROFS, "EROFS"},     {EBUSY, "EBUSY"},
        {EAGAIN, "EAGAIN"}, {EISCONN, "EISCONN"}, {E2BIG, "E2BIG"},
        {EPERM, "EPERM"},   {EXDEV, "EINVAL"},    {ERANGE, "EINVAL"},
    };
    XenstoreGuest *g = guest_new();

    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        fake_tree_fail_nth(g->tree, 1, errors[i].error);
        guest_expect_error(g, "fault", XS_READ, 0, ZSTR("name"),
                           errors[i].name);
    }
    guest_free(g);
}

static void test_read_too_large_value_is_e2big(void)
{
    XenstoreGuest *g = guest_new();
    g_autofree char *value = g_strnfill(XENSTORE_PAYLOAD_MAX + 1, 'v');

    fake_tree_set(g->tree, "/local/domain/7/big", value, NULL);
    guest_expect_error(g, "4097", XS_READ, 0, ZSTR("big"), "E2BIG");
    value[XENSTORE_PAYLOAD_MAX] = '\0';
    fake_tree_set(g->tree, "/local/domain/7/big", value, NULL);
    guest_expect(g, "4096", XS_READ, 0, ZSTR("big"), XS_READ, value,
                 XENSTORE_PAYLOAD_MAX);
    guest_free(g);
}

/* Names of 100 bytes: 41 of them are too much for one reply. */
static void add_children(XenstoreGuest *g, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        g_autofree char *path = g_strdup_printf("/local/domain/7/dir/%099u", i);

        fake_tree_set(g->tree, path, "", NULL);
    }
}

static void test_directory_part_pages_through_a_large_directory(void)
{
    XenstoreGuest *g = guest_new();
    g_autoptr(GByteArray) all = g_byte_array_new();
    unsigned parts = 0;

    add_children(g, 100);
    guest_expect_error(g, "whole", XS_DIRECTORY, 0, ZSTR("dir"), "E2BIG");
    for (bool end = false; !end; parts++) {
        char request[32];
        int len = g_snprintf(request, sizeof(request), "dir%c%u", 0, all->len);
        GuestMsg *msg = guest_call(g, XS_DIRECTORY_PART, 0, request, len + 1);
        const char *text = (char *)msg->payload->data;
        size_t skip;

        g_assert_cmpuint(msg->hdr.type, ==, XS_DIRECTORY_PART);
        skip = strlen(text) + 1;
        g_assert_cmpuint(msg->payload->len, >, skip);
        g_byte_array_append(all, msg->payload->data + skip,
                            msg->payload->len - skip);
        end =
            all->data[all->len - 1] == '\0' && all->data[all->len - 2] == '\0';
        guest_msg_free(msg);
    }
    g_assert_cmpuint(parts, ==, 3);
    g_assert_cmpuint(all->len, ==, 100 * 100 + 1);
    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("%099u", i);

        g_assert_cmpstr((char *)all->data + 100 * i, ==, name);
    }
    guest_free(g);
}

/* The list and the empty string behind it fit into one reply, or just not. */
static void test_directory_part_is_filled_to_the_last_byte(void)
{
    unsigned whole = 0, split = 0;

    for (unsigned len = 40; len < 99; len++) {
        XenstoreGuest *g = guest_new();
        g_autofree char *name = g_strnfill(len, 'z');
        g_autofree char *path = g_strdup_printf("/local/domain/7/dir/%s", name);
        size_t list = 40 * 100 + len + 1, skip;
        GuestMsg *msg;

        add_children(g, 40);
        fake_tree_set(g->tree, path, "", NULL);
        msg = guest_call(g, XS_DIRECTORY_PART, 0,
                         ZSTR("dir\0"
                              "0"));
        skip = strlen((char *)msg->payload->data) + 1;
        if (skip + list + 1 <= XENSTORE_PAYLOAD_MAX) {
            g_assert_cmpuint(msg->payload->len, ==, skip + list + 1);
            whole++;
        } else {
            g_assert_cmpuint(msg->payload->len, ==, skip + 40 * 100);
            split++;
        }
        guest_msg_free(msg);
        guest_free(g);
    }
    g_assert_cmpuint(whole, >, 0);
    g_assert_cmpuint(split, >, 0);
}

/* What the generation is does not matter, but that it changes does. */
static void test_directory_part_edges(void)
{
    XenstoreGuest *g = guest_new();
    GuestMsg *first = guest_call(g, XS_DIRECTORY_PART, 0,
                                 ZSTR("name\0"
                                      "0"));
    GuestMsg *past, *negative, *changed;

    g_assert_cmpuint(first->payload->len, ==,
                     strlen((char *)first->payload->data) + 2);
    past = guest_call(g, XS_DIRECTORY_PART, 0,
                      ZSTR("name\0"
                           "999"));
    g_assert_cmpmem(past->payload->data, past->payload->len,
                    first->payload->data, first->payload->len);
    negative = guest_call(g, XS_DIRECTORY_PART, 0,
                          ZSTR("name\0"
                               "-1"));
    g_assert_cmpmem(negative->payload->data, negative->payload->len,
                    first->payload->data, first->payload->len);
    fake_tree_set(g->tree, "/local/domain/7/name/x", "", NULL);
    changed = guest_call(g, XS_DIRECTORY_PART, 0,
                         ZSTR("name\0"
                              "junk"));
    g_assert_cmpstr((char *)changed->payload->data, !=,
                    (char *)first->payload->data);
    guest_msg_free(first);
    guest_msg_free(past);
    guest_msg_free(negative);
    guest_msg_free(changed);
    guest_free(g);
}

static void test_write_then_read_gives_the_bytes(void)
{
    XenstoreGuest *g = guest_new();

    guest_expect(g, "write", XS_WRITE, 0, ZSTR("bin\0\1\0\xff"), XS_WRITE,
                 ZSTR("OK"));
    guest_expect(g, "read", XS_READ, 0, ZSTR("bin"), XS_READ, ZSTR("\1\0\xff"));
    guest_expect(g, "empty", XS_WRITE, 0, ZSTR("bin"), XS_WRITE, ZSTR("OK"));
    guest_expect(g, "read", XS_READ, 0, ZSTR("bin"), XS_READ, "", 0);
    guest_free(g);
}

static void test_perms_set_then_get(void)
{
    XenstoreGuest *g = guest_new();

    guest_expect(g, "set", XS_SET_PERMS, 0, ZSTR("name\0b7\0r0\0w3"),
                 XS_SET_PERMS, ZSTR("OK"));
    guest_expect(g, "get", XS_GET_PERMS, 0, ZSTR("name"), XS_GET_PERMS,
                 ZSTR("b7\0r0\0w3"));
    guest_free(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xenstore-proto/" #name, test_##name)
    ADD(request_answers_as_xenstored);
    ADD(request_tree_fault_is_reported_and_changes_nothing);
    ADD(request_unnamed_error_is_einval);
    ADD(read_too_large_value_is_e2big);
    ADD(directory_part_pages_through_a_large_directory);
    ADD(directory_part_is_filled_to_the_last_byte);
    ADD(directory_part_edges);
    ADD(write_then_read_gives_the_bytes);
    ADD(perms_set_then_get);
#undef ADD
    return g_test_run();
}
