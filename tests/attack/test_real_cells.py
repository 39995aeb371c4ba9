# SPDX-License-Identifier: Apache-2.0
"""From kernels that the real hostd made, as a hostile notebook: nothing is taken away or marked here.

What each answer proves of its refuser is shown by test_probes and test_syscalls.
"""

import re

from attack import policy, table
from attack.kernels import hostile, neighbour  # noqa: F401 (fixtures)
from attack.test_syscalls import NUMBERS, SIGSEGV, SIGSYS, differs, parse_sweeps

# What a real environment does not have: cells of our own are made with it.
SCRATCH_ONLY = {
    "run-suid": "no image has a suid program of another's",
    "environment-unlisted": "no image has a file outside the template",
    "environment-program-write": "the file is the scratch environment's own",
}
# And where it answers first with something else than the scratch environment, a tmpfs.
REAL_FIRST = {"environment-write": "EROFS"}  # an erofs refuses before anybody's uid counts


def real_rows():
    return [row for row in table.rows()
            if row.name not in SCRATCH_ONLY and not row.name.startswith("build-")]


def targets(inside, neighbour):
    """Processes outside the cell to aim at, and the disk: as an attacker might have learned them."""
    host = inside.run("pidof hostd").split()[-1]
    pid = inside.run(f"cat /sys/fs/cgroup/cells/{neighbour}/cell/cgroup.procs").split()[-1]
    disk = inside.run("cat /sys/class/block/vda/dev").strip()
    return f"host={host} neighbour={pid} disk={disk}"


def compare(output, profile, network="loopback"):
    found = dict(re.findall(r"^probe (\S+) (\S+)$", output, re.M))
    wanted = {row.name: REAL_FIRST.get(row.name) or table.first(row, profile, network)
              for row in real_rows()}
    wrong = [f"{name}: {found.get(name)}, wanted {outcome}" for name, outcome in wanted.items()
             if found.get(name) != outcome]
    assert not wrong, f"{profile}, {network}:\n" + "\n".join(wrong)


def test_a_real_cell_refuses(inside, neighbour, hostile):
    """Every attempt, from a kernel that the real hostd made: the first refuser's answer."""
    words = targets(inside, neighbour) + " " + " ".join(row.name for row in real_rows())
    compare(hostile.probe(words), hostile.profile)


def test_every_number_in_a_real_cell(hostile):
    """What the policy refuses answers as it says, what it allows never so."""
    rules = policy.of_machine(hostile.profile)
    came = parse_sweeps(hostile.probe("sweep native").splitlines())["native"]
    wrong = []
    for number in NUMBERS:
        wanted, outcome = policy.answer(rules, number), came.get(number, "nothing")
        if differs(number, outcome, wanted, marked=False):
            wrong.append(f"{number}: {outcome}, wanted {wanted or 'the kernel'}")
    assert not wrong, "\n".join(wrong)


def test_other_ways_in_a_real_cell(hostile):
    """A few numbers for each profile: all of them are in test_syscalls."""
    came = hostile.probe("int80-getpid int80-mount x32-getpid")
    assert [line.split()[2] for line in came.splitlines() if line.startswith("probe ")] == \
        [SIGSEGV, SIGSEGV, SIGSYS]
