# SPDX-License-Identifier: Apache-2.0
"""The table of probes (`probes` beside this), and how each row's order of refusers is run.

A row's stages: with nothing taken away the first refuser answers; without it the next, and so on
to the end, where the attempt gets through. Besides, each refuser is met alone, all others of the
row taken away: it must refuse by itself, so that none stands in the table that stops nothing.
"""

import collections
import pathlib

TABLE = pathlib.Path(__file__).parent / "probes"

Row = collections.namedtuple("Row", "name lua egress order end what why")
Run = collections.namedtuple("Run", "kernel lax removed")  # which cell an attempt is made in
Stage = collections.namedtuple("Stage", "run label expected alone")


def parse(text):
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        assert len(fields) == 5, f"line {number}: five fields are wanted"
        name, refusers, end, what, why = fields
        pairs = [tuple(word.split(":", 1)) for word in refusers.split()]
        aside = {key: outcome for key, outcome in pairs if key in ("lua", "egress")}
        order = tuple(pair for pair in pairs if pair[0] not in aside)
        yield Row(name, aside.get("lua"), aside.get("egress"), order, end, what, why)


def rows():
    return list(parse(TABLE.read_text()))


def _run(removed, kernel=None):
    kernel = kernel or ("permissive" if "kernel" in removed else "product")
    return Run(kernel, "sysctl" in removed or kernel == "permissive", frozenset(removed) - {"kernel"})


def stages(row):
    keys = [key for key, _ in row.order]
    for index, (key, outcome) in enumerate(row.order):
        yield Stage(_run(keys[:index]), f"without {' '.join(keys[:index])}" if index else "whole",
                    marked(key, outcome.split("/")[0]), False)
    yield Stage(_run(keys), f"without {' '.join(keys)}", row.end, False)
    for key, outcome in row.order if len(keys) > 1 else ():
        others = [other for other in keys if other != key]
        run = _run(others, "product" if key == "kernel" else None)
        yield Stage(run, f"{key} alone", marked(key, outcome.split("/")[-1]), True)


def marked(key, outcome):
    """In cells of our own what the filter answers is marked: nothing else could have said it."""
    return f"filter:{outcome}" if key == "filter" and not outcome.startswith("signal:") else outcome


def first(row, profile, network="loopback"):
    """What a cell of the real hostd answers, where nothing is marked."""
    if network == "egress" and row.egress:
        return row.egress
    if profile == "lua" and row.lua:
        return row.lua
    return row.order[0][1].split("/")[0]


def plans(table):
    """Of each kernel the lines for attack-cells, and how many cells that makes."""
    wanted = collections.OrderedDict()
    for row in table:
        for stage in stages(row):
            wanted.setdefault(stage.run, {})[row.name] = None
    lines = {"product": ["sysctl lax"], "permissive": ["sysctl lax"]}
    # What a strict sysctl forbids cannot be allowed again: the lax ones come first.
    for lax in (True, False):
        if not lax:
            lines["product"].append("sysctl strict")
        for run, names in wanted.items():
            if run.lax == lax:
                lines[run.kernel] += _cells(run, list(names))
    return lines


def words(run):
    return ",".join(sorted(run.removed)) or "none"


def _cells(run, names):
    plain = [name for name in names if not name.startswith("build-")]
    if plain:
        yield f"cell python {words(run)} {' '.join(plain)}"
    for name in names:
        if name.startswith("build-"):
            yield f"build {name[len('build-'):]} {words(run)}"


def outcomes(kernel, lines):
    """What attack-cells printed, as {(Run, name): outcome}."""
    found, lax, removed = {}, True, None
    for line in lines:
        fields = line.split()
        if line.startswith("cell "):
            removed = frozenset(fields[2].split(",")) - {"none"}
            if kernel == "product" and lax and "sysctl" not in removed:
                lax = False
        elif line.startswith("probe ") and len(fields) == 3:
            found[Run(kernel, lax, removed), fields[1]] = fields[2]
    return found


class Result(collections.namedtuple("Result", "row stages")):
    """A row and, for each of its stages, what came."""

    def wrong(self):
        return [(stage, came) for stage, came in self.stages if came != stage.expected]

    def lines(self):
        state = "ok" if not self.wrong() else "WRONG"
        yield f"{self.row.name}: {state}: {self.row.what} ({self.row.why})"
        for stage, came in self.stages:
            kernel = " on the permissive kernel" if stage.run.kernel == "permissive" else ""
            wrong = "" if came == stage.expected else f", wanted {stage.expected}"
            yield f"    {stage.label}{kernel}: {came or 'not run'}{wrong}"

    def json(self):
        return {"name": self.row.name, "what": self.row.what, "why": self.row.why,
                "ok": not self.wrong(), "lua": self.row.lua,
                "egress": self.row.egress,
                "stages": [{"stage": stage.label, "kernel": stage.run.kernel, "expected": stage.expected,
                            "came": came, "alone": stage.alone} for stage, came in self.stages]}


def results(table, found):
    return [Result(row, [(stage, found.get((stage.run, row.name))) for stage in stages(row)])
            for row in table]
