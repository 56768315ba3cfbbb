# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP for the functional tests, and what they all need.

Tests are functions marked @test; each runs in a temporary directory of its
own, which is kept and named when it fails.  check() says what was wanted and
what came.  The environment tells where things are:

  JUMPCUT_TOOL     the jumpcut program (its build directory holds the plugin)
  JUMPCUT_KERNELS  folder with vmlinuz-6.12 and vmlinuz-6.1
  JUMPCUT_INITRD   the guest's initramfs
"""
import argparse
import functools
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOL = os.environ.get("JUMPCUT_TOOL", str(ROOT / "build/tools/jumpcut"))
KERNELS = pathlib.Path(os.environ.get("JUMPCUT_KERNELS",
                                      ROOT / "build/kernels"))
INITRD = os.environ.get("JUMPCUT_INITRD",
                        str(ROOT / "build/tools/guest/initramfs.cpio"))
# A guest that takes longer than this is hung, on the slowest machine.
HANG_S = 240
# Samples of a guest that is cut amid them; they last a second and a half.
SAMPLES = 60
AMID_NS = 600_000_000
CLOCKS = ("printk_us", "monotonic_ns", "boottime_ns", "realtime_ns", "tsc")

_tests = []
_by_hand = set()


class Skip(Exception):
    """What the test needs is not there."""


class Failure(Exception):
    """The subject of the test is wrong."""


def test(function):
    _tests.append((function.__name__.replace("_", "-"), function, ()))
    return function


def test_each(*rows, by_hand=False):
    """One test a row; the row's first member names it.

    Those by hand run only if the command line names them, or by-hand.
    """
    def register(function):
        for row in rows:
            name = f"{function.__name__.replace('_', '-')}-{row[0]}"
            _tests.append((name, function, row))
            if by_hand:
                _by_hand.add(name)
        return function
    return register


def check(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: wanted {wanted!r}, got {got!r}")


def check_in(what, part, whole):
    if part not in whole:
        raise Failure(f"{what}: wanted {part!r} in {whole!r}")


def kernel(version):
    path = KERNELS / f"vmlinuz-{version}"
    if not path.is_file():
        raise Skip(f"{path} is missing (configure fetches it)")
    return str(path)


def run(*args, stdin=subprocess.DEVNULL, env=None, tool=TOOL):
    """Run the tool to its end; stdin may be bytes."""
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    return subprocess.run([tool, *map(str, args)], capture_output=True,
                          timeout=HANG_S, check=False,
                          env={**os.environ, **(env or {})}, **given)


_SAMPLE = re.compile(
    r"JUMPCUT sample=(?P<sample>\d+) "
    + " ".join(rf"{clock}=(?P<{clock}>\d+)" for clock in CLOCKS)
    + r" clocksource=(?P<clocksource>\S+) end\r*\n")


def samples_of(console):
    """The agent's samples, numbers as such, with their place in the console.

    A line that a kernel message ran into is left out.
    """
    found = []
    end = 0
    for line in console.splitlines(keepends=True):
        start, end = end, end + len(line)
        match = _SAMPLE.fullmatch(line.decode(errors="replace"))
        if match:
            sample = {name: int(value) if value.isdigit() else value
                      for name, value in match.groupdict().items()}
            found.append({**sample, "start": start, "end": end})
    return found


def boot_command(directory, name, version, *args, append="", qemu_args=(),
                 initrd=None):
    """The tool's command line for a guest; its record is NAME.json."""
    if not pathlib.Path(INITRD).is_file():
        raise Skip(f"{INITRD} is missing (scripts/mk-initramfs makes it)")
    command = [TOOL, "boot", "--initrd", initrd or INITRD,
               "--report", directory / f"{name}.json",
               "--timeout", HANG_S - 20,
               "--append", f"cryptomgr.notests {append}",
               *args, kernel(version)]
    return [str(word) for word in
            (command + ["--", *qemu_args] if qemu_args else command)]


class Run:
    """A guest run to its end with jumpcut boot."""

    def __init__(self, directory, name, version, *args, status=0,
                 stdin=subprocess.DEVNULL, **how):
        self.report = directory / f"{name}.json"
        result = run(*boot_command(directory, name, version, *args, **how)[1:],
                     stdin=stdin)
        self.stderr = result.stderr.decode(errors="replace")
        self.console = result.stdout
        self.text = result.stdout.decode(errors="replace")
        if result.returncode != status:
            raise Failure(f"{name}: wanted exit status {status}, got "
                          f"{result.returncode}; stderr {self.stderr!r}; "
                          f"console ends {self.text[-800:]!r}")
        self.record = json.loads(self.report.read_text())
        self.info = self.record["query-jumpcut"]

    def booted(self):
        """The init script's first line, as a dictionary."""
        for line in self.text.splitlines():
            if line.startswith("JUMPCUT booted "):
                return dict(word.split("=", 1) for word in line.split()[2:])
        raise Failure(f"no user space; console ends {self.text[-800:]!r}")

    def samples(self):
        return samples_of(self.console)

    def around_cut(self, number=0):
        """The last sample before a cut, and the first after it."""
        at = self.info["cuts"][number]["console-bytes"]
        before = [one for one in self.samples() if one["end"] <= at]
        after = [one for one in self.samples() if one["start"] >= at]
        if not before or not after:
            raise Failure(f"no samples on both sides of the cut at byte {at} "
                          f"of {len(self.console)}; console ends "
                          f"{self.text[-800:]!r}")
        return before[-1], after[0]


