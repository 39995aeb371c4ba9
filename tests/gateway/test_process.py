# SPDX-License-Identifier: Apache-2.0
"""What the gateway's process leaves to be read: no core dump, no memory, no secret out of place."""

import contextlib
import os
import pathlib
import resource
import signal
import subprocess
import time

from client import texts
from lib.memory import copies


def limits(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines():
        if line.startswith(name):
            return line[len(name):].split()[:2]
    raise AssertionError(f"no limit {name!r}")


def crash(pid):
    """Asks for a dump and for the signal that makes one: was there one?"""
    with contextlib.suppress(PermissionError):  # not of a process that is not dumpable
        resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    os.kill(pid, signal.SIGSEGV)
    status = os.waitpid(pid, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGSEGV
    return os.WCOREDUMP(status)


def test_no_core_is_dumped(house, tmp_path):
    pid, house.gateway.process = house.gateway.process.pid, None
    assert limits(pid, "Max core file size") == ["0", "0"]
    assert not crash(pid)
    # The control: another program with that limit, ended by the same signal, is dumped here.
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as other:
        time.sleep(0.5)
        assert crash(other.pid), "this machine dumps no core at all"


def test_it_may_hold_many_connections(house):
    soft, hard = limits(house.gateway.process.pid, "Max open files")
    assert int(soft) == min(int(hard), 65536)


def test_secrets_are_where_they_belong(house):
    """The gateway's own key is in its memory; of what it gave away or was shown, nothing is left."""
    gateway = house.gateway
    own = pathlib.Path(f"{gateway.database}.key").read_text().strip()
    reply = gateway.call("POST", "/api/anchorhold/nodes", {"name": "given"}).json()
    house.node()
    client = house.client(house.start())
    assert texts(client.run("print x")) == "x"
    time.sleep(1)
    found = copies(gateway.process.pid, [own, reply["node_key"], gateway.token])
    assert found[own] > 0, "the search finds nothing at all"
    assert found[reply["node_key"]] == 0
    assert found[gateway.token] == 0
    log = gateway.log.read_text()
    for secret in (own, reply["node_key"], gateway.token):
        assert secret not in log
        for line in pathlib.Path(f"/proc/{gateway.process.pid}/cmdline").read_bytes().split(b"\0"):
            assert secret.encode() not in line
