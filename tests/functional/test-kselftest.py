#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Linux kernel's own tests of clocks, timers and CPUs, in our guests.

Subject: time and vCPUs as programs see them, by tests that others wrote.
scripts/fetch-selftests fetches them; what is here builds them, runs them in
guests and judges what they say, and how it judges is the one test that is not
by hand.  They cannot tell a clock that is wrong from one they do not try.
"""
import functools
import os
import pathlib
import re
import runpy
import subprocess
import tempfile

from guest import Guest
from harness import INITRD, ROOT, Failure, Run, Skip, check, main, test_each

SOURCE = pathlib.Path(os.environ.get("JUMPCUT_KSELFTEST",
                                     ROOT / "build/kselftest"))
CC = os.environ.get("CC", "gcc")
SKIPPED = 4  # a program's exit status
GIVEN_UP_S = 3000  # of virtual time
DIRECTORY = (0o040755, b"", (0, 0))

# Where a program's source is and what it wants to be built.
PARSER = ("vDSO/parse_vdso.c",)
DYNAMIC = ("test_vsyscall", "vdso_test_correctness")  # ask ld.so for the vDSO
LIBRARIES = ("lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6")
SOURCES = {
    "vDSO": {"vdso_test_gettimeofday": PARSER, "vdso_test_getcpu": PARSER,
             "vdso_test_abi": PARSER, "vdso_test_clock_getres": (),
             "vdso_test_correctness": ()},
    "x86": {"test_vsyscall": ()},
    "timers": dict.fromkeys((
        "nanosleep", "nsleep-lat", "set-timer-lat", "posix_timers",
        "mqueue-lat", "inconsistency-check", "raw_skew", "threadtest",
        "rtcpie", "valid-adjtimex", "set-tz", "set-tai", "leap-a-day",
        "leapcrash", "adjtick", "freq-step", "clocksource-switch",
        "skew_consistency", "change_skew", "set-2038", "alarmtimer-suspend"),
        ()),
}

READ = ("nanosleep", "nsleep-lat", "set-timer-lat", "posix_timers",
        "mqueue-lat", "inconsistency-check", "threadtest -t 2 -n 4", "rtcpie",
        "raw_skew", "vdso_test_gettimeofday", "vdso_test_clock_getres",
        "vdso_test_correctness", "vdso_test_abi", "vdso_test_getcpu",
        "test_vsyscall", "cpu-on-off-test.sh", "cpu-on-off-test.sh -a")
SET = ("valid-adjtimex", "set-tz", "set-tai", "leap-a-day -i 3", "leapcrash",
       "adjtick", "freq-step", "clocksource-switch", "skew_consistency",
       "change_skew", "set-2038")

# Guests without an RTC.
NO_RTC = ("xen-pvh",)
# What parts of a run may leave themselves out: those of clocks one cannot sleep
# on, of a number that is no clock's, of a call that 64-bit programs have not.
NOT_TRIED = {
    "CLOCK_PROCESS_CPUTIME_ID", "CLOCK_THREAD_CPUTIME_ID",
    "CLOCK_MONOTONIC_RAW", "CLOCK_REALTIME_COARSE", "CLOCK_MONOTONIC_COARSE",
    "UNKNOWN_CLOCKID", "clock_gettime64"}
# And in a guest without an RTC those of the clocks that need one.
NOT_TRIED_NO_RTC = {"CLOCK_REALTIME_ALARM", "CLOCK_BOOTTIME_ALARM"}

# Programs that cannot pass: in which guests, with what status, and why.
EXPECTED = {
    "freq-step": (("xen-hvm", "xen-pvh", "kvm"), SKIPPED,
                  "an instruction takes 8 ns, and reading three clocks more "
                  "than the 500 ns that it wants"),
    "rtcpie": (NO_RTC, SKIPPED, "there is no RTC"),
}


def problems_of(text):
    """What a program's output says is wrong, a line each.

    Some end with status 0 whatever they found.
    """
    wrong = []
    wanted = had = 0
    for line in text.splitlines() + ["1..0"]:
        plan = re.match(r"1\.\.(\d+)", line)
        if plan:
            if wanted and wanted != had:
                wrong.append(f"{had} of {wanted} parts")
            wanted, had = int(plan[1]), 0
        elif re.match(r"(not )?ok\b", line):
            had += 1
        if re.match(r"not ok\b(?!.*# (SKIP|TODO))|Bail out!", line) or \
                re.search(r"\[FAIL(ED)?\]|\bFAIL$", line):
            wrong.append(line.strip())
    return wrong


def left_out_of(text):
    """What the parts of a run are of that left themselves out."""
    lines = [line for line in text.splitlines()
             if re.search(r"# SKIP|\[(SKIP|UNSUPPORTED)\]", line)]
    return {found[0] if found else line for line, found in (
        (line, re.search(r"CLOCK_[A-Z_]+|UNKNOWN_CLOCKID|clock_gettime64",
                         line)) for line in lines)}


@test_each(
    ("passed", "TAP version 13\n1..2\nok 1 a\nok 2 # SKIP CLOCK_TAI  \n", [],
     {"CLOCK_TAI"}),
    ("failed", "1..1\nnot ok 1 a\n", ["not ok 1 a"], set()),
    ("known", "1..1\nnot ok 1 a # TODO b\n", [], set()),
    ("cut-short", "1..3\nok 1 a\nok 2 b\n", ["2 of 3 parts"],
     set()),
    ("second-cut-short", "1..1\nok 1\n1..2\nok 1\n1..1\nok 1\n",
     ["1 of 2 parts"], set()),
    ("bailed-out", "Bail out! why\n", ["Bail out! why"], set()),
    ("words", "a latency [OK]\nb latency [FAILED]\n[FAIL]\tc\n",
     ["b latency [FAILED]", "[FAIL]\tc"], set()),
    ("said-at-the-end", "vdso_test_time(): FAIL\n",
     ["vdso_test_time(): FAIL"], set()),
    ("left-out", "CLOCK_TAI   [UNSUPPORTED]\n[SKIP]\tother\n", [],
     {"CLOCK_TAI", "[SKIP]\tother"}),
    ("totals", "# Totals: pass:1 fail:0 xfail:0 skip:1 error:0\n", [],
     set()))
def output_is_judged(_directory, _name, text, wanted, left_out):
    check("problems", problems_of(text), wanted)
    check("left out", left_out_of(text), left_out)


def build(directory, group, name, more):
    """@return: a program, as bytes."""
    # One defines a function that C libraries have had since.
    command = [CC, "-O2", "-w", "-o", directory / name,
               *([] if name in DYNAMIC else ["-static"]),
               "-Wl,-z,muldefs", SOURCE / group / f"{name}.c",
               *(SOURCE / path for path in more), "-lrt", "-lpthread", "-lm"]
    result = subprocess.run(list(map(str, command)), capture_output=True,
                            check=False)
    if result.returncode:
        raise Failure(f"{name} cannot be built: {result.stderr.decode()}")
    return (directory / name).read_bytes()


@functools.lru_cache(maxsize=None)
def programs():
    """All of them for an initramfs; path -> what archive() wants."""
    if not SOURCE.is_dir():
        raise Skip(f"{SOURCE} is missing (scripts/fetch-selftests fetches it)")
    files = dict.fromkeys(("lib", "lib64", "lib/x86_64-linux-gnu", "test"),
                          DIRECTORY)
    contents = {path: pathlib.Path("/", path).read_bytes()
                for path in LIBRARIES}
    with tempfile.TemporaryDirectory(prefix="jumpcut-build-") as directory:
        for group, names in SOURCES.items():
            for name, more in names.items():
                contents[f"test/{name}"] = build(pathlib.Path(directory),
                                                 group, name, more)
    # Those that run this one ask for half a minute a clock and more.
    contents["test/inconsistency-check.long"] = contents.pop(
        "test/inconsistency-check")
    contents["test/inconsistency-check"] = \
        b'#!/bin/sh\nexec ./inconsistency-check.long "$@" -t 2\n'
    contents["test/cpu-on-off-test.sh"] = (
        SOURCE / "cpu-hotplug/cpu-on-off-test.sh").read_bytes().replace(
            b"#!/bin/bash", b"#!/bin/sh", 1)
    return files | {path: (0o100755, content, (0, 0))
                    for path, content in contents.items()}


def initramfs(directory, commands):
    """The usual one with the programs and what runs them behind it."""
    lines = ["#!/bin/sh", "cd /test", "export UID=0", "mkdir /dev/mqueue",
             "mount -t mqueue none /dev/mqueue",
             "echo 1 >/proc/sys/kernel/printk"]
    for command in commands:
        lines += [f"echo 'KSELFTEST begin {command}'",
                  f"timeout {GIVEN_UP_S} ./{command} 2>&1",
                  f"printf '\\nKSELFTEST end %s {command}\\n' $?"]
    archive = runpy.run_path(str(ROOT / "scripts/mk-initramfs"))["archive"]
    path = directory / "initramfs.cpio"
    path.write_bytes(pathlib.Path(INITRD).read_bytes() + archive({
        **programs(),
        "bin/kselftest": (0o100755, "\n".join(lines + [""]).encode(), (0, 0)),
    }))
    return path


def wrong_with(command, kind, text):
    """@return: what is wrong with a command by the console's text."""
    found = re.search(rf"^KSELFTEST begin {re.escape(command)}\n(.*?)"
                      rf"^KSELFTEST end (\d+) {re.escape(command)}$", text,
                      re.MULTILINE | re.DOTALL)
    if not found:
        return ["did not run to its end"]
    kinds, wanted, why = EXPECTED.get(command, ((), 0, ""))
    if kind not in kinds:
        wanted, why = 0, ""
    problems = problems_of(found[1])
    if int(found[2]) != wanted:
        problems.append(f"status {found[2]}, wanted {wanted}"
                        + (f": {why}" if why else ""))
    if wanted != SKIPPED:
        may = NOT_TRIED | (NOT_TRIED_NO_RTC if kind in NO_RTC else set())
        problems += [f"left out: {what}"
                     for what in sorted(left_out_of(found[1]) - may)]
    return problems


