# SPDX-License-Identifier: Apache-2.0
"""A node's processes are killed while kernels print: what each of them printed, and what it lost.

A printer executes one cell after another, each of LINES lines. Lines carry the number the client gave
the cell and how many cells the kernel has carried out, so that a line twice, a line missing, a cell
executed twice and one never answered can each be told. Where its connection ended, the client asks
for something else over the next one: a kernel takes one after the other, so that what has no answer
when that has one never had any; it is "lost", and its client knows by the connection.
"""

import re
import threading
import time

import websocket

from lib.cells import Cell, census
from lib.lines import Client

LINES = 40
REPEATS_MAX = 250  # after a gateway's death: its last second, at 50 lines a second and a busy machine
CODE = ("n = (n or 0) + 1 for i = 1, {lines} do print('line {number} ' .. n .. ' ' .. i) "
        "local t = os.clock() while os.clock() - t < 0.02 do end end")
PROCS = "cat /sys/fs/cgroup/{}/cgroup.procs"
LINE = re.compile(r"line (\d+) (\d+) (\d+)$")
GAP = re.compile(r"\[anchorhold: .*")


class Execution:
    def __init__(self, number):
        self.number, self.began, self.ended = number, time.monotonic(), None
        self.asked, self.status, self.error = None, None, None
        self.lines, self.counts = [], set()


class Printer:
    """A kernel that prints without a pause, and a client that reads it all and comes again."""

    def __init__(self, gateway, inside, environment="lua"):
        self.cell = Cell(gateway, inside, environment)
        self.client = Client(gateway, self.cell.id)
        self.executions, self.relay_kills, self.gateway_kills = [], [], 0
        self.ending = threading.Event()
        self.first_pid = None

    def ask(self, code):
        """The request's number; None: the connection ended under it."""
        try:
            return self.client.execute(code)
        except TimeoutError:
            raise
        except (OSError, websocket.WebSocketException):
            return None

    def answer(self, asked, connection, timeout):
        """What became of it; "lost" only where its connection was."""
        client = self.client
        client.wait(lambda: asked in client.answers or client.connections > connection, timeout,
                    f"no answer to {asked}")
        while asked not in client.answers:
            connection = client.connections
            later = self.ask("")
            client.wait(lambda: later in client.answers or client.connections > connection,
                        timeout, f"no answer to {later}, which came after {asked}")
            if client.answers.get(later, [{}])[0].get("status") == "ok":
                break
        return client.answer(asked) if asked in client.answers else "lost"

    def once(self, timeout=240):
        execution = Execution(len(self.executions) + 1)
        self.executions.append(execution)
        connection = self.client.connections
        try:
            execution.asked = self.ask(CODE.format(lines=LINES, number=execution.number))
            execution.status = self.answer(execution.asked, connection, timeout)
        except TimeoutError as error:  # told by check()
            execution.error = repr(error)
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
        """The numbers of the executions, in the order in which their lines came."""
        came = []
        for line in self.client.lines():
            found = LINE.match(line)
            if found:
                execution = self.executions[int(found[1]) - 1]
                execution.counts.add(int(found[2]))
                execution.lines.append(int(found[3]))
                came.append(execution.number)
        return came

    def _check_one(self, execution, last):
        """Faults of one; `last` is how many the kernel had carried out before it."""
        name = f"execution {execution.number}"
        # A new relay needs a moment: what it cost may fall into the next execution.
        hurt = any(execution.began - 60 < at < execution.ended for at in self.relay_kills)
        if execution.error:
            yield f"{name}: neither answered nor its connection closed: {execution.error}"
        if len(self.client.replies.get(execution.asked, ())) > 1:
            yield f"{name}: answered twice: {self.client.answers[execution.asked]}"
        if len(execution.counts) > 1 or any(count <= last for count in execution.counts):
            yield f"{name}: carried out twice: {execution.counts} after {last}"
        if execution.lines != sorted(set(execution.lines)):
            yield f"{name}: not once and in order: {execution.lines}"
        elif execution.status == "ok" and len(execution.lines) != LINES and not hurt:
            yield f"{name}: lines are missing: {execution.lines}"
        if execution.lines and execution.status == "lost" and not hurt:
            yield f"{name}: carried out, and its answer did not come"

    def check(self):
        """What is wrong, in words; nothing is."""
        came = self._sort_lines()
        faults, last = [], 0
        if came != sorted(came):
            faults.append("an execution's lines came after those of a later one")
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
        if self.client.repeats > self.gateway_kills * REPEATS_MAX:
            faults.append(f"{self.client.repeats} messages came twice, the gateway died "
                          f"{self.gateway_kills} times")
        return faults

    def failed(self):
        return [e.status for e in self.executions if e.status != "ok"]


# ---- who is killed ----

def pids(inside, group):
    return [int(pid) for pid in inside.run(PROCS.format(group)).split()]


def monitor(inside):
    return pids(inside, "hostd/monitor")[:1]


def kill(inside, victims):
    """False: one of them was not there any more, or there was none."""
    return bool(victims) and inside.run(f"kill -9 {' '.join(map(str, victims))}",
                                        check=False)[0] == 0


def kill_link(inside, printers):
    return kill(inside, pids(inside, "hostd/link"))


def kill_monitor(inside, printers):
    return kill(inside, monitor(inside))


def kill_relay(inside, printers):
    """The relay of the first: who calls says whose turn it is."""
    printers[0].relay_kills.append(time.monotonic())
    return kill(inside, printers[0].cell.pids("relay"))


def kill_hostd(inside, printers):
    """All of it at one moment, relays included."""
    now = time.monotonic()
    victims = monitor(inside) + pids(inside, "hostd/link")
    for printer in printers:
        printer.relay_kills.append(now)
        victims += printer.cell.pids("relay")
    return kill(inside, victims)


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


# ---- what is left ----

def everything(inside):
    return {**census(inside), "kept": inside.run("ls /proc/1/fd | wc -l")}


def settled(inside, before):
    """All of it once it is as before, or what it is a minute later."""
    deadline = time.monotonic() + 60
    while (now := everything(inside)) != before and time.monotonic() < deadline:
        time.sleep(1)
    return now
