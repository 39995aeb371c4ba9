# SPDX-License-Identifier: Apache-2.0
"""A project's workspace: kept, shared by its kernels, bounded, and nobody else's."""

import threading
import time

import pytest

from lib.client import stop_kernel
from lib.projects import (cell_of, events, new_project, restart_hostd, run, set_project,
                          start_in)

MIB = 1 << 20


def name_of(inside, kernel):
    """The workspace's folder on the node."""
    project = inside.run(f"cat /proc/{cell_of(inside, kernel)[0]}/mountinfo | grep ' /work '")
    return project.split()[3].rsplit("/", 1)[1]


def wait_events(gateway, kind, project, timeout=60):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = events(gateway, kind, project)
        if found:
            return found
        time.sleep(0.3)
    return []


@pytest.fixture
def kernels(gateway):
    started = []

    def start(project, name="python", **limits):
        started.append(start_in(gateway, project, name, **limits))
        return started[-1]

    yield start
    for kernel in started:
        gateway.call("DELETE", f"/api/kernels/{kernel}")


def test_it_is_kept_and_shared(gateway, inside, kernels):
    project = new_project(gateway, "kept", workspace="write")
    first = kernels(project)
    assert run(gateway, first, "import os; print(os.getcwd())") == "/work\n"
    run(gateway, first, "open('data', 'w').write('of mine'); os.makedirs('a/b'); "
                        "open('/tmp/t', 'w').write('t'); "
                        "open('/home/user/h', 'w').write('h'); None")
    second = kernels(project)
    assert run(gateway, second, "print(open('/work/data').read())") == "of mine\n"
    owner = "print(os.stat('/work/data').st_uid, os.stat('/work').st_gid, os.access('/work', os.W_OK))"
    assert run(gateway, second, "import os\n" + owner) == "1000 1000 True\n"
    # On the disk the files are one user's, whichever cell made them; no cell's uid is there.
    assert inside.run(f"stat -c %u:%g /work/workspaces/{project}/data /work/workspaces/{project}/a"
                      ).split() == ["1000:1000"] * 2
    # A restart keeps it, the home and /tmp, and replaces the processes.
    assert gateway.call("POST", f"/api/kernels/{first}/restart", timeout=180).status == 200
    assert run(gateway, first, "print(open('data').read(), open('/tmp/t').read(), "
                               "open('/home/user/h').read(), 'os' in globals())"
               ) == "of mine t h False\n"
    stop_kernel(gateway, first)
    stop_kernel(gateway, second)
    third = kernels(project)
    assert run(gateway, third, "import os; print(open('data').read(), os.path.exists('/tmp/t'))"
               ) == "of mine False\n"


def test_no_project_has_anothers(gateway, inside, kernels):
    mine = new_project(gateway, "mine", workspace="write")
    theirs = new_project(gateway, "theirs", workspace="write")
    run(gateway, kernels(mine), "open('secret', 'w').write('s'); None")
    found = run(gateway, kernels(theirs), """
import os
print(os.listdir('/work'))
for path in ('/work/..', '/work/../work/workspaces', '/work/../..', '/work/workspaces'):
    try: print(sorted(os.listdir(path)))
    except OSError as e: print(e.strerror)
os.symlink('/work/workspaces', 'up'); os.symlink('../..', 'over')
for path in ('up', 'over/work/workspaces'):
    try: print(os.listdir(path))
    except OSError as e: print(e.strerror)
""").splitlines()
    root = found[1]
    assert found[0] == "[]" and "work" in root and "secret" not in "".join(found)
    assert found[2:] == ["No such file or directory", root, "No such file or directory",
                         "No such file or directory", "No such file or directory"]
    assert inside.run("stat -c '%a %u' /work/workspaces").split() == ["700", "0"]


def test_none_without_asking(gateway, kernels):
    kernel = kernels(new_project(gateway, "none"))
    assert run(gateway, kernel, "import os; print(os.getcwd(), os.listdir('/work'))"
               ) == "/home/user []\n"


