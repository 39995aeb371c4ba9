# SPDX-License-Identifier: Apache-2.0
"""What an empty cell costs, against a bare clone3, bubblewrap, crun and runc in the same guest.

hostd/bench measures, in C and in the guest, of the monitor's own code; here its figures only get
their targets. An emulated CPU inflates every absolute figure: the ratios count.
"""

import base64
import os
import pathlib
import tempfile
import time

from bench.figures import progress, show
from conftest import Cluster
from lib import rivals

TURNS = int(os.environ.get("BENCH_TURNS", "100"))
RATE_SECONDS = int(os.environ.get("BENCH_RATE", "30"))
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
for i in range(25):
    for name, what in (('python.cpu', work), ('python.file', files)):
        began = time.perf_counter_ns(); what(); print(name, time.perf_counter_ns() - began)
"""


def run(inside, what, timeout=3600):
    progress(f"bench-cell {what}")
    return rivals.figures(inside.run(f"/test/bin/bench-cell -d /dev/vdb {what}", timeout=timeout))


def turns(inside):
    found = run(inside, f"turns {TURNS}")
    for name, (value, unit) in found.items():
        show(name, value, unit)
    reported = found["cell.reported.p50"][0]
    for other in OTHERS:
        ratio = reported / found[f"cell.{other}.p50"][0]
        show(f"cell.reported.to_{other}", ratio, "x", most=1.2 if other == "bare" else 1)
    unprepared = found["cell.unprepared.removed.p50"][0]
    for other in OTHERS:
        show(f"cell.unprepared.removed.to_{other}", unprepared / found[f"cell.{other}.p50"][0], "x")


def plain(inside, what):
    for name, (value, unit) in run(inside, what).items():
        show(name, value, unit)


def memory(inside):
    for name, (value, unit) in run(inside, "memory 500").items():
        show(name, value, unit, most=0.5 if name == "memory.pss.100" else None)


def calls(inside):
    for name, (value, unit) in run(inside, "compare 5").items():
        show(f"call.{name}", value, unit)


def python(inside):
    script = base64.b64encode(CPU_PYTHON.encode()).decode()
    command = ("-e /run/environments/python compare 4 /usr/bin/python3 -I -c "
               f"\"import base64; exec(base64.b64decode('{script}'))\"")
    for name, (value, unit) in run(inside, command).items():
        show(name, value, unit, most=1.02 if name == "python.cpu.ratio" else None)


def main():
    with tempfile.TemporaryDirectory() as folder:
        disk = rivals.make_disk(pathlib.Path(folder) / "rivals.img")
        cluster = Cluster(pathlib.Path(folder))
        try:
            node = cluster.boot("node", options=("--memory", "3072", "--cpus", "2",
                                                 "--extra-disk", str(disk)))
            time.sleep(5)
            turns(node.inside)
            plain(node.inside, f"steps {TURNS}")
            plain(node.inside, f"cpu {max(20, TURNS // 4)}")
            plain(node.inside, f"rate {RATE_SECONDS}")
            memory(node.inside)
            calls(node.inside)
            python(node.inside)
        finally:
            cluster.close()
