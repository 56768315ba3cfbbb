# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests with many virtio-serial ports, and the host's ends of those."""
import dataclasses
import os
import pathlib
import random
import re
import runpy
import selectors
import socket
import threading
import zlib

from guest import Guest
from harness import HANG_S, ROOT, Failure, Skip, check
from pvdev import initrd

PROGRAM = os.environ.get("JUMPCUT_SERIAL_PORTS", str(
    ROOT / "build/tests/functional/guest-serial-ports"))
PRESSURE = os.environ.get("JUMPCUT_SERIAL_PRESSURE", str(
    ROOT / "build/tests/functional/guest-serial-pressure"))
LIVES = os.environ.get("JUMPCUT_SERIAL_LIVES", str(
    ROOT / "build/tests/functional/guest-serial-lives"))
# Those that are no modules of a kernel are built into it.
MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev",
           "virtio_pci_modern_dev", "virtio_pci", "virtio_console")
LOAD = (f"for m in {' '.join(MODULES)}; do "
        "[ ! -e /lib/modules/$m.ko ] || insmod /lib/modules/$m.ko; done")
DRIVER = "/sys/bus/virtio/drivers/virtio_console"


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a device and its ports are called."""
    controller: str
    port: str
    console: str


OURS = Kind("virtio-serial-mq-pci", "virtserialport-mq", "virtconsole-mq")
STOCK = Kind("virtio-serial-pci", "virtserialport", "virtconsole")


def initrd_with_ports(directory, version, programs=()):
    """The initramfs with the kernel's modules and the guest's programs."""
    path = initrd(directory, version)
    archive = runpy.run_path(str(ROOT / "scripts/mk-initramfs"))["archive"]
    for program in (PROGRAM, *programs):
        program = pathlib.Path(program)
        if not program.is_file():
            raise Skip(f"{program} is missing")
        with open(path, "ab") as out:
            out.write(archive({
                f"bin/{program.name.removeprefix('guest-')}":
                (0o100755, program.read_bytes(), (0, 0))}))
    return path


class Line:
    """A port and the host's end of it."""

    def __init__(self, name, device="serial0", nr=None):
        self.name = name
        self.nr = nr  # of the port; the lowest that is free if None
        self.bus = f"{device}.0"
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.fd = self.theirs.fileno()
        self.crc = 0
        self.bytes = 0

    def close(self):
        self.ours.close()
        self.close_theirs()

    def close_theirs(self):
        """QEMU has it, and is the only one."""
        self.theirs.close()

    def qemu_args(self, kind):
        return ("-chardev", f"socket,id=chr-{self.name},fd={self.fd}",
                "-device", f"{kind.port},bus={self.bus},id={self.name},"
                f"chardev=chr-{self.name},name={self.name}" +
                (f",nr={self.nr}" if self.nr else ""))

    def plug(self, guest, kind):
        """Into a guest that runs."""
        guest.send_fd(self.fd, f"fd-{self.name}")
        guest.do("chardev-add", id=f"chr-{self.name}", backend={
            "type": "socket", "data": {"server": False, "addr": {
                "type": "fd", "data": {"str": f"fd-{self.name}"}}}})
        guest.do("device_add", driver=kind.port, bus=self.bus, id=self.name,
                 chardev=f"chr-{self.name}", name=self.name,
                 **({"nr": self.nr} if self.nr else {}))

    def unplug(self, guest):
        guest.do("device_del", id=self.name)
        guest.wait_deleted(self.name)
        self.forget(guest)

    def forget(self, guest):
        """Its device is gone."""
        guest.do("chardev-remove", id=f"chr-{self.name}")
        self.close()


def lines(count, prefix="port", device="serial0"):
    return [Line(f"{prefix}{i}", device) for i in range(1, count + 1)]


def qemu_args(kind, ends, *options, device="serial0"):
    """The controller and its ports; port 0 is a console's."""
    args = ["-device", ",".join((
        kind.controller, f"id={device}",
        *(options or (f"max_ports={len(ends) + 1}",))))]
    for line in ends:
        args += line.qemu_args(kind)
    return tuple(args)


def content_of(seed, line, size):
    """Bytes with no NUL among them, which would end the port."""
    return random.Random(f"{seed} {line.name}").randbytes(size).replace(
        b"\0", b"\1")


class Echo:
    """Bytes on their way through many ports to the guest and back."""

    def __init__(self, ends, size, seed=0, last=False):
        self.selector = selectors.DefaultSelector()
        self.left = {}
        for line in ends:
            data = content_of(seed, line, size) + (b"\0" if last else b"")
            line.crc = zlib.crc32(data, line.crc)
            line.bytes += len(data)
            self.left[line] = [data, data]
            self.selector.register(
                line.ours, selectors.EVENT_READ | selectors.EVENT_WRITE, line)

    def run(self, until=0):
        """Until so many bytes are left to come back."""
        while sum(len(back) for _, back in self.left.values()) > until:
            ready = self.selector.select(HANG_S)
            if not ready:
                raise Failure("nothing moves; bytes left to come back: " +
                              str({line.name: len(back) for line, (_, back)
                                   in self.left.items() if back}))
            for key, events in ready:
                self._move(key.data, events)

    def drop(self, line):
        """It is amid its transfer, and about to be unplugged."""
        if line.ours in self.selector.get_map():
            self.selector.unregister(line.ours)
        del self.left[line]

    def _move(self, line, events):
        out, back = self.left[line]
        if events & selectors.EVENT_WRITE:
            out = out[line.ours.send(out[:65536]):]
        if events & selectors.EVENT_READ:
            got = line.ours.recv(65536)
            if not got or not back.startswith(got):
                raise Failure(f"{line.name}: wanted {back[:64]!r}, "
                              f"got {got[:64]!r}, {len(back)} to go")
            back = back[len(got):]
        self.left[line] = [out, back]
        wanted = (selectors.EVENT_READ if back else 0) | (
            selectors.EVENT_WRITE if out else 0)
        if wanted:
            self.selector.modify(line.ours, wanted, line)
        else:
            self.selector.unregister(line.ours)


