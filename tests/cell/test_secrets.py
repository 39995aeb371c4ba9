# SPDX-License-Identifier: Apache-2.0
"""Keys in the memory of the node's processes: in that of those who own them, in nobody else's.

`hostd --plain` runs the node's own code on this machine, where root may read any memory.
"""

import asyncio
import re
import time

from lib.client import start_kernel, stop_kernel
from lib.memory import copies
from test_plain import gateway, output_of, plain, say_hello  # noqa: F401 (fixtures)



def roles(monitor):
    """PID to role: monitor, link, relay, by what the processes are called."""
    found = {monitor: "monitor"}
    for line in output_of("ps", "-e", "-o", "pid=,ppid=,args=").splitlines():
        pid, parent, args = line.split(None, 2)
        if int(parent) == monitor and re.match(r"hostd (link|relay)", args):
            found[int(pid)] = args.split()[1]
    return found


def test_keys_are_in_their_owners_memory_alone(plain, gateway):  # noqa: F811
    conf = (plain.folder / "node.conf").read_text()
    node = (plain.folder / "node.key").read_text().strip()
    public = re.search(r"^gateway_key = (\S+)$", conf, re.M).group(1)
    own = (gateway.folder / "gateway.db.key").read_text().strip()
    plain.start(plain.missing())
    gateway.wait_node("plain-1")
    kernel = start_kernel(gateway, "lua")
    asyncio.run(say_hello(gateway, kernel, 1))
    first, last = sorted(plain.members("cell"))
    with open(f"/proc/{last}/root/run/kernel/connection-1.json", encoding="ascii") as file:
        key = re.search(r'"key": ?"([0-9a-f]{64})"', file.read()).group(1)
    who = {**roles(plain.process.pid), first: "cell-init", last: "kernel"}
    assert sorted(set(who.values())) == ["cell-init", "kernel", "link", "monitor", "relay"]
    found = {}
    for pid, role in who.items():
        counts = copies(pid, [node, public, own, key, gateway.token])
        for secret, count in counts.items():
            if count:
                found.setdefault(secret, set()).add(role)
    assert {"monitor", "link"} <= found[public], "the control: what is no secret is found"
    assert found[node] == {"link"}, "the node's key is the link's alone"
    assert {"relay", "kernel"} <= found[key] <= {"relay", "kernel", "monitor"}
    assert own not in found and gateway.token not in found, "they never come to a node"
    stop_kernel(gateway, kernel)
    time.sleep(1)
    assert copies(plain.process.pid, [key])[key] == 0, "the monitor forgets a dead kernel's key"
