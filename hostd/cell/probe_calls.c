/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that a cell's filter refuses. Arguments are impossible on purpose: the kernel itself
 * would answer EFAULT, EBADF or EINVAL, so EPERM is the filter's.
 */
#include "hostd/cell/probe.h"

#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAD_POINTER 1l

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static const struct {
	const char *name;
	long number, argument[4];
	int error;
} refused[] = {
	{"mount", SYS_mount, {BAD_POINTER, BAD_POINTER, BAD_POINTER}, EPERM},
	{"umount2", SYS_umount2, {BAD_POINTER}, EPERM},
	{"pivot_root", SYS_pivot_root, {BAD_POINTER, BAD_POINTER}, EPERM},
	{"chroot", SYS_chroot, {BAD_POINTER}, EPERM},
	{"fsopen", SYS_fsopen, {BAD_POINTER}, EPERM},
	{"fsmount", SYS_fsmount, {-1}, EPERM},
	{"fspick", SYS_fspick, {-1, BAD_POINTER}, EPERM},
	{"open_tree", SYS_open_tree, {-1, BAD_POINTER}, EPERM},
	{"move_mount", SYS_move_mount, {-1, BAD_POINTER}, EPERM},
	{"mount_setattr", SYS_mount_setattr, {-1, BAD_POINTER}, EPERM},
	{"unshare", SYS_unshare, {-1}, EPERM},
	{"setns", SYS_setns, {-1}, EPERM},
	{"clone NEWUSER", SYS_clone, {CLONE_NEWUSER | CLONE_THREAD}, EPERM},
	{"clone NEWNS", SYS_clone, {CLONE_NEWNS | CLONE_FS}, EPERM},
	{"clone3", SYS_clone3, {BAD_POINTER, 64}, ENOSYS},
	{"ptrace", SYS_ptrace, {-1, -1}, EPERM},
	{"process_vm_readv", SYS_process_vm_readv, {-1, BAD_POINTER, 1}, EPERM},
	{"process_vm_writev", SYS_process_vm_writev, {-1, BAD_POINTER, 1}, EPERM},
	{"pidfd_getfd", SYS_pidfd_getfd, {-1, -1}, EPERM},
	{"kcmp", SYS_kcmp, {-1, -1, -1}, EPERM},
	{"bpf", SYS_bpf, {-1, BAD_POINTER}, EPERM},
	{"perf_event_open", SYS_perf_event_open, {BAD_POINTER}, EPERM},
	{"userfaultfd", SYS_userfaultfd, {-1}, EPERM},
	{"io_uring_setup", SYS_io_uring_setup, {1, BAD_POINTER}, EPERM},
	{"io_uring_enter", SYS_io_uring_enter, {-1}, EPERM},
	{"io_uring_register", SYS_io_uring_register, {-1}, EPERM},
	{"io_setup", SYS_io_setup, {1, BAD_POINTER}, EPERM},
	{"keyctl", SYS_keyctl, {-1}, EPERM},
	{"add_key", SYS_add_key, {BAD_POINTER}, EPERM},
	{"request_key", SYS_request_key, {BAD_POINTER}, EPERM},
	{"open_by_handle_at", SYS_open_by_handle_at, {-1, BAD_POINTER}, EPERM},
	{"name_to_handle_at", SYS_name_to_handle_at, {-1, BAD_POINTER}, EPERM},
	{"fanotify_init", SYS_fanotify_init, {-1}, EPERM},
	{"init_module", SYS_init_module, {BAD_POINTER}, EPERM},
	{"finit_module", SYS_finit_module, {-1}, EPERM},
	{"delete_module", SYS_delete_module, {BAD_POINTER}, EPERM},
	{"kexec_load", SYS_kexec_load, {-1}, EPERM},
	{"reboot", SYS_reboot, {-1}, EPERM},
	{"swapon", SYS_swapon, {BAD_POINTER}, EPERM},
	{"acct", SYS_acct, {BAD_POINTER}, EPERM},
	{"quotactl", SYS_quotactl, {-1}, EPERM},
	{"syslog", SYS_syslog, {-1}, EPERM},
	{"sethostname", SYS_sethostname, {BAD_POINTER, 1}, EPERM},
	{"setdomainname", SYS_setdomainname, {BAD_POINTER, 1}, EPERM},
	{"settimeofday", SYS_settimeofday, {BAD_POINTER}, EPERM},
	{"clock_settime", SYS_clock_settime, {-1, BAD_POINTER}, EPERM},
	{"clock_adjtime", SYS_clock_adjtime, {-1, BAD_POINTER}, EPERM},
	{"personality", SYS_personality, {0x0040000}, EPERM},
	{"setuid", SYS_setuid, {1000}, EPERM},
	{"setresgid", SYS_setresgid, {1000, 1000, 1000}, EPERM},
	{"setgroups", SYS_setgroups, {0, 0}, EPERM},
	{"capset", SYS_capset, {BAD_POINTER}, EPERM},
	{"seccomp", SYS_seccomp, {-1}, EPERM},
	{"splice", SYS_splice, {-1, 0, -1}, EPERM},
	{"tee", SYS_tee, {-1, -1}, EPERM},
	{"vmsplice", SYS_vmsplice, {-1, BAD_POINTER}, EPERM},
	{"shmget", SYS_shmget, {0, 0, 0}, EPERM},
	{"semget", SYS_semget, {0, 0, 0}, EPERM},
	{"msgget", SYS_msgget, {0, 0}, EPERM},
	{"mq_open", SYS_mq_open, {BAD_POINTER}, EPERM},
	{"move_pages", SYS_move_pages, {-1}, EPERM},
	{"migrate_pages", SYS_migrate_pages, {-1}, EPERM},
	{"memfd_secret", SYS_memfd_secret, {-1}, EPERM},
	{"mknodat device", SYS_mknodat, {-1, BAD_POINTER, S_IFCHR | 0666}, EPERM},
	{"prctl PR_SET_MM", SYS_prctl, {PR_SET_MM, -1}, EPERM},
	{"prctl PR_SET_SECCOMP", SYS_prctl, {PR_SET_SECCOMP, -1}, EPERM},
	{"ioctl TIOCSTI", SYS_ioctl, {-1, TIOCSTI}, EPERM},
	{"ioctl TIOCLINUX", SYS_ioctl, {-1, TIOCLINUX}, EPERM},
	{"ioctl TIOCSTI, high bits", SYS_ioctl, {-1, (long)(TIOCSTI | 1ull << 32)}, EPERM},
	{"copy_file_range", SYS_copy_file_range, {-1, 0, -1}, ENOSYS},
	{"fchmodat2", SYS_fchmodat2, {-1, BAD_POINTER}, ENOSYS},
	{"openat2", SYS_openat2, {-1, BAD_POINTER}, ENOSYS},
};

void probe_refused(struct probe *probe)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const long *a = refused[i].argument;
		long result = syscall(refused[i].number, a[0], a[1], a[2], a[3]);

		expect(probe, refused[i].name, result < 0 && errno == refused[i].error,
		       result < 0 ? errno : 0);
	}
}
