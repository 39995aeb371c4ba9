# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the gateway, and another one on the same database, while a kernel prints."""

import signal
import time

from lib.client import start_kernel
from lib.lines import numbered

LINES = 2500


def kill_and_start(gateway):
    assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL
    gateway.start()
    gateway.wait_node("native")


def test_clients_of_a_killed_gateway_miss_nothing(house):
    """Each of several that read one kernel, wherever each has got to."""
    kernel = start_kernel(house.gateway, "lua")
    clients = [house.client(kernel) for _ in range(3)]
    asked = clients[0].execute(numbered(1, LINES))
    for client in clients:
        client.until(200)
    pid = house.node.children("relay")
    kill_and_start(house.gateway)
    for client in clients:
        client.until(LINES)
        assert client.connections == 2
        assert client.numbers() == list(range(1, LINES + 1))
    assert house.node.children("relay") == pid
    # What was under way is told of: it went on, and its reply finds who asked.
    assert clients[0].answer(asked) == "ok"
    assert [len(answers) for answers in clients[0].answers.values()] == [1]


def test_what_was_not_acknowledged_repeats_once(house):
    """At most what no pong had covered yet: a second of it and what is on the way."""
    kernel = start_kernel(house.gateway, "lua")
    client = house.client(kernel)
    client.execute(numbered(1, LINES))
    client.until(500)
    time.sleep(2)
    kill_and_start(house.gateway)
    client.until(LINES)
    assert client.numbers() == list(range(1, LINES + 1))
    assert client.repeats <= 600, "a second and a half of lines, a line each 2 ms or more"


def test_a_client_that_was_away_when_the_gateway_died(house):
    """Who leaves leaves the place; a new reader goes on where the one furthest behind was."""
    kernel = start_kernel(house.gateway, "lua")
    first, second = house.client(kernel), house.client(kernel)
    first.execute(numbered(1, LINES))
    for client in (first, second):
        client.until(200)
        client.close()
    seen = min(max(client.numbers()) for client in (first, second))
    kill_and_start(house.gateway)
    stranger = house.client(kernel)
    stranger.until(LINES)
    got = stranger.numbers()
    assert got == list(range(got[0], LINES + 1))
    assert got[0] <= seen + 1
