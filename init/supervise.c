/* SPDX-License-Identifier: Apache-2.0 */
#include "init/supervise.h"

#include <string.h>
#include <sys/wait.h>

#include "init/cgroups.h"
#include "init/spawn.h"

void supervise_init(struct supervise *s, bool wanted)
{
	*s = (struct supervise){
		.backoff = {.first_ms = 100, .max_ms = 30000, .stable_ms = 60000},
		.start_ms = wanted ? 0 : UINT64_MAX,
	};
}

uint64_t supervise_deadline(const struct supervise *s)
{
	return s->pid ? UINT64_MAX : s->start_ms;
}

static pid_t start(int output)
{
	static const struct spawn_limit limits[] = {
		{RLIMIT_NOFILE, 16384}, /* five sockets and more a kernel, times 512 */
		{RLIMIT_CORE, 0},
		{-1, 0},
	};
	const char *const argv[] = {HOSTD_PATH, "monitor", NULL};
	const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	struct spawn spawn = {
		.argv = argv,
		.envp = envp,
		.cgroup = CGROUP_MONITOR,
		.output = output,
		.limits = limits,
	};

	return spawn_start(&spawn);
}

void supervise_tick(struct supervise *s, struct log *log, uint64_t now_ms)
{
	pid_t pid;

	if (s->pid || now_ms < s->start_ms)
		return;
	pid = start(log->pipe[1]);
	if (pid < 0) {
		s->start_ms = now_ms + backoff_wait(&s->backoff, 0);
		log_line(log, LOG_ERROR, "hostd: cannot start: %s", strerror(-pid));
		return;
	}
	s->pid = pid;
	s->started_ms = now_ms;
	if (!s->reached)
		log_reached("hostd");
	s->reached = true;
}

bool supervise_ended(struct supervise *s, struct log *log, pid_t pid, int status, uint64_t now_ms)
{
	uint64_t ran_ms = now_ms - s->started_ms;
	bool signaled = WIFSIGNALED(status);
	uint32_t wait;

	if (pid != s->pid)
		return false;
	log_flush(log);
	wait = backoff_wait(&s->backoff, ran_ms);
	s->pid = 0;
	s->start_ms = now_ms + wait;
	log_line(log, LOG_ERROR, "hostd: ended by %s %d after %llu ms; next start in %u ms",
		 signaled ? "signal" : "exit code", signaled ? WTERMSIG(status) : WEXITSTATUS(status),
		 (unsigned long long)ran_ms, wait);
	return true;
}
