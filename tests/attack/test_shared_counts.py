# SPDX-License-Identifier: Apache-2.0
"""What the kernel counts for a user namespace's owner it counts for all cells together.

The owner of each cell's is the node's root. What a cell's uid has queued is counted there as well,
and refused there by the limit that the monitor had when it made the namespace. (Processes are not:
root's own limit is none to the kernel. inotify is, and a cell has none: tests/attack/probes.)
"""

import contextlib
import errno
import re

from lib.cells import Cell, monitor_pid
from lib.exhaustion import take, taken
from lib.projects import new_project

QUEUED = 1024  # a cell's RLIMIT_SIGPENDING
QUEUE = """
import signal, threading
signal.pthread_sigmask(signal.SIG_BLOCK, {40})
count, error = 0, None
while error is None and count < 10000:
    try:
        signal.pthread_kill(threading.get_ident(), 40)
        count += 1
    except OSError as refused:
        error = refused.errno
print(count, error)
"""


def default(inside):
    """What a user of this node may have by default."""
    return int(inside.run("cat /proc/sys/kernel/threads-max")) // 2


def test_signals_queued_in_one_cell_are_not_anothers(gateway, inside):
    """Two cells with more between them than the monitor would have allowed all of them."""
    assert 2 * (QUEUED - 24) > default(inside)
    with contextlib.ExitStack() as cells:
        for _ in range(2):
            cell = cells.enter_context(Cell(gateway, inside, "python"))
            count, error = map(int, cell.say(QUEUE, 300).split())
            assert error == errno.EAGAIN and QUEUED - 24 <= count <= QUEUED, (count, error)
    limits = inside.run(f"cat /proc/{monitor_pid(inside)}/limits")
    assert re.search(r"^Max pending signals +unlimited +unlimited ", limits, re.M), limits


def test_processes_of_one_cell_are_not_anothers(gateway, inside):
    most = default(inside) // 2 + 200
    project = new_project(gateway, "crowd", pids_max=most)
    with Cell(gateway, inside, project=project) as one, \
            Cell(gateway, inside, project=project) as other:
        for cell in (one, other):
            made, why = taken(cell.say(take("thread", 10000)))
            assert why == errno.EAGAIN and made >= most - 16, (made, why, most)
            assert cell.number("pids.current") == most
