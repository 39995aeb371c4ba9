/* SPDX-License-Identifier: Apache-2.0 */
#include "init/supervise.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/cgroups.h"
#include "init/spawn.h"

void supervise_init(struct supervise *s, bool wanted)
{
	s->backoff = (struct backoff){.first_ms = 100, .max_ms = 30000, .stable_ms = 60000};
	s->start_ms = wanted ? 0 : UINT64_MAX;
	s->pid = 0;
	s->reached = false;
	fdstore_init(&s->store);
}

int supervise_fd(const struct supervise *s)
{
	return s->store.socket;
}

uint64_t supervise_deadline(const struct supervise *s)
{
	return s->pid ? UINT64_MAX : s->start_ms;
}

/* The socket and the table first, then all that is kept. */
#define KEEP_MAX (2 + FDSTORE_ROWS_MAX * FDSTORE_FDS_MAX)

static size_t list_kept(const struct fdstore *store, int socket, int table, int keep[KEEP_MAX])
{
	size_t count = 0;

	keep[count++] = socket;
	keep[count++] = table;
	for (size_t i = 0; i < store->count; i++)
		for (int32_t j = 0; j < store->rows[i].count; j++)
			keep[count++] = store->rows[i].fds[j];
	return count;
}

static pid_t run(const struct fdstore *store, int output, int socket, int table)
{
	static const struct spawn_limit limits[] = {
		{RLIMIT_NOFILE, 16384}, /* five sockets and more a kernel, times 512 */
		{RLIMIT_CORE, 0},
		{-1, 0},
	};
	const char *const argv[] = {HOSTD_PATH, "monitor", NULL};
	char where[sizeof(FDSTORE_ENV) + 24];
	const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", where, NULL};
	int keep[KEEP_MAX];
	struct spawn spawn = {
		.argv = argv,
		.envp = envp,
		.cgroup = CGROUP_MONITOR,
		.output = output,
		.limits = limits,
		.keep = keep,
		.keep_count = list_kept(store, socket, table, keep),
	};

	snprintf(where, sizeof(where), FDSTORE_ENV "=%d:%d", socket, table);
	return spawn_start(&spawn);
}

static pid_t start(struct supervise *s, struct log *log)
{
	bool emptied = false;
	int socket = -1;
	int table = -1;
	pid_t pid = fdstore_begin(&s->store, &socket, &table, &emptied);

	if (pid < 0)
		return pid;
	if (emptied)
		log_line(log, LOG_ERROR, "hostd: not stable in %u starts: the kernels it left end",
			 FDSTORE_TRIES);
	pid = run(&s->store, log->pipe[1], socket, table);
	close(socket);
	close(table);
	if (pid < 0)
		fdstore_end(&s->store);
	return pid;
}

static void told(struct log *log, int refused)
{
	if (refused < 0)
		log_line(log, LOG_WARNING, "hostd: what it wants kept is refused: %s",
			 strerror(-refused));
}

void supervise_tick(struct supervise *s, struct log *log, uint64_t now_ms)
{
	pid_t pid;

	told(log, fdstore_take(&s->store));
	if (s->pid || now_ms < s->start_ms)
		return;
	pid = start(s, log);
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
	told(log, fdstore_end(&s->store));
	/* Kernels run on meanwhile: one that was well comes back at once. */
	wait = backoff_wait(&s->backoff, s->store.stable ? s->backoff.stable_ms : ran_ms);
	s->pid = 0;
	s->start_ms = now_ms + wait;
	log_line(log, LOG_ERROR, "hostd: ended by %s %d after %llu ms; next start in %u ms",
		 signaled ? "signal" : "exit code", signaled ? WTERMSIG(status) : WEXITSTATUS(status),
		 (unsigned long long)ran_ms, wait);
	return true;
}
