# SPDX-License-Identifier: Apache-2.0
"""Strict mode: a project has its own pages of an environment, and no other kernel's."""

import time

from lib.client import stop_kernel
from lib.projects import cell_of, new_project, restart_hostd, run, start_in

# In the lua environment, and read by nobody unless the test does.
FILE = "usr/share/licenses/libsodium-LICENSE"


def device_of(inside, kernel):
    """The device of the cell's root: major:minor."""
    pid = cell_of(inside, kernel)[0]
    for line in inside.run(f"cat /proc/{pid}/mountinfo").splitlines():
        fields = line.split()
        if fields[4] == "/":
            return fields[2]
    raise AssertionError("no root")


def resident(inside, kernel):
    pid = cell_of(inside, kernel)[0]
    return int(inside.run(f"look resident /proc/{pid}/root/{FILE}"))


def read(inside, kernel):
    inside.run(f"cat /proc/{cell_of(inside, kernel)[0]}/root/{FILE} > /dev/null")


def strict_mounts(inside):
    return [line for line in inside.run("cat /proc/1/mounts").splitlines() if " /run/strict/" in line]


def devices(inside):
    """Mapped devices, and loop devices that have a file (an idle number stays, for the next)."""
    return sorted(inside.run("ls -d /sys/block/dm-* /sys/block/loop*/loop 2>/dev/null; true").split())


def test_pages_are_the_projects_own(gateway, inside):
    before = devices(inside)
    a, b = (new_project(gateway, "strict", strict=True) for _ in range(2))
    c, d = (new_project(gateway, "shared") for _ in range(2))
    kernels = [start_in(gateway, project, "lua") for project in (a, a, b, c, d)]
    first, again, other, shared, shared_too = kernels
    try:
        for kernel in kernels:
            assert run(gateway, kernel, "print(6*7)").strip() == "42"
        # One mount a project and environment, whatever the number of its kernels.
        assert device_of(inside, first) == device_of(inside, again)
        assert len({device_of(inside, k) for k in (first, other, shared)}) == 3
        assert len(strict_mounts(inside)) == 2
        # What one reads is not in the other's cache, nor in that of all the rest; it is in its own.
        assert [resident(inside, k) for k in kernels] == [0] * 5
        read(inside, first)
        assert resident(inside, first) > 0 and resident(inside, again) > 0
        assert [resident(inside, k) for k in (other, shared)] == [0, 0]
        # The same attempt without strict mode: both see it.
        read(inside, shared)
        assert resident(inside, shared_too) > 0 and resident(inside, other) == 0
        assert device_of(inside, shared) == device_of(inside, shared_too)
        # The image file itself is nowhere in the cache: the loop devices read past it.
        assert int(inside.run("look resident /work/environments/lua/image")) == 0
        stop_kernel(gateway, kernels.pop(0))
        assert len(strict_mounts(inside)) == 2 and run(gateway, again, "print(1)").strip() == "1"
    finally:
        for kernel in kernels:
            gateway.call("DELETE", f"/api/kernels/{kernel}")
    assert strict_mounts(inside) == []
    assert devices(inside) == before
    assert inside.run("ls /run/strict").split() == []


def test_a_strict_kernel_outlives_the_monitor(gateway, inside):
    """It keeps the device it has; its restarts get one that the next monitor made."""
    before = devices(inside)
    kernel = start_in(gateway, new_project(gateway, "strict", strict=True), "lua")
    assert run(gateway, kernel, "x = 7 print(x)") == "7\n"
    restart_hostd(gateway, inside, "KILL")
    assert run(gateway, kernel, "print(x)") == "7\n"
    assert len(strict_mounts(inside)) == 1
    assert gateway.call("POST", f"/api/kernels/{kernel}/restart", timeout=180).status == 200
    assert run(gateway, kernel, "print(x)") == "nil\n"
    stop_kernel(gateway, kernel)
    for _ in range(100):
        if devices(inside) == before and not strict_mounts(inside):
            break
        time.sleep(0.2)
    assert devices(inside) == before and strict_mounts(inside) == []


def test_strict_without_a_project_is_refused(gateway):
    reply = gateway.call("PUT", "/api/anchorhold/projects/strict-no", {"strict": "yes"})
    assert reply.status == 400 and b"strict" in reply.body
