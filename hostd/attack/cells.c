/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack-cells: cells of which single protections are missing, and attack-probe in them.
 *
 * As PID 1 of a scratch boot it sets up a node of its own (a process of root's, a neighbour's
 * cell, objects that others should not reach), carries out /attack/plan, a line each, and ends
 * the machine:
 *
 *   cell PROFILE WITHOUT WORDS...   a cell without those protections runs attack-probe WORDS;
 *                                   the profile may be `PROFILE+sealed`
 *   build NAME WITHOUT              a cell of an environment whose NAME is a link; its error
 *   sysctl lax|strict               the node's settings
 *
 * Elsewhere `attack-cells policy PROFILE` prints the table of system calls.
 */
#include "hostd/attack/without.h"

#include "hostd/attack/attempt.h"
#include "hostd/attack/scene.h"
#include "hostd/cell/cell.h"
#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"
#include "hostd/policy/policy.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define PLAN "/attack/plan"
#define PROGRAM "/usr/bin/attack-probe"
#define WORDS_LEN 16384

static const struct cell_limits limits = {256ULL << 20, 1000, 128, 32ULL << 20};

struct scene {
	struct cell_host *host;
	struct cell *neighbour;
	struct world world;
	unsigned count; /* of cells so far: no two have one id */
};

/* `PROFILE+sealed` is the profile in a cell without a network. */
static void describe(struct scene *scene, char *profile, const char *environment,
		     struct cell_spec *spec)
{
	char *network = strchr(profile, '+');

	if (network)
		*network++ = '\0';
	*spec = (struct cell_spec){
		.id = {0xa7, 0x7a, (uint8_t)(scene->count >> 8), (uint8_t)scene->count},
		.project = "attack",
		.limits = limits,
		.network = network && strcmp(network, "sealed") == 0 ? CELL_NETWORK_SEALED
								   : CELL_NETWORK_LOOPBACK,
		.profile = profile,
		.env = {"PATH=/usr/bin:/bin", "HOME=/home/user"},
	};
	scene->count++;
	spec->environment_fd = open(environment, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Starts the cell; the outcome of that is the result. */
static int start(struct scene *scene, struct cell_spec *spec, int output, struct cell **ret_cell,
		 struct cell_error *error)
{
	const struct cell_connection connection = {
		.incarnation = 1, .json = "{}", .json_len = 2, .output_fd = output};
	int result = without_prepare();

	*ret_cell = NULL;
	if (result == 0)
		result = cell_new(scene->host, spec, ret_cell, error);
	if (result == 0)
		result = cell_spawn(*ret_cell, &connection, error);
	close(spec->environment_fd);
	return result;
}

static void forward(int from)
{
	char block[4096];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		(void)!write(STDOUT_FILENO, block, (size_t)n);
}

static void end(struct scene *scene, struct cell *cell)
{
	struct pollfd poll_fd = {.fd = cell_pidfd(cell), .events = POLLIN};
	struct cell_error error = {0};
	struct cell_exit ended = {0};

	(void)scene;
	(void)poll(&poll_fd, 1, 60000);
	(void)cell_reap(cell, &ended);
	if (cell_free(cell, &error) < 0)
		printf("left: %s: %s\n", error.step, strerror(error.error));
	printf("end %d\n", ended.status);
}

static void do_cell(struct scene *scene, char *rest)
{
	static char command[WORDS_LEN + 128];
	char *profile = strtok_r(rest, " ", &rest);
	const char *words = strtok_r(rest, " ", &rest);
	struct cell_error error = {0};
	struct cell_spec spec;
	struct cell *cell;
	int pipes[2], bits = without_parse(words ? words : "?");

	printf("cell %s %s\n", profile, words);
	if (bits < 0 || pipe2(pipes, O_CLOEXEC) < 0) {
		printf("end -1\n");
		return;
	}
	describe(scene, profile, bits & WITHOUT_DUMPABLE ? SCENE_DUMPABLE : SCENE_ENVIRONMENT,
		 &spec);
	snprintf(command, sizeof(command), "host=%d neighbour=%d disk=%u:%u %s",
		 (int)scene->world.host, (int)scene->world.neighbour, major(scene->world.disk),
		 minor(scene->world.disk), rest);
	spec.argv[0] = PROGRAM;
	spec.argv[1] = "-c";
	spec.argv[2] = command;
	without = (unsigned)bits;
	if (start(scene, &spec, pipes[1], &cell, &error) < 0) {
		printf("failed %s: %s\nend -1\n", error.step, strerror(error.error));
		(void)cell_free(cell, NULL);
		close(pipes[1]);
	} else {
		close(pipes[1]);
		forward(pipes[0]);
		end(scene, cell);
	}
	without = 0;
	close(pipes[0]);
}

/* An environment of which one place is a link out of it, as if its signer had been fooled. */
static void do_build(struct scene *scene, char *rest)
{
	const char *name = strtok_r(rest, " ", &rest);
	const char *words = strtok_r(rest, " \n", &rest);
	char environment[128], text[64], profile[] = "python";
	struct cell_error error = {0};
	struct cell_spec spec;
	struct cell *cell;
	int result, bits = without_parse(words ? words : "?");

	snprintf(environment, sizeof(environment), "%s/%s", SCENE_LINKED, name);
	describe(scene, profile, environment, &spec);
	spec.argv[0] = PROGRAM;
	without = (unsigned)bits;
	result = start(scene, &spec, -1, &cell, &error);
	without = 0;
	outcome_format(result, text, sizeof(text));
	printf("cell python %s\nprobe build-%s %s\n", words, name, text);
	if (result < 0) {
		(void)cell_free(cell, NULL);
		printf("end 0\n");
	} else {
		end(scene, cell);
	}
}

static void carry_out(struct scene *scene)
{
	static char line[WORDS_LEN];
	FILE *plan = fopen(PLAN, "re");

	while (plan && fgets(line, sizeof(line), plan)) {
		char *rest = line, *verb;

		line[strcspn(line, "\n")] = '\0';
		verb = strtok_r(rest, " ", &rest);
		if (!verb)
			continue;
		if (strcmp(verb, "cell") == 0)
			do_cell(scene, rest);
		else if (strcmp(verb, "build") == 0)
			do_build(scene, rest);
		else if (strcmp(verb, "sysctl") == 0)
			scene_sysctl(strcmp(rest, "strict") == 0);
		else
			printf("no verb '%s'\n", verb);
		fflush(stdout);
	}
	printf("plan done\n");
	if (plan)
		fclose(plan);
}

/* The last process of the neighbour's cell: not its cell-init. */
static pid_t process_of(unsigned char first)
{
	char path[128];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path),
		 SCENE_CELLS "/a77a%02x%02x-0000-0000-0000-000000000000/cell/cgroup.procs", 0, first);
	for (int i = 0; i < 200 && pid == 0; i++) {
		int one, seen = 0;

		file = fopen(path, "re");
		while (file && fscanf(file, "%d", &one) == 1)
			if (++seen > 1)
				pid = one;
		if (file)
			fclose(file);
		if (pid == 0)
			usleep(10000);
	}
	return pid;
}

