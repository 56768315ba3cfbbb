/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QEMU brings along and runs in a guest.
 */
#include <string.h>

#include "tools/firmware.h"

/* Those of the machines that guests get (QEMU: hw/i386/pc.c, microvm.c). */
static const char *const files[] = {
    "bios-256k.bin",     "bios-microvm.bin", "kvmvapic.bin",
    "linuxboot_dma.bin", "pvh.bin",
};

/* @return: what QEMU says when run with @argv, which is taken; or NULL */
static char *ask_qemu(char **argv, GError **error)
{
    g_auto(GStrv) command = argv;
    g_autofree char *text = NULL;
    int status;

    if (!g_spawn_sync(NULL, command, NULL,
                      G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_SEARCH_PATH, NULL,
                      NULL, &text, NULL, &status, error) ||
        !g_spawn_check_wait_status(status, error)) {
        g_prefix_error(error, "%s: ", command[0]);
        return NULL;
    }
    return g_steal_pointer(&text);
}

char *qemu_version_line(const BootOptions *o, GError **error)
{
    const char *const argv[] = {o->qemu, "--version", NULL};
    char *text = ask_qemu(g_strdupv((char **)argv), error);

    if (text) {
        text[strcspn(text, "\n")] = '\0';
    }
    return text;
}

/* @return: the folders that QEMU looks through, in order */
static char **data_folders(const BootOptions *o, GError **error)
{
    g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
    g_autofree char *text = NULL;

    g_strv_builder_add(argv, o->qemu);
    for (size_t i = 0; o->qemu_args[i] && o->qemu_args[i + 1]; i++) {
        if (!strcmp(o->qemu_args[i], "-L")) {
            g_strv_builder_add(argv, "-L");
            g_strv_builder_add(argv, o->qemu_args[++i]);
        }
    }
    g_strv_builder_add(argv, "-L");
    g_strv_builder_add(argv, "help");
    text = ask_qemu(g_strv_builder_end(argv), error);
    return text ? g_strsplit(text, "\n", -1) : NULL;
}

static void add_file(GChecksum *sum, char **folders, const char *name)
{
    for (size_t i = 0; folders[i]; i++) {
        g_autofree char *path = g_build_filename(folders[i], name, NULL);
        g_autofree char *content = NULL;
        gsize size;

        if (*folders[i] && g_file_get_contents(path, &content, &size, NULL)) {
            g_checksum_update(sum, (const guchar *)name, strlen(name) + 1);
            g_checksum_update(sum, (const guchar *)content, size);
            return;
        }
    }
}

char *qemu_firmware_sha256(const BootOptions *o, GError **error)
{
    g_auto(GStrv) folders = data_folders(o, error);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    if (!folders) {
        return NULL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        add_file(sum, folders, files[i]);
    }
    return g_strdup(g_checksum_get_string(sum));
}
