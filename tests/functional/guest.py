# SPDX-License-Identifier: GPL-2.0-or-later
"""A Linux guest that does what a test tells it over its console."""
import importlib.machinery
import importlib.util
import pathlib
import re
import socket
import stat
import threading

from harness import HANG_S, INITRD, ROOT, Failure, check, kernel
from qmp import Qemu, command_of

XEN_SUSPEND = 2
CLOCK = "/sys/devices/system/clocksource/clocksource0/current_clocksource"


class Guest(Qemu):
    """Boots with jumpcut.run=serve; console holds all it has written.

    Nobody reads it while listening is clear.
    """

    def __init__(self, directory, version, *boot_arguments, qemu_args=(),
                 append="", initrd=INITRD, plugin="", extra=(), fds=()):
        self.domid = 1
        self.console = b""
        self.seen = 0
        self.grown = threading.Condition()
        self.listening = threading.Event()
        self.listening.set()
        ours, theirs = socket.socketpair()
        self.line = ours
        command = command_of(
            directory / "unused", "--initrd", initrd, "--append",
            f"cryptomgr.notests lpj=4000000 jumpcut.run=serve {append}",
            *boot_arguments, kernel(version), "--", *qemu_args)
        at = next(i for i, word in enumerate(command)
                  if word.startswith("file,id=jumpcut-console"))
        command[at] = f"socket,id=jumpcut-console,fd={theirs.fileno()}"
        at = next(i for i, word in enumerate(command)
                  if ",guest=" in word)
        command[at] += plugin
        self.adapt(command)
        threading.Thread(target=self._listen, daemon=True).start()
        super().__init__(command, ("-action", "shutdown=pause", *extra),
                         pass_fds=[theirs.fileno(), *fds])
        theirs.close()

    def adapt(self, command):
        """Changes QEMU's command line, a list of words, before it starts."""

    def __exit__(self, *how):
        super().__exit__(*how)
        self.line.close()

    def _listen(self):
        while True:
            try:
                self.listening.wait()
                data = self.line.recv(65536)
            except OSError:
                data = b""
            if not data:
                return
            with self.grown:
                self.console += data
                self.grown.notify_all()

    def wait(self, pattern):
        """@return: the match of the next console text like it."""
        with self.grown:
            def found():
                return re.search(pattern.encode(), self.console[self.seen:])
            if not self.grown.wait_for(found, HANG_S):
                raise Failure(f"wanted {pattern!r}; console ends "
                              f"{self.console[-1500:]!r}")
            match = found()
            self.seen += match.end()
            return match

    def ready(self):
        self.wait("JUMPCUT ready\r*\n")

    def type(self, line):
        self.line.sendall(line.encode() + b"\n")

    def shell(self, line, status=0):
        """@return: what the command wrote."""
        start = self.seen
        self.type(line)
        got = self.wait(r"JUMPCUT status=(\d+)\r*\n")
        text = self.console[start:self.seen][:-len(got[0])].decode()
        check(f"status of {line!r}, which wrote {text!r}", int(got[1]), status)
        return text.replace("\r", "")

    def store(self, action, path, **arguments):
        """A jumpcut-xenstore command; path below the guest's home."""
        return self.do(f"jumpcut-xenstore-{action}",
                       path=f"/local/domain/{self.domid}/{path}", **arguments)

    def suspend(self):
        """As the toolstack asks it to, before a save."""
        self.store("write", "control/shutdown", value="suspend")
        self.wait_event("STOP")
        check("shutdown node", self.store("read", "control/shutdown")["value"],
              "")
        check("reason", self.do("query-jumpcut")["shutdown-reason"],
              XEN_SUSPEND)

    def restore(self, **profile):
        """After suspend(): the guest is a new domain on another host."""
        self.do("jumpcut-restore", **profile)
        self.wait_event("RESUME")
        self.domid += 1
        info = self.do("query-jumpcut")
        check("no reason left", "shutdown-reason" in info, False)
        check("domain id", info["domid"], self.domid)


def timer_counts(guest, vcpus):
    """How often each vCPU's Xen timer has fired."""
    text = guest.shell("cat /proc/interrupts")
    rows = [re.search(rf"^ *\d+:((?: +\d+)+) .*-virq +timer{i}$", text,
                      re.MULTILINE) for i in range(vcpus)]
    check(f"timers in {text!r}", all(rows), True)
    return [int(row[1].split()[i]) for i, row in enumerate(rows)]


def check_alive(guest, vcpus):
    """All that a guest of Xen's needs still works."""
    check("vCPUs", guest.shell("nproc"), f"{vcpus}\n")
    check("clock source", guest.shell(f"cat {CLOCK}"), "xen\n")
    before = timer_counts(guest, vcpus)
    for i in range(vcpus):
        guest.shell(f"taskset {1 << i:x} sleep 0.05")
    after = timer_counts(guest, vcpus)
    check(f"every timer ticks: {before} {after}",
          all(a > b for a, b in zip(after, before)), True)
    # sysrq speaks whatever the console's level is; all else is silent.
    guest.shell("echo 1 > /proc/sys/kernel/sysrq; dmesg -n 1")
    guest.store("write", "control/sysrq", value="h")
    guest.wait(r"sysrq: HELP[^\n]*\n")
    check("sysrq node", guest.store("read", "control/sysrq")["value"], "")


def sleep_and_wake(guest, meanwhile=None):
    """Suspend to RAM; meanwhile() is called while the guest sleeps."""
    guest.type("echo mem > /sys/power/state")
    guest.wait_event("SUSPEND")
    if meanwhile:
        meanwhile()
    guest.do("system_wakeup")
    guest.wait_event("WAKEUP")
    check("status of the sleep",
          guest.wait(r"JUMPCUT status=(\d+)\r*\n")[1], b"0")


def initrd_with_kernel(directory, version, initrd=INITRD):
    """An initramfs, and in /kexec a kernel and the initramfs again."""
    loader = importlib.machinery.SourceFileLoader(
        "mk_initramfs", str(ROOT / "scripts/mk-initramfs"))
    spec = importlib.util.spec_from_loader("mk_initramfs", loader)
    mk_initramfs = importlib.util.module_from_spec(spec)
    loader.exec_module(mk_initramfs)
    base = pathlib.Path(initrd).read_bytes()
    plain = stat.S_IFREG | 0o644
    path = directory / "initramfs.cpio"
    path.write_bytes(base + mk_initramfs.archive({
        "kexec": (stat.S_IFDIR | 0o755, b"", (0, 0)),
        "kexec/vmlinuz": (plain, pathlib.Path(kernel(version)).read_bytes(),
                          (0, 0)),
        "kexec/initrd": (plain, base, (0, 0))}))
    return path
