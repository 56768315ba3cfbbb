/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PVH guest's kernel: what is read of an image, and what is refused. */
#include <bzlib.h>
#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "hw/xen/pvh/bzimage.h"
#include "hw/xen/pvh/kernel-elf.h"
#include "hw/xen/pvh/unpack.h"
#include "tests/unit/pvh-image.h"

#define LIMIT ((size_t)1 << 20)

static void elf_gives_entry_and_segment(void)
{
    for (int wide = 0; wide < 2; wide++) {
        g_autoptr(GByteArray) image = pvh_image_elf(wide);
        g_autoptr(GError) error = NULL;
        PvhElf elf;

        g_assert_true(pvh_elf_parse(&elf, image->data, image->len, &error));
        g_assert_no_error(error);
        g_assert_cmphex(elf.entry, ==, PVH_IMAGE_ENTRY);
        g_assert_cmpuint(elf.nr_segments, ==, 1);
        g_assert_cmphex(elf.segments[0].pa, ==, PVH_IMAGE_PA);
        g_assert_cmphex(elf.segments[0].file_off, ==, PVH_IMAGE_BODY);
        g_assert_cmphex(elf.segments[0].file_size, ==, PVH_IMAGE_BODY_SIZE);
        g_assert_cmphex(elf.start, ==, PVH_IMAGE_PA);
        g_assert_cmphex(elf.end, ==,
                        PVH_IMAGE_PA + PVH_IMAGE_BODY_SIZE + PVH_IMAGE_BSS);
    }
}

/* Offsets of a 64-bit image's fields. */
#define EHDR(field) offsetof(Elf64_Ehdr, field)
#define PHDR(field) (sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, field))
#define NOTE(field) (PVH_IMAGE_DESC - 16 + offsetof(Elf64_Nhdr, field))

static void elf_damaged_is_refused_by_name(void)
{
    static const struct {
        size_t at;
        uint64_t value;
        unsigned len;
        const char *want;
    } cases[] = {
        {0, 0, 1, "no ELF header"},
        {EI_CLASS, 3, 1, "neither 32- nor 64-bit"},
        {EI_DATA, ELFDATA2MSB, 1, "neither 32- nor 64-bit"},
        {EHDR(e_machine), EM_ARM, 2, "not for x86"},
        {EHDR(e_phentsize), sizeof(Elf64_Phdr) - 1, 2, "program headers"},
        {EHDR(e_phoff), UINT64_MAX, 8, "program headers"},
        {EHDR(e_phnum), UINT16_MAX, 2, "program headers"},
        {EHDR(e_phnum), 0, 2, "nothing to load"},
        {EHDR(e_phnum), 1, 2, "no PVH entry"},
        {PHDR(p_offset), UINT64_MAX, 8, "outside of the file"},
        {PHDR(p_filesz), 1 << 20, 8, "outside of the file"},
        {PHDR(p_memsz), 1, 8, "outside of the file"},
        {PHDR(p_paddr), UINT64_MAX - 5, 8, "beyond the end of memory"},
        {PHDR(p_memsz), 0, 8, "nothing to load"},
        {PHDR(p_type), PT_NULL, 4, "nothing to load"},
        {NOTE(n_type), 17, 4, "no PVH entry"},
        {NOTE(n_namesz), UINT32_MAX, 4, "no PVH entry"},
        {NOTE(n_descsz), UINT32_MAX, 4, "no PVH entry"},
        {NOTE(n_descsz), 2, 4, "no PVH entry"},
        {PVH_IMAGE_DESC, PVH_IMAGE_PA - 1, 8, "outside of what is loaded"},
        {PVH_IMAGE_DESC, PVH_IMAGE_PA + PVH_IMAGE_BODY_SIZE + PVH_IMAGE_BSS, 8,
         "outside of what is loaded"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) image = pvh_image_elf(TRUE);
        g_autoptr(GError) error = NULL;
        PvhElf elf;

        memcpy(image->data + cases[i].at, &cases[i].value, cases[i].len);
        g_assert_false(pvh_elf_parse(&elf, image->data, image->len, &error));
        if (!strstr(error->message, cases[i].want)) {
            g_test_message("case %zu: wanted \"%s\", got \"%s\"", i,
                           cases[i].want, error->message);
            g_test_fail();
        }
    }
}

static void elf_cut_short_is_refused(void)
{
    for (int wide = 0; wide < 2; wide++) {
        g_autoptr(GByteArray) image = pvh_image_elf(wide);

        for (size_t len = 0; len < image->len; len++) {
            g_autofree uint8_t *copy = g_memdup2(image->data, len);
            g_autoptr(GError) error = NULL;
            PvhElf elf;

            g_assert_false(pvh_elf_parse(&elf, copy, len, &error));
            g_assert_nonnull(error);
        }
    }
}

