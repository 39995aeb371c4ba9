# SPDX-License-Identifier: Apache-2.0
"""Network policies in the booted image: a node with a second card, and an outside behind it.

For each thing denied there is an attempt from a kernel of the python environment, and one that
shows that the same attempt works where the policy, or the rule that denies it, is another.
"""

import asyncio
import contextlib
import json
import re
import socket
import threading
import time

import pytest

from lib.client import Session, start_kernel, stop_kernel, text_of
from lib.cluster import Cluster
from lib.egress import EVERYTHING, boot, world  # noqa: F401 (world: a fixture)
from lib.node import TEST_IMAGE, Node
from lib.outside import (GATEWAY, METADATA, NODE, OTHER, RESOLVER, ROUTER, SERVER, Outside)
from lib.projects import restart_hostd

CUT = "/api/anchorhold/cut"
LISTED = {"network": "egress", "egress": [f"{SERVER}:tcp:80-82", f"{SERVER}:udp:80"],
          "resolvers": [RESOLVER]}

# What the kernel runs: each attempt ends in a word.
HELPERS = r'''
import errno, json, os, socket, threading, time

def word(error):
    return "ETIMEDOUT" if isinstance(error, TimeoutError) else errno.errorcode[error.errno]

def tcp(address, port, count=5, timeout=6):
    try:
        with socket.socket() as s:
            s.settimeout(timeout)
            s.connect((address, port))
            return talk(s, count)
    except OSError as error:
        return word(error)

def talk(s, count=5):
    try:
        left = count
        while left:
            part = min(left, 65536)
            s.sendall(b"x" * part)
            got = 0
            while got < part:
                data = s.recv(65536)
                if not data:
                    return "closed"
                got += len(data)
            left -= part
        return "ok"
    except OSError as error:
        return word(error)

def keep(address, port):
    global kept
    kept = socket.socket()
    kept.settimeout(6)
    kept.connect((address, port))
    return talk(kept)

def udp(address, port, size=5):
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(4)
            s.connect((address, port))
            s.send(b"x" * size)
            return "ok" if len(s.recv(65536)) == size else "short"
    except OSError as error:
        return word(error)

def make(*words):
    try:
        socket.socket(*words).close()
        return "ok"
    except OSError as error:
        return word(error)

def own():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("192.0.2.9", 9))  # nothing is sent
        return s.getsockname()[0]

def router():
    for line in open("/proc/net/route"):
        words = line.split()
        if words[1] == "00000000":
            return socket.inet_ntoa(bytes.fromhex(words[2])[::-1])

def watch(address, port):
    """Again and again, until seen() asks what came of it."""
    global going, came
    going, came = True, []
    def again():
        while going:
            came.append(tcp(address, port, 5, 2))
            time.sleep(0.2)
    threading.Thread(target=again, daemon=True).start()

def seen():
    global going
    going = False
    return came

def listen(port):
    global listener
    listener = socket.create_server(("0.0.0.0", port))
    return "ok"
'''


class Kernel:
    """A kernel that is asked one thing at a time."""

    def __init__(self, gateway, project, environment="python", settings=None):
        self.gateway = gateway
        if settings is not None:
            reply = gateway.call("PUT", f"/api/anchorhold/projects/{project}",
                                 {"memory_mib": 256, **settings})
            assert reply.status in (200, 201), reply.body
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)  # another file's asyncio.run() leaves none
        reply = gateway.call("POST", "/api/kernels", {"name": environment, "project": project},
                             timeout=180)
        assert reply.status == 201, reply.body
        self.id = reply.json()["id"]
        self.session = self.loop.run_until_complete(Session(gateway, self.id).open())
        self.run(HELPERS)

    def run(self, code):
        reply, outputs = self.loop.run_until_complete(self.session.execute(code, timeout=240))
        assert reply["content"]["status"] == "ok", reply["content"]
        return text_of(outputs).strip()

    def ask(self, expression):
        return json.loads(self.run(f"print(json.dumps({expression}))"))

    def network(self, **policy):
        return self.gateway.call("PUT", f"/api/anchorhold/kernels/{self.id}/network", policy,
                                 timeout=90)

    def set(self, policy):
        reply = self.network(**policy)
        assert reply.status == 200, reply.body

    def usage(self):
        reply = self.gateway.call("GET", f"/api/anchorhold/kernels/{self.id}/usage")
        assert reply.status == 200, reply.body
        return reply.json()

    def leave(self):
        """Close the socket inside its own loop: another file's asyncio.run() leaves none outside."""
        async def leave():
            self.session.close()
        self.loop.run_until_complete(leave())

    def come_again(self):
        """Over a new connection: a node that was away for long costs its clients theirs."""
        self.leave()
        self.session = self.loop.run_until_complete(Session(self.gateway, self.id).open())

    def close(self):
        self.leave()
        self.loop.close()
        stop_kernel(self.gateway, self.id)


