# SPDX-License-Identifier: Apache-2.0
"""What processes have used: CPU time and memory."""

import pathlib
import time


def cpu_clock(pid):
    """clock_getcpuclockid(3), which Python has not: a process's clock, by the nanosecond where
    /proc counts hundredths of a second."""
    return ~pid << 3 | 2


class Usage:
    """What a process has used since it was last asked."""

    def __init__(self, pid):
        self.pid, self.cpu, self.at = pid, 0.0, time.monotonic()
        self.ask()

    def ask(self):
        """CPU-seconds, and seconds."""
        cpu, now = time.clock_gettime(cpu_clock(self.pid)), time.monotonic()
        used = cpu - self.cpu, now - self.at
        self.cpu, self.at = cpu, now
        return used

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def pss_mib(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(rollup.split("\nPss:")[1].split()[0]) / 1024
