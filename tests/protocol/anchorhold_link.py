# SPDX-License-Identifier: Apache-2.0
"""The link's frames once more, from PROTOCOL.md alone: a check that the document is exact.

unpack(bytes) gives (type name, dict of fields) or raises ValueError; pack() is its inverse.
"""
import re
import struct

VERSION = 3
FRAME_MAX = 96 * 1024
CHUNK_MAX = 64 * 1024
MESSAGE_MAX = 16 * 1024 * 1024
WINDOW_MAX = 4 * 1024 * 1024
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}\Z")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def refuse(ok, why):
    if not ok:
        raise ValueError(why)


class Integer:
    def __init__(self, code, low=0, high=None):
        self.code, self.size = ">" + code, struct.calcsize(">" + code)
        self.low, self.high = low, high
        if code == "i":
            self.low = None

    def check(self, value):
        refuse(self.low is None or value >= self.low, "under its range")
        refuse(self.high is None or value <= self.high, "over its range")

    def pack(self, value):
        self.check(value)
        return struct.pack(self.code, value)

    def unpack(self, data, at):
        refuse(len(data) - at >= self.size, "too short")
        (value,) = struct.unpack_from(self.code, data, at)
        self.check(value)
        return value, at + self.size


class Raw:
    """So many bytes; with a length before them where size is None."""

    def __init__(self, size=None, low=0, high=0, check=None):
        self.size, self.low, self.high, self.check = size, low, high, check

    def pack(self, value):
        if self.check:
            self.check(value)
        if self.size is not None:
            refuse(len(value) == self.size, "length")
            return value
        refuse(self.low <= len(value) <= self.high, "length")
        return struct.pack(">I", len(value)) + value

    def unpack(self, data, at):
        size = self.size
        if size is None:
            size, at = Integer("I", self.low, self.high).unpack(data, at)
        refuse(len(data) - at >= size, "too short")
        value = data[at:at + size]
        if self.check:
            self.check(value)
        return value, at + size


class Text:
    def __init__(self, rule, high=63):
        self.rule, self.high = rule, high

    def check(self, value):
        if self.rule == "display":
            refuse(not CONTROL.search(value), "control character")
        else:
            refuse(NAME.match(value) or (self.rule == "project" and value == ""), "no name")

    def pack(self, value):
        self.check(value)
        raw = value.encode()
        refuse(len(raw) <= self.high, "too long")
        return bytes([len(raw)]) + raw

    def unpack(self, data, at):
        size, at = U8.unpack(data, at)
        refuse(size <= self.high and len(data) - at >= size, "too long")
        value = data[at:at + size].decode()  # UnicodeDecodeError is a ValueError
        self.check(value)
        return value, at + size


class List:
    def __init__(self, high, row):
        self.count, self.row = Integer("I", 0, high), row

    def pack(self, value):
        return self.count.pack(len(value)) + b"".join(self.row.pack(each) for each in value)

    def unpack(self, data, at):
        count, at = self.count.unpack(data, at)
        rows = []
        for _ in range(count):
            row, at = self.row.unpack(data, at)
            rows.append(row)
        return rows, at


class Fields:
    """Fields by name; `when` adds the fields that follow by the value of one before."""

    def __init__(self, *fields, when=None, rule=None):
        self.fields, self.when, self.rule = fields, when or {}, rule

    def follow(self, value):
        for (name, wanted), fields in self.when.items():
            if value.get(name) == wanted:
                return fields.fields + fields.follow(value)
        return ()

    def pack(self, value):
        if self.rule:
            self.rule(value)
        fields = self.fields + self.follow(value)
        refuse(set(value) == {name for name, _ in fields}, "fields")
        return b"".join(field.pack(value[name]) for name, field in fields)

    def unpack_into(self, value, data, at):
        for name, field in self.fields:
            value[name], at = field.unpack(data, at)
        for (name, wanted), fields in self.when.items():
            if value[name] == wanted:
                at = fields.unpack_into(value, data, at)
        return at

    def unpack(self, data, at):
        value = {}
        at = self.unpack_into(value, data, at)
        if self.rule:
            self.rule(value)
        return value, at


