/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration by way of a file, for qtest suites.
 */
#ifndef JUMPCUT_TESTS_QTEST_MIGRATE_H
#define JUMPCUT_TESTS_QTEST_MIGRATE_H

#include "tests/qtest/qtest-client.h"

/*
 * Write the machine to @file; or read it, in a QEMU that was started with
 * "-incoming defer".  Comes back when that is over.
 * @return: false: it failed; qtest_stderr() says why
 */
bool qtest_migrate_to(Qtest *q, const char *file);
bool qtest_migrate_from(Qtest *q, const char *file);

#endif
