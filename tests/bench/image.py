# SPDX-License-Identifier: Apache-2.0
"""Sizes of what is on a node's disk."""

from bench.figures import show
from lib.node import IMAGE

MIB = 1 << 20


def main():
    kernel = (IMAGE / "bzImage").stat().st_size / MIB
    root = (IMAGE / "root.img").stat().st_size / MIB
    show("image.kernel", kernel, "MiB")
    show("image.root", root, "MiB")
    show("image.kernel_and_root", kernel + root, "MiB", most=12)
    for environment in sorted((IMAGE / "environments").iterdir()):
        size = (environment / "image").stat().st_size / MIB
        most = {"python": 36, "lua": 2}.get(environment.name)
        show(f"image.environment.{environment.name}", size, "MiB", most=most)
