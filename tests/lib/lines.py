# SPDX-License-Identifier: Apache-2.0
"""A kernel that prints numbered lines, and clients that count them through any trouble.

A client is a thread with one WebSocket. Where that ends it comes again under the same session_id,
as JupyterLab does, and goes on counting.
"""

import json
import socket
import threading
import time
import uuid

import websocket

from lib.client import V1, pack_v1, unpack_v1

# Lua has no sleep: the clock of its own process is busy for a while, a line is printed every so often.
PRINT = """for i = {first}, {last} do print({prefix!r} .. i)
local t = os.clock() while os.clock() - t < {seconds} do end end"""


def numbered(first, last, seconds=0.002, prefix=""):
    """Code that prints a line a number, `seconds` of the kernel's own time apart."""
    return PRINT.format(first=first, last=last, seconds=seconds, prefix=prefix)


class Client(threading.Thread):
    """`sent` and `answers` are by msg_id; `lines` are in the order in which they came."""

    def __init__(self, gateway, kernel, session=None, rcvbuf=None):
        super().__init__(daemon=True)
        self.gateway, self.kernel, self.rcvbuf = gateway, kernel, rcvbuf
        self.session = session or uuid.uuid4().hex
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.text, self.seen, self.answers, self.errors = "", set(), {}, []
        self.replies = {}  # by the request's msg_id: those of its answers, each counted once
        self.repeats = 0  # messages that came again: by their msg_id
        self.idle = set()
        self.connections, self.refusals = 0, 0
        self.ws, self.ending, self.stalled = None, False, threading.Event()
        self.start()
        self.wait(lambda: self.connections > 0)

    def dial(self):
        url = (f"ws://127.0.0.1:{self.gateway.http_port}/api/kernels/{self.kernel}/channels"
               f"?session_id={self.session}")
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        if self.rcvbuf:
            options.append((socket.SOL_SOCKET, socket.SO_RCVBUF, self.rcvbuf))
        return websocket.create_connection(
            url, header=[f"Authorization: token {self.gateway.token}"], subprotocols=[V1],
            sockopt=options, timeout=180)

    def run(self):
        while not self.ending:
            try:
                ws = self.dial()
            except (OSError, websocket.WebSocketException):
                self.refusals += 1
                time.sleep(0.1)
                continue
            with self.lock:
                self.ws = ws
                self.connections += 1
                self.changed.notify_all()
            self.read(ws)

    def read(self, ws):
        try:
            while not self.ending:
                while self.stalled.is_set():
                    time.sleep(0.02)
                opcode, data = ws.recv_data()
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    break
                if opcode == websocket.ABNF.OPCODE_BINARY:
                    self.take(unpack_v1(data))
        except (OSError, websocket.WebSocketException):
            pass
        with self.lock:
            self.ws = None
            self.changed.notify_all()
        ws.close()

    def take(self, message):
        kind, parent = message["header"]["msg_type"], message["parent_header"].get("msg_id")
        number = message["header"]["msg_id"]
        with self.lock:
            again = number in self.seen
            self.repeats += again
            self.seen.add(number)
            if message["channel"] in ("shell", "control"):
                self.answers.setdefault(parent, []).append(message["content"])
                self.replies.setdefault(parent, set()).add(number)
            elif again:
                pass
            elif kind == "stream":
                self.text += message["content"]["text"]
            elif kind == "error":
                self.errors.append(message["content"]["ename"])
            elif message["content"].get("execution_state") == "idle":
                self.idle.add(parent)
            self.changed.notify_all()

    def send(self, kind, content, channel="shell"):
        """Where there is no connection now, when there is one."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "session": self.session, "username": "test", "version": "5.3",
                  "date": "2026-01-01T00:00:00.000000Z", "msg_type": kind}
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        with self.lock:
            self.wait(lambda: self.ws is not None)
            ws = self.ws
        ws.send_binary(pack_v1(channel, parts))
        return number

    def execute(self, code):
        return self.send("execute_request", {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": False})

    def wait(self, wanted, timeout=180, what=None):
        deadline = time.monotonic() + timeout
        with self.lock:
            while not wanted():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{what or 'nothing'}: {self.connections} connections, "
                                       f"{self.refusals} refusals, the end is {self.text[-200:]!r}")
                self.changed.wait(min(left, 1))

    def answer(self, number, timeout=180):
        """The one answer to a request: its status, or its error's name."""
        self.wait(lambda: number in self.answers, timeout, f"no answer to {number}")
        first = self.answers[number][0]
        return first["status"] if first["status"] == "ok" else first["ename"]

    def until(self, line, timeout=180):
        self.wait(lambda: f"{line}\n" in self.text[-4000:], timeout, f"no line {line!r}")

    def lines(self):
        with self.lock:
            return self.text.splitlines()

    def numbers(self):
        """The lines that are numbers; what is told beside them is not."""
        return [int(line) for line in self.lines() if line.isdigit()]

    def drop(self):
        """The connection ends without a word; the client comes again."""
        ws = self.ws
        if ws is not None:
            ws.abort()

    def close(self):
        self.ending = True
        self.stalled.clear()
        self.drop()
        self.join(20)
