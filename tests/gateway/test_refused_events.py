# SPDX-License-Identifier: Apache-2.0
"""Who is refused, and why, is an event of the gateway's own; of a flood, the first and a sum."""

import time

import pytest
import zmq

import wire
from test_projects import token


def refusals(house, kind):
    rows = house.gateway.call("GET", "/api/anchorhold/events?last=1000").json()
    return [row["text"] for row in rows if row["kind"] == f"refused.{kind}" and row["node"] == ""]


def wait_refusal(house, kind, timeout=20):
    deadline = time.monotonic() + timeout
    while not refusals(house, kind) and time.monotonic() < deadline:
        time.sleep(0.1)
    return refusals(house, kind)


def dealer(house, **options):
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    for name, value in options.items():
        setattr(socket, name, value)
    socket.connect(f"tcp://127.0.0.1:{house.gateway.link_port}")
    return context, socket


def curve(server, secret=None):
    secret = secret or zmq.curve_keypair()[1]
    return {"curve_serverkey": server, "curve_secretkey": secret,
            "curve_publickey": zmq.curve_public(secret)}


def test_an_unknown_key(house):
    """The key is named, so that an operator can tell whose it is; a hundred tries are told once."""
    node = house.gateway.call("POST", "/api/anchorhold/nodes", {"name": "a"}).json()
    options = curve(node["gateway_key"].encode())
    contexts = [dealer(house, **options)[0] for _ in range(100)]
    key = options["curve_publickey"].decode()
    assert wait_refusal(house, "key") == [f"127.0.0.1: the key {key} is no node's"]
    time.sleep(1)
    assert len(refusals(house, "key")) == 1
    for context in contexts:
        context.destroy(0)


@pytest.mark.parametrize("options", [{}, {"plain_username": b"user", "plain_password": b"pass"}],
                         ids=["NULL", "PLAIN"])
def test_another_mechanism(house, options):
    context, _ = dealer(house, **options)
    told = wait_refusal(house, "handshake")
    assert told and told[0].endswith(": it offered another mechanism than CURVE"), told
    assert told[0].startswith(("127.0.0.1: ", "an unknown address: ")), told
    context.destroy(0)
    # A node with a key is no refusal.
    house.node()
    assert refusals(house, "key") == []


def test_a_frame_that_is_none(house):
    node = house.node()
    node.call(lambda: node.send(bytes([wire.VERSION, 0x63])))
    assert wait_refusal(house, "frame")[0].startswith("fake-1: a frame was dropped: ")


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
