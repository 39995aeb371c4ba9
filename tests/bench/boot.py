# SPDX-License-Identifier: Apache-2.0
"""From the kernel's entry to the authenticated link, and what a node at rest needs.

The boot is the product's own image; the memory is read inside a test image, whose one additional
process is not counted.
"""

import pathlib
import tempfile
import time

from bench.figures import median, progress, show
from conftest import Cluster
from lib.node import IMAGE, TEST_IMAGE

BOOTS = 5


def pss_kib(inside, pids):
    """An upper bound of the processes' PSS. The kernel shows no page maps (PROC_PAGE_MONITOR is
    off), so pages of a program that several of them run are counted once, up to its size."""
    total, of_files = 0, {}
    for pid in pids:
        program = inside.run(f"readlink /proc/{pid}/exe").strip()
        fields = dict(line.split(":", 1) for line in
                      inside.run(f"cat /proc/{pid}/status").splitlines() if ":" in line)
        total += int(fields["RssAnon"].split()[0]) + int(fields["RssShmem"].split()[0])
        of_files[program] = of_files.get(program, 0) + int(fields["RssFile"].split()[0])
    for program, rss in of_files.items():
        total += min(rss, int(inside.run(f"stat -c %s {program}")) // 1024 + 4)
    return total


def boots(cluster):
    seconds, cpu = [], []
    for number in range(BOOTS):
        progress(f"boot {number + 1} of {BOOTS}")
        name = f"boot-{number}"
        node = cluster.boot(name, image=IMAGE, options=("--memory", "256"))
        seconds.append(cluster.gateway.node(name)["entry_to_link_ms"] / 1000)
        cpu.append(node.cpu_seconds())
        node.stop()
    show("boot.entry_to_link", median(seconds), "s", most=2)
    show("boot.cpu_until_seen", median(cpu), "CPU-s")


def at_rest(cluster):
    progress("a node at rest")
    node = cluster.boot("rest", image=TEST_IMAGE, options=("--memory", "256"))
    time.sleep(10)
    inside = node.inside
    pids = ["1", *inside.run("pidof hostd").split()]
    show("rest.init_and_hostd", pss_kib(inside, pids) / 1024, "MiB PSS", most=6)
    available = next(int(line.split()[1]) for line in inside.run("cat /proc/meminfo").splitlines()
                     if line.startswith("MemAvailable"))
    show("rest.available_of_256", available / 1024, "MiB", least=200)
    node.stop()


def main():
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(pathlib.Path(folder))
        try:
            boots(cluster)
            at_rest(cluster)
        finally:
            cluster.close()
