# SPDX-License-Identifier: Apache-2.0
"""The link, a relay, the monitor, hostd as a whole and the gateway are killed while kernels print.

Kernels live; each line is delivered once and in order, a relay's death is told in the notebook where
it cost lines; each request is answered or reported as failed, and carried out at most once; when all
kernels were stopped the node is as it was. ANCHORHOLD_SEED repeats a run of the dice, whose moments
are the machine's; ANCHORHOLD_DEATHS says how many.
"""

import os
import random
import time

import pytest

from lib.client import start_kernel, stop_kernel
from lib.deaths import KILLS, Printer, everything, monitor, settled, wait_well
from lib.room import room
from lib.storm import Storm

LONG = int(os.environ.get("ANCHORHOLD_LONG", "1")) > 1
DEATHS = int(os.environ.get("ANCHORHOLD_DEATHS") or (1000 if LONG else 50))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with room(tmp_path_factory.mktemp("deaths")) as made:
        yield made


@pytest.fixture(scope="module")
def before(place):
    """The node with nothing on it, and once used: what a first kernel makes stays."""
    stop_kernel(place.gateway, start_kernel(place.gateway, "lua"))
    time.sleep(2)
    return everything(place.node.inside)


@pytest.mark.parametrize("victim", KILLS)
def test_a_death(place, before, victim):
    inside = place.node.inside
    printers = [Printer(place.gateway, inside).start()]
    killed = monitor(inside)
    time.sleep(1)
    assert KILLS[victim](inside, printers)
    wait_well(inside)
    time.sleep(5)
    printers[0].finish()
    assert printers[0].check() == []
    assert len(printers[0].executions) > 2
    assert (monitor(inside) == killed) == (victim in ("link", "relay"))
    for printer in printers:
        printer.stop()
    assert settled(inside, before) == before


def test_random_deaths(place, before):
    """Of any of them, at any moment, while another has not recovered."""
    seed = int(os.environ.get("ANCHORHOLD_SEED") or random.SystemRandom().randrange(1 << 30))
    inside = place.node.inside
    printers = [Printer(place.gateway, inside).start() for _ in range(2)]
    storm = Storm(random.Random(seed), place, printers)
    while sum(storm.done.values()) < DEATHS:
        storm.once()
    wait_well(inside)
    place.gateway.wait_node("moving")
    for printer in printers:
        printer.finish()
    story = f"ANCHORHOLD_SEED={seed}: {dict(storm.done)}, executions "
    story += str([len(printer.executions) for printer in printers])
    story += f", not answered {[printer.failed() for printer in printers]}"
    story += f", repeats {[printer.client.repeats for printer in printers]}"
    print(story)
    assert [fault for printer in printers for fault in printer.check()] == [], story
    for printer in printers:
        printer.stop()
    assert settled(inside, before) == before, story
