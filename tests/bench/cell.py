# SPDX-License-Identifier: Apache-2.0
"""What an empty cell costs, against a bare clone3, bubblewrap, crun and runc in the same guest.

hostd/bench measures, in C and in the guest, of the monitor's own code; here its figures only get
their targets. An emulated CPU inflates every absolute figure: the ratios count. Where a change is
looked at, BENCH_PARTS names some of the parts; BENCH_TURNS, BENCH_RATE and BENCH_IDLE ("1 100 500")
make them shorter.
"""

import base64
import os
import pathlib
import tempfile
import time

from bench.figures import chosen, progress, promised, show
from conftest import Cluster
from lib import exhaustion, rivals
from lib.cells import Cell, Neighbour, monitor_pid
from lib.client import start_kernel, stop_kernel

TURNS = int(os.environ.get("BENCH_TURNS", "100"))
RATE_SECONDS = int(os.environ.get("BENCH_RATE", "30"))
IDLE_COUNTS = tuple(map(int, os.environ.get("BENCH_IDLE", "1 100 500").split()))
IDLE_SECONDS, IDLE_SETTLE = 20, 10
OTHERS = ("bare", "bubblewrap", "crun", "runc")
CPU_PYTHON = """
import time
def work():
    x = 1
    for i in range(60000):
        x = (x * 1103515245 + 12345) % 2147483648
    return x
def files():
    for i in range(40):
        with open('/tmp/f%d' % i, 'w') as f:
            f.write('x' * 2000)
        with open('/tmp/f%d' % i) as f:
            f.read()
    import os
    for i in range(40):
        os.remove('/tmp/f%d' % i)
work(); files()
for i in range(13):
    for name, what in (('python.cpu', work), ('python.file', files)):
        began = time.perf_counter_ns(); what(); print(name, time.perf_counter_ns() - began)
"""


def run(inside, what, timeout=1800):
    progress(f"{time.strftime('%H:%M:%S')} bench-cell {what.split(' -c ')[0]}")
    return rivals.figures(inside.run(f"/test/bin/bench-cell -d /dev/vdb {what}", timeout=timeout))


def turns(inside):
    found = run(inside, f"turns {TURNS}")
    for name, (value, unit) in found.items():
        show(name, value, unit)
    reported = found["cell.reported.p50"][0]
    for other in OTHERS:
        ratio = reported / found[f"cell.{other}.p50"][0]
        show(f"cell.reported.to_{other}", ratio, "x", most=1.2 if other == "bare" else 1)
    for which in ("removed", "unprepared.removed"):
        for other in OTHERS:
            ratio = found[f"cell.{which}.p50"][0] / found[f"cell.{other}.p50"][0]
            show(f"cell.{which}.to_{other}", ratio, "x")


def plain(inside, what, prefix="", targets=None):
    for name, (value, unit) in run(inside, what).items():
        show(prefix + name, value, unit, most=(targets or {}).get(name))


def python(inside):
    script = base64.b64encode(CPU_PYTHON.encode()).decode()
    plain(inside, "-e /run/environments/python compare 8 /usr/bin/python3 -I -c "
          f"\"import base64; exec(base64.b64decode('{script}'))\"",
          targets={"python.cpu.ratio": 1.02})


def put_waits(name, waits):
    p50, p99 = exhaustion.percentiles(waits)
    show(f"{name}.p50", p50 * 1e3, "ms")
    show(f"{name}.p99", p99 * 1e3, "ms")
    return p50, p99


def beside(neighbour, attack, gateway, inside, alone):
    name = "neighbour." + attack.name.replace(", ", ".").replace(" ", "_")
    ratios = (f"{name}.p50.to_alone", f"{name}.p99.to_alone")
    progress(f"{time.strftime('%H:%M:%S')} the neighbour beside: {attack.name}")
    with promised(*ratios):
        waits = exhaustion.measure_beside(neighbour, attack, gateway, inside)
        for ratio, wait, was in zip(ratios, put_waits(name, waits), alone):
            show(ratio, wait / was, "x", most=2)


def neighbours(gateway, inside):
    """A quiet kernel alone, and beside each attack that is more than a refused call."""
    with promised("neighbour.alone.p50", "neighbour.alone.p99"), Cell(gateway, inside) as quiet:
        neighbour = Neighbour(quiet, pause=0.02)
        neighbour.once()
        progress(f"{time.strftime('%H:%M:%S')} the neighbour alone")
        alone = put_waits("neighbour.alone", exhaustion.measure_alone(neighbour))
        for attack in exhaustion.ATTACKS:
            if attack.limit is not exhaustion.refused_by_filter:
                neighbour.faults.clear()
                beside(neighbour, attack, gateway, inside, alone)
        put_waits("neighbour.alone.again", exhaustion.measure_alone(neighbour))


