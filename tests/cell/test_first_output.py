# SPDX-License-Identifier: Apache-2.0
"""The first cell after a start or a restart, sent at once: none of its output is lost.

A kernel publishes to whoever has subscribed by then, so a client that does not wait loses the
beginning; the node's relay holds requests until the kernel's iopub is proven. It all runs on this
machine by `hostd --plain`, where kernels start fastest. ANCHORHOLD_LONG has it go on for longer.
"""

import asyncio
import json
import os
import pathlib
import time

import jupyter_client.session
import pytest
import zmq

from bench.roundtrip import Direct
from lib.client import Session, start_kernel, stop_kernel, text_of
from lib.plain import add_tree
from test_plain import gateway, plain  # noqa: F401 (fixtures)

LONG = int(os.environ.get("ANCHORHOLD_LONG", "1")) > 1
COUNT = {"lua": 1000 if LONG else 60, "python": 20 if LONG else 4}
LINES = 5
CODE = {"lua": 'for i = 1, %d do print("line", i) end' % LINES,
        "python": "for i in range(1, %d): print('line', i)" % (LINES + 1)}


def lost(outputs):
    """What is missing of, or out of place among, what the first cell puts out."""
    kinds = [m["header"]["msg_type"] for m in outputs]
    states = [m["content"]["execution_state"] for m in outputs
              if m["header"]["msg_type"] == "status"]
    wrong = [] if states == ["busy", "idle"] and kinds[0] == kinds[-1] == "status" else [str(kinds)]
    if kinds.count("execute_input") != 1:
        wrong.append("execute_input")
    words = text_of(outputs).split()
    if words != [word for i in range(1, LINES + 1) for word in ("line", str(i))]:
        wrong.append(repr(text_of(outputs)))
    return wrong


async def first_cell(session, name):
    reply, outputs = await session.execute(CODE[name])
    assert reply["content"]["status"] == "ok"
    assert reply["content"]["execution_count"] == 1, "it is not the first"
    return lost(outputs)


async def live(gateway, name, restarts):
    """A start and so many restarts: what was lost, by round."""
    wrong = {}
    kernel = start_kernel(gateway, name)
    session = await Session(gateway, kernel).open()
    try:
        wrong[0] = await first_cell(session, name)
        for number in range(1, restarts + 1):
            await asyncio.to_thread(gateway.call, "POST", f"/api/kernels/{kernel}/restart")
            wrong[number] = await first_cell(session, name)
    finally:
        session.close()
        stop_kernel(gateway, kernel)
    return {number: what for number, what in wrong.items() if what}


@pytest.mark.parametrize("name", COUNT)
def test_no_first_output_is_lost(plain, gateway, name):  # noqa: F811
    if not (pathlib.Path(plain.folder) / "trees" / name).exists():
        add_tree(plain.folder, name)
    plain.start(plain.missing())
    gateway.wait_node("plain-1")
    began, count, wrong = time.monotonic(), 0, []
    while count < COUNT[name]:
        wrong.append(asyncio.run(live(gateway, name, 1)))
        count += 2
    print(f"{name}: {count} starts and restarts in {time.monotonic() - began:.0f} s")
    assert [what for what in wrong if what] == []


def without_waiting(root):
    """Whether the kernel's own sockets, connected to and written to at once, lost any output."""
    direct = Direct("lua", root)
    info = json.loads(direct.connection.read_text())
    with zmq.Context() as context, context.socket(zmq.SUB) as iopub, \
            context.socket(zmq.DEALER) as shell:
        for socket in (iopub, shell):
            socket.linger, socket.rcvtimeo = 0, 10000
        iopub.connect(f"tcp://127.0.0.1:{info['iopub_port']}")
        iopub.subscribe(b"")
        shell.connect(f"tcp://127.0.0.1:{info['shell_port']}")
        session = jupyter_client.session.Session(key=info["key"].encode())
        try:
            session.send(shell, "execute_request", {
                "code": CODE["lua"], "silent": False, "store_history": True,
                "user_expressions": {}, "allow_stdin": False, "stop_on_error": True})
            assert session.recv(shell, mode=0)[1]["content"]["status"] == "ok"
            iopub.rcvtimeo, outputs = 1500, []
            while not outputs or outputs[-1]["content"].get("execution_state") != "idle":
                # None: nothing came in time, as jupyter_client has it.
                if (output := session.recv(iopub, mode=0)[1]) is None:
                    return True
                outputs.append(output)
        finally:
            direct.close()
    return bool(lost(outputs))


def test_who_does_not_wait_loses_it(tmp_path):
    """The control: a client that goes to the same kernel's own sockets, and sends at once."""
    root = add_tree(tmp_path, "lua")
    end = time.monotonic() + 60
    while not (missed := without_waiting(root)) and time.monotonic() < end:
        pass
    assert missed, "nobody ever loses it: the other test shows nothing"
