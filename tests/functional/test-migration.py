#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A running guest moves to a second QEMU.

Subject: the migration state of the plugin.  The console of both QEMUs, one
after the other, must be that of one guest whose clocks moved at the cuts only.
The guest is stopped wherever it is (QMP stop is not exact in virtual time), so
this cannot tell whether the run is the same to the instruction.
"""
from guest import Guest
from harness import (INITRD, Failure, amid_samples_ns, check, check_in,
                     kernel, main, samples_of, test, test_each)
from qmp import Qemu, command_of

NS = 1_000_000_000
# From the first cut to the second, and the samples to last that long: the guest
# moves in between, some tenths of a second after the first.
APART_NS = 3 * NS
SAMPLES = 200
# Lines that the kernel's messages about a jump may run into.
DAMAGED_MAX = 10
UPTIME_NS = 508_119_807_590_000
# Between the first and the last reading of one sample.
SAMPLE_NS = NS // 1000


def arguments(version, vcpus, kind):
    first = amid_samples_ns(version, "--guest", kind)
    return ["--guest", kind, "--initrd", INITRD, "--smp", vcpus, "--append",
            f"cryptomgr.notests jumpcut.samples={SAMPLES}",
            "--cut", f"{first}ns:uptime={UPTIME_NS}ns",
            "--cut", f"{first + APART_NS}ns:downtime=3s", kernel(version)]


def move(source, target, path):
    """@return: the cuts the source made; a QEMU tells its own only."""
    for qemu in (source, target):
        qemu.announce_migration()
    target.do("migrate-incoming", uri=f"unix:{path}")
    source.do("cont")
    source.wait_event("JUMPCUT_CUT")
    source.do("stop")
    source.do("migrate", uri=f"unix:{path}")
    for qemu in (source, target):
        qemu.wait_migrated()
    cuts = source.do("query-jumpcut")["cuts"]
    source.do("quit")
    return cuts


def check_clocks(console, cuts):
    """Between two samples with no cut near them all clocks agree."""
    samples = samples_of(console)
    numbers = [one["sample"] for one in samples]
    check("order of samples", numbers, sorted(set(numbers)))
    check("last sample", numbers[-1], SAMPLES)
    if len(numbers) < SAMPLES - DAMAGED_MAX:
        raise Failure(f"wanted {SAMPLES} samples, got {len(numbers)}")
    # With several vCPUs Linux may print a sample after the cut that it took
    # before, so the pair after the one the cut's byte lies in says nothing.
    starts = [0] + [one["start"] for one in samples]
    for start, before, after in zip(starts, samples, samples[1:]):
        if any(start <= cut["console-bytes"] < after["end"] for cut in cuts):
            continue
        passed = after["tsc"] - before["tsc"]
        for clock in ("monotonic_ns", "boottime_ns", "realtime_ns"):
            step = after[clock] - before[clock]
            if abs(step - passed) > SAMPLE_NS:
                raise Failure(f"{clock} moved by {step}, the TSC by {passed}, "
                              f"before sample {after['sample']}")


@test_each(("6.1-4-vcpus", "6.1", 4, "xen-hvm"))
@test_each(("6.1-2-vcpus-pvh", "6.1", 2, "xen-pvh"),
           ("6.12-1-vcpu", "6.12", 1, "xen-hvm"),
           ("6.12-2-vcpus", "6.12", 2, "xen-hvm"),
           ("6.1-2-vcpus-kvm", "6.1", 2, "kvm"), by_hand=True)
def guest_moves_and_notices_nothing(directory, _name, version, vcpus, kind):
    logs = directory / "source.log", directory / "target.log"
    ends = ("-S", "-action", "shutdown=pause")
    args = arguments(version, vcpus, kind)
    with Qemu(command_of(logs[0], *args), ends, "source") as source, \
            Qemu(command_of(logs[1], *args), (*ends, "-incoming", "defer"),
                 "target") as target:
        cuts = move(source, target, directory / "migration")
        target.do("cont")
        reason = target.wait_event("SHUTDOWN")["reason"]
        check("reason", reason, "guest-shutdown")
        info = target.do("query-jumpcut")
    console = b"".join(log.read_bytes() for log in logs)
    check_in("console after the move", b"JUMPCUT sample=", logs[1].read_bytes())
    check("console bytes", info["console-bytes"], len(console))
    cuts += info["cuts"]
    check("number of cuts", len(cuts), 2)
    first, second = cuts
    check("system time after the first cut", first["system-time-after"],
          UPTIME_NS)
    check("time of the second cut", second["at-ns"],
          amid_samples_ns(version, "--guest", kind) + APART_NS)
    check("system time before the second cut", second["system-time-before"],
          UPTIME_NS + APART_NS)
    check("system time after the second cut", second["system-time-after"],
          UPTIME_NS + APART_NS + 3 * NS)
    check_clocks(console, cuts)


# An idle machine stands at a timer's deadline most of the time.
STOPS = 15
EVENTS_SEEN = ("runstate_set", "jumpcut_timer_fire")


@test
def nothing_fires_while_the_machine_is_stopped(directory):
    """What did would be lost if it were a migration that completes."""
    log = directory / "trace"
    with Guest(directory, "6.1", "--memory", "128M", "--smp", "2") as guest:
        guest.ready()
        guest.announce_migration()
        guest.do("human-monitor-command",
                 **{"command-line": f"logfile {log}"})
        for event in EVENTS_SEEN:
            guest.do("human-monitor-command",
                     **{"command-line": f"trace-event {event} on"})
        for _ in range(STOPS):
            guest.do("stop")
            guest.do("migrate", uri=f"file:{directory}/state")
            guest.wait_migrated()
            while guest.do("query-status")["status"] != "postmigrate":
                pass
            guest.do("cont")
            guest.shell("sleep 0.05")
    running, fired = True, 0
    for line in log.read_text().splitlines():
        if line.startswith("runstate_set"):
            running = line.endswith("(running)")
        elif line.startswith("jumpcut_timer_fire"):
            check(f"while the machine runs: {line}", running, True)
            fired += 1
    check(f"timers that fired: {fired}", fired > STOPS, True)


if __name__ == "__main__":
    main()
