/* SPDX-License-Identifier: Apache-2.0 */
/* hostd ROLE: one binary, re-executed, so that no memory of a parent survives. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/value.h"
#include "hostd/ipc.h"
#include "hostd/link_role.h"
#include "hostd/log.h"
#include "hostd/monitor.h"
#include "hostd/relay.h"
#include "hostd/role.h"

static int main_monitor(int argc, char **argv)
{
	if (argc != 2 || geteuid() != 0)
		log_die(EPERM, "the monitor is started by init");
	return monitor_run(&monitor_paths_node);
}

static int main_link(int argc, char **argv)
{
	const struct role_spec spec = {
		.name = "link",
		.uid = ROLE_LINK_UID,
		.keep_network = true,
		.fds_max = 1024,
		.threads_max = 8,
		.policy = &role_policy_link,
	};

	role_enter(&spec);
	return link_run(IPC_FD);
}

static int main_relay(int argc, char **argv)
{
	struct role_spec spec = {
		.name = "relay",
		.has_root = true,
		.fds_max = 64,
		.threads_max = 8,
		.policy = &role_policy_relay,
	};

	if (argc != 3 || value_u32(argv[2], ROLE_RELAY_UID_FIRST, ROLE_RELAY_UID_LAST, &spec.uid))
		log_die(EPERM, "a relay is started by the monitor");
	role_enter(&spec);
	return relay_run(IPC_FD);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} roles[] = {
	{"monitor", main_monitor},
	{"link", main_link},
	{"relay", main_relay},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc >= 2 && i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(argv[1], roles[i].name) != 0)
			continue;
		log_open(roles[i].name);
		return roles[i].run(argc, argv);
	}
	fprintf(stderr, "usage: hostd monitor\n");
	return 2;
}
