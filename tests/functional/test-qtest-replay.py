#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The device-level part of a trace, made again under qtest without the guest.

Subject: record --level devices and jumpcut qtest: every answer of the plugin
is the recorded one, another is told, and what --emit writes does the same on
its own.
"""
import os
import pathlib
import re
import subprocess

from harness import (HANG_S, INITRD, TOOL, Failure, check, check_in, kernel,
                     main, run, test, test_each)
from recorder import Recording

BUILD = pathlib.Path(TOOL).resolve().parent.parent
DIVERGED = 9


def record(directory, kind, version, vcpus, level="devices", *args):
    """A short boot; its trace."""
    trace = directory / f"{level}.jct"
    done = run("record", "-o", trace, "--level", level, "--digest", "2s",
               "--guest", kind, "--smp", vcpus, "--initrd", INITRD,
               "--append", "quiet jumpcut.run=poweroff", *args,
               kernel(version))
    if done.returncode:
        raise Failure(f"record ended with {done.returncode}: {done.stderr}")
    return trace


def steps_of(done):
    check("exit status", done.returncode, 0)
    check("standard error", done.stderr, b"")
    found = re.search(rb"(\d+) steps, all answers are as recorded\n",
                      done.stdout)
    if not found:
        raise Failure(f"output: {done.stdout}")
    return int(found[1])


@test_each(("hvm-6.12-2-vcpus", "xen-hvm", "6.12", 2),
           ("kvm-6.1", "kvm", "6.1", 1))
@test_each(("hvm-6.1", "xen-hvm", "6.1", 1),
           ("pvh-6.12", "xen-pvh", "6.12", 1), by_hand=True)
def boot_answers_the_same_without_its_guest(directory, _name, kind, version,
                                            vcpus):
    trace = record(directory, kind, version, vcpus)
    done = run("verify", trace)
    check(f"status of verify; {done.stderr}", done.returncode, 0)
    if steps_of(run("qtest", trace)) < 500:
        raise Failure("a boot is more than that")


@test
def faults_by_qmp_are_made_again(directory):
    """One that is to happen at once, and one that waits for its time."""
    with Recording(directory, "faults", "6.1", "--level", "devices",
                   append="quiet") as guest:
        guest.await_text(b"JUMPCUT ready")
        guest.do("jumpcut-fault", kind="event-late", virq="timer", count=3,
                 delay="2ms")
        guest.do("stop")  # or the time may have come before the fault has
        now = guest.do("query-jumpcut")["virtual-ns"]
        guest.do("jumpcut-fault", kind="event-late", virq="timer",
                 delay="1ms", **{"at-ns": now + 100_000_000})
        guest.do("cont")
        guest.type(b"sleep 0.2")
        guest.power_off()
    steps_of(run("qtest", guest.trace))
    lines = directory / "steps.txt"
    check("emit", run("qtest", "--emit", "qtest", "-o", lines,
                      guest.trace).returncode, 0)
    check("faults", lines.read_text(encoding="ascii").count(" fault "), 2)


@test
def emitted_tests_pass_and_fail_on_their_own(directory):
    trace = record(directory, "xen-pvh", "6.1", 1, "devices", "--cut",
                   "1.5:uptime=1000,tsc-khz=2000000")
    steps = steps_of(run("qtest", trace))
    lines = directory / "steps.txt"
    check("emit", run("qtest", "--emit", "qtest", "-o", lines,
                      trace).returncode, 0)
    check("steps", steps_of(run("qtest", lines)), steps)
    text = lines.read_text(encoding="ascii")
    check_in("lines", " cut ", text)
    for line, more in (("# plugin ", "# arg -incoming\n# arg exec:x\n"),
                       ("# plugin guest=", "# plugin record=x,guest=")):
        lines.write_text(text.replace(line, more + (
            line if more.startswith("# arg") else "")), encoding="ascii")
        done = run("qtest", lines)
        check("exit status", done.returncode, 2)
        check_in("message", b" are not only of a" if "arg" in more else
                 b" is not only of a guest", done.stderr)
    # One answer is another: the uptime that CPUID tells, a wrong hash.
    before, wrong = text.split("timer/", 1)
    lines.write_text(before + "timer/9" + wrong, encoding="ascii")
    done = run("qtest", lines)
    check("exit status", done.returncode, DIVERGED)
    number = before.count("\n> ")
    check_in("message", f"step {number} of {steps}, at ".encode(), done.stderr)
    check_in("message", b"\n  expected: ", done.stderr)
    emitted_c(directory, trace, steps)


def emitted_c(directory, trace, steps):
    source, program = directory / "steps.c", directory / "steps"
    check("emit", run("qtest", "--emit=C", "-o", source,
                      trace).returncode, 0)
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", program,
                    source], check=True, timeout=HANG_S)
    env = dict(os.environ, JUMPCUT_PLUGIN=str(BUILD / "plugins/jumpcut.so"),
               JUMPCUT_MODULES=str(BUILD / "accel/qtest"))
    done = subprocess.run([program], env=env, capture_output=True,
                          timeout=HANG_S, check=False)
    check("output", done.stdout, b"1..1\nok 1 - %d steps\n" % steps)
    check("exit status", done.returncode, 0)


@test
def levels_do_not_change_the_run(directory):
    first = record(directory, "xen-hvm", "6.1", 1, "digests")
    again = record(directory, "xen-hvm", "6.1", 1)
    done = run("diff", first, again)
    digests = [line for line in done.stdout.splitlines()
               if line.startswith(b"digests: ")]
    check("exit status", done.returncode, 0)
    if not digests or not re.fullmatch(rb"digests: [1-9]\d* equal", digests[0]):
        raise Failure(f"diff: {done.stdout}")
    check("no device records", run("qtest", first).returncode, 2)


if __name__ == "__main__":
    main()
