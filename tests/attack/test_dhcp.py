# SPDX-License-Identifier: Apache-2.0
"""Whoever answers a node's DHCP client: what it must not believe, and what it could take over.

One node for all tests, in their order: it boots beside a hostile server, then it is looked at.
"""

import re
import subprocess
import time

import pytest

from lib import dhcp, posture, posture_roles
from lib.dhcp import ACK, NAK, OFFER, options, packet
from lib.line import inet
from lib.room import LEASE, ROUTER, room

NEXT, NEVER, OTHER = "10.78.0.61", "10.66.6.6", "10.78.0.99"
WAIT_S = 300

# None of these is for this client, or is no answer at all: each tells of NEVER.
NOT_FOR_IT = {
    "another's number": {"xid": b"\1\2\3\4"},
    "another's address": {"mac": b"\2\0\0\0\0\7"},
    "another kind of address": {"hardware": 16},
    "no magic": {"magic": b"\x63\x82\x53\x64"},
    "another port": {"port": 69},
    "a UDP length beyond its packet": {"udp_more": 64},
    "a UDP length below its packet": {"udp_more": -290},
    "an IP length beyond its packet": {"ip_more": 200},
    "an IP length beyond what there can be": {"ip_more": 60000},
    "a wrong checksum": {"ip_check": 1},
    "the headers alone": {"cut": 28},
    "not even those": {"cut": 19},
}
NO_KIND = [b"", dhcp.END, b"\0" * 64 + dhcp.END, b"\x36\x04", b"\x36\xff" + b"x" * 20,
           dhcp.option(12, b"x") * 40 + dhcp.END]


def strangers(kind):
    """What is sent before each honest word of that kind."""
    given = options(kind, ROUTER)
    # One that fills a frame, and one beyond that.
    many = [packet(NEVER, ROUTER, options(kind, ROUTER, more=b"\x0c\0" * n)) for n in (590, 1000)]
    return ([packet(NEVER, ROUTER, given, **wrong) for wrong in NOT_FOR_IT.values()]
            + [packet(NEVER, ROUTER, nothing) for nothing in NO_KIND] + many
            + [packet(NEVER, OTHER, options(NAK, OTHER))])


# These are for it, and udhcpc believes them: the node does not.
REFUSED = [
    packet("127.0.0.1", ROUTER, options(ACK, ROUTER)),
    packet(NEVER, ROUTER, options(ACK, ROUTER, mask="255.0.255.0")),
    packet(NEVER, ROUTER, options(ACK, ROUTER, mask=None, more=dhcp.option(12, b"x") * 100)),
    packet(NEVER, ROUTER, options(ACK, ROUTER, router=NEVER)),
    packet(NEVER, ROUTER, options(ACK, ROUTER, router=inet("123.123.123.123") * 63)),  # too long
]
NAKED = packet(LEASE, ROUTER, options(NAK, ROUTER))
# As much as one packet can hold of what nobody asked for, in a lease that is fine.
MORE = (dhcp.option(12, b"a\naddress = 10.66.6.6") + dhcp.option(15, b"$(reboot)\x1b[2J\0")
        + dhcp.option(52, b"\3") + dhcp.option(33, b"x" * 3) + dhcp.option(119, b"\xc0\0" * 20)
        + dhcp.option(121, b"\x21" * 9) + dhcp.option(224, b"y" * 200))
FINE = packet(LEASE, ROUTER, options(ACK, ROUTER, router=ROUTER, seconds=0, more=MORE))
OFFERED = packet(LEASE, ROUTER, options(OFFER, ROUTER))
HOSTILE = {"offers": strangers(OFFER) + [OFFERED],
           "acks": [strangers(ACK) + [last] for last in [*REFUSED, NAKED, FINE]]}


class Hostile:
    def __init__(self, made):
        self.node, self.line = made.node, made.line
        self.inside, self.counts = made.node.inside, made.line.counts()

    def until(self, what, done):
        """What done() gives, once that is something."""
        deadline = time.monotonic() + WAIT_S
        while not (found := done()):
            assert time.monotonic() < deadline, f"{what}: not in {WAIT_S} s"
            time.sleep(0.1)
        return found

    def address(self, wanted):
        return self.until(wanted, lambda: f"address {wanted}/24\n" in
                          self.inside.run("cat /run/anchorhold/network"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    with room(tmp_path_factory.mktemp("dhcp"), answers=HOSTILE) as made:
        yield Hostile(made)


def test_a_hostile_server_is_not_believed(hostile):
    """Each exchange until the last, honest one is refused, and nothing of NEVER is anywhere."""
    hostile.address(LEASE)
    # An exchange each, and a second attempt in that which was told no; more where one was slow.
    attempts = len(REFUSED) + 2
    assert hostile.counts["dhcp 1"] >= attempts and hostile.counts["dhcp 3"] >= attempts
    log = hostile.inside.run("cat /run/anchorhold/log")
    # Of a row of failures the first has a line: what was wrong, and that udhcpc ended by itself.
    (failure,) = [line for line in log.splitlines() if " dhcp on " in line]
    assert re.search(r"127\.0\.0\.1.*\(status 0\)|no answer \(status 0x100\)", failure), failure
    said = [line.split("network: ")[1] for line in log.splitlines() if "network: eth0" in line]
    assert said == [f"eth0 {LEASE}/24, router {ROUTER}"], said
    assert NEVER not in log + hostile.node.text() + hostile.inside.run(
        "cat /run/anchorhold/network /run/dhcp/lease /proc/net/fib_trie /proc/net/route")


GROUP = "/sys/fs/cgroup/dhcp"
LOOKS = 5  # for a moment it has another socket, to send by and to ask for the interface


def caught(hostile):
    """The client's snapshot while it waits for answers, held still meanwhile; None: it was gone.

    By init it is killed thirty seconds after its start, however still it is held."""
    run = hostile.inside.run
    try:
        run(f"echo 1 >{GROUP}/cgroup.freeze")
        pids = run(f"cat {GROUP}/cgroup.procs").split()
        # Not before it is udhcpc, nor while it waits for its script.
        if len(pids) != 1 or "socket:" not in run(f"ls -l /proc/{pids[0]}/fd", check=False)[1]:
            return None
        snap = posture.snapshot(hostile.inside, int(pids[0]))
        return snap if run(f"cat {GROUP}/cgroup.procs").split() == pids else None
    except subprocess.CalledProcessError:
        return None  # killed while it was looked at
    finally:
        run(f"echo 0 >{GROUP}/cgroup.freeze")


def test_every_field_of_the_client(hostile):
    """Nobody answers: what it is while it asks, and that a row taken away is missed."""
    hostile.line.order(answers=None)
    facts = {"uid": "902", "cell": "", "id": "", "parent": 1,
             "node_ns": posture.node_ns(hostile.inside)}
    for _ in range(LOOKS):
        snap = hostile.until("a client at work", lambda: hostile.inside.run(
            f"cat {GROUP}/cgroup.procs").strip() and caught(hostile))
        differs = posture_roles.compare(snap, "dhcp", facts)
        if not differs:
            break
    assert differs == []
    assert len(posture.inodes(snap, "socket")) == 1
    assert posture_roles.decoration(snap, "dhcp", facts) == []


def test_it_asks_again_after_all_that(hostile):
    hostile.line.order(lease=NEXT)
    hostile.address(NEXT)
    assert NEVER not in hostile.inside.run("cat /run/anchorhold/log /proc/net/fib_trie")
