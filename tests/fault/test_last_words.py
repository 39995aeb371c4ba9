# SPDX-License-Identifier: Apache-2.0
"""A kernel dies while its gateway is away: what it said last waits on the node, for a while."""

import os
import pathlib
import re
import signal
import time

from lib.client import start_kernel
from lib.lines import numbered
from lib.wait import wait

LINES = 400
DEAD_MAX = 16  # hostd/monitor.h: MONITOR_DEAD_MAX


def cpu(pid):
    """Its state, and what it used."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return words[0], words[11:13]


def wait_idle(pid):
    """It has done what it was asked: for a second it used no CPU, and did not wait for any."""
    before, deadline = None, time.monotonic() + 60
    while (now := cpu(pid)) != before or now[0] != "S":
        assert time.monotonic() < deadline
        before = now
        time.sleep(1)


def wait_gone(pid):
    wait(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "it does not end")


def test_last_words_outlive_the_gateway(house):
    kernel = start_kernel(house.gateway, "lua")
    client = house.client(kernel)
    asked = client.execute(numbered(1, LINES))
    client.until(50)
    house.gateway.stop(signal.SIGKILL)
    pid, = house.node.kernels()
    relay = house.node.children("relay")
    wait_idle(pid)
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    assert house.node.children("relay") == relay, "it waits for its reader"
    house.gateway.start()
    house.gateway.wait_node("native")
    client.until(LINES)
    assert client.numbers() == list(range(1, LINES + 1))
    assert client.answer(asked) == "ok"
    client.wait(lambda: "killed" in client.text, what="why it died")
    assert client.text.index(f"\n{LINES}\n") < client.text.index("[anchorhold: ")
    model = house.gateway.call("GET", f"/api/kernels/{kernel}").json()
    assert model["execution_state"] == "dead" and re.search("signal 9|killed", model["reason"])
    # All of it is acknowledged within a moment, and then nobody is waited for.
    wait(lambda: not house.node.children("relay"))


def test_not_more_of_them_than_are_meant(house):
    """Each has a reader that left a moment ago; those that died first wait no longer."""
    started = []
    for _ in range(DEAD_MAX + 3):
        kernel = start_kernel(house.gateway, "lua")
        client = house.client(kernel)
        assert client.answer(client.execute("print(1)")) == "ok"
        client.close()
        started.append(kernel)
    assert len(house.node.children("relay")) == len(started)
    for pid in house.node.kernels():
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
    wait(lambda: len(house.node.children("relay")) <= DEAD_MAX)
    time.sleep(2)
    assert len(house.node.children("relay")) == DEAD_MAX
