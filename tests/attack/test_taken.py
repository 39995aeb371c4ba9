# SPDX-License-Identifier: Apache-2.0
"""A link and a relay that were taken over, in a node's real cage: nothing is to be had by them.

Each attempt is made as the role with all its walls, as the role without its list of calls, and by
root of the node in no role, where it has to work: that shows which wall it is that holds.
"""

import contextlib
import socket
import uuid

import pytest

from attack import taken
from attack.taken import address_words, call, put, text
from attack.test_syscalls import NUMBERS, parse_sweeps
from lib.cells import Cell
from lib.cluster import Cluster
from lib.gateway import free_port
from protocol import anchorhold_link as wire

KILLED = "signal:31"
SYSTEM_CALLS_MIN = 40
WORD = (1 << 64) - 1
ENOSYS = {435: "ENOSYS"}  # clone3: the C library then takes clone, whose flags can be looked at


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("taken"))
    try:
        yield taken.World(cluster)
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def relay(world):
    with Cell(world.gateway, world.inside) as cell:
        cell.say("print(1)")
        cell.disconnect()
        yield world.relay(cell)


@pytest.fixture(scope="module")
def link(world, relay):
    link = world.link()
    yield link
    world.honest()


def both(function):
    """For each of the two roles: `role` and its number in a row."""
    return pytest.mark.parametrize("name", ["relay", "link"])(function)


# ---- what they say to others, while there is a gateway ----

def frame_words(frame):
    # MSG_DONTWAIT and MSG_NOSIGNAL
    return [put(0, frame), call("sendto", "$S", "@0", len(frame), 0x4040, 0, 0)]


def chunk(kernel, data=b"stolen"):
    return wire.pack("OUT", {"kernel_id": uuid.UUID(kernel).bytes, "incarnation": 1, "session": 1,
                             "epoch": 0, "seq": 1, "channel": 3, "total": len(data), "offset": 0,
                             "data": data})


def relay_words(layout):
    """What is no relay's to say to the monitor."""
    return {
        "a request of the link's": layout.send("request", request__verb=2),
        "an event of no kind": layout.send("relay_event", kind=0),
        "an event beyond the last": layout.send("relay_event", kind=99),
        "the death of a kernel that lives": layout.send("relay_drained"),
        "too often": 400 * layout.send("relay_event", kind=3),
    }


def test_a_taken_relay_speaks_for_its_kernel_alone(world):
    """On the link another's id is no message; to the monitor what is not a relay's ends it."""
    words = list(relay_words(world.layout).items())
    for at in range(0, len(words), 2):  # a kernel whose relay dies four times is given up
        with Cell(world.gateway, world.inside) as cell:
            cell.say("print(1)")
            cell.disconnect()
            relay = world.relay(cell)
            (pid,) = cell.pids("relay")[:1]
            if at == 0:
                given_up = taken.log_of(world.inside).count("stream is given up")
                (own,) = relay.tell(["full", *frame_words(chunk(cell.id))])
                assert own.outcome == "ok"
                # It may be ended before it can answer.
                relay.tell(["full", *frame_words(chunk(world.victim.id))])
                world.wait(lambda: not world.is_there(pid))
                assert taken.log_of(world.inside).count("stream is given up") == given_up + 1
            for name, said in words[at:at + 2]:
                assert relay.tell(["full"])[0].end == "0"
                (pid,) = cell.pids("relay")[:1]
                relay.tell(["full", *said, world.layout.hear("stream", 20000)])
                world.wait(lambda: not world.is_there(pid))
            assert taken.pid_of(world.inside, "monitor") == world.monitor
    assert world.victim.say("print(secret)") == "mine"


# ---- calls ----

