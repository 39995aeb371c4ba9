# SPDX-License-Identifier: Apache-2.0
"""python3 -m bench [--json] [NAME ...]: prints the figures of each named bench, or of all.

With --json a figure is an object on a line of its own; its value is null where it was not measured.
Ends with 1 where a figure could not be measured; one that misses its target says so itself.
"""

import importlib
import sys
import time

from bench import figures

NAMES = ["image", "boot", "kernel", "cell", "link"]


def main(words):
    figures.as_json = "--json" in words
    names = [word for word in words if word != "--json"]
    for name in names:
        if name not in NAMES:
            print(f"bench: unknown bench '{name}'; there are: {' '.join(NAMES)}", file=sys.stderr)
            return 2
    figures.header()
    for name in names or NAMES:
        began = time.monotonic()
        importlib.import_module(f"bench.{name}").main()
        figures.progress(f"bench {name}: {time.monotonic() - began:.0f} s")
    if figures.lost:
        print(f"bench: not measured: {' '.join(figures.lost)}", file=sys.stderr)
    return 1 if figures.lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
