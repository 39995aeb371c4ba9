# SPDX-License-Identifier: Apache-2.0
"""The command line: projects, policies, the kill switch, usage and events."""

import json
import os
import signal
import subprocess
import time
import uuid

import pytest

import wire
from lib.gateway import program
from lib.wait import wait
from test_projects import FULL, started, told


def fails(house, code, *words):
    """The command ends with this code and prints nothing; its message."""
    done = house.gateway.cli(*words, check=False)
    assert done.returncode == code, (words, done.stderr)
    assert done.stdout == ""
    return done.stderr


def members(text):
    """The lines `member value`, a list for those that stand more than once."""
    rows = [line.split(None, 1) for line in text.splitlines()]
    return {name: [v for n, v in rows if n == name] for name, _ in rows}


def test_project_set_show_list(shared):
    cli = shared.gateway.cli
    assert cli("project", "set", "one", "memory_mib=512", "workspace=write", "strict=yes",
               "network=egress", "egress=10.0.0.0/8:tcp:443", "egress=192.0.2.1",
               "resolvers=10.0.0.53", "bytes_max=8589934592").stdout == "one: set\n"
    shown = members(cli("project", "show", "one").stdout)
    assert shown["memory_mib"] == ["512"] and shown["strict"] == ["yes"]
    assert shown["egress"] == ["10.0.0.0/8:tcp:443", "192.0.2.1/32:any"]
    assert shown["bytes_max"] == ["8589934592"] and shown["name"] == ["one"]
    as_json = json.loads(cli("--json", "project", "show", "one").stdout)
    assert set(as_json) == {*FULL, "name", "kernels"} and as_json["resolvers"] == ["10.0.0.53"]
    # only what is named changes; an empty value leaves a list empty
    cli("project", "set", "one", "memory_mib=64", "egress=")
    as_json = json.loads(cli("--json", "project", "show", "one").stdout)
    assert (as_json["memory_mib"], as_json["egress"], as_json["strict"]) == (64, [], True)
    table = cli("project", "list").stdout
    assert "MEMORY MIB" in table and any(r.split()[:1] == ["one"] for r in table.splitlines())
    rows = json.loads(cli("--json", "project", "list").stdout)
    assert [r["memory_mib"] for r in rows if r["name"] == "one"] == [64]
    assert json.loads(cli("--json", "project", "set", "one", "idle_s=9").stdout)["idle_s"] == 9


def test_node_show(house):
    house.node("sound")
    house.node("lame", state="refusing", missing=["kcfi", "no-modules"])
    house.gateway.call("POST", "/api/anchorhold/nodes", {"name": "new"})
    cli = house.gateway.cli
    text = cli("node", "show", "sound").stdout
    for said in ("state         ready", "2 CPUs, 512 MiB", "0 of 500 kernels", "0.1.0, kernel 000",
                 "74 promised, all kept", "environments  python3, fake", "   0.700 s init",
                 "   1.500 s link"):
        assert said in text, (said, text)
    assert "2 of 74 missing, it starts no kernels: kcfi, no-modules" in \
        cli("node", "show", "lame").stdout
    assert cli("node", "show", "new").stdout.splitlines()[1:] == \
        ["state         never seen", "last seen     -"]
    node = json.loads(cli("--json", "node", "show", "sound").stdout)
    assert node["timeline"] == [{"name": "init", "ms": 700}, {"name": "loop", "ms": 1200}]
    assert node["boot_id"] == house.nodes["sound"].boot.hex() and node["promises"] == 74
    assert set(node["pressure"]) == {"cpu", "memory", "io"}
    assert "'none'" in fails(house, 1, "node", "show", "none")
    assert "name" in fails(house, 2, "node", "show")


@pytest.mark.parametrize("words,said", [
    (["memory_mib=lots"], ['memory_mib "lots"', "a number, 0 to 2147483647"]),
    (["memory_mib=-1"], ['"-1"', "0 to 2147483647"]), (["memory=1"], ["'memory'", "no setting"]),
    (["network=open"], ['"open"', "sealed, loopback, egress"]),
    (["egress=10.0.0.1/8"], ["10.0.0.1/8", "bits behind its prefix"]),
    (["egress=example.org"], ["example.org", "ADDRESS[/BITS]"]),
    (["resolvers=8.8.8"], ["8.8.8", "IPv4 address"]), (["strict=1"], ["strict 1", "true or false"]),
])
def test_the_gateways_errors_are_shown(shared, words, said):
    text = fails(shared, 1, "project", "set", "bad", *words)
    assert all(word in text for word in said), text
    assert "'bad'" in fails(shared, 1, "project", "show", "bad")


@pytest.mark.parametrize("words,said", [
    (["project", "set"], "NAME KEY=VALUE"), (["project", "set", "p"], "NAME KEY=VALUE"),
    (["project", "set", "p", "memory_mib"], "'memory_mib': expected KEY=VALUE"),
    (["project", "set", "p", "idle_s=1", "idle_s=2"], "idle_s was given twice"),
    (["project", "set", "../x", "idle_s=1"], "NAME"), (["project", "show"], "name"),
    (["project", "show", "a", "b"], "name"), (["project", "list", "x"], "'x'"),
    (["project", "drop", "x"], "project drop"), (["cut", "maybe"], "'maybe': expected on or off"),
    (["cut", "on", "--all"], "'--all'"), (["cut", "on", "--node"], "--node: its value"),
    (["cut", "on", "--node", "a", "b"], "'b'"), (["kernel", "usage"], "id"),
    (["kernel", "usage", "a/b"], "id"), (["kernel", "network", "x"], "KEY=VALUE"),
    (["events", "--lines", "0"], "'0': expected 1 to 1000"), (["events", "now"], "'now'"),
])
def test_bad_command_lines(shared, words, said):
    assert said in fails(shared, 2, *words)


