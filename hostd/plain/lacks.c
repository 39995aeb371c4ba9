/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hostd/cell/cell.h"
#include "hostd/plain/plain.h"

static const struct {
	const char *name;
	unsigned of_cell; /* enum cell_lack */
	const char *without;
} rows[LACKS] = {
	[LACK_LANDLOCK] = {"landlock", CELL_LACK_LANDLOCK,
			   "mounts and modes alone say what a kernel may open, signal, connect to"},
	[LACK_CONTROLLERS] = {"controllers", CELL_LACK_CONTROLLERS,
			      "no limit of memory, CPU, processes or disk holds a kernel"},
	[LACK_FIREWALL] = {"firewall", 0,
			   "the link's process may reach any address; egress is not offered"},
	[LACK_VERITY] = {"verity", 0, "an environment is what its files say at the moment"},
	[LACK_QUOTA] = {"quota", 0, "there are no workspaces"},
	[LACK_UIDS] = {"uids", 0, "a kernel or its relay may run as somebody of this machine"},
	[LACK_SWAP] = {"swap", 0, "what a kernel has in memory may stay on a disk"},
	[LACK_SMT] = {"smt", CELL_LACK_COOKIES,
		      "kernels share a core's buffers with each other and with all else"},
	[LACK_SYSCTLS] = {"sysctls", 0, "this machine's settings are laxer than a node's"},
	[LACK_KERNEL] = {"kernel", 0, "this kernel offers more to attack than a node's"},
	[LACK_IMAGE] = {"image", 0, "nobody vouches for this machine's own programs"},
};

void lacks_add(struct lacks *lacks, enum lack lack, const char *format, ...)
{
	size_t at = lacks->of[lack].count;
	va_list args;

	if (at == LACK_DETAILS_MAX)
		return;
	va_start(args, format);
	vsnprintf(lacks->of[lack].details[at], PLAIN_TEXT_MAX, format, args);
	va_end(args);
	lacks->of[lack].count++;
}

void lacks_tell(const struct lacks *lacks)
{
	fputs("hostd: --plain is for developers. NOTHING HERE IS FOR HOSTILE CODE: of what\n"
	      "hostd: protects a node from it, this machine lacks\n",
	      stderr);
	for (size_t i = 0; i < LACKS; i++) {
		if (lacks->of[i].count == 0)
			continue;
		fprintf(stderr, "hostd: %s: %s\n", rows[i].name, rows[i].without);
		for (size_t j = 0; j < lacks->of[i].count; j++)
			fprintf(stderr, "hostd:     %s\n", lacks->of[i].details[j]);
	}
}

static int find(const char *name, size_t len)
{
	for (int i = 0; i < LACKS; i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return i;
	return -1;
}

/* Marks the names; -EINVAL for one that makes no sense, which is told. */
static int read_names(const struct lacks *lacks, const char *names, bool given[LACKS])
{
	for (const char *at = names; at;) {
		size_t len = strcspn(at, ",");
		int lack = find(at, len);

		if (lack < 0) {
			fprintf(stderr,
				"hostd: --lacking: there is no protection '%.*s'; known are",
				(int)(len < 64 ? len : 64), at);
			for (size_t i = 0; i < LACKS; i++)
				fprintf(stderr, "%s %s", i ? "," : "", rows[i].name);
			fputs("\n", stderr);
			return -EINVAL;
		}
		if (lacks->of[lack].count == 0 || given[lack]) {
			fprintf(stderr, "hostd: --lacking: '%s' is %s\n", rows[lack].name,
				given[lack] ? "named twice" : "not missing here: it holds");
			return -EINVAL;
		}
		given[lack] = true;
		at = at[len] ? at + len + 1 : NULL;
	}
	return 0;
}

int lacks_accept(const struct lacks *lacks, const char *names)
{
	bool given[LACKS] = {false};
	char all[PLAIN_TEXT_MAX];
	int r = read_names(lacks, names, given);

	for (size_t i = 0; i < LACKS && r == 0; i++)
		if (lacks->of[i].count > 0 && !given[i])
			r = -EPERM;
	if (r != -EPERM)
		return r;
	fputs("hostd: not started. Each protection that is missing has to be given up by its name;"
	      " not named:", stderr);
	for (size_t i = 0; i < LACKS; i++)
		if (lacks->of[i].count > 0 && !given[i])
			fprintf(stderr, " %s", rows[i].name);
	lacks_names(lacks, all, sizeof(all));
	fprintf(stderr, "\nhostd: to go on without them: --lacking %s\n", all);
	return r;
}

void lacks_names(const struct lacks *lacks, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < LACKS; i++) {
		if (lacks->of[i].count == 0)
			continue;
		int len = snprintf(ret + at, size - at, "%s%s", at ? "," : "", rows[i].name);

		if (len < 0 || (size_t)len >= size - at)
			return;
		at += (size_t)len;
	}
}

unsigned lacks_of_cell(const struct lacks *lacks)
{
	unsigned all = 0;

	for (size_t i = 0; i < LACKS; i++)
		if (lacks->of[i].count > 0)
			all |= rows[i].of_cell;
	return all;
}
