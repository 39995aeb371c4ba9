# SPDX-License-Identifier: Apache-2.0
"""Who may not talk: an unknown node, a gateway with another key. Each is tried for as long as it
takes until both sides say so, and the node's log says it in words."""

import re
import time

from lib.gateway import Gateway


def wait_log(node, words, timeout=180):
    deadline = time.monotonic() + timeout
    while words not in (log := node.inside.run("cat /run/anchorhold/log", 120, check=False)[1]):
        assert time.monotonic() < deadline, f"{words!r} is not in {log}"
        time.sleep(0.2)


def test_a_node_with_an_unknown_key_is_refused(fresh, tmp_path):
    stranger = Gateway(tmp_path / "other")  # another cluster's database: its nodes are unknown here
    stranger.start()
    conf = stranger.add_node("stranger", tmp_path / "conf", f"10.0.2.2:{fresh.gateway.link_port}")
    # Even with our gateway's right key its own key is not on the list.
    ours = fresh.provision("known")
    key = re.search(r"^gateway_key = (.*)$", (ours / "node.conf").read_text(), re.M).group(1)
    text = (conf / "node.conf").read_text()
    (conf / "node.conf").write_text(re.sub(r"(?m)^gateway_key = .*$",
                                           lambda _: f"gateway_key = {key}", text))
    node = fresh.boot("stranger", conf=conf, wait=False)
    wait_log(node, "refused this node's key")
    fresh.gateway.wait_text("refused.key: 127.0.0.1: the key \\S+ is no node's", 20)
    assert "stranger" not in fresh.gateway.nodes()
    assert fresh.gateway.nodes()["known"]["state"] == "never seen"
    stranger.stop()
    # The same node with a key on the list gets in: it was the key that was refused.
    fresh.boot("welcome")


def test_a_gateway_with_a_wrong_key_is_refused(fresh, tmp_path):
    conf = fresh.provision("careful")
    other = Gateway(tmp_path / "other").start()
    wrong = other.add_node("x", tmp_path / "x", "127.0.0.1:1")
    key = re.search(r"^gateway_key = (.*)$", (wrong / "node.conf").read_text(), re.M).group(1)
    text = (conf / "node.conf").read_text()
    (conf / "node.conf").write_text(re.sub(r"(?m)^gateway_key = .*$",
                                           lambda _: f"gateway_key = {key}", text))
    other.stop()
    node = fresh.boot("careful", conf=conf, wait=False)
    wait_log(node, "does not prove that it holds the gateway's key that this node pins")
    fresh.gateway.wait_text("refused.handshake: 127.0.0.1: ", 20)
    assert fresh.gateway.nodes()["careful"]["state"] == "never seen"
    fresh.boot("trusting")


def test_the_link_role_holds_nothing_but_the_link(inside):
    """Own uid, no capabilities, an empty root, seccomp."""
    pids = inside.run("cat /sys/fs/cgroup/hostd/link/cgroup.procs").split()
    assert len(pids) == 1
    status = dict(line.split(":\t", 1) for line in
                  inside.run(f"cat /proc/{pids[0]}/status").splitlines() if ":\t" in line)
    assert set(status["Uid"].split()) == {"901"}
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert inside.run(f"ls -A /proc/{pids[0]}/root").split() == []
