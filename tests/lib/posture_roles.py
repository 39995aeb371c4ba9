# SPDX-License-Identifier: Apache-2.0
"""What /proc is to say of init, the monitor, the link, a relay and the DHCP client: every field, as
posture_rows.py does for processes of cells. What is the same there is not said again; the rest has
its reason here.
"""

from lib import posture, posture_rows as rows
from lib.posture_rows import ANY, NUMBER

WHOLE = "000001f{{10}}"  # every capability that there is
PAIR = rf"{NUMBER}"
OF_THE_NODE = {name: (PAIR, "the node's processes") for name in
               ("NStgid", "NSpid", "NSpgid", "NSsid")}
ROOT_STATUS = {
    **OF_THE_NODE, "Umask": ("0022", "init sets it"), "PPid": ("{parent}", "whose child it is"),
    **{name: (r"0\t0\t0\t0", "root: it mounts, makes cells, restarts the machine")
       for name in ("Uid", "Gid")},
    **{name: (WHOLE, "the same") for name in ("CapPrm", "CapEff", "CapBnd")},
    "NoNewPrivs": ("0", "it starts what has less by itself"),
    "Seccomp": ("0", "no list: it reads fixed structures only"), "Seccomp_filters": ("0", "the same"),
    "SigQ": (rf"{NUMBER}/{NUMBER}", "the node's"), "Threads": ("1", "one thread"),
}
WORKER_STATUS = {
    **OF_THE_NODE, "Name": ("hostd|ZMQbg/Reaper|ZMQbg/IO/0", "its loop, and libzmq's two"),
    "Umask": ("0022", "the monitor's"), "PPid": ("{parent}", "the monitor's child"),
    "SigQ": (rf"{NUMBER}/0", "none to queue"),
    "Seccomp_filters": ("1", "its role's"), "Threads": ("3", "its loop, and libzmq's two"),
}
DHCP_STATUS = {
    **{name: (rf"{NUMBER}\t1", "the first of its own namespace") for name in OF_THE_NODE},
    "Name": ("udhcpc", "the one applet"), "Umask": ("0022", "init's"),
    "PPid": ("{parent}", "init's child"),
    **{name: ("0{{12}}2000", "CAP_NET_RAW: frames past the firewall") for name in
       ("CapInh", "CapPrm", "CapEff", "CapAmb")},
    "CapBnd": ("0{{16}}", "and none to come"),
    "SigQ": (rf"{NUMBER}/0", "none to queue"), "Seccomp_filters": ("1", "init/dhcp_calls.c"),
    "Threads": ("1", "one thread"),
}
STATUS = {"init": ROOT_STATUS, "monitor": ROOT_STATUS, "link": WORKER_STATUS,
          "relay": WORKER_STATUS, "dhcp": DHCP_STATUS}

NODE_LIMITS = {
    "Max processes": (NUMBER, NUMBER, "the kernel's, by the memory there is"),
    "Max locked memory": ("8388608", "8388608", "the kernel's"),
    "Max pending signals": ("unlimited", "unlimited", "monitor.c says why"),
    "Max msgqueue size": ("819200", "819200", "the kernel's, which has none to make"),
}
WORKER_LIMITS = {**NODE_LIMITS, "Max processes": ("8", "8", "its threads"),
                 "Max pending signals": ("0", "0", "it queues none, and has no timers"),
                 "Max msgqueue size": ("0", "0", "it makes none"),
                 "Max file size": ("0", "0", "it writes no file")}
LIMITS = {
    "init": {**NODE_LIMITS, "Max pending signals": (NUMBER, NUMBER, "the kernel's"),
             "Max core file size": ("0", "unlimited", "the kernel's: it has no dumps"),
             "Max open files": ("8192", "8192", "what it keeps for hostd")},
    "monitor": {**NODE_LIMITS, "Max open files": ("16384", "16384", "512 kernels")},
    "link": {**WORKER_LIMITS, "Max open files": ("1024", "1024", "a stream a kernel")},
    "relay": {**WORKER_LIMITS, "Max open files": ("64", "64", "one kernel's")},
    "dhcp": {**WORKER_LIMITS, "Max processes": ("4", "4", "it and its script"),
             "Max open files": ("16", "16", "a socket, a pipe, its lease"),
             "Max file size": ("4096", "4096", "a lease"), "Max cpu time": ("20", "20", "an exchange"),
             "Max locked memory": ("0", "0", "it locks none"),
             "Max address space": ("67108864", "67108864", "its own, and its script's")},
}

