# SPDX-License-Identifier: Apache-2.0
"""What build.sh says to wrong words and in bad places, and that it leaves nothing running."""

import os
import pathlib
import socket
import subprocess

import nbformat
import pytest

from lib.checkout import checkout
from lib.gateway import ROOT, free_port


def build(*words, under=(), timeout=280, **environment):
    ports = {"ANCHORHOLD_HTTP_PORT": str(free_port()), "ANCHORHOLD_LINK_PORT": str(free_port())}
    result = subprocess.run([*under, str(ROOT / "build.sh"), *words], text=True, timeout=timeout,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env={**os.environ, **ports, **environment})
    return result.returncode, result.stdout


def left_over():
    """Processes of a cluster of this checkout; of another one they have another folder."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            here = (folder / "cwd").resolve() == ROOT.resolve()
        except OSError:
            continue  # it ended meanwhile
        if str(ROOT / "build/up").encode() in command or here and b"build/up/" in command:
            found.append(command)
    return found


@pytest.mark.parametrize("words,named", [
    (["dance"], "unknown verb 'dance'"),
    (["image", "toaster"], "'toaster' is no board"),
    (["image", "../qemu"], "'../qemu' is no board"),
    (["image", "qemu", "pc"], "unknown word 'pc'"),
    (["env", "cobol"], "'cobol' is no environment"),
    (["env", ".."], "'..' is no environment"),
    (["env", "lua", "python"], "unknown word 'python'"),
    (["bench", "nothing"], "unknown bench 'nothing'"),
    (["clean", "all"], "unknown word 'all'"),
    (["test", "nothing"], "no group 'nothing'"),
    (["up", "--nodes", "many"], "many"),
    (["run", "/no/such.ipynb"], "no notebook '/no/such.ipynb'"),
    (["fuzz", "--minutes", "soon"], "'soon'"),
    (["fuzz", "nothing"], "no target 'nothing'; there are: answers"),
    (["fuzz", "w.re"], "no target 'w.re'"),
    (["fuzz", "wire", "json"], "unknown word 'json'"),
])
def test_a_wrong_word_is_named(words, named):
    code, text = build(*words)
    assert code == 2, text
    assert named in text
    assert left_over() == []


def test_clean_takes_nothing_for_a_word_too_many(tmp_path):
    """In a checkout of its own: one that took the words would remove build/ and the cache."""
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    for kept in (tree / "build/kept", cache / "steps/kept", cache / "release/kept"):
        kept.mkdir(parents=True)
    checkout(tree)

    def clean(*words):
        return subprocess.run([str(tree / "build.sh"), "clean", *words], text=True, timeout=60,
                              capture_output=True, env=dict(os.environ, ANCHORHOLD_CACHE=str(cache)))

    refused = clean("--cache", "qemu")
    assert refused.returncode == 2 and "unknown word 'qemu'" in refused.stderr
    assert (tree / "build/kept").exists() and (cache / "steps/kept").exists()
    taken = clean("--cache")
    assert taken.returncode == 0, taken.stderr
    assert [path.name for path in cache.iterdir()] == ["release"]
    assert not (tree / "build").exists()


@pytest.mark.parametrize("port", ["0", "080", "65536", "http"])
def test_what_is_no_port_is_named(port):
    code, text = build("up", ANCHORHOLD_LINK_PORT=port)
    assert code == 2, text
    assert f"'{port}' is not a port" in text


def test_a_full_disk_is_named_and_leaves_nothing_running():
    """build/ is a disk of four MiB, for this run alone: the gateway fits, a node does not."""
    mounted = f'mount -t tmpfs -o size=4m none "{ROOT}/build" && exec "$0" "$@"'
    code, text = build("up", under=["unshare", "-m", "sh", "-c", mounted])
    assert code == 1, text
    assert "No space left on device" in text
    assert "the disk of the node 'node-1' could not be made" in text
    assert left_over() == []


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = subprocess.run([str(ROOT / "build.sh"), "up"], text=True, capture_output=True,
                                timeout=200, env=dict(os.environ, ANCHORHOLD_HTTP_PORT=port))
    assert result.returncode == 2, result.stdout
    assert f"port {port} of this machine is in use" in result.stderr
    assert left_over() == []


def test_a_node_that_does_not_come_up_shows_its_console():
    code, text = build("up", ANCHORHOLD_NODE_MIB="16")  # less than the kernel's own size
    assert code == 1, text
    assert "console" in text
    assert left_over() == []


def test_a_failing_notebook_shows_its_traceback(tmp_path):
    path = tmp_path / "fails.ipynb"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1/0")])
    nbformat.write(nb, path)
    code, text = build("run", "--once", str(path))
    assert code == 1, text
    assert "ZeroDivisionError: division by zero" in text
    assert left_over() == []
