#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux as a guest of KVM's: its clock, a cut, and how it ends.

Subject: what the kernel makes of kvmclock.  What its clocks should read is
computed here from the host profile.  Migration is in test-migration.py, stolen
time in test-steal.py; records to the nanosecond are for unit and payload tests.
"""
from harness import (SAMPLES, Failure, Run, amid_samples_ns, check, check_in,
                     main, run, test_each)

NS = 1_000_000_000
UPTIME_NS = 508_119_807_590_000
SAMPLE_NS = NS // 1000
KVM = ("--guest", "kvm")


@test_each(("6.1-4-vcpus", "6.1", 4))
@test_each(("6.12-1-vcpu", "6.12", 1), ("6.12-2-vcpus", "6.12", 2),
           ("6.12-4-vcpus", "6.12", 4),
           ("6.1-1-vcpu", "6.1", 1), ("6.1-2-vcpus", "6.1", 2), by_hand=True)
def kvm_clock_is_the_clocksource(directory, _name, version, vcpus):
    guest = Run(directory, "boot", version, *KVM, "--smp", vcpus,
                append="jumpcut.samples=1")
    check("clocksource", guest.samples()[-1]["clocksource"], "kvm-clock")
    check("vCPUs", guest.booted()["vcpus"], str(vcpus))
    check("clock event", guest.booted()["clockevent"], "lapic-deadline")
    check_in("console", "Booting paravirtualized kernel on KVM", guest.text)
    check_in("console", "TSC deadline timer available", guest.text)
    check("guest", guest.info["guest"], "kvm")
    check("console bytes", guest.info["console-bytes"], len(guest.console))


@test_each(*[(f"{version}-{vcpus}-vcpus", version, vcpus)
             for version in ("6.12", "6.1") for vcpus in (1, 2, 4, 8)],
           by_hand=True)
def boots_twice_alike_on_a_busy_host(directory, _name, version, vcpus):
    """The console is read as fast as it comes, which is not always the same."""
    runs = [Run(directory, name, version, *KVM, "--smp", vcpus, "--steal",
                "10ms:30", "--digest", "100ms", append="jumpcut.samples=1")
            for name in ("a", "b")]
    result = run("report", *(one.report for one in runs))
    if result.returncode:
        raise Failure(result.stdout.decode() + result.stderr.decode())


@test_each(("forwards", UPTIME_NS, "off"))
@test_each(("backwards", NS, "on"), by_hand=True)
def cut_is_seen_as_it_is(directory, _name, uptime_ns, invtsc):
    """Linux follows system time forwards, and holds its clock till then."""
    at = amid_samples_ns("6.1", *KVM)
    guest = Run(directory, "cut", "6.1", *KVM, "--invtsc", invtsc, "--cut",
                f"{at}ns:uptime={uptime_ns}ns",
                append=f"clocksource=kvm-clock jumpcut.samples={SAMPLES}")
    cut = guest.info["cuts"][0]
    check("system time after", cut["system-time-after"], uptime_ns)
    before, after = guest.around_cut()
    check("clocksource", after["clocksource"], "kvm-clock")
    passed = after["tsc"] - before["tsc"]
    jump = max(uptime_ns - cut["system-time-before"], -passed)
    for clock in ("monotonic_ns", "boottime_ns", "realtime_ns"):
        got = after[clock] - before[clock]
        if not (abs(got - jump - passed) < SAMPLE_NS
                or uptime_ns == NS and 0 <= got <= passed):
            raise Failure(f"{clock} moved by {got} over a cut by {jump}, "
                          f"while the TSC moved by {passed}")


@test_each(("reboot", "reboot"), ("panic", "panic"), by_hand=True)
def reboot_ends_the_run(directory, _name, action):
    Run(directory, action, "6.1", *KVM, status=5,
        append=f"jumpcut.run={action}")


if __name__ == "__main__":
    main()
