#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""jumpcut report: the table, the comparison, and damaged records.

Subject: reading records and consoles; they are made here, so this cannot tell
whether jumpcut boot writes the same (test-cli.py and the guest tests do).
"""
import copy
import hashlib
import json
import os

from harness import HERE, Failure, check, check_in, main, run, test, test_each

GOLDEN = HERE / "golden/report.txt"
WIDTH = 100


def sample(number, seconds, boot=None, source="xen"):
    ns = int(seconds * 1_000_000_000)
    return (f"JUMPCUT sample={number} printk_us={ns // 1000} "
            f"monotonic_ns={ns + 1} boottime_ns={int((boot or seconds) * 1e9)} "
            f"realtime_ns={1577836800_000000000 + ns} tsc={ns * 2} "
            f"clocksource={source} end\r\n")


BEFORE = "[    0.000000] Linux\r\n" + sample(1, 4.5) + sample(2, 4.75)
AFTER = sample(3, 508119.875) + sample(4, 508120.25)


def record(console, cut_at):
    return {
        "format": "jumpcut-run-1", "kernel-version": "6.12.95+deb12-cloud-amd64",
        "configuration": {"smp": 1, "cuts": ["5:uptime=508119.8"]},
        "exit": {"code": 0, "ending": "powered-off"},
        "console": {"path": "a.console", "bytes": len(console),
                    "sha256": hashlib.sha256(console.encode()).hexdigest()},
        "query-jumpcut": {
            "virtual-ns": 6_500_000_000,
            "cuts": [{"at-ns": 5_000_000_000, "console-bytes": cut_at,
                      "invtsc-before": False, "invtsc-after": True,
                      "tsc-khz-before": 1000000, "tsc-khz-after": 2500000}],
            "digests": [{"at-ns": 5_000_000_000, "reason": "cut",
                         "sha256": "a" * 64},
                        {"at-ns": 6_500_000_000, "reason": "shutdown",
                         "sha256": "b" * 64}]}}


def write(directory, name, console=BEFORE + AFTER, cut_at=len(BEFORE),
          change=None):
    made = record(console, cut_at)
    made["console"]["path"] = f"{name}.console"
    (directory / f"{name}.console").write_bytes(console.encode())
    if change:
        change(made)
    path = directory / f"{name}.json"
    path.write_text(json.dumps(made))
    return path


def report(directory, *paths, status=0):
    result = run("report", *paths)
    text = result.stdout.decode().replace(f"{directory}/", "")
    if result.returncode != status:
        raise Failure(f"wanted exit status {status}, got {result.returncode}:"
                      f" {text}{result.stderr.decode()}")
    return text


@test
def table_of_a_cut_and_its_repetition(directory):
    text = report(directory, write(directory, "a"), write(directory, "b"))
    if os.environ.get("JUMPCUT_REGEN_GOLDEN"):
        GOLDEN.write_text(text)
    check("table", text, GOLDEN.read_text())
    widest = max(map(len, text.splitlines()))
    if widest > WIDTH:
        raise Failure(f"wanted at most {WIDTH} columns, got {widest}")


@test
def sample_that_straddles_the_cut_is_on_neither_side(directory):
    straddling = sample(9, 99)
    console = BEFORE + straddling + AFTER
    for at in (1, len(straddling) - 1):
        path = write(directory, "a", console, len(BEFORE) + at)
        text = report(directory, path)
        check_in("before", "4.750000 s", text)
        check_in("after", "508119.875000 s", text)


@test
def sample_with_kernel_messages_in_it_is_left_out(directory):
    damaged = sample(9, 99).replace(" monotonic", "[ 9.0] hello\r\n monotonic")
    text = report(directory, write(directory, "a", BEFORE + damaged + AFTER,
                                   len(BEFORE + damaged)))
    check_in("before", "4.750000 s", text)


@test
def clock_that_goes_back_has_a_negative_step(directory):
    console = BEFORE + sample(3, 0.25)
    check_in("table", "-4.500000 s", report(
        directory, write(directory, "a", console)))


@test
def cut_without_samples_says_so(directory):
    check_in("table", "no sample of the agent after it",
             report(directory, write(directory, "a", BEFORE)))
    check_in("table", "no sample of the agent before it",
             report(directory, write(directory, "b", AFTER, 0)))


def other_console(made):
    made["query-jumpcut"]["digests"][1]["sha256"] = "c" * 64


def other_memory(made):
    """Of the first, as a plugin tells it; the table's have no such members."""
    digest = made["query-jumpcut"]["digests"][0]
    digest.update(sha256="c" * 64, memory="c" * 16, devices="d" * 16)


