# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: appends `passed|failed|skipped NAME` to $GROUP_RESULTS as soon as it is known,
and what pytest itself calls a failed test to $GROUP_RESULTS.failed.

A group that goes over its budget still tells what it had found by then.
"""

import os


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        # A test that failed after its call had passed has both lines; the sum counts it as failed.
        with open(os.environ["GROUP_RESULTS"], "a", encoding="utf-8") as results:
            print(report.outcome, report.nodeid.replace(" ", "_"), file=results)
    if report.failed:
        with open(os.environ["GROUP_RESULTS"] + ".failed", "a", encoding="utf-8") as failed:
            print(report.nodeid, file=failed)


def pytest_collectreport(report):
    if report.failed:
        with open(os.environ["GROUP_RESULTS"], "a", encoding="utf-8") as results:
            print("failed", report.nodeid.replace(" ", "_"), file=results)
