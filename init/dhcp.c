/* SPDX-License-Identifier: Apache-2.0 */
#include "init/dhcp.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/value.h"
#include "init/cgroups.h"
#include "init/files.h"
#include "init/spawn.h"

#define PROGRAM "/usr/bin/udhcpc"

int dhcp_prepare(void)
{
	char options[96];

	if (mkdir(LEASE_FOLDER, 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(options, sizeof(options), "size=32k,nr_inodes=8,mode=0700,uid=%u,gid=%u", DHCP_UID,
		 DHCP_UID);
	if (mount("dhcp", LEASE_FOLDER, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return -errno;
	return 0;
}

void dhcp_confine(struct spawn *spawn)
{
	static const struct spawn_limit limits[] = {
		{RLIMIT_CORE, 0},	  {RLIMIT_FSIZE, 4096},	    {RLIMIT_NOFILE, 16},
		{RLIMIT_NPROC, 4},	  {RLIMIT_AS, 64UL << 20},  {RLIMIT_CPU, 20},
		{RLIMIT_MEMLOCK, 0},	  {RLIMIT_SIGPENDING, 0},   {RLIMIT_MSGQUEUE, 0},
		{-1, 0},
	};
	/* Two programs, and the folder that it leaves the lease in. */
	static const struct root_row root[] = {
		{"/run", 0},
		{LEASE_FOLDER, MS_NOSUID | MS_NODEV | MS_NOEXEC},
		{"/sbin", 0},
		{LEASE_PROGRAM, MS_RDONLY | MS_NOSUID | MS_NODEV},
		{"/usr", 0},
		{"/usr/bin", 0},
		{PROGRAM, MS_RDONLY | MS_NOSUID | MS_NODEV},
		{NULL, 0},
	};

	spawn->cgroup = CGROUP_DHCP;
	spawn->limits = limits;
	spawn->uid = DHCP_UID;
	spawn->capabilities = UINT64_C(1) << CAP_NET_RAW;
	spawn->root = root;
	spawn->calls = dhcp_calls;
	spawn->calls_count = dhcp_calls_count;
}

pid_t dhcp_start(const char *interface, uint32_t address)
{
	const char *argv[24], *const envp[] = {NULL};
	char wanted[IPV4_TEXT_MAX];
	size_t n = 0;
	struct spawn spawn = {
		.argv = argv,
		.envp = envp,
		.output = -1, /* what it would say repeats what strangers told it */
	};
	/* Stay in front, stop with the first lease or after four tries, ask for nothing else. */
	static const char *const fixed[] = {
		PROGRAM, "-f", "-q", "-n", "-t", "4", "-T", "2", "-o", "-O", "subnet",
		"-O", "router", "-s", LEASE_PROGRAM,
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		argv[n++] = fixed[i];
	argv[n++] = "-i";
	argv[n++] = interface;
	if (address != 0) {
		ipv4_format(address, wanted);
		argv[n++] = "-r";
		argv[n++] = wanted;
	}
	argv[n] = NULL;
	if (unlink(LEASE_PATH) < 0 && errno != ENOENT)
		return -errno;
	dhcp_confine(&spawn);
	return spawn_start(&spawn);
}

void dhcp_stop(void)
{
	file_set(CGROUP_DHCP "/cgroup.kill", "1"); /* no fork gets away from that */
}

int dhcp_result(struct lease *ret_lease, struct conf_error *ret_error)
{
	char *text;
	size_t len;
	int err = conf_read_file(LEASE_PATH, LEASE_MAX, &text, &len);

	if (err) {
		conf_fault(ret_error, err == -ENOENT ? "no answer" : strerror(-err));
		return err;
	}
	err = lease_parse(text, len, ret_lease, ret_error);
	free(text);
	return err;
}
