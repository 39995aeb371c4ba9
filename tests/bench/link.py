# SPDX-License-Identifier: Apache-2.0
"""The way from a client to its kernel and back, and a gateway with many nodes.

All of it is native, by `hostd --plain`, but for the ratio in a booted guest: an emulated CPU would
say more about itself. Nothing here waits for a quiet machine: what counts are the ratios.
"""

import contextlib
import json
import pathlib
import tempfile
import time

from bench import fleet, roundtrip
from bench.figures import progress, promised, show
from lib.client import start_kernel, stop_kernel
from lib.cluster import Cluster
from lib.gateway import Gateway
from lib.plain import Plain, add_tree
from lib.projects import set_project, start_in

MIB = 1 << 20
LARGE, SMALL = 60000, 100  # bytes of text in one output
RELAYS = 100
STALL_S, STALLED = 3, 20000


@contextlib.contextmanager
def native(folder):
    """A gateway, a node of it on this machine, and the roots of its environments."""
    gateway = Gateway(pathlib.Path(folder) / "gateway").start()
    conf = gateway.add_node("native", pathlib.Path(folder) / "plain" / "node",
                            f"127.0.0.1:{gateway.link_port}")
    plain = Plain(conf)
    try:
        roots = {name: add_tree(conf, name) for name in ("lua", "python")}
        plain.start(plain.missing())
        gateway.wait_node("native")
        # Of the way is asked what it carries, not what a project may print.
        set_project(gateway, "bench", output_kibps=16 * MIB, output_messages=10000000)
        yield gateway, plain, roots
    finally:
        plain.stop()
        gateway.stop()


def rss_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def pss_kib(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])


def printing(number, size):
    """The kernel joins what is printed to one stream with its neighbours: the streams take turns."""
    return (f"local s=string.rep('x',{size}) "
            f"for i=1,{number // 2} do io.write(s) io.stderr:write(s) end")


def flood(gateway, kernel, number, size, stall=0):
    found = roundtrip.bench_link(gateway, "flood", f"127.0.0.1:{gateway.http_port}", kernel,
                                 printing(number, size), stall)
    return {name: value for name, (value, _) in found.items()}


def throughput(gateway):
    """The same message sizes over the whole path and over one raw CURVE pair, in turns."""
    kernel = start_in(gateway, "bench", "lua")
    for name, size, number in (("large", LARGE, 4000), ("small", SMALL, 40000)):
        progress(f"throughput of {name} outputs")
        ours, raw = [], []
        for _ in range(3):
            ours.append(flood(gateway, kernel, number, size))
            bytes_each = round(ours[-1]["flood.size"])
            raw.append(roundtrip.bench_link(None, "pair", bytes_each, number))
        rate = max(one["flood.bytes"] for one in ours)
        pair = max(one["pair.bytes"][0] for one in raw)
        show(f"link.throughput.{name}", rate, "MiB/s")
        show(f"link.throughput.{name}.messages", max(one["flood.messages"] for one in ours), "1/s")
        show(f"link.throughput.{name}.raw_pair", pair, "MiB/s")
        show(f"link.throughput.{name}.of_raw_pair", 100 * rate / pair, "%",
             least=80 if name == "large" else None)
    stop_kernel(gateway, kernel)


def stalled(gateway, plain):
    progress(f"{STALLED} outputs to a reader that stalls {STALL_S} s")
    kernel = start_in(gateway, "bench", "lua")
    flood(gateway, kernel, 10, 1000)
    pids = {"gateway": gateway.process.pid, "link": plain.children("link")[0],
            "relay": plain.children("relay")[-1]}
    before = {name: rss_kib(pid) for name, pid in pids.items()}
    found = flood(gateway, kernel, STALLED, 1000, STALL_S)
    show("link.stalled.delivered", found["flood.delivered"], f"of {STALLED}", least=STALLED)
    for name, pid in pids.items():
        # What the marks, the credit and the log's ceiling allow, and a little of the allocator's.
        show(f"link.stalled.{name}.grown", (rss_kib(pid) - before[name]) / 1024, "MiB RSS",
             most=64)
    stop_kernel(gateway, kernel)


def relays(gateway, plain):
    progress(f"memory at {RELAYS} relays")
    kernels = [start_in(gateway, "bench", "lua", memory_mib=64) for _ in range(RELAYS)]
    deadline = time.monotonic() + 180
    while len(plain.children("relay")) < RELAYS and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(3)
    found = [pss_kib(pid) / 1024 for pid in plain.children("relay")]
    show(f"link.memory.relay.{RELAYS}", sum(found) / len(found), "MiB PSS each", most=0.5)
    show(f"link.memory.link.{RELAYS}", pss_kib(plain.children("link")[0]) / 1024, "MiB PSS")
    for kernel in kernels:
        stop_kernel(gateway, kernel)


def guest(folder):
    """The same in the booted image. Its kernel is alone asked by the relay's own code: a guest has
    no other way in."""
    cluster = Cluster(pathlib.Path(folder) / "guest")
    try:
        inside = cluster.boot("node", options=("--memory", "1024", "--cpus", "2")).inside
        for name, number in (("lua", 300), ("python", 100)):
            progress(f"round trip of {name} in a guest")
            alone = json.loads(inside.run(f"/test/bin/bare {name} {number}", timeout=300))
            kernel = start_kernel(cluster.gateway, name)
            found = roundtrip.turns(cluster.gateway, kernel, number=number)
            stop_kernel(cluster.gateway, kernel)
            show(f"link.guest.{name}.alone.p50", alone["turn_ms"], "ms")
            show(f"link.guest.{name}.through.p50", found["through.p50"][0], "ms")
            show(f"link.guest.{name}.ratio", found["through.p50"][0] / alone["turn_ms"], "x")
    finally:
        cluster.close()


def main():
    with tempfile.TemporaryDirectory() as folder:
        with native(folder) as (gateway, plain, roots):
            for name in ("lua", "python"):
                with promised(f"link.roundtrip.{name}.added.p50"):
                    roundtrip.compare(gateway, name, roots[name], 0.25 if name == "lua" else None)
            with promised("link.throughput.large.of_raw_pair", "link.throughput.small.of_raw_pair"):
                throughput(gateway)
            with promised("link.stalled.delivered"):
                stalled(gateway, plain)
            with promised(f"link.memory.relay.{RELAYS}"):
                relays(gateway, plain)
        with promised("link.guest.lua.ratio", "link.guest.python.ratio"):
            guest(folder)
        fleet.main(folder)
