# SPDX-License-Identifier: Apache-2.0
"""usage: scan.py ADDRESS: prints each TCP port of it that accepts, and each that says anything.

Connects to all 65,535 ports, a batch at a time, and sends a datagram to as many UDP ports. A port
that is dropped by a firewall says nothing; one that is only closed answers with a reset.
"""

import errno
import resource
import select
import socket
import sys

BATCH = 4000
WAIT_S = 1.0


def tcp(address, ports):
    waiting = {}
    poll = select.poll()
    for port in ports:
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        code = s.connect_ex((address, port))
        if code == 0:
            yield port, "open"
        elif code != errno.EINPROGRESS:
            yield port, errno.errorcode[code]
        waiting[s.fileno()] = s, port
        poll.register(s, select.POLLOUT)
    while events := poll.poll(WAIT_S * 1000):
        for fd, _ in events:
            s, port = waiting[fd]
            poll.unregister(fd)
            code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            yield port, "open" if code == 0 else errno.errorcode[code]
    for s, _ in waiting.values():
        s.close()


def udp(address, ports):
    """Asked in silence; an answer of any kind, an ICMP error too, is told."""
    poll = select.poll()
    waiting = {}
    for port in ports:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        s.connect((address, port))
        s.send(b"anyone?")
        waiting[s.fileno()] = s, port
        poll.register(s, select.POLLIN)
    for fd, _ in poll.poll(WAIT_S * 1000):
        yield waiting[fd][1], "answers"
    for s, _ in waiting.values():
        s.close()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 2 * BATCH), most))
    for kind, scan in (("tcp", tcp), ("udp", udp)):
        for first in range(1, 65536, BATCH):
            for port, what in scan(sys.argv[1], range(first, min(first + BATCH, 65536))):
                print(kind, port, what, flush=True)
    print("done", flush=True)