MEMORY = call("mmap", 0, 4096, 7, 0x22, -1, 0)
# Name: words, what they come to without the list of calls as a relay, and as the link. With it
# each is the process's end; root in no role gets through.
CALLS = {
    "read a file": ([text(0, "/etc/anchorhold/version"), call("openat", -100, "@0", 0, 0)],
                    "ENOENT", "ENOENT"),
    "read the configuration": ([text(0, "/state/node.conf"), call("openat", -100, "@0", 0, 0)],
                               "ENOENT", "ENOENT"),
    "look at processes": ([text(0, "/proc/1/status"), call("openat", -100, "@0", 0, 0)],
                          "ENOENT", "ENOENT"),
    "look at other kernels": ([text(0, "/sys/fs/cgroup/cells"), call("openat", -100, "@0", 0, 0)],
                              "ENOENT", "ENOENT"),
    "make a folder": ([text(0, "/run/taken/{name}"), call("mkdirat", -100, "@0", 0o700)],
                      "ENOENT", "ENOENT"),
    "signal another": ([call("kill", "{sleeper}", 0)], "EPERM", "EPERM"),
    "signal the monitor": ([call("kill", "{monitor}", 0)], "EPERM", "EPERM"),
    "signal init": ([call("kill", 1, 0)], "EPERM", "EPERM"),
    "limit another": ([call("prlimit64", "{sleeper}", 7, 0, "@0")], "EPERM", "EPERM"),
    "become root": ([call("setuid", 0)], "EPERM", "EPERM"),
    "start a program": ([text(0, "/test/bin/true"), call("execve", "@0", 0, 0)], "ENOENT", "ENOENT"),
    "be two": ([call("fork")], "ok", "ok"),
    "be two, by clone": ([call("clone", 17, 0, 0, 0, 0)], "ok", "ok"),
    "memory to execute": ([MEMORY], "ok", "ok"),
    "memory made executable": ([call("mmap", 0, 4096, 3, 0x22, -1, 0),
                                call("mprotect", "$", 4096, 5)], "ok", "ok"),
    "a file of memory": ([text(0, "x"), call("memfd_create", "@0", 0)], "ok", "ok"),
    "hold another": ([call("pidfd_open", "{sleeper}", 0)], "ok", "ok"),
    "a timer": ([call("timer_create", 1, 0, "@0")], "EAGAIN", "EAGAIN"),
    "netlink": ([call("socket", 16, 3, 0)], "ok", "ok"),
    "packets": ([call("socket", 17, 3, 0)], "EPERM", "EPERM"),
    "wait for connections": ([call("socket", 2, 1, 0), address_words(0, "0.0.0.0", 4444),
                              call("bind", "$0", "@0", 16), call("listen", "$0", 1)], "ok", "ok"),
}


@both
def test_a_taken_role_has_nothing(world, name, request):
    role = request.getfixturevalue(name)
    rows = {title: [word.format(sleeper=world.sleeper, monitor=world.monitor, name=f"{name}{at}")
                    for word in row[0]] for at, (title, row) in enumerate(CALLS.items())}
    full = role.tell(*(["full", *words] for words in rows.values()))
    bare = role.tell(*(["bare", *words] for words in rows.values()))
    alone = taken.alone(world.inside, *(["bare", *words] for words in rows.values()))
    wrong = []
    for title, *came in zip(rows, full, bare, alone, strict=True):
        through = "0" if title == "start a program" else "ok"  # another's exit code
        outcomes = [came[0].outcome, came[1].outcome,
                    came[2].end if title == "start a program" else came[2].outcome]
        if outcomes != [KILLED, CALLS[title][1 if name == "relay" else 2], through]:
            wrong.append(f"{title}: {outcomes}")
    assert wrong == []


def allowed(policy, number, arguments=()):
    """What the list makes of a call whose other arguments are all ones."""
    for rule in policy:
        given = arguments[rule.argument] if 0 <= rule.argument < len(arguments) else WORD
        if rule.number == number and (rule.argument < 0 or given & rule.mask == rule.value):
            return "ok" if rule.nothing else None
    return ENOSYS.get(number, KILLED)


@both
def test_every_number(world, name, request):
    """The list that the monitor handed to this process, against the table it was made from."""
    role = request.getfixturevalue(name)
    policy = role.policy()
    native, x32 = role.tell(["sweep", "native"], ["sweep", "x32"])
    came = parse_sweeps(native.lines)["native"]
    wrong = []
    for number in NUMBERS:
        wanted = allowed(policy, number)
        if (came[number] in (KILLED, "untried")) if wanted is None else came[number] != wanted:
            wrong.append(f"{number}: {came[number]}, wanted {wanted or 'the kernel'}")
    # The kernel asks no filter about uretprobe, and a node's does not contain it.
    assert wrong == [f"335: ENOSYS, wanted {KILLED}"]
    assert sum(allowed(policy, number) is None for number in NUMBERS) >= SYSTEM_CALLS_MIN
    assert set(parse_sweeps(x32.lines)["x32"].values()) == {KILLED}


# Of each call with a rule about an argument: which one, and values that are tried.
ARGUMENTS = {
    "socket": (0, range(50)), "prctl": (0, [*range(70), 0x59616D61]), "fcntl": (1, range(20)),
    "futex": (1, [op | flags for op in range(14) for flags in (0, 128, 384)]),
    "sched_getaffinity": (0, [0, 1, 2]), "mmap": (2, range(16)), "mprotect": (2, range(16)),
    "clone": (0, [0x10100 | 1 << bit for bit in range(8, 32)] + [0x100, 0x10000, 17]),
}


