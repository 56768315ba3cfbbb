#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel's promises about clocks, timers and CPUs, tried inside the guest.

Subject: time and vCPU hot-plug as programs see them (guest/selftest.c says what
is tried).  test-kselftest.py has the kernel's own tests of that, by hand.
"""
import os
import pathlib
import runpy

from harness import INITRD, ROOT, Failure, Run, check, main, test_each

PROGRAM = os.environ.get("JUMPCUT_SELFTEST", str(
    ROOT / "build/tests/functional/guest-selftest"))
TESTS = 9


def initramfs(directory):
    """The usual one with the program in another behind it."""
    archive = runpy.run_path(str(ROOT / "scripts/mk-initramfs"))["archive"]
    path = directory / "initramfs.cpio"
    path.write_bytes(
        pathlib.Path(INITRD).read_bytes() + archive({
            "bin/selftest": (0o100755, pathlib.Path(PROGRAM).read_bytes(),
                             (0, 0))}))
    return path


@test_each(("6.12-4-vcpus", "6.12", 4, ()),
           ("6.1-2-vcpus", "6.1", 2, ()),
           ("6.12-khz", "6.12", 2, ("--tsc-khz", "2596122")),
           ("6.12-pvh", "6.12", 4, ("--guest", "xen-pvh")),
           ("6.1-pvh", "6.1", 2, ("--guest", "xen-pvh")),
           ("6.12-kvm", "6.12", 2, ("--guest", "kvm")),
           ("6.1-kvm", "6.1", 4, ("--guest", "kvm")))
def guest_keeps_its_promises(directory, _name, version, vcpus, args):
    result = Run(directory, "guest", version, "--smp", vcpus, *args,
                 append="jumpcut.run=/bin/selftest",
                 initrd=initramfs(directory))
    lines = [line for line in result.text.splitlines()
             if line.startswith("SELFTEST")]
    wrong = [line for line in lines if " not ok " in line]
    if wrong:
        raise Failure("; ".join(wrong))
    check("result", lines[-1:],
          [f"SELFTEST done cpus={vcpus} passed={TESTS} failed=0"])


if __name__ == "__main__":
    main()
