#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels with their root on xvda and their network on eth0.

Subject: QEMU's own Xen back ends over our event channels, grants and xenstore,
of HVM and PVH guests, through a reboot, a disk plugged in and out, and bytes
both ways over TCP.  The image is looked at from the host when the guest has
powered off.

JUMPCUT_PVDEV=all runs both kernels as both kinds with 1, 2, 4 and 8 vCPUs.
"""
import hashlib
import random

from harness import (Failure, check, check_in, kernel, main, run, test,
                     test_each)
from pvdev import check_image, initrd, read_image, root_image, sink, web_server
from qmp import Qemu, command_of

# Larger than a ring, a socket's buffers and a page each by far.
CONTENT_SIZE = 1 << 20

NETWORK = """
ip link set eth0 up
udhcpc -i eth0 -n -q -t 30 -s /bin/dhcp
echo "JUMPCUT address=$(ip -4 addr show eth0 | grep -o 'inet [0-9.]*')"
wget -q -O /got http://10.0.2.2:WEB/
echo "JUMPCUT got=$(sha256sum /got | cut -d ' ' -f 1)"
nc 10.0.2.2 SINK </got
"""
END = """
sync
mount -o remount,ro /
poweroff -f
"""
# The first time it is started, it reboots.
TWICE = """
times=$(cat /times)x
echo $times >/times
echo "JUMPCUT times=$times root=$(grep ' / ' /proc/mounts | cut -d ' ' -f 1-3)"
if [ $times = x ]; then
    mount -o remount,ro /
    reboot -f
fi
"""
PLUGGED = """
echo "JUMPCUT ready"
until head -c 1 /dev/xvdb >/dev/null 2>&1; do usleep 10000; done
head -c 65536 /bin/busybox >/dev/xvdb
sync
echo "JUMPCUT written sectors=$(cat /sys/block/xvdb/size)"
while [ -b /dev/xvdb ]; do usleep 10000; done
echo "JUMPCUT gone"
"""


ROWS = [(f"{version}-{kind}-{smp}" + "".join(how)[1:], version, kind, smp, how)
        for version in ("6.12", "6.1") for kind in ("hvm", "pvh")
        for smp in (1, 2, 4, 8) for how in ((), ("--no-icount",))]
OFTEN = ("6.12-pvh-2-no-icount",)


def arguments(directory, version, image, *more):
    return ["--initrd", initrd(directory, version), "--disk", image,
            "--net", "user", "--append",
            "cryptomgr.notests jumpcut.run=root root=/dev/xvda rw", *more]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def content():
    return random.Random(1).randbytes(CONTENT_SIZE)


@test_each(*(row for row in ROWS if row[0] in OFTEN))
@test_each(*(row for row in ROWS if row[0] not in OFTEN), by_hand=True)
def root_and_network_survive_a_reboot(directory, _name, version, kind, smp,
                                      how):
    data = content()
    digest = sha256(data)
    with web_server(data) as web, sink() as taker:
        script = (TWICE + NETWORK + END) \
            .replace("WEB", str(web.server_address[1])) \
            .replace("SINK", str(taker.server_address[1]))
        image = root_image(directory, script)
        guest = run("boot", *arguments(directory, version, image,
                                       "--guest", f"xen-{kind}", "--smp", smp,
                                       "--xen-version", "4.20", "--reboot",
                                       "continue", "--timeout", 200, *how),
                    kernel(version))
        text = guest.stdout.decode(errors="replace")
        if guest.returncode:
            raise Failure(f"exit status {guest.returncode}, stderr "
                          f"{guest.stderr!r}; console ends {text[-800:]!r}")
    check("booted as what", text.count(
        f"kernel on Xen {kind.upper()}\r\n"), 2)
    for times in ("x", "xx"):
        check_in("console", f"JUMPCUT times={times} root=/dev/xvda / ext4\r\n",
                 text)
    check_in("console", "JUMPCUT address=inet 10.0.2.15\r\n", text)
    check_in("console", f"JUMPCUT got={digest}\r\n", text)
    check("bytes the host got", taker.digests, [digest])
    check("kernel complaints", [line for line in text.splitlines()
                                if "BUG:" in line or "WARNING:" in line], [])
    check("QEMU's complaints", guest.stderr, b"")
    check("the file from the host", sha256(read_image(image, "/got")), digest)
    check("the times started", read_image(image, "/times"), b"xx\n")
    check_image(image)


@test
def disk_is_plugged_in_and_out(directory):
    version = "6.12"
    log = directory / "console.log"
    image = root_image(directory, PLUGGED + END)
    disk = directory / "plugged.img"
    with disk.open("wb") as file:
        file.truncate(8 << 20)
    command = command_of(log, *arguments(directory, version, image,
                                         "--no-icount"), kernel(version))
    command += ["-action", "shutdown=pause"]
    with Qemu(command) as qemu:
        wait_console(qemu, log, b"JUMPCUT ready")
        qemu.do("blockdev-add", **{"node-name": "node", "driver": "file",
                                   "filename": str(disk)})
        qemu.do("device_add", driver="xen-disk", id="plugged", drive="node",
                vdev="xvdb")
        wait_console(qemu, log, b"JUMPCUT written sectors=16384\r\n")
        qemu.do("device_del", id="plugged")
        check("deleted", qemu.wait_event("DEVICE_DELETED")["device"],
              "plugged")
        # It has let go of the file.
        qemu.do("blockdev-del", **{"node-name": "node"})
        check("reason", qemu.wait_event("SHUTDOWN")["reason"],
              "guest-shutdown")
    check_in("console", b"JUMPCUT gone\r\n", log.read_bytes())
    with open("/bin/busybox", "rb") as file:
        check("what was written", sha256(disk.read_bytes()[:65536]),
              sha256(file.read(65536)))


def wait_console(qemu, log, text):
    """The console says so, or QEMU ends, or the guest does."""
    while text not in log.read_bytes():
        if not qemu.do("query-status")["running"]:
            raise Failure(f"no {text!r} in {log.read_bytes()[-800:]!r}")


if __name__ == "__main__":
    main()
