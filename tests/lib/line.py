# SPDX-License-Identifier: Apache-2.0
"""A bad line: Ethernet between a node and the namespace its gateway is in, through this program.

usage: line.py ADDRESS END: makes the tap `line` with ADDRESS/24 in the namespace it is run in, and
joins it with END, which is a second tap of that name, or LOCAL:REMOTE, two UDP ports of a QEMU
-netdev dgram. It also leases the node its address by DHCP. A line of JSON in, a line out:
  {"cut": BOOL, "delay_ms": N, "loss": SHARE, "mbit": N, "mtu": N, "lease": ADDRESS,
   "deaf_port": N,    what is not named stays; deaf_port: segments from or to this port vanish
   "answers": {"offers": [HEX...], "acks": [[HEX...]...]}}  in place of the lease: all offers to each
                      DISCOVER, to each REQUEST the next of acks, packets as lib/dhcp.py makes them
  {"seed": N}         for the loss
  {"count": true}     frames by what became of them (and DHCP's by their kind), the largest that passed
"""

import collections
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

QUEUE_S = 0.5  # with a rate: what would wait longer is dropped
LEASE_S = 60
XID, MAC = b"\xfd\xf1\xfd\xf2", b"\xfd\xf3\xfd\xf4\xfd\xf5"  # in a packet: what the node has said


def inet(text):
    return socket.inet_aton(text)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Tap:
    def __init__(self, name):
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, 0x400454CA, struct.pack("16sH", name.encode(), 0x1002))

    def read(self):
        return os.read(self.fd, 65536)

    def write(self, frame):
        os.write(self.fd, frame)


class Datagrams:
    """One frame a datagram."""

    def __init__(self, local, remote):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", local))
        self.socket.setblocking(False)
        self.fd, self.remote = self.socket.fileno(), ("127.0.0.1", remote)

    def read(self):
        return self.socket.recv(65536)

    def write(self, frame):
        self.socket.sendto(frame, self.remote)


class Dhcp:
    """Answers a node's requests with one address; the router is this end."""

    def __init__(self, own):
        self.own = inet(own)

    @classmethod
    def asked(cls, frame):
        """Which kind of message to a DHCP server the frame is; None: no such."""
        if len(frame) < 282 or frame[12:14] != b"\x08\0" or frame[23] != 17 \
                or frame[36:38] != b"\0\x43":
            return None
        return cls.kind(frame[282:]) or 0

    @staticmethod
    def told(frame, packet):
        """A packet of the tests' own making, as an answer to this frame."""
        packet = bytes.fromhex(packet).replace(XID, frame[46:50]).replace(MAC, frame[70:76])
        return frame[6:12] + b"\x02\0\0\0\0\1" + b"\x08\0" + packet

    def answers(self, frame, lease, answers):
        """What is said to this frame; None: nobody here answers such a one."""
        asked = self.asked(frame) if lease or answers else None
        if asked is None:
            return None
        if not answers:
            return [self.answer(frame, asked, lease)] if asked in (1, 3) else []
        packets = answers["offers"] if asked == 1 else []
        acks = answers["acks"]
        if asked == 3:  # sent again where it was not heard: the last stays
            packets = acks.pop(0) if len(acks) > 1 else acks[0]
        return [self.told(frame, packet) for packet in packets]

    def answer(self, frame, asked, lease):
        options = (bytes([53, 1, 2 if asked == 1 else 5, 54, 4]) + self.own + bytes([51, 4])
                   + struct.pack("!I", LEASE_S) + bytes([1, 4]) + inet("255.255.255.0")
                   + bytes([3, 4]) + self.own + b"\xff")
        body = (bytes([2, 1, 6, 0]) + frame[46:50] + bytes(8) + inet(lease) + self.own + bytes(4)
                + frame[70:86] + bytes(192) + b"\x63\x82\x53\x63" + options).ljust(300, b"\0")
        udp = struct.pack("!4H", 67, 68, 8 + len(body), 0) + body
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, self.own,
                           b"\xff" * 4)
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        return frame[6:12] + b"\x02\0\0\0\0\1" + b"\x08\0" + head + udp

    @staticmethod
    def kind(options):
        at = 0
        while at + 2 < len(options) and options[at] != 255:
            if options[at] == 53:
                return options[at + 2]
            at += 1 if options[at] == 0 else 2 + options[at + 1]
        return None


