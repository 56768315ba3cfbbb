#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""jumpcut info, dump, verify and diff, and the format's page.

Subject: reading traces.  They are made here, by the library's writer from
payloads packed in Python, so this cannot tell whether a recorder writes the
same (test-record.py does).
"""
import json
import shutil
import subprocess

import trace_reader
import trace_samples as samples
from harness import Failure, Skip, check, check_in, main, run, test, test_each


def tool(*args, status=0):
    result = run(*args)
    if result.returncode != status:
        raise Failure(f"{args}: wanted exit status {status}, got "
                      f"{result.returncode}: {result.stdout.decode()}"
                      f"{result.stderr.decode()}")
    return result.stdout.decode(), result.stderr.decode()


@test
def page_says_all_a_reader_needs(directory):
    made = samples.sample()
    made.insert(6, ("checkpoint", 5_500_000_000, b"state"))
    path = samples.write(directory / "a.jct", made)
    found, rows = trace_reader.records(path)
    check("header", trace_reader.header(found[0].payload),
          list(samples.HEADER))
    check("records", [(r.type, r.at_ns, r.payload, r.flags, r.vcpu)
                      for r in found[1:]],
          [(*row, 0, 0)[:5] for row in made])
    check("frames", [(row[1], row[2]) for row in rows],
          [(0, 0), (7, 5_500_000_000)])
    digest = trace_reader.digest(found[3].payload)
    check("pages", digest["pages"], [(5, 1), (900, 2)])
    check("parts", digest["parts"], [("vcpu0", 1), ("ram", 2)])
    dumped = tool("dump", path)[0].splitlines()
    check("dump's numbers and types",
          [tuple(line.split()[0:3:2]) for line in dumped],
          [(str(r.number), r.type) for r in found])


@test
def dump_shows_what_is_asked_for(directory):
    path = samples.write(directory / "a.jct")
    whole = tool("dump", path)[0]
    check("lines", len(whole.splitlines()), 13)
    check_in("typed", "1.000000000 input-bytes      console: ls -l%0A%FF",
             whole)
    check_in("failed command",
             'jumpcut-cut {"uptime": 5}: failed: no such key', whole)
    check_in("at a stop", "input-qmp        (stopped) cont", whole)
    check_in("vCPU", "device           vcpu1 2 bytes", whole)
    part = tool("dump", "--type", "digest", "--type", "cut", "--from", "2.5",
                "--to", "5s", path)[0]
    check("filtered", [line.split()[0] for line in part.splitlines()],
          ["5", "6"])
    full = tool("dump", "--full", path)[0]
    check_in("header", "    arg = console=hvc0 quiet\n", full)
    check_in("register", " rip=ffffffff81000000 rflags=246\n", full)
    check_in("page", "    page 0x10000000000 ffffffff\n", full)
    error = tool("dump", "--type", "cuts", path, status=2)[1]
    check("wrong type", error,
          "jumpcut: dump: --type cuts: no such type of record\n")


@test
def info_counts_and_names(directory):
    path = samples.write(directory / "a.jct")
    text = tool("info", path)[0]
    check_in("first line", "a.jct: a finished trace, ", text)
    check_in("time", "13 records, 9.000000000 s of virtual time", text)
    check_in("guest", "  guest            xen-hvm\n", text)
    check_in("end", "powered-off after 40 bytes of console", text)
    found = json.loads(tool("info", "--json", path)[0])
    check("counts", found["counts"],
          {"header": 1, "input-bytes": 1, "input-qmp": 2, "cut": 1,
           "digest": 3, "event": 2, "handover": 1, "device": 1, "end": 1})
    check("size", found["bytes"], path.stat().st_size)
    check("finished", found["finished"], True)
    check("header", [tuple(pair) for pair in found["header"]],
          list(samples.HEADER))
    check("end", found["end"]["console-sha256"], bytes(range(32)).hex())


@test
def verify_accepts_and_counts(directory):
    # The end is as of the last tick; there may be output behind it.
    path = samples.write(directory / "a.jct", samples.sample(
        r11=("end", 8_990_000_000, samples.end())))
    check("whole", tool("verify", path)[0],
          f"{path}: 13 records, 3 digests\n")


@test
def killed_writer_leaves_what_was_flushed(directory):
    path = samples.write(directory / "a.jct", last="die")
    out, error = tool("verify", path, status=1)
    check("nothing on stdout", out, "")
    check_in("torn", "a.jct.partial: not finished: the frame at byte 28 has "
             "no end, and 0 bytes of record 13 are there; 13 records are "
             "whole\n", error)
    check_in("accepted", "13 records, 3 digests; not finished: the frame",
             tool("verify", "--partial", path)[0])
    check("dump", len(tool("dump", path)[0].splitlines()), 13)
    check_in("info", "an unfinished trace", tool("info", path)[0])


@test
def every_byte_that_is_missing_is_missed(directory):
    whole = samples.write(directory / "a.jct").read_bytes()
    path = directory / "b.jct"
    # The unit tests do it at each byte; here, as the program shows it.
    for size in (0, 11, 28, 40, len(whole) // 2, len(whole) - 36,
                 len(whole) - 1):
        path.write_bytes(whole[:size])
        error = tool("verify", path, status=1)[1]
        check_in(f"{size} bytes", "byte ", error)
        if run("verify", path).stdout:
            raise Failure(f"{size} bytes: accepted")


def wrong(number, kind, at_ns, payload):
    return samples.sample(**{f"r{number}": (kind, at_ns, payload)})


@test_each(
    ("time", wrong(1, "input-bytes", -5, samples.typed(b"x")),
     "record 2 (input-bytes): at -5 ns, the record before is at 0"),
    ("digest-number", wrong(5, "digest", 5_000_000_000, samples.digest(7)),
     "record 6 (digest): number 7, want 1"),
    ("handover-number", wrong(6, "handover", 6_000_000_000,
                              samples.handover(2)),
     "record 7 (handover): number 2, want 1"),
    ("console", wrong(9, "digest", 8_000_000_000,
                      samples.digest(2, console=3)),
     "record 10 (digest): 3 bytes of console, there were 20 before"),
    ("end-early", wrong(8, "end", 6_100_000_000, samples.end()),
     "record 10 (digest): the record before was the end"),
    ("payload", wrong(4, "cut", 5_000_000_000, samples.cut()[:-1]),
     "record 5 (cut): payload of cut: console bytes wants 8 bytes, 7 are "
     "left"),
    ("text", wrong(0, "event", 0, b"\2\0\xff\xff" + bytes(16)),
     "record 1 (event): payload of event: name is not text"),
    ("count", wrong(2, "digest", 2_000_000_000,
                    samples.digest(0)[:-4] + b"\xff" * 4),
     "number of pages is 4294967295, 0 bytes are left"),
)
def verify_names(directory, _name, records, message):
    path = samples.write(directory / "a.jct", records)
    out, error = tool("verify", path, status=1)
    check("stdout", out, "")
    check_in("message", message, error)
    check_in("frame", "frame at byte 28, ", error)


@test_each(
    ("option", ("option", "--console-log=x"),
     "option --console-log=x: none that is recorded"),
    ("kernel", ("kernel", "--qemu=x"), "kernel: wanted an absolute path"),
)
def header_of_anybody_chooses_no_file(directory, _name, pair, message):
    path = samples.write(directory / "a.jct", header=(
        ("format", "jumpcut-trace-1"), pair, ("kernel", "/x")))
    check_in("message", message, tool("replay", path, status=2)[1])


@test
def equal_traces_do_not_differ(directory):
    first = samples.write(directory / "a.jct")
    # Frames are the writer's affair, and so is the output's rhythm.
    made = samples.sample()
    made.insert(3, ("output", 2_100_000_000, b"text", 1))
    made.insert(4, ("checkpoint", 2_200_000_000, b"state"))
    # Which pages were written since the last digest is no state.
    made[2] = ("digest", 2_000_000_000, samples.digest(0, pages=((5, 1),)))
    second = samples.write(directory / "b.jct", made)
    check("diff", tool("diff", first, second)[0],
          "inputs: 3 equal\ncuts: 1 equal\nevents: 4 equal\n"
          "digests: 3 equal\n"
          "devices: not compared, a trace is of level digests\n")


@test
def diff_names_the_first_difference_of_each_kind(directory):
    first = samples.write(directory / "a.jct")
    registers = (1,) + (0,) * 15 + (0xffffffff81000004, 0x246)
    second = samples.write(directory / "b.jct", samples.sample(
        r4=("cut", 5_000_000_000, samples.cut(
            after=(508_119_807_590_001, 77, 2_500_000, 1))),
        r9=("digest", 8_000_000_000, samples.digest(
            2, parts=(("vcpu0", 9), ("dev:apic/0", 3)), vcpus=(registers,),
            pages=((0, 9), (3, 1), (1 << 40, 7)), console=40,
            sha256=b"x" * 32))))
    groups = samples.write(directory / "c.jct", samples.sample(
        r2=("digest", 2_000_000_000, samples.digest(
            0, pages=((5, 1),), shift=8, sha256=b"x" * 32))))
    out = tool("diff", first, second, status=1)[0]
    check_in("inputs", "inputs: 3 equal\n", out)
    check_in("cuts", "cuts: 0 equal, then different\n", out)
    check_in("digests", "digests: 2 equal, then different\n", out)
    check_in("parts", "    part vcpu0: 0000000000000001, 0000000000000009\n"
             "    part ram: in the first only\n"
             "    part dev:apic/0: in the second only\n"
             "    vcpu0 rax: 0, 1\n"
             "    vcpu0 rip: ffffffff81000000, ffffffff81000004\n"
             "    page 0x3: changed in the second only\n"
             "    page 0x10000000000: ffffffff, 00000007\n", out)
    check_in("groups", "    pages 0x500 to 0x5ff 00000001\n",
             tool("dump", "--full", groups)[0])
    check_in("groups", "    pages: in groups of different size\n",
             tool("diff", first, groups, status=1)[0])
    check_in("earliest", "first difference: at virtual time 5.000000000\n",
             out)
    check_in("clock and event", "a.jct: guest system time 5.000000000; before "
             "it: record 4 at 2.500000000: input-qmp jumpcut-cut", out)


@test
def diff_tells_a_trace_that_ends_early(directory):
    first = samples.write(directory / "a.jct")
    second = samples.write(directory / "b.jct", samples.sample()[:9])
    out = tool("diff", first, second, status=1)[0]
    check_in("digests", "digests: 2 equal, then different\n", out)
    check_in("no more", "b.jct: no more\n", out)


@test
def chrome_shows_each_process_and_both_times(directory):
    path = samples.write(directory / "a.jct")
    output = directory / "a.json"
    tool("export", "--output", output, path)
    check("standard output", tool("export", "--format", "chrome", path)[0],
          output.read_text())
    events = json.loads(output.read_text())["traceEvents"]
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events
             if e["name"] in ("process_name", "thread_name") and e["tid"]}
    processes = [e["args"]["name"] for e in events
                 if e["name"] == "process_name"]
    check("processes", processes,
          ["xen-hvm, QEMU process 1", "xen-hvm, QEMU process 2"])
    check("rows of the source", names[(1, 100)], "vCPU 0")
    check("bars", [(e["pid"], e["ts"], e["dur"]) for e in events
                   if e["ph"] == "X"],
          [(1, 0.0, 6_000_000.0), (2, 6_000_000.0, 3_000_000.0)])
    shown = [e for e in events if e["ph"] == "i"]
    check("a row each", {e["pid"] for e in shown
                         if (e["pid"], e["tid"]) not in names}, set())
    by_record = {e["args"]["record"]: e for e in shown if e["tid"] < 100}
    check("records", sorted(by_record), list(range(1, 13)))
    check("typed", by_record[2]["name"], "console: ls -l%0A%FF")
    check("time of a record", by_record[2]["ts"], 1_000_000.0)
    check("guest time before the cut", by_record[2]["args"]["guest-ns"],
          1_000_000_000)
    check("guest time after the cut", by_record[10]["args"]["guest-ns"],
          508_119_807_590_000 + 3_000_000_000)
    check("stopped", by_record[8]["args"]["stopped"], True)
    check("registers", [e["args"]["rip"] for e in shown if e["tid"] == 100],
          ["ffffffff81000000"] * 3)


def vcd_values(text):
    """A strict reader of value change dumps: {name: [(time, value)]}."""
    head, body = text.split("$enddefinitions $end\n")
    names, widths, words = {}, {}, head.split()
    while words:
        word = words.pop(0)
        section = []
        while words[0] != "$end":
            section.append(words.pop(0))
        words.pop(0)
        if word == "$var":
            kind, width, code, name = section
            check("kind", kind, "wire")
            names[code], widths[code] = name, int(width)
        elif word not in ("$version", "$comment", "$timescale", "$scope",
                          "$upscope"):
            raise Failure(f"VCD: {word}")
    found, now = {name: [] for name in names.values()}, None
    for line in body.splitlines():
        if line.startswith("#"):
            if now is not None and int(line[1:]) <= now:
                raise Failure(f"VCD: {line} after #{now}")
            now = int(line[1:])
        elif line not in ("$dumpvars", "$end"):
            value, code = line[1:].split(" ") if line[0] == "b" else line
            if set(value) - set("01x") or len(value) > widths[code]:
                raise Failure(f"VCD: {line}")
            found[names[code]].append(
                (now, None if value == "x" else int(value, 2)))
    return found


@test
def vcd_holds_clocks_and_counts(directory):
    path = samples.write(directory / "a.jct")
    values = vcd_values(tool("export", "--format", "vcd", path)[0])
    check("cuts", values["cuts"], [(0, 0), (5_000_000_000, 1)])
    check("frequency", values["tsc_khz"],
          [(0, None), (5_000_000_000, 2_500_000)])
    check("invtsc", values["invtsc"], [(0, None), (5_000_000_000, 1)])
    check("process", values["qemu_process"], [(0, 1), (6_000_000_000, 2)])
    check("inputs", [n for _, n in values["inputs"]], [0, 1, 2, 3])
    check("console", values["console_bytes"],
          [(0, 0), (2_000_000_000, 20), (8_000_000_000, 40)])
    check("guest time at the end", values["system_time_ns"][-1],
          (9_000_000_000, 508_119_807_590_000 + 4_000_000_000))


@test
def ctf_is_read_by_babeltrace(directory):
    if not shutil.which("babeltrace2"):
        raise Skip("babeltrace2 is missing (scripts/setup --check)")
    path = samples.write(directory / "a.jct")
    folder = directory / "ctf"
    tool("export", "--format", "ctf", "--output", folder, path)
    shown = subprocess.run(
        ["babeltrace2", "--clock-seconds", folder], check=True,
        capture_output=True, text=True)
    check("complaints", shown.stderr, "")
    lines = shown.stdout.splitlines()
    check("events", len(lines), 12)
    check_in("time", "[1.000000000]", lines[1])
    check_in("typed", 'what = "console: ls -l%0A%FF"', lines[1])
    check_in("guest time", "guest_ns = 508122807590000", lines[9])
    check_in("process", "qemu_process = 2", lines[9])
    check_in("cut", "tsc_khz_before = 1000000, tsc_khz_after = 2500000",
             lines[4])
    again = directory / "again"
    tool("export", "--format", "ctf", "--output", again, path)
    for name in ("metadata", "stream"):
        check(name, (again / name).read_bytes(), (folder / name).read_bytes())


@test
def export_refuses_what_it_cannot_do(directory):
    path = samples.write(directory / "a.jct")
    back = samples.write(directory / "b.jct", samples.sample(
        r1=("input-bytes", -5, samples.typed(b"x"))))
    for args, status, message in (
            (("--format", "gif", path), 2, "wanted chrome, vcd or ctf"),
            (("--format", "ctf", path), 2, "needs --output, a folder"),
            ((back,), 2, "record 2: virtual time goes backwards"),
            (("--output", "/dev/full", path), 7, "No space left on device"),
            (("--output", directory / "no/a", path), 7, "No such file")):
        check_in(f"{args}", message, tool("export", *args, status=status)[1])


@test
def minimize_says_what_it_wants(directory):
    path = samples.write(directory / "a.jct")
    output = directory / "b.jct"
    for outcome, message in (
            (None, "--outcome and --output are wanted"),
            ("nonsense", "wanted console:REGEX, ending:NAME, "),
            ("sound:loud", "no such kind; there are console, ending"),
            ("console:(", "--outcome console:(: "),
            ("digest@x:00", "wanted digest@N:HEX, N from 0"),
            ("digest@1:xyz", "wanted 1 to 64 hexadecimal digits"),
            ("ending:crashed", "a.jct: header: format: wanted ")):
        given = ("--outcome", outcome) if outcome else ()
        out, error = tool("minimize", *given, "--output", output, path,
                          status=2)
        check(f"{outcome}: stdout", out, "")
        check_in(f"{outcome}", message, error)
    check("nothing is left", sorted(directory.iterdir()), [path])


@test
def bad_usage_is_refused(directory):
    path = samples.write(directory / "a.jct")
    for args, message in (
            (("info",), "jumpcut: info: wanted 1 file, got 0; --help exists"),
            (("diff", path), "jumpcut: diff: wanted 2 files, got 1"),
            (("dump", "--from", "x", path), "jumpcut: dump: --from: "),
            (("verify", "--nonsense", path), "jumpcut: verify: Unknown option"
             " --nonsense; --help exists"),
            (("info", directory / "none"), "none: cannot open: No such file"),
            (("diff", path, __file__), "no trace file: byte 0 does not")):
        out, error = tool(*args, status=2)
        check(f"{args}: stdout", out, "")
        check_in(f"{args}", message, error)


if __name__ == "__main__":
    main()
