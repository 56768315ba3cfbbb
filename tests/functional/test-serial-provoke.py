#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux's virtio_console driver on a device that provokes it.

Subject: provocations that are legal for a device.  The driver lives through
each, not a byte is lost or changed where none may be, and the judge says
nothing against it.  Each provocation has to have done something.
"""
from harness import check, main, test_each
from serialports import OURS, PortsGuest, echo, lines

BYTES = 20000
# Queues of port n: 2n + 2 from the host, 2n + 3 to it.
LOSSLESS = (
    "status=0x0f#1:port-order,seed=3",
    "config-read#1:config-interrupt,count=3",
    "control-rx=device-ready#1:control-starve,delay=3ms",
    "control-rx=device-ready#1:interrupt-spurious,queue=3,count=5",
    "control-rx=port-ready/2#1:completion-hold,queue=3,delay=1ms",
    "control-rx=port-open/2#1:config-interrupt",
    "control-rx=port-open/1#1:interrupt-spurious,queue=4,count=3",
    "notify=7#3:completion-reorder,queue=7,delay=1ms",
    "notify=7#2:interrupt-spurious,queue=6,count=9",
    "notify=5#2:port-throttle,port=1,delay=1ms,count=4",
    "notify=9#2:completion-hold,queue=9,delay=2ms",
    "push=8#2:config-interrupt,count=2",
)
# After these a port is another one, or none.
LOSSY = (
    "control-rx=port-open/1#1:port-flap,port=1",
    "control-rx=port-ready/2#1:port-flap",
    "control-rx=port-open/2#1:host-disconnect,port=2,delay=1ms",
    "control-rx=port-open/3#1:port-unplug,port=3",
)


def check_driver(guest):
    """All has been done to it, and it did nothing wrong."""
    info, = guest.do("query-virtio-serial-mq")
    check("provocations that did nothing", [
        one["spec"] for one in info["provocations"] if not one["count"]], [])
    check("provocations that are faults", [
        one["spec"] for one in info["provocations"] if not one["legal"]], [])
    check("rules broken", [(rule["rule"], rule["count"])
                           for rule in info["violations"]], [])


def option(provocations):
    return "provoke=" + ";".join(provocations).replace(",", ",,")


@test_each(("6.12", "6.12"), ("6.1", "6.1"), by_hand=True)
def no_byte_is_lost(directory, _name, version):
    with PortsGuest(directory, version, OURS, lines(3), "--smp", "2",
                    options=(option(LOSSLESS),)) as guest:
        guest.ready()
        guest.load()
        guest.start_echo()
        echo(guest.ends, BYTES)
        guest.end_echo()
        check_driver(guest)


@test_each(("6.12", "6.12"))
@test_each(("6.1", "6.1"), by_hand=True)
def ports_vanish_and_come_back(directory, _name, version):
    with PortsGuest(directory, version, OURS, lines(4), "--smp", "2",
                    options=(option(LOSSY),)) as guest:
        guest.ready()
        guest.load()
        for port in (1, 2, 3, 4):
            guest.shell(f"for i in 1 2 3; do ( : <>/dev/vport0p{port} ); done; "
                        "true")
        check_driver(guest)
        guest.shell("cat /sys/class/virtio-ports/vport*/name >/tmp/names; "
                    "printf 'port1\\nport2\\nport4\\n' | cmp - /tmp/names")


if __name__ == "__main__":
    main()
