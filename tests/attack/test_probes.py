# SPDX-License-Identifier: Apache-2.0
"""Attempts from within a cell, each with those that refuse it, in order.

`probes` beside this is the table. test_orders runs every row's whole order in cells built by the
same code as hostd's, from which protections are taken away one by one; what it found is left in
build/attack/probes.txt and probes.json. test_real_cells makes the same attempts where nothing is
taken away: in kernels of the real hostd.
"""

import subprocess

from attack import orders, scratch, table
from lib.gateway import ROOT

REPORT = ROOT / "build" / "attack"
ROWS_WANTED = 120  # issue 3

PROBE = scratch.PROGRAMS / "attack-probe"


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
    results = orders.run(tmp_path, table.rows())
    REPORT.mkdir(parents=True, exist_ok=True)
    (REPORT / "probes.txt").write_text(orders.as_text(results) + "\n")
    (REPORT / "probes.json").write_text(orders.as_json(results) + "\n")
    wrong = [result for result in results if result.wrong()]
    assert not wrong, orders.as_text(wrong)
    assert len(results) >= ROWS_WANTED


def test_a_wrong_table_is_noticed():
    """The comparison itself: one outcome that is not as written, and one that never came."""
    row = next(table.parse("x | filter:EPERM caps:EPERM | ok | what | why"))
    right = {(stage.run, "x"): stage.expected for stage in table.stages(row)}
    assert not table.results([row], right)[0].wrong()
    for stage in table.stages(row):
        assert table.results([row], {**right, (stage.run, "x"): "ok!"})[0].wrong()
        assert table.results([row], {k: v for k, v in right.items() if k[0] != stage.run})[0].wrong()


def test_the_nodes_programs_cannot_build_a_lesser_cell():
    """Taking a protection away is for the tests' own build of the cell: none of it is in a node."""
    for program, there in (("attack-cells", True), ("hostd", False), ("init", False),
                           ("cell-init", False)):
        text = subprocess.run(["strings", "-a", scratch.PROGRAMS / program], check=True,
                              capture_output=True, text=True).stdout
        for word in ("cgroupns", "/attack/plan"):
            assert (word in text) == there, (program, word)
    for program, there in (("attack-taken", True), ("hostd", False)):
        text = (scratch.PROGRAMS / program).read_bytes()
        assert (b"/run/taken" in text) == there, program
