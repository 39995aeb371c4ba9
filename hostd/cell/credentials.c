/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/credentials.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/uids.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CAPABILITIES_MAX 63

/* Raw calls: a libc's wrapper would synchronise threads that this copy of the monitor has not. */
int credentials_identity(void)
{
	long groups = syscall(SYS_getgroups, 0, NULL);

	/* The host object emptied them; in here they cannot be dropped. */
	if (groups != 0)
		return groups < 0 ? -errno : -EPERM;
	if (syscall(SYS_setresgid, UIDS_INSIDE, UIDS_INSIDE, UIDS_INSIDE) < 0)
		return -errno;
	return syscall(SYS_setresuid, UIDS_INSIDE, UIDS_INSIDE, UIDS_INSIDE) < 0 ? -errno : 0;
}

/* To give way needs no privilege. The raw call, since musl has no such function. */
static int ordinary_priority(void)
{
	const struct sched_param none = {0};

	if (syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none) < 0)
		return -errno;
	if (getpriority(PRIO_PROCESS, 0) < 0 && setpriority(PRIO_PROCESS, 0, 0) < 0)
		return -errno;
	/*
	 * bind(2) takes the umask off a socket's mode before the directory's default ACL is looked
	 * at, and what it takes from the group it takes from the ACL's mask: with 022 the relay could
	 * not connect. No other user is in the cell's group.
	 */
	umask(002);
	return 0;
}

int credentials_limits(uint32_t pids_max)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{RLIMIT_CORE, 0},	       /* no dumps of memory to anywhere */
		{RLIMIT_NOFILE, 4096},	       /* also bounds epoll and eventfd objects */
		{RLIMIT_NPROC, pids_max + 1},  /* behind pids.max, whose refusals are told */
		{RLIMIT_MEMLOCK, 1024 * 1024}, /* unevictable memory */
		{RLIMIT_SIGPENDING, 1024},     /* queued signals and POSIX timers: kernel memory */
		{RLIMIT_MSGQUEUE, 0},	       /* mq_open is refused by the filter too */
		{RLIMIT_NICE, 0},	       /* no higher priority, */
		{RLIMIT_RTPRIO, 0},	       /* nor real-time */
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit;

		if (getrlimit(limits[i].resource, &limit) < 0)
			return -errno;
		if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > limits[i].value)
			limit.rlim_max = limits[i].value;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	return ordinary_priority();
}

/* Needs CAP_SETPCAP, so before the sets are emptied. EINVAL is the first number unknown here. */
static int drop_bounding(void)
{
	for (int capability = 0; capability <= CAPABILITIES_MAX; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return errno == EINVAL && capability > CAP_CHECKPOINT_RESTORE ? 0 : -errno;
	return 0;
}

/*
 * Where the CPU has a barrier against branches that another process trained, Linux uses it for
 * those only that ask: so each process of a cell does, for good. EPERM and ENXIO are of CPUs and
 * kernels that leave no choice.
 */
static int distrust_branches(void)
{
	if (prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_FORCE_DISABLE, 0, 0) < 0 &&
	    errno != EPERM && errno != ENXIO && errno != ENODEV)
		return -errno;
	return 0;
}

int credentials_drop(void)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
				   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
				   SECBIT_NO_CAP_AMBIENT_RAISE |
				   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
	int result;

	memset(none, 0, sizeof(none));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	result = drop_bounding();
	if (result == 0)
		result = distrust_branches();
	if (result < 0)
		return result;
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int credentials_signals(void)
{
	struct sigaction action;
	sigset_t none;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	/* libc keeps two or three real-time signals to itself and refuses them: never ignored. */
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			(void)sigaction(number, &action, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}
