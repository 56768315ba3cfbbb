/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration state: round trip, damage; making a domain. */
#include <string.h>

#include "tests/unit/busy-guest.h"

#define S XEN_GUEST_NS_PER_S

/* A domain at the time of @from, reset, its clock that of @from. */
static XenGuest *target_of(XenGuest *from)
{
    XenGuest *g = xen_guest_new(3, 20);
    StateWriter *w = state_writer_new();
    g_autoptr(GByteArray) clock = NULL;
    StateReader *r;
    GError *error = NULL;

    fake_host_run_until(g->fake, fake_host_now(from->fake));
    clock_save(from->clock, w);
    clock = state_writer_finish(w);
    r = state_reader_new(clock->data, clock->len);
    clock_load(g->clock, r);
    state_reader_finish(r, &error);
    g_assert_no_error(error);
    xen_domain_reset(g->d);
    return g;
}

static void load(XenGuest *g, const GByteArray *state, GError **error)
{
    StateReader *r = state_reader_new(state->data, state->len);

    xen_domain_load(g->d, r);
    state_reader_finish(r, error);
}

static void copy_page(XenGuest *to, XenGuest *from, uint64_t gpa)
{
    uint8_t page[HOST_PAGE_SIZE];

    fake_host_peek(from->fake, gpa, page, sizeof(page));
    fake_host_poke(to->fake, gpa, page, sizeof(page));
}

static void test_round_trip_gives_the_same_bytes_and_future(void)
{
    g_autoptr(XenGuest) a = busy_guest_new(3);
    g_autoptr(XenGuest) b = target_of(a);
    g_autoptr(GByteArray) before = xen_guest_save(a);
    g_autoptr(GByteArray) after = NULL;
    XenGuest *both[] = {a, b};
    g_autofree char *dump_a = NULL, *dump_b = NULL;
    GError *error = NULL;

    load(b, before, &error);
    g_assert_no_error(error);
    after = xen_guest_save(b);
    g_assert_cmpmem(after->data, after->len, before->data, before->len);
    copy_page(b, a, XEN_GUEST_SHINFO << HOST_PAGE_SHIFT);
    copy_page(b, a, 0x50000);
    g_assert_true(fake_host_gsi_held(b->fake, 9));
    for (unsigned i = 0; i < 2; i++) {
        fake_host_clear_events(both[i]->fake);
        g_assert_cmpint(xen_guest_send(both[i], 5), ==, 0);
        g_assert_cmpint(xen_guest_send(both[i], 6), ==, 0);
        fake_host_advance(both[i]->fake, 100 * S);
        g_assert_cmpuint(fake_host_event_count(both[i]->fake, FAKE_SHUTDOWN),
                         ==, 1);
        g_assert_cmpuint(fake_host_event_count(both[i]->fake, FAKE_VCPU_WAKE),
                         ==, 1);
    }
    dump_a = xen_guest_dump(a);
    dump_b = xen_guest_dump(b);
    g_assert_cmpstr(dump_a, ==, dump_b);
}

