#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The size of a virtconsole-mq as Linux's terminal has it.

Subject: the order of the two numbers behind the control message RESIZE.  The
specification has columns first; Linux read rows first until it was mended, in
its stable versions, too.
"""
from harness import main, test_each
from serialports import OURS, Line, PortsGuest

FIRST = (100, 30)
LATER = ((132, 43), (80, 25))


class Console(Line):
    """A console port that has a size from the start."""

    def qemu_args(self, kind):
        *words, device = super().qemu_args(kind)
        cols, rows = FIRST
        return *words, device.replace(
            kind.port, kind.console) + f",cols={cols},rows={rows}"


@test_each(("6.12", "6.12"))
@test_each(("6.1", "6.1"), by_hand=True)
def console_has_its_size(directory, _name, version):
    with PortsGuest(directory, version, OURS, [Console("console")], "--guest",
                    "kvm") as guest:
        guest.ready()
        guest.load()
        for cols, rows in (FIRST, *LATER):
            if (cols, rows) != FIRST:
                guest.do("virtio-serial-mq-resize", port=0, cols=cols,
                         rows=rows)
            guest.shell("until [ \"$(stty size </dev/hvc0)\" = "
                        f"'{rows} {cols}' ]; do :; done")


if __name__ == "__main__":
    main()
