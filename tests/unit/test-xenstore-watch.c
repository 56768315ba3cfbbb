/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches, transactions and their migration, over the wire. */
#include <string.h>

#include "tests/unit/xenstore-guest.h"

#define HOME "/local/domain/7"

static void watch(XenstoreGuest *g, const char *path, const char *token,
                  uint32_t type, const char *error)
{
    g_autofree char *what = g_strdup_printf("%s %s", path, token);
    g_autoptr(GString) payload = g_string_new(path);

    g_string_append_c(payload, '\0');
    g_string_append_len(payload, token, strlen(token) + 1);
    if (error) {
        guest_expect_error(g, what, type, 0, payload->str, payload->len, error);
    } else {
        guest_expect(g, what, type, 0, payload->str, payload->len, type,
                     ZSTR("OK"));
    }
}

static void test_watch_new_fires_once_after_its_reply(void)
{
    XenstoreGuest *g = guest_new();

    guest_send(g, XS_WATCH, 1, 0, ZSTR("name\0tok"));
    for (unsigned i = 0; i < 2; i++) {
        GuestMsg *msg = guest_next(g);

        g_assert_cmpuint(msg->hdr.type, ==, i ? XS_WATCH_EVENT : XS_WATCH);
        guest_msg_free(msg);
    }
    guest_expect_no_event(g);
    guest_free(g);
}

/* xen: the event of a change is sent before the reply to the request. */
static void test_watch_fires_before_the_reply_to_the_change(void)
{
    XenstoreGuest *g = guest_new();
    GuestMsg *msg;

    watch(g, "name", "tok", XS_WATCH, NULL);
    guest_expect_event(g, "name", "tok");
    guest_send(g, XS_WRITE, 1, 0, STR("name\0x"));
    msg = guest_next(g);
    g_assert_cmpuint(msg->hdr.type, ==, XS_WATCH_EVENT);
    guest_msg_free(msg);
    msg = guest_next(g);
    g_assert_cmpuint(msg->hdr.type, ==, XS_WRITE);
    guest_msg_free(msg);
    guest_free(g);
}

static void test_watch_fires_for_the_node_and_below(void)
{
    XenstoreGuest *g = guest_new();

    watch(g, "dir", "rel", XS_WATCH, NULL);
    guest_expect_event(g, "dir", "rel");
    fake_tree_set(g->tree, HOME "/dir/a", "1", NULL);
    guest_expect_event(g, "dir/a", "rel");
    fake_tree_set(g->tree, HOME "/directory", "1", NULL);
    fake_tree_set(g->tree, HOME, "1", NULL);
    guest_expect_no_event(g);
    watch(g, HOME "/dir", "abs", XS_WATCH, NULL);
    guest_expect_event(g, HOME "/dir", "abs");
    fake_tree_rm(g->tree, HOME "/dir/a");
    guest_expect_event(g, "dir/a", "rel");
    guest_expect_event(g, HOME "/dir/a", "abs");
    fake_tree_set(g->tree, HOME "/dir/b/c", "1", NULL);
    guest_expect_event(g, "dir/b/c", "rel");
    guest_expect_event(g, HOME "/dir/b/c", "abs");
    /* above: the watched node itself goes */
    fake_tree_rm(g->tree, HOME "/dir");
    guest_expect_event(g, "dir", "rel");
    guest_expect_event(g, HOME "/dir", "abs");
    guest_expect_no_event(g);
    guest_free(g);
}

static void test_watch_does_not_tell_of_closed_nodes(void)
{
    XenstoreGuest *g = guest_new();

    watch(g, "/local/domain/0/shut", "s", XS_WATCH, NULL);
    guest_expect_event(g, "/local/domain/0/shut", "s");
    fake_tree_set(g->tree, "/local/domain/0/shut/x", "1", NULL);
    guest_expect_no_event(g);
    guest_free(g);
}

static void test_watch_twice_is_eexist(void)
{
    XenstoreGuest *g = guest_new();

    watch(g, "name", "tok", XS_WATCH, NULL);
    watch(g, "name", "tok", XS_WATCH, "EEXIST");
    watch(g, HOME "/name", "tok", XS_WATCH, "EEXIST");
    watch(g, "name", "other", XS_WATCH, NULL);
    g_assert_cmpuint(fake_tree_watches(g->tree), ==, 2);
    guest_free(g);
}

