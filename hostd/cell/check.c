/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a description of a cell is in range. Changes nothing. */
#include "hostd/cell/util.h"
#include "hostd/policy/policy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MEMORY_MIN (16ull << 20)
#define MEMORY_MAX (1ull << 44)
#define CPU_MILLI_MIN 10u /* cpu.max takes no quota below a millisecond a period */
#define CPU_MILLI_MAX 1024000u
#define PIDS_MIN 2u /* cell-init and the kernel */
#define PIDS_MAX 65536u
#define TMPFS_MIN (64ull << 10)
#define STRINGS_MAX (64u << 10) /* of all arguments or the whole environment */

#define WEIGHT_MAX 10000u
#define IO_KIBPS_MIN 64u /* less could not even load an interpreter within its start's deadline */
#define IO_IOPS_MIN 16u

static bool within(uint64_t value, uint64_t min, uint64_t max)
{
	return value >= min && value <= max;
}

/* 0 stands for no ceiling. */
static bool none_or(uint64_t value, uint64_t min)
{
	return value == 0 || value >= min;
}

static bool network_ok(const struct cell_spec *spec)
{
	switch (spec->network) {
	case CELL_NETWORK_SEALED:
	case CELL_NETWORK_LOOPBACK:
		return !spec->egress;
	case CELL_NETWORK_EGRESS:
		return spec->egress && !egress_problem(spec->egress);
	default:
		return false;
	}
}

static bool id_ok(const uint8_t id[CELL_ID_LEN])
{
	static const uint8_t none[CELL_ID_LEN];

	return memcmp(id, none, CELL_ID_LEN) != 0;
}

static bool name_ok(const char name[CELL_NAME_MAX])
{
	return memchr(name, '\0', CELL_NAME_MAX) != NULL;
}

static bool strings_ok(const char *const *strings, size_t max, bool assignments)
{
	size_t total = 0;

	for (size_t i = 0; i <= max; i++) {
		if (!strings[i])
			return true;
		total += strlen(strings[i]) + 1;
		if (total > STRINGS_MAX || (assignments && !strchr(strings[i], '=')))
			return false;
	}
	return false;
}

static bool directory_ok(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A mount of a mode without a workspace would be a slip of the caller's, and is one here. */
static bool workspace_ok(const struct cell_spec *spec)
{
	if (spec->workspace_fd <= 0)
		return !spec->workspace_write && !spec->workspace_exec;
	return spec->project[0] != '\0' && directory_ok(spec->workspace_fd);
}

int cell_check(const struct cell_spec *spec, struct cell_error *ret_error)
{
	const struct cell_limits *limits = &spec->limits;
	const struct {
		const char *step;
		bool ok;
		int error;
	} checks[] = {
		{"check: id", id_ok(spec->id), -EINVAL},
		{"check: project", name_ok(spec->project), -EINVAL},
		{"check: memory", within(limits->memory_bytes, MEMORY_MIN, MEMORY_MAX), -ERANGE},
		{"check: cpu", within(limits->cpu_milli, CPU_MILLI_MIN, CPU_MILLI_MAX), -ERANGE},
		{"check: cpu weight", limits->cpu_weight <= WEIGHT_MAX, -ERANGE},
		{"check: pids", within(limits->pids_max, PIDS_MIN, PIDS_MAX), -ERANGE},
		{"check: tmpfs", within(limits->tmpfs_bytes, TMPFS_MIN, MEMORY_MAX), -ERANGE},
		{"check: io rate", none_or(limits->io_kibps, IO_KIBPS_MIN), -ERANGE},
		{"check: io operations", none_or(limits->io_iops, IO_IOPS_MIN), -ERANGE},
		{"check: network", network_ok(spec), -EINVAL},
		{"check: profile", spec->profile && policy_find(spec->profile), -ENOENT},
		{"check: environment", directory_ok(spec->environment_fd), -ENOTDIR},
		{"check: workspace", workspace_ok(spec), -ENOTDIR},
		{"check: argv", spec->argv[0] && strings_ok(spec->argv, CELL_ARGS_MAX, false),
		 -EINVAL},
		{"check: env", strings_ok(spec->env, CELL_ENV_MAX, true), -EINVAL},
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!checks[i].ok)
			return step_fail(ret_error, checks[i].step, checks[i].error);
	return 0;
}
