# SPDX-License-Identifier: Apache-2.0
"""Prints `passed|failed|skipped NAME` for each test of a JUnit report."""

import sys
import xml.etree.ElementTree

for case in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    kinds = {child.tag for child in case}
    verdict = ("failed" if kinds & {"failure", "error"}
               else "skipped" if "skipped" in kinds else "passed")
    print(verdict, f"{case.get('classname')}.{case.get('name')}".replace(" ", "_"))
