# SPDX-License-Identifier: Apache-2.0
"""What /proc is to say of a process in a cell: every field, each with its reason.

A field, file, mount or descriptor that is not here fails, so that what a new kernel or a changed
hostd shows is looked at once. Patterns are regular expressions for the whole value; {name} is a
fact of the cell (posture.py), filled in before.
"""

HEX = "[0-9a-f]+"
NUMBER = "[0-9]+"
KIB = "[0-9]+ kB"
ANY = ".*"

# Names in /proc/PID: how each is looked at, or why not.
ENTRIES = {
    "arch_status": "VALUES", "attr": "ATTR", "auxv": "the loader's copy of what execve told",
    "cgroup": "VALUES", "cmdline": "VALUES", "comm": "the program's own (PR_SET_NAME)",
    "cwd": "LINKS", "environ": "ENVIRON", "exe": "LINKS", "fd": "FDS", "fdinfo": "FDINFO",
    "gid_map": "VALUES", "limits": "LIMITS", "loginuid": "VALUES",
    "map_files": "the same as maps", "maps": "MAPS", "mem": "what maps says may be read",
    "mountinfo": "MOUNTS", "mounts": "the same as mountinfo", "mountstats": "the same",
    "net": "INTERFACES", "ns": "NS", "oom_adj": "oom_score_adj by another scale",
    "oom_score": "reckoned from oom_score_adj and the memory used", "oom_score_adj": "VALUES",
    "personality": "VALUES", "projid_map": "VALUES", "root": "LINKS", "sessionid": "VALUES",
    "setgroups": "VALUES", "stack": "where in the kernel it waits", "stat": "STAT",
    "statm": "sizes, as in status", "status": "STATUS", "syscall": "where it waits",
    "task": "every thread is looked at", "timens_offsets": "VALUES", "timerslack_ns": "VALUES",
    "uid_map": "VALUES",
    "children": "of a thread: all processes of the cgroup are looked at",
}

