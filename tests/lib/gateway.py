# SPDX-License-Identifier: Apache-2.0
"""A gateway of the tests' own: started, asked, stopped."""

import copy
import glob
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from lib import running

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def program(name):
    """A program of the backend as ./build.sh left it; ANCHORHOLD_BACKEND names another folder."""
    folder = pathlib.Path(os.environ.get("ANCHORHOLD_BACKEND", ROOT / "build" / "backend"))
    return str(folder / name)


def clock(days):
    """What has a program's clock be so many days ahead; how it counts time does not change."""
    (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": library, "FAKETIME": f"+{days}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Gateway:
    """One gateway process with a database in `folder`; `environment` is what it starts in besides."""

    def __init__(self, folder, link_address="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.link_address = link_address
        self.database = self.folder / "gateway.db"
        self.http_port, self.link_port = free_port(), free_port()
        self.log = self.folder / "gateway.log"
        self.process, self.environment = None, {}
        out = subprocess.run(
            [program("anchorhold-gateway"), "--init", "--database", str(self.database)],
            check=True, capture_output=True, text=True).stdout
        self.token = re.search(r"^token: ([0-9a-f]+)$", out, re.M).group(1)

    def twin(self):
        """Another gateway of the same database, which is not started yet."""
        twin = copy.copy(self)
        twin.http_port, twin.link_port = free_port(), free_port()
        twin.log, twin.process = self.folder / f"gateway-{twin.link_port}.log", None
        return twin

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http_port}"

    def start(self):
        self.process = subprocess.Popen(
            [program("anchorhold-gateway"), "--database", str(self.database),
             "--http", f"127.0.0.1:{self.http_port}", "--link", f"{self.link_address}:{self.link_port}"],
            env=dict(os.environ, **self.environment), stderr=open(self.log, "ab"),
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        running.began(self, self.log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.call("GET", "/api").status == 200:
                    return self
            except OSError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                break
        raise RuntimeError("the gateway did not start:\n" + self.log.read_text())

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        code = self.process.wait(60)
        running.ended(self)
        self.process = None
        return code

    def call(self, method, path, body=None, token=True, headers=None, timeout=60):
        request = urllib.request.Request(self.url + path, method=method)
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"token {self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, data, timeout) as reply:
                return Reply(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read())

    def add_node(self, name, folder, address):
        """`anchorhold node add`: node.conf and node.key of a new node in folder."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.cli("node", "add", name, "--gateway", address, "--output", str(folder))
        return folder

    def cli(self, *words, check=True, timeout=300):
        environment = dict(os.environ, ANCHORHOLD_URL=self.url, ANCHORHOLD_TOKEN=self.token)
        return subprocess.run([program("anchorhold"), *words], env=environment, check=check,
                              capture_output=True, text=True, timeout=timeout)

    def nodes(self):
        return {node["name"]: node for node in self.call("GET", "/api/anchorhold/nodes").json()}

    def node(self, name):
        return self.call("GET", f"/api/anchorhold/nodes/{name}").json()

    def wait_text(self, pattern, timeout=60):
        """Until the gateway's log matches the pattern (which may span lines)."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.log.read_text(), re.S):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pattern!r} is not in the log:\n{self.log.read_text()}")
            time.sleep(0.1)

    def wait_node(self, name, state="ready", timeout=120):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            node = self.nodes().get(name)
            if node is not None and node["state"] == state:
                return node
            time.sleep(0.2)
        raise TimeoutError(f"node {name} is not {state} after {timeout} s: {self.nodes()}")
