# SPDX-License-Identifier: Apache-2.0
"""The way from a client to its kernel and back, all of it native by `hostd --plain`."""

import contextlib
import pathlib
import subprocess
import tempfile
import time

from bench import roundtrip
from lib.client import start_kernel, stop_kernel
from lib.gateway import Gateway
from lib.plain import Plain, add_tree


@contextlib.contextmanager
def cluster(folder):
    """A gateway, a native node of it, and the roots of its environments."""
    gateway = Gateway(pathlib.Path(folder) / "gateway").start()
    conf = gateway.add_node("native", pathlib.Path(folder) / "plain" / "node",
                            f"127.0.0.1:{gateway.link_port}")
    plain = Plain(conf)
    try:
        roots = {name: add_tree(conf, name) for name in ("lua", "python")}
        plain.start(plain.missing())
        gateway.wait_node("native")
        yield gateway, plain, roots
    finally:
        plain.stop()
        gateway.stop()


def lua_argv(roots):
    return [str(roots["lua"] / "usr/lib/anchorhold/lua-kernel"), "{connection_file}"]


def main():
    with tempfile.TemporaryDirectory() as folder, cluster(folder) as (gateway, plain, roots):
        kernel = start_kernel(gateway, "lua")
        direct = roundtrip.Direct(lua_argv(roots), folder, "lua")
        time.sleep(1)
        roundtrip.compare(gateway, kernel, direct, "lua", most=0.25)
        direct.close()
        stop_kernel(gateway, kernel)


if __name__ == "__main__":
    main()
