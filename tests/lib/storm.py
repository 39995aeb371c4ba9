# SPDX-License-Identifier: Apache-2.0
"""Deaths as dice have it, one after the other and one within another, on a node, its line, its gateway.

Two things a node gives up by design, and the dice are held back from: a kernel whose relay is lost
more than three times in a minute, and kernels whose monitors have not come to run five times in a row.
"""

import collections
import signal
import time

from lib.deaths import KILLS, monitor, pids

RELAYS_A_MINUTE = 2
YOUNG_MAX = 3  # monitors in a row that were killed before init took them for good
STABLE = 10  # seconds after which it surely has; hostd/adopt.h says five, from when it has adopted


class Storm:
    """`done` counts the deaths."""

    def __init__(self, dice, room, printers):
        self.dice, self.room, self.printers = dice, room, printers
        self.inside = room.node.inside
        self.done = collections.Counter()
        self.monitor, self.since, self.young = None, time.monotonic(), 0

    def look(self):
        now = time.monotonic()
        there = monitor(self.inside) if pids(self.inside, "hostd/link") else None
        if there != self.monitor:
            self.monitor, self.since = there, now
        elif there and now - self.since > STABLE:
            self.young = 0

    def may(self, victim):
        if victim in ("monitor", "hostd") and self.young >= YOUNG_MAX:
            return False
        hurt = {"relay": self.printers[:1], "hostd": self.printers}.get(victim, [])
        now = time.monotonic()
        return all(sum(now - at < 65 for at in printer.relay_kills) < RELAYS_A_MINUTE
                   for printer in hurt)

    def process(self):
        """One of the node's; who is not there at this moment, or may not die yet, does not count."""
        self.dice.shuffle(self.printers)
        self.look()
        victim = self.dice.choice(list(KILLS))
        if self.may(victim) and KILLS[victim](self.inside, self.printers):
            self.done[victim] += 1
            self.young += victim in ("monitor", "hostd")

    def meanwhile(self, seconds):
        """A while, within which something else may die."""
        time.sleep(self.dice.uniform(0, seconds))
        if self.dice.random() < 0.4:
            self.process()
            time.sleep(self.dice.uniform(0, seconds))

    def gateway(self):
        self.room.gateway.stop(signal.SIGKILL)
        for printer in self.printers:
            printer.gateway_kills += 1
        self.meanwhile(1)
        self.room.gateway.start()
        self.done["gateway"] += 1

    def cut(self):
        self.room.line.order(cut=True)
        self.meanwhile(1.5)
        self.room.line.heal()
        self.done["cut"] += 1

    def once(self):
        what = self.dice.choice([self.process] * 4 + [self.gateway, self.cut])
        what()
        time.sleep(self.dice.uniform(0, 3))