def reboot_and_power_off(command):
    """Runs a boot_command() with jumpcut.run=echo and --reboot continue.

    Says over the console that the guest is to reboot, and after that to power
    off; returns all it has written.
    """
    seen = b""
    with subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0,
                          stdout=subprocess.PIPE) as process:
        for boot, said in enumerate((b"reboot\n", b"power off\n"), start=1):
            while seen.count(b"JUMPCUT ready") < boot:
                got = process.stdout.read(4096)
                if not got:
                    raise Failure(f"ended before boot {boot}: {seen[-500:]}")
                seen += got
            process.stdin.write(said)
        seen += process.stdout.read()
        check("exit status", process.wait(), 0)
    check_in("second boot", b"JUMPCUT echo power off", seen)
    return seen


def _probe_path(version, args):
    """Where a probe's result is kept, named by all that it depends on."""
    build = pathlib.Path(TOOL).resolve().parent.parent
    parts = [pathlib.Path(path).stat() for path in
             (TOOL, build / "plugins/jumpcut.so", INITRD, kernel(version))]
    told = repr((args, [(one.st_size, one.st_mtime_ns) for one in parts]))
    name = hashlib.sha256(told.encode()).hexdigest()[:16]
    return build / "tests" / f"probe-{name}.json"


@functools.lru_cache(maxsize=None)
def amid_samples_ns(version, *args):
    """Virtual time at which the agent is amid its samples.

    When a kernel reaches user space differs from build to build, so one run is
    spent on finding out; the TSC of a guest without a cut is virtual time.
    """
    path = _probe_path(version, args)
    if path.exists():
        return json.loads(path.read_text())
    found = _probe(version, *args)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        json.dump(found, new)
    os.replace(new.name, path)
    return found


def _probe(version, *args):
    with tempfile.TemporaryDirectory(prefix="jumpcut-probe-") as directory:
        probe = Run(pathlib.Path(directory), "probe", version, *args,
                    append="jumpcut.samples=1")
    return probe.samples()[0]["tsc"] + AMID_NS


def _spent():
    """Seconds by the clock on the wall; of processor time, children's too."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF,
                                                resource.RUSAGE_CHILDREN)]
    return time.monotonic(), sum(one.ru_utime + one.ru_stime for one in used)


def _run_one(number, name, function, row):
    start = _spent()
    directory = tempfile.mkdtemp(prefix=f"jumpcut-{name}-")
    keep = False
    try:
        function(pathlib.Path(directory), *row)
        print(f"ok {number} {name}", flush=True)
    except Skip as reason:
        print(f"ok {number} {name} # SKIP {reason}", flush=True)
    except Exception as error:  # a broken test fails like its subject
        keep = True
        print(f"not ok {number} {name}", flush=True)
        text = str(error) if isinstance(error, Failure) \
            else traceback.format_exc()
        for line in text.splitlines():
            print(f"# {line}")
        print(f"# artefacts: {directory}; again: {sys.argv[0]} {name}",
              flush=True)
    finally:
        if not keep:
            shutil.rmtree(directory)
        elapsed, used = (b - a for a, b in zip(start, _spent()))
        print(f"# {name}: {elapsed:.1f} s, {used:.1f} s of processor time",
              flush=True)
    return not keep


def main():
    """Run the tests named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Run tests, print TAP.")
    parser.add_argument("--times", type=int, default=1, metavar="N",
                        help="run each so often")
    parser.add_argument("names", nargs="*", metavar="TEST",
                        help="tests to run (all but those by hand), or "
                        "by-hand")
    args = parser.parse_args()
    if args.names == ["by-hand"]:
        args.names = sorted(_by_hand)
    unknown = set(args.names) - {name for name, _, _ in _tests}
    if unknown:
        sys.exit(f"no such test: {', '.join(sorted(unknown))}")
    chosen = [row for row in _tests
              if (row[0] in args.names if args.names
                  else row[0] not in _by_hand)] * args.times
    print(f"1..{len(chosen)}", flush=True)
    passed = [_run_one(i, *row) for i, row in enumerate(chosen, start=1)]
    sys.exit(0 if all(passed) else 1)
