# SPDX-License-Identifier: Apache-2.0
"""Kernels of the real hostd that run attack-probe, one of each profile for the whole group."""

import asyncio
import base64
import zlib

import pytest

from attack import scratch
from lib.client import Session, start_kernel, stop_kernel, text_of
from lib.projects import start_in

PROBE = scratch.PROGRAMS / "attack-probe"


def execute(gateway, kernel, code):
    async def run():
        session = await Session(gateway, kernel).open()
        reply, outputs = await session.execute(code, timeout=240)
        session.close()
        return reply, outputs

    reply, outputs = asyncio.run(run())
    assert reply["content"]["status"] == "ok", reply["content"]
    return text_of(outputs)


class Hostile:
    """A kernel in a cell of the real hostd, and how its user gets a program of his to run."""

    def __init__(self, gateway, environment, profile, project=None):
        self.gateway, self.environment, self.profile = gateway, environment, profile
        self.kernel = (start_in(gateway, project, environment) if project else
                       start_kernel(gateway, environment))

    def bring(self):
        """A notebook that carries a program; in `attack` it is what popen takes for a shell."""
        if self.environment == "python":
            program = base64.b85encode(zlib.compress(PROBE.read_bytes(), 9)).decode()
            execute(self.gateway, self.kernel,
                    "import base64, os, subprocess, zlib\n"
                    f"data = zlib.decompress(base64.b85decode({program!r}))\n"
                    "print(open('/home/user/probe', 'wb').write(data))\n"
                    "os.chmod('/home/user/probe', 0o755)\n")
        return self

    def probe(self, words):
        if self.environment == "python":
            code = ("run = subprocess.run(['/home/user/probe', '-c', %r], capture_output=True, text=True)\n"
                    "print(run.stdout, run.stderr)" % words)
        else:
            code = f'local pipe = assert(io.popen("{words}"))\nprint(pipe:read("a"))\npipe:close()'
        return execute(self.gateway, self.kernel, code)


@pytest.fixture(scope="module", params=[("python", "python"), ("attack", "lua")],
                ids=["python", "lua"])
def hostile(request, cluster):
    """One kernel of the profile, ended before the next begins."""
    kernel = Hostile(cluster.gateway, *request.param)
    try:
        yield kernel.bring()
    finally:
        stop_kernel(cluster.gateway, kernel.kernel)


@pytest.fixture(scope="module")
def neighbour(cluster):
    kernel = start_kernel(cluster.gateway, "lua")
    execute(cluster.gateway, kernel, "return 1")
    yield kernel
    stop_kernel(cluster.gateway, kernel)
