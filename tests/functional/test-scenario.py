#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios: those that there are, and what jumpcut run makes of others.

Subject: jumpcut run.  That the scenarios of the tree go as they state, twice
the same, is their own claim; here the program is also given ones that must
fail.  And drivers of the console device do without a guest what they did in
one (tests/pairs).
"""
import os
import pathlib
import subprocess

from harness import (HANG_S, ROOT, TOOL, Failure, Skip, check, check_in, main,
                     run, test, test_each)

BUILD = pathlib.Path(TOOL).resolve().parent.parent

SCENARIOS = ROOT / "scenarios"
SLEEPER = """[scenario]
title=a sleeper
[machine]
guest=xen-pvh
memory=64M
[guest]
kernel=payload:sleeper
append=sleeps=1
"""


def scenario(directory, *lines):
    path = directory / "a.scenario"
    path.write_text(SLEEPER + "\n".join(lines) + "\n")
    return path


def run_file(path, *args, status=0):
    result = run("run", *args, path)
    text = result.stdout.decode()
    if result.returncode != status:
        raise Failure(f"wanted exit status {status}, got {result.returncode};"
                      f" stdout {text} stderr {result.stderr.decode()}")
    return text


@test_each(("xen-invtsc-boot",), ("xen-invtsc-migration",),
           ("xen-lower-uptime",), ("singleshot-past-recursion",),
           ("rtc-rate-change",), ("steal-decreases",))
@test_each(("pvclock-version-torn",), ("wallclock-late",), by_hand=True)
def scenario_goes_as_stated_twice(_directory, name):
    text = run_file(SCENARIOS / f"{name}.scenario", "--repeat", 2)
    if "# SKIP" in text:
        raise Skip(text.splitlines()[-1])
    check_in("repetition", "again, console and digests the same", text)


@test_each(("virtio-console-ready",), ("virtio-console-kick",),
           ("virtio-console-open",), ("virtio-console-unplug",),
           ("virtio-console-restore",), ("virtio-console-write",))
def driver_does_the_same_twice_and_without_a_guest(directory, name):
    path = SCENARIOS / f"{name}.scenario"
    text = run_file(path, "--repeat", 2, "--output", directory)
    if "# SKIP" in text:
        raise Skip(text.splitlines()[-1])
    check_in("repetition", "again, console and digests the same", text)
    env = dict({"JUMPCUT_QEMU": "qemu-system-x86_64"}, **os.environ,
               JUMPCUT_PLUGIN=str(BUILD / "plugins/jumpcut.so"),
               JUMPCUT_MODULE_DIR=str(BUILD / "accel/qtest"))
    done = subprocess.run(
        [BUILD / "tests/pairs/test-pairs", f"--guests={directory}", path],
        env=env, capture_output=True, timeout=HANG_S, check=False)
    if done.returncode:
        raise Failure(f"without a guest: {done.stdout.decode()}")


@test_each(("kvmclock-backwards",), ("pvclock-version-torn",))
@test_each(("wallclock-late",), ("xen-lower-uptime-linux",),
           ("tsc-unstable-after-resume",), ("xen-tsc-clocksource",),
           ("runstate-overflow",), by_hand=True)
def scenario_goes_as_stated(_directory, name):
    text = run_file(SCENARIOS / f"{name}.scenario")
    if "# SKIP" in text:
        raise Skip(text.splitlines()[-1])


@test
def first_scenario_prints_the_reports_numbers(directory):
    run_file(SCENARIOS / "xen-invtsc-migration.scenario", "--output",
             directory, "--variant", "bad")
    console = (directory / "xen-invtsc-migration-bad-1.json.console"
               ).read_text()
    for stamp in ("[508119.807590]", "[509508.914333]", "[516212.055921]"):
        check_in("console", stamp, console)


SERVED = """[scenario]
title=typing
[machine]
guest=xen-pvh
smp=2
[guest]
kernel=debian-6.12
append=cryptomgr.notests jumpcut.run=serve
[input 1]
when=console:JUMPCUT ready
type=echo $((6*7)); cat /proc/uptime\\n
[cut 1]
when=console:JUMPCUT status=0
uptime=500000
[input 2]
when=console:$
type=cat /proc/uptime; poweroff -f\\n
[expect 42]
present=^42
[expect before]
present=^\\d{1,2}\\.\\d\\d \\d
cut=1
side=before
[expect after]
present=^(499|500)\\d{3}\\.
cut=1
side=after
"""


@test
def steps_come_when_the_console_says_and_each_time_the_same(directory):
    path = directory / "a.scenario"
    path.write_text(SERVED)
    text = run_file(path, "--repeat", 2)
    if "# SKIP" in text:
        raise Skip(text.splitlines()[-1])
    check_in("repetition", "ok 5 - a: again", text)


@test_each(
    ("when", ["[input 1]", "when=console:never", "type=x"],
     "[input 1]: the guest ended before its console had 'never'"),
    ("command", ["[input 1]", "at=0.5", "qmp=query-status"],
     "query-status: no command that changes the guest"),
    ("failing", ["[input 1]", "when=console:", "qmp=jumpcut-resume"],
     "the guest has not suspended itself"),
)
def step_that_is_not_made_is_told(directory, name, step, message):
    path = scenario(directory, *step, "[expect 1]", "present=.")
    if name == "failing":
        path.write_text(path.read_text().replace("console:", "console:sleep")
                        .replace("sleeps=1", "sleeps=3"))
    text = run_file(path, status=1)
    check_in("why", message, text)


@test_each(
    ("absent", ["absent=took"], "want no match of 'took'"),
    ("present", ["present=nothing"], "no match of 'nothing'"),
    ("ending", ["ending=crashed"], "want ending crashed, got powered-off"),
    ("number", [r"present=took (\d+)", "number=7"], "want 7, got 1"),
)
def what_is_not_as_expected_is_status_1(directory, _name, expect, message):
    path = scenario(directory, "[expect 1]", *expect)
    text = run_file(path, status=1)
    check_in("ran", "ok 1 - a: runs", text)
    check_in("failed", "not ok 2 - a: [expect 1]", text)
    check_in("why", message, text)
    check_in("where", f"# {path}:9", text)


@test
def bad_files_are_told_all_at_once(directory):
    bad = scenario(directory, "x")
    other = directory / "b.scenario"
    other.write_text("[scenario]\n")
    result = run("run", bad, other)
    check("status", result.returncode, 2)
    check("stdout", result.stdout, b"")
    check("stderr", result.stderr.decode().splitlines(),
          [f"jumpcut: {bad}:9: want [GROUP], KEY=VALUE or # comment, got 'x'",
           f"jumpcut: {other}:1: [scenario] wants a key 'title'"])


@test_each(
    ("no-file", [], "no SCENARIO given"),
    ("option", ["--frob"], "--frob"),
    ("repeat", ["--repeat", "0", "x"], "--repeat 0: want a number"),
    ("missing", ["/nonexistent.scenario"], "/nonexistent.scenario: "),
    ("variant", ["--variant", "x",
                 SCENARIOS / "xen-invtsc-boot.scenario"], "--variant x: "),
    ("output", ["--output", "/dev/null/x",
                SCENARIOS / "xen-invtsc-boot.scenario"], "--output /dev/null"),
)
def bad_usage_is_status_2(_directory, _name, args, message):
    result = run("run", *args)
    check("status", result.returncode, 2)
    check_in("stderr", message, result.stderr.decode())


@test
def missing_kernel_is_skipped(directory):
    path = scenario(directory, "[expect 1]", "ending=powered-off")
    text = run_file(path, "--payloads", directory)
    check("tests", text.count("# SKIP"), 2)


@test
def qemu_that_is_missing_is_told(directory):
    path = scenario(directory, "[expect 1]", "ending=powered-off")
    text = run_file(path, "--qemu", "/nonexistent", status=2)
    check_in("why", "# --qemu /nonexistent: no such program", text)


@test
def list_and_dry_run_start_nothing(_directory):
    path = SCENARIOS / "xen-invtsc-boot.scenario"
    text = run_file(path, "--list")
    check_in("title", "A guest's log begins at the host's uptime", text)
    check_in("variant", "  bad: ", text)
    lines = run_file(path, "--dry-run").splitlines()
    check("commands", len(lines), 2)
    check_in("option", "--invtsc=on", lines[0])


if __name__ == "__main__":
    main()
