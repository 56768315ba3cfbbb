#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same run, whatever the host does meanwhile.

Subject: determinism.  A guest runs once on a quiet QEMU and once on one that is
frozen, pushed from processor to processor, asked over QMP all the time and made
to wait for grace periods, beside two busy loops; console, cuts and all digests
must be the same.  A difference that no digest and no console shows is not seen.
"""
import itertools
import json
import os
import subprocess
import time

from harness import (HANG_S, INITRD, Failure, boot_command, check, kernel,
                     main, test_each)
from qmp import Qemu, command_of
from storm import (Freeze, Grace, Queries, Schedule, StopCont, busy_loops,
                   child_of)

ALL = (Freeze, Schedule, Queries, Grace)
KINDS = ("xen-hvm", "xen-pvh", "kvm")
SEEDS = itertools.count()
# The second boot of three, or so.
UNTIL_NS = 6_000_000_000
WORK = "jumpcut.samples=3"


def differences(quiet, other):
    """What of two runs' ends is not the same, the first of each kind."""
    found = []
    if quiet["console"] != other["console"]:
        at = next((i for i, (a, b) in enumerate(
            zip(quiet["console"], other["console"])) if a != b),
            min(len(quiet["console"]), len(other["console"])))
        found.append(f"console at byte {at}: "
                     f"{quiet['console'][at - 40:at + 40]!r}, "
                     f"{other['console'][at - 40:at + 40]!r}")
    for what in ("digests", "cuts"):
        a, b = quiet[what], other[what]
        at = next((i for i, pair in enumerate(zip(a, b))
                   if pair[0] != pair[1]), None)
        if at is not None:
            found.append(f"{what}: {at} of {len(a)} the same, then "
                         f"{a[at]}, {b[at]}")
        elif len(a) != len(b):
            found.append(f"{what}: {len(a)} and {len(b)}")
    return found


def run(directory, name, version, *args, storms=(), seed=0, digest="200ms"):
    """@return: console, digests and cuts of a run amid storms."""
    monitor = directory / name
    monitors = [kind.monitor(monitor) for kind in (*ALL, StopCont)]
    command = boot_command(
        directory, name, version, "--digest", digest, *args, append=WORK,
        qemu_args=[word for path in monitors for word in
                   ("-qmp", f"unix:{path},server=on,wait=off")])
    raging = []
    with open(directory / f"{name}.console", "w+b") as console, \
            subprocess.Popen(command, stdin=subprocess.DEVNULL,
                             stdout=console, stderr=subprocess.PIPE) as tool:
        while storms and not raging and tool.poll() is None:
            qemu = child_of(tool.pid, "qemu-system")
            if qemu and all(map(os.path.exists, monitors)):
                raging = [kind(qemu, monitor, seed) for kind in storms]
            else:
                time.sleep(0.01)
        for storm in raging:
            storm.start()
        _, stderr = tool.communicate(timeout=HANG_S)
        for storm in raging:
            storm.end()
        check(f"exit status with {stderr!r}", tool.returncode, 0)
        console.seek(0)
        text = console.read()
    info = json.loads((directory / f"{name}.json").read_text())["query-jumpcut"]
    return {"console": text, "digests": info["digests"], "cuts": info["cuts"],
            "storms": {type(s).__name__: s.times for s in raging}}


def check_same(directory, version, *args, storms=ALL, loops=2):
    quiet = run(directory, "quiet", version, *args)
    check("digests, some", len(quiet["digests"]) > 10, True)
    with busy_loops(loops):
        stormy = run(directory, "stormy", version, *args, storms=storms,
                     seed=next(SEEDS))
    for name, times in stormy["storms"].items():
        check(f"{name} raged", times > 0, True)
    found = differences(quiet, stormy)
    if found:
        raise Failure("\n".join(found + [f"storms: {stormy['storms']}"]))


