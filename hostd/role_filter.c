/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role's list of calls as the kernel's program. The monitor compiles each once; a worker gets it
 * by descriptor and only loads it, since the compiler takes longer than all else at its start.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostd/role.h"

#define FILTER_MAX 1024u /* instructions; a list of eighty calls has about two hundred */

static int rule_add(scmp_filter_ctx filter, const struct role_rule *rule)
{
	int number = seccomp_syscall_resolve_name(rule->syscall);
	uint32_t action = rule->nothing ? SCMP_ACT_ERRNO(0) : SCMP_ACT_ALLOW;

	/* Not of this architecture (open, poll on aarch64): there is nothing to allow. */
	if (number == __NR_SCMP_ERROR || number < 0)
		return 0;
	if (rule->mask == 0)
		return seccomp_rule_add(filter, action, number, 0);
	return seccomp_rule_add(
		filter, action, number, 1,
		SCMP_CMP(rule->arg, SCMP_CMP_MASKED_EQ, rule->mask, rule->value));
}

int role_filter_compile(const struct role_policy *policy)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int fd = memfd_create("role-filter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = !filter ? -ENOMEM : fd < 0 ? -errno : 0;

	/* A C library that tries clone3 for its threads falls back to clone, whose flags show. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	for (size_t i = 0; i < policy->count && r == 0; i++)
		r = rule_add(filter, &policy->rules[i]);
	if (r == 0)
		r = seccomp_export_bpf(filter, fd);
	/* No worker may change it under the next. */
	if (r == 0 && fcntl(fd, F_ADD_SEALS,
			    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = -errno;
	seccomp_release(filter);
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

int role_filter_load(int fd)
{
	struct sock_filter code[FILTER_MAX];
	ssize_t len = pread(fd, code, sizeof(code), 0);
	struct sock_fprog program = {.filter = code};

	if (len < 0)
		return -errno;
	if (len == 0 || len == (ssize_t)sizeof(code) || (size_t)len % sizeof(code[0]) != 0)
		return -EINVAL;
	program.len = (unsigned short)((size_t)len / sizeof(code[0]));
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
