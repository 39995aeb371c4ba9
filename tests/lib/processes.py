# SPDX-License-Identifier: Apache-2.0
"""Processes of this machine, as /proc tells of them. Any of them may end while it is looked at."""

import contextlib
import pathlib


def children(pid):
    """{id: its command line's words}; a process that is ending has no words, and then no id."""
    found = {}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                words = pathlib.Path(f"/proc/{child}/cmdline").read_text(errors="replace")
                found[int(child)] = words.split("\0")
    return found
