/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same program on the same root, in a cell and as a plain child in a chroot, in turns. It prints
 * `name value` lines; the medians of each name, and what inside costs more, are the figures.
 */
#include "hostd/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/bench/spawn.h"

#define NAMES_MAX 8

struct results {
	char name[NAMES_MAX][32];
	struct samples inside[NAMES_MAX], outside[NAMES_MAX];
};

static void take_line(struct results *results, const char *line, bool inside)
{
	char name[32];
	double value;
	int i = 0;

	if (sscanf(line, "%31s %lf", name, &value) != 2)
		return;
	while (i < NAMES_MAX - 1 && results->name[i][0] && strcmp(results->name[i], name) != 0)
		i++;
	snprintf(results->name[i], sizeof(results->name[i]), "%s", name);
	samples_add(inside ? &results->inside[i] : &results->outside[i], value);
}

static void take_lines(struct results *results, int fd, bool inside)
{
	FILE *file = fdopen(fd, "r");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		take_line(results, line, inside);
	if (file)
		fclose(file);
}

/* The pipe is read to its end before the cell's end is waited for: what is printed is little. */
static int run_inside(struct ours *ours, struct results *results)
{
	struct one *one = NULL;
	int pair[2], r;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ours->output = pair[1];
	r = one_start(ours, &one);
	ours->output = -1;
	close(pair[1]);
	take_lines(results, pair[0], true);
	if (r == 0)
		r = one_await(one);
	return r < 0 ? r : one_remove(one);
}

static _Noreturn void child(const struct ours *ours, int output)
{
	/* The directory first: a new namespace takes it along, but no descriptor. */
	if (fchdir(ours->environment) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("/dev", "dev", NULL, MS_BIND, NULL) < 0 ||
	    mount("proc", "proc", "proc", 0, NULL) < 0 ||
	    mount("tmp", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m") < 0 ||
	    mount("home", "home/user", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m") < 0 ||
	    chroot(".") < 0 || chdir("/home/user") < 0 || dup2(output, STDOUT_FILENO) < 0) {
		perror("bench-cell: outside");
		_exit(126);
	}
	execve(ours->payload[0], (char *const *)ours->payload, (char *const *)ours->env);
	_exit(127);
}

static int run_outside(const struct ours *ours, struct results *results)
{
	int pair[2], status = -1;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(ours, pair[1]);
	close(pair[1]);
	take_lines(results, pair[0], false);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status == 0 ? 0 : -EIO;
}

static double ratio(struct results *results, int i, double percent)
{
	double outside = samples_percentile(&results->outside[i], percent);

	return outside > 0 ? samples_percentile(&results->inside[i], percent) / outside : 0;
}

/* The fast tenth too: a busy machine slows one side more than the other, but not always. */
static void put(struct results *results, int i)
{
	double inside = samples_percentile(&results->inside[i], 50);
	double outside = samples_percentile(&results->outside[i], 50);
	char name[64];

	snprintf(name, sizeof(name), "%s.inside", results->name[i]);
	figure(name, inside, "ns");
	snprintf(name, sizeof(name), "%s.outside", results->name[i]);
	figure(name, outside, "ns");
	snprintf(name, sizeof(name), "%s.samples", results->name[i]);
	figure(name, (double)results->inside[i].count, "each");
	snprintf(name, sizeof(name), "%s.ratio", results->name[i]);
	figure(name, ratio(results, i, 50), "x");
	snprintf(name, sizeof(name), "%s.ratio.p10", results->name[i]);
	figure(name, ratio(results, i, 10), "x");
}

int bench_compare(struct ours *ours, unsigned rounds)
{
	static struct results results;

	for (unsigned n = 0; n < rounds; n++)
		if (run_inside(ours, &results) < 0 || run_outside(ours, &results) < 0)
			return -1;
	for (int i = 0; i < NAMES_MAX && results.name[i][0]; i++)
		put(&results, i);
	return 0;
}
