/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/attack/without.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define FD_DEV 900 /* beyond what the child closes */
#define FD_SYS 901
#define FD_PROC 902
#define FD_SKIPPED 903

unsigned without;

/* The names by which hostd/cell calls them in this build. */
long attack_syscall(long number, ...);
int attack_prctl(int option, ...);
int attack_ioctl(int fd, unsigned long request, ...);
int attack_unshare(int flags);
int attack_sethostname(const char *name, size_t len);
int attack_setdomainname(const char *name, size_t len);
int attack_setrlimit(int resource, const struct rlimit *limit);
int attack_file_write(int dir, const char *path, const char *text);

static const struct {
	const char *name;
	unsigned bit;
} words[] = {
	{"filter", WITHOUT_FILTER},	{"landlock", WITHOUT_LANDLOCK},
	{"nnp", WITHOUT_NNP},		{"caps", WITHOUT_CAPS},
	{"userns", WITHOUT_USERNS},	{"pidns", WITHOUT_PIDNS},
	{"netns", WITHOUT_NETNS},	{"ipcns", WITHOUT_IPCNS},
	{"utsns", WITHOUT_UTSNS}, {"cgroupns", WITHOUT_CGROUPNS},	{"proc", WITHOUT_PROC},
	{"mounts", WITHOUT_MOUNTS},	{"attributes", WITHOUT_ATTRIBUTES},
	{"rlimit", WITHOUT_RLIMIT},	{"cgroup", WITHOUT_CGROUP},
	{"descriptors", WITHOUT_DESCRIPTORS}, {"resolve", WITHOUT_RESOLVE},
	{"sysctl", WITHOUT_SYSCTL},	{"dumpable", WITHOUT_DUMPABLE},
	{"kernel", 0}, /* another kernel is booted */
	{"none", 0},
};

int without_parse(const char *text)
{
	char copy[512], *rest = copy, *word;
	int bits = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strtok_r(rest, ",", &rest))) {
		size_t i = 0;

		while (i < sizeof(words) / sizeof(words[0]) && strcmp(words[i].name, word) != 0)
			i++;
		if (i == sizeof(words) / sizeof(words[0]))
			return -1;
		bits |= (int)words[i].bit;
	}
	return bits;
}

static bool lacks(unsigned bits)
{
	return (without & bits) != 0;
}

static int place(const char *path, int number)
{
	CLEANUP_FD int fd = sys_result(syscall(SYS_open_tree, AT_FDCWD, path,
					       SYS_OPEN_TREE_CLONE | SYS_OPEN_TREE_CLOEXEC |
						       SYS_AT_RECURSIVE));

	if (fd < 0)
		return fd;
	return dup3(fd, number, O_CLOEXEC) < 0 ? -errno : 0;
}

int without_prepare(void)
{
	int result = 0;

	(void)close(FD_DEV);
	(void)close(FD_SYS);
	if (lacks(WITHOUT_MOUNTS))
		result = place("/dev", FD_DEV);
	return result == 0 && lacks(WITHOUT_MOUNTS) ? place("/sys", FD_SYS) : result;
}

