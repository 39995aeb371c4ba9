/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cell-probe: the payload of the cell's tests. Runs inside a cell, tries what must work and
 * what must be refused, prints a line for each that is not as it should be, and exits with
 * their number (at most 100). `landlock` and `sealed` say what the cell was built with; other
 * words run one resource into its limit.
 */
#include "hostd/cell/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

void expect(struct probe *probe, const char *what, bool ok, int error)
{
	if (ok)
		return;
	printf("FAIL %s (%s)\n", what, strerror(error));
	probe->failed++;
}

/*
 * The calls that any libc makes, and not the older ones that musl prefers and a profile for
 * glibc refuses: so the probe is the same whatever it was built with.
 */
static int open_at(const char *path, int flags)
{
	return openat(AT_FDCWD, path, flags, 0600);
}

static void wait_forever(void)
{
	for (;;)
		syscall(SYS_ppoll, NULL, 0L, NULL, NULL, 0L);
}

/* An int argument counts by its low half: garbage above must not refuse what is allowed. */
static void probe_halves(struct probe *probe)
{
	long result = syscall(SYS_ioctl, 1L, (long)(0xffffffff00000000ull | TIOCGPTN), 0L);

	expect(probe, "ioctl TIOCGPTN, sign-extended", result < 0 && errno != EPERM, errno);
	result = syscall(SYS_ioctl, -1L, (long)(1ull << 32 | TCGETS), 0L);
	expect(probe, "ioctl TCGETS, high bits", result < 0 && errno == EBADF, errno);
}

static void probe_sockets(struct probe *probe)
{
	static const int absent[] = {AF_PACKET, AF_ALG, AF_KEY, AF_VSOCK, AF_RXRPC,
				     AF_XDP,	AF_TIPC,    AF_CAN, 45,	    AF_UNSPEC};
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int a, b;

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		expect(probe, "socket of another domain",
		       socket(absent[i], SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT, errno);
	expect(probe, "AF_NETLINK",
	       socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EOPNOTSUPP, errno);
	a = socket(AF_INET, SOCK_STREAM, 0);
	b = socket(AF_INET6, SOCK_DGRAM, 0);
	if (probe->sealed) {
		expect(probe, "sealed AF_INET", a < 0 && errno == EAFNOSUPPORT, errno);
		expect(probe, "sealed AF_INET6", b < 0 && errno == EAFNOSUPPORT, errno);
		return;
	}
	expect(probe, "AF_INET6", b >= 0, errno);
	expect(probe, "raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0, 0);
	expect(probe, "bind to loopback", bind(a, (void *)&address, len) == 0, errno);
	expect(probe, "listen", listen(a, 1) == 0, errno);
	getsockname(a, (void *)&address, &len);
	b = socket(AF_INET, SOCK_STREAM, 0);
	expect(probe, "connect over loopback", connect(b, (void *)&address, len) == 0, errno);
	address.sin_addr.s_addr = htonl(0x0a000202);
	b = socket(AF_INET, SOCK_STREAM, 0);
	expect(probe, "connect elsewhere",
	       connect(b, (void *)&address, len) < 0 && errno == ENETUNREACH, errno);
}

static void probe_unix(struct probe *probe)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/kernel/probe"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];

	/* Left by the incarnation before: the directory is kept. */
	unlink(address.sun_path);
	expect(probe, "bind in /run/kernel", bind(fd, (void *)&address, sizeof(address)) == 0,
	       errno);
	expect(probe, "socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, errno);
}

static const struct {
	const char *path;
	int flags, error; /* 0: opens */
} files[] = {
	{"/dev/null", O_RDWR, 0},
	{"/dev/zero", O_RDONLY, 0},
	{"/dev/full", O_WRONLY, 0},
	{"/dev/urandom", O_RDONLY, 0},
	{"/dev/ptmx", O_RDWR, 0},
	{"/dev/mem", O_RDONLY, ENOENT},
	{"/dev/kmsg", O_RDONLY, ENOENT},
	{"/dev/loop0", O_RDONLY, ENOENT},
	{"/dev/new", O_WRONLY | O_CREAT, EROFS},
	{"/dev/shm/new", O_RDWR | O_CREAT, 0},
	{"/tmp/new", O_RDWR | O_CREAT, 0},
	{"/home/user/new", O_RDWR | O_CREAT, 0},
	{"/run/kernel/new", O_RDWR | O_CREAT, 0},
	{"/new", O_WRONLY | O_CREAT, EROFS},
	{"/usr/new", O_WRONLY | O_CREAT, EROFS},
	{"/etc/new", O_WRONLY | O_CREAT, EROFS},
	{"/proc/stat", O_RDONLY, 0},
	{"/proc/meminfo", O_RDONLY, 0},
	{"/proc/cpuinfo", O_RDONLY, 0},
	{"/proc/self/status", O_RDONLY, 0},
	{"/proc/self/mem", O_RDONLY, 0},
	{"/proc/self/mem", O_RDWR, EROFS},
	{"/proc/self/oom_score_adj", O_WRONLY, EROFS},
	{"/proc/self/uid_map", O_WRONLY, EROFS},
	{"/proc/1/environ", O_RDONLY, ENOENT},
	{"/proc/1/root/", O_RDONLY, ENOENT},
	{"/proc/kcore", O_RDONLY, EACCES},
	{"/proc/kmsg", O_RDONLY, EACCES},
	{"/proc/kallsyms", O_RDONLY, EACCES},
	{"/proc/interrupts", O_RDONLY, EACCES},
	{"/proc/cmdline", O_RDONLY, EACCES},
	{"/proc/diskstats", O_RDONLY, EACCES},
	{"/proc/pressure", O_RDONLY, EACCES},
	{"/proc/fs", O_RDONLY, EACCES},
	{"/proc/sysrq-trigger", O_WRONLY, EROFS},
	{"/proc/sys/kernel/osrelease", O_RDONLY, 0},
	{"/proc/sys/kernel/osrelease", O_WRONLY, EROFS},
	{"/proc/sys/kernel/core_pattern", O_RDONLY, ENOENT},
	{"/proc/sys/kernel/random/boot_id", O_RDONLY, ENOENT},
	{"/sys/kernel", O_RDONLY, ENOENT},
	{"/sys/fs/cgroup/cgroup.procs", O_WRONLY, ENOENT},
};

static void probe_files(struct probe *probe)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = open_at(files[i].path, files[i].flags | O_CLOEXEC);
		int error = fd < 0 ? errno : 0;
		bool denied = files[i].error && (error == EACCES || error == files[i].error);
		bool missing = error == ENOENT && strncmp(files[i].path, "/proc/", 6) == 0;

		/* A masked file may also be one that this kernel does not have. Landlock refuses
		 * with EACCES before the mount does with EROFS. */
		expect(probe, files[i].path,
		       files[i].error ? denied || missing : error == 0, error);
		if (fd >= 0)
			close(fd);
	}
}

