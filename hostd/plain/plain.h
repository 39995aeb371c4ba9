/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hostd --plain`: the node's own monitor, link, relays and cells on a developer's Linux, which is
 * no Anchorhold image and so lacks protections that an image has. This header is what its files
 * share.
 *
 *	main.c		its arguments; the workers' roles
 *	plain.c		the folder, the mount namespace, the run, what is removed after it
 *	lacks.c		the table of protections; what is missing, and given up by name
 *	machine.c	how each is looked for
 *	promises.c	what the image's kernel promises, asked of this one
 *	cgroups.c	a tree of its own in cgroup2
 *	trees.c		environments that are folders
 *	tee.c		the log, on standard error and in the folder
 *
 * It is a program of its own, built for developers only (meson's `tests`), and not a mode of the
 * image's hostd: what the image does not contain, nothing in it can reach. All that may lack
 * anything is data that only this program has (struct monitor_paths); the code that builds a cell
 * is the same, and given no lack it refuses to go on without a protection, as in the image.
 */
#ifndef ANCHORHOLD_HOSTD_PLAIN_PLAIN_H
#define ANCHORHOLD_HOSTD_PLAIN_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "hostd/environment.h"

#define PLAIN_PATH_MAX 512u
#define PLAIN_TEXT_MAX 192u

/* ---- lacks.c ---- */

enum lack {
	LACK_LANDLOCK,
	LACK_CONTROLLERS,
	LACK_FIREWALL,
	LACK_VERITY,
	LACK_QUOTA,
	LACK_UIDS,
	LACK_SWAP,
	LACK_SMT,
	LACK_SYSCTLS,
	LACK_KERNEL,
	LACK_IMAGE,
	LACKS
};

#define LACK_DETAILS_MAX 96u

struct lacks {
	struct {
		size_t count; /* 0: nothing of it is missing */
		char details[LACK_DETAILS_MAX][PLAIN_TEXT_MAX];
	} of[LACKS];
};

/* One thing that is missing of a protection. */
__attribute__((format(printf, 3, 4))) void lacks_add(struct lacks *lacks, enum lack lack,
						     const char *format, ...);

/* Says loudly what is missing, and what may happen without it. */
void lacks_tell(const struct lacks *lacks);

/*
 * Compares with the names that were given up (comma separated, or NULL). 0 where they are exactly
 * those that are missing; else says what is wrong, with the names that are, and -EPERM, or -EINVAL
 * for a name that is unknown or not missing.
 */
int lacks_accept(const struct lacks *lacks, const char *names);

/* The names of what is missing, comma separated. */
void lacks_names(const struct lacks *lacks, char *ret, size_t size);

/* An or of enum cell_lack. */
unsigned lacks_of_cell(const struct lacks *lacks);

/* ---- machine.c, promises.c ---- */

struct plain_cgroups;

/* All but what the promises ask. */
void machine_look(struct lacks *lacks, const char *folder, const struct plain_cgroups *cgroups);

/*
 * The rows of kernel-config/promises.boot, each made by init's own probe. Those that hold are
 * written to `path` as init would, so that the node can tell its gateways.
 */
int promises_look(struct lacks *lacks, const char *path);

/* ---- cgroups.c ---- */

struct plain_cgroups {
	char mount[PLAIN_PATH_MAX]; /* of cgroup2 */
	char home[PLAIN_PATH_MAX];  /* where this process was */
	char tree[PLAIN_PATH_MAX];  /* our own: named after the folder */
};

/* Finds all three and makes nothing. -ENOENT where no cgroup2 is mounted. */
int plain_cgroups_find(int folder_fd, struct plain_cgroups *ret_cgroups);

/* The controllers that the tree will not have, blank separated; empty: none is missing. */
void plain_cgroups_missing(const struct plain_cgroups *cgroups, char *ret, size_t size);

/* As init makes the node's; one that an earlier run left is used again. */
int plain_cgroups_make(const struct plain_cgroups *cgroups, bool controllers);

/* Goes home and removes the tree. -EBUSY where a process is left in it. */
int plain_cgroups_remove(const struct plain_cgroups *cgroups);

/* ---- trees.c ---- */

#define TREES_FOLDER "trees"

/*
 * Those of FOLDER/environments that are signed, as a node has them, and besides them each folder
 * of FOLDER/trees: a `manifest` and the `root` that it is about, read-only to cells, signed by
 * nobody. Has environments_open's arguments.
 */
int trees_open(const char *folder, const char *key_file, const char *mounts,
	       struct environments *ret_list);

/* Whether there is any tree. */
bool trees_any(const char *folder);

/* ---- tee.c ---- */

/*
 * From now on what this process and its children write to standard error goes through a process
 * that also keeps it in FOLDER/log, of bounded size. -errno, or its number.
 */
pid_t tee_start(const char *folder, int *ret_stderr);

/* After everything was written: standard error is what it was. */
void tee_end(pid_t pid, int stderr_fd);

/* ---- plain.c ---- */

int plain_run(const char *folder, const char *lacking);

#endif
