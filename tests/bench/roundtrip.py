# SPDX-License-Identifier: Apache-2.0
"""One execute request and its reply: over direct TCP, and through gateway, link and relay, in turns.

Both clients are bench-link's (hostd/bench/link), in C and as lean as they can be. The kernel is the
same program in both: a plain child on loopback TCP, and one in a cell of `hostd --plain`.
"""

import json
import os
import pathlib
import signal
import subprocess

from bench.figures import progress, show
from lib.gateway import free_port
from lib.plain import native
from lib.rivals import figures

TURNS = int(os.environ.get("BENCH_TURNS", "1000"))


class Direct:
    """A kernel as a plain child, on loopback TCP."""

    def __init__(self, argv, folder, name):
        info = {f"{port}_port": free_port()
                for port in ("shell", "iopub", "stdin", "control", "hb")}
        info.update(ip="127.0.0.1", transport="tcp", key="5a" * 32, kernel_name=name,
                    signature_scheme="hmac-sha256")
        self.connection = pathlib.Path(folder) / f"direct-{name}.json"
        self.connection.write_text(json.dumps(info))
        self.process = subprocess.Popen(
            [word.replace("{connection_file}", str(self.connection)) for word in argv],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def bench_link(gateway, *words, timeout=600):
    """bench-link's figures; words of the gateway are its own."""
    done = subprocess.run([native("hostd/bench-link"), *map(str, words)], text=True,
                          stdout=subprocess.PIPE, timeout=timeout,
                          env=dict(os.environ, BENCH_TOKEN=gateway.token if gateway else ""))
    if done.returncode != 0:
        raise RuntimeError(f"bench-link {words[0]} ended with {done.returncode}")
    return figures(done.stdout)


def turns(gateway, kernel, connection, code, number=TURNS):
    return bench_link(gateway, "turns", f"127.0.0.1:{gateway.http_port}", kernel, connection, code,
                      number)


def compare(gateway, kernel, direct, name, most=None, number=TURNS):
    progress(f"round trip of {name}: {number} times through all and direct, in turns")
    found = turns(gateway, kernel, direct.connection, "1+1", number)
    for way in ("direct", "through"):
        for percent in ("p50", "p99"):
            show(f"link.roundtrip.{name}.{way}.{percent}", found[f"{way}.{percent}"][0], "ms")
    show(f"link.roundtrip.{name}.added.p50", found["added.p50"][0], "ms", most=most)
