# SPDX-License-Identifier: Apache-2.0
"""The monitor is killed while kernels run: the one that follows it serves all that this one did."""

from lib.cells import Cell

ENVIRONMENT_MOUNTS = "cat /proc/{}/mounts | grep ' /run/environments/' | cut -d ' ' -f 1-4 | sort"
DEVICES = "ls -d /sys/block/dm-* /sys/block/loop*/loop | tr -d '0-9' | sort"
MONITOR = "head -n 1 /sys/fs/cgroup/hostd/monitor/cgroup.procs"


def state(inside):
    """The environments' mounts, as the monitor has them, and the kinds of devices in use."""
    return inside.run(ENVIRONMENT_MOUNTS.format(f"$({MONITOR})")), inside.run(DEVICES)


def test_what_a_killed_monitors_kernels_had_mounted_is_there_again(fresh):
    """Its cells hold the devices of their environments until the next monitor ends them."""
    inside = fresh.boot("node-1").inside
    before, monitor = state(inside), inside.run(MONITOR)
    assert "/run/environments/lua " in before[0] and "/run/environments/python " in before[0]
    used = Cell(fresh.gateway, inside, "lua")
    used.say('print("used")')
    used.disconnect()
    inside.run(f"kill -9 $({MONITOR})")
    fresh.gateway.wait_text(r"node-1: up.*node-1: up", 60)
    assert inside.run(MONITOR) != monitor
    with Cell(fresh.gateway, inside, "lua") as cell:
        assert cell.say('print("again")') == "again"
    assert state(inside) == before
