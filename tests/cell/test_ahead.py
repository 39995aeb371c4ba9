# SPDX-License-Identifier: Apache-2.0
"""Cells that wait for kernels (node.conf: kernels_ahead): taken, replaced, bounded, and gone."""

import time

import pytest

from lib.cells import Cell, census, meminfo
from lib.cluster import Cluster
from lib.projects import new_project

AHEAD = 2
CELLS = "/sys/fs/cgroup/cells"


class Node:
    """What waits and what runs, as the cgroups say: a waiting cell has a name that nobody gave."""

    def __init__(self, cluster):
        self.gateway = cluster.gateway
        conf = cluster.provision("ahead")
        path = conf / "node.conf"
        path.write_text(path.read_text() + f"kernels_ahead = {AHEAD}\n")
        self.inside = cluster.boot("ahead", conf=conf, options=("--memory", "640")).inside

    def groups(self):
        """Each cell's cgroup with the first process of the cell and of its relay."""
        text = self.inside.run(
            f"for c in {CELLS}/*/cell; do test -d $c && echo ${{c%/cell}} $(head -n 1 $c/cgroup.procs) "
            "$(head -n 1 ${c%/cell}/relay/cgroup.procs); done", check=False)[1]
        found = {}
        for line in text.splitlines():
            name, *pids = line.split()
            if len(pids) == 2:
                found[name] = tuple(pids)
        return found

    def wait(self, count, timeout=90):
        """So many cells, all with their processes; their cgroups."""
        deadline = time.monotonic() + timeout
        while len(found := self.groups()) != count:
            assert time.monotonic() < deadline, (count, found)
            time.sleep(0.3)
        return found

    def settled(self, count):
        """The same, and nothing more comes."""
        self.wait(count)
        time.sleep(2)
        return self.wait(count)

    def cell(self, project=None, **knobs):
        return Cell(self.gateway, self.inside, "lua", project, **knobs)

    def ups(self):
        """How often the gateway has seen the node come."""
        return self.gateway.log.read_text().count("ahead: up")

    def monitor(self):
        code, text = self.inside.run("head -n 1 /sys/fs/cgroup/hostd/monitor/cgroup.procs",
                                     check=False)
        return int(text) if code == 0 and text.strip() else None

    def end_monitor(self):
        """And what waits with it; until the next one is there and nothing else."""
        stopped, ups = self.monitor(), self.ups()
        self.inside.run(f"kill -TERM {stopped}")
        deadline = time.monotonic() + 90
        while (self.monitor() in (None, stopped) or self.ups() == ups
               or self.inside.run(f"find {CELLS} -mindepth 1 -type d")):
            assert time.monotonic() < deadline, self.groups()
            time.sleep(0.5)


@pytest.fixture(scope="module")
def booted(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("ahead"))
    try:
        yield Node(cluster)
    finally:
        cluster.close()


@pytest.fixture
def node(booted):
    """Nothing runs on it, and nothing waits."""
    if booted.groups():
        booted.end_monitor()
    return booted


def one(before, now):
    """What is there now and was not."""
    (name,) = now.keys() - before.keys()
    return name


def test_a_waiting_cell_is_taken_and_replaced(node):
    with node.cell():
        pass  # the first of a node mounts its environment, once for all
    node.settled(1)
    node.end_monitor()
    empty = census(node.inside)
    with node.cell() as first:
        assert first.say("print(1)") == "1"
        two = node.settled(2)
        waiting = one({first.group: ()}, two)
        with node.cell(KERNEL_MEMORY="256M") as second:
            assert second.say("print(2)") == "2"
            # Another waits now, of the sort that was asked for last; of the first sort none does.
            three = node.settled(3)
            # The very processes that waited: nothing was made for this one.
            assert three[waiting] == two[waiting] and second.group not in three
            # It has the limits of its own request, not of those that it waited with.
            assert node.inside.run(f"cat {waiting}/cell/memory.max").strip() == str(256 << 20)
            assert node.inside.run(f"cat {first.group}/cell/memory.max").strip() == str(512 << 20)
            # What runs in it is walled in like any other.
            status = node.inside.run(f"cat /proc/{three[waiting][0]}/status")
            assert "Seccomp:\t2" in status and "CapEff:\t0000000000000000" in status
            assert second.restart() == 200
            second.disconnect()
            assert second.say("print(3)") == "3"
        left = node.settled(2)
        assert waiting not in left and first.group in left
    # A cell waits for the next; it goes with the monitor, and nothing of it stays.
    node.settled(1)
    node.end_monitor()
    left = census(node.inside)
    for name in ("processes", "cgroups", "files", "folders", "interfaces"):
        assert left[name] == empty[name], name
    # An environment's device is numbered anew for each monitor.
    for name in ("mounts", "monitor's mounts", "devices"):
        assert left[name].count("\n") == empty[name].count("\n"), name


def test_no_more_wait_than_the_node_says(node):
    projects = [new_project(node.gateway, "ahead") for _ in range(AHEAD + 1)]
    for count, project in enumerate(projects, 1):
        with node.cell(project=project) as cell:
            cell.say("print(1)")
            # The kernel's own and those that wait, of this and of earlier projects.
            node.settled(1 + min(count, AHEAD))
    waiting = node.settled(AHEAD)
    # The oldest had to go; that of the last project is still for it, and not for the first.
    with node.cell(project=projects[-1]) as last:
        last.say("print(1)")
        assert len(waiting.items() & node.settled(AHEAD + 1).items()) == AHEAD
        assert last.group not in node.groups()
    waiting = node.settled(AHEAD)
    with node.cell(project=projects[0]) as other:
        other.say("print(1)")
        assert other.group in node.settled(AHEAD + 1)


def test_one_that_ends_while_it_waits_is_cleaned_up(node):
    with node.cell() as cell:
        cell.say("print(1)")
        found = node.settled(2)
        waiting = one({cell.group: ()}, found)
        for place in (0, 1):  # the cell's, and of the next the relay's
            node.inside.run(f"kill -9 {found[waiting][place]}")
            deadline = time.monotonic() + 60
            while waiting in node.inside.run(f"ls -d {CELLS}/*/").replace("/\n", "\n"):
                assert time.monotonic() < deadline
                time.sleep(0.3)
            assert cell.say("print(2)") == "2"
            # The next start is served without it, and another waits then.
            with node.cell() as second:
                assert second.say("print(3)") == "3"
                found = node.settled(3)
                waiting = one({cell.group: (), second.group: ()}, found)
            node.settled(2)


def test_none_waits_where_memory_is_short(node):
    """A lua kernel's least memory and 64 MiB have to be free besides."""
    with node.cell() as cell:
        cell.say("print(1)")
        node.settled(2)
    node.settled(1)
    node.inside.run("mount -t tmpfs -o size=100% none /tmp")
    taken = meminfo(node.inside)["MemAvailable"] // 1024 - 60
    node.inside.run(f"dd if=/dev/zero of=/tmp/x bs=1M count={taken} 2>/dev/null", timeout=120)
    try:
        with node.cell(project=new_project(node.gateway, "short")) as cell:
            cell.say("print(1)")
            node.settled(2)  # this kernel's, and the one that waited before
    finally:
        node.inside.run("umount /tmp")
