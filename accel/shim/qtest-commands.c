/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest commands for what a vCPU would do (CPUID, MSRs, RDTSC, hypercalls),
 * and for the cut.
 *
 * The qtest server takes one callback, so one table holds all commands.  A
 * reply is a line: "OK", "OK values" or "FAIL reason".
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/core/cpu.h"
#include "qemu/cutils.h"
#include "system/qtest.h"

#include "accel/shim/guest-tap.h"
#include "accel/shim/vcpu.h"
#include "accel/shim/qtest-commands.h"

#define QTEST_MAX_ARGS       8
#define HYPERCALL_FIXED_ARGS 2 /* CPU NR */
#define HYPERCALL_MAX_ARGS   6

typedef struct QtestCall {
    CharBackend *chr;
    Guest *guest;
    CPUState *cs; /* first argument of most commands */
    char **words; /* arguments, without the command */
    unsigned nr_words;
    uint64_t args[QTEST_MAX_ARGS]; /* them as numbers */
} QtestCall;

typedef struct QtestCommand {
    const char *name;
    const char *usage;
    unsigned min_words, max_words;
    bool numbers;       /* words are numbers, the first is a vCPU */
    uint64_t max_value; /* of the numbers after the vCPU */
    void (*run)(const QtestCall *call);
} QtestCommand;

/* The callback gets no context of its own. */
static Guest *qtest_guest;

/* @return: true if the MSR access succeeded; else it has been answered. */
static bool qtest_msr_ok(const QtestCall *call, GuestMsrResult result)
{
    switch (result) {
    case GUEST_MSR_OK:
        return true;
    case GUEST_MSR_GP:
        qtest_sendf(call->chr, "FAIL GP\n");
        break;
    case GUEST_MSR_NOT_OURS:
        qtest_sendf(call->chr,
                    "FAIL MSR 0x%" PRIx64 " is the machine's: only a vCPU "
                    "that executes reaches it\n",
                    call->args[1]);
        break;
    }
    return false;
}

static void qtest_cpuid(const QtestCall *call)
{
    uint32_t regs[4] = {0};

    shim_cpuid(call->cs, call->args[1], call->args[2], regs);
    qtest_sendf(call->chr, "OK 0x%08x 0x%08x 0x%08x 0x%08x\n", regs[0], regs[1],
                regs[2], regs[3]);
}

static void qtest_rdmsr(const QtestCall *call)
{
    uint64_t value = 0;

    if (qtest_msr_ok(call, shim_rdmsr(call->cs, call->args[1], &value))) {
        qtest_sendf(call->chr, "OK 0x%016" PRIx64 "\n", value);
    }
}

static void qtest_wrmsr(const QtestCall *call)
{
    if (qtest_msr_ok(call,
                     shim_wrmsr(call->cs, call->args[1], call->args[2]))) {
        qtest_sendf(call->chr, "OK\n");
    }
}

static void qtest_rdtsc(const QtestCall *call)
{
    qtest_sendf(call->chr, "OK 0x%016" PRIx64 "\n", shim_rdtsc(call->cs));
}

static void qtest_hypercall(const QtestCall *call, bool long_mode)
{
    qtest_sendf(call->chr, "OK %" PRId64 "\n",
                shim_hypercall(call->cs, long_mode, call->args[1],
                               call->args + HYPERCALL_FIXED_ARGS));
}

static void qtest_hypercall64(const QtestCall *call)
{
    qtest_hypercall(call, true);
}

static void qtest_hypercall32(const QtestCall *call)
{
    qtest_hypercall(call, false);
}

static void qtest_upcall(const QtestCall *call)
{
    XenDomain *d = guest_domain(call->guest);
    bool due;

    if (!d) {
        qtest_sendf(call->chr, "FAIL jumpcut_upcall: the guest is not Xen's\n");
        return;
    }
    due = xen_domain_vcpu_upcall_due(d, call->cs->cpu_index);
    qtest_sendf(call->chr, "OK %d\n", due);
}

/* "key=value", or "at=NS". */
static bool qtest_cut_field(const char *word, HostProfile *profile,
                            int64_t *at_ns, GError **error)
{
    const char *equals = strchr(word, '=');
    g_autofree char *key = NULL;

    if (!equals) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_KEY,
                    "'%s': wanted key=value", word);
        return false;
    }
    key = g_strndup(word, equals - word);
    if (strcmp(key, "at")) {
        return host_profile_set(profile, key, equals + 1, error);
    }
    if (qemu_strtoi64(equals + 1, NULL, 0, at_ns) || *at_ns < 0) {
        g_set_error(error, HOST_PROFILE_ERROR, HOST_PROFILE_ERROR_TIME,
                    "at: '%s': wanted a virtual time in ns", equals + 1);
        return false;
    }
    return true;
}