def other_time(made):
    made["query-jumpcut"]["digests"][0]["at-ns"] = 2


def other_end(made):
    made["exit"] = {"code": 5, "ending": "reboot"}


@test_each(
    ("console", {"console": BEFORE + AFTER.replace("xen", "tsc")},
     "the consoles differ from byte"),
    ("console-length", {"console": BEFORE + AFTER + "x"},
     "the consoles differ from byte"),
    ("digest", {"change": other_console},
     "the digests differ from number 2, at 6500000000 ns"),
    ("part", {"change": other_memory},
     "what differs in it: memory, devices\n"),
    ("digest-time", {"change": other_time},
     "of cut and cut, at 5000000000 and 2 ns\n"),
    ("end", {"change": other_end}, "the endings differ"),
)
def repetition_that_differs_is_status_1(directory, _name, how, message):
    text = report(directory, write(directory, "a"),
                  write(directory, "b", **how), status=1)
    check_in("report", "DIFFERENT", text)
    check_in("report", message, text)
    check_in("last line", "2 runs, 1 repetition, 1 different", text)


@test
def runs_of_other_configurations_are_not_compared(directory):
    def other(made):
        made["configuration"]["smp"] = 2
    text = report(directory, write(directory, "a"),
                  write(directory, "b", BEFORE, change=other))
    check_in("last line", "2 runs, 0 repetitions, 0 different", text)


MEMBERS = [("format",), ("kernel-version",), ("configuration",),
           ("configuration", "smp"), ("exit",), ("exit", "ending"),
           ("console",), ("console", "path"), ("console", "sha256"),
           ("query-jumpcut",), ("query-jumpcut", "virtual-ns"),
           ("query-jumpcut", "cuts"), ("query-jumpcut", "cuts", 0),
           *(("query-jumpcut", "cuts", 0, name)
             for name in ("at-ns", "console-bytes", "invtsc-before",
                          "invtsc-after", "tsc-khz-before", "tsc-khz-after")),
           ("query-jumpcut", "digests"), ("query-jumpcut", "digests", 0),
           *(("query-jumpcut", "digests", 0, name)
             for name in ("at-ns", "reason", "sha256"))]


@test_each(*((".".join(map(str, member)), member) for member in MEMBERS))
def damaged_member(directory, _name, member):
    """Each member missing, null, and of every wrong type."""
    whole = record(BEFORE, 0)
    (directory / "a.console").write_bytes(BEFORE.encode())
    path = directory / "a.json"
    for value in ("absent", None, True, -1, 1.5, "no", [], {}, [1]):
        made = copy.deepcopy(whole)
        parent = made
        for key in member[:-1]:
            parent = parent[key]
        good = parent[member[-1]]
        if value == "absent" and isinstance(parent, dict):
            del parent[member[-1]]
        elif isinstance(value, type(good)) and value not in (-1, [1], {}):
            continue
        else:
            parent[member[-1]] = value
        path.write_text(json.dumps(made))
        result = run("report", path)
        stderr = result.stderr.decode()
        if result.returncode != 2 or str(directory) not in stderr:
            raise Failure(f"{value!r}: wanted status 2 and the file's name, "
                          f"got {result.returncode}: {stderr}")
        check("lines of stderr", stderr.count("\n"), 1)


@test_each(
    ("missing", None), ("empty", b""), ("binary", b"\0\xff" * 50),
    ("array", b"[]"),
    ("cut-short", json.dumps(record(BEFORE, 0))[:-9].encode()),
    ("deep", b"[" * 100000), ("deep-object", b"{\"a\":" * 100000),
)
def damaged_file(directory, _name, content):
    path = directory / "a.json"
    if content is not None:
        path.write_bytes(content)
    result = run("report", path)
    check("exit status", result.returncode, 2)
    check_in("stderr", str(path), result.stderr.decode())


@test
def record_at_a_relative_path_is_found(directory):
    path = write(directory, "a")
    report(directory, os.path.relpath(path))


@test
def console_of_another_run_is_refused(directory):
    path = write(directory, "a")
    (directory / "a.console").write_bytes(b"other")
    result = run("report", path)
    check("exit status", result.returncode, 2)
    check_in("stderr", "is not the console of this run",
             result.stderr.decode())


if __name__ == "__main__":
    main()
