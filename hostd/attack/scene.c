/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/attack/scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSCTLS "/attack/sysctl.conf"
#define KEY 0xa77ac4
#define QUEUE "attack"
#define ABSTRACT "attack-abstract"
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const directories[] = {
	"", "/proc", "/dev", "/sys", "/tmp", "/home", "/home/user", "/run", "/run/kernel", "/work",
	"/etc", "/usr", "/usr/bin", "/usr/lib", "/usr/lib/anchorhold",
};

/* Places that cells mount on, and what each is a link to in an environment of its own. */
static const struct {
	const char *name, *path, *target;
} linked[] = {
	{"dev", "/dev", "work"},
	{"proc", "/proc", "work"},
	{"tmp", "/tmp", "work"},
	{"home", "/home/user", "../work"},
	{"sockets", "/run/kernel", "../work"},
};

static int fail(const char *what)
{
	printf("failed %s: %s\n", what, strerror(errno));
	return -1;
}

static int copy(const char *from, const char *to, mode_t mode)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	char block[65536];
	ssize_t n = -1;

	while (in >= 0 && out >= 0 && (n = read(in, block, sizeof(block))) > 0)
		if (write(out, block, (size_t)n) != n)
			break;
	close(in);
	if (out >= 0)
		fchmod(out, mode);
	close(out);
	return n == 0 ? 0 : fail(to);
}

static int make_file(const char *root, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	close(fd);
	return fd < 0 ? fail(path) : 0;
}

static int make_environment(const char *root, const char *init)
{
	char path[256];
	int result = 0;

	for (size_t i = 0; i < COUNT(directories); i++) {
		snprintf(path, sizeof(path), "%s%s", root, directories[i]);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return fail(path);
	}
	snprintf(path, sizeof(path), "%s/usr/lib/anchorhold/cell-init", root);
	result |= copy(init, path, 0755);
	snprintf(path, sizeof(path), "%s/usr/bin/attack-probe", root);
	result |= copy("/attack/attack-probe", path, 0755);
	snprintf(path, sizeof(path), "%s/usr/bin/attack-suid", root);
	result |= copy("/attack/attack-probe", path, 0755);
	if (chown(path, 1001, 1001) < 0 || chmod(path, 04755) < 0)
		return fail(path);
	result |= make_file(root, "/etc/passwd");
	result |= make_file(root, "/etc/hosts");
	result |= make_file(root, "/unlisted");
	result |= make_file(root, "/usr/bin/attack-tool");
	return result;
}

static int make_linked(void)
{
	char root[128], path[256];

	if (mkdir(SCENE_LINKED, 0755) < 0)
		return fail(SCENE_LINKED);
	for (size_t i = 0; i < COUNT(linked); i++) {
		snprintf(root, sizeof(root), "%s/%s", SCENE_LINKED, linked[i].name);
		if (make_environment(root, "/attack/cell-init") < 0)
			return -1;
		snprintf(path, sizeof(path), "%s%s", root, linked[i].path);
		if (rmdir(path) < 0 || symlink(linked[i].target, path) < 0)
			return fail(path);
	}
	return 0;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

/* On the loopback, for there is no card: what is reached here is beyond the cell's own. */
static void add_address(const char *label, const char *address, const char *mask)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct ifreq request;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", label);
	in.sin_addr.s_addr = inet_addr(address);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFADDR, &request) < 0)
		(void)fail("address");
	in.sin_addr.s_addr = inet_addr(mask);
	memcpy(&request.ifr_netmask, &in, sizeof(in));
	(void)ioctl(fd, SIOCSIFNETMASK, &request);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	(void)ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

int scene_mount(void)
{
	if (mount("none", "/proc", "proc", 0, NULL) < 0 ||
	    mount("none", "/sys", "sysfs", 0, NULL) < 0 ||
	    mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, "mode=0755") < 0 ||
	    mount("none", "/tmp", "tmpfs", 0, NULL) < 0)
		return fail("mounts");
	(void)mkdir("/dev/pts", 0755);
	(void)mkdir("/dev/shm", 0755);
	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+cpu +memory +pids");
	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+io");
	if (mkdir(SCENE_CELLS, 0755) < 0)
		return fail(SCENE_CELLS);
	write_text(SCENE_CELLS "/cgroup.subtree_control", "+cpu +memory +pids");
	write_text(SCENE_CELLS "/cgroup.subtree_control", "+io");
	add_address("lo", "127.0.0.1", "255.0.0.0");
	add_address("lo:1", "10.0.2.15", "255.255.255.0");
	add_address("lo:2", "169.254.169.254", "255.255.255.255");
	add_address("lo:3", "169.254.7.7", "255.255.255.255");
	add_address("lo:4", "100.127.224.9", "255.255.255.255");
	if (make_environment(SCENE_ENVIRONMENT, "/attack/cell-init") < 0 ||
	    make_environment(SCENE_DUMPABLE, "/attack/attack-cell-init") < 0)
		return -1;
	return make_linked();
}

static void listen_abstract(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path + 1, ABSTRACT, sizeof(ABSTRACT) - 1);
	if (bind(fd, (void *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(ABSTRACT))) < 0 ||
	    listen(fd, 100) < 0)
		(void)fail("abstract socket");
}

pid_t scene_outside(void)
{
	pid_t pid;

	/* A kernel without POSIX queues has none. */
	(void)syscall(SYS_mq_open, QUEUE, O_RDWR | O_CREAT, 0600, NULL);
	if (shmget(KEY, 4096, IPC_CREAT | 0600) < 0 || semget(KEY, 1, IPC_CREAT | 0600) < 0 ||
	    msgget(KEY, IPC_CREAT | 0600) < 0)
		(void)fail("System V objects");
	pid = fork();
	if (pid == 0) {
		listen_abstract();
		for (;;)
			(void)poll(NULL, 0, -1);
	}
	return pid;
}

static const struct {
	const char *path, *value;
} lax[] = {
	{"/proc/sys/kernel/unprivileged_userns_clone", "1"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_unconfined", "0"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0"},
	{"/proc/sys/kernel/yama/ptrace_scope", "0"},
	{"/proc/sys/kernel/perf_event_paranoid", "-1"},
	{"/proc/sys/kernel/dmesg_restrict", "0"},
	{"/proc/sys/kernel/kptr_restrict", "0"},
	{"/proc/sys/kernel/unprivileged_bpf_disabled", "0"},
	{"/proc/sys/vm/mmap_min_addr", "0"},
	{"/proc/sys/vm/unprivileged_userfaultfd", "1"},
	{"/proc/sys/dev/tty/legacy_tiocsti", "1"},
	{"/proc/sys/fs/protected_hardlinks", "0"},
};

/* Lines `name = value`; dots are slashes. What this kernel does not have is left out. */
static void apply_strict(void)
{
	FILE *file = fopen(SYSCTLS, "re");
	char line[256], name[128], value[128], path[160];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %127[a-z0-9_.] = %127[^\n]", name, value) != 2)
			continue;
		for (char *at = name; *at; at++)
			if (*at == '.')
				*at = '/';
		snprintf(path, sizeof(path), "/proc/sys/%s", name);
		write_text(path, value);
	}
	if (file)
		fclose(file);
}

void scene_sysctl(bool strict)
{
	if (strict) {
		apply_strict();
		return;
	}
	for (size_t i = 0; i < COUNT(lax); i++)
		write_text(lax[i].path, lax[i].value);
}