/* A file that lies in the environment where no Landlock rule reaches, but modes would allow. */
static void probe_landlock(struct probe *probe)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/s"};
	int fd = open_at("/unlisted", O_RDONLY);

	expect(probe, "/unlisted", fd < 0 && errno == EACCES, fd < 0 ? errno : 0);
	expect(probe, "listing /", open_at("/", O_RDONLY | O_DIRECTORY) >= 0, errno);
	expect(probe, "execve of what is no program",
	       execl("/etc/script", "script", (char *)NULL) < 0 && errno == EACCES, errno);
	unlink(address.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	expect(probe, "bind in /tmp", bind(fd, (void *)&address, sizeof(address)) == 0, errno);
	expect(probe, "writing /dev/random", open_at("/dev/random", O_WRONLY) < 0, 0);
}

static void read_file(const char *path, char *text, size_t size)
{
	int fd = open_at(path, O_RDONLY);
	ssize_t n = read(fd, text, size - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
}

static bool status_has(const char *line)
{
	char text[8192];

	read_file("/proc/self/status", text, sizeof(text));
	return strstr(text, line) != NULL;
}

static void probe_identity(struct probe *probe)
{
	static const char *const lines[] = {
		"\nUid:\t1000\t1000\t1000\t1000\n", "\nGid:\t1000\t1000\t1000\t1000\n",
		"\nGroups:\t \n",	"\nCapInh:\t0000000000000000\n",
		"\nCapPrm:\t0000000000000000\n",    "\nCapEff:\t0000000000000000\n",
		"\nCapBnd:\t0000000000000000\n",    "\nCapAmb:\t0000000000000000\n",
		"\nNoNewPrivs:\t1\n",		    "\nSeccomp:\t2\n",
		"\nSigBlk:\t0000000000000000\n",    "\nSigIgn:\t0000000000000000\n",
		"\nUmask:\t0002\n",
	};
	char name[64] = "";

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect(probe, lines[i] + 1, status_has(lines[i]), 0);
	read_file("/proc/self/oom_score_adj", name, sizeof(name));
	expect(probe, "oom_score_adj", strcmp(name, "300\n") == 0, 0);
	expect(probe, "priority", getpriority(PRIO_PROCESS, 0) >= 0, 0);
	gethostname(name, sizeof(name));
	expect(probe, "host name", strcmp(name, "cell") == 0, 0);
	expect(probe, "PID 1 is another", getpid() != 1 && getppid() == 1, 0);
	expect(probe, "session of its own", getsid(0) == getpid(), 0);
	expect(probe, "core limit", status_has("\nCoreDumping:\t0\n"), 0);
}

static void probe_descriptors(struct probe *probe)
{
	for (int fd = 3; fd < 1024; fd++)
		expect(probe, "inherited descriptor", fcntl(fd, F_GETFD) < 0, 0);
}

/* Every mount nosuid; nodev but for /dev; nothing writable but the cell's own. */
static void probe_mounts(struct probe *probe)
{
	int fd = open_at("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[1024], point[256], options[256];

	expect(probe, "mountinfo", file != NULL, errno);
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %*s %*s %255s %255s", point, options) != 2)
			continue;
		expect(probe, line, strstr(options, "nosuid") != NULL, 0);
		if (strcmp(point, "/dev") != 0 && strcmp(point, "/dev/pts") != 0)
			expect(probe, line, strstr(options, "nodev") != NULL, 0);
		if (strcmp(point, "/") == 0 || strcmp(point, "/dev") == 0 ||
		    strncmp(point, "/proc", 5) == 0)
			expect(probe, line, strncmp(options, "ro,", 3) == 0, 0);
	}
	if (file)
		fclose(file);
}

static void *thread(void *argument)
{
	return argument;
}

static void probe_works(struct probe *probe)
{
	int master = open_at("/dev/ptmx", O_RDWR | O_NOCTTY), status = -1, number = -1, pipes[2];
	char name[32];
	pthread_t id;
	void *value = NULL;
	pid_t pid;

	expect(probe, "pty",
	       ioctl(master, TIOCSPTLCK, &(int){0}) == 0 && ioctl(master, TIOCGPTN, &number) == 0,
	       errno);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	expect(probe, "pty slave", open_at(name, O_RDWR | O_NOCTTY) >= 0, errno);
	expect(probe, "thread", pthread_create(&id, NULL, thread, probe) == 0, errno);
	pthread_join(id, &value);
	expect(probe, "thread's value", value == probe, 0);
	expect(probe, "pipe", pipe2(pipes, O_CLOEXEC) == 0, errno);
	expect(probe, "W|X memory", mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, errno);
	pid = fork();
	if (pid == 0) {
		execl("/usr/bin/cell-probe", "cell-probe", "true", (char *)NULL);
		_exit(111);
	}
	waitpid(pid, &status, 0);
	expect(probe, "fork, exec, wait", WIFEXITED(status) && WEXITSTATUS(status) == 0, errno);
}

static int exhaust_processes(void)
{
	int count = 0;

	while (count < 100000) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			wait_forever();
		count++;
	}
	printf("processes %d, then: %s\n", count, strerror(errno));
	return errno == EAGAIN ? 0 : 1;
}

