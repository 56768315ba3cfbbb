#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Serial ports and their device come and go under a guest that uses them.

Subject: Linux's virtio_console driver and virtio-serial-mq-pci while ports are
plugged in and out faster than the driver can follow, the device itself leaves
with its ports open, and the guest moves to another process amid all that, held
up by the device as it may do.  Every byte of a port that stays comes back.
"""
import random

from guest import sleep_and_wake
from harness import check, main, test_each
from qmp import move
from serialports import OURS, Echo, Line, PortsGuest, echo, lines, qemu_args

BYTES = 20000
STEADY = 3
PORTS_MAX = 31
# Of port n, queue 2n + 2 is from the host and 2n + 3 to it.  None of these may
# lose a byte, and none is over at once.
HELD = (
    "push=5#2:completion-hold,queue=5,delay=2ms",
    "notify=7#2:completion-reorder,queue=7,delay=3ms",
    "push=4#1:port-throttle,port=1,delay=2ms,count=3",
    "push=9#1:completion-hold,queue=3,delay=1ms",
    "push=6#1:control-starve,delay=4ms",
    "push=8#1:interrupt-spurious,queue=8,count=9",
    "push=8#2:config-interrupt,count=3",
    "interrupt=9#1:port-throttle,port=3,delay=5ms",
)


def check_driver(guest):
    for info in guest.do("query-virtio-serial-mq"):
        check("rules broken", [(rule["rule"], rule["count"])
                               for rule in info["violations"]], [])
        check("control messages lost", info["control-lost"], 0)
    guest.check_kernel()


def provoke(guest):
    for spec in HELD:
        guest.do("virtio-serial-mq-provoke", spec=spec)


def check_provoked(guest, times):
    info, = guest.do("query-virtio-serial-mq")
    check("provocations", len(info["provocations"]), times * len(HELD))
    check("provocations that did nothing", [
        one["spec"] for one in info["provocations"] if not one["count"]], [])


def steady():
    return [Line(f"steady{nr}", nr=nr) for nr in range(1, STEADY + 1)]


class Comers:
    """Ports that come and go, numbered so that another process has them, too.

    The guest's program may see a port or not, which is gone at once.
    """

    def __init__(self, seed):
        self.choice = random.Random(seed)
        self.there = []
        self.plugged = 0

    def once(self, guest):
        free = (set(range(STEADY + 1, PORTS_MAX)) -
                {line.nr for line in self.there})
        if self.there and (not free or self.choice.randrange(2)):
            line = self.choice.choice(self.there)
            self.there.remove(line)
            line.unplug(guest)
        else:
            line = Line(f"comer{self.plugged}", nr=self.choice.choice(
                sorted(free)))
            line.plug(guest, OURS)
            self.there.append(line)
            self.plugged += 1
            if self.choice.randrange(2):
                line.ours.send(b"x" * self.choice.randrange(1, 5000))

    def go(self, guest):
        while self.there:
            self.there.pop().unplug(guest)


def rush(directory, version, rounds):
    """Ports come and go amid transfers through others, unwaited for."""
    comers = Comers("rush")
    with PortsGuest(directory, version, OURS, steady(), "--smp", "2",
                    options=(f"max_ports={PORTS_MAX}",)) as guest:
        guest.ready()
        guest.load()
        guest.start_echo(end=1 << 20)
        for i in range(rounds):
            moving = Echo(guest.ends, BYTES, seed=i)
            for j in range(10):
                moving.run(until=STEADY * BYTES * (9 - j) // 10)
                comers.once(guest)
            moving.run()
        comers.go(guest)
        guest.end_echo(running=True)
        guest.shell("ls /sys/class/virtio-ports | wc -l >/tmp/n; "
                    f"echo {STEADY} | cmp - /tmp/n")
        check_driver(guest)


@test_each(("6.12", "6.12", 50), ("6.1", "6.1", 50), by_hand=True)
def ports_come_and_go_at_once(directory, _name, version, rounds):
    rush(directory, version, rounds)


def moves(directory, version, guest_kind, times):
    """A storm goes on before and behind each move; transfers amid it."""
    comers = Comers("moves")
    ends = steady()
    how = {"options": (f"max_ports={PORTS_MAX}",)}
    args = ("--guest", guest_kind, "--smp", "2")
    guest = PortsGuest(directory, version, OURS, ends, *args, **how)
    try:
        guest.ready()
        guest.load()
        guest.start_echo(end=1 << 20)
        for i in range(times):
            moving = Echo(ends, BYTES, seed=i)
            provoke(guest)
            for j in range(5):
                moving.run(until=STEADY * BYTES * (9 - j) // 10)
                comers.once(guest)
            target = PortsGuest(directory, version, OURS, ends + comers.there,
                                *args, extra=("-incoming", "defer"), **how)
            source, guest = guest, target
            move(source, target, directory / f"socket{i}")
            source.end()
            for j in range(5, 10):
                moving.run(until=STEADY * BYTES * (9 - j) // 10)
                comers.once(guest)
            echo(ends, BYTES, seed=f"behind {i}")
            check_provoked(guest, i + 1)
        comers.go(guest)
        guest.ends = ends
        guest.end_echo(running=True)
        check_driver(guest)
    finally:
        guest.__exit__()


@test_each(*[(f"{version}-{kind}", version, kind, 10)
             for version in ("6.12", "6.1") for kind in ("xen-hvm", "kvm")],
           by_hand=True)
def guest_moves_amid_storm_and_provocations(directory, _name, version,
                                            guest_kind, times):
    moves(directory, version, guest_kind, times)


def sleeps(directory, version, times):
    """Suspended and asleep with provocations that are not over."""
    with PortsGuest(directory, version, OURS, lines(STEADY), "--smp",
                    "2") as guest:
        guest.ready()
        guest.load()
        guest.start_echo()
        for i in range(times):
            provoke(guest)
            echo(guest.ends, BYTES, seed=i)
            guest.suspend()
            guest.restore(downtime="5")
            check_provoked(guest, 2 * i + 1)
            provoke(guest)
            echo(guest.ends, BYTES, seed=f"restored {i}")
            sleep_and_wake(guest)
            echo(guest.ends, BYTES, seed=f"awake {i}")
            check_provoked(guest, 2 * i + 2)
        guest.end_echo()
        check_driver(guest)


@test_each(("6.12", "6.12", 10), ("6.1", "6.1", 10), by_hand=True)
def guest_sleeps_amid_provocations(directory, _name, version, times):
    sleeps(directory, version, times)


def unplugs(directory, version, guest_kind, times):
    """The device goes with its ports open, amid transfers, and comes back."""
    with PortsGuest(directory, version, OURS, lines(STEADY), "--guest",
                    guest_kind, "--smp", "2") as guest:
        guest.ready()
        guest.load()
        for i in range(times):
            guest.start_echo()
            moving = Echo(guest.ends, BYTES, seed=i)
            moving.run(until=STEADY * BYTES * (i % 10) // 10)
            guest.do("device_del", id="serial0")
            guest.wait_deleted("serial0")
            guest.shell("wait")
            check("ports left", guest.shell("ls /sys/class/virtio-ports"), "")
            check("devices", guest.do("query-virtio-serial-mq"), [])
            for line in guest.ends:
                line.forget(guest)
            guest.check_kernel()
            guest.do("device_add", driver=OURS.controller, id="serial0")
            guest.ends = lines(STEADY)
            for line in guest.ends:
                line.plug(guest, OURS)
        guest.start_echo()
        echo(guest.ends, BYTES, seed="last but one")
        guest.end_echo()
        check_driver(guest)


@test_each(("6.12-kvm-twice", "6.12", "kvm", 2))
@test_each(("6.12", "6.12", "xen-hvm", 20), ("6.1", "6.1", "xen-hvm", 20),
           ("6.12-kvm", "6.12", "kvm", 20), by_hand=True)
def device_goes_with_its_ports_open(directory, _name, version, guest_kind,
                                    times):
    unplugs(directory, version, guest_kind, times)


if __name__ == "__main__":
    main()
