# SPDX-License-Identifier: Apache-2.0
# promises.boot: what the running kernel is asked by init at every boot.
# In the image this file is /etc/anchorhold/promises.
#
# One promise a line:   NAME PROBE ARGUMENTS # REASON
# Fields are separated by blanks; NAME is [a-z0-9-]+ and unique; the reason starts at
# the first " # " and is for people. Lines that are empty or start with # are comments.
# A probe that cannot be made (no such file, no permission) counts as missing.
#
#   sysctl NAME VALUE       /proc/sys/NAME (dots are slashes) holds exactly VALUE
#   file PATH SUBSTRING     the first 4096 bytes of PATH contain SUBSTRING
#   absent PATH             PATH does not exist (ENOENT)
#   enosys SYSCALL          the system call, made with impossible arguments, fails with ENOSYS
#   landlock ABI            landlock_create_ruleset's version is at least ABI
#   socket DOMAIN ERRNO     socket(DOMAIN, SOCK_DGRAM or SOCK_SEQPACKET or SOCK_RAW, 0) fails with ERRNO
#   cmdline WORD...         one of these words is one of /proc/cmdline's
#   smt                     no hardware threads share a core; or the word anchorhold.smt=cookies says
#                           that the board keeps them, and the kernel has core scheduling
#   controllers LIST        every name of the comma list is in /sys/fs/cgroup/cgroup.controllers
#   rootverity              / is a device mapper device whose table is one verity target
#
# init itself adds one more, `build-id`: /sys/kernel/notes names the kernel that
# /etc/anchorhold/build-id expects, which stands for all of promises.build.

# --- The image is the image.
root-verity       rootverity                                               # a changed block of the root ends in a panic
verity-panic      cmdline panic=-1                                         # a panic restarts the node at once
no-initrd         absent /proc/sys/kernel/real-root-dev                    # a loader cannot put a ramdisk before the root

# --- Nothing enters, replaces or reads the kernel.
lockdown          file /sys/kernel/security/lockdown [confidentiality]     # even root neither changes nor reads kernel memory
no-init-module    enosys init_module                                       # the kernel takes no modules
no-finit-module   enosys finit_module                                      # nor by descriptor
no-kexec          enosys kexec_load                                        # the kernel is not replaced by another
no-kexec-file     enosys kexec_file_load                                   # nor by a signed one
no-modules        absent /proc/modules                                     # there is no module loader to ask
no-dev-mem        absent /dev/mem                                          # physical memory is not a file
no-dev-port       absent /dev/port                                         # nor are I/O ports
no-kcore          absent /proc/kcore                                       # nor is kernel memory
no-kallsyms       absent /proc/kallsyms                                    # addresses of functions are not listed
no-debugfs        absent /sys/kernel/debug                                 # the kernel's insides are not listed
no-tracing        absent /sys/kernel/tracing                               # nor traced
no-sysrq          absent /proc/sysrq-trigger                               # no reboot, dump or kill by a key

# --- System calls that are not there.
no-bpf            enosys bpf                                               # no programs in the kernel
no-io-uring       enosys io_uring_setup                                    # bypasses seccomp's view of I/O
no-userfaultfd    enosys userfaultfd                                       # holds the kernel still during a race
no-modify-ldt     enosys modify_ldt                                        # no 16-bit segments
no-aio            enosys io_setup                                          # old asynchronous I/O has no user here
no-kcmp           enosys kcmp                                              # tells kernel pointers apart
no-keyctl         enosys keyctl                                            # key rings are not namespaced
no-add-key        enosys add_key                                           # the same
no-rseq           enosys rseq                                              # no user here needs it
no-iopl           enosys iopl                                              # no port access from user space
no-fanotify       enosys fanotify_init                                     # sees across mount namespaces
no-mqueue         enosys mq_open                                           # no user here needs it
no-memfd-secret   enosys memfd_secret                                      # memory that cannot be reclaimed

