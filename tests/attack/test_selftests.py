# SPDX-License-Identifier: Apache-2.0
"""The kernel's own selftests of what a cell stands on, on the image's kernel.

They come from the sources that this very kernel was built from. The node is booted with the image's
kernel and command line, but with the tests' agent alone instead of init: init's sysctls are left
out (ptrace_scope 3 would refuse what many of the tests observe others by), and there are no kernels
and no hostd to disturb. selftests.list names every test that does not pass, with its reason.
"""

import pathlib
import re

import pytest

from lib.cluster import Cluster
from lib.kernel_log import complaints
from lib.node import ROOT, TEST_IMAGE

SELFTESTS = ROOT / "build" / "kernel-selftests"
LIST = pathlib.Path(__file__).with_name("selftests.list")
PLACE = "/tmp/selftests"
WHOLE = "*"
RESULT = re.compile(r"^(not )?ok (\d+)(?: -)? ?([^#]*?) ?(?:# (SKIP|XFAIL)\b ?(.*))?$")
PLAN = re.compile(r"^1\.\.(\d+)( # SKIP .*)?$")
SECONDS = 240  # of one program; none needs a quarter of it where nothing else runs


def read_list(text):
    """{program: {case: (verdict, reason)}}."""
    known = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        program, case, verdict, reason = line.split(None, 3)
        assert verdict in ("skip", "fail") or (verdict, case) == ("out", WHOLE), f"line {number}"
        assert case not in known.setdefault(program, {}), f"line {number}: {case} a second time"
        known[program][case] = verdict, reason
    return known


def verdicts(output):
    """{case: verdict} of a program's TAP, and how many it planned. A forked child repeats lines."""
    found, planned = {}, None
    for line in output.splitlines():
        if planned is None and (plan := PLAN.match(line)):
            planned = int(plan.group(1))
            if plan.group(2):
                return {WHOLE: "skip"}, 1
        if not (result := RESULT.match(line)):
            continue
        failed, number, name, word, rest = result.groups()
        name = name or (rest or "")
        case = name if re.fullmatch(r"[A-Za-z_][\w.-]*", name) else number
        verdict = "skip" if word == "SKIP" else "fail" if failed or word else "pass"
        assert found.setdefault(case, verdict) == verdict, f"{case} is told twice, differently"
    return found, planned


def compare(found, planned, known):
    """What is not as the list says, as sentences."""
    wrong = []
    # The cgroup tests of this version plan nothing, and pidfd_poll_test forgets to.
    if not found or planned not in (None, len(found)):
        wrong.append(f"{planned} tests were planned, {len(found)} told")
    for case, verdict in found.items():
        expected = known.get(case, ("pass", ""))[0]
        if verdict != expected:
            wrong.append(f"{case}: {verdict}, and by the list {expected}")
    return wrong + [f"{case}: listed, and not told" for case in known if case not in found]


def programs():
    """Those that were built; known before anything is, so that each is a test of its own."""
    file = SELFTESTS / "programs"
    return file.read_text().split() if file.exists() else ["none: build.sh makes them"]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """The image's kernel, the selftests on a real file system, and nothing else."""
    cluster = Cluster(tmp_path_factory.mktemp("selftests"))
    try:
        node = cluster.boot("bare", TEST_IMAGE, wait=False,
                            options=["--memory", "1024", "--append", "alone",
                                     "--extra-disk", str(SELFTESTS / "disk")])
        for command in (
                "mount -t proc proc /proc", "mount -t sysfs sysfs /sys",
                "mount -t cgroup2 -o nsdelegate,favordynmods cgroup2 /sys/fs/cgroup",
                "mount -t tmpfs tmpfs /tmp",
                # What they execute by its usual path, `sleep` above all.
                "mount -o bind /test/bin /bin",
                # One of them walks through all process ids.
                "echo 4096 > /proc/sys/kernel/pid_max",
                f"mkdir {PLACE} /tmp/disk", f"mount -t ext4 /dev/vda4 {PLACE}",
                "mount -t erofs -o ro /dev/vdb /tmp/disk", f"cp -r /tmp/disk/. {PLACE}"):
            node.inside.run(command)
        yield node.inside
    finally:
        cluster.close()


def run(inside, program):
    """In a PID namespace of its own, so that nothing of it is left; what it said."""
    folder, name = program.split("/")
    return inside.run(
        f"unshare -p -f -m sh -c 'mount -t proc proc /proc; ip link set lo up; cd {PLACE}/{folder};"
        f" timeout -s KILL {SECONDS} ./{name} 2>&1'", timeout=SECONDS + 60, check=False)[1]


@pytest.mark.parametrize("program", programs())
def test_the_kernel_passes(machine, program):
    known = read_list(LIST.read_text()).get(program, {})
    if known.get(WHOLE, ("",))[0] == "out":
        assert list(known) == [WHOLE], "left out, and its cases are listed"
        return
    # Some give the kernel a few seconds, which an emulated CPU of a busy machine may not have: what
    # is not as listed is asked again, once.
    for _ in range(2):
        output = run(machine, program)
        wrong = compare(*verdicts(output), known)
        if not wrong:
            return
    assert not wrong, "\n".join([*wrong, output])


def test_the_list_names_what_exists(machine):
    assert set(read_list(LIST.read_text())) <= set(programs())


def test_the_kernel_did_not_complain(machine):
    log = machine.run("dmesg")
    assert "Linux version" in log and complaints(log) == []


@pytest.mark.parametrize("output, known, said", [
    ("1..2\nok 1 a\nok 2 b", {}, []),
    ("1..2\nok 1 a\nok 2 b # SKIP no such thing", {"b": ("skip", "")}, []),
    ("1..2\nok 1 a\nok 2 b # SKIP no such thing", {}, ["b: skip, and by the list pass"]),
    ("ok 1 a\nok 2 # SKIP b", {"b": ("skip", "")}, []),
    ("1..2\nok 1 a\nnot ok 2 b", {}, ["b: fail, and by the list pass"]),
    ("1..2\nok 1 a\nok 2 b", {"b": ("fail", "")}, ["b: pass, and by the list fail"]),
    ("1..2\nok 1 a", {}, ["2 tests were planned, 1 told"]),
    ("1..1\nok 1 a", {"b": ("fail", "")}, ["b: listed, and not told"]),
    ("1..0 # SKIP nothing here", {WHOLE: ("skip", "")}, []),
    ("1..0 # SKIP nothing here", {}, ["*: skip, and by the list pass"]),
    ("Bail out!", {}, ["None tests were planned, 0 told"]),
])
def test_what_is_not_as_listed_is_said(output, known, said):
    assert compare(*verdicts(output), known) == said


def test_a_complaint_is_seen():
    """As this kernel writes them; and a kill at a memory limit is none."""
    assert complaints("<4>[   35.87] Oops: int3: 0000 [#1] SMP PTI") != []
    assert complaints("<4>[   35.87] WARNING: CPU: 0 PID: 1 at kernel/fork.c:1 f+0x1/0x2") != []
    assert complaints("<3>[   99.01] rcu: INFO: rcu_sched self-detected stall on CPU") != []
    assert complaints("<4>[    9.01] lua-kernel invoked oom-killer: gfp_mask=0xcc0\n"
                      "<4>[    9.01] Call Trace:\n<6>[    9.01] Memory cgroup out of memory") == []
