/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/adopt.h"
#include "hostd/log.h"
#include "hostd/node.h"
#include "hostd/role.h"
#include "hostd/status.h"

const struct monitor_paths monitor_paths_node = {
	.program = "/usr/sbin/hostd",
	.conf = NODE_CONF_PATH,
	.key = NODE_KEY_PATH,
	.promises = "/run/anchorhold/promises",
	.timeline = "/run/anchorhold/timeline",
	.events = "/state",
	.pstore = "/sys/fs/pstore",
	.log = "/run/anchorhold/log",
	.log_old = "/run/anchorhold/log.1",
	.environments = "/work/environments",
	.mounts = "/run/environments",
	.open_environments = environments_open,
	.workspaces = "/work/workspaces",
	.audit = true,
	.egress = "/run/anchorhold/egress",
	.cut = "/state/egress.cut",
	.release_key = "/etc/anchorhold/release.pub",
	.version = "/etc/anchorhold/version",
	.build_id = "/etc/anchorhold/build-id",
	.cgroups = "/sys/fs/cgroup",
};

void monitor_tell(struct monitor *monitor, enum ipc_type type, const void *body, int fd)
{
	(void)worker_send(monitor->link, type, body, fd);
}

/* ---- the loop's sources ---- */

static void send_status(void *ctx)
{
	struct monitor *monitor = ctx;
	struct ipc_status body;

	status_read(&body.status);
	body.status.kernels = monitor->kernels_count;
	monitor_tell(monitor, IPC_STATUS, &body, -1);
	refused_tell(monitor);
	deaths_expire(&monitor->deaths, loop_now_ms());
	link_worker_steady(monitor);
	loop_timer_start(monitor->loop, &monitor->status_timer, LINK_STATUS_MS, send_status,
			 monitor);
}

static void on_signal(void *ctx, uint32_t events)
{
	struct monitor *monitor = ctx;
	struct signalfd_siginfo info;

	while (read(monitor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue; /* pidfds tell which */
		monitor->stopping = true;
		loop_stop(monitor->loop);
	}
}

static int signals_open(struct monitor *monitor)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	monitor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (monitor->signal_fd < 0)
		return -errno;
	return loop_watch(monitor->loop, monitor->signal_fd, EPOLLIN, on_signal, monitor);
}

/* ---- set-up ---- */

