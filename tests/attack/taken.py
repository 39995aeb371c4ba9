# SPDX-License-Identifier: Apache-2.0
"""A link or a relay that was taken over: hostd/attack/taken.c in a node, and what it is told."""

import collections
import shlex
import time

from lib.cells import Cell

LINK_UID = 901
PROGRAM = "/test/bin/attack-taken"
FOLDER = "/run/taken"
NUMBERS = {
    "read": 0, "write": 1, "mmap": 9, "mprotect": 10, "getpid": 39, "socket": 41, "connect": 42,
    "sendto": 44, "recvfrom": 45, "bind": 49, "listen": 50, "setsockopt": 54, "clone": 56,
    "fork": 57, "execve": 59, "kill": 62, "fcntl": 72, "access": 21, "poll": 7, "prctl": 157,
    "setuid": 105, "nanosleep": 35, "timer_create": 222,
    "sched_getscheduler": 145, "sched_getparam": 143,
    "sched_setscheduler": 144, "sched_getaffinity": 204, "mount": 165, "unshare": 272,
    "tgkill": 234, "openat": 257, "pidfd_open": 434, "futex": 202, "memfd_create": 319, "getdents64": 217,
    "process_vm_readv": 310, "mkdirat": 258, "setns": 308, "prlimit64": 302,
}


def call(name, *arguments):
    """Arguments that are not given are all ones; without any, so are all."""
    return ",".join(str(word) for word in (f"call:{NUMBERS[name]}", *arguments))


def text(offset, value):
    return f"text:{offset}:{value}"


def put(offset, data):
    return f"put:{offset}:{data.hex()}"


class Came:
    """What a script came to: its lines, and how its process ended."""

    def __init__(self, lines, end):
        self.lines, self.end = lines, end

    def __repr__(self):
        return f"{self.lines} {self.end}"

    @property
    def outcome(self):
        """The last call's: ok, an errno's name or number, or the signal that was the answer."""
        calls = [line.split()[2] for line in self.lines if line.startswith("call ")]
        if self.end.startswith("signal:"):
            return self.end
        return calls[-1] if calls else "nothing"

    def heard(self, kind):
        """The rest of the line of each message of this kind that the monitor sent."""
        return [line.split(" ", 2)[2] for line in self.lines if line.startswith(f"heard {kind} ")]


def parse(output):
    found, lines = [], []
    for line in output.splitlines():
        if line.startswith("end "):
            found.append(Came(lines, line[4:]))
            lines = []
        else:
            lines.append(line)
    return found


def _words(scripts):
    words = []
    for script in scripts:
        words += ["--"] * bool(words) + list(script)
    return " ".join(map(shlex.quote, words))


def alone(inside, *scripts):
    """Root of the node does it, in no role: what the attempt comes to where nothing is in its way."""
    return parse(inside.run(f"{PROGRAM} alone {_words(scripts)}", timeout=200))


class Layout:
    """Where the messages between hostd's processes have their fields."""

    def __init__(self, inside):
        self.types, self.sizes, self.fields = {}, {}, {}
        for kind, name, one, two in map(str.split,
                                        inside.run(f"{PROGRAM} layout").splitlines()):
            if kind == "type":
                self.types[name], self.sizes[name] = int(one), int(two)
            else:
                self.fields[name] = int(one), int(two)

    def body(self, type_, **fields):
        """A body of zeros but for these; a name with a dot is written with two underscores."""
        found = bytearray(self.sizes[type_.replace("_", "-")])
        for name, value in fields.items():
            offset, size = self.fields[f"{type_}.{name.replace('__', '.')}"]
            data = value.to_bytes(size, "little") if isinstance(value, int) else value
            assert len(data) <= size
            found[offset:offset + len(data)] = data
        return bytes(found)

    def send(self, type_, **fields):
        """Words that send it as it is: nothing on this side checks it."""
        data = self.body(type_, **fields).rstrip(b"\0") or b"\0"
        return [put(0, data), f"ipc:{self.types[type_.replace('_', '-')]}:0"]

    def hear(self, kind, ms=20000):
        return f"hear:{self.types[kind]}:{ms}"


