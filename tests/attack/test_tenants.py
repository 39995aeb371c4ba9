# SPDX-License-Identifier: Apache-2.0
"""stress-ng and trinity as tenants: programs made to find what a kernel does badly, in a cell.

Each for a bounded time, with a fixed seed, beside a quiet neighbour: the node's kernel has nothing
to complain of, hostd's processes are those from before, the neighbour is answered every time, and
nothing is left. ANCHORHOLD_LONG (`--long`) is how many times as long.
"""

import os
import re

import pytest

from lib.cells import Cell, Neighbour, census, wait_census
from lib.cluster import Cluster
from lib.kernel_log import complaints

SECONDS = 30 * int(os.environ.get("ANCHORHOLD_LONG", "1"))
SEED = 20121122
STRESSORS = ("fork 4", "vm 2", "memfd 2", "pipe 2", "sock 2", "mq 1", "shm 1", "timer 1",
             "sysinval 1", "sysbadaddr 1", "enosys 1", "procfs 1", "dev 1", "key 1", "unshare 1")
# Those that a cell gives something to do; the others have every call refused, which is their work.
BUSY = ("fork", "vm", "memfd", "pipe", "sock", "sysbadaddr", "enosys", "procfs", "dev")

STRESS = ["/usr/bin/stress-ng", *(word for name in STRESSORS for word in f"--{name}".split()),
          "--vm-bytes", "32M", "--memfd-bytes", "16M", "--shm-bytes", "8M", "--oomable",
          "--pathological", "--seed", str(SEED), "--timeout", f"{SECONDS - 2}s",
          "--temp-path", "/tmp", "--metrics-brief"]
# The providers of descriptors that it waits for and cannot have here are left out; so are 32-bit
# calls: the filter ends a process for its first one.
TRINITY = ["/usr/bin/trinity", "-C4", "-q", "-a64", f"-s{SEED}",
           "--disable-fds=perf,epoll,inotify,sockets"]

# Executed in the tenant's own kernel. Interrupted at its time, so that it says what it did; one
# that ends before is started again. What does not end is the cell's business, which ends soon.
RUN = """
import os, signal, subprocess, time
os.chdir("/tmp")
end = time.monotonic() + {seconds}
with open("/tmp/said", "wb") as said:
    while time.monotonic() < end:
        program = subprocess.Popen({argv!r}, stdin=subprocess.DEVNULL, stdout=said,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        for wait, how in ((max(1, end - time.monotonic()), signal.SIGINT), (15, signal.SIGTERM),
                          (5, signal.SIGKILL), (5, 0)):
            try:
                program.wait(wait)
                break
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, how)
"""
READ = "print(open('/tmp/said', errors='replace').read()[-20000:])"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A node of their own, with room for both; two emulated CPUs would be QEMU's own trouble."""
    cluster = Cluster(tmp_path_factory.mktemp("tenants"))
    try:
        cluster.boot("node-1", options=["--memory", "1024"])
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def node(cluster):
    return cluster.nodes["node-1"]


def tainted(inside):
    """The kernel's own account of its worst moments: warnings, oopses, bad pages, lockups."""
    return int(inside.run("cat /proc/sys/kernel/tainted"))


def hostd_pids(inside):
    return {name: inside.run(f"cat /sys/fs/cgroup/hostd/{name}/cgroup.procs").split()
            for name in ("monitor", "link")}


def kernel_says(node):
    return complaints(node.inside.run("dmesg")) + complaints(node.text())


def bogo_operations(said):
    """{stressor: operations} of stress-ng's table."""
    rows = re.findall(r"metrc: \[\d+\] (\w[\w-]*) +(\d+) +[\d.]+ +[\d.]+ +[\d.]+", said)
    return {name: int(count) for name, count in rows}


def check_stress(said):
    done = bogo_operations(said)
    assert set(done) >= set(BUSY), said
    # Of two dozen on one emulated CPU, those whose operations are large may not end one.
    assert done["fork"] > 0 and done["pipe"] > 0 and sum(done.values()) > 100, done
    return done


def check_trinity(said):
    runs = re.findall(r"Ran (\d+) syscalls\. Successes: (\d+) +Failures: (\d+)", said)
    calls, worked, failed = (sum(int(run[i]) for run in runs) for i in range(3))
    assert calls > 1000 and worked > 0 and failed > 0, said
    return {"runs": len(runs), "calls": calls, "worked": worked, "failed": failed}


def report(gateway, inside, argv):
    """What it said of its work. Where its cell reached the memory limit, which ends the cell and
    all that it said, another takes its place, two in all."""
    for left in (2, 1, 0):
        with Cell(gateway, inside, "tenants") as tenant:
            reply, _ = tenant.execute(RUN.format(argv=argv, seconds=SECONDS), SECONDS * 3 + 180)
            if left == 0 or reply["content"]["status"] == "ok":
                return tenant.say(READ)
            ended = tenant.model().json()
            assert ended.get("reason_name") == "memory", (reply["content"], ended)


@pytest.mark.parametrize("argv, check", [(STRESS, check_stress), (TRINITY, check_trinity)],
                         ids=["stress-ng", "trinity"])
def test_a_tenant_hurts_nobody_else(cluster, node, argv, check, record_property):
    inside = node.inside
    with Cell(cluster.gateway, inside, "lua") as quiet:
        neighbour = Neighbour(quiet)
        neighbour.once()
        before, hostd, taint = census(inside), hostd_pids(inside), tainted(inside)
        with neighbour:
            answered = neighbour.count
            done = check(report(cluster.gateway, inside, argv))
            answered = neighbour.count - answered
        assert neighbour.faults == []
        assert answered >= SECONDS // 3, "the neighbour was asked all the time"
        assert hostd_pids(inside) == hostd
        assert tainted(inside) == taint
        assert kernel_says(node) == []
        assert wait_census(inside, before) == before
    record_property("done", done)
    print(argv[0], done, f"neighbour answered {answered} times")


def test_a_complaint_would_be_seen(node):
    """The last, since it stains the node: what a warning leaves is what is looked at."""
    before = tainted(node.inside)
    node.inside.run("echo 512 > /proc/sys/kernel/tainted; echo '<3>BUG: of the test' > /dev/kmsg")
    assert tainted(node.inside) == before | 512
    assert any("BUG: of the test" in line for line in kernel_says(node))
