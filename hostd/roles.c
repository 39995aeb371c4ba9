/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/roles.h"

#include <errno.h>
#include <string.h>

#include "conf/value.h"
#include "hostd/ipc.h"
#include "hostd/link_role.h"
#include "hostd/log.h"
#include "hostd/relay.h"
#include "hostd/role.h"

static int main_link(int argc, char **argv)
{
	const struct role_spec spec = {
		.name = "link",
		.uid = ROLE_LINK_UID,
		.keep_network = true,
		.fds_max = 1024,
		.threads_max = 8,
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
	};

	if (argc != 3 || value_u32(argv[2], ROLE_RELAY_UID_FIRST, ROLE_RELAY_UID_LAST, &spec.uid))
		log_die(EPERM, "a relay is started by the monitor");
	role_enter(&spec);
	return relay_run(IPC_FD);
}

static const struct role_row {
	const char *name;
	int (*run)(int argc, char **argv);
} roles[] = {
	{"link", main_link},
	{"relay", main_relay},
};

static const struct role_row *find(int argc, char **argv)
{
	for (size_t i = 0; argc >= 2 && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(argv[1], roles[i].name) == 0)
			return &roles[i];
	return NULL;
}

bool roles_are(int argc, char **argv)
{
	return find(argc, argv) != NULL;
}

int roles_run(int argc, char **argv)
{
	const struct role_row *role = find(argc, argv);

	log_open(role->name);
	return role->run(argc, argv);
}
