# SPDX-License-Identifier: Apache-2.0
"""The page cache: what privileged processes execute and read is not what a cell can reach.

dm-verity checks pages as they are read from the disk, not as they are used. Three questions then:
are the pages what they were after everything was tried on them, buffered and from the disk; is
the disk what was built; and could a write to a page that a cell sees reach anyone else at all?
"""

import hashlib
import re

import pytest

from lib.cells import Cell
from lib.node import TEST_IMAGE

ENVIRONMENTS = ["lua-hostile", "python"]

# What each attempt of hostile.pages may be answered, and who answers. "done" is not a hole where
# the page written to is the process's own copy, or where it was only read.
READ_ONLY, REFUSED = "Read-only file system", "Operation not permitted"
ATTEMPTS = {
    "open": (READ_ONLY, "the mount"),
    "open O_TRUNC": (READ_ONLY, "the mount"),
    "truncate": (REFUSED, "the filter"),
    "ftruncate": ("Invalid argument", "the descriptor is not for writing"),
    "fallocate": (REFUSED, "the filter"),
    "punch hole": (REFUSED, "the filter"),
    "write": ("Bad file descriptor", "the descriptor is not for writing"),
    "writev": ("Bad file descriptor", "the descriptor is not for writing"),
    "chmod": (REFUSED, "the filter"),
    "fchmod": (REFUSED, "the filter"),
    "utimensat": (REFUSED, "the filter"),
    "setxattr": (REFUSED, "the filter"),
    "FS_IOC_SETFLAGS": (REFUSED, "the filter"),
    "FICLONE": (REFUSED, "the filter"),
    "unlink": (READ_ONLY, "the mount"),
    "rename over": (READ_ONLY, "the mount"),
    "link": (REFUSED, "the filter"),
    "MAP_SHARED": ("Permission denied", "the descriptor is not for writing"),
    "mprotect": ("Permission denied", "the descriptor is not for writing"),
    "mremap": ("Permission denied", "the descriptor is not for writing"),
    "MAP_PRIVATE": ("done", "a copy of its own"),
    "MADV_REMOVE": ("Permission denied", "the mapping is not for writing"),
    "MADV_FREE": ("Invalid argument", "the mapping is a file's"),
    "MADV_POPULATE_WRITE": ("Invalid argument", "the mapping is not for writing"),
    "MADV_HWPOISON": ("Invalid argument", "the kernel has no memory failures to play"),
    "MADV_SOFT_OFFLINE": ("Invalid argument", "the same"),
    "MADV_MERGEABLE": ("Invalid argument", "the kernel has no KSM"),
    "/proc/self/mem": (READ_ONLY, "/proc is mounted so"),
    "/proc/self/map_files": (REFUSED, "no capability"),
    "/proc/self/fd": (READ_ONLY, "the mount"),
    "process_vm_writev": (REFUSED, "the filter"),
    "ptrace": (REFUSED, "the filter"),
    "userfaultfd": (REFUSED, "the filter"),
    "race": ("done", "a copy of its own, thrown away and written to"),
    "read into": ("Bad address", "the mapping is not for writing"),
    "O_DIRECT into": ("Bad address", "the same"),
    "recv into": ("Bad address", "the same"),
    "splice": (REFUSED, "the filter"),
    "vmsplice": (REFUSED, "the filter"),
    "tee": (REFUSED, "the filter"),
    "sendfile": (REFUSED, "the filter"),
    "copy_file_range": (REFUSED, "the filter"),
    "MSG_ZEROCOPY": ("done", "a packet on loopback is copied when it is received"),
    "TCP_ULP tls": ("No such file or directory", "not in the kernel"),
    "AF_ALG": ("Address family not supported by protocol", "not in the kernel"),
}

