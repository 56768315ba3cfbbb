#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux's virtio_console driver on virtio-serial-mq-pci.

Subject: the device with an unmodified driver.  Every byte that comes back is
compared with what was sent, and the guest's program tells a checksum of what it
has got.  What the driver may do wrong is the subject of payloads; that it does
not, according to the device's judge, is checked here after each test.
"""
import os
import random

from guest import sleep_and_wake
from harness import HANG_S, check, main, test_each
from qmp import move
from serialports import DRIVER, OURS, Drain, Echo, Line, PortsGuest, echo, lines

MANY = 31
BYTES = 20000
# By wall-clock time interrupts and notifications are moderated: of this much
# input more waits than there are buffers.
MUCH = 1 << 20


def check_judge(guest):
    """Nothing is said against the driver, and nothing was lost."""
    for info in guest.do("query-virtio-serial-mq"):
        check("rules broken", [(rule["rule"], rule["count"])
                               for rule in info["violations"]], [])
        check("control messages lost", info["control-lost"], 0)
        check("control messages that meant nothing", info["control-ignored"],
              0)


@test_each(("6.12-31-ports", "6.12", "xen-hvm", MANY, BYTES),
           ("6.1-100-ports-kvm", "6.1", "kvm", 100, BYTES))
@test_each(*[(f"{version}-{count}-{kind}", version, kind, count, BYTES)
             for version in ("6.12", "6.1") for count in (1, 31, 100)
             for kind in ("xen-hvm", "kvm")],
           *[(f"{version}-{count}-{kind}-wall-clock", version, kind, count,
              MUCH, "--no-icount")
             for version in ("6.12", "6.1") for count in (1, 31, 100)
             for kind in ("xen-hvm", "kvm")], by_hand=True)
def echo_on_all_ports_at_once(directory, _name, version, guest_kind, count,
                              size, *how):
    with PortsGuest(directory, version, OURS, lines(count), "--guest",
                    guest_kind, "--smp", "2", *how) as guest:
        guest.ready()
        guest.load()
        guest.start_echo()
        echo(guest.ends, size)
        guest.end_echo()
        check_judge(guest)


def storm(directory, version, rounds, seed):
    """Ports come and go; half of those that go are amid a transfer."""
    choice = random.Random(seed)
    with PortsGuest(directory, version, OURS, lines(3, "steady"), "--smp", "2",
                    options=("max_ports=31",)) as guest:
        guest.ready()
        guest.load()
        guest.start_echo(end=3 + 8 * rounds)
        for i in range(rounds):
            new = [Line(f"storm{i}-{j}") for j in range(8)]
            for line in choice.sample(new, len(new)):
                line.plug(guest, OURS)
            echo(new, 1)  # one that is never opened ends without a word
            moving = Echo(guest.ends + new, BYTES, seed=i)
            moving.run(until=choice.randrange(len(moving.left) * BYTES))
            for line in choice.sample(new, 4):
                moving.drop(line)
                line.unplug(guest)
                new.remove(line)
            moving.run()
            for line in choice.sample(new, 4):
                line.unplug(guest)
        gone = guest.end_echo()
        check("ports that have gone", len(gone), 8 * rounds)
        check("how", {told["end"] for told in gone.values()}, {"gone"})
        check_judge(guest)


@test_each(("6.12", "6.12", 2))
@test_each(("6.12-long", "6.12", 100), ("6.1-long", "6.1", 100), by_hand=True)
def ports_come_and_go(directory, _name, version, rounds):
    storm(directory, version, rounds, "comes and goes")


def lives_through(directory, version, times):
    """What is in flight when the driver freezes its device is lost."""
    with PortsGuest(directory, version, OURS, lines(MANY), "--smp",
                    "2") as guest:
        guest.ready()
        guest.load()
        guest.start_echo()
        for i in range(times):
            moving = Echo(guest.ends, BYTES, seed=f"cut {i}")
            moving.run(until=len(moving.left) * BYTES // 2)
            guest.do("jumpcut-cut", **{"downtime": "5"})
            moving.run()
            guest.suspend()
            guest.restore(downtime="5")
            echo(guest.ends, 1000, seed=f"restored {i}")
            sleep_and_wake(guest)
            echo(guest.ends, 1000, seed=f"awake {i}")
        guest.end_echo()
        check_judge(guest)


@test_each(("6.1", "6.1", 1))
@test_each(("6.12-long", "6.12", 10), ("6.1-long", "6.1", 10), by_hand=True)
def driver_lives_through_cut_suspend_and_sleep(directory, _name, version,
                                               times):
    lives_through(directory, version, times)


@test_each(("6.12", "6.12", "xen-hvm", MANY, 1, BYTES),
           ("6.1-wall-clock", "6.1", "kvm", 3, 2, MUCH, "--no-icount"))
@test_each(*[(f"{version}-{kind}-{count}", version, kind, count, 5, BYTES)
             for version in ("6.12", "6.1") for kind in ("xen-hvm", "kvm")
             for count in (1, 31, 100)],
           *[(f"{version}-{count}-wall-clock", version, "xen-hvm", count, 5,
              MUCH, "--no-icount")
             for version in ("6.12", "6.1") for count in (1, 31)],
           by_hand=True)
def guest_moves_amid_transfers(directory, _name, version, guest_kind, count,
                               times, size, *how):
    """Both QEMUs have the same sockets; data is on its way on every port."""
    ends = lines(count)
    how = ("--guest", guest_kind, "--smp", "2", *how)
    guest = PortsGuest(directory, version, OURS, ends, *how)
    try:
        guest.ready()
        guest.load()
        guest.start_echo()
        for i in range(times):
            moving = Echo(ends, size, seed=i)
            moving.run(until=len(moving.left) * size // 2)
            target = PortsGuest(directory, version, OURS, ends, *how,
                                extra=("-incoming", "defer"))
            source, guest = guest, target
            move(source, target, directory / f"socket{i}")
            source.end()
            moving.run()
        guest.end_echo()
        check_judge(guest)
    finally:
        guest.__exit__()


def reloads(directory, version, times):
    with PortsGuest(directory, version, OURS, lines(MANY), "--smp",
                    "2") as guest:
        guest.ready()
        guest.load()
        for i in range(times):
            guest.start_echo()
            echo(guest.ends, 1000, seed=i)
            guest.end_echo()
            guest.unload()
            guest.load_again()
        check_judge(guest)


@test_each(("6.1", "6.1", 5), ("6.1-long", "6.1", 100),
           ("6.12-long", "6.12", 100), by_hand=True)
def driver_is_loaded_again(directory, _name, version, times):
    reloads(directory, version, times)


# Ways to the same registers, queues and interrupts
WAYS = {
    "legacy": ("disable-modern=on",),
    "legacy-pin": ("disable-modern=on", "vectors=0"),
    "pin": ("vectors=0",),
    "two-vectors": ("vectors=2",),
    "pages": ("page-per-vq=on",),
    "ports": ("modern-pio-notify=on",),
    "packed": ("packed=on",),
    "bare": ("emergency-write=off", "console-size=off"),
    "eventfd": ("ioeventfd=on",),
}


def goes(directory, version, guest_kind, options, size, *how):
    """Through all that a driver does to registers."""
    with PortsGuest(directory, version, OURS, lines(3), "--guest", guest_kind,
                    "--smp", "2", *how,
                    options=("max_ports=4", *options)) as guest:
        guest.ready()
        guest.load()
        check("VERSION_1", guest.shell(
            f"cut -c33 {DRIVER}/virtio*/features").strip(),
              "0" if "disable-modern=on" in options else "1")
        guest.start_echo()
        echo(guest.ends, size)
        sleep_and_wake(guest)
        echo(guest.ends, 1000, seed="awake")
        guest.end_echo()
        guest.unload()
        guest.load_again()
        guest.start_echo()
        echo(guest.ends, 1000, seed="again")
        guest.end_echo()
        check_judge(guest)


@test_each(("6.12-legacy", "6.12", "xen-hvm", WAYS["legacy"], BYTES))
@test_each(*[(f"{version}-{way}-{kind}", version, kind, options, BYTES)
             for version in ("6.12", "6.1") for kind in ("xen-hvm", "kvm")
             for way, options in WAYS.items()],
           *[(f"{version}-{way}-wall-clock", version, "kvm", options, MUCH,
              "--no-icount")
             for version in ("6.12", "6.1") for way, options in WAYS.items()],
           by_hand=True)
def driver_goes_each_way(directory, _name, *row):
    goes(directory, *row)


def finish(guest):
    """@return: what was on the console, digests"""
    told = guest.whole_console(), guest.do("query-jumpcut")["digests"]
    guest.do("quit")
    guest.process.wait(HANG_S)
    return told


def record(directory, version, args, ends):
    """@return: as finish()"""
    with PortsGuest(directory, version, OURS, ends, *args, extra=("-S",),
                    plugin=f",record={directory}/trace") as guest:
        guest.do("cont")
        guest.ready()
        guest.load()
        guest.start_echo()
        moving = Echo(ends, BYTES)
        moving.run(until=len(ends) * BYTES // 2)
        guest.do("jumpcut-cut", **{"downtime": "5"})
        moving.run()
        guest.end_echo()
        check_judge(guest)
        guest.type("poweroff -f")
        guest.wait_event("SHUTDOWN")
        return finish(guest)


def replay(directory, version, args, ends):
    """Nobody writes to the ports; @return: as finish()"""
    with PortsGuest(directory, version, OURS, ends, *args, extra=("-S",),
                    plugin=f",replay={directory}/trace") as guest:
        for line in ends:
            line.close_theirs()
        drain = Drain(ends)
        guest.do("cont")
        event = guest.wait_event("JUMPCUT_REPLAY_END", "JUMPCUT_DIVERGENCE")
        check(f"complete: {guest.do('query-jumpcut-replay')}",
              event.get("complete"), True)
        guest.wait_event("SHUTDOWN")
        told = finish(guest)
        drain.join()
        return told


# test-serial-mq-record.py shows three ports with the tool in each check.
@test_each(*[(f"{version}-{kind}-{count}", version, kind, count)
             for version in ("6.12", "6.1") for kind in ("xen-hvm", "kvm")
             for count in (1, 31, 100)], by_hand=True)
def port_traffic_is_replayed(directory, _name, version, guest_kind, count):
    args = ("--guest", guest_kind, "--digest", "500ms")
    wrote = lines(count)
    console, digests = record(directory, version, args, wrote)
    again = lines(count)
    replayed, same = replay(directory, version, args, again)
    at = len(os.path.commonprefix([replayed, console]))
    check(f"console after {at} equal bytes", replayed[at:at + 200],
          console[at:at + 200])
    check("digests", same, digests)
    check("what came out of the ports",
          [(line.name, line.bytes, line.crc) for line in again],
          [(line.name, line.bytes, line.crc) for line in wrote])


if __name__ == "__main__":
    main()
