# SPDX-License-Identifier: Apache-2.0
"""Attempts from within a cell, each with those that refuse it, in order.

`probes` beside this is the table. test_orders runs every row's whole order in cells built by the
same code as hostd's, from which protections are taken away one by one; the others show that a cell
made by the real hostd answers each attempt as the table says. What test_orders found is left in
build/attack/probes.txt and probes.json.
"""

import asyncio
import base64
import json
import re
import subprocess
import zlib

import pytest

from attack import scratch, table
from lib.client import Session, start_kernel, stop_kernel, text_of
from lib.gateway import ROOT

REPORT = ROOT / "build" / "attack"
ROWS_WANTED = 120  # issue 3

# What a real environment does not have: cells of our own are made with it.
SCRATCH_ONLY = {
    "run-suid": "no image has a suid program of another's",
    "environment-unlisted": "no image has a file outside the template",
    "environment-program-write": "the file is the scratch environment's own",
}
# And where it answers first with something else than the scratch environment, a tmpfs.
REAL_FIRST = {"environment-write": "EROFS"}  # an erofs refuses before anybody's uid counts
PROBE = scratch.PROGRAMS / "attack-probe"


def real_rows():
    return [row for row in table.rows()
            if row.name not in SCRATCH_ONLY and not row.name.startswith("build-")]


def test_the_table_and_the_program_have_the_same_attempts():
    names = subprocess.run([PROBE, "list"], check=True, capture_output=True, text=True).stdout.split()
    rows = [row.name for row in table.rows()]
    assert len(set(rows)) == len(rows)
    assert len(set(names)) == len(names)
    assert {name for name in rows if not name.startswith("build-")} == set(names)
    for row in table.rows():
        assert row.order and row.what and row.why, row.name


def test_orders(tmp_path):
    """With each refuser taken away the next one answers, at the end nobody; and each alone refuses."""
    rows, found = table.rows(), {}
    for kernel, plan in table.plans(rows).items():
        found.update(table.outcomes(kernel, scratch.boot(tmp_path / kernel, kernel, plan)))
    results = table.results(rows, found)
    REPORT.mkdir(parents=True, exist_ok=True)
    whole = [result for result in results if not result.wrong()]
    text = "".join(line + "\n" for result in results for line in result.lines())
    summary = f"{len(whole)} of {len(results)} probes, whole order run and as written"
    (REPORT / "probes.txt").write_text(f"{text}{summary}\n")
    (REPORT / "probes.json").write_text(json.dumps([result.json() for result in results], indent=1))
    print(summary)
    wrong = [result for result in results if result.wrong()]
    assert not wrong, "\n".join(line for result in wrong for line in result.lines())
    assert len(whole) >= ROWS_WANTED


def test_a_wrong_table_is_noticed():
    """The comparison itself: one outcome that is not as written, and one that never came."""
    row = next(table.parse("x | filter:EPERM caps:EPERM | ok | what | why"))
    right = {(stage.run, "x"): stage.expected for stage in table.stages(row)}
    assert not table.results([row], right)[0].wrong()
    for stage in table.stages(row):
        assert table.results([row], {**right, (stage.run, "x"): "ok!"})[0].wrong()
        assert table.results([row], {k: v for k, v in right.items() if k[0] != stage.run})[0].wrong()


def targets(inside, gateway):
    """Processes outside the cell to aim at, and the disk: as an attacker might have learned them."""
    host = inside.run("pidof hostd").split()[-1]
    neighbour = inside.run("cat /sys/fs/cgroup/cells/*/cell/cgroup.procs").split()[-1]
    disk = inside.run("cat /sys/class/block/vda/dev").strip()
    return f"host={host} neighbour={neighbour} disk={disk}"


def compare(output, profile):
    found = dict(re.findall(r"^probe (\S+) (\S+)$", output, re.M))
    wanted = {row.name: REAL_FIRST.get(row.name) or table.first(row, profile) for row in real_rows()}
    wrong = [f"{name}: {found.get(name)}, wanted {outcome}" for name, outcome in wanted.items()
             if found.get(name) != outcome]
    assert not wrong, f"{profile}:\n" + "\n".join(wrong)


def python_code(words):
    """A hostile notebook: brings its own program and runs it."""
    program = base64.b85encode(zlib.compress(PROBE.read_bytes(), 9)).decode()
    return ("import base64, os, subprocess, zlib\n"
            f"data = zlib.decompress(base64.b85decode({program!r}))\n"
            "open('/home/user/probe', 'wb').write(data)\n"
            "os.chmod('/home/user/probe', 0o755)\n"
            f"run = subprocess.run(['/home/user/probe', '-c', {words!r}], capture_output=True, text=True)\n"
            "print(run.stdout, run.stderr, run.returncode)\n")


def lua_code(words):
    """In the environment `attack`, where the probe is what popen takes for a shell."""
    return f'local pipe = assert(io.popen("{words}"))\nprint(pipe:read("a"))\nprint(pipe:close())'


def execute(gateway, kernel, code):
    async def run():
        session = await Session(gateway, kernel).open()
        reply, outputs = await session.execute(code, timeout=240)
        session.close()
        return reply, outputs

    reply, outputs = asyncio.run(run())
    assert reply["content"]["status"] == "ok", reply["content"]
    return text_of(outputs)


@pytest.fixture(scope="module")
def neighbour(cluster):
    kernel = start_kernel(cluster.gateway, "lua")
    execute(cluster.gateway, kernel, "return 1")
    yield kernel
    stop_kernel(cluster.gateway, kernel)


@pytest.mark.parametrize("environment,code", [("python", python_code), ("attack", lua_code)])
def test_a_real_cell_refuses(gateway, inside, neighbour, environment, code):
    """Every attempt, from a kernel that the real hostd made: the first refuser's answer."""
    words = targets(inside, gateway) + " " + " ".join(row.name for row in real_rows())
    kernel = start_kernel(gateway, environment)
    try:
        compare(execute(gateway, kernel, code(words)), "lua" if environment == "attack" else "python")
    finally:
        stop_kernel(gateway, kernel)


def test_the_nodes_programs_cannot_build_a_lesser_cell():
    """Taking a protection away is for the tests' own build of the cell: none of it is in a node."""
    for program, there in (("attack-cells", True), ("hostd", False), ("init", False),
                           ("cell-init", False)):
        text = subprocess.run(["strings", "-a", scratch.PROGRAMS / program], check=True,
                              capture_output=True, text=True).stdout
        for word in ("cgroupns", "/attack/plan"):
            assert (word in text) == there, (program, word)
