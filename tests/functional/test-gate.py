#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes in from outside, recorded and replayed by the plugin alone.

Subject: the plugin's options record= and replay= on a plain QEMU command: bytes
typed into the console and QMP commands come in at ticks of the gate, and a
replay is the same run, to the digest.  jumpcut record and replay have a test of
their own.
"""
import os
import socket
import subprocess
import threading

import trace_samples as samples
from harness import (HANG_S, INITRD, Failure, check, check_in, kernel, main,
                     test, test_each)
from harness import run as run_tool
from qmp import Qemu, command_of

NS = 1_000_000_000


class Typist:
    """The other end of the guest's console; reads whatever there is."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.seen = b""
        self.ended = False
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        got = b"."
        while got:
            try:
                got = self.ours.recv(65536)
            except ConnectionResetError:
                got = b""
            with self.news:
                self.seen += got
                self.ended = not got
                self.news.notify()

    def chardev(self):
        return f"socket,id=jumpcut-console,fd={self.theirs.fileno()}"

    def until(self, text):
        with self.news:
            self.news.wait_for(
                lambda: self.ended or text.encode() in self.seen, HANG_S)
            if text.encode() not in self.seen:
                raise Failure(f"console: wanted {text!r}, "
                              f"its end is {self.seen[-500:]!r}")

    def type(self, text):
        self.ours.sendall(text.encode())

    def rest(self):
        self.reader.join(HANG_S)
        return self.seen


class Run:
    """QEMU with the plugin's options added, and its console."""

    def __init__(self, directory, name, version, options, *args, append="",
                 before=(), after=()):
        self.typist = Typist()
        command = command_of(
            directory / "none", "--initrd", INITRD, "--append",
            f"cryptomgr.notests {append}", *args, "--digest", "500ms",
            kernel(version), *after)
        at = command.index("-plugin") + 1
        command[at] += "," + options
        at = [i for i, word in enumerate(command)
              if word.startswith("file,id=jumpcut-console")][0]
        command[at] = self.typist.chardev()
        self.qemu = Qemu([*before, *command, "-S", "-action", "shutdown=pause"],
                         name=name,
                         pass_fds=[self.typist.theirs.fileno()])
        self.typist.theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.qemu.__exit__(*error)
        self.typist.ours.close()

    def digests(self):
        return [(one["at-ns"], one["reason"], one["sha256"])
                for one in self.qemu.do("query-jumpcut")["digests"]]

    def end(self):
        self.qemu.do("quit")
        console = self.typist.rest()
        self.qemu.process.wait(HANG_S)
        return console


def record(directory, version, *args, inputs):
    """@return: what was on the console, digests"""
    with Run(directory, "recorder", version, f"record={directory}/trace",
             *args, append="jumpcut.run=serve") as run:
        run.qemu.do("cont")
        inputs(run)
        run.qemu.wait_event("SHUTDOWN")
        digests = run.digests()
        return run.end(), digests


def replay(directory, version, *args, options=""):
    with Run(directory, "replayer", version,
             f"replay={directory}/trace{options}", *args,
             append="jumpcut.run=serve") as run:
        run.qemu.do("cont")
        event = run.qemu.wait_event("JUMPCUT_REPLAY_END",
                                    "JUMPCUT_DIVERGENCE")
        info = run.qemu.do("query-jumpcut-replay")
        if "complete" not in event:
            raise Failure(f"diverged: {info['divergence']}")
        check("complete", event["complete"], True)
        run.qemu.wait_event("SHUTDOWN")
        digests = run.digests()
        return run.end(), digests, info


def type_and_power_off(run):
    run.typist.until("JUMPCUT ready")
    run.typist.type("echo fir")
    run.typist.type("st; cat /proc/uptime\n")
    run.typist.until("status=0")
    run.typist.type("poweroff -f\n")


def check_same(again, console):
    same = os.path.commonprefix([again, console])
    check(f"console after {len(same)} equal bytes",
          again[len(same):][:200], console[len(same):][:200])


KINDS = (("6.12-hvm", "6.12", "xen-hvm", 1), ("6.1-pvh-2-vcpus", "6.1",
                                              "xen-pvh", 2))


# test-record.py types, and replays that, with the tool in each check.
@test_each(*KINDS, ("6.1-kvm", "6.1", "kvm", 1),
           ("6.12-kvm", "6.12", "kvm", 1), by_hand=True)
def typed_input_is_replayed(directory, _name, version, kind, vcpus):
    args = ("--guest", kind, "--smp", vcpus)
    console, digests = record(directory, version, *args,
                              inputs=type_and_power_off)
    check_in("console", b"first", console)
    again, same, info = replay(directory, version, *args)
    check_same(again, console)
    check("digests", same, digests)
    if info["inputs"] < 2 or info["digests"] < 2:
        raise Failure(f"inputs and digests: {info}")


