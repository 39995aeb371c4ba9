# SPDX-License-Identifier: Apache-2.0
"""Events wait on the node: until the link is there again, and over a reboot."""

import time


def events(gateway, kind=None):
    rows = gateway.call("GET", "/api/anchorhold/events?last=1000").json()
    return [row for row in rows if kind in (None, row["kind"])]


def wait_event(gateway, wanted, timeout=180):
    """The events for which wanted(event) is true, once there is one."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = [event for event in events(gateway) if wanted(event)]
        if found:
            return found
        time.sleep(0.2)
    raise TimeoutError(f"no such event among {events(gateway)}")


def kill_link(inside):
    """The monitor raises link.lost for each; its number is how often that was."""
    inside.run("kill -9 $(cat /sys/fs/cgroup/hostd/link/cgroup.procs)")


def test_an_event_of_a_cut_and_of_the_boot_before(fresh):
    """Raised while no gateway is there: it comes after the cut, and after a reboot with its own
    boot's id and time; each once, and none that had come before."""
    node = fresh.boot("keeper")
    gateway = fresh.gateway
    kill_link(node.inside)
    first = wait_event(gateway, lambda e: e["kind"] == "link.lost")
    boot = gateway.node("keeper")["boot_id"]
    assert [e["boot_id"] for e in first] == [boot]

    gateway.stop()
    kill_link(node.inside)
    wait_log(node, "link.lost", 2)
    gateway.start()
    gateway.wait_node("keeper", timeout=180)
    wait_event(gateway, lambda e: e["kind"] == "link.lost" and e["seq"] > first[0]["seq"])

    gateway.stop()
    kill_link(node.inside)
    wait_log(node, "link.lost", 3)
    before = node.inside.run("cat /proc/sys/kernel/random/boot_id").strip().replace("-", "")
    assert before == boot
    time.sleep(2)  # it is on the disk within a second: the power is cut without a word
    node.stop()
    node.start()
    gateway.start()
    gateway.wait_node("keeper", timeout=180)
    assert gateway.node("keeper")["boot_id"] != boot
    deadline = time.monotonic() + 60
    while len(events(gateway, "link.lost")) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    lost = events(gateway, "link.lost")
    assert [e["boot_id"] for e in lost] == [boot] * 3, events(gateway)
    assert len({e["seq"] for e in lost}) == 3
    assert lost[0]["time_ms"] < lost[1]["time_ms"] < lost[2]["time_ms"]
    # Acknowledged: another monitor has nothing to tell again.
    node.inside.run("kill -9 $(cat /sys/fs/cgroup/hostd/monitor/cgroup.procs)")
    time.sleep(5)
    gateway.wait_node("keeper", timeout=180)
    assert len(events(gateway, "link.lost")) == 3


def wait_log(node, text, count):
    deadline = time.monotonic() + 120
    command = f"grep -c {text} /run/anchorhold/log"
    while node.inside.run(command, check=False)[1].strip() != str(count):
        assert time.monotonic() < deadline, node.inside.run("cat /run/anchorhold/log")
        time.sleep(0.2)


def test_the_journal_is_the_monitors_alone(inside):
    """Root's, and in no role's or cell's sight; the link has no file at all."""
    mode, owner = inside.run("stat -c '%a %u' /state/events").split()
    assert (mode, owner) == ("600", "0")
    link = inside.run("cat /sys/fs/cgroup/hostd/link/cgroup.procs").split()[0]
    assert inside.run(f"ls -A /proc/{link}/root").split() == []
    held = inside.run(f"ls -l /proc/{link}/fd")
    assert "/state" not in held and "events" not in held, held
