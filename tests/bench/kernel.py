# SPDX-License-Identifier: Apache-2.0
"""What a kernel costs: its start in a cell against a bare one, memory at 1 and 100."""

import json
import pathlib
import tempfile
import time

from bench.boot import pss_kib
from bench.figures import median, progress, show
from conftest import Cluster
from lib.client import start_kernel, stop_kernel

STARTS = 5
MANY = 100


def wait_ready(gateway, kernel, timeout=180):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if gateway.call("GET", f"/api/kernels/{kernel}").json()["execution_state"] == "idle":
            return
        time.sleep(0.005)
    raise TimeoutError(f"kernel {kernel} is not idle")


def start_seconds(gateway, environment):
    began = time.perf_counter()
    kernel = start_kernel(gateway, environment)
    wait_ready(gateway, kernel)
    took = time.perf_counter() - began
    stop_kernel(gateway, kernel)
    return took


def bare_seconds(inside, environment):
    """The same program on the same root in the same guest, as a plain child (hostd/dev/bare.c)."""
    return json.loads(inside.run(f"/test/bin/bare {environment}", timeout=180))["s"]


def starts(cluster):
    gateway, inside = cluster.gateway, cluster.nodes["node"].inside
    for environment in ("lua", "python"):
        start_seconds(gateway, environment)
        cell, bare = [], []
        for number in range(STARTS):
            progress(f"start of {environment}: {number + 1} of {STARTS}")
            bare.append(bare_seconds(inside, environment))
            cell.append(start_seconds(gateway, environment))
        show(f"start.{environment}.bare", median(bare), "s")
        show(f"start.{environment}.cell", median(cell), "s")
        show(f"start.{environment}.ratio", median(cell) / median(bare), "x",
             most=1.05 if environment == "python" else None)


def memory(cluster):
    gateway, inside = cluster.gateway, cluster.nodes["node"].inside
    kernels = []
    for count in (1, MANY):
        progress(f"memory at {count} kernels")
        while len(kernels) < count:
            kernels.append(start_kernel(gateway, "lua"))
            wait_ready(gateway, kernels[-1])
        relays = inside.run("cat /sys/fs/cgroup/cells/*/relay/cgroup.procs").split()
        show(f"memory.relay.{count}", pss_kib(inside, relays) / 1024 / len(relays),
             "MiB PSS each", most=0.5 if count == MANY else None)
        hostd = inside.run("cat /sys/fs/cgroup/hostd/*/cgroup.procs").split()
        show(f"memory.hostd.{count}", pss_kib(inside, hostd) / 1024, "MiB PSS")
        show(f"memory.init.{count}", pss_kib(inside, ["1"]) / 1024, "MiB PSS")
    for kernel in kernels:
        stop_kernel(gateway, kernel)


def main():
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(pathlib.Path(folder))
        try:
            cluster.boot("node", options=("--memory", "3072", "--cpus", "2"))
            starts(cluster)
            memory(cluster)
        finally:
            cluster.close()
