# SPDX-License-Identifier: Apache-2.0
"""Secrets in the memory of processes: where they are, in each way they are written."""

import base64
import json

from zmq.utils import z85

PIECE = 1 << 20


def shapes(secret):
    """The ways a secret is written: its text, and the bytes that the text stands for."""
    text = secret.encode()
    if len(text) == 40 and not set(text) <= set(b"0123456789abcdef"):
        return {text, z85.decode(text), json.dumps(secret)[1:-1].encode()}
    return {text, bytes.fromhex(secret), base64.b64encode(text).rstrip(b"=")[:-1]}


def mappings(pid):
    """Of a process, all that can be read and is memory."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            span, rights, *_, = line.split()
            if rights[0] == "r" and not line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                yield tuple(int(end, 16) for end in span.split("-"))


def pieces(pid):
    """The memory in pieces that overlap by more than a secret is long."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end in mappings(pid):
            for at in range(begin, end, PIECE):
                try:
                    memory.seek(at)
                    yield memory.read(min(PIECE + 128, end - at))
                except (OSError, ValueError, OverflowError):
                    continue


def copies(pid, secrets):
    """How often each secret stands in a process's memory, in any of its shapes."""
    wanted = {secret: shapes(secret) for secret in secrets}
    found = dict.fromkeys(secrets, 0)
    for piece in pieces(pid):
        for secret, texts in wanted.items():
            found[secret] += sum(piece[:PIECE + len(text) - 1].count(text) for text in texts)
    return found
