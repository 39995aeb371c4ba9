# SPDX-License-Identifier: Apache-2.0
"""Who is refused, and why, is an event of the gateway's own; of a flood, the first and a sum."""

import os
import re
import time
import uuid

import pytest
import zmq
from zmq.utils import z85

import wire
import zmtp
from client import texts
from lib.forwarder import UP, Forwarder, play
from lib.wait import wait
from test_enrol import awaited, copy_of, gateway_key, rush, verdict
from test_link import Peer, greeting
from test_projects import token
from test_refusals import add

# The client's pair of zmq_curve(7), which the whole world has.
PUBLISHED = b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
PRINT = "[0-9a-f]{4}(?:-[0-9a-f]{4}){7}"


def refusals(house, kind):
    rows = house.gateway.call("GET", "/api/anchorhold/events?last=1000").json()
    return [row["text"] for row in rows if row["kind"] == f"refused.{kind}" and row["node"] == ""]


def wait_refusal(house, kind, timeout=60):
    deadline = time.monotonic() + timeout
    while not refusals(house, kind) and time.monotonic() < deadline:
        time.sleep(0.1)
    return refusals(house, kind)


@pytest.fixture
def dealer(house):
    """Makes DEALERs with these options, which end with the test."""
    sockets = []

    def make(**options):
        sockets.append(zmq.Context().socket(zmq.DEALER))
        for name, value in {**options, "linger": 0}.items():
            setattr(sockets[-1], name, value)
        sockets[-1].connect(f"tcp://127.0.0.1:{house.gateway.link_port}")
    yield make
    for socket in sockets:
        socket.context.destroy(0)


@pytest.fixture
def peer(house):
    """Makes Peers, which end with the test: of these keys, or of others that are no node's."""
    made = []

    def make(public=None, secret=None, **options):
        if secret is None:
            public, secret = zmq.curve_keypair()
        made.append(Peer(house, public, secret, gateway_key(house), **options))
        made[-1].key = z85.decode(public)
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def tap(house):
    """A Forwarder to the gateway; `alter` may be set to what it takes."""
    forwarder = Forwarder(house.gateway.link_port)
    yield forwarder
    forwarder.close()


def curve(server, secret=None):
    secret = secret or zmq.curve_keypair()[1]
    return {"curve_serverkey": server, "curve_secretkey": secret,
            "curve_publickey": zmq.curve_public(secret)}


def test_an_unknown_key(house, dealer):
    """The key is named, so that an operator can tell whose it is; a hundred tries are told once."""
    node = house.gateway.call("POST", "/api/anchorhold/nodes", {"name": "a"}).json()
    options = curve(node["gateway_key"].encode())
    for _ in range(100):
        dealer(**options)
    key = options["curve_publickey"].decode()
    assert wait_refusal(house, "key") == [f"127.0.0.1: the key {key} is no node's"]
    time.sleep(1)
    assert len(refusals(house, "key")) == 1


@pytest.mark.parametrize("speak", [zmtp.null, zmtp.plain], ids=["NULL", "PLAIN"])
def test_another_mechanism(house, speak):
    """As bytes: libzmq's own client may hang up before it has said what it offers."""
    _, closed = play(house.gateway.link_port, speak(b"x"), wait=60)
    assert closed
    assert wait_refusal(house, "handshake") == \
        ["127.0.0.1: it offered another mechanism than CURVE"]
    # A node with a key is no refusal.
    house.node()
    assert refusals(house, "key") == []


@pytest.mark.parametrize("speak", [zmtp.version_1, zmtp.version_2], ids=["1.0", "2.0"])
def test_an_old_zmtp(house, speak):
    _, closed = play(house.gateway.link_port, speak(b"x"), wait=60)
    assert closed
    assert wait_refusal(house, "handshake") == \
        ["127.0.0.1: it speaks a version of ZMTP from before 3, which has no CURVE"]


def test_zmtp_3_0_is_judged_by_its_key(house, peer, tap):
    """CURVE is the same in 3.0 and 3.1: a node is let in, a stranger is not."""
    def older(way, data, before):
        """What follows the signature and the major version is the minor one."""
        at = 11 - before
        return data[:at] + b"\0" + data[at + 1:] if 0 <= at < len(data) else data
    tap.alter = older
    known = peer(*add(house, "raw")[:2], port=tap.port)
    known.send(greeting())
    assert known.receive(20000)[1] == wire.WELCOME
    stranger = peer(port=tap.port)
    assert wait_refusal(house, "key") and stranger.receive(100) is None


def test_a_published_key(house, dealer):
    """It is refused as what it is; a key of one's own is refused as unknown only."""
    node = house.gateway.call("POST", "/api/anchorhold/nodes", {"name": "a"}).json()
    dealer(**curve(node["gateway_key"].encode(), PUBLISHED))
    key = zmq.curve_public(PUBLISHED).decode()
    assert wait_refusal(house, "weak") == \
        [f"127.0.0.1: the key {key} is a published or a weak one"]
    assert refusals(house, "key") == []


