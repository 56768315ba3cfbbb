#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""jumpcut minimize on recorded boots of a real kernel.

Subject: the search and what it leaves; that a trace replays is test-record.py's
affair, but for the smaller one.
"""
import re
import subprocess

from harness import (HANG_S, INITRD, TOOL, Failure, check, check_in, kernel,
                     main, run, test_each)


def record(trace, commands, *args):
    """Record a guest that is told commands, each once it has done the last."""
    seen = b""
    command = [TOOL, "record", "--output", trace, "--initrd", INITRD,
               "--guest", "xen-pvh",
               "--append", "cryptomgr.notests jumpcut.run=serve",
               "--timeout", HANG_S - 20, *args, kernel("6.1")]
    with subprocess.Popen([str(word) for word in command], bufsize=0,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        for done, line in enumerate(commands):
            while (b"JUMPCUT ready" not in seen
                   or seen.count(b"JUMPCUT status=") < done):
                got = process.stdout.read(4096)
                if not got:
                    raise Failure(f"ended before {line}: {seen[-500:]}")
                seen += got
            process.stdin.write(line + b"\n")
        seen += process.stdout.read()
        check("exit status of record", process.wait(), 0)


@test_each(
    ("input", [b"echo ON''E", b"poweroff -f"], ["--cut", "3:uptime=5000"],
     "console:^ONE", ["console: echo ON''E%0A"]),
    by_hand=False,
)
@test_each(
    ("pair", [b"touch /a", b"true", b"touch /b", b"false",
              b"[ -e /a ] && [ -e /b ] && echo BO''TH", b"poweroff -f"], [],
     "console:^BOTH", ["console: touch /a%0A", "console: touch /b%0A",
                       "console: [ -e /a ] && [ -e /b ] && "
                       "echo BO''TH%0A"]),
    ("cut", [b"read a b < /proc/uptime; [ ${a%.*} -lt 9 ] || echo LA''TE",
             b"poweroff -f"], ["--cut", "2:uptime=5000", "--cut", "3:tsc=9"],
     "console:^LATE", ["--cut=2:uptime=5000",
                       "console: read a b < /proc/uptime; [ ${a%25.*} -lt 9 ]"
                       " || echo LA''TE%0A"]),
    by_hand=True,
)
def smallest_set_is_left(directory, _name, commands, args, outcome, want):
    trace, smaller = directory / "a.jct", directory / "b.jct"
    record(trace, commands, *args)
    result = run("minimize", "--outcome", outcome, "--output", smaller, trace)
    text = result.stdout.decode()
    check("exit status", (result.returncode, result.stderr[-300:])[0], 0)
    left = [re.sub(r"^[0-9.]+ input-bytes ", "", line.strip())
            for line in text.splitlines()[1:]]
    check("left", left, want)
    check_in("first line", f"{len(want)} of {len(commands) + len(args) // 2}"
             " parts in ", text)
    check("only the result is beside it", sorted(directory.iterdir()),
          [trace, smaller])
    check("verify", run("verify", smaller).returncode, 0)
    check("replay", run("replay", smaller).returncode, 0)
    result = run("minimize", "--outcome", "event:none", "--output",
                 directory / "c.jct", smaller)
    check("an outcome that is not there", result.returncode, 1)


if __name__ == "__main__":
    main()
