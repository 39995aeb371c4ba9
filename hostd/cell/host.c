/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/host.h"

#include "hostd/cell/coresched.h"
#include "hostd/cell/landlock.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/usage.h"
#include "hostd/cell/util.h"
#include "hostd/policy/policy.h"

#include <grp.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>

/* Maps are written and masks listed through this descriptor: it must be what it seems. */
static int open_proc(int *ret_fd)
{
	CLEANUP_FD int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != PROC_SUPER_MAGIC)
		return -ENODEV;
	*ret_fd = fd_take(&fd);
	return 0;
}

static int open_cells(int cells, int *ret_fd)
{
	struct statfs fs;

	if (fstatfs(cells, &fs) < 0)
		return -errno;
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return -ENODEV;
	*ret_fd = fcntl(cells, F_DUPFD_CLOEXEC, 0);
	return *ret_fd < 0 ? -errno : 0;
}

static int init(struct cell_host *host, int cells, int keeper, struct cell_error *ret_error)
{
	int result = open_proc(&host->proc);

	if (result < 0)
		return step_fail(ret_error, "host: /proc", result);
	result = open_cells(cells, &host->cells);
	if (result < 0)
		return step_fail(ret_error, "host: cgroup2", result);
	/* A child whose user namespace denies setgroups could not drop inherited groups. */
	if (setgroups(0, NULL) < 0)
		return step_fail(ret_error, "host: groups", -errno);
	result = host->lacking & CELL_LACK_LANDLOCK ? 0 : landlock_check();
	if (result < 0)
		return step_fail(ret_error, "host: landlock", result);
	/* Leftovers first: their uids then count as free. */
	result = host->resumed ? 0 : cgroup_sweep(host->cells, NULL, NULL);
	if (result < 0)
		return step_fail(ret_error, "host: leftovers", result);
	result = uids_init(&host->uids, host->proc);
	if (result < 0)
		return step_fail(ret_error, "host: uids", result);
	/* Cookies are given where the kernel has them, whether or not they may be lacking. */
	result = coresched_init(&host->cookies);
	if (result < 0 && host->lacking & CELL_LACK_COOKIES) {
		host->cookies = false;
		result = 0;
	}
	if (result < 0)
		return step_fail(ret_error, "host: core scheduling", result);
	result = procfs_masks_init(&host->masks, host->proc);
	if (result < 0)
		return step_fail(ret_error, "host: masks of /proc", result);
	result = mountns_init(&host->ns, host->proc, keeper, procfs_nursery_fill);
	return result < 0 ? step_fail(ret_error, "host: mount namespaces", result) : 0;
}

static int make(int cells_cgroup, unsigned lacking, int keeper, struct cell_host **ret_host,
		struct cell_error *ret_error)
{
	struct cell_host *host = calloc(1, sizeof(*host));
	int result;

	if (!host)
		return step_fail(ret_error, "host: memory", -ENOMEM);
	host->proc = host->cells = -1;
	host->ns = (struct mountns){-1, -1, -1};
	egress_init(&host->egress);
	host->lacking = lacking;
	host->resumed = keeper >= 0;
	result = init(host, cells_cgroup, keeper, ret_error);
	if (result < 0) {
		cell_host_free(host);
		return result;
	}
	*ret_host = host;
	return 0;
}

int cell_host_new(int cells_cgroup, unsigned lacking, struct cell_host **ret_host,
		  struct cell_error *ret_error)
{
	return make(cells_cgroup, lacking, -1, ret_host, ret_error);
}

int cell_host_resume(int cells_cgroup, unsigned lacking, int keeper, struct cell_host **ret_host,
		     struct cell_error *ret_error)
{
	if (keeper < 0)
		return step_fail(ret_error, "host: keeper", -EBADF);
	return make(cells_cgroup, lacking, keeper, ret_host, ret_error);
}

int cell_host_keeper(const struct cell_host *host)
{
	return host->ns.keeper;
}

int cell_host_disk(struct cell_host *host, const char *directory)
{
	return usage_disk(directory, host->disk, sizeof(host->disk));
}

int cell_host_files(struct cell_host *host, int disk, struct cell_error *ret_error)
{
	int result = uids_disk(&host->uids, disk);

	return result < 0 ? step_fail(ret_error, "host: files of the uids", result) : 0;
}

void cell_host_free(struct cell_host *host)
{
	if (!host)
		return;
	for (size_t i = 0; i < HOST_FILTERS_MAX; i++)
		filter_free(&host->filters[i].filter);
	mountns_close(&host->ns);
	egress_close(&host->egress);
	fd_close(&host->cells);
	fd_close(&host->proc);
	free(host);
}

int host_filter(struct cell_host *host, const char *profile, enum cell_network network,
		const struct filter **ret_filter)
{
	const struct policy *policy = policy_find(profile);

	if (!policy)
		return -ENOENT;
	for (size_t i = 0; i < HOST_FILTERS_MAX; i++) {
		struct host_filter *entry = &host->filters[i];

		if (!entry->policy) {
			int result = filter_compile(policy, network, &entry->filter);

			if (result < 0)
				return result;
			entry->policy = policy;
			entry->network = network;
		}
		if (entry->policy == policy && entry->network == network) {
			*ret_filter = &entry->filter;
			return 0;
		}
	}
	return -E2BIG;
}
