# SPDX-License-Identifier: Apache-2.0
"""The lines of test_line.py before a booted image, whose own stack and timers have to bear them.

An emulated machine may be slow enough to be taken for lost: who was sent away then comes back, and
what was under way is told as lost. Nothing is missing, and nothing is carried out twice.
"""

import os
import re
import subprocess
import time

import pytest

from lib.client import start_kernel, stop_kernel
from lib.lines import Client, numbered
from lib.room import room
from test_line import PROBING, connections

LONG = int(os.environ.get("ANCHORHOLD_LONG", "1")) > 1
LINES, PACE = 600, 0.01
PATIENCE = 300


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with room(tmp_path_factory.mktemp("line")) as made:
        yield made


@pytest.fixture
def client(place):
    kernel = start_kernel(place.gateway, "lua")
    client = Client(place.gateway, kernel)
    yield client
    place.line.heal()
    place.gateway.wait_node("moving")
    client.close()
    stop_kernel(place.gateway, kernel)


def begun(client):
    """It prints; the request for it."""
    asked = client.execute(numbered(1, LINES, seconds=PACE))
    client.until(20, PATIENCE)
    return asked


def silent(client, seconds):
    """Nothing comes for so long, though there is more; a request is made meanwhile."""
    time.sleep(0.5)
    before = len(client.numbers())
    assert before < LINES
    asked = client.execute(f"print({LINES + 1})")
    time.sleep(seconds)
    assert len(client.numbers()) == before
    return asked


def ends_well(client, first, second):
    assert client.answer(first, PATIENCE) == "ok"
    client.wait(lambda: LINES in client.numbers()[-2:], PATIENCE, "the last line")
    told = client.answer(second, PATIENCE)
    assert told in ("ok", "LinkLost")
    last = LINES + (told == "ok")
    client.wait(lambda: len(client.numbers()) >= last, PATIENCE)
    # The next of the same kernel: what comes twice has come by then.
    assert client.answer(client.execute("print('end')"), PATIENCE) == "ok"
    client.until("end", PATIENCE)
    assert client.numbers() == list(range(1, last + 1))
    assert [len(client.replies[number]) for number in (first, second)] == [1, 1]
    assert client.repeats == 0 or client.connections > 1


@pytest.mark.parametrize("seconds", [1, 10] + [60] * LONG)
def test_cut(place, client, seconds):
    first = begun(client)
    place.line.order(cut=True)
    second = silent(client, seconds)
    assert place.line.counts()["cut"] > 0
    place.line.heal()
    ends_well(client, first, second)


def round_trip_ms(gateway):
    """What the gateway's own stack takes it for."""
    out = subprocess.run(["ss", "-Htni", "state", "established", f"sport = :{gateway.link_port}"],
                         check=True, capture_output=True, text=True).stdout
    return max((float(ms) for ms in re.findall(r"\brtt:([\d.]+)/", out)), default=0)


def test_a_slow_and_lossy_line(place, client):
    place.line.order(seed=4, delay_ms=100, loss=0.02, mbit=10)
    first = begun(client)
    long = client.execute("print(string.rep('x', 300000))")
    second = client.execute(f"print({LINES + 1})")
    client.wait(lambda: round_trip_ms(place.gateway) >= 150, PATIENCE, "the line is not slow")
    ends_well(client, first, second)
    assert client.answer(long) == "ok"
    assert max(len(line) for line in client.lines()) == 300000
    counts = place.line.counts()
    assert counts["lost"] / (counts["lost"] + counts["passed"]) > 0.005


def test_half_open(place, client):
    """To the node the connection's other end is gone without a word, and to the gateway."""
    first = begun(client)
    port, = connections(place.gateway)
    place.line.order(deaf_port=port)
    second = silent(client, 3)
    ends_well(client, first, second)
    assert place.line.counts()["deaf"] > 0
    assert connections(place.gateway) - {port}, "it is another connection"


def test_a_narrow_line_that_does_not_say_so(place, client):
    """The image probes by itself; the gateway's side as the manual has it."""
    subprocess.run(["sysctl", "-qw", f"{PROBING}=1"], check=True)
    assert client.answer(client.execute("print(0)"), PATIENCE) == "ok"
    place.line.order(mtu=1280)
    wide = [client.execute("print(string.rep('x', 300000))"),
            client.execute("return #'" + "y" * 300000 + "'")]
    for number in wide:
        assert client.answer(number, PATIENCE) == "ok"
    client.wait(lambda: max(len(line) for line in client.lines()) == 300000, PATIENCE)
    counts = place.line.counts()
    assert counts["too large"] > 0 and 1000 < counts["largest"] <= 1280
