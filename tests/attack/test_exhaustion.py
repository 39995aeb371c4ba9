# SPDX-License-Identifier: Apache-2.0
"""One cell takes all that it can get, kind by kind; a quiet neighbour must not notice.

Each attack has to meet the limit that is meant for it (lib/exhaustion.py): one that was refused
by accident, or never got far, fails.
"""

import re
import time

import pytest

from lib import exhaustion
from lib.cells import Cell, Neighbour, census, meminfo, monitor_pid, wait_census
from lib.projects import new_project

# Nothing of an ended cell is held; what MemAvailable still lacks are slabs and per-CPU counters
# that the kernel gives back in its own time.
TOLERANCE_KIB = 8 * 1024
SETTLE_S = 30
# While it runs, a cell may take its own limit, its relay's log, and what the kernel keeps of a
# cell outside its account (namespaces, cgroups), never more.
OVERHEAD_KIB = 48 * 1024


@pytest.fixture(scope="module")
def quiet(cluster):
    """The neighbour: one kernel that lives through all of it."""
    inside = cluster.nodes["node-1"].inside
    with Cell(cluster.gateway, inside) as cell:
        cell.say("print(1)")
        # Environments are mounted by their first kernel, once for all.
        with Cell(cluster.gateway, inside, "python") as other:
            other.say("print(1)")
        neighbour = Neighbour(cell)
        inside.run("echo 3 >/proc/sys/vm/drop_caches")
        neighbour.before = census(inside)
        neighbour.available = meminfo(inside)["MemAvailable"]
        neighbour.daemons = daemons(inside)
        yield neighbour


def daemons(inside):
    return monitor_pid(inside), inside.run("cat /sys/fs/cgroup/hostd/link/cgroup.procs")


@pytest.mark.parametrize("attack", exhaustion.ATTACKS, ids=repr)
def test_ends_in_its_own_limit(gateway, inside, quiet, attack):
    quiet.latencies.clear()
    with quiet, exhaustion.cell_for(attack, gateway, inside) as cell:
        cell.execute("1")
        answer, seen = exhaustion.run(attack, cell)
        lowest = meminfo(inside)["MemAvailable"]
    assert quiet.faults == []
    assert len(quiet.latencies) >= 3
    attack.limit(cell, answer, seen)
    assert lowest > quiet.available - attack.memory_mib * 1024 - OVERHEAD_KIB
    assert daemons(inside) == quiet.daemons
    assert wait_census(inside, quiet.before) == quiet.before


def test_a_weight_counts_between_cells(gateway, inside):
    """Two busy loops on one CPU, of a light and a heavy project: the heavy one gets more."""
    with Cell(gateway, inside, project=new_project(gateway, "light", cpu_weight=100)) as light, \
            Cell(gateway, inside, project=new_project(gateway, "heavy", cpu_weight=1000)) as heavy:
        for cell in (light, heavy):
            cell.say("hostile.spin(4)")
        before = [cell.fields("cpu.stat")["usage_usec"] for cell in (light, heavy)]
        time.sleep(5)
        used = [cell.fields("cpu.stat")["usage_usec"] - start
                for cell, start in zip((light, heavy), before)]
    assert used[1] > 2 * used[0], used


def test_the_memory_is_back_and_the_kernel_had_nothing_to_say(inside, quiet):
    deadline = time.monotonic() + SETTLE_S
    inside.run("echo 3 >/proc/sys/vm/drop_caches")
    while (meminfo(inside)["MemAvailable"] <= quiet.available - TOLERANCE_KIB
           and time.monotonic() < deadline):
        time.sleep(1)
        inside.run("echo 3 >/proc/sys/vm/drop_caches")
    assert meminfo(inside)["MemAvailable"] > quiet.available - TOLERANCE_KIB
    log = inside.run("dmesg")
    assert "WARNING" not in log and "BUG" not in log
    # Each kill for memory shows a trace; nothing else has a reason to.
    assert log.count("Call Trace") <= log.count("invoked oom-killer"), log


def test_without_the_limit_it_gets_further(inside):
    """The same on the node, outside a cell: descriptors, processes and a full tmpfs beyond them."""
    limits = inside.run(f"cat /proc/{monitor_pid(inside)}/limits")
    assert int(re.search(r"Max open files +(\d+)", limits)[1]) > exhaustion.DESCRIPTORS
    assert int(re.search(r"Max processes +(\d+)", limits)[1]) > exhaustion.PIDS
    # tmpfs of the node: more than a cell's home may hold.
    size = exhaustion.MEMORY_MIB // 2 + 8
    inside.run("mount -t tmpfs none /tmp")
    try:
        inside.run(f"dd if=/dev/zero of=/tmp/x bs=1M count={size} 2>/dev/null")
        assert int(inside.run("stat -c %s /tmp/x")) == size << 20
    finally:
        inside.run("umount /tmp")