@test_each(
    ("passed", "rtcpie", "kvm", "ok 1 a", 0, []),
    ("failed", "rtcpie", "kvm", "", 1, ["status 1, wanted 0"]),
    ("skipped", "rtcpie", "kvm", "ok 1 # SKIP a", SKIPPED,
     ["status 4, wanted 0", "left out: ok 1 # SKIP a"]),
    ("expected", "rtcpie", "xen-pvh", "", SKIPPED, []),
    ("expected-passed", "rtcpie", "xen-pvh", "", 0,
     ["status 0, wanted 4: there is no RTC"]),
    ("left-out", "nanosleep", "xen-pvh", "ok 1 # SKIP CLOCK_BOOTTIME_ALARM", 0,
     []),
    ("left-out-with-rtc", "nanosleep", "kvm",
     "ok 1 # SKIP CLOCK_BOOTTIME_ALARM", 0, ["left out: CLOCK_BOOTTIME_ALARM"]),
    ("hung", "nanosleep", "kvm", "", None, ["did not run to its end"]))
def program_is_judged(_directory, _name, command, kind, said, status, wanted):
    text = f"KSELFTEST begin {command}\n{said}\n"
    if status is not None:
        text += f"KSELFTEST end {status} {command}\n"
    check("wrong", wrong_with(command, kind, text), wanted)