def test_kernels_in_projects(house):
    node, cli = house.node(), house.gateway.cli
    cli("project", "set", "p", "memory_mib=77", "wall_s=60")
    kernel = cli("kernel", "start", "--project", "p", "fake").stdout.strip()
    assert started(node, kernel)["memory_mib"] == 77
    assert "'q'" in fails(house, 1, "kernel", "start", "--project", "q", "fake")
    assert cli("run", "--project", "p", "--environment", "fake", "-c", "print hi").stdout == "hi"
    row, = json.loads(cli("--json", "kernel", "list").stdout)
    assert row["project"] == "p" and row["limits"]["wall_s"] == 60
    node.call(lambda: node.kernel(kernel).die(wire.WHY_MEMORY, 9))
    deadline = time.monotonic() + 10
    while row["execution_state"] != "dead":
        assert time.monotonic() < deadline
        row, = json.loads(cli("--json", "kernel", "list").stdout)
    assert row["reason_name"] == "memory" and "its memory limit of 77 MiB" in row["reason"]


def test_a_policy_that_did_not_arrive_is_said(house):
    node, cli = house.node(), house.gateway.cli
    cli("project", "set", "p", "network=loopback")
    kernel = house.start(project="p")
    assert cli("project", "set", "p", "network=sealed").stdout == "p: set\n"
    assert told(node, kernel) == [{"network": wire.SEALED}]
    node.refuse_policy = wire.E_SYSTEM
    done = house.gateway.cli("project", "set", "p", "network=loopback", check=False)
    assert done.returncode == 1 and f"{kernel}: system error" in done.stderr
    node.refuse_policy = 0
    shown = members(cli("kernel", "network", kernel, "network=egress", "egress=10.0.0.0/8").stdout)
    assert shown["egress"] == ["10.0.0.0/8:any"]
    assert told(node, kernel)[-1]["network"] == wire.EGRESS


def test_the_kill_switch(house):
    node, cli = house.node(), house.gateway.cli
    kernel = house.start()

    def cuts():
        return [(r[1], r[2]["on"]) for r in node.requests if r[0] == wire.CUT]
    assert cli("cut", "on").stdout == "cut: on\n" and cuts() == [(bytes(16), 1)]
    assert members(cli("cut").stdout)["all"] == ["yes"]
    assert cli("cut", "off").stdout == "cut: off\n" and cuts()[-1] == (bytes(16), 0)
    cli("cut", "on", "--kernel", kernel)
    assert cuts()[-1] == (uuid.UUID(kernel).bytes, 1)
    assert json.loads(cli("--json", "cut").stdout)["kernels"] == [kernel]
    assert json.loads(cli("--json", "cut", "on", "--node", "fake-1").stdout)["told"] == 1
    assert "'none'" in fails(house, 1, "cut", "on", "--node", "none")
    house.disconnect(node)
    assert "fake-1: not connected" in cli("cut", "off", "--node", "fake-1").stdout


def test_usage(shared):
    node, kernel = shared.nodes["fake-1"], shared.start()
    node.usage = b"cpu_usec 12\nmemory_peak_bytes 4096\n"
    assert members(shared.gateway.cli("kernel", "usage", kernel).stdout) == {
        "cpu_usec": ["12"], "memory_peak_bytes": ["4096"]}
    assert json.loads(shared.gateway.cli("--json", "kernel", "usage", kernel).stdout) == {
        "cpu_usec": 12, "memory_peak_bytes": 4096}


def event(node, number, text, kind="limit.memory"):
    node.call(lambda: node.send(wire.event(number, kind, "p", text, time_ms=1_700_000_000_123)))


def test_events(house):
    node, cli = house.node(), house.gateway.cli
    assert cli("events").stdout == "" and json.loads(cli("--json", "events").stdout) == []
    for number in (1, 2, 3):
        event(node, number, f"number {number}")
    wait(lambda: len(cli("events").stdout.splitlines()) == 3)
    assert cli("events", "--lines", "1").stdout == \
        "2023-11-14T22:13:20.123Z fake-1 limit.memory p - number 3\n"
    assert [e["text"] for e in json.loads(cli("--json", "events").stdout)] == \
        ["number 1", "number 2", "number 3"]


@pytest.mark.parametrize("as_json", [False, True])
def test_events_as_they_come(house, as_json):
    node = house.node()
    event(node, 1, "before")
    wait(lambda: node.acks == [1])
    follower = subprocess.Popen(
        [program("anchorhold"), *(["--json"] if as_json else []), "events", "--follow"],
        stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, ANCHORHOLD_URL=house.gateway.url, ANCHORHOLD_TOKEN=house.gateway.token))
    try:
        assert "before" in follower.stdout.readline()
        event(node, 2, "after", "limit.pids")
        line = follower.stdout.readline()
        if as_json:
            assert json.loads(line)["kind"] == "limit.pids"
        assert "after" in line
        follower.send_signal(signal.SIGINT)
        assert follower.wait(60) == 0
    finally:
        follower.kill()
