# SPDX-License-Identifier: Apache-2.0
"""What a DHCP server may say, and what none should: IP packets for line.py's `answers`."""

import struct

from lib.line import MAC, XID, checksum, inet

OFFER, ACK, NAK = 2, 5, 6
END = b"\xff"


def option(code, value):
    return bytes([code, len(value)]) + value


def options(kind, server, mask="255.255.255.0", router=None, seconds=60, more=b""):
    """Of an answer: None leaves one out; router: one, or its bytes."""
    given = option(53, bytes([kind])) + option(54, inet(server))
    if seconds is not None:
        given += option(51, struct.pack("!I", seconds))
    if mask is not None:
        given += option(1, inet(mask))
    if router is not None:
        given += option(3, inet(router) if isinstance(router, str) else router)
    return given + more + END


def packet(address, server, given, xid=XID, mac=MAC, hardware=6, magic=b"\x63\x82\x53\x63",
           port=68, udp_more=0, ip_more=0, ip_check=0, cut=None):
    """In hexadecimal; udp_more, ip_more: what the lengths say too much; cut: bytes that are there."""
    body = (bytes([2, 1, hardware, 0]) + xid + bytes(8) + inet(address) + inet(server) + bytes(4)
            + mac.ljust(16, b"\0") + bytes(192) + magic + given).ljust(300, b"\0")
    udp = struct.pack("!4H", 67, port, 8 + len(body) + udp_more, 0) + body
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp) + ip_more, 1, 0, 64, 17, 0,
                       inet(server), b"\xff" * 4)
    head = head[:10] + struct.pack("!H", checksum(head) ^ ip_check) + head[12:]
    return (head + udp)[:cut].hex()
