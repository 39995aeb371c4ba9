# SPDX-License-Identifier: Apache-2.0
"""A kernel seen from both sides: executed in by a client, looked at from its node."""

import asyncio
import threading
import time

from lib.client import Session, text_of


class Client:
    """A Session for tests that are not asyncio themselves; its loop runs in a thread."""

    def __init__(self, gateway, kernel):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.session = Session(gateway, kernel)
        self.run(self.session.open())

    def submit(self, coroutine):
        """A future of it: what takes long goes on beside the test."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine, timeout=180):
        return self.submit(coroutine).result(timeout)

    def execute(self, code, timeout=120):
        return self.run(self.session.execute(code, timeout=timeout), timeout + 10)

    def close(self):
        self.loop.call_soon_threadsafe(self.session.close)
        time.sleep(0.05)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


class Cell:
    """A kernel of its own for a test; `knobs` are the gateway's, KERNEL_MEMORY and the
    like."""

    def __init__(self, gateway, inside, environment="lua-hostile", project=None, **knobs):
        body = {"name": environment, "env": knobs}
        if project is not None:
            body["project"] = project
        reply = gateway.call("POST", "/api/kernels", body)
        assert reply.status == 201, reply.body
        self.gateway, self.inside, self.id = gateway, inside, reply.json()["id"]
        self.group = f"/sys/fs/cgroup/cells/{self.id}"
        self.client = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def connect(self):
        if self.client is None:
            self.client = Client(self.gateway, self.id)
        return self.client

    def disconnect(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def execute(self, code, timeout=120):
        return self.connect().execute(code, timeout)

    def say(self, code, timeout=120):
        """What the code prints; it has to succeed."""
        reply, outputs = self.execute(code, timeout)
        assert reply["content"]["status"] == "ok", reply["content"]
        return text_of(outputs).strip()

    def start(self, code):
        """Executes without waiting: the future of reply and outputs."""
        return self.connect().submit(self.client.session.execute(code, timeout=600))

    def restart(self):
        return self.gateway.call("POST", f"/api/kernels/{self.id}/restart", timeout=180).status

    def model(self):
        return self.gateway.call("GET", f"/api/kernels/{self.id}")

    def stop(self):
        self.disconnect()
        status = self.gateway.call("DELETE", f"/api/kernels/{self.id}", timeout=120).status
        assert status in (204, 404), status

    # ---- from the node ----

    def read(self, name, group="cell"):
        return self.inside.run(f"cat {self.group}/{group}/{name}")

    def number(self, name, group="cell"):
        return int(self.read(name, group))

    def fields(self, name, group="cell"):
        return {key: int(value) for key, value in
                (line.split() for line in self.read(name, group).splitlines())}

    def pids(self, group="cell"):
        code, text = self.inside.run(f"cat {self.group}/{group}/cgroup.procs", check=False)
        return [int(pid) for pid in text.split()] if code == 0 else []


def meminfo(inside):
    """/proc/meminfo in KiB."""
    return {line.split(":")[0]: int(line.split()[1])
            for line in inside.run("cat /proc/meminfo").splitlines()}


def monitor_pid(inside):
    return int(inside.run("head -n 1 /sys/fs/cgroup/hostd/monitor/cgroup.procs"))


def census(inside):
    """All that a kernel could leave: processes, mounts, cgroups, files, descriptors, interfaces.

    A workspace is meant to stay.
    """
    monitor = monitor_pid(inside)
    commands = {
        # A line each, so that what this command is made of goes whole; sorted, for pids grow.
        "processes": "for p in /proc/[0-9]*; do test -e $p/exe && "
                     "echo $(cat $p/cgroup; tr '\\0' ' ' <$p/cmdline); done 2>/dev/null | "
                     "grep -v -e 'sh -c for' -e 'tr .0' -e '^0::/$' | sort; true",
        "mounts": "cut -d ' ' -f 3- /proc/1/mountinfo | sort",
        "monitor's mounts": f"cut -d ' ' -f 3- /proc/{monitor}/mountinfo | sort",
        "monitor's descriptors": f"for f in /proc/{monitor}/fd/*; do readlink $f; done | "
                                 "tr -d '0-9' | sort",
        "cgroups": "find /sys/fs/cgroup -type d | sort",
        "files": "find /run /work /state -xdev -type f ! -path '/run/anchorhold/*' "
                 "! -path '/work/workspaces/*' | sort",
        "folders": "find /run /work /state -xdev -type d ! -path '/work/workspaces/*' | sort",
        "interfaces": "ls /sys/class/net",
        "devices": "ls /sys/block",
    }
    result = {name: inside.run(command) for name, command in commands.items()}
    for name, text in result.items():
        assert "unrecognized" not in text and "not found" not in text, (name, text)
    return result


def wait_census(inside, before, timeout=60):
    """The census once it is as before, or after the time-out what it is then."""
    deadline = time.monotonic() + timeout
    while True:
        now = census(inside)
        if now == before or time.monotonic() > deadline:
            return now
        time.sleep(0.5)


class Neighbour:
    """A quiet kernel that executes again and again while something else goes on beside it.

    Each answer has to be there, to be its own, and to come with all that was printed.
    """

    def __init__(self, cell, pause=0.1):
        self.cell, self.pause = cell, pause
        self.latencies, self.faults = [], []
        self.count = 0
        self.thread = None
        cell.connect()

    def once(self, timeout=60):
        self.count += 1
        began = time.monotonic()
        try:
            reply, outputs = self.cell.execute(f"print('quiet {self.count}')", timeout)
        except Exception as error:  # told by the test, which sees the list
            self.faults.append(f"{self.count}: {error!r}")
            return
        self.latencies.append(time.monotonic() - began)
        if reply["content"]["status"] != "ok" or text_of(outputs) != f"quiet {self.count}\n":
            self.faults.append(f"{self.count}: {reply['content']} {text_of(outputs)!r}")

    def _run(self):
        while not self.ending.wait(self.pause):
            self.once()

    def __enter__(self):
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(90)
        assert not self.thread.is_alive(), "the neighbour still waits for an answer"
