# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: appends `passed|failed|skipped NAME` to $GROUP_RESULTS as soon as it is known.

A group that goes over its budget still tells what it had found by then.
"""

import os


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        # A test that failed after its call had passed has both lines; the sum counts it as failed.
        with open(os.environ["GROUP_RESULTS"], "a", encoding="utf-8") as results:
            print(report.outcome, report.nodeid.replace(" ", "_"), file=results)


def pytest_collectreport(report):
    if report.failed:
        with open(os.environ["GROUP_RESULTS"], "a", encoding="utf-8") as results:
            print("failed", report.nodeid.replace(" ", "_"), file=results)
