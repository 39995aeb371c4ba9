# SPDX-License-Identifier: Apache-2.0
"""Readers that stand still, or are not there: whom it stops, what it costs, what is told."""

import pathlib
import re
import time

from lib.client import start_kernel
from lib.lines import numbered

WIDE = "for i = 1, {count} do print(i .. string.rep('x', {width})) end"
TURNS = "for i = 1, {count} do if i % 2 == 0 then io.stderr:write(i, '\\n') else print(i) end end"


def peak_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+)", status, re.M).group(1))


def first_numbers(client):
    return [int(re.match(r"\d+", line).group()) for line in client.lines() if line[:1].isdigit()]


def test_who_does_not_read_stops_his_own_kernel_alone(house):
    slow_kernel, kernel = (start_kernel(house.gateway, "lua") for _ in range(2))
    slow = house.client(slow_kernel, rcvbuf=65536)
    client = house.client(kernel)
    slow.stalled.set()
    asked = slow.execute(WIDE.format(count=1200, width=50000))
    assert client.answer(client.execute(numbered(1, 3000, seconds=0))) == "ok"
    client.until(3000)
    assert client.numbers() == list(range(1, 3001))
    time.sleep(3)
    # 60 MB are more than log, window and buffers hold: the kernel waits.
    model = house.gateway.call("GET", f"/api/kernels/{slow_kernel}").json()
    assert model["execution_state"] == "busy"
    assert client.answer(client.execute("print('still')")) == "ok"
    slow.stalled.clear()
    assert slow.answer(asked) == "ok"
    slow.wait(lambda: slow.text.endswith("x\n") and "\n1200x" in slow.text[-60000:])
    assert first_numbers(slow) == list(range(1, 1201))
    assert max(peak_kib(pid) for pid in house.node.children("relay")) < 96 * 1024


def test_a_reader_that_stalls_three_seconds_loses_nothing(house):
    kernel = start_kernel(house.gateway, "lua")
    client = house.client(kernel, rcvbuf=65536)
    assert client.answer(client.execute("print(0)")) == "ok"
    gateway, relay = house.gateway.process.pid, house.node.children("relay")[0]
    before = peak_kib(gateway)
    client.stalled.set()
    asked = client.execute(TURNS.format(count=20000))
    time.sleep(3)
    stalled_at = len(client.numbers())
    assert stalled_at < 20000
    client.stalled.clear()
    assert client.answer(asked) == "ok"
    client.until(20000)
    assert client.numbers() == list(range(20001))
    assert len(client.seen) > 20000, "an output was a message of its own"
    assert peak_kib(gateway) - before < 64 * 1024
    assert peak_kib(relay) < 64 * 1024


def test_a_full_log_that_nobody_read_is_told(house, tmp_path):
    kernel = start_kernel(house.gateway, "lua")
    client = house.client(kernel)
    assert client.answer(client.execute("print(0)")) == "ok"
    done = tmp_path / "done"
    client.execute(WIDE.format(count=1200, width=50000)
                   + f" print('end') io.open('{done}', 'w'):close()")
    client.close()
    deadline = time.monotonic() + 180
    while not done.exists():
        assert time.monotonic() < deadline, "with nobody there a kernel is not held up"
        time.sleep(0.2)
    other = house.client(kernel)
    other.until("end")
    # It may be told in the middle of a line: what is cut off there is of the gap.
    before, told, after = re.split(r"\[anchorhold: (\d+) messages of this kernel were lost", other.text)
    assert int(told) > 0
    assert [int(n) for n in re.findall(r"^(\d+)", before, re.M)] in ([], [1], [1, 2], [1, 2, 3])
    numbers = [int(n) for n in re.findall(r"^(\d+)x", after, re.M)]
    assert numbers == list(range(numbers[0], 1201)) and 3 < numbers[0] < 1200


def test_control_overtakes_a_long_message(far):
    """An interrupt while 15 MB are on their way to shell, by a line that needs seconds for them."""
    kernel = start_kernel(far.gateway, "lua")
    client = far.client(kernel)
    loop = client.execute("print('on') while true do end")
    client.until("on")  # an interrupt before it runs interrupts nothing
    far.line.order(mbit=20)
    began = time.monotonic()
    long = client.execute("return #'" + "y" * 15000000 + "'")
    time.sleep(0.5)
    interrupt = client.send("interrupt_request", {}, "control")
    assert client.answer(interrupt) == "ok"
    overtook = time.monotonic() - began
    assert client.answer(loop) not in ("ok", "LinkLost")
    assert long not in client.answers
    assert client.answer(long) == "ok"
    assert overtook < (time.monotonic() - began) / 2