def change_and_power_off(run):
    """All ways in for a command: at a tick, at a stop, for a time to come."""
    now = run.qemu.do("query-jumpcut-replay")["virtual-ns"]
    run.qemu.do("jumpcut-at", **{"at-ns": now + 50_000_000,
                                 "execute": "jumpcut-xenstore-write",
                                 "arguments": {"path": "/tool", "value": "x"}})
    run.typist.until("JUMPCUT ready")
    run.qemu.do("jumpcut-cut", uptime="20")
    run.qemu.do("stop")
    run.qemu.wait_event("STOP")
    run.qemu.do("jumpcut-cut", downtime="5s")
    run.qemu.do("cont")
    run.typist.type("cat /proc/uptime\n")
    run.typist.until("status=0")
    run.qemu.do("inject-nmi")
    run.typist.until("NMI")
    run.qemu.do("jumpcut-xenstore-write", path="/local/domain/1/control/shutdown",
                value="poweroff")


@test_each(KINDS[1])
@test_each(KINDS[0], by_hand=True)
def commands_are_replayed(directory, _name, version, kind, vcpus):
    args = ("--guest", kind, "--smp", vcpus)
    console, digests = record(directory, version, *args,
                              inputs=change_and_power_off)
    again, same, info = replay(directory, version, *args)
    check_same(again, console)
    check("digests", same, digests)
    check("inputs", info["inputs"], 8)


@test
def commands_that_fail_hold_nobody(directory):
    """The vCPUs wait for what QEMU's own thread does, not if it fails."""
    def refused(run, command, text, **arguments):
        try:
            run.qemu.do(command, **arguments)
        except Failure as failure:
            check_in(command, text, str(failure))
            return
        raise Failure(f"{command} succeeded")

    def inputs(run):
        run.typist.until("JUMPCUT ready")
        refused(run, "system_wakeup", "suspended")
        refused(run, "stop", "bogus", bogus=1)
        run.typist.type("poweroff -f\n")

    console, _ = record(directory, "6.1", inputs=inputs)
    again, _, info = replay(directory, "6.1")
    check_same(again, console)
    check("inputs", info["inputs"], 3)


@test
def a_stop_that_no_replay_finds_takes_no_commands(directory):
    """Of them all, recorded there, no replay would be one."""
    with Run(directory, "recorder", "6.12", f"record={directory}/trace",
             append="jumpcut.run=serve") as run:
        run.qemu.do("jumpcut-stop-at", **{"at-ns": 100_000_000})
        run.qemu.do("cont")
        check("reason", run.qemu.wait_event("JUMPCUT_STOPPED")["reason"],
              "stop-at")
        try:
            run.qemu.do("jumpcut-cut", downtime="1s")
        except Failure as failure:
            check_in("refusal", "jumpcut-handover", str(failure))
        else:
            raise Failure("a cut at a stop that is not recorded")


@test
def a_stop_before_a_handover_does_not_undo_it(directory):
    with Run(directory, "source", "6.12", "gate=10ms",
             append="jumpcut.run=serve") as run:
        run.qemu.do("jumpcut-handover", **{"at-ns": 200_000_008})
        run.qemu.do("jumpcut-stop-at", **{"at-ns": 100_000_000})
        run.qemu.do("cont")
        for stop in ({"at-ns": 100_000_000, "reason": "stop-at"},
                     {"at-ns": 200_000_008, "reason": "handover"}):
            check("stop", run.qemu.wait_event("JUMPCUT_STOPPED"), stop)
            run.qemu.do("cont")


def record_alone(directory, *args):
    """QEMU that nobody talks to; the guest powers off."""
    command = command_of(directory / "none", "--initrd", INITRD,
                         "--guest", "xen-pvh", kernel("6.1"), *args)
    command[command.index("-plugin") + 1] += f",record={directory}/trace"
    command = ["null,id=jumpcut-console"
               if word.startswith("file,id=jumpcut-console") else word
               for word in command]
    return subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=HANG_S, check=False)


def hand_over(source, target, directory):
    """The guest goes on in the other QEMU once the source has stopped."""
    path = directory / "socket"
    path.unlink(missing_ok=True)
    for run in (source, target):
        run.qemu.announce_migration()
    target.qemu.do("migrate-incoming", uri=f"unix:{path}")
    check("reason", source.qemu.wait_event("JUMPCUT_STOPPED")["reason"],
          "handover")
    source.qemu.do("migrate", uri=f"unix:{path}")
    for run in (source, target):
        run.qemu.wait_migrated()


