# SPDX-License-Identifier: Apache-2.0
"""A TCP forwarder between two ends of a link: it keeps what crosses, and may change it."""

import socket
import threading
import time

UP, DOWN = "up", "down"  # from who dialled, and to it
KEPT = 8 << 20  # bytes of what crossed, each way: of a flood the beginning


class Connection:
    """Two sockets and what went each way."""

    def __init__(self, near, far):
        self.ends = {UP: (near, far), DOWN: (far, near)}
        self.crossed = {UP: bytearray(), DOWN: bytearray()}
        self.over = threading.Event()

    def close(self):
        self.over.set()
        for end in self.ends[UP]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Forwarder:
    """Listens on 127.0.0.1 and dials `port` for each who comes.

    alter(way, data, before) gets the bytes at hand and how many crossed that way before; what it
    returns is sent in their place, and None ends the connection.
    """

    def __init__(self, port, alter=None):
        self.target, self.alter = port, alter
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self._spawn(self._accept)

    @staticmethod
    def _spawn(function, *args):
        threading.Thread(target=function, args=args, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(near, far)
            self.connections.append(connection)
            for way in (UP, DOWN):
                self._spawn(self._pump, connection, way)

    def _pump(self, connection, way):
        source, target = connection.ends[way]
        crossed, before = connection.crossed[way], 0
        try:
            while data := source.recv(65536):
                crossed += data[:KEPT - len(crossed)]
                size = len(data)
                if self.alter:
                    data = self.alter(way, data, before)
                before += size
                if data is None:
                    break
                target.sendall(data)
        except OSError:
            pass
        connection.close()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in self.connections:
            connection.close()
            for end in connection.ends[UP]:
                end.close()


def mutated(said, noise):
    """What was said with some of its bytes changed, cut, doubled or put in."""
    data = bytearray(said)
    for _ in range(noise.randint(1, 8)):
        at = noise.randrange(len(data))
        end = min(len(data), at + noise.choice((1, 2, 8, 64, 300)))
        how = noise.randrange(5)
        if how == 0:
            data[at] ^= 1 << noise.randrange(8)
        elif how == 1:
            del data[at:end]
        elif how == 2:
            data[at:at] = data[at:end]
        elif how == 3:
            data[at:end] = noise.randbytes(end - at)
        else:
            data[at:end] = bytes([noise.choice((0, 0xFF, 0x7F, 0x80))]) * (end - at)
        if not data:
            break
    return bytes(data)


def play(port, segments, wait=1.0, pause=0.05):
    """Says bytes to a port, segment by segment; what came back, and whether the port hung up
    before `wait` was over."""
    came = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as peer:
        try:
            for data in segments:
                peer.sendall(data)
                time.sleep(pause)
            while got := peer.recv(65536):
                came += got
            return bytes(came), True
        except (ConnectionResetError, BrokenPipeError):
            return bytes(came), True
        except TimeoutError:
            return bytes(came), False
