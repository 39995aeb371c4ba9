# SPDX-License-Identifier: Apache-2.0
"""Processes of this machine, as /proc tells of them. Any of them may end while it is looked at."""

import contextlib
import ctypes
import os
import pathlib
import socket
import stat

PIDFD_GETFD = 438  # x86_64 and all newer architectures


def children(pid):
    """{id: its command line's words}; a process that is ending has no words, and then no id."""
    found = {}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                words = pathlib.Path(f"/proc/{child}/cmdline").read_text(errors="replace")
                found[int(child)] = words.split("\0")
    return found


def sockets(pid, port):
    """Copies of the process's sockets whose other end is at this port; the caller closes them."""
    found, libc = [], ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    for number in os.listdir(f"/proc/{pid}/fd"):
        copy = libc.syscall(PIDFD_GETFD, process, int(number), 0)
        if copy < 0:  # closed meanwhile
            continue
        if not stat.S_ISSOCK(os.fstat(copy).st_mode):
            os.close(copy)
            continue
        end = socket.socket(fileno=copy)
        name = ()
        with contextlib.suppress(OSError):  # it listens
            name = end.getpeername()
        if name[1:2] == (port,):
            found.append(end)
        else:
            end.close()
    os.close(process)
    return found
