/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The projects' workspaces: one directory a project on the data disk, kept over kernels, each
 * under an ext4 project quota of its own. Only the monitor has one open, and it never looks at
 * what is inside: that is the tenants'.
 */
#ifndef ANCHORHOLD_HOSTD_WORKSPACE_H
#define ANCHORHOLD_HOSTD_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>

#define WORKSPACE_OWNER 1000u /* uid and gid of all files, on disk; what a cell's user is inside */

struct workspaces {
	int dir;       /* the folder of them all; -1: this node has none */
	uint32_t next; /* quota id of the next project */
};

struct workspace {
	int fd;	     /* O_PATH; -1: none */
	uint32_t id; /* of its quota */
};

struct workspace_quota {
	uint64_t bytes;
	uint64_t inodes;
};

struct workspace_usage {
	struct workspace_quota used, limit;
};

/*
 * Opens the folder, making it if need be, and finds the highest id in use: an id stands on its
 * directory, so it is as lasting as the files that count under it. A file system without
 * enforced project quota is an error: without it one project could take the disk of all.
 * -errno with *ret_step (static text).
 */
int workspaces_open(const char *path, struct workspaces *ret_workspaces, const char **ret_step);
void workspaces_close(struct workspaces *workspaces);

/*
 * The project's directory, made at its first use; the quota is what is asked from now on, for
 * all its kernels together, but at most half of the disk. Below what is used already it only
 * stops growth.
 */
int workspace_open(struct workspaces *workspaces, const char *project,
		   const struct workspace_quota *asked, struct workspace *ret_workspace,
		   const char **ret_step);
void workspace_close(struct workspace *workspace);

/* What the project has on disk; one system call, whatever the tree looks like. */
int workspace_usage(const struct workspaces *workspaces, const struct workspace *workspace,
		    struct workspace_usage *ret_usage);

/* Nothing more fits: less than a block, or no inode, is left. */
bool workspace_full(const struct workspace_usage *usage);

#endif
