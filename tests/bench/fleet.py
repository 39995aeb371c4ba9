# SPDX-License-Identifier: Apache-2.0
"""A gateway and so many nodes that only keep their link: bench-link's, each under its own key."""

import http.client
import json
import os
import select
import subprocess
import time

from bench.figures import progress, show
from bench.usage import Usage
from lib.gateway import Gateway
from lib.native import native

SIZES = tuple(map(int, os.environ.get("BENCH_FLEET", "1000 5000 10000").split()))
JOIN_S = 600  # on a busy machine handshakes run out of time and are done again
REST_S = 10


def register(gateway, count, path):
    """Through the gateway's own interface, over one connection. The gateway's key."""
    http_ = http.client.HTTPConnection("127.0.0.1", gateway.http_port)
    with open(path, "w", encoding="ascii") as keys:
        for number in range(count):
            http_.request("POST", "/api/anchorhold/nodes", json.dumps({"name": f"sim-{number}"}),
                          {"Authorization": f"token {gateway.token}",
                           "Content-Type": "application/json"})
            reply = http_.getresponse()
            node = json.loads(reply.read())
            if reply.status != 201:
                raise RuntimeError(f"node sim-{number}: {node}")
            keys.write(f"sim-{number} {node['node_key']}\n")
    return node["gateway_key"]


def wait_joined(simulator, began):
    """Seconds since began until the simulator says that all have joined."""
    deadline = began + JOIN_S
    while select.select([simulator.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
        line = simulator.stdout.readline()
        if line.startswith("fleet.joined\t"):
            return time.monotonic() - began
        if not line:
            raise RuntimeError("the simulator ended")
    raise TimeoutError(f"not all nodes have joined after {JOIN_S} s")


def phase(gateway, simulator, name, count, begin):
    began = time.monotonic()
    begin()
    usage = Usage(gateway.process.pid)
    show(f"{name}.joined", wait_joined(simulator, began), "s")
    cpu, _ = usage.ask()
    show(f"{name}.cpu_a_join", 1000 * cpu / count, "CPU-ms")
    return usage


def measure(folder, count):
    name = f"link.fleet.{count}"
    gateway = Gateway(folder / str(count)).start()
    progress(f"{count} nodes: registered, joined, at rest, after the gateway's restart")
    keys = folder / f"keys-{count}"
    key = register(gateway, count, keys)
    simulator = None
    try:
        before = Usage(gateway.process.pid).rss_mib()
        simulator = subprocess.Popen(
            [native("hostd/bench-link"), "fleet", f"127.0.0.1:{gateway.link_port}", key, str(keys)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        usage = phase(gateway, simulator, name, count, lambda: None)
        time.sleep(REST_S)
        cpu, seconds = usage.ask()
        show(f"{name}.rest_cpu", 100 * cpu / seconds, "% of a CPU")
        show(f"{name}.memory", usage.rss_mib() - before, "MiB RSS")
        gateway.stop()
        phase(gateway, simulator, f"{name}.restart", count, gateway.start)
    finally:
        if simulator is not None:
            rest, _ = simulator.communicate(timeout=30)
            progress(rest.rstrip())
        gateway.stop()
