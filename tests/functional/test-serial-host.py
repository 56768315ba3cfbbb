#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's end of serial ports: readers that stop, and kinds of -chardev.

Subject: with a reader that does not read, a guest's write() waits or says
EAGAIN, as poll() told, and no byte is lost, nor kept from others; a guest that
does not read holds up its port's host alone.  And ports with each kind of
character device that carries bytes.
Left out are those that are a device's own (braille, msmouse, wctablet, vdagent,
spice, dbus), need a display (vc) or hardware (serial, parallel).
"""
import hashlib
import os
import select
import socket
import string
import subprocess
import tty

from harness import HANG_S, Failure, check, main, test_each
from recorder import Recording, replay
from serialports import (LOAD, OURS, PRESSURE, Line, PortsGuest, echo,
                         initrd_with_ports, lines)

BYTES = 4 << 20


def check_driver(guest):
    for info in guest.do("query-virtio-serial-mq"):
        check("rules broken", [(rule["rule"], rule["count"])
                               for rule in info["violations"]], [])
    guest.check_kernel()


def port_of(guest, name):
    info, = guest.do("query-virtio-serial-mq")
    return next(port for port in info["ports"] if port.get("name") == name)


def pattern(size):
    period = bytes(range(251))
    return (period * (size // 251 + 1))[:size]


def read_exactly(end, size):
    got = b""
    while len(got) < size:
        if not select.select([end], [], [], HANG_S)[0]:
            raise Failure(f"{len(got)} of {size} bytes came")
        more = end.recv(65536)
        if not more:
            raise Failure(f"end after {len(got)} of {size} bytes")
        got += more
    return got


def check_silence(guest):
    """The writer has not gone on, though its guest has."""
    guest.shell("usleep 500000")
    check("PRESSURE", b"PRESSURE" in guest.console[guest.seen:], False)


def pressed(directory, version, guest_kind):
    with PortsGuest(directory, version, OURS, lines(3), "--guest", guest_kind,
                    "--smp", "2", programs=(PRESSURE,)) as guest:
        slow, *others = guest.ends
        guest.ready()
        guest.load()
        # None of the shell's own, which waits for those.
        guest.shell(f"(serial-pressure {guest.node(slow)} {BYTES} &)")
        told = guest.wait(r"PRESSURE full=(\d+) again=yes pollout=no\r*\n")
        check("full before all was written", int(told[1]) < BYTES, True)
        check("blocked", port_of(guest, slow.name)["blocked"], True)
        guest.ends = others
        guest.start_echo()
        echo(others, 50000)
        guest.end_echo()
        check_silence(guest)
        got = read_exactly(slow.ours, int(told[1]) // 2)
        guest.wait("PRESSURE room\r*\n")
        check_silence(guest)
        got += read_exactly(slow.ours, BYTES - len(got))
        guest.wait(rf"PRESSURE done={BYTES}\r*\n")
        same = len(os.path.commonprefix([got, pattern(BYTES)]))
        check("bytes as they were written", same, BYTES)
        guest.ends = [slow, *others]
        check_driver(guest)


def send_till_full(guest, end):
    """@return: bytes that were taken before nothing more was"""
    sent = idle = 0
    data = pattern(BYTES)
    while idle < 3:
        try:
            sent += end.send(data[sent:sent + 65536])
            idle = 0
        except BlockingIOError:
            guest.shell("usleep 100000")
            idle += 1
    return sent, data


def unread(directory, version):
    """The guest has its port open and does not read."""
    with PortsGuest(directory, version, OURS, lines(2), "--smp",
                    "2") as guest:
        full, other = guest.ends
        guest.ready()
        guest.load()
        guest.shell(f"exec 5<>{guest.node(full)}")
        sent, data = send_till_full(guest, full.ours)
        check("a bounded number of bytes", 0 < sent < BYTES, True)
        guest.ends = [other]
        guest.start_echo()
        echo([other], 50000)
        guest.end_echo()
        guest.shell(f"head -c {sent} <&5 | sha256sum >/tmp/sum; echo "
                    f"{hashlib.sha256(data[:sent]).hexdigest()} >/tmp/wanted; "
                    "head -c 64 /tmp/sum >/tmp/got; echo >>/tmp/got; "
                    "cmp /tmp/wanted /tmp/got")
        full.ours.send(b"last\n")
        check("what comes then", guest.shell("read -r x <&5; echo $x; "
                                             "exec 5<&-"), "last\n")
        guest.ends = [full, other]
        check_driver(guest)


@test_each(("6.12-kvm", "6.12", "kvm"), ("6.1", "6.1", "xen-hvm"),
           by_hand=True)
def slow_reader_holds_its_writer_alone(directory, _name, version, guest_kind):
    pressed(directory, version, guest_kind)


@test_each(("6.12", "6.12"), ("6.1", "6.1"), by_hand=True)
def guest_that_does_not_read_loses_nothing(directory, _name, version):
    unread(directory, version)


class MuxLine(Line):
    """QEMU takes what its host sends as it is told that there is room."""

    def qemu_args(self, kind):
        option, chardev, *device = super().qemu_args(kind)
        return option, f"{chardev},mux=on", *device


def fall_behind(directory, version, *options):
    """A byte a buffer comes, and more than there are buffers."""
    count = 300
    data = (string.ascii_letters * count)[:count].encode()  # none an escape
    end = MuxLine("slow")
    with PortsGuest(directory, version, OURS, [end], "--guest", "kvm",
                    "--no-icount", options=("max_ports=2",
                                            *options)) as guest:
        guest.ready()
        guest.load()
        end.ours.send(data)
        text = guest.shell(
            f"exec 5<{guest.node(end)}; for i in $(seq {count}); do dd bs=1 "
            "count=1 <&5 2>/dev/null; usleep 1000; done | sha256sum; exec 5<&-")
        check("what was read", text.split()[0],
              hashlib.sha256(data).hexdigest())
        check_driver(guest)


@test_each(("6.1-packed", "6.1", "packed=on"))
@test_each(("6.12-packed", "6.12", "packed=on"), ("6.12", "6.12"),
           ("6.1", "6.1"), by_hand=True)
def reader_that_falls_behind_gets_all(directory, _name, version, *options):
    fall_behind(directory, version, *options)


class Kinds:
    """Ports on character devices of all kinds, and their hosts' ends."""

    # Of those that come and go these have somebody at once.
    THERE = ("client", "pipe", "file", "ringbuf", "stdio", "mux0", "mux1")

    def __init__(self, directory, without=()):
        self.directory = directory
        self.without = without
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    for _ in range(2)]
        for end in self.udp:
            end.bind(("127.0.0.1", 0))
        # QEMU's own end has the address of the second, which lets go of it.
        self.udp_port = self.udp[1].getsockname()[1]
        self.udp[1].close()
        for name in ("pipe.in", "pipe.out"):
            os.mkfifo(directory / name)
        (directory / "read").write_bytes(b"from a file\n")

    def ports(self):
        path = self.directory
        return {
            "unix": f"socket,path={path}/unix,server=on,wait=off",
            "client": "socket,host=127.0.0.1,port="
                      f"{self.tcp.getsockname()[1]},reconnect-ms=20",
            "telnet": f"socket,path={path}/telnet,server=on,wait=off,"
                      "telnet=on",
            "pty": "pty",
            "pipe": f"pipe,path={path}/pipe",
            "file": f"file,path={path}/file",
            "input": f"file,path={path}/unused,input-path={path}/read",
            "ringbuf": "ringbuf,size=65536",
            "stdio": "stdio,signal=off",
        }

    def consoles(self):
        """QEMU never says that there is somebody at their other ends."""
        return {
            "null": "null",
            "udp": "udp,host=127.0.0.1,port="
                   f"{self.udp[0].getsockname()[1]},localaddr=127.0.0.1,"
                   f"localport={self.udp_port}",
            "hub": "hub,chardevs.0=spoke0,chardevs.1=spoke1",
        }

    def qemu_args(self):
        path = self.directory
        args = ["-device", f"{OURS.controller},id=serial0"]
        for i in range(2):
            args += ["-chardev", f"file,id=spoke{i},path={path}/spoke{i}"]
        args += ["-chardev", f"socket,id=chr-mux,path={path}/mux,server=on,"
                 "wait=off,mux=on"]
        for device, chardevs in ((OURS.console, self.consoles()),
                                 (OURS.port, self.ports())):
            for name, chardev in chardevs.items():
                if name in self.without:
                    continue
                kind, _, rest = chardev.partition(",")
                args += ["-chardev",
                         f"{kind},id=chr-{name},{rest}".rstrip(",")]
                args += self._device(device, name, f"chr-{name}")
        for name in ("mux0", "mux1"):
            args += self._device(OURS.port, name, "chr-mux")
        return tuple(args)

    @staticmethod
    def _device(device, name, chardev):
        return ["-device", f"{device},bus=serial0.0,id={name},"
                f"chardev={chardev},name={name}"]


