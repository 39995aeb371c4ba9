# SPDX-License-Identifier: Apache-2.0
"""How nodes get in and out: one-time secrets, tickets, copies, other keys, revocation."""

import contextlib
import os
import re
import sqlite3
import stat
import struct
import subprocess
import time
import uuid

import pytest
import zmq
from zmq.utils import z85

import wire
from fake_node import FakeNode
from lib.gateway import free_port, program
from lib.wait import wait
from test_link import Peer, greeting

NODES = "/api/anchorhold/nodes"


@pytest.fixture
def peers(house):
    """Makes Peers, which end with the test."""
    made = []

    def make(public, secret, **options):
        made.append(Peer(house, public, secret, gateway_key(house), **options))
        return made[-1]
    yield make
    for peer in made:
        peer.close()


def gateway_key(house):
    text = (house.gateway.folder / "gateway.db.key").read_bytes().strip()
    return zmq.curve_public(text)


def awaited(house, name, **body):
    reply = house.gateway.call("POST", NODES, {"name": name, "secret": True, **body})
    assert reply.status == 201, reply.body
    return bytes.fromhex(reply.json()["secret"])


def state(house, name):
    return house.gateway.nodes()[name]["state"]


def kinds(house):
    """What nodes said; the gateway's own events are under no node's name."""
    events = house.gateway.call("GET", "/api/anchorhold/events").json()
    return [event["kind"] for event in events if event["node"]]


def verdict(data):
    assert data is not None and data[1] == wire.VERDICT, data
    return data[2]


def enrol(peers, secret, name="new", keys=None, claim=None):
    """One ENROL over a connection of its own: the verdict and the keys."""
    public, private = keys or zmq.curve_keypair()
    peer = peers(public, private)
    peer.send(wire.enrol(name, claim or z85.decode(public), secret))
    return verdict(peer.receive(20000)), (public, private)


def test_a_secret_lets_one_key_in_once(house, peers):
    secret = awaited(house, "new")
    assert state(house, "new") == "awaited"
    code, keys = enrol(peers, secret)
    assert code == wire.ENROLLED
    wait(lambda: state(house, "new") == "never seen")
    peer = peers(*keys)
    peer.send(greeting("new"))
    assert peer.receive(20000)[1] == wire.WELCOME
    # nobody is awaited any more: another key does not even get through the handshake
    stranger = peers(*zmq.curve_keypair())
    stranger.send(wire.enrol("new", bytes(32), secret))
    assert stranger.receive(500) is None
    house.gateway.wait_text("refused.key: 127.0.0.1", 20)
    # nor does the secret do anything while another node is awaited
    awaited(house, "other")
    assert enrol(peers, secret)[0] == wire.BAD_SECRET
    assert enrol(peers, secret, keys=keys)[0] == wire.ENROLLED, "its verdict may have been lost"


def test_secrets_end(house, peers):
    """By time, by five wrong tries, by another secret for the same name; the right one still works."""
    secret = awaited(house, "new", expires_s=1)
    awaited(house, "other")
    time.sleep(1.1)
    assert enrol(peers, secret)[0] == wire.BAD_SECRET
    secret = awaited(house, "new")
    wrong = secret[:31] + bytes([secret[31] ^ 1])
    public, private = zmq.curve_keypair()
    assert enrol(peers, secret, name="other")[0] == wire.BAD_SECRET
    for _ in range(3):
        assert enrol(peers, wrong)[0] == wire.BAD_SECRET
    # a try without the handle is not counted, however many there are
    for _ in range(8):
        assert enrol(peers, os.urandom(32))[0] == wire.BAD_SECRET
    assert enrol(peers, secret, claim=z85.decode(zmq.curve_keypair()[0]))[0] == wire.BAD_SECRET
    assert enrol(peers, wrong)[0] == wire.BAD_SECRET  # the fifth
    assert enrol(peers, secret)[0] == wire.BAD_SECRET
    old = awaited(house, "new")
    secret = awaited(house, "new")
    assert enrol(peers, old)[0] == wire.BAD_SECRET
    assert enrol(peers, secret, keys=(public, private))[0] == wire.ENROLLED
    for body, status in (({"name": "new", "secret": True}, 409), ({"name": "a", "expires_s": 0}, 400),
                         ({"name": "a", "expires_s": 1 << 40}, 400),
                         ({"name": "a", "expires_s": "1"}, 400)):
        assert house.gateway.call("POST", NODES, body).status == status


def strange():
    yield "hello", greeting("new")
    yield "status", wire.status(1)
    yield "event", wire.event(1, "from.nobody")
    yield "result", wire.result(1, wire.OK)
    yield "join ack", wire.join_ack(1)


