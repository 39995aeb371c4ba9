# SPDX-License-Identifier: Apache-2.0
"""How a figure is printed: name, value, unit, target, and ok, short or info, tab-separated."""

import statistics
import sys


def show(name, value, unit, most=None, least=None):
    """One figure against its target, if it has one."""
    if most is not None:
        target, verdict = f"<= {most:g}", "ok" if value <= most else "short"
    elif least is not None:
        target, verdict = f">= {least:g}", "ok" if value >= least else "short"
    else:
        target, verdict = "-", "info"
    print(f"{name}\t{value:.4g}\t{unit}\t{target}\t{verdict}", flush=True)


def progress(text):
    print(text, file=sys.stderr, flush=True)


def median(values):
    return statistics.median(values)


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]
