# SPDX-License-Identifier: Apache-2.0
"""A gateway opens the database of an earlier version: all that was in it still works."""

import hashlib
import sqlite3
import subprocess
import uuid

import pytest
import zmq

import wire
from client import Client, texts
from fake_log import Kernel
from fake_node import FakeNode
from lib.gateway import Gateway, free_port, program
from test_policy import settled
from test_projects import told

# Version 1 to the letter; it stays as it is, whatever becomes of the schema.
VERSION_1 = """
PRAGMA application_id = 1097753448;
PRAGMA user_version = 1;
CREATE TABLE tokens (hash BLOB PRIMARY KEY, owner TEXT NOT NULL, admin INTEGER NOT NULL,
 added INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE nodes (name TEXT PRIMARY KEY, public_key TEXT NOT NULL UNIQUE,
 added INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL,
 boot BLOB NOT NULL, seq INTEGER NOT NULL, time_ms INTEGER NOT NULL, kernel TEXT NOT NULL,
 kind TEXT NOT NULL, project TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (node, boot, seq));
CREATE TABLE kernels (id TEXT PRIMARY KEY, environment TEXT NOT NULL, node TEXT NOT NULL,
 owner TEXT NOT NULL, project TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE environments (name TEXT PRIMARY KEY, display_name TEXT NOT NULL,
 language TEXT NOT NULL, version TEXT NOT NULL, interrupt_message INTEGER NOT NULL);
"""
TOKEN, BOBS = "a" * 40, "b" * 40
KERNEL = str(uuid.UUID(int=7))


class Old:
    """A gateway with a database as version 1 left it, and its one node with a kernel."""

    def __init__(self, folder):
        self.gateway = Gateway(folder)
        self.gateway.database.unlink()
        self.gateway.token = TOKEN
        public, self.secret = (key.decode() for key in zmq.curve_keypair())
        with sqlite3.connect(self.gateway.database) as db:
            db.executescript(VERSION_1)
            db.executemany("INSERT INTO tokens VALUES (?, ?, ?, 5, ?)", [
                (hashlib.sha256(TOKEN.encode()).digest(), "admin", 1, 0),
                (hashlib.sha256(BOBS.encode()).digest(), "bob", 0, 1)])
            db.executemany("INSERT INTO nodes VALUES (?, ?, 6, ?)",
                           [("old", public, 0), ("gone", "x" * 40, 1)])
            db.executemany("INSERT INTO events VALUES (?, 'old', ?, ?, 8, '', 'node.up', '', ?)",
                           [(41, bytes(16), 3, "first"), (42, bytes(16), 4, "second")])
            db.execute("INSERT INTO kernels VALUES (?, 'fake', 'old', 'admin', 'admin', 9)",
                       (KERNEL,))
            db.execute("INSERT INTO environments VALUES ('fake', 'Fake', 'fake', '1', 0)")

    def version(self):
        with sqlite3.connect(self.gateway.database) as db:
            return db.execute("PRAGMA user_version").fetchone()[0]


@pytest.fixture
def old(tmp_path):
    old = Old(tmp_path / "gateway")
    yield old
    assert old.gateway.stop() in (0, None)


def gateway_key(gateway):
    secret = gateway.database.with_name("gateway.db.key").read_text().strip()
    return zmq.curve_public(secret.encode()).decode()


def test_nothing_is_lost(old):
    gateway = old.gateway.start()
    assert old.version() == 3
    call = gateway.call
    # tokens: one still good, one still revoked
    assert call("GET", "/api/me").json()["identity"]["username"] == "admin"
    assert call("GET", "/api", token=False,
                headers={"Authorization": f"token {BOBS}"}).status == 401
    # nodes, events and kernelspecs
    assert {n["name"]: n["state"] for n in call("GET", "/api/anchorhold/nodes").json()} == {
        "gone": "revoked", "old": "never seen"}
    events = call("GET", "/api/anchorhold/events").json()
    # (those without a node are the gateway's own, of now)
    assert [(e["id"], e["text"]) for e in events if e["node"]] == [(41, "first"), (42, "second")]
    assert list(call("GET", "/api/kernelspecs").json()["kernelspecs"]) == ["fake"]
    # the node's key opens the link, its kernel is served, its next event follows the last
    node = FakeNode("old", f"tcp://127.0.0.1:{gateway.link_port}", old.secret,
                    gateway_key(gateway))
    kernel = Kernel(node, uuid.UUID(KERNEL).bytes, "fake", "admin")
    kernel.launch()
    node.kernels[kernel.id] = kernel
    node.start()
    try:
        gateway.wait_node("old", timeout=20)
        assert texts(Client(gateway, KERNEL).run("print still here")) == "still here"
        node.call(lambda: node.send(wire.event(5, "node.up", why="third")))
        settled(lambda: [e["text"] for e in
                         call("GET", "/api/anchorhold/events?after=42").json() if e["node"]],
                ["third"])
        # what is new works for what is old
        assert call("PUT", "/api/anchorhold/projects/admin",
                    {"network": "sealed", "memory_mib": 64}).json()["told"] == 1
        assert told(node, KERNEL) == [{"network": wire.SEALED}]
    finally:
        node.close()


def test_a_database_that_cannot_be_brought_up_to_date_stays(old):
    with sqlite3.connect(old.gateway.database) as db:
        db.execute("CREATE TABLE projects (of_somebody_else INTEGER)")
    before = old.gateway.database.read_bytes()
    for words in ([], ["--add-token", "carol"]):
        done = subprocess.run(
            [program("anchorhold-gateway"), "--database", str(old.gateway.database), *words,
             "--http", f"127.0.0.1:{free_port()}", "--link", f"127.0.0.1:{free_port()}"],
            capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and done.stdout == ""
        assert "schema version 3" in done.stderr and "projects" in done.stderr
    assert old.version() == 1 and old.gateway.database.read_bytes() == before


def test_a_token_may_be_the_first_to_come(old):
    done = subprocess.run([program("anchorhold-gateway"), "--add-token", "carol", "--database",
                           str(old.gateway.database)], check=True, capture_output=True, text=True)
    assert old.version() == 3
    header = {"Authorization": "token " + done.stdout.split()[1]}
    old.gateway.start()
    me = old.gateway.call("GET", "/api/me", token=False, headers=header).json()
    assert me["identity"]["username"] == "carol"
    assert old.gateway.call("GET", "/api/me").json()["identity"]["username"] == "admin"