@pytest.mark.parametrize("data", [row[1] for row in strange()], ids=[row[0] for row in strange()])
def test_a_stranger_may_do_nothing_but_enrol(house, peers, data):
    secret = awaited(house, "new")
    house.gateway.call("POST", NODES, {"name": "known"})
    public, private = zmq.curve_keypair()
    peer = peers(public, private)
    peer.send(data)
    house.gateway.wait_text("a stranger with key [0-9a-f-]+ sent", 20)
    assert peer.receive(300) is None
    assert kinds(house) == []
    assert state(house, "new") == "awaited" and state(house, "known") == "never seen"
    # the same key with the secret is let in, and what it says then counts
    assert enrol(peers, secret, keys=(public, private))[0] == wire.ENROLLED


def rush(peers, house, tries=5):
    """Strangers that are through their handshakes enrol at once, many more than a second has room
    for; where that takes a slow machine several seconds, others try."""
    awaited(house, "new")
    for _ in range(tries):
        crowd = [peers(*zmq.curve_keypair(), immediate=True) for _ in range(60)]
        wait(lambda: all(peer.through() for peer in crowd))
        for peer in crowd:
            peer.send(wire.enrol("new", bytes(32), os.urandom(32)))
        said = [peer.receive(20000) for peer in crowd]
        if wire.BUSY in [verdict(data) for data in said if data]:
            return
        for peer in crowd:
            peer.close()
    raise AssertionError("all of them are judged")


def test_many_strangers_are_paced(house, peers):
    """The next second has room again."""
    rush(peers, house)
    time.sleep(1)
    assert enrol(peers, awaited(house, "new"))[0] == wire.ENROLLED


# ---- tickets ----


def copy_of(house, node, ticket=None):
    """Another node with the same key and, as its disk was copied, the same ticket."""
    twin = FakeNode(node.name_, node.address, node.secret.decode(), node.server.decode())
    twin.ticket = ticket or node.ticket
    house.nodes[f"copy of {node.name_}"] = twin
    return twin


def test_each_join_has_its_ticket(house):
    node = house.node()
    wait(lambda: node.ticket[0] == 1)
    for number in range(2, 6):
        node.reconnect()
        wait(lambda: node.ticket[0] == number)
    assert state(house, "fake-1") == "ready"
    # a node that never gets to store one is let in each time
    node.keep_tickets = False
    for _ in range(4):
        before = node.epoch and len(re.findall("fake-1: up", house.gateway.log.read_text()))
        node.reconnect()
        wait(lambda: len(re.findall("fake-1: up", house.gateway.log.read_text())) > before)
    assert state(house, "fake-1") == "ready"
    # and the gateway may die at any time
    node.keep_tickets = True
    house.gateway.stop(9)
    house.gateway.start()
    node.reconnect()
    house.gateway.wait_node("fake-1")
    assert state(house, "fake-1") == "ready" and "stale" not in house.gateway.log.read_text()


def test_a_copy_locks_both(house):
    node = house.node()
    kernel = house.start()
    wait(lambda: node.ticket[0] == 1)
    old = node.ticket
    node.reconnect()
    wait(lambda: node.ticket[0] == 2 and node.up)
    house.gateway.wait_node("fake-1")
    twin = copy_of(house, node, old)
    twin.start()
    wait(lambda: state(house, "fake-1") == "locked")
    house.gateway.wait_text("two nodes have this key", 20)
    wait(lambda: twin.verdicts and twin.verdicts[0][0] == wire.LOCKED)
    # both are out, and stay out: their keys are refused before they can say anything
    node.call(lambda: node.send(wire.event(1, "after.lock")))
    house.gateway.wait_text("refused.locked: 127.0.0.1: the key of node fake-1", 20)
    assert kinds(house) == []
    assert house.gateway.call("POST", f"/api/kernels/{kernel}/interrupt").status == 503
    twin.close()
    # an operator decides: whoever joins first goes on
    assert house.gateway.cli("node", "unlock", "fake-1").stdout.startswith("fake-1: unlocked")
    node.reconnect()
    house.gateway.wait_node("fake-1")
    again = copy_of(house, node, old)
    again.start()
    wait(lambda: state(house, "fake-1") == "locked")


def test_a_copy_made_before_the_last_join_is_noticed_by_the_original(house):
    """The copy joins first and takes the original's place; the original's next join tells."""
    node = house.node()
    wait(lambda: node.ticket[0] == 1)
    twin = copy_of(house, node)
    twin.start()
    wait(lambda: twin.ticket[0] == 2)
    node.reconnect()
    wait(lambda: state(house, "fake-1") == "locked")


