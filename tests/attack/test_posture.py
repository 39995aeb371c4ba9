# SPDX-License-Identifier: Apache-2.0
"""A live kernel as its node sees it: every field of /proc against lib/posture_rows.py."""

import copy

import pytest

from lib import posture, posture_roles, posture_rows as rows
from lib.cells import Cell
from lib.projects import new_project

# Threads, children, open files, pipes, sockets, timers, mappings of its own.
WORK = {
    "lua-hostile": "for _, kind in ipairs{'thread', 'pipe', 'socket', 'eventfd', 'epoll', 'map'} do "
                   "hostile.take(kind, 3) end "
                   "hostile.take('descriptor', 2, '/etc/passwd') "
                   "hostile.take('space', 1, '/home/user/x') hostile.take('space', 1, '/tmp/x') "
                   "hostile.take('space', 1, '/dev/shm/x') hostile.take('child', 3)",
    "python": "import threading, subprocess, time, mmap, multiprocessing.shared_memory as shm, os\n"
              "threads = [threading.Thread(target=time.sleep, args=(600,), daemon=True) "
              "for _ in range(3)]\n"
              "for thread in threads: thread.start()\n"
              "child = subprocess.Popen(['sleep', '600'])\n"
              "piped = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
              "terminal = os.openpty()\n"
              "shared = shm.SharedMemory(create=True, size=65536)\n"
              "kept = [open('/home/user/x', 'w'), open('/tmp/x', 'w'), open('/etc/passwd')]",
}
WORK_PROCESSES = {"lua-hostile": 3, "python": 3}  # Python: its resource tracker too
WORK_THREADS = 3


def look(inside, cell, environment, network="loopback"):
    """Every process of the cell compared; what differs, and the number of threads of each."""
    snaps, facts = posture.facts_of(inside, cell, environment)
    first = min(snaps)
    assert len(facts["exit"]) == 1, "one pipe leads out of the cell: the exit's number"
    assert posture.inodes(snaps[first], "pipe") == facts["exit"]
    wrong = []
    for pid, snap in snaps.items():
        kind = "cell-init" if pid == first else "kernel"
        wrong += posture.compare(snap, kind, facts, network)
    threads = {pid: sum(str(name).endswith("/status") for name in snap) for pid, snap in snaps.items()}
    return "\n".join(wrong), threads, snaps, facts


@pytest.mark.parametrize("environment", ["lua-hostile", "python"])
def test_every_field_of_a_live_kernel(gateway, inside, environment):
    with Cell(gateway, inside, environment) as cell:
        cell.say("print(1)")
        wrong, before, _, facts = look(inside, cell, environment)
        assert wrong == ""
        assert 1000000 <= int(facts["uid"]) < 1004096
        assert len(before) == 2  # cell-init and the kernel
        cell.say(WORK[environment])
        wrong, after, _, _ = look(inside, cell, environment)
        assert wrong == ""
        # It was looked at in the midst of the work.
        assert len(after) == len(before) + WORK_PROCESSES[environment]
        kernel = max(before)
        assert after[kernel] >= before[kernel] + WORK_THREADS
        # A restart makes the same anew.
        assert cell.restart() == 200
        cell.disconnect()
        cell.say("print(1)")
        wrong, again, _, _ = look(inside, cell, environment)
        assert wrong == ""
        assert len(again) == 2


def test_a_workspace_is_one_mount_more(gateway, inside):
    project = new_project(gateway, "posture", workspace="write")
    with Cell(gateway, inside, project=project) as cell:
        cell.say("print(1)")
        wrong, _, snaps, _ = look(inside, cell, "lua-hostile")
        assert wrong == ""
        assert "/work" in posture.mounts_of(snaps[min(snaps)]["mountinfo"])


def test_two_kernels_share_nothing(gateway, inside):
    """Of one project and environment, even: no namespace, uid, pipe, socket or writable mount."""
    with Cell(gateway, inside) as one, Cell(gateway, inside) as other:
        one.say(WORK["lua-hostile"])
        other.say(WORK["lua-hostile"])
        looks = [look(inside, cell, "lua-hostile") for cell in (one, other)]
        snaps, facts = [found[2] for found in looks], [found[3] for found in looks]
        assert facts[0]["uid"] != facts[1]["uid"]
        for name, (kind, _) in rows.NS.items():
            if kind == "own":
                assert facts[0]["own_ns"][name] != facts[1]["own_ns"][name], name
        for kind in ("pipe", "socket"):
            numbers = [{n for snap in found.values() for n in posture.inodes(snap, kind)}
                       for found in snaps]
            assert numbers[0] and numbers[1] and not numbers[0] & numbers[1], kind
        devices = [{line.split()[2]: line.split()[4] for line in found[min(found)]["mountinfo"]}
                   for found in snaps]
        shared = {devices[0][device] for device in devices[0].keys() & devices[1].keys()}
        # The environment's read-only pages, and the stand-ins that nobody may open.
        assert all(point == "/" or point.startswith("/proc/") for point in shared), shared


LOOKS = 5  # the monitor opens /proc and counters for a moment: it does not hold them


