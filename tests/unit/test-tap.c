/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tap between hypervisor logic and host: what it writes down of some logic
 * on one host, made again on another where there is no guest.
 */
#include <string.h>

#include "hw/tap/tap.h"
#include "tests/unit/fake-host.h"

#define FRAMES        64u
#define ARG_GPA       0x5000ull
#define OUT_GPA       0x6ff8ull /* and into the next page */
#define PIN_GFN       0x8ull
#define READ_ONLY_GFN 0x20ull
#define NO_GFN        0x21ull

/* What the hypercall numbers of the logic below do. */
enum {
    NR_COPY = 1, /* from linear address arg 0 to arg 1 */
    NR_PIN,      /* frame arg 0 */
    NR_COUNT,    /* a byte of the pinned page, at arg 0 */
    NR_TIMER,    /* fires at arg 0 */
    NR_ASK,      /* the vCPU's mode */
    NR_HOLD,     /* and is called meanwhile */
    NR_APART,
    NR_PHYS, /* read 8 bytes at arg 0 */
};

typedef struct World {
    FakeHost *fake;
    HostTap *tap;
    Host *host;
    HostPage *pin;
    HostTimer *timer;
    GPtrArray *lines;
    unsigned fired, ran, put_off;
} World;

static void fire(void *opaque)
{
    World *w = opaque;

    w->fired++;
    w->host->ops->lapic_inject(w->host, 1, 0xf3);
}

static void put_off(void *opaque, uint32_t arg)
{
    World *w = opaque;

    w->put_off += arg;
    w->host->ops->nmi_inject(w->host, arg);
}

static uint64_t do_copy(World *w, const uint64_t *arg)
{
    const HostMemoryOps *mem = &w->host->ops->mem;
    uint8_t buf[16];

    if (!mem->virt_read(w->host, 0, (GuestVirt){arg[0]}, buf, sizeof(buf))) {
        return -14;
    }
    return mem->virt_write(w->host, 0, (GuestVirt){arg[1]}, buf, sizeof(buf))
               ? buf[0]
               : -(uint64_t)13;
}

static uint64_t do_count(World *w, uint64_t off)
{
    uint8_t *byte =
        (uint8_t *)w->host->ops->mem.page_ptr(w->host, w->pin) + off;

    (*byte)++;
    w->host->ops->mem.page_dirty(w->host, w->pin, off, 1);
    return *byte;
}

static void called_back(World *w);

static uint64_t logic(World *w, uint64_t nr, const uint64_t *arg)
{
    const HostOps *ops = w->host->ops;
    uint64_t value = 0;

    switch (nr) {
    case NR_COPY:
        return do_copy(w, arg);
    case NR_PIN:
        w->pin = ops->mem.page_pin(w->host, arg[0]);
        return w->pin ? 0 : -(uint64_t)22;
    case NR_COUNT:
        return do_count(w, arg[0]);
    case NR_TIMER:
        ops->timer_mod(w->host, w->timer, (int64_t)arg[0]);
        return 0;
    case NR_ASK:
        return ops->vcpu_long_mode(w->host, (unsigned)arg[0]);
    case NR_HOLD:
        if (host_tap_ask(w->tap)) {
            called_back(w);
            host_tap_asked(w->tap);
        }
        return w->ran;
    case NR_APART:
        ops->apart(w->host, put_off, w, (uint32_t)arg[0]);
        return w->put_off;
    case NR_PHYS:
        return ops->mem.phys_read(w->host, (GuestPhys){arg[0]}, &value, 8)
                   ? value
                   : -(uint64_t)14;
    }
    return -(uint64_t)38;
}

static unsigned run(void *opaque, const TapEntry *entry,
                    uint64_t answer[TAP_ANSWERS_MAX])
{
    World *w = opaque;

    if (entry->kind == TAP_RUNNING) {
        w->ran++;
        w->host->ops->vcpu_block(w->host, (unsigned)entry->arg[0]);
        return 0;
    }
    answer[0] = logic(w, entry->arg[2], entry->arg + 3);
    return 1;
}

