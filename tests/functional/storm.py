# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile timing for a QEMU that runs: what a busy host may do to it, and more.

Each storm is a thread that does one thing to the process until it has ended, or
for LASTS_S so that it does end on a host that is busy by itself, at moments of a
seeded generator (against a process whose own timing is the host's, so no two
storms are the same).
"""
import contextlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import threading
import time

# Read-only: they take QEMU's big lock, walk what the vCPUs change, and free
# memory, for which QEMU waits until each thread was seen outside of it.
QUERIES = (
    ("query-status", {}),
    ("query-jumpcut", {}),
    ("query-jumpcut-clock", {}),
    ("query-cpus-fast", {}),
    ("qom-list", {"path": "/machine"}),
    ("human-monitor-command", {"command-line": "info registers -a"}),
    ("human-monitor-command", {"command-line": "info mtree -f"}),
    ("human-monitor-command", {"command-line": "info lapic"}),
)
LASTS_S = 30


class Storm(threading.Thread):
    """Calls once() until the process ends; at most lasts seconds between."""

    lasts = 0.01

    def __init__(self, pid, path, seed):
        super().__init__(daemon=True)
        self.pid = pid
        self.path = self.monitor(path)
        self.random = random.Random(f"{type(self).__name__} {seed}")
        self.done = threading.Event()
        self.times = 0

    @classmethod
    def monitor(cls, path):
        """@return: where its monitor listens, of all that begin with path."""
        return f"{path}-{cls.__name__}"

    def run(self):
        with contextlib.suppress(OSError, ValueError):
            with self.prepared():
                calm = time.monotonic() + LASTS_S
                while time.monotonic() < calm and not self.done.wait(
                        self.random.uniform(0, self.lasts)):
                    self.once()
                    self.times += 1

    def prepared(self):
        return contextlib.nullcontext()

    def once(self):
        raise NotImplementedError

    def end(self):
        self.done.set()
        self.join()


class Freeze(Storm):
    """The whole process stands still, some of it for longer than 100 ms."""

    lasts = 0.04

    def once(self):
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(self.random.choice((0.0005, 0.002, 0.01, 0.11))
                   if self.random.random() < 0.1 else 0.001)
        os.kill(self.pid, signal.SIGCONT)


class Schedule(Storm):
    """Threads change processor, priority and policy, each on its own."""

    def once(self):
        tid = int(self.random.choice(os.listdir(f"/proc/{self.pid}/task")))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            what = self.random.randrange(3)
            if what == 0:
                cpus = sorted(os.sched_getaffinity(0))
                os.sched_setaffinity(tid, [self.random.choice(cpus)])
            elif what == 1:
                # Not SCHED_IDLE: beside busy loops it is hardly ever run.
                policy = self.random.choice((os.SCHED_OTHER, os.SCHED_BATCH))
                os.sched_setscheduler(tid, policy, os.sched_param(0))
            else:
                os.setpriority(os.PRIO_PROCESS, tid,
                               self.random.randrange(0, 8))


class Monitor(Storm):
    """Speaks QMP on a monitor of its own."""

    @contextlib.contextmanager
    def prepared(self):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            line.connect(self.path)
            self.line = line
            self.text = b""
            self.heard(wait=True)
            self.do("qmp_capabilities")
            yield

    def heard(self, wait):
        """@return: messages that have come, one at least if wait"""
        while (wait and b"\n" not in self.text
               or select.select([self.line], [], [], 0)[0]):
            got = self.line.recv(1 << 16)
            if not got:
                raise OSError("the monitor has gone")
            self.text += got
        *lines, self.text = self.text.split(b"\n")
        messages = [json.loads(line) for line in lines]
        # QEMU 10.0 may crash at a command that comes while it ends.
        if any(one.get("event") == "SHUTDOWN" for one in messages):
            raise OSError("the guest has ended")
        return messages

    def do(self, command, **arguments):
        self.heard(wait=False)
        self.line.sendall(json.dumps(
            {"execute": command, "arguments": arguments}).encode() + b"\n")
        while all("event" in one for one in self.heard(wait=True)):
            pass


class Queries(Monitor):
    lasts = 0.01

    def once(self):
        command, arguments = self.random.choice(QUERIES)
        self.do(command, **arguments)


class Grace(Monitor):
    """Memory comes and goes, and QEMU waits for a grace period of RCU.

    A device that cannot be made is where it waits, and kicks the vCPUs.
    """

    lasts = 0.01

    def once(self):
        self.do("object-add", **{"qom-type": "memory-backend-ram",
                                 "id": "storm", "size": 4096})
        self.do("object-del", id="storm")
        self.do("device_add", driver="storm")


class StopCont(Monitor):
    """The machine is stopped and goes on."""

    lasts = 0.03

    def once(self):
        self.do("stop")
        self.do("cont")


@contextlib.contextmanager
def busy_loops(count):
    """So many processes that do nothing but compute."""
    loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"])
             for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def child_of(pid, name):
    """@return: id of pid's child that runs a program of that name."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children",
                  encoding="ascii") as children:
            for child in children.read().split():
                with open(f"/proc/{child}/comm", encoding="ascii") as comm:
                    if comm.read().startswith(name):
                        return int(child)
    return None
