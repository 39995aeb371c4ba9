# SPDX-License-Identifier: Apache-2.0
"""The image boots only as built, keeps what it promises, and listens on nothing."""

import hashlib
import json
import pathlib
import re
import subprocess
import time

import pytest

from lib.gateway import ROOT
from lib.node import IMAGE, TEST_IMAGE, Node

PROMISES = ROOT / "kernel-config" / "promises.boot"
SYSCTLS = ROOT / "rootfs" / "etc" / "anchorhold" / "sysctl.conf"


def rows(path):
    """The data lines of one of our tables."""
    lines = (line.split("#", 1)[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def partition(image, name):
    """First byte of a partition of the disk, by its GPT name."""
    table = json.loads(subprocess.run(["sfdisk", "--json", str(image)], check=True,
                                      capture_output=True, text=True).stdout)["partitiontable"]
    row = next(row for row in table["partitions"] if row["name"] == name)
    return row["start"] * table.get("sectorsize", 512)


def file_system(folder, image=IMAGE):
    """The root image without the hash tree behind it, which the erofs tools take for data."""
    blocks = int(re.search(r"4096 4096 (\d+) (\d+) sha256", (image / "cmdline").read_text()).group(1))
    path = folder / "root.erofs"
    path.write_bytes((image / "root.img").read_bytes()[:blocks * 4096])
    return path


def first_block_of(name, folder, image=IMAGE):
    """Where in the root image the file's first extent is."""
    text = subprocess.run(["dump.erofs", f"--path={name}", "-e", str(file_system(folder, image))],
                          check=True, capture_output=True, text=True).stdout
    return int(re.search(r"^\s*0:.*:\s*(\d+)\.\.", text, re.M).group(1))


def test_pid_1_is_our_init(inside):
    digest = inside.run("sha256sum /proc/1/exe").split()[0]
    built = pathlib.Path(ROOT / "build/programs/init").read_bytes()
    assert digest == hashlib.sha256(built).hexdigest()


def test_root_is_on_verity_and_read_only(inside):
    root = next(line for line in inside.run("cat /proc/mounts").splitlines()
                if line.split()[1] == "/")
    assert root.split()[2] == "erofs"
    assert "ro" in root.split()[3].split(",")
    table = inside.run("cat /proc/cmdline")
    expected = (TEST_IMAGE / "cmdline").read_text()
    assert re.search(r"verity 1 \S+ \S+ 4096 4096 \d+ \d+ sha256 ([0-9a-f]{64})", table).group(1) \
        in expected
    code, _ = inside.run("touch /sbin/x", check=False)
    assert code != 0


@pytest.mark.parametrize("where", ["superblock", "hash tree", "init"])
def test_a_flipped_bit_panics_before_init(fresh, where, tmp_path):
    node = Node(fresh.folder / "flipped", fresh.provision("flipped"), IMAGE)
    fresh.nodes["flipped"] = node
    start = partition(node.disk, "slot-a")
    if where == "superblock":
        offset = 1024 + 20
    elif where == "hash tree":
        blocks = int(re.search(r"4096 4096 (\d+) (\d+) sha256", (IMAGE / "cmdline").read_text())
                     .group(2))
        offset = blocks * 4096 + 8
    else:
        offset = first_block_of("/sbin/init", tmp_path) + 64
    with open(node.disk, "r+b") as disk:
        disk.seek(start + offset)
        byte = disk.read(1)[0]
        disk.seek(start + offset)
        disk.write(bytes([byte ^ 1]))
    node.start()
    node.wait_text("Kernel panic", timeout=60)
    text = node.text()
    assert "corrupted" in text
    assert "init:" not in text


def test_every_promise_is_kept_and_every_one_was_asked(inside, gateway):
    lines = inside.run("cat /run/anchorhold/promises").splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert len(lines) >= len(rows(PROMISES))
    assert gateway.node("node-1")["missing"] == []


def test_a_missing_promise_is_named_and_nothing_is_started(fresh):
    # The order of LSMs is the launcher's to give: without Landlock in it, promises are broken.
    fresh.boot("broken", wait=False, options=("--append", "lsm=lockdown,yama"))
    fresh.gateway.wait_node("broken", "refusing")
    state = fresh.gateway.node("broken")
    assert any("landlock" in name for name in state["missing"]), state
    reply = fresh.gateway.call("POST", "/api/kernels", {"name": "lua"})
    assert reply.status == 503, reply.body
    assert "protections are missing" in reply.json()["message"]


@pytest.mark.parametrize("row", rows(SYSCTLS))
def test_sysctl_holds(inside, row):
    name, value = (word.strip() for word in row.split("=", 1))
    path = "/proc/sys/" + name.replace(".", "/")
    assert inside.run(f"cat {path}").split() == value.split()


def test_nothing_listens_inside(inside):
    """The kernel's own tables: no socket in state LISTEN, no bound UDP port."""
    for name in ("tcp", "tcp6"):
        code, text = inside.run(f"cat /proc/net/{name}", check=False)
        assert [line for line in text.splitlines()[1:] if line.split()[3] == "0A"] == []
    for name in ("udp", "udp6"):
        code, text = inside.run(f"cat /proc/net/{name}", check=False)
        ports = {int(line.split()[1].rsplit(":", 1)[1], 16) for line in text.splitlines()[1:]}
        assert ports <= {68}


def test_only_the_link_reaches_only_its_gateway(inside, gateway):
    target = f"10.0.2.2 {gateway.link_port}"
    other = f"10.0.2.2 {gateway.http_port}"
    allowed = "setuidgid 901 nc -w 3 %s </dev/null"
    # busybox nc says 0 once connected; the firewall drops, so that refusals are time-outs.
    assert inside.run(allowed % target, check=False)[0] == 0
    assert inside.run(allowed % other, check=False)[0] != 0
    assert inside.run(f"nc -w 3 {target} </dev/null", check=False)[0] != 0
    assert inside.run(f"setuidgid 20000 nc -w 3 {target} </dev/null", check=False)[0] != 0


def test_work_grows_to_the_disk(fresh):
    node = fresh.boot("grown", size=3072)
    size = int(node.inside.run("df -m /work").splitlines()[-1].split()[1])
    assert size > 2000
    node.inside.run("dd if=/dev/zero of=/work/fill bs=1M count=1200")
    node.inside.run("rm /work/fill")


def test_hostd_is_started_again(fresh):
    node = fresh.boot("again")
    before = set(node.inside.run("pidof hostd").split())
    node.inside.run(f"kill -9 {min(before, key=int)}")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        after = set(node.inside.run("pidof hostd", check=False)[1].split())
        # The monitor and its link are both new; a relay of the old one would be left over.
        if len(after) == 2 and not before & after:
            break
        time.sleep(0.5)
    assert len(after) == 2 and not before & after
    fresh.gateway.wait_text(r"again: up.*again: up")
    assert fresh.gateway.cli("run", "--environment", "lua", "-c", "print(7)").stdout == "7\n"


def test_shutdown_is_clean(fresh):
    node = fresh.boot("down")
    try:
        node.inside.run("kill -TERM 1; sleep 30", timeout=30, check=False)
    except (ConnectionError, TimeoutError):
        pass  # the node is going down, as it was told
    node.wait_end(60)
    for name in ("state", "work"):
        start = partition(node.disk, name)
        # e2fsck reads a file at an offset only by its `?offset=` syntax.
        check = subprocess.run(["e2fsck", "-fn", f"{node.disk}?offset={start}"],
                               capture_output=True, text=True)
        assert check.returncode == 0, check.stdout
        assert "recovering journal" not in check.stdout


def test_the_watchdog_is_fed(inside):
    """init holds the device; the kernel would reboot a node whose PID 1 hangs."""
    links = inside.run("ls -l /proc/1/fd")
    assert "/dev/watchdog" in links


def test_production_image_has_no_shell(tmp_path):
    subprocess.run(["fsck.erofs", f"--extract={tmp_path}/root", str(file_system(tmp_path))],
                   check=True, capture_output=True)
    files = {path.relative_to(tmp_path / "root") for path in (tmp_path / "root").rglob("*")}
    names = {path.name for path in files}
    assert {"init", "hostd", "udhcpc"} <= names
    assert not names & {"sh", "ash", "bash", "getty", "login", "sshd", "telnetd", "agent"}
    links = {path.name for path in (tmp_path / "root").rglob("*") if path.is_symlink()
             and path.readlink().name == "busybox"}
    assert links == {"udhcpc"}  # all that BusyBox was built with: packages/busybox/applets
