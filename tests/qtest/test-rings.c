/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two rings a guest finds made for it: xenstore, and the console with a
 * character device behind it; with what a guest may do to their indexes.
 */
#include "tests/qtest/xen-store.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/console.h>

#define XEN "guest=xen-hvm,xen-version=4.17,domid=7"

#define PAGE_SHIFT 12

/* How often the main loop may turn before it has seen a character device. */
#define TURNS_MAX 10000
#define REPLY_MS  60000

static void store_answers_in_the_ring(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    XgRing r = xg_store_ring(q);
    g_autofree char *domid = xg_store_request(&r, XS_READ, "domid", 6);
    g_autofree char *none = xg_store_request(&r, XS_READ, "nothing", 8);
    g_autofree char *written = NULL;
    g_autofree char *read = NULL;

    g_assert_cmpuint(r.gpa, ==, 0xfeffc000);
    g_assert_cmpstr(domid, ==, "7");
    g_assert_cmpstr(none, ==, "ENOENT");
    written = xg_store_request(&r, XS_WRITE, "data/test\0hello", 15);
    g_assert_cmpstr(written, ==, "OK");
    read = xg_store_request(&r, XS_READ, "/local/domain/7/data/test", 26);
    g_assert_cmpstr(read, ==, "hello");
    qtest_quit(q);
}

static void store_answer_is_an_event(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    XgRing r = xg_store_ring(q);
    g_autofree char *domid = NULL;

    xg_map_shared_info(q);
    domid = xg_store_request(&r, XS_READ, "domid", 6);
    g_assert_true(xg_pending(q, r.port));
    g_assert_true(xg_upcall_pending(q, 0));
    qtest_quit(q);
}

/* A long way round the ring, in both directions. */
static void store_many_requests_wrap(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    XgRing r = xg_store_ring(q);

    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *domid = xg_store_request(&r, XS_READ, "domid", 6);

        g_assert_cmpstr(domid, ==, "7");
    }
    g_assert_cmpuint(qtest_readl(q, r.gpa + XG_STORE(req_prod)), ==, 2200);
    g_assert_cmpuint(qtest_readl(q, r.gpa + XG_STORE(req_cons)), ==, 2200);
    qtest_quit(q);
}

/* What it cannot be is not followed, and nobody else suffers. */
static void store_bad_ring_is_left_alone(void)
{
    static const struct {
        uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
    } cases[] = {
        {0, 0x80000000, 0, 0},
        {0, UINT32_MAX, 0, 0},
        {0, XENSTORE_RING_SIZE + 1, 0, 0},
        {5, 0, 0, 0},
        {0, 16, 1, 0},
        {0, 16, UINT32_MAX, 0x7fffffff},
    };
    static const struct xsd_sockmsg heads[] = {
        {.type = XS_READ, .len = UINT32_MAX},
        {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1},
        {.type = UINT32_MAX, .len = 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases) + G_N_ELEMENTS(heads); i++) {
        Qtest *q = qtest_start(NULL, XEN);
        XgRing r = xg_store_ring(q);

        if (i < G_N_ELEMENTS(cases)) {
            qtest_writel(q, r.gpa + XG_STORE(req_cons), cases[i].req_cons);
            qtest_writel(q, r.gpa + XG_STORE(req_prod), cases[i].req_prod);
            qtest_writel(q, r.gpa + XG_STORE(rsp_cons), cases[i].rsp_cons);
            qtest_writel(q, r.gpa + XG_STORE(rsp_prod), cases[i].rsp_prod);
        } else {
            xg_store_put(&r, &heads[i - G_N_ELEMENTS(cases)],
                         sizeof(struct xsd_sockmsg));
        }
        xg_ring_kick(&r);
        xg_ring_kick(&r);
        g_assert_cmphex(
            qtest_hypercall(q, 0, __HYPERVISOR_xen_version, XENVER_version, 0),
            ==, 0x40011);
        qtest_quit(q);
    }
}

/* Console */

#define XENCONS_IN_SIZE  1024
#define XENCONS_OUT_SIZE 2048

#define CONSOLE(field) offsetof(struct xencons_interface, field)