# /proc/PID/task/TID/status
STATUS = {
    "Name": (ANY, "the program's own"),
    "Umask": ("00[0-7][0-7]", "the cell starts with 0002; the program may change it"),
    "State": ("[RSDZ] .*", "running or waiting: never stopped or traced"),
    "Tgid": (NUMBER, "which process"), "Pid": (NUMBER, "which thread"),
    "PPid": (NUMBER, "the parent"), "Ngid": ("0", "no NUMA groups"),
    "TracerPid": ("0", "nobody traces it (yama 3)"),
    "Uid": (r"{uid}\t{uid}\t{uid}\t{uid}", "the cell's alone, in all four places"),
    "Gid": (r"{uid}\t{uid}\t{uid}\t{uid}", "the same"),
    "FDSize": (NUMBER, "size of a table"),
    "Groups": ("", "none: a group could open what its uid cannot"),
    "NStgid": (rf"{NUMBER}\t{NUMBER}", "two levels: the node's and the cell's"),
    "NSpid": (rf"{NUMBER}\t{NUMBER}", "the same"),
    "NSpgid": (rf"{NUMBER}\t{NUMBER}", "the same: a group of the cell"),
    "NSsid": (rf"{NUMBER}\t{NUMBER}", "the same: a session of the cell"),
    "Kthread": ("0", "a program"),
    **{name: (KIB, "its memory, bounded by the cgroup") for name in
       ("VmPeak", "VmSize", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData", "VmStk",
        "VmExe", "VmLib", "VmPTE")},
    "VmLck": ("0 kB", "nothing is locked: the profiles have no mlock"),
    "VmPin": ("0 kB", "nothing is pinned for devices"),
    "VmSwap": ("0 kB", "there is no swap"),
    "CoreDumping": ("0", "no dumps"), "THP_enabled": ("[01]", "huge pages of its own memory"),
    "untag_mask": ("0xf+", "no tagged addresses (LAM)"),
    "Threads": (NUMBER, "each is looked at"),
    "SigQ": (rf"{NUMBER}/1024", "RLIMIT_SIGPENDING"),
    **{name: (HEX, "the program's own signals") for name in
       ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt")},
    **{name: ("0{{16}}", "no capability, not even in its own user namespace") for name in
       ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
    "NoNewPrivs": ("1", "no exec gives anything"),
    "Seccomp": ("2", "a filter"), "Seccomp_filters": ("2", "the policy, and what of it is told"),
    "Speculation_Store_Bypass": ("not vulnerable|thread (force )?mitigated|globally mitigated",
                                 "no reading past stores"),
    "SpeculationIndirectBranch": ("{branch}", "no branches trained by a neighbour, where the CPU can"),
    "Cpus_allowed": ("[0-9a-f,]+", "any CPU"), "Cpus_allowed_list": ("[0-9,-]+", "the same"),
    "Mems_allowed": ("[0-9a-f,]+", "any memory"), "Mems_allowed_list": ("[0-9,-]+", "the same"),
    "voluntary_ctxt_switches": (NUMBER, "a count"),
    "nonvoluntary_ctxt_switches": (NUMBER, "a count"),
    "x86_Thread_features": ("(shstk)?", "a shadow stack where the CPU has one"),
    "x86_Thread_features_locked": ("((shstk|wrss) ?)*", "the same"),
}

# /proc/PID/limits: soft and hard
LIMITS = {
    "Max cpu time": ("unlimited", "unlimited", "cpu.max bounds the rate, the monitor the time"),
    "Max file size": ("unlimited", "unlimited", "the size of each file system bounds it"),
    "Max data size": ("unlimited", "unlimited", "memory.max bounds it"),
    "Max stack size": (NUMBER, "unlimited", "its own memory"),
    "Max core file size": ("0", "0", "no dumps of memory to anywhere"),
    "Max resident set": ("unlimited", "unlimited", "has no effect"),
    "Max processes": ("{pids_behind}", "{pids_behind}", "one behind pids.max, whose refusals are told"),
    "Max open files": ("4096", "4096", "bounds descriptors, epoll and eventfd objects"),
    "Max locked memory": ("1048576", "1048576", "unevictable memory"),
    "Max address space": ("unlimited", "unlimited", "no memory yet"),
    "Max file locks": ("unlimited", "unlimited", "each is accounted to the cgroup"),
    "Max pending signals": ("1024", "1024", "queued signals and timers"),
    "Max msgqueue size": ("0", "0", "there are no message queues"),
    "Max nice priority": ("0", "0", "no higher priority"),
    "Max realtime priority": ("0", "0", "nor real-time"),
    "Max realtime timeout": ("unlimited", "unlimited", "of what it cannot have"),
}

# Files of one value.
VALUES = {
    "arch_status": ("(AVX512_elapsed_ms:.*)?", "when wide registers were last used"),
    "cgroup": ("0::/cells/{id}/cell", "its own cgroup, one hierarchy"),
    "cmdline": ("(?!.*{secret}).*", "what the manifest says; no key in it"),
    "uid_map": (r"1000 {uid} 1", "one uid, and it is not root, in or out"),
    "gid_map": (r"1000 {uid} 1", "the same"),
    "projid_map": ("", "no project ids: a quota cannot be moved"),
    "setgroups": ("deny", "no groups, ever"),
    "loginuid": ("4294967295", "never logged in"), "sessionid": ("4294967295", "the same"),
    "oom_score_adj": ("300", "before anything of the node"),
    "personality": ("", "yama 3 keeps it from root as well"),
    "timens_offsets": ("monotonic 0 0 boottime 0 0", "the node's clocks"),
    "timerslack_ns": ("50000", "as everywhere"),
}

# /proc/PID/attr: no LSM that labels is at work (lockdown, yama and landlock do not).
ATTR = {
    "current": ("(unconfined)?", "no label"), "prev": ("(unconfined)?", "the same"),
    "exec": ("", "the same"), "fscreate": ("", "the same"), "keycreate": ("", "the same"),
    "sockcreate": ("", "the same"), "apparmor": ("", "a folder of the same"),
}

# /proc/PID/stat, by its number in proc(5)
STAT = {
    7: ("0|[0-9]+", "a terminal of its own devpts, if any"), 18: ("[23][0-9]", "nice 0 or kinder"),
    19: ("1?[0-9]", "the same"), 40: ("0", "no real-time priority"),
    41: ("[03]", "SCHED_OTHER or SCHED_BATCH"),
}

# /proc/PID/ns
NS = {
    **{name: ("own", "shared by the cell's processes and nobody else") for name in
       ("cgroup", "ipc", "mnt", "net", "pid", "uts", "user")},
    "pid_for_children": ("own", "the same as pid"),
    "time": ("node", "clocks are the node's: CLONE_NEWTIME cannot be had in here"),
    "time_for_children": ("node", "the same"),
}

LINKS = {
    "root": ("/", "its mount namespace's own root"),
    "cwd": ("/|/home/user(/.*)?|/tmp(/.*)?|/work(/.*)?", "what it may write to"),
    "exe": ("/usr/.*", "a program of the environment"),
}

ENVIRON = {
    "HOME": "/home/user", "USER": "user", "LANG": "C.UTF-8", "PATH": "/[a-z/:]*",
    "LC_CTYPE": "C.UTF-8", "PYTHON[A-Z]*": ANY, "IPYTHON[A-Z]*": ANY, "JPY_[A-Z_]*": ANY,
    "SHELL": "/bin/sh", "CLICOLOR": "1", "CLICOLOR_FORCE": "1", "FORCE_COLOR": "1", "TERM": ANY, "GIT_PAGER": "cat",
    "PAGER": "cat", "MPLBACKEND": ANY, "PYDEVD_[A-Z_]*": ANY,
}

# What a descriptor may be, by the program that holds it.
FDS = {
    "cell-init": [
        ("/dev/null", "[012]", "the standard streams"),
        ("pipe:{exit}", "3", "the exit's number goes to the monitor: the one way out"),
    ],
    "kernel": [
        ("/dev/null|/dev/u?random", NUMBER, "nodes of its own /dev"),
        (r"anon_inode:\[(eventfd|eventpoll|signalfd|pidfd|timerfd)\]", NUMBER, "waiting"),
        ("socket:{sockets}", NUMBER, "sockets of its own network namespace, or that its relay opened"),
        ("pipe:{pipes}", NUMBER, "pipes whose two ends are in the cell"),
        ("/(home/user|tmp|work|dev/shm|dev/pts|run/kernel|usr|etc|memfd:.*|proc)(/.*)?", NUMBER,
         "files that it can see"),
    ],
}

# Open files are close-on-exec but for these: what a child gets is what was meant.
INHERITED = {"cell-init": "[012]", "kernel": ANY}

# What is mapped, and how. Nothing is writable and executable at once.
MAPS = [
    (r"\[(stack|heap|vdso|vvar|vvar_vclock|vsyscall|uprobes)\]", "its own"),
    (r"\[anon.*\]|", "its own"),
    ("/usr/.*|/lib.*/.*", "the environment's, by dm-verity"),
    ("/dev/zero.*|/dev/shm/.*|/memfd:.*|/SYSV.*", "its own memory, shared"),
    ("/(home/user|tmp|work)/.*", "its own files"),
]

# Interfaces in its network namespace, by policy.
INTERFACES = {"sealed": ["lo"], "loopback": ["lo"], "egress": ["eth0", "lo"]}

# Shown in a cell's /proc beside processes and links; all else is covered.
PROC_SHOWN = {"cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version",
              "vmstat"}
PROC_LINKS = {"mounts", "net", "self", "thread-self"}  # into the reader's own /proc/self

RO = "ro,nosuid,nodev"

# Mount point: root in its file system, options, type, source, super block's options, reason.
MOUNTS = {
    "/": ("/", f"{RO},relatime", "erofs", "/dev/anchorhold-env-{environment}",
          "ro,user_xattr,cache_strategy=readaround", "the environment, on dm-verity"),
    "/dev": ("/", "ro,nosuid,noexec,relatime", "tmpfs", "none", "rw,size=64k,nr_inodes=32,mode=755",
             "its own nodes, checked when they are made"),
    "/dev/pts": ("/", "rw,nosuid,noexec,relatime", "devpts", "none",
                 "rw,mode=620,ptmxmode=666,max=64", "its own ptys"),
    "/dev/shm": ("/", f"rw,nosuid,nodev,noexec,relatime", "tmpfs", "none",
                 "rw,size=[0-9]+k,nr_inodes=[0-9]+,uid={uid},gid={uid}", "POSIX shared memory"),
    "/tmp": ("/", "rw,nosuid,nodev,relatime", "tmpfs", "none",
             "rw,size=[0-9]+k,nr_inodes=[0-9]+,uid={uid},gid={uid}", "scratch"),
    "/home/user": ("/", "rw,nosuid,nodev,relatime", "tmpfs", "none",
                   "rw,size=[0-9]+k,nr_inodes=[0-9]+,mode=700,uid={uid},gid={uid}", "home"),
    "/run/kernel": ("/", "rw,nosuid,nodev,noexec,relatime", "tmpfs", "none",
                    "rw,size=4096k,nr_inodes=64,mode=700,uid={uid},gid={uid}",
                    "the sockets: what the relay sees too"),
    "/proc": ("/", "ro,nosuid,nodev,noexec,relatime", "proc", "none", "rw,hidepid=invisible",
              "its own processes"),
    "/proc/sys": ("/sysctl", "ro,nosuid,nodev,noexec,relatime", "tmpfs", "none",
                  "rw,size=4096k,nr_inodes=65536,mode=755", "copies of a few constants"),
}

# Present where the cell's description asks for it.
OPTIONAL_MOUNTS = {
    "/work": ("/workspaces/[a-zA-Z0-9._-]+", "r[ow],nosuid,nodev(,noexec)?,relatime(,idmapped)?",
              "ext4", "/dev/[a-z0-9]+", "rw,prjquota.*", "the project's workspace, id-mapped"),
}

# The same for every covered entry of /proc: a file or a folder that cannot be opened.
PROC_COVER = ("/(empty|none)", "ro,nosuid,nodev,noexec,relatime", "tmpfs", "none",
              "rw,size=4096k,nr_inodes=65536,mode=755", "sensitive, so covered")
