# SPDX-License-Identifier: Apache-2.0
"""What one cell can do against its node and its neighbours, and what each attempt runs into.

Used by tests/attack, which asks that the neighbour is answered and that nothing is left, and by
the bench, which measures how long the neighbour waits (measure_beside).
"""

import errno
import re
import statistics
import time

from lib.cells import Cell, Neighbour
from lib.client import text_of
from lib.projects import new_project

MEMORY_MIB, PIDS, DESCRIPTORS = 64, 128, 4096
KNOBS = {"KERNEL_MEMORY": f"{MEMORY_MIB}M"}


class Attack:
    """`code` is run by a hostile kernel of `environment`; `limit` is what has to stop it.

    limit(cell, answer, seen) asserts that this limit, and no accident, was met; `answer` is what
    the code printed, or None where the kernel died of it, `seen` the cell's counters at the end.
    reached(seen): of what goes on in the background, whether it has got there.
    """

    def __init__(self, name, code, limit, dies=False, reached=None, environment="lua-hostile",
                 knobs=None, project=None):
        self.name, self.code, self.limit = name, code, limit
        self.project = project  # settings of a project of its own
        self.knobs = {**KNOBS, **(knobs or {})}
        self.dies, self.reached, self.environment = dies, reached, environment

    def __repr__(self):
        return self.name

    @property
    def memory_mib(self):
        return int(self.knobs["KERNEL_MEMORY"].rstrip("M"))


def take(kind, count, path=""):
    return f"print(hostile.take('{kind}', {count}{', ' + repr(path) if path else ''}))"


def taken(answer):
    """How many came about, and the error that ended it (0: none did)."""
    made, _, number = answer.split("\t")
    return int(made), int(number)


def refused_by_filter(cell, answer, seen):
    assert taken(answer) == (0, errno.EPERM)


def at_processes(cell, answer, seen):
    made, why = taken(answer)
    assert why == errno.EAGAIN
    # The rest are cell-init and the kernel's own threads.
    assert PIDS - 16 <= made < PIDS
    assert seen["pids.current"] == PIDS and seen["pids.events max"] > 0


def at_bomb(cell, answer, seen):
    assert seen["pids.current"] >= PIDS - 8 and seen["pids.events max"] > 0


def at_descriptors(cell, answer, seen):
    made, why = taken(answer)
    assert why == errno.EMFILE
    assert made > 1000
    assert DESCRIPTORS - 8 <= seen["descriptors"] <= DESCRIPTORS


def at_inflight(cell, answer, seen):
    made, why = taken(answer)
    assert why == errno.ETOOMANYREFS
    assert DESCRIPTORS - 8 <= made <= DESCRIPTORS + 8


def at_mappings(cell, answer, seen):
    made, why = taken(answer)
    assert why == errno.ENOMEM and 60000 < made <= 65530


def at_space(cell, answer, seen):
    made, why = taken(answer)
    assert why == errno.ENOSPC and made == MEMORY_MIB // 2


def at_workspace(cell, answer, seen):
    """The project's quota: told to the user and to the backend."""
    made, why = taken(answer)
    assert why in (errno.EDQUOT, errno.ENOSPC) and WORKSPACE_MIB - 2 <= made <= WORKSPACE_MIB
    deadline = time.monotonic() + 60
    while not seen["events"] and time.monotonic() < deadline:
        time.sleep(0.2)
        seen["events"] = events_of(cell.gateway, cell.id)
    assert [event for event in seen["events"] if event["kind"] == "limit.workspace"]


def at_files(cell, answer, seen):
    made, why = taken(answer)
    assert why == errno.ENOSPC
    assert made == MEMORY_MIB // 2 * 1024 // 16 - 1  # an inode a 16 KiB, and the folder's own


def at_memory(cell, answer, seen):
    """Killed, all of it at once, and the user is told why."""
    assert answer is None
    assert re.search(r"memory", seen["told"])
    assert [event for event in seen["events"] if event["kind"] == "limit.memory"]


def at_memory_or_stalled(cell, answer, seen):
    """Where pages of libraries can be let go, a cell may stand still rather than die."""
    assert answer is None
    assert re.search(r"memory", seen["told"])
    assert {event["kind"] for event in seen["events"]} & {"limit.memory", "limit.stalled"}


