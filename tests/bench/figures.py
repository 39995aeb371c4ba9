# SPDX-License-Identifier: Apache-2.0
"""How a figure is printed: name, value, unit, target, and ok, short, info or missing, by tabs;
or as a JSON object a line."""

import contextlib
import json
import os
import statistics
import sys
import time

COLUMNS = ("name", "value", "unit", "target", "verdict")

as_json = False
shown = set()
lost = []  # what was promised and could not be measured: the bench then fails


def header():
    if not as_json:
        print("\t".join(COLUMNS), flush=True)


def line(name, value, unit, target, verdict):
    shown.add(name)
    row = (name, value, unit, target, verdict)
    if not as_json:
        print("\t".join(row), flush=True)
        return
    row = (name, None if value == "-" else float(value), unit, target, verdict)
    print(json.dumps(dict(zip(COLUMNS, row))), flush=True)


def show(name, value, unit, most=None, least=None):
    """One figure against its target, if it has one."""
    if most is not None:
        target, verdict = f"<= {most:g}", "ok" if value <= most else "short"
    elif least is not None:
        target, verdict = f">= {least:g}", "ok" if value >= least else "short"
    else:
        target, verdict = "-", "info"
    line(name, f"{value:.4g}", unit, target, verdict)


@contextlib.contextmanager
def promised(*names):
    """What goes wrong inside is told, and costs only the figures of these names."""
    try:
        yield
    except Exception as error:  # whatever it is, the other figures are still wanted
        output = getattr(error, "output", None) or ""
        progress(f"bench: {error!r}\n{output}".rstrip())
    for name in names:
        if name not in shown:
            lost.append(name)
            line(name, "-", "-", "-", "missing")


def chosen(names):
    """Those of a bench's parts that BENCH_PARTS names, in the bench's order; all where it names none."""
    words = os.environ.get("BENCH_PARTS", "").split()
    for word in words:
        if word not in names:
            sys.exit(f"bench: BENCH_PARTS: unknown part '{word}'; there are: {' '.join(names)}")
    return [name for name in names if not words or name in words]


class Steps:
    """Tells which part of how many begins, and how long each took."""

    def __init__(self, names):
        self.names, self.done = names, 0

    @contextlib.contextmanager
    def step(self, name):
        self.done += 1
        what, began = f"[{self.done}/{len(self.names)}] {name}", time.monotonic()
        progress(what)
        try:
            yield
        finally:
            progress(f"{what}: {time.monotonic() - began:.0f} s")


def progress(text):
    print(text, file=sys.stderr, flush=True)


def median(values):
    return statistics.median(values)


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]
