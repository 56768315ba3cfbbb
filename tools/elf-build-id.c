/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The build id of a program or shared object: a note in one of its segments
 * (System V ABI, "Note Section").
 */
#include <elf.h>
#include <string.h>

#include "tools/elf-build-id.h"

#define BUILD_ID_MAX 64 /* bytes; SHA-1 has 20 */

static gsize align4(gsize n)
{
    return (n + 3) & ~(gsize)3;
}

/* Looks through the notes in @size bytes at @data. */
static char *find_note(const guint8 *data, gsize size)
{
    gsize at = 0;

    while (size - at >= sizeof(Elf64_Nhdr)) {
        g_autoptr(GString) hex = NULL;
        Elf64_Nhdr note;
        gsize name, value;

        memcpy(&note, data + at, sizeof(note));
        name = at + sizeof(note);
        if (note.n_namesz > size - name ||
            align4(note.n_namesz) > size - name) {
            return NULL;
        }
        value = name + align4(note.n_namesz);
        if (note.n_descsz > size - value ||
            align4(note.n_descsz) > size - value) {
            return NULL;
        }
        at = value + align4(note.n_descsz);
        if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
            memcmp(data + name, "GNU", 4) || !note.n_descsz ||
            note.n_descsz > BUILD_ID_MAX) {
            continue;
        }
        hex = g_string_new(NULL);
        for (gsize i = 0; i < note.n_descsz; i++) {
            g_string_append_printf(hex, "%02x", data[value + i]);
        }
        return g_string_free(g_steal_pointer(&hex), FALSE);
    }
    return NULL;
}

char *elf_build_id(const guint8 *data, gsize size)
{
    Elf64_Ehdr header;

    if (size < sizeof(header)) {
        return NULL;
    }
    memcpy(&header, data, sizeof(header));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) ||
        header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > size ||
        header.e_phnum > (size - header.e_phoff) / sizeof(Elf64_Phdr)) {
        return NULL;
    }
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        char *found;

        memcpy(&segment, data + header.e_phoff + i * sizeof(segment),
               sizeof(segment));
        if (segment.p_type != PT_NOTE || segment.p_offset > size ||
            segment.p_filesz > size - segment.p_offset) {
            continue;
        }
        found = find_note(data + segment.p_offset, segment.p_filesz);
        if (found) {
            return found;
        }
    }
    return NULL;
}
