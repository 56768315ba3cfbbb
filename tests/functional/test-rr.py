#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's own recording and replaying, with the plugin loaded.

Subject: what the plugin does under -icount rr=record and rr=replay.  The replay
must end as the recording did, with the same console and the same digests.  What
needs rr, devices that complete when the host does, is QEMU's own and not tried.
"""
from harness import INITRD, check, kernel, main, test_each
from qmp import Qemu, command_of


def run(directory, mode, sleep, *boot_arguments):
    """@return: console, digests and cuts of a boot to its end."""
    log = directory / f"{mode}.console"
    command = command_of(log, "--initrd", INITRD, "--digest", "500ms",
                         "--cut", "1s:uptime=508119.80759",
                         "--append", "cryptomgr.notests jumpcut.run=poweroff",
                         *boot_arguments)
    at = command.index("-icount") + 1
    command[at] = f"shift=3,sleep={sleep},rr={mode},rrfile={directory}/rr"
    with Qemu(command, ("-action", "shutdown=pause")) as qemu:
        qemu.wait_event("SHUTDOWN")
        qemu.wait_event("STOP")
        info = qemu.do("query-jumpcut")
        # The log is complete when QEMU has ended.
        qemu.socket.sendall(b'{"execute": "quit"}\n')
        qemu.process.wait()
    # That a Xen guest ended the replay knows before the guest says so.
    digests = [one for one in info["digests"] if one["reason"] != "shutdown"]
    return log.read_bytes(), digests, info["cuts"]


@test_each(("xen-hvm-6.1", "xen-hvm", "6.1", "off"))
@test_each(("xen-hvm-6.12", "xen-hvm", "6.12", "off"),
           ("xen-hvm-6.1-sleep", "xen-hvm", "6.1", "on"),
           ("xen-pvh-6.12", "xen-pvh", "6.12", "off"),
           ("kvm-6.1", "kvm", "6.1", "off"),
           by_hand=True)
def replay_by_qemu_is_what_qemu_recorded(directory, _name, kind, version,
                                         sleep):
    args = ("--guest", kind, kernel(version))
    recorded = run(directory, "record", sleep, *args)
    console, digests, cuts = recorded
    check("digests, some", len(digests) > 3, True)
    check("cuts", len(cuts), 1)
    check("ended", b"reboot: Power" in console, True)
    replayed = run(directory, "replay", sleep, *args)
    for what, one, other in zip(("console", "digests", "cuts"), replayed,
                                recorded):
        check(what, one, other)


if __name__ == "__main__":
    main()