/* A QEMU whose console is the socket *@fd. */
static Qtest *console_start(int *fd, XgRing *r)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("qtest-console-XXXXXX", &error);
    g_autofree char *path = g_build_filename(dir, "socket", NULL);
    g_autofree char *args = g_strdup_printf(
        "-chardev socket,id=con0,path=%s,server=on,wait=off", path);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    Qtest *q = qtest_start(args, XEN ",console=con0");

    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0 || connect(*fd, (struct sockaddr *)&addr, sizeof(addr))) {
        g_error("%s: %s", path, g_strerror(errno));
    }
    g_unlink(path);
    g_rmdir(dir);
    *r = (XgRing){
        .q = q,
        .gpa = xg_get_param(q, HVM_PARAM_CONSOLE_PFN) << PAGE_SHIFT,
        .port = xg_get_param(q, HVM_PARAM_CONSOLE_EVTCHN),
    };
    return q;
}

static void console_output(const XgRing *r, const char *text)
{
    uint32_t prod = qtest_readl(r->q, r->gpa + CONSOLE(out_prod));

    for (size_t i = 0; text[i]; i++, prod++) {
        qtest_writeb(r->q,
                     r->gpa + CONSOLE(out) + (prod & (XENCONS_OUT_SIZE - 1)),
                     text[i]);
    }
    qtest_writel(r->q, r->gpa + CONSOLE(out_prod), prod);
    xg_ring_kick(r);
}

static void console_expect(int fd, const char *text)
{
    char got[64] = "";
    size_t want = strlen(text), len = 0;
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    while (len < want && poll(&pfd, 1, REPLY_MS) == 1) {
        ssize_t n = recv(fd, got + len, want - len, 0);

        if (n <= 0) {
            break;
        }
        len += n;
    }
    g_assert_cmpstr(got, ==, text);
}

static void console_works_both_ways(void)
{
    int fd;
    XgRing r;
    Qtest *q = console_start(&fd, &r);
    uint32_t prod = 0;
    char in[6] = "";

    console_output(&r, "hello\n");
    console_expect(fd, "hello\n");
    g_assert_cmpuint(qtest_readl(q, r.gpa + CONSOLE(out_cons)), ==, 6);

    xg_map_shared_info(q);
    g_assert_cmpint(send(fd, "reply", 5, 0), ==, 5);
    for (unsigned i = 0; prod < 5 && i < TURNS_MAX; i++) {
        prod = qtest_readl(q, r.gpa + CONSOLE(in_prod));
    }
    g_assert_cmpuint(prod, ==, 5);
    qtest_memread(q, r.gpa + CONSOLE(in), in, 5);
    g_assert_cmpstr(in, ==, "reply");
    g_assert_true(xg_pending(q, r.port));
    close(fd);
    qtest_quit(q);
}

/* More than the ring holds waits until the guest makes room. */
static void console_long_input_arrives_in_order(void)
{
    uint8_t sent[3 * XENCONS_IN_SIZE];
    size_t got = 0;
    int fd;
    XgRing r;
    Qtest *q = console_start(&fd, &r);

    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = i % 251;
    }
    g_assert_cmpint(send(fd, sent, sizeof(sent), 0), ==, sizeof(sent));
    for (unsigned i = 0; got < sizeof(sent) && i < TURNS_MAX; i++) {
        uint32_t prod = qtest_readl(q, r.gpa + CONSOLE(in_prod));

        g_assert_cmpuint(prod - got, <=, XENCONS_IN_SIZE);
        for (; got < prod; got++) {
            g_assert_cmphex(
                qtest_readb(q, r.gpa + CONSOLE(in) + got % XENCONS_IN_SIZE), ==,
                sent[got]);
        }
        qtest_writel(q, r.gpa + CONSOLE(in_cons), got);
        xg_ring_kick(&r);
    }
    g_assert_cmpuint(got, ==, sizeof(sent));
    close(fd);
    qtest_quit(q);
}

/* One ringful of output; @seed makes each another. */
static void console_ringful(const XgRing *r, uint8_t seed)
{
    uint32_t prod = qtest_readl(r->q, r->gpa + CONSOLE(out_prod));
    uint8_t bytes[XENCONS_OUT_SIZE];

    for (uint32_t i = 0; i < XENCONS_OUT_SIZE; i++) {
        bytes[(prod + i) & (XENCONS_OUT_SIZE - 1)] = seed + i;
    }
    qtest_memwrite(r->q, r->gpa + CONSOLE(out), bytes, sizeof(bytes));
    qtest_writel(r->q, r->gpa + CONSOLE(out_prod), prod + XENCONS_OUT_SIZE);
    xg_ring_kick(r);
}