def resets(directory, name, *boot_arguments, storms=(), seed=0):
    """@return: digests up to UNTIL_NS of a guest that does nothing but reboot.
    """
    monitor = directory / name
    monitors = [word for kind in storms for word in
                ("-qmp", f"unix:{kind.monitor(monitor)},server=on,wait=off")]
    command = command_of(directory / f"{name}.console", "--initrd", INITRD,
                         "--reboot", "continue", "--digest", "50ms",
                         "--append", "cryptomgr.notests jumpcut.run=reboot",
                         *boot_arguments)
    with Qemu(command, monitors) as qemu:
        raging = [kind(qemu.process.pid, monitor, seed) for kind in storms]
        for storm in raging:
            storm.start()
        while qemu.do("query-jumpcut")["virtual-ns"] < UNTIL_NS:
            qemu.wait_event("RESET")
        for storm in raging:
            storm.end()
        return [one for one in qemu.do("query-jumpcut")["digests"]
                if one["at-ns"] <= UNTIL_NS]


def rows(versions, vcpus, kinds=KINDS):
    return [(f"{kind}-{version}-{n}-vcpus", kind, version, n)
            for kind in kinds for version in versions for n in vcpus]


@test_each(*rows(("6.1",), (2,), ("xen-hvm",)))
@test_each(*(row for row in rows(("6.1", "6.12"), (1, 2, 4))
             if row[0] != "xen-hvm-6.1-2-vcpus"), by_hand=True)
def run_amid_storms_is_the_quiet_one(directory, _name, kind, version, vcpus):
    check_same(directory, version, "--guest", kind, "--smp", vcpus,
               "--cut", "1500ms:uptime=508119.80759")


@test_each(*rows(("6.1",), (2,), ("kvm",)),
           *rows(("6.12",), (1, 4), ("xen-hvm",)), by_hand=True)
def contention_amid_storms_is_the_quiet_one(directory, _name, kind, version,
                                            vcpus):
    check_same(directory, version, "--guest", kind, "--smp", vcpus,
               "--steal", "1ms:50")


@test_each(*rows(("6.1",), (4,), ("xen-pvh",)))
@test_each(*rows(("6.12",), (1, 2), ("xen-hvm", "kvm")), by_hand=True)
def run_stopped_and_continued_is_the_quiet_one(directory, _name, kind, version,
                                               vcpus):
    check_same(directory, version, "--guest", kind, "--smp", vcpus,
               storms=(StopCont, Freeze, Schedule), loops=1)


@test_each(*rows(("6.1",), (2,), ("xen-pvh",)), by_hand=True)
def machine_reset_amid_storms_is_the_quiet_one(directory, _name, kind, version,
                                               vcpus):
    args = ("--guest", kind, "--smp", vcpus, kernel(version))
    quiet = resets(directory, "quiet", *args)
    check("digests, some", len(quiet) > 50, True)
    with busy_loops(2):
        stormy = resets(directory, "stormy", *args, storms=ALL,
                        seed=next(SEEDS))
    at = next((i for i, pair in enumerate(zip(quiet, stormy))
               if pair[0] != pair[1]), None)
    if at is not None:
        raise Failure(f"{at} of {len(quiet)} digests the same, then "
                      f"{quiet[at]}, {stormy[at]}")
    check("number of digests", len(stormy), len(quiet))


@test_each(*rows(("6.1",), (4,), ("xen-pvh",)), by_hand=True)
def digests_at_other_times_are_those_of_the_same_run(directory, _name, kind,
                                                     version, vcpus):
    """A timer of the plugin's splits turns, which no vCPU notices."""
    runs = [run(directory, digest, version, "--guest", kind, "--smp", vcpus,
                digest=digest) for digest in ("70ms", "20ms", "14ms")]
    kept = [{one["at-ns"]: one for one in each["digests"]} for each in runs]
    common = set.intersection(*map(set, kept))
    check("digests in common, some", len(common) > 10, True)
    for at in sorted(common):
        check(f"digests at {at}", [each[at] for each in kept[1:]],
              [kept[0][at]] * 2)
    check("consoles", [each["console"] for each in runs[1:]],
          [runs[0]["console"]] * 2)


if __name__ == "__main__":
    main()
