# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests: one gateway and one node shared by those that leave no trace."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lib import running  # noqa: E402
from lib.cluster import Cluster  # noqa: E402
from lib.node import IMAGE  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure says what the machines and gateways behind it said last."""
    report = (yield).get_result()
    if report.failed:
        report.sections += running.last_words()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A gateway with one booted node, `node-1`, of the test image."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.boot("node-1")
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def fresh(tmp_path):
    """A gateway without nodes; the test boots what it needs and everything is stopped after."""
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def gateway(cluster):
    return cluster.gateway


@pytest.fixture
def inside(cluster):
    return cluster.nodes["node-1"].inside


@pytest.fixture
def production_image():
    return IMAGE
