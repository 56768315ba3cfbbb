/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paravirtual devices of "jumpcut boot": reading and validating.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tools/boot-devices.h"

static gboolean fail(GError **error, const char *option, const char *text,
                     const char *reason)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s %s: %s",
                option, text, reason);
    return FALSE;
}

static void disk_clear(gpointer data)
{
    BootDisk *disk = data;

    g_free(disk->file);
    g_free(disk->format);
}

/* Cut the next word off @text at a comma that stands alone. */
static char *next_word(const char **text)
{
    g_autoptr(GString) word = g_string_new(NULL);
    const char *at = *text;

    for (; *at; at++) {
        if (*at == ',' && at[1] != ',') {
            break;
        }
        at += *at == ',';
        g_string_append_c(word, *at);
    }
    *text = *at ? at + 1 : NULL;
    return g_string_free(g_steal_pointer(&word), FALSE);
}

static gboolean parse_key(BootDisk *disk, const char *word)
{
    static const char *const formats[] = {"raw", "qcow2", NULL};

    if (!strcmp(word, "readonly")) {
        disk->readonly = TRUE;
        return TRUE;
    }
    if (g_str_has_prefix(word, "format=") &&
        g_strv_contains(formats, word + strlen("format="))) {
        g_free(disk->format);
        disk->format = g_strdup(word + strlen("format="));
        return TRUE;
    }
    return FALSE;
}

/* QEMU would say it too, but with its own options in place of ours. */
static gboolean check_file(const BootDisk *disk, const char *text,
                           GError **error)
{
    int fd;

    if (g_file_test(disk->file, G_FILE_TEST_IS_DIR)) {
        return fail(error, "--disk", text, "is a directory");
    }
    fd = open(disk->file,
              (disk->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return fail(error, "--disk", text, g_strerror(errno));
    }
    close(fd);
    return TRUE;
}

static gboolean parse_disk(BootDisk *disk, const char *text, GError **error)
{
    const char *rest = text;

    disk->file = next_word(&rest);
    disk->format = g_strdup("raw");
    while (rest) {
        g_autofree char *word = next_word(&rest);

        if (!parse_key(disk, word)) {
            return fail(error, "--disk", text,
                        "want FILE[,format=raw|qcow2][,readonly]");
        }
    }
    return check_file(disk, text, error);
}

GArray *boot_disks_parse(char **texts, GError **error)
{
    g_autoptr(GArray) disks = g_array_new(FALSE, TRUE, sizeof(BootDisk));

    g_array_set_clear_func(disks, disk_clear);
    for (size_t i = 0; texts && texts[i]; i++) {
        if (i == BOOT_DISKS_MAX) {
            fail(error, "--disk", texts[i], "there are 16 already");
            return NULL;
        }
        g_array_set_size(disks, i + 1);
        if (!parse_disk(&g_array_index(disks, BootDisk, i), texts[i], error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&disks);
}

gboolean boot_net_check(const char *text, GError **error)
{
    if (!text || !strcmp(text, "user") || g_str_has_prefix(text, "user,")) {
        return TRUE;
    }
    return fail(error, "--net", text, "want user[,KEY=VALUE...]");
}
