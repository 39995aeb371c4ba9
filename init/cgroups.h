/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANCHORHOLD_INIT_CGROUPS_H
#define ANCHORHOLD_INIT_CGROUPS_H

#include "init/log.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_HOSTD CGROUP_ROOT "/hostd"
#define CGROUP_MONITOR CGROUP_ROOT "/hostd/monitor"
#define CGROUP_CELLS CGROUP_ROOT "/cells"
#define CGROUP_DHCP CGROUP_ROOT "/dhcp"

/*
 * Makes the tree and moves the caller to /init:
 *
 *	init		PID 1
 *	dhcp		udhcpc, while it asks
 *	hostd/monitor	hostd's privileged half; it puts its link role into hostd/link
 *	hostd/link
 *	cells		one folder a cell, made by the monitor
 *
 * Says what failed and goes on (the promise `controllers` then tells). Returns 0 or -errno.
 */
int cgroups_make(struct log *log);

#endif
