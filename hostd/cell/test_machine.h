/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests that build whole cells need of a machine: root, cgroup2, a small environment. */
#ifndef ANCHORHOLD_CELL_TEST_MACHINE_H
#define ANCHORHOLD_CELL_TEST_MACHINE_H

#include <stdbool.h>

#define SKIP 77 /* what meson takes for a skipped test */

struct machine {
	unsigned lacking;
	int cgroup_root, cells, environment;
	char directory[64]; /* of the environment */
};

/*
 * The beginning of a test's main, whose words are INIT and PROBE: 0, or what main is to end with,
 * SKIP where this is not root or no cgroup2 tree. `lacking` says what else is missing. The
 * environment is a root with cell-init and one more static program, usr/bin/cell-probe.
 */
int open_machine(struct machine *machine, int argc, char **argv);
void remove_environment(struct machine *machine);

/* Lines of a text file, and entries of a directory, "." and ".." included. */
unsigned count_lines(const char *path);
unsigned count_entries(const char *path);

#endif
