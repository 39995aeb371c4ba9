# SPDX-License-Identifier: Apache-2.0
"""What people's Python does has to work in a cell as it does elsewhere."""

import pytest

from lib.client import start_kernel, stop_kernel
from lib.projects import run


@pytest.fixture(scope="module")
def python(cluster):
    kernel = start_kernel(cluster.gateway, "python")
    yield lambda code: run(cluster.gateway, kernel, code)
    stop_kernel(cluster.gateway, kernel)


# Each expression is true, with psutil imported. What is empty or zero in a cell is so by design.
PSUTIL = [
    "psutil.virtual_memory().total > 1 << 26",
    "psutil.swap_memory().total == 0",
    "psutil.cpu_count() >= 1",
    "psutil.cpu_percent(interval=0.1) >= 0",
    "len(psutil.cpu_times()) >= 7",
    "psutil.cpu_stats().ctx_switches > 0",
    "psutil.getloadavg()[0] >= 0",
    "psutil.boot_time() > 1.6e9",
    "psutil.pid_exists(me.pid) and not psutil.pid_exists(30000)",
    "[p.pid for p in psutil.process_iter()] == [me.pid]",
    "psutil.disk_usage('/tmp').total > 0",
    "isinstance(psutil.disk_partitions(all=True), list)",
    "psutil.net_io_counters(pernic=True)['lo'].bytes_sent >= 0",
    "isinstance(psutil.net_connections(), list)",
    "isinstance(psutil.users(), list)",
    "me.name().startswith('python')",
    "me.exe().startswith('/usr/bin/python3')",
    "me.cmdline()[0].startswith('/usr/bin/python3')",
    "me.cwd() in ('/home/user', '/work')",
    "me.username() == 'user'",
    "me.memory_info().rss > 1 << 20",
    "me.memory_full_info().rss > 1 << 20",
    "me.memory_percent() > 0",
    "me.num_threads() > 1 and len(me.threads()) > 1",
    "me.num_fds() > 3",
    "me.cpu_times().user > 0",
    "me.status() in ('running', 'sleeping')",
    "me.create_time() > 1.6e9",
    "me.ppid() == 1 and me.parent() is None",  # cell-init is not dumpable, so it is not seen
    "me.uids().real == 1000",
    "me.nice() == 0",
    "len(me.cpu_affinity()) >= 1",
    "me.num_ctx_switches().voluntary > 0",
    "isinstance(me.open_files(), list)",
    "isinstance(me.connections(), list)",
    "me.environ()['HOME'] == '/home/user'",
    "me.terminal() is None",
    "me.rlimit(psutil.RLIMIT_NOFILE)[0] == 4096",
]


def test_psutil(python):
    code = ("import psutil, traceback\nme = psutil.Process()\nfor text in " + repr(PSUTIL) + ":\n"
            "    try:\n        ok = eval(text)\n    except Exception as e:\n        ok = repr(e)\n"
            "    if ok is not True:\n        print(text, '->', ok)\nprint('asked')")
    assert python(code) == "asked\n"


def test_interfaces_cannot_be_listed_and_say_so(python):
    """getifaddrs speaks netlink, which a cell does not have: an error of the right kind, no crash."""
    code = ("import psutil, socket, errno\n"
            "for f in (psutil.net_if_addrs,):\n"
            "    try:\n        print(f())\n"
            "    except OSError as e:\n        print(errno.errorcode[e.errno])\n")
    assert python(code) == "ENOTSUP\n"  # one number with EOPNOTSUPP


def test_multiprocessing(python):
    code = """
import multiprocessing as mp, os
import multiprocessing.shared_memory as shm
def square(x): return x * x
ctx = mp.get_context("fork")
with ctx.Pool(3) as pool:
    print(sum(pool.map(square, range(100))))
q, lock, value = ctx.Queue(), ctx.Lock(), ctx.Value("i", 0)
def work(n):
    with lock:
        value.value += n
    q.put(os.getpid())
ps = [ctx.Process(target=work, args=(n,)) for n in range(4)]
[p.start() for p in ps]
print(len({q.get(timeout=60) for _ in ps}), [p.join(60) for p in ps], value.value)
block = shm.SharedMemory(create=True, size=4096)
block.buf[:5] = b"hello"
again = shm.SharedMemory(name=block.name)
print(bytes(again.buf[:5]))
again.close(); block.close(); block.unlink()
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
with ProcessPoolExecutor(2, mp_context=ctx) as ex:
    print(list(ex.map(abs, [-1, -2])))
with ThreadPoolExecutor(4) as ex:
    print(sum(ex.map(square, range(10))))
with ctx.Manager() as m:
    d = m.dict(a=1); print(dict(d))
import asyncio, subprocess
async def child():
    p = await asyncio.create_subprocess_exec("sh", "-c", "echo async; exit 3",
                                             stdout=asyncio.subprocess.PIPE)
    out, _ = await p.communicate(); return out, p.returncode
import threading
box = []
t = threading.Thread(target=lambda: box.append(asyncio.run(child()))); t.start(); t.join(60)
print(box)
"""
    assert python(code).split("\n") == [
        "328350", "4 [None, None, None, None] 6", "b'hello'", "[1, 2]", "285", "{'a': 1}",
        "[(b'async\\n', 3)]", ""]


