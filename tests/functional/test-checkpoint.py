#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A replay that begins at a checkpoint of its trace.

Subject: the plugin's options checkpoint= and from= on a plain QEMU command.  A
fresh QEMU that loads a checkpoint must go on to the very digests and console
that were recorded; what the checkpoint leaves out shows in the next digest.
"""
import subprocess

from harness import INITRD, check, check_in, kernel, main, test, test_each
from qmp import Qemu, command_of

# After a checkpoint, to stop at: a guest that runs does not see it.
LATER_NS = 100_000_000


def command(directory, name, options, version, vcpus, kind):
    """QEMU's, stopped, with the plugin's @options added."""
    words = command_of(
        directory / f"{name}.console", "--initrd", INITRD, "--guest", kind,
        "--smp", vcpus, "--digest", "500ms", "--append",
        "cryptomgr.notests jumpcut.run=poweroff", kernel(version))
    words[words.index("-plugin") + 1] += "," + options
    return [*words, "-S", "-action", "shutdown=pause"]


def start(directory, name, options, *guest):
    return Qemu(command(directory, name, options, *guest), (), name)


def record(directory, *guest):
    """@return: the trace's path, times of the checkpoints"""
    trace = directory / "trace"
    with start(directory, "recorder", f"record={trace},checkpoint=3s",
               *guest) as qemu:
        qemu.do("cont")
        qemu.wait_event("SHUTDOWN")
        digests = qemu.do("query-jumpcut")["digests"]
        qemu.do("quit")
        qemu.process.wait()
    return trace, [one["at-ns"] for one in digests
                   if one["reason"] == "checkpoint"]


@test_each(("6.1-2-vcpus-pvh", "6.1", 2, "xen-pvh"),
           ("6.1-1-vcpu-kvm", "6.1", 1, "kvm"))
@test_each(("6.12-2-vcpus", "6.12", 2, "xen-hvm"), by_hand=True)
def begins_where_the_recorded_guest_was(directory, _name, *guest):
    trace, checkpoints = record(directory, *guest)
    check("at least one checkpoint", len(checkpoints) > 0, True)
    console = (directory / "recorder.console").read_bytes()
    for number in sorted({0, len(checkpoints) - 1}):
        name = f"from-{number}"
        with start(directory, name, f"replay={trace},from={number}",
                   *guest) as qemu:
            qemu.do("jumpcut-stop-at",
                    **{"at-ns": checkpoints[number] + LATER_NS})
            qemu.do("cont")
            qemu.wait_event("JUMPCUT_STOPPED")
            qemu.do("cont")
            end = qemu.wait_event("JUMPCUT_REPLAY_END")
            qemu.wait_event("SHUTDOWN")
            info = qemu.do("query-jumpcut-replay")
            qemu.do("quit")
            qemu.process.wait()
        check("the trace's end was reached", end["complete"], True)
        check("no divergence", info.get("divergence"), None)
        check("digests compared", info["digests"] > 0, True)
        rest = (directory / f"{name}.console").read_bytes()
        check(f"console from {number} on", console.endswith(rest), True)
        check_in("console", b"reboot: ", rest)


@test
def checkpoint_that_is_not_there_is_refused(directory):
    guest = ("6.12", 1, "xen-hvm")
    trace = directory / "trace"
    with start(directory, "recorder", f"record={trace}", *guest) as qemu:
        qemu.do("quit")
        qemu.process.wait()
    result = subprocess.run(
        command(directory, "replayer", f"replay={trace},from=0", *guest),
        stderr=subprocess.PIPE, check=False)
    check(f"status; {result.stderr}", result.returncode, 1)
    check_in("stderr", "checkpoint", result.stderr.decode())


if __name__ == "__main__":
    main()