def joined(house, name):
    """The last ticket that the node is known to have."""
    with contextlib.closing(sqlite3.connect(house.gateway.database)) as database:
        return database.execute("SELECT joined FROM nodes WHERE name = ?", [name]).fetchone()[0]


def test_what_comes_late_is_no_copy(house, peers):
    """A HELLO over a connection from before the last join, as a dead link leaves one behind."""
    reply = house.gateway.call("POST", NODES, {"name": "raw"}).json()
    secret = reply["node_key"].encode()
    early, later = (peers(zmq.curve_public(secret), secret, immediate=True) for _ in range(2))
    wait(lambda: early.through() and later.through())
    later.send(greeting())
    data = later.receive(20000)
    assert data[1] == wire.WELCOME
    counter, tag = struct.unpack_from(">Q", data, 18)[0], data[26:58]
    later.send(wire.join_ack(counter))
    wait(lambda: joined(house, "raw") == counter)
    early.send(greeting())
    assert early.receive(1000) is None
    assert state(house, "raw") == "ready"
    # over a new connection the same words are judged
    last = peers(zmq.curve_public(secret), secret)
    last.send(greeting())
    assert verdict(last.receive(20000)) == wire.LOCKED
    assert state(house, "raw") == "locked" and tag != bytes(32)


def test_a_ticket_cannot_be_made(house, peers):
    reply = house.gateway.call("POST", NODES, {"name": "raw"}).json()
    secret = reply["node_key"].encode()
    peer = peers(zmq.curve_public(secret), secret)
    ticket = (9, os.urandom(32))
    peer.send(wire.hello(b"b" * 16, "raw", [], [], [], ticket=ticket))
    assert verdict(peer.receive(20000)) == wire.LOCKED


# ---- out ----


def test_revoked_at_once(house):
    node = house.node()
    kernel = house.start()
    client = house.client(kernel)
    client.run("print x")
    node.call(lambda: node.send(wire.event(1, "before.it")))
    wait(lambda: node.acks == [1])
    assert house.gateway.cli("node", "revoke", "fake-1").stdout == "fake-1: revoked\n"
    assert state(house, "fake-1") == "revoked"
    assert client.closed() is not None
    # what it still has to say, on the connection that was up, counts no more
    node.call(lambda: node.send(wire.event(2, "after.it")))
    node.call(lambda: node.send(wire.kernel(uuid.UUID(kernel).bytes, 1, wire.READY)))
    house.gateway.wait_text("refused.revoked: 127.0.0.1: the key of node fake-1", 20)
    assert kinds(house) == ["before.it"]
    assert house.gateway.call("POST", "/api/kernels", {"name": "fake"}).status >= 500
    # its name may be given to another machine
    other = zmq.curve_keypair()
    peer = Peer(house, *other, gateway_key(house))
    secret = awaited(house, "fake-1")
    time.sleep(0.3)
    peer.close()
    peer = Peer(house, *other, gateway_key(house))
    peer.send(wire.enrol("fake-1", z85.decode(other[0]), secret))
    assert verdict(peer.receive(20000)) == wire.ENROLLED
    peer.close()


def test_revoked_by_another_gateway(house):
    """What another process changes in the store holds here within a second."""
    node = house.node()
    with sqlite3.connect(house.gateway.database) as database:
        database.execute("UPDATE nodes SET revoked = 1 WHERE name = 'fake-1'")
    wait(lambda: state(house, "fake-1") == "revoked")
    assert node.is_alive()
    with sqlite3.connect(house.gateway.database) as database:
        database.execute("UPDATE nodes SET revoked = 0 WHERE name = 'fake-1'")
    node.reconnect()
    house.gateway.wait_node("fake-1")


# ---- other keys ----


def test_a_node_changes_its_key(house):
    node = house.node()
    old, before = node.secret, house.gateway.node("fake-1")["key"]
    kernel = house.start()
    said = house.gateway.cli("node", "rotate", "fake-1").stdout
    wait(lambda: house.gateway.node("fake-1")["key"] != before)
    now = house.gateway.node("fake-1")
    assert now["next_key"] is None and f"from {before} to {now['key']}" in said
    assert node.secret != old
    house.gateway.wait_node("fake-1")
    assert house.gateway.call("GET", f"/api/kernels/{kernel}").status == 200
    # the old one is nobody's
    late = Peer(house, zmq.curve_public(old), old, gateway_key(house))
    house.gateway.wait_text("refused.key: 127.0.0.1", 20)
    late.close()
    house.gateway.stop()
    house.gateway.start()
    node.reconnect()
    house.gateway.wait_node("fake-1")


