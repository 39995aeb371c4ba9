# SPDX-License-Identifier: Apache-2.0
"""Output through the whole path and through one raw CURVE pair of the same message size, in turns.

Both are bound by the CPUs: the path has five processes where the pair has two, and each byte is
hashed twice more and copied more often. So the CPU time a message is told, too, of each process and
of the pair's two, and two shares of the pair's rate that follow from it: what it allows where all
CPUs are busy, and what it allows where each process has a CPU of its own and the busiest one of the
path is held against the busier one of the pair.
"""

import pathlib
import resource

from bench import roundtrip
from bench.figures import median, progress, show
from bench.usage import Usage
from lib.client import stop_kernel
from lib.projects import start_in

TURNS = 3
ENDS = ("sender", "receiver")  # of the pair
KIB, MIB = 1 << 10, 1 << 20
# Name, letters printed at once, messages. Their headers add 430 bytes. A kernel cuts what is
# printed to 64 KiB; only what is displayed makes one message of more.
SIZES = (("1KiB", 1 * KIB - 430, 30000), ("16KiB", 16 * KIB - 430, 8000),
         ("60KiB", 60 * KIB, 4000), ("1MiB", 1 * MIB, 200))


def printing(number, size):
    """The kernel joins what is printed to one stream to its neighbours: the streams take turns."""
    return (f"local s=string.rep('x',{size}) "
            f"for i=1,{number // 2} do io.write(s) io.stderr:write(s) end")


def displaying(number, size):
    return (f"local s={{['text/plain']=string.rep('x',{size})}} "
            f"for i=1,{number} do display(s) end")


def flood(gateway, kernel, code, stall=0):
    found = roundtrip.bench_link(gateway, "flood", f"127.0.0.1:{gateway.http_port}", kernel, code,
                                 stall)
    return {name: value for name, (value, _) in found.items()}


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def kernel_pid(plain, kernel):
    """Beside it its cell has an init."""
    return next(pid for pid in plain.members("cell", kernel)
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "lua-kernel\n")


def parts(gateway, plain, kernel):
    return {"kernel": Usage(kernel_pid(plain, kernel)),
            "relay": Usage(plain.members("relay", kernel)[0]),
            "link": Usage(plain.link()), "gateway": Usage(gateway.process.pid)}


def turn(gateway, kernel, usages, code, number):
    """One flood, one raw pair; CPU microseconds a message are added to the first's figures."""
    for usage in usages.values():
        usage.ask()
    before = children_cpu()
    ours = flood(gateway, kernel, code)
    cpu = {"client": children_cpu() - before}
    cpu |= {name: usage.ask()[0] for name, usage in usages.items()}
    raw = roundtrip.bench_link(None, "pair", round(ours["flood.size"]), number)
    cpu = {name: 1e6 * used / number for name, used in cpu.items()}
    cpu |= {f"pair.{end}": raw[f"pair.cpu.{end}"][0] for end in ENDS}
    return ours, raw["pair.bytes"][0], cpu


def measure(gateway, plain, kernel, name, size, number):
    code = (displaying if size > 64 * KIB else printing)(number, size)
    usages = parts(gateway, plain, kernel)
    turns = [turn(gateway, kernel, usages, code, number) for _ in range(TURNS)]
    rate = max(ours["flood.bytes"] for ours, _, _ in turns)
    pair = max(raw for _, raw, _ in turns)
    cpu = {one: median([each[one] for _, _, each in turns]) for one in turns[0][2]}
    mine = [used for one, used in cpu.items() if not one.startswith("pair.")]
    ends = [cpu[f"pair.{end}"] for end in ENDS]
    prefix = f"link.throughput.{name}"
    show(prefix, rate, "MiB/s")
    show(f"{prefix}.messages", max(ours["flood.messages"] for ours, _, _ in turns), "1/s")
    show(f"{prefix}.raw_pair", pair, "MiB/s")
    show(f"{prefix}.of_raw_pair", 100 * rate / pair, "%", least=80)
    show(f"{prefix}.of_raw_pair.by_cpu_time", 100 * sum(ends) / sum(mine), "%")
    show(f"{prefix}.of_raw_pair.a_cpu_each", 100 * max(ends) / max(mine), "%")
    for one, used in cpu.items():
        show(f"{prefix}.cpu.{one}", used, "CPU-us a message")


def names():
    return [f"link.throughput.{name}.of_raw_pair" for name, _, _ in SIZES]


def main(gateway, plain):
    kernel = start_in(gateway, "bench", "lua")
    flood(gateway, kernel, printing(100, KIB))
    for name, size, number in SIZES:
        progress(f"throughput of outputs of {name}, {TURNS} times {number}")
        measure(gateway, plain, kernel, name, size, number)
    stop_kernel(gateway, kernel)
