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
# that the kernel gives back in its own time (2.2 MiB), and on a node that served other tests
# before, once, 4 MiB that it maps for itself (VmallocUsed). An attack may take 64 MiB.
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
        neighbour.held = cell.number("memory.current", "")
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

        def used():  # of both at once
            return [int(line.split()[1]) for line in inside.run(
                f"grep -h usage_usec {light.group}/cell/cpu.stat {heavy.group}/cell/cpu.stat"
            ).splitlines()]

        before = now = used()
        # So much of the node's time, however long the machine below takes to give it.
        while sum(now) - sum(before) < 5e6:
            time.sleep(0.5)
            now = used()
    ratio = (now[1] - before[1]) / (now[0] - before[0])
    assert 5 < ratio < 20, ratio  # the weights are 1 to 10


def relay_share(inside, cell, seconds=4):
    """Of one CPU, by the node's own clock, and how often it was held back."""
    look = f"cut -d ' ' -f 1 /proc/uptime; cat {cell.group}/relay/cpu.stat"

    def read():
        uptime, *lines = inside.run(look).splitlines()
        return float(uptime), dict(line.split() for line in lines)

    (began, before), _, (ended, after) = read(), time.sleep(seconds), read()
    used, held = (int(after[key]) - int(before[key]) for key in ("usage_usec", "nr_throttled"))
    return used / 1e6 / (ended - began), held


def test_a_flood_takes_no_more_than_the_relays_share(gateway, inside):
    """Half of the cell's CPU, and at least a quarter of one; without cpu.max it takes more."""
    with Cell(gateway, inside, KERNEL_CPUS="1") as cell:
        assert cell.read("cpu.max", "relay") == "50000 100000\n"
    with Cell(gateway, inside, KERNEL_CPUS="0.5") as cell:
        assert cell.read("cpu.max", "relay") == "25000 100000\n"
        cell.say("print(1)")
        # The kernel may take all it gets: what holds the relay is the relay's own limit.
        inside.run(f"echo max >{cell.group}/cell/cpu.max")
        # Small messages are the dearest; nobody stays attached, for whom the log would wait.
        cell.start("hostile.flood(100000000, 64)")
        time.sleep(2)
        cell.disconnect()
        used, held = relay_share(inside, cell)
        assert used < 0.28 and held > 0, (used, held)
        inside.run(f"echo max >{cell.group}/relay/cpu.max")
        more, held = relay_share(inside, cell)
        assert held == 0 and more > 0.3, (used, more)


def lacking(inside, quiet):
    """KiB that are gone, but for what the neighbour, who lives on and has talked all the while, has
    taken for itself and its relay's log."""
    inside.run("echo 3 >/proc/sys/vm/drop_caches")
    taken = (quiet.cell.number("memory.current", "") - quiet.held) // 1024
    return quiet.available - meminfo(inside)["MemAvailable"] - taken


def test_the_memory_is_back_and_the_kernel_had_nothing_to_say(inside, quiet):
    deadline = time.monotonic() + SETTLE_S
    while (lacks := lacking(inside, quiet)) >= TOLERANCE_KIB and time.monotonic() < deadline:
        time.sleep(1)
    assert lacks < TOLERANCE_KIB, lacks
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
