#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Interrupts of emulated devices that Linux takes as events: XENFEAT_hvm_pirqs.

A disk that is read gives each interrupt it owes, by MSI-X and by a level
triggered line; a serial port gives edges.  Without the feature the same disk
and port interrupt by the APICs.  A lost interrupt shows as a read that ends by
the driver's time-out, which the guest's log tells.
"""
import re

from guest import Guest
from harness import check, check_in, main, test_each

READS = 64
DISK = ("-blockdev", f"null-co,node-name=d,read-zeroes=on,size={1 << 26}",
        "-device", "nvme,serial=x,drive=d", "-serial", "null")
# Name: kernel, its parameter, --xen-version, chip in /proc/interrupts.
KINDS = (("msi-x-6.12", "6.12", "", "4.17", r"xen-pirq +-msi-x +nvme0q[1-9]"),
         ("line-6.1", "6.1", "pci=nomsi", "4.17",
          r"xen-pirq +\d+-ioapic-level +nvme0q0, nvme0q1"),
         ("apic-6.1", "6.1", "", "4.20", r"PCI-MSI\S* .*nvme0q[1-9]"))


def interrupts(guest, chip):
    """How many interrupts the disk has made, on all vCPUs."""
    text = guest.shell("cat /proc/interrupts")
    rows = re.findall(rf"^ *\d+:((?: +\d+)+) +{chip}$", text, re.MULTILINE)
    check(f"{chip} in {text!r}", bool(rows), True)
    return sum(int(count) for row in rows for count in row.split())


def read_disk(guest):
    guest.shell(f"dd if=/dev/nvme0n1 of=/dev/null bs=64k count={READS} "
                "iflag=direct 2>/dev/null")


@test_each(*KINDS)
def disk_interrupts(directory, _name, version, append, xen, chip):
    # pylint: disable=too-many-arguments,too-many-positional-arguments
    with Guest(directory, version, "--smp", "2", "--xen-version", xen,
               append=append, qemu_args=DISK) as guest:
        guest.ready()
        before = interrupts(guest, chip)
        read_disk(guest)
        got = interrupts(guest, chip) - before
        check(f"{got} interrupts for {READS} reads", got >= READS // 2, True)
        guest.shell("echo to be sent > /dev/ttyS0")
        log = guest.shell("dmesg")
        check("disk's time-outs", re.findall("nvme.*timeout.*", log), [])
        text = guest.shell("cat /proc/interrupts")
        if xen == "4.17":
            check_in("interrupts", "xen-pirq   9-ioapic-level  acpi", text)
        else:
            check("physical interrupts", "xen-pirq" in text, False)


if __name__ == "__main__":
    main()
