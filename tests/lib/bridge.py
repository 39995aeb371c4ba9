# SPDX-License-Identifier: Apache-2.0
"""Makes a gateway's kernel look like a local one: binds the five sockets of a connection file and
relays them over the gateway's WebSocket, so that unmodified test suites can use it.

usage: bridge.py CONNECTION_FILE URL TOKEN_FILE KERNEL_ID
"""

import asyncio
import json
import pathlib
import sys

import zmq
import zmq.asyncio
from jupyter_client.session import Session
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect


class Bridge:
    def __init__(self, connection, url, token, kernel):
        self.info = json.loads(pathlib.Path(connection).read_text())
        self.url = url.replace("http", "ws", 1) + f"/api/kernels/{kernel}/channels"
        self.token = token
        self.session = Session(key=self.info["key"].encode())
        self.idents = {}  # of each request: whom its answers go to
        self.context = zmq.asyncio.Context()
        self.sockets = {}

    def bind(self, channel, kind):
        socket = self.context.socket(kind)
        socket.bind(f"tcp://{self.info['ip']}:{self.info[channel + '_port']}")
        self.sockets[channel] = socket

    async def up(self, channel):
        while True:
            idents, parts = self.session.feed_identities(
                await self.sockets[channel].recv_multipart())
            message = self.session.deserialize(parts, content=True)
            self.idents[message["header"]["msg_id"]] = idents
            out = {name: message[name] for name in ("header", "parent_header", "metadata",
                                                    "content")}
            out.update(channel=channel, buffers=[])
            await self.ws.write_message(json.dumps(out, default=str))

    async def down(self):
        while True:
            data = await self.ws.read_message()
            if data is None:
                return
            message = json.loads(data)
            channel = message["channel"]
            parent = message["parent_header"] or {}
            if channel == "iopub":
                idents = [b"kernel." + message["header"]["msg_type"].encode()]
            else:
                idents = self.idents.get(parent.get("msg_id"), [])
            parts = [json.dumps(message[name]).encode() for name in
                     ("header", "parent_header", "metadata", "content")]
            frames = [*idents, b"<IDS|MSG>", self.session.sign(parts), *parts]
            await self.sockets[channel].send_multipart(frames)

    async def beat(self):
        while True:
            await self.sockets["hb"].send_multipart(await self.sockets["hb"].recv_multipart())

    async def run(self):
        request = HTTPRequest(self.url, headers={"Authorization": f"token {self.token}"})
        self.ws = await websocket_connect(request, max_message_size=64 << 20)
        for channel, kind in (("shell", zmq.ROUTER), ("control", zmq.ROUTER),
                              ("stdin", zmq.ROUTER), ("iopub", zmq.PUB), ("hb", zmq.REP)):
            self.bind(channel, kind)
        print("ready", flush=True)
        await asyncio.gather(self.down(), self.beat(), *(self.up(c) for c in
                                                         ("shell", "control", "stdin")))


if __name__ == "__main__":
    connection, url, token_file, kernel = sys.argv[1:]
    asyncio.run(Bridge(connection, url, pathlib.Path(token_file).read_text().strip(),
                       kernel).run())