static void tapped(World *w, const TapEntry *entry)
{
    uint64_t answer[TAP_ANSWERS_MAX];
    unsigned nr;

    host_tap_begin(w->tap, entry);
    nr = run(w, entry, answer);
    host_tap_end(w->tap, answer, nr);
}

static void called_back(World *w)
{
    tapped(w, &(TapEntry){.kind = TAP_RUNNING, .arg = {1}});
}

static void call(World *w, uint64_t nr, uint64_t a0, uint64_t a1)
{
    tapped(w, &(TapEntry){.kind = TAP_HYPERCALL, .arg = {0, 3, nr, a0, a1}});
}

/* Linear addresses are physical ones, but for the frame that is absent. */
static bool translate(void *opaque, unsigned vcpu, uint64_t gva, uint64_t *gfn)
{
    (void)opaque;
    (void)vcpu;
    *gfn = gva >> HOST_PAGE_SHIFT;
    return *gfn != NO_GFN;
}

static void emit(void *opaque, int64_t at_ns, const char *lines, size_t len)
{
    g_autofree char *text = g_strndup(lines, len);
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);
    World *w = opaque;

    g_assert_cmpint(at_ns, <=, fake_host_now(w->fake));
    g_assert_cmpint(lines[len - 1], ==, '\n');
    for (unsigned i = 0; all[i] && all[i][0]; i++) {
        g_ptr_array_add(w->lines, g_strdup(all[i]));
    }
}

static void set_time(void *opaque, int64_t at_ns)
{
    World *w = opaque;

    fake_host_run_until(w->fake, at_ns);
}

static const HostTapHooks hooks = {
    .translate = translate,
    .emit = emit,
    .set_time = set_time,
    .run = run,
};

static World *world_new(HostTapMode mode)
{
    World *w = g_new0(World, 1);

    w->fake = fake_host_new(2, FRAMES);
    w->tap = host_tap_new(fake_host_ops(w->fake), mode, &hooks, w);
    w->host = host_tap_host(w->tap);
    w->timer = w->host->ops->timer_new(w->host, fire, w);
    w->lines = g_ptr_array_new_with_free_func(g_free);
    host_tap_start(w->tap);
    return w;
}

static void world_free(World *w)
{
    if (w->pin) {
        w->host->ops->mem.page_unpin(w->host, w->pin);
    }
    w->host->ops->timer_free(w->host, w->timer);
    host_tap_free(w->tap);
    fake_host_free(w->fake);
    g_ptr_array_free(w->lines, true);
    g_free(w);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* The last line but @back of what was written down. */
static const char *line(World *w, unsigned back)
{
    host_tap_flush(w->tap);
    g_assert_cmpuint(w->lines->len, >, back);
    return w->lines->pdata[w->lines->len - 1 - back];
}

static char *make_again(World *w, const char *request, bool *ok)
{
    g_auto(GStrv) words = g_strsplit(request, " ", -1);
    GString *answer = g_string_new(NULL);

    *ok = host_tap_run(w->tap, words, g_strv_length(words), answer);
    return g_string_free(answer, false);
}

static void assert_same_again(World *recorded)
{
    g_autoptr(World) w = world_new(HOST_TAP_REPLAY);

    host_tap_flush(recorded->tap);
    for (unsigned i = 0; i < recorded->lines->len; i += 2) {
        const char *request = recorded->lines->pdata[i];
        bool ok;
        g_autofree char *answer = make_again(w, request, &ok);

        g_test_message("%s", request);
        g_assert_true(ok);
        g_assert_cmpstr(answer, ==, recorded->lines->pdata[i + 1]);
    }
    g_assert_cmpuint(host_tap_steps(w->tap), ==, host_tap_steps(recorded->tap));
    g_assert_cmpuint(w->fired, ==, recorded->fired);
    g_assert_cmpuint(w->ran, ==, recorded->ran);
    g_assert_cmpuint(w->put_off, ==, recorded->put_off);
}

static void copy_reads_what_the_guest_wrote(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);

    fake_host_poke64(w->fake, ARG_GPA + 3, 0x1122334455667788);
    call(w, NR_COPY, ARG_GPA, OUT_GPA);
    g_assert_nonnull(strstr(line(w, 1), " m/5/a w/0/000000887766554433"));
    g_assert_nonnull(strstr(line(w, 1), " hypercall 0 3 1 5000 6ff8"));
    g_assert_true(g_str_has_prefix(line(w, 0), "0 virt/6ff8/10/"));
    /* Known by now. */
    call(w, NR_COPY, ARG_GPA, OUT_GPA);
    g_assert_cmpstr(line(w, 1), ==, "@0 hypercall 0 3 1 5000 6ff8");
    /* What the logic wrote is known as well. */
    call(w, NR_COPY, OUT_GPA, ARG_GPA);
    g_assert_cmpstr(line(w, 1), ==, "@0 hypercall 0 3 1 6ff8 5000");
    /* And what the guest changes is all there is. */
    fake_host_poke8(w->fake, ARG_GPA + 1, 0x99);
    call(w, NR_COPY, ARG_GPA, OUT_GPA);
    g_assert_cmpstr(line(w, 1), ==,
                    "@0 w/1/99/ram:5 hypercall 0 3 1 5000 6ff8");
    assert_same_again(w);
}

