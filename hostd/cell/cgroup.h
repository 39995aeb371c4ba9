/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cell's part of the cgroup2 tree: cells/<uuid>/{relay,cell}. That both were removed is
 * the proof that nothing of the cell runs any more: no process leaves its cgroup by itself.
 */
#ifndef ANCHORHOLD_CELL_CGROUP_H
#define ANCHORHOLD_CELL_CGROUP_H

#include "hostd/cell/cell.h"

#define CGROUP_UUID_LEN 37u /* with the NUL */
#define CGROUP_DISK_MAX 24u /* MAJOR:MINOR, with the NUL */

struct cgroup {
	int cells;		    /* borrowed */
	char name[CGROUP_UUID_LEN]; /* "" where no directory was made */
	int base, relay, cell;	    /* O_PATH */
};

/*
 * Makes both and sets every limit; -errno with the step, nothing left. disk: the MAJOR:MINOR that
 * io.max is for, "" where none is known: a limit of it is then -ENODEV.
 */
int cgroup_new(int cells, const uint8_t id[CELL_ID_LEN], const struct cell_limits *limits,
	       const char *disk, unsigned lacking, struct cgroup *ret_cgroup,
	       struct cell_error *ret_error);

/* Sets every limit of both (cgroup_limits.c). */
int cgroup_limit(const struct cgroup *cgroup, const struct cell_limits *limits, const char *disk,
		 struct cell_error *ret_error);

/* Its descriptors alone. */
void cgroup_close(struct cgroup *cgroup);

/* The part that the kernel's processes were in, where they are gone: less for cgroup_remove. */
void cgroup_remove_cell(const struct cgroup *cgroup);

/* Kills all that is in it, waits until it is empty, removes it; -EBUSY after the deadline. */
int cgroup_remove(struct cgroup *cgroup);

int cgroup_kill(int cgroup);

/* How often its memory limit has killed. */
uint64_t cgroup_oom_kills(const struct cgroup *cgroup);

/* What an earlier monitor left in `cells`, but those that are `known` (NULL: none): all killed, and
 * removed as far as they end within some seconds each; -EBUSY where one does not. */
typedef bool cgroup_known(void *ctx, const char *name);
int cgroup_sweep(int cells, cgroup_known *known, void *ctx);

/* The cell's directory below `cells`. */
void cgroup_name(char ret_name[CGROUP_UUID_LEN], const uint8_t id[CELL_ID_LEN]);

/* ---- cgroup_adopt.c ---- */

/* The one that an earlier monitor made. -ENOENT where it, or a part of it, is not there. */
int cgroup_adopt(int cells, const uint8_t id[CELL_ID_LEN], struct cgroup *ret_cgroup);

bool cgroup_holds(int cgroup, pid_t pid);

/* Kills each process in it but this one (0: none is spared). */
int cgroup_clear(int cgroup, pid_t except);

#endif
