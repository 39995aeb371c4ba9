# SPDX-License-Identifier: Apache-2.0
"""A node that crashes or hangs starts again by itself, and the gateway has its last words."""

import time

from lib.node import TEST_IMAGE
from test_boot import first_block_of, partition

PROGRAM = "/test/bin/units-steps"  # of the test image; nothing reads it but the test


def events(gateway, kind):
    rows = gateway.call("GET", "/api/anchorhold/events?last=1000").json()
    return [row for row in rows if row["kind"] == kind]


def wait_boot(gateway, name, not_boot, timeout=240):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        node = gateway.node(name)
        if node["state"] == "ready" and node["boot_id"] != not_boot:
            return node["boot_id"]
        time.sleep(0.3)
    raise TimeoutError(f"{name} did not come back: {gateway.node(name)}")


def wait_events(gateway, kind, count, timeout=60):
    deadline = time.monotonic() + timeout
    while len(events(gateway, kind)) < count and time.monotonic() < deadline:
        time.sleep(0.2)
    return events(gateway, kind)


def last_breath(inside, command):
    """A command after which nobody answers."""
    try:
        inside.run(command, timeout=5, check=False)
    except (OSError, TimeoutError):
        pass
    inside.close()


def test_a_panic(fresh, tmp_path):
    """By a real cause: a bit of the root changes under the running node, and is noticed."""
    node = fresh.boot("martyr", options=("--reboot", "on"))
    boot = fresh.gateway.node("martyr")["boot_id"]
    assert node.inside.run("ls /sys/fs/pstore") == ""
    mount = next(line for line in node.inside.run("cat /proc/mounts").splitlines()
                 if " /sys/fs/pstore " in line)
    assert {"nosuid", "nodev", "noexec"} <= set(mount.split()[3].split(","))
    at = partition(node.disk, "slot-a") + first_block_of(PROGRAM, tmp_path, TEST_IMAGE) + 64
    with open(node.disk, "r+b") as disk:
        disk.seek(at)
        byte = disk.read(1)[0]
        disk.seek(at)
        disk.write(bytes([byte ^ 1]))
    last_breath(node.inside, f"echo 3 >/proc/sys/vm/drop_caches; cat {PROGRAM} >/dev/null")
    after = wait_boot(fresh.gateway, "martyr", boot)
    crash = wait_events(fresh.gateway, "kernel.crash", 1)
    assert [e["text"] for e in crash] == ["Kernel panic - not syncing: dm-verity device corrupted"]
    assert crash[0]["boot_id"] == after and crash[0]["kernel"] == ""
    words = [e["text"] for e in events(fresh.gateway, "kernel.words")]
    assert any("is corrupted" in text for text in words), words
    assert any(text.startswith("CPU: ") for text in words), words
    # What it had was taken: it is told once, by however many monitors.
    assert node.inside.run("ls /sys/fs/pstore") == ""
    node.inside.run("kill -9 $(cat /sys/fs/cgroup/hostd/monitor/cgroup.procs)")
    time.sleep(5)
    fresh.gateway.wait_node("martyr", timeout=180)
    assert len(events(fresh.gateway, "kernel.crash")) == 1


def test_a_hang(fresh):
    """init stops: the watchdog is not fed, and panics."""
    node = fresh.boot("sleeper", options=("--reboot", "on"))
    boot = fresh.gateway.node("sleeper")["boot_id"]
    assert node.inside.run("cat /proc/1/comm").strip() == "init"
    last_breath(node.inside, "echo 1 >/sys/fs/cgroup/init/cgroup.freeze")
    wait_boot(fresh.gateway, "sleeper", boot)
    crash = wait_events(fresh.gateway, "kernel.crash", 1)
    assert [e["text"] for e in crash] == \
        ["Kernel panic - not syncing: Software Watchdog Timer expired"]
