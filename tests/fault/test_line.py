# SPDX-License-Identifier: Apache-2.0
"""The line between node and gateway is cut, slow, lossy, narrow; a kernel prints, a client executes.

After each, every line is at the client once and in order, and every request has one answer. That
the line was as bad as meant is shown by its own counts, or by what did not get through meanwhile.
"""

import os
import re
import subprocess
import time

import pytest

from lib.client import start_kernel, stop_kernel
from lib.gateway import ROOT
from lib.lines import numbered

LONG = int(os.environ.get("ANCHORHOLD_LONG", "1")) > 1
AWAKE = 90  # seconds in which a link that was lost is there again: 30 of silence, then a redial


@pytest.fixture
def kernel(far):
    kernel = start_kernel(far.gateway, "lua")
    yield kernel
    far.line.heal()
    far.gateway.wait_node("native")
    stop_kernel(far.gateway, kernel)


def connections(gateway):
    """The established connections of the link's port, by the node's port."""
    out = subprocess.run(["ss", "-Htn", "state", "established", f"sport = :{gateway.link_port}"],
                         check=True, capture_output=True, text=True).stdout
    return {int(line.split()[3].rsplit(":", 1)[1]) for line in out.splitlines()}


def once(client, asked):
    time.sleep(1)
    assert [len(client.answers[number]) for number in asked] == [1] * len(asked)


def ends_well(client, asked, last, first=1, answers=("ok",)):
    for number in asked:
        assert client.answer(number) in answers
    client.until(last)
    assert client.numbers() == list(range(first, last + 1))
    assert client.repeats == 0
    once(client, asked)


@pytest.mark.parametrize("seconds", [1, 10] + [60] * LONG)
def test_cut(far, kernel, seconds):
    client = far.client(kernel)
    asked = [client.execute(numbered(1, 1500))]
    client.until(100)
    far.line.order(cut=True)
    time.sleep(0.2)
    before = len(client.numbers())
    # A request into the cut: held by TCP, or told as lost; never twice.
    asked.append(client.execute("print(1501)"))
    time.sleep(seconds)
    assert len(client.numbers()) == before, "the line is cut"
    assert far.round_trip_ms(1) is None and far.line.counts()["cut"] > 0
    far.line.heal()
    if seconds <= 20:
        ends_well(client, asked, 1501)
        assert client.connections == 1
        return
    # Longer than a node's lease: clients were sent away, and came back.
    assert client.answer(asked[0]) == "ok"
    client.until(1500)
    done = client.answer(asked[1])
    assert done in ("ok", "LinkLost")
    assert client.connections == 2
    assert client.numbers() == list(range(1, 1502 if done == "ok" else 1501))
    once(client, asked)


def test_a_slow_and_lossy_line(far, kernel):
    far.line.order(seed=4, delay_ms=100, loss=0.02, mbit=10)
    assert far.round_trip_ms(5) >= 200
    client = far.client(kernel)
    asked = [client.execute(numbered(1, 1000)), client.execute(numbered(1001, 1500)),
             client.execute("print(string.rep('x', 2000000))"), client.execute("print(1501)")]
    ends_well(client, asked, 1501)
    counts = far.line.counts()
    assert counts["lost"] / (counts["lost"] + counts["passed"]) > 0.005
    assert max(len(line) for line in client.lines()) == 2000000


def test_half_open(far, kernel):
    """The connection's other end is gone without a word: silence ends it, and the node redials."""
    client = far.client(kernel)
    asked = [client.execute(numbered(1, 1500))]
    client.until(100)
    port, = connections(far.gateway)
    far.line.order(deaf_port=port)
    time.sleep(0.2)
    before = len(client.numbers())
    asked.append(client.execute("print(1501)"))
    time.sleep(3)
    assert len(client.numbers()) == before
    assert far.round_trip_ms(1) is not None, "the line itself is fine"
    began = time.monotonic()
    client.wait(lambda: 1500 in client.numbers()[-2:], AWAKE, "no redial")
    assert time.monotonic() - began < AWAKE
    assert port not in connections(far.gateway) or len(connections(far.gateway)) > 1
    assert far.line.counts()["deaf"] > 0
    # What was on its way into the dead connection was not carried out, and that is told.
    assert client.answer(asked[0]) == "ok"
    assert client.answer(asked[1]) in ("LinkLost", "ok")
    once(client, asked)
    numbers = client.numbers()
    assert numbers[:1500] == list(range(1, 1501)) and client.repeats == 0
    assert (1501 in numbers) == (client.answer(asked[1]) == "ok")


PROBING = "net.ipv4.tcp_mtu_probing"


def probing(far, node, gateway):
    for value, prefix in ((node, ["ip", "netns", "exec", far.space]), (gateway, [])):
        subprocess.run([*prefix, "sysctl", "-qw", f"{PROBING}={value}"], check=True)


def test_a_narrow_line_needs_the_probing(far, kernel):
    """Without it what is large does not come through. First: a connection keeps what it has found."""
    probing(far, 0, 0)
    client = far.client(kernel)
    assert client.answer(client.execute("print(0)")) == "ok"
    far.line.order(mtu=1280)
    client.execute("print(string.rep('x', 300000))")
    time.sleep(12)
    assert client.numbers() == [0] and max(len(line) for line in client.lines()) < 10
    assert far.line.counts()["too large"] > 3
    far.line.heal()
    client.wait(lambda: max(len(line) for line in client.lines()) == 300000, AWAKE)


def test_a_narrow_line_that_does_not_say_so(far, kernel):
    """MTU 1280 with no word of what is too large; both ends as a node and the manual have them."""
    conf = (ROOT / "rootfs/etc/anchorhold/sysctl.conf").read_text()
    probing(far, re.search(rf"^{PROBING} = (\d)$", conf, re.M).group(1), 1)
    client = far.client(kernel)
    assert client.answer(client.execute("print(0)")) == "ok"
    far.line.order(mtu=1280)
    asked = [client.execute("print(string.rep('x', 300000))"),
             client.execute("return #'" + "y" * 300000 + "'"), client.execute(numbered(1, 300))]
    for number in asked:
        assert client.answer(number) == "ok"
    client.until(300)
    assert client.numbers() == [0, *range(1, 301)] and client.repeats == 0
    assert max(len(line) for line in client.lines()) == 300000
    counts = far.line.counts()
    assert counts["too large"] > 0 and 1000 < counts["largest"] <= 1280
