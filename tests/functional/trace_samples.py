# SPDX-License-Identifier: GPL-2.0-or-later
"""Traces made to measure, through the program make-trace."""
import os
import struct
import subprocess

MAKER = os.environ.get("JUMPCUT_MAKE_TRACE", "make-trace")
TYPES = {"input-bytes": 2, "input-qmp": 3, "cut": 4, "digest": 5, "event": 6,
         "handover": 7, "output": 8, "checkpoint-pages": 9, "checkpoint": 10,
         "device": 11, "end": 12}
HEADER = (("format", "1"), ("qemu-version", "10.0.2"), ("guest", "xen-hvm"),
          ("vcpus", "2"), ("level", "digests"), ("option", "--smp"),
          ("option", "2"), ("arg", "qemu-system-x86_64"), ("arg", "-append"),
          ("arg", "console=hvc0 quiet"))


def text(size, value):
    """A text behind its length."""
    value = value.encode()
    return len(value).to_bytes(size, "little") + value


def typed(value, name="console"):
    return text(2, name) + value


def qmp(command, arguments="{}", reply="{}", failed=False):
    return (text(4, command) + text(4, arguments) + bytes([failed])
            + text(4, reply))


def cut(before=(5_000_000_000, 5_000_000_000, 1_000_000, 0),
        after=(508_119_807_590_000, 77, 2_500_000, 1), console=20):
    return struct.pack("<QQQQIIBBQ", before[0], after[0], before[1], after[1],
                       before[2], after[2], before[3], after[3], console)


def event(name, first=0, second=0):
    return text(2, name) + struct.pack("<QQ", first, second)


def handover(number):
    return struct.pack("<I", number)


def end(why="powered-off", console=40, sha256=bytes(range(32))):
    return text(2, why) + struct.pack("<Q", console) + sha256


def leb128(value):
    out = b""
    while value > 0x7f:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def digest(number, reason="interval", parts=(("vcpu0", 1), ("ram", 2)),
           vcpus=((0,) * 16 + (0xffffffff81000000, 0x246),), pages=(),
           console=20, crc=0x1234, shift=0, sha256=bytes(32)):
    out = struct.pack("<I", number) + text(1, reason) + sha256
    out += struct.pack("<QIH", console, crc, len(parts))
    for name, value in parts:
        out += text(1, name) + struct.pack("<Q", value)
    out += struct.pack("<H", len(vcpus))
    for vcpu in vcpus:
        out += struct.pack("<18Q", *vcpu)
    out += struct.pack("<BI", shift, len(pages))
    last = 0
    for page, value in pages:
        out += leb128(page - last) + struct.pack("<I", value)
        last = page
    return out


def sample(**change):
    """Records of a guest that migrated: (type, ns, payload, flags, vcpu)."""
    made = [
        ("event", 0, event("start")),
        ("input-bytes", 1_000_000_000, typed(b"ls -l\n\xff")),
        ("digest", 2_000_000_000, digest(0, pages=((5, 1), (900, 2)))),
        ("input-qmp", 2_500_000_000,
         qmp("jumpcut-cut", '{"uptime": 5}', "no such key", True)),
        ("cut", 5_000_000_000, cut()),
        ("digest", 5_000_000_000, digest(1, "cut", pages=((7, 3),))),
        ("handover", 6_000_000_000, handover(1)),
        ("input-qmp", 6_000_000_000, qmp("cont"), 2),
        ("device", 6_100_000_000, b"\x01\x02", 1, 1),
        ("digest", 8_000_000_000,
         digest(2, pages=((0, 9), (1 << 40, 0xffffffff)), console=40)),
        ("event", 9_000_000_000, event("shutdown", 3)),
        ("end", 9_000_000_000, end()),
    ]
    for number, record in change.items():
        made[int(number[1:])] = record
    return made


def lines(records, header=HEADER):
    """What make-trace reads."""
    out = [f"header {key} {value}" for key, value in header]
    for kind, at_ns, payload, *rest in records:
        flags, vcpu = (*rest, 0, 0)[:2]
        if kind == "checkpoint":
            out.append("frame")
        out.append(f"record {TYPES[kind]} {flags} {vcpu} {at_ns} "
                   f"{payload.hex()}")
    return out


def write(path, records=None, last="finish", header=HEADER):
    """The trace at path: finished, or left as a killed writer leaves it."""
    made = lines(sample() if records is None else records, header)
    partial = path.with_name(path.name + ".partial")
    if last == "finish":
        made.append(f"finish {path}")
    else:
        made += ["flush", "die"]
    subprocess.run([MAKER, partial], input="\n".join(made) + "\n", text=True,
                   check=True)
    return path if last == "finish" else partial
