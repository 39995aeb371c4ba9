# SPDX-License-Identifier: Apache-2.0
"""One execute request and its reply: over direct TCP, and through gateway, link and relay.

All of it runs natively on this machine: the node is hostd-dev, whose monitor, link and relays are
the product's own and whose cells are none, since emulated CPUs would say more about QEMU.
"""

import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import time

import websocket
import zmq
from jupyter_client.session import Session

from bench.figures import median, percentile, progress, show
from lib.client import V1, pack_v1, start_kernel, stop_kernel
from lib.gateway import Gateway, free_port

WARM, COUNT = 30, 400
KERNELS = {"lua": "1+1", "python": "1+1"}


def native(name):
    """A program of the optimised native build that ./build.sh bench makes."""
    return str(pathlib.Path(os.environ["ANCHORHOLD_NATIVE"]) / name)


def argv_of(kernel, connection):
    if kernel == "lua":
        return [native("environments/lua/lua-kernel"), connection]
    return ["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", connection]


class Direct:
    """A kernel on loopback TCP and one DEALER, as jupyter_client has it, without its threads."""

    def __init__(self, kernel, folder):
        names = ("shell", "iopub", "stdin", "control", "hb")
        info = {f"{name}_port": free_port() for name in names}
        info.update(ip="127.0.0.1", transport="tcp", key="00" * 32, kernel_name=kernel,
                    signature_scheme="hmac-sha256")
        path = pathlib.Path(folder) / f"direct-{kernel}.json"
        path.write_text(json.dumps(info))
        self.session = Session(key=info["key"].encode())
        self.process = subprocess.Popen(argv_of(kernel, str(path)), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.context = zmq.Context()
        self.context.setsockopt(zmq.RCVTIMEO, 60000)
        self.iopub = self.context.socket(zmq.SUB)
        self.iopub.connect(f"tcp://127.0.0.1:{info['iopub_port']}")
        self.iopub.subscribe(b"")
        self.shell = self.context.socket(zmq.DEALER)
        self.shell.connect(f"tcp://127.0.0.1:{info['shell_port']}")

    def execute(self, code):
        message = self.session.msg("execute_request", {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True})
        frames = self.session.serialize(message)
        began = time.perf_counter()
        self.shell.send_multipart(frames)
        self.shell.recv_multipart()
        took = time.perf_counter() - began
        while True:  # its idle ends it; not part of the figure
            parts = self.iopub.recv_multipart()
            if b'"idle"' in parts[-1] or b'"idle"' in parts[6]:
                return took

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.context.destroy(linger=0)


class Through:
    """The same request over the gateway's WebSocket, in the framing JupyterLab uses."""

    def __init__(self, gateway, kernel):
        self.gateway, self.kernel = gateway, start_kernel(gateway, kernel)
        url = f"ws://127.0.0.1:{gateway.http_port}/api/kernels/{self.kernel}/channels?session_id=b"
        self.ws = websocket.create_connection(
            url, header=[f"Authorization: token {gateway.token}"], subprotocols=[V1],
            sockopt=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)], timeout=120)
        self.session = Session(key=b"")

    def execute(self, code):
        message = self.session.msg("execute_request", {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True})
        parts = self.session.serialize(message)[2:]
        data = pack_v1("shell", parts)
        began = time.perf_counter()
        self.ws.send_binary(data)
        took = idle = None
        while took is None or not idle:
            got = self.ws.recv()
            now = time.perf_counter()
            offset = struct.unpack_from("<2Q", got, 8)
            if got[offset[0]:offset[1]] == b"shell":
                took = now - began
            else:
                idle = idle or b'"idle"' in got
        return took

    def close(self):
        self.ws.close()
        stop_kernel(self.gateway, self.kernel)


def measure(target, code):
    for _ in range(WARM):
        target.execute(code)
    return [target.execute(code) * 1000 for _ in range(COUNT)]


def start_node(gateway, folder):
    conf = gateway.add_node("native", pathlib.Path(folder) / "node",
                            f"127.0.0.1:{gateway.link_port}")
    environment = dict(os.environ, ANCHORHOLD_DEV_LUA=native("environments/lua/lua-kernel"))
    log = open(pathlib.Path(folder) / "node.log", "wb")
    process = subprocess.Popen([native("hostd/hostd-dev"), str(conf)], env=environment,
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    gateway.wait_node("native")
    return process


def main():
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(pathlib.Path(folder) / "gateway").start()
        node = start_node(gateway, folder)
        try:
            for kernel, code in KERNELS.items():
                progress(f"round trip of {kernel}: {COUNT} times direct, {COUNT} times through all")
                figures = {}
                for name, make in (("direct", lambda: Direct(kernel, folder)),
                                   ("gateway", lambda: Through(gateway, kernel))):
                    target = make()
                    time.sleep(3)
                    figures[name] = measure(target, code)
                    target.close()
                    show(f"roundtrip.{kernel}.{name}.p50", median(figures[name]), "ms")
                    show(f"roundtrip.{kernel}.{name}.p99", percentile(figures[name], 99), "ms")
                added = median(figures["gateway"]) - median(figures["direct"])
                show(f"roundtrip.{kernel}.added.p50", added, "ms", most=0.25 if kernel == "lua" else None)
        finally:
            node.terminate()
            node.wait(20)
            gateway.stop()
