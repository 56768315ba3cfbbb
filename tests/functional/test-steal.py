#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux on a host that is busy with other things.

Subject: held vCPUs.  The guest's /proc/stat is compared with what the plugin
says it took, and that with the share that was asked for.
"""
import re

from guest import Guest
from harness import Failure, check, main, test, test_each

NS = 1_000_000_000
JIFFIES = 100  # of /proc/stat, a second
PERCENT = 30
BUSY = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"


def stolen(guest):
    """Per vCPU: ns by the guest, ns by the plugin."""
    text = guest.shell("grep ^cpu[0-9] /proc/stat")
    by_guest = [int(line.split()[8]) * NS // JIFFIES
                for line in text.splitlines() if re.match(r"cpu\d", line)]
    by_plugin = []
    clock = guest.do("query-jumpcut-clock")
    for vcpu in clock["vcpus"]:
        # Linux adds Xen's time offline.
        times = vcpu.get("runstate-time-ns")
        by_plugin.append(times[1] + times[3] if times else vcpu["steal-ns"])
    return clock["virtual-ns"], by_guest, by_plugin


@test_each(("xen-hvm-6.1", "xen-hvm", "6.1", ()))
@test_each(("kvm-6.1", "kvm", "6.1", ()),
           ("xen-hvm-6.12", "xen-hvm", "6.12", ()),
           ("xen-pvh-6.12", "xen-pvh", "6.12", ()),
           ("kvm-6.12", "kvm", "6.12", ()),
           ("xen-hvm-6.1-no-icount", "xen-hvm", "6.1", ("--no-icount",)),
           ("kvm-6.1-no-icount", "kvm", "6.1", ("--no-icount",)),
           by_hand=True)
def stolen_time_is_what_was_taken(directory, _name, kind, version, more):
    with Guest(directory, version, "--guest", kind, "--smp", "2", "--steal",
               f"10ms:{PERCENT}", *more) as guest:
        guest.ready()
        start, by_guest_0, by_plugin_0 = stolen(guest)
        guest.shell(f"({BUSY}) & {BUSY}; wait")
        end, by_guest, by_plugin = stolen(guest)
    passed = end - start
    check("vCPUs", len(by_guest), 2)
    for i in range(2):
        took = by_plugin[i] - by_plugin_0[i]
        saw = by_guest[i] - by_guest_0[i]
        # A busy host of ours may leave a vCPU little to lose.
        least = 0 if more else passed * (PERCENT - 15)
        if not least <= took * 100 <= passed * PERCENT + NS:
            raise Failure(f"vCPU {i}: {took} of {passed} ns taken, "
                          f"asked for {PERCENT} percent")
        # The guest counts at its ticks and tells whole jiffies.
        if abs(saw - took) > passed // 20 + NS // 20:
            raise Failure(f"vCPU {i}: guest saw {saw} ns stolen of {took}")


@test
def guest_held_a_thousand_times_a_second_goes_on(directory):
    # A hold may end while the vCPU's thread is on its way to stop.
    with Guest(directory, "6.12", "--guest", "xen-pvh", "--smp", "2",
               "--steal", "1ms:50", "--no-icount") as guest:
        guest.ready()
        check("status", guest.shell(f"({BUSY}) & {BUSY}; wait; echo on")
              .split()[-1], "on")


if __name__ == "__main__":
    main()
