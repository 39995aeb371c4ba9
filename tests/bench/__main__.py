# SPDX-License-Identifier: Apache-2.0
"""python3 -m bench [NAME ...]: prints the figures of each named bench, or of all."""

import importlib
import sys

NAMES = ["image", "boot", "kernel", "cell"]


def main(names):
    for name in names:
        if name not in NAMES:
            print(f"bench: unknown bench '{name}'; there are: {' '.join(NAMES)}", file=sys.stderr)
            return 2
    print("name\tvalue\tunit\ttarget\tverdict", flush=True)
    for name in names or NAMES:
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
