# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads what Jumpcut needs to know of a QEMU binary: 64-bit ELF, no tools."""

import mmap
import re
import struct

PT_DYNAMIC, PT_NOTE = 2, 4
SHT_DYNSYM = 11
DT_NEEDED = 1
NT_GNU_BUILD_ID = 3
EM_X86_64 = 62


class ElfError(Exception):
    """The file is not what the caller asked for; the text says why."""


class Elf:
    """A little-endian 64-bit ELF file for x86-64."""

    def __init__(self, path):
        self.path = path
        try:
            with open(path, 'rb') as f:
                self.data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as e:
            raise ElfError(f'{path}: cannot be read: {e}') from e
        head = self.data[:64]
        if len(head) < 64 or head[:6] != b'\x7fELF\x02\x01':
            raise ElfError(f'{path}: not a 64-bit ELF program')
        (machine,) = struct.unpack_from('<H', head, 18)
        if machine != EM_X86_64:
            raise ElfError(f'{path}: built for another architecture '
                           '(x86-64 hosts only)')
        phoff, shoff = struct.unpack_from('<QQ', head, 32)
        phsize, phnum, shsize, shnum = struct.unpack_from('<4H', head, 54)
        try:
            self.segments = [struct.unpack_from('<IIQQQQQQ', self.data,
                                                phoff + i * phsize)
                             for i in range(phnum)]
            self.sections = [struct.unpack_from('<IIQQQQIIQQ', self.data,
                                                shoff + i * shsize)
                             for i in range(shnum)]
        except struct.error as e:
            raise ElfError(f'{path}: damaged ELF headers') from e

    def build_id(self):
        """The GNU build id in hexadecimal, or None."""
        for kind, _, offset, _, _, size, _, _ in self.segments:
            if kind != PT_NOTE:
                continue
            at, end = offset, offset + size
            while at + 12 <= end:
                nlen, dlen, ntype = struct.unpack_from('<3I', self.data, at)
                name = at + 12
                desc = name + (nlen + 3) // 4 * 4
                if (ntype == NT_GNU_BUILD_ID
                        and self.data[name:name + nlen] == b'GNU\0'):
                    return self.data[desc:desc + dlen].hex()
                at = desc + (dlen + 3) // 4 * 4
        return None

    def _string(self, offset):
        return self.data[offset:self.data.find(b'\0', offset)].decode()

    def exports(self):
        """Names of the dynamic symbols the file defines."""
        names = set()
        for section in self.sections:
            if section[1] != SHT_DYNSYM:
                continue
            strings = self.sections[section[6]][4]
            for at in range(section[4], section[4] + section[5], 24):
                name, _, _, index, _, _ = struct.unpack_from(
                    '<IBBHQQ', self.data, at)
                if index:
                    names.add(self._string(strings + name))
        return names

    def needed(self):
        """Names of the shared libraries the file is linked with."""
        strings = next((self.sections[s[6]][4] for s in self.sections
                        if s[1] == SHT_DYNSYM), None)
        names = []
        for kind, _, offset, _, _, size, _, _ in self.segments:
            if kind != PT_DYNAMIC or strings is None:
                continue
            for at in range(offset, offset + size, 16):
                tag, value = struct.unpack_from('<QQ', self.data, at)
                if tag == DT_NEEDED:
                    names.append(self._string(strings + value))
        return names

    def module_stamp(self):
        """Name of the symbol QEMU's modules must export, or None."""
        found = re.search(rb'qemu_stamp_[0-9a-f]{40}(?=\0)', self.data)
        return found.group().decode() if found else None
