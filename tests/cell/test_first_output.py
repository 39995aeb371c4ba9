# SPDX-License-Identifier: Apache-2.0
"""The first cell after a start or a restart, sent at once: none of its output is lost.

A kernel publishes to whoever has subscribed by then, so a client that does not wait loses the
beginning; the node's relay holds requests until the kernel's iopub is proven. It all runs on this
machine by `hostd --plain`, where kernels start fastest. ANCHORHOLD_LONG has it go on for longer.
"""

import asyncio
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest
import zmq

from bench.roundtrip import Direct
from lib.client import Session, start_kernel, stop_kernel, text_of
from lib.node import IMAGE
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
    image = IMAGE / "environments" / name
    tree = pathlib.Path(plain.folder) / "trees" / name
    if not tree.exists():
        tree.mkdir()
        subprocess.run(["fsck.erofs", f"--extract={tree}/root", str(image / "image")], check=True,
                       capture_output=True)
        shutil.copy(image / "manifest", tree / "manifest")
    plain.start(plain.missing())
    gateway.wait_node("plain-1")
    began, count, wrong = time.monotonic(), 0, []
    while count < COUNT[name]:
        wrong.append(asyncio.run(live(gateway, name, 1)))
        count += 2
    print(f"{name}: {count} starts and restarts in {time.monotonic() - began:.0f} s")
    assert [what for what in wrong if what] == []


def test_who_does_not_wait_loses_it():
    """The control: a client that goes to the same kernel's own sockets, and sends at once."""
    missed, end = 0, time.monotonic() + 60
    while not missed and time.monotonic() < end:
        with tempfile.TemporaryDirectory() as folder:
            direct = Direct("lua", folder)
            try:
                direct.iopub.rcvtimeo = 1500
                direct.execute(CODE["lua"])
            except zmq.Again:
                missed += 1
            finally:
                direct.close()
    assert missed > 0, "nobody ever loses it: the other test shows nothing"
