/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps as a test of their own: lines, or a C program. */
#include "tools/qtest-replay-emit.h"

void qtest_emit_lines(const QtestSteps *steps, GString *out)
{
    g_string_append(out, QTEST_STEPS_MAGIC "\n");
    for (guint i = 0; i < steps->args->len; i++) {
        g_string_append_printf(out, "# arg %s\n",
                               (char *)g_ptr_array_index(steps->args, i));
    }
    g_string_append_printf(out, "# plugin %s\n", steps->plugin);
    for (guint i = 0; i < steps->requests->len; i++) {
        g_string_append_printf(out, "> %s\n< %s\n",
                               (char *)g_ptr_array_index(steps->requests, i),
                               (char *)g_ptr_array_index(steps->answers, i));
    }
    if (steps->complete) {
        g_string_append(out, "# end\n");
    }
}

static const char c_head[] =
    "/*\n"
    " * Device-level steps of a recorded guest, made again under QEMU's "
    "qtest.\n"
    " * Written by jumpcut qtest --emit C.  Compile it with any C compiler "
    "and\n"
    " * run it with\n"
    " *\n"
    " *     JUMPCUT_PLUGIN   path of jumpcut.so\n"
    " *     JUMPCUT_MODULES  folder of accel-qtest-x86_64.so\n"
    " *     JUMPCUT_QEMU     QEMU, if not the first qemu-system-x86_64\n"
    " *\n"
    " * in the environment.  It reports in TAP; exit status 0: as recorded.\n"
    " */\n"
    "#include <signal.h>\n"
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "#include <string.h>\n"
    "#include <sys/socket.h>\n"
    "#include <sys/wait.h>\n"
    "#include <unistd.h>\n\n";

static const char c_talk[] =
    "static FILE *from_qemu, *to_qemu;\n"
    "static pid_t pid;\n"
    "static char *line;\n"
    "static size_t line_size;\n\n"
    "static void start(void)\n"
    "{\n"
    "    const char *qemu = getenv(\"JUMPCUT_QEMU\");\n"
    "    const char *file = getenv(\"JUMPCUT_PLUGIN\");\n"
    "    const char *modules = getenv(\"JUMPCUT_MODULES\");\n"
    "    char *argv[sizeof(args) / sizeof(args[0]) + 16], *option;\n"
    "    int fds[2], n = 0;\n"
    "    size_t len;\n\n"
    "    if (!file || !modules ||\n"
    "        socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) {\n"
    "        puts(\"Bail out! JUMPCUT_PLUGIN and JUMPCUT_MODULES are "
    "needed\");\n"
    "        exit(2);\n"
    "    }\n"
    "    len = strlen(file) + sizeof(plugin) + 64;\n"
    "    option = malloc(len);\n"
    "    snprintf(option, len, \"file=%s,%s,device-replay=on\", file, "
    "plugin);\n"
    "    argv[n++] = (char *)(qemu ? qemu : \"qemu-system-x86_64\");\n"
    "    for (size_t i = 0; args[i]; i++) {\n"
    "        argv[n++] = (char *)args[i];\n"
    "    }\n"
    "    argv[n++] = \"-display\";\n"
    "    argv[n++] = \"none\";\n"
    "    argv[n++] = \"-accel\";\n"
    "    argv[n++] = \"qtest\";\n"
    "    argv[n++] = \"-plugin\";\n"
    "    argv[n++] = option;\n"
    "    argv[n++] = \"-chardev\";\n"
    "    argv[n++] = \"socket,id=qtest,fd=3\";\n"
    "    argv[n++] = \"-qtest\";\n"
    "    argv[n++] = \"chardev:qtest\";\n"
    "    argv[n++] = \"-qtest-log\";\n"
    "    argv[n++] = \"none\";\n"
    "    argv[n++] = \"-S\";\n"
    "    argv[n] = NULL;\n"
    "    pid = fork();\n"
    "    if (pid == 0) {\n"
    "        /* The other end is QEMU's alone, so that its end is seen. */\n"
    "        close(fds[0]);\n"
    "        if (fds[1] != 3) {\n"
    "            dup2(fds[1], 3);\n"
    "            close(fds[1]);\n"
    "        }\n"
    "        setenv(\"QEMU_MODULE_DIR\", modules, 1);\n"
    "        execvp(argv[0], argv);\n"
    "        perror(argv[0]);\n"
    "        _exit(127);\n"
    "    }\n"
    "    close(fds[1]);\n"
    "    from_qemu = fdopen(fds[0], \"r\");\n"
    "    to_qemu = fdopen(dup(fds[0]), \"w\");\n"
    "}\n\n"
    "/* @return: the answer, or NULL if QEMU has gone */\n"
    "static const char *ask(const char *request)\n"
    "{\n"
    "    ssize_t n;\n\n"
    "    fprintf(to_qemu, \"jumpcut_steps %s\\n\", request);\n"
    "    fflush(to_qemu);\n"
    "    n = getline(&line, &line_size, from_qemu);\n"
    "    if (n <= 0) {\n"
    "        return NULL;\n"
    "    }\n"
    "    line[n - 1] = '\\0';\n"
    "    return strncmp(line, \"OK \", 3) ? line : line + 3;\n"
    "}\n\n";

