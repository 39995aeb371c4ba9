# SPDX-License-Identifier: Apache-2.0
"""Reads all that /proc says of a process and compares it with posture_rows.py."""

import re

from lib import posture_rows as rows

SINGLE = [name for name, how in rows.ENTRIES.items() if how == "VALUES" and name != "cmdline"]
FILES = ["limits", "mountinfo", "maps", "stat", "net/dev", "net/unix", "net/tcp", "net/tcp6",
         "net/udp", "net/udp6", "attr/*", "fdinfo/*", "task/*/status", "task/*/limits",
         "task/*/cgroup"]


def _links(lines):
    """NAME -> TARGET of `ls -l`."""
    found = {}
    for line in lines:
        if " -> " in line:
            left, target = line.split(" -> ", 1)
            found[left.split()[-1]] = target
    return found


def _files(text):
    """Of `grep -H ''`: the lines of each file; of what cannot be read, how it was refused."""
    found = {}
    for line in text.splitlines():
        if line.startswith("grep: "):
            _, name, why = line.split(": ", 2)
            found[name] = [f"refused: {why}"]
        else:
            name, _, value = line.partition(":")
            found.setdefault(name, []).append(value)
    return found


def _folders(text):
    """Of `ls` of several: the lines of each."""
    found, name = {}, None
    for line in text.splitlines():
        if line.endswith(":") and " " not in line:
            name = line[:-1]
            found[name] = []
        elif line:
            found[name].append(line)
    return found


def snapshot(inside, pid):
    """A process: its own files, and status, limits, ns and cgroup of each of its threads.

    Three programs read it all: an emulated node takes long to start one.
    """
    files, listed, linked, environ, cmdline = inside.run(
        f"cd /proc/{pid}; grep -H '' {' '.join(SINGLE + FILES)}; echo '####'; "
        "ls -A . attr task/*; echo '####'; ls -l . ns fd task/*/ns; echo '####'; "
        "tr '\\0' '\\n' <environ; echo '####'; tr '\\0' ' ' <cmdline").split("####\n")
    parts = {name: [] for name in SINGLE}
    parts.update(_files(files))
    for name, names in _folders(listed).items():
        parts[f"names {name}"] = names
    for name, lines in _folders(linked).items():
        parts[f"links {name}"] = _links(lines)
    parts["environ"] = environ.split("\n")
    parts["cmdline"] = [cmdline]
    parts["pid"] = pid
    return parts


def inodes(snap, kind):
    """Of the pipes or sockets among a process's descriptors."""
    return {int(m.group(1)) for target in snap["links fd"].values()
            if (m := re.fullmatch(kind + r":\[(\d+)\]", target))}


def known_sockets(snap):
    """Every socket of the process's network namespace, by its lists."""
    found = set()
    column = {"unix": 6, "tcp": 9, "tcp6": 9, "udp": 9, "udp6": 9}
    for name, at in column.items():
        for line in snap[f"net/{name}"][1:]:
            fields = line.split()
            if len(fields) > at and fields[at].isdigit():
                found.add(int(fields[at]))
    return found


def _among(numbers):
    return r"\[(" + "|".join(map(str, sorted(numbers)) if numbers else ["none"]) + r")\]"


class Check:
    """Collects what differs: `where: what is wrong`."""

    def __init__(self, who, facts):
        self.who, self.facts, self.wrong = who, facts, []

    def fail(self, where, text):
        self.wrong.append(f"{self.who}: {where}: {text}")

    def match(self, where, pattern, value):
        pattern = pattern.format(**{key: value for key, value in self.facts.items()})
        if not re.fullmatch(pattern, value):
            self.fail(where, f"{value!r} is not {pattern!r}")

    def table(self, where, found, expected, column=0):
        """Every name found is expected with its value, and the other way round."""
        for name, value in found.items():
            if name not in expected:
                self.fail(f"{where} {name}", f"is not known (value {value!r})")
            else:
                self.match(f"{where} {name}", expected[name][column], value)
        for name in expected.keys() - found.keys():
            self.fail(f"{where} {name}", "is missing")


def status_of(lines):
    return {name: value for name, value in (line.split(":", 1) for line in lines)}


def check_status(check, lines, table):
    found = {name: value.strip() for name, value in status_of(lines).items()}
    check.table("status", found, table)