class StdioGuest(PortsGuest):
    stdin = stdout = subprocess.PIPE


def say_back(end, text):
    """The guest's echo sends it back."""
    end.sendall(text)
    check("what came back", read_exactly(end, len(text)), text)


def unix_socket(path):
    end = socket.socket(socket.AF_UNIX)
    end.connect(str(path))
    return end


def try_servers(directory):
    """Twice: one that has gone may come again."""
    for i in range(2):
        with unix_socket(directory / "unix") as end:
            say_back(end, b"unix %d" % i)
        with unix_socket(directory / "telnet") as end:
            end.sendall(b"telnet")
            got = b""
            while not got.endswith(b"telnet"):
                got += read_exactly(end, 1)
            check("options", got[:1], b"\xff")


def try_client(server):
    """QEMU comes again if it is left."""
    for i in range(2):
        end, _ = server.accept()
        with end:
            say_back(end, b"client %d" % i)


def try_mux(guest, directory):
    """Input is one's of those that share it; ^A c chooses the next."""
    with unix_socket(directory / "mux") as end:
        say_back(end, b"to one")
        end.sendall(b"\1c")
        say_back(end, b"to the other")
    check("bytes", sorted(port_of(guest, name)["in-bytes"] for name in
                          ("mux0", "mux1")), [6, 12])