VALUES = {
    **rows.VALUES,
    **{name: ("0 0 4294967295", "no user namespace") for name in ("uid_map", "gid_map", "projid_map")},
    "setgroups": ("allow", "the same"), "oom_score_adj": ("0", "cells go first"),
    "cgroup": ("0::/{cgroup}", "its own"), "cmdline": ("{cmdline}", "no secret on it"),
}
CGROUP = {"init": "init", "monitor": "hostd/monitor", "link": "hostd/link", "relay": "cells/{id}/relay",
          "dhcp": "dhcp"}
CMDLINE = {"init": "/sbin/init", "monitor": "/usr/sbin/hostd monitor", "link": "hostd link {uid}",
           "relay": "hostd relay {uid}",
           "dhcp": "/usr/bin/udhcpc -f -q -n -t 4 -T 2 -o -O subnet -O router -s /sbin/udhcpc-lease "
                   "-i eth0( -r [0-9.]+)?"}
PROGRAM = {"init": "/sbin/init", "monitor": "/usr/sbin/hostd", "link": "/usr/sbin/hostd",
           "relay": "/usr/sbin/hostd", "dhcp": "/usr/bin/udhcpc"}
OWN_NS = {"init": set(), "monitor": set(), "link": {"cgroup", "ipc", "mnt", "uts"},
          "relay": {"cgroup", "ipc", "mnt", "net", "uts"},
          "dhcp": {"cgroup", "ipc", "mnt", "pid", "pid_for_children", "uts"}}
INTERFACES = {"init": ["eth0", "lo"], "monitor": ["eth0", "lo"], "link": ["eth0", "lo"],
              "relay": ["lo"], "dhcp": ["eth0", "lo"]}
PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
ENVIRON = {
    "init": {"HOME": "/", "TERM": "linux",  # and words of the kernel's line that it has no use for
             "panic_on_oops|hash_pointers|vsyscall|vdso32|debugfs|tsx": "[a-z0-9]+"},
    "monitor": {**PATH, "ANCHORHOLD_STORE": "[0-9]+:[0-9]+"}, "link": PATH, "relay": PATH,
    "dhcp": {},
}

