# SPDX-License-Identifier: GPL-2.0-or-later
"""Root file systems and hosts to talk to, for guests with disks and networks."""
import contextlib
import hashlib
import http.server
import pathlib
import shutil
import socketserver
import subprocess
import threading

from harness import INITRD, KERNELS, ROOT, Failure, Skip

BUSYBOX = pathlib.Path("/bin/busybox")
APPLETS = ("cat", "cut", "grep", "head", "ip", "ln", "mount", "nc", "poweroff",
           "reboot", "sh", "sha256sum", "sync", "udhcpc", "usleep", "wget")
PROLOGUE = """#!/bin/busybox sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
"""
# What udhcpc calls.
DHCP = """#!/bin/busybox sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev eth0
ip route add default via $router
"""


def program(name):
    """A program of e2fsprogs, which may not be in an ordinary user's path."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not path:
        raise Skip(f"{name} is missing (Debian: e2fsprogs)")
    return path


def root_image(directory, init):
    """An ext4 image with busybox; init: shell commands, the first program."""
    tree = directory / "root"
    for name in ("bin", "dev", "proc", "sbin", "sys"):
        (tree / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, tree / "bin/busybox")
    for applet in APPLETS:
        (tree / "bin" / applet).symlink_to("busybox")
    for path, text in (("sbin/init", PROLOGUE + init), ("bin/dhcp", DHCP)):
        (tree / path).write_text(text)
        (tree / path).chmod(0o755)
    image = directory / "root.img"
    subprocess.run([program("mke2fs"), "-q", "-t", "ext4", "-d", tree, image,
                    "16M"], check=True, stdout=subprocess.DEVNULL)
    return image


def read_image(image, path):
    """Content of a file in an image; b"" if there is none."""
    return subprocess.run([program("debugfs"), "-R", f"cat {path}", image],
                          check=True, capture_output=True).stdout


def check_image(image):
    """The file system is whole."""
    done = subprocess.run([program("e2fsck"), "-f", "-n", image], check=False,
                          capture_output=True)
    if done.returncode:
        raise Failure(f"e2fsck: {done.stdout.decode()}")


def initrd(directory, version):
    """The initramfs with the modules of a kernel."""
    modules = KERNELS / f"modules-{version}"
    if not modules.is_dir():
        raise Skip(f"{modules} is missing (scripts/fetch-kernels fetches it)")
    path = directory / f"initrd-{version}"
    subprocess.run([ROOT / "scripts/mk-initramfs", path, "--onto", INITRD,
                    "--modules", modules], check=True)
    return path


class _Get(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class _Sink(socketserver.BaseRequestHandler):
    def handle(self):
        digest = hashlib.sha256()
        while data := self.request.recv(65536):
            digest.update(data)
        self.server.digests.append(digest.hexdigest())


@contextlib.contextmanager
def serving(server):
    """Run a server in a thread of its own while in the context."""
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def web_server(content):
    """Serves content, whatever it is asked for."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Get)
    server.content = content
    return serving(server)


def sink():
    """Takes connections; their SHA-256 are in its digests."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Sink)
    server.digests = []
    return serving(server)
