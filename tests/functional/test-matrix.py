#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""All a guest of a distribution does, in one life of it.

Root on xvda, an address and a file over eth0, vCPUs taken away and given back
by the host, suspend to RAM (HVM), a reboot with the disk and the network there,
power off; then the image is looked at from the host.

Subject: that these work together, for HVM and PVH, both kernels and up to
eight vCPUs.  What each does alone is tested elsewhere.
"""
import hashlib
import random

from guest import Guest, check_alive, sleep_and_wake
from harness import Failure, check, check_in, main, test_each
from pvdev import check_image, initrd, read_image, root_image, web_server

KINDS = ("xen-hvm", "xen-pvh")
VERSIONS = ("6.12", "6.1")
VCPUS = (1, 2, 4, 8)
ONLINE = "/sys/devices/system/cpu/online"
# Linux of 5.x and earlier says "paravirtualized kernel".
SAYS = {"xen-hvm": "Booting .*kernel on Xen HVM",
        "xen-pvh": "Booting .*kernel on Xen PVH"}
INIT = """
/bin/busybox --install -s /bin
stty -echo
echo "JUMPCUT ready"
while IFS= read -r line; do
    eval "$line"
    echo "JUMPCUT status=$?"
done
"""


def check_platform(guest, kind, vcpus):
    check_in("root", "/dev/xvda / ext4", guest.shell("cat /proc/mounts"))
    guest.shell(f"dmesg | grep -E '{SAYS[kind]}'")
    check("vCPUs", guest.shell("nproc"), f"{vcpus}\n")


def fetch(guest, server, name, digest):
    """A file over eth0, onto the disk."""
    guest.shell("ip link set eth0 up && "
                "udhcpc -i eth0 -n -q -t 30 -s /bin/dhcp 2>/dev/null")
    guest.shell(f"wget -q -O /{name} "
                f"http://10.0.2.2:{server.server_address[1]}/")
    check_in("what it got", digest, guest.shell(f"sha256sum /{name}"))


def until_online(guest, cpus):
    """The guest's own hot-plug work is done when it says so."""
    guest.shell(f"until [ $(cat {ONLINE}) = {cpus} ]; do usleep 10000; done")


def unplug_and_plug_pvh(guest, vcpus):
    """xl vcpu-set: by xenstore."""
    last = vcpus - 1
    for state, cpus in (("offline", last), ("online", vcpus)):
        guest.store("write", f"cpu/{last}/availability", value=state)
        if state == "online":
            cpu = f"/sys/devices/system/cpu/cpu{last}"
            guest.shell(f"until [ -e {cpu}/online ]; do usleep 10000; done; "
                        f"[ $(cat {cpu}/online) = 1 ] || "
                        f"echo 1 > {cpu}/online")
        until_online(guest, f"0-{cpus - 1}" if cpus > 1 else "0")


def plug_and_unplug_hvm(guest, vcpus):
    """xl vcpu-set: by ACPI; there is a slot for one more."""
    slot = next(slot for slot in guest.do("query-hotpluggable-cpus")
                if "qom-path" not in slot)
    cpu = f"/sys/devices/system/cpu/cpu{vcpus}"
    guest.do("device_add", driver=slot["type"], id="more", **slot["props"])
    guest.shell(f"until [ -e {cpu} ]; do usleep 10000; done; "
                f"[ $(cat {cpu}/online) = 1 ] || echo 1 > {cpu}/online")
    check("vCPUs", guest.shell("nproc"), f"{vcpus + 1}\n")
    guest.do("device_del", id="more")
    # QEMU's TCG keeps a reference to a vCPU for good; its APIC tells.
    check("deleted", guest.wait_event("DEVICE_DELETED")["path"],
          "/machine/peripheral/more/lapic")
    check("vCPUs", guest.shell("nproc"), f"{vcpus}\n")


def lives(directory, kind, version, vcpus):
    content = random.Random(1).randbytes(256 << 10)
    digest = hashlib.sha256(content).hexdigest()
    image = root_image(directory, INIT)
    smp = f"{vcpus},maxcpus={vcpus + 1}" if kind == "xen-hvm" else str(vcpus)
    arguments = ("--guest", kind, "--disk", image, "--net", "user",
                 "--reboot", "continue")
    with web_server(content) as server, \
            Guest(directory, version, *arguments,
                  append="jumpcut.run=root root=/dev/xvda rw",
                  initrd=initrd(directory, version),
                  qemu_args=("-smp", smp)) as guest:
        guest.ready()
        check_platform(guest, kind, vcpus)
        guest.shell("dmesg -n 4")
        fetch(guest, server, "first", digest)
        if kind == "xen-hvm":
            plug_and_unplug_hvm(guest, vcpus)
            sleep_and_wake(guest)
        elif vcpus > 1:
            unplug_and_plug_pvh(guest, vcpus)
        check_alive(guest, vcpus)
        complaints(guest)
        guest.type("sync; mount -o remount,ro /; reboot -f")
        guest.ready()
        check_platform(guest, kind, vcpus)
        fetch(guest, server, "second", digest)
        check_alive(guest, vcpus)
        complaints(guest)
        guest.type("sync; mount -o remount,ro /; poweroff -f")
        check("reason", guest.wait_event("SHUTDOWN", "STOP").get("reason"),
              "guest-shutdown")
    for name in ("first", "second"):
        check(f"/{name} from the host",
              hashlib.sha256(read_image(image, f"/{name}")).hexdigest(), digest)
    check_image(image)


def complaints(guest):
    text = guest.shell("dmesg | grep -E 'BUG|WARNING|rcu:.*stall|Oops' || :")
    if text:
        raise Failure(f"the kernel complains: {text!r}")


@test_each(*[(f"{kind[4:]}-{version}-{vcpus}", kind, version, vcpus)
             for kind in KINDS for version in VERSIONS for vcpus in VCPUS],
           by_hand=True)
def long_life(directory, _name, kind, version, vcpus):
    lives(directory, kind, version, vcpus)


@test_each(("hvm-6.12-2", "xen-hvm", "6.12", 2))
def life(directory, _name, kind, version, vcpus):
    lives(directory, kind, version, vcpus)


if __name__ == "__main__":
    main()