NONE = "nosuid,nodev,noexec,relatime"
NODE_MOUNTS = {
    "/": ("/", "ro,relatime", "erofs", "/dev/root", "ro,user_xattr,cache_strategy=readaround",
          "on dm-verity"),
    "/dev": ("/", "rw,nosuid,noexec,relatime", "devtmpfs", "devtmpfs",
             "rw,size=[0-9]+k,nr_inodes=[0-9]+,mode=755", "devices"),
    "/dev/pts": ("/", "rw,nosuid,noexec,relatime", "devpts", "devpts",
                 "rw,mode=600,ptmxmode=666", "terminals"),
    "/proc": ("/", f"rw,{NONE}", "proc", "proc", "rw", "processes"),
    "/sys": ("/", f"rw,{NONE}", "sysfs", "sysfs", "rw", "devices"),
    "/sys/kernel/security": ("/", f"ro,{NONE}", "securityfs", "securityfs", "rw", "promises"),
    "/sys/fs/pstore": ("/", f"rw,{NONE}", "pstore", "pstore", "rw", "last words"),
    "/sys/fs/cgroup": ("/", f"rw,{NONE}", "cgroup2", "cgroup2", "rw,nsdelegate,favordynmods",
                       "limits"),
    "/run": ("/", f"rw,{NONE}", "tmpfs", "tmpfs", "rw,size=32768k,nr_inodes=16384,mode=755",
             "what lasts a boot"),
    "/run/dhcp": ("/", f"rw,{NONE}", "tmpfs", "dhcp",
                  "rw,size=32k,nr_inodes=8,mode=700,uid=902,gid=902", "the lease"),
    "/state": ("/", f"rw,{NONE}", "ext4", "/dev/vda3", "rw,errors=remount-ro", "key and journal"),
    "/work": ("/", "rw,nosuid,nodev,relatime", "ext4", "/dev/vda4",
              "rw,prjquota,errors=remount-ro", "environments and workspaces"),
    **{f"/run/environments/{name}": (
        "/", "ro,nosuid,nodev,relatime", "erofs", f"/dev/anchorhold-env-{name}",
        "ro,user_xattr,cache_strategy=readaround", "an environment, on dm-verity")
       for name in ("attack", "lua", "lua-hostile", "python", "tenants")},
}
MOUNTS = {
    "init": NODE_MOUNTS, "monitor": NODE_MOUNTS,
    "relay": {"/": ("/", f"ro,{NONE}", "tmpfs", "none",
                    "rw,size=4096k,nr_inodes=64,mode=700,uid={cell},gid={cell}",
                    "that kernel's sockets, and nothing else")},
    "link": {"/": ("/", f"ro,{NONE}", "tmpfs", "none", "rw,size=4k,mode=555", "empty")},
    "dhcp": {
        "/": ("/", f"ro,{NONE}", "tmpfs", "none", "rw,size=4k,nr_inodes=16,mode=555",
              "folders for the following"),
        "/run/dhcp": NODE_MOUNTS["/run/dhcp"],
        **{path: (file, "ro,nosuid,nodev,relatime", *NODE_MOUNTS["/"][2:5], "a program")
           for path, file in (("/sbin/udhcpc-lease", "/sbin/init"),
                              ("/usr/bin/udhcpc", "/bin/busybox"))},
    },
}

WORKER_FDS = [
    ("/dev/null", "[01]", "the standard streams"),
    ("pipe:.*", "2", "the log, by way of the monitor"),
    (r"anon_inode:\[(eventfd|eventpoll)\]", NUMBER, "waiting"),
    ("socket:.*", NUMBER, "link: the monitor, gateways, a stream a relay; relay: the monitor, the "
                          "link, the kernel's five"),
]
ENVIRONMENTS = "/run/environments/(attack|lua|lua-hostile|python|tenants)"
CELL_FILES = r"(memory|pids)\.events|cpu\.stat|memory\.pressure"
CELL_GROUPS = rf"/sys/fs/cgroup/cells(/[0-9a-f-]{{{{36}}}}(/(cell|relay)(/({CELL_FILES}))?)?)?"
FDS = {
    "init": [
        ("/dev/console", "[0125]", "what people see"), ("/dev/kmsg", NUMBER, "the kernel's log"),
        ("/dev/watchdog", NUMBER, "fed as long as the loop turns"),
        ("/run/anchorhold/log", NUMBER, "the node's log"),
        (r"anon_inode:\[(signalfd|pidfd)\]", NUMBER, "signals; pidfds are hostd's, kept"),
        ("pipe:.*", NUMBER, "hostd's lines; the others are hostd's, kept"),
        ("socket:.*", NUMBER, "the network's news, hostd's store; the others are hostd's, kept"),
        (rf"/memfd:(state|deaths) \(deleted\)|{ENVIRONMENTS}|mnt:\[[0-9]+\]", NUMBER, "hostd's, kept"),
    ],
    "monitor": [
        ("/dev/null", "0", "the standard streams"), ("pipe:.*", "[12]", "the log"),
        (r"anon_inode:\[(eventpoll|signalfd|pidfd)\]", NUMBER, "waiting; cells and workers"),
        (rf"/sys/fs/cgroup/hostd(/link)?|{CELL_GROUPS}", NUMBER, "cgroups of what it starts"),
        (r"/memfd:(role-filter|state|deaths) \(deleted\)", NUMBER, "lists of calls; what the next needs"),
        (rf"/work/workspaces|/state(/events)?|/proc|{ENVIRONMENTS}", NUMBER, "what cells are made of"),
        (r"mnt:\[[0-9]+\]|/[0-9]+/[0-3]", NUMBER, "the nursery, and what a cell keeps"),
        ("pipe:.*", NUMBER, "a worker's lines, a cell's exit"),
        ("socket:.*", NUMBER, "the store, a pair to each worker, the kernel's audit"),
    ],
    "link": WORKER_FDS, "relay": WORKER_FDS,
    "dhcp": [("/dev/null", "[0-2]", "the standard streams: nobody hears it"),
             ("pipe:.*", "[34]", "to itself, of signals"), ("socket:.*", "5", "frames")],
}


