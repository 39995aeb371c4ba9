# SPDX-License-Identifier: Apache-2.0
"""python3 -m bench [NAME ...]: prints the figures of each named bench, or of all.

Ends with 1 where a figure could not be measured; one that misses its target says so itself.
"""

import importlib
import sys

from bench import figures

NAMES = ["image", "boot", "kernel", "cell", "link"]


def main(names):
    for name in names:
        if name not in NAMES:
            print(f"bench: unknown bench '{name}'; there are: {' '.join(NAMES)}", file=sys.stderr)
            return 2
    print("name\tvalue\tunit\ttarget\tverdict", flush=True)
    for name in names or NAMES:
        importlib.import_module(f"bench.{name}").main()
    if figures.lost:
        print(f"bench: not measured: {' '.join(figures.lost)}", file=sys.stderr)
    return 1 if figures.lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
