# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping: each trouble is a clear sentence and an exit code."""

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess

import pytest

from lib.gateway import Gateway, free_port, program


def gateway(*words, timeout=60):
    return subprocess.run([program("anchorhold-gateway"), *map(str, words)], capture_output=True,
                          text=True, timeout=timeout)


def test_init(tmp_path):
    database, key = tmp_path / "g.db", tmp_path / "g.db.key"
    done = gateway("--init", "--database", database)
    assert done.returncode == 0
    assert re.fullmatch(r"token: [0-9a-f]{40}\n", done.stdout)
    for file in (database, key):
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert re.fullmatch(rb"[!-~]{40}\n", key.read_bytes())
    token = done.stdout.split()[1].encode()
    assert token not in database.read_bytes()
    before = database.read_bytes(), key.read_bytes()
    again = gateway("--init", "--database", database)
    assert again.returncode == 2 and "nothing is overwritten" in again.stderr
    assert (database.read_bytes(), key.read_bytes()) == before
    key.unlink()
    again = gateway("--init", "--database", database)
    assert again.returncode == 2 and "nothing is overwritten" in again.stderr
    assert not key.exists()


@pytest.mark.parametrize("words,word", [
    ([], "--database"), (["--what"], "--what"), (["--database"], "--database"),
    (["--database", "x", "y"], "'y'"), (["--database", "x", "--http", "nonsense"], "nonsense"),
    (["--database", "x", "--http", "1.2.3.4:99999"], "99999"),
    (["--database", "x", "--link", "localhost:1"], "localhost"),
    (["--database", "x", "--base-url", "no-slash"], "no-slash"),
    (["--add-token", "A B", "--database", "x"], "x"),
])
def test_bad_command_lines(words, word, tmp_path):
    done = gateway(*words)
    assert done.returncode == 2 and word in done.stderr and done.stdout == ""


def test_help_and_version():
    assert "--init" in gateway("--help").stdout
    assert gateway("--version").stdout.startswith("anchorhold-gateway ")


def test_no_database(tmp_path):
    done = gateway("--database", tmp_path / "none.db")
    assert done.returncode == 2 and "none.db" in done.stderr and "--init" in done.stderr
    assert os.listdir(tmp_path) == []


def test_another_version(tmp_path):
    Gateway(tmp_path)
    with sqlite3.connect(tmp_path / "gateway.db") as db:
        db.execute("PRAGMA user_version = 7")
    done = gateway("--database", tmp_path / "gateway.db")
    assert done.returncode == 2 and "version 7" in done.stderr


def test_no_database_of_ours(tmp_path):
    (tmp_path / "text").write_text("hello " * 1000)
    done = gateway("--database", tmp_path / "text")
    assert done.returncode == 2 and "not a database" in done.stderr
    with sqlite3.connect(tmp_path / "other") as db:
        db.execute("CREATE TABLE x (y)")
    done = gateway("--database", tmp_path / "other")
    assert done.returncode == 2 and "anchorhold-gateway" in done.stderr


@pytest.mark.parametrize("spoil,word", [
    (lambda key: key.unlink(), "No such file"),
    (lambda key: key.write_text("short\n"), "Z85"),
    (lambda key: key.chmod(0o644), "chmod 600"),
    (lambda key: key.write_text("0" * 40 + "\n"), "weak"),
])
def test_bad_key(tmp_path, spoil, word):
    mine = Gateway(tmp_path)
    spoil(tmp_path / "gateway.db.key")
    done = gateway("--database", mine.database, "--http", f"127.0.0.1:{free_port()}", "--link",
                   f"127.0.0.1:{free_port()}")
    assert done.returncode == 1 and word in done.stderr and "gateway.db.key" in done.stderr


@pytest.mark.parametrize("which", ["http", "link"])
def test_port_in_use(tmp_path, which):
    mine = Gateway(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {"http": free_port(), "link": free_port(), which: taken.getsockname()[1]}
        done = gateway("--database", mine.database, "--http", f"127.0.0.1:{ports['http']}",
                       "--link", f"127.0.0.1:{ports['link']}")
    assert done.returncode == 1
    assert f"--{which} 127.0.0.1:{ports[which]}" in done.stderr and "in use" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(house, how):
    assert house.gateway.stop(how) == 0


def test_add_token_while_it_runs(house):
    done = gateway("--add-token", "carol", "--database", house.gateway.database)
    assert done.returncode == 0
    header = {"Authorization": "token " + done.stdout.split()[1]}
    me = house.gateway.call("GET", "/api/me", token=False, headers=header).json()
    assert me["identity"]["username"] == "carol"
    assert house.gateway.call("GET", "/api/anchorhold/nodes", token=False,
                              headers=header).status == 403
