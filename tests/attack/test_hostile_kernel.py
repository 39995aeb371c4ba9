# SPDX-License-Identifier: Apache-2.0
"""A kernel that breaks the protocol and its sockets' folder: it ends in that cell alone.

After each misdeed: the other kernel executes and hears nothing of it, monitor and link are the
same processes, the relay stayed within its memory, an event tells of it, and nothing is left.
"""

import asyncio
import threading
import time

import pytest

from lib.cells import Cell, Client, Neighbour, census, monitor_pid, wait_census
from lib.client import text_of
from lib.exhaustion import events_of

KNOBS = {"KERNEL_MEMORY": "128M", "KERNEL_LAUNCH_TIMEOUT": "8"}
SOCKETS = [f"/run/kernel/k1-{port}" for port in range(1, 6)]
SHELL, IOPUB, STDIN, CONTROL, HB = SOCKETS
LONG_PART = r"('\3' .. string.pack('>I8', 65536) .. string.rep('x', 65536))"  # MORE, and long
HEADER = ('{"msg_id":"m","msg_type":"stream","session":"s","username":"u","version":"5.3",'
          '"date":"2026-01-01T00:00:00Z"}')


class Deed:
    """`code` is executed in the hostile kernel; `event` has to come of it (None: nothing to tell).

    `lives`: the kernel still answers its own client afterwards; else only a restart or an end
    helps. `parted`: nobody reads meanwhile.
    """

    def __init__(self, name, code, event=None, lives=True, parted=False, waits=2.0):
        self.name, self.code, self.event = name, code, event
        self.lives, self.parted, self.waits = lives, parted, waits

    def __repr__(self):
        return self.name


def forge(**fields):
    def value(item):
        if isinstance(item, list):
            return "{" + ", ".join(map(value, item)) + "}"
        return str(item) if isinstance(item, int) else f"[==[{item}]==]"

    return "hostile.forge{" + ", ".join(f"{k} = {value(v)}" for k, v in fields.items()) + "}"


def replaced(path, how):
    """Another thing at the path, and the relay's connections cut, so that it finds it there."""
    return f"{how.format(path=path)} hostile.cut()"


BAD = "kernel.bad_message"