def at_reclaim(cell, answer, seen):
    """Never refused, but the cell's own memory is what it is taken from."""
    made, why = taken(answer)
    assert why == 0 and made == ABSENT
    assert seen["memory.events high"] + seen["memory.events max"] > 0
    assert seen["memory.peak"] <= seen["memory.max"] == SMALL_MIB << 20


def at_cpu(cell, answer, seen):
    assert seen["cpu.stat nr_throttled"] > 5
    assert 0.1 < seen["cpu share"] < 0.4


def at_flood(cell, answer, seen):
    sent = int(answer.splitlines()[-1])
    assert seen["displayed"] == sent, "a message was lost, or was there twice"
    assert seen["relay memory.peak"] < seen["relay memory.max"]
    assert seen["relay oom"] == 0


def at_small(cell, answer, seen):
    at_flood(cell, answer, seen)
    assert seen["displayed"] == 10000


ABSENT, SMALL_MIB = 70000, 24  # a name of 200 bytes that is not there costs about 450
FLOOD_MIB, WORKSPACE_MIB = 8, 16

ATTACKS = [
    Attack("processes", take("child", 10000), at_processes),
    Attack("fork bomb", "hostile.fork_bomb()", at_bomb,
           reached=lambda seen: seen["pids.events max"] > 0),
    Attack("threads", take("thread", 10000), at_processes),
    Attack("memory", "hostile.memory(10000)", at_memory, dies=True),
    Attack("tmpfs", take("space", 10000, "/home/user/x"), at_space),
    Attack("tmpfs, all of them", " ".join(
        take("space", 10000, path) for path in ("/home/user/x", "/tmp/x", "/dev/shm/x")),
        at_memory, dies=True),
    Attack("workspace", take("space", 10000, "/work/x"), at_workspace,
           project={"workspace": "write", "workspace_mib": WORKSPACE_MIB}),
    Attack("memfd", take("memfd", 10000), refused_by_filter),
    Attack("memfd, allowed", "import os\nkept = []\nwhile True:\n"
           " kept.append(os.memfd_create('m')); os.write(kept[-1], bytes(1 << 20))",
           at_memory_or_stalled, dies=True, environment="python", knobs={"KERNEL_MEMORY": "160M"}),
    Attack("pipes", take("pipe", 10000), at_memory, dies=True),
    Attack("sockets", take("socket", 10000), at_memory, dies=True),
    Attack("descriptors", take("descriptor", 100000, "/etc/passwd"), at_descriptors),
    Attack("descriptors under way", take("inflight", 100000, "/etc/passwd"), at_inflight),
    Attack("inotify", take("inotify", 100000, "/tmp"), refused_by_filter),
    Attack("epoll", take("epoll", 100000), at_descriptors),
    Attack("eventfd", take("eventfd", 100000), at_descriptors),
    Attack("timers", take("timer", 100000), refused_by_filter),
    Attack("timerfd", take("timerfd", 100000), refused_by_filter),
    Attack("mappings", take("map", 1000000), at_mappings),
    Attack("files", take("file", 1000000, "/tmp"), at_files),
    Attack("dentries", take("absent", ABSENT, "/usr"), at_reclaim,
           knobs={"KERNEL_MEMORY": f"{SMALL_MIB}M"}),
    Attack("output flood", f"hostile.flood({FLOOD_MIB * 16}, 65536) print({FLOOD_MIB * 16})",
           at_flood),
    Attack("small messages", "hostile.flood(10000, 16) print(10000)", at_small),
    Attack("busy loop", "hostile.spin(8)", at_cpu,
           knobs={"KERNEL_CPUS": "0.3"}, reached=lambda seen: seen["cpu.stat nr_throttled"] > 5),
    Attack("all at once", "hostile.spin(2) hostile.take('descriptor', 500, '/etc/passwd') "
           "hostile.take('epoll', 200) hostile.take('pipe', 8) hostile.take('lock', 500, "
           "'/tmp/lock') hostile.take('space', 8, '/tmp/x') hostile.take('absent', 1000, '/usr') "
           "hostile.take('thread', 10) hostile.take('child', 10) hostile.flood(200, 100) "
           "hostile.memory(10000)", at_memory, dies=True),
]