def memory(inside):
    plain(inside, "memory 500", targets={"memory.pss.100": 0.5})


def busy(inside, monitor):
    """CPU seconds of the whole node, and of its monitor."""
    text = inside.run(f"head -n 1 /proc/stat; cat /proc/{monitor}/stat")
    node, own = text.splitlines()[:2]
    user, nice, system, _, _, irq, softirq = map(int, node.split()[1:8])
    fields = own.rsplit(")", 1)[1].split()
    return ((user + nice + system + irq + softirq) / 100,
            (int(fields[11]) + int(fields[12])) / 100)


def idle_cpu(inside, count):
    """Of kernels that nobody uses: the monitor's looks, the relays' heartbeats, the answers."""
    monitor = monitor_pid(inside)
    began, before = time.monotonic(), busy(inside, monitor)
    time.sleep(IDLE_SECONDS)
    after, passed = busy(inside, monitor), time.monotonic() - began
    for name, a, b in zip(("node", "monitor"), before, after):
        show(f"idle.{name}.{count}", 100 * (b - a) / passed, "% of a CPU")


def idle(gateway, inside):
    kernels = []
    try:
        for count in IDLE_COUNTS:
            progress(f"{time.strftime('%H:%M:%S')} {count} idle kernels")
            with promised(f"idle.node.{count}", f"idle.monitor.{count}"):
                while len(kernels) < count:
                    kernels.append(start_kernel(gateway, "lua"))
                deadline = time.monotonic() + 600
                while not all(gateway.call("GET", f"/api/kernels/{kernel}").json()
                              ["execution_state"] == "idle" for kernel in kernels):
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"not all of {count} kernels are ready")
                    time.sleep(1)
                time.sleep(IDLE_SETTLE)
                idle_cpu(inside, count)
    finally:
        for kernel in kernels:
            stop_kernel(gateway, kernel)


# Name; what measures it; the figures that it owes.
PARTS = [
    ("turns", turns, ["cell.prepare.p50", *(f"cell.reported.to_{other}" for other in OTHERS)]),
    ("steps", lambda inside: plain(inside, f"steps {TURNS}"),
     ["step.prepared.02 exit reported", "step.unprepared.11 root: assemble"]),
    ("cpu", lambda inside: plain(inside, f"cpu {max(5, TURNS // 10)}"),
     ["cpu.cell", *(f"cpu.{other}" for other in OTHERS)]),
    ("rate", lambda inside: plain(inside, f"rate {RATE_SECONDS}"), ["rate.cells"]),
    ("ahead", lambda inside: plain(inside, "ahead 100"),
     ["ahead.refill", "ahead.pss.100", "ahead.available.100"]),
    ("calls", lambda inside: plain(inside, "compare 5", prefix="call."),
     ["call.getpid.ratio", "call.read_zero.ratio", "call.open_close.ratio"]),
    ("python", python, ["python.cpu.ratio", "python.file.ratio"]),
    ("memory", memory, [f"memory.{which}.{number}" for which in ("pss", "available")
                        for number in (1, 100, 500)]),
]


def measure(gateway, inside, wanted):
    for name, part, owed in PARTS:
        if name in wanted:
            with promised(*owed):
                part(inside)
    if "idle" in wanted:
        idle(gateway, inside)
    if "neighbour" in wanted:
        neighbours(gateway, inside)


def main():
    wanted = chosen([name for name, _, _ in PARTS] + ["idle", "neighbour"])
    with tempfile.TemporaryDirectory() as folder:
        disk = rivals.make_disk(pathlib.Path(folder) / "rivals.img")
        cluster = Cluster(pathlib.Path(folder))
        try:
            # Each attack on a workspace is a project of its own, and leaves what it wrote.
            conf = cluster.provision("node")
            with open(conf / "node.conf", "a", encoding="utf-8") as file:
                file.write(f"kernels_max = {max(IDLE_COUNTS)}\n")
            node = cluster.boot("node", conf=conf, options=("--memory", "3072", "--cpus", "2",
                                                 "--extra-disk", str(disk)), size=8192)
            time.sleep(5)
            measure(cluster.gateway, node.inside, wanted)
        finally:
            cluster.close()