DEEDS = [
    Deed("bad signatures", "hostile.bad_signature(50)", BAD),
    Deed("no signature", forge(idents=["t"], header=HEADER, content='{"text":"stolen"}',
                               signature=""), BAD),
    Deed("a long signature", forge(idents=["t"], header=HEADER, signature="0" * 100000), BAD),
    Deed("no message at all", "hostile.raw(2, 'topic', 'stolen') hostile.raw(1, '') "
         "hostile.raw(4, '', '<IDS|MSG>')", BAD),
    Deed("flood without a reader", "hostile.flood(500, 65536)", "output.gap", parted=True,
         waits=8),
    Deed("oversized", "hostile.parts(3, 6000000)", "output.too_large"),
    Deed("a part too many", "hostile.parts(67, 10)", BAD),
    Deed("more than are read", "hostile.parts(68, 10)", "output.too_large"),
    Deed("deep", "hostile.json_bomb(100000)", BAD),
    Deed("cut off", "hostile.signed(2, 'display_data', '{\"a\":[1,2')", BAD),
    Deed("not UTF-8", r"hostile.signed(2, 'display_data', '{\"a\":\"\xff\xfe\"}')", BAD),
    Deed("a NUL", r"hostile.signed(2, 'display_data', '{\"a\":\"\0\"}')", BAD),
    Deed("a lone surrogate", r"hostile.signed(2, 'stream', '{\"text\":\"\\ud800\"}')"),
    Deed("no object", "hostile.signed(2, 'display_data', '[1]')", BAD),
    Deed("huge numbers", "hostile.signed(2, 'display_data', "
         "'{\"data\":{\"text/plain\":1e999999},\"n\":' .. string.rep('9', 4000) .. '}')"),
    Deed("wide", "hostile.signed(2, 'display_data', '{' .. string.rep('\"a\":1,', 100000) .. "
         "'\"b\":2}')"),
    Deed("twice the same key", "hostile.signed(2, 'display_data', '{\"data\":1,\"data\":{}}')"),
    Deed("every dict wrong", "; ".join(forge(idents=["t"], **{name: text}) for name in
                                       ("header", "parent", "metadata", "content")
                                       for text in ("", "[]", "{", "null", "nul", '"x"')), BAD),
    Deed("header of other types", "; ".join(
        forge(idents=["t"], header=text) for text in
        ('{"msg_id":1,"msg_type":2}', '{"msg_id":{},"msg_type":[]}', '{"session":null}',
         '{"msg_type":"' + "x" * 5000 + '"}'))),
    Deed("forged topics", "; ".join(forge(idents=topics, header=HEADER, content="{}") for topics in
                                    (["x" * 100000], ["t"] * 20, [""], []))),
    Deed("replies where none belong", "for port = 2, 5 do hostile.reply_on(port) end"),
    Deed("idents of nobody", "; ".join(
        forge(port=port, idents=idents, header=HEADER.replace("stream", "execute_reply"),
              content='{"status":"ok"}') for port in (1, 3, 4) for idents in
        ([], [""], ["x"], ["x" * 300], ["12345678"] * 9))),
    Deed("a silent heartbeat", replaced(HB, "hostile.peer('{path}', 'REP', '')"), "kernel.silent",
         waits=16),
    Deed("a heartbeat that never stops",
         replaced(HB, r"hostile.peer('{path}', 'REP', '\1\0\0\5wrong')"), waits=4),
    Deed("endless parts", replaced(IOPUB, "hostile.peer('{path}', 'PUB', %s)" % LONG_PART),
         "relay.lost", lives=False, waits=20),
    Deed("a frame of 2^62 bytes", replaced(
        IOPUB, r"hostile.peer('{path}', 'PUB', '\2' .. string.pack('>I8', 1 << 62))"),
        lives=False),
    *(Deed(f"a {kind} for {path[-4:]}", replaced(path, "hostile.peer('{path}', '%s', '')" % kind),
           lives=False) for path, kind in
      ((SHELL, "PUB"), (IOPUB, "ROUTER"), (CONTROL, "PULL"), (STDIN, "XPUB"))),
    Deed("a listener that says nothing", replaced(SHELL, "hostile.listen('{path}')"), lives=False),
    Deed("a listener that sends zeros", replaced(IOPUB, "hostile.listen('{path}', true)"),
         lives=False),
    Deed("links that lead out", " ".join(
        f"hostile.symlink('{target}', '{path}')" for path, target in
        zip(SOCKETS, ("/etc/passwd", "/proc/1/root/etc/passwd", "../../k1-2", "/run/kernel/k1-3",
                      "/"))) + " hostile.cut()", lives=False),
    Deed("half-open connections", "; ".join(f"hostile.connect('{path}', 100)" for path in SOCKETS)),
    Deed("a folder without room", "hostile.take('file', 1000, '/run/kernel')"),
]


def daemons(inside):
    return monitor_pid(inside), inside.run("cat /sys/fs/cgroup/hostd/link/cgroup.procs")


@pytest.fixture(scope="module")
def other(cluster):
    """The other kernel of the node, through all of it; and a second client that only listens."""
    inside = cluster.nodes["node-1"].inside
    with Cell(cluster.gateway, inside) as cell:
        cell.say("print(1)")
        neighbour = Neighbour(cell)
        with Cell(cluster.gateway, inside) as warm:
            warm.say("print(1)")
        neighbour.before, neighbour.daemons = census(inside), daemons(inside)
        neighbour.relay = cell.pids("relay")
        yield neighbour


def perform(deed, cell):
    """Carries it out; its client may or may not be answered."""
    if deed.parted:
        cell.start(deed.code)
        time.sleep(0.5)
        cell.disconnect()
        time.sleep(deed.waits)
        return
    answer = cell.start(deed.code)
    if deed.lives and not deed.waits > 2:
        reply, _ = answer.result(120)
        assert reply["content"]["status"] == "ok", reply["content"]
        return
    time.sleep(deed.waits)
    answer.cancel()


def wait_event(cell, kind, timeout=30):
    deadline = time.monotonic() + timeout
    while True:
        kinds = [event["kind"] for event in events_of(cell.gateway, cell.id)]
        if kind in kinds or time.monotonic() > deadline:
            return kinds
        time.sleep(0.3)


