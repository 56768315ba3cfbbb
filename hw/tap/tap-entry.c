/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls into the hypervisor logic as words, and back. */
#include <string.h>

#include "hw/tap/tap-entry.h"

#define ERRORS 4096u

typedef struct EntryRow {
    const char *name;
    unsigned least, most;
    bool data;
} EntryRow;

static const EntryRow rows[] = {
#define ENTRY_ROW(id, name, least, most, data) {name, least, most, data},
    TAP_ENTRIES(ENTRY_ROW)
#undef ENTRY_ROW
};

void tap_put_number(GString *out, uint64_t value)
{
    if (-value - 1 < ERRORS - 1) {
        g_string_append_printf(out, "-%" G_GINT64_MODIFIER "x", -value);
    } else {
        g_string_append_printf(out, "%" G_GINT64_MODIFIER "x", value);
    }
}

bool tap_get_number(const char *word, uint64_t *value)
{
    bool negative = *word == '-';
    char *end;

    word += negative;
    if (!g_ascii_isxdigit(*word) || strlen(word) > 16) {
        return false;
    }
    *value = g_ascii_strtoull(word, &end, 16);
    if (negative) {
        *value = -*value;
    }
    return !*end;
}

void tap_put_hex(GString *out, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    gsize at = out->len;

    g_string_set_size(out, at + 2 * len);
    for (size_t i = 0; i < len; i++) {
        out->str[at + 2 * i] = digits[data[i] >> 4];
        out->str[at + 2 * i + 1] = digits[data[i] & 0xf];
    }
}

bool tap_get_hex(char *word, size_t *len)
{
    size_t n = 0;

    for (; word[2 * n]; n++) {
        int high = g_ascii_xdigit_value(word[2 * n]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(word[2 * n + 1]);

        if (low < 0) {
            return false;
        }
        word[n] = (char)(high << 4 | low);
    }
    *len = n;
    return true;
}

void tap_entry_format(GString *out, const TapEntry *entry, char separator)
{
    const EntryRow *row = &rows[entry->kind];
    unsigned nr = row->most;

    g_string_append(out, row->name);
    while (nr > row->least && !entry->arg[nr - 1]) {
        nr--;
    }
    for (unsigned i = 0; i < nr; i++) {
        g_string_append_c(out, separator);
        tap_put_number(out, entry->arg[i]);
    }
    if (row->data) {
        g_string_append_c(out, separator);
        tap_put_hex(out, entry->data, entry->len);
    }
}

static bool parse_args(char **words, unsigned nr, TapEntry *entry,
                       char **problem)
{
    const EntryRow *row = &rows[entry->kind];
    unsigned data = row->data ? 1 : 0;

    if (nr < row->least + data || nr > row->most + data) {
        *problem =
            g_strdup_printf("%s: %u words follow, wanted %u to %u", row->name,
                            nr, row->least + data, row->most + data);
        return false;
    }
    for (unsigned i = 0; i < nr - data; i++) {
        if (!tap_get_number(words[i], &entry->arg[i])) {
            *problem = g_strdup_printf("%s: '%s' is not a hexadecimal number",
                                       row->name, words[i]);
            return false;
        }
    }
    if (data && !tap_get_hex(words[nr - 1], &entry->len)) {
        *problem = g_strdup_printf("%s: the last word is not hexadecimal "
                                   "bytes",
                                   row->name);
        return false;
    }
    entry->data = data ? (const uint8_t *)words[nr - 1] : NULL;
    return true;
}

bool tap_entry_parse(char **words, unsigned nr, TapEntry *entry, char **problem)
{
    for (unsigned i = 0; nr && i < G_N_ELEMENTS(rows); i++) {
        if (!strcmp(words[0], rows[i].name)) {
            *entry = (TapEntry){.kind = i};
            return parse_args(words + 1, nr - 1, entry, problem);
        }
    }
    *problem =
        g_strdup_printf("'%s': there is no such call", nr ? words[0] : "");
    return false;
}