static void test_unwatch_ends_that_watch_only(void)
{
    XenstoreGuest *g = guest_new();

    watch(g, "name", "a", XS_WATCH, NULL);
    watch(g, "name", "b", XS_WATCH, NULL);
    guest_expect_event(g, "name", "a");
    guest_expect_event(g, "name", "b");
    watch(g, "name", "c", XS_UNWATCH, "ENOENT");
    watch(g, HOME "/name", "b", XS_UNWATCH, NULL);
    watch(g, "name", "b", XS_UNWATCH, "ENOENT");
    fake_tree_set(g->tree, HOME "/name", "x", NULL);
    guest_expect_event(g, "name", "a");
    guest_expect_no_event(g);
    guest_free(g);
}

/* xen: quota of 128, compared before the new one is counted */
static void test_watch_quota_is_e2big(void)
{
    XenstoreGuest *g = guest_new();

    for (unsigned i = 0; i < 129; i++) {
        g_autofree char *token = g_strdup_printf("t%u", i);

        watch(g, "name", token, XS_WATCH, NULL);
        guest_expect_event(g, "name", token);
    }
    watch(g, "name", "more", XS_WATCH, "E2BIG");
    watch(g, "name", "t5", XS_UNWATCH, NULL);
    watch(g, "name", "more", XS_WATCH, NULL);
    guest_expect(g, "reset", XS_RESET_WATCHES, 0, ZSTR(""), XS_RESET_WATCHES,
                 ZSTR("OK"));
    g_assert_cmpuint(fake_tree_watches(g->tree), ==, 0);
    guest_free(g);
}

static void test_watch_event_too_long_is_left_out(void)
{
    XenstoreGuest *g = guest_new();
    g_autofree char *token =
        g_strnfill(XENSTORE_PAYLOAD_MAX - sizeof("name") - 1, 't');

    watch(g, "name", token, XS_WATCH, NULL);
    guest_expect_event(g, "name", token);
    fake_tree_set(g->tree, HOME "/name/x", "x", NULL);
    guest_expect_no_event(g);
    fake_tree_set(g->tree, HOME "/name", "x", NULL);
    guest_expect_event(g, "name", token);
    guest_free(g);
}

static void test_transaction_is_isolated_until_its_end(void)
{
    XenstoreGuest *g = guest_new();
    uint32_t tx = guest_start_transaction(g);

    watch(g, "name", "tok", XS_WATCH, NULL);
    guest_expect_event(g, "name", "tok");
    guest_expect(g, "write", XS_WRITE, tx, STR("name\0new"), XS_WRITE,
                 ZSTR("OK"));
    guest_expect_no_event(g);
    guest_expect(g, "outside", XS_READ, 0, ZSTR("name"), XS_READ, STR("guest"));
    guest_expect(g, "inside", XS_READ, tx, ZSTR("name"), XS_READ, STR("new"));
    guest_expect(g, "end", XS_TRANSACTION_END, tx, ZSTR("T"),
                 XS_TRANSACTION_END, ZSTR("OK"));
    guest_expect_event(g, "name", "tok");
    guest_expect(g, "after", XS_READ, 0, ZSTR("name"), XS_READ, STR("new"));
    guest_expect_error(g, "gone", XS_READ, tx, ZSTR("name"), "ENOENT");
    guest_free(g);
}

static void test_transaction_abort_changes_nothing(void)
{
    XenstoreGuest *g = guest_new();
    g_autofree char *before = fake_tree_dump(g->tree);
    g_autofree char *after = NULL;
    uint32_t tx = guest_start_transaction(g);

    guest_expect(g, "write", XS_WRITE, tx, STR("name\0new"), XS_WRITE,
                 ZSTR("OK"));
    guest_expect(g, "rm", XS_RM, tx, ZSTR("name"), XS_RM, ZSTR("OK"));
    guest_expect(g, "end", XS_TRANSACTION_END, tx, ZSTR("F"),
                 XS_TRANSACTION_END, ZSTR("OK"));
    after = fake_tree_dump(g->tree);
    g_assert_cmpstr(before, ==, after);
    g_assert_cmpuint(fake_tree_transactions(g->tree), ==, 0);
    guest_free(g);
}

