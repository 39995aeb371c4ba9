# SPDX-License-Identifier: Apache-2.0
"""How a figure is printed: name, value, unit, target, and ok, short, info or missing, by tabs."""

import contextlib
import statistics
import sys

shown = set()
lost = []  # what was promised and could not be measured: the bench then fails


def line(name, value, unit, target, verdict):
    shown.add(name)
    print(f"{name}\t{value}\t{unit}\t{target}\t{verdict}", flush=True)


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


def progress(text):
    print(text, file=sys.stderr, flush=True)


def median(values):
    return statistics.median(values)


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]
