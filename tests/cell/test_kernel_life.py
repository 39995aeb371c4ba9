# SPDX-License-Identifier: Apache-2.0
"""A kernel starts, executes, is interrupted, restarts, is deleted, and leaves nothing behind."""

import asyncio
import time

import pytest

from lib.cells import census, wait_census
from lib.client import Session, start_kernel, stop_kernel, text_of

ENVIRONMENTS = ["lua", "python"]
HELLO = {"lua": 'print("hello", 6*7)', "python": 'print("hello", 6*7)'}
LOOP = {"lua": "while true do end", "python": "while True: pass"}
VALUE = {"lua": "1 + 2", "python": "1 + 2"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_kernels_life_leaves_nothing(gateway, inside, environment):
    # The first kernel of an environment mounts it, once for all.
    stop_kernel(gateway, start_kernel(gateway, environment))
    time.sleep(1)
    before = census(inside)
    kernel = start_kernel(gateway, environment)

    async def live():
        session = await Session(gateway, kernel).open()
        reply, outputs = await session.execute(HELLO[environment])
        assert reply["content"]["status"] == "ok"
        assert text_of(outputs).split() == ["hello", "42"]
        reply, outputs = await session.execute(VALUE[environment])
        assert text_of(outputs).strip() == "3"

        loop = asyncio.create_task(session.execute(LOOP[environment]))
        await asyncio.sleep(3)
        assert gateway.call("POST", f"/api/kernels/{kernel}/interrupt").status == 204
        reply, _ = await loop
        assert reply["content"]["status"] == "error"

        pending = asyncio.to_thread(gateway.call, "POST", f"/api/kernels/{kernel}/restart",
                                    None, True, None, 180)
        assert (await pending).status == 200
        session.close()
        session = await Session(gateway, kernel, v1=True).open()
        reply, outputs = await session.execute(HELLO[environment])
        assert reply["content"]["execution_count"] == 1
        assert text_of(outputs).split() == ["hello", "42"]
        session.close()

    asyncio.run(live())
    stop_kernel(gateway, kernel)
    assert gateway.call("GET", f"/api/kernels/{kernel}").status == 404
    assert wait_census(inside, before) == before


def test_a_cell_is_a_cell(gateway, inside):
    """From outside: uid, namespaces, capabilities, seccomp and no_new_privs of a live kernel."""
    kernel = start_kernel(gateway, "lua")
    try:
        deadline = time.monotonic() + 60
        pids = []
        while not pids and time.monotonic() < deadline:
            pids = inside.run("cat /sys/fs/cgroup/cells/*/cell/cgroup.procs", check=False)[1].split()
            time.sleep(0.2)
        assert pids
        for pid in pids:
            status = dict(line.split(":\t", 1) for line in
                          inside.run(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
            assert all(1000000 <= int(uid) < 1004096 for uid in status["Uid"].split())
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status[name], 16) == 0, (pid, name)
            assert status["NoNewPrivs"] == "1"
            assert status["Seccomp"] == "2"
            assert status["Groups"].split() == []
            for ns in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup"):
                ours = inside.run(f"readlink /proc/{pid}/ns/{ns}")
                assert ours != inside.run(f"readlink /proc/1/ns/{ns}"), ns
    finally:
        stop_kernel(gateway, kernel)


def test_memory_limit_ends_the_cell_and_the_user_is_told(gateway):
    reply = gateway.call("POST", "/api/kernels", {"name": "lua"})
    kernel = reply.json()["id"]

    async def eat():
        session = await Session(gateway, kernel).open()
        code = "local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1000000) .. i end"
        reply, outputs = await session.execute(code, timeout=120)
        session.close()
        return reply, outputs

    reply, outputs = asyncio.run(eat())
    assert reply["content"]["status"] == "error"
    text = str(reply["content"]) + text_of(outputs)
    assert "memory" in text
    gateway.call("DELETE", f"/api/kernels/{kernel}")
