# SPDX-License-Identifier: Apache-2.0
"""The link, a relay, the monitor and hostd as a whole are killed while kernels print.

Kernels live; each line is delivered once and in order, a relay's death is told in the notebook where
it cost lines; each request is answered or reported as failed, and carried out at most once; when all
kernels were stopped the node is as it was.
"""

import time

import pytest

from lib.cells import census
from lib.client import start_kernel, stop_kernel
from lib.deaths import KILLS, Printer, monitor, wait_well


@pytest.fixture(scope="module")
def before(cluster):
    """The node with nothing on it, and once used: what a first kernel makes stays."""
    stop_kernel(cluster.gateway, start_kernel(cluster.gateway, "lua"))
    time.sleep(2)
    return everything(cluster.nodes["node-1"].inside)


def everything(inside):
    return {**census(inside), "kept": inside.run("ls /proc/1/fd | wc -l")}


def settled(inside, before):
    deadline = time.monotonic() + 60
    while (now := everything(inside)) != before and time.monotonic() < deadline:
        time.sleep(1)
    return now


@pytest.mark.parametrize("victim", KILLS)
def test_a_death(gateway, inside, before, victim):
    printers = [Printer(gateway, inside).start()]
    killed = monitor(inside)
    time.sleep(1)
    KILLS[victim](inside, printers)
    wait_well(inside)
    time.sleep(5)
    printers[0].finish()
    assert printers[0].check() == []
    assert len(printers[0].executions) > 2
    assert (monitor(inside) == killed) == (victim in ("link", "relay"))
    for printer in printers:
        printer.stop()
    assert settled(inside, before) == before
