#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hvc0 and its readers: much in both directions, one that comes late, one that
takes nothing; and Xen's own log.
"""
import hashlib
import os
import socket

from guest import Guest
from harness import INITRD, check, check_in, kernel, main, test
from qmp import Qemu, command_of

OUT_BYTES = 1_000_000
IN_BYTES = 60_000
# More than a socket and the queue behind it hold.
FLOOD_BYTES = 3_000_000
QUIT_S = 20


@test
def bytes_go_both_ways_and_to_the_log(directory):
    log = directory / "xen.log"
    with Guest(directory, "6.1", plugin=",xen-log=log", append="earlyprintk=xen",
               extra=("-chardev", f"file,id=log,path={log}")) as guest:
        guest.ready()
        text = guest.shell(
            f"head -c {OUT_BYTES} /dev/zero | tr '\\0' 'x' | fold -w 1000")
        check("bytes that came", text.count("x"), OUT_BYTES)
        # A terminal in its usual mode takes lines of up to 4095 bytes.
        lines = ["".join(chr(97 + (i * 7 + j) % 26) for j in range(1000))
                 for i in range(IN_BYTES // 1000)]
        data = "".join(line + "\n" for line in lines)
        guest.type(f"head -n {len(lines)} | md5sum")
        guest.line.sendall(data.encode())
        got = guest.wait(r"([0-9a-f]{32})  -\r*\n")[1].decode()
        check("digest of what was typed", got,
              hashlib.md5(data.encode()).hexdigest())
    lines = log.read_bytes().decode().splitlines()
    check("lines of the guest in Xen's log",
          len(lines) > 50 and all(line.startswith("(d1) ") for line in lines),
          True)
    check_in("Xen's log", "Linux version 6.1", lines[0])


@test
def a_late_reader_gets_what_was_kept(directory):
    path = directory / "console"
    command = command_of(directory / "unused", "--initrd", INITRD, "--append",
                         "cryptomgr.notests jumpcut.run=poweroff",
                         kernel("6.1"))
    at = next(i for i, word in enumerate(command)
              if word.startswith("file,id=jumpcut-console"))
    command[at] = (f"socket,id=jumpcut-console,path={path},server=on,wait=off")
    with Qemu(command, ("-action", "shutdown=pause")) as qemu:
        qemu.wait_event("SHUTDOWN")
        written = qemu.do("query-jumpcut")["console-bytes"]
        with socket.socket(socket.AF_UNIX) as reader:
            reader.connect(os.fspath(path))
            reader.settimeout(QUIT_S)
            got = b""
            while len(got) < written:
                got += reader.recv(65536)
    check_in("first line", b"Linux version 6.1", got.split(b"\n")[0])
    check_in("last line", b"reboot: Power down", got)


@test
def a_stuck_reader_stops_the_machine_and_not_quit(directory):
    with Guest(directory, "6.1") as guest:
        guest.ready()
        guest.listening.clear()
        guest.type(f"head -c {FLOOD_BYTES} /dev/zero | tr '\\0' 'x'")
        guest.wait_event("STOP")
        check("state", guest.do("query-status")["status"], "io-error")
        guest.do("quit")
        guest.process.wait(QUIT_S)
        check("exit status", guest.process.returncode, 0)
        check_in("stderr", b"nobody took the last", guest.process.stderr.read())


@test
def a_counted_device_is_replaced_and_the_machine_stops(directory):
    command = command_of(directory / "unused", "--guest=kvm", kernel("6.1"))
    at = next(i for i, word in enumerate(command)
              if word.startswith("file,id=jumpcut-console"))
    command[at] = "null,id=jumpcut-console"
    with Qemu(command) as qemu:
        qemu.do("chardev-change", id="jumpcut-console",
                backend={"type": "null", "data": {}})
        qemu.do("stop")
        check("state", qemu.do("query-status")["status"], "paused")
        qemu.do("quit")
        qemu.process.wait(QUIT_S)
        check("exit status", qemu.process.returncode, 0)


if __name__ == "__main__":
    main()
