# SPDX-License-Identifier: Apache-2.0
"""The policies of hostd/policy as attack-cells prints them, and what a filter makes of a call."""

import collections
import errno
import subprocess

from attack import scratch

PROFILES = ("python", "lua", "cell-init")
WORD = (1 << 64) - 1
SOCKET, AF_MAX = 41, 46  # an unknown domain of AF_MAX's is told to be unknown, hostd/cell/seccomp.c

Rule = collections.namedtuple("Rule", "name number error loopback argument mask value reason")


def rules(profile):
    text = subprocess.run([scratch.PROGRAMS / "attack-cells", "policy", profile], check=True,
                          capture_output=True, text=True).stdout
    for line in text.splitlines():
        name, number, error, loopback, argument, mask, value, reason = line.split("\t")
        yield Rule(name, int(number), int(error), loopback == "1", int(argument), int(mask),
                   int(value), reason)


def of_machine(profile, sealed=False):
    """The rules that count here: calls of this machine, and of such a network."""
    return [rule for rule in rules(profile)
            if rule.number >= 0 and not (sealed and rule.loopback)]


def matches(rule, arguments):
    if rule.argument < 0:
        return True
    given = arguments[rule.argument] if rule.argument < len(arguments) else WORD
    return given & rule.mask == rule.value


def answer(table, number, arguments=()):
    """None where the filter lets the call through; else the name of what it answers.
    Arguments that are not given are all ones, as in a sweep."""
    arguments = [argument & WORD for argument in arguments]
    mine = [rule for rule in table if rule.number == number and matches(rule, arguments)]
    if any(not rule.error for rule in mine):
        return None
    if mine:
        return name(mine[0].error)
    if number == SOCKET and arguments and arguments[0] & 0xFFFFFFFF < AF_MAX:
        return "EAFNOSUPPORT"
    return "EPERM"


def name(error):
    # One number, two names: the program says the one of POSIX.
    return "ENOTSUP" if error == errno.EOPNOTSUPP else errno.errorcode[error]
