# SPDX-License-Identifier: Apache-2.0
"""What stands behind a node's second card in tests: a network namespace of their own with a tap,
in which this program (run in there) serves, listens, and tries to get in.

usage: outside.py TAP: a line of JSON in, a line out:
  {"serve": [KIND, ADDRESS, PORT]}  KIND tcp, udp (both echo) or dns (every name is 198.51.100.10)
  {"connect": [ADDRESS, PORT]}      "open" or an errno's name
  {"asked": true}                   ARP requests that came by the tap: VLAN, address
  {"heard": PORT}                   who has sent to the servers of this port: addresses
  {"seen": true}                    where IPv4 frames that came by the tap were for: addresses
"""

import contextlib
import errno
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import threading

SERVER, OTHER, RESOLVER = "198.51.100.10", "198.51.100.20", "198.51.100.53"
GATEWAY, METADATA = "203.0.113.7", "169.254.169.254"
ROUTER, NODE = "192.0.2.1", "192.0.2.2"
CELLS = "100.127.224.0/19"


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class Outside:
    """The namespace, its tap, and the program in it. `tap` is for QEMU's -netdev."""

    made = itertools.count()  # a module's may still be there when a test makes its own

    def __init__(self):
        name = f"{os.getpid()}-{next(self.made)}"
        self.space, self.tap = f"outside-{name}", f"out{name}"
        self.program = None

    def __enter__(self):
        ip("netns", "add", self.space)
        # QEMU opens it where it is, by name; it is moved, and only then brought up, after that.
        ip("tuntap", "add", self.tap, "mode", "tap")
        return self

    @property
    def netdev(self):
        return f"tap,ifname={self.tap},script=no,downscript=no"

    def move(self):
        ip("link", "set", self.tap, "netns", self.space)
        inside = ["-n", self.space]
        ip(*inside, "link", "set", "lo", "up")
        for address in (SERVER, OTHER, RESOLVER, GATEWAY, METADATA):
            ip(*inside, "address", "add", f"{address}/32", "dev", "lo")
        ip(*inside, "address", "add", f"{ROUTER}/24", "dev", self.tap)
        ip(*inside, "link", "set", self.tap, "up")
        ip(*inside, "route", "add", CELLS, "via", NODE)
        self.program = subprocess.Popen(
            ["ip", "netns", "exec", self.space, sys.executable, __file__, self.tap],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **question):
        self.program.stdin.write(json.dumps(question) + "\n")
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def __exit__(self, *_):
        if self.program is not None:
            self.program.kill()
            self.program.wait()
        else:
            with contextlib.suppress(subprocess.CalledProcessError):
                ip("link", "delete", self.tap)
        ip("netns", "delete", self.space)


# ---- the program ----

HEARD, ASKED, SEEN = {}, [], set()


def heard(port, address):
    HEARD.setdefault(port, []).append(address[0])


def echo(connection):
    with connection, contextlib.suppress(OSError):
        while data := connection.recv(65536):
            connection.sendall(data)


def serve_tcp(address, port):
    listener = socket.create_server((address, port))

    def run():
        while True:
            connection, peer = listener.accept()
            heard(port, peer)
            threading.Thread(target=echo, args=(connection,), daemon=True).start()
    return run


def serve_udp(address, port, answer=lambda data: data):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))

    def run():
        while True:
            data, peer = s.recvfrom(65536)
            heard(port, peer)
            s.sendto(answer(data), peer)
    return run


def dns_answer(query):
    """One A record for a question of that type, none for another."""
    end = query.index(b"\0", 12) + 5
    wants_a = query[end - 4:end - 2] == b"\0\1"
    head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if wants_a else b"\0\0") + b"\0\0\0\0"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(SERVER)
    return head + query[12:end] + (record if wants_a else b"")


def connect(address, port):
    with socket.socket() as s:
        s.settimeout(4)
        try:
            s.connect((address, port))
        except TimeoutError:
            return "ETIMEDOUT"
        except OSError as error:
            return errno.errorcode[error.errno]
        return "open"


def listen_at(tap):
    """The kernel takes a frame's tag off and tells it beside the frame."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
    s.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA
    s.bind((tap, 0x0003))
    while True:
        frame, beside, _, peer = s.recvmsg(2048, 256)
        if peer[2] == socket.PACKET_OUTGOING:
            continue
        if peer[1] == 0x0800:
            SEEN.add(socket.inet_ntoa(frame[16:20]))
        if peer[1] != 0x0806 or frame[6:8] != b"\0\1":
            continue
        tags = [struct.unpack("IIIHHHH", data[:20])[5] & 0xFFF for _, kind, data in beside
                if kind == 8]
        ASKED.append([tags[0] if tags else 0, socket.inet_ntoa(frame[24:28])])


def answer(question):
    if "serve" in question:
        kind, address, port = question["serve"]
        run = {"tcp": serve_tcp, "udp": serve_udp,
               "dns": lambda a, p: serve_udp(a, p, dns_answer)}[kind](address, port)
        threading.Thread(target=run, daemon=True).start()
        return "served"
    if "connect" in question:
        return connect(*question["connect"])
    if "seen" in question:
        return sorted(SEEN)
    if "asked" in question:
        return ASKED
    return HEARD.get(question["heard"], [])


if __name__ == "__main__":
    threading.Thread(target=listen_at, args=(sys.argv[1],), daemon=True).start()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
