# SPDX-License-Identifier: Apache-2.0
"""What in a kernel's log is a complaint: nothing of a healthy machine, whoever lives on it.

A cell that is killed at its memory limit is no complaint, though the kernel prints its stack then.
"""

import re

COMPLAINT = re.compile(
    r"WARNING: |BUG: |kernel BUG at|KASAN|KFENCE|UBSAN|Oops: |general protection fault, |cut here|"
    r"rcu: INFO|rcu: .*stall|soft lockup|hard LOCKUP|blocked for more than|INFO: task|"
    r"refcount_t: |list_(add|del) corruption|usercopy: |Kernel panic|CFI failure|Bad page|"
    r"Unable to handle|scheduling while atomic|bad: scheduling|"
    r"possible (circular|recursive) locking|invalid opcode: ")


def complaints(log):
    return [line for line in log.splitlines() if COMPLAINT.search(line)]
