# SPDX-License-Identifier: Apache-2.0
"""A node's processes are killed while kernels print: what each of them printed, and what it lost.

A printer executes one cell after another, each of LINES lines. Lines carry the number the client gave
the cell and how many cells the kernel has carried out, so that a line twice, a line missing, a cell
executed twice and one never answered can each be told.
"""

import re
import threading
import time

from lib.cells import Cell
from lib.lines import Client

LINES = 40
CODE = ("n = (n or 0) + 1 for i = 1, {lines} do print('line {number} ' .. n .. ' ' .. i) "
        "local t = os.clock() while os.clock() - t < 0.02 do end end")
PROCS = "cat /sys/fs/cgroup/{}/cgroup.procs"
LINE = re.compile(r"line (\d+) (\d+) (\d+)$")
GAP = re.compile(r"\[anchorhold: .*")


class Execution:
    def __init__(self, number, connections):
        self.number, self.began, self.ended = number, time.monotonic(), None
        self.connections, self.status, self.error = connections, None, None
        self.lines, self.counts = [], set()


class Printer:
    """A kernel that prints without a pause, and a client that reads it all and comes again."""

    def __init__(self, gateway, inside, environment="lua"):
        self.cell = Cell(gateway, inside, environment)
        self.client = Client(gateway, self.cell.id)
        self.executions, self.relay_kills = [], []
        self.ending = threading.Event()
        self.first_pid = None

    def once(self, timeout=240):
        execution = Execution(len(self.executions) + 1, self.client.connections)
        self.executions.append(execution)
        try:
            code = CODE.format(lines=LINES, number=execution.number)
            execution.status = self.client.answer(self.client.execute(code), timeout)
        except Exception as error:  # told by check()
            execution.error = repr(error)
            time.sleep(1)
        execution.ended = time.monotonic()
        return execution

    def start(self):
        assert self.once().status == "ok"
        self.first_pid = self.cell.pids()[0]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self):
        while not self.ending.is_set():
            self.once()

    def finish(self):
        self.ending.set()
        self.thread.join(300)
        assert not self.thread.is_alive(), "an execution was never answered"

    def stop(self):
        self.client.close()
        self.cell.stop()

    def _sort_lines(self):
        for line in self.client.lines():
            found = LINE.match(line)
            if found:
                execution = self.executions[int(found[1]) - 1]
                execution.counts.add(int(found[2]))
                execution.lines.append(int(found[3]))

    def _check_one(self, execution, last):
        """Faults of one; `last` is how many the kernel had carried out before it."""
        name = f"execution {execution.number}"
        # A new relay needs a moment: what it cost may fall into the next execution.
        hurt = any(execution.began - 60 < at < execution.ended for at in self.relay_kills)
        if execution.error and execution.connections == self.client.connections:
            yield f"{name}: neither answered nor its connection closed: {execution.error}"
        if len(execution.counts) > 1 or any(count <= last for count in execution.counts):
            yield f"{name}: carried out twice: {execution.counts} after {last}"
        if execution.lines != sorted(set(execution.lines)):
            yield f"{name}: not once and in order: {execution.lines}"
        elif execution.status == "ok" and len(execution.lines) != LINES and not hurt:
            yield f"{name}: lines are missing: {execution.lines}"

    def check(self):
        """What is wrong, in words; nothing is."""
        self._sort_lines()
        faults, last = [], 0
        for execution in self.executions:
            faults += self._check_one(execution, last)
            last = max([last, *execution.counts])
            if last > execution.number:
                faults.append(f"execution {execution.number}: the kernel carried out {last}")
        if self.cell.pids()[:1] != [self.first_pid]:
            faults.append(f"another process: {self.cell.pids()} and not {self.first_pid}")
        missing = sum(LINES - len(e.lines) for e in self.executions if e.status == "ok")
        if missing and not any(GAP.match(line) for line in self.client.lines()):
            faults.append(f"{missing} lines are missing, and nobody was told")
        if self.client.repeats and self.client.connections == 1:
            faults.append(f"{self.client.repeats} messages came twice over one connection")
        return faults

    def failed(self):
        return [e.status for e in self.executions if e.status != "ok"]


# ---- who is killed ----

def pids(inside, group):
    return [int(pid) for pid in inside.run(PROCS.format(group)).split()]


def monitor(inside):
    return pids(inside, "hostd/monitor")[:1]


def kill(inside, victims):
    inside.run(f"kill -9 {' '.join(map(str, victims))}")


def kill_link(inside, printers):
    kill(inside, pids(inside, "hostd/link"))


def kill_monitor(inside, printers):
    kill(inside, monitor(inside))


def kill_relay(inside, printers):
    """The relay of the first: who calls says whose turn it is."""
    printers[0].relay_kills.append(time.monotonic())
    kill(inside, printers[0].cell.pids("relay"))


def kill_hostd(inside, printers):
    """All of it at one moment, relays included."""
    now = time.monotonic()
    victims = monitor(inside) + pids(inside, "hostd/link")
    for printer in printers:
        printer.relay_kills.append(now)
        victims += printer.cell.pids("relay")
    kill(inside, victims)


KILLS = {"link": kill_link, "relay": kill_relay, "monitor": kill_monitor, "hostd": kill_hostd}


def wait_well(inside, timeout=120):
    """Monitor and link run."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        code, text = inside.run("cat /sys/fs/cgroup/hostd/monitor/cgroup.procs; echo; "
                                "cat /sys/fs/cgroup/hostd/link/cgroup.procs", check=False)
        if code == 0 and all(part.strip() for part in text.split("\n\n", 1)) and "\n\n" in text:
            return
        time.sleep(0.2)
    raise TimeoutError("hostd is not there again")