def echo(ends, size, **how):
    """Sends and gets back what was sent, on all at once."""
    Echo(ends, size, **how).run()


class Drain(threading.Thread):
    """Reads what comes out of ports till QEMU has gone."""

    def __init__(self, ends):
        super().__init__(daemon=True)
        self.ends = {line.ours: line for line in ends}
        self.start()

    def run(self):
        selector = selectors.DefaultSelector()
        for end in self.ends:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                line = self.ends[key.fileobj]
                got = line.ours.recv(65536)
                if not got:
                    selector.unregister(line.ours)
                line.crc = zlib.crc32(got, line.crc)
                line.bytes += len(got)


class PortsGuest(Guest):
    """A guest with such ports; with none at first if kind is None."""

    def __init__(self, directory, version, kind, ends, *boot_arguments,
                 options=(), device="serial0", programs=(), **how):
        self.ends = list(ends)
        self.echo_start = 0
        fds = [line.fd for line in ends]
        words = tuple(how.pop("qemu_args", ()))
        if kind:
            words += qemu_args(kind, ends, *options, device=device)
        super().__init__(
            directory, version, *boot_arguments,
            initrd=initrd_with_ports(directory, version, programs),
            qemu_args=words, fds=fds, **how)

    def end(self):
        """Its ports are another's now."""
        super().__exit__()

    def __exit__(self, *how):
        self.end()
        for line in self.ends:
            line.close()

    def whole_console(self):
        """Of a guest that does no more."""
        size = self.do("query-jumpcut")["console-bytes"]
        with self.grown:
            check("console is whole", self.grown.wait_for(
                lambda: len(self.console) >= size, HANG_S), True)
        return self.console

    def load(self):
        """The driver, if it is a module."""
        self.shell(f"dmesg -n 1; {LOAD}")

    def node_of(self, name):
        """@return: the node in the guest of the port of that name"""
        self.shell("n=; until [ -c \"$n\" ]; do "
                   "for d in /sys/class/virtio-ports/*; do "
                   f"[ \"$(cat $d/name 2>&1)\" != {name} ] || "
                   "n=/dev/${d##*/}; done; usleep 1000; done")
        return self.shell("echo $n").strip()

    def node(self, line):
        return self.node_of(line.name)

    def unbind(self):
        """The driver; /tmp/bound of the guest names its devices."""
        self.shell(f"for d in {DRIVER}/virtio*; do basename $d; done "
                   f">/tmp/bound; for d in $(cat /tmp/bound); do "
                   f"echo $d >{DRIVER}/unbind; done")

    def unload(self):
        """The driver, which needs no module for that."""
        self.unbind()
        self.shell("! grep -q ^virtio_console /proc/modules || "
                   "rmmod virtio_console")

    def load_again(self):
        """After unload()."""
        self.shell("if [ -e /lib/modules/virtio_console.ko ]; then "
                   "insmod /lib/modules/virtio_console.ko; else "
                   f"for d in $(cat /tmp/bound); do echo $d >{DRIVER}/bind; "
                   "done; fi")

    def check_kernel(self):
        """It has nothing to complain of."""
        check("complaints", self.shell(
            "dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|rcu.*stall|blocked "
            "for|refcount|corruption' || true"), "")

    def start_echo(self, end=0):
        """Every port sends back what it gets, till so many have ended."""
        count = len(self.ends)
        for line in self.ends:
            line.crc = line.bytes = 0
        self.echo_start = self.seen
        self.shell(f"serial-ports echo {count} {end or count} &")
        told, self.seen = self.seen, self.echo_start
        self.wait(rf"PORTS open={count}\r*\n")
        self.seen = max(self.seen, told)

    def end_echo(self, running=False):
        """All ports have: what came into them is right; @return: of others.

        The guest's program is ended if running tells that it goes on.
        """
        echo(self.ends, 1, seed="last", last=True)
        with self.grown:
            check("ports have ended", self.grown.wait_for(
                lambda: all(line.name in self.ended() for line in self.ends),
                HANG_S), True)
        self.shell("killall serial-ports; wait" if running else "wait")
        told = self.ended()
        for line in self.ends:
            check(f"what came into {line.name}", told.pop(line.name, None),
                  {"bytes": line.bytes, "crc": line.crc, "end": "told"})
        return told

    def ended(self):
        """@return: what the guest's program has told of ports, by name"""
        return ports_of(self.console[self.echo_start:])


_PORT = re.compile(rb"PORT name=(\S+) bytes=(\d+) crc=([0-9a-f]{8}) "
                   rb"hangups=(\d+) end=([^\r\n]+)\r*\n")


def ports_of(console):
    """What serial-ports has told of each port."""
    return {name.decode(): {"bytes": int(count), "crc": int(crc, 16),
                            "end": end.decode()}
            for name, count, crc, _, end in _PORT.findall(console)}
