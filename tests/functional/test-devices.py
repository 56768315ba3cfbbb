#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to paravirtual devices while a Linux guest runs.

Plugged in and out over QMP, let go and taken again by their drivers, failing
disks, a second console, kexec with all of them connected, and the emulated
devices that a guest unplugs for them.

Subject: QEMU's own Xen back ends over our event channels, grants and xenstore.
What a front end may do wrong is in tests/qtest/test-backends.c.
"""
import hashlib
import os
import random
import socket

from guest import Guest, check_alive, initrd_with_kernel
from harness import HANG_S, check, check_in, main, test_each
from pvdev import initrd, web_server

# Rings of disks have as many pages as the back end can take.
RING_ORDER = 4
LOAD = ("cd /lib/modules; "
        "for m in failover net_failover xen-netfront; do "
        "[ ! -e $m.ko ] || insmod $m.ko; done; "
        f"insmod xen-blkfront.ko max_ring_page_order={RING_ORDER}; dmesg -n 4")
DHCP = ("printf '#!/bin/sh\\n[ $1 != bound ] || { ip addr add $ip/24 dev "
        "eth0; ip route add default via $router; }\\n' >/tmp/dhcp; "
        "chmod +x /tmp/dhcp")
VBD = {"xvdb": 51728, "xvdc": 51744}
DISK_MIB = 2
SECTORS = DISK_MIB << 11
# More than a page, a ring and a socket's buffer.
CONSOLE_BYTES = 300_000


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


def md5(data):
    return hashlib.md5(data).hexdigest()


def start(directory, version, kind, *qemu_args, append="", vcpus=2,
          archive=None):
    platform = ("-device", "xen-platform") if kind == "hvm" else ()
    return Guest(directory, version, "--guest", f"xen-{kind}", "--no-icount",
                 initrd=archive or initrd(directory, version), append=append,
                 qemu_args=("-smp", str(vcpus), *platform, *qemu_args))


def new_disk(directory, name, size=DISK_MIB << 20):
    path = directory / f"{name}.img"
    path.write_bytes(content(size))
    return path


def wait_gone(guest, path):
    guest.shell(f"while [ -e {path} ]; do usleep 10000; done")


def wait_readable(guest, disk):
    guest.shell(f"until head -c 1 /dev/{disk} >/dev/null 2>&1; do "
                "usleep 10000; done")


def disk_md5(guest, disk):
    return guest.shell(f"dd if=/dev/{disk} bs=64k iflag=direct 2>/dev/null | "
                       "md5sum").split()[0]


# Disks

def plug_disk(guest, node, vdev):
    """node: arguments of blockdev-add, or the path of an image."""
    if not isinstance(node, dict):
        node = {"driver": "file", "filename": str(node)}
    guest.do("blockdev-add", **{"node-name": f"{vdev}-node", **node})
    guest.do("device_add", driver="xen-disk", id=vdev, drive=f"{vdev}-node",
             vdev=vdev)
    wait_readable(guest, vdev)


def unplug(guest, device):
    guest.do("device_del", id=device)
    check("deleted", guest.wait_event("DEVICE_DELETED")["device"], device)


def unplug_disk(guest, vdev):
    unplug(guest, vdev)
    # It has let go of the file.
    guest.do("blockdev-del", **{"node-name": f"{vdev}-node"})
    wait_gone(guest, f"/sys/block/{vdev}")


def disks_come_and_go(guest, directory, times):
    path = new_disk(directory, "plugged")
    for i in range(times):
        vdev = list(VBD)[i % 2]
        plug_disk(guest, path, vdev)
        check("sectors", guest.shell(f"cat /sys/block/{vdev}/size"),
              f"{SECTORS}\n")
        check("content", disk_md5(guest, vdev), md5(path.read_bytes()))
        check("ring", guest.store("read", f"device/vbd/{VBD[vdev]}/"
                                  "ring-page-order")["value"], str(RING_ORDER))
        guest.shell(f"head -c 65536 /dev/urandom >/dev/{vdev}; sync")
        check("written", disk_md5(guest, vdev), md5(path.read_bytes()))
        unplug_disk(guest, vdev)


def disk_is_let_go(guest, directory):
    """Its driver closes it; that of Linux cannot take it again by itself."""
    plug_disk(guest, new_disk(directory, "unbound"), "xvdb")
    guest.shell(f"echo vbd-{VBD['xvdb']} >/sys/bus/xen/drivers/vbd/unbind")
    wait_gone(guest, "/sys/block/xvdb")
    check("state", guest.do(
        "jumpcut-xenstore-read",
        path=f"/local/domain/0/backend/qdisk/1/{VBD['xvdb']}/state")["value"], "6")
    unplug_disk(guest, "xvdb")


def failing_disks(guest, directory):
    """The guest gets EIO where the disk fails, and goes on elsewhere."""
    path = new_disk(directory, "failing")
    inject = [{"event": "none", "iotype": iotype, "sector": sector,
               "errno": errno, "once": False, "immediately": False}
              for iotype, sector, errno in (("read", 1024, 5),
                                            ("write", 2048, 28))]
    plug_disk(guest, {"driver": "blkdebug", "inject-error": inject,
                      "image": {"driver": "file", "filename": str(path)}},
              "xvdb")
    direct = "bs=4k count=1 2>/dev/null"
    guest.shell(f"dd if=/dev/xvdb of=/dev/null skip=128 iflag=direct {direct}",
                status=1)
    guest.shell(f"dd if=/dev/zero of=/dev/xvdb seek=256 oflag=direct {direct}",
                status=1)
    guest.shell(f"dd if=/dev/xvdb of=/dev/null skip=127 iflag=direct {direct}")
    guest.shell(f"dd if=/dev/zero of=/dev/xvdb seek=257 oflag=direct {direct}")
    check("sector written", path.read_bytes()[257 * 4096:258 * 4096],
          bytes(4096))
    check("state", guest.do("query-status")["status"], "running")
    unplug_disk(guest, "xvdb")
    read_only_and_vanishing(guest, directory)


def read_only_and_vanishing(guest, directory):
    path = new_disk(directory, "other")
    before = path.read_bytes()
    plug_disk(guest, {"driver": "file", "filename": str(path),
                      "read-only": True}, "xvdb")
    check("ro", guest.shell("cat /sys/block/xvdb/ro"), "1\n")
    guest.shell("dd if=/dev/zero of=/dev/xvdb bs=4k count=1 2>/dev/null",
                status=1)
    check("content", disk_md5(guest, "xvdb"), md5(before))
    path.unlink()
    check("content of the removed file", disk_md5(guest, "xvdb"), md5(before))
    unplug_disk(guest, "xvdb")


# Networks

def fetch(guest, url, digest):
    guest.shell("until [ -e /sys/class/net/eth0 ]; do usleep 10000; done; "
                "ip link set eth0 up && "
                "udhcpc -i eth0 -n -q -t 30 -s /tmp/dhcp 2>/dev/null")
    check_in("what it got", digest, guest.shell(f"wget -q -O - {url} | md5sum"))


def networks_come_and_go(guest, times):
    data = content(1 << 18)
    with web_server(data) as web:
        url = f"http://10.0.2.2:{web.server_address[1]}/"
        guest.shell(DHCP)
        for _ in range(times):
            guest.do("netdev_add", type="user", id="net")
            guest.do("device_add", driver="xen-net-device", id="card",
                     netdev="net")
            fetch(guest, url, md5(data))
            for what in ("unbind", "bind"):
                guest.shell(f"echo vif-0 >/sys/bus/xen/drivers/vif/{what}")
            fetch(guest, url, md5(data))
            unplug(guest, "card")
            guest.do("netdev_del", id="net")
            wait_gone(guest, "/sys/class/net/eth0")


# A second console

def console_arguments(directory):
    return ("-chardev", f"socket,id=second,path={directory}/second,"
            "server=on,wait=off", "-device", "xen-console,chardev=second")


def receive(line, size):
    data = b""
    while len(data) < size:
        part = line.recv(65536)
        if not part:
            break
        data += part
    return data


def second_console(guest, directory):
    """hvc1 takes and gives bytes of every value."""
    data = content(CONSOLE_BYTES)
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(os.fspath(directory / "second"))
        line.settimeout(HANG_S)
        guest.shell("exec 5<>/dev/hvc1; stty -F /dev/hvc1 raw -echo")
        guest.type(f"head -c {len(data)} <&5 >/tmp/taken; "
                   "md5sum /tmp/taken; cat /tmp/taken >&5")
        line.sendall(data)
        check("digest of what came in",
              guest.wait(r"([0-9a-f]{32})  /tmp/taken")[1].decode(), md5(data))
        check("digest of what came out", md5(receive(line, len(data))),
              md5(data))
        guest.wait(r"JUMPCUT status=0\r*\n")
        guest.shell("exec 5>&-; rm /tmp/taken")


# Tests

def come_and_go(directory, version, kind, times):
    with start(directory, version, kind, *console_arguments(directory)) \
            as guest:
        guest.ready()
        guest.shell(LOAD)
        for _ in range(times):
            second_console(guest, directory)
        disks_come_and_go(guest, directory, times)
        disk_is_let_go(guest, directory)
        networks_come_and_go(guest, times)
        failing_disks(guest, directory)
        check_alive(guest, 2)
        check("complaints", guest.shell(
            "dmesg | grep -E 'BUG|WARNING|rcu:.*stall|Oops' || :"), "")


@test_each(("6.12-pvh", "6.12", "pvh"))
def come_and_go_once(directory, _name, version, kind):
    come_and_go(directory, version, kind, 1)


@test_each(*[(f"{version}-{kind}", version, kind)
             for version in ("6.12", "6.1") for kind in ("hvm", "pvh")],
           by_hand=True)
def long_come_and_go(directory, _name, version, kind):
    come_and_go(directory, version, kind, 10)


def kexec_with_devices(directory, version, kind):
    """All are connected; the next kernel finds them as at the first start."""
    path = new_disk(directory, "disk")
    data = content(1 << 18)
    archive = initrd_with_kernel(directory, version,
                                 initrd(directory, version))
    more = "acpi_rsdp=0xfc008000" if kind == "pvh" else ""
    with web_server(data) as web, \
            start(directory, version, kind, *console_arguments(directory),
                  "-drive", f"if=none,id=disk,format=raw,file={path}",
                  "-device", "xen-disk,drive=disk,vdev=xvdb",
                  "-netdev", "user,id=net",
                  "-device", "xen-net-device,netdev=net",
                  archive=archive) as guest:
        url = f"http://10.0.2.2:{web.server_address[1]}/"
        for i in range(2):
            guest.ready()
            guest.shell(LOAD)
            guest.shell(DHCP)
            wait_readable(guest, "xvdb")
            check("content", disk_md5(guest, "xvdb"), md5(path.read_bytes()))
            guest.shell("head -c 65536 /dev/urandom >/dev/xvdb; sync")
            fetch(guest, url, md5(data))
            second_console(guest, directory)
            if i == 0:
                guest.type("jumpcut-kexec /kexec/vmlinuz /kexec/initrd "
                           "'console=hvc0 panic=-1 cryptomgr.notests "
                           f"lpj=4000000 jumpcut.run=serve {more}'")
        check_alive(guest, 2)


@test_each(*[(f"{version}-{kind}", version, kind)
             for version in ("6.12", "6.1") for kind in ("hvm", "pvh")],
           by_hand=True)
def kexec(directory, _name, version, kind):
    kexec_with_devices(directory, version, kind)


# The status register of the first IDE disk.
IDE_SELECT = "o /b 0x1f6 0xa0"
IDE_STATUS = "i /b 0x1f7"
IDE_READY = "0x50"
IDE_NOBODY = "0x00"
PCI_NETWORKS = "grep -l 0x020000 /sys/bus/pci/devices/*/class | wc -l"


def monitor(guest, line):
    return guest.do("human-monitor-command", **{"command-line": line})


@test_each(("by-default", "", IDE_NOBODY, "0\n"),
           ("not", "xen_emul_unplug=never", IDE_READY, "1\n"))
@test_each(("of-disks", "xen_emul_unplug=ide-disks", IDE_NOBODY, "1\n"),
           by_hand=True)
def emulated_devices_are_unplugged(directory, _name, append, status, cards):
    """An IDE disk with xvda beside it, and an E1000."""
    path = new_disk(directory, "ide")
    with start(directory, "6.1", "hvm",
               "-drive", f"if=none,id=ide,format=raw,file={path},"
               "file.locking=off",
               "-device", "ide-hd,bus=ide.0,drive=ide",
               "-drive", f"if=none,id=xen,format=raw,file={path},"
               "file.locking=off",
               "-device", "xen-disk,drive=xen,vdev=xvda",
               "-netdev", "user,id=net", "-device", "e1000,netdev=net",
               append=append, vcpus=1) as guest:
        guest.ready()
        monitor(guest, IDE_SELECT)
        check_in("IDE status", f"= {status}", monitor(guest, IDE_STATUS))
        check("network cards", guest.shell(PCI_NETWORKS), cards)
        guest.shell(LOAD)
        if "never" not in append:
            wait_readable(guest, "xvda")
            check("content", disk_md5(guest, "xvda"), md5(path.read_bytes()))


if __name__ == "__main__":
    main()
