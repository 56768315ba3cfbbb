/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ELF kernel with a PVH entry point. */
#include "hw/xen/pvh/kernel-elf.h"

#include <elf.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/elfnote.h>

#include "hw/xen/pvh/error.h"

#define NOTE_ALIGN 4u

/* Either class's program header. */
typedef struct Phdr {
    uint32_t type;
    uint64_t offset, file_size, pa, mem_size;
} Phdr;

typedef struct Reader {
    const uint8_t *data;
    size_t size;
    bool wide; /* ELFCLASS64 */
    uint64_t phoff;
    unsigned phnum, phentsize;
    GError **error;
} Reader;

static bool elf_fail(GError **error, const char *what)
{
    g_set_error(error, PVH_ERROR, 0, "ELF kernel: %s", what);
    return false;
}

bool pvh_elf_is(const uint8_t *data, size_t size)
{
    return size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

static bool in_file(const Reader *r, uint64_t offset, uint64_t len)
{
    return offset <= r->size && len <= r->size - offset;
}

static bool read_header(Reader *r)
{
    Elf32_Ehdr e32;
    Elf64_Ehdr e64;

    if (!pvh_elf_is(r->data, r->size) || r->size < sizeof(e32)) {
        return elf_fail(r->error, "no ELF header");
    }
    r->wide = r->data[EI_CLASS] == ELFCLASS64;
    if ((!r->wide && r->data[EI_CLASS] != ELFCLASS32) ||
        r->data[EI_DATA] != ELFDATA2LSB) {
        return elf_fail(r->error, "neither 32- nor 64-bit little-endian");
    }
    memcpy(&e32, r->data, sizeof(e32));
    if (e32.e_machine != EM_386 && e32.e_machine != EM_X86_64) {
        return elf_fail(r->error, "not for x86");
    }
    if (!r->wide) {
        r->phoff = e32.e_phoff;
        r->phnum = e32.e_phnum;
        r->phentsize = e32.e_phentsize;
    } else if (r->size >= sizeof(e64)) {
        memcpy(&e64, r->data, sizeof(e64));
        r->phoff = e64.e_phoff;
        r->phnum = e64.e_phnum;
        r->phentsize = e64.e_phentsize;
    } else {
        return elf_fail(r->error, "no ELF header");
    }
    if (r->phentsize < (r->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
        !in_file(r, r->phoff, (uint64_t)r->phnum * r->phentsize)) {
        return elf_fail(r->error, "program headers outside of the file");
    }
    return true;
}

static void read_phdr(const Reader *r, unsigned i, Phdr *out)
{
    const uint8_t *at = r->data + r->phoff + (size_t)i * r->phentsize;
    Elf32_Phdr p32;
    Elf64_Phdr p64;

    if (r->wide) {
        memcpy(&p64, at, sizeof(p64));
        *out = (Phdr){p64.p_type, p64.p_offset, p64.p_filesz, p64.p_paddr,
                      p64.p_memsz};
    } else {
        memcpy(&p32, at, sizeof(p32));
        *out = (Phdr){p32.p_type, p32.p_offset, p32.p_filesz, p32.p_paddr,
                      p32.p_memsz};
    }
}

static bool add_segment(const Reader *r, PvhElf *elf, const Phdr *p)
{
    if (!p->mem_size) {
        return true;
    }
    if (!in_file(r, p->offset, p->file_size) || p->file_size > p->mem_size) {
        return elf_fail(r->error, "a segment outside of the file");
    }
    if (p->pa + p->mem_size < p->pa) {
        return elf_fail(r->error, "a segment beyond the end of memory");
    }
    if (elf->nr_segments == PVH_SEGMENTS_MAX) {
        return elf_fail(r->error, "too many segments");
    }
    elf->segments[elf->nr_segments++] = (PvhSegment){
        .pa = p->pa,
        .mem_size = p->mem_size,
        .file_off = p->offset,
        .file_size = p->file_size,
    };
    elf->start = MIN(elf->start, p->pa);
    elf->end = MAX(elf->end, p->pa + p->mem_size);
    return true;
}

static uint64_t note_align(uint64_t len)
{
    return (len + NOTE_ALIGN - 1) & ~(uint64_t)(NOTE_ALIGN - 1);
}

/* @return: whether @len bytes at @note hold the entry; *@entry: where it is */
static bool find_entry(const uint8_t *note, size_t len, uint64_t *entry)
{
    while (len >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        uint64_t name, whole;

        memcpy(&n, note, sizeof(n));
        name = note_align(n.n_namesz);
        whole = sizeof(n) + name + note_align(n.n_descsz);
        if (sizeof(n) + name + n.n_descsz > len) {
            return false;
        }
        if (n.n_type == XEN_ELFNOTE_PHYS32_ENTRY && n.n_namesz == 4 &&
            !memcmp(note + sizeof(n), "Xen", 4) &&
            (n.n_descsz == 4 || n.n_descsz == 8)) {
            *entry = 0;
            memcpy(entry, note + sizeof(n) + name, n.n_descsz);
            return true;
        }
        if (whole >= len) {
            return false;
        }
        note += whole;
        len -= whole;
    }
    return false;
}

static bool entry_is_loaded(const PvhElf *elf, uint64_t entry)
{
    for (unsigned i = 0; i < elf->nr_segments; i++) {
        const PvhSegment *s = &elf->segments[i];

        if (entry >= s->pa && entry - s->pa < s->mem_size) {
            return entry <= UINT32_MAX;
        }
    }
    return false;
}

bool pvh_elf_parse(PvhElf *elf, const uint8_t *data, size_t size,
                   GError **error)
{
    Reader r = {.data = data, .size = size, .error = error};
    uint64_t entry = 0;
    bool found = false;

    *elf = (PvhElf){.start = UINT64_MAX};
    if (!read_header(&r)) {
        return false;
    }
    for (unsigned i = 0; i < r.phnum; i++) {
        Phdr p;

        read_phdr(&r, i, &p);
        if (p.type == PT_LOAD && !add_segment(&r, elf, &p)) {
            return false;
        }
        if (p.type == PT_NOTE && !found && in_file(&r, p.offset, p.file_size)) {
            found = find_entry(data + p.offset, p.file_size, &entry);
        }
    }
    if (!elf->nr_segments) {
        return elf_fail(error, "nothing to load");
    }
    if (!found) {
        return elf_fail(error, "no PVH entry: no Xen note of type 18");
    }
    if (!entry_is_loaded(elf, entry)) {
        return elf_fail(error, "its PVH entry is outside of what is loaded");
    }
    elf->entry = (uint32_t)entry;
    return true;
}
