/* SPDX-License-Identifier: Apache-2.0 */
/* What a child of init's is left with, as the kernel tells it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/test.h"
#include "init/spawn.h"

static const struct spawn_limit limits[] = {{RLIMIT_NOFILE, 17}, {RLIMIT_CORE, 0}, {-1, 0}};

/* Runs it with its output in ret_text; returns its wait status. */
static int run(struct spawn *spawn, char *ret_text, size_t size)
{
	size_t len = 0;
	int pipe_fds[2], status = -1;
	ssize_t n;
	pid_t pid;

	CHECK(pipe(pipe_fds) == 0); /* without O_CLOEXEC: the child must not have it all the same */
	spawn->output = pipe_fds[1];
	pid = spawn_start(spawn);
	CHECK(pid > 0);
	close(pipe_fds[1]);
	while (len < size - 1 && (n = read(pipe_fds[0], ret_text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	ret_text[len] = '\0';
	close(pipe_fds[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void test_dropped(const char *cgroup)
{
	const char *const argv[] = {"/bin/cat", "/proc/self/status", "/proc/self/limits", NULL};
	const char *const envp[] = {NULL};
	static const char *const expected[] = {
		"Uid:\t902\t902\t902\t902\n", "Gid:\t902\t902\t902\t902\n", "Groups:\t \n",
		"CapInh:\t0000000000002000\n", "CapPrm:\t0000000000002000\n",
		"CapEff:\t0000000000002000\n", "CapBnd:\t0000000000000000\n",
		"CapAmb:\t0000000000002000\n", "NoNewPrivs:\t1\n", "SigBlk:\t0000000000000000\n",
		"SigIgn:\t0000000000000000\n", "Max open files            17                   17 ",
	};
	struct spawn spawn = {
		.argv = argv, .envp = envp, .cgroup = cgroup, .limits = limits, .uid = 902,
		.capabilities = UINT64_C(1) << CAP_NET_RAW,
	};
	char text[16384];

	CHECK(run(&spawn, text, sizeof(text)) == 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		CHECK_ROW(strstr(text, expected[i]) != NULL, expected[i]);
}

static void test_descriptors(const char *cgroup)
{
	const char *const argv[] = {"/bin/ls", "/proc/self/fd", NULL};
	const char *const envp[] = {NULL};
	struct spawn spawn = {.argv = argv, .envp = envp, .cgroup = cgroup, .limits = NULL};
	char text[256];
	int extra = fcntl(0, F_DUPFD_CLOEXEC, 20);

	CHECK(run(&spawn, text, sizeof(text)) == 0);
	CHECK_ROW(strcmp(text, "0\n1\n2\n3\n") == 0, text); /* 3 is the folder that ls reads */
	spawn.keep = &extra;
	spawn.keep_count = 1;
	CHECK(run(&spawn, text, sizeof(text)) == 0);
	CHECK_ROW(strcmp(text, "0\n1\n2\n20\n3\n") == 0, text);
	close(extra);
}

static void test_refused(const char *cgroup)
{
	const char *const argv[] = {"/proc/nonexistent", NULL}, *const envp[] = {NULL};
	struct spawn spawn = {.argv = argv, .envp = envp, .cgroup = cgroup};
	char text[64];
	int status = run(&spawn, text, sizeof(text));

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 127 && text[0] == '\0');
	spawn.cgroup = "/proc/nonexistent";
	status = run(&spawn, text, sizeof(text));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 126);
}

int main(void)
{
	char folder[] = "/tmp/test-spawn-XXXXXX", file[64];

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: only root can become another\n");
		return TEST_SKIP;
	}
	/* A shell's background jobs begin with these ignored, which init, and so its child, is not. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	CHECK(mkdtemp(folder) != NULL);
	snprintf(file, sizeof(file), "%s/cgroup.procs", folder); /* in place of a control group's */
	close(open(file, O_WRONLY | O_CREAT, 0600));
	test_dropped(folder);
	test_descriptors(folder);
	test_refused(folder);
	CHECK(unlink(file) == 0 && rmdir(folder) == 0);
	return TEST_RESULT();
}
