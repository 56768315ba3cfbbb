#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which instruction of the guest's breaks a rule of the console device.

Subject: the instruction pointer in JUMPCUT_ORDERING_VIOLATION.  A payload makes
accesses to memory and to a port with instructions that have names; their
addresses are in its image.
"""
import pathlib
import subprocess

from harness import TOOL, check, main, run, test

IMAGE = pathlib.Path(TOOL).resolve().parent.parent / "scenarios/virtio-where.64"
BROKEN = (("where_memory", "driver-before-acknowledge"),
          ("where_kick", "kick-before-driver-ok"),
          ("where_port", "driver-before-acknowledge"))
SCENARIO = """[scenario]
title=accesses by known instructions
[machine]
guest=xen-hvm
memory=64M
qemu=-device virtio-serial-mq-pci -device virtserialport-mq
[guest]
kernel=payload:virtio-where
[expect ending]
ending=powered-off
[expect all]
event=JUMPCUT_ORDERING_VIOLATION
count={}
"""
EXPECT = """[expect {0}]
event=JUMPCUT_ORDERING_VIOLATION
with=rule={1},vcpu=0,rip={2}
count=1
"""


def addresses():
    """Of the image's symbols, by name."""
    lines = subprocess.run(["nm", IMAGE], capture_output=True, check=True,
                           text=True).stdout.splitlines()
    return {name: int(address, 16) for address, _, name in map(
        str.split, lines)}


@test
def instruction_that_breaks_a_rule_is_told(directory):
    symbols = addresses()
    path = directory / "where.scenario"
    path.write_text(SCENARIO.format(len(BROKEN)) + "".join(
        EXPECT.format(name.replace("_", "-"), rule, symbols[name])
        for name, rule in BROKEN))
    done = run("run", path)
    check(f"status; {done.stdout.decode()}{done.stderr.decode()}",
          done.returncode, 0)


if __name__ == "__main__":
    main()