U8, U16, U32, U64, I32 = (Integer(code) for code in "BHIQi")
SOME64 = Integer("Q", 1)
ID = Raw(16)
NAME_, PROJECT, DISPLAY, LONG = Text("name"), Text("project"), Text("display"), Text("display", 255)
PRESSURE = Integer("I", 0, 10000)


def log_text(value):
    refuse(not CONTROL.search(value.decode().replace("\n", "").replace("\t", "")), "control")


def chunk_rule(epoch, channel_max):
    def rule(value):
        refuse(value["offset"] + len(value["data"]) <= value["total"], "beyond the message")
        refuse((value["epoch"] != 0) == epoch and value["channel"] <= channel_max, "direction")
    return rule


def detach_rule(value):
    refuse(value["value"] == 0, "value")


def egress_rule(value):
    refuse(value["address"] % (1 << 32 - value["bits"]) == 0, "bits behind the prefix")
    refuse(value["protocol"] in (0, 1, 6, 17), "protocol")
    first, last = value["port_first"], value["port_last"]
    refuse((first, last) == (0, 0) or (value["protocol"] in (6, 17) and 0 < first <= last), "ports")


def request_rule(value):
    refuse(value["verb"] != 1 or any(value["kernel_id"]), "no kernel's id")
    if value["verb"] == 1 and not value["project"]:
        refuse(not value["workspace"] and not value["strict"], "needs a project")


AMOUNT = Integer("I", 0, 2 ** 31 - 1)
FLAG = Integer("B", 0, 1)
NETWORK = Fields(
    ("network", Integer("B", 0, 2)),
    when={("network", 2): Fields(
        ("rules", List(32, Fields(
            ("address", U32), ("bits", Integer("B", 0, 32)), ("protocol", U8), ("port_first", U16),
            ("port_last", U16), rule=egress_rule))),
        ("resolvers", List(3, Integer("I", 1))), ("rate_kibps", AMOUNT), ("bytes_max", U64))})
START = Fields(
    ("environment", NAME_), ("project", PROJECT), ("memory_mib", AMOUNT), ("cpu_milli", AMOUNT),
    ("cpu_weight", Integer("I", 0, 10000)), ("pids_max", AMOUNT), ("tmpfs_mib", AMOUNT),
    ("io_kibps", AMOUNT), ("io_iops", AMOUNT), ("wall_s", AMOUNT), ("idle_s", AMOUNT),
    ("execution_s", AMOUNT), ("grace_s", Integer("I", 0, 3600)), ("output_kibps", AMOUNT),
    ("output_messages", AMOUNT), ("workspace", Integer("B", 0, 2)), ("workspace_exec", FLAG),
    ("workspace_mib", AMOUNT), ("workspace_inodes", AMOUNT), ("strict", FLAG), *NETWORK.fields,
    when=NETWORK.when)
CHUNK = (("kernel_id", ID), ("incarnation", U32), ("session", SOME64), ("epoch", U64),
         ("seq", SOME64), ("channel", Integer("B", 0, 3)), ("total", Integer("I", 1, MESSAGE_MAX)),
         ("offset", Integer("I", 0, MESSAGE_MAX - 1)), ("data", Raw(None, 1, CHUNK_MAX)))
SESSION = (("kernel_id", ID), ("session", SOME64), ("value", U64))

