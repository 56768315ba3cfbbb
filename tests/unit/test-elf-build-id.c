/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The build id of an ELF image: found, missing, and damaged images.
 */
#include <elf.h>
#include <string.h>

#include "tools/elf-build-id.h"

typedef struct Image {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    struct {
        Elf64_Nhdr head;
        char name[4];
        guint8 value[4];
    } notes[2];
} Image;

static Image image_new(void)
{
    Image i = {0};

    memcpy(i.header.e_ident, ELFMAG, SELFMAG);
    i.header.e_ident[EI_CLASS] = ELFCLASS64;
    i.header.e_ident[EI_DATA] = ELFDATA2LSB;
    i.header.e_phoff = offsetof(Image, segments);
    i.header.e_phentsize = sizeof(Elf64_Phdr);
    i.header.e_phnum = 2;
    i.segments[1].p_type = PT_NOTE;
    i.segments[1].p_offset = offsetof(Image, notes);
    i.segments[1].p_filesz = sizeof(i.notes);
    for (unsigned n = 0; n < 2; n++) {
        i.notes[n].head.n_namesz = 4;
        i.notes[n].head.n_descsz = 4;
        memcpy(i.notes[n].name, "GNU", 4);
        memcpy(i.notes[n].value, "\x01\xab\x00\xff", 4);
    }
    i.notes[1].head.n_type = NT_GNU_BUILD_ID;
    return i;
}

static void check(const Image *image, gsize size, const char *want)
{
    /* Exactly as long, so that a reader that goes beyond is seen. */
    g_autofree guint8 *bytes = g_memdup2(image, size);
    g_autofree char *got = elf_build_id(bytes, size);

    g_assert_cmpstr(got, ==, want);
}

static void build_id_is_found_behind_other_notes(void)
{
    Image image = image_new();

    check(&image, sizeof(image), "01ab00ff");
}

static void image_cut_short_has_none(void)
{
    Image image = image_new();

    for (gsize size = 0; size < sizeof(image); size++) {
        check(&image, size, NULL);
    }
}

static void damaged_image_has_none(void)
{
    Image image = image_new();
    Image bad = image;

    bad.header.e_ident[EI_CLASS] = ELFCLASS32;
    check(&bad, sizeof(bad), NULL);
    bad = image;
    bad.header.e_phoff = G_MAXUINT64;
    check(&bad, sizeof(bad), NULL);
    bad = image;
    bad.header.e_phnum = 0xffff;
    check(&bad, sizeof(bad), NULL);
    bad = image;
    bad.segments[1].p_offset = G_MAXUINT64 - 8;
    check(&bad, sizeof(bad), NULL);
    bad = image;
    bad.notes[0].head.n_namesz = G_MAXUINT32;
    check(&bad, sizeof(bad), NULL);
    bad = image;
    bad.notes[0].head.n_descsz = G_MAXUINT32 - 2;
    check(&bad, sizeof(bad), NULL);
    bad = image;
    bad.notes[1].head.n_descsz = 0;
    check(&bad, sizeof(bad), NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/elf-build-id/found",
                    build_id_is_found_behind_other_notes);
    g_test_add_func("/elf-build-id/short", image_cut_short_has_none);
    g_test_add_func("/elf-build-id/damaged", damaged_image_has_none);
    return g_test_run();
}