# The Python profile's larger list, by what the standard library has: its outcome's first word.
PYTHON_ATTEMPTS = r'''
import ctypes, errno, mmap, os, socket
path = "/usr/bin/python3"
def attempt(name, function):
    try:
        function()
        print(name, "done", sep=": ")
    except (OSError, ValueError, PermissionError) as error:
        print(name, errno.errorcode.get(getattr(error, "errno", None), repr(error)), sep=": ")
fd = os.open(path, os.O_RDONLY)
read, write = os.pipe()
def dirty_pipe():
    os.write(write, b"!" * 4096); os.read(read, 4096)
    os.sendfile(write, fd, 0, 1)
    os.write(write, b"!" * 100)
def zero_copy():
    pair = socket.create_server(("127.0.0.1", 0))
    out = socket.create_connection(pair.getsockname()); peer, _ = pair.accept()
    os.sendfile(out.fileno(), fd, 0, 4096); assert peer.recv(4096)
libc = ctypes.CDLL(None, use_errno=True)
def call(function, *words):
    if function(*words) < 0: raise OSError(ctypes.get_errno(), "")
shared = libc.mmap; shared.restype = ctypes.c_void_p
page = shared(None, 4096, 1, 1, fd, 0)
attempt("open", lambda: os.open(path, os.O_RDWR))
attempt("truncate", lambda: os.truncate(path, 0))
attempt("ftruncate", lambda: os.ftruncate(fd, 0))
attempt("fallocate", lambda: os.posix_fallocate(fd, 0, 4096))
attempt("pwrite", lambda: os.pwrite(fd, b"!", 0))
attempt("chmod", lambda: os.chmod(path, 0o777))
attempt("fchmod", lambda: os.fchmod(fd, 0o777))
attempt("fchown", lambda: os.fchown(fd, os.getuid(), os.getgid()))
attempt("utime", lambda: os.utime(path))
attempt("link", lambda: os.link(path, "/home/user/linked"))
attempt("link here", lambda: os.link(path, "/usr/bin/linked"))
attempt("rename", lambda: os.rename(path, "/home/user/x"))
attempt("MAP_SHARED", lambda: mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE))
attempt("mprotect", lambda: call(libc.mprotect, ctypes.c_void_p(page), 4096, 3))
attempt("msync", lambda: call(libc.msync, ctypes.c_void_p(page), 4096, 4))
attempt("MADV_REMOVE", lambda: call(libc.madvise, ctypes.c_void_p(page), 4096, 9))
attempt("mem", lambda: os.open("/proc/self/mem", os.O_RDWR))
attempt("dirty pipe", dirty_pipe)
attempt("sendfile to a socket", zero_copy)
attempt("splice", lambda: os.splice(fd, write, 1, offset_src=0))
attempt("copy_file_range", lambda: os.copy_file_range(fd, fd, 1, 0, 8))
attempt("setxattr", lambda: os.setxattr(path, "user.x", b"!"))
attempt("O_DIRECT", lambda: os.preadv(os.open(path, os.O_RDONLY | os.O_DIRECT), [mmap.mmap(-1, 4096)], 0))
'''
PYTHON_ANSWERS = {
    "open": "EROFS", "truncate": "EROFS", "ftruncate": "EINVAL", "fallocate": "EBADF",
    "pwrite": "EBADF", "chmod": "EROFS", "fchmod": "EROFS", "fchown": "EROFS", "utime": "EROFS",
    "link": "EXDEV", "link here": "EROFS", "rename": "EXDEV", "MAP_SHARED": "EACCES",
    "mprotect": "EACCES", "msync": "done", "MADV_REMOVE": "EACCES", "mem": "EROFS",
    "dirty pipe": "done",  # a page of the file went into a pipe: what follows must not be in it
    "sendfile to a socket": "done",  # reads it
    "splice": "EPERM", "copy_file_range": "ENOSYS", "setxattr": "ENOTSUP", "O_DIRECT": "EINVAL",
}


def hashes(inside):
    """Every privileged file of the node by its content: the root, the state, what is for hostd.

    But for the journal of events, which the monitor appends to as cells are refused things.
    """
    text = inside.run("find / -xdev -type f -exec sha256sum {} +; "
                      "find /state /work/environments -xdev -type f ! -path /state/events "
                      "-exec sha256sum {} +; "
                      "sha256sum /run/anchorhold/promises /run/anchorhold/network", timeout=180)
    return {path: digest for digest, path in (line.split("  ", 1) for line in text.splitlines())}


def environment_hashes(inside, name):
    """Of the mounted environment's files, through the page cache."""
    return inside.run(f"find /run/environments/{name} -xdev -type f -exec sha256sum {{}} +",
                      timeout=300)


def drop_caches(inside):
    inside.run("echo 3 >/proc/sys/vm/drop_caches")


def devices(inside):
    """Device mapper devices by the mount they carry: NAME -> /dev/dm-N."""
    found = {}
    for line in inside.run("cat /proc/1/mountinfo").splitlines():
        fields = line.split()
        if fields[2].startswith("253:"):
            found[fields[4]] = f"/dev/dm-{fields[2].split(':')[1]}"
    return found


def device_hash(inside, device, how):
    flags = "iflag=direct" if how == "direct" else ""
    return inside.run(f"dd if={device} bs=64k {flags} 2>/dev/null | sha256sum",
                      timeout=300).split()[0]


def run_attempts(cell, environment):
    """All attempts on a file of the environment, each answered as expected."""
    if environment == "python":
        answers = dict(line.split(": ", 1) for line in cell.say(PYTHON_ATTEMPTS).splitlines())
        assert answers == PYTHON_ANSWERS
        return
    for path in ("/usr/lib/anchorhold/cell-init", "/usr/lib/anchorhold/lua-kernel-hostile",
                 "/etc/passwd"):
        answers = dict(line.split(": ", 1) for line in
                       cell.say(f"print(hostile.pages('{path}'))").splitlines())
        assert answers == {name: answer for name, (answer, _) in ATTEMPTS.items()}, path


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_is_written_to_what_is_read_only(gateway, inside, environment):
    before, pages = hashes(inside), None
    assert {"/sbin/init", "/usr/sbin/hostd", "/bin/busybox", "/state/node.key", "/state/node.conf",
            "/etc/anchorhold/promises", "/etc/anchorhold/release.pub"} <= before.keys()
    with Cell(gateway, inside, environment) as cell:
        cell.say("print(1)")
        pages = environment_hashes(inside, environment)
        run_attempts(cell, environment)
        # Now: as the page cache has it, while the cell still runs.
        assert environment_hashes(inside, environment) == pages
        assert hashes(inside) == before
    # And as the disk has it.
    drop_caches(inside)
    assert hashes(inside) == before
    assert environment_hashes(inside, environment) == pages


