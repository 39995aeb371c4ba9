# SPDX-License-Identifier: Apache-2.0
"""Gateways with a native node: enough where what dies is no part of the node's own machine."""

import itertools
import os
import socket
import subprocess
import time

import pytest

from lib.gateway import Gateway
from lib.line import Space, Wire
from lib.lines import Client
from lib.native import NativeNode

NEAR, FAR = "10.77.0.1", "10.77.0.2"


class House:
    """A gateway, its clients, a node; `address` is where the gateway listens for nodes."""

    def __init__(self, folder, address="127.0.0.1", launcher=()):
        self.gateway = Gateway(folder / "gateway", address).start()
        self.clients, self.node = [], None
        try:
            self.start_node(folder, address, launcher)
        except BaseException:
            self.stop()
            raise

    def start_node(self, folder, address, launcher):
        conf = self.gateway.add_node("native", folder / "node",
                                     f"{address}:{self.gateway.link_port}")
        self.node = NativeNode(conf, launcher)
        self.gateway.wait_node("native")

    def client(self, kernel, **options):
        self.clients.append(Client(self.gateway, kernel, **options))
        return self.clients[-1]

    def leave(self):
        """The clients go; the house stays for the next test."""
        while self.clients:
            self.clients.pop().close()

    def stop(self):
        self.leave()
        if self.node is not None:
            self.node.stop()
        self.gateway.stop()

    def close(self):
        self.stop()


class FarHouse(House):
    """The node is in a namespace of its own, at the end of a line; so is the gateway."""

    made = itertools.count()

    def __init__(self, folder):
        self.space = f"fault-{os.getpid()}-{next(self.made)}"
        self.line = None
        subprocess.run(["ip", "netns", "add", self.space], check=True)
        try:
            self.line = Wire(NEAR, "far")
            for words in (["link", "set", "far", "netns", self.space],
                          ["-n", self.space, "link", "set", "lo", "up"],
                          ["-n", self.space, "address", "add", f"{FAR}/24", "dev", "far"],
                          ["-n", self.space, "link", "set", "far", "up"]):
                subprocess.run(["ip", *words], check=True)
            super().__init__(folder, NEAR, ["ip", "netns", "exec", self.space])
        except BaseException:
            self.close_line()
            raise

    def round_trip_ms(self, count=5):
        """The shortest of some, by a port that refuses; None: nothing came back in 2 s."""
        took = []
        for _ in range(count):
            began = time.monotonic()
            try:
                socket.create_connection((FAR, 9), 2).close()
            except ConnectionRefusedError:
                took.append((time.monotonic() - began) * 1000)
            except TimeoutError:
                continue
        return min(took, default=None)

    def close_line(self):
        if self.line is not None:
            self.line.close()
        subprocess.run(["ip", "netns", "delete", self.space], check=True)

    def close(self):
        try:
            super().close()
        finally:
            self.close_line()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    try:
        yield house
    finally:
        house.close()


@pytest.fixture(scope="module")
def far_house(tmp_path_factory):
    """Shared: each test heals the line and takes its clients away."""
    with Space():
        house = FarHouse(tmp_path_factory.mktemp("far"))
        try:
            yield house
        finally:
            house.close()


@pytest.fixture
def far(far_house):
    far_house.line.heal()
    far_house.gateway.wait_node("native")
    yield far_house
    far_house.line.heal()
    far_house.leave()
