#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a Linux guest lives through: what the toolstack asks of it over
xenstore, suspend to RAM, a suspend that is cancelled, kexec.

After each the guest still is one of Xen's: clock source, a timer that ticks on
every vCPU, xenstore and console.
"""
from guest import XEN_SUSPEND, Guest, check_alive, initrd_with_kernel, sleep_and_wake
from harness import check, check_in, main, test_each

XEN_CRASH = 3


def suspend_and_cancel(guest):
    """What "xl save -c" does to a guest."""
    guest.suspend()
    guest.do("jumpcut-resume")
    guest.wait_event("RESUME")
    check("no reason left",
          "shutdown-reason" in guest.do("query-jumpcut"), False)


def lives_through(directory, version, vcpus, times=1, kind="xen-hvm"):
    """The guest sleeps, suspends, and ends when it is told to."""
    with Guest(directory, version, "--guest", kind,
               qemu_args=("-smp", str(vcpus))) as guest:
        guest.ready()
        guest.shell("dmesg -n 1")
        for _ in range(times):
            if kind == "xen-hvm":  # a PVH guest has no S3
                sleep_and_wake(guest)
                check_alive(guest, vcpus)
            suspend_and_cancel(guest)
            check_alive(guest, vcpus)
        guest.store("write", "control/shutdown", value="poweroff")
        check("reason", guest.wait_event("SHUTDOWN")["reason"],
              "guest-shutdown")


def suspend_and_restore(guest, vcpus):
    """What "xl save" and "xl restore" do to a guest."""
    guest.suspend()
    before = guest.do("query-jumpcut-clock")
    guest.restore(downtime="5")
    after = guest.do("query-jumpcut-clock")
    check("incarnation", after["incarnation"], before["incarnation"] + 1)
    check_alive(guest, vcpus)


def is_saved_and_restored(directory, version, vcpus, times, kind="xen-hvm"):
    with Guest(directory, version, "--guest", kind,
               qemu_args=("-smp", str(vcpus))) as guest:
        guest.ready()
        guest.shell("dmesg -n 1")
        for _ in range(times):
            suspend_and_restore(guest, vcpus)
        suspend_and_cancel(guest)
        check_alive(guest, vcpus)
        guest.store("write", "control/shutdown", value="poweroff")
        check("reason", guest.wait_event("SHUTDOWN")["reason"],
              "guest-shutdown")


def starts_another_kernel(directory, version, vcpus, kind="xen-hvm"):
    """kexec: SHUTDOWN_soft_reset, and the guest goes on in a new kernel."""
    initrd = initrd_with_kernel(directory, version)
    # Linux does not hand a PVH guest's RSDP to the next kernel by itself.
    more = "acpi_rsdp=0xfc008000" if kind == "xen-pvh" else ""
    with Guest(directory, version, "--guest", kind, initrd=initrd,
               qemu_args=("-smp", str(vcpus))) as guest:
        guest.ready()
        guest.do("jumpcut-xenstore-watch", path="@releaseDomain", token="r")
        guest.store("write", "data/old", value="1")
        guest.type("jumpcut-kexec /kexec/vmlinuz /kexec/initrd "
                   "'console=hvc0 panic=-1 cryptomgr.notests lpj=4000000 "
                   f"jumpcut.run=serve jumpcut.second {more}'")
        guest.ready()
        check_in("command line", "jumpcut.second",
                 guest.shell("cat /proc/cmdline"))
        check_alive(guest, vcpus)
        check("data", guest.do("jumpcut-xenstore-list",
                               path="/local/domain/1/data"), [])
        released = [event for event in guest.events
                    if event["event"] == "JUMPCUT_XENSTORE_WATCH"]
        # As it was set, at the shutdown, at the rebuilding, and after it.
        check("events of @releaseDomain", len(released), 4)
        guest.store("write", "control/shutdown", value="poweroff")
        check("reason", guest.wait_event("SHUTDOWN")["reason"],
              "guest-shutdown")


def ends_as_told(directory, version, command, reason):
    """control/shutdown; or sysrq, which is one letter."""
    with Guest(directory, version) as guest:
        guest.ready()
        if len(command) == 1:
            guest.shell("echo 1 > /proc/sys/kernel/sysrq")
            guest.store("write", "control/sysrq", value=command)
        else:
            guest.store("write", "control/shutdown", value=command)
        check("reason", guest.wait_event("SHUTDOWN")["reason"], reason)


@test_each(("6.12", "6.12", 4))
@test_each(("6.1", "6.1", 2), by_hand=True)
def sleeps_suspends_powers_off(directory, _name, version, vcpus):
    lives_through(directory, version, vcpus)


@test_each(("6.1", "6.1", 2))
@test_each(("6.12", "6.12", 2), by_hand=True)
def event_of_its_sleep_reaches_the_guest(directory, _name, version, vcpus):
    """Its upcall is pending in the local APIC, which the wake-up resets."""
    with Guest(directory, version, qemu_args=("-smp", str(vcpus))) as guest:
        guest.ready()
        # The console is suspended: what it is silent about it never tells.
        guest.shell("echo 1 > /proc/sys/kernel/sysrq; dmesg -n 8")
        start = guest.seen
        sleep_and_wake(guest, lambda: guest.store("write", "control/sysrq",
                                                  value="h"))
        awake, guest.seen = guest.seen, start
        guest.wait(r"sysrq: HELP[^\n]*\n")  # before or after the status
        guest.seen = max(guest.seen, awake)
        check_alive(guest, vcpus)


@test_each(("6.1-pvh", "6.1", 2, "xen-pvh"))
@test_each(("6.12-hvm", "6.12", 2, "xen-hvm"), by_hand=True)
def goes_on_as_a_new_domain(directory, _name, version, vcpus, kind):
    is_saved_and_restored(directory, version, vcpus, 2, kind)


@test_each(*[(f"{version}-{kind}-{vcpus}", version, vcpus, kind)
             for version in ("6.12", "6.1") for kind in ("xen-hvm", "xen-pvh")
             for vcpus in (1, 2, 4, 8)],
           by_hand=True)
def long_goes_on_as_a_new_domain(directory, _name, version, vcpus, kind):
    is_saved_and_restored(directory, version, vcpus, 5, kind)


@test_each(("6.1", "6.1", 4))
def pvh_suspends_and_powers_off(directory, _name, version, vcpus):
    lives_through(directory, version, vcpus, kind="xen-pvh")


@test_each(*[(f"{version}-{vcpus}", version, vcpus)
             for version in ("6.12", "6.1") for vcpus in (1, 2, 4, 8)],
           by_hand=True)
def long_pvh_suspends_and_kexecs(directory, _name, version, vcpus):
    lives_through(directory, version, vcpus, times=3, kind="xen-pvh")
    starts_another_kernel(directory, version, vcpus, kind="xen-pvh")


@test_each(("6.1", "6.1", 2))
@test_each(("6.12", "6.12", 2), by_hand=True)
def kexec_starts_another_kernel(directory, _name, version, vcpus):
    starts_another_kernel(directory, version, vcpus)


@test_each(("reboot", "6.1", "reboot", "guest-reset"))
@test_each(("halt", "6.12", "halt", "guest-shutdown"), by_hand=True)
def ends_as_the_toolstack_says(directory, _name, version, command, reason):
    ends_as_told(directory, version, command, reason)


@test_each(("pvh-6.1", "6.1", "xen-pvh"))
@test_each(("6.12", "6.12", "xen-hvm"), by_hand=True)
def sysrq_crashes_the_guest(directory, _name, version, kind):
    with Guest(directory, version, "--guest", kind) as guest:
        guest.ready()
        guest.shell("echo 1 > /proc/sys/kernel/sysrq")
        guest.store("write", "control/sysrq", value="c")
        # With -action shutdown=pause there is no SHUTDOWN after this.
        check("action", guest.wait_event("GUEST_PANICKED")["action"], "pause")
        check("reason", guest.do("query-jumpcut")["shutdown-reason"],
              XEN_CRASH)
        guest.wait("Kernel panic - not syncing: sysrq triggered crash")


@test_each(*[(f"{version}-{vcpus}", version, vcpus)
             for version in ("6.12", "6.1") for vcpus in (1, 2, 4, 8)],
           by_hand=True)
def long_sleeps_suspends_powers_off(directory, _name, version, vcpus):
    lives_through(directory, version, vcpus, times=3)


@test_each(*[(f"{version}-{vcpus}", version, vcpus)
             for version in ("6.12", "6.1") for vcpus in (1, 2, 4, 8)],
           by_hand=True)
def long_kexec(directory, _name, version, vcpus):
    starts_another_kernel(directory, version, vcpus)


@test_each(*[(f"{version}-{command}", version, command, reason)
             for version in ("6.12", "6.1")
             for command, reason in (("poweroff", "guest-shutdown"),
                                     ("halt", "guest-shutdown"),
                                     ("reboot", "guest-reset"),
                                     ("o", "guest-shutdown"),
                                     ("b", "guest-reset"))],
           by_hand=True)
def long_ends_as_told(directory, _name, version, command, reason):
    ends_as_told(directory, version, command, reason)


if __name__ == "__main__":
    main()
