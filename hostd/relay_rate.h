/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a kernel's output is read: bytes and messages a second, each with a second's worth of
 * burst. A message is taken whole where anything is left and what it was too much is waited for
 * after it, so that no message is too large for a rate. No I/O; times are the caller's.
 */
#ifndef ANCHORHOLD_HOSTD_RELAY_RATE_H
#define ANCHORHOLD_HOSTD_RELAY_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct relay_rate {
	int64_t bytes_a_second;
	int64_t messages_a_second;
	int64_t bytes; /* left, times 1000 */
	int64_t messages;
	uint64_t filled_ms;
	bool held;
	uint64_t held_since_ms;
	uint64_t held_ms; /* before held_since_ms */
};

/* Neither rate is 0. */
void relay_rate_start(struct relay_rate *rate, uint32_t kibps, uint32_t messages, uint64_t now_ms);

/* One waits: may it be taken now? Where not, it is held from now on. */
bool relay_rate_open(struct relay_rate *rate, uint64_t now_ms);
void relay_rate_take(struct relay_rate *rate, uint64_t bytes);

/* After relay_rate_open said no: milliseconds until it may say yes; at least 1. */
uint64_t relay_rate_wait_ms(const struct relay_rate *rate);

/* How long messages were held in all. */
uint64_t relay_rate_held_ms(const struct relay_rate *rate, uint64_t now_ms);

#endif
