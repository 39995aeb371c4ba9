/* SPDX-License-Identifier: Apache-2.0 */
/* hostd ROLE: one binary, re-executed, so that no memory of a parent survives. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostd/log.h"
#include "hostd/monitor.h"
#include "hostd/roles.h"

int main(int argc, char **argv)
{
	if (roles_are(argc, argv))
		return roles_run(argc, argv);
	if (argc < 2 || strcmp(argv[1], "monitor") != 0) {
		fprintf(stderr, "usage: hostd monitor\n");
		return 2;
	}
	log_open("monitor");
	if (argc != 2 || geteuid() != 0)
		log_die(EPERM, "the monitor is started by init");
	return monitor_run(&monitor_paths_node);
}