def look_at_roles(inside, cell=None):
    """Every process of the node outside of cells: what is not as posture_roles.py says, and how many
    sockets each has."""
    pids = {"init": 1, **{role: int(inside.run(f"cat /sys/fs/cgroup/hostd/{role}/cgroup.procs"))
                          for role in ("monitor", "link")}}
    facts = {"uid": "901", "cell": "", "id": "", "node_ns": posture.node_ns(inside)}
    if cell:
        (pids["relay"],) = cell.pids("relay")
        first = posture.status_of(inside.run(f"cat /proc/{cell.pids()[0]}/status").splitlines())
        facts.update(cell=first["Uid"].split()[0], id=cell.id)
    wrong, sockets, own = [], {}, []
    for role, pid in pids.items():
        if role == "relay":
            facts["uid"] = str(int(facts["cell"]) - 1000000 + 20000)
        parent = {"init": 0, "monitor": 1}.get(role, pids["monitor"])
        for _ in range(LOOKS):
            snap = posture.snapshot(inside, pid)
            differs = posture_roles.compare(snap, role, dict(facts, parent=parent))
            if not differs:
                break
        wrong += differs
        sockets[role] = len(posture.inodes(snap, "socket"))
        own += [snap["links ns"][name] for name in posture_roles.OWN_NS[role]]
        # One is not taken for another.
        for other in pids.keys() - {role}:
            missed = posture_roles.compare(snap, other, dict(facts, parent=parent))
            assert any(" exe: " in line or " cgroup: " in line for line in missed), (role, other)
    assert len(own) == len(set(own)), "each has its own"
    return wrong, sockets


def test_every_field_of_every_role(gateway, inside):
    wrong, idle = look_at_roles(inside)
    assert wrong == []
    with Cell(gateway, inside) as cell:
        cell.say("print(1)")
        wrong, sockets = look_at_roles(inside, cell)
        assert wrong == []
        assert sockets["link"] == idle["link"] + 1  # the stream of its relay
        assert sockets["relay"] == 7  # the monitor, the link, and the kernel's five
        cell.say(WORK["lua-hostile"])
        assert cell.restart() == 200
        cell.disconnect()
        cell.say("print(1)")
        assert look_at_roles(inside, cell)[0] == []
    wrong, after = look_at_roles(inside)
    assert wrong == []
    assert after["link"] == idle["link"]


def test_no_row_of_a_role_is_decoration(inside):
    """Each row of the link's taken away is missed, and what is not known of it is told."""
    link = int(inside.run("cat /sys/fs/cgroup/hostd/link/cgroup.procs"))
    monitor = int(inside.run("cat /sys/fs/cgroup/hostd/monitor/cgroup.procs"))
    facts = {"uid": "901", "cell": "", "id": "", "parent": monitor,
             "node_ns": posture.node_ns(inside)}
    snap = posture.snapshot(inside, link)
    assert posture_roles.compare(snap, "link", facts) == []
    assert posture_roles.decoration(snap, "link", facts) == []
    spoiled = dict(snap, **{"links fd": {**snap["links fd"], "99": "/dev/kmsg"},
                            "environ": snap["environ"] + ["SECRET=x"],
                            "names .": snap["names ."] + ["new"]})
    assert len(posture_roles.compare(spoiled, "link", facts)) == 3


def test_a_process_outside_is_told_from_one_inside(gateway, inside):
    """The same comparison of a root shell on the node: every wall is missed by its name."""
    with Cell(gateway, inside) as cell:
        cell.say("print(1)")
        _, _, _, facts = look(inside, cell, "lua-hostile")
        agent = int(inside.run("pidof agent").split()[0])
        wrong = posture.compare(posture.snapshot(inside, agent), "kernel", facts)
        for field in ("Uid", "Gid", "NSpid", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp",
                      "Seccomp_filters", "SigQ", "limits Max open files", "limits Max processes",
                      "limits Max core file size", "uid_map", "gid_map", "setgroups", "cgroup",
                      "oom_score_adj", "mount /state", "mount /sys/fs/cgroup", "mount /tmp",
                      "net/dev", "fd ", "exe", *(f"ns {name}" for name, (kind, _) in rows.NS.items()
                                                 if kind == "own")):
            assert any(f" {field}" in line for line in wrong), (field, wrong)


TABLES = ["STATUS", "LIMITS", "VALUES", "ATTR", "STAT", "NS", "LINKS", "MOUNTS"]


def test_no_row_is_decoration(gateway, inside, monkeypatch):
    """Each row changed, and each taken away, is missed in a kernel that is as it should be."""
    with Cell(gateway, inside) as cell:
        cell.say("print(1)")
        wrong, _, snaps, facts = look(inside, cell, "lua-hostile")
    assert wrong == ""
    snap, facts = snaps[max(snaps)], copy.deepcopy(facts)
    for table in TABLES:
        original = getattr(rows, table)
        for name, row in original.items():
            if table not in ("STAT", "LINKS", "VALUES"):  # those are looked up, not listed
                monkeypatch.setattr(rows, table, {k: v for k, v in original.items() if k != name})
                assert posture.compare(snap, "kernel", facts), f"{table} without {name}"
            other = "node" if row[0] == "own" else "own" if table == "NS" else "never this"
            monkeypatch.setattr(rows, table, {**original, name: (other, *row[1:])})
            if table == "LIMITS":
                monkeypatch.setattr(rows, table, {**original, name: ("never", "never", "")})
            assert posture.compare(snap, "kernel", facts), f"{table}: {name} changed"
        monkeypatch.setattr(rows, table, original)
    for name in set(snap["names ."]):
        monkeypatch.setattr(rows, "ENTRIES", {k: v for k, v in rows.ENTRIES.items() if k != name})
        assert any(f"/proc/PID/{name} " in line for line in posture.compare(snap, "kernel", facts))
        monkeypatch.undo()
    spoiled = dict(snap, **{"links fd": {**snap["links fd"], "99": "/dev/kmsg"},
                            "maps": snap["maps"] + ["0-1 rwxp 0 00:00 0 "],
                            "environ": snap["environ"] + ["SECRET=x"]})
    assert len(posture.compare(spoiled, "kernel", facts)) == 3