static int cgroup_open(const char *root, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Where init has not put us already. The relay's and the cells' are made by the cell. */
static int cgroups_open(struct monitor *monitor)
{
	const char *root = monitor->paths->cgroups;
	int own;
	int procs;

	if (!root) {
		monitor->cells_fd = monitor->link_cgroup = -1;
		return 0;
	}
	cgroup_open(root, "hostd");
	own = cgroup_open(root, "hostd/monitor");
	if (own < 0)
		return own;
	procs = openat(own, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (procs < 0 || write(procs, "0", 1) != 1)
		log_error(errno, "hostd/monitor: cgroup.procs");
	if (procs >= 0)
		close(procs);
	close(own);
	monitor->link_cgroup = cgroup_open(root, "hostd/link");
	if (monitor->link_cgroup < 0)
		return monitor->link_cgroup;
	monitor->cells_fd = cgroup_open(root, "cells");
	return monitor->cells_fd < 0 ? monitor->cells_fd : 0;
}

static int filters_open(struct monitor *monitor)
{
	monitor->link_filter = role_filter_compile(&role_policy_link);
	if (monitor->link_filter < 0)
		return monitor->link_filter;
	monitor->relay_filter = role_filter_compile(&role_policy_relay);
	return monitor->relay_filter < 0 ? monitor->relay_filter : 0;
}

static int node_open(struct monitor *monitor)
{
	const struct monitor_paths *paths = monitor->paths;
	const struct node_files files = {paths->promises, paths->version, paths->build_id,
					 paths->timeline};
	struct conf_error error = {0};
	int r = node_conf_read(paths->conf, &monitor->conf, &error);

	if (r < 0) {
		log_error(r, "%s: %s", paths->conf, error.text);
		return r;
	}
	/* Without environments the node still joins: its operator then sees that it has none. */
	monitor->environments.store = &monitor->store;
	(void)paths->open_environments(paths->environments, paths->release_key, paths->mounts,
				       &monitor->environments);
	node_describe(&files, &monitor->conf, &monitor->environments, &monitor->node.hello);
	workspaces_start(monitor);
	monitor->refusing = monitor->node.hello.missing_count > 0;
	return 0;
}

static int cells_open(struct monitor *monitor)
{
	struct cell_error error = {0};
	int r = adopt_cells(monitor, &error);

	if (r == 0 && monitor->workspaces.dir >= 0)
		r = cell_host_files(monitor->cells, monitor->workspaces.dir, &error);
	if (r == 0 && monitor->paths->cgroups &&
	    cell_host_disk(monitor->cells, monitor->paths->environments) < 0)
		log_info("%s is on no disk: cells with a limit of io are refused",
			 monitor->paths->environments);
	if (r == 0)
		return 0;
	log_error(error.error, "cells: %s", error.step);
	/* The node must be heard, above all when it cannot do its work. */
	monitor->refusing = true;
	if (monitor->node.hello.missing_count < LINK_PROMISES_MAX)
		snprintf(monitor->node.hello.missing[monitor->node.hello.missing_count++],
			 LINK_NAME_MAX, "cells");
	return 0;
}

static int monitor_open(struct monitor *monitor)
{
	const struct rlimit fds = {LOOP_FDS_MAX, LOOP_FDS_MAX};
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	int r = loop_new(&monitor->loop);

	if (r == 0 && sodium_init() < 0)
		r = -EIO;
	if (r == 0)
		r = signals_open(monitor);
	if (r == 0)
		r = cgroups_open(monitor);
	if (r == 0)
		r = filters_open(monitor);
	adopt_open(monitor);
	if (r == 0)
		r = node_open(monitor);
	if (r == 0)
		r = identity_start(monitor);
	if (r == 0)
		events_start(monitor);
	if (r == 0)
		r = cells_open(monitor);
	if (r < 0)
		return r;
	if (setrlimit(RLIMIT_NOFILE, &fds) < 0)
		log_error(errno, "RLIMIT_NOFILE");
	/* A cell's user namespace takes it for what all cells of the node may have queued together:
	 * two could use it up. Each has its own. */
	if (setrlimit(RLIMIT_SIGPENDING, &none) < 0)
		log_error(errno, "RLIMIT_SIGPENDING");
	network_start(monitor);
	denied_start(monitor);
	for (uint32_t i = 0; i < monitor->node.hello.missing_count; i++)
		monitor_event(monitor, NULL, "node.refusing", "missing protection: %s",
			      monitor->node.hello.missing[i]);
	if (monitor->paths->lacks)
		monitor_event(monitor, NULL, "node.plain", "no node: it does without %s",
			      monitor->paths->lacks);
	adopt_kernels(monitor);
	log_info("%zu environments, at most %u kernels%s", monitor->environments.count,
		 monitor->conf.kernels_max, monitor->refusing ? ", refusing" : "");
	link_worker_start(monitor);
	send_status(monitor);
	return 0;
}

/* Every kernel is killed and its cell removed; nothing of them outlives the monitor. */
static void monitor_close(struct monitor *monitor)
{
	ahead_drop(monitor);
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++)
		if (monitor->kernels[i])
			kernel_remove(monitor->kernels[i]);
	worker_free(monitor->link);
	identity_close(&monitor->identity);
	denied_stop(monitor);
	events_stop(monitor);
	if (monitor->cells)
		cell_host_free(monitor->cells);
	free(monitor->traffic);
	adopt_close(monitor);
	workspaces_close(&monitor->workspaces);
	environments_close(&monitor->environments);
	loop_free(monitor->loop);
}

int monitor_run(const struct monitor_paths *paths)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int r;

	if (!monitor)
		return 1;
	monitor->paths = paths;
	monitor->signal_fd = monitor->audit_fd = monitor->identity.folder = -1;
	monitor->events.fd = monitor->events.folder = -1;
	monitor->store.socket = monitor->state.fd = monitor->deaths.fd = -1;
	r = monitor_open(monitor);
	if (r == 0)
		r = loop_run(monitor->loop, adopt_turn, monitor);
	if (r < 0)
		log_error(r, "monitor");
	monitor_close(monitor);
	free(monitor);
	return r < 0 ? 1 : 0;
}