def test_modes(gateway, inside, kernels):
    """Read-only where the role says so; programs only where the policy says so."""
    project = new_project(gateway, "modes", workspace="write")
    write = ("import os, subprocess\nopen('run', 'w').write('#!/bin/sh\\necho ran\\n')\n"
             "os.chmod('run', 0o4755)\n")
    attempt = ("import os, subprocess\n"
               "for what in (lambda: subprocess.check_output(['/work/run']).decode().strip(),\n"
               "             lambda: open('/work/run', 'a').write(''),\n"
               "             lambda: os.mkdir('/work/new') or os.rmdir('/work/new'),\n"
               "             lambda: os.rename('/work/run', '/work/run2') or"
               " os.rename('/work/run2', '/work/run'),\n"
               "             lambda: os.utime('/work/run'),\n"
               "             lambda: open('/work/run').read(5)):\n"
               "    try: print(what())\n"
               "    except OSError as e: print(e.strerror)\n")
    refused = "Permission denied"
    first = kernels(project)
    run(gateway, first, write)
    assert run(gateway, first, attempt).splitlines() == [refused, "0", "None", "None", "None",
                                                         "#!/bi"]
    options = inside.run(f"grep ' /work ' /proc/{cell_of(inside, first)[0]}/mountinfo").split()
    assert {"nosuid", "nodev", "noexec", "rw"} <= set(options[5].split(","))
    stop_kernel(gateway, first)

    set_project(gateway, project, workspace="write", workspace_exec=True)
    second = kernels(project)
    assert run(gateway, second, attempt).splitlines() == ["ran", "0", "None", "None", "None",
                                                          "#!/bi"]
    # As a reader of the same project, beside the writer.
    reader = kernels(project, workspace="read")
    lines = run(gateway, reader, attempt).splitlines()
    assert lines[0] == "ran" and lines[5] == "#!/bi"
    assert set(lines[1:5]) <= {refused, "Read-only file system"}
    options = inside.run(f"grep ' /work ' /proc/{cell_of(inside, reader)[0]}/mountinfo").split()
    assert {"nosuid", "nodev", "ro"} <= set(options[5].split(","))
    assert "noexec" not in options[5].split(",")


FILL = """
import errno, os
size = 0
try:
    with open('fill', 'wb', buffering=0) as f:
        while size < 1 << 30:
            size += f.write(b'x' * (1 << 20))
except OSError as e:
    print(errno.errorcode[e.errno], size >> 20)
"""


def test_a_full_one_is_told_and_harms_nobody(gateway, inside, kernels):
    project = new_project(gateway, "full", workspace="write", workspace_mib=24,
                          workspace_inodes=2000)
    quiet = new_project(gateway, "quiet", workspace="write", workspace_mib=24)
    other = kernels(quiet)
    a, b = kernels(project), kernels(project)
    code, size = run(gateway, a, FILL).split()
    assert code == "EDQUOT" and 22 <= int(size) <= 24
    # One quota for all kernels of the project.
    code, size = run(gateway, b, FILL.replace("'fill'", "'more'")).split()
    assert code == "EDQUOT" and int(size) == 0
    # statvfs tells the project's share, not the disk's.
    total, free = map(int, run(gateway, a, "import os; s = os.statvfs('/work'); "
                               "print(s.f_blocks * s.f_frsize, s.f_bavail * s.f_frsize)").split())
    assert total == 24 * MIB and free < MIB
    told = wait_events(gateway, "limit.workspace", project)
    assert told and "24 MiB" in told[0]["text"], told
    before = int(inside.run("df -k /work | tail -n 1").split()[3])
    assert run(gateway, other, "open('/work/mine', 'wb').write(b'y' * (8 << 20)); print('fits')"
               ) == "fits\n"
    assert before > 64 * 1024
    run(gateway, a, "import os; os.remove('fill'); open('again', 'w').write('z'); None")


def test_inodes_are_bounded(gateway, kernels):
    project = new_project(gateway, "inodes", workspace="write", workspace_mib=64,
                          workspace_inodes=300)
    kernel = kernels(project)
    made, code = run(gateway, kernel, """
import errno, os
n = 0
try:
    while n < 5000:
        if n % 3 == 0: open(f'f{n}', 'w').close()
        elif n % 3 == 1: os.mkdir(f'd{n}')
        else: os.symlink('x', f's{n}')
        n += 1
except OSError as e:
    print(n, errno.errorcode[e.errno])
""").split()
    assert code == "EDQUOT" and int(made) == 299  # and the directory itself
    assert wait_events(gateway, "limit.workspace", project)


