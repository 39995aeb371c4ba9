/* SPDX-License-Identifier: Apache-2.0 */
/* What this folder's files know of the host object, and of a cell. */
#ifndef ANCHORHOLD_CELL_HOST_H
#define ANCHORHOLD_CELL_HOST_H

#include "hostd/cell/cgroup.h"
#include "hostd/cell/egress.h"
#include "hostd/cell/mountns.h"
#include "hostd/cell/procfs.h"
#include "hostd/cell/seccomp.h"
#include "hostd/cell/trace.h"
#include "hostd/cell/uids.h"

#define HOST_FILTERS_MAX 12u /* profiles times network policies */

struct cell_host {
	int proc;  /* a procfs, proven by its magic number */
	int cells; /* own descriptor of the cgroup directory */
	unsigned lacking;
	bool resumed; /* an earlier monitor's cells may be there */
	bool cookies; /* hardware threads share cores: each project gets a cookie */
	struct cell *first; /* of the list of all cells */
	char disk[CGROUP_DISK_MAX]; /* as io.max names it; "" */
	struct trace *trace; /* of a bench; NULL */
	struct mountns ns;
	struct procfs_masks masks;
	struct uids uids;
	struct egress egress;
	struct host_filter {
		const struct policy *policy; /* NULL: free */
		enum cell_network network;
		struct filter filter;
	} filters[HOST_FILTERS_MAX];
};

/* The compiled filter, made at its first use. Lives as long as the host. */
int host_filter(struct cell_host *host, const char *profile, enum cell_network network,
		const struct filter **ret_filter);

#endif
