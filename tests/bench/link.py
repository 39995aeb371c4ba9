# SPDX-License-Identifier: Apache-2.0
"""The way from a client to its kernel and back, and a gateway with many nodes.

All of it is native, by `hostd --plain`, but for the ratio in a booted guest: an emulated CPU would
say more about itself. Nothing here waits for a quiet machine: what counts are the ratios. Where a
change is looked at, BENCH_PARTS names some of the parts, BENCH_TURNS makes the round trips fewer, and
BENCH_FLEET ("1000 5000 10000") names the numbers of nodes.
"""

import contextlib
import json
import pathlib
import re
import tempfile

from bench import fleet, roundtrip, throughput
from bench.figures import Steps, chosen, progress, promised, show
from bench.usage import Usage, pss_mib
from lib.client import start_kernel, stop_kernel
from lib.cluster import Cluster
from lib.gateway import Gateway
from lib.node import TEST_IMAGE
from lib.plain import Plain, add_tree
from lib.projects import set_project, start_in

MIB = 1 << 20
RELAYS, GUEST_RELAYS = 100, 30
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
        add_tree(conf, throughput.REPLAYER, TEST_IMAGE)
        plain.start(plain.missing())
        gateway.wait_node("native")
        # Of the way is asked what it carries, not what a project may print.
        set_project(gateway, "bench", output_kibps=16 * MIB, output_messages=10000000)
        yield gateway, plain, roots
    finally:
        plain.stop()
        gateway.stop()


def stalled(gateway, plain):
    progress(f"{STALLED} outputs to a reader that stalls {STALL_S} s")
    kernel = start_in(gateway, "bench", "lua")
    throughput.flood(gateway, kernel, throughput.printing(10, 1000))
    usages = {"gateway": Usage(gateway.process.pid), "link": Usage(plain.link()),
              "relay": Usage(plain.members("relay", kernel)[0])}
    before = {name: usage.rss_mib() for name, usage in usages.items()}
    found = throughput.flood(gateway, kernel, throughput.printing(STALLED, 1000), STALL_S)
    show("link.stalled.delivered", found["flood.delivered"], f"of {STALLED}", least=STALLED)
    for name, usage in usages.items():
        # What the marks, the credit and the log's ceiling allow, and a little of the allocator's.
        show(f"link.stalled.{name}.grown", usage.rss_mib() - before[name], "MiB RSS", most=64)
    stop_kernel(gateway, kernel)


def relays(gateway, plain):
    progress(f"memory at {RELAYS} relays")
    kernels = [start_in(gateway, "bench", "lua", memory_mib=64) for _ in range(RELAYS)]
    found = [pss_mib(plain.members("relay", kernel)[0]) for kernel in kernels]
    show(f"link.memory.relay.{RELAYS}", sum(found) / len(found), "MiB PSS each", most=0.5)
    show(f"link.memory.link.{RELAYS}", pss_mib(plain.link()), "MiB PSS")
    for kernel in kernels:
        stop_kernel(gateway, kernel)


def guest_turns(cluster, inside):
    for name, number in (("lua", 300), ("python", 100)):
        progress(f"round trip of {name} in a guest")
        alone = json.loads(inside.run(f"/test/bin/bare {name} {number}", timeout=300))
        kernel = start_kernel(cluster.gateway, name)
        found = roundtrip.turns(cluster.gateway, kernel, number=number)
        stop_kernel(cluster.gateway, kernel)
        show(f"link.guest.{name}.alone.p50", alone["turn_ms"], "ms")
        show(f"link.guest.{name}.through.p50", found["through.p50"][0], "ms")
        show(f"link.guest.{name}.ratio", found["through.p50"][0] / alone["turn_ms"], "x")


def kib_of(text, name):
    """Of all lines of that name, as in files of /proc."""
    return [int(kib) for kib in re.findall(rf"^{name}:\s+(\d+) kB$", text, re.M)]


def guest_memory(cluster, inside):
    """The image's kernel tells no PSS. RssAnon is what a process has for itself alone; programs and
    libraries are one file, mapped by all."""
    progress(f"memory at {GUEST_RELAYS} relays in a guest")
    (before,) = kib_of(inside.run("cat /proc/meminfo"), "MemAvailable")
    kernels = [start_in(cluster.gateway, "bench", "lua", memory_mib=64)
               for _ in range(GUEST_RELAYS)]
    (after,) = kib_of(inside.run("cat /proc/meminfo"), "MemAvailable")
    pids = inside.run("cat /sys/fs/cgroup/cells/*/relay/cgroup.procs").split()
    own = [kib_of(inside.run(f"cat /proc/{pid}/status"), "RssAnon")[0] for pid in pids]
    show(f"link.guest.memory.relay.{GUEST_RELAYS}", sum(own) / len(own) / 1024,
         "MiB RssAnon each", most=0.5)
    show(f"link.guest.memory.cell.{GUEST_RELAYS}", (before - after) / GUEST_RELAYS / 1024,
         "MiB MemAvailable each")
    for kernel in kernels:
        stop_kernel(cluster.gateway, kernel)


def guest(folder):
    """The same in the booted image. Its kernel is alone asked by the relay's own code: a guest has
    no other way in."""
    cluster = Cluster(pathlib.Path(folder) / "guest")
    try:
        inside = cluster.boot("node", options=("--memory", "2048", "--cpus", "2")).inside
        set_project(cluster.gateway, "bench")
        with promised("link.guest.lua.ratio", "link.guest.python.ratio"):
            guest_turns(cluster, inside)
        with promised(f"link.guest.memory.relay.{GUEST_RELAYS}"):
            guest_memory(cluster, inside)
    finally:
        cluster.close()


# Name; what measures it on a node of this machine; the figures that it owes.
NATIVE = [
    *((f"roundtrip-{name}",
       lambda gateway, plain, roots, name=name, most=most:
       roundtrip.compare(gateway, name, roots[name], most), [f"link.roundtrip.{name}.added.p50"])
      for name, most in (("lua", 0.25), ("python", None))),
    # Before the floods, which leave what they have grown.
    ("stalled", lambda gateway, plain, roots: stalled(gateway, plain), ["link.stalled.delivered"]),
    ("throughput", lambda gateway, plain, roots: throughput.main(gateway, plain),
     throughput.names()),
    ("relays", lambda gateway, plain, roots: relays(gateway, plain),
     [f"link.memory.relay.{RELAYS}"]),
]
# The same, each with machinery of its own in a folder.
OTHERS = [
    ("guest", guest, ["link.guest.lua.ratio", "link.guest.python.ratio",
                      f"link.guest.memory.relay.{GUEST_RELAYS}"]),
    *((f"fleet-{count}", lambda folder, count=count: fleet.measure(pathlib.Path(folder), count),
       [f"link.fleet.{count}.joined", f"link.fleet.{count}.restart.joined"])
      for count in fleet.SIZES),
]


def main():
    wanted = chosen([name for name, _, _ in NATIVE + OTHERS])
    steps = Steps(wanted)
    rows = [row for row in NATIVE if row[0] in wanted]
    with tempfile.TemporaryDirectory() as folder:
        # Where there is no such node, all that it was to show is missing.
        with promised(*(name for _, _, owed in rows for name in owed)):
            if rows:
                with native(folder) as world:
                    for name, part, owed in rows:
                        with steps.step(name), promised(*owed):
                            part(*world)
        for name, part, owed in OTHERS:
            if name in wanted:
                with steps.step(name), promised(*owed):
                    part(folder)
