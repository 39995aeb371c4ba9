# SPDX-License-Identifier: Apache-2.0
"""The monitor is killed while kernels run: the one that follows it goes on with them and with their limits."""

import time

import pytest

from lib.cells import Cell, monitor_pid
from lib.client import stop_kernel
from lib.projects import events, new_project, restart_hostd, run, start_in

ENVIRONMENT_MOUNTS = "cat /proc/{}/mounts | grep ' /run/environments/' | cut -d ' ' -f 1-4 | sort"
DEVICES = "ls -d /sys/block/dm-* /sys/block/loop*/loop | sort"


def state(inside):
    """The environments' mounts, as the monitor has them, and the devices in use."""
    return inside.run(ENVIRONMENT_MOUNTS.format(monitor_pid(inside))), inside.run(DEVICES)


def wait_state(gateway, kernel, state, timeout):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        model = gateway.call("GET", f"/api/kernels/{kernel}").json()
        if model["execution_state"] == state:
            return model
        time.sleep(0.3)
    raise TimeoutError(f"kernel {kernel} is not {state}: {model}")


def wait_dead(gateway, kernel, timeout):
    return wait_state(gateway, kernel, "dead", timeout)


def test_a_kernel_goes_on(gateway, inside):
    """Its process, its variables, its interrupt, restart and stop; the mounts are the same ones."""
    before, monitor = state(inside), monitor_pid(inside)
    with Cell(gateway, inside, "lua") as cell:
        assert cell.say("x = 42 print(x)") == "42"
        pids, relay = cell.pids(), cell.pids("relay")
        restart_hostd(gateway, inside, "KILL")
        assert monitor_pid(inside) != monitor
        assert cell.say("print(x)") == "42"
        assert cell.pids() == pids and cell.pids("relay") == relay
        loop = cell.start("while true do end")
        time.sleep(2)
        assert gateway.call("POST", f"/api/kernels/{cell.id}/interrupt").status == 204
        assert loop.result(120)[0]["content"]["status"] == "error"
        assert cell.restart() == 200
        assert cell.say("print(x)") == "nil"
        assert cell.pids() != pids
    assert inside.run(f"test -e {cell.group}", check=False)[0] != 0
    assert state(inside) == before


def test_a_process_that_ends_without_a_monitor_is_told(gateway, inside):
    """Its exit code is in the pipe that it left, whoever reads it."""
    project = new_project(gateway, "adopt")
    kernel = start_in(gateway, project, "lua")
    assert run(gateway, kernel, "print(1)") == "1\n"
    pid = inside.run(f"cat /sys/fs/cgroup/cells/{kernel}/cell/cgroup.procs").split()[-1]
    inside.run(f"kill -9 {monitor_pid(inside)}; kill -9 {pid}")
    wait_dead(gateway, kernel, 90)
    assert [event["text"] for event in events(gateway, "kernel.died", project)] == [
        "ended by signal 9"]
    stop_kernel(gateway, kernel)


def test_a_reason_outlives_link_and_monitor(gateway, inside):
    """No gateway is there when it dies, and nothing is left of it when the monitor does."""
    kernel = start_in(gateway, new_project(gateway, "adopt"), "lua")
    group = f"/sys/fs/cgroup/cells/{kernel}"
    wait_state(gateway, kernel, "idle", 90)
    pid = inside.run(f"cat {group}/cell/cgroup.procs").split()[-1]
    monitor = monitor_pid(inside)
    gateway.stop()
    try:
        inside.run(f"kill -9 {pid}")
        deadline = time.monotonic() + 120
        while inside.run(f"test -e {group}", check=False)[0] == 0:
            assert time.monotonic() < deadline, "it is not cleared away"
            time.sleep(0.3)
        inside.run(f"kill -9 {monitor}")
    finally:
        gateway.start()
    model = wait_state(gateway, kernel, "dead", 120)
    assert model["reason_name"] == "signal" and "9" in model["reason"], model
    assert monitor_pid(inside) != monitor
    stop_kernel(gateway, kernel)


@pytest.mark.parametrize("limit,code,reason", [
    ({"wall_s": 45}, "x = 1", "45 s"),
    ({"memory_mib": 48}, "local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1e6) .. i end", "48 MiB"),
    ({"idle_s": 30}, "x = 1", "30 s"),
])
def test_limits_bite_on(gateway, inside, limit, code, reason):
    """The wall clock goes from the kernel's start, not from the adoption."""
    kernel = start_in(gateway, new_project(gateway, "adopt"), "lua", **limit)
    began = time.monotonic()
    assert run(gateway, kernel, "print(1)") == "1\n"
    restart_hostd(gateway, inside, "KILL")
    cell = Cell.__new__(Cell)
    cell.gateway, cell.inside, cell.id, cell.client = gateway, inside, kernel, None
    cell.start(code)
    model = wait_dead(gateway, kernel, 120)
    cell.disconnect()
    assert reason in model["reason"], model
    if "wall_s" in limit:
        assert time.monotonic() - began < 45 + 30, "counted from the adoption"
    stop_kernel(gateway, kernel)


def test_usage_goes_on(gateway, inside):
    kernel = start_in(gateway, new_project(gateway, "adopt"), "lua")
    run(gateway, kernel, "for i = 1, 300 do print(i) end")
    time.sleep(2)

    def usage():
        return gateway.call("GET", f"/api/anchorhold/kernels/{kernel}/usage").json()

    before = usage()
    restart_hostd(gateway, inside, "KILL")
    after = usage()
    for key in ("cpu_usec", "output_bytes", "output_messages", "wall_ms"):
        assert after[key] >= before[key] > 0, (key, before, after)
    stop_kernel(gateway, kernel)


def test_what_was_not_kept_ends(gateway, inside):
    """The same deaths where nobody kept anything: the kernel ends with its monitor, and is told lost."""
    kernel = start_in(gateway, new_project(gateway, "adopt"), "lua")
    run(gateway, kernel, "print(1)")
    # Six monitors that do not come to run: init gives up what they would go on with.
    for _ in range(6):
        old = monitor_pid(inside)
        inside.run(f"kill -9 {old}")
        deadline = time.monotonic() + 60
        while inside.run("head -n 1 /sys/fs/cgroup/hostd/monitor/cgroup.procs",
                         check=False)[1].strip() in ("", str(old)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    wait_dead(gateway, kernel, 120)
    assert inside.run(f"test -e /sys/fs/cgroup/cells/{kernel}", check=False)[0] != 0
    with Cell(gateway, inside, "lua") as cell:
        assert cell.say('print("again")') == "again"
