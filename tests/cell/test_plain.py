# SPDX-License-Identifier: Apache-2.0
"""`hostd --plain` on this machine: real cells where it may do without some protections, by name.

Nothing is booted. ANCHORHOLD_NATIVE names the folder of the native build (./build.sh test cell).
"""

import asyncio
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import pytest

from lib.client import Session, start_kernel, stop_kernel, text_of
from lib.gateway import Gateway
from lib.native import native
from lib.node import ROOT
from lib.plain import Plain, add_tree, cgroup2
from lib.wait import wait

KNOWN = ["landlock", "controllers", "firewall", "verity", "quota", "uids", "swap", "smt", "sysctls",
         "kernel", "image"]


def program():
    return native("hostd/plain/hostd")


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout


def sysctls():
    """All that this namespace lets us read and that stands still by itself."""
    moving = re.compile(r"^(fs\.(dentry|inode|file-nr|aio-nr|quota)|"
                        r"kernel\.(random|ns_last_pid|pty|sched_domain)|"
                        r"net\.netfilter|net\.ipv4\.(tcp_fastopen_key|route))")
    return [line for line in output_of("sysctl", "-a").splitlines() if not moving.match(line)]


def processes():
    """Ours by their program; those in cells are in cgroups, which go only when they are empty."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "exe") == os.path.realpath(program()):
                found.append(folder.name)
        except OSError:
            continue
    return found


def machine(folder):
    """What a run could leave behind or change."""
    # Only at the top: what others have below may go while it is listed.
    ours = [str(p) for p in cgroup2().glob("anchorhold-plain*")]
    return {
        "mounts": sorted(pathlib.Path("/proc/self/mounts").read_text().splitlines()),
        "cgroups": ours,
        "processes": processes(),
        "links": output_of("ip", "-o", "link"),
        "rules": output_of("nft", "list", "ruleset"),
        "loops": output_of("losetup", "-a"),
        "sysctls": sysctls(),
        "files": sorted(str(p.relative_to(folder)) for p in folder.rglob("*")
                        if "root" not in p.relative_to(folder).parts
                        and not p.name.startswith("log")
                        and p.name != "node.ticket"),  # of its last join: the next shows it
    }


def same_soon(folder, before, timeout=60):
    deadline = time.monotonic() + timeout
    while (now := machine(folder)) != before and time.monotonic() < deadline:
        time.sleep(0.2)
    return now


@pytest.fixture
def gateway(tmp_path):
    gateway = Gateway(tmp_path / "gateway").start()
    try:
        yield gateway
    finally:
        gateway.stop()


@pytest.fixture
def plain(tmp_path, gateway):
    """A folder with a node's keys, and the lua environment as a tree."""
    folder = gateway.add_node("plain-1", tmp_path / "plain", f"127.0.0.1:{gateway.link_port}")
    add_tree(folder, "lua")
    plain = Plain(folder)
    try:
        yield plain
    finally:
        plain.stop(signal.SIGKILL)


def names_said(text):
    return re.findall(r"^hostd: ([a-z]+): ", text, re.M)


def test_what_is_missing_is_said_and_has_to_be_named(plain):
    before = machine(plain.folder)
    refused = plain.run()
    assert refused.returncode == 1
    assert "NOTHING HERE IS FOR HOSTILE CODE" in refused.stderr
    missing = plain.missing().split(",")
    assert names_said(refused.stderr) == missing
    # On no machine but a node is there a node's firewall, nor a node's own programs.
    assert {"firewall", "image", "verity"} <= set(missing) <= set(KNOWN)
    for left_out in missing:
        others = ",".join(name for name in missing if name != left_out)
        refused = plain.run("--lacking", others)
        assert refused.returncode == 1
        assert re.search(rf"not named: {left_out}$", refused.stderr, re.M)
    assert machine(plain.folder) == before


def test_a_name_that_says_nothing_is_refused(plain):
    missing = plain.missing()
    unknown = plain.run("--lacking", missing + ",walls")
    assert unknown.returncode == 2
    assert "there is no protection 'walls'; known are " + ", ".join(KNOWN) in unknown.stderr
    held = [name for name in KNOWN if name not in missing.split(",")]
    assert held, "this machine lacks everything: nothing to name that holds"
    for name in held:
        wrong = plain.run("--lacking", f"{missing},{name}")
        assert wrong.returncode == 2
        assert f"'{name}' is not missing here" in wrong.stderr
    twice = plain.run("--lacking", f"{missing},firewall")
    assert twice.returncode == 2
    assert "'firewall' is named twice" in twice.stderr


@pytest.mark.parametrize("words, said", [
    (["--lacking"], "once, and with its names: '--lacking'"),
    (["--lacking", "image", "--lacking", "image"], "once, and with its names: '--lacking'"),
    (["--weak"], "unknown option '--weak'"),
    (["elsewhere"], "a second folder: 'elsewhere'"),
])
def test_wrong_words(plain, words, said):
    wrong = plain.run(*words)
    assert wrong.returncode == 2
    assert said in wrong.stderr and "usage: hostd --plain" in wrong.stderr


