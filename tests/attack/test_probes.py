# SPDX-License-Identifier: Apache-2.0
"""Attempts from within a cell, each with those that refuse it, in order."""

import subprocess

from lib.gateway import ROOT


def test_the_nodes_programs_cannot_build_a_lesser_cell():
    """Taking a protection away is for the tests' own build of the cell: none of it is in a node."""
    for program in ("hostd", "init", "cell-init"):
        text = subprocess.run(["strings", "-a", str(ROOT / "build/programs" / program)], check=True,
                              capture_output=True, text=True).stdout
        assert "seccomp" in text or program != "hostd"
        assert "attack" not in text, program