def say_back_fds(to, back, text):
    os.write(to, text)
    got = b""
    while len(got) < len(text):
        if not select.select([back], [], [], HANG_S)[0]:
            raise Failure(f"wanted {text!r}, {got!r} came")
        got += os.read(back, 100)
    check("what came back", got, text)


def try_pty(guest):
    path = next(one["filename"] for one in guest.do("query-chardev")
                if one["label"] == "chr-pty").removeprefix("pty:")
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(fd)
        say_back_fds(fd, fd, b"pty")
    finally:
        os.close(fd)


def try_pipe(directory):
    """Names are QEMU's view: it reads .in."""
    with open(directory / "pipe.in", "wb", buffering=0) as to, \
            open(directory / "pipe.out", "rb", buffering=0) as back:
        say_back_fds(to.fileno(), back.fileno(), b"pipe")


def wait_for(guest, what, wanted, read):
    """Until read() has it; the guest goes on meanwhile."""
    for _ in range(100):
        if read() == wanted:
            return
        guest.shell("usleep 10000")
    check(what, read(), wanted)


def try_outputs(guest, directory):
    """Those that only take; what they have got is looked at in the end."""
    text = "".join(f"{i}\n" for i in range(1, 1001))
    for name in ("file", "ringbuf"):
        guest.shell(f"seq 1000 >{guest.node_of(name)}")
        wait_for(guest, name, len(text),
                 lambda name=name: port_of(guest, name)["out-bytes"])
    check("ringbuf", guest.do("ringbuf-read", device="chr-ringbuf",
                              size=65536), text)
    check("file", (directory / "file").read_text(), text)


def try_consoles(guest, kinds, first):
    """first: number of the first hvc that is ours"""
    for i, name in ((0, "null"), (2, "hub")):
        guest.shell(f"exec 5<>/dev/hvc{first + i}; stty raw -echo <&5; "
                    "seq 1000 >&5; exec 5<&-")
        wait_for(guest, name, 3893,
                 lambda name=name: port_of(guest, name)["out-bytes"])
    for i in range(2):
        check("hub", (kinds.directory / f"spoke{i}").stat().st_size, 3893)
    guest.shell(f"exec 5<>/dev/hvc{first + 1}; stty raw -echo <&5; "
                "(read -r x <&5; echo $x back >&5) &")
    kinds.udp[0].settimeout(HANG_S)
    kinds.udp[0].sendto(b"there and\n", ("127.0.0.1", kinds.udp_port))
    got = b""
    while not got.endswith(b"\n"):
        got += kinds.udp[0].recv(100)
    check("udp", got, b"there and back\n")
    guest.shell("wait; exec 5<&-")


@test_each(("6.12", "6.12", "xen-hvm"), ("6.1-kvm", "6.1", "kvm"),
           by_hand=True)
def every_kind_of_chardev_carries_bytes(directory, _name, version,
                                        guest_kind):
    kinds = Kinds(directory)
    with StdioGuest(directory, version, None, (), "--guest", guest_kind,
                    "--smp", "2", qemu_args=kinds.qemu_args()) as guest:
        guest.ready()
        guest.load()
        check("input", guest.shell(f"head -c 12 <{guest.node_of('input')}"),
              "from a file\n")
        try_outputs(guest, directory)
        try_consoles(guest, kinds, guest_kind == "xen-hvm")
        guest.shell(f"serial-ports echo {len(kinds.THERE)} 99 &")
        guest.wait(rf"PORTS open={len(kinds.THERE)}\r*\n")
        try_servers(directory)
        try_client(kinds.tcp)
        try_pty(guest)
        try_pipe(directory)
        try_mux(guest, directory)
        # Where QEMU has said which pty it is.
        check("pty", b"(label chr-pty)" in guest.process.stdout.readline(),
              True)
        say_back_fds(guest.process.stdin.fileno(),
                     guest.process.stdout.fileno(), b"stdio")
        check_driver(guest)


@test_each(("6.12", "6.12"), ("6.1", "6.1"), by_hand=True)
def every_kind_of_chardev_is_recorded(directory, _name, version):
    """But stdio, which jumpcut record has; in the replay nobody is there."""
    kinds = Kinds(directory, without=("stdio",))
    there = len(set(kinds.THERE) - set(kinds.without))
    with Recording(directory, "run", version, "--digest", "500ms", "--initrd",
                   initrd_with_ports(directory, version),
                   qemu_args=kinds.qemu_args()) as guest:
        guest.await_text(b"JUMPCUT ready")
        guest.type(LOAD.encode())
        guest.type(b"serial-ports echo %d 99 & true" % there)
        guest.await_text(b"PORTS open=%d" % there)
        for name in ("unix", "mux"):
            with unix_socket(directory / name) as end:
                say_back(end, b"to " + name.encode())
        try_pipe(directory)
        with kinds.tcp.accept()[0] as end:
            say_back(end, b"client")
        guest.type(b"killall serial-ports")
        trace, console = guest.trace, guest.power_off()
    replay(trace, "--trust", console=console)


if __name__ == "__main__":
    main()
