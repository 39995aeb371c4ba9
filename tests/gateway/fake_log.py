# SPDX-License-Identifier: Apache-2.0
"""A fake node's kernels: one log each with a cursor a session, as a real node keeps it."""

import collections
import json
import uuid

import wire
from fake_kernel import FakeKernel, RealKernel


class Session:
    def __init__(self, number, sent, credit):
        self.number, self.sent, self.acked, self.credit = number, sent, sent, credit
        self.offset, self.paused = 0, False


class Kernel:
    """One kernel: its log, its sessions, and what runs it."""

    def __init__(self, node, kernel_id, environment, project):
        self.node, self.id = node, kernel_id
        self.environment, self.project = environment, project
        self.incarnation, self.state = 1, wire.STARTING
        self.log, self.base = collections.deque(), 0
        self.sessions, self.left_at = {}, None
        self.joins = {}
        self.impl = None

    def launch(self):
        self.impl = (RealKernel if self.environment == "python3" else FakeKernel)(self)

    def tell(self, state, reason=0, code=0, why=""):
        self.state = state
        self.node.send(wire.kernel(self.id, self.incarnation, state, reason, code, why))

    def append(self, to, channel, parts):
        self.log.append((to, channel, self.incarnation, wire.blob(parts)))
        self.flush()

    @property
    def end(self):
        return self.base + len(self.log)

    def attach(self, number, resume, cursor, credit):
        if number in self.sessions and not resume:
            self.node.send(wire.refused(self.id, number, 0, 0, wire.E_EXISTS))
            return
        if resume and cursor > self.end:
            self.node.send(wire.refused(self.id, number, 0, 0, wire.E_STALE))
            return
        start = cursor if resume else self.end
        if not resume and self.left_at is not None and not self.sessions:
            start = self.left_at
        self.sessions[number] = Session(number, start, credit)
        self.flush()

    def flush(self):
        for session in list(self.sessions.values()):
            self.flush_one(session)

    def flush_one(self, session):
        while session.sent < self.end and self.node.up and not session.paused:
            to, channel, incarnation, data = self.log[session.sent - self.base]
            if to in (0, session.number) or to not in self.sessions:
                size = min(wire.CHUNK, session.credit, len(data) - session.offset)
                if size == 0:
                    return
                piece = data[session.offset:session.offset + size]
                self.node.send(wire.out(self.id, incarnation, session.number, session.sent + 1,
                                        channel, len(data), session.offset, piece))
                session.credit -= size
                session.offset += size
                if session.offset < len(data):
                    continue
            session.offset = 0
            session.sent += 1

    def take(self, session, seq, channel, total, offset, data):
        joined = self.joins.setdefault((session, channel), bytearray())
        if offset == 0:
            joined.clear()
        assert len(joined) == offset
        joined += data
        if len(joined) < total:
            return
        parts = wire.unblob(bytes(joined))
        joined.clear()
        if session not in self.sessions:
            self.node.send(wire.refused(self.id, session, seq, channel, wire.E_UNKNOWN))
        elif self.node.refuse_in:
            self.node.send(wire.refused(self.id, session, seq, channel, self.node.refuse_in))
        elif not self.node.swallow_in:
            self.node.received.append((channel, seq))
            self.impl.take(session, channel, parts)

    def die(self, reason, code, why="", mark=True):
        """As a node does it: its mark behind the last output, then the news."""
        if mark:
            header = {"msg_id": uuid.uuid4().hex, "msg_type": "status", "username": "anchorhold",
                      "session": "anchorhold", "version": "5.3", "date": "2026-01-01T00:00:00Z"}
            self.append(0, wire.IOPUB, [json.dumps(header).encode(), b"{}", b"{}",
                                        b'{"execution_state": "dead"}'])
        self.tell(wire.DEAD, reason, code, why)