@both
def test_every_checked_argument(world, name, request):
    role = request.getfixturevalue(name)
    policy = role.policy()
    assert {rule.name for rule in policy if rule.argument >= 0} == set(ARGUMENTS)
    tried = [(call_name, (WORD,) * at + (value,)) for call_name, (at, values) in ARGUMENTS.items()
             for value in values]
    scripts = [["full", call(call_name, *arguments)] for call_name, arguments in tried]
    came = [one for at in range(0, len(scripts), 100) for one in role.tell(*scripts[at:at + 100])]
    wrong, through = [], 0
    for (call_name, arguments), one in zip(tried, came, strict=True):
        wanted = allowed(policy, taken.NUMBERS[call_name], arguments)
        through += wanted is None
        if (one.outcome == KILLED) != (wanted == KILLED):
            wrong.append(f"{call_name} {arguments}: {one}, wanted {wanted}")
    assert wrong == [] and through > 10


# ---- others, by way of calls that a role has ----

def number_words(pid):
    """Calls that take a process's number, of those that a role may make at all."""
    return {
        "sched_getscheduler": [call("sched_getscheduler", pid)],
        "sched_getparam": [call("sched_getparam", pid, "@0")],
        "sched_getaffinity": [call("sched_getaffinity", pid, 128, "@0")],
        "fcntl": [call("fcntl", 3, 8, pid)],
        "futex": [put(0, pid.to_bytes(4, "little")), call("futex", "@0", 136, 0, 0, 0, 0)],
    }


@both
def test_a_number_does_not_tell_whether_there_is_one(world, name, request):
    role = request.getfixturevalue(name)
    nobody = 32000
    assert not world.is_there(nobody)
    for mode, same in (("full", True), ("bare", False)):
        one, other = ([came.outcome for came in role.tell(
            *([mode, *words] for words in number_words(pid).values()))]
            for pid in (world.sleeper, nobody))
        assert [a == b for a, b in zip(one, other, strict=True)] == [same] * len(one), (one, other)


def test_no_signal_by_way_of_a_descriptor(world, link):
    """fcntl can have the kernel send SIGKILL when something comes; for root it does."""
    def words(pid):
        return [call("socket", 2, 2, 0), call("fcntl", "$0", 8, pid), call("fcntl", "$0", 10, 9),
                call("fcntl", "$0", 4, 0x2000), address_words(0, "127.0.0.1", 9),
                call("connect", "$0", "@0", 16), call("sendto", "$0", "@64", 1, 0x4000, 0, 0)]
    own = world.sleep()
    assert link.tell(["full", *words(own)])[0].outcome == KILLED
    assert link.tell(["bare", *words(own)])[0].outcome == "ok"  # it is asked for, and not done
    assert world.is_there(own)
    taken.alone(world.inside, ["bare", *words(own)])
    world.wait(lambda: not world.is_there(own))


def test_a_taken_link_reaches_its_gateway_alone(world, link):
    """What the firewall lets out of the link is its own gateway, by TCP."""
    def connect(address, port):
        seconds = put(64, (4).to_bytes(8, "little") + bytes(8))  # then it gives up
        return ["full", call("socket", 2, 1, 0), seconds, call("setsockopt", "$0", 1, 21, "@64", 16),
                address_words(0, address, port), call("connect", "$0", "@0", 16)]

    def send(address, port):
        return ["full", call("socket", 2, 2, 0), address_words(0, address, port),
                call("sendto", "$0", "@64", 8, 0, "@0", 16)]
    port = free_port()
    with contextlib.closing(socket.create_server(("127.0.0.1", port))) as server:
        server.setblocking(False)
        own, other, unheard, self_ = link.tell(
            connect("10.0.2.2", world.gateway.link_port), connect("10.0.2.2", port),
            connect("192.0.2.1", 443), connect("127.0.0.1", 22))
        assert own.outcome == "ok"
        assert (other.outcome, unheard.outcome) == ("115", "115")  # EINPROGRESS, for four seconds
        assert self_.outcome == "ECONNREFUSED"  # nobody listens on the node
        with pytest.raises(BlockingIOError):
            server.accept()
    sent = link.tell(send("10.0.2.2", world.gateway.link_port), send("10.0.2.3", 53),
                     ["full", call("socket", 2, 3, 1)])
    assert [one.outcome for one in sent] == ["EPERM"] * 3  # datagrams, and a socket for raw ones


# ---- what a taken link asks of the monitor ----

def events(gateway):
    return gateway.call("GET", "/api/anchorhold/events?last=1000").json()


def start(layout, kernel, environment=b"lua", **fields):
    return layout.send("request", request__verb=1, request__kernel_id=kernel.bytes,
                       request__start__environment=environment,
                       **{f"request__start__{name}": value for name, value in fields.items()})


