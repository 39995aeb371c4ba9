# SPDX-License-Identifier: Apache-2.0
"""Cells that come and go leave the node as it was: by real kernels, and by a thousand cells.

The thousand are made by bench-cell, of the monitor's own code for cells and relays, every other one
prepared ahead, some of those never asked for. It counts what the kernel holds by its slabs, which
know the objects of every namespace. As many as fit in CI; the thousand with `./build.sh test --long`,
or whatever number LEAK_CELLS says.
"""

import os
import time

import pytest

from conftest import Cluster
from lib import rivals
from lib.cells import monitor_pid
from lib.client import start_kernel, stop_kernel

LONG = int(os.environ.get("ANCHORHOLD_LONG", "1")) > 1  # ./build.sh test --long
CELLS = int(os.environ.get("LEAK_CELLS", "1000" if LONG else "120"))
KERNELS = int(os.environ.get("LEAK_KERNELS", "24"))

# A slab counts what a CPU holds in reserve as in use, a page of objects or two: a leak of one a
# cell is many times that. None: whatever is there more or less is a cache's.
SLACK = {"fds": 0, "cgroups": 0, "slots": 0, "mnt_cache": 4, "net_namespace": 8,
         "user_namespace": 8, "uts_namespace": 8, "task_struct": 12, "mm_struct": 12,
         "sock_inode_cache": 24, "shmem_inode_cache": 24, "kernfs_node_cache": 120,
         "proc_inode_cache": None, "dentry": None, "cred": 64}
MEMORY_KIB = 6 * 1024
CONTROLS = ["fd", "cgroup", "mount", "netns", "userns"]


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaks")
    disk = rivals.make_disk(folder / "rivals.img")
    cluster = Cluster(folder)
    try:
        node = cluster.boot("leaks", options=("--memory", "768", "--cpus", "2",
                                              "--extra-disk", str(disk)))
        yield node.inside, cluster.gateway
    finally:
        cluster.close()


def leaks(inside, cells, control=""):
    text = inside.run(f"/test/bin/bench-cell -d /dev/vdb leaks {cells} {control}", timeout=3000)
    found = rivals.figures(text)
    assert found, text
    return {name: (int(found[f"leaks.{name}.before"][0]), int(found[f"leaks.{name}.after"][0]))
            for name in [*SLACK, "available_kib"]}


def grown(counts):
    """What is more than it was, by more than its slack."""
    return {name: counts[name] for name, slack in SLACK.items()
            if slack is not None and counts[name][1] > counts[name][0] + slack}


def test_cells_leave_nothing(inside):
    counts = leaks(inside[0], CELLS)
    print(f"{CELLS} cells:", counts)
    assert grown(counts) == {}
    before, after = counts["available_kib"]
    assert after > before - MEMORY_KIB, counts


@pytest.mark.parametrize("control", CONTROLS)
def test_what_is_left_is_noticed(inside, control):
    """The same count, with sixteen of one thing left behind on purpose."""
    counts = leaks(inside[0], 2, control)
    noticed = {"fd": "fds", "cgroup": "cgroups", "mount": "mnt_cache", "netns": "net_namespace",
               "userns": "user_namespace"}[control]
    assert noticed in grown(counts), counts
    if control == "cgroup":
        inside[0].run("rmdir /sys/fs/cgroup/bench/left-*")


def monitor_traces(inside):
    """Of the real node: what real kernels could leave, the monitor's descriptors included."""
    monitor = monitor_pid(inside)
    return {
        "descriptors": inside.run(f"ls /proc/{monitor}/fd | wc -l"),
        "cgroups": inside.run("find /sys/fs/cgroup -type d | sort"),
        "mounts": inside.run(f"cat /proc/1/mounts /proc/{monitor}/mounts | sort"),
        "processes": inside.run("ps -o user,args | grep -c -e '^10000' -e '^200' ; true"),
        "files": inside.run("find /run /state /work -xdev -type f | grep -v /run/anchorhold/log "
                            "| sort"),
    }


def dying(inside):
    """Cgroups that are removed and still counted: the pages that their cells were the first to read
    from an environment's image hold them, until the kernel has a use for that memory."""
    return int(inside.run("grep nr_dying_descendants /sys/fs/cgroup/cells/cgroup.stat").split()[1])


def test_real_kernels_leave_nothing(inside):
    node, gateway = inside
    stop_kernel(gateway, start_kernel(gateway, "lua"))
    time.sleep(2)
    before = monitor_traces(node)
    for _ in range(KERNELS // 8):
        kernels = [start_kernel(gateway, "lua") for _ in range(8)]
        for kernel in kernels:
            stop_kernel(gateway, kernel)
    deadline = time.monotonic() + 60
    while (after := monitor_traces(node)) != before and time.monotonic() < deadline:
        time.sleep(1)
    assert after == before
    deadline = time.monotonic() + 300
    while LONG and (left := dying(node)) > 0:  # it takes the kernel a minute and more
        assert time.monotonic() < deadline, left
        node.run("echo 3 >/proc/sys/vm/drop_caches")
        time.sleep(2)
