/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults as text: refused in one printable line with nothing changed, or
 * taken by a queue, saved, and loaded as they were.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "hw/fault/faults.h"
#include "tests/unit/fake-host.h"

static void check_refusal(const FaultSpec *spec, const GError *error)
{
    g_assert_cmpint(spec->at_ns, ==, 77);
    g_assert_true(error->domain == FAULT_ERROR);
    g_assert_cmpint(error->code, ==, FAULT_ERROR_SPEC);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_assert_null(strchr(error->message, '\n'));
}

static gboolean same(void *opaque, const FaultSpec *spec, GError **error)
{
    const FaultSpec *want = opaque;

    (void)error;
    g_assert_cmpint(spec->at_ns, ==, want->at_ns);
    g_assert_cmpint(spec->kind, ==, want->kind);
    g_assert_cmphex(spec->set, ==, want->set);
    g_assert_cmpuint(spec->count, ==, want->count);
    g_assert_cmpuint(spec->delay_ns, ==, want->delay_ns);
    g_assert_cmpint(spec->ns, ==, want->ns);
    return TRUE;
}

static void failed(void *opaque, const FaultSpec *spec, const GError *error)
{
    (void)opaque;
    (void)spec;
    g_error("%s", error->message);
}

static void use_spec(FaultSpec *spec)
{
    FakeHost *fake = fake_host_new(1, 16);
    Faults *f = faults_new(fake_host_ops(fake), same, failed, spec);
    StateWriter *w = state_writer_new();
    GByteArray *state;
    StateReader *r;

    g_assert_true(faults_add(f, spec, NULL));
    faults_save(f, w);
    state = state_writer_finish(w);
    r = state_reader_new(state->data, state->len);
    faults_load(f, r);
    g_assert_true(state_reader_finish(r, NULL));
    fake_host_run_until(fake, spec->at_ns);
    g_assert_cmpuint(faults_waiting(f), ==, 0);
    g_byte_array_unref(state);
    faults_free(f);
    fake_host_free(fake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Ends at the first NUL, as an option does. */
    char *text = g_strndup((const char *)data, size);
    FaultSpec spec = {.at_ns = 77};
    GError *error = NULL;

    if (fault_spec_parse(&spec, text, &error)) {
        g_assert_no_error(error);
        g_assert_nonnull(strstr(text, fault_kind_name(spec.kind)));
        use_spec(&spec);
    } else {
        check_refusal(&spec, error);
        g_error_free(error);
    }
    g_free(text);
    return 0;
}
