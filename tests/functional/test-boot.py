#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels as Xen HVM guests, from boot to every ending, and again.

Subject: the whole.  A guest that boots shows that what Linux uses works, not
that what it does not use does.  Each run of the matrix is made twice: the
console must be the same byte for byte, the machine digest for digest.
"""
from harness import (SAMPLES, Failure, Run, amid_samples_ns, boot_command,
                     check, check_in, main, reboot_and_power_off, run,
                     test_each)

MATRIX = [(f"{version}-{vcpus}-vcpus", version, vcpus)
          for version in ("6.12", "6.1") for vcpus in (1, 2, 4)]
# The rest by hand: what they show others do, with other kernels and vCPUs.
OFTEN = ("6.1-2-vcpus",)


def check_user_space(guest, version, vcpus, clocksource="xen"):
    booted = guest.booted()
    check_in("kernel", f"{version}.", booted["kernel"])
    check("vCPUs", booted["vcpus"], str(vcpus))
    check("hypervisor", booted["hypervisor"], "xen")
    check("clocksource", booted["clocksource"], clocksource)
    check_in("console", "Hypervisor detected: Xen HVM", guest.text)
    check_in("console", "Using FIFO-based ABI", guest.text)


@test_each(*(row for row in MATRIX if row[0] in OFTEN))
@test_each(*(row for row in MATRIX if row[0] not in OFTEN), by_hand=True)
def boots_to_power_off_and_repeats(directory, _name, version, vcpus):
    cut = f"{amid_samples_ns(version)}ns:uptime=508119.80759"
    runs = [Run(directory, name, version, "--smp", vcpus, "--digest", "2",
                "--cut", cut,
                append=f"jumpcut.samples={SAMPLES}") for name in ("a", "b")]
    check_user_space(runs[0], version, vcpus)
    check("cuts", len(runs[0].info["cuts"]), 1)
    samples = runs[0].samples()
    moved = samples[-1]["monotonic_ns"] - samples[0]["monotonic_ns"]
    check("monotonic time jumps", moved > 508000 * 10 ** 9, True)
    # Linux may complain of the jump in the middle of any sample's line.
    for number in range(1, SAMPLES + 1):
        check_in("console", f"JUMPCUT sample={number} ", runs[0].text)
    check("ending", runs[0].record["exit"]["ending"], "powered-off")
    check("console bytes", runs[0].info["console-bytes"],
          runs[0].record["console"]["bytes"])
    result = run("report", *(one.report for one in runs))
    if result.returncode:
        raise Failure(result.stdout.decode() + result.stderr.decode())
    check_in("report", "2 runs, 1 repetition, 0 different",
             result.stdout.decode())


@test_each(("6.12", "6.12"), ("6.1", "6.1"), by_hand=True)
def console_works_both_ways(directory, _name, version):
    guest = Run(directory, "echo", version, append="jumpcut.run=echo",
                stdin=b"what is typed is heard\n")
    check_in("console", "JUMPCUT echo what is typed is heard\r\n", guest.text)


@test_each(("6.1", "6.1"))
@test_each(("6.12", "6.12"), by_hand=True)
def reboot_is_told(directory, _name, version):
    guest = Run(directory, "reboot", version, "--smp", 2,
                append="jumpcut.run=reboot", status=5)
    check("ending", guest.record["exit"]["ending"], "reboot")


@test_each(("6.12", "6.12"))
@test_each(("6.1", "6.1"), by_hand=True)
def panic_is_a_crash(directory, _name, version):
    guest = Run(directory, "panic", version, append="jumpcut.run=panic",
                status=1)
    check_in("console", "Kernel panic - not syncing", guest.text)
    check("Xen's reason", guest.info["shutdown-reason"], 3)


@test_each(*(row for row in MATRIX if row[0] == "6.1-4-vcpus"))
@test_each(*(row for row in MATRIX if row[0] != "6.1-4-vcpus"), by_hand=True)
def reboots_and_powers_off(directory, _name, version, vcpus):
    """The machine is reset and boots as before; its console hears again."""
    command = boot_command(directory, "again", version, "--reboot", "continue",
                           "--smp", vcpus, append="jumpcut.run=echo")
    seen = reboot_and_power_off(command)
    booted = b"vcpus=%d hypervisor=xen clocksource=xen " % vcpus
    check("boots as wanted", seen.count(booted), 2)


@test_each(("6.12-4-vcpus", "6.12", 4), ("6.1-2-vcpus", "6.1", 2))
@test_each(("6.12-1-vcpus", "6.12", 1), by_hand=True)
def boots_without_icount(directory, _name, version, vcpus):
    """By wall-clock time, and multi-threaded."""
    guest = Run(directory, "mttcg", version, "--no-icount", "--smp", vcpus,
                append="jumpcut.run=poweroff")
    check_user_space(guest, version, vcpus)


if __name__ == "__main__":
    main()
