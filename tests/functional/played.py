# SPDX-License-Identifier: GPL-2.0-or-later
"""A boot with a QEMU that fake-qemu plays, and a kernel that is none."""
from harness import HERE

FAKE = HERE / "fake-qemu"
HEADER = 0x1f1


def bzimage(**damage):
    """The least that is a bzImage; damage overrides bytes at offsets."""
    image = bytearray(0x1000)
    image[HEADER] = 1
    image[0x1f4:0x1f8] = (0x20).to_bytes(4, "little")
    image[0x1fe:0x200] = b"\x55\xaa"
    image[0x202:0x206] = b"HdrS"
    image[0x206:0x208] = b"\x0f\x02"
    image[0x20e:0x210] = (0x100).to_bytes(2, "little")
    image[0x211] = 1
    image[0x300:0x312] = b"6.12.0-test (a b)\0"
    for offset, value in damage.items():
        at = int(offset[1:], 16)
        image[at:at + len(value)] = value
    return bytes(image)


def setup(directory, image=None):
    kernel = directory / "vmlinuz"
    kernel.write_bytes(image or bzimage())
    plugin = directory / "jumpcut.so"
    plugin.touch()
    return ["boot", "--qemu", FAKE, "--plugin", plugin, kernel]
