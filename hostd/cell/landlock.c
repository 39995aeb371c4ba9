/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/landlock.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

/* The kernel's numbers, as older headers than the kernel's know only some. */
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

#define EXECUTE (1ull << 0)
#define WRITE_FILE (1ull << 1)
#define READ_FILE (1ull << 2)
#define READ_DIR (1ull << 3)
#define REMOVE_DIR (1ull << 4)
#define REMOVE_FILE (1ull << 5)
#define MAKE_CHAR (1ull << 6)
#define MAKE_DIR (1ull << 7)
#define MAKE_REG (1ull << 8)
#define MAKE_SOCK (1ull << 9)
#define MAKE_FIFO (1ull << 10)
#define MAKE_BLOCK (1ull << 11)
#define MAKE_SYM (1ull << 12)
#define REFER (1ull << 13)
#define TRUNCATE (1ull << 14)
#define IOCTL_DEV (1ull << 15)
#define FS_ALL ((1ull << 16) - 1) /* every right of ABI 6: what no rule gives is refused */

#define NET_BIND_TCP (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)

#define SCOPE_ABSTRACT_UNIX (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)

#define READ (READ_FILE | READ_DIR)
#define PROGRAMS (READ | EXECUTE)
#define NODE (READ_FILE | WRITE_FILE)
/* All that a directory of one's own needs; devices cannot be made even where DAC would let. */
#define OWN                                                                                        \
	(READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG |           \
	 MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

/* When a row counts: in every cell; where the environment has it, and it is no link; by what the
 * project's role and policy say of its workspace. */
enum when { ALWAYS, IF_THERE, WORKSPACE, WORKSPACE_WRITE, WORKSPACE_EXEC };

/* The template. Rights hold for everything below; rows of one path add up. */
static const struct {
	const char *path;
	uint64_t allowed;
	enum when when;
	const char *reason;
} template[] = {
	{".", READ_DIR, ALWAYS, "list what exists; modes and mounts say the rest"},
	{"usr", PROGRAMS, ALWAYS, "interpreter, libraries, cell-init"},
	{"bin", PROGRAMS, IF_THERE, "environments whose /bin is no link"},
	{"lib", PROGRAMS, IF_THERE, "the dynamic loader's directory"},
	{"lib64", PROGRAMS, IF_THERE, "the dynamic loader's directory"},
	{"sbin", PROGRAMS, IF_THERE, "environments whose /sbin is no link"},
	{"opt", PROGRAMS, IF_THERE, "virtual environments that an image brings"},
	{"etc", READ, IF_THERE, "passwd, localtime, mime types, fonts"},
	{"proc", READ, ALWAYS, "own processes and what procfs.c shows"},
	{"dev/null", NODE, ALWAYS, "as everywhere"},
	{"dev/zero", NODE, ALWAYS, "as everywhere"},
	{"dev/full", NODE, ALWAYS, "as everywhere"},
	{"dev/random", READ_FILE, ALWAYS, "randomness; writing to it is nobody's business here"},
	{"dev/urandom", READ_FILE, ALWAYS, "randomness"},
	{"dev/tty", NODE | IOCTL_DEV, ALWAYS, "getpass and pagers in a pty"},
	{"dev/pts", NODE | IOCTL_DEV, ALWAYS, "ptys for `!cmd` and terminals"},
	{"dev/shm", OWN, ALWAYS, "POSIX shared memory, multiprocessing"},
	/* Programs may be run from home and /tmp: pip, cffi and compilers do so, and hostile code
	 * needs no execve for what an interpreter can do by itself. */
	{"tmp", OWN | EXECUTE, ALWAYS, "scratch"},
	{"home/user", OWN | EXECUTE, ALWAYS, "home"},
	{"run/kernel", OWN, ALWAYS, "the kernel's sockets and connection file"},
	{"work", READ, WORKSPACE, "the project's files"},
	{"work", OWN, WORKSPACE_WRITE, "the same, for who may change them"},
	{"work", EXECUTE, WORKSPACE_EXEC, "programs of the project's, where its policy has them"},
};

static bool counts(enum when when, const struct cell_plan *plan)
{
	bool workspace = plan->fd[PLAN_WORKSPACE] >= 0;

	switch (when) {
	case WORKSPACE: return workspace;
	case WORKSPACE_WRITE: return workspace && plan->workspace_write;
	case WORKSPACE_EXEC: return workspace && plan->workspace_exec;
	default: return true;
	}
}

int landlock_check(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi < LANDLOCK_ABI ? -EOPNOTSUPP : 0;
}

static int add_path(int ruleset, int root, const char *path, uint64_t allowed, bool optional)
{
	CLEANUP_FD int fd = sys_open_beneath(root, path, O_PATH, 0);
	struct path_beneath rule = {.allowed = allowed, .parent = fd};

	if (optional && (fd == -ENOENT || fd == -ELOOP))
		return 0;
	if (fd < 0)
		return fd;
	return sys_result(syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0));
}

int landlock_restrict(const struct cell_plan *plan)
{
	/* Sealed: no rule follows for TCP, so all of it is refused. Loopback: it may be used. */
	const struct ruleset_attr attr = {
		.fs = FS_ALL,
		.net = plan->network == CELL_NETWORK_SEALED ? NET_BIND_TCP | NET_CONNECT_TCP : 0,
		.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL,
	};
	CLEANUP_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int ruleset = -1;

	if (root < 0)
		return -errno;
	ruleset = sys_result(syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0));
	if (ruleset < 0)
		return ruleset;
	for (size_t i = 0; i < sizeof(template) / sizeof(template[0]); i++) {
		int result = 0;

		if (counts(template[i].when, plan))
			result = add_path(ruleset, root, template[i].path, template[i].allowed,
					  template[i].when == IF_THERE);
		if (result < 0)
			return result;
	}
	return sys_result(syscall(SYS_landlock_restrict_self, ruleset, 0));
}
