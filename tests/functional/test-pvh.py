#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels as PVH guests: boot, every ending, vCPUs down and up.

Subject: the board, the loader and what Linux makes of it.  Linux takes a vCPU
away by itself when xenstore says so, but leaves it to user space to start one
that is back; here the test does, in the guest.  Each kernel boots with some
numbers of vCPUs; JUMPCUT_PVH_MATRIX=all tries 1, 2, 4 and 8 with both.
"""
import os
import pathlib
import subprocess

from guest import Guest
from harness import (Failure, Run, boot_command, check, check_in,
                     kernel, main, reboot_and_power_off, run, test, test_each)

UNPACK = os.environ.get("JUMPCUT_UNPACK", "")
PVH = ("--guest", "xen-pvh")
MATRIX = (("6.1", 8), ("6.12", 2))
if os.environ.get("JUMPCUT_PVH_MATRIX") == "all":
    MATRIX = [(version, n) for version in ("6.1", "6.12") for n in (1, 2, 4, 8)]
STORM = 4
CPU = "/sys/devices/system/cpu"


def check_user_space(guest, version, vcpus):
    booted = guest.booted()
    check_in("kernel", f"{version}.", booted["kernel"])
    check("vCPUs", booted["vcpus"], str(vcpus))
    check("hypervisor", booted["hypervisor"], "xen")
    check("clocksource", booted["clocksource"], "xen")
    check_in("console", "kernel on Xen PVH", guest.text)


@test_each(*((f"{version}-{n}-vcpus", version, n) for version, n in MATRIX))
def boots_to_power_off(directory, _name, version, vcpus):
    guest = Run(directory, "boot", version, *PVH, "--smp", vcpus,
                append="jumpcut.run=poweroff")
    check_user_space(guest, version, vcpus)
    check("ending", guest.record["exit"]["ending"], "powered-off")


@test_each(("6.1", "6.1"), ("6.12", "6.12"), by_hand=True)
def boots_twice_alike_with_the_clocks_cut(directory, _name, version):
    runs = [Run(directory, name, version, *PVH, "--smp", 2, "--digest", "1",
                "--cut", "2500ms:uptime=508119.80759",
                append="jumpcut.samples=5") for name in ("a", "b")]
    check("digests", len(runs[0].info["digests"]) > 3, True)
    result = run("report", *(one.report for one in runs))
    check_in("report", "2 runs, 1 repetition, 0 different",
             result.stdout.decode() + result.stderr.decode())


@test
def unpacked_kernel_boots_by_wall_clock_time(directory):
    """The same kernel as an ELF image, multi-threaded."""
    vmlinux = directory / "vmlinux"
    subprocess.run([UNPACK, kernel("6.1"), vmlinux], check=True)
    command = boot_command(directory, "elf", "6.1", *PVH, "--smp", 4,
                           "--no-icount", append="jumpcut.run=poweroff")
    command[-1] = str(vmlinux)
    result = run(*command[1:])
    check("exit status", result.returncode, 0)
    check_in("console", b"vcpus=4 hypervisor=xen clocksource=xen",
             result.stdout)


@test
def reboot_loads_everything_again(directory):
    """The console hears before and after."""
    command = boot_command(directory, "again", "6.1", *PVH, "--smp", 2,
                           "--reboot", "continue", append="jumpcut.run=echo")
    seen = reboot_and_power_off(command)
    check("boots", seen.count(b"vcpus=2 hypervisor=xen clocksource=xen"), 2)


@test
def panic_is_a_crash(directory):
    guest = Run(directory, "panic", "6.1", *PVH, append="jumpcut.run=panic",
                status=1)
    check("Xen's reason", guest.info["shutdown-reason"], 3)


def online(guest):
    return guest.shell(f"cat {CPU}/online").splitlines()[-1]


def wait_online(guest, wanted, nudge="true"):
    """The guest acts on a watch of its own, in its own time."""
    for _ in range(200):
        guest.shell(nudge)
        if online(guest) == wanted:
            return
    raise Failure(f"vCPUs {online(guest)} are online, wanted {wanted}")


@test_each(("6.1", "6.1"))
@test_each(("6.12", "6.12"), by_hand=True)
def vcpus_come_and_go_by_xenstore(directory, _name, version):
    """From one of two vCPUs; again and again."""
    with Guest(directory, version, *PVH, "--smp", "1", "--max-smp",
               "2") as guest:
        guest.ready()
        guest.shell("dmesg -n 1")
        check("at the start", online(guest), "0")
        check("availability",
              [guest.store("read", f"cpu/{n}/availability")["value"]
               for n in (0, 1)], ["online", "offline"])
        for _ in range(STORM):
            guest.store("write", "cpu/1/availability", value="online")
            wait_online(guest, "0-1",
                        f"[ ! -e {CPU}/cpu1 ] || [ $(cat {CPU}/cpu1/online) = "
                        f"1 ] || echo 1 >{CPU}/cpu1/online")
            check_in("timers", "timer1", guest.shell("cat /proc/interrupts"))
            guest.store("write", "cpu/1/availability", value="offline")
            wait_online(guest, "0")
        guest.store("write", "control/shutdown", value="poweroff")
        check("reason", guest.wait_event("SHUTDOWN")["reason"],
              "guest-shutdown")


@test_each(
    ("no-kernel", ["-machine", "microvm"], None, "needs -kernel"),
    ("other-machine", ["-machine", "pc"], b"", "needs -machine microvm"),
    ("no-pvh-kernel", ["-machine", "microvm"], b"\x7fELF",
     "ELF kernel: no ELF header"),
    ("no-kernel-at-all", ["-machine", "microvm"], b"text",
     "neither an ELF image nor a bzImage"),
    ("packed-by-nobody", ["-machine", "microvm"],
     bytes(0x202) + b"HdrS\x0f\x02" + bytes(0x1000), "packed kernel: by none"))
def bad_machine_is_refused(directory, _name, machine, image, message):
    command = boot_command(directory, "bad", "6.1", *PVH, "--dry-run")
    line = run(*command[1:]).stdout.decode().split()
    plugin = next(word for word in line if "jumpcut.so" in word)
    args = [line[0], *machine, "-accel", "tcg", "-display", "none",
            "-nodefaults", "-plugin", plugin.split(",", maxsplit=1)[0]
            + ",guest=xen-pvh"]
    if image is not None:
        path = pathlib.Path(directory) / "kernel"
        path.write_bytes(image)
        args += ["-kernel", str(path)]
    result = subprocess.run(args, capture_output=True, check=False, timeout=60)
    check("exit status", result.returncode, 1)
    check_in("stderr", message, result.stderr.decode())


if __name__ == "__main__":
    main()