static const char c_main[] =
    "/* @return: exit status */\n"
    "static int converse(void)\n"
    "{\n"
    "    size_t n = sizeof(steps) / sizeof(steps[0]);\n\n"
    "    for (size_t i = 0; i < n; i++) {\n"
    "        const char *found = ask(steps[i].request);\n\n"
    "        if (!found || strcmp(found, steps[i].answer)) {\n"
    "            printf(\"not ok 1 - step %zu of %zu\\n# request: %s\\n"
    "# wanted: %s\\n# found: %s\\n\",\n"
    "                   i + 1, n, steps[i].request, steps[i].answer,\n"
    "                   found ? found : \"QEMU has ended\");\n"
    "            return 1;\n"
    "        }\n"
    "    }\n"
    "    printf(\"ok 1 - %zu steps\\n\", n);\n"
    "    return 0;\n"
    "}\n\n"
    "int main(void)\n"
    "{\n"
    "    int status;\n\n"
    "    setvbuf(stdout, NULL, _IOLBF, 0);\n"
    "    puts(\"1..1\");\n"
    "    start();\n"
    "    status = converse();\n"
    "    kill(pid, SIGKILL);\n"
    "    waitpid(pid, NULL, 0);\n"
    "    return status;\n"
    "}\n";

static void put_string(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            g_string_append_c(out, '\\');
        }
        /* No trigraphs. */
        g_string_append_printf(out, *text == '?' ? "\\%c" : "%c", *text);
    }
    g_string_append_c(out, '"');
}

void qtest_emit_c(const QtestSteps *steps, GString *out)
{
    g_string_append(out, "#define _GNU_SOURCE\n");
    g_string_append(out, c_head);
    g_string_append(out, "static const char *const args[] = {\n");
    for (guint i = 0; i < steps->args->len; i++) {
        g_string_append(out, "    ");
        put_string(out, g_ptr_array_index(steps->args, i));
        g_string_append(out, ",\n");
    }
    g_string_append(out, "    NULL,\n};\n\nstatic const char plugin[] = ");
    put_string(out, steps->plugin);
    g_string_append(out, ";\n\nstatic const struct {\n"
                         "    const char *request, *answer;\n"
                         "} steps[] = {\n");
    for (guint i = 0; i < steps->requests->len; i++) {
        g_string_append(out, "    {");
        put_string(out, g_ptr_array_index(steps->requests, i));
        g_string_append(out, ",\n     ");
        put_string(out, g_ptr_array_index(steps->answers, i));
        g_string_append(out, "},\n");
    }
    g_string_append(out, "};\n\n");
    g_string_append(out, c_talk);
    g_string_append(out, c_main);
}