def test_the_disk_is_what_was_built(inside):
    """Each verity device read past the page cache and through it, against the image's own bytes."""
    found = devices(inside)
    assert {"/", "/run/environments/lua", "/run/environments/python",
            "/run/environments/lua-hostile"} <= found.keys()
    for mount, device in found.items():
        if mount.endswith("python"):
            continue  # 32 MiB twice by emulation; its files are compared above
        direct = device_hash(inside, device, "direct")
        assert direct == device_hash(inside, device, "buffered"), mount
        drop_caches(inside)
        assert direct == device_hash(inside, device, "buffered"), mount
        if mount == "/":
            size = int(inside.run(f"cat /sys/block/{device[5:]}/size")) * 512
            built = (TEST_IMAGE / "root.img").read_bytes()[:size]
            assert len(built) == size
            assert direct == hashlib.sha256(built).hexdigest()


def test_a_change_would_be_seen(inside):
    """The same hashes notice one byte in one privileged file."""
    before = hashes(inside)
    inside.run("cat /state/node.conf >/run/conf; echo x >>/state/node.conf")
    try:
        changed = hashes(inside)
        assert {path for path in before if changed[path] != before[path]} == {"/state/node.conf"}
    finally:
        inside.run("cat /run/conf >/state/node.conf; rm /run/conf")
    assert hashes(inside) == before


def executed_outside(inside):
    """(device, inode) of everything that a process outside the cells executes or has mapped."""
    command = ("for p in /proc/[0-9]*; do read c <$p/cgroup; case $c in */cell) ;; "
               "*) grep -H / $p/maps; stat -L -c 'exe %d %i %n' $p/exe;; esac; done 2>/dev/null; "
               "true")
    found = {}
    for line in inside.run(command, timeout=120).splitlines():
        if line.startswith("exe "):
            _, device, inode, path = line.split(" ", 3)
            found.setdefault((int(device), int(inode)), path)
        elif m := re.match(r"(\S+?):\S+ \S+ \S+ (\w+):(\w+) (\d+) +(/.*)", line):
            device = int(m[2], 16) << 8 | int(m[3], 16)
            found[device, int(m[4])] = m[5]
    return found


def visible_inside(inside, cell):
    """(device, inode) of every file that the cell can see; links of its /proc are followed."""
    pid = min(cell.pids())
    root = f"/proc/{pid}/root"
    text = inside.run(
        f"find {root}/ -xdev -exec stat -c '%d %i %n' {{}} +; "
        f"for d in dev dev/shm dev/pts tmp home/user run/kernel; do "
        f"find {root}/$d -xdev -exec stat -c '%d %i %n' {{}} +; done; "
        f"stat -c '%d %i %n' {root}/proc {root}/proc/*; "
        f"find {root}/proc/sys -exec stat -c '%d %i %n' {{}} +; "
        f"for p in {root}/proc/[0-9]*; do stat -L -c '%d %i %n' $p/exe $p/root $p/cwd $p/fd/*; "
        "done 2>/dev/null; true", timeout=300)
    found = {}
    for line in text.splitlines():
        if line[0].isdigit():
            device, inode, path = line.split(" ", 2)
            found.setdefault((int(device), int(inode)), path)
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_file_of_a_cell_is_executed_outside(gateway, inside, environment):
    with Cell(gateway, inside, environment) as cell:
        cell.say("print(1)")
        outside, visible = executed_outside(inside), visible_inside(inside, cell)
        assert {"/sbin/init", "/usr/sbin/hostd", "/test/agent"} <= set(outside.values())
        # /proc/1/exe in there: PID 1 of the cell, whose file is the environment's own.
        (first,) = [place for place, path in visible.items()
                    if path.endswith("/usr/lib/anchorhold/cell-init")]
        seen = inside.run(f"stat -L -c '%d %i' /proc/{min(cell.pids())}/root/proc/1/exe").split()
        assert tuple(map(int, seen)) == first
        assert len(visible) > (1000 if environment == "python" else 30)
        common = outside.keys() & visible.keys()
        assert not common, {outside[place]: visible[place] for place in common}
        # What would be missed without the rule: somebody outside runs the environment's program.
        stray = inside.run("sleep 60 2>/dev/null | /run/environments/" + environment + "/usr/lib/anchorhold/"
                           "cell-init 3 4 5 -- x 4<&0 3>/dev/null 5>/dev/null >/dev/null 2>&1 "
                           "& echo $!").strip()
        try:
            common = executed_outside(inside).keys() & visible.keys()
        finally:
            inside.run(f"kill -9 {stray}; kill -9 $(pidof sleep); true")
        assert common == {first}

