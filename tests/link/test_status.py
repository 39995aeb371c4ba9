# SPDX-License-Identifier: Apache-2.0
"""What a booted node says of itself, against what it is when one looks from inside."""

import json
import time


def shown(gateway):
    return json.loads(gateway.cli("--json", "node", "show", "node-1").stdout)


def test_what_a_node_is(gateway, inside):
    node = shown(gateway)
    read = {name: inside.run(f"cat {path}").strip() for name, path in {
        "boot": "/proc/sys/kernel/random/boot_id", "version": "/etc/anchorhold/version",
        "memory": "/proc/meminfo", "cpus": "/proc/cpuinfo"}.items()}
    assert node["boot_id"] == read["boot"].replace("-", "")
    assert node["version"] == read["version"]
    assert node["memory_mib"] == int(read["memory"].split()[1]) // 1024
    assert node["cpus"] == read["cpus"].count("processor\t:")
    assert node["missing"] == [] and node["promises"] > 70 and node["kernels_max"] > 0
    assert {"lua", "python"} <= set(node["environments"])
    text = gateway.cli("node", "show", "node-1").stdout
    assert f"{node['promises']} promised, all kept" in text and node["build_id"] in text


def test_when_each_step_of_the_boot_was_reached(gateway, inside):
    node = shown(gateway)
    steps = [(step["name"], step["ms"]) for step in node["timeline"]]
    rows = inside.run("cat /run/anchorhold/timeline").split("\n")
    assert [f"{name} {ms}" for name, ms in steps] == rows[:len(steps)]
    assert steps[0][0] == "init"
    assert {"promises", "firewall", "disk", "loop", "hostd"} <= set(dict(steps))
    times = [ms for _, ms in steps]
    assert times == sorted(times) and 0 < times[0] and times[-1] <= node["entry_to_link_ms"]


def test_pressure_is_todays(gateway, inside):
    """It rises while more want a CPU than there are; the control: at rest it is lower."""
    def cpu():
        return shown(gateway)["pressure"]["cpu"]
    deadline = time.monotonic() + 120
    while (rest := cpu()) > 30:
        assert time.monotonic() < deadline, "it is never at rest"
        time.sleep(1)
    busy = inside.run("for i in 1 2 3 4 5 6; do sh -c 'while :; do :; done' >/dev/null 2>&1 & "
                      "echo $!; done").split()
    try:
        deadline = time.monotonic() + 120
        while cpu() < rest + 30:
            assert time.monotonic() < deadline, f"it was {rest}, and is {cpu()}"
            time.sleep(1)
    finally:
        inside.run(f"kill -9 {' '.join(busy)}")


def test_the_nodes_log(gateway, inside):
    """By the link, its last lines, and no more than asked for."""
    own = inside.run("cat /run/anchorhold/log").splitlines()
    got = gateway.cli("logs", "node-1", "--lines", "3").stdout.splitlines()
    assert len(got) == 3
    now = inside.run("cat /run/anchorhold/log").splitlines()
    assert got in [now[at:at + 3] for at in range(max(0, len(own) - 3), len(now))]
