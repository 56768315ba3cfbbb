#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs with multiport serial devices are recorded and replayed.

Subject: the ports of virtio-serial-mq-pci behind the gate.  What the host sends
to a port, a host's end that goes, a port that is unplugged and a console's size
that changes come again in a replay, in which nobody is at any port: the same
console and the same digests.
Cannot tell apart: a replay in which nothing was sent from one that has it all,
if the guest tells the same of both; it tells the bytes' checksums.
"""
import pathlib
import re
import socket
import time

import serialports
from harness import (HANG_S, Failure, check, check_in, main, run,
                     test_each)
from recorder import Recording, replay

PORTS = 3
BYTES = 5000
FLOOD = 64 << 20
# What waits for a reader, and what may come until the guest is held for it.
WAITS = 1 << 20
MEMORY_MAX = 40 << 20


class Host:
    """The host's end of a port, whose device is a socket in a folder."""

    def __init__(self, directory, name):
        self.name = name
        self.path = directory / f"{name}.socket"
        self.crc = self.bytes = 0
        self.ours = socket.socket(socket.AF_UNIX)
        self.ours.settimeout(HANG_S)

    def connect(self):
        self.ours.connect(str(self.path))
        self.ours.setblocking(False)

    def qemu_args(self):
        return ("-chardev", f"socket,id=chr-{self.name},path={self.path},"
                "server=on,wait=off",
                "-device", f"{serialports.OURS.port},bus=serial0.0,"
                f"id={self.name},chardev=chr-{self.name},name={self.name}")


def qemu_args(hosts):
    args = ["-device", f"{serialports.OURS.controller},id=serial0",
            "-chardev", "null,id=chr-console", "-device",
            f"{serialports.OURS.console},bus=serial0.0,chardev=chr-console"]
    for host in hosts:
        args += host.qemu_args()
    return args


@test_each(("6.12", "6.12"))
@test_each(("6.1", "6.1"), by_hand=True)
def ports_are_replayed(directory, _name, version):
    hosts = [Host(directory, f"port{i}") for i in range(1, PORTS + 1)]
    with Recording(directory, "run", version, "--digest", "500ms", "--level",
                   "devices", "--initrd",
                   serialports.initrd_with_ports(directory, version),
                   qemu_args=qemu_args(hosts)) as guest:
        guest.await_text(b"JUMPCUT ready")
        for host in hosts:
            host.connect()
        guest.type(serialports.LOAD.encode())
        guest.type(b"serial-ports echo %d %d & true" % (PORTS, PORTS))
        guest.await_text(b"PORTS open=%d" % PORTS)
        serialports.echo(hosts, BYTES)
        guest.do("virtio-serial-mq-resize", port=0, cols=132, rows=43)
        guest.do("device_del", id="port2")
        hosts[0].ours.close()
        serialports.echo(hosts[2:], BYTES, seed=1, last=True)
        guest.type(b"sleep 0.1")
        trace, console = guest.trace, guest.power_off()
    for host in hosts:
        host.ours.close()
    check_in("console", b"PORT name=port3 bytes=%d crc=%08x" % (
        hosts[2].bytes, hosts[2].crc), console)
    check_in("console", b"PORT name=port2 bytes=%d crc=%08x" % (
        hosts[1].bytes, hosts[1].crc), console)
    replay(trace, "--trust", console=console)
    # The hypervisor's part of it alone: the device is none there.
    done = run("qtest", trace)
    check(f"status of qtest; {done.stdout} {done.stderr}", done.returncode, 0)


def peak_memory(recorder):
    """Bytes QEMU, the recorder's child, has had resident at most."""
    children = pathlib.Path(f"/proc/{recorder}/task/{recorder}/children")
    qemu = children.read_text().split()[0]
    status = pathlib.Path(f"/proc/{qemu}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10


def await_output(guest, port, size):
    """The guest has sent so much, whether anybody reads it or not."""
    end = time.monotonic() + HANG_S
    sent = 0
    while sent < size:
        if time.monotonic() > end:
            raise Failure(f"port {port}: {sent} bytes of {size}")
        info, = guest.do("query-virtio-serial-mq")
        sent = next(p["out-bytes"] for p in info["ports"] if p["port"] == port)


@test_each(("6.12", "6.12"), ("6.1", "6.1"), by_hand=True)
def flood_is_bounded_and_replayed(directory, _name, version):
    """The guest writes to a port, and at first nobody reads it."""
    host = Host(directory, "port1")
    with Recording(directory, "run", version, "--digest", "500ms", "--initrd",
                   serialports.initrd_with_ports(directory, version),
                   qemu_args=qemu_args([host])) as guest:
        guest.await_text(b"JUMPCUT ready")
        host.connect()
        host.ours.setblocking(True)
        guest.type(LOAD.encode())
        before = peak_memory(guest.process.pid)
        guest.type(b"( dd if=/dev/zero of=/dev/vport0p1 bs=65536 count=%d "
                   b"2>/dev/null; echo FLOOD=$? ) & true" % (FLOOD >> 16))
        await_output(guest, 1, WAITS)
        count = 0
        while count < FLOOD:
            got = host.ours.recv(1 << 20)
            if not got or got.strip(b"\0"):
                raise Failure(f"after {count} bytes: {got[:64]!r}")
            count += len(got)
        guest.await_text(b"FLOOD=0")
        check("QEMU grew by less than that", max(
            peak_memory(guest.process.pid) - before, MEMORY_MAX), MEMORY_MAX)
        trace, console = guest.trace, guest.power_off()
    host.ours.close()
    replay(trace, "--trust", console=console)


if __name__ == "__main__":
    main()
