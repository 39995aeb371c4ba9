# SPDX-License-Identifier: Apache-2.0
"""Prints the file of every module that a kernel loads in ordinary use.

Run at build time by the tree's own interpreter; bytecode is kept for these modules and for
no others: all of it would add 8 MB to the image, and what is seldom imported can be
compiled when it is. Nothing but the list of names depends on what is run here.
"""
import atexit
import contextlib
import importlib
import io
import pkgutil
import sys
import tempfile

# What notebooks import from the standard library, as far as the kernel has not already.
COMMON = """
array asyncio base64 bisect bz2 calendar cmath collections concurrent.futures.process
concurrent.futures.thread configparser copy csv ctypes.util dataclasses datetime decimal
difflib doctest enum fileinput fractions ftplib functools gzip hashlib heapq html.parser
http.client http.server io itertools json locale logging.handlers lzma math mimetypes
multiprocessing.managers multiprocessing.pool multiprocessing.shared_memory numbers operator
optparse pathlib pickle platform plistlib pprint profile queue random re secrets shelve shlex
shutil smtplib socketserver sqlite3 ssl statistics string struct subprocess sys tarfile
tempfile textwrap threading timeit tomllib tracemalloc typing unittest.mock urllib.request
urllib.robotparser uuid wave weakref xml.dom.minidom xml.etree.ElementTree xml.sax
xmlrpc.client zipfile zoneinfo
""".split()

# Completion loads these as it goes, and gives up when it takes too long: not the same every time.
WHOLE = ["jedi", "jedi.api", "jedi.inference", "jedi.inference.gradual", "jedi.inference.value",
         "jedi.plugins", "parso", "parso.python", "stack_data", "executing", "asttokens"]

CELLS = [
    "1/0",
    "raise KeyboardInterrupt",
    "import os\nos.path?",
    "os.path.join??",
    "%timeit -n1 -r1 1",
    "%time 1",
    "%whos",
    "!true",
    "help(len)",
    "from IPython.display import HTML, Image, Markdown, display\ndisplay(HTML('x'))",
    "async def f(): return 1\nawait f()",
    "def g(:",
]


def exercise():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    for cell in CELLS:
        shell.run_cell(cell)
    for package in WHOLE:
        path = importlib.import_module(package).__path__
        for module in pkgutil.iter_modules(path, package + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    shell.object_inspect_mime("os.path.join")
    list(shell.history_manager.get_tail(3))
    shell.history_manager.end_session()
    atexit.unregister(shell.atexit_operations)


def main():
    sys.argv = sys.argv[:1]
    with tempfile.TemporaryDirectory() as home, contextlib.redirect_stdout(io.StringIO()):
        import os

        os.environ["IPYTHONDIR"] = home
        importlib.import_module("anchorhold_kernel")
        exercise()
        for name in COMMON:
            importlib.import_module(name)
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    print("\n".join(sorted(name for name in files if name and name.endswith(".py"))))


main()