def welcomed(house, peer, **options):
    one = peer(*add(house, "raw")[:2], **options)
    one.send(greeting())
    assert one.receive(20000)[1] == wire.WELCOME
    assert refusals(house, "handshake") == []
    return one


def test_a_captured_session(house, peer, tap):
    """Played again it ends in the handshake, and that is told."""
    welcomed(house, peer, port=tap.port).close()
    said = bytes(tap.connections[0].crossed[UP])
    play(house.gateway.link_port, [said[:64], said[64:266], said[266:]], wait=60)
    told = wait_refusal(house, "handshake")
    assert len(told) == 1 and told[0].startswith("127.0.0.1: what it sent does not fit"), told


BREACHES = {
    "what is no CURVE": lambda data: b"\x00\x20" + bytes(32) + data,
    "another byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "2^62 bytes": lambda data: b"\x02\x40" + bytes(7) + data,
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_behind_the_handshake(house, peer, tap, breach):
    one = welcomed(house, peer, port=tap.port)
    tap.alter = lambda way, data, before: BREACHES[breach](data) if way == UP else data
    one.send(wire.status(0))
    assert tap.connections[0].over.wait(20)
    told = wait_refusal(house, "handshake")
    assert len(told) == 1 and told[0].startswith("127.0.0.1: "), told


def test_a_message_of_two_parts(house, peer):
    welcomed(house, peer).send(wire.status(0), wire.status(0))
    assert wait_refusal(house, "handshake") == \
        ["127.0.0.1: it broke the rules of ZMTP, or of the link's frames"]


# ---- those that are let in to enrol, and those that are copies ----


SECRETS = {
    "unknown": (lambda key, secret: wire.enrol("new", key, os.urandom(32)),
                "its secret is unknown, used or expired"),
    "wrong": (lambda key, secret: wire.enrol("new", key, secret[:8] + bytes(24)),
              "its secret is wrong, or another name's"),
    "another name's": (lambda key, secret: wire.enrol("other", key, secret),
                       "its secret is wrong, or another name's"),
    "of another key": (lambda key, secret: wire.enrol("new", bytes(32), secret),
                       "it names another key than its own"),
}


@pytest.mark.parametrize("how", SECRETS)
def test_a_secret_that_is_not_good(house, peer, how):
    secret = awaited(house, "new")
    make, why = SECRETS[how]
    one = peer()
    one.send(make(one.key, secret))
    assert verdict(one.receive(20000)) == wire.BAD_SECRET
    (told,) = wait_refusal(house, "secret")
    name = "other" if how == "another name's" else "new"
    assert re.fullmatch(f"127.0.0.1: node '{name}', key {PRINT}: {why}", told), told
    assert secret.hex() not in house.gateway.log.read_text()
    # The control: the same, with the secret as it was given.
    one = peer()
    one.send(wire.enrol("new", one.key, secret))
    assert verdict(one.receive(20000)) == wire.ENROLLED


@pytest.mark.parametrize("how", ["used", "expired"])
def test_a_secret_that_is_over(house, peer, how):
    secret = awaited(house, "new", **({"expires_s": 1} if how == "expired" else {}))
    awaited(house, "other")
    if how == "expired":
        wait(lambda: "new" not in house.gateway.nodes())
    else:
        one = peer()
        one.send(wire.enrol("new", one.key, secret))
        assert verdict(one.receive(20000)) == wire.ENROLLED
    one = peer()
    one.send(wire.enrol("new", one.key, secret))
    assert verdict(one.receive(20000)) == wire.BAD_SECRET
    (told,) = wait_refusal(house, "secret")
    assert told.endswith("its secret is unknown, used or expired"), told


def test_too_many_that_enrol_at_once(house, peer):
    rush(peer, house)
    told = wait_refusal(house, "busy")
    assert told and told[0].endswith("too many try to enrol at once"), told


@pytest.mark.parametrize("said,kind,why", [
    (greeting("new"), "stranger", f"127.0.0.1: a stranger with key {PRINT} sent HELLO and no ENROL"),
    (b"\x00noise", "frame", "_stranger: a frame was dropped: .*"),
], ids=["HELLO", "noise"])
def test_a_stranger_that_does_not_enrol(house, peer, tap, said, kind, why):
    awaited(house, "new")
    peer(port=tap.port).send(said)
    (told,) = wait_refusal(house, kind)
    assert re.fullmatch(why, told), told
    assert tap.connections[0].over.wait(20), "it is kept"


def test_who_gets_in_and_says_nothing_is_hung_up_on(house, peer, tap):
    """A stranger while one is awaited, and a node; those who have said who they are stay."""
    secret = awaited(house, "new")
    node = house.node("good")
    quiet = [peer(port=tap.port, immediate=True) for _ in range(20)]
    quiet.append(peer(*add(house, "known")[:2], port=tap.port, immediate=True))
    wait(lambda: all(one.through() for one in quiet))
    connections = list(tap.connections)
    # meanwhile there is room for who enrols
    one = peer()
    one.send(wire.enrol("new", one.key, secret))
    assert verdict(one.receive(20000)) == wire.ENROLLED
    deadline = time.monotonic() + 90
    for connection in connections:
        assert connection.over.wait(deadline - time.monotonic()), "it is kept for good"
    assert wait_refusal(house, "silent")[0] == \
        "127.0.0.1: it got in and said neither HELLO nor ENROL for 20 s"
    assert node.up and house.gateway.nodes()["good"]["state"] == "ready"
    assert len(re.findall("good: up", house.gateway.log.read_text())) == 1


def test_a_copy(house):
    node = house.node()
    wait(lambda: node.ticket[0] == 1)
    old = node.ticket
    node.reconnect()
    wait(lambda: node.ticket[0] == 2)
    copy_of(house, node, old).start()
    (told,) = wait_refusal(house, "ticket")
    assert re.fullmatch(f"127.0.0.1: node fake-1, key {PRINT}: a stale ticket: "
                        "two nodes have this key", told), told
    node.reconnect()
    (told,) = wait_refusal(house, "locked")
    assert told == "127.0.0.1: the key of node fake-1, which is locked: two nodes have it"


def test_what_is_not_a_nodes_to_say(house):
    """Told once a minute, however often it is said."""
    node = house.node()
    for _ in range(500):
        node.call(lambda: node.send(wire.frame(wire.EVENT_ACK, bytes(8))))
    assert wait_refusal(house, "frame") == ["fake-1: EVENT_ACK is not a node's to send"]
    assert house.gateway.log.read_text().count("EVENT_ACK") == 1


def test_a_frame_that_is_none(house):
    node = house.node()
    node.call(lambda: node.send(bytes([wire.VERSION, 0x63])))
    assert wait_refusal(house, "frame")[0].startswith("fake-1: a frame was dropped: ")


def test_anothers_name(house, peer):
    """Told once a minute, however often it joins; by its own name nothing is."""
    house.gateway.call("POST", "/api/anchorhold/nodes", {"name": "victim"})
    public, secret = add(house, "raw")[:2]
    for name in ("raw", "victim", "victim", "victim"):
        one = peer(public, secret)
        one.send(greeting(name))
        assert one.receive(20000)[1] == wire.WELCOME
        assert bool(refusals(house, "name")) == (name == "victim")
        one.close()
    (told,) = refusals(house, "name")
    assert re.fullmatch(f"raw: at 127.0.0.1, key {PRINT}: it calls itself 'victim'; "
                        "its key decides", told), told
    assert house.gateway.nodes()["victim"]["state"] == "never seen"


def test_anothers_kernel(house, peer):
    """Who runs it says the same, and is heard; what another says often is told once."""
    node = house.node("good")
    kernel = house.start()
    client = house.client(kernel)
    client.run("print x")
    session = list(node.kernel(kernel).sessions)[0]
    one = welcomed(house, peer)
    number, blob = uuid.UUID(kernel).bytes, wire.blob([b"{}"] * 4)
    for _ in range(100):
        one.send(wire.out(number, 1, session, 99, wire.IOPUB, len(blob), 0, blob))
    assert wait_refusal(house, "kernel") == \
        [f"raw: OUT for kernel {kernel}, which is node good's"]
    assert texts(client.run("print mine")) == "mine"
    assert len(refusals(house, "kernel")) == 1


@pytest.mark.parametrize("code,why", [
    (wire.E_STALE, "said before, or to what was there before"),
    (wire.E_UNKNOWN, "of a session that it does not have")], ids=["stale", "unknown"])
def test_a_message_that_a_node_refused(house, code, why):
    """Not one that it has no room for, which says nothing of who sent it, nor an ATTACH."""
    node = house.node("good")
    kernel = house.start()
    client = house.client(kernel)
    client.run("print x")
    session = list(node.kernel(kernel).sessions)[0]

    def refuse(seq, reason):
        frame = wire.refused(uuid.UUID(kernel).bytes, session, seq, wire.SHELL, reason)
        node.call(lambda: node.send(frame))
    refuse(77, wire.E_BUSY)
    refuse(0, wire.E_BUSY)
    assert texts(client.run("print mine")) == "mine"
    assert refusals(house, "message") == []
    for _ in range(100):
        refuse(77, code)
    assert wait_refusal(house, "message") == \
        [f"good: it refused a message for kernel {kernel}: {why}"]
    assert texts(client.run("print mine")) == "mine"
    assert len(refusals(house, "message")) == 1


def test_a_token_of_nobodys(house):
    call = house.gateway.call
    for path in ("/api/kernels", "/api/anchorhold/events"):
        assert call("GET", path, token=False,
                    headers={"Authorization": "token " + "0" * 40}).status == 401
    assert wait_refusal(house, "token") == ["127.0.0.1: a token that is nobody's"]
    assert "0" * 40 not in house.gateway.log.read_text()


def test_no_token_is_no_attempt(house):
    assert house.gateway.call("GET", "/api/kernels", token=False).status == 401
    time.sleep(0.5)
    assert refusals(house, "token") == []


def test_what_is_an_administrators(house):
    answer = house.gateway.call("GET", "/api/anchorhold/events", **token(house, "ann"))
    assert answer.status == 403
    assert wait_refusal(house, "forbidden") == \
        ["127.0.0.1: ann asked for /api/anchorhold/events, which is an administrator's"]
