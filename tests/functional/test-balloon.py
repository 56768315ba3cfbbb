#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux gives memory back and takes it again as memory/target says.

Subject: what a guest gives back is gone, for it and for every virtual CPU;
what it gets again is zeroed memory.  A migration moves what is left.
"""
from guest import Guest
from harness import check, main, test_each
from qmp import move

BALLOON = "/sys/devices/system/xen_memory/xen_memory0"
TOTAL_KIB = 256 << 10
LESS_KIB = 128 << 10
# A file in memory, which may take half of what there was at the start.
FILL = "dd if=/dev/zero of=/fill bs=1M count={} 2>/dev/null"


def figure(guest, name):
    return int(guest.shell(f"cat {BALLOON}/{name}"))


def total(guest):
    return int(guest.shell("awk '/^MemTotal/ {print $2}' /proc/meminfo"))


def set_target(guest, kib):
    """As xl mem-set; to a new value, and waits until the guest has got it."""
    before = figure(guest, "target_kb")
    guest.store("write", "memory/target", value=str(kib))
    guest.shell(f"until [ $(cat {BALLOON}/target_kb) != {before} ] && "
                f"[ $(cat {BALLOON}/target_kb) = "
                f"$(cat {BALLOON}/info/current_kb) ]; do sleep 0.05; done")


def fill_all(guest):
    """A file that needs what was given back, by two vCPUs."""
    guest.shell("taskset 2 " + FILL.format(80))
    text = guest.shell("taskset 1 md5sum /fill; rm /fill")
    # 80 MiB of zeroes
    check("what the file holds", text.split()[0],
          "c4cc92148739208fa3d6bef4a43d721c")


@test_each(("pvh-6.1", "6.1", "xen-pvh"))
@test_each(("hvm-6.12", "6.12", "xen-hvm"), by_hand=True)
def memory_follows_its_target(directory, _name, version, kind):
    with Guest(directory, version, "--guest", kind, "--memory", "256M",
               qemu_args=("-smp", "2")) as guest:
        guest.ready()
        guest.shell("dmesg -n 1")
        full, at_start = figure(guest, "info/current_kb"), total(guest)
        set_target(guest, LESS_KIB)
        less = figure(guest, "info/current_kb")
        check("memory given back, KiB", (full - less) // 1024,
              (TOTAL_KIB - LESS_KIB) // 1024)
        check(f"total {at_start} follows, KiB: {total(guest)}",
              at_start - total(guest), full - less)
        guest.shell("taskset 1 " + FILL.format(32))
        guest.shell("taskset 2 md5sum /fill; rm /fill")
        set_target(guest, TOTAL_KIB)
        check("all of it again, KiB", figure(guest, "info/current_kb"),
              full)
        check("total, KiB", total(guest), at_start)
        fill_all(guest)
        guest.type("poweroff -f")
        check("reason", guest.wait_event("SHUTDOWN")["reason"],
              "guest-shutdown")


@test_each(("6.1", "6.1"), ("6.12", "6.12"), by_hand=True)
def guest_moves_without_the_memory_it_gave_back(directory, _name, version):
    how = ("--memory", "256M", "--smp", "2")
    with Guest(directory, version, *how) as source:
        source.ready()
        source.shell("dmesg -n 1")
        full = figure(source, "info/current_kb")
        set_target(source, LESS_KIB)
        less = figure(source, "info/current_kb")
        with Guest(directory, version, *how,
                   qemu_args=("-incoming", "defer")) as target:
            move(source, target, directory / "socket")
            check("memory, KiB", figure(target, "info/current_kb"), less)
            set_target(target, TOTAL_KIB)
            check("memory, KiB", figure(target, "info/current_kb"), full)
            fill_all(target)


if __name__ == "__main__":
    main()
