/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostd/plain/plain.h"
#include "init/promises.h"

/* kernel-config/promises.boot as it was when this was built, a string a line. */
static const char *const lines[] = {
#include "promises.inc"
};

/* Which protection a promise belongs to: by its name, else by how it is asked. */
static const struct {
	const char *name;
	enum lack lack;
} of_name[] = {
	{"landlock", LACK_LANDLOCK}, {"controllers", LACK_CONTROLLERS},
	{"pressure", LACK_CONTROLLERS}, {"smt", LACK_SMT},
	{"verity-panic", LACK_IMAGE}, {"no-initrd", LACK_IMAGE},
	{"root-verity", LACK_IMAGE},
};

static enum lack lack_of(const struct promise *promise)
{
	for (size_t i = 0; i < sizeof(of_name) / sizeof(of_name[0]); i++)
		if (strcmp(of_name[i].name, promise->name) == 0)
			return of_name[i].lack;
	return strcmp(promise->probe, "sysctl") == 0 ? LACK_SYSCTLS : LACK_KERNEL;
}

/*
 * To ask for a socket of a family makes a kernel that has modules load the family's: that would
 * change the machine, and the answer is known.
 */
static bool loads_modules(void)
{
	return access("/proc/modules", F_OK) == 0;
}

static void ask(struct lacks *lacks, const char *line, FILE *held)
{
	char why[PROBE_WHY_MAX] = "";
	struct promise promise;

	if (promise_parse(line, &promise) < 0) {
		lacks_add(lacks, LACK_KERNEL, "not a promise: %.64s", line);
		return;
	}
	if (strcmp(promise.probe, "socket") == 0 && loads_modules())
		snprintf(why, sizeof(why), "the kernel would load a module for it");
	else if (probe_run(promise.probe, promise.args, promise.args_len, why) == 0) {
		fprintf(held, "ok %s\n", promise.name);
		return;
	}
	lacks_add(lacks, lack_of(&promise), "%s: %s", promise.name, why);
}

int promises_look(struct lacks *lacks, const char *path)
{
	FILE *held = fopen(path, "we");

	if (!held)
		return -errno;
	fputs("ok plain\n", held);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ask(lacks, lines[i], held);
	return fclose(held) == 0 ? 0 : -errno;
}
