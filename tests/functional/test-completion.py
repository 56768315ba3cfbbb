#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What documents the command line: the manual and the shell's completion.

Subject: that both have every option and command that --help tells of, and
nothing else.
"""
import re
import subprocess

from harness import ROOT, Failure, check, check_in, main, run, test, test_each


def commands():
    text = run("--help").stdout.decode()
    return set(re.findall(r"^  ([a-z]+) ", text, re.M))


def help_options(command):
    text = run(command, "--help").stdout.decode()
    return set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.M))


@test
def version_and_help_go_to_stdout(_directory):
    result = run("--version")
    check("status", result.returncode, 0)
    check_in("version", b"jumpcut 0.", result.stdout)
    for args in (["--help"], *([name, "--help"] for name in commands())):
        result = run(*args)
        check(f"status of {args}", result.returncode, 0)
        check_in(f"{args}", b"Usage:", result.stdout)
        widest = max(map(len, result.stdout.decode().splitlines()))
        if widest > 80:
            raise Failure(f"{args}: a line of {widest} columns")


@test
def manual_tells_every_option(_directory):
    source = (ROOT / "docs/jumpcut.1").read_text()
    source = re.sub(r"\\(.)", r"\1", source)
    told = set(re.findall(r"^\.(?:BI|BR|B) (--[a-z-]+)", source, re.M))
    check("options of the manual", told - {"--"},
          set().union(*map(help_options, commands()), {"--version"}))
    statuses = re.findall(r"STATUS_\w+ = (\d+)",
                          (ROOT / "tools/command.h").read_text())
    for status in statuses:
        check_in("exit statuses", f".TP\n.B {status}\n", source)


COMPLETE = r"""
source "$1"; compopt() { :; }
COMP_LINE=$2; COMP_POINT=${#COMP_LINE}; _jumpcut; printf '%s\n' "${COMPREPLY[@]}"
"""


def complete(line):
    script = ROOT / "tools/completions/jumpcut.bash"
    result = subprocess.run(["bash", "-c", COMPLETE, "bash", script, line],
                            capture_output=True, check=True, text=True)
    check(f"stderr for {line!r}", result.stderr, "")
    return set(result.stdout.split())


@test
def completion_lists_every_option(_directory):
    for command in commands():
        check(f"options of {command}", complete(f"jumpcut {command} --"),
              help_options(command))
    check("commands", complete("jumpcut "),
          commands() | {"--help", "--version"})


@test_each(
    ("value", "jumpcut boot --invtsc o", {"on", "off"}),
    ("value-after-equals", "jumpcut boot --tsc-mode=n", {"native"}),
    ("cut-key", "jumpcut boot --cut 5:up", {"uptime="}),
    ("cut-second-key", "jumpcut boot --cut 5:tsc=0,tsc-k", {"0,tsc-khz="}),
    ("command", "jumpcut rep", {"replay", "report"}),
    ("run-option", "jumpcut run --va", {"--variant"}),
)
def completion(_directory, _name, line, words):
    check(line, complete(line), words)


@test
def completion_knows_the_file_options(directory):
    (directory / "kernel-x").touch()
    check("kernel", complete(f"jumpcut boot {directory}/ker"),
          {f"{directory}/kernel-x"})
    check("initrd", complete(f"jumpcut boot --initrd {directory}/ker"),
          {f"{directory}/kernel-x"})


if __name__ == "__main__":
    main()
