#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that is not ours runs as if the plugin were not there.

Subject: jumpcut.so without guest=.  Equal console bytes under icount mean equal
instructions up to each output; what comes after the last is not seen.
"""
import pathlib
import subprocess

from harness import HANG_S, INITRD, TOOL, Skip, check, check_in, kernel, \
    main, test
from qmp import Qemu, command_of

PLUGIN = pathlib.Path(TOOL).parent.parent / "plugins/jumpcut.so"


def stock_command(plugin):
    if not pathlib.Path(INITRD).is_file():
        raise Skip(f"{INITRD} is missing (scripts/mk-initramfs makes it)")
    command = command_of("/dev/null", "--initrd", INITRD, "--append",
                         "console=ttyS0 cryptomgr.notests jumpcut.samples=5",
                         kernel("6.1"))
    at = command.index("-plugin")
    rest = command[:at] + command[at + 2:]
    at = rest.index("-chardev")
    rest = rest[:at] + rest[at + 2:]
    return [*rest, "-serial", "stdio", *plugin]


@test
def console_is_the_same_with_and_without(_directory):
    consoles = [subprocess.run(stock_command(plugin), capture_output=True,
                               stdin=subprocess.DEVNULL, check=True,
                               timeout=HANG_S).stdout
                for plugin in ([], ["-plugin", str(PLUGIN)])]
    check_in("stock", b"hypervisor=none clocksource=tsc", consoles[0])
    check("bytes", len(consoles[1]), len(consoles[0]))
    check("equal", consoles[1] == consoles[0], True)


@test
def query_tells_that_there_is_no_guest(_directory):
    command = [word for word in stock_command(["-plugin", str(PLUGIN), "-S"])
               if word not in ("-serial", "stdio")]
    with Qemu(command) as qemu:
        check("guest", qemu.do("query-jumpcut")["guest"], "none")


if __name__ == "__main__":
    main()