ESCAPES = """
import ctypes, errno, fcntl, os, struct
def tell(what, call):
    try:
        call(); print(what, 'done')
    except OSError as e:
        print(what, errno.errorcode[e.errno])
open('f', 'w').close()
d, f = os.open('.', os.O_RDONLY), os.open('f', os.O_RDWR)
attr = struct.pack('=IIIII8x', 0x200, 0, 0, 0, 0)
tell('fsgetxattr', lambda: fcntl.ioctl(f, 0x801c581f, bytes(28)))
tell('fssetxattr', lambda: fcntl.ioctl(f, 0x401c5820, attr))
tell('setflags', lambda: fcntl.ioctl(d, 0x40086602, struct.pack('=q', 0)))
tell('getflags', lambda: fcntl.ioctl(d, 0x80086601, bytes(8)))
tell('chown', lambda: os.chown('f', 0, 0))
libc = ctypes.CDLL(None, use_errno=True)
def raw(number, *args):
    if libc.syscall(number, *args) < 0: raise OSError(ctypes.get_errno(), '')
tell('quotactl', lambda: raw(179, 0x80000802, None, 0, None))
tell('quotactl_fd', lambda: raw(443, d, 0x80000802, 0, None))
tell('file_setattr', lambda: raw(469, d, b'f', attr, 24, 0))
tell('link out', lambda: os.link('f', '/tmp/f'))
tell('rename out', lambda: os.rename('f', '/tmp/f'))
open('/tmp/g', 'w').close()
tell('link in', lambda: os.link('/tmp/g', 'g'))
tell('rename in', lambda: os.rename('/tmp/g', 'g'))
tell('move the root', lambda: os.rename('/work', '/tmp/w'))
tell('unlink the root', lambda: os.rmdir('/work'))
os.mkdir('sub'); os.rename('f', 'sub/f'); os.link('sub/f', 'h'); os.chmod('/work', 0o777)
print(os.stat('h').st_nlink)
"""


def test_there_is_no_way_out_of_the_quota(gateway, inside, kernels):
    project = new_project(gateway, "tricks", workspace="write", workspace_mib=16)
    kernel = kernels(project)
    assert run(gateway, kernel, ESCAPES).splitlines() == [
        "fsgetxattr EPERM", "fssetxattr EPERM", "setflags EPERM", "getflags EPERM",
        "chown EPERM", "quotactl EPERM", "quotactl_fd EPERM", "file_setattr EPERM",
        "link out EXDEV", "rename out EXDEV", "link in EXDEV", "rename in EXDEV",
        "move the root EXDEV", "unlink the root EROFS", "2"]
    folder = f"/work/workspaces/{project}"
    own = inside.run(f"look project {folder}").strip()
    assert own not in ("0", "")
    for path in ("h", "sub", "sub/f"):
        assert inside.run(f"look project {folder}/{path}").strip() == own
    # Without the filter the file system itself still refuses, to all but the node's own root.
    user = "unshare -U --map-root-user"
    for attempt in ("claim {}/sub 0", "inherit {}/sub"):
        attempt = attempt.format(folder)
        code, text = inside.run(f"{user} look {attempt}", check=False)
        assert code != 0 and ("Operation not permitted" in text or "Invalid argument" in text), text
    inside.run(f"mkdir {folder}/probe && look claim {folder}/probe 4242 && rmdir {folder}/probe")
    # Two projects, two ids; each stands on its directory.
    second = new_project(gateway, "tricks", workspace="write")
    kernels(second)
    assert inside.run(f"look project /work/workspaces/{second}").strip() not in ("0", own)


HOSTILE = """
import os, socket
os.mkfifo('fifo'); os.symlink('/', 'root'); os.symlink('loop', 'loop')
s = socket.socket(socket.AF_UNIX); s.bind('sock')
for name in ('-rf', ' ', '\\n', '\\x1b[2J', 'a' * 255, '\\udcff', 'nul', '.new', '..x', 'CON', '%s%n'):
    open(name, 'w').close()
depth = 0
try:
    while depth < 3000:
        os.mkdir('d'); os.chdir('d'); depth += 1
except OSError as e:
    print(e.strerror)
os.chdir('/work')
os.mkdir('many')
for i in range(100000):
    os.close(os.open(f'many/{i}', os.O_CREAT | os.O_WRONLY))
os.chmod('/work', 0)
print(depth)
"""


