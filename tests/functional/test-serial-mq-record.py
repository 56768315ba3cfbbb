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
import socket

import serialports
from harness import HANG_S, check, check_in, main, run, test_each
from recorder import Recording, replay

LOAD = (f"for m in {' '.join(serialports.MODULES)}; do "
        "[ ! -e /lib/modules/$m.ko ] || insmod /lib/modules/$m.ko; done")
PORTS = 3
BYTES = 5000


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
        guest.type(LOAD.encode())
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


if __name__ == "__main__":
    main()