def refused_words(layout):
    """What ends the link: it is no longer our program."""
    some = uuid.uuid4()

    return {
        "no kernel's id": start(layout, uuid.UUID(int=0)),
        "an environment by a path": start(layout, some, b"../lua"),
        "a hidden environment": start(layout, some, b".lua"),
        "a name without an end": start(layout, some, b"l" * 64),
        "a project by a path": start(layout, some, project=b"../../state"),
        "memory over the ceiling": start(layout, some, memory_mib=1 << 31),
        "rules beyond the last": start(layout, some, egress__rules_count=33),
        "no such verb": layout.send("request", request__verb=77),
        "no such gateway": layout.send("request", request__verb=2, gateway=4),
        "a relay's word": layout.send("relay_ready"),
        "the monitor's own word": layout.send("result"),
        "a ticket of none": layout.send("ticket"),
        "a refusal of no gateway": layout.send("refused", gateway=4, why=1, count=1),
        "a refusal for no reason": layout.send("refused", why=4, count=1),
        "a refusal of nothing": layout.send("refused", why=1),
        "no message": [put(0, bytes(7)), call("sendto", 3, "@0", 7, 0x4040, 0, 0)],
        "half a message": [put(0, layout.types["request"].to_bytes(4, "little")),
                           call("sendto", 3, "@0", 100, 0x4040, 0, 0)],
        "too often": 400 * layout.send("gateway"),
    }


def test_a_taken_link_is_ended_for_what_it_may_not_ask(world, link):
    for name, words in refused_words(world.layout).items():
        assert link.tell(["full"])[0].end == "0"
        before = taken.pid_of(world.inside, "link")
        link.tell(["full", *words, world.layout.hear("result")])
        world.wait(lambda: not world.is_there(before))
        assert taken.pid_of(world.inside, "monitor") == world.monitor, name


def answers(layout):
    """What is answered, with the code of it: the monitor looks for itself."""
    nobody = uuid.uuid4().bytes
    verbs = {"stop": 2, "interrupt": 3, "restart": 4, "network": 6, "cut": 7, "usage": 8}
    return {"another environment": (start(layout, uuid.uuid4(), b"nosuch"), 4),
            **{f"{name} nobody": (layout.send("request", request__verb=verb,
                                              request__kernel_id=nobody), 2)
               for name, verb in verbs.items()}}


def test_a_taken_link_starts_validated_cells_alone(world, link):
    layout = world.layout
    for name, (words, code) in answers(layout).items():
        (came,) = link.tell(["full", *words, layout.hear("result", 60000)])
        assert [line.split()[1] for line in came.heard("result")] == [str(code)], (name, came)
    # All that can be had: more than there is, which is made what there is.
    kernel = uuid.uuid4()
    most = start(layout, kernel, memory_mib=(1 << 31) - 1, pids_max=(1 << 31) - 1,
                 tmpfs_mib=(1 << 31) - 1)
    (came,) = link.tell(["full", *most, layout.hear("result", 90000)])
    assert [line.split()[1] for line in came.heard("result")] == ["0"], came
    group = f"/sys/fs/cgroup/cells/{kernel}"
    total = int(world.inside.run("grep MemTotal /proc/meminfo").split()[1]) * 1024
    assert int(world.inside.run(f"cat {group}/cell/memory.max")) <= total
    assert int(world.inside.run(f"cat {group}/cell/pids.max")) <= 4097
    for pid in world.inside.run(f"cat {group}/cell/cgroup.procs").split():
        uids = world.inside.run(f"grep ^Uid: /proc/{pid}/status").split()[1:]
        assert len(set(uids)) == 1 and 1000000 <= int(uids[0]) < 1004096
    (came,) = link.tell(["full", *start(layout, kernel), layout.hear("result", 60000)])
    assert [line.split()[1] for line in came.heard("result")] == ["3"], "its id is taken"
    stop = layout.send("request", request__verb=2, request__kernel_id=kernel.bytes)
    (came,) = link.tell(["full", *stop, layout.hear("result", 90000)])
    assert [line.split()[1] for line in came.heard("result")] == ["0"], came
    assert world.inside.run(f"ls {group}", check=False)[0] != 0
    assert taken.pid_of(world.inside, "monitor") == world.monitor
    assert world.victim.pids() != []


def test_a_taken_link_fills_no_journal_with_refusals(world, link):
    """Of what it says that it refused, one event a reason waits for a gateway at a time. It is the
    last: the link is hostd's again afterwards, and what waits is told."""
    def told():
        return taken.log_of(world.inside).count("hostd[monitor]: refused.gateway: ")
    words = [word for why in (1, 2, 3) for _ in range(5)
             for word in world.layout.send("refused", why=why, count=0xFFFFFFFF)]
    before = told()
    for _ in range(3):  # it may say 50 a second
        assert link.tell(["full", *words])[0].end == "0"
    world.wait(lambda: told() == before + 3)
    assert taken.pid_of(world.inside, "monitor") == world.monitor
    world.honest()
    world.wait(lambda: sum(event["kind"] == "refused.gateway" and event["node"] == "node-1"
                           for event in events(world.gateway)) >= 3)
    assert "events.dropped" not in taken.log_of(world.inside)
