/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a limit bites: on an edge. A kill or a refusal bites at once; holding back bites once it
 * was more than half of EDGE_MS. One event is due then, and none again until the limit has been
 * clear for EDGE_MS. Times are the caller's clock, in milliseconds, never going back. No I/O.
 */
#ifndef ANCHORHOLD_HOSTD_EDGE_H
#define ANCHORHOLD_HOSTD_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#define EDGE_MS 5000u
#define EDGE_SAMPLE_MS 400u /* samples nearer than this are one */
#define EDGE_SAMPLES 32u    /* so a window is at most EDGE_SAMPLE_MS * (EDGE_SAMPLES - 2) */

/* Zero-initialised: clear. */
struct edge {
	bool bites;
	uint64_t clear_ms; /* since when it has been clear; of use while it bites */
};

/* It refused or killed now. True where an event is due. */
bool edge_hit(struct edge *edge, uint64_t now_ms);

/* Whether it holds back now. True where an event is due. */
bool edge_holds(struct edge *edge, uint64_t now_ms, bool holds);

/*
 * A counter that only grows, seen at moments. Zero-initialised: nothing seen. What it was before
 * the first sample is not counted.
 */
struct edge_window {
	unsigned count; /* samples, the oldest first */
	struct {
		uint64_t at_ms;
		uint64_t total;
	} samples[EDGE_SAMPLES];
};

/*
 * Adds a sample; returns by how much the counter grew within the last span_ms, taking it to have
 * grown evenly between two samples.
 */
uint64_t edge_window_add(struct edge_window *window, uint64_t now_ms, uint64_t total,
			 uint64_t span_ms);

#endif
