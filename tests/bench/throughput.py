# SPDX-License-Identifier: Apache-2.0
"""Output through the whole path and through one raw CURVE pair of the same message size, in turns.

Once of a kernel that prints as programs do, and once of one that made and signed its message
before and only sends it again and again, as the pair's sender does: what printing costs the kernel
is its own, and no part of the way.

Both are bound by the CPUs: the path has five processes where the pair has two, and each byte is
hashed twice more and copied more often. So the CPU time a message is told, too, of each process and
of the pair's two, and two shares of the pair's rate that follow from it: what it allows where all
CPUs are busy, and what it allows where each process has a CPU of its own and the busiest one of the
path is held against the busier one of the pair. A share is the median of its turns, which all are
told.
"""

import pathlib
import resource

from bench import roundtrip
from bench.figures import median, progress, show
from bench.usage import Usage
from lib.client import stop_kernel
from lib.projects import start_in

TURNS = 3
REPLAYER = "lua-hostile"  # of the test image
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


def replaying(number, size):
    return f"hostile.replay({number}, string.rep('x',{size}))"


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
                if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("lua-kernel"))


def parts(gateway, plain, kernel):
    return {"kernel": Usage(kernel_pid(plain, kernel)),
            "relay": Usage(plain.members("relay", kernel)[0]),
            "link": Usage(plain.link()), "gateway": Usage(gateway.process.pid)}


def turn(gateway, kernel, usages, code, number):
    """One flood and one raw pair: rates, messages a second, CPU microseconds a message."""
    for usage in usages.values():
        usage.ask()
    before = children_cpu()
    ours = flood(gateway, kernel, code)
    cpu = {"client": children_cpu() - before}
    cpu |= {name: usage.ask()[0] for name, usage in usages.items()}
    raw = roundtrip.bench_link(None, "pair", round(ours["flood.size"]), number)
    cpu = {name: 1e6 * used / number for name, used in cpu.items()}
    ends = [raw[f"pair.cpu.{end}"][0] for end in ENDS]
    rate, pair = ours["flood.bytes"], raw["pair.bytes"][0]
    return {
        "rate": rate, "messages": ours["flood.messages"], "pair": pair,
        "share": 100 * rate / pair,
        "share_by_cpu": 100 * sum(ends) / sum(cpu.values()),
        "share_a_cpu_each": 100 * max(ends) / max(cpu.values()),
        "cpu": cpu | {"all": sum(cpu.values())}
        | {f"pair.{end}": used for end, used in zip(ENDS, ends)},
    }


def measure(gateway, plain, kernel, name, code, number):
    usages = parts(gateway, plain, kernel)
    turns = [turn(gateway, kernel, usages, code, number) for _ in range(TURNS)]
    prefix = f"link.throughput.{name}"
    show(prefix, median([each["rate"] for each in turns]), "MiB/s")
    show(f"{prefix}.messages", median([each["messages"] for each in turns]), "1/s")
    show(f"{prefix}.raw_pair", median([each["pair"] for each in turns]), "MiB/s")
    for share, key, least in (("of_raw_pair", "share", 80),
                              ("of_raw_pair.by_cpu_time", "share_by_cpu", None),
                              ("of_raw_pair.a_cpu_each", "share_a_cpu_each", 80)):
        found = sorted(each[key] for each in turns)
        show(f"{prefix}.{share}", median(found),
             "% (" + ", ".join(f"{one:.3g}" for one in found) + ")", least=least)
    for one in turns[0]["cpu"]:
        show(f"{prefix}.cpu.{one}", median([each["cpu"][one] for each in turns]),
             "CPU-us a message")


def names():
    return [f"link.throughput.{name}{what}.of_raw_pair" for name, _, _ in SIZES
            for what in ("", ".replayed")]


def main(gateway, plain):
    printer, replayer = start_in(gateway, "bench", "lua"), start_in(gateway, "bench", REPLAYER)
    flood(gateway, printer, printing(100, KIB))
    flood(gateway, replayer, replaying(100, KIB))
    for name, size, number in SIZES:
        code = (displaying if size > 64 * KIB else printing)(number, size)
        progress(f"throughput of outputs of {name}, {TURNS} times {number}")
        measure(gateway, plain, printer, name, code, number)
        measure(gateway, plain, replayer, f"{name}.replayed", replaying(number, size), number)
    stop_kernel(gateway, printer)
    stop_kernel(gateway, replayer)
