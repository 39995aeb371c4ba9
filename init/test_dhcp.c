/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody who has taken over the DHCP client can do: each attempt in the very confinement
 * that the client is started in, and once without, where it has to work.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/test.h"
#include "init/dhcp.h"
#include "init/lease.h"
#include "init/spawn.h"

#define KILLED 1000 /* by the list of calls; else the errno of an attempt, 0: it is done */

/* Below /var/tmp, for the new root is put together on /tmp: what the client may write to, which is
 * also its control group here, and what it may not even see. */
static char own[] = "/var/tmp/test-dhcp-own-XXXXXX", others[] = "/var/tmp/test-dhcp-others-XXXXXX";
static char secret[96], program[96], lease[96], group[96];
static pid_t outside; /* a process that is not the client's */

/* As it is, without what the C library does besides. */
static int call(long number, long a, long b, long c, long d)
{
	return syscall(number, a, b, c, d, 0L, 0L) < 0 ? errno : 0;
}

static int opening(const char *path, int flags)
{
	return call(SYS_openat, AT_FDCWD, (long)path, flags, 0600);
}

static int running(const char *path)
{
	const char *const words[] = {path, NULL};

	return call(SYS_execve, (long)path, (long)words, 0, 0);
}

static int mapping(int rights)
{
	return syscall(SYS_mmap, NULL, 4096L, (long)rights, (long)(MAP_PRIVATE | MAP_ANONYMOUS),
		       -1L, 0L) == -1 ?
		       errno :
		       0;
}

static int reads_a_file(void)
{
	return opening(secret, O_RDONLY);
}

static int reads_proc(void)
{
	return opening("/proc/1/status", O_RDONLY);
}

static int opens_a_device(void)
{
	return opening("/dev/null", O_RDWR);
}

static int runs_another(void)
{
	return running("/bin/true");
}

static int runs_its_own(void) /* that it has written to where it may */
{
	return running(program);
}

static int runs_a_memfd(void)
{
	return call(SYS_memfd_create, (long)"x", 0, 0, 0);
}

static int makes_code(void)
{
	return mapping(PROT_READ | PROT_EXEC);
}

static int forks(void)
{
	long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);

	if (pid == 0)
		syscall(SYS_exit_group, 0L);
	return pid < 0 ? errno : 0;
}

static int traces(void)
{
	return call(SYS_ptrace, PTRACE_SEIZE, outside, 0, 0);
}

static int signals(void)
{
	return call(SYS_kill, outside, 0, 0, 0);
}

static int speaks_unix(void)
{
	return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0);
}

static int speaks_netlink(void)
{
	return call(SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0);
}

static int mounts(void)
{
	return call(SYS_mount, (long)others, (long)others, 0, MS_BIND);
}

static int changes_root(void)
{
	return call(SYS_chroot, (long)"/", 0, 0, 0);
}

static int changes_namespace(void)
{
	return call(SYS_unshare, CLONE_NEWUTS, 0, 0, 0);
}

static int becomes_root(void)
{
	return call(SYS_setresuid, 0, 0, 0, 0);
}

static int changes_itself(void)
{
	return call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0);
}

static int raises_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	data[0].effective = data[0].permitted = 1U << CAP_NET_RAW | 1U << CAP_NET_ADMIN;
	return call(SYS_capset, (long)&head, (long)data, 0, 0);
}

static int opens_frames(void)
{
	return call(SYS_socket, AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP), 0);
}

static int asks_interfaces(void)
{
	return call(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_RAW, 0);
}

static int writes_the_lease(void)
{
	return opening(lease, O_WRONLY | O_CREAT);
}

static int takes_memory(void)
{
	return mapping(PROT_READ | PROT_WRITE);
}

static const struct row {
	const char *name;
	int (*attempt)(void);
	int confined;
} rows[] = {
	{"a file of the node's", reads_a_file, ENOENT},
	{"the node's processes", reads_proc, ENOENT},
	{"a device", opens_a_device, ENOENT},
	{"another program", runs_another, ENOENT},
	{"a program of its own making", runs_its_own, EACCES},
	{"a program without a name", runs_a_memfd, KILLED},
	{"executable memory", makes_code, KILLED},
	{"a fork", forks, KILLED},
	{"ptrace", traces, KILLED},
	{"a signal", signals, KILLED},
	{"a Unix socket", speaks_unix, KILLED},
	{"netlink", speaks_netlink, KILLED},
	{"a mount", mounts, KILLED},
	{"chroot", changes_root, KILLED},
	{"a namespace", changes_namespace, KILLED},
	{"root's uid", becomes_root, KILLED},
	{"prctl", changes_itself, KILLED},
	{"a capability more", raises_capabilities, EPERM},
	/* What it needs. */
	{"frames", opens_frames, 0},
	{"which interface it is", asks_interfaces, 0},
	{"the lease", writes_the_lease, 0},
	{"memory", takes_memory, 0},
};

