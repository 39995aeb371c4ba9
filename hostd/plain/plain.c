/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/plain/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/log.h"
#include "hostd/monitor.h"
#include "hostd/plain/version.h"

#define LOCK_TRIES 10 /* of 100 ms */

#define RUN "/run" /* a tmpfs that only this program sees */
#define PROMISES RUN "/promises"
#define VERSION RUN "/version"

struct plain {
	char folder[PLAIN_PATH_MAX - 64]; /* absolute */
	int folder_fd;
	int lock_fd;
	struct plain_cgroups cgroups;
	struct lacks lacks;
};

/*
 * Held until the last process that writes the log is gone: what was killed a moment ago may still
 * be on its way out, and is waited for.
 */
static int take_lock(const struct plain *plain)
{
	for (int try = 0; flock(plain->lock_fd, LOCK_EX | LOCK_NB) < 0; try++) {
		if (errno != EWOULDBLOCK) {
			log_error(errno, "%s/lock", plain->folder);
			return -errno;
		}
		if (try == LOCK_TRIES) {
			log_info("%s: another hostd --plain runs on this folder", plain->folder);
			return -EBUSY;
		}
		usleep(100000);
	}
	return 0;
}

static int open_folder(struct plain *plain, const char *folder)
{
	char *path = realpath(folder, NULL);
	int len = path ? snprintf(plain->folder, sizeof(plain->folder), "%s", path) : -1;

	free(path);
	if (len < 0) {
		log_error(errno, "%s", folder);
		return -errno;
	}
	if ((size_t)len >= sizeof(plain->folder)) {
		log_error(ENAMETOOLONG, "%s", folder);
		return -ENAMETOOLONG;
	}
	if (strncmp(plain->folder, RUN "/", sizeof(RUN)) == 0) {
		log_info("%s: below " RUN ", which is this program's own while it runs",
			 plain->folder);
		return -EINVAL;
	}
	plain->folder_fd = open(plain->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	plain->lock_fd = openat(plain->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				0600);
	if (plain->lock_fd < 0) {
		log_error(errno, "%s/lock", plain->folder);
		return -errno;
	}
	return take_lock(plain);
}

/*
 * A mount namespace whose mounts nobody else sees, and which ends with this program however it
 * ends. Of what the machine has only /run is mounted over: there the node keeps its mounts.
 */
static int enter_namespace(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		log_error(errno, "mount namespace");
		return -errno;
	}
	if (mount("tmpfs", RUN, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=1m") <
	    0) {
		log_error(errno, RUN);
		return -errno;
	}
	return 0;
}

static int write_version(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fputs(PLAIN_VERSION "\n", file);
	return fclose(file) == 0 ? 0 : -errno;
}

static int look(struct plain *plain, const char *lacking)
{
	int r;

	machine_look(&plain->lacks, plain->folder, &plain->cgroups);
	r = promises_look(&plain->lacks, PROMISES);
	if (r < 0) {
		log_error(r, PROMISES);
		return r;
	}
	lacks_tell(&plain->lacks);
	return lacks_accept(&plain->lacks, lacking);
}

static int monitor(const struct plain *plain)
{
	char in[7][PLAIN_PATH_MAX];
	static const char *const names[7] = {
		"node.conf",	"node.key",   "log",	     "log.1",
		"environments", "workspaces", "release.pub",
	};
	char lacks[PLAIN_TEXT_MAX];
	struct monitor_paths paths = {
		.program = "/proc/self/exe",
		.conf = in[0],
		.key = in[1],
		.log = in[2],
		.log_old = in[3],
		.environments = in[4],
		.release_key = in[6],
		.mounts = RUN "/environments",
		.promises = PROMISES,
		.version = VERSION,
		.build_id = VERSION,
		.cgroups = plain->cgroups.tree,
		.lacking = lacks_of_cell(&plain->lacks),
		.lacks = lacks,
		.open_environments = trees_open,
	};

	for (size_t i = 0; i < 7; i++)
		snprintf(in[i], sizeof(in[i]), "%s/%s", plain->folder, names[i]);
	if (plain->lacks.of[LACK_QUOTA].count == 0)
		paths.workspaces = in[5];
	lacks_names(&plain->lacks, lacks, sizeof(lacks));
	return monitor_run(&paths);
}

/* What is left of the folder is what was brought: its configuration, environments and log. */
static int clean(const struct plain *plain, bool has_cgroups)
{
	int r = has_cgroups ? plain_cgroups_remove(&plain->cgroups) : 0;

	if (r < 0)
		log_error(r, "%s", plain->cgroups.tree);
	(void)unlinkat(plain->folder_fd, "lock", 0);
	return r;
}

static int serve(struct plain *plain)
{
	const bool controllers = plain->lacks.of[LACK_CONTROLLERS].count == 0;
	int stderr_fd = -1;
	int code = 1;
	int r = plain_cgroups_make(&plain->cgroups, controllers);
	pid_t tee;

	if (r < 0)
		log_error(r, "%s", plain->cgroups.tree);
	else
		r = write_version(VERSION);
	if (r < 0)
		return 1;
	tee = tee_start(plain->folder, &stderr_fd);
	if (tee < 0) {
		log_error(tee, "log");
		return 1;
	}
	log_open("monitor");
	code = monitor(plain);
	tee_end(tee, stderr_fd);
	return code;
}

/* A way out is made of rules, links and forwarding in the machine's own network namespace. */
static int refuse_egress(const struct plain *plain)
{
	struct conf_error error = {0};
	struct node_conf conf;
	char path[PLAIN_PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/node.conf", plain->folder);
	r = node_conf_read(path, &conf, &error);
	if (r < 0) {
		log_error(r, "%s: %s", path, error.text);
	} else if (conf.egress_interface[0]) {
		r = -EINVAL;
		log_info("%s: egress_interface: '%s': --plain does not offer egress", path,
			 conf.egress_interface);
	}
	return r < 0 ? -EPERM : 0;
}

int plain_run(const char *folder, const char *lacking)
{
	static struct plain plain;
	int r, code = 1;

	if (geteuid() != 0) {
		log_info("cells are made by root only");
		return 1;
	}
	if (open_folder(&plain, folder) < 0)
		return 1;
	r = plain_cgroups_find(plain.folder_fd, &plain.cgroups);
	if (r < 0) {
		log_error(r, "cgroup2");
		return 1;
	}
	r = refuse_egress(&plain);
	if (r == 0)
		r = enter_namespace();
	if (r == 0)
		r = look(&plain, lacking);
	if (r == 0)
		code = serve(&plain);
	else if (r == -EINVAL)
		code = 2;
	if (clean(&plain, r == 0) < 0)
		code = 1;
	return code;
}
