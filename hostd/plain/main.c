/* SPDX-License-Identifier: Apache-2.0 */
/* hostd --plain [FOLDER] [--lacking NAME,...]: see plain.h, and hostd(8). */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hostd/log.h"
#include "hostd/plain/plain.h"
#include "hostd/roles.h"

#define HEAP_KEPT (4 << 20) /* bytes that a process keeps of what it has freed */

static int usage(const char *why, const char *word)
{
	if (why)
		fprintf(stderr, "hostd: %s '%s'\n", why, word);
	fputs("usage: hostd --plain [FOLDER] [--lacking NAME,...]\n"
	      "  FOLDER (.) has node.conf, node.key, and environments/ or " TREES_FOLDER "/\n"
	      "  --lacking names the protections that this machine may do without\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *folder = NULL;
	const char *lacking = NULL;

	/* This machine's C library opens the time zone's file at its first date, which a worker
	 * that has given up all files would be ended for. The image's has no such file. */
	tzset();
#ifdef M_ARENA_MAX
	/* Likewise, its allocator reads a file of /proc when it gives back a thread's own heap. */
	(void)mallopt(M_ARENA_MAX, 1);
	/* Nor is what a frame takes given back to the kernel each time, and asked for again. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_KEPT);
#endif
	if (roles_are(argc, argv))
		return roles_run(argc, argv);
	if (argc < 2 || strcmp(argv[1], "--plain") != 0)
		return usage(NULL, NULL);
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--lacking") == 0) {
			if (lacking || i + 1 == argc)
				return usage("once, and with its names:", argv[i]);
			lacking = argv[++i];
		} else if (argv[i][0] == '-') {
			return usage("unknown option", argv[i]);
		} else if (folder) {
			return usage("a second folder:", argv[i]);
		} else {
			folder = argv[i];
		}
	}
	log_open("plain");
	return plain_run(folder ? folder : ".", lacking);
}
