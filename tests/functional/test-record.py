#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs are recorded and replayed.

Subject: that jumpcut replay repeats what jumpcut record recorded, with all
that was typed, written to xenstore and migrated meanwhile; and where it stops.
What is compared is the console, byte for byte, and by the plugin every digest:
what neither shows this cannot tell apart.
"""
import random
import re
import resource
import signal
import socket
import subprocess
import sys

from harness import (HANG_S, INITRD, TOOL, Failure, check, check_in, kernel,
                     main, run, test, test_each)
from recorder import Recording, replay

PVH = ("--guest", "xen-pvh")
# Replays of one trace by hand, on a host that is busy.
REPLAYS = 10


def verify(trace, status=0):
    result = run("verify", trace)
    check("status of verify", result.returncode, status)


def record_all(directory, version, *args, ways=()):
    """Typing, traffic on xenstore, and cuts of these ways."""
    with Recording(directory, "run", version, *args) as guest:
        guest.await_text(b"JUMPCUT ready")
        guest.type(b"date")
        for way in ways:
            domid = guest.do("query-jumpcut").get("domid")
            if domid:
                guest.do("jumpcut-xenstore-write", value=way,
                         path=f"/local/domain/{domid}/data/test")
            guest.cut("--way", *way.split())
            guest.type(b"date; cat /proc/uptime; "
                       b"grep -c . /proc/interrupts")
        return guest.trace, guest.power_off()


@test_each(("6.12-2-vcpus", "6.12", ["--smp", "2"],
            ["in-place uptime=5000", "suspend uptime=100",
             "migrate downtime=2s", "cancel"]))
@test_each(("6.1-kvm", "6.1", ["--guest", "kvm"], ["in-place uptime=5000"]),
           ("6.1-pvh", "6.1", ["--guest", "xen-pvh"],
            ["migrate --via file tsc-khz=2000000", "suspend"]), by_hand=True)
def replay_repeats_the_run(directory, _name, version, args, ways):
    trace, console = record_all(directory, version, *args, ways=ways)
    verify(trace)
    said = replay(trace, console=console)
    moves = sum(way.startswith("migrate") for way in ways)
    check_in("summary", f" {moves} moves agree", said)
    if moves:
        replay(trace, "--in-place", console=console)


@test_each(*((f"{version}-{kind}-{vcpus}-vcpus", version, kind, vcpus)
             for version in ("6.1", "6.12")
             for kind in ("xen-hvm", "xen-pvh", "kvm")
             for vcpus in (1, 2, 4)), by_hand=True)
def replay_repeats_every_guest(directory, _name, version, kind, vcpus):
    ways = ["migrate downtime=1s"]
    if kind != "kvm":
        ways.append("suspend uptime=100")
    trace, console = record_all(directory, version, "--guest", kind, "--smp",
                                vcpus, ways=ways)
    replay(trace, console=console)
    replay(trace, "--in-place", console=console)


@test_each(("6.1-2-vcpus", "6.1", "xen-hvm", 2))
@test_each(("6.12-1-vcpu", "6.12", "xen-hvm", 1),
           ("6.1-4-vcpus", "6.1", "xen-hvm", 4),
           ("6.1-kvm-2-vcpus", "6.1", "kvm", 2), by_hand=True)
def suspend_to_ram_is_replayed(directory, _name, version, kind, vcpus):
    """From the write to the ACPI controller on nothing executes."""
    with Recording(directory, "run", version, "--guest", kind, "--smp", vcpus,
                   "--digest", "50ms") as guest:
        guest.await_text(b"JUMPCUT ready")
        guest.process.stdin.write(b"echo mem > /sys/power/state; date\n")
        while guest.do("query-status")["status"] != "suspended":
            pass
        guest.do("system_wakeup")
        guest.type(b"cat /proc/uptime")
        console = guest.power_off()
    replay(guest.trace, console=console)


@test_each(("6.12-2-vcpus", "6.12"), ("6.1-2-vcpus", "6.1"), by_hand=True)
def replay_repeats_under_load(directory, _name, version):
    trace, console = record_all(directory, version, "--smp", "2", ways=[
        "migrate downtime=2s", "suspend uptime=100"])
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
            for _ in range(2)]
    try:
        for i in range(REPLAYS):
            replay(trace, *["--in-place"] * (i % 2), console=console)
    finally:
        for process in load:
            process.kill()
            process.wait()


@test
def cuts_at_a_time_come_at_that_time(directory):
    cuts = ["--cut", "3:way=migrate,downtime=2s", "--cut", "9:way=cancel"]
    trace, _ = record_all(directory, "6.12", *cuts)
    dump = run("dump", trace).stdout.decode()
    check_in("dump", "     3.000000000 handover", dump)
    check_in("dump", "     3.000000000 cut ", dump)
    check_in("dump", "     9.000000000 input-qmp        jumpcut-xenstore-write",
             dump)
    replay(trace, "--until", "9.5")


@test
def replay_stops_where_it_is_told(directory):
    trace, console = record_all(directory, "6.1")
    said = replay(trace, "--until", "2.5")
    check_in("time", "repeated to 2.500000000 s: 2 digests", said)
    said = replay(trace, "--until", "event:never", console=console)
    check_in("no such event", "--until: the run ended before", said)
    log = directory / "log"
    replay(trace, "--until", "digest:3", "--trace", log, console=console)
    check_in("log", "Trace 0: ", log.read_text())
    check_in("log", "jumpcut_", log.read_text())


@test
def replay_begins_at_a_checkpoint(directory):
    """All digests behind it come, those of whole seconds, too."""
    trace = directory / "run.jct"
    result = run("record", "-o", trace, "--checkpoint", "3s", "--initrd",
                 INITRD, "--append", "cryptomgr.notests jumpcut.samples=60",
                 kernel("6.1"))
    check(f"status; {result.stderr}", result.returncode, 0)
    said = replay(trace, "--from", "0")
    check("digests compared", int(re.search(r"(\d+) digests", said)[1]) >= 2,
          True)


def gdb_packet(connection, text):
    body = text.encode()
    connection.sendall(b"$%s#%02x" % (body, sum(body) & 255))
    got = b""
    while not re.search(rb"\$[^#]*#..", got):
        more = connection.recv(4096)
        if not more:
            raise Failure(f"gdbstub closed after {text}: {got!r}")
        got += more
    connection.sendall(b"+")
    return re.search(rb"\$([^#]*)#..", got)[1].decode()


def look_with_gdb(process, path, console):
    lines = iter(lambda: process.stderr.readline().decode(), "")
    # QEMU may have something to say before.
    if not any("gdb: target remote" in line for line in lines):
        raise Failure("replay ended before it stopped for gdb")
    with socket.socket(socket.AF_UNIX) as stub:
        stub.settimeout(HANG_S)
        stub.connect(str(path))
        check_in("why it stands", "T05", gdb_packet(stub, "?"))
        registers = gdb_packet(stub, "g")
        check(f"registers: {registers}", len(registers) > 300, True)
        stub.sendall(b"$c#63")
        check("console", process.stdout.read(), console)
    check("exit status", process.wait(), 0)


@test
def gdb_sees_the_guest_where_the_replay_stops(directory):
    trace, console = record_all(directory, "6.1")
    path = directory / "gdb"
    with subprocess.Popen(
            [TOOL, "replay", trace, "--until", "3", "--gdb", path],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            look_with_gdb(process, path, console)
        finally:
            process.kill()


def kill_and_replay(directory, whole, number, victim):
    """The victim is killed when so many bytes have been on the console."""
    at = random.Random(number).randrange(len(whole))
    with Recording(directory, f"run-{number}", "6.1", *PVH) as guest:
        while len(guest.seen) <= at:
            guest.seen += guest.process.stdout.read(64)
        guest.kill(victim)
    check("finished trace", guest.trace.exists(), False)
    check("status of verify", run("verify", guest.partial).returncode, 1)
    result = run("replay", guest.partial)
    check(f"exit status; {result.stderr}", result.returncode, 10)
    # What the guest did in the last second may not be in the trace.
    common = min(len(result.stdout), len(whole))
    check("console", result.stdout[:common], whole[:common])
    check("console that was seen", guest.seen, whole[:len(guest.seen)])
    check_in("summary", "ends before the run did", result.stderr.decode())


def whole_console(directory):
    with Recording(directory, "whole", "6.1", *PVH) as guest:
        guest.await_text(b"JUMPCUT ready")
        ready = guest.seen
        guest.power_off()
    return ready


@test
def killed_recorder_leaves_what_was_recorded(directory):
    whole = whole_console(directory)
    kill_and_replay(directory, whole, 1, "recorder")
    kill_and_replay(directory, whole, 2, "qemu")


def small_disk():
    """Files of up to 64 KiB, and an error behind that, no signal."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


@test
def full_disk_ends_the_trace_and_not_the_guest(directory):
    trace = directory / "run.jct"
    with subprocess.Popen(
            [TOOL, "record", "-o", trace, "--level", "devices", "--initrd",
             INITRD, "--append", "jumpcut.run=poweroff", kernel("6.1")],
            preexec_fn=small_disk, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        console, said = process.communicate(timeout=HANG_S)
        check(f"exit status; stderr {said}", process.returncode, 7)
    check_in("stderr", b"nothing more is recorded", said)
    check_in("console", b"reboot: Power down", console)
    check("finished trace", trace.exists(), False)
    verify(f"{trace}.partial", 1)


@test_each(*((str(tens), tens) for tens in range(10)), by_hand=True)
def killed_recorder_by_tens(directory, _name, tens):
    whole = whole_console(directory)
    for number in range(10 * tens, 10 * tens + 10):
        kill_and_replay(directory, whole, number,
                        "qemu" if number % 2 else "recorder")


if __name__ == "__main__":
    main()