def test_no_project_alone_takes_the_disk(gateway, inside, kernels):
    project = new_project(gateway, "greedy", workspace="write", workspace_mib=1 << 20,
                          workspace_inodes=1 << 30)
    kernel = kernels(project)
    total, files = run(gateway, kernel, "import os; s = os.statvfs('/work'); "
                       "print(s.f_blocks * s.f_frsize // 1024, s.f_files)").split()
    disk = inside.run("look space /work").split()
    assert abs(int(total) - int(disk[0]) * int(disk[1]) // 2048) < 64
    assert int(files) == int(disk[2]) // 2


def test_a_failed_step_is_named_and_leaves_nothing(gateway, inside):
    """A file where the project's folder should be: the step and its errno reach who asked."""
    project = new_project(gateway, "broken", workspace="write")

    def left():
        return [inside.run(command) for command in (
            "ls /sys/fs/cgroup/cells", "cat /proc/1/mounts", "ls /work/workspaces")]

    inside.run(f"touch /work/workspaces/{project}")
    before = left()
    reply = gateway.call("POST", "/api/kernels", {"name": "lua", "project": project})
    assert reply.status >= 500 and b"workspace: directory" in reply.body, reply.body
    told = wait_events(gateway, "cell.start", project)
    assert told and told[0]["text"] == "workspace: directory: Not a directory", told
    assert left() == before
    inside.run(f"rm /work/workspaces/{project}")


@pytest.fixture
def large(tmp_path):
    """A node whose disk has room for a hundred thousand files."""
    from conftest import Cluster
    cluster = Cluster(tmp_path)
    try:
        cluster.boot("large", size=6144)
        yield cluster
    finally:
        cluster.close()


def test_a_hostile_tree_disturbs_nobody(large):
    """The monitor looks at no file in it: starting, stopping and usage cost what they always do."""
    gateway, inside = large.gateway, large.nodes["large"].inside

    def kernels(project, name):
        return start_in(gateway, project, name)

    project = new_project(gateway, "tree", workspace="write", workspace_mib=900,
                          workspace_inodes=200000)
    first = kernels(project, "python")
    quiet = kernels(new_project(gateway, "beside"), "lua")
    answers = []
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            answers.append(run(gateway, quiet, "print(6*7)", timeout=120).strip())
            time.sleep(0.5)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert run(gateway, first, HOSTILE, timeout=400).split()[-1] == "3000"
        second = kernels(project, "lua")
        assert run(gateway, second, "print(1)") == "1\n"
        stop_kernel(gateway, first)
        stop_kernel(gateway, second)
        stop.set()
        watcher.join()
        # And after hostd was started anew, over the same tree.
        restart_hostd(gateway, inside)
    finally:
        stop.set()
        watcher.join()
    assert len(answers) > 3 and set(answers) == {"42"}
    again = kernels(project, "lua")
    assert run(gateway, again, "print(2)") == "2\n"


def test_no_uid_that_owns_a_file_comes_again(gateway, inside, kernels):
    """After hostd's start slots are handed out from the lowest: one that is not clean is left out."""
    inside.run("touch /work/stray && chown 1000000 /work/stray")
    inside.run("touch /work/stray2 && chown 20001 /work/stray2")
    inside.run("(setuidgid 1000002:1000002 sleep 1000 >/dev/null 2>&1 </dev/null &); sleep 1; "
               "grep 1000002 /proc/$(pidof sleep)/status")
    try:
        restart_hostd(gateway, inside)
        kernel = kernels(new_project(gateway, "uid"), "lua")
        status = inside.run(f"grep Uid: /proc/{cell_of(inside, kernel)[0]}/status").split()
        assert int(status[1]) >= 1000003
    finally:
        inside.run("rm -f /work/stray /work/stray2; kill $(pidof sleep); true")
    # Without what was left they are handed out.
    restart_hostd(gateway, inside)
    kernel = kernels(new_project(gateway, "uid"), "lua")
    status = inside.run(f"grep Uid: /proc/{cell_of(inside, kernel)[0]}/status").split()
    assert int(status[1]) < 1000003