static void test_transaction_conflict_is_eagain_and_ends_it(void)
{
    XenstoreGuest *g = guest_new();
    uint32_t tx = guest_start_transaction(g);

    guest_expect(g, "write", XS_WRITE, tx, STR("name\0new"), XS_WRITE,
                 ZSTR("OK"));
    fake_tree_set(g->tree, HOME "/name", "other", NULL);
    guest_expect_error(g, "end", XS_TRANSACTION_END, tx, ZSTR("T"), "EAGAIN");
    guest_expect_error(g, "again", XS_TRANSACTION_END, tx, ZSTR("T"), "ENOENT");
    g_assert_cmpuint(fake_tree_transactions(g->tree), ==, 0);
    guest_free(g);
}

static void test_transaction_malformed_end_keeps_it(void)
{
    XenstoreGuest *g = guest_new();
    uint32_t tx = guest_start_transaction(g);

    guest_expect_error(g, "end", XS_TRANSACTION_END, tx, ZSTR("?"), "EINVAL");
    guest_expect_error(g, "nested", XS_TRANSACTION_START, tx, ZSTR(""),
                       "EBUSY");
    guest_expect(g, "read", XS_READ, tx, ZSTR("name"), XS_READ, STR("guest"));
    guest_expect(g, "end", XS_TRANSACTION_END, tx, ZSTR("T"),
                 XS_TRANSACTION_END, ZSTR("OK"));
    guest_free(g);
}

/* xen: quota of 10, compared before the new one is counted */
static void test_transaction_quota_is_enospc(void)
{
    XenstoreGuest *g = guest_new();

    for (unsigned i = 1; i <= 11; i++) {
        g_assert_cmpuint(guest_start_transaction(g), ==, i);
    }
    guest_expect_error(g, "12th", XS_TRANSACTION_START, 0, ZSTR(""), "ENOSPC");
    guest_expect(g, "end", XS_TRANSACTION_END, 3, ZSTR("F"), XS_TRANSACTION_END,
                 ZSTR("OK"));
    g_assert_cmpuint(guest_start_transaction(g), ==, 12);
    guest_expect(g, "reset", XS_RESET_WATCHES, 0, ZSTR(""), XS_RESET_WATCHES,
                 ZSTR("OK"));
    g_assert_cmpuint(fake_tree_transactions(g->tree), ==, 0);
    g_assert_cmpuint(guest_start_transaction(g), ==, 13);
    guest_free(g);
}

/* A guest with three watches, two of them fired, and a transaction with id 1 */
static XenstoreGuest *new_busy_guest(void)
{
    XenstoreGuest *g = guest_new();

    watch(g, "name", "rel", XS_WATCH, NULL);
    watch(g, HOME, "abs", XS_WATCH, NULL);
    watch(g, "@releaseDomain", "", XS_WATCH, NULL);
    guest_expect_event(g, "name", "rel");
    guest_expect_event(g, HOME, "abs");
    guest_expect_event(g, "@releaseDomain", "");
    g_assert_cmpuint(guest_start_transaction(g), ==, 1);
    guest_expect(g, "write", XS_WRITE, 1, STR("name\0tx"), XS_WRITE,
                 ZSTR("OK"));
    return g;
}

/* Where it migrates to: the tree came along, with its transaction. */
static XenstoreGuest *new_target(void)
{
    XenstoreGuest *g = guest_new();
    guint32 tx;

    g_assert_cmpint(fake_tree_ops.transaction_start(g->tree, GUEST_DOMID, &tx),
                    ==, 0);
    g_assert_cmpint(fake_tree_ops.write(g->tree, GUEST_DOMID, tx, HOME "/name",
                                        (const guint8 *)"tx", 2),
                    ==, 0);
    return g;
}