def test_multiprocessing_spawn(python):
    code = """
import multiprocessing as mp, operator
with mp.get_context("spawn").Pool(1) as pool:
    print(pool.apply(operator.add, (40, 2)))
"""
    assert python(code) == "42\n"


def test_shell_command_on_a_terminal(python):
    """IPython's `!` runs it in a pty, so that it behaves as in a terminal."""
    out = python("!test -t 1 && echo terminal; readlink /proc/self/fd/1; echo $((6*7)) | cat; id -u")
    assert out.replace("\r", "").split() == ["terminal", "/dev/pts/0", "42", "1000"]
    assert "exit_code=7" in python("!exit 7\nprint(f'exit_code={_exit_code}')")
    assert python("lines = !printf 'a\\nb\\n'\nprint(lines.n.split())") == "['a', 'b']\n"
    code = ("import pty, os\npid, fd = pty.fork()\nif pid == 0:\n"
            "    os.execv('/bin/sh', ['sh', '-c', 'test -t 0 && readlink /proc/self/fd/0'])\nout = b''\n"
            "while True:\n    try:\n        got = os.read(fd, 1000)\n    except OSError: break\n"
            "    if not got: break\n    out += got\nprint(os.waitpid(pid, 0)[1], out.split())")
    assert python(code) == "0 [b'/dev/pts/0']\n"


def test_ptys_have_an_end(python):
    code = """
import os
fds = []
try:
    while len(fds) < 400:
        fds += os.openpty()
except OSError as e:
    print(len(fds) // 2, e.strerror)
for fd in fds: os.close(fd)
"""
    count, why = python(code).split(" ", 1)
    assert 60 <= int(count) <= 64 and why == "No space left on device\n"  # `!` may hold one yet


DEBUG = """
import debugpy, socket
host, port = debugpy.listen(("127.0.0.1", 0))
with socket.create_connection((host, port), 60) as client:
    client.settimeout(60)
    print(host, client.recv(4096).split(b":")[0])
print(debugpy.is_client_connected())
"""


def test_debugpy_of_the_users_own(cluster):
    """Imported and listening in the cell's loopback, with its adapter as a process of its own."""
    kernel = start_kernel(cluster.gateway, "python")
    try:
        assert run(cluster.gateway, kernel, DEBUG) == "127.0.0.1 b'Content-Length'\nFalse\n"
    finally:
        stop_kernel(cluster.gateway, kernel)


def test_a_debugger_session(cluster):
    """As JupyterLab does: initialize, attach, a breakpoint in a cell, stop there, look, go on."""
    from lib.debugger import debug_a_cell
    kernel = start_kernel(cluster.gateway, "python")
    try:
        assert debug_a_cell(cluster.gateway, kernel) == {"stopped": True, "x": "42",
                                                         "status": "ok", "text": "43"}
    finally:
        stop_kernel(cluster.gateway, kernel)


def test_tmpfs_is_the_cells_memory(cluster, inside):
    """A file in /tmp or /dev/shm counts against memory.max, and the cell dies of it, not the node."""
    kernel = start_kernel(cluster.gateway, "python")
    stat = f"/sys/fs/cgroup/cells/{kernel}/cell/memory.stat"

    def shmem():
        return int(inside.run(f"grep '^shmem ' {stat}").split()[1])

    before = shmem()
    try:
        for place in ("/tmp", "/dev/shm", "/home/user"):
            run(cluster.gateway, kernel,
                f"open('{place}/ballast', 'wb').write(b'x' * (8 << 20)); None")
        assert shmem() - before >= 24 << 20
    finally:
        stop_kernel(cluster.gateway, kernel)


def test_devices_are_what_they_seem(python):
    code = """
import os, stat
for name in sorted(os.listdir("/dev")):
    st = os.lstat("/dev/" + name)
    kind = stat.S_IFMT(st.st_mode)
    what = {stat.S_IFCHR: f"char {os.major(st.st_rdev)}:{os.minor(st.st_rdev)}",
            stat.S_IFLNK: "link", stat.S_IFDIR: "dir"}.get(kind, "other")
    print(name, what, oct(st.st_mode & 0o7777) if what[:4] == "char" else "")
for call in (lambda: os.mknod("/tmp/n", 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
             lambda: os.mknod("/tmp/n", 0o600 | stat.S_IFBLK, os.makedev(7, 0)),
             lambda: open("/dev/other", "w")):
    try:
        call(); print("made")
    except OSError as e:
        print(e.strerror)
"""
    assert [line.strip() for line in python(code).splitlines()] == [
        "fd link", "full char 1:7 0o666", "null char 1:3 0o666", "ptmx link", "pts dir",
        "random char 1:8 0o666", "shm dir", "stderr link", "stdin link", "stdout link",
        "tty char 5:0 0o666", "urandom char 1:9 0o666", "zero char 1:5 0o666",
        "Operation not permitted", "Operation not permitted", "Read-only file system"]