# test-record.py migrates and replays with the tool in each check.
@test_each(*KINDS, by_hand=True)
def a_migration_is_replayed_in_one_process_and_in_two(directory, _name,
                                                      version, kind, vcpus):
    args = ("--guest", kind, "--smp", vcpus)
    append = "jumpcut.run=serve"
    incoming = ("--", "-incoming", "defer")

    def pair(what, options):
        return (Run(directory, f"source of the {what}", version, options,
                    *args, append=append),
                Run(directory, f"target of the {what}", version, options,
                    *args, append=append, after=incoming))

    source, target = pair("recorder", f"record={directory}/trace")
    with source, target:
        source.qemu.do("cont")
        source.typist.until("JUMPCUT ready")
        source.typist.type("echo before\n")
        source.typist.until("status=0")
        source.qemu.do("jumpcut-handover")
        hand_over(source, target, directory)
        console = source.end()
        target.qemu.do("jumpcut-cut", downtime="3s")
        target.qemu.do("cont")
        target.typist.type("echo after; poweroff -f\n")
        target.qemu.wait_event("SHUTDOWN")
        console += target.end()
    check_in("console", b"after", console)

    again, _, info = replay(directory, version, *args)
    check_same(again, console)
    check("handovers", info["handovers"], 1)

    source, target = pair("replayer",
                          f"replay={directory}/trace,handover=wait")
    with source, target:
        source.qemu.do("cont")
        hand_over(source, target, directory)
        again = source.end()
        end = target.qemu.wait_event("JUMPCUT_REPLAY_END",
                                     "JUMPCUT_DIVERGENCE")
        check("end", end, {"complete": True})
        target.qemu.wait_event("SHUTDOWN")
        again += target.end()
    check_same(again, console)


@test
def another_run_diverges(directory):
    args = ("--guest", "xen-pvh")
    record(directory, "6.1", *args, inputs=type_and_power_off)
    with Run(directory, "replayer", "6.1", f"replay={directory}/trace", *args,
             append="jumpcut.run=shell") as run:
        run.qemu.do("cont")
        event = run.qemu.wait_event("JUMPCUT_REPLAY_END",
                                    "JUMPCUT_DIVERGENCE")
        check("kind", event["divergence"]["kind"], "digest")
        check_in("parts", "ram", event["divergence"]["parts"])
        check_in("pages", "microvm.ram:0x",
                 " ".join(event["divergence"]["pages"]))
        check("stopped", run.qemu.wait_event("JUMPCUT_STOPPED")["reason"],
              "divergence")


@test
def old_inputs_are_recorded_anew(directory):
    args = ("--guest", "xen-pvh")
    console, _ = record(directory, "6.1", *args, inputs=type_and_power_off)
    (directory / "trace").rename(directory / "old")
    with Run(directory, "editor", "6.1",
             f"replay={directory}/old,record={directory}/trace", *args,
             append="jumpcut.run=serve") as run:
        run.qemu.do("cont")
        run.qemu.wait_event("SHUTDOWN")
        check_same(run.end(), console)
    again, _, info = replay(directory, "6.1", *args)
    check_same(again, console)
    check("inputs", info["inputs"], 2)


@test
def stop_at_stops_and_changes_nothing(directory):
    args = ("--guest", "xen-pvh")
    console, digests = record(directory, "6.1", *args,
                              inputs=type_and_power_off)
    with Run(directory, "replayer", "6.1", f"replay={directory}/trace", *args,
             append="jumpcut.run=serve") as run:
        run.qemu.do("jumpcut-stop-at", **{"at-ns": 905_000_000})
        run.qemu.do("cont")
        event = run.qemu.wait_event("JUMPCUT_STOPPED")
        check("stop", (event["at-ns"], event["reason"]),
              (910_000_000, "stop-at"))
        run.qemu.do("jumpcut-stop-at", digest=2)
        run.qemu.do("cont")
        check("reason", run.qemu.wait_event("JUMPCUT_STOPPED")["reason"],
              "stop-at")
        check("digests", run.digests(), digests[:3])
        run.qemu.do("cont")
        check("end", run.qemu.wait_event("JUMPCUT_REPLAY_END",
                                         "JUMPCUT_DIVERGENCE"),
              {"complete": True})
        run.qemu.wait_event("SHUTDOWN")
        check("digests", run.digests(), digests)
        check_same(run.end(), console)


HOST = (("sleep", ["-icount", "shift=3,sleep=on"], "sleep=off"),
        ("shift", ["-icount", "shift=auto,sleep=off"], "shift=3"),
        ("rtc-clock", ["-rtc", "base=2020-01-01T00:00:00"], "clock=vm"),
        ("rtc-base", ["-rtc", "base=utc,clock=vm"], "base=2020"),
        ("network", ["-netdev", "user,id=n", "-device",
                     "virtio-net-pci,netdev=n"], "device virtio-net-pci"),
        ("rng", ["-device", "virtio-rng-pci"], "rdrand"),
        ("monitor", ["-monitor", "null"], "mode=control"))


