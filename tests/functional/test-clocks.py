#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What Linux makes of its clocks, and of a cut.

Subject: the clocks as the kernel sees them.  What they should read is computed
here from the host profile, not by the code under test.  A clock that jumps is
measured by one that does not; the agent reads them some microseconds apart, so
an error below that is not seen here (unit and payload tests see nanoseconds).
"""
from guest import Guest
from harness import (SAMPLES, Failure, Run, amid_samples_ns, check, main, test,
                     test_each)

NS = 1_000_000_000
START_OF_2020 = 1577836800
# Between the first and the last reading of one sample.
SAMPLE_NS = NS // 1000


def check_near(what, got, wanted, tolerance=SAMPLE_NS):
    if abs(got - wanted) > tolerance:
        raise Failure(f"{what}: wanted {wanted} within {tolerance}, got {got}")


def cut_guest(directory, version, cut, *args):
    return Run(directory, "cut", version, "--cut",
               f"{amid_samples_ns(version)}ns:{cut}", *args,
               append=f"jumpcut.samples={SAMPLES}")


@test_each(("6.1", "6.1"))
@test_each(("6.12", "6.12"), by_hand=True)
def xen_clocks_follow_the_new_uptime(directory, _name, version):
    """pvclock: the kernel takes system time as it is, and jumps along."""
    guest = cut_guest(directory, version, "uptime=508119.80759")
    cut = guest.info["cuts"][0]
    check("time of the cut", cut["at-ns"], amid_samples_ns(version))
    check("system time before", cut["system-time-before"],
          amid_samples_ns(version))
    check("system time after", cut["system-time-after"], 508119807590000)
    before, after = guest.around_cut()
    check("clocksource", after["clocksource"], "xen")
    jump = 508119807590000 - amid_samples_ns(version)
    passed = after["tsc"] - before["tsc"]
    for clock in ("monotonic_ns", "boottime_ns", "realtime_ns"):
        check_near(clock, after[clock] - before[clock], jump + passed)
    check_near("printk", (after["printk_us"] - before["printk_us"]) * 1000,
               jump + passed, 100 * SAMPLE_NS)


@test
def xen_clocks_do_not_go_back(directory):
    """The kernel holds its clock while system time catches up."""
    guest = cut_guest(directory, "6.1", "uptime=1")
    before, after = guest.around_cut()
    for clock in ("monotonic_ns", "boottime_ns", "realtime_ns"):
        if after[clock] < before[clock]:
            raise Failure(f"{clock}: {before[clock]} before the cut, "
                          f"{after[clock]} after")


@test_each(("3-ghz", 3000000))
@test_each(("1-ghz", 1000000), by_hand=True)
def tsc_of_the_cut_is_read(directory, _name, khz):
    """RDTSC is the new host's; the kernel's clocks go on as if nothing was."""
    guest = cut_guest(directory, "6.1", f"tsc=123456789000,tsc-khz={khz}",
                      "--tsc-mode", "native")
    before, after = guest.around_cut()
    cut = guest.info["cuts"][0]
    to_cut = cut["tsc-before"] - before["tsc"]
    from_cut = (after["tsc"] - 123456789000) * 1000000 // khz
    check("TSC after", cut["tsc-after"], 123456789000)
    for clock in ("monotonic_ns", "boottime_ns", "realtime_ns"):
        check_near(clock, after[clock] - before[clock], to_cut + from_cut)


@test_each(("6.12-invtsc", "6.12", "on", "native", "tsc"),
           ("6.12-no-invtsc", "6.12", "off", "native", "xen"))
@test_each(("6.1-invtsc", "6.1", "on", "native", "xen"), by_hand=True)
def clocksource_is_what_xen_would_give(directory, _name, version, invtsc, mode,
                                       clocksource):
    """Linux 6.12 takes tsc where Xen promises never to emulate it (leaf 3)."""
    guest = Run(directory, "clocksource", version, "--invtsc", invtsc,
                "--tsc-mode", mode, append="jumpcut.samples=2")
    check("clocksource", guest.samples()[-1]["clocksource"], clocksource)


@test
def tsc_clocks_follow_the_new_tsc(directory):
    """With clocksource tsc it is the TSC's jump that the kernel shows."""
    guest = cut_guest(directory, "6.12", "tsc=508119807590000",
                      "--invtsc", "on", "--tsc-mode", "native")
    before, after = guest.around_cut()
    check("clocksource", before["clocksource"], "tsc")
    if not 508119807590000 <= after["tsc"] < 508119807590000 + 2 * NS:
        raise Failure(f"TSC after the cut: {after['tsc']}")
    check_near("monotonic", after["monotonic_ns"] - before["monotonic_ns"],
               after["tsc"] - before["tsc"])


@test
def guest_starts_at_the_hosts_uptime(directory):
    """System time is the host's, the wall clock is not moved by it."""
    guest = Run(directory, "uptime", "6.1", "--host-uptime", "1000d",
                "--cut", "1s:invtsc=off", append="jumpcut.samples=1")
    check("system time after a second",
          guest.info["cuts"][0]["system-time-before"], 86400000 * NS + NS)
    started = guest.samples()[0]["realtime_ns"] // NS - START_OF_2020
    if not 0 <= started < 60:
        raise Failure(f"wall clock {started} s after the start of 2020")


@test
def wall_clock_follows_the_rtc(directory):
    """What hwclock writes moves what Xen tells; reading it does not."""
    def offset(guest):
        clock = guest.do("query-jumpcut-clock")
        return clock["wallclock-ns"] - clock["virtual-ns"]

    with Guest(directory, "6.1", qemu_args=("-smp", "2")) as guest:
        guest.ready()
        started = offset(guest)
        guest.shell("hwclock -r")
        check("wall clock at the start", started, START_OF_2020 * NS)
        check("wall clock after a look", offset(guest), started)
        guest.shell("date -s '2033-05-18 03:33:20' && hwclock -w")
        moved = offset(guest) - started
        passed = guest.do("query-jumpcut-clock")["virtual-ns"]
        check("whole seconds", moved % NS, 0)
        # From the second that date set, less what had passed until then
        wanted = 2000000000 * NS - START_OF_2020 * NS
        if not wanted - passed - NS <= moved <= wanted + NS:
            raise Failure(f"wall clock moved by {moved} ns, wanted {wanted} "
                          f"less some of {passed}")


if __name__ == "__main__":
    main()
