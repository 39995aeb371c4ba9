/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each step of a cell's making was done, for measurements. A product's host has no trace
 * (NULL), and then a mark is one comparison. The marks lie in memory that the bench shares with
 * the children it clones (MAP_SHARED), since half of the steps are taken by a child.
 */
#ifndef ANCHORHOLD_CELL_TRACE_H
#define ANCHORHOLD_CELL_TRACE_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#define TRACE_MARKS_MAX 128u

struct trace {
	atomic_uint count;
	struct {
		const char *step; /* a constant of the program, at the same address in a clone */
		uint64_t ns;	  /* CLOCK_MONOTONIC at the step's end */
	} mark[TRACE_MARKS_MAX];
};

static inline void trace_mark(struct trace *trace, const char *step)
{
	struct timespec now;
	unsigned at;

	if (!trace)
		return;
	at = atomic_fetch_add(&trace->count, 1);
	if (at >= TRACE_MARKS_MAX)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	trace->mark[at].step = step;
	trace->mark[at].ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
