# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU of the test's own, driven over QMP."""
import json
import os
import shlex
import socket
import subprocess

from harness import HANG_S, Failure, run


class Qemu:
    """command: QEMU's, without a monitor; log: where its console goes."""

    stdin, stdout = subprocess.DEVNULL, None

    def __init__(self, command, extra=(), name="qemu", pass_fds=()):
        ours, theirs = socket.socketpair()
        ours.settimeout(HANG_S)
        self.name = name
        self.process = subprocess.Popen(
            [*command, "-chardev", f"socket,id=test-qmp,fd={theirs.fileno()}",
             "-mon", "chardev=test-qmp,mode=control", *extra],
            pass_fds=[theirs.fileno(), *pass_fds], stdin=self.stdin,
            stdout=self.stdout, stderr=subprocess.PIPE)
        theirs.close()
        self.lines = ours.makefile("r")
        self.socket = ours
        self.events = []
        self.read()
        self.do("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.lines.close()
        self.socket.close()

    def read(self):
        """@return: the next message, of whatever kind."""
        line = self.lines.readline()
        if not line:
            self.process.wait(HANG_S)
            raise Failure(f"{self.name} ended: "
                          f"{self.process.stderr.read().decode()!r}")
        return json.loads(line)

    def do(self, command, **arguments):
        self.socket.sendall(json.dumps(
            {"execute": command, "arguments": arguments}).encode() + b"\n")
        return self._answer(command)

    def _answer(self, command):
        while True:
            message = self.read()
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise Failure(f"{self.name}: {command}: "
                              f"{message['error']['desc']}")
            else:
                return message["return"]

    def send_fd(self, fd, name):
        """For a command that follows, which calls it name."""
        socket.send_fds(self.socket, [json.dumps(
            {"execute": "getfd", "arguments": {"fdname": name}}).encode() +
            b"\n"], [fd])
        self._answer("getfd")

    def wait_event(self, *wanted):
        """@return: data of the first event of one of those names."""
        while True:
            for i, event in enumerate(self.events):
                if event["event"] in wanted:
                    return self.events.pop(i).get("data", {})
            message = self.read()
            if "event" in message:
                self.events.append(message)

    def wait_deleted(self, device):
        while self.wait_event("DEVICE_DELETED").get("device") != device:
            pass

    def announce_migration(self):
        """Have wait_migrated() told."""
        self.do("migrate-set-capabilities",
                capabilities=[{"capability": "events", "state": True}])

    def wait_migrated(self):
        """Until this end of a migration is complete."""
        status = ""
        while status != "completed":
            status = self.wait_event("MIGRATION")["status"]
            if status == "failed":
                raise Failure(f"migration failed at the {self.name}")


def move(source, target, path):
    """The guest goes on in the target, which has its console and devices."""
    for qemu in (source, target):
        qemu.announce_migration()
    target.do("migrate-incoming", uri=f"unix:{path}")
    source.do("stop")
    source.do("migrate", uri=f"unix:{path}")
    target.wait_migrated()
    source.do("quit")
    target.do("cont")


def command_of(log, *boot_arguments):
    """What jumpcut boot would run, with its console in the file log."""
    result = run("boot", "--dry-run", *boot_arguments)
    if result.returncode:
        raise Failure(result.stderr.decode())
    command = shlex.split(result.stdout.decode())
    at = [i for i, word in enumerate(command) if word.startswith("stdio,id=")]
    command[at[0]] = f"file,id=jumpcut-console,path={os.fspath(log)}"
    return command
