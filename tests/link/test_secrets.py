# SPDX-License-Identifier: Apache-2.0
"""Keys and tokens of a booted node: what is anywhere in its memory, and in no log.

On a node nobody reads a process's memory, not root either. So all of the machine's memory is
searched from outside, by its emulator; which process holds what, tests/cell/test_secrets.py says.
"""

import re
import time

import pytest

from lib.cells import Cell, monitor_pid
from lib.memory import copies, pieces


def hmac_keys(machine):
    """Of the live kernels, found in the machine's memory: nobody in it has to be asked, who would
    then have them too."""
    return {match.group(1).decode() for piece in pieces(machine)
            for match in re.finditer(rb'"key": ?"([0-9a-f]{64})"', piece)}


@pytest.fixture
def known(cluster):
    """What this test knows beforehand: the node's key, the gateway's two, a user's token."""
    conf = cluster.folder / "node-1.conf"
    gateway = cluster.gateway
    return {"node": (conf / "node.key").read_text().strip(),
            "gateway": (gateway.folder / "gateway.db.key").read_text().strip(),
            "public": re.search(r"^gateway_key = (\S+)$", (conf / "node.conf").read_text(),
                                re.M).group(1),
            "token": gateway.token}


def wait_gone(pid, secret, timeout=60):
    """How often a secret is in a machine's memory once it is nowhere, or when the time is over."""
    deadline = time.monotonic() + timeout
    while (left := copies(pid, [secret])[secret]) and time.monotonic() < deadline:
        time.sleep(1)
    return left


def test_what_is_in_the_machines_memory(cluster, inside, known):
    machine = cluster.nodes["node-1"].process.pid
    before = hmac_keys(machine)  # a cell made ahead has none; a test before may have left a kernel
    with Cell(cluster.gateway, inside, "lua") as cell:
        assert cell.say("print(1)") == "1"
        keys = hmac_keys(machine)
        found = copies(machine, [*known.values(), *keys])
    # The control: the search finds what a node does have.
    assert found[known["node"]] > 0 and found[known["public"]] > 0
    assert before == set() and keys, "of a live kernel, and only of one, there is a key"
    assert found[known["gateway"]] == 0 and found[known["token"]] == 0, "they never come to a node"
    for key in keys:
        assert wait_gone(machine, key) == 0, "a kernel's key goes with its kernel"


def test_nobody_reads_a_roles_memory(inside):
    """Yama forbids it to root too. The control is tests/cell/test_secrets.py, which does it."""
    link = int(inside.run("cat /sys/fs/cgroup/hostd/link/cgroup.procs"))
    for pid in (1, monitor_pid(inside), link):
        code, text = inside.run(f"head -n 1 /proc/{pid}/mem", check=False)
        assert code != 0 and "Permission denied" in text, text


def test_secrets_are_in_no_log(cluster, inside, known):
    with Cell(cluster.gateway, inside, "lua") as cell:
        cell.say("print(1)")
        keys = hmac_keys(cluster.nodes["node-1"].process.pid)
    assert keys
    logs = {"console": cluster.nodes["node-1"].text(), "gateway": cluster.gateway.log.read_text(),
            "node": inside.run("cat /run/anchorhold/log*"), "kernel": inside.run("dmesg")}
    assert "node-1" in logs["gateway"] and "hostd" in logs["node"] and "Linux" in logs["kernel"]
    for who, text in logs.items():
        for secret in (known["node"], known["gateway"], known["token"], *keys):
            assert secret not in text, f"a secret is in the log of: {who}"


def owner(inside, pid):
    """Of a process's files in /proc: root's where it is not dumpable."""
    return int(inside.run(f"stat -c %u /proc/{pid}/environ"))


def test_nothing_is_dumped(cluster, inside):
    """The node's kernel writes no core dump; besides, each process is without the right."""
    assert inside.run("zcat /proc/config.gz 2>/dev/null | grep COREDUMP; ls /proc/sys/kernel/"
                      "core_pattern 2>&1; true").split()[-1].endswith("directory")
    link = int(inside.run("cat /sys/fs/cgroup/hostd/link/cgroup.procs"))
    with Cell(cluster.gateway, inside, "lua") as cell:
        cell.say("print(1)")
        (relay,) = cell.pids("relay")
        for pid in (monitor_pid(inside), link, relay, *cell.pids()):
            line = inside.run(f"grep 'Max core' /proc/{pid}/limits")
            assert line.split()[4:6] == ["0", "0"], line
        assert (owner(inside, link), owner(inside, relay)) == (0, 0)
        # The control: a kernel is dumpable, and its files belong to its own uid.
        assert owner(inside, max(cell.pids())) >= 1000000