static void copy_to_where_nothing_is_fails_again(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);
    uint64_t read_only = READ_ONLY_GFN << HOST_PAGE_SHIFT;
    uint64_t nowhere = NO_GFN << HOST_PAGE_SHIFT;

    fake_host_mark_frame(w->fake, READ_ONLY_GFN, FAKE_FRAME_READONLY);
    fake_host_mark_frame(w->fake, NO_GFN, FAKE_FRAME_ABSENT);
    call(w, NR_COPY, ARG_GPA, read_only);
    g_assert_nonnull(strstr(line(w, 1), " m/20/41"));
    g_assert_true(g_str_has_prefix(line(w, 0), "-d no-virt/20000/10/"));
    call(w, NR_COPY, nowhere, ARG_GPA);
    g_assert_nonnull(strstr(line(w, 1), " m/21/-1"));
    g_assert_cmpstr(line(w, 0), ==, "-e");
    assert_same_again(w);
}

static void pinned_page_is_watched(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);

    fake_host_poke8(w->fake, (PIN_GFN << HOST_PAGE_SHIFT) + 7, 0x41);
    call(w, NR_PIN, PIN_GFN, 0);
    g_assert_nonnull(strstr(line(w, 1), "f/8/ff8/00/ram:8"));
    call(w, NR_COUNT, 7, 0);
    g_assert_cmpstr(line(w, 1), ==, "@0 hypercall 0 3 3 7");
    g_assert_true(g_str_has_prefix(line(w, 0), "42 page/7/1/"));
    fake_host_poke8(w->fake, (PIN_GFN << HOST_PAGE_SHIFT) + 7, 0);
    fake_host_poke64(w->fake, (PIN_GFN << HOST_PAGE_SHIFT) + 0x800, 0x55);
    call(w, NR_COUNT, 7, 0);
    g_assert_cmpstr(line(w, 1), ==,
                    "@0 w/7/00/ram:8 w/800/55/ram:8 hypercall 0 3 3 7");
    assert_same_again(w);
}

static void timer_fires_when_the_step_says(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);
    g_autoptr(World) other = world_new(HOST_TAP_REPLAY);
    g_autofree char *answer = NULL;
    bool ok;

    call(w, NR_TIMER, 1000, 0);
    g_assert_cmpstr(line(w, 0), ==, "0 timer/0/3e8");
    fake_host_run_until(w->fake, 1500);
    g_assert_cmpstr(line(w, 1), ==, "@3e8 timer 0");
    g_assert_cmpstr(line(w, 0), ==, "- lapic/1/f3");
    assert_same_again(w);
    answer = make_again(other, "@0 hypercall 0 3 4 3e8", &ok);
    g_assert_true(ok);
    fake_host_run_until(other->fake, 5000);
    g_assert_cmpuint(other->fired, ==, 0);
}

static void inputs_are_given_again(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);

    fake_host_set_long_mode(w->fake, 1, false);
    call(w, NR_ASK, 0, 0);
    g_assert_cmpstr(line(w, 1), ==, "@0 hypercall 0 3 5 in 1");
    call(w, NR_ASK, 1, 0);
    g_assert_cmpstr(line(w, 1), ==, "@0 hypercall 0 3 5 1");
    call(w, NR_HOLD, 0, 0);
    g_assert_cmpstr(line(w, 1), ==, "@0 hypercall 0 3 6 in 0:running,1");
    g_assert_cmpstr(line(w, 0), ==, "1 block/1");
    call(w, NR_APART, 1, 0);
    assert_same_again(w);
}

