#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A vCPU that waits for QEMU's main thread, which waits for the vCPU.

Subject: wherever the vCPUs' thread waits for the main thread to begin a reset,
it does the work that the main thread waits for, and stops for a reset that the
main thread began before.  The preloaded library has the main thread go on only
when the vCPU is at the instruction that resets, so that the two always meet:
without either QEMU hangs at the first.
"""
import os
import pathlib
import socket

from harness import HANG_S, TOOL, Failure, check, main, test
from qmp import Qemu

BUILD = pathlib.Path(TOOL).resolve().parent.parent
# Rounds of the guest's loop, of two instructions.  The end of a vCPU's turn of
# 20 million needs the lock as well, and QEMU kicks the vCPU within some 50 ms
# of a reset, for RCU: what is to be met comes between these.
DELAY = 5000000
SPIN = 800000
MEETINGS = 5
# A guest that is not found at its instruction is reset by then.
ATTEMPTS = 50
# A corrected error, of which no guest is told; the main thread has it done on
# the vCPU's, and waits.
WORK = "mce 0 0 0x8000000000000000 0 0 0"


class Guest(Qemu):
    """It resets itself for ever, and says with a "!" when it is about to."""

    def __init__(self):
        self.console, theirs = socket.socketpair()
        self.console.settimeout(HANG_S)
        with theirs:
            super().__init__(
                ["env", f"LD_PRELOAD={os.environ['JUMPCUT_SLOW_MAIN_THREAD']}",
                 "qemu-system-x86_64", "-name", "debug-threads=on", "-M", "pc",
                 "-bios", "qboot.rom", "-m", "64", "-icount",
                 "shift=0,sleep=off", "-nodefaults", "-no-user-config",
                 "-display", "none", "-seed", "1",
                 "-chardev", f"socket,id=debug,fd={theirs.fileno()}",
                 "-device", "isa-debugcon,chardev=debug",
                 "-kernel", str(BUILD / "tests/payload/reset-loop.64"),
                 "-append",
                 f"cpus=1 resets=1000000 delay={DELAY} spin={SPIN}", "-plugin",
                 f"{BUILD}/plugins/jumpcut.so,guest=xen-hvm", "-S"],
                pass_fds=[theirs.fileno()])

    def __exit__(self, *args):
        super().__exit__(*args)
        self.console.close()

    def wait_about_to_reset(self):
        while self.console.recv(1) != b"!":
            pass

    def resets(self):
        """@return: why it was reset since this was asked last."""
        self.do("query-status")
        reasons = [event["data"]["reason"] for event in self.events
                   if event["event"] == "RESET"]
        self.events.clear()
        return reasons


@test
def reset_amid_work_for_the_vcpu_goes_on(_directory):
    with Guest() as guest:
        guest.do("cont")
        for _ in range(MEETINGS):
            guest.wait_about_to_reset()
            guest.do("human-monitor-command", **{"command-line": WORK})
            check("reset", guest.wait_event("RESET")["reason"], "guest-reset")


@test
def reset_amid_another_goes_on(_directory):
    met = 0
    with Guest() as guest:
        guest.do("cont")
        guest.wait_about_to_reset()
        for _ in range(ATTEMPTS):
            guest.resets()
            guest.do("system_reset")
            guest.wait_about_to_reset()
            # Both before the guest came so far again.
            met += guest.resets() == ["host-qmp-system-reset", "guest-reset"]
            if met == MEETINGS:
                return
    raise Failure(f"met {met} times, want {MEETINGS}")


if __name__ == "__main__":
    main()