static void test_vector_callback_is_held_again_after_a_load(void)
{
    g_autoptr(XenGuest) a = busy_guest_new(3);
    g_autoptr(XenGuest) b = target_of(a);
    g_autoptr(GByteArray) state = NULL;
    GError *error = NULL;

    g_assert_cmpint(xen_guest_set_param(a, HVM_PARAM_CALLBACK_IRQ,
                                        0x0200000000000000 | 0xe0),
                    ==, 0);
    state = xen_guest_save(a);
    /* Memory is there before the domain: vCPU 0 has its vcpu_info in it. */
    copy_page(b, a, 0x50000);
    load(b, state, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(fake_host_vector_held(a->fake, 0), ==, 0xe0);
    g_assert_cmpuint(fake_host_vector_held(b->fake, 0), ==, 0xe0);
    g_assert_cmpuint(fake_host_vector_held(b->fake, 1), ==, 0);
}

static void test_reset_equals_a_domain_just_made(void)
{
    g_autoptr(XenGuest) a = xen_guest_new(3, 20);
    g_autoptr(XenGuest) b = busy_guest_new(3);
    g_autoptr(GByteArray) fresh = NULL, reset = NULL;

    fake_host_run_until(a->fake, fake_host_now(b->fake));
    xen_domain_reset(a->d);
    xen_domain_reset(b->d);
    fresh = xen_guest_save(a);
    reset = xen_guest_save(b);
    g_assert_cmpmem(reset->data, reset->len, fresh->data, fresh->len);
    g_assert_cmpuint(fake_host_alive(b->fake).pins, ==, 0);
    g_assert_false(fake_host_gsi_held(b->fake, 9));
    fake_host_clear_events(b->fake);
    fake_host_advance(b->fake, 100 * S);
    g_assert_cmpuint(fake_host_event_count(b->fake, FAKE_SHUTDOWN), ==, 0);
}

/*
 * Loads @state into @g.  If it is refused the domain must be as after a reset,
 * and the message is returned, to be freed; else NULL.
 */
static char *load_damaged(XenGuest *g, const GByteArray *state,
                          const GByteArray *reset)
{
    g_autoptr(GByteArray) now = NULL;
    g_autoptr(GError) error = NULL;

    xen_domain_reset(g->d);
    load(g, state, &error);
    if (!error) {
        return NULL;
    }
    now = xen_guest_save(g);
    g_assert_cmpmem(now->data, now->len, reset->data, reset->len);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
    return g_strdup(error->message);
}

static const char *const field_names[] = {
    "vCPUs",
    "Xen minor version",
    "domain id",
    "xenstore",
    "shared_info layout",
    "vm_assist",
    "shared_info",
    "grant frames",
    "grant frame",
    "epoch base",
    "epoch armed",
    "shutdown code set",
    "shutdown code",
    "shutting down",
    "watchdog in use",
    "watchdog timer",
    "vCPU initialised",
    "vCPU down",
    "vCPU NMI pending",
    "vCPU waiting",
    "vCPU polling",
    "poll port",
    "vcpu_info registered",
    "vcpu_info page",
    "vcpu_info offset",
    "time area",
    "runstate",
    "runstate since",
    "physical runstate layout",
    "physical runstate area",
    "physical time area",
    "runstate area",
    "one-shot timer",
    "poll timer",
    "periodic timer",
    "period",
    "last period",
    "upcall vector",
    "ports",
    "port state",
    "port vCPU",
    "port's remote domain",
    "port's remote port",
    "port's virtual interrupt",
    "port's backend",
    "port's priority",
    "port's last vCPU",
    "port's last priority",
    "event missed",
    "reset's next port",
    "FIFO event channels",
    "event array pages",
    "event array page",
    "control block",
    "control block offset",
    "queue tail",
    "physical interrupt",
    "physical interrupt allocated",
    "interrupt line",
    "callback asserted",
    "event faults",
    "fault kind",
    "fault count",
    "fault delay",
    "late events",
    "late port",
    "late event",
    "record delay",
    "record vCPU",
    "record torn",
    "record due",
    "wall clock delay",
    "wall clock due",
};

/* Every field that has illegal values is refused by its name. */
static void test_each_field_is_refused_by_name(void)
{
    g_autoptr(XenGuest) from = busy_guest_new(3);
    g_autoptr(XenGuest) g = target_of(from);
    g_autoptr(GByteArray) state = xen_guest_save(from);
    g_autoptr(GByteArray) reset = xen_guest_save(g);
    bool seen[G_N_ELEMENTS(field_names)] = {false};
    size_t at = 0;

    while (at < state->len) {
        uint32_t len;
        uint8_t old[64];
        g_autofree char *message = NULL;

        memcpy(&len, state->data + at + 2, sizeof(len));
        at += 6;
        if (len <= sizeof(old)) {
            memcpy(old, state->data + at, len);
            memset(state->data + at, 0xff, len);
            message = load_damaged(g, state, reset);
            memcpy(state->data + at, old, len);
        }
        for (unsigned i = 0; message && i < G_N_ELEMENTS(seen); i++) {
            seen[i] = seen[i] || strstr(message, field_names[i]);
        }
        at += len;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(seen); i++) {
        g_test_message("field \"%s\"", field_names[i]);
        g_assert_true(seen[i]);
    }
}

/* Any byte may be anything: refused, or a state that can go on. */
static void test_any_damaged_byte_is_survived(void)
{
    static const uint8_t masks[] = {0x01, 0x06, 0xff};
    g_autoptr(XenGuest) from = busy_guest_new(3);
    g_autoptr(XenGuest) g = target_of(from);
    g_autoptr(GByteArray) state = xen_guest_save(from);
    g_autoptr(GByteArray) reset = xen_guest_save(g);
    unsigned refused = 0, taken = 0;

    for (size_t i = 0; i < state->len; i++) {
        g_autofree char *message = NULL;

        state->data[i] ^= masks[i % G_N_ELEMENTS(masks)];
        message = load_damaged(g, state, reset);
        state->data[i] ^= masks[i % G_N_ELEMENTS(masks)];
        refused += message != NULL;
        taken += message == NULL;
        if (!message) {
            for (uint32_t port = 0; port < 8; port++) {
                xen_guest_send(g, port);
            }
            xen_domain_vcpu_halted(g->d, 1, true);
            xen_domain_vcpu_running(g->d, 1);
        }
    }
    g_assert_cmpuint(refused, >, state->len / 2);
    g_assert_cmpuint(taken, >, 0);
    xen_domain_reset(g->d);
}

static void test_truncated_stream_is_refused(void)
{
    g_autoptr(XenGuest) from = busy_guest_new(3);
    g_autoptr(XenGuest) g = target_of(from);
    g_autoptr(GByteArray) state = xen_guest_save(from);
    g_autoptr(GByteArray) reset = xen_guest_save(g);

    for (size_t len = 0; len < state->len; len += 1 + len / 9) {
        GByteArray shorter = {state->data, (guint)len};
        g_autofree char *message = load_damaged(g, &shorter, reset);

        g_assert_nonnull(message);
    }
}

static void test_bad_configuration_is_refused(void)
{
    static const struct {
        unsigned nr_vcpus, major, minor, domid;
        const char *want;
    } cases[] = {
        {0, 4, 17, 1, "0 vCPUs"},       {129, 4, 17, 1, "129 vCPUs"},
        {1, 4, 16, 1, "4.16"},          {1, 4, 18, 1, "4.18"},
        {1, 5, 17, 1, "5.17"},          {1, 4, 17, 0, "id 0"},
        {1, 4, 17, 0x7ff0, "id 32752"},
    };
    FakeHost *fake = fake_host_new(1, 16);
    HostProfile profile = {0};
    Clock *clock = clock_new(&profile, CLOCK_TSC_MODE_DEFAULT, 1, 0);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        XenDomainConfig cfg = {
            .nr_vcpus = cases[i].nr_vcpus,
            .version_major = cases[i].major,
            .version_minor = cases[i].minor,
            .domid = (uint16_t)cases[i].domid,
        };
        g_autoptr(GError) error = NULL;

        g_assert_null(xen_domain_new(fake_host_ops(fake), clock, &cfg, NULL,
                                     NULL, &error));
        g_assert_nonnull(strstr(error->message, cases[i].want));
    }
    clock_free(clock);
    fake_host_free(fake);
}