def test_a_change_of_key_that_was_cut_short(house):
    """Both keys are good until the node comes by the next one; told again, it does."""
    node = house.node()
    before = house.gateway.node("fake-1")["key"]
    real, node.rotate = node.rotate, lambda number, stage: None
    assert house.gateway.call("POST", f"{NODES}/fake-1/rotate", timeout=30).status == 504
    assert house.gateway.node("fake-1")["next_key"] is None

    def only_made(number, stage):
        if stage == 1:
            real(number, stage)
    node.rotate = only_made
    reply = house.gateway.call("POST", f"{NODES}/fake-1/rotate")
    assert reply.status == 202 and reply.json()["key"] == before
    house.gateway.stop(9)
    house.gateway.start()
    node.reconnect()
    house.gateway.wait_node("fake-1")
    assert house.gateway.node("fake-1")["key"] == before
    assert house.gateway.node("fake-1")["next_key"] == reply.json()["next_key"]
    node.rotate = real
    node.reconnect()
    wait(lambda: house.gateway.node("fake-1")["key"] == reply.json()["next_key"])


def test_the_gateway_changes_its_key(house):
    node = house.node()
    gateway = house.gateway

    def task(word):
        return subprocess.run([program("anchorhold-gateway"), word, "--database",
                               str(gateway.database)], capture_output=True, text=True)
    assert task("--use-next-key").returncode == 2
    made = task("--next-key")
    key = re.fullmatch(r"key: (.{40})\n", made.stdout).group(1)
    assert task("--next-key").returncode == 2
    following = gateway.folder / "gateway.db.key.next"
    assert stat.S_IMODE(following.stat().st_mode) == 0o600
    assert node.pinned_next == bytes(32)
    gateway.stop()
    gateway.start()
    node.reconnect()
    gateway.wait_node("fake-1")
    wait(lambda: z85.encode(node.pinned_next).decode() == key)
    reply = gateway.call("POST", NODES, {"name": "new", "secret": True}).json()
    assert reply["gateway_key_next"] == key != reply["gateway_key"]
    gateway.stop()
    assert task("--use-next-key").returncode == 0 and not following.exists()
    gateway.start()
    node.server = key.encode()
    node.reconnect()
    gateway.wait_node("fake-1")
    wait(lambda: node.pinned_next == bytes(32))


# ---- what is written where ----


def test_secrets_are_kept_to_whom_they_are_for(house, tmp_path):
    cli, gateway = house.gateway.cli, house.gateway
    printed = cli("node", "add", "one").stdout
    secret = re.search(r"^join_secret = ([0-9a-f]{64})$", printed, re.M).group(1)
    assert f"gateway_key = {gateway_key(house).decode()}\n" in printed
    conf = tmp_path / "node.conf"
    done = cli("node", "add", "two", "--gateway", "192.0.2.1:7000", "--gateway", "192.0.2.2:7000",
               "--expires", "2", "--file", str(conf))
    text = conf.read_text()
    own = gateway.folder / "gateway.db.key"
    for path in (conf, own, gateway.database):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = re.search(r"^join_secret = ([0-9a-f]{64})$", text, re.M).group(1)
    assert text.count("\ngateway = 192.0.2.") == 2 and "name = two\n" in text
    assert other not in done.stdout + done.stderr
    kept = b"".join(path.read_bytes() for path in gateway.folder.iterdir() if path.is_file())
    for value in (secret, other):
        assert value[:16] in kept.hex() and value[16:] not in kept.hex()
        assert value.encode() not in kept
    folder = gateway.add_node("three", tmp_path / "three", "192.0.2.1:7000")
    assert stat.S_IMODE((folder / "node.key").stat().st_mode) == 0o600
    assert (folder / "node.key").read_text().strip() not in gateway.log.read_text()
    rows = {row["name"]: row["state"] for row in gateway.call("GET", NODES).json()}
    assert rows == {"one": "awaited", "two": "awaited", "three": "never seen"}
    # A key that others may read is no key.
    own.chmod(0o640)
    words = [program("anchorhold-gateway"), "--database", str(gateway.database), "--http",
             f"127.0.0.1:{free_port()}", "--link", f"127.0.0.1:{free_port()}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "gateway.db.key: others may read it; chmod 600" in done.stderr


@pytest.mark.parametrize("words,said", [
    (["add"], "NAME"), (["add", "x", "--file", "f"], "--gateway"), (["revoke"], "name"),
    (["add", "x", "--gateway", "1.2.3.4:5"], "--file FILE or --output FOLDER"),
    (["add", "x", "--expires", "0"], "'0': expected 1 to 720 hours"), (["rotate", "a/b"], "name"),
    (["add", "x", "--gateway", "a:1", "--file", "f", "--output", "."], "not both"),
])
def test_bad_words(shared, words, said):
    done = shared.gateway.cli("node", *words, check=False)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""
