/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of cells, good and bad: each bad one names its field. */
#include "hostd/cell/util.h"

#include "link/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cell_spec good(int directory)
{
	return (struct cell_spec){
		.id = {1},
		.project = "project",
		.limits = {256ull << 20, 1000, 64, 64ull << 20},
		.network = CELL_NETWORK_LOOPBACK,
		.profile = "python",
		.environment_fd = directory,
		.workspace_fd = directory,
		.workspace_write = true,
		.argv = {"/usr/bin/true"},
		.env = {"A=1"},
	};
}

static void no_id(struct cell_spec *spec) { spec->id[0] = 0; }
static void long_project(struct cell_spec *spec) { memset(spec->project, 'p', CELL_NAME_MAX); }
static void little_memory(struct cell_spec *spec) { spec->limits.memory_bytes = 1 << 20; }
static void much_memory(struct cell_spec *spec) { spec->limits.memory_bytes = ~0ull; }
static void no_cpu(struct cell_spec *spec) { spec->limits.cpu_milli = 0; }
static void much_cpu(struct cell_spec *spec) { spec->limits.cpu_milli = ~0u; }
static void one_pid(struct cell_spec *spec) { spec->limits.pids_max = 1; }
static void many_pids(struct cell_spec *spec) { spec->limits.pids_max = 100000; }
static void no_tmpfs(struct cell_spec *spec) { spec->limits.tmpfs_bytes = 0; }
static void heavy(struct cell_spec *spec) { spec->limits.cpu_weight = 10001; }
static void slow_disk(struct cell_spec *spec) { spec->limits.io_kibps = 1; }
static void rare_disk(struct cell_spec *spec) { spec->limits.io_iops = 1; }
static void network(struct cell_spec *spec) { spec->network = (enum cell_network)7; }
static void profile(struct cell_spec *spec) { spec->profile = "../python"; }
static void no_profile(struct cell_spec *spec) { spec->profile = NULL; }
static void environment(struct cell_spec *spec) { spec->environment_fd = -1; }
static void workspace_of_nobody(struct cell_spec *spec) { spec->project[0] = '\0'; }
static void mode_of_no_workspace(struct cell_spec *spec) { spec->workspace_fd = -1; }
static void no_argv(struct cell_spec *spec) { spec->argv[0] = NULL; }
static void not_assigned(struct cell_spec *spec) { spec->env[0] = "A"; }

static void workspace_file(struct cell_spec *spec)
{
	spec->workspace_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
}

static void no_workspace(struct cell_spec *spec)
{
	spec->workspace_fd = -1;
	spec->workspace_write = false;
	spec->project[0] = '\0';
}

static void endless_argv(struct cell_spec *spec)
{
	for (unsigned i = 0; i <= CELL_ARGS_MAX; i++)
		spec->argv[i] = "x";
}

static void long_argv(struct cell_spec *spec)
{
	static char text[128 << 10];

	memset(text, 'x', sizeof(text) - 1);
	spec->argv[0] = text;
}

static const struct {
	void (*spoil)(struct cell_spec *spec);
	const char *step;
	int result;
} rows[] = {
	{no_id, "check: id", -EINVAL},
	{long_project, "check: project", -EINVAL},
	{little_memory, "check: memory", -ERANGE},
	{much_memory, "check: memory", -ERANGE},
	{no_cpu, "check: cpu", -ERANGE},
	{much_cpu, "check: cpu", -ERANGE},
	{heavy, "check: cpu weight", -ERANGE},
	{one_pid, "check: pids", -ERANGE},
	{many_pids, "check: pids", -ERANGE},
	{no_tmpfs, "check: tmpfs", -ERANGE},
	{slow_disk, "check: io rate", -ERANGE},
	{rare_disk, "check: io operations", -ERANGE},
	{network, "check: network", -EINVAL},
	{profile, "check: profile", -ENOENT},
	{no_profile, "check: profile", -ENOENT},
	{environment, "check: environment", -ENOTDIR},
	{workspace_file, "check: workspace", -ENOTDIR},
	{workspace_of_nobody, "check: workspace", -ENOTDIR},
	{mode_of_no_workspace, "check: workspace", -ENOTDIR},
	{no_argv, "check: argv", -EINVAL},
	{endless_argv, "check: argv", -EINVAL},
	{long_argv, "check: argv", -EINVAL},
	{not_assigned, "check: env", -EINVAL},
};

int main(void)
{
	struct check check = {0};
	int directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct cell_spec spec = good(directory);
	struct cell_error error = {0};

	CHECK_EQ(&check, cell_check(&spec, &error), 0);
	no_workspace(&spec);
	CHECK_EQ(&check, cell_check(&spec, &error), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		spec = good(directory);
		rows[i].spoil(&spec);
		check_row(&check, rows[i].step);
		CHECK_EQ(&check, cell_check(&spec, &error), rows[i].result);
		CHECK_EQ(&check, error.error, -rows[i].result);
		CHECK(&check, strcmp(error.step, rows[i].step) == 0);
		CHECK_EQ(&check, cell_check(&spec, NULL), rows[i].result);
	}
	close(directory);
	return CHECK_DONE(&check);
}
