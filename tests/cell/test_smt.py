# SPDX-License-Identifier: Apache-2.0
"""Hardware threads: off by default; where a board keeps them, a cookie a project."""

import pytest

from lib.projects import cell_of, new_project, run, start_in


@pytest.fixture(scope="module")
def threads(tmp_path_factory):
    """A node with two threads a core, with the command line of boards that keep them."""
    from conftest import Cluster
    cluster = Cluster(tmp_path_factory.mktemp("smt"))
    try:
        cluster.boot("threads", options=["--cpus", "2", "--threads", "2"])
        yield cluster
    finally:
        cluster.close()


def cookies(inside, pids):
    found = {inside.run(f"look cookie {pid}").strip() for pid in pids}
    assert len(found) == 1, found
    return found.pop()


def test_a_cookie_a_project(threads):
    gateway, inside = threads.gateway, threads.nodes["threads"].inside
    assert inside.run("cat /sys/devices/system/cpu/smt/active").strip() == "1"
    words = inside.run("cat /proc/cmdline").split()
    assert "anchorhold.smt=cookies" in words and "mitigations=auto" in words
    assert "nosmt" not in words and "mitigations=auto,nosmt" not in words
    assert "missing smt" not in inside.run("cat /run/anchorhold/promises")
    a, b = (new_project(gateway, "smt") for _ in range(2))
    first, second, other = (start_in(gateway, p, "lua") for p in (a, a, b))
    for kernel in (first, second, other):
        assert run(gateway, kernel, "print(6*7)").strip() == "42"
    one, two, three = (cookies(inside, cell_of(inside, k)) for k in (first, second, other))
    assert one == two != three and "0" not in (one, three)
    # Nothing of the node's own has one: it never runs beside a cell.
    for pid in [1, *inside.run("pidof hostd").split()]:
        assert inside.run(f"look cookie {pid}").strip() == "0"
    # A restart stays with the project, also when it was alone in it.
    assert gateway.call("POST", f"/api/kernels/{second}/restart", timeout=120).status == 200
    assert run(gateway, second, "print(1)").strip() == "1"
    assert cookies(inside, cell_of(inside, second)) == one
    assert gateway.call("DELETE", f"/api/kernels/{first}").status == 204
    again = start_in(gateway, a, "lua")
    assert cookies(inside, cell_of(inside, again)) == one
    for kernel in (second, other, again):
        gateway.call("DELETE", f"/api/kernels/{kernel}")


def test_threads_of_python_have_it_too(threads):
    gateway, inside = threads.gateway, threads.nodes["threads"].inside
    kernel = start_in(gateway, new_project(gateway, "smt"), "python")
    run(gateway, kernel, "import threading, subprocess\n"
                         "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
                         "p = subprocess.Popen(['sleep', '100'])")
    tasks = inside.run(f"cat /sys/fs/cgroup/cells/{kernel}/cell/cgroup.threads").split()
    assert len(tasks) > 3 and cookies(inside, tasks) != "0"
    gateway.call("DELETE", f"/api/kernels/{kernel}")


def test_threads_that_nobody_asked_for_are_off(fresh):
    """The default line on the same machine; and without its `nosmt` nothing is started."""
    node = fresh.boot("off", options=["--cpus", "2", "--threads", "2"], wait=False)
    node.stop()
    line = (node.image / "cmdline").read_text()
    assert " nosmt " in line and "mitigations=auto,nosmt" in line

    def boot(name, words):
        image = fresh.folder / f"{name}.image"
        image.mkdir()
        for path in node.image.iterdir():
            if path.name != "cmdline-smt":
                (image / path.name).symlink_to(path)
        (image / "cmdline-smt").write_text(words)
        renamed = image.with_name(f"{name}-test")
        image.rename(renamed)
        return fresh.boot(name, image=renamed, options=["--cpus", "2", "--threads", "2"],
                          wait=False)

    off = boot("default", line)
    fresh.gateway.wait_node("default")
    assert off.inside.run("cat /sys/devices/system/cpu/smt/control").strip() in ("off", "forceoff")
    assert off.inside.run("cat /sys/devices/system/cpu/online").strip() == "0"
    kernel = start_in(fresh.gateway, new_project(fresh.gateway, "off"), "lua")
    assert off.inside.run(f"look cookie {cell_of(off.inside, kernel)[0]}", check=False)[0] != 0
    off.stop()

    kept = boot("kept", line.replace(" nosmt ", " "))
    kept.wait_text("missing smt", 120)
    assert "missing smt" in kept.inside.run("cat /run/anchorhold/promises")


def test_equal_pages_stay_two_and_the_cpu_is_mitigated(inside):
    assert inside.run("ls -d /sys/kernel/mm/ksm", check=False)[0] != 0
    assert "ok no-ksm" in inside.run("cat /run/anchorhold/promises")
    lines = inside.run("cd /sys/devices/system/cpu/vulnerabilities && grep . *").splitlines()
    assert len(lines) > 5
    for line in lines:
        name, state = line.split(":", 1)
        assert not state.startswith("Vulnerable"), f"{name}: {state}"