static void test_load_restores_watches_and_transactions(void)
{
    XenstoreGuest *from = new_busy_guest(), *to = new_target();
    g_autoptr(GByteArray) state = guest_save(from), again = NULL;
    GError *error = NULL;

    guest_load(to, state, &error);
    g_assert_no_error(error);
    again = guest_save(to);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);
    guest_expect_no_event(to);
    watch(to, HOME "/name", "rel", XS_WATCH, "EEXIST");
    fake_tree_set(to->tree, HOME "/x", "1", NULL);
    guest_expect_event(to, HOME "/x", "abs");
    fake_tree_set(to->tree, HOME "/name/y", "1", NULL);
    guest_expect_event(to, "name/y", "rel");
    guest_expect_event(to, HOME "/name/y", "abs");
    guest_expect_no_event(to);
    guest_expect(to, "read", XS_READ, 1, ZSTR("name"), XS_READ, STR("tx"));
    guest_expect_error(to, "end", XS_TRANSACTION_END, 1, ZSTR("T"), "EAGAIN");
    g_assert_cmpuint(guest_start_transaction(to), ==, 2);
    guest_free(from);
    guest_free(to);
}

/* Every truncation and every changed byte: refused or read, never worse. */
static void test_load_damaged_is_refused_and_resets(void)
{
    XenstoreGuest *from = new_busy_guest(), *to = guest_new();
    g_autoptr(GByteArray) state = guest_save(from);
    unsigned refused = 0;

    for (guint cut = 0; cut < state->len; cut++) {
        g_autoptr(GByteArray) part = g_byte_array_new();
        GError *error = NULL;

        g_byte_array_append(part, state->data, cut);
        g_assert_false(guest_load(to, part, &error));
        g_assert_nonnull(error);
        g_error_free(error);
        g_assert_cmpuint(fake_tree_watches(to->tree), ==, 0);
    }
    for (guint i = 0; i < state->len; i++) {
        g_autoptr(GByteArray) bad = g_byte_array_new();

        g_byte_array_append(bad, state->data, state->len);
        bad->data[i] ^= 0xff;
        if (!guest_load(to, bad, NULL)) {
            refused++;
            g_assert_cmpuint(fake_tree_watches(to->tree), ==, 0);
        } else {
            /* what it loaded may name a transaction the tree has not */
            g_assert_cmpuint(fake_tree_watches(to->tree), ==, 3);
        }
    }
    g_assert_cmpuint(refused, >, state->len / 2);
    guest_free(from);
    guest_free(to);
}

static void test_load_tree_fault_is_refused_and_resets(void)
{
    XenstoreGuest *from = new_busy_guest();
    g_autoptr(GByteArray) state = guest_save(from);
    unsigned n;

    for (n = 1;; n++) {
        XenstoreGuest *to = new_target();
        GError *error = NULL;
        bool ok;

        fake_tree_fail_nth(to->tree, n, ENOMEM);
        ok = guest_load(to, state, &error);
        if (ok) {
            g_assert_false(fake_tree_fault_fired(to->tree));
        } else {
            g_assert_nonnull(strstr(error->message, "watch of"));
            g_error_free(error);
            g_assert_cmpuint(fake_tree_watches(to->tree), ==, 0);
            g_assert_cmpuint(fake_tree_transactions(to->tree), ==, 0);
        }
        guest_free(to);
        if (ok) {
            break;
        }
    }
    g_assert_cmpuint(n, ==, 4);
    guest_free(from);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xenstore-watch/" #name, test_##name)
    ADD(watch_new_fires_once_after_its_reply);
    ADD(watch_fires_before_the_reply_to_the_change);
    ADD(watch_fires_for_the_node_and_below);
    ADD(watch_does_not_tell_of_closed_nodes);
    ADD(watch_twice_is_eexist);
    ADD(unwatch_ends_that_watch_only);
    ADD(watch_quota_is_e2big);
    ADD(watch_event_too_long_is_left_out);
    ADD(transaction_is_isolated_until_its_end);
    ADD(transaction_abort_changes_nothing);
    ADD(transaction_conflict_is_eagain_and_ends_it);
    ADD(transaction_malformed_end_keeps_it);
    ADD(transaction_quota_is_enospc);
    ADD(load_restores_watches_and_transactions);
    ADD(load_damaged_is_refused_and_resets);
    ADD(load_tree_fault_is_refused_and_resets);
#undef ADD
    return g_test_run();
}