static size_t pack_gzip(uint8_t *out, size_t room, const GByteArray *in)
{
    z_stream z = {.next_in = in->data,
                  .avail_in = in->len,
                  .next_out = out,
                  .avail_out = (uInt)room};

    g_assert_cmpint(
        deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
        ==, Z_OK);
    g_assert_cmpint(deflate(&z, Z_FINISH), ==, Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static size_t pack_bzip2(uint8_t *out, size_t room, const GByteArray *in)
{
    unsigned len = (unsigned)room;

    g_assert_cmpint(BZ2_bzBuffToBuffCompress(
                        (char *)out, &len, (char *)in->data, in->len, 9, 0, 0),
                    ==, BZ_OK);
    return len;
}

static size_t pack_xz(uint8_t *out, size_t room, const GByteArray *in)
{
    size_t len = 0;

    g_assert_cmpint(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in->data,
                                            in->len, out, &len, room),
                    ==, LZMA_OK);
    return len;
}

static size_t pack_lzma(uint8_t *out, size_t room, const GByteArray *in)
{
    lzma_stream z = LZMA_STREAM_INIT;
    lzma_options_lzma options;

    g_assert_false(lzma_lzma_preset(&options, 6));
    g_assert_cmpint(lzma_alone_encoder(&z, &options), ==, LZMA_OK);
    z.next_in = in->data;
    z.avail_in = in->len;
    z.next_out = out;
    z.avail_out = room;
    g_assert_cmpint(lzma_code(&z, LZMA_FINISH), ==, LZMA_STREAM_END);
    lzma_end(&z);
    return room - z.avail_out;
}

static size_t pack_zstd(uint8_t *out, size_t room, const GByteArray *in)
{
    return ZSTD_compress(out, room, in->data, in->len, 3);
}

static size_t pack_lz4(uint8_t *out, size_t room, const GByteArray *in)
{
    int len = LZ4_compress_default((char *)in->data, (char *)out + 8,
                                   (int)in->len, (int)room - 8);

    memcpy(out, "\x02\x21\x4c\x18", 4);
    memcpy(out + 4, &len, 4);
    return 8 + (size_t)len;
}

typedef struct Packer {
    const char *name;
    size_t (*pack)(uint8_t *out, size_t room, const GByteArray *in);
} Packer;

static const Packer packers[] = {
    {"gzip", pack_gzip}, {"bzip2", pack_bzip2}, {"xz", pack_xz},
    {"lzma", pack_lzma}, {"zstd", pack_zstd},   {"lz4", pack_lz4},
};

/* The size that Linux's build adds comes after the stream. */
static GByteArray *packed_bzimage(const Packer *p, const GByteArray *elf)
{
    uint8_t packed[8192];
    size_t len = p->pack(packed, sizeof(packed) - 4, elf);

    memcpy(packed + len, &elf->len, 4);
    return pvh_image_bzimage(packed, len + 4);
}

static void bzimage_of_each_packer_unpacks(void)
{
    g_autoptr(GByteArray) elf = pvh_image_elf(TRUE);

    for (size_t i = 0; i < G_N_ELEMENTS(packers); i++) {
        g_autoptr(GByteArray) image = packed_bzimage(&packers[i], elf);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) out =
            pvh_bzimage_unpack(image->data, image->len, LIMIT, &error);

        g_assert_no_error(error);
        g_assert_cmpmem(g_bytes_get_data(out, NULL), g_bytes_get_size(out),
                        elf->data, elf->len);
    }
}

static void bzimage_that_holds_too_much_is_refused(void)
{
    g_autoptr(GByteArray) elf = pvh_image_elf(TRUE);

    for (size_t i = 0; i < G_N_ELEMENTS(packers); i++) {
        g_autoptr(GByteArray) image = packed_bzimage(&packers[i], elf);
        g_autoptr(GError) error = NULL;

        g_assert_null(
            pvh_bzimage_unpack(image->data, image->len, elf->len - 1, &error));
        g_assert_nonnull(error);
    }
}

/* Cut anywhere it is refused, or all was there but what Linux's build adds. */
static void bzimage_cut_short_is_refused(void)
{
    g_autoptr(GByteArray) elf = pvh_image_elf(FALSE);

    for (size_t i = 0; i < G_N_ELEMENTS(packers); i++) {
        uint8_t packed[8192];
        size_t len = packers[i].pack(packed, sizeof(packed), elf);

        for (size_t cut = 0; cut < len; cut++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(GBytes) out = pvh_unpack(packed, cut, LIMIT, &error);

            if (out) {
                g_test_message("%s: unpacked of %zu of %zu bytes",
                               packers[i].name, cut, len);
                g_test_fail();
            }
        }
    }
}

static void bzimage_damaged_is_refused_by_name(void)
{
    static const struct {
        size_t at;
        uint32_t value;
        unsigned len;
        const char *want;
    } cases[] = {
        {0x202, 0, 4, "neither an ELF image nor a bzImage"},
        {0x206, 0x0207, 2, "boot protocol 2.07"},
        {0x248, UINT32_MAX, 4, "cut short"},
        {0x24c, UINT32_MAX, 4, "cut short"},
        {0x24c, 0, 4, "by none of"},
        {0x1f1, 200, 1, "cut short"},
        {0x440, 0, 4, "by none of"},
    };
    g_autoptr(GByteArray) elf = pvh_image_elf(TRUE);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) image = packed_bzimage(&packers[0], elf);
        g_autoptr(GError) error = NULL;

        memcpy(image->data + cases[i].at, &cases[i].value, cases[i].len);
        g_assert_null(
            pvh_bzimage_unpack(image->data, image->len, LIMIT, &error));
        if (!strstr(error->message, cases[i].want)) {
            g_test_message("case %zu: wanted \"%s\", got \"%s\"", i,
                           cases[i].want, error->message);
            g_test_fail();
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(fn) g_test_add_func("/pvh-image/" #fn, fn)
    ADD(elf_gives_entry_and_segment);
    ADD(elf_damaged_is_refused_by_name);
    ADD(elf_cut_short_is_refused);
    ADD(bzimage_of_each_packer_unpacks);
    ADD(bzimage_that_holds_too_much_is_refused);
    ADD(bzimage_cut_short_is_refused);
    ADD(bzimage_damaged_is_refused_by_name);
    return g_test_run();
}
