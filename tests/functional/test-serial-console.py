#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""virtconsole-mq as a console of Linux, and the emergency write.

Subject: a guest whose only console is a port of virtio-serial-mq-pci boots and
is typed at there, through a cut of its clocks; a console beside others, of a
driver that is a module or not, is a terminal; and a byte written to emerg_wr
comes out without any driver.
"""
import hashlib
import re

from harness import check, check_in, main, test_each
from serialports import OURS, Line, PortsGuest

OUT_BYTES = 200_000
IN_LINES = 60
# Of the device's configuration in a modern device's fourth region, and in it.
CONFIG = 0x2000
EMERG_WR = 8


class ConsoleGuest(PortsGuest):
    """Its console is no serial line, but a port of ours."""

    def adapt(self, command):
        at = command.index("-serial")
        command[at:at + 2] = [
            "-device", f"{OURS.controller},id=serial0", "-device",
            f"{OURS.console},bus=serial0.0,chardev=jumpcut-console,cols=132,"
            "rows=43"]


def check_judge(guest):
    info, = guest.do("query-virtio-serial-mq")
    check("rules broken", [(rule["rule"], rule["count"])
                           for rule in info["violations"]], [])


@test_each(("6.12", "6.12"), by_hand=True)
def guest_has_no_other_console(directory, _name, version):
    """Debian's 6.12 has the driver built in."""
    with ConsoleGuest(directory, version, None, (), "--guest", "kvm",
                      append="console=hvc0") as guest:
        guest.ready()
        check_in("console", b"Run /init as init process", guest.console)
        check_in("console", b"JUMPCUT booted", guest.console)
        text = guest.shell(
            f"head -c {OUT_BYTES} /dev/zero | tr '\\0' 'x' | fold -w 1000")
        check("bytes that came", text.count("x"), OUT_BYTES)
        guest.do("jumpcut-cut", **{"downtime": "5"})
        # A terminal in its usual mode takes lines of up to 4095 bytes.
        data = "".join(chr(97 + i % 26) * 1000 + "\n" for i in range(IN_LINES))
        guest.type(f"head -n {IN_LINES} | md5sum")
        guest.line.sendall(data.encode())
        got = guest.wait(r"([0-9a-f]{32})  -\r*\n")[1].decode()
        check("digest of what was typed", got,
              hashlib.md5(data.encode()).hexdigest())
        check_judge(guest)


def console_args(line):
    return ("-device", f"{OURS.controller},id=serial0",
            "-chardev", f"socket,id=chr-con,fd={line.fd}",
            "-device", f"{OURS.console},bus=serial0.0,chardev=chr-con")


def read_until(line, wanted):
    """@return: all that came out of a port up to that"""
    line.ours.setblocking(True)
    line.ours.settimeout(60)
    got = b""
    while wanted not in got:
        got += line.ours.recv(65536)
    return got


@test_each(("6.1-kvm", "6.1", "kvm", "hvc0"),
           ("6.12", "6.12", "xen-hvm", "hvc1"), by_hand=True)
def terminal_beside_others(directory, _name, version, guest_kind, hvc):
    """The driver is a module, or hvc0 is Xen's."""
    line = Line("console")
    with PortsGuest(directory, version, None, [line], "--guest", guest_kind,
                    qemu_args=console_args(line)) as guest:
        guest.ready()
        guest.load()
        guest.shell(f"until [ -c /dev/{hvc} ]; do usleep 1000; done; "
                    f"exec 5<>/dev/{hvc}; stty -echo <&5; "
                    "(read -r x <&5; echo got $x >&5) &")
        line.ours.sendall(b"typed\n")
        read_until(line, b"got typed\r\n")
        guest.shell("wait; exec 5<&-")
        check_judge(guest)


@test_each(("6.12-kvm", "6.12", "kvm"), ("6.1", "6.1", "xen-hvm"),
           by_hand=True)
def emergency_write_needs_no_driver(directory, _name, version, guest_kind):
    line = Line("console")
    with PortsGuest(directory, version, None, [line], "--guest", guest_kind,
                    qemu_args=console_args(line)) as guest:
        guest.ready()
        # Where the driver is a module, it has not been loaded.
        function = guest.shell(
            "cd /sys/bus/pci/devices; grep -l -i 0x1003 */device | "
            "cut -d/ -f1; cd /").strip()
        guest.shell(f"d=/sys/bus/pci/devices/{function}; "
                    f"[ ! -e $d/driver ] || echo {function} "
                    ">$d/driver/unbind; echo 1 >$d/enable")
        region = re.findall(r"0x([0-9a-f]+) ", guest.shell(
            f"sed -n 5p /sys/bus/pci/devices/{function}/resource"))[0]
        emerg_wr = int(region, 16) + CONFIG + EMERG_WR
        for char in b"help\n":
            guest.shell(f"devmem {emerg_wr:#x} 32 {char}")
        check("what came", read_until(line, b"\n"), b"help\n")
        check_judge(guest)


if __name__ == "__main__":
    main()