static void qtest_cut(const QtestCall *call)
{
    HostProfile profile = {0};
    g_autoptr(GError) error = NULL;
    Error *err = NULL;
    int64_t at_ns = -1;

    for (unsigned i = 0; i < call->nr_words; i++) {
        if (!qtest_cut_field(call->words[i], &profile, &at_ns, &error)) {
            qtest_sendf(call->chr, "FAIL %s\n", error->message);
            return;
        }
    }
    if (!guest_cut(call->guest, &profile, at_ns, &err)) {
        qtest_sendf(call->chr, "FAIL %s\n", error_get_pretty(err));
        error_free(err);
        return;
    }
    qtest_sendf(call->chr, "OK\n");
}

/*
 * Steps of a device-level conversation (docs/device-records.rst), separated by
 * the word "|"; so are their answers.  The first that cannot be made answers
 * "!" and why, and is the last.
 */
static void qtest_steps(const QtestCall *call)
{
    g_autoptr(GString) answer = g_string_new(NULL);
    unsigned from = 0;

    while (from <= call->nr_words) {
        unsigned to = from;
        gsize at;

        while (to < call->nr_words && strcmp(call->words[to], "|")) {
            to++;
        }
        g_string_append(answer, from ? " | " : " ");
        at = answer->len;
        if (!guest_tap_run(call->guest, call->words + from, to - from,
                           answer)) {
            g_string_insert(answer, at, "! ");
            break;
        }
        from = to + 1;
    }
    qtest_sendf(call->chr, "OK%s\n", answer->str);
}

static const QtestCommand qtest_commands[] = {
    {"cpuid", "CPU LEAF SUBLEAF", 3, 3, true, UINT32_MAX, qtest_cpuid},
    {"rdmsr", "CPU INDEX", 2, 2, true, UINT32_MAX, qtest_rdmsr},
    {"wrmsr", "CPU INDEX VALUE", 3, 3, true, UINT64_MAX, qtest_wrmsr},
    {"rdtsc", "CPU", 1, 1, true, 0, qtest_rdtsc},
    {"xen_hypercall", "CPU NR [ARG...]", HYPERCALL_FIXED_ARGS,
     HYPERCALL_FIXED_ARGS + HYPERCALL_MAX_ARGS, true, UINT64_MAX,
     qtest_hypercall64},
    {"xen_hypercall32", "CPU NR [ARG...]", HYPERCALL_FIXED_ARGS,
     HYPERCALL_FIXED_ARGS + HYPERCALL_MAX_ARGS, true, UINT32_MAX,
     qtest_hypercall32},
    {"jumpcut_cut", "[at=NS] KEY=VALUE...", 1, QTEST_MAX_ARGS, false, 0,
     qtest_cut},
    {"jumpcut_steps", "TIME [MEMORY...] CALL [ARG...] [in INPUTS] [| ...]", 2,
     UINT_MAX, false, 0, qtest_steps},
    {"jumpcut_upcall", "CPU", 1, 1, true, 0, qtest_upcall},
};

/* Fill in args and cs; replies itself and returns false for a bad word. */
static bool qtest_parse_numbers(const QtestCommand *command, QtestCall *call)
{
    for (unsigned i = 0; i < call->nr_words; i++) {
        uint64_t max = i == 0 ? UINT32_MAX : command->max_value;
        int ret = qemu_strtou64(call->words[i], NULL, 0, &call->args[i]);

        if (ret == -ERANGE || (!ret && call->args[i] > max)) {
            qtest_sendf(call->chr,
                        "FAIL %s: argument %u: '%s' is more than 0x%" PRIx64
                        "\n",
                        command->name, i + 1, call->words[i], max);
            return false;
        }
        if (ret) {
            qtest_sendf(call->chr,
                        "FAIL %s: argument %u: '%s' is not a number\n",
                        command->name, i + 1, call->words[i]);
            return false;
        }
    }
    call->cs = qemu_get_cpu(call->args[0]);
    if (!call->cs) {
        qtest_sendf(call->chr, "FAIL %s: argument 1: no vCPU %s\n",
                    command->name, call->words[0]);
        return false;
    }
    return true;
}

static void qtest_run(const QtestCommand *command, CharBackend *chr,
                      char **words)
{
    QtestCall call = {
        .chr = chr,
        .guest = qtest_guest,
        .words = words + 1,
        .nr_words = g_strv_length(words) - 1,
    };

    if (call.nr_words < command->min_words ||
        call.nr_words > command->max_words) {
        qtest_sendf(chr, "FAIL %s: %u arguments, wanted: %s %s\n",
                    command->name, call.nr_words, command->name,
                    command->usage);
        return;
    }
    if (!command->numbers || qtest_parse_numbers(command, &call)) {
        command->run(&call);
    }
}

static bool qtest_dispatch(CharBackend *chr, gchar **words)
{
    for (size_t i = 0; i < ARRAY_SIZE(qtest_commands); i++) {
        if (!strcmp(words[0], qtest_commands[i].name)) {
            qtest_run(&qtest_commands[i], chr, words);
            return true;
        }
    }
    return false;
}

void shim_qtest_commands_register(Guest *g)
{
    qtest_guest = g;
    qtest_set_command_cb(qtest_dispatch);
}
