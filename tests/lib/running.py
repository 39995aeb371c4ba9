# SPDX-License-Identifier: Apache-2.0
"""What a test has running, so that a failure can show what it said last."""

LINES, COLUMNS = 14, 160

_running = {}


def began(thing, log):
    """`log` is the file `thing` writes; it may not be there yet. Once more of the same is none."""
    _running[id(thing)] = (thing, log)


def ended(thing):
    _running.pop(id(thing), None)


def last_words():
    """(title, text) of everything that was started and not stopped."""
    for thing, log in _running.values():
        lines = log.read_text(errors="replace").splitlines() if log.exists() else ["(nothing)"]
        yield (f"{type(thing).__name__} {log.parent.name}",
               "\n".join(line[:COLUMNS] for line in lines[-LINES:]))
