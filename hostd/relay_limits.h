/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a relay measures and holds back: the rate of its kernel's output, the time an execution
 * takes, and what passed. It reports; what happens to the kernel is the monitor's to decide.
 * No timer runs while nothing passes and nothing executes.
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_LIMITS_H
#define ANCHORHOLD_HOSTD_RELAY_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostd/edge.h"
#include "hostd/ipc.h"
#include "hostd/loop.h"
#include "hostd/relay_execution.h"
#include "hostd/relay_rate.h"

struct relay_limits {
	struct loop *loop; /* borrowed */
	void (*tell)(void *ctx, enum ipc_type type, const void *body);
	void *ctx;

	struct relay_rate rate;
	struct edge edge;
	struct edge_window window;
	struct loop_timer open_timer; /* wakes the loop when more may be read */

	struct relay_execution execution;
	uint32_t execution_s; /* 0: no deadline */
	bool overdue;	      /* told */
	struct loop_timer deadline;

	uint64_t bytes, messages; /* passed */
	uint64_t told_messages;
	struct loop_timer tick;
};

/* From setup; loop, tell and ctx are set already. */
void relay_limits_start(struct relay_limits *limits, const struct ipc_relay_setup *setup);
void relay_limits_stop(struct relay_limits *limits);

/* A message waits: may it be read? */
bool relay_limits_open(struct relay_limits *limits);

/* It was, of that size. */
void relay_limits_passed(struct relay_limits *limits, size_t bytes);

/* One on iopub, as a parts blob. */
void relay_limits_see(struct relay_limits *limits, const uint8_t *blob, size_t len);

/* The incarnation is gone, and with it what it executed. */
void relay_limits_reset(struct relay_limits *limits);

#endif
