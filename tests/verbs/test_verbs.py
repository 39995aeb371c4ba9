# SPDX-License-Identifier: Apache-2.0
"""What build.sh says to wrong words and in bad places, and that it leaves nothing running."""

import os
import pathlib
import socket
import subprocess

import nbformat
import pytest

from lib.gateway import ROOT, free_port


def build(*words, timeout=280, **environment):
    ports = {"ANCHORHOLD_HTTP_PORT": str(free_port()), "ANCHORHOLD_LINK_PORT": str(free_port())}
    result = subprocess.run([str(ROOT / "build.sh"), *words], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                            env=dict(os.environ, **ports, **environment))
    return result.returncode, result.stdout


def left_over():
    """Processes of a cluster of this checkout."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if str(ROOT / "build/up").encode() in command or b"build/up/gateway.db" in command:
            found.append(command)
    return found


@pytest.mark.parametrize("words,named", [
    (["dance"], "unknown verb 'dance'"),
    (["image", "toaster"], "'toaster' is no board"),
    (["env", "cobol"], "'cobol' is no environment"),
    (["test", "nothing"], "no group 'nothing'"),
    (["up", "--nodes", "many"], "many"),
    (["run", "/no/such.ipynb"], "no notebook '/no/such.ipynb'"),
    (["fuzz", "--minutes", "soon"], "'soon'"),
])
def test_a_wrong_word_is_named(words, named):
    code, text = build(*words)
    assert code == 2, text
    assert named in text
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
