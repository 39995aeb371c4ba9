# SPDX-License-Identifier: Apache-2.0
"""One execute request and its reply: over direct TCP, and through gateway, link and relay, in turns.

Both clients are bench-link's (hostd/bench/link), in C and as lean as they can be. The kernel is the
same program in both: a plain child on loopback TCP, and one in a cell of `hostd --plain`.

What a machine does besides moves a figure of a tenth of a millisecond by half of it. So each is the
median of some rounds, with a client of its own each, and all of them are told, in their order.
"""

import json
import os
import pathlib
import signal
import subprocess
import time

from bench.figures import median, progress, show
from lib.client import start_kernel, stop_kernel
from lib.gateway import free_port
from lib.native import native
from lib.rivals import figures

ROUNDS = 5
TURNS = int(os.environ.get("BENCH_TURNS", "400"))  # of a round
COMMAND = {
    "lua": ["usr/lib/anchorhold/lua-kernel"],
    "python": ["/usr/bin/python3", "-P", "-m", "ipykernel_launcher", "-f"],
}
# A root of its own, as the cell has, and of this machine what a plain child would see, too.
IN_ROOT = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
ENVIRONMENT = {"HOME": "/tmp", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class Direct:
    """The kernel of an environment's root as a plain child, on loopback TCP."""

    def __init__(self, name, root):
        info = {f"{port}_port": free_port()
                for port in ("shell", "iopub", "stdin", "control", "hb")}
        info.update(ip="127.0.0.1", transport="tcp", key="5a" * 32, kernel_name=name,
                    signature_scheme="hmac-sha256")
        self.connection = pathlib.Path(root) / "tmp/direct.json"
        self.connection.write_text(json.dumps(info))
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_ROOT, str(root),
             *COMMAND[name], "/tmp/direct.json"], env=ENVIRONMENT,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.connection.unlink()


def bench_link(gateway, *words, timeout=600):
    """bench-link's figures."""
    done = subprocess.run([native("hostd/bench-link"), *map(str, words)], text=True,
                          stdout=subprocess.PIPE, timeout=timeout,
                          env=dict(os.environ, BENCH_TOKEN=gateway.token if gateway else ""))
    if done.returncode != 0:
        raise RuntimeError(f"bench-link {words[0]} ended with {done.returncode}: {done.stdout}")
    return figures(done.stdout)


def turns(gateway, kernel, connection="-", number=TURNS):
    return bench_link(gateway, "turns", f"127.0.0.1:{gateway.http_port}", kernel, connection,
                      "1+1", number)


def show_rounds(name, found, most=None):
    show(name, median(found), "ms (" + ", ".join(f"{one:.3g}" for one in found) + ")", most=most)


def compare(gateway, name, root, most=None):
    progress(f"round trip of {name}: {ROUNDS} rounds of {TURNS} through all and direct, in turns")
    direct = Direct(name, root)
    kernel = start_kernel(gateway, name)
    time.sleep(1)
    try:
        rounds = [turns(gateway, kernel, direct.connection) for _ in range(ROUNDS)]
    finally:
        direct.close()
        stop_kernel(gateway, kernel)
    for figure in ("direct.p50", "direct.p99", "through.p50", "through.p99"):
        show_rounds(f"link.roundtrip.{name}.{figure}", [found[figure][0] for found in rounds])
    show_rounds(f"link.roundtrip.{name}.added.p50", [found["added.p50"][0] for found in rounds],
                most)
