/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint64_t clock_unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void clock_stamp(uint64_t unix_us, char ret_text[CLOCK_STAMP_LEN])
{
	time_t seconds = (time_t)(unix_us / 1000000u);
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	used = strftime(ret_text, CLOCK_STAMP_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret_text + used, CLOCK_STAMP_LEN - used, ".%06uZ", (unsigned)(unix_us % 1000000u));
}
