# SPDX-License-Identifier: Apache-2.0
"""A small Jupyter client over a gateway's WebSocket, both framings; for tests and benches."""

import asyncio
import json
import struct
import time
import uuid

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

V1 = "v1.kernel.websocket.jupyter.org"


def pack_v1(channel, parts):
    blobs = [channel.encode(), *parts]
    count = len(blobs) + 1
    offset = 8 * (count + 1)
    offsets = []
    for blob in blobs:
        offsets.append(offset)
        offset += len(blob)
    offsets.append(offset)
    return struct.pack(f"<{count + 1}Q", count, *offsets) + b"".join(blobs)


def unpack_v1(data):
    count = struct.unpack_from("<Q", data)[0]
    offsets = struct.unpack_from(f"<{count}Q", data, 8)
    blobs = [data[a:b] for a, b in zip(offsets, offsets[1:])]
    header, parent, metadata, content = (json.loads(b) for b in blobs[1:5])
    return {"channel": blobs[0].decode(), "header": header, "parent_header": parent,
            "metadata": metadata, "content": content, "buffers": blobs[5:]}


class Session:
    """One WebSocket; use it inside one asyncio loop."""

    def __init__(self, gateway, kernel, v1=False, session=None):
        self.gateway, self.kernel, self.v1 = gateway, kernel, v1
        self.id = session or uuid.uuid4().hex
        self.ws = None

    async def open(self):
        url = (f"ws://127.0.0.1:{self.gateway.http_port}/api/kernels/{self.kernel}/channels"
               f"?session_id={self.id}")
        request = HTTPRequest(url, headers={"Authorization": f"token {self.gateway.token}"})
        self.ws = await websocket_connect(request, subprotocols=[V1] if self.v1 else None,
                                          max_message_size=64 << 20)
        assert (self.ws.selected_subprotocol == V1) == self.v1
        return self

    def close(self):
        self.ws.close()

    async def send(self, msg_type, content, channel="shell", buffers=()):
        header = {"msg_id": uuid.uuid4().hex, "session": self.id, "username": "test",
                  "date": "2026-01-01T00:00:00.000000Z", "msg_type": msg_type, "version": "5.3"}
        if self.v1:
            dicts = [json.dumps(d).encode() for d in (header, {}, {}, content)]
            await self.ws.write_message(pack_v1(channel, dicts + list(buffers)), binary=True)
        else:
            await self.ws.write_message(json.dumps(
                {"header": header, "parent_header": {}, "metadata": {}, "content": content,
                 "channel": channel, "buffers": []}))
        return header["msg_id"]

    async def receive(self, timeout=60):
        data = await asyncio.wait_for(self.ws.read_message(), timeout)
        if data is None:
            raise ConnectionError(f"closed: {self.ws.close_code}")
        return unpack_v1(data) if isinstance(data, bytes) and self.v1 else json.loads(data)

    async def request(self, msg_type, content, channel="shell", timeout=120):
        """The reply and what was published for it."""
        msg_id = await self.send(msg_type, content, channel)
        reply, idle, outputs = None, False, []
        deadline = time.monotonic() + timeout
        while reply is None or not idle:
            message = await self.receive(deadline - time.monotonic())
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            if message["channel"] == channel:
                reply = message
            elif message["channel"] == "iopub":
                outputs.append(message)
                idle |= message["content"].get("execution_state") == "idle"
        return reply, outputs

    async def execute(self, code, timeout=120, **options):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": True, **options}
        return await self.request("execute_request", content, timeout=timeout)


def text_of(outputs):
    """What the outputs print, as a terminal would show it."""
    text = ""
    for message in outputs:
        content = message["content"]
        if message["header"]["msg_type"] == "stream":
            text += content["text"]
        elif "data" in content:
            text += content["data"].get("text/plain", "")
    return text


def start_kernel(gateway, name=None):
    reply = gateway.call("POST", "/api/kernels", {"name": name} if name else {})
    assert reply.status == 201, reply.body
    return reply.json()["id"]


def stop_kernel(gateway, kernel):
    assert gateway.call("DELETE", f"/api/kernels/{kernel}").status == 204
