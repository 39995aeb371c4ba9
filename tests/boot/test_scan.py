# SPDX-License-Identifier: Apache-2.0
"""A node seen from the network: a network namespace of our own, where a gateway would be."""

import contextlib
import os
import re
import subprocess
import sys

from lib.gateway import ROOT
from lib.node import IMAGE, Node

SPACE = f"anchorhold-{os.getpid()}"
HERE, THERE = "192.0.2.1", "192.0.2.2"
SCAN = [sys.executable, str(ROOT / "tests/lib/scan.py")]


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def network_namespace():
    ip("netns", "add", SPACE)
    try:
        ip("-n", SPACE, "link", "set", "lo", "up")
        ip("-n", SPACE, "tuntap", "add", "tap0", "mode", "tap")
        ip("-n", SPACE, "address", "add", f"{HERE}/24", "dev", "tap0")
        ip("-n", SPACE, "link", "set", "tap0", "up")
        yield
    finally:
        ip("netns", "delete", SPACE)


def inside(*command, **options):
    return subprocess.run(["ip", "netns", "exec", SPACE, *command], check=True, text=True,
                          stdout=subprocess.PIPE, **options).stdout


def test_nothing_answers_a_scan_from_the_gateways_side(fresh):
    conf = fresh.provision("quiet")
    text = (conf / "node.conf").read_text()
    text = re.sub(r"(?m)^gateway = .*$", f"gateway = {HERE}:7000", text)
    text = re.sub(r"(?m)^network = .*$",
                  f"network = static\naddress = {THERE}/24\nrouter = {HERE}", text)
    (conf / "node.conf").write_text(text)
    node = Node(fresh.folder / "quiet", conf, IMAGE)
    fresh.nodes["quiet"] = node
    with network_namespace():
        node.launcher = ["ip", "netns", "exec", SPACE]
        try:
            node.start("--netdev", "tap,ifname=tap0,script=no,downscript=no")
            node.wait_text(f"network: eth0 {THERE}/24")
            found = inside(*SCAN, THERE, timeout=300).splitlines()
            neighbours = inside("ip", "neigh", "show", THERE)
            # The scan itself sees what is there: a listener of this namespace, at another address.
            control = subprocess.Popen(
                ["ip", "netns", "exec", SPACE, sys.executable, "-c",
                 "import socket, time; s = socket.create_server(('127.0.0.1', 4242));"
                 "print('up', flush=True); time.sleep(600)"], stdout=subprocess.PIPE, text=True)
            assert control.stdout.readline() == "up\n"
            seen = inside(*SCAN, "127.0.0.1", timeout=300).splitlines()
            control.kill()
            control.wait()
        finally:
            node.stop()
    assert "lladdr" in neighbours, "the node did not even answer ARP, so the scan says nothing"
    assert found == ["done"]
    assert "tcp 4242 open" in seen