static int exhaust_memory(void)
{
	for (;;) {
		void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			return 1;
		memset(memory, 1, 1 << 20);
	}
}

static int exhaust_tmpfs(void)
{
	static char block[1 << 16];
	int fd = open_at("/tmp/full", O_WRONLY | O_CREAT);
	long written = 0;
	ssize_t n;

	while ((n = write(fd, block, sizeof(block))) > 0)
		written += n;
	printf("/tmp %ld bytes, then: %s\n", written, strerror(errno));
	return n < 0 && errno == ENOSPC ? 0 : 1;
}

static int pass(void)
{
	return 0;
}

static int forever(void)
{
	wait_forever();
	return 1;
}

static int x32(void)
{
	return (int)syscall(0x40000000 | SYS_getpid);
}

static const struct {
	const char *name;
	int (*run)(void);
} modes[] = {
	{"true", pass},
	{"sleep", forever},
	{"processes", exhaust_processes},
	{"memory", exhaust_memory},
	{"tmpfs", exhaust_tmpfs},
	{"x32", x32},
};

static void probe_all(struct probe *probe)
{
	/* Descriptors first, before any of the others leaves one open. */
	probe_descriptors(probe);
	probe_identity(probe);
	probe_mounts(probe);
	probe_refused(probe);
	probe_halves(probe);
	probe_sockets(probe);
	probe_unix(probe);
	probe_files(probe);
	probe_works(probe);
	if (probe->landlock)
		probe_landlock(probe);
}

int main(int argc, char **argv)
{
	struct probe probe = {0};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run();
	for (int i = 1; i < argc; i++) {
		probe.landlock |= strcmp(argv[i], "landlock") == 0;
		probe.sealed |= strcmp(argv[i], "sealed") == 0;
	}
	probe_all(&probe);
	printf("probe: %d failed\n", probe.failed);
	return probe.failed > 100 ? 100 : probe.failed;
}
