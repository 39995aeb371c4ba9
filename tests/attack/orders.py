# SPDX-License-Identifier: Apache-2.0
"""Runs the whole order of every row of `probes`, in two boots, and tells what came.

    PYTHONPATH=tests python3 -m attack.orders [--json] [NAME...]

after `./build.sh test attack` has built what is booted.
"""

import json
import pathlib
import sys
import tempfile

from attack import scratch, table


def run(folder, rows):
    found = {}
    for kernel, plan in table.plans(rows).items():
        lines = scratch.boot(pathlib.Path(folder) / kernel, kernel, plan)
        found.update(table.outcomes(kernel, lines))
    return table.results(rows, found)


def as_text(results):
    lines = [line for result in results for line in result.lines()]
    whole = sum(not result.wrong() for result in results)
    return "\n".join([*lines, f"{whole} of {len(results)} probes, whole order run and as written"])


def as_json(results):
    return json.dumps([result.json() for result in results], indent=1)


def main(words):
    names = {word for word in words if word != "--json"}
    rows = [row for row in table.rows() if not names or row.name in names]
    unknown = names - {row.name for row in rows}
    if unknown:
        print(f"no probes of these names: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        results = run(folder, rows)
    print(as_json(results) if "--json" in words else as_text(results))
    return any(result.wrong() for result in results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
