#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The three ways of a cut agree to the nanosecond.

The same cut at the same virtual time: in place, with the guest moved to a
second QEMU at that time, and by a guest that suspended itself and was restored
there.  Half a second later every clock must be the same.  With one vCPU a guest
that moved must be the one that did not, to the last byte and digest: so what it
read from its clocks was the same.
"""
from guest import Guest
from harness import INITRD, amid_samples_ns, check, kernel, main, test_each
from qmp import Qemu, command_of

NS = 1_000_000_000
LATER_NS = NS // 2
PROFILE = {"uptime": "508119.80759", "wallclock": "1600000000",
           "tsc-khz": 2596122, "invtsc": True}
SPEC = "uptime=508119.80759,wallclock=1600000000,tsc-khz=2596122,invtsc=on"
ENDS = ("-S", "-action", "shutdown=pause")
SAMPLES = 40


def stop_at(qemu, at_ns):
    """Exactly there; @return: every clock."""
    qemu.do("jumpcut-handover", **{"at-ns": at_ns})
    check("virtual time of the stop",
          qemu.wait_event("JUMPCUT_STOPPED")["at-ns"], at_ns)
    clocks = qemu.do("query-jumpcut-clock")
    check("virtual time", clocks["virtual-ns"], at_ns)
    return clocks


def move(source, target, path):
    """The stopped guest, which stays stopped."""
    for qemu in (source, target):
        qemu.announce_migration()
    target.do("migrate-incoming", uri=f"unix:{path}")
    source.do("migrate", uri=f"unix:{path}")
    for qemu in (source, target):
        qemu.wait_migrated()
    source.do("quit")


def system_time_of(vcpu):
    """What the guest computes of its record and its TSC."""
    delta = vcpu["tsc"] - vcpu["pvclock-tsc-timestamp"]
    shift = vcpu["pvclock-shift"]
    delta = delta << shift if shift >= 0 else delta >> -shift
    return vcpu["pvclock-system-time"] + (delta * vcpu["pvclock-mul"] >> 32)


def check_same_clocks(what, got, wanted):
    """All that is a function of time; when vCPUs ran may differ."""
    for key in wanted:
        if key != "vcpus":
            check(f"{what}: {key}", got[key], wanted[key])
    check(f"{what}: vCPUs", len(got["vcpus"]), len(wanted["vcpus"]))
    for ours, theirs in zip(got["vcpus"], wanted["vcpus"]):
        for key in ("tsc", "tsc-adjust", "pvclock-mul", "pvclock-shift",
                    "pvclock-flags"):
            check(f"{what}: {key} of vCPU {ours['vcpu']}", ours[key],
                  theirs[key])
        if 0 not in (ours["pvclock-mul"], theirs["pvclock-mul"]):
            # A record's stamp is of an epoch; a tick is less than a ns.
            off = system_time_of(ours) - system_time_of(theirs)
            check(f"{what}: system time of vCPU {ours['vcpu']}, off by {off}",
                  abs(off) <= 1, True)


def finish(qemu, at_ns):
    """@return: digests at intervals, from at_ns on."""
    qemu.do("cont")
    check("reason", qemu.wait_event("SHUTDOWN")["reason"], "guest-shutdown")
    return [(digest["at-ns"], digest["sha256"])
            for digest in qemu.do("query-jumpcut")["digests"]
            if digest["reason"] == "interval" and digest["at-ns"] > at_ns]


def check_same_list(what, got, wanted):
    for ours, theirs in zip(got, wanted):
        check(what, ours, theirs)
    check(f"{what}: how many", len(got), len(wanted))
    check(f"{what}: there are some", len(got) > 5, True)


def sampling(version, kind, vcpus=1):
    return ["--guest", kind, "--initrd", INITRD, "--smp", vcpus,
            "--digest", "0.1", "--append",
            f"cryptomgr.notests jumpcut.samples={SAMPLES}", kernel(version)]


def run_in_place(directory, args, at_ns):
    log = directory / "in-place.log"
    with Qemu(command_of(log, "--cut", f"{at_ns}ns:{SPEC}", *args), ENDS,
              "in place") as qemu:
        qemu.do("cont")
        clocks = stop_at(qemu, at_ns + LATER_NS)
        digests = finish(qemu, at_ns)
    return clocks, digests, log.read_bytes()


def run_across(directory, args, at_ns):
    logs = directory / "source.log", directory / "target.log"
    with Qemu(command_of(logs[0], *args), ENDS, "source") as source, \
            Qemu(command_of(logs[1], *args), (*ENDS, "-incoming", "defer"),
                 "target") as target:
        source.do("cont")
        stop_at(source, at_ns)
        move(source, target, directory / "migration")
        target.do("jumpcut-cut", **PROFILE)
        target.do("cont")
        clocks = stop_at(target, at_ns + LATER_NS)
        digests = finish(target, at_ns)
    return clocks, digests, b"".join(log.read_bytes() for log in logs)


def check_moves(directory, version, kind):
    # An instruction takes 8 ns: the machine cannot stop within one.
    at_ns = (amid_samples_ns(version, "--guest", kind) + 12_345) // 8 * 8
    args = sampling(version, kind)
    clocks, digests, console = run_in_place(directory, args, at_ns)
    moved = run_across(directory, args, at_ns)
    if kind == "kvm":
        # It is told that it was stopped, which writes the record once more.
        for one in (*clocks["vcpus"], *moved[0]["vcpus"]):
            del one["pvclock-version"]
    else:
        check_same_list("digest after the cut", moved[1], digests)
    check("clocks", moved[0], clocks)
    check("console", moved[2], console)


@test_each(("6.1", "6.1", "xen-hvm"), ("6.1-kvm", "6.1", "kvm"), by_hand=True)
def moved_guest_is_the_one_that_stayed(directory, _name, version, kind):
    check_moves(directory, version, kind)


@test_each(*[(f"{version}-{kind}", version, kind)
             for version in ("6.12", "6.1")
             for kind in ("xen-hvm", "xen-pvh", "kvm")], by_hand=True)
def long_moved_guest_is_the_one_that_stayed(directory, _name, version, kind):
    check_moves(directory, version, kind)


def restored_clocks(directory, version, kind, vcpus):
    """@return: when the guest suspended itself, its clocks later"""
    with Guest(directory, version, "--guest", kind, "--smp",
               str(vcpus)) as guest:
        guest.ready()
        guest.suspend()
        at_ns = guest.do("query-jumpcut-clock")["virtual-ns"]
        guest.restore(**PROFILE)
        cut = guest.do("query-jumpcut")["cuts"][0]
        check("virtual time of the cut", cut["at-ns"], at_ns)
        return at_ns, stop_at(guest, at_ns + LATER_NS)


def idle(kind, vcpus, version):
    return ["--guest", kind, "--initrd", INITRD, "--smp", vcpus, "--append",
            "cryptomgr.notests lpj=4000000 jumpcut.run=serve",
            kernel(version)]


def check_ways(directory, version, kind, vcpus):
    at_ns, restored = restored_clocks(directory, version, kind, vcpus)
    args = idle(kind, vcpus, version)
    with Qemu(command_of(directory / "in-place.log", "--cut",
                         f"{at_ns}ns:{SPEC}", *args), ENDS) as qemu:
        qemu.do("cont")
        stayed = stop_at(qemu, at_ns + LATER_NS)
    with Qemu(command_of(directory / "source.log", *args), ENDS,
              "source") as source, \
            Qemu(command_of(directory / "target.log", *args),
                 (*ENDS, "-incoming", "defer"), "target") as target:
        source.do("cont")
        stop_at(source, at_ns)
        move(source, target, directory / "migration")
        target.do("jumpcut-cut", **PROFILE)
        target.do("cont")
        moved = stop_at(target, at_ns + LATER_NS)
    check_same_clocks("across processes", moved, stayed)
    check_same_clocks("restored", restored, stayed)


@test_each(("6.12-2-vcpus", "6.12", "xen-hvm", 2))
def three_ways_agree(directory, _name, version, kind, vcpus):
    check_ways(directory, version, kind, vcpus)


@test_each(*[(f"{version}-{kind}-{vcpus}", version, kind, vcpus)
             for version in ("6.12", "6.1") for kind in ("xen-hvm", "xen-pvh")
             for vcpus in (1, 2, 4)], by_hand=True)
def long_three_ways_agree(directory, _name, version, kind, vcpus):
    check_ways(directory, version, kind, vcpus)


if __name__ == "__main__":
    main()