def test_a_way_out_is_refused(plain):
    """It would be made of rules and links in the machine's own network namespace."""
    missing = plain.missing()
    conf = plain.folder / "node.conf"
    conf.write_text(conf.read_text() + "egress_interface = lo\n")
    refused = plain.run("--lacking", missing)
    assert refused.returncode == 1
    assert "egress_interface: 'lo': --plain does not offer egress" in refused.stderr


def test_a_folder_that_would_be_hidden_is_refused(plain):
    with tempfile.TemporaryDirectory(dir="/run") as below:
        refused = subprocess.run([program(), "--plain", below], capture_output=True, text=True)
        assert refused.returncode == 1 and f"{below}: below /run" in refused.stderr
        assert os.listdir(below) == []


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


async def say_hello(gateway, kernel, count):
    session = await Session(gateway, kernel).open()
    reply, outputs = await session.execute('print("hello", 6*7)')
    session.close()
    assert reply["content"]["status"] == "ok"
    assert reply["content"]["execution_count"] == count
    assert text_of(outputs).split() == ["hello", "42"]


def test_a_kernels_life(plain, gateway):
    before = machine(plain.folder)
    plain.start(plain.missing())
    node = gateway.wait_node("plain-1")
    assert node["version"].endswith("-plain")
    gateway.wait_text("node.plain", 10)
    kernel = start_kernel(gateway, "lua")
    asyncio.run(say_hello(gateway, kernel, 1))
    pids = plain.members("cell")
    assert len(pids) == 2, "cell-init and the kernel"
    for pid in pids:
        status = status_of(pid)
        assert int(status["Uid"].split()[0]) >= 1000000
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        assert int(status["CapBnd"], 16) == 0
        for ns in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup"):
            assert os.readlink(f"/proc/{pid}/ns/{ns}") != os.readlink(f"/proc/self/ns/{ns}"), ns
    again = plain.run("--lacking", "image")
    assert again.returncode == 1
    assert "another hostd --plain runs on this folder" in again.stderr
    assert gateway.call("POST", f"/api/kernels/{kernel}/restart", timeout=60).status == 200
    asyncio.run(say_hello(gateway, kernel, 1))
    assert not set(pids) & set(plain.members("cell")), "a restart replaces the processes"
    stop_kernel(gateway, kernel)
    assert plain.members("cell") == []
    assert plain.stop() == 0
    assert same_soon(plain.folder, before) == before
    log = (plain.folder / "log").read_text()
    assert "hostd[monitor]: node.plain: no node: it does without " in log
    assert log == plain.stderr.read_text()[-len(log):], "the log is what was said"


def test_ended_with_a_kernel_running(plain, gateway):
    before = machine(plain.folder)
    missing = plain.missing()
    plain.start(missing)
    gateway.wait_node("plain-1")
    start_kernel(gateway, "lua")
    assert plain.members("cell")
    assert plain.stop() == 0
    assert same_soon(plain.folder, before) == before


def test_killed_it_leaves_what_the_next_one_removes(plain, gateway):
    before = machine(plain.folder)
    missing = plain.missing()
    plain.start(missing)
    gateway.wait_node("plain-1")
    start_kernel(gateway, "lua")
    left = plain.members("cell")
    plain.stop(signal.SIGKILL)
    assert machine(plain.folder) != before, "its cgroups are there"
    plain.start(missing)
    gateway.wait_text(r"plain-1: up.*plain-1: up")
    wait(lambda: not set(left) & set(plain.members("cell")), "they stay")
    kernel = start_kernel(gateway, "lua")
    asyncio.run(say_hello(gateway, kernel, 1))
    assert plain.stop() == 0
    assert same_soon(plain.folder, before) == before


def strings_of(path):
    return output_of("strings", "-a", str(path))


def test_the_images_hostd_has_no_such_mode(plain):
    """It was not built into it: no option, no text, no name of a lack."""
    node = ROOT / "build" / "programs" / "hostd"
    assert "usage: hostd --plain" in strings_of(program())
    assert "NOTHING HERE IS FOR HOSTILE CODE" in strings_of(program())
    text = strings_of(node)
    assert "usage: hostd monitor" in text
    assert "--plain" not in text and "HOSTILE CODE" not in text and "--lacking" not in text
    for words in (["--plain"], ["--plain", str(plain.folder)],
                  ["--plain", str(plain.folder), "--lacking", "image"]):
        refused = subprocess.run([str(node), *words], capture_output=True, text=True, timeout=10)
        assert (refused.returncode, refused.stderr) == (2, "usage: hostd monitor\n")
