/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/relay_rate.h"

#define UNIT 1000 /* what is left counts in thousandths, so that a millisecond adds a whole number */

void relay_rate_start(struct relay_rate *rate, uint32_t kibps, uint32_t messages, uint64_t now_ms)
{
	*rate = (struct relay_rate){
		.bytes_a_second = (int64_t)kibps * 1024,
		.messages_a_second = messages,
		.filled_ms = now_ms,
	};
	rate->bytes = rate->bytes_a_second * UNIT;
	rate->messages = rate->messages_a_second * UNIT;
}

static void fill(int64_t *left, int64_t a_second, int64_t passed_ms)
{
	int64_t most = a_second * UNIT;

	*left += a_second * passed_ms;
	if (*left > most)
		*left = most;
}

bool relay_rate_open(struct relay_rate *rate, uint64_t now_ms)
{
	int64_t passed_ms = (int64_t)(now_ms - rate->filled_ms);
	bool open;

	fill(&rate->bytes, rate->bytes_a_second, passed_ms);
	fill(&rate->messages, rate->messages_a_second, passed_ms);
	rate->filled_ms = now_ms;
	open = rate->bytes > 0 && rate->messages > 0;
	if (open && rate->held)
		rate->held_ms += now_ms - rate->held_since_ms;
	else if (!open && !rate->held)
		rate->held_since_ms = now_ms;
	rate->held = !open;
	return open;
}

void relay_rate_take(struct relay_rate *rate, uint64_t bytes)
{
	rate->bytes -= (int64_t)bytes * UNIT;
	rate->messages -= UNIT;
}

/* Until what is left is above 0 again. */
static uint64_t wait_for(int64_t left, int64_t a_second)
{
	return left > 0 ? 0 : (uint64_t)(-left / a_second + 1);
}

uint64_t relay_rate_wait_ms(const struct relay_rate *rate)
{
	uint64_t bytes = wait_for(rate->bytes, rate->bytes_a_second);
	uint64_t messages = wait_for(rate->messages, rate->messages_a_second);
	uint64_t longer = bytes > messages ? bytes : messages;

	return longer > 0 ? longer : 1;
}

uint64_t relay_rate_held_ms(const struct relay_rate *rate, uint64_t now_ms)
{
	return rate->held_ms + (rate->held ? now_ms - rate->held_since_ms : 0);
}
