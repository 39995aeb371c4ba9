# SPDX-License-Identifier: Apache-2.0
"""The engine of build.sh with a recipe of the tests' own: interrupted, twice at once, disk full."""

import os
import pathlib
import signal
import subprocess

import pytest

from lib.checkout import checkout
from lib.wait import wait

RECIPE = """
probe() {
	key_add_text probe
	step probe 'the probe' build_probe
}
build_probe() {
	. "$PROBE"
}
"""


class Tree:
    """A checkout with a recipe of its own, the probe; what that does is no part of its key."""

    def __init__(self, folder):
        self.folder, self.cache, self.script = folder / "tree", folder / "cache", folder / "script"
        self.count = 0
        checkout(self.folder, own=["packages"])
        probe = self.folder / "packages/probe"
        probe.mkdir()
        (probe / "build.sh").write_text(RECIPE)

    def start(self, script, under=()):
        self.script.write_text(script)
        self.count += 1
        out = self.folder / f"out-{self.count}"
        process = subprocess.Popen(
            [*under, str(self.folder / "build.sh"), "--need", "probe"], stdin=subprocess.DEVNULL,
            stdout=open(out, "wb"), stderr=subprocess.STDOUT,
            env=dict(os.environ, ANCHORHOLD_CACHE=str(self.cache), PROBE=str(self.script)))
        return process, out

    def run(self, script, under=()):
        process, out = self.start(script, under)
        return process.wait(120), out.read_text()

    def entries(self, name):
        folder = self.cache / name
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def begun(tree):
    """A build that has written half of its result, and what it is busy with."""
    mark = tree.folder / "mark"
    process, out = tree.start(f'echo half >"$OUT/file"; sleep 1000 & echo $! >"{mark}.new";'
                              f' mv "{mark}.new" "{mark}"; wait')
    wait(mark.exists)
    sleeper = pathlib.Path("/proc", mark.read_text().strip())
    assert sleeper.exists()
    return process, out, sleeper


def whole(tree):
    code, text = tree.run('echo whole >"$OUT/file"')
    assert code == 0, text
    entry, = tree.entries("steps")
    assert (tree.cache / "steps" / entry / "file").read_text() == "whole\n"
    assert tree.entries("tmp") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_build_leaves_nothing_half_done(tree, number):
    process, out, sleeper = begun(tree)
    process.send_signal(number)
    assert process.wait(60) == 130 and "interrupted" in out.read_text()
    wait(lambda: not sleeper.exists())
    assert tree.entries("steps") == [] and tree.entries("tmp") == []
    whole(tree)


def test_a_killed_build_is_swept_by_the_next(tree):
    process, _, sleeper = begun(tree)
    process.kill()
    process.wait()
    assert tree.entries("steps") == [] and len(tree.entries("tmp")) == 1
    os.kill(int(sleeper.name), signal.SIGKILL)
    whole(tree)


def test_two_builds_at_once_build_once(tree):
    go, log = tree.folder / "go", tree.folder / "log"
    script = (f'echo built >>"{log}"; while [ ! -e "{go}" ]; do sleep 0.1; done;'
              ' echo whole >"$OUT/file"')
    first, _ = tree.start(script)
    wait(log.exists)
    second, out = tree.start(script)
    wait(lambda: "waiting for another build ..." in out.read_text())
    go.touch()
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert log.read_text() == "built\n"
    assert "waiting for another build ... cached" in out.read_text()
    whole(tree)


def test_a_failed_step_shows_the_end_of_its_log_and_keeps_it(tree):
    code, text = tree.run("seq 100; echo no such thing >&2; false")
    assert code == 1
    assert "the probe failed (exit 1)" in text and "| no such thing" in text and "| 99" in text
    assert "| 42" not in text
    log = pathlib.Path(text.split("the whole log: ")[1].split("\n")[0])
    assert "\n42\n" in log.read_text()
    assert tree.entries("steps") == [] and tree.entries("tmp") == []
    whole(tree)


def test_a_full_disk_is_named(tree):
    tree.cache.mkdir()
    mounted = f'mount -t tmpfs -o size=1m none "{tree.cache}" && exec "$0" "$@"'
    fill = 'head -c 4000000 /dev/zero >"$OUT/file"'
    code, text = tree.run(fill, under=["unshare", "-m", "sh", "-c", mounted])
    assert code == 1, text
    assert "the disk is full" in text and str(tree.cache) in text
    # The same where there is room is no failure.
    assert tree.run(fill)[0] == 0
