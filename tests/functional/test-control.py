#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket: commands of its clients, and how many it takes.

Subject: the tool's end of it.  QEMU is played by fake-qemu, which refuses all
that is asked of it.
"""
import contextlib
import os
import signal
import socket
import subprocess

from harness import HANG_S, TOOL, check, check_in, main, test
from played import setup

STATUS = b'{"execute": "query-status"}\n'


class Controlled(contextlib.ExitStack):
    """A boot that waits, with a control socket; ended on the way out."""

    def __init__(self, directory):
        super().__init__()
        self.path = directory / "socket"
        command = list(map(str, setup(directory)))
        self.process = self.enter_context(subprocess.Popen(
            [TOOL, *command, "--control", self.path],
            env={**os.environ, "FAKE_QEMU": "wait"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
        self.callback(self.process.kill)
        check("first line", self.process.stdout.readline(), b"hello\r\n")

    def connect(self):
        client = self.enter_context(socket.socket(socket.AF_UNIX))
        client.settimeout(HANG_S)
        client.connect(str(self.path))
        return client

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        check("exit status", self.process.wait(HANG_S), 6)


def line_of(client):
    return client.makefile("r").readline()


@test
def socket_takes_commands(directory):
    with Controlled(directory) as boot:
        client = boot.connect()
        lines = client.makefile("r")
        for said, heard in (
                ("[1]", "want one JSON object a line"),
                ('{"execute": "session-cut"}', "wanted KEY=VALUE"),
                ('{"execute": "session-cut", "arguments": {"cut": 1}}',
                 "wanted KEY=VALUE"),
                ('{"execute": "query-status"}', "io-error")):
            client.sendall(said.encode() + b"\n")
            check_in(said, heard, lines.readline())
        boot.end()
        check("socket is gone", boot.path.exists(), False)


@test
def client_that_takes_no_answers_holds_nobody(directory):
    with Controlled(directory) as boot:
        deaf = boot.connect()
        deaf.setblocking(False)
        asked = 0
        with contextlib.suppress(BlockingIOError):
            # Until the session takes no more, or enough to fill a socket.
            while asked < 1 << 20:
                asked += deaf.send(b"[1]\n" * 64)
        client = boot.connect()
        client.sendall(STATUS)
        check_in("answer", "io-error", line_of(client))
        # It reads after all: an answer a whole command, in order.
        deaf.settimeout(HANG_S)
        heard = deaf.makefile("r")
        for _ in range(asked // 4):
            check_in("late answer", "want one JSON object a line",
                     heard.readline())
        boot.end()


@test
def client_asks_so_much_at_a_time(directory):
    cut = b'{"execute":"session-cut","arguments":{"cut":"9:way=suspend"}}\n'
    with Controlled(directory) as boot:
        client, other = boot.connect(), boot.connect()
        # Cuts that the guest never comes to, and one too many.
        client.sendall(cut * 257)
        check_in("too much", "session-cut: 256 commands of this client are "
                 "not answered yet", line_of(client))
        other.sendall(STATUS)
        check_in("another client", "io-error", line_of(other))
        boot.end()


@test
def clients_are_bounded(directory):
    with Controlled(directory) as boot:
        clients = [boot.connect() for _ in range(64)]
        check("one too many", boot.connect().recv(1), b"")
        # A line that is longer than any may be, but for its end
        clients[0].sendall(b" " * (1 << 20))
        check("too long", clients[0].recv(1), b"")
        clients[1].sendall(b" " * ((1 << 20) - 4) + b"[1]\n")
        check_in("the longest", "want one JSON object a line",
                 line_of(clients[1]))
        again = boot.connect()
        again.sendall(STATUS)
        check_in("in its place", "io-error", line_of(again))
        boot.end()


if __name__ == "__main__":
    main()
