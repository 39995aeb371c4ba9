# SPDX-License-Identifier: Apache-2.0
"""Everything that a cell's /proc shows is in the table of docs/cell-proc.md, with its reason."""

import re

import pytest

from lib.client import start_kernel, stop_kernel
from lib.gateway import ROOT
from lib.projects import run

# Names by place, what opens in brackets: {place: {name: error or ""}}.
LIST = """
import errno, json, os
def look(place):
    found = {}
    for name in os.listdir(place):
        path = place + '/' + name
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK)); found[name] = ''
        except OSError as e:
            found[name] = errno.errorcode[e.errno]
    return found
me = '/proc/self'
print(json.dumps({'/proc': {k: v for k, v in look('/proc').items() if not k.isdigit()},
                  '/proc/PID': look(me), '/proc/PID/net': look(me + '/net'),
                  '/proc/PID/attr': look(me + '/attr') if os.path.exists(me + '/attr') else {},
                  '/proc/PID/task/TID': look(me + '/task/' + str(os.getpid())),
                  '/proc/sys': {os.path.join(d, f)[10:]: '' for d, _, fs in os.walk('/proc/sys')
                                for f in fs}}))
"""


def table():
    """{place: names} of the document's rows `| name, name | reason |` under `## place`."""
    places, place = {}, None
    for line in (ROOT / "docs/cell-proc.md").read_text().splitlines():
        if line.startswith("## "):
            place = line[3:].strip("`")
            places[place] = {}
        elif place and line.startswith("| `"):
            names, reason = [part.strip() for part in line.strip("|").split("|")][:2]
            assert reason, line
            for name in re.findall(r"`([^`]+)`", names):
                places[place][name] = reason
    return places


@pytest.fixture(scope="module")
def shown(cluster):
    import json
    kernel = start_kernel(cluster.gateway, "python")
    try:
        yield json.loads(run(cluster.gateway, kernel, LIST))
    finally:
        stop_kernel(cluster.gateway, kernel)


def test_every_file_has_its_reason(shown):
    listed = table()
    for place in ("/proc/PID", "/proc/PID/net", "/proc/PID/attr", "/proc/PID/task/TID",
                  "/proc/sys"):
        assert set(shown[place]) <= set(listed[place]), (
            place, sorted(set(shown[place]) - set(listed[place])))
    opens = {name for name, error in shown["/proc"].items() if error == ""}
    assert opens == set(listed["/proc"]), opens ^ set(listed["/proc"])


def test_the_rest_is_there_only_to_be_refused(shown):
    refused = {name: error for name, error in shown["/proc"].items() if error}
    assert set(refused.values()) == {"EACCES"} and len(refused) > 20, refused


def test_the_table_is_the_code_s():
    """The files beside processes: the same names as in procfs.c."""
    code = (ROOT / "hostd/cell/procfs.c").read_text()
    start = code.index("shown[] = {")
    names = set(re.findall(r'^\t\{"([^"]+)"', code[start:code.index("};", start)], re.M))
    listed = set(table()["/proc"])
    assert names <= listed
    assert listed - names <= {"self", "thread-self", "mounts", "net", "sys"}
