/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that are one system call. */
#include "hostd/attack/attempt.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

/* What older headers than the kernel's lack. */
#define NR_quotactl_fd 443
#define NR_memfd_secret 447
#define NR_process_mrelease 448
#define NR_cachestat 451
#define NR_listmount 458
#define PRCTL_SCHED_CORE 62
#define LSM_GET_SELF 459

#define P(pointer) ((long)(pointer))
#define SELF 0

static long number_one = 1;
static char buffer[4096];
static struct timespec long_ago = {1700000000, 0};
static struct {
	unsigned size, policy;
	unsigned long long flags;
	int nice;
	unsigned priority;
	unsigned long long runtime, deadline, period;
} deadline = {48, 6, 0, 0, 0, 10000000, 30000000, 30000000};
static int priority_one = 1;
static unsigned ldt_entry[4];
static char page[4096] __attribute__((aligned(4096)));

const struct call calls[] = {
	/* Namespaces of one's own, from which the kernel's rarer code is reached. */
	{"unshare-user", SYS_unshare, {CLONE_NEWUSER}},
	{"unshare-mount", SYS_unshare, {CLONE_NEWNS}},
	{"unshare-net", SYS_unshare, {CLONE_NEWNET}},
	{"unshare-pid", SYS_unshare, {CLONE_NEWPID}},
	{"unshare-ipc", SYS_unshare, {CLONE_NEWIPC}},
	{"unshare-uts", SYS_unshare, {CLONE_NEWUTS}},
	{"unshare-cgroup", SYS_unshare, {CLONE_NEWCGROUP}},
	{"unshare-time", SYS_unshare, {CLONE_NEWTIME}},
	{"unshare-nothing", SYS_unshare, {0}},

	/* Identity. */
	{"setuid", SYS_setuid, {1001}},
	{"setgid", SYS_setgid, {1001}},
	{"setreuid", SYS_setreuid, {1001, 1001}},
	{"setregid", SYS_setregid, {1001, 1001}},
	{"setresuid", SYS_setresuid, {1001, 1001, 1001}},
	{"setresgid", SYS_setresgid, {1001, 1001, 1001}},
	{"setgroups", SYS_setgroups, {0, 0}},
	{"personality-read-implies-exec", SYS_personality, {READ_IMPLIES_EXEC}},
	{"personality-no-randomize", SYS_personality, {ADDR_NO_RANDOMIZE}},

	/* The kernel replaced, extended or switched. */
	{"reboot", SYS_reboot, {(int)0xfee1dead, 0x28121969, 0}},
	{"kexec-load", SYS_kexec_load, {0, 0, 0, 0}},
	{"kexec-file-load", SYS_kexec_file_load, {-1, -1, 0, 0, 0}},
	{"init-module", SYS_init_module, {P(buffer), sizeof(buffer), P("")}},
	{"finit-module", SYS_finit_module, {-1, P(""), 0}},
	{"delete-module", SYS_delete_module, {P("none"), O_NONBLOCK}},
	{"swapon", SYS_swapon, {P("/dev/null"), 0}},
	{"swapoff", SYS_swapoff, {P("/dev/null")}},
	{"acct", SYS_acct, {0}},
	{"quotactl", SYS_quotactl, {(long)0x80000100, 0, 0, 0}},
	{"quotactl-fd", NR_quotactl_fd, {-1, (long)0x80000100, 0, 0}},
	{"syslog-read", SYS_syslog, {3, P(buffer), sizeof(buffer)}},
	{"syslog-clear", SYS_syslog, {5, 0, 0}},
	{"syslog-size", SYS_syslog, {10, 0, 0}},
	{"vhangup", SYS_vhangup, {0}},
	{"sync", SYS_sync, {0}},
	{"syncfs", SYS_syncfs, {-1}},
	{"sysfs", SYS_sysfs, {3}},

	/* Clocks and names. */
	{"clock-settime", SYS_clock_settime, {CLOCK_REALTIME, P(&long_ago)}},
	{"clock-settime-raw", SYS_clock_settime, {CLOCK_MONOTONIC, P(&long_ago)}},
	{"sethostname", SYS_sethostname, {P("attacker"), 8}},
	{"setdomainname", SYS_setdomainname, {P("attacker"), 8}},
	{"timerfd-create", SYS_timerfd_create, {CLOCK_MONOTONIC, 0}},

	/* Ports, segments, scheduling, locked memory. */
	{"iopl", SYS_iopl, {3}},
	{"ioperm", SYS_ioperm, {0x80, 1, 1}},
	{"modify-ldt", SYS_modify_ldt, {1, P(ldt_entry), sizeof(ldt_entry)}},
	{"sched-fifo", SYS_sched_setscheduler, {SELF, SCHED_FIFO, P(&priority_one)}},
	{"sched-rr", SYS_sched_setscheduler, {SELF, SCHED_RR, P(&priority_one)}},
	{"sched-deadline", SYS_sched_setattr, {SELF, P(&deadline), 0}},
	{"ioprio-realtime", SYS_ioprio_set, {1, 0, 1 << 13}},
	{"nice-up", SYS_setpriority, {PRIO_PROCESS, 0, -5}},
	{"mlockall", SYS_mlockall, {MCL_FUTURE | MCL_CURRENT}},
	{"mlock", SYS_mlock, {P(page), sizeof(page)}},
	{"set-mempolicy", SYS_set_mempolicy, {0, 0, 0}},
	{"mbind", SYS_mbind, {P(page), sizeof(page), 0, 0, 0, 0}},
	{"migrate-pages", SYS_migrate_pages, {SELF, 64, P(&number_one), P(&number_one)}},
	{"move-pages", SYS_move_pages, {SELF, 0, 0, 0, 0, 0}},
	{"remap-file-pages", SYS_remap_file_pages, {P(page), sizeof(page), 0, 0, 0}},
	{"mincore", SYS_mincore, {P(page), sizeof(page), P(buffer)}},
	{"cachestat", NR_cachestat, {-1, P(buffer), P(buffer), 0}},
	{"map-address-zero", SYS_mmap,
	 {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0}},
	{"map-locked", SYS_mmap,
	 {0, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0}},

	/* Subsystems with a history. */
	{"userfaultfd", SYS_userfaultfd, {1}},
	{"io-uring-enter", SYS_io_uring_enter, {-1, 0, 0, 0, 0, 0}},
	{"io-uring-register", SYS_io_uring_register, {-1, 0, 0, 0}},
	{"io-setup", SYS_io_setup, {1, P(buffer)}},
	{"io-submit", SYS_io_submit, {0, 0, 0}},
	{"io-destroy", SYS_io_destroy, {0}},
	{"keyctl", SYS_keyctl, {0, -3, 1}},
	{"add-key", SYS_add_key, {P("user"), P("attack"), P("x"), 1, -2}},
	{"request-key", SYS_request_key, {P("user"), P("none"), 0, 0}},
	{"fanotify-init", SYS_fanotify_init, {0x200, 0}},
	{"inotify-init", SYS_inotify_init1, {0}},
	{"inotify-add-watch", SYS_inotify_add_watch, {-1, P("/tmp"), 2}},
	{"inotify-init-old", SYS_inotify_init, {0}},
	{"memfd-secret", NR_memfd_secret, {0}},
	{"process-mrelease", NR_process_mrelease, {-1, 0}},
	{"process-madvise", SYS_process_madvise, {-1, 0, 0, 20, 0}},
	{"pidfd-send-signal", SYS_pidfd_send_signal, {-1, 0, 0, 0}},
	{"listmount", NR_listmount, {0, 0, 0, 0}},
	{"lsm-get-self-attr", LSM_GET_SELF, {100, 0, P(buffer), 0}},
	{"seccomp-query", SYS_seccomp, {SECCOMP_GET_NOTIF_SIZES, 0, P(buffer)}},
	{"seccomp-strict", SYS_seccomp, {7, 0, 0}},
	{"landlock-create", SYS_landlock_create_ruleset, {0, 0, 1}},
	{"name-to-handle", SYS_name_to_handle_at, {AT_FDCWD, P("/"), 0, 0, 0}},
	{"open-by-handle-null", SYS_open_by_handle_at, {AT_FDCWD, 0, 0}},
	{"mknod-old", SYS_mknod, {P("/tmp/attack-mknod"), S_IFCHR | 0666, 0x101}},
	{"setxattr-trusted", SYS_fsetxattr, {-1, P("trusted.x"), P("x"), 1, 0}},
	{"futimesat", SYS_futimesat, {-1, P("x"), 0}},
	{"utime", SYS_utime, {P("/tmp"), 0}},

	/* What prctl offers. */
	{"prctl-set-mm", SYS_prctl, {PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0}},
	{"prctl-securebits", SYS_prctl, {PR_SET_SECUREBITS, 0, 0, 0, 0}},
	{"prctl-bounding", SYS_prctl, {PR_CAPBSET_DROP, 0, 0, 0, 0}},
	{"prctl-ambient", SYS_prctl, {PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0}},
	{"prctl-keepcaps", SYS_prctl, {PR_SET_KEEPCAPS, 1, 0, 0, 0}},
	{"prctl-ptracer", SYS_prctl, {PR_SET_PTRACER, -1, 0, 0, 0}},
	{"prctl-subreaper", SYS_prctl, {PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0}},
	{"prctl-seccomp-strict", SYS_prctl, {PR_SET_SECCOMP, 0, 0, 0, 0}},
	{"prctl-io-flusher", SYS_prctl, {57, 1, 0, 0, 0}},
	{"prctl-speculation", SYS_prctl, {53, 0, 4, 0, 0}},
	{"prctl-timing", SYS_prctl, {PR_SET_TIMERSLACK, 1, 0, 0, 0}},
	{"prctl-thp", SYS_prctl, {PR_SET_THP_DISABLE, 0, 0, 0, 0}},
	{"prctl-mce", SYS_prctl, {PR_MCE_KILL, 0, 0, 0, 0}},
	{"prctl-core-sched", SYS_prctl, {PRCTL_SCHED_CORE, 0, 0, 0, P(buffer)}},
	{NULL, 0, {0}},
};
