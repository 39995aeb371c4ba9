# SPDX-License-Identifier: Apache-2.0
"""What a fake node runs: Debian's ipykernel over ipc, or a kernel of a few lines."""

import datetime
import hashlib
import hmac
import json
import os
import signal
import subprocess
import uuid

import zmq

import wire

DELIMITER = b"<IDS|MSG>"


class RealKernel:
    """ipykernel on five ipc sockets; the relay's part of the work: signatures and idents."""

    PORTS = {wire.SHELL: 1, wire.IOPUB: 2, wire.STDIN: 3, wire.CONTROL: 4}

    def __init__(self, kernel):
        self.kernel, self.key = kernel, os.urandom(32).hex()
        prefix = f"{kernel.node.folder}/{kernel.id.hex()[:8]}-{kernel.incarnation}"
        path = prefix + ".json"
        with open(path, "w") as file:
            json.dump({"transport": "ipc", "ip": prefix, "shell_port": 1, "iopub_port": 2,
                       "stdin_port": 3, "control_port": 4, "hb_port": 5, "key": self.key,
                       "signature_scheme": "hmac-sha256", "kernel_name": ""}, file)
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", path],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.channel, self.by_channel = {}, {}
        identity = uuid.uuid4().bytes
        for channel, port in self.PORTS.items():
            socket = kernel.node.context.socket(
                zmq.SUB if channel == wire.IOPUB else zmq.DEALER)
            socket.linger = 0
            socket.rcvhwm = socket.sndhwm = 0
            if channel == wire.IOPUB:
                socket.subscribe(b"")
            else:
                socket.identity = identity
            socket.connect(f"ipc://{prefix}-{port}")
            self.channel[socket], self.by_channel[channel] = channel, socket
        self.ready, self.probe_at = False, 0

    @property
    def sockets(self):
        return list(self.channel)

    def sign(self, parts):
        return hmac.new(self.key.encode(), b"".join(parts[:4]),
                        hashlib.sha256).hexdigest().encode()

    def send(self, channel, idents, parts):
        self.by_channel[channel].send_multipart([*idents, DELIMITER, self.sign(parts), *parts])

    def take(self, session, channel, parts):
        self.send(channel, [session.to_bytes(8, "big")], parts)

    def probe(self):
        """Shell stays closed until iopub is proven: a request on control that iopub echoes."""
        import time
        if time.monotonic() < self.probe_at:
            return
        self.probe_at = time.monotonic() + 0.2
        header = {"msg_id": "probe-" + uuid.uuid4().hex, "msg_type": "kernel_info_request",
                  "username": "node", "session": "probe", "version": "5.3",
                  "date": datetime.datetime.utcnow().isoformat() + "Z"}
        self.send(wire.CONTROL, [bytes(8)],
                  [json.dumps(header).encode(), b"{}", b"{}", b"{}"])

    def poll(self, ready):
        if not self.ready:
            self.probe()
        for socket, channel in self.channel.items():
            while socket in ready:
                try:
                    self.message(channel, socket.recv_multipart(zmq.NOBLOCK))
                except zmq.Again:
                    break
        code = self.process.poll()
        if code is not None and self.kernel.state != wire.DEAD:
            if code < 0:
                self.kernel.die(wire.WHY_SIGNAL, -code)
            else:
                self.kernel.die(wire.WHY_EXITED, code)

    def message(self, channel, frames):
        at = frames.index(DELIMITER)
        idents, parts = frames[:at], frames[at + 2:]
        assert frames[at + 1] == self.sign(parts)
        if json.loads(parts[1] or b"{}").get("msg_id", "").startswith("probe-"):
            if channel == wire.IOPUB and not self.ready:
                self.ready = True
                self.kernel.tell(wire.READY)
            return
        to = 0 if channel == wire.IOPUB else int.from_bytes(idents[0], "big")
        self.kernel.append(to, channel, parts)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def stop(self):
        for socket in self.channel:
            socket.close()
        self.channel, self.by_channel = {}, {}
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class FakeKernel:
    """Answers at once; the code of an execute_request says what else it does."""

    sockets = ()

    def __init__(self, kernel):
        self.kernel, self.count = kernel, 0
        self.session = uuid.uuid4().hex
        if kernel.node.start_delay:
            import time
            kernel.node.later.append((time.monotonic() + kernel.node.start_delay, self.up))
        else:
            self.up()

    def up(self):
        self.kernel.tell(wire.READY)

    def poll(self, ready):
        pass

    def stop(self):
        pass

    def interrupt(self):
        pass

    def say(self, to, channel, kind, parent, content, buffers=(), session=None):
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "fake",
                  "session": session or self.session, "version": "5.3",
                  "date": datetime.datetime.utcnow().isoformat() + "Z"}
        self.kernel.append(to, channel, [json.dumps(header).encode(), parent, b"{}",
                                         json.dumps(content).encode(), *buffers])

    def take(self, session, channel, parts):
        header, content = json.loads(parts[0]), json.loads(parts[3])
        kind = header["msg_type"]
        if channel == wire.STDIN:
            self.say(0, wire.IOPUB, "stream", parts[0],
                     {"name": "stdout", "text": "got " + content["value"]})
            return
        code = content.get("code", "") if kind == "execute_request" else ""
        if code == "mute":
            return
        self.say(0, wire.IOPUB, "status", parts[0], {"execution_state": "busy"})
        if code == "hang":
            return
        self.act(session, parts, code)
        if self.kernel.state == wire.DEAD:
            return
        if kind.endswith("_request"):
            self.count += 1
            reply = {"status": "ok", "execution_count": self.count, "implementation": "fake",
                     "protocol_version": "5.3", "language_info": {"name": "fake"}, "banner": ""}
            self.say(session, channel, kind[:-8] + "_reply", parts[0], reply)
        self.say(0, wire.IOPUB, "status", parts[0], {"execution_state": "idle"})

    def act(self, session, parts, code):
        word, _, rest = code.partition(" ")
        if word == "print":
            self.say(0, wire.IOPUB, "stream", parts[0], {"name": "stdout", "text": rest})
        elif word == "flood":
            for i in range(int(rest)):
                self.say(0, wire.IOPUB, "stream", parts[0], {"name": "stdout", "text": f"{i}\n"})
        elif word == "pages":
            for i in range(int(rest)):
                self.say(0, wire.IOPUB, "stream", parts[0],
                         {"name": "stdout", "text": f"{i}".ljust(100_000, ".") + "\n"})
        elif word == "big":
            self.say(0, wire.IOPUB, "display_data", parts[0],
                     {"data": {"text/plain": "x" * int(rest)}, "metadata": {}})
        elif word == "buffers":
            self.say(0, wire.IOPUB, "comm_msg", parts[0],
                     {"comm_id": "c", "data": {}, "got": [b.hex() for b in parts[4:]]},
                     [bytes(range(256)), b"", b"end"])
        elif word == "input":
            self.say(session, wire.STDIN, "input_request", parts[0], {"prompt": "?"})
        elif word == "memory":
            self.kernel.die(wire.WHY_MEMORY, 9)
        elif word == "crash":
            self.kernel.die(wire.WHY_SIGNAL, 11)
        elif word == "bad":
            self.kernel.append(0, wire.IOPUB, [b"{not json", b"{}", b"{}", b"{}"])
        elif word == "raw":
            self.say(0, wire.IOPUB, "stream", b"null", {"name": "stdout", "text": rest})