def check_limits(check, lines, table=None):
    table = rows.LIMITS if table is None else table
    seen = set()
    for line in lines[1:]:
        name = line[:26].strip()
        fields = line[26:].split()
        seen.add(name)
        if name not in table:
            check.fail(f"limits {name}", f"is not known ({fields})")
            continue
        check.match(f"limits {name}, soft", table[name][0], fields[0])
        check.match(f"limits {name}, hard", table[name][1], fields[1])
    for name in table.keys() - seen:
        check.fail(f"limits {name}", "is missing")


def check_values(check, snap, table):
    for name, row in table.items():
        check.match(name, row[0], " ".join(" ".join(snap[name]).split()))


def check_ns(check, links):
    for name, target in links.items():
        if name not in rows.NS:
            check.fail(f"ns {name}", f"is not known ({target})")
            continue
        kind = rows.NS[name][0]
        if kind == "node" and target != check.facts["node_ns"][name]:
            check.fail(f"ns {name}", f"{target} is not the node's")
        if kind == "own" and target == check.facts["node_ns"][name]:
            check.fail(f"ns {name}", "is the node's")
        if kind == "own" and target != check.facts["own_ns"][name]:
            check.fail(f"ns {name}", f"{target} is not that of the cell's PID 1")
    for name in rows.NS.keys() - links.keys():
        check.fail(f"ns {name}", "is missing")


def mounts_of(lines):
    """Mount point: (root, options, optional fields, type, source, super block's options)."""
    found = {}
    for line in lines:
        left, right = line.split(" - ", 1)
        fields = left.split(" ")
        kind, source, super_options = right.split(" ", 2)
        assert fields[4] not in found, f"two mounts on {fields[4]}"
        found[fields[4]] = (fields[3], fields[5], " ".join(fields[6:]), kind, source,
                            super_options)
    return found


def check_mount(check, point, mount, row):
    root, options, optional, kind, source, super_options = mount
    for what, pattern, value in (("root", row[0], root), ("options", row[1], options),
                                 ("type", row[2], kind), ("source", row[3], source),
                                 ("super block", row[4], super_options)):
        check.match(f"mount {point}, {what}", pattern, value)
    if optional:
        check.fail(f"mount {point}", f"passes on mounts: {optional!r}")


def check_mounts(check, lines, table, optional=(), covered=()):
    found = mounts_of(lines)
    for point, mount in found.items():
        if point in table:
            check_mount(check, point, mount, table[point])
        elif point in optional:
            check_mount(check, point, mount, optional[point])
        elif point in covered:
            check_mount(check, point, mount, rows.PROC_COVER)
        else:
            check.fail(f"mount {point}", f"is not known ({mount})")
    for point in (set(table) | set(covered)) - found.keys():
        check.fail(f"mount {point}", "is missing")


def check_fds(check, snap, known):
    for number, target in snap["links fd"].items():
        for pattern, numbers, _ in known:
            if (re.fullmatch(pattern.format(**check.facts), target)
                    and re.fullmatch(numbers, number)):
                break
        else:
            check.fail(f"fd {number}", f"{target} is not among what is known")


def check_inheritance(check, snap, inherited):
    for name, lines in snap.items():
        if not str(name).startswith("fdinfo/"):
            continue
        number = name.split("/")[1]
        if lines[0].startswith("refused: No such file"):
            continue  # closed since it was listed
        flags = next(line.split()[1] for line in lines if line.startswith("flags:"))
        if not int(flags, 8) & 0o2000000 and not re.fullmatch(inherited, number):
            check.fail(f"fd {number}", "is not close-on-exec")


def check_maps(check, lines):
    for line in lines:
        fields = line.split(maxsplit=5)
        rights, device, path = fields[1], fields[3], fields[5] if len(fields) > 5 else ""
        if "w" in rights and "x" in rights:
            check.fail("maps", f"writable and executable: {line}")
        if not any(re.fullmatch(pattern, path) for pattern, _ in rows.MAPS):
            check.fail("maps", f"{path} is not among what is known")
        if path.startswith("/usr/") and device != check.facts["device"]:
            check.fail("maps", f"{path} is on {device}, not the environment's device")


def check_environ(check, name, value, known):
    if not any(re.fullmatch(n, name) and re.fullmatch(v, value) for n, v in known.items()):
        check.fail(f"environ {name}", f"is not known ({value!r})")