static int set_up(struct scene *scene)
{
	struct cell_error error = {0};
	struct cell_spec spec;
	struct stat disk;
	char profile[] = "python";
	int cells;

	/* As a node's init has: a cell's are lower. */
	(void)setrlimit(RLIMIT_NOFILE, &(const struct rlimit){16384, 16384});
	if (scene_mount() < 0)
		return -1;
	cells = open(SCENE_CELLS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cell_host_new(cells, 0, &scene->host, &error) < 0) {
		printf("failed %s: %s\n", error.step, strerror(error.error));
		return -1;
	}
	scene->world.host = scene_outside();
	if (stat("/dev/vda", &disk) == 0)
		scene->world.disk = disk.st_rdev;
	describe(scene, profile, SCENE_ENVIRONMENT, &spec);
	spec.argv[0] = PROGRAM;
	spec.argv[1] = "sleep";
	if (start(scene, &spec, -1, &scene->neighbour, &error) < 0) {
		printf("failed %s: %s\n", error.step, strerror(error.error));
		return -1;
	}
	scene->world.neighbour = process_of(0);
	/* Not closed on exec: what a careless monitor would pass on. */
	(void)dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 100);
	printf("world host %d neighbour %d disk %u:%u\n", (int)scene->world.host,
	       (int)scene->world.neighbour, major(scene->world.disk), minor(scene->world.disk));
	return 0;
}

static int print_policy(const char *profile)
{
	const struct policy *policy = policy_find(profile);

	for (size_t i = 0; policy && i < policy->count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		printf("%s\t%d\t%d\t%d\t%d\t%llu\t%llu\t%s\n", rule->name, rule->number, rule->error,
		       rule->loopback, rule->argument, (unsigned long long)rule->mask,
		       (unsigned long long)rule->value, rule->reason);
	}
	return policy ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct scene scene = {0};

	if (argc == 3 && strcmp(argv[1], "policy") == 0)
		return print_policy(argv[2]);
	if (getpid() != 1) {
		fprintf(stderr, "usage: attack-cells policy PROFILE, or as PID 1 of a scratch boot\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (set_up(&scene) == 0)
		carry_out(&scene);
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT);
	return 1;
}
