#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A vCPU is plugged into a running guest, and put offline and online.

Subject: the shim takes a vCPU that did not exist when it was installed, and an
upcall that waits for a vCPU survives its INIT.  The guest sets the vCPU's Xen
timer and takes its interrupts.  Unplugging again and again is test-matrix's;
here, that QEMU refuses what its multi-threaded TCG has no room for.
"""
from guest import Guest
from harness import (INITRD, Failure, check, check_in, kernel, main, test,
                     test_each)
from qmp import Qemu, command_of

# The guest is in user space then, and waits for the vCPU.
PLUG_NS = {"6.12": 13_500_000_000, "6.1": 5_500_000_000}


@test_each(("6.12", "6.12"))
@test_each(("6.1", "6.1"), by_hand=True)
def plugged_vcpu_runs_and_comes_back(directory, _name, version):
    log = directory / "console.log"
    command = command_of(
        log, "--initrd", INITRD, "--append",
        "cryptomgr.notests lpj=4000000 jumpcut.run=hotplug",
        "--cut", f"{PLUG_NS[version]}ns:downtime=1s", kernel(version),
        "--", "-smp", "1,maxcpus=2")
    with Qemu(command, ("-S", "-action", "shutdown=pause")) as qemu:
        qemu.do("cont")
        qemu.wait_event("JUMPCUT_CUT")
        check_in("console", b"JUMPCUT ready", log.read_bytes())
        slot = next(slot for slot in qemu.do("query-hotpluggable-cpus")
                    if "qom-path" not in slot)
        qemu.do("device_add", driver=slot["type"], id="vcpu1", **slot["props"])
        check("reason", qemu.wait_event("SHUTDOWN")["reason"],
              "guest-shutdown")
        clocks = qemu.do("query-jumpcut-clock")["vcpus"]
    text = log.read_bytes().decode(errors="replace")
    for online, vcpus in ((1, 2), (0, 1), (1, 2)):
        line = f"JUMPCUT online={online} vcpus={vcpus}\r\n"
        check_in("console", line, text)
        text = text[text.index(line) + len(line):]
    check_in("console", "timer1", text)
    check("the vCPU has run", clocks[1]["runstate-time-ns"][0] > 0, True)


def plug(qemu):
    slot = next(slot for slot in qemu.do("query-hotpluggable-cpus")
                if "qom-path" not in slot)
    qemu.do("device_add", driver=slot["type"], id="vcpu1", **slot["props"])


@test
def multi_threaded_tcg_refuses_one_too_many(directory):
    """QEMU would end with tcg_register_thread's assertion."""
    cpu1 = "/sys/devices/system/cpu/cpu1"
    with Guest(directory, "6.1", "--no-icount",
               qemu_args=("-smp", "1,maxcpus=2")) as guest:
        guest.ready()
        plug(guest)
        guest.shell(f"until echo 1 >{cpu1}/online; do usleep 10000; done "
                    "2>/dev/null")
        guest.do("device_del", id="vcpu1")
        guest.shell(f"while [ -e {cpu1}/online ]; do usleep 10000; done")
        # QEMU says so of the vCPU's local APIC only.
        guest.wait_event("DEVICE_DELETED")
        try:
            plug(guest)
        except Failure as refused:
            check_in("reason", "multi-threaded TCG runs 2 vCPUs", str(refused))
        else:
            raise Failure("a third vCPU was plugged in")
        check("vCPUs", guest.shell("nproc"), "1\n")


if __name__ == "__main__":
    main()