@test_each(*((f"{kind}-{version}-{name}", kind, version, commands)
             for kind in ("xen-hvm", "xen-pvh", "kvm")
             for version in ("6.12", "6.1")
             for name, commands in (("read", READ), ("set", SET))),
           by_hand=True)
def kernel_tests_pass(directory, _name, kind, version, commands):
    result = Run(directory, "guest", version, "--guest", kind, "--smp", "2",
                 append="jumpcut.run=/bin/kselftest",
                 initrd=initramfs(directory, commands))
    text = result.text.replace("\r", "")
    wrong = [f"{command}: {problem}" for command in commands
             for problem in wrong_with(command, kind, text)]
    if wrong:
        (directory / "console").write_text(text, encoding="utf-8")
        raise Failure("\n".join(wrong))


@test_each(("6.12", "6.12"), ("6.1", "6.1"), by_hand=True)
def alarms_come_across_sleep(directory, _name, version):
    command = "alarmtimer-suspend"
    with Guest(directory, version, "--smp", "2",
               append="jumpcut.run=/bin/kselftest",
               initrd=initramfs(directory, [command])) as guest:
        # An alarm is to end the sleep, but QEMU stops virtual time during it
        # and our RTC runs by that: we do in its place.
        while not guest.wait_event("SUSPEND", "SHUTDOWN"):
            guest.do("system_wakeup")
            guest.wait_event("WAKEUP")
        guest.wait("JUMPCUT ended status=0")
        text = guest.console.decode().replace("\r", "")
    check("problems", wrong_with(command, "xen-hvm", text), [])
    # Half of them amid sleeps, of two clocks; none if it cannot sleep.
    check("alarms", text.count("ALARM("), 20)


if __name__ == "__main__":
    main()
