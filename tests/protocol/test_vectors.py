# SPDX-License-Identifier: Apache-2.0
"""PROTOCOL.md is exact: an implementation made from it agrees with the C one, byte for byte.

The vectors are the seeds of fuzz_wire; a unit test of link/ holds them against the C code.
"""
import pathlib

import pytest

import anchorhold_link as link

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "link" / "corpus" / "wire"
VECTORS = sorted(path for path in FOLDER.iterdir() if path.is_file())


def test_every_type_has_a_vector():
    assert {link.unpack(path.read_bytes())[0] for path in VECTORS} == set(link.NUMBERS)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.name)
def test_round_trip(path):
    frame = path.read_bytes()
    name, value = link.unpack(frame)
    assert link.pack(name, value) == frame


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.name)
def test_no_byte_less_no_byte_more(path):
    frame = path.read_bytes()
    for size in range(len(frame)):
        with pytest.raises(ValueError):
            link.unpack(frame[:size])
    with pytest.raises(ValueError):
        link.unpack(frame + b"\0")


def read(name):
    return link.unpack((FOLDER / name).read_bytes())[1]


def test_values():
    hello = read("hello")
    assert hello["environments"][0]["display_name"] == "Python 3 \u2013 caf\u00e9"
    assert hello["missing"] == ["kcfi", "no-modules"]
    assert hello["kernels"][0]["incarnation"] == 3 and hello["kernels"][0]["project"] == ""
    assert read("request-start")["idle_s"] == 600
    assert read("request-logs")["lines"] == 100
    assert "lines" not in read("request-stop")
    start = read("request-start-egress")
    assert (start["strict"], start["grace_s"], start["workspace"], start["network"]) == (1, 3, 2, 2)
    assert start["rules"][1] == {"address": 0xc0a80100, "bits": 24, "protocol": 17,
                                 "port_first": 5000, "port_last": 5010}
    assert read("request-network")["bytes_max"] == 1 << 33
    assert "rules" not in read("request-network-sealed")
    assert read("request-cut")["on"] == 1 and read("request-cut")["kernel_id"] == bytes(16)
    assert read("kernel")["status"] == -9
    assert read("result")["text"].decode() == "one line\nand\tanother: \u00e9\n"
    assert read("welcome")["time_ms"] == 1700000000123
    assert read("cursor")["session"] == 0x1122334455667788
    assert hello["counter"] == 7 and hello["tag"] == b"\xa1\xa2" + bytes(30)
    assert read("welcome")["counter"] == read("join-ack")["counter"] == 8
    assert read("welcome")["next_key"] == b"\xc1\xc2" + bytes(30)
    assert read("enrol")["secret"] == bytes([9, 8, 7]) + bytes(29)
    assert read("verdict")["code"] == 4 and read("request-rotate")["stage"] == 2


def test_blob():
    parts = link.blob_unpack(read("in")["data"])
    assert parts == [b"{}", b"{}", b"{}", b'{"a":1}', b"\x01\xff"]
    assert link.blob_pack(parts) == read("in")["data"]
    out = read("out")
    assert out["offset"] + len(out["data"]) == out["total"]


@pytest.mark.parametrize("name, field, value", [
    ("hello", "name", "a/b"), ("hello", "name", ".."), ("hello", "name", ""),
    ("hello", "name", "a" * 64), ("kernel", "text", "a\x1b"), ("kernel", "text", "a" * 256),
    ("kernel", "state", 5), ("attach", "credit", link.WINDOW_MAX + 1), ("attach", "session", 0),
    ("in", "epoch", 0), ("in", "channel", 3), ("in", "data", b""), ("in", "offset", 1),
    ("out", "epoch", 1), ("out", "seq", 0), ("detach", "value", 1), ("refused", "code", 0),
    ("request-cut", "on", 2), ("request-network", "network", 3), ("request-network", "network", 1),
    ("request-network", "resolvers", [0]),
    ("request-start", "kernel_id", bytes(16)),
    ("request-start-egress", "project", ""), ("request-start", "cpu_weight", 10001),
    ("request-start", "memory_mib", 1 << 31), ("request-start", "grace_s", 3601),
    ("request-start-egress", "rules",
     [{"address": 1, "bits": 8, "protocol": 0, "port_first": 0, "port_last": 0}]),
    ("request-start-egress", "rules",
     [{"address": 0, "bits": 0, "protocol": 1, "port_first": 1, "port_last": 1}]),
    ("result", "text", b"\xff"), ("event", "kind", "a b"), ("welcome", "gateway_epoch", 0),
    ("welcome", "counter", 0), ("join-ack", "counter", 0), ("verdict", "code", 6),
    ("enrol", "name", ""), ("enrol", "secret", bytes(31)), ("request-rotate", "stage", 3),
])
def test_not_packed(name, field, value):
    kind, fields = link.unpack((FOLDER / name).read_bytes())
    fields[field] = value
    with pytest.raises(ValueError):
        link.pack(kind, fields)
