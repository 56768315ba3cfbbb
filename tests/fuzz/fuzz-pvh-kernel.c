/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels of PVH guests: refused in one line, or all that is to be loaded lies
 * in the file and in guest memory.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "hw/xen/pvh/boot.h"

#define RAM_SIZE ((uint64_t)32 << 20)

static bool check_write(GuestPhys pa, const void *buf, size_t len)
{
    static volatile uint8_t sink;
    uint64_t end = pa.v + len;

    g_assert_cmphex(end, >=, pa.v);
    g_assert_true(end <= RAM_SIZE || pa.v >= PVH_ACPI_PA);
    if (len) {
        sink = ((const uint8_t *)buf)[0];
        sink = ((const uint8_t *)buf)[len - 1];
    }
    (void)sink;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t id;
    g_autoptr(GBytes) kernel = g_bytes_new(data, size);
    PvhBootConfig config = {.kernel = kernel,
                            .cmdline = "fuzz",
                            .ram_size = RAM_SIZE,
                            .acpi = {1, 1, &id}};
    GError *error = NULL;
    PvhBoot *boot = pvh_boot_new(&config, &error);

    if (boot) {
        g_assert_no_error(error);
        g_assert_cmphex(pvh_boot_entry(boot), <, RAM_SIZE);
        g_assert_true(pvh_boot_write(boot, check_write));
        pvh_boot_free(boot);
    } else {
        g_assert_null(strchr(error->message, '\n'));
        g_error_free(error);
    }
    return 0;
}
