#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A vCPU that waits for QEMU's main thread, which waits for the vCPU.

Subject: work that is queued for a vCPU is done wherever the vCPUs' thread waits
for the main thread to begin a reset.  Whether the two meet in a reset depends on
the host: without that work QEMU hung in two of three runs of this.
"""
import json
import pathlib

from harness import TOOL, check, check_in, main, test
from qmp import Qemu

BUILD = pathlib.Path(TOOL).resolve().parent.parent
RESETS = 40
# A corrected error, of which no guest is told; the main thread has it done on
# the vCPU's, and waits.
WORK = json.dumps({"execute": "human-monitor-command", "arguments": {
    "command-line": "mce 0 0 0x8000000000000000 0 0 0"}}).encode() + b"\n"
# So many commands wait in QEMU's monitor, so that the main thread always has
# one.
QUEUED = 100


@test
def resets_amid_work_for_the_vcpu_go_on(directory):
    output = directory / "output"
    events = {"RESET": 0, "SHUTDOWN": 0}
    with Qemu(["qemu-system-x86_64", "-M", "pc", "-bios", "qboot.rom", "-m",
               "64", "-icount", "shift=0,sleep=off", "-nodefaults",
               "-no-user-config", "-display", "none", "-seed", "1",
               "-action", "shutdown=pause", "-debugcon", f"file:{output}",
               "-kernel", str(BUILD / "tests/payload/reset-loop.64"),
               "-append", f"cpus=1 resets={RESETS}", "-plugin",
               f"{BUILD}/plugins/jumpcut.so,guest=xen-hvm", "-S"]) as qemu:
        qemu.socket.sendall(WORK * QUEUED)
        qemu.do("cont")
        while not events["SHUTDOWN"]:
            message = qemu.read()
            if "event" in message:
                events[message["event"]] = events.get(message["event"], 0) + 1
            else:
                check_in("answer", "return", message)
                qemu.socket.sendall(WORK)
    check("resets", events["RESET"], RESETS)
    check_in("output", b"SUMMARY pass=1 fail=0 skip=0 error=0",
             output.read_bytes())


if __name__ == "__main__":
    main()
