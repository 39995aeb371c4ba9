/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/coresched.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <sys/prctl.h>
#include <sys/wait.h>

/* The kernel's numbers, as older headers than the kernel's know only some. */
#define SCHED_CORE 62
enum { GET, CREATE, SHARE_TO, SHARE_FROM };
enum { THREAD, THREAD_GROUP };

static int call(int what, pid_t pid, int scope, uint64_t *cookie)
{
	return sys_result(prctl(SCHED_CORE, what, pid, scope, cookie));
}

int coresched_init(bool *ret_needed)
{
	CLEANUP_FD int fd = open("/sys/devices/system/cpu/smt/active", O_RDONLY | O_CLOEXEC);
	char active = '0';
	uint64_t cookie;

	*ret_needed = false;
	if (fd < 0 && errno == ENOENT) /* an architecture without such threads */
		return 0;
	if (fd < 0 || read(fd, &active, 1) != 1)
		return fd < 0 ? -errno : -EIO;
	*ret_needed = active != '0';
	return *ret_needed ? call(GET, 0, THREAD, &cookie) : 0;
}

/*
 * A cookie can only be taken on by the caller and passed on from there. That caller is a
 * short-lived copy of the monitor, which itself never has one: with it the monitor could be
 * scheduled beside the cell.
 */
static int pass_on(pid_t child, pid_t sibling)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int result = call(SHARE_FROM, sibling, THREAD, NULL);

		if (result == 0)
			result = call(SHARE_TO, child, THREAD, NULL);
		_exit(-result);
	}
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

int coresched_give(pid_t child, pid_t sibling)
{
	int result = sibling > 0 ? pass_on(child, sibling) : -ESRCH;

	return result == -ESRCH ? call(CREATE, child, THREAD_GROUP, NULL) : result;
}