@test_each(*HOST)
def what_depends_on_the_host_is_refused(directory, _name, words, told):
    command = command_of(directory / "log", "--initrd", INITRD, kernel("6.1"))
    for option in ("-icount", "-rtc"):
        if option in words:
            at = command.index(option)
            del command[at:at + 2]
    command[command.index("-plugin") + 1] += f",record={directory}/trace"
    result = subprocess.run([*command, *words, "-S"], capture_output=True,
                            timeout=HANG_S, check=False)
    check("status", result.returncode, 1)
    check_in("message", told, result.stderr.decode())


@test
def commands_past_the_gate_are_refused(directory):
    with Run(directory, "recorder", "6.1", f"record={directory}/trace",
             "--guest", "xen-pvh", append="jumpcut.run=serve") as run:
        for command, arguments, told in (
                ("balloon", {"value": 1 << 27}, "past its trace"),
                ("human-monitor-command", {"command-line": "stop"},
                 "past its trace"),
                ("device_add", {"driver": "virtio-rng-device"}, "rdrand")):
            try:
                run.qemu.do(command, **arguments)
            except Failure as failure:
                check_in(command, told, str(failure))
            else:
                raise Failure(f"{command} was not refused")
        check_in("info", "paused", run.qemu.do(
            "human-monitor-command", **{"command-line": "info status"}))


@test
def commands_for_later_take_no_more_than_migrates(directory):
    """The gate's migration state is at most 1 MiB."""
    with Run(directory, "recorder", "6.1", f"record={directory}/trace",
             "--guest", "xen-pvh", append="jumpcut.run=serve") as run:
        def later(size):
            run.qemu.do("jumpcut-at", **{
                "at-ns": 3600 * NS, "execute": "jumpcut-xenstore-write",
                "arguments": {"path": "/a", "value": "v" * size}})

        later(300 << 10)
        try:
            later(300 << 10)
        except Failure as failure:
            check_in("refusal", "wait already; 4096 of 524288 bytes",
                     str(failure))
        else:
            raise Failure("600 KiB wait")
        later(10 << 10)


@test_each(("tick", "gate-ns", "1", "gate-ns: "),
           ("checkpoints", "checkpoint-ns", "often", "checkpoint-ns: "),
           ("level", "level", "all", "level: want inputs, digests or devices"))
def damaged_header_is_refused(directory, _name, key, value, told):
    header = [one for one in samples.HEADER if one[0] != key]
    trace = samples.write(directory / "trace", header=[*header, (key, value)])
    command = command_of(directory / "log", "--initrd", INITRD, kernel("6.1"))
    command[command.index("-plugin") + 1] += f",replay={trace}"
    result = subprocess.run([*command, "-S"], capture_output=True,
                            timeout=HANG_S, check=False)
    check("status", result.returncode, 1)
    check_in("message", f"the trace's header: {told}", result.stderr.decode())


@test
def an_exit_amid_a_command_ends_the_trace_before_it(directory):
    """The one before it at the same tick is there, and is replayed."""
    trace = directory / "trace"

    def opened(name, **how):
        return Run(directory, f"{name}er", "6.1", f"{name}={trace}",
                   "--guest", "xen-pvh", append="jumpcut.run=serve", **how)

    preload = f"LD_PRELOAD={os.environ['JUMPCUT_EXIT_AT_POWERDOWN']}"
    with opened("record", before=("env", preload)) as run:
        run.qemu.do("jumpcut-at", execute="jumpcut-xenstore-write",
                    arguments={"path": "/tool", "value": "x"},
                    **{"at-ns": NS + NS // 20})
        run.qemu.do("jumpcut-at", execute="system_powerdown",
                    **{"at-ns": NS + NS // 20})
        run.qemu.do("cont")
        console = run.typist.rest()
        check("exit status", run.qemu.process.wait(HANG_S), 3)
    check("verify", run_tool("verify", "--partial", trace).returncode, 0)
    dump = run_tool("dump", trace).stdout.decode().splitlines()
    check("the last records", [line.split()[1:4] for line in dump[-2:]],
          [["1.050000000", "input-qmp", "jumpcut-xenstore-write"],
           ["1.050000000", "end", "quit,"]])
    with opened("replay") as run:
        run.qemu.do("cont")
        event = run.qemu.wait_event("JUMPCUT_REPLAY_END", "JUMPCUT_DIVERGENCE")
        check("end", event, {"complete": True})
        check("console", run.end(), console)


if __name__ == "__main__":
    main()