TYPES = {
    1: ("HELLO", Fields(
        ("boot_id", ID), ("name", NAME_), ("version", NAME_), ("build_id", NAME_),
        ("entry_to_link_ms", U64), ("counter", U64), ("tag", Raw(32)), ("cpus", U32),
        ("memory_mib", U32), ("kernels_max", U32), ("promises", U32),
        ("environments", List(32, Fields(
            ("name", NAME_), ("display_name", DISPLAY), ("language", NAME_), ("version", NAME_),
            ("interrupt_message", Integer("B", 0, 1))))),
        ("missing", List(32, NAME_)),
        ("timeline", List(16, Fields(("name", NAME_), ("ms", U64)))),
        ("kernels", List(512, Fields(
            ("id", ID), ("incarnation", U32), ("state", Integer("B", 1, 4)),
            ("environment", NAME_), ("project", PROJECT)))))),
    2: ("WELCOME", Fields(
        ("gateway_epoch", SOME64), ("time_ms", U64), ("counter", SOME64), ("tag", Raw(32)),
        ("next_key", Raw(32)))),
    3: ("STATUS", Fields(
        ("uptime_ms", U64), ("kernels", U32), ("memory_available_mib", U32), ("load_milli", U32),
        ("pressure_cpu", PRESSURE), ("pressure_memory", PRESSURE), ("pressure_io", PRESSURE))),
    4: ("REQUEST", Fields(
        ("id", U64), ("verb", Integer("B", 1, 9)), ("kernel_id", ID), rule=request_rule,
        when={("verb", 1): START, ("verb", 5): Fields(("lines", U32)), ("verb", 6): NETWORK,
              ("verb", 7): Fields(("on", FLAG)),
              ("verb", 9): Fields(("stage", Integer("B", 1, 2)))})),
    5: ("RESULT", Fields(
        ("id", U64), ("code", Integer("H", 0, 12)), ("error", I32), ("incarnation", U32),
        ("text", Raw(None, 0, CHUNK_MAX, log_text)))),
    6: ("KERNEL", Fields(
        ("kernel_id", ID), ("incarnation", U32), ("state", Integer("B", 1, 4)),
        ("reason", Integer("B", 0, 10)), ("status", I32), ("text", LONG))),
    7: ("ATTACH", Fields(
        ("kernel_id", ID), ("session", SOME64), ("resume", Integer("B", 0, 1)), ("cursor", U64),
        ("credit", Integer("I", 0, WINDOW_MAX)))),
    8: ("DETACH", Fields(*SESSION, rule=detach_rule)),
    9: ("CREDIT", Fields(*SESSION)),
    10: ("CURSOR", Fields(*SESSION)),
    11: ("IN", Fields(*CHUNK, rule=chunk_rule(True, 2))),
    12: ("OUT", Fields(*CHUNK, rule=chunk_rule(False, 3))),
    13: ("REFUSED", Fields(
        ("kernel_id", ID), ("session", SOME64), ("seq", U64), ("channel", Integer("B", 0, 3)),
        ("code", Integer("H", 1, 12)))),
    14: ("EVENT", Fields(
        ("boot_id", ID), ("seq", SOME64), ("time_ms", U64), ("kernel_id", ID), ("kind", NAME_),
        ("project", PROJECT), ("text", LONG))),
    15: ("EVENT_ACK", Fields(("seq", U64))),
    16: ("ENROL", Fields(("name", NAME_), ("public_key", Raw(32)), ("secret", Raw(32)))),
    17: ("VERDICT", Fields(("code", Integer("B", 1, 5)), ("text", LONG))),
    18: ("JOIN_ACK", Fields(("counter", SOME64))),
}
NUMBERS = {name: number for number, (name, _) in TYPES.items()}


def pack(name, value):
    frame = bytes([VERSION, NUMBERS[name]]) + TYPES[NUMBERS[name]][1].pack(value)
    refuse(len(frame) <= FRAME_MAX, "frame too large")
    return frame


def unpack(frame):
    refuse(2 <= len(frame) <= FRAME_MAX, "frame size")
    refuse(frame[0] == VERSION and frame[1] in TYPES, "version or type")
    name, fields = TYPES[frame[1]]
    value, at = fields.unpack(frame, 2)
    refuse(at == len(frame), "bytes left over")
    return name, value


def blob_pack(parts):
    refuse(4 <= len(parts) <= 64, "number of parts")
    blob = struct.pack(">I", len(parts))
    blob += b"".join(struct.pack(">I", len(part)) for part in parts) + b"".join(parts)
    refuse(len(blob) <= MESSAGE_MAX, "message too large")
    return blob


def blob_unpack(blob):
    refuse(4 <= len(blob) <= MESSAGE_MAX, "message size")
    (count,) = struct.unpack_from(">I", blob)
    refuse(4 <= count <= 64 and len(blob) >= 4 + 4 * count, "number of parts")
    at, parts = 4 + 4 * count, []
    for size in struct.unpack_from(">%dI" % count, blob, 4):
        refuse(len(blob) - at >= size, "too short")
        parts.append(blob[at:at + size])
        at += size
    refuse(at == len(blob), "bytes left over")
    return parts