# --- Socket families that are not there.
no-af-alg         socket AF_ALG EAFNOSUPPORT                               # kernel crypto is not for programs
no-af-vsock       socket AF_VSOCK EAFNOSUPPORT                             # the host is not a peer
no-af-key         socket AF_KEY EAFNOSUPPORT                               # no IPsec
no-af-rxrpc       socket AF_RXRPC EAFNOSUPPORT                             # no AFS
no-af-tipc        socket AF_TIPC EAFNOSUPPORT                              # no cluster protocol
no-af-can         socket AF_CAN EAFNOSUPPORT                               # no car
no-af-bluetooth   socket AF_BLUETOOTH EAFNOSUPPORT                         # no radio

# --- What is told to whom.
kptr              sysctl kernel.kptr_restrict 2                            # pointers are never printed
dmesg             sysctl kernel.dmesg_restrict 1                           # the log is for privileged readers
perf              sysctl kernel.perf_event_paranoid 3                      # counters are for privileged readers
hash-pointers     cmdline hash_pointers=always                             # also where debugging would show them

# --- Processes against each other.
aslr              sysctl kernel.randomize_va_space 2                       # all of an address space is random
mmap-rnd          sysctl vm.mmap_rnd_bits 32                               # as random as the machine allows
mmap-min          sysctl vm.mmap_min_addr 65536                            # null pointers hit nothing
ptrace            sysctl kernel.yama.ptrace_scope 3                        # nobody traces anybody
userns            sysctl kernel.unprivileged_userns_clone 0                # only the monitor makes user namespaces
suid-dump         sysctl fs.suid_dumpable 0                                # privileged memory is never dumped
links             sysctl fs.protected_symlinks 1                           # /tmp races
hardlinks         sysctl fs.protected_hardlinks 1                          # the same
fifos             sysctl fs.protected_fifos 2                              # the same
regular           sysctl fs.protected_regular 2                            # the same
tiocsti           sysctl dev.tty.legacy_tiocsti 0                          # nobody types into another's terminal
ldisc             sysctl dev.tty.ldisc_autoload 0                          # nobody picks a line discipline
lsm-yama          file /sys/kernel/security/lsm yama                       # the module behind ptrace_scope
lsm-landlock      file /sys/kernel/security/lsm landlock                   # the module behind a cell's file rules
landlock          landlock 6                                               # file, network, signal and abstract socket rules
seccomp-kill      file /proc/sys/kernel/seccomp/actions_avail kill_process # a cell's filter can end it
seccomp-log       file /proc/sys/kernel/seccomp/actions_logged errno       # refusals can be told

# --- Limits.
controllers       controllers cpu,memory,pids,io,cpuset                    # each limit of a cell has its controller
pressure          file /proc/pressure/memory some                          # stalls are seen without a kill

# --- The kernel against its own faults.
oops              sysctl kernel.panic_on_oops 1                            # a broken kernel does not go on
warn-limit        sysctl kernel.warn_limit 100                             # nor one that warns and warns
init-alloc        cmdline init_on_alloc=1                                  # memory starts as zeros
init-free         cmdline init_on_free=1                                   # and ends as zeros
slab-merge        cmdline slab_nomerge                                     # kinds of objects stay apart
page-shuffle      cmdline page_alloc.shuffle=1                             # free pages in random order
kstack            cmdline randomize_kstack_offset=1                        # a random stack a system call
pti               cmdline pti=on                                           # kernel and user page tables apart
mitigations       cmdline mitigations=auto,nosmt mitigations=auto          # every mitigation the CPU needs
smt               smt                                                      # no two projects share a core's buffers
no-ksm            absent /sys/kernel/mm/ksm                                # equal pages of two cells stay two
iommu             cmdline iommu=force                                      # devices reach only what they were given
vsyscall          cmdline vsyscall=none                                    # no fixed address to jump to
proc-mem          cmdline proc_mem.force_override=never                    # /proc/PID/mem respects protections
bdev-write        cmdline bdev_allow_write_mounted=0                       # a mounted disk is written by its file system alone
