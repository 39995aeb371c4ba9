# SPDX-License-Identifier: Apache-2.0
"""Projects and kernels in them, and one execution at a time, for tests that need no more."""

import asyncio
import time
import uuid

from lib.cells import monitor_pid
from lib.client import Session, text_of


def set_project(gateway, name, **settings):
    reply = gateway.call("PUT", f"/api/anchorhold/projects/{name}", settings)
    assert reply.status in (200, 201), reply.body
    return name


def new_project(gateway, prefix, **settings):
    """One that no earlier run of the node knows."""
    return set_project(gateway, f"{prefix}-{uuid.uuid4().hex[:8]}", **settings)


def start_in(gateway, project, name="python", **limits):
    body = {"name": name, "project": project}
    if limits:
        body["limits"] = limits
    reply = gateway.call("POST", "/api/kernels", body, timeout=180)
    assert reply.status == 201, reply.body
    return reply.json()["id"]


def run(gateway, kernel, code, timeout=240):
    """The printed text; an error in the code is an error here, with its traceback's last line."""
    async def once():
        session = await Session(gateway, kernel).open()
        try:
            return await session.execute(code, timeout=timeout)
        finally:
            session.close()

    reply, outputs = asyncio.run(once())
    content = reply["content"]
    if content["status"] != "ok":
        raise RuntimeError(f"{content.get('ename')}: {content.get('evalue')}\n{text_of(outputs)}")
    return text_of(outputs)


def restart_hostd(gateway, inside, signal="TERM", timeout=90):
    """Ends the monitor; init starts it again. Returns once a kernel can be started."""
    inside.run(f"kill -{signal} {monitor_pid(inside)}")
    deadline = time.monotonic() + timeout
    while True:
        time.sleep(1)
        reply = gateway.call("POST", "/api/kernels", {"name": "lua"}, timeout=60)
        if reply.status == 201:
            gateway.call("DELETE", f"/api/kernels/{reply.json()['id']}")
            return
        assert time.monotonic() < deadline, reply.body


def cell_of(inside, kernel):
    """The process ids in the kernel's cell, cell-init's first."""
    return inside.run(f"cat /sys/fs/cgroup/cells/{kernel}/cell/cgroup.procs").split()


def events(gateway, kind=None, project=None):
    found = gateway.call("GET", "/api/anchorhold/events").json()
    return [event for event in found if (kind is None or event["kind"] == kind)
            and (project is None or event["project"] == project)]