Rule = collections.namedtuple("Rule", "name number nothing argument mask value why")


class Taken:
    """A role of this node that is ours."""

    def __init__(self, inside, role, uid):
        self.inside, self.role = inside, role
        self.socket = f"{FOLDER}/{role}-{uid}.sock"

    def tell(self, *scripts, timeout=200):
        return parse(self.inside.run(f"{PROGRAM} tell {self.socket} {_words(scripts)}",
                                     timeout=timeout))

    def policy(self):
        """A rule: name, number, is nothing done, argument or -1, mask, value, reason."""
        return [Rule(name, *map(int, rest), why) for name, *rest, why in
                (line.split("\t") for line in
                 self.inside.run(f"{PROGRAM} policy {self.role}").splitlines())]


def replace(inside):
    """attack-taken stands where hostd is; the monitor runs on from the file that it was."""
    inside.run(f"mkdir -p {FOLDER} && mount -o bind /test/taken /usr/sbin")


def mark(inside, role, uid):
    """From the next start of its process on it is ours."""
    inside.run(f"rm -f {FOLDER}/{role}-{uid}.sock; touch {FOLDER}/{role}-{uid}")


def unmark(inside, role, uid):
    inside.run(f"rm -f {FOLDER}/{role}-{uid} {FOLDER}/{role}-{uid}.sock")


def pid_of(inside, role):
    """The monitor's or the link's, as soon as there is one: a link that ended is started again."""
    deadline = time.monotonic() + 60
    while True:
        pids = inside.run(f"cat /sys/fs/cgroup/hostd/{role}/cgroup.procs").split()
        if pids:
            return min(map(int, pids))
        assert time.monotonic() < deadline, f"no {role}: {log_of(inside)}"
        time.sleep(0.2)


def address_words(offset, address, port):
    """A struct sockaddr_in in memory."""
    numbers = bytes(int(part) for part in address.split("."))
    return put(offset, b"\x02\0" + port.to_bytes(2, "big") + numbers + bytes(8))


def log_of(inside):
    return inside.run("cat /run/anchorhold/log")


class World:
    """A node whose roles can be taken, and a kernel of another's on it."""

    def __init__(self, cluster):
        self.gateway = cluster.gateway
        self.inside = cluster.boot("node-1").inside
        self.victim = Cell(self.gateway, self.inside)
        assert self.victim.say("secret = 'mine' print(1)") == "1"
        self.monitor = pid_of(self.inside, "monitor")
        self.layout = Layout(self.inside)
        replace(self.inside)
        self.sleeper = self.sleep()

    def sleep(self):
        return int(self.inside.run("sleep 100000 >/dev/null 2>&1 & echo $!"))

    def is_there(self, pid):
        return self.inside.run(f"test -e /proc/{pid}/exe", check=False)[0] == 0

    def wait(self, condition, timeout=120):
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, log_of(self.inside)
            time.sleep(0.3)

    def link(self):
        """The link, taken over; it is so again whenever the monitor starts it."""
        mark(self.inside, "link", LINK_UID)
        self.inside.run(f"kill -9 {pid_of(self.inside, 'link')}")
        link = Taken(self.inside, "link", LINK_UID)
        link.tell(["full"])  # it is there
        return link

    def honest(self):
        """The link is hostd's again, and the gateway has its node."""
        before = pid_of(self.inside, "link")
        unmark(self.inside, "link", LINK_UID)
        self.inside.run(f"kill -9 {before}")
        self.wait(lambda: "ready" == self.gateway.nodes()["node-1"]["state"])

    def relay(self, cell):
        """The relay of a kernel, taken over."""
        (pid,) = cell.pids("relay")
        uid = self.inside.run(f"grep ^Uid: /proc/{pid}/status").split()[1]
        mark(self.inside, "relay", uid)
        self.inside.run(f"kill -9 {pid}")
        relay = Taken(self.inside, "relay", uid)
        relay.tell(["full"])
        return relay