def _maps(check, lines, kind):
    known = rf"{PROGRAM[kind]}|\[(stack|heap|vdso|vvar|vvar_vclock|anon.*)\]|"
    if kind == "monitor":
        known = rf"/memfd:(state|deaths) \(deleted\)|{known}"
    for line in lines:
        fields = line.split(maxsplit=5)
        check.match("maps", known, fields[5] if len(fields) > 5 else "")
        if "w" in fields[1] and "x" in fields[1]:
            check.fail("maps", f"writable and executable: {line}")


def _rest(check, snap, kind):
    fields = " ".join(snap["stat"]).rsplit(")", 1)[1].split()
    for number, (pattern, _) in rows.STAT.items():
        check.match(f"stat {number}", pattern, fields[number - 3])
    for name, target in (("root", "/"), ("cwd", "/"), ("exe", PROGRAM[kind])):
        check.match(name, target, snap["links ."][name])
    for line in filter(None, snap["environ"]):
        name, _, value = line.partition("=")
        posture.check_environ(check, name, value, ENVIRON[kind])
    for name, target in snap["links ns"].items():
        if (target != check.facts["node_ns"].get(name)) != (name in OWN_NS[kind]):
            check.fail(f"ns {name}", f"{target}, and the node's is {check.facts['node_ns'].get(name)}")
    interfaces = sorted(line.split(":")[0].strip() for line in snap["net/dev"][2:])
    if interfaces != INTERFACES[kind]:
        check.fail("net/dev", f"{interfaces}")


def compare(snap, kind, facts):
    """All that is not as it says here of a process of the node; facts: uid, cell, id, parent,
    node_ns."""
    facts = dict(facts, branch=ANY)
    facts.update(cgroup=CGROUP[kind].format(**facts), cmdline=CMDLINE[kind].format(**facts))
    check = posture.Check(f"{kind} {snap['pid']}", facts)
    posture.check_names(check, snap["names ."])
    posture.check_values(check, snap, VALUES)
    check.table("attr", {name: "\n".join(snap.get(f"attr/{name}", []))
                         for name in snap["names attr"]}, rows.ATTR)
    posture.check_mounts(check, snap["mountinfo"], MOUNTS[kind])
    posture.check_fds(check, snap, FDS[kind])
    posture.check_inheritance(check, snap, "[012]")
    _maps(check, snap["maps"], kind)
    _rest(check, snap, kind)
    for name in snap:
        thread = str(name).rsplit("/", 1)[0]
        if str(name).endswith("/status"):
            posture.check_status(check, snap[name], {**rows.STATUS, **STATUS[kind]})
            posture.check_names(check, snap[f"names {thread}"])
            posture.check_limits(check, snap[f"{thread}/limits"], {**rows.LIMITS, **LIMITS[kind]})
    return check.wrong


TABLES = {"STATUS": STATUS, "LIMITS": LIMITS, "MOUNTS": MOUNTS, "ENVIRON": ENVIRON, "FDS": FDS}


def decoration(snap, kind, facts):
    """The rows of a kind that nobody would miss: of each table one after the other is spoiled."""
    unmissed = []
    for table, kinds in TABLES.items():
        original = kinds[kind]
        for name in range(len(original)) if table == "FDS" else original:
            if table == "FDS":
                kinds[kind] = [row for at, row in enumerate(original) if at != name]
            elif table in ("ENVIRON", "MOUNTS"):
                kinds[kind] = {k: v for k, v in original.items() if k != name}
            else:
                kinds[kind] = {**original, name: ("never this",) * 3}
            if not compare(snap, kind, facts):
                unmissed.append(f"{table} {name}")
            kinds[kind] = original
    return unmissed