def echo_all(server):
    """One connection at a time; ends with its server."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data)


def number_of(usage, key):
    """A usage key, however deep the model has it."""
    if isinstance(usage, dict):
        for name, value in usage.items():
            if name == key:
                return value
            found = number_of(value, key)
            if found is not None:
                return found
    return None


def events(gateway, kernel, kind):
    return [e for e in gateway.call("GET", "/api/anchorhold/events").json()
            if e["kind"] == kind and (kernel is None or e.get("kernel") == kernel)]


def wait_event(gateway, kernel, kind, timeout=30):
    deadline = time.monotonic() + timeout
    while not (found := events(gateway, kernel, kind)):
        assert time.monotonic() < deadline, (kind, gateway.call(
            "GET", "/api/anchorhold/events").body)
        time.sleep(0.3)
    return found[-1]


@pytest.fixture(scope="module")
def kernel(world):
    kernel = Kernel(world[0], "lab", settings=LISTED)
    yield kernel
    kernel.close()


# ---- the list ----

ROWS = [
    ("listed", f"tcp('{SERVER}', 80)", "ok"),
    ("the last port of a range", f"tcp('{SERVER}', 82)", "ok"),
    ("a port behind it", f"tcp('{SERVER}', 83)", "ECONNREFUSED"),
    ("another address", f"tcp('{OTHER}', 80)", "ECONNREFUSED"),
    ("the router", f"tcp('{ROUTER}', 80)", "ECONNREFUSED"),
    ("datagrams", f"udp('{SERVER}', 80)", "ok"),
    ("datagrams to another port", f"udp('{SERVER}', 90)", "EHOSTUNREACH"),
    ("the resolver", "socket.gethostbyname('any.example')", SERVER),
    ("the resolver's other port", f"udp('{RESOLVER}', 5353)", "EHOSTUNREACH"),
]


@pytest.mark.parametrize("name, attempt, listed", ROWS, ids=[row[0] for row in ROWS])
def test_what_the_list_says(kernel, name, attempt, listed):
    kernel.set(LISTED)
    time.sleep(1)  # an ICMP error a second is what a node answers
    assert kernel.ask(attempt) == listed
    kernel.set({"network": "egress", "egress": [], "resolvers": []})
    if "gethostbyname" not in attempt:
        time.sleep(1)
        assert kernel.ask(attempt) in ("ECONNREFUSED", "EHOSTUNREACH")
    kernel.set(EVERYTHING)
    assert kernel.ask(attempt) == (SERVER if "gethostbyname" in attempt else "ok")


def test_the_resolvers_are_in_resolv_conf(kernel):
    kernel.set(LISTED)
    assert kernel.run("print(open('/etc/resolv.conf').read())") == f"nameserver {RESOLVER}"
    kernel.set({"network": "egress", "egress": [], "resolvers": []})
    assert kernel.ask("os.path.exists('/etc/resolv.conf')") is False


def test_the_source_is_the_nodes(world, kernel):
    _, _, outside = world
    kernel.set(LISTED)
    assert kernel.ask(f"tcp('{SERVER}', 81)") == "ok"
    assert set(outside.ask(heard=81)) == {NODE}


# ---- what no list allows ----

# That each goes through without the chain that refuses it: hostd/cell/test_egress.c.
NEVER = [
    ("metadata", f"'{METADATA}'"),
    ("the node's address", f"'{NODE}'"),
    ("the link's address", "'10.0.2.15'"),
    ("the node's end", "router()"),
]


@pytest.mark.parametrize("name, address", NEVER, ids=[row[0] for row in NEVER])
def test_never(world, kernel, name, address):
    _, _, outside = world
    kernel.set(EVERYTHING)
    assert kernel.ask(f"tcp({address}, 80)") == "ECONNREFUSED"
    assert kernel.ask(f"udp({address}, 80)") in ("EHOSTUNREACH", "ETIMEDOUT")
    # There is somebody at the metadata address, and at the one beside it the cell gets through.
    assert outside.ask(connect=[METADATA, 80]) == "open"
    assert kernel.ask(f"tcp('{OTHER}', 80)") == "ok"


def test_gateways_are_never_reached(world, kernel):
    gateway, _, _ = world
    kernel.set(EVERYTHING)
    # The gateway's host, as the node sees it; a listening port of it, at that.
    assert kernel.ask(f"tcp('10.0.2.2', {gateway.link_port})") == "ECONNREFUSED"
    assert kernel.ask(f"tcp('10.0.2.2', {gateway.http_port})") == "ECONNREFUSED"
    # An address that is no gateway of this node's, though beside it: it goes to the router.
    assert kernel.ask(f"tcp('{GATEWAY}', 80)") == "ok"


def test_another_cell(world, kernel):
    gateway, node, _ = world
    kernel.set(EVERYTHING)
    other = Kernel(gateway, "other", settings=EVERYTHING)
    try:
        assert other.ask("listen(8080)") == "ok"
        own = other.ask("own()")
        assert own.startswith("100.127.") and own != kernel.ask("own()")
        assert kernel.ask(f"tcp('{own}', 8080)") == "ECONNREFUSED"
        # Not that nobody listened there.
        assert other.ask(f"tcp('{own}', 8080, 0)") == "ok"
        # Nor that the other is shut in: both reach the outside.
        assert other.ask(f"tcp('{SERVER}', 80)") == "ok"
    finally:
        other.close()


def test_nobody_gets_in(world, kernel):
    _, _, outside = world
    kernel.set(EVERYTHING)
    kernel.ask("listen(8080)")
    own = kernel.ask("own()")
    assert outside.ask(connect=[own, 8080]) == "ETIMEDOUT"
    assert outside.ask(connect=[NODE, 8080]) == "ETIMEDOUT"
    assert kernel.ask(f"tcp('{own}', 8080, 0)") == "ok"


def test_no_ipv6_and_no_other_families(kernel):
    assert kernel.ask("make(socket.AF_INET6)") == "EAFNOSUPPORT"
    assert kernel.ask("make(socket.AF_INET, socket.SOCK_RAW, 1)") in ("EPERM", "EACCES")
    assert kernel.ask("make(socket.AF_PACKET, socket.SOCK_RAW)") == "EAFNOSUPPORT"
    assert kernel.ask("make(socket.AF_INET)") == "ok"


# ---- counters, rate, quota ----

def test_usage_counts_what_is_sent(kernel):
    kernel.set(LISTED)
    time.sleep(2)
    before = kernel.usage()
    for _ in range(5):
        assert kernel.ask(f"udp('{SERVER}', 80, 1000)") == "ok"
    after = kernel.usage()
    for key in ("network_sent_bytes", "network_received_bytes"):
        assert number_of(after, key) - number_of(before, key) == 5 * 1028, key
    assert kernel.ask(f"tcp('{OTHER}', 80)") == "ECONNREFUSED"
    assert number_of(kernel.usage(), "network_dropped_packets") > number_of(
        after, "network_dropped_packets")
    kernel.set({"network": "loopback"})
    kernel.set(LISTED)
    assert number_of(kernel.usage(), "network_sent_bytes") >= number_of(
        after, "network_sent_bytes")


def test_a_refusal_is_an_event(world, kernel):
    gateway, _, _ = world
    kernel.set(LISTED)
    kernel.ask(f"tcp('{OTHER}', 80)")
    event = wait_event(gateway, kernel.id, "denied.network")
    assert "refused" in event["text"] and event["project"] == "lab"


def test_the_rate_bites(world, kernel):
    gateway, _, _ = world
    kernel.set({**LISTED, "rate_kibps": 64})
    began = time.monotonic()
    kernel.ask(f"tcp('{SERVER}', 80, 1200000, 60)")
    slow = time.monotonic() - began
    assert "64 KiB/s" in wait_event(gateway, kernel.id, "limit.network")["text"]
    kernel.set({**LISTED, "rate_kibps": 0})
    began = time.monotonic()
    assert kernel.ask(f"tcp('{SERVER}', 80, 1200000, 60)") == "ok"
    assert time.monotonic() - began < slow


def test_the_quota_bites_and_is_not_filled_anew(world):
    gateway, _, _ = world
    kernel = Kernel(gateway, "poor", settings={**LISTED, "bytes_max": 200000})
    try:
        assert kernel.ask(f"tcp('{SERVER}', 80, 20000)") == "ok"
        assert kernel.ask(f"tcp('{SERVER}', 80, 400000)") != "ok"
        assert "200000 bytes" in wait_event(gateway, kernel.id, "limit.network")["text"]
        usage = kernel.usage()
        used = number_of(usage, "network_sent_bytes") + number_of(usage, "network_received_bytes")
        assert 40000 < used <= 200000
        kernel.set({**LISTED, "bytes_max": 200000})
        assert kernel.ask(f"tcp('{SERVER}', 80)") != "ok"
        kernel.set({**LISTED, "bytes_max": 4000000})
        assert kernel.ask(f"tcp('{SERVER}', 80)") == "ok"
    finally:
        kernel.close()


# ---- while it runs ----

def test_a_withdrawn_rule_ends_what_it_allowed(kernel):
    kernel.set(LISTED)
    assert kernel.ask(f"keep('{SERVER}', 80)") == "ok"
    assert kernel.ask("talk(kept)") == "ok"
    kernel.set({"network": "egress", "egress": [f"{SERVER}:tcp:81"]})
    assert kernel.ask("talk(kept)") != "ok"
    assert kernel.ask(f"tcp('{SERVER}', 80)") == "ECONNREFUSED"
    assert kernel.ask(f"tcp('{SERVER}', 81)") == "ok"


def test_from_loopback_to_egress_and_back(world, kernel):
    _, node, _ = world
    kernel.set({"network": "loopback"})
    assert kernel.ask(f"tcp('{SERVER}', 80)") == "ENETUNREACH"
    assert kernel.ask("listen(7777)") == "ok" and kernel.ask("tcp('127.0.0.1', 7777, 0)") == "ok"
    assert "cell" not in node.inside.run("ls /sys/class/net")
    kernel.set(LISTED)
    assert kernel.ask(f"tcp('{SERVER}', 80)") == "ok"
    assert len(re.findall("cell", node.inside.run("ls /sys/class/net"))) == 1


def test_sealed_is_for_a_cells_whole_life(world, kernel):
    gateway, _, _ = world
    reply = kernel.network(network="sealed")
    assert reply.status == 400 and "sealed" in reply.json()["message"], reply.body
    sealed = Kernel(gateway, "shut", settings={"network": "sealed"})
    try:
        assert sealed.ask("make(socket.AF_INET)") == "EAFNOSUPPORT"
        reply = sealed.network(**LISTED)
        assert reply.status >= 400, reply.body
        assert sealed.ask("make(socket.AF_INET)") == "EAFNOSUPPORT"
    finally:
        sealed.close()


def test_the_kill_switch_beats_every_rule(world, kernel):
    gateway, node, _ = world
    kernel.set(EVERYTHING)
    for body in ({"on": True, "kernel": kernel.id}, {"on": True, "node": "out-1"}, {"on": True}):
        assert kernel.ask(f"keep('{SERVER}', 80)") == "ok"
        assert gateway.call("PUT", CUT, body).status == 200
        assert kernel.ask("talk(kept)") != "ok"
        assert kernel.ask(f"tcp('{SERVER}', 80)") == "ECONNREFUSED"
        kernel.set(EVERYTHING)
        assert kernel.ask(f"tcp('{SERVER}', 80)") == "ECONNREFUSED"
        assert gateway.call("PUT", CUT, {**body, "on": False}).status == 200
        assert kernel.ask(f"tcp('{SERVER}', 80)") == "ok"


def test_a_restarted_kernel_has_its_way_out_anew(world, kernel):
    gateway, _, _ = world
    kernel.set(LISTED)
    sent = number_of(kernel.usage(), "network_sent_bytes")
    assert gateway.call("POST", f"/api/kernels/{kernel.id}/restart", timeout=180).status == 200
    kernel.come_again()
    kernel.run(HELPERS)
    assert kernel.ask(f"tcp('{SERVER}', 80)") == "ok"
    assert kernel.ask("socket.gethostbyname('any.example')") == SERVER
    assert number_of(kernel.usage(), "network_sent_bytes") > sent


# ---- over the monitor's death ----

REFUSED = ("ECONNREFUSED", "EHOSTUNREACH", "ETIMEDOUT")  # a node answers once a second


def test_rules_and_counters_outlive_the_monitor(world, kernel):
    """A connection goes on, what is refused stays refused, the counts grow, a change is obeyed."""
    gateway, node, _ = world
    kernel.set(LISTED)
    assert kernel.ask(f"keep('{SERVER}', 80)") == "ok"
    assert kernel.ask(f"tcp('{OTHER}', 80)") in REFUSED
    before = kernel.usage()
    kernel.ask(f"watch('{OTHER}', 80)")
    restart_hostd(gateway, node.inside, "KILL")
    kernel.come_again()
    attempts = kernel.ask("seen()")
    assert len(attempts) > 2 and "ok" not in attempts, attempts
    assert kernel.ask("talk(kept)") == "ok"
    assert kernel.ask(f"tcp('{SERVER}', 80)") == "ok"
    assert kernel.ask(f"tcp('{OTHER}', 80)") in REFUSED
    assert kernel.ask(f"udp('{SERVER}', 90)") in REFUSED
    after = kernel.usage()
    for key in ("network_sent_bytes", "network_received_bytes", "network_dropped_packets"):
        assert number_of(after, key) > number_of(before, key) > 0, key
    kernel.set({"network": "egress", "egress": [f"{SERVER}:tcp:81"]})
    assert kernel.ask("talk(kept)") != "ok"
    assert kernel.ask(f"tcp('{SERVER}', 80)") in REFUSED
    assert kernel.ask(f"tcp('{SERVER}', 81)") == "ok"


@pytest.mark.parametrize("scope", ["kernel", "node"])
def test_the_kill_switch_holds_over_the_monitors_death(world, kernel, scope):
    """At every moment of it, not only once the gateway has said it again."""
    gateway, node, _ = world
    body = {"kernel": kernel.id} if scope == "kernel" else {"node": "out-1"}
    kernel.set(EVERYTHING)
    assert kernel.ask(f"tcp('{SERVER}', 80)") == "ok"
    assert gateway.call("PUT", CUT, {**body, "on": True}).status == 200
    assert kernel.ask(f"tcp('{SERVER}', 80)") in REFUSED
    kernel.ask(f"watch('{SERVER}', 80)")
    restart_hostd(gateway, node.inside, "KILL")
    kernel.come_again()
    attempts = kernel.ask("seen()")
    assert len(attempts) > 2 and "ok" not in attempts, attempts
    assert kernel.ask(f"tcp('{SERVER}', 80)") in ("ECONNREFUSED", "ETIMEDOUT")
    assert gateway.call("PUT", CUT, {**body, "on": False}).status == 200
    assert kernel.ask(f"tcp('{SERVER}', 80)") == "ok"


# ---- what is left, and what never began; after the shared kernel's tests ----

def test_a_cell_takes_everything_with_it(world):
    gateway, node, _ = world
    look = "ls /sys/class/net; cat /proc/net/route /proc/net/fib_trie"
    before = node.inside.run(look)
    kernel = Kernel(gateway, "guest", settings=LISTED)
    assert kernel.ask(f"keep('{SERVER}', 80)") == "ok"
    during = node.inside.run(look)
    kernel.close()
    assert during != before
    deadline = time.monotonic() + 20
    while (after := node.inside.run(look)) != before and time.monotonic() < deadline:
        time.sleep(0.5)
    assert after == before


def test_without_an_interface_the_key_is_named(fresh):
    fresh.boot("plain")
    reply = fresh.gateway.call("PUT", "/api/anchorhold/projects/lab", LISTED)
    assert reply.status in (200, 201)
    reply = fresh.gateway.call("POST", "/api/kernels", {"name": "lua", "project": "lab"})
    assert reply.status >= 500 and "egress_interface" in reply.json()["message"], reply.body
    kernel = start_kernel(fresh.gateway, "lua")
    reply = fresh.gateway.call("PUT", f"/api/anchorhold/kernels/{kernel}/network", LISTED)
    assert reply.status >= 400 and "egress_interface" in reply.json()["message"], reply.body
    stop_kernel(fresh.gateway, kernel)


def test_the_kill_switch_outlives_the_monitor(fresh):
    node = fresh.boot("switched")
    assert fresh.gateway.call("PUT", CUT, {"on": True, "node": "switched"}).status == 200
    node.inside.run("test -f /state/egress.cut")
    # The gateway would tell it again; it is to know before it has heard of anybody.
    node.inside.run("kill -9 $(head -n 1 /sys/fs/cgroup/hostd/monitor/cgroup.procs)")
    node.wait_text("the kill switch is on")
    fresh.gateway.wait_node("switched")
    node.inside.run("test -f /state/egress.cut")
    assert fresh.gateway.call("PUT", CUT, {"on": False, "node": "switched"}).status == 200
    deadline = time.monotonic() + 60
    while node.inside.run("test -f /state/egress.cut", check=False)[0] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_by_the_links_own_interface(fresh):
    """The operator said so: what is not a gateway is reached where the link is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=echo_all, args=(server,), daemon=True).start()
        folder = fresh.provision("shared")
        text = (folder / "node.conf").read_text()
        (folder / "node.conf").write_text(text + "egress_interface = eth0\n")
        node = Node(fresh.folder / "shared", folder, TEST_IMAGE)
        fresh.nodes["shared"] = node
        node.start("--memory", "1024", "--netdev",
                   f"user,ipv6=off,guestfwd=tcp:10.0.2.100:80-tcp:127.0.0.1:{port}")
        fresh.gateway.wait_node("shared")
        kernel = Kernel(fresh.gateway, "lab", settings={
            "network": "egress", "egress": ["0.0.0.0/0"]})
        try:
            assert kernel.ask("tcp('10.0.2.100', 80)") == "ok"
            for port in (fresh.gateway.link_port, fresh.gateway.http_port):
                assert kernel.ask(f"tcp('10.0.2.2', {port})") == "ECONNREFUSED"
            assert kernel.ask("tcp('10.0.2.15', 80)") == "ECONNREFUSED"
        finally:
            kernel.close()
    # The link itself goes on.
    assert fresh.gateway.nodes()["shared"]["state"] == "ready"


def test_by_a_vlan(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("vlan"))
    with Outside() as outside:
        try:
            node = boot(cluster, outside, "tagged", "interface = eth0", "egress_interface = eth1",
                        "egress_vlan = 7", f"egress_address = {NODE}/24",
                        f"egress_router = {ROUTER}")
            node.wait_text(f"egress: egress {NODE}/24, router {ROUTER}")
            kernel = Kernel(cluster.gateway, "lab", settings=EVERYTHING)
            # Nobody is in that VLAN, so the node asks for the router, and says so to the cell.
            assert kernel.ask(f"tcp('{SERVER}', 80)") == "EHOSTUNREACH"
            assert [7, ROUTER] in outside.ask(asked=True)
            kernel.close()
        finally:
            cluster.close()
