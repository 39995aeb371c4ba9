# SPDX-License-Identifier: Apache-2.0
"""The cell's unit tests on the node's own kernel, where nothing may be lacking or skipped."""

import pytest

PROGRAMS = {"units-uids": "", "units-egress": "", "units-cell": " /test/bin/cell-init /test/bin/units-probe",
            "units-steps": " /test/bin/cell-init /test/bin/units-probe"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_units(inside, program):
    before = inside.run("ls -a /work /sys/fs/cgroup")
    code, text = inside.run(f"TMPDIR=/work {program}{PROGRAMS[program]}", timeout=900, check=False)
    assert code == 0 and " 0 failed" in text, text
    assert "skipped" not in text and "FAIL" not in text, text
    if program == "units-steps":
        # Every call that builds a cell, the monitor's and the child's, was failed once.
        counts = [int(line.split()[0]) for line in text.splitlines()
                  if "failed in turn" in line]
        # Without a way out of the node, and with one.
        assert len(counts) == 4 and counts[2] > counts[0] > 80, text
        assert min(counts[1], counts[3]) > 200, text
    assert inside.run("ls -a /work /sys/fs/cgroup") == before