@pytest.mark.parametrize("deed", DEEDS, ids=repr)
def test_ends_in_that_cell(gateway, inside, other, deed):
    with other, Cell(gateway, inside, **KNOBS) as cell:
        cell.say("print(1)")
        perform(deed, cell)
        if deed.event:
            assert deed.event in wait_event(cell, deed.event)
        if cell.pids("relay"):
            assert cell.number("memory.peak", "relay") <= cell.number("memory.max", "relay")
            assert len(cell.pids("relay")) == 1
        if deed.lives:
            cell.disconnect()
            assert cell.say("print('still', 6 * 7)") == "still\t42"
    assert other.faults == []
    assert other.latencies
    assert other.cell.pids("relay") == other.relay
    assert daemons(inside) == other.daemons
    assert wait_census(inside, other.before) == other.before


def test_another_kernels_clients_hear_nothing(gateway, inside, other):
    """Idents and parent headers of a session on the other kernel, on every channel."""
    listener = Client(gateway, other.cell.id)
    reply, outputs = listener.execute("local h, i = hostile.request() print(h) "
                                      "print((i:gsub('.', function(c) return "
                                      "string.format('%02x', c:byte()) end)))")
    header, ident = text_of(outputs).strip().splitlines()
    with Cell(gateway, inside) as cell:
        own = forge(idents=["t"], header=HEADER, content='{"name":"stdout","text":"stolen"}')
        reply, outputs = cell.execute(own + f" {own[:-1]}, parent = (hostile.request())}}")
        # The forger's own client gets it: it is a message like any other.
        assert "stolen" in text_of(outputs)
        cell.say("local parent = [==[" + header + "]==] local ident = ('" + ident + "'):gsub('..', "
                 "function(h) return string.char(tonumber(h, 16)) end) "
                 "for port = 1, 4 do for session = 0, 40 do for _, id in ipairs{ident, "
                 "string.pack('>I8', session)} do hostile.forge{port = port, idents = {id}, "
                 "header = [==[" + HEADER + "]==], parent = parent, "
                 "content = [==[{\"name\":\"stdout\",\"text\":\"stolen\"}]==]} end end end")
        time.sleep(1)
        heard = []
        try:
            while True:
                heard.append(listener.run(listener.session.receive(timeout=2)))
        except (asyncio.TimeoutError, TimeoutError):
            pass
        assert not [message for message in heard if "stolen" in str(message)]
    listener.close()


START = "local f = io.open('/home/user/start.lua', 'w') f:write([===[%s]===]) f:close()"


def test_messages_before_it_is_ready(gateway, inside, other):
    """The next incarnation speaks on every channel before it has answered anything."""
    with other, Cell(gateway, inside, **KNOBS) as cell:
        cell.say(START % " ".join(
            forge(port=port, idents=["12345678"], header=HEADER, content='{"text":"early"}')
            for port in (1, 2, 3, 4, 2, 2)))
        assert cell.restart() == 200
        cell.disconnect()
        assert cell.say("print('ready')") == "ready"
    assert other.faults == []
    assert wait_census(inside, other.before) == other.before


def test_an_incarnation_that_never_answers(gateway, inside, other):
    """Who asked for the restart is told when the kernel is taken away meanwhile."""
    with other, Cell(gateway, inside, **KNOBS) as cell:
        cell.say(START % "while true do end")
        answers = []
        asking = threading.Thread(target=lambda: answers.append(cell.restart()))
        asking.start()
        time.sleep(3)
        assert answers == []
        cell.stop()
        asking.join(60)
        assert answers and answers[0] >= 400
    assert other.faults == []
    assert daemons(inside) == other.daemons
    assert wait_census(inside, other.before) == other.before


def test_a_restart_heals(gateway, inside, other):
    """Sockets replaced by an incarnation are not the next one's."""
    with other, Cell(gateway, inside, **KNOBS) as cell:
        cell.say("print(1)")
        cell.start(replaced(SHELL, "hostile.listen('{path}')"))
        time.sleep(2)
        assert cell.restart() == 200
        cell.disconnect()
        assert cell.say("print('healed')") == "healed"
    assert other.faults == []
    assert wait_census(inside, other.before) == other.before
