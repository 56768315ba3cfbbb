/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF image inside of a bzImage, for tests that boot it as it is. */
#include <stdio.h>

#include "hw/xen/pvh/bzimage.h"

#define KERNEL_MAX ((size_t)512 << 20)

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) out = NULL;
    char *data;
    gsize size;

    if (argc != 3) {
        fprintf(stderr, "usage: unpack-kernel BZIMAGE ELF\n");
        return 2;
    }
    if (!g_file_get_contents(argv[1], &data, &size, &error)) {
        fprintf(stderr, "unpack-kernel: %s\n", error->message);
        return 1;
    }
    out = pvh_bzimage_unpack((const uint8_t *)data, size, KERNEL_MAX, &error);
    g_free(data);
    if (!out || !g_file_set_contents(argv[2], g_bytes_get_data(out, NULL),
                                     (gssize)g_bytes_get_size(out), &error)) {
        fprintf(stderr, "unpack-kernel: %s\n", error->message);
        return 1;
    }
    return 0;
}