static void test_domain_that_cannot_be_made_leaves_nothing(void)
{
    HostProfile profile = {0};
    XenDomainConfig cfg = xen_guest_config(2, 20);
    FakeTree *tree = fake_tree_new();
    unsigned n = 0;
    bool fired;

    do {
        FakeHost *fake = fake_host_new(2, 16);
        Clock *clock = clock_new(&profile, CLOCK_TSC_MODE_DEFAULT, 2, 0);
        g_autoptr(GError) error = NULL;
        XenDomain *d;

        fake_host_fail_nth(fake, ++n);
        d = xen_domain_new(fake_host_ops(fake), clock, &cfg, &fake_tree_ops,
                           tree, &error);
        fired = fake_host_fault_fired(fake);
        g_assert_true(!d == fired);
        g_assert_true((error != NULL) == fired);
        xen_domain_free(d);
        clock_free(clock);
        fake_host_free(fake); /* fails if anything is alive */
    } while (fired);
    g_assert_cmpuint(n, >, 60);
    fake_tree_free(tree);
}

static void test_domain_without_xenstore_says_so(void)
{
    FakeHost *fake = fake_host_new(1, XEN_GUEST_FRAMES);
    HostProfile profile = {0};
    Clock *clock = clock_new(&profile, CLOCK_TSC_MODE_DEFAULT, 1, 0);
    XenDomainConfig cfg = xen_guest_config(1, 17);
    XenGuest g = {.fake = fake, .clock = clock};
    GError *error = NULL;
    uint64_t value;

    g.d = xen_domain_new(fake_host_ops(fake), clock, &cfg, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(xen_guest_get_param(&g, HVM_PARAM_STORE_PFN, &value), ==,
                    0);
    g_assert_cmpuint(value, ==, 0);
    g_assert_cmpint(xen_guest_get_param(&g, HVM_PARAM_STORE_EVTCHN, &value), ==,
                    0);
    g_assert_cmpuint(value, ==, 0);
    g_assert_cmpint(xen_guest_bind_ipi(&g, 0), ==, 1);
    xen_domain_free(g.d);
    clock_free(clock);
    fake_host_free(fake);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/state/" #name, test_##name)
    ADD(round_trip_gives_the_same_bytes_and_future);
    ADD(vector_callback_is_held_again_after_a_load);
    ADD(reset_equals_a_domain_just_made);
    ADD(each_field_is_refused_by_name);
    ADD(any_damaged_byte_is_survived);
    ADD(truncated_stream_is_refused);
    ADD(bad_configuration_is_refused);
    ADD(domain_that_cannot_be_made_leaves_nothing);
    ADD(domain_without_xenstore_says_so);
    return g_test_run();
}