def check_rest(check, snap, network):
    fields = " ".join(snap["stat"]).rsplit(")", 1)[1].split()
    for number, (pattern, _) in rows.STAT.items():
        check.match(f"stat {number}", pattern, fields[number - 3])
    links = snap["links ."]
    for name, (pattern, _) in rows.LINKS.items():
        check.match(name, pattern, links[name])
    for line in snap["environ"]:
        name, _, value = line.partition("=")
        if line:
            check_environ(check, name, value, rows.ENVIRON)
    interfaces = sorted(line.split(":")[0].strip() for line in snap["net/dev"][2:])
    if interfaces != rows.INTERFACES[network]:
        check.fail("net/dev", f"{interfaces}")


def check_names(check, names):
    for name in names:
        if name not in rows.ENTRIES:
            check.fail("entries", f"/proc/PID/{name} is not known")


def compare(snap, kind, facts, network="loopback"):
    """All that is not as posture_rows.py says of a process of a cell: an empty list."""
    check = Check(f"{kind} {snap['pid']}", dict(
        facts, sockets=_among(known_sockets(snap) | facts["accepted"]), pipes=_among(facts["pipes"]),
        exit=_among(facts["exit"])))
    check_names(check, snap["names ."])
    check_values(check, snap, rows.VALUES)
    check.table("attr", {name: "\n".join(snap.get(f"attr/{name}", []))
                         for name in snap["names attr"]}, rows.ATTR)
    check_mounts(check, snap["mountinfo"], rows.MOUNTS, rows.OPTIONAL_MOUNTS, facts["covered"])
    check_fds(check, snap, rows.FDS[kind])
    check_inheritance(check, snap, rows.INHERITED[kind])
    check_maps(check, snap["maps"])
    check_rest(check, snap, network)
    for name in snap:
        thread = name.rsplit("/", 1)[0]
        if str(name).endswith("/status"):
            check_status(check, snap[name], rows.STATUS)
            check_names(check, snap[f"names {thread}"])
            check_limits(check, snap[f"{thread}/limits"])
            check_ns(check, snap[f"links {thread}/ns"])
            check.match("cgroup", rows.VALUES["cgroup"][0], " ".join(snap[f"{thread}/cgroup"]))
    return check.wrong


def node_ns(inside):
    return _links(inside.run("ls -l /proc/1/ns").splitlines())


def facts_of(inside, cell, environment, pids_max=128):
    """What the rows' {names} stand for in this cell, and its snapshots by PID."""
    snaps = {pid: snapshot(inside, pid) for pid in cell.pids()}
    first = min(snaps)
    uid = status_of(snaps[first][f"task/{first}/status"])["Uid"].split()[0]
    own_ns = snaps[first]["links ns"]
    device = next(line.split()[3] for line in snaps[first]["maps"] if "cell-init" in line)
    proc = inside.run("ls -A /proc").split()
    outside = set()
    for pid in inside.run("cat /sys/fs/cgroup/hostd/*/cgroup.procs /sys/fs/cgroup/init/"
                          "cgroup.procs /sys/fs/cgroup/cells/*/relay/cgroup.procs").split():
        outside |= {int(number) for number in re.findall(
            r"pipe:\[(\d+)\]", inside.run(f"ls -l /proc/{pid}/fd", check=False)[1])}
    # What accept() gives belongs to the namespace of the one who connected: the relay's, empty.
    (relay,) = cell.pids("relay")
    accepted = {int(line.split()[6]) for line in
                inside.run(f"cat /proc/{relay}/net/unix").splitlines() if "/run/kernel/" in line}
    flags = inside.run("grep -m 1 ^flags /proc/cpuinfo").split()
    pipes = {number for snap in snaps.values() for number in inodes(snap, "pipe")}
    return snaps, {
        "id": cell.id, "uid": uid, "environment": environment, "pids": pids_max + 1,
        "pids_behind": pids_max + 1,
        "secret": "[0-9a-f]{64}", "node_ns": node_ns(inside), "own_ns": own_ns, "device": device,
        "branch": "conditional force disabled|always disabled|not affected"
                  + ("" if {"ibpb", "amd_ibpb"} & set(flags) else "|always enabled"),
        "exit": pipes & outside, "pipes": pipes - outside, "accepted": accepted,
        "covered": {f"/proc/{name}" for name in proc
                    if not name.isdigit() and name not in rows.PROC_SHOWN | rows.PROC_LINKS
                    | {"sys"}},
    }
