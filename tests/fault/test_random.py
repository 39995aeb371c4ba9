# SPDX-License-Identifier: Apache-2.0
"""Faults of line, gateway and clients as dice have it, one after the other, on one kernel.

ANCHORHOLD_SEED repeats a run; the seed is printed with what it led to.
"""

import os
import random
import signal
import time

from lib.client import start_kernel
from lib.lines import numbered

LONG = int(os.environ.get("ANCHORHOLD_LONG", "1")) > 1
FAULTS = 50 if LONG else 5
LINES = 400


def cut(far, dice, clients):
    far.line.order(cut=True)
    time.sleep(dice.uniform(0.1, 25 if LONG and dice.random() < 0.2 else 2))


def bad(far, dice, clients):
    far.line.order(seed=dice.randrange(1 << 30), loss=dice.uniform(0, 0.05),
                   delay_ms=dice.randrange(150), mbit=dice.choice([0, 2, 10]))
    time.sleep(dice.uniform(0.5, 3))


def kill_gateway(far, dice, clients):
    far.gateway.stop(signal.SIGKILL)
    time.sleep(dice.uniform(0, 1))
    far.gateway.start()


def kill_gateway_in_a_cut(far, dice, clients):
    far.line.order(cut=True)
    kill_gateway(far, dice, clients)
    time.sleep(dice.uniform(0, 1))


def drop_client(far, dice, clients):
    dice.choice(clients).drop()


def test_random_faults(far):
    seed = int(os.environ.get("ANCHORHOLD_SEED") or random.SystemRandom().randrange(1 << 30))
    dice, happened = random.Random(seed), []
    kernel = start_kernel(far.gateway, "lua")
    clients = [far.client(kernel) for _ in range(2)]
    for client in clients:
        assert client.answer(client.execute("print(0)")) == "ok"
    first = clients[0]
    for round_number in range(FAULTS):
        begin = round_number * LINES + 1
        fault = dice.choice([cut, bad, kill_gateway, kill_gateway_in_a_cut, drop_client])
        happened.append(fault.__name__)
        story = f"seed {seed}: {happened}"
        asked = dice.choice(clients).execute(numbered(begin, begin + LINES - 1))
        first.until(begin)
        fault(far, dice, clients)
        far.line.heal()
        far.gateway.wait_node("native")
        for client in clients:
            try:
                client.until(begin + LINES - 1, 240)
            except TimeoutError as error:
                raise AssertionError(f"{story}: {error}") from None
            numbers = [n for n in client.numbers() if n > 0]
            wrong = [n for n, m in zip(numbers, range(1, len(numbers) + 1)) if n != m][:3]
            assert numbers == list(range(1, begin + LINES)), f"{story}: first wrong: {wrong}"
        answers = [a for c in clients for a in c.answers.get(asked, [])]
        assert all(a["status"] == "ok" for a in answers), story
    print(f"seed {seed}: {happened}")
