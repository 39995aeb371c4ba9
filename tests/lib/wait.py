# SPDX-License-Identifier: Apache-2.0
"""Waiting for what comes in its own time: asked again and again, and never for a time alone."""

import time


def wait(true, what="it did not happen", timeout=60):
    """What true() gives, once that is something; else what() or `what` is said of it."""
    deadline = time.monotonic() + timeout
    while not (found := true()):
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.05)
    return found
