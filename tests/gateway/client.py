# SPDX-License-Identifier: Apache-2.0
"""A Jupyter client of a few lines, in both framings."""

import contextlib
import datetime
import json
import struct
import time
import uuid

import websocket

# RFC 6455's registry has grown since: 1012 service restart, 1013 try again later.
websocket._abnf.VALID_CLOSE_STATUS += (1012, 1013)

V1 = "v1.kernel.websocket.jupyter.org"


def header(kind):
    return {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "test", "session": "s",
            "version": "5.3", "date": datetime.datetime.utcnow().isoformat() + "Z"}


def pack_v1(channel, parts):
    parts = [channel.encode(), *parts]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def unpack_v1(data):
    count, = struct.unpack_from("<Q", data)
    offsets = struct.unpack_from(f"<{count}Q", data, 8)
    assert offsets[0] == 8 * (count + 1) and offsets[-1] == len(data)
    return [data[a:b] for a, b in zip(offsets, offsets[1:])]


def pack_legacy(message, buffers):
    text = json.dumps(message).encode()
    parts = [text, *buffers]
    offsets = [4 * (len(parts) + 1)]
    for part in parts[:-1]:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f">{len(parts) + 1}I", len(parts), *offsets) + b"".join(parts)


def unpack_legacy(data):
    count, = struct.unpack_from(">I", data)
    offsets = [*struct.unpack_from(f">{count}I", data, 4), len(data)]
    assert offsets[0] == 4 * (count + 1)
    parts = [data[a:b] for a, b in zip(offsets, offsets[1:])]
    return json.loads(parts[0]), parts[1:]


class Socket(websocket.WebSocket):
    """What it answers by itself may meet an end that is closed already: what came stays readable."""

    def send_close(self, *args, **options):
        with contextlib.suppress(OSError):
            super().send_close(*args, **options)

    def pong(self, *args, **options):
        with contextlib.suppress(OSError):
            super().pong(*args, **options)


class Client:
    def __init__(self, gateway, kernel, v1=False, token="query", path=None, timeout=60):
        where = path or f"/api/kernels/{kernel}/channels?session_id={uuid.uuid4()}"
        if token == "query":
            where += ("&" if "?" in where else "?") + f"token={gateway.token}"
        self.v1 = v1
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{gateway.http_port}{where}", timeout=timeout,
            subprotocols=[V1] if v1 else None, skip_utf8_validation=True, class_=Socket)
        assert (self.socket.getsubprotocol() == V1) == v1

    def send(self, kind, content, channel="shell", buffers=(), as_text=False):
        head = header(kind)
        if self.v1:
            self.socket.send_binary(pack_v1(channel, [json.dumps(p).encode() for p in
                                                      (head, {}, {}, content)] + list(buffers)))
            return head["msg_id"]
        message = {"header": head, "parent_header": {}, "metadata": {}, "content": content,
                   "channel": channel, "buffers": []}
        if not buffers:
            self.socket.send(json.dumps(message))
        else:
            self.socket.send(pack_legacy(message, buffers), websocket.ABNF.OPCODE_TEXT
                             if as_text else websocket.ABNF.OPCODE_BINARY)
        return head["msg_id"]

    def execute(self, code, **options):
        return self.send("execute_request", {"code": code, "silent": False, "allow_stdin": True},
                         **options)

    def receive(self):
        """The next message as a dict; its `buffers` are bytes."""
        opcode, data = self.socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Closed(struct.unpack(">H", data[:2])[0], data[2:].decode())
        if self.v1:
            parts = unpack_v1(data)
            names = ("header", "parent_header", "metadata", "content")
            message = {n: json.loads(p) for n, p in zip(names, parts[1:5])}
            message.update(channel=parts[0].decode(), buffers=parts[5:],
                           msg_type=message["header"]["msg_type"])
            return message
        if opcode == websocket.ABNF.OPCODE_BINARY:
            message, buffers = unpack_legacy(data)
            return {**message, "buffers": buffers}
        message = json.loads(data)
        assert message["msg_id"] == message["header"]["msg_id"]
        assert message["msg_type"] == message["header"]["msg_type"]
        return message

    def until(self, wanted, timeout=60):
        """Messages up to and with the first for which wanted(message)."""
        seen, deadline = [], time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.socket.settimeout(max(0.1, deadline - time.monotonic()))
            seen.append(self.receive())
            if wanted(seen[-1]):
                return seen
        raise TimeoutError(f"not seen among {[m['msg_type'] for m in seen]}")

    def run(self, code, timeout=60, **options):
        """Executes code; all messages up to both its reply and its idle."""
        number, seen = self.execute(code, **options), set()

        def done(message):
            if message["parent_header"].get("msg_id") == number:
                if message["msg_type"] == "execute_reply":
                    seen.add("reply")
                if message["content"].get("execution_state") == "idle":
                    seen.add("idle")
            return len(seen) == 2
        return self.until(done, timeout)

    def closed(self, timeout=60):
        """Reads on until the gateway closes; the code."""
        self.socket.settimeout(timeout)
        try:
            while True:
                self.receive()
        except Closed as close:
            return close.code

    def close(self):
        self.socket.close()


class Closed(Exception):
    def __init__(self, code, reason):
        super().__init__(f"closed: {code} {reason}")
        self.code, self.reason = code, reason


def texts(messages):
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")
