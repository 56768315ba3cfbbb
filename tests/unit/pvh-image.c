/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel images for tests of the PVH loader. */
#include "tests/unit/pvh-image.h"

#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

#define NOTE 0x180u

static void put(GByteArray *out, gsize at, const void *data, gsize size)
{
    if (out->len < at + size) {
        gsize old = out->len;

        g_byte_array_set_size(out, (guint)(at + size));
        memset(out->data + old, 0, out->len - old);
    }
    memcpy(out->data + at, data, size);
}

static void put_headers_64(GByteArray *out)
{
    Elf64_Ehdr e = {
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_phoff = sizeof(e),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    Elf64_Phdr p[2] = {
        {.p_type = PT_LOAD,
         .p_offset = PVH_IMAGE_BODY,
         .p_paddr = PVH_IMAGE_PA,
         .p_filesz = PVH_IMAGE_BODY_SIZE,
         .p_memsz = PVH_IMAGE_BODY_SIZE + PVH_IMAGE_BSS},
        {.p_type = PT_NOTE, .p_offset = NOTE, .p_filesz = 24},
    };

    memcpy(e.e_ident, ELFMAG, SELFMAG);
    e.e_ident[EI_CLASS] = ELFCLASS64;
    e.e_ident[EI_DATA] = ELFDATA2LSB;
    put(out, 0, &e, sizeof(e));
    put(out, sizeof(e), p, sizeof(p));
}

static void put_headers_32(GByteArray *out)
{
    Elf32_Ehdr e = {
        .e_type = ET_EXEC,
        .e_machine = EM_386,
        .e_phoff = sizeof(e),
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = 2,
    };
    Elf32_Phdr p[2] = {
        {.p_type = PT_LOAD,
         .p_offset = PVH_IMAGE_BODY,
         .p_paddr = PVH_IMAGE_PA,
         .p_filesz = PVH_IMAGE_BODY_SIZE,
         .p_memsz = PVH_IMAGE_BODY_SIZE + PVH_IMAGE_BSS},
        {.p_type = PT_NOTE, .p_offset = NOTE, .p_filesz = 20},
    };

    memcpy(e.e_ident, ELFMAG, SELFMAG);
    e.e_ident[EI_CLASS] = ELFCLASS32;
    e.e_ident[EI_DATA] = ELFDATA2LSB;
    put(out, 0, &e, sizeof(e));
    put(out, sizeof(e), p, sizeof(p));
}

GByteArray *pvh_image_elf(gboolean wide)
{
    GByteArray *out = g_byte_array_new();
    guint32 note[3] = {4, wide ? 8 : 4, XEN_ELFNOTE_PHYS32_ENTRY};
    guint64 entry = PVH_IMAGE_ENTRY;

    if (wide) {
        put_headers_64(out);
    } else {
        put_headers_32(out);
    }
    put(out, NOTE, note, sizeof(note));
    put(out, NOTE + sizeof(note), "Xen", 4);
    put(out, PVH_IMAGE_DESC, &entry, note[1]);
    for (guint i = 0; i < PVH_IMAGE_BODY_SIZE; i++) {
        guint8 byte = (guint8)(i * 7 + 1);

        put(out, PVH_IMAGE_BODY + i, &byte, 1);
    }
    return out;
}

GByteArray *pvh_image_bzimage(const void *payload, gsize size)
{
    GByteArray *out = g_byte_array_new();
    guint32 offset = 0x40, length = (guint32)size;

    put(out, 0x1f1, "\1", 1); /* one sector of set-up code */
    put(out, 0x202, "HdrS\x0f\x02", 6);
    put(out, 0x248, &offset, 4);
    put(out, 0x24c, &length, 4);
    put(out, 2 * 512 + offset, payload, size);
    return out;
}
