# SPDX-License-Identifier: GPL-2.0-or-later
"""A reader of traces, written from docs/trace-file.rst and nothing else.

It is no good reader: it believes that files are whole.  It is there to find
out whether the page says all that is needed.
"""
import dataclasses
import struct
import subprocess
import zlib

TYPES = {1: "header", 2: "input-bytes", 3: "input-qmp", 4: "cut", 5: "digest",
         6: "event", 7: "handover", 8: "output", 9: "checkpoint-pages",
         10: "checkpoint", 11: "device", 12: "end", 13: "index"}


@dataclasses.dataclass
class Record:
    type: str
    flags: int
    vcpu: int
    at_ns: int
    number: int
    payload: bytes


def preamble(data):
    """Check the first 28 bytes."""
    magic, size, name, version, features, crc = struct.unpack(
        "<II8sIII", data[:28])
    assert (magic, size, name) == (0x184d2a50, 20, b"Jumpcut\n")
    assert (version, features) == (1, 0)
    assert crc == zlib.crc32(data[:24])


def unpacked(path):
    """The bytes of all records, by the zstd program."""
    return subprocess.run(["zstd", "-dcq", str(path)], check=True,
                          capture_output=True).stdout


def records(path):
    """All records of a finished trace, and its index as rows."""
    data = path.read_bytes()
    preamble(data)
    magic, size, name, index_at, count, crc = struct.unpack("<II8sQQI",
                                                            data[-36:])
    assert (magic, size, name) == (0x184d2a51, 28, b"jct end\n")
    assert crc == zlib.crc32(data[-36:-4])
    stream, found, at = unpacked(path), [], 0
    while at < len(stream):
        size, kind, flags, vcpu, crc, at_ns, number = struct.unpack(
            "<IHHIIqQ", stream[at:at + 32])
        payload = stream[at + 32:at + 32 + size]
        zeroed = stream[at:at + 12] + bytes(4) + stream[at + 16:at + 32]
        assert crc == zlib.crc32(zeroed + payload)
        assert number == len(found)
        found.append(Record(TYPES[kind], flags, vcpu, at_ns, number, payload))
        at += 32 + size
    index = found.pop()
    assert index.type == "index" and len(found) == count
    rows = [struct.unpack("<QQq", index.payload[i:i + 24])
            for i in range(0, len(index.payload), 24)]
    assert rows[0][:2] == (28, 0) and all(row[0] < index_at for row in rows)
    return found, rows


class Fields:
    """Takes a payload apart, in order."""

    def __init__(self, payload):
        self.payload, self.at = payload, 0

    def number(self, size):
        """A number of that many bytes."""
        return int.from_bytes(self.raw(size), "little")

    def raw(self, size):
        """That many bytes."""
        self.at += size
        assert self.at <= len(self.payload)
        return self.payload[self.at - size:self.at]

    def text(self, size):
        """A text behind its length."""
        return self.raw(self.number(size)).decode()

    def leb128(self):
        """A number, seven bits a byte."""
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def rest(self):
        """What is left."""
        return self.raw(len(self.payload) - self.at)


def header(payload):
    """Pairs of keys and values."""
    words = payload.decode().split("\0")
    assert words.pop() == ""
    return list(zip(words[::2], words[1::2]))


def digest(payload):
    """A digest as a dictionary."""
    f = Fields(payload)
    found = {"number": f.number(4), "reason": f.text(1),
             "sha256": f.raw(32).hex(), "console-bytes": f.number(8),
             "console-crc": f.number(4)}
    found["parts"] = [(f.text(1), f.number(8)) for _ in range(f.number(2))]
    found["vcpus"] = [[f.number(8) for _ in range(18)]
                      for _ in range(f.number(2))]
    found["shift"] = f.number(1)
    found["pages"], page = [], 0
    for _ in range(f.number(4)):
        page += f.leb128()
        found["pages"].append((page, f.number(4)))
    assert not f.rest()
    return found