/* The filter as it is, but its refusals are known by their errno. */
static long load_marked(const struct sock_fprog *program, long flags)
{
	struct sock_filter *code = calloc(program->len, sizeof(*code));
	const struct sock_fprog marked = {.len = program->len, .filter = code};
	long result;

	if (!code)
		return -1;
	memcpy(code, program->filter, program->len * sizeof(*code));
	for (unsigned i = 0; i < program->len; i++)
		if (code[i].code == (BPF_RET | BPF_K) &&
		    (code[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
			code[i].k += WITHOUT_MARK;
	result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &marked);
	free(code);
	return result;
}

static long load_filter(long operation, long flags, long program)
{
	if (operation != SECCOMP_SET_MODE_FILTER)
		return syscall(SYS_seccomp, operation, flags, program);
	if (lacks(WITHOUT_FILTER | WITHOUT_NNP))
		return 0;
	return load_marked((const struct sock_fprog *)program, flags);
}

/* Kept through exec, which takes them from who is not root unless they are ambient. */
static long keep_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = data[i].effective = data[i].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
	return 0;
}

static long clone_less(const struct sys_clone_args *from, long size)
{
	static const struct {
		unsigned bit;
		uint64_t flag;
	} flags[] = {
		{WITHOUT_USERNS, SYS_CLONE_NEWUSER}, {WITHOUT_PIDNS, SYS_CLONE_NEWPID},
		{WITHOUT_NETNS, SYS_CLONE_NEWNET},   {WITHOUT_IPCNS, SYS_CLONE_NEWIPC},
		{WITHOUT_UTSNS, SYS_CLONE_NEWUTS},
	};
	struct sys_clone_args args = *from;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (lacks(flags[i].bit))
			args.flags &= ~flags[i].flag;
	return syscall(SYS_clone3, &args, size);
}

/* A stand-in that is not put over what it hides. */
static long open_tree(long dir, const char *path, long flags)
{
	static const char *const stand_ins[] = {"/empty", "/none", "/sysctl"};

	for (size_t i = 0; lacks(WITHOUT_PROC) && i < 3; i++)
		if (strcmp(path, stand_ins[i]) == 0)
			return dup3(open("/", O_PATH | O_CLOEXEC), FD_SKIPPED, O_CLOEXEC);
	return syscall(SYS_open_tree, dir, path, flags);
}

/* A user namespace that owns no PID namespace may not mount a new /proc: the node's then. */
static long fs_open(const char *type, long flags)
{
	if (lacks(WITHOUT_PIDNS) && strcmp(type, "proc") == 0)
		return place("/proc", FD_PROC) < 0 ? -1 : FD_PROC;
	return syscall(SYS_fsopen, type, flags);
}

static long fs_config(long fd, long command, const char *key, long value, long aux)
{
	if ((int)fd == FD_PROC || (lacks(WITHOUT_PROC) && key && strcmp(key, "hidepid") == 0))
		return 0;
	return syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static long fs_mount(long fd, long flags, long attributes)
{
	if ((int)fd == FD_PROC)
		return fcntl(FD_PROC, F_DUPFD_CLOEXEC, 0);
	if (lacks(WITHOUT_ATTRIBUTES))
		attributes = 0;
	if (lacks(WITHOUT_PROC))
		attributes &= ~(long)SYS_ATTR_RDONLY;
	return syscall(SYS_fsmount, fd, flags, attributes);
}

static long set_attributes(long fd, const char *path, long flags, const struct sys_mount_attr *from,
			   long size)
{
	struct sys_mount_attr attr = *from;

	if (lacks(WITHOUT_ATTRIBUTES))
		attr.set = 0;
	return syscall(SYS_mount_setattr, fd, path, flags, &attr, size);
}

static long open_anyhow(long dir, const char *path, const struct sys_open_how *from, long size)
{
	struct sys_open_how how = *from;

	if (lacks(WITHOUT_RESOLVE))
		how.resolve = 0;
	return syscall(SYS_openat2, dir, path, &how, size);
}

/* The last that is done before the new root is entered, and its folder is the working one. */
static long pivot(const char *new_root, const char *put_old)
{
	if (lacks(WITHOUT_MOUNTS) && (sys_move_mount(FD_DEV, AT_FDCWD, "dev") < 0 ||
				      sys_move_mount(FD_SYS, AT_FDCWD, "sys") < 0))
		return -1;
	return syscall(SYS_pivot_root, new_root, put_old);
}

static long close_some(unsigned first, unsigned last, unsigned flags)
{
	if (lacks(WITHOUT_DESCRIPTORS))
		return 0;
	return syscall(SYS_close_range, first, last < FD_DEV ? last : FD_DEV - 1, flags);
}

long attack_syscall(long number, ...)
{
	long a[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	switch (number) {
	case SYS_seccomp: return load_filter(a[0], a[1], a[2]);
	case SYS_landlock_restrict_self:
		return lacks(WITHOUT_LANDLOCK | WITHOUT_NNP) ? 0 : syscall(number, a[0], a[1]);
	case SYS_capset: return lacks(WITHOUT_CAPS) ? keep_capabilities()
						    : syscall(number, a[0], a[1]);
	case SYS_setresuid:
	case SYS_setresgid: return lacks(WITHOUT_USERNS) ? 0 : syscall(number, a[0], a[1], a[2]);
	case SYS_clone3: return clone_less((const struct sys_clone_args *)a[0], a[1]);
	case SYS_open_tree: return open_tree(a[0], (const char *)a[1], a[2]);
	case SYS_move_mount:
		return (int)a[0] == FD_SKIPPED ? 0 : syscall(number, a[0], a[1], a[2], a[3], a[4]);
	case SYS_fsopen: return fs_open((const char *)a[0], a[1]);
	case SYS_fsconfig: return fs_config(a[0], a[1], (const char *)a[2], a[3], a[4]);
	case SYS_fsmount: return fs_mount(a[0], a[1], a[2]);
	case SYS_mount_setattr:
		return set_attributes(a[0], (const char *)a[1], a[2],
				      (const struct sys_mount_attr *)a[3], a[4]);
	case SYS_openat2:
		return open_anyhow(a[0], (const char *)a[1], (const struct sys_open_how *)a[2], a[3]);
	case SYS_pivot_root: return pivot((const char *)a[0], (const char *)a[1]);
	case SYS_close_range:
		return close_some((unsigned)a[0], (unsigned)a[1], (unsigned)a[2]);
	default: return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

int attack_prctl(int option, ...)
{
	unsigned long a[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_NO_NEW_PRIVS && lacks(WITHOUT_NNP))
		return 0;
	if ((option == PR_CAPBSET_DROP || option == PR_SET_SECUREBITS) && lacks(WITHOUT_CAPS))
		return 0;
	return prctl(option, a[0], a[1], a[2], a[3]);
}

/* Of others' network the cell changes nothing: neither could it. */
int attack_ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *argument;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	return request == SIOCSIFFLAGS && lacks(WITHOUT_NETNS) ? 0 : ioctl(fd, (int)request, argument);
}

int attack_unshare(int flags)
{
	return flags == CLONE_NEWCGROUP && lacks(WITHOUT_CGROUPNS) ? 0 : unshare(flags);
}

int attack_sethostname(const char *name, size_t len)
{
	return lacks(WITHOUT_UTSNS) ? 0 : sethostname(name, len);
}

int attack_setdomainname(const char *name, size_t len)
{
	return lacks(WITHOUT_UTSNS) ? 0 : setdomainname(name, len);
}

int attack_setrlimit(int resource, const struct rlimit *limit)
{
	return lacks(WITHOUT_RLIMIT) ? 0 : setrlimit(resource, limit);
}

int attack_file_write(int dir, const char *path, const char *text)
{
	static const char *const maps[] = {"/uid_map", "/gid_map", "/setgroups"};
	const char *name = strrchr(path, '/');

	for (size_t i = 0; name && lacks(WITHOUT_USERNS) && i < 3; i++)
		if (strcmp(name, maps[i]) == 0)
			return 0;
	if (lacks(WITHOUT_CGROUP) && strstr(path, ".max"))
		return 0;
	return file_write(dir, path, text);
}
