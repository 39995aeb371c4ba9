# SPDX-License-Identifier: Apache-2.0
"""ZMTP as bytes, in all its versions: what a peer says first, and frames behind it."""

import struct

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"


def greeting(mechanism, version=(3, 0), server=False):
    return SIGNATURE + bytes(version) + mechanism.ljust(20, b"\0") + bytes([server]) + bytes(31)


def frame(data, flags=0):
    if len(data) > 255:
        return bytes([flags | 2]) + struct.pack(">Q", len(data)) + data
    return bytes([flags, len(data)]) + data


def command(name, data=b""):
    return frame(bytes([len(name)]) + name + data, flags=4)


def metadata(**properties):
    return b"".join(bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
                    for name, value in ((key.replace("_", "-").encode(), value)
                                        for key, value in properties.items()))


DEALER = metadata(Socket_Type=b"DEALER", Identity=b"")


def null(message):
    return [greeting(b"NULL"), command(b"READY", DEALER), frame(message)]


def plain(message):
    return [greeting(b"PLAIN"), command(b"HELLO", b"\x04user\x04pass"),
            command(b"INITIATE", DEALER), frame(message)]


def version_2(message):
    return [SIGNATURE[:8] + b"\x01\x7f" + b"\x01\x05" + b"\x00\x00", b"\x00", bytes([len(message)])
            + message]


def version_1(message):
    return [b"\x01\x00", bytes([len(message) + 1, 0]) + message]
