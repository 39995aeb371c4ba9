/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description of the same cell for the OCI runtimes, and the filter for bubblewrap: what they
 * offer of a cell's protections, with the cell's own list of calls.
 */
#include "hostd/bench/bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "hostd/cell/seccomp.h"
#include "hostd/policy/policy.h"

static void put_mounts(FILE *file)
{
	static const struct {
		const char *at, *type, *options;
	} rows[] = {
		{"/proc", "proc", ""},
		{"/dev", "tmpfs", "\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\""},
		{"/dev/pts", "devpts",
		 "\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\""},
		{"/dev/shm", "tmpfs", "\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=64m\""},
		{"/tmp", "tmpfs", "\"nosuid\",\"nodev\",\"mode=1777\",\"size=64m\""},
		{"/home/user", "tmpfs", "\"nosuid\",\"nodev\",\"size=64m\""},
		{"/run/kernel", "tmpfs", "\"nosuid\",\"nodev\",\"noexec\",\"size=4m\""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(file, "%s{\"destination\":\"%s\",\"type\":\"%s\",\"source\":\"%s\"%s%s%s}",
			i ? "," : "", rows[i].at, rows[i].type, rows[i].type,
			rows[i].options[0] ? ",\"options\":[" : "", rows[i].options,
			rows[i].options[0] ? "]" : "");
}

static void put_calls(FILE *file, const struct policy *policy)
{
	const char *comma = "";

	for (size_t i = 0; i < policy->count; i++) {
		if (policy->rules[i].number < 0 || policy->rules[i].error)
			continue;
		fprintf(file, "%s\"%s\"", comma, policy->rules[i].name);
		comma = ",";
	}
}

static int put_bundle(const char *path, const struct policy *policy)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fputs("{\"ociVersion\":\"1.0.2\",\"process\":{\"terminal\":false,"
	      "\"user\":{\"uid\":1000,\"gid\":1000},\"args\":[\"/usr/bin/bench-true\"],"
	      "\"env\":[\"PATH=/usr/bin:/bin\"],\"cwd\":\"/home/user\",\"capabilities\":{},"
	      "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":4096,\"soft\":4096}],"
	      "\"noNewPrivileges\":true},\"root\":{\"path\":\"/rivals/root\",\"readonly\":true},"
	      "\"hostname\":\"cell\",\"mounts\":[",
	      file);
	put_mounts(file);
	fputs("],\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":3000000,\"size\":2000}],"
	      "\"gidMappings\":[{\"containerID\":0,\"hostID\":3000000,\"size\":2000}],"
	      "\"cgroupsPath\":\"/bench/oci\",\"resources\":{\"devices\":[{\"allow\":true,"
	      "\"access\":\"rwm\"}],\"memory\":{\"limit\":268435456},"
	      "\"cpu\":{\"quota\":100000,\"period\":100000,\"shares\":1024},\"pids\":{\"limit\":128}},"
	      "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
	      "{\"type\":\"uts\"},{\"type\":\"mount\"},{\"type\":\"user\"},{\"type\":\"cgroup\"}],"
	      "\"maskedPaths\":[\"/proc/kcore\",\"/proc/timer_list\",\"/proc/scsi\"],"
	      "\"readonlyPaths\":[\"/proc/sys\",\"/proc/irq\",\"/proc/bus\"],"
	      "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":"
	      "[\"SCMP_ARCH_X86_64\"],\"syscalls\":[{\"action\":\"SCMP_ACT_ALLOW\",\"names\":[",
	      file);
	put_calls(file, policy);
	fputs("]}]}}}\n", file);
	return fclose(file) == 0 ? 0 : -errno;
}

static int put_filter(const char *path, const struct policy *policy)
{
	struct filter filter = {0};
	FILE *file = fopen(path, "we");
	int r = file ? filter_compile(policy, CELL_NETWORK_LOOPBACK, &filter) : -errno;

	if (file && r == 0)
		fwrite(filter.code, 8, filter.count, file);
	filter_free(&filter);
	if (file && fclose(file) != 0)
		r = -errno;
	return r;
}

int others_prepare(void)
{
	const struct policy *policy = policy_find("python");
	int r;

	if (mkdir("/run/bundle", 0755) < 0 && errno != EEXIST)
		return -errno;
	r = put_bundle("/run/bundle/config.json", policy);
	return r == 0 ? put_filter("/run/filter.bpf", policy) : r;
}
