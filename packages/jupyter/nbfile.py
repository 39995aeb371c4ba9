# SPDX-License-Identifier: Apache-2.0
"""What `build.sh run` wants to know of a notebook.

check FILE   is it one?
kernel FILE  which environment it asks for; python where it names none that the nodes have
show FILE    what its cells printed
"""

import json
import sys

ENVIRONMENTS = ("python", "lua")


def load(path):
    with open(path, encoding="utf-8") as file:
        notebook = json.load(file)
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ValueError("no list of cells")
    return notebook


def kernel(notebook):
    spec = notebook.get("metadata", {}).get("kernelspec") or {}
    for name in (spec.get("name"), spec.get("language")):
        if name in ENVIRONMENTS:
            return name
    return ENVIRONMENTS[0]


def text(value):
    return "".join(value) if isinstance(value, list) else str(value)


def output_lines(output):
    kind = output["output_type"]
    if kind == "stream":
        return text(output["text"]).splitlines()
    if kind == "error":
        return "\n".join(output["traceback"]).splitlines()
    data = output.get("data", {})
    lines = text(data.get("text/plain", "")).splitlines()
    rich = (f"{name}, {len(text(value))} characters"
            for name, value in sorted(data.items()) if name != "text/plain")
    return lines + [f"[{line}]" for line in rich]


def show(notebook):
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            for line in output_lines(output):
                print("   ", line)


def main():
    verb, path = sys.argv[1:]
    try:
        notebook = load(path)
    except (ValueError, OSError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    if verb == "kernel":
        print(kernel(notebook))
    elif verb == "show":
        show(notebook)
    return 0


sys.exit(main())