static struct spawn client(const struct sock_filter *calls)
{
	static const char *const nothing[] = {NULL};
	static struct root_row root[] = {
		{"/var", 0}, {"/var/tmp", 0}, {own, MS_NOSUID | MS_NODEV | MS_NOEXEC}, {NULL, 0},
	};
	struct spawn spawn = {.argv = nothing, .envp = nothing, .output = 2};

	dhcp_confine(&spawn);
	/* The node's folders are not here; and a sanitizer has more memory than the limit is. */
	spawn.cgroup = own;
	spawn.root = root;
	spawn.limits = NULL;
	spawn.calls = calls;
	return spawn;
}

static int run(pid_t pid, int (*attempt)(void))
{
	int status = 0;

	if (pid == 0) /* not by the C library's _exit, before which a sanitizer has its say */
		syscall(SYS_exit_group, (long)attempt());
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_attempts(void)
{
	const struct spawn spawn = client(dhcp_calls);

	for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(*rows); r++) {
		CHECK_ROW(run(spawn_fork(&spawn), r->attempt) == r->confined, r->name);
		CHECK_ROW(run(fork(), r->attempt) == 0, r->name);
	}
	CHECK(umount2(others, MNT_DETACH) == 0);
}

/* Which a process can only be asked for while it may answer: without the list of calls. */
static int is_dropped(void)
{
	const int locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			   SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	int left = 0;

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		left += prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
	return getpid() != 1			     ? 1
	       : left != 0			     ? 2
	       : prctl(PR_GET_SECUREBITS) != locked  ? 3
	       : !prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) ? 4
	       : prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0 ? 5
	       : getppid() != 0				     ? 6
							     : 0;
}

static bool has_capability(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return syscall(SYS_capget, &head, data) != 0 || data[0].permitted || data[0].inheritable ||
	       prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) != 0;
}

/* It inherits what the client has, and has given it up once it has done its work. */
static int writer_gives_up(void)
{
	char name[] = "udhcpc-lease", event[] = "deconfig";
	char *argv[] = {name, event, NULL};

	if (!has_capability())
		return 1;
	if (lease_write_main(2, argv) != 0)
		return 2;
	return has_capability() ? 3 : 0;
}

static void test_dropped(void)
{
	const struct spawn spawn = client(NULL);

	CHECK(run(spawn_fork(&spawn), is_dropped) == 0);
	CHECK(run(fork(), is_dropped) == 1);
	CHECK(run(spawn_fork(&spawn), writer_gives_up) == 0);
}

static void make_file(char path[96], const char *in, const char *name, mode_t mode)
{
	snprintf(path, 96, "%s/%s", in, name);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode));
}

static void make(void)
{
	char command[256];

	CHECK(mkdtemp(own) != NULL && mkdtemp(others) != NULL);
	make_file(group, own, "cgroup.procs", 0600);
	make_file(secret, others, "secret", 0644);
	CHECK(chmod(others, 0755) == 0 && chown(own, DHCP_UID, DHCP_UID) == 0);
	snprintf(lease, sizeof(lease), "%s/lease", own);
	snprintf(program, sizeof(program), "%s/true", own);
	snprintf(command, sizeof(command), "cp /bin/true %s && chmod 755 %s", program, program);
	CHECK(system(command) == 0);
	outside = fork();
	if (outside == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive a test that is killed */
	while (outside == 0)
		pause();
}

static void remove_all(void)
{
	kill(outside, SIGKILL);
	waitpid(outside, NULL, 0);
	CHECK(unlink(group) == 0 && unlink(secret) == 0 && unlink(program) == 0);
	CHECK(unlink(lease) == 0 && rmdir(own) == 0 && rmdir(others) == 0);
}

int main(void)
{
	const struct rlimit none = {0, 0};

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: only root can become another\n");
		return TEST_SKIP;
	}
	setrlimit(RLIMIT_CORE, &none);
	make();
	test_attempts();
	test_dropped();
	remove_all();
	return TEST_RESULT();
}