def named(name):
    return next(attack for attack in ATTACKS if attack.name == name)


def counters(cell):
    """Of the cell and its relay while they are there: one look."""
    seen = {}
    for name in ("pids.current", "memory.peak", "memory.max", "memory.current"):
        value = cell.read(name).strip()
        seen[name] = int(value) if value.isdigit() else 0
    for name in ("pids.events", "memory.events", "cpu.stat"):
        seen.update({f"{name} {key}": value for key, value in cell.fields(name).items()})
    seen["relay memory.peak"] = cell.number("memory.peak", "relay")
    seen["relay memory.max"] = cell.number("memory.max", "relay")
    seen["relay oom"] = cell.fields("memory.events", "relay")["oom_kill"]
    kernel = [pid for pid in cell.pids()][1]
    seen["descriptors"] = int(cell.inside.run(f"ls /proc/{kernel}/fd | wc -l"))
    return seen


def events_of(gateway, kernel):
    return [event for event in gateway.call("GET", "/api/anchorhold/events?last=100").json()
            if event.get("kernel") == kernel]


def cell_for(attack, gateway, inside):
    """A new cell for the attack, in a project of its own where it wants one."""
    project = new_project(gateway, "attacker", **attack.project) if attack.project else None
    return Cell(gateway, inside, attack.environment, project, **attack.knobs)


def run(attack, cell, settle=2.0):
    """Carries it out; (what it printed, None where it died, counters)."""
    began = cell.fields("cpu.stat")["usage_usec"] if attack.reached else 0
    started = time.monotonic()
    reply, outputs = cell.execute(attack.code, timeout=300)
    told = str(reply["content"]) + text_of(outputs)
    if attack.dies:
        assert reply["content"]["status"] == "error", (attack, reply["content"])
        deadline = time.monotonic() + 20
        while not events_of(cell.gateway, cell.id) and time.monotonic() < deadline:
            time.sleep(0.2)
        return None, {"told": told, "events": events_of(cell.gateway, cell.id)}
    assert reply["content"]["status"] == "ok", (attack, reply["content"])
    if attack.reached:
        time.sleep(settle)
        deadline = time.monotonic() + 60
        while not attack.reached(counters(cell)) and time.monotonic() < deadline:
            time.sleep(0.2)
    seen = counters(cell)
    if attack.reached:
        used = seen["cpu.stat usage_usec"] - began
        seen["cpu share"] = used / 1e6 / (time.monotonic() - started)
    seen["events"] = events_of(cell.gateway, cell.id)
    seen["displayed"] = sum(message["header"]["msg_type"] == "display_data" for message in outputs)
    streams = [message["content"]["text"] for message in outputs
               if message["header"]["msg_type"] == "stream"]
    return "".join(streams).strip(), seen


def answered(neighbour, number, at_least):
    """The latencies of the last answers; each of them has to have come."""
    assert not neighbour.faults, neighbour.faults
    assert number >= at_least, f"the neighbour had {number} answers, of {at_least} wanted"
    return neighbour.latencies[-number:]


def measure_alone(neighbour, count=100):
    """Seconds that a quiet kernel waits for each answer."""
    for _ in range(count):
        neighbour.once()
        time.sleep(neighbour.pause)
    return answered(neighbour, count, count)


def measure_beside(neighbour, attack, gateway, inside, count=100, seconds=60, at_least=30):
    """The same while an attack goes on, which is made again in a new cell once it is over.

    It takes `seconds` and the making of cells; fewer answers than at_least are no measurement.
    """
    number, left = 0, seconds
    while number < count and left > 0 and not neighbour.faults:
        with cell_for(attack, gateway, inside) as cell:
            cell.execute("1")
            over, began = cell.start(attack.code), time.monotonic()
            # What goes on in the background does so after its answer.
            while (attack.reached or not over.done()) and not neighbour.faults and \
                    number < count and time.monotonic() - began < left:
                neighbour.once()
                time.sleep(neighbour.pause)
                number += 1
            left -= time.monotonic() - began
    return answered(neighbour, number, at_least)


def percentiles(latencies):
    """p50 and p99."""
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return cuts[49], cuts[98]
