# SPDX-License-Identifier: Apache-2.0
"""No rule without a need: what kernels really call, against what the policies let them.

The kernels run on this machine under strace, outside any cell, and are given `workload`. A rule that
none of it used must stand in `unused` beside this, with the reason for which it stays.
"""

import json
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import time

import pytest
from jupyter_client import BlockingKernelClient

from attack import policy, scratch, workload
from lib.processes import children

UNUSED = pathlib.Path(__file__).parent / "unused"
CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)\(([^)]*)")
TIMEOUT_S = 120
# What ends each kernel's workload is meant to fail in the kernel, not here.
MEANT_TO_FAIL = ("error(", "1 / 0")


def kernel_under_strace(folder, argv, pieces):
    """Executes the pieces, each of which must do, and returns the trace's lines."""
    folder = pathlib.Path(folder)
    connection = {"transport": "ipc", "ip": str(folder / "k"), "shell_port": 1, "iopub_port": 2,
                  "stdin_port": 3, "control_port": 4, "hb_port": 5, "key": secrets.token_hex(32),
                  "signature_scheme": "hmac-sha256", "kernel_name": "k"}
    (folder / "connection.json").write_text(json.dumps(connection))
    (folder / "home").mkdir()
    log = folder / "strace"
    process = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "raw=all", "-e", "signal=none", "-o", log,
         *argv, folder / "connection.json"], cwd=folder / "home", stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(folder / "home")},
        start_new_session=True)
    client = BlockingKernelClient()
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not (folder / "k-5").exists():
            assert process.poll() is None and time.monotonic() < deadline, "no kernel"
            time.sleep(0.05)
        client.load_connection_info(connection)
        # No heartbeat: traced and on a busy machine a kernel is slow, not dead.
        client.start_channels(hb=False)
        client.kernel_info(reply=True, timeout=TIMEOUT_S)
        for piece in pieces:
            reply = client.execute_interactive(piece, timeout=TIMEOUT_S, stop_on_error=False,
                                               output_hook=lambda _: None)
            if not piece.startswith(MEANT_TO_FAIL):
                assert reply["content"]["status"] == "ok", (piece, reply["content"])
        client.shutdown()
        process.wait(TIMEOUT_S)
    finally:
        client.stop_channels()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return log.read_text(errors="replace").splitlines()


def cell_init_under_strace(folder):
    """As a cell begins: three descriptors, of which one brings the connection file's text."""
    log = pathlib.Path(folder) / "strace-init"
    read, leave = os.pipe()
    go, give = os.pipe()
    file = os.open(pathlib.Path(folder) / "connection", os.O_WRONLY | os.O_CREAT)
    process = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "raw=all", "-e", "signal=none", "-o", log,
         scratch.PROGRAMS / "cell-init", str(leave), str(go), str(file), "--",
         scratch.PROGRAMS / "attack-probe", "sleep"], pass_fds=[leave, go, file])
    os.write(give, b"{}")
    for fd in (leave, go, give, file):
        os.close(fd)
    # Its child runs: cell-init passes a signal on, and ends after it.
    deadline = time.monotonic() + TIMEOUT_S
    while "attack-probe" not in "".join(_names(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in children(process.pid):
        os.kill(pid, signal.SIGTERM)
    process.wait(TIMEOUT_S)
    assert len(os.read(read, 8)) == 4, "no exit status"
    os.close(read)
    return log.read_text(errors="replace").splitlines()


def _names(pid):
    """Of its grandchildren."""
    for child in children(pid):
        for words in children(child).values():
            yield words[0]


def calls(lines):
    """{(name, arguments)}: of arguments only what strace shows of the first six, as numbers."""
    for line in lines:
        match = CALL.match(line)
        if match:
            words = [word.strip() for word in match[2].split(",")]
            yield match[1], tuple(int(word, 0) & policy.WORD for word in words
                                  if re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", word))


def used_rules(table, traced):
    by_name = {}
    for rule in table:
        by_name.setdefault(rule.name, []).append(rule)
    return {key(rule) for name, arguments in traced
            for rule in by_name.get(name, ()) if policy.matches(rule, arguments)}


def key(rule):
    return rule.name if rule.argument < 0 else f"{rule.name}:{rule.value:#x}"


def listed():
    found = {}
    for line in UNUSED.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            profiles, rule, why = (field.strip() for field in line.split("|"))
            found[profiles, rule] = why
    return found


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """What each kernel called."""
    kernel = scratch.PROGRAMS / "lua-kernel"
    python = [sys.executable, "-m", "ipykernel_launcher", "-f"]
    return {
        "lua": set(calls(kernel_under_strace(tmp_path_factory.mktemp("lua"), [kernel], workload.LUA))),
        "python": set(calls(kernel_under_strace(tmp_path_factory.mktemp("python"), python,
                                                workload.PYTHON))),
        "cell-init": set(calls(cell_init_under_strace(tmp_path_factory.mktemp("init")))),
    }


def unused(traces):
    """{(where, rule)}: where is the list a rule stands in, by the profiles that have it."""
    tables = {profile: policy.of_machine(profile) for profile in policy.PROFILES}
    used = {profile: used_rules(tables[profile], traces[profile]) for profile in tables}
    having = {}
    for profile, table in tables.items():
        for rule in table:
            having.setdefault(key(rule), set()).add(profile)
    for rule, profiles in having.items():
        # Every profile contains cell-init's, a kernel's what is common to kernels.
        where = next(profile for profile in ("cell-init", "lua", "python") if profile in profiles)
        if {"lua", "python"} == profiles:
            where = "common"
        if not any(rule in used[profile] for profile in profiles):
            yield where, rule


def test_rules_that_no_workload_used_are_listed(traces):
    missing = [rule for rule in sorted(set(unused(traces))) if rule not in listed()]
    assert not missing, "not used and not listed:\n" + "\n".join(f"{a} | {b}" for a, b in missing)


def test_what_is_listed_is_a_rule_and_is_not_used(traces):
    """Those marked `~` are used now and then, as time and the machine have it."""
    found = set(unused(traces))
    stale = [f"{where} | {rule}" for (where, rule), why in listed().items()
             if (where, rule) not in found and not why.startswith("~")]
    assert not stale, "listed, but used or no rule:\n" + "\n".join(stale)
    every = {key(rule) for profile in policy.PROFILES for rule in policy.of_machine(profile)}
    wrong = [rule for (_, rule), why in listed().items() if rule not in every or len(why) < 12]
    assert not wrong, f"no rules of this machine, or without a reason: {wrong}"


def test_a_need_is_noticed(traces):
    """The comparison itself: a call that nobody made is unused, and used once somebody did."""
    table = policy.of_machine("python")
    assert "mmap" in used_rules(table, traces["python"])
    assert not used_rules(table, {("none", ())})
    assert used_rules(table, {("ioctl", (1, 0x5413))}) == {"ioctl:0x5413"}
    assert not used_rules(table, {("ioctl", (1, 0x5412))})
