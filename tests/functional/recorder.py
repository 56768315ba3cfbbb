# SPDX-License-Identifier: GPL-2.0-or-later
"""A run that is recorded, typed at and commanded while it goes on."""
import json
import os
import pathlib
import signal
import socket
import subprocess

from harness import HANG_S, INITRD, TOOL, Failure, Skip, check, kernel, run


class Recording:
    """A guest under jumpcut record that does what is typed.

    The trace is NAME.jct in the directory.
    """

    def __init__(self, directory, name, version, *args, append="",
                 qemu_args=()):
        if not pathlib.Path(INITRD).is_file():
            raise Skip(f"{INITRD} is missing (scripts/mk-initramfs makes it)")
        self.trace = directory / f"{name}.jct"
        self.partial = directory / f"{name}.jct.partial"
        self.socket = directory / f"{name}.socket"
        self.seen = b""
        self.typed = 0
        command = [TOOL, "record", "-o", self.trace, "--control", self.socket,
                   "--initrd", INITRD, "--timeout", HANG_S - 20, "--append",
                   f"cryptomgr.notests jumpcut.run=serve {append}", *args,
                   kernel(version), "--", *qemu_args]
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def await_text(self, text):
        while text not in self.seen:
            got = self.process.stdout.read(65536)
            if not got:
                raise Failure(f"{text!r} never came; stderr "
                              f"{self.process.stderr.read()!r}; console ends "
                              f"{self.seen[-800:]!r}")
            self.seen += got

    def type(self, text):
        """The guest does it as a shell would."""
        self.typed += 1
        self.process.stdin.write(text + b"; echo done %d\n" % self.typed)
        self.await_text(b"done %d\r\nJUMPCUT status=0" % self.typed)

    def do(self, command, **arguments):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(HANG_S)
            client.connect(str(self.socket))
            client.sendall(json.dumps({"execute": command, "arguments":
                                       arguments}).encode() + b"\n")
            answer = json.loads(client.makefile().readline())
        if "return" not in answer:
            raise Failure(f"{command}: {answer}")
        return answer["return"]

    def cut(self, *args):
        result = run("cut", self.socket, *args)
        check(f"cut {args}", (result.returncode, result.stderr), (0, b""))

    def power_off(self):
        """@return: all that was on the console."""
        self.process.stdin.write(b"poweroff -f\n")
        self.seen += self.process.stdout.read()
        errors = self.process.stderr.read()
        check(f"exit status; stderr {errors}", self.process.wait(), 0)
        check("partial trace", self.partial.exists(), False)
        return self.seen

    def kill(self, victim):
        """As kill -9 of the "recorder", with which QEMU dies, or of "qemu"."""
        pid = self.process.pid
        if victim == "qemu":
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
            pid = int(children.read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        self.seen += self.process.stdout.read()
        self.process.wait()


def replay(trace, *args, status=0, console=None):
    """@return: stderr; the console must be that one."""
    result = run("replay", trace, "--timeout", HANG_S - 20, *args)
    if result.returncode != status:
        raise Failure(f"replay {args}: wanted exit status {status}, got "
                      f"{result.returncode}; stderr {result.stderr!r}")
    if console is not None and result.stdout != console:
        at = len(os.path.commonprefix([result.stdout, console]))
        raise Failure(f"replay {args}: the console differs at byte {at}: wanted "
                      f"{console[at:at + 200]!r}, "
                      f"got {result.stdout[at:at + 200]!r}")
    return result.stderr.decode()
