# SPDX-License-Identifier: Apache-2.0
"""Every system call number, and every rule with an argument, against the policy: both directions.

In cells of our own the filter's answers are marked, so that each answer is known to be its or the
kernel's. test_real_cells sweeps from kernels of the real hostd: this is the filter in force there.
"""

import re

import pytest

from attack import policy, scratch

NUMBERS = range(1024)
# Tables whose single values are tried as an argument: call, its argument, and which values.
ARGUMENTS = {
    "socket": (0, range(50)),
    "socketpair": (0, range(50)),
    "ioctl": (1, [*range(0x5400, 0x5480), 0x8901, 0x8912, 0x8914, 0xC0185879, 0x40086602, 1, 0x89A0]),
    "prctl": (0, [*range(80), 0x53564D41, 0x59616D61]),
    "clone": (0, [1 << bit for bit in range(8, 32)]),
    "sched_setscheduler": (1, range(8)),
    "mknodat": (2, [kind << 12 | 0o666 for kind in range(16)]),
}
SIGSYS, SIGSEGV = "signal:31", "signal:11"
# The kernel asks no filter about uretprobe, whose caller is a trampoline of its own. A node's kernel
# does not contain it (no CONFIG_UPROBES), so it answers that itself.
NOT_FILTERED = {335: "ENOSYS"}


def parse_sweeps(lines):
    """{way: {number: outcome}} of one cell's lines."""
    found = {}
    for way, first, last, outcome in re.findall(r"^sweep (\S+) (\d+) (\d+) (\S+)$", "\n".join(lines),
                                                re.M):
        found.setdefault(way, {}).update((n, outcome) for n in range(int(first), int(last) + 1))
    return found


def numbered(table, network=""):
    """Calls with one argument set and the others impossible; without a network those about sockets."""
    numbers = {rule.name: rule.number for rule in table}
    for rule in table:
        if rule.argument >= 0:
            assert rule.name in ARGUMENTS, f"{rule.name}: a rule with an argument that nobody tries"
    for call, (argument, values) in ARGUMENTS.items():
        if call not in numbers or (network and not call.startswith("socket")):
            continue
        mine = {rule.value for rule in table if rule.name == call and rule.argument == argument}
        for value in sorted(mine | set(values)):
            arguments = (policy.WORD,) * argument + (value,)
            yield numbers[call], arguments


def word(number, arguments):
    return f"call:{number}," + ",".join(f"{argument:#x}" for argument in arguments)


def plan():
    """The lines for the product kernel; what each is for is told by its place."""
    for profile in policy.PROFILES:
        for way in ("native", "x32"):
            yield (profile, way), f"cell {profile} none sweep {way}"
        for network in ("", "+sealed"):
            words = [word(*call) for call in numbered(policy.of_machine(profile, bool(network)), network)]
            for at in range(0, len(words), 250):
                yield (profile + network, "arguments"), \
                    f"cell {profile}{network} none {' '.join(words[at:at + 250])}"
    yield ("python", "int80"), "cell python none sweep int80"


def differs(number, outcome, wanted, marked=True):
    """`wanted` is the filter's answer, or None where the kernel's own is: any, but none of the filter's."""
    if number in NOT_FILTERED:
        return outcome != NOT_FILTERED[number]
    if wanted:
        return outcome != (f"filter:{wanted}" if marked else wanted)
    return outcome in ("nothing", "untried") or outcome.startswith("filter:") or (outcome == "EPERM" and not marked)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """{(profile, way): lines}, of cells of our own on the product kernel."""
    keys, lines = zip(*plan())
    found, at = {}, -1
    for line in scratch.boot(tmp_path_factory.mktemp("sweep"), "product", ["sysctl strict", *lines]):
        if line.startswith("cell "):
            at += 1
        elif at >= 0:
            found.setdefault(keys[at], []).append(line)
    assert at == len(keys) - 1
    return found


@pytest.mark.parametrize("profile", policy.PROFILES)
def test_every_number(cells, profile):
    """Allowed calls reach the kernel, others get the filter's answer and no other."""
    table = policy.of_machine(profile)
    came = parse_sweeps(cells[profile, "native"])["native"]
    wrong = []
    for number in NUMBERS:
        wanted = policy.answer(table, number)
        outcome = came.get(number, "nothing")
        if differs(number, outcome, wanted):
            wrong.append(f"{number}: {outcome}, wanted {wanted or 'the kernel'}")
    assert not wrong, "\n".join(wrong)
    assert sum(policy.answer(table, number) is None for number in NUMBERS) > 20


@pytest.mark.parametrize("profile", policy.PROFILES)
def test_every_number_by_other_ways(cells, profile):
    """An x32 number ends the process; the product kernel has no gate for int 0x80 at all."""
    came = parse_sweeps(cells[profile, "x32"])
    assert set(came["x32"]) == set(NUMBERS) and set(came["x32"].values()) == {SIGSYS}
    came = parse_sweeps(cells["python", "int80"])
    assert set(came["int80"]) == set(NUMBERS) and set(came["int80"].values()) == {SIGSEGV}


def test_other_ways_where_the_kernel_has_them(tmp_path):
    """On the permissive kernel the filter is what ends both; without it, both get through."""
    plan = [f"cell {profile} none sweep {way}" for profile in policy.PROFILES for way in ("int80", "x32")]
    lines = scratch.boot(tmp_path, "permissive", [*plan, "cell python filter int80-getpid x32-getpid"])
    for line in plan:
        way = line.split()[-1]
        begin = lines.index(" ".join(line.split()[:3]))
        came = parse_sweeps(lines[begin:lines.index("end 0", begin)])
        lines[begin] = "done"  # the next of the same profile is another cell's
        assert set(came[way]) == set(NUMBERS) and set(came[way].values()) == {SIGSYS}, line
        assert f"probe {way}-getpid ok" in lines


@pytest.mark.parametrize("network", ["", "+sealed"])
@pytest.mark.parametrize("profile", policy.PROFILES)
def test_every_checked_argument(cells, profile, network):
    """Each value that a rule names, and many that none does."""
    table = policy.of_machine(profile, bool(network))
    lines = cells.get((profile + network, "arguments"), ())
    came = dict(re.findall(r"^probe (\S+) (\S+)$", "\n".join(lines), re.M))
    wrong, reached = [], 0
    for number, arguments in numbered(table, network):
        wanted = policy.answer(table, number, arguments)
        outcome = came.get(word(number, arguments), "nothing")
        reached += not outcome.startswith("filter:")
        if differs(None, outcome, wanted):
            wrong.append(f"{word(number, arguments)}: {outcome}, wanted {wanted or 'the kernel'}")
    assert not wrong, "\n".join(wrong)
    # cell-init's own profile has no rule about sockets.
    assert reached > 0 or (profile == "cell-init" and network and not came)