static char *machine_status(Qtest *q)
{
    g_autoptr(JsonNode) reply = qtest_qmp(q, "query-status", NULL);

    return g_strdup(
        json_object_get_string_member(json_node_get_object(reply), "status"));
}

static void console_take_ringfuls(int fd, unsigned n)
{
    for (size_t got = 0; got < (size_t)n * XENCONS_OUT_SIZE;) {
        uint8_t buf[4096];
        size_t rest = (size_t)n * XENCONS_OUT_SIZE - got;
        struct pollfd pfd = {.fd = fd, .events = POLLIN};

        g_assert_cmpint(poll(&pfd, 1, REPLY_MS), ==, 1);
        ssize_t len = recv(fd, buf, MIN(sizeof(buf), rest), 0);

        g_assert_cmpint(len, >, 0);
        for (ssize_t i = 0; i < len; i++, got++) {
            uint8_t want = got / XENCONS_OUT_SIZE + got % XENCONS_OUT_SIZE;

            g_assert_cmphex(buf[i], ==, want);
        }
    }
}

/*
 * A reader that takes nothing holds up neither the guest nor the monitor, and
 * misses nothing; past the limit of the queue the machine is stopped.
 */
static void console_stuck_reader_loses_nothing(void)
{
    const unsigned few = (512 << 10) / XENCONS_OUT_SIZE;
    const unsigned many = (2 << 20) / XENCONS_OUT_SIZE;
    g_autofree char *status = NULL;
    int fd;
    XgRing r;
    Qtest *q = console_start(&fd, &r);

    for (unsigned i = 0; i < few; i++) {
        console_ringful(&r, i);
    }
    g_assert_cmpuint(qtest_readl(q, r.gpa + CONSOLE(out_cons)), ==,
                     few * XENCONS_OUT_SIZE);
    status = machine_status(q);
    g_assert_cmpstr(status, ==, "running");
    for (unsigned i = few; i < many; i++) {
        console_ringful(&r, i);
    }
    g_free(status);
    status = machine_status(q);
    g_assert_cmpstr(status, ==, "io-error");
    console_take_ringfuls(fd, many);
    close(fd);
    qtest_quit(q);
}

static void console_bad_indexes_print_nothing(void)
{
    static const uint32_t prods[] = {XENCONS_OUT_SIZE + 1, 0x80000000,
                                     UINT32_MAX};
    int fd;
    XgRing r;
    Qtest *q = console_start(&fd, &r);
    g_autoptr(JsonNode) info = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(prods); i++) {
        qtest_writel(q, r.gpa + CONSOLE(out_prod), prods[i]);
        xg_ring_kick(&r);
    }
    qtest_writel(q, r.gpa + CONSOLE(in_prod), 5);
    xg_ring_kick(&r);
    qtest_writel(q, r.gpa + CONSOLE(in_prod), 0);
    info = qtest_qmp(q, "query-jumpcut", NULL);
    g_assert_cmpint(
        json_object_get_int_member(json_node_get_object(info), "console-bytes"),
        ==, 0);
    /* once they make sense again it goes on */
    qtest_writel(q, r.gpa + CONSOLE(out_prod), 0);
    console_output(&r, "well\n");
    console_expect(fd, "well\n");
    close(fd);
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/rings/store/answers-in-the-ring",
                    store_answers_in_the_ring);
    g_test_add_func("/rings/store/answer-is-an-event",
                    store_answer_is_an_event);
    g_test_add_func("/rings/store/many-requests-wrap",
                    store_many_requests_wrap);
    g_test_add_func("/rings/store/bad-ring-is-left-alone",
                    store_bad_ring_is_left_alone);
    g_test_add_func("/rings/console/works-both-ways", console_works_both_ways);
    g_test_add_func("/rings/console/long-input-arrives-in-order",
                    console_long_input_arrives_in_order);
    g_test_add_func("/rings/console/stuck-reader-loses-nothing",
                    console_stuck_reader_loses_nothing);
    g_test_add_func("/rings/console/bad-indexes-print-nothing",
                    console_bad_indexes_print_nothing);
    return g_test_run();
}
