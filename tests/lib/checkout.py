# SPDX-License-Identifier: Apache-2.0
"""A checkout of a test's own, so that what build.sh does to its folder is nobody else's loss."""

import shutil

from lib.gateway import ROOT


def link_all(source, folder, but=()):
    for path in source.iterdir():
        if path.name not in but:
            (folder / path.name).symlink_to(path)


def checkout(folder, own=()):
    """This tree's files by links, without what was built; build.sh itself looks where it stands.

    The folders named in `own` are made here, with links to what is in them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    link_all(ROOT, folder, but=("build", "build.sh", *own))
    for name in own:
        (folder / name).mkdir()
        link_all(ROOT / name, folder / name)
    shutil.copy(ROOT / "build.sh", folder)