static void work_that_was_put_off_is_done_by_a_step(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_REPLAY);
    g_autofree char *asked = NULL, *done = NULL, *again = NULL;
    bool ok;

    asked = make_again(w, "@0 hypercall 0 3 7 1 in 1", &ok);
    g_assert_true(ok);
    g_assert_cmpstr(asked, ==, "0");
    done = make_again(w, "@0 apart", &ok);
    g_assert_true(ok);
    g_assert_cmpstr(done, ==, "- nmi/1");
    again = make_again(w, "@0 apart", &ok);
    g_assert_false(ok);
}

static void quiet_call_leaves_its_memory_for_the_next(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);
    TapEntry entry = {.kind = TAP_UPCALL};
    uint64_t no = 0;

    call(w, NR_PIN, PIN_GFN, 0);
    host_tap_flush(w->tap);
    fake_host_poke8(w->fake, PIN_GFN << HOST_PAGE_SHIFT, 9);
    host_tap_begin(w->tap, &entry);
    host_tap_end_quiet(w->tap, &no, 1);
    g_assert_cmpuint(host_tap_steps(w->tap), ==, 1);
    call(w, NR_COUNT, 0, 0);
    g_assert_cmpstr(line(w, 1), ==, "@0 w/0/09/ram:8 hypercall 0 3 3");
    assert_same_again(w);
}

static void nothing_is_written_before_the_start(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);
    HostTap *tap =
        host_tap_new(fake_host_ops(w->fake), HOST_TAP_RECORD, &hooks, w);
    TapEntry entry = {.kind = TAP_RESET};

    host_tap_begin(tap, &entry);
    host_tap_end(tap, NULL, 0);
    host_tap_flush(tap);
    g_assert_cmpuint(w->lines->len, ==, 0);
    host_tap_free(tap);
}

static void steps_come_in_batches(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);

    for (unsigned i = 0; i < 64; i++) {
        g_assert_cmpuint(w->lines->len, ==, 0);
        call(w, NR_ASK, 1, 0);
    }
    g_assert_cmpuint(w->lines->len, ==, 128);
}

static void cleared_frame_is_not_known(void)
{
    g_autoptr(World) w = world_new(HOST_TAP_RECORD);

    fake_host_poke64(w->fake, ARG_GPA, 1);
    call(w, NR_PHYS, ARG_GPA, 0);
    call(w, NR_PHYS, ARG_GPA, 0);
    g_assert_cmpstr(line(w, 1), ==, "@0 hypercall 0 3 8 5000");
    w->host->ops->mem.frame_clear(w->host, ARG_GPA >> HOST_PAGE_SHIFT);
    call(w, NR_PHYS, ARG_GPA, 0);
    g_assert_cmpstr(line(w, 1), ==,
                    "@0 w/0/0000000000000000/ram:5 hypercall 0 3 8 5000");
    assert_same_again(w);
}

