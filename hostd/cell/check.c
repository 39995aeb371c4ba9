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

static bool limits_ok(const struct cell_limits *limits)
{
	return limits->memory_bytes >= MEMORY_MIN && limits->memory_bytes <= MEMORY_MAX &&
	       limits->cpu_milli >= CPU_MILLI_MIN && limits->cpu_milli <= CPU_MILLI_MAX &&
	       limits->pids_max >= PIDS_MIN && limits->pids_max <= PIDS_MAX &&
	       limits->tmpfs_bytes >= TMPFS_MIN && limits->tmpfs_bytes <= MEMORY_MAX;
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

int cell_check(const struct cell_spec *spec, struct cell_error *ret_error)
{
	const struct {
		const char *step;
		bool ok;
		int error;
	} checks[] = {
		{"check: id", id_ok(spec->id), -EINVAL},
		{"check: project", name_ok(spec->project), -EINVAL},
		{"check: limits", limits_ok(&spec->limits), -ERANGE},
		{"check: network",
		 spec->network == CELL_NETWORK_SEALED || spec->network == CELL_NETWORK_LOOPBACK,
		 -EINVAL},
		{"check: profile", spec->profile && policy_find(spec->profile), -ENOENT},
		{"check: environment", directory_ok(spec->environment_fd), -ENOTDIR},
		{"check: argv", spec->argv[0] && strings_ok(spec->argv, CELL_ARGS_MAX, false),
		 -EINVAL},
		{"check: env", strings_ok(spec->env, CELL_ENV_MAX, true), -EINVAL},
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!checks[i].ok)
			return step_fail(ret_error, checks[i].step, checks[i].error);
	return 0;
}
