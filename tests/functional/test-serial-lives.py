#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Thousands of lives of Linux's virtio_console driver on virtio-serial-mq-pci.

Subject: the device's judge has nothing to say against a driver that does
nothing wrong.  The stock driver takes the device and leaves it, at all stages
of what goes on between, while the device does to it what it may; the driver has
to live through it, too.
The seed repeats which provocations there are and at which event, and what the
guest's program draws, but not when the events come: threads of the host echo at
its speed, and nothing is recorded.  So a run that fails need not fail again.
Left out is needs-reset, for which this driver has no answer; interrupts as
moments; and of port 0, a console without output, all messages but console-port.
"""
import collections
import random
import re
import selectors
import threading

from harness import check, main, test_each
from serialports import LIVES, OURS, PortsGuest, lines, qemu_args

PORTS = 3
BATCH = 50  # lives that one command lets pass
ARMED = 40  # provocations in those
# As Linux writes the status of a device, of which each life has them all.
STATUS = ("0x01", "0x03", "0x0b", "0x0f")
MESSAGES = ("control-rx=port-ready", "control-rx=port-open",
            "control-tx=port-add", "control-tx=console-port",
            "control-tx=port-name", "control-tx=port-open")


class Back(threading.Thread):
    """Sends back what comes out of ports, as far as it is taken."""

    def __init__(self, ends):
        super().__init__(daemon=True)
        self.ends = ends
        self.start()

    def run(self):
        selector = selectors.DefaultSelector()
        for line in self.ends:
            selector.register(line.ours, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                try:
                    got = key.fileobj.recv(65536)
                    if got:
                        key.fileobj.send(got)
                except BlockingIOError:
                    continue
                except OSError:
                    got = b""
                if not got:
                    selector.unregister(key.fileobj)


def some_time(choice):
    return f"{choice.randrange(1, 3000)}us"


def some_queue(choice):
    return choice.randrange(2 * PORTS + 4)


def some_moment(choice):
    """That comes sooner or later."""
    kind = choice.randrange(6)
    nth = choice.randrange(1, BATCH + 1)
    if kind == 0:
        what = f"status={choice.choice(STATUS)}"
    elif kind == 1:
        what = choice.choice(("reset", "control-rx=device-ready"))
    elif kind == 2:
        what = "config-read"
        nth *= 2
    elif kind == 3:
        # Through the console's queues nothing goes.
        what = choice.choice(("notify", "push"))
        what = f"{what}={choice.randrange(2, 2 * PORTS + 4)}"
    else:
        message = choice.choice(MESSAGES)
        port = choice.randrange(1, PORTS + 1)
        what = f"{message}/{0 if 'console' in message else port}"
        nth = nth // 4 + 1
    return f"{what}#{nth}"


def some_deed(choice):
    """Legal, and nothing for which this driver waits for ever."""
    port = choice.randrange(PORTS + 1)
    queue = some_queue(choice)
    count = choice.randrange(1, 5)
    delay = some_time(choice)
    return choice.choice((
        f"control-starve,delay={delay},count={count}",
        f"port-order,seed={choice.randrange(1, 1000)}",
        f"port-flap,port={port},count={count}",
        f"port-flap,count={count}",
        f"port-throttle,port={port},delay={delay},count={count}",
        f"host-disconnect,port={port},delay={delay},count={count}",
        f"completion-hold,queue={queue},delay={delay},count={count}",
        f"completion-reorder,queue={queue},delay={delay},count={count}",
        f"interrupt-spurious,queue={queue},count={count}",
        f"config-interrupt,count={count}",
    ))


def some_provocations(choice):
    """For a batch of lives; now and then a port goes for good."""
    for _ in range(ARMED):
        yield f"{some_moment(choice)}:{some_deed(choice)}"
    if choice.randrange(2):
        yield (f"{some_moment(choice)}:"
               f"port-unplug,port={choice.randrange(1, PORTS + 1)}")


def check_judge(guest):
    """@return: how often provocations of each kind did something"""
    info, = guest.do("query-virtio-serial-mq")
    found = [event["data"] for event in guest.events
             if event["event"] == "JUMPCUT_ORDERING_VIOLATION"]
    check(f"rules broken; {found}", [(rule["rule"], rule["count"])
                                     for rule in info["violations"]], [])
    guest.events.clear()
    return [(one["spec"], one["count"]) for one in info["provocations"]]


def plug_again(guest):
    """Ports that were unplugged."""
    info, = guest.do("query-virtio-serial-mq")
    there = {port.get("name") for port in info["ports"]}
    for line in guest.ends:
        if line.name not in there:
            guest.do("device_add", driver=OURS.port, bus=line.bus,
                     id=line.name, chardev=f"chr-{line.name}", name=line.name)


def live(guest, count, seed):
    """@return: what happened, counted"""
    choice = random.Random(seed)
    total = collections.Counter()
    done = 0
    while done < count:
        armed = list(some_provocations(choice))
        for spec in armed:
            guest.do("virtio-serial-mq-provoke", spec=spec)
        batch = min(BATCH, count - done)
        text = guest.shell(f"serial-lives $(cat /tmp/bound) {batch} "
                           f"{choice.randrange(1, 1 << 31)}")
        told = {what: int(n) for what, n in re.findall(r"(\S+)=(\d+)", text)}
        check("lives", told["done"], batch)
        for what, n in told.items():
            total[what] += n
        total["provoked"] += sum(
            n for _, n in check_judge(guest)[-len(armed):])
        plug_again(guest)
        done += batch
        if done % 1000 == 0:
            print(f"# {done} lives", flush=True)
    return total


@test_each(("6.12", "6.12", "xen-hvm", 50))
@test_each(*[(f"{version}-{kind}-10000", version, kind, 10000)
             for version in ("6.12", "6.1") for kind in ("xen-hvm", "kvm")],
           by_hand=True)
def judge_is_silent(directory, _name, version, guest_kind, count):
    ends = lines(PORTS)
    # Linux gives its pirqs back a while after the driver has gone; there are
    # not twice as many as this device may have.
    options = [f"max_ports={PORTS + 1}"]
    options += ["vectors=8"] if guest_kind == "xen-hvm" else []
    console = ("-chardev", "null,id=chr-console", "-device",
               f"{OURS.console},bus=serial0.0,chardev=chr-console")
    with PortsGuest(directory, version, None, ends, "--guest", guest_kind,
                    "--smp", "2", programs=(LIVES,), qemu_args=(
                        *qemu_args(OURS, ends, *options), *console)) as guest:
        Back(ends)
        guest.ready()
        guest.load()
        guest.unbind()
        total = live(guest, count, f"lives {version}")
        for what in ("done", "opened", "out", "in", "open-at-end", "provoked"):
            check(f"{what}: {dict(total)}", total[what] >= count // 4, True)
        guest.check_kernel()
        print(f"# {dict(total)}", flush=True)


if __name__ == "__main__":
    main()
