/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cell-probe: the payload of the cell's tests. Runs inside a cell, tries what must work and
 * what must be refused, prints a line for each that is not as it should be, and exits with
 * their number (at most 100). `landlock` and `sealed` say what the cell was built with; other
 * words run one resource into its limit.
 *
 * Arguments of refused calls are impossible on purpose: the kernel itself would answer EFAULT,
 * EBADF or EINVAL, so EPERM is the filter's.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
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

#define BAD_POINTER 1ul

struct probe {
	int failed;
	bool landlock, sealed;
};

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

static void expect(struct probe *probe, const char *what, bool ok, int error)
{
	if (ok)
		return;
	printf("FAIL %s (%s)\n", what, strerror(error));
	probe->failed++;
}

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static const struct {
	const char *name;
	long number, argument[4];
	int error;
} refused[] = {
	{"mount", SYS_mount, {BAD_POINTER, BAD_POINTER, BAD_POINTER}, EPERM},
	{"umount2", SYS_umount2, {BAD_POINTER}, EPERM},
	{"pivot_root", SYS_pivot_root, {BAD_POINTER, BAD_POINTER}, EPERM},
	{"chroot", SYS_chroot, {BAD_POINTER}, EPERM},
	{"fsopen", SYS_fsopen, {BAD_POINTER}, EPERM},
	{"fsmount", SYS_fsmount, {-1}, EPERM},
	{"fspick", SYS_fspick, {-1, BAD_POINTER}, EPERM},
	{"open_tree", SYS_open_tree, {-1, BAD_POINTER}, EPERM},
	{"move_mount", SYS_move_mount, {-1, BAD_POINTER}, EPERM},
	{"mount_setattr", SYS_mount_setattr, {-1, BAD_POINTER}, EPERM},
	{"unshare", SYS_unshare, {-1}, EPERM},
	{"setns", SYS_setns, {-1}, EPERM},
	{"clone NEWUSER", SYS_clone, {CLONE_NEWUSER | CLONE_THREAD}, EPERM},
	{"clone NEWNS", SYS_clone, {CLONE_NEWNS | CLONE_FS}, EPERM},
	{"clone3", SYS_clone3, {BAD_POINTER, 64}, ENOSYS},
	{"ptrace", SYS_ptrace, {-1, -1}, EPERM},
	{"process_vm_readv", SYS_process_vm_readv, {-1, BAD_POINTER, 1}, EPERM},
	{"process_vm_writev", SYS_process_vm_writev, {-1, BAD_POINTER, 1}, EPERM},
	{"pidfd_getfd", SYS_pidfd_getfd, {-1, -1}, EPERM},
	{"kcmp", SYS_kcmp, {-1, -1, -1}, EPERM},
	{"bpf", SYS_bpf, {-1, BAD_POINTER}, EPERM},
	{"perf_event_open", SYS_perf_event_open, {BAD_POINTER}, EPERM},
	{"userfaultfd", SYS_userfaultfd, {-1}, EPERM},
	{"io_uring_setup", SYS_io_uring_setup, {1, BAD_POINTER}, EPERM},
	{"io_uring_enter", SYS_io_uring_enter, {-1}, EPERM},
	{"io_uring_register", SYS_io_uring_register, {-1}, EPERM},
	{"io_setup", SYS_io_setup, {1, BAD_POINTER}, EPERM},
	{"keyctl", SYS_keyctl, {-1}, EPERM},
	{"add_key", SYS_add_key, {BAD_POINTER}, EPERM},
	{"request_key", SYS_request_key, {BAD_POINTER}, EPERM},
	{"open_by_handle_at", SYS_open_by_handle_at, {-1, BAD_POINTER}, EPERM},
	{"name_to_handle_at", SYS_name_to_handle_at, {-1, BAD_POINTER}, EPERM},
	{"fanotify_init", SYS_fanotify_init, {-1}, EPERM},
	{"init_module", SYS_init_module, {BAD_POINTER}, EPERM},
	{"finit_module", SYS_finit_module, {-1}, EPERM},
	{"delete_module", SYS_delete_module, {BAD_POINTER}, EPERM},
	{"kexec_load", SYS_kexec_load, {-1}, EPERM},
	{"reboot", SYS_reboot, {-1}, EPERM},
	{"swapon", SYS_swapon, {BAD_POINTER}, EPERM},
	{"acct", SYS_acct, {BAD_POINTER}, EPERM},
	{"quotactl", SYS_quotactl, {-1}, EPERM},
	{"syslog", SYS_syslog, {-1}, EPERM},
	{"sethostname", SYS_sethostname, {BAD_POINTER, 1}, EPERM},
	{"setdomainname", SYS_setdomainname, {BAD_POINTER, 1}, EPERM},
	{"settimeofday", SYS_settimeofday, {BAD_POINTER}, EPERM},
	{"clock_settime", SYS_clock_settime, {-1, BAD_POINTER}, EPERM},
	{"clock_adjtime", SYS_clock_adjtime, {-1, BAD_POINTER}, EPERM},
	{"personality", SYS_personality, {0x0040000}, EPERM},
	{"setuid", SYS_setuid, {1000}, EPERM},
	{"setresgid", SYS_setresgid, {1000, 1000, 1000}, EPERM},
	{"setgroups", SYS_setgroups, {0, 0}, EPERM},
	{"capset", SYS_capset, {BAD_POINTER}, EPERM},
	{"seccomp", SYS_seccomp, {-1}, EPERM},
	{"splice", SYS_splice, {-1, 0, -1}, EPERM},
	{"tee", SYS_tee, {-1, -1}, EPERM},
	{"vmsplice", SYS_vmsplice, {-1, BAD_POINTER}, EPERM},
	{"shmget", SYS_shmget, {0, 0, 0}, EPERM},
	{"semget", SYS_semget, {0, 0, 0}, EPERM},
	{"msgget", SYS_msgget, {0, 0}, EPERM},
	{"mq_open", SYS_mq_open, {BAD_POINTER}, EPERM},
	{"move_pages", SYS_move_pages, {-1}, EPERM},
	{"migrate_pages", SYS_migrate_pages, {-1}, EPERM},
	{"memfd_secret", SYS_memfd_secret, {-1}, EPERM},
	{"mknodat device", SYS_mknodat, {-1, BAD_POINTER, S_IFCHR | 0666}, EPERM},
	{"prctl PR_SET_MM", SYS_prctl, {PR_SET_MM, -1}, EPERM},
	{"prctl PR_SET_SECCOMP", SYS_prctl, {PR_SET_SECCOMP, -1}, EPERM},
	{"ioctl TIOCSTI", SYS_ioctl, {-1, TIOCSTI}, EPERM},
	{"ioctl TIOCLINUX", SYS_ioctl, {-1, TIOCLINUX}, EPERM},
	{"ioctl TIOCSTI, high bits", SYS_ioctl, {-1, (long)(TIOCSTI | 1ull << 32)}, EPERM},
	{"copy_file_range", SYS_copy_file_range, {-1, 0, -1}, ENOSYS},
	{"fchmodat2", SYS_fchmodat2, {-1, BAD_POINTER}, ENOSYS},
	{"openat2", SYS_openat2, {-1, BAD_POINTER}, ENOSYS},
};

static void probe_refused(struct probe *probe)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const long *a = refused[i].argument;
		long result = syscall(refused[i].number, a[0], a[1], a[2], a[3]);

		expect(probe, refused[i].name, result < 0 && errno == refused[i].error,
		       result < 0 ? errno : 0);
	}
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
	umask(0777);
	expect(probe, "bind in /run/kernel", bind(fd, (void *)&address, sizeof(address)) == 0,
	       errno);
	umask(022);
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
		"\nUmask:\t0022\n", "\nSigBlk:\t0000000000000000\n",    "\nSigIgn:\t0000000000000000\n",
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
