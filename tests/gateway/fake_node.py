# SPDX-License-Identifier: Apache-2.0
"""A node in Python: speaks the link, runs Debian's ipykernel over ipc or a kernel of a few lines.

It keeps one log a kernel with a cursor a session, as a real node does, and does as it is told
when a test wants it to misbehave.
"""

import errno
import queue
import shutil
import tempfile
import threading
import time
import uuid

import zmq

import wire
from fake_log import Kernel

ENVIRONMENTS = [
    {"name": "python3", "display_name": "Python 3", "language": "python", "version": "3.11"},
    {"name": "fake", "display_name": "Fake", "language": "fake", "version": "1"},
]


class FakeNode(threading.Thread):
    def __init__(self, name, address, node_key, gateway_key, environments=None, missing=()):
        super().__init__(daemon=True)
        self.name_, self.address = name, address
        self.secret, self.server = node_key.encode(), gateway_key.encode()
        self.environments = ENVIRONMENTS if environments is None else environments
        self.missing, self.boot = list(missing), uuid.uuid4().bytes
        self.kernels, self.up, self.epoch = {}, False, 0
        self.todo, self.folder = queue.Queue(), tempfile.mkdtemp(prefix="ah-")
        self.refuse_in, self.swallow_in, self.refuse_start = 0, False, 0
        self.swallow_attach = False
        self.start_delay, self.kernels_max = 0, 500
        self.received, self.requests, self.acks, self.cursors = [], [], [], []
        self.logs, self.usage = b"one\ntwo\n", b"cpu_usec 1\n"
        self.refuse_policy, self.hold_policy, self.held = 0, False, []
        self.stopping = False
        self.ticket, self.keep_tickets, self.verdicts = wire.NO_TICKET, True, []
        self.next_secret = None
        self.context, self.socket = zmq.Context(), None
        self.later = []

    # ---- for tests, from another thread ----

    def call(self, function):
        """Runs function in the node's thread and waits for it."""
        done, box = threading.Event(), []

        def run():
            try:
                box.append(function())
            finally:
                done.set()
        self.todo.put(run)
        assert done.wait(60)
        return box[0] if box else None

    def kernel(self, kernel_id):
        return self.kernels[uuid.UUID(kernel_id).bytes]

    def reconnect(self, pause=0.0):
        """The link dies; the node, its kernels and their logs live on."""
        def run():
            self.disconnect()
            self.later.append((time.monotonic() + pause, self.connect))
        self.call(run)

    def reboot(self):
        def run():
            self.disconnect()
            for kernel in self.kernels.values():
                kernel.impl.stop()
            self.kernels.clear()
            self.boot = uuid.uuid4().bytes
            self.connect()
        self.call(run)

    def close(self):
        self.stopping = True
        self.join(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the link ----

    def connect(self):
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.curve_secretkey = self.secret
        self.socket.curve_publickey = zmq.curve_public(self.secret)
        self.socket.curve_serverkey = self.server
        self.socket.linger = 0
        self.socket.immediate = 1
        self.socket.sndhwm = 0
        self.socket.connect(self.address)
        self.say_hello()

    def say_hello(self):
        self.socket.send(wire.hello(self.boot, self.name_, self.environments, self.missing,
                                    list(self.kernels.values()), self.kernels_max, self.ticket))

    def disconnect(self):
        self.up = False
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def send(self, data):
        try:
            if self.up:
                self.socket.send(data, zmq.NOBLOCK)
        except zmq.Again:
            self.up = False  # nobody is connected

    def run(self):
        self.connect()
        beat = time.monotonic()
        while not self.stopping:
            self.poll()
            while not self.todo.empty():
                self.todo.get()()
            now = time.monotonic()
            for when, what in [item for item in self.later if item[0] <= now]:
                self.later.remove((when, what))
                what()
            if now - beat > 2:
                beat = now
                self.send(wire.status(len(self.kernels)))
        for kernel in self.kernels.values():
            kernel.impl.stop()
        self.disconnect()
        self.context.destroy(0)

    def poll(self):
        poller = zmq.Poller()
        if self.socket is not None:
            poller.register(self.socket, zmq.POLLIN)
        for kernel in self.kernels.values():
            for socket in kernel.impl.sockets:
                poller.register(socket, zmq.POLLIN)
        ready = dict(poller.poll(10))
        if self.socket in ready:
            while True:
                try:
                    data = self.socket.recv(zmq.NOBLOCK)
                except zmq.Again:
                    break
                self.frame(wire.Reader(data))
        for kernel in list(self.kernels.values()):
            kernel.impl.poll(ready)

    def frame(self, reader):
        handler = {
            wire.WELCOME: self.on_welcome, wire.REQUEST: self.on_request,
            wire.ATTACH: self.on_attach, wire.DETACH: self.on_session,
            wire.CREDIT: self.on_session, wire.CURSOR: self.on_session, wire.IN: self.on_in,
            wire.EVENT_ACK: lambda r: self.acks.append(r.take("Q")),
            wire.VERDICT: lambda r: self.verdicts.append((r.take("B"), r.text())),
        }[reader.kind]
        handler(reader)
        reader.end()

    def on_welcome(self, reader):
        epoch, _, counter = reader.take("QQQ")
        ticket = (counter, reader.raw(32))
        self.pinned_next = reader.raw(32)
        self.up, same, self.epoch = True, epoch == self.epoch, epoch
        if self.keep_tickets:
            self.ticket = ticket
            self.send(wire.join_ack(counter))
        for kernel in self.kernels.values():
            kernel.joins.clear()
            for session in kernel.sessions.values():
                session.paused = True
            # Another epoch is another process: its sessions will not come back.
            if not same and kernel.sessions:
                kernel.left_at = min(s.acked for s in kernel.sessions.values())
                kernel.sessions.clear()

    def on_request(self, reader):
        number, verb = reader.take("QB")
        kernel_id = reader.raw(16)
        start = None
        if verb == wire.START:
            start = {"environment": reader.text(), "project": reader.text()}
            start.update(reader.start())
        if verb == wire.LOGS:
            reader.take("I")
        if verb == wire.NETWORK:
            start = reader.network()
        if verb == wire.ROTATE:
            self.rotate(number, reader.take("B"))
            return
        if verb == wire.CUT:
            start = {"on": reader.take("B")}
        self.requests.append((verb, kernel_id, start))
        code, kernel = wire.OK, self.kernels.get(kernel_id)
        if verb == wire.LOGS:
            self.send(wire.result(number, wire.OK, body=self.logs))
            return
        if verb == wire.START:
            code = self.start_kernel(kernel_id, start)
        elif verb in (wire.NETWORK, wire.CUT):
            code = self.refuse_policy or (wire.OK if kernel or not any(kernel_id)
                                          else wire.E_UNKNOWN)
            body = b"add rules" if code == wire.E_SYSTEM else b""
            answer = wire.result(number, code, body=body)
            self.held.append(answer) if self.hold_policy else self.send(answer)
            return
        elif kernel is None:
            code = wire.E_UNKNOWN
        elif verb == wire.USAGE:
            self.send(wire.result(number, wire.OK, body=self.usage))
            return
        elif verb == wire.STOP:
            kernel.impl.stop()
            if kernel.state != wire.DEAD:
                kernel.tell(wire.DEAD, wire.WHY_STOPPED)
            del self.kernels[kernel_id]
        elif verb == wire.INTERRUPT:
            kernel.impl.interrupt()
        elif verb == wire.RESTART:
            kernel.tell(wire.RESTARTING)
            kernel.impl.stop()
            kernel.incarnation += 1
            kernel.tell(wire.STARTING)
            kernel.launch()
        step = (errno.ENOSPC, b"workspace") if code == wire.E_SYSTEM else (0, b"")
        self.send(wire.result(number, code, kernel.incarnation if kernel else 1, *step))

    def rotate(self, number, stage):
        self.requests.append((wire.ROTATE, bytes(16), {"stage": stage}))
        if stage == 1:
            public, self.next_secret = zmq.curve_keypair()
            self.send(wire.result(number, wire.OK, body=public))
        elif self.next_secret:
            self.secret, self.next_secret = self.next_secret, None
            self.disconnect()
            self.connect()

    def release(self):
        """What was held back is answered now."""
        for data in self.held:
            self.send(data)
        self.held.clear()

    def start_kernel(self, kernel_id, start):
        if self.refuse_start:
            return self.refuse_start
        if self.missing:
            return wire.E_REFUSING
        kernel = Kernel(self, kernel_id, start["environment"], start["project"])
        self.kernels[kernel_id] = kernel
        kernel.tell(wire.STARTING)
        kernel.launch()
        return wire.OK

    def on_attach(self, reader):
        kernel = self.kernels.get(reader.raw(16))
        session, resume, cursor, credit = reader.take("QBQI")
        if kernel is not None and not self.swallow_attach:
            kernel.attach(session, resume, cursor, credit)

    def on_session(self, reader):
        kernel = self.kernels.get(reader.raw(16))
        number, value = reader.take("QQ")
        session = kernel.sessions.get(number) if kernel else None
        if session is None:
            return
        if reader.kind == wire.CREDIT:
            session.credit += value
            kernel.flush_one(session)
        elif reader.kind == wire.CURSOR:
            session.acked = value
            self.cursors.append(value)
        else:
            kernel.left_at = session.acked
            del kernel.sessions[number]

    def on_in(self, reader):
        kernel = self.kernels.get(reader.raw(16))
        _, session, _, seq, channel, total, offset, size = reader.take("IQQQBIII")
        data = reader.raw(size)
        if kernel is not None:
            kernel.take(session, seq, channel, total, offset, data)
