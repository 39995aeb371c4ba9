/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters in force: a child loads one and tries a call. Arguments are such that the kernel
 * itself answers with another error than the filter. What the process needs to report (write,
 * exit_group) every profile allows. cell-probe tries much more, inside a whole cell.
 */
#include "hostd/cell/seccomp.h"

#include "hostd/policy/policy.h"
#include "link/check.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED (-1)
#define SEALED CELL_NETWORK_SEALED
#define LOOPBACK CELL_NETWORK_LOOPBACK

static const struct {
	const char *name, *profile;
	enum cell_network network;
	int error; /* expected errno; 0: success; KILLED: SIGSYS */
	long number, argument[3];
} rows[] = {
	{"getpid", "cell-init", LOOPBACK, 0, SYS_getpid, {0}},
	{"mount", "python", LOOPBACK, EPERM, SYS_mount, {1, 1, 1}},
	{"an unknown call", "python", LOOPBACK, EPERM, 1000, {0}},
	{"clone3", "python", LOOPBACK, ENOSYS, SYS_clone3, {1, 64}},
	{"clone with a namespace", "python", LOOPBACK, EPERM, SYS_clone, {CLONE_NEWUTS | CLONE_VM}},
	{"clone, bad flags", "python", LOOPBACK, EINVAL, SYS_clone, {CLONE_THREAD}},
	{"AF_UNIX", "lua", SEALED, EINVAL, SYS_socket, {AF_UNIX, 0x7000, 0}},
	{"AF_UNIX, garbage above", "lua", SEALED, EINVAL, SYS_socket,
	 {(long)(AF_UNIX | 7ull << 40), 0x7000, 0}},
	{"AF_INET sealed", "python", SEALED, EAFNOSUPPORT, SYS_socket, {AF_INET, 0x7000}},
	{"AF_INET6 sealed", "python", SEALED, EAFNOSUPPORT, SYS_socket, {AF_INET6, 0x7000}},
	{"AF_INET", "python", LOOPBACK, EINVAL, SYS_socket, {AF_INET, 0x7000}},
	{"AF_INET6", "python", LOOPBACK, EINVAL, SYS_socket, {AF_INET6, 0x7000}},
	{"AF_INET, egress", "python", CELL_NETWORK_EGRESS, EINVAL, SYS_socket, {AF_INET, 0x7000}},
	{"AF_INET6, egress", "python", CELL_NETWORK_EGRESS, EAFNOSUPPORT, SYS_socket,
	 {AF_INET6, 0x7000}},
	{"AF_ALG", "python", LOOPBACK, EAFNOSUPPORT, SYS_socket, {AF_ALG, 0x7000}},
	{"AF_NETLINK", "python", LOOPBACK, EOPNOTSUPP, SYS_socket, {AF_NETLINK, 0x7000}},
	{"a domain out of range", "python", LOOPBACK, EPERM, SYS_socket, {99, 0x7000}},
	{"socket for cell-init", "cell-init", LOOPBACK, EAFNOSUPPORT, SYS_socket, {AF_UNIX, 1}},
	{"TIOCSTI", "python", LOOPBACK, EPERM, SYS_ioctl, {-1, TIOCSTI}},
	{"TIOCSTI, garbage above", "python", LOOPBACK, EPERM, SYS_ioctl,
	 {-1, (long)(TIOCSTI | 1ull << 32)}},
	{"TCGETS", "python", LOOPBACK, EBADF, SYS_ioctl, {-1, TCGETS}},
	{"TIOCGPTN, sign-extended", "python", LOOPBACK, EBADF, SYS_ioctl,
	 {-1, (long)(int)TIOCGPTN}},
	{"TIOCGPTN is not lua's", "lua", LOOPBACK, EPERM, SYS_ioctl, {-1, TIOCGPTN}},
	{"mkfifo", "python", LOOPBACK, EFAULT, SYS_mknodat, {-1, 1, S_IFIFO | 0600}},
	{"mknod", "python", LOOPBACK, EPERM, SYS_mknodat, {-1, 1, S_IFCHR | 0600}},
	{"PR_SET_MM", "python", LOOPBACK, EPERM, SYS_prctl, {PR_SET_MM, -1}},
	{"PR_SET_NAME", "lua", LOOPBACK, EFAULT, SYS_prctl, {PR_SET_NAME, 1}},
	{"xattr", "python", LOOPBACK, ENOTSUP, SYS_fsetxattr, {-1, 1, 1}},
#ifdef __x86_64__
	{"open is musl's", "python", LOOPBACK, EPERM, SYS_open, {1}},
	{"open", "lua", LOOPBACK, EFAULT, SYS_open, {1}},
	{"x32", "python", LOOPBACK, KILLED, 0x40000000 | SYS_getpid, {0}},
#endif
};

