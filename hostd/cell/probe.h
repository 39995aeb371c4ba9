/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of cell-probe share. */
#ifndef ANCHORHOLD_CELL_PROBE_H
#define ANCHORHOLD_CELL_PROBE_H

#include <stdbool.h>

struct probe {
	int failed;
	bool landlock, sealed; /* how the cell was built */
};

/* Counts and prints what is not `ok`, with the errno that came instead. */
void expect(struct probe *probe, const char *what, bool ok, int error);

/* Tries every call of a table that the filter must refuse. */
void probe_refused(struct probe *probe);

#endif
