/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostd-dev FOLDER: the monitor, link and relays as they are, with the cell, the environments and
 * the drop of privileges replaced. NOTHING IS PROTECTED: a kernel is a plain child process of who
 * runs this. For developing a gateway or a client, and for tests; never part of an image.
 *
 * FOLDER/node.conf and FOLDER/node.key are as on a node. The log goes to standard error;
 * FOLDER/log, where there is one, is what LINK_LOGS answers, and FOLDER/promises what init found; its events are kept
 * in FOLDER/events.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/ipc.h"
#include "hostd/link_role.h"
#include "hostd/log.h"
#include "hostd/monitor.h"
#include "hostd/relay.h"

#define PATH_LEN 512

static char paths[7][PATH_LEN];

static const char *in_folder(int slot, const char *folder, const char *name)
{
	snprintf(paths[slot], PATH_LEN, "%s/%s", folder, name);
	return paths[slot];
}

static int run_monitor(const char *folder)
{
	const struct monitor_paths files = {
		.program = "/proc/self/exe",
		.conf = in_folder(0, folder, "node.conf"),
		.key = in_folder(1, folder, "node.key"),
		.promises = in_folder(2, folder, "promises"),
		.log = in_folder(3, folder, "log"),
		.log_old = in_folder(4, folder, "log.1"),
		.version = in_folder(5, folder, "version"),
		.build_id = "/dev/null",
		.events = in_folder(6, folder, "."),
		.open_environments = environments_open,
	};
	FILE *promises = fopen(files.promises, "wxe");

	if (promises) {
		fputs("ok none-asked\n", promises);
		fclose(promises);
	}
	fputs("hostd-dev: NOTHING IS PROTECTED HERE: kernels run as plain processes of yours.\n"
	      "hostd-dev: for developing and testing on this machine only.\n",
	      stderr);
	return monitor_run(&files);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "link") == 0) {
		log_open("link");
		return link_run(IPC_FD);
	}
	if (argc == 3 && strcmp(argv[1], "relay") == 0) {
		log_open("relay");
		if (fchdir(IPC_ROOT_FD) < 0)
			log_die(errno, "relay's folder");
		return relay_run(IPC_FD);
	}
	if (argc != 2 || argv[1][0] == '-') {
		fputs("usage: hostd-dev FOLDER (with node.conf and node.key; no protection)\n",
		      stderr);
		return 2;
	}
	log_open("monitor");
	return run_monitor(argv[1]);
}