class Line:
    def __init__(self, near, far, dhcp):
        self.ends, self.dhcp = (near, far), dhcp
        self.state = {"cut": False, "delay_ms": 0, "loss": 0, "mbit": 0, "mtu": 0, "lease": None,
                      "deaf_port": 0, "answers": None}
        self.random, self.number = random.Random(1), 0
        self.counts, self.largest = collections.Counter(), 0
        self.free_at = [0.0, 0.0]  # by direction: when the line has sent what waits
        self.waiting = []

    def fate(self, frame):
        """Why this frame does not pass; None: it does."""
        state = self.state
        if state["cut"]:
            return "cut"
        if state["loss"] and self.random.random() < state["loss"]:
            return "lost"
        if frame[12:14] != b"\x08\0":
            return None
        if state["mtu"] and len(frame) - 14 > state["mtu"]:
            return "too large"
        if state["deaf_port"] and frame[23] == 6:
            if state["deaf_port"] in struct.unpack_from("!2H", frame, 14 + 4 * (frame[14] & 15)):
                return "deaf"
        return None

    def take(self, end, frame, now):
        answers = self.dhcp.answers(frame, self.state["lease"], self.state["answers"]) \
            if end and not self.state["cut"] else None
        if answers is not None:
            self.counts[f"dhcp {self.dhcp.asked(frame)}"] += 1
            for answer in answers:
                self.ends[1].write(answer)
            return
        fate = self.fate(frame)
        rate = self.state["mbit"] * 1e6 / 8
        if fate is None and rate and self.free_at[end] - now > QUEUE_S:
            fate = "queue full"
        self.counts[fate or "passed"] += 1
        if fate is not None:
            return
        self.largest = max(self.largest, len(frame) - 14)
        due = now
        if rate:
            self.free_at[end] = max(now, self.free_at[end]) + len(frame) / rate
            due = self.free_at[end]
        due += self.state["delay_ms"] / 1000
        self.number += 1
        heapq.heappush(self.waiting, (due, self.number, 1 - end, frame))

    def deliver(self, now):
        """What is due; the seconds until more is."""
        while self.waiting and self.waiting[0][0] <= now:
            _, _, end, frame = heapq.heappop(self.waiting)
            try:
                self.ends[end].write(frame)
            except OSError:
                self.counts["not taken"] += 1  # nobody there now, or no room: as on any wire
        return self.waiting[0][0] - now if self.waiting else None

    def order(self, order):
        if "seed" in order:
            self.random = random.Random(order.pop("seed"))
        if order.pop("count", False):
            return {**self.counts, "largest": self.largest}
        unknown = set(order) - set(self.state)
        assert not unknown, unknown
        self.state.update(order)
        self.counts.clear()
        self.largest = 0
        return self.state

    def run(self, orders):
        by_fd = {end.fd: index for index, end in enumerate(self.ends)}
        wait = None
        while True:
            ready = select.select([*by_fd, orders], [], [], wait)[0]
            if orders in ready:
                line = orders.readline()
                if not line:
                    return
                print(json.dumps(self.order(json.loads(line))), flush=True)
            for fd in ready:
                if fd in by_fd:
                    self.drain(by_fd[fd])
            wait = self.deliver(time.monotonic())

    def drain(self, end):
        for _ in range(64):
            try:
                frame = self.ends[end].read()
            except OSError:
                return
            self.take(end, frame, time.monotonic())


class Wire:
    """The tests' side: the program, and orders for it."""

    def __init__(self, address, end):
        self.program = subprocess.Popen([sys.executable, __file__, address, end],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert json.loads(self.program.stdout.readline()) == "ready"

    def order(self, **order):
        self.program.stdin.write(json.dumps(order) + "\n")
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def heal(self):
        return self.order(cut=False, delay_ms=0, loss=0, mbit=0, mtu=0, deaf_port=0)

    def counts(self):
        return self.order(count=True)

    def close(self):
        self.program.kill()
        self.program.wait()


class Space:
    """A network namespace of its own for this thread, and all that it starts from now on."""

    CLONE_NEWNET = 0x40000000

    def __enter__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if self.libc.unshare(self.CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return self

    def __exit__(self, *_):
        assert self.libc.setns(self.before, self.CLONE_NEWNET) == 0
        os.close(self.before)


def main(address, end):
    near = Tap("line")
    subprocess.run(["ip", "address", "add", f"{address}/24", "dev", "line"], check=True)
    subprocess.run(["ip", "link", "set", "line", "up"], check=True)
    far = Datagrams(*map(int, end.split(":"))) if ":" in end else Tap(end)
    print(json.dumps("ready"), flush=True)
    Line(near, far, Dhcp(address)).run(sys.stdin)


if __name__ == "__main__":
    main(*sys.argv[1:])