/* In a child, because a filter stays. Exits with the call's errno. */
static _Noreturn void attempt(const struct filter *filter, size_t row)
{
	const long *a = rows[row].argument;
	long result;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || filter_load(filter) < 0)
		_exit(255);
	errno = 0;
	result = syscall(rows[row].number, a[0], a[1], a[2], 0L);
	syscall(SYS_exit_group, result < 0 ? errno : 0);
	for (;;)
		;
}

static void test_row(struct check *check, size_t row)
{
	struct filter filter = {0, NULL};
	int status = 0;
	pid_t pid;

	check_row(check, rows[row].name);
	CHECK_EQ(check,
		 filter_compile(policy_find(rows[row].profile), rows[row].network, &filter), 0);
	pid = fork();
	if (pid == 0)
		attempt(&filter, row);
	waitpid(pid, &status, 0);
	if (rows[row].error == KILLED)
		CHECK(check, WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	else
		CHECK_EQ(check, WIFEXITED(status) ? WEXITSTATUS(status) : -2, rows[row].error);
	filter_free(&filter);
}

/* ---- what is told is refused by both filters, by each alone too ---- */

enum part { BOTH, LOUD_ALONE, POLICY_ALONE, PARTS };

static int load_part(const struct filter *filter, enum part part)
{
	const struct sock_fprog programs[PARTS] = {
		[LOUD_ALONE] = {.len = filter->loud_count, .filter = filter->loud},
		[POLICY_ALONE] = {.len = filter->count, .filter = filter->code},
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	if (part == BOTH)
		return filter_load(filter);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &programs[part]);
}

/* Every other argument is -1: no call does anything with that where it is let through. */
static _Noreturn void attempt_loud(const struct filter *filter, const struct policy_rule *rule,
				   enum part part)
{
	long a[6] = {-1, -1, -1, -1, -1, -1};
	long result;

	if (rule->argument >= 0)
		a[rule->argument] = (long)rule->value;
	if (load_part(filter, part) < 0)
		_exit(255);
	errno = 0;
	result = syscall(rule->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	syscall(SYS_exit_group, result < 0 ? errno : 0);
	for (;;)
		;
}

static int answer_to(const struct filter *filter, const struct policy_rule *rule, enum part part)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		attempt_loud(filter, rule, part);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

static void test_loud(struct check *check, const char *profile)
{
	struct filter filter = {0, NULL};

	CHECK_EQ(check, filter_compile(policy_find(profile), SEALED, &filter), 0);
	for (size_t i = 0; i < policy_loud.count; i++) {
		const struct policy_rule *rule = &policy_loud.rules[i];

		if (rule->number < 0)
			continue;
		check_row(check, rule->name);
		CHECK_EQ(check, answer_to(&filter, rule, BOTH), rule->error);
		CHECK_EQ(check, answer_to(&filter, rule, LOUD_ALONE), rule->error);
		CHECK_EQ(check, answer_to(&filter, rule, POLICY_ALONE), ENOSYS);
	}
	check_row(check, NULL);
	filter_free(&filter);
}

int main(void)
{
	struct check check = {0};

	test_loud(&check, "python");
	test_loud(&check, "lua");

	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
		test_row(&check, row);
	return CHECK_DONE(&check);
}
