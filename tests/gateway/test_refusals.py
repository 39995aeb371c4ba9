# SPDX-License-Identifier: Apache-2.0
"""Who is refused at the link, each beside the same attempt where nothing refuses it."""

import sqlite3

import pytest
import zmq
from zmq.auth.thread import ThreadAuthenticator

import wire
import zmtp
from lib.forwarder import Forwarder, UP, play
from lib.wait import wait
from test_link import Peer, greeting


class Open:
    """A ROUTER without any protection: what the attempts reach where nobody refuses them."""

    def __init__(self, **options):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        for name, value in options.items():
            setattr(self.socket, name, value)
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")

    def users(self):
        """For PLAIN: who may come. libzmq refuses all where nobody is asked."""
        authenticator = ThreadAuthenticator(self.context)
        authenticator.start()
        authenticator.configure_plain(domain="*", passwords={"user": "pass"})
        return authenticator

    def received(self, timeout=5000):
        return self.socket.recv_multipart()[1:] if self.socket.poll(timeout) else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.destroy(0)


def add(house, name):
    """A known node's keys and the gateway's."""
    reply = house.gateway.call("POST", "/api/anchorhold/nodes", {"name": name}).json()
    secret = reply["node_key"].encode()
    return zmq.curve_public(secret), secret, reply["gateway_key"].encode()


def wait_ups(house, name, count):
    """The log tells a moment after the WELCOME."""
    wait(lambda: house.ups(name) >= count)
    assert house.ups(name) == count


@pytest.fixture
def dial(house):
    """Makes Peers; whatever the test did, they are closed."""
    peers = []

    def make(*keys, **options):
        peers.append(Peer(house, *keys, **options))
        return peers[-1]
    try:
        yield make
    finally:
        for peer in peers:
            peer.close()


def welcome(house, peer, name):
    """A connection of this key is welcomed: the gateway serves who may come."""
    before = house.ups(name)
    peer.send(greeting(name))
    assert peer.receive(20000)[1] == wire.WELCOME
    wait_ups(house, name, before + 1)


OLD = {"NULL": (zmtp.null, {}), "PLAIN": (zmtp.plain, {"plain_server": True}),
       "ZMTP 2.0": (zmtp.version_2, {}), "ZMTP 1.0": (zmtp.version_1, {})}


@pytest.mark.parametrize("how", OLD)
def test_peers_without_curve(house, dial, how):
    speak, options = OLD[how]
    keys = add(house, "raw")
    segments = speak(greeting())
    _, closed = play(house.gateway.link_port, segments, wait=60)
    assert closed, "the gateway went on listening"
    assert house.ups("raw") == 0
    assert house.gateway.nodes()["raw"]["state"] == "never seen"
    with Open(**options) as unprotected:
        users = unprotected.users()
        play(unprotected.port, segments, wait=1)
        assert unprotected.received() == [greeting()], "the attempt itself was wrong"
        users.stop()
    welcome(house, dial(*keys), "raw")


def test_a_captured_session_is_worth_nothing(house, dial):
    """Every byte a node ever said, said again: no HELLO of it is taken twice."""
    keys = add(house, "raw")
    tap = Forwarder(house.gateway.link_port)
    peer = dial(*keys, port=tap.port)
    welcome(house, peer, "raw")
    peer.send(wire.event(1, "said.once"))
    assert peer.receive(20000)[1] == wire.EVENT_ACK
    peer.close()
    said = bytes(tap.connections[0].crossed[UP])
    assert len(said) > 400 and house.ups("raw") == 1
    greeting_, hello, rest = said[:64], said[64:266], said[266:]
    for segments in ([said], [greeting_, hello, rest], [greeting_, hello + rest]):
        came, closed = play(house.gateway.link_port, segments, wait=60)
        assert closed, "the gateway went on listening"
    assert b"WELCOME" in came, "the replay did not even reach the handshake"
    assert house.ups("raw") == 1
    tap.close()
    welcome(house, dial(*keys), "raw")


def test_the_same_replay_works_without_curve(house, dial):
    """The control: recorded and played the same way, a session without keys is taken twice."""
    with Open() as unprotected:
        tap = Forwarder(unprotected.port)
        dial(port=tap.port).socket.send(greeting())
        assert unprotected.received() == [greeting()]
        tap.close()
        said = bytes(tap.connections[0].crossed[UP])
        play(unprotected.port, [said[:64], said[64:]], wait=1)
        assert unprotected.received() == [greeting()]


def test_a_revoked_node_is_refused(house, dial):
    keys = add(house, "raw")
    welcome(house, dial(*keys), "raw")
    with sqlite3.connect(house.gateway.database) as database:
        assert database.execute("UPDATE nodes SET revoked = 1 WHERE name = 'raw'").rowcount == 1
    peer = dial(*keys)
    try:
        peer.send(greeting())
    except zmq.Again:
        pass
    house.gateway.wait_text("refused.revoked: 127.0.0.1: the key of node", 20)
    assert peer.receive(500) is None
    assert house.ups("raw") == 1


def test_anothers_routing_id_is_not_taken_over(house, dial):
    """A routing id is the peer's own word: who comes second with it gets nothing of the first's."""
    one, two = add(house, "one"), add(house, "two")
    first = dial(*one, identity=b"same")
    welcome(house, first, "one")
    second = dial(*two, identity=b"same")
    try:
        second.send(greeting("two"))
        second.send(wire.event(1, "stolen"))
    except zmq.Again:
        pass
    first.send(wire.event(1, "honest"))
    assert first.receive(20000)[1] == wire.EVENT_ACK
    assert second.receive(1000) is None
    assert (house.ups("one"), house.ups("two")) == (1, 0)
    events = house.gateway.call("GET", "/api/anchorhold/events").json()
    assert [(e["node"], e["kind"]) for e in events if "." not in e["kind"]] == [("one", "honest")]
    # With an id of its own, and a name that is another's, the same key is let in as who it is.
    third = dial(*two, identity=b"other")
    third.send(greeting("one"))
    assert third.receive(20000)[1] == wire.WELCOME
    wait_ups(house, "two", 1)
    assert house.ups("one") == 1


def test_unknown_clients_are_refused(house):
    """No channel of a kernel opens without a token that is known."""
    house.node()
    kernel = house.start()
    where = f"/api/kernels/{kernel}/channels"
    for token in ("", "?token=", "?token=" + "0" * 40, "?token=" + house.gateway.token[:-1]):
        with pytest.raises(Exception, match="40[13]"):
            house.client(kernel, token=None, path=where + token)
    client = house.client(kernel, token=None, path=f"{where}?token={house.gateway.token}")
    assert client.run("print x")
    client.close()
