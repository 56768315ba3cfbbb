#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: bad input and exit statuses.

Subject: everything of the tool that needs no guest.  QEMU is played by
fake-qemu, so this cannot tell whether a real QEMU takes the command line.
"""
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import termios

from harness import (HANG_S, HERE, TOOL, Failure, check, check_in, main,
                     run, test, test_each)
from played import FAKE, bzimage, setup

GOLDEN = HERE / "golden/dry-run.txt"


def check_usage(result, message):
    stderr = result.stderr.decode()
    check("exit status", result.returncode, 2)
    check_in("stderr", message, stderr)
    check("lines of stderr", stderr.count("\n"), 1)
    check("stdout", result.stdout, b"")


@test_each(
    ("smp-0", ["--smp", "0"], "--smp 0: want a number from 1 to 128"),
    ("smp-129", ["--smp", "129"], "--smp 129: want"),
    ("guest", ["--guest", "xen-pv"],
     "--guest xen-pv: want one of xen-hvm, xen-pvh"),
    ("max-smp-low", ["--smp", "2", "--max-smp", "1"],
     "--max-smp 1: want a number from 2 to 128"),
    ("smp-text", ["--smp", "two"], "--smp two: want"),
    ("memory-small", ["--memory", "1M"], "--memory 1M: want 64M to 64G"),
    ("memory-no-unit", ["--memory", "512"], "--memory 512: want"),
    ("memory-huge", ["--memory", "18446744073709551615G"], "--memory "),
    ("memory-negative", ["--memory", "-1G"], "--memory -1G: want"),
    ("invtsc", ["--invtsc", "maybe"], "--invtsc maybe: want one of on, off"),
    ("tsc-mode", ["--tsc-mode", "3"],
     "--tsc-mode 3: want one of default, always-emulate, native"),
    ("tsc-khz-zero", ["--tsc-khz", "0"], "--tsc-khz 0: "),
    ("tsc-khz-high", ["--tsc-khz", "10000001"], "--tsc-khz 10000001: "),
    ("host-uptime", ["--host-uptime", "-5"], "--host-uptime -5: "),
    ("xen-version", ["--xen-version", "5.0"],
     "--xen-version 5.0: want one of 4.17, 4.20"),
    ("cut-no-key", ["--cut", "5s"], "--cut 5s: "),
    ("cut-unknown-key", ["--cut", "5:speed=1"], "--cut 5:speed=1: "),
    ("cut-at-start", ["--cut", "0:uptime=1"], "in the past"),
    ("cut-negative", ["--cut", "-1:uptime=1"], "--cut -1:uptime=1: "),
    ("cut-zero-frequency", ["--cut", "1:tsc-khz=0"], "--cut 1:tsc-khz=0: "),
    ("cut-twice", ["--cut", "1:tsc=0", "--cut", "1000ms:tsc=0"],
     "--cut 1000ms:tsc=0: --cut 1:tsc=0 is at the same time"),
    ("cut-way", ["--cut", "1:way=teleport"],
     "--cut 1:way=teleport: way=teleport: want one of in-place, suspend"),
    ("cut-via", ["--cut", "1:via=file,tsc=0"],
     "--cut 1:via=file,tsc=0: via=file: only with way=migrate"),
    ("cut-cancel", ["--cut", "1:way=cancel,tsc=0"],
     "--cut 1:way=cancel,tsc=0: tsc=0: way=cancel stays on its host"),
    ("cut-move-twice", ["--cut", "1:way=migrate", "--cut", "1s:tsc=0"],
     "--cut 1s:tsc=0: --cut 1:way=migrate is at the same time"),
    ("digest-zero", ["--digest", "0"], "--digest 0: want 1ms or more"),
    ("digest-text", ["--digest", "often"], "--digest often: "),
    ("reboot", ["--reboot", "never"],
     "--reboot never: want one of stop, continue"),
    ("disk", ["--disk", "/nonexistent"],
     "--disk /nonexistent: No such file or directory"),
    ("disk-directory", ["--disk", "/"], "--disk /: is a directory"),
    ("disk-format", ["--disk", "/dev/null,format=iso"],
     "--disk /dev/null,format=iso: want FILE[,format=raw|qcow2][,readonly]"),
    ("disk-readonly", ["--disk", "/dev/null,readonly=maybe"],
     "--disk /dev/null,readonly=maybe: want FILE"),
    ("disk-comma", ["--disk", "/a,,b"], "--disk /a,,b: No such file"),
    ("disk-17", ["--disk", "/dev/null"] * 17,
     "--disk /dev/null: there are 16 already"),
    ("disk-digest", ["--disk", "/dev/null", "--digest", "1s"],
     "--disk /dev/null: not with --digest: it answers when the host does; "
     "give the guest its files with --initrd"),
    ("net", ["--net", "tap"], "--net tap: want user[,KEY=VALUE...]"),
    ("net-digest", ["--net", "user", "--digest", "1s"],
     "--net user: not with --digest: "),
    ("timeout-zero", ["--timeout", "0"], "--timeout 0: want"),
    ("initrd", ["--initrd", "/nonexistent"],
     "--initrd /nonexistent: No such file or directory"),
    ("initrd-directory", ["--initrd", "/"], "--initrd /: is a directory"),
    ("plugin", ["--plugin", "/nonexistent"],
     "--plugin /nonexistent: no such file"),
    ("qemu", ["--qemu", "/nonexistent"],
     "--qemu /nonexistent: no such program"),
    ("report-folder", ["--report", "/nonexistent/a.json"],
     "--report /nonexistent/a.json: No such file or directory"),
    ("report-directory", ["--report", "/"], "--report /: is a directory"),
    ("console-log", ["--console-log", "/nonexistent/a"],
     "--console-log /nonexistent/a: No such file or directory"),
    ("unknown", ["--frobnicate"], "--frobnicate"),
    ("two-kernels", ["other"], "one KERNEL only"),
)
def bad_option(directory, _name, args, message):
    check_usage(run(*setup(directory), *args), message)


@test_each(
    ("empty", b"\0", "shorter than the boot header"),
    ("text", b"#!/bin/sh\n" * 200, "boot flag 0x"),
    ("no-magic", bzimage(x202=b"HdrX"), 'no "HdrS"'),
    ("old-protocol", bzimage(x206=b"\x03\x02"), "boot protocol 0x0203"),
    ("zimage", bzimage(x211=b"\0"), "load flags 0x00"),
    ("cut-short", bzimage(x1f4=b"\xff\xff\xff\xff"), "cut short"),
)
def bad_kernel(directory, _name, image, message):
    result = run(*setup(directory, image))
    check_usage(result, message)
    check_in("stderr", f"kernel {directory}/vmlinuz: ", result.stderr.decode())


@test
def missing_kernel_is_named(directory):
    args = setup(directory)
    check_usage(run(*args[:-1], "/nonexistent"),
                "kernel /nonexistent: No such file or directory")
    check_usage(run(*args[:-1]), "no KERNEL given")


def record(directory, *args, mode="guest-shutdown"):
    command = setup(directory)
    return run("record", *command[1:], "-o", directory / "a.jct", *args,
               env={"FAKE_QEMU": mode})


def replay(directory, *args, mode="guest-shutdown", env=()):
    return run("replay", "--qemu", FAKE, "--plugin", directory / "jumpcut.so",
               directory / "a.jct", *args,
               env={"FAKE_QEMU": mode, **dict(env)})


@test_each(
    ("no-icount", ["--no-icount"], "--no-icount: not with record: "),
    ("disk", ["--disk", "/dev/null"], "--disk /dev/null: not with record: "),
    ("net", ["--net", "user"], "--net user: not with record: "),
    ("level", ["--level", "all"], "--level all: want one of inputs, digests"),
    ("pace", ["--pace", "slow"], "--pace slow: want one of on, off"),
    ("checkpoint", ["--checkpoint", "0"], "--checkpoint 0: want 1ms or more"),
    ("output-directory", ["-o", "/"], "--output /: is a directory"),
    ("output-folder", ["-o", "/nonexistent/a"], "--output /nonexistent/a: "),
    ("no-output", ["-o", ""], "--output"),
)
def bad_record(directory, _name, args, message):
    check_usage(record(directory, *args), message)


@test
def record_keeps_to_its_names(directory):
    partial = directory / "a.jct.partial"
    check("exit status", record(directory).returncode, 0)
    check("partial", partial.exists(), False)
    partial.touch()
    check_usage(record(directory), f"{partial} is there")
    partial.unlink()
    result = record(directory, mode="refuse")
    check("status of what never began", result.returncode, 3)
    check("partial of what never began", partial.exists(), False)
    (directory / "taken").touch()
    check_usage(record(directory, "--control", directory / "taken"),
                "Address already in use")
    check("partial without a control socket", partial.exists(), False)
    result = record(directory, mode="die")
    check("status of a QEMU that died", result.returncode, 3)
    check_in("stderr", f"{partial}: holds the run", result.stderr.decode())
    check("partial of a QEMU that died", partial.exists(), True)


@test_each(
    ("no-trace", ["replay"], "replay: no TRACE given"),
    ("two", ["replay", "a", "b"], "replay: one TRACE only"),
    ("missing", ["replay", "/nonexistent"], "/nonexistent: "),
    ("text", ["replay", FAKE], str(FAKE)),
    ("until", ["replay", "a", "--until", "soon"],
     "--until soon: want TIME, event:NAME or digest:N"),
    ("until-digest", ["replay", "a", "--until", "digest:-1"],
     "--until digest:-1: want digest:N"),
    ("gdb", ["replay", "a", "--gdb", "0"], "--gdb 0: want a port"),
    ("gdb-comma", ["replay", "a", "--gdb", "/a,b"], "--gdb /a,b: want a port"),
    ("from", ["replay", "a", "--from", "last"], "--from last: want the number"),
    ("trace-blank", ["replay", "a", "--trace", "a b"], "--trace a b: want"),
)
def bad_replay(_directory, _name, args, message):
    check_usage(run(*args), message)


@test
def replay_refuses_what_was_not_recorded(directory):
    check("record", record(directory).returncode, 0)
    check("replay", replay(directory).returncode, 0)
    other = directory / "other"
    other.write_bytes(bzimage(x400=b"x"))
    check_usage(replay(directory, "--kernel", other),
                f"kernel {other}: not the one recorded: wanted SHA-256 ")
    check_usage(replay(directory, "--initrd", other),
                f"initrd {other}: not the one recorded: wanted SHA-256 (none)")
    firmware = {"FAKE_FIRMWARE": str(directory)}
    (directory / "bios-256k.bin").touch()
    check_usage(replay(directory, env=firmware),
                f"firmware of {FAKE}: not the one recorded")
    check_usage(replay(directory, "--qemu", "/bin/true"), "/bin/true: ")
    result = replay(directory, "--force-build", env=firmware)
    check("forced", result.returncode, 0)


@test_each(
    ("file", ["-D", "x"], "header: option -D: QEMU gets that"),
    ("program", ["-name", "x", "-incoming", "exec:x"], "option -incoming: "),
    ("no-value", ["-name"], "option -name: "),
)
def replay_needs_trust(directory, _name, words, message):
    check("record", record(directory, "--", *words).returncode, 0)
    check_usage(replay(directory), message)
    check("trusted", replay(directory, "--trust").returncode, 0)


@test
def checkpoint_is_for_the_first_qemu_alone(directory):
    check("record", record(directory).returncode, 0)
    result = replay(directory, "--from", "0", mode="move-dies")
    check_in("stderr", "migration: signal 9", result.stderr.decode())


@test
def replay_gives_qemu_what_was_recorded(directory):
    args = ["--smp", "2", "--append", "a b", "--cut", "1:tsc=0", "--digest",
            "2s", "--level", "inputs", "--checkpoint", "3s"]
    check("record", record(directory, *args, "--", "-name", "x").returncode, 0)
    first = run("record", *setup(directory)[1:], "-o", directory / "a.jct",
                *args, "--dry-run", "--", "-name", "x").stdout.decode()
    second = replay(directory, "--dry-run", "--from", "0").stdout.decode()
    partial = f"record={directory}/a.jct.partial,level=inputs,pace=off,"
    check_in("command", partial, first)
    trace = f"replay={directory}/a.jct,level=inputs,"
    check_in("command", trace, second)
    check("command", second.replace(",from=0,handover=wait", "")
          .replace(trace, ""), first.replace(partial, ""))


@test_each(
    ("crashed", "panic", 0, "repeated to 0.000000001 s: 2 digests"),
    ("torn", "torn", 10, "ends before the run did: no end"),
    ("diverged", "diverge", 9, "the run differs at 0.020000000 s, record 7: "
     "digest\n  expected: one\n  found: another\n  last in common: reset\n"
     "  parts: ram\n  registers: vcpu0.rax: expected 1, found 2\n"
     "  pages: pc.ram:0x2000\n  pages: pc.ram:0x3000\n"),
    ("died", "die", 3, "signal 9: "),
)
def replay_status(directory, _name, mode, status, message):
    check("record", record(directory).returncode, 0)
    result = replay(directory, mode=mode)
    check("exit status", result.returncode, status)
    check_in("stderr", message, result.stderr.decode())


@test_each(
    ("no-socket", [], "cut: no SOCKET given"),
    ("way", ["s", "--way", "walk"], "cut: way=walk: want one of"),
    ("at", ["s", "--at", "soon"], "cut: time: "),
    ("at-start", ["s", "--at", "0", "tsc=0"], "cut: in the past"),
    ("via", ["s", "--via", "tcp", "--way", "migrate"], "via"),
    ("nothing", ["s"], "cut: "),
    ("key", ["s", "speed=1"], "speed"),
    ("unknown", ["s", "--frob"], "--frob"),
)
def bad_cut(_directory, _name, args, message):
    check_usage(run("cut", *args), message)


@test
def cut_without_a_session_is_status_8(directory):
    result = run("cut", directory / "socket", "tsc=0")
    check("exit status", result.returncode, 8)
    check_in("stderr", f"{directory}/socket: ", result.stderr.decode())


@test
def control_socket_that_cannot_be_is_named(directory):
    path = directory / "socket"
    path.touch()
    result = run(*setup(directory), "--control", path,
                 env={"FAKE_QEMU": "wait"})
    check_usage(result, f"--control {path}: ")


@test
def unknown_command_is_named(_directory):
    check_usage(run("frob"), "frob: no such command")
    check("no command", run().returncode, 2)


@test_each(
    ("powered-off", "guest-shutdown", 0, "powered-off", ""),
    ("held-up", "held-up", 0, "powered-off", ""),
    ("panicked", "panic", 1, "crashed", "the guest crashed"),
    ("xen-crash", "xen-crash", 1, "crashed", "the guest crashed"),
    ("reboot", "guest-reset", 5, "reboot", "asked for a reboot"),
    ("killed", "die", 3, "qemu-failed", "signal 9: fake-qemu: last words"),
    ("refused", "refuse", 3, "qemu-failed",
     "status 1: fake-qemu: -machine nil: no such machine\n"),
    ("other-qemu", "other-qemu", 3, "qemu-failed",
     "undefined symbol: b: built for another QEMU: run ./configure "),
    ("nonsense", "nonsense", 3, "qemu-failed", "fake-qemu: "),
    ("no-plugin", "no-plugin", 3, "qemu-failed",
     "query-jumpcut: The command query-jumpcut has not been found"),
    ("timeout", "wait", 4, "timeout", "--timeout 1: passed"),
    ("no-suspend", "deaf", 8, "cut-failed",
     "--cut: the guest did not suspend itself within 60 s"),
    ("move-dies", "move-dies", 8, "cut-failed", "migration: signal 9"),
    ("move-quit", "move-quit", 6, "quit", ""),
)
def exit_status(directory, _name, mode, status, ending, message):
    report = directory / "run.json"
    args = ["--timeout", "1"] if mode == "wait" else []
    if mode.startswith("move-"):
        args = ["--cut", "5:way=migrate"]
    if mode == "deaf":
        args = ["--cut", "5:way=suspend"]
    result = run(*setup(directory), "--report", report, *args,
                 env={"FAKE_QEMU": mode})
    check("exit status", result.returncode, status)
    check_in("stderr", message, result.stderr.decode())
    record = json.loads(report.read_text())
    check("exit", record["exit"], {"code": status, "ending": ending})


@test
def qemu_not_executable_is_status_3(directory):
    program = directory / "qemu"
    program.write_text("#!/nonexistent\n")
    program.chmod(0o755)
    result = run(*setup(directory), "--qemu", program)
    check("exit status", result.returncode, 3)
    check_in("stderr", str(program), result.stderr.decode())


@test
def record_tells_what_ran(directory):
    report = directory / "run.json"
    args = setup(directory)
    result = run(*args, "--report", report, "--smp", "2", "--cut",
                 "5:uptime=9,invtsc=on", "--", "-d", "int",
                 env={"FAKE_QEMU": "guest-shutdown"})
    check("exit status", result.returncode, 0)
    check("stdout", result.stdout, b"hello\r\n")
    record = json.loads(report.read_text())
    log = directory / record["console"]["path"]
    check("console log", log.read_bytes(), b"hello\r\n")
    check("console bytes", record["console"]["bytes"], 7)
    check("kernel version", record["kernel-version"], "6.12.0-test")
    configuration = record["configuration"]
    check("smp", configuration["smp"], 2)
    check("cuts", configuration["cuts"], ["5:uptime=9,invtsc=on"])
    check("qemu arguments", configuration["qemu-arguments"], ["-d", "int"])
    check("query-jumpcut", record["query-jumpcut"]["guest"], "xen-hvm")


@test
def piped_input_reaches_the_guest_unchanged(directory):
    result = run(*setup(directory), stdin=b"a\x01xb\n",
                 env={"FAKE_QEMU": "echo"})
    check("exit status", result.returncode, 0)
    check("stdout", result.stdout, b"hello\r\nheard a\x01xb\n")


def read_until(fd, wanted):
    got = b""
    while wanted not in got:
        if not select.select([fd], [], [], HANG_S)[0]:
            raise Failure(f"terminal: wanted {wanted!r}, got {got!r}")
        got += os.read(fd, 4096)
    return got


def on_terminal(directory, typed, mode):
    """Type into a pseudo-terminal; @return: status, restored settings?"""
    main_fd, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    with subprocess.Popen([TOOL, *map(str, setup(directory))], stdin=terminal,
                          stdout=terminal, stderr=terminal,
                          env={**os.environ, "FAKE_QEMU": mode}) as process:
        read_until(main_fd, b"hello")
        during = termios.tcgetattr(terminal)
        if isinstance(typed, bytes):
            os.write(main_fd, typed)
        else:
            process.send_signal(typed)
        status = process.wait(HANG_S)
    check("local flags while running", during[3] & (termios.ICANON |
          termios.ECHO | termios.ISIG), 0)
    check("settings after", termios.tcgetattr(terminal), before)
    os.close(terminal)
    os.close(main_fd)
    return status


@test_each(
    ("ctrl-a-x", b"abc\x01x", "wait", 6),
    ("ctrl-a-help-then-x", b"\x01h\x01x", "wait", 6),
    ("sigterm", signal.SIGTERM, "wait", 6),
    ("sighup", signal.SIGHUP, "wait", 6),
    ("ctrl-c-is-the-guests", b"\x03\n", "echo", 0),
)
def terminal_is_restored(directory, _name, typed, mode, status):
    check("exit status", on_terminal(directory, typed, mode), status)


@test
def qemu_dies_with_the_program(directory):
    with subprocess.Popen([TOOL, *map(str, setup(directory))],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          env={**os.environ, "FAKE_QEMU": "wait"}) as process:
        read_until(process.stdout.fileno(), b"hello")
        children = pathlib.Path(
            f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        handle = os.pidfd_open(int(children))
        process.kill()
        gone = select.select([handle], [], [], HANG_S)[0]
        os.close(handle)
    check("QEMU is gone", bool(gone), True)


@test
def dry_run_prints_the_command_line(directory):
    args = setup(directory)
    disk = directory / "a disk"
    disk.touch()
    lines = []
    for more in ([], ["--smp", "4", "--memory", "1G", "--append", "it's quiet",
                      "--invtsc", "on", "--tsc-mode", "native", "--tsc-khz",
                      "2500000", "--host-uptime", "508119.80759",
                      "--xen-version", "4.20", "--cut", "6:uptime=1d,tsc=0",
                      "--cut", "7s:invtsc=off", "--digest", "500ms",
                      "--reboot", "continue", "--", "-d", "a b"],
                 ["--no-icount"],
                 ["--guest", "xen-pvh", "--smp", "2", "--max-smp", "4"],
                 ["--guest", "xen-pvh", "--disk", disk],
                 ["--guest", "kvm", "--steal", "10ms:30"],
                 ["--disk", disk, "--disk", f"{disk},readonly,format=qcow2",
                  "--net", "user,restrict=on"]):
        result = run(*args, *more, "--dry-run") if "--" not in more else \
            run(*args, *more[:-3], "--dry-run", *more[-3:])
        check("exit status", result.returncode, 0)
        lines.append(result.stdout.decode())
    text = "".join(lines).replace(str(FAKE), "QEMU") \
        .replace(str(directory), "DIR")
    if os.environ.get("JUMPCUT_REGEN_GOLDEN"):
        GOLDEN.write_text(text)
    check("dry run", text, GOLDEN.read_text())


@test
def elf_is_a_kernel_too(directory):
    image = b"\x7fELF" + bytes(600) + b"Linux version 6.1.0-elf (a b)\0"
    args = setup(directory, image)
    for guest in ("xen-hvm", "xen-pvh", "kvm"):
        check(guest, run(*args, "--guest", guest, "--dry-run").returncode, 0)
    args = setup(directory, b"\x7fELG" + bytes(600))
    check_usage(run(*args, "--guest", "xen-pvh", "--dry-run"), "boot flag 0x")


if __name__ == "__main__":
    main()
