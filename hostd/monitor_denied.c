/* SPDX-License-Identifier: Apache-2.0 */
/* Refused system calls, found by their cell's uid and told to the backend. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hostd/audit.h"
#include "hostd/log.h"
#include "hostd/monitor.h"

#define RECORDS_A_TURN 64u
#define X32_BIT 0x40000000

static struct kernel *kernel_of(struct monitor *monitor, uint32_t uid)
{
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct kernel *kernel = monitor->kernels[i];

		if (kernel && kernel->cell && cell_uid(kernel->cell) == uid)
			return kernel;
	}
	return NULL;
}

static void name_call(const struct audit_denial *denial, char *ret, size_t size)
{
	uint32_t arch = denial->arch;
	char *name;

	if (arch == SCMP_ARCH_X86_64 && (denial->call & X32_BIT))
		arch = SCMP_ARCH_X32;
	name = seccomp_syscall_resolve_num_arch(arch, denial->call);
	snprintf(ret, size, "%s (%d%s)", name ? name : "an unknown call",
		 arch == SCMP_ARCH_X32 ? denial->call & ~X32_BIT : denial->call,
		 arch == seccomp_arch_native() ? ""
		 : arch == SCMP_ARCH_X86       ? " of i386"
		 : arch == SCMP_ARCH_X32       ? " of x32"
					       : " of another machine");
	free(name);
}

void denied_tell(struct kernel *kernel, uint64_t now)
{
	struct audit_denial denial;
	uint32_t count;
	char name[96];

	while (denials_next(&kernel->denials, now, &denial, &count)) {
		name_call(&denial, name, sizeof(name));
		/* At least so often: beyond a rate the kernel does not tell us. */
		monitor_event(kernel->monitor, kernel, "denied.syscall", "%s refused%s, %u %s", name,
			      denial.signal ? ", its process killed" : "", count,
			      count == 1 ? "time" : "times or more");
	}
}

/* A cell that is gone, or a process of the node's own: nobody to tell of. */
static void on_records(void *ctx, uint32_t events)
{
	struct monitor *monitor = ctx;
	struct audit_denial denial;

	for (unsigned i = 0; i < RECORDS_A_TURN; i++) {
		struct kernel *kernel;

		if (audit_next(monitor->audit_fd, &denial) <= 0)
			return;
		kernel = kernel_of(monitor, denial.uid);
		if (!kernel)
			continue;
		denials_add(&kernel->denials, &denial);
		denied_tell(kernel, loop_now_ms());
	}
}

void denied_start(struct monitor *monitor)
{
	int r;

	monitor->audit_fd = -1;
	if (!monitor->paths->audit)
		return;
	r = audit_open(&monitor->audit_fd);
	if (r == 0)
		r = loop_watch(monitor->loop, monitor->audit_fd, EPOLLIN, on_records, monitor);
	if (r < 0)
		monitor_event(monitor, NULL, "node.audit",
			      "refused system calls are not told: no audit (error %d)", -r);
}

void denied_stop(struct monitor *monitor)
{
	if (monitor->audit_fd < 0)
		return;
	loop_unwatch(monitor->loop, monitor->audit_fd);
	close(monitor->audit_fd);
}
