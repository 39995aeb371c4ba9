# SPDX-License-Identifier: Apache-2.0
"""The link's frames, written a second time from PROTOCOL.md: both must agree for tests to pass."""

import struct

VERSION = 3
CHUNK = 64 * 1024
(HELLO, WELCOME, STATUS, REQUEST, RESULT, KERNEL, ATTACH, DETACH, CREDIT, CURSOR, IN, OUT, REFUSED,
 EVENT, EVENT_ACK, ENROL, VERDICT, JOIN_ACK) = range(1, 19)
SHELL, CONTROL, STDIN, IOPUB = range(4)
START, STOP, INTERRUPT, RESTART, LOGS, NETWORK, CUT, USAGE, ROTATE = range(1, 10)
ENROLLED, BAD_SECRET, BUSY, LOCKED, REVOKED = range(1, 6)
NO_TICKET = (0, bytes(32))
STARTING, READY, RESTARTING, DEAD = range(1, 5)
(OK, E_INVALID, E_UNKNOWN, E_EXISTS, E_ENVIRONMENT, E_CAPACITY, E_REFUSING, E_SYSTEM, E_STALE,
 E_DEAD, E_TOO_LARGE, E_BUSY, E_TIMEOUT) = range(13)
(WHY_NONE, WHY_STOPPED, WHY_EXITED, WHY_SIGNAL, WHY_MEMORY, WHY_START, WHY_RELAY, WHY_WALL,
 WHY_IDLE, WHY_EXECUTION, WHY_STALLED) = range(11)
SEALED, LOOPBACK, EGRESS = range(3)
AMOUNTS = ("memory_mib", "cpu_milli", "cpu_weight", "pids_max", "tmpfs_mib", "io_kibps", "io_iops",
           "wall_s", "idle_s", "execution_s", "grace_s", "output_kibps", "output_messages")


def text(value):
    data = value.encode()
    return bytes([len(data)]) + data


def frame(kind, *parts):
    return bytes([VERSION, kind]) + b"".join(parts)


def hello(boot_id, name, environments, missing, kernels, kernels_max=8, ticket=NO_TICKET):
    rows = [text(e["name"]) + text(e["display_name"]) + text(e["language"]) + text(e["version"])
            + bytes([e.get("interrupt_message", 0)]) for e in environments]
    return frame(
        HELLO, boot_id, text(name), text("0.1.0"), text("0" * 40),
        struct.pack(">QQ", 1500, ticket[0]), ticket[1],
        struct.pack(">IIII", 2, 512, kernels_max, 74),
        struct.pack(">I", len(rows)), *rows,
        struct.pack(">I", len(missing)), *[text(m) for m in missing],
        struct.pack(">I", 2), text("init"), struct.pack(">Q", 700), text("loop"),
        struct.pack(">Q", 1200),
        struct.pack(">I", len(kernels)),
        *[k.id + struct.pack(">IB", k.incarnation, k.state) + text(k.environment) + text(k.project)
          for k in kernels])


def enrol(name, public_key, secret):
    return frame(ENROL, text(name), public_key, secret)


def join_ack(counter):
    return frame(JOIN_ACK, struct.pack(">Q", counter))


def status(kernels):
    return frame(STATUS, struct.pack(">QIIIIII", 1, kernels, 256, 100, 0, 0, 0))


def result(request_id, code, incarnation=0, error=0, body=b""):
    return frame(RESULT, struct.pack(">QHiII", request_id, code, error, incarnation, len(body)),
                 body)


def kernel(kernel_id, incarnation, state, reason=0, code=0, why=""):
    return frame(KERNEL, kernel_id, struct.pack(">IBBi", incarnation, state, reason, code),
                 text(why))


def out(kernel_id, incarnation, session, seq, channel, total, offset, data):
    return frame(OUT, kernel_id, struct.pack(">IQQQBIII", incarnation, session, 0, seq, channel,
                                             total, offset, len(data)), data)


def refused(kernel_id, session, seq, channel, code):
    return frame(REFUSED, kernel_id, struct.pack(">QQBH", session, seq, channel, code))


def event(seq, kind, project="", why="", kernel_id=bytes(16), time_ms=1, boot_id=b"\1" * 16):
    return frame(EVENT, boot_id, struct.pack(">QQ", seq, time_ms), kernel_id, text(kind),
                 text(project), text(why))


def blob(parts):
    return struct.pack(f">I{len(parts)}I", len(parts), *map(len, parts)) + b"".join(parts)


def unblob(data):
    count, = struct.unpack_from(">I", data)
    sizes = struct.unpack_from(f">{count}I", data, 4)
    at, parts = 4 + 4 * count, []
    for size in sizes:
        parts.append(data[at:at + size])
        at += size
    assert at == len(data)
    return parts


class Reader:
    """The frames a gateway sends."""

    def __init__(self, data):
        assert data[0] == VERSION
        self.kind, self.data, self.at = data[1], data, 2

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def text(self):
        size = self.take("B")
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def raw(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def network(self):
        """The network policy of START and NETWORK."""
        policy = {"network": self.take("B")}
        if policy["network"] == EGRESS:
            policy["rules"] = [self.take("IBBHH") for _ in range(self.take("I"))]
            policy["resolvers"] = [self.take("I") for _ in range(self.take("I"))]
            policy["rate_kibps"], policy["bytes_max"] = self.take("IQ")
        return policy

    def start(self):
        """The limits of START, behind environment and project."""
        limits = {name: self.take("I") for name in AMOUNTS}
        limits["workspace"], limits["workspace_exec"] = self.take("BB")
        limits["workspace_mib"], limits["workspace_inodes"] = self.take("II")
        limits["strict"] = self.take("B")
        return {**limits, **self.network()}

    def end(self):
        assert self.at == len(self.data), "bytes left over"
