#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each kind of provocation against Linux's virtio_console driver.

Subject: all kinds, with those that no driver has to survive, in each mode of
the judge.  QEMU lives and the guest's shell answers; how far the driver gets is
told by the stages it reaches, and is written down here.
Cannot tell apart: a driver that waits for ever from one that waits longer than
the test does.
"""
import selectors
import threading

from harness import check, main, test_each
from serialports import DRIVER, OURS, Line, PortsGuest, qemu_args

MODES = ("observe", "enforce", "stock")
STAGES = "unbound bound named opened wrote read"
# What is done to the device while its driver is bound anew, and the stages
# that are not reached; queues 2 and 3 are control queues, 4 is port 1's input.
KINDS = {
    "control-send": ("control-rx=device-ready#1:control-send,port=2,"
                     "message=port-open", ""),
    "control-drop": ("control-tx=port-add#1:control-drop,message=port-add",
                     "named opened wrote read"),
    "control-delay": ("control-tx=port-add#1:control-delay,message=port-add,"
                      "delay=50ms", ""),
    "control-duplicate": ("control-tx=port-add#1:control-duplicate,"
                          "message=port-add", ""),
    "control-reorder": ("control-tx=port-name#1:control-reorder", ""),
    "control-starve": ("control-rx=device-ready#1:control-starve,delay=20ms",
                       ""),
    "port-order": ("status=0x0f#1:port-order,seed=3", ""),
    "port-flap": ("control-rx=port-ready/1#1:port-flap,port=1", ""),
    "port-unplug": ("control-rx=port-ready/1#1:port-unplug,port=1",
                    "named opened wrote read"),
    "port-throttle": ("control-rx=port-open/1#1:port-throttle,port=1,"
                      "delay=300ms", ""),
    "host-disconnect": ("control-rx=port-open/1#1:host-disconnect,port=1,"
                        "delay=300ms", ""),
    "completion-hold": ("control-rx=device-ready#1:completion-hold,queue=3,"
                        "delay=20ms", ""),
    "completion-reorder": ("control-rx=device-ready#1:completion-reorder,"
                           "queue=2,delay=20ms", ""),
    "interrupt-spurious": ("control-rx=port-open/1#1:interrupt-spurious,"
                           "queue=4,count=5", ""),
    "interrupt-lost": ("control-tx=port-add#1:interrupt-lost,queue=2",
                       "named opened wrote read"),
    "config-interrupt": ("status=0x0f#1:config-interrupt,count=3", ""),
    "needs-reset": ("control-rx=port-open/1#1:needs-reset",
                    "opened wrote read"),
    "kick-lost": ("status=0x0f#1:kick-lost,queue=3",
                  "bound named opened wrote read"),
}
# As virtio-serial-pci the device loses a message for which there is no buffer.
OF_MODE = {"stock": {"control-starve": "named opened wrote read"}}
# A shell function of the guest's: take the driver from $1 and give it back,
# and use the port called $2; $3 gets the stages.  When it writes the driver has
# heard what happened as the port was opened.
TRY = ("attempt() { echo $1 >" + DRIVER + "/unbind && echo unbound >>$3; "
       "echo $1 >" + DRIVER + "/bind && echo bound >>$3; "
       "until p=$(grep -lx $2 /sys/class/virtio-ports/*/name); do "
       "sleep 0.01; done; p=${p%/name}; p=/dev/${p##*/}; echo named >>$3; "
       "until [ -c $p ]; do sleep 0.01; done; "
       "exec 3<>$p && echo opened >>$3; sleep 0.1; "
       "until echo ping >&3; do sleep 0.01; done; echo wrote >>$3; "
       "read got <&3; [ \"$got\" = ping ] && echo read >>$3; }")


class Answers(threading.Thread):
    """Sends back what comes out of ports."""

    def __init__(self, ends):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        for line in ends:
            self.selector.register(line.ours, selectors.EVENT_READ, line)
        self.start()

    def run(self):
        while self.selector.get_map():
            for key, _ in self.selector.select():
                try:
                    data = key.fileobj.recv(65536)
                except OSError:
                    data = b""
                if data:
                    key.fileobj.send(data)
                else:
                    self.selector.unregister(key.fileobj)


def devices(mode):
    """One for each kind, with a port of the kind's name."""
    ends = {kind: Line(kind, f"dev-{kind}") for kind in KINDS}
    words = ()
    for kind, line in ends.items():
        words += qemu_args(OURS, [line], "max_ports=3", "vectors=3",
                           f"ordering={mode}", device=f"dev-{kind}")
    return ends, words


def attempt(guest, index, kind):
    """@return: the stages that were not reached in a second"""
    guest.do("virtio-serial-mq-provoke", device=f"dev-{kind}",
             spec=KINDS[kind][0])
    guest.shell(f"attempt virtio{index} {kind} /tmp/{kind} "
                f">/tmp/{kind}.err 2>&1 & "
                "i=0; until grep -qs read /tmp/" + kind + " || "
                "[ $i -ge 20 ]; do sleep 0.05; i=$((i+1)); done")
    reached = guest.shell(f"cat /tmp/{kind}")
    return " ".join(s for s in STAGES.split() if s not in reached.split())


@test_each(*[(f"{version}-{mode}", version, mode)
             for version in ("6.12", "6.1") for mode in MODES], by_hand=True)
def guest_outlives_each_kind(directory, _name, version, mode):
    ends, words = devices(mode)
    with PortsGuest(directory, version, None, ends.values(), "--guest", "kvm",
                    "--smp", "4", qemu_args=words) as guest:
        guest.ready()
        guest.load()
        Answers(ends.values())
        guest.shell(TRY)
        missed = {kind: attempt(guest, index, kind)
                  for index, kind in enumerate(KINDS)}
        done = {info["device"]: [one["count"] for one in info["provocations"]]
                for info in guest.do("query-virtio-serial-mq")}
        check("provocations that did nothing", [
            kind for kind in KINDS if not any(done[f"dev-{kind}"])], [])
        check("stages not reached", missed,
              {kind: stages for kind, (_, stages) in KINDS.items()} |
              OF_MODE.get(mode, {}))


if __name__ == "__main__":
    main()