static void bad_request_is_refused_by_what_is_wrong(void)
{
    static const struct {
        const char *request, *part;
    } cases[] = {
        {"", "a time and a call"},
        {"@0", "a time and a call"},
        {"0 resumed", "not a time"},
        {"@ resumed", "not a time"},
        {"@8000000000000000 resumed", "not a time"},
        {"@-1 resumed", "not a time"},
        {"@64 apart", "past"},
        {"@c8 nothing", "no such call"},
        {"@c8 w/0/00/ram:5", "no such call"},
        {"@c8 hypercall 0 3", "2 words"},
        {"@c8 hypercall 0 3 1 2 3 4 5 6 7 8", "10 words"},
        {"@c8 hypercall 0 x 1", "'x'"},
        {"@c8 hypercall 0 11111111111111111 1", "hexadecimal number"},
        {"@c8 hypercall 0  1", "hexadecimal number"},
        {"@c8 input", "0 words"},
        {"@c8 input 616", "hexadecimal bytes"},
        {"@c8 input zz", "hexadecimal bytes"},
        {"@c8 w/0/00 apart", "w/OFFSET"},
        {"@c8 w/0/0/ram:5 apart", "w/OFFSET"},
        {"@c8 w/1000/00/ram:5 apart", "not in a page"},
        {"@c8 w/fff/0000/ram:5 apart", "not in a page"},
        {"@c8 w/0/00/ram:40 apart", "no page ram:40"},
        {"@c8 w/0/00/ apart", "no page"},
        {"@c8 f/0/1001/00/ram:5 apart", "not in a page"},
        {"@c8 f/1/ffffffffffffffff/00/ram:5 apart", "not in a page"},
        {"@c8 f/0/1/100/ram:5 apart", "f/OFFSET"},
        {"@c8 f/0/1/00 apart", "f/OFFSET"},
        {"@c8 m/1 apart", "m/PAGE"},
        {"@c8 m/1/x apart", "m/PAGE"},
        {"@c8 q/1 apart", "neither"},
        {"@c8 timer 7", "no timer 7"},
        {"@c8 apart", "put off"},
        {"@c8 hypercall 0 3 5 in x", "input 'x'"},
        {"@c8 hypercall 0 3 5 in 1;1", "nobody asked"},
        {"@c8 hypercall 0 3 6 in 0:none", "no such call"},
        {"@c8 hypercall 0 3 6 in 0:timer,9", "no timer 9"},
    };
    g_autoptr(World) w = world_new(HOST_TAP_REPLAY);

    fake_host_run_until(w->fake, 200);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bool ok;
        g_autofree char *answer = make_again(w, cases[i].request, &ok);

        g_test_message("'%s': %s", cases[i].request, answer);
        g_assert_false(ok);
        g_assert_nonnull(strstr(answer, cases[i].part));
    }
}

/* A call that leads to itself ends all the same. */
static void calls_within_calls_are_bounded(void)
{
    g_autoptr(GString) request = g_string_new("@0 hypercall 0 3 6 in ");
    g_autoptr(World) w = world_new(HOST_TAP_REPLAY);
    g_autofree char *answer = NULL;
    bool ok;

    for (unsigned i = 0; i < 1000; i++) {
        g_string_append(request, "0:hypercall,0,3,6;");
    }
    g_string_append(request, "0");
    answer = make_again(w, request->str, &ok);
    g_assert_false(ok);
    g_assert_nonnull(strstr(answer, "too deep"));
}

static void numbers_are_hexadecimal_and_errors_negative(void)
{
    static const struct {
        uint64_t value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {10, "a"},
        {UINT64_MAX, "-1"},
        {-38ull, "-26"},
        {-4095ull, "-fff"},
        {-4096ull, "fffffffffffff000"},
        {1ull << 63, "8000000000000000"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        uint64_t value;

        tap_put_number(out, cases[i].value);
        g_assert_cmpstr(out->str, ==, cases[i].text);
        g_assert_true(tap_get_number(out->str, &value));
        g_assert_cmpuint(value, ==, cases[i].value);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tap/copy", copy_reads_what_the_guest_wrote);
    g_test_add_func("/tap/copy-fails", copy_to_where_nothing_is_fails_again);
    g_test_add_func("/tap/pinned", pinned_page_is_watched);
    g_test_add_func("/tap/timer", timer_fires_when_the_step_says);
    g_test_add_func("/tap/inputs", inputs_are_given_again);
    g_test_add_func("/tap/apart", work_that_was_put_off_is_done_by_a_step);
    g_test_add_func("/tap/quiet", quiet_call_leaves_its_memory_for_the_next);
    g_test_add_func("/tap/start", nothing_is_written_before_the_start);
    g_test_add_func("/tap/batches", steps_come_in_batches);
    g_test_add_func("/tap/cleared", cleared_frame_is_not_known);
    g_test_add_func("/tap/bad", bad_request_is_refused_by_what_is_wrong);
    g_test_add_func("/tap/deep", calls_within_calls_are_bounded);
    g_test_add_func("/tap/numbers",
                    numbers_are_hexadecimal_and_errors_negative);
    return g_test_run();
}
