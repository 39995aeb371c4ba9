/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/edge.h"

#include <string.h>

bool edge_holds(struct edge *edge, uint64_t now_ms, bool holds)
{
	bool was_clear = !edge->bites ||
			 (edge->clear_ms > 0 && now_ms - edge->clear_ms >= EDGE_MS);

	if (holds) {
		edge->bites = true;
		edge->clear_ms = 0;
		return was_clear;
	}
	if (was_clear)
		edge->bites = false;
	else if (edge->clear_ms == 0)
		edge->clear_ms = now_ms;
	return false;
}

/* A refusal is a moment: from it on the limit is clear, until the next. */
bool edge_hit(struct edge *edge, uint64_t now_ms)
{
	bool due = edge_holds(edge, now_ms, true);

	edge->clear_ms = now_ms;
	return due;
}

static void drop_first(struct edge_window *window)
{
	window->count--;
	memmove(&window->samples[0], &window->samples[1],
		window->count * sizeof(window->samples[0]));
}

/* What the counter was at `start`, which lies between the first two samples or before both. */
static uint64_t total_at(const struct edge_window *window, uint64_t start)
{
	uint64_t grown;
	uint64_t passed;

	if (window->count < 2 || window->samples[0].at_ms >= start)
		return window->samples[0].total;
	grown = window->samples[1].total - window->samples[0].total;
	passed = window->samples[1].at_ms - window->samples[0].at_ms;
	return window->samples[0].total +
	       grown * (start - window->samples[0].at_ms) / (passed ? passed : 1);
}

uint64_t edge_window_add(struct edge_window *window, uint64_t now_ms, uint64_t total,
			 uint64_t span_ms)
{
	uint64_t start = now_ms > span_ms ? now_ms - span_ms : 0;

	/* Too near to the one before the last: the last gives way, so a full ring covers a span. */
	if (window->count > 1 &&
	    now_ms - window->samples[window->count - 2].at_ms < EDGE_SAMPLE_MS)
		window->count--;
	if (window->count == EDGE_SAMPLES)
		drop_first(window);
	window->samples[window->count].at_ms = now_ms;
	window->samples[window->count].total = total;
	window->count++;
	while (window->count > 1 && window->samples[1].at_ms <= start)
		drop_first(window);
	return total - total_at(window, start);
}
