/* SPDX-License-Identifier: Apache-2.0 */
/* What most of a string is, and whoever reads one wants to be past: words and blocks at a time. */
#include <endian.h>
#include <string.h>

#include "link/json_scan.h"

#define WORD_LEN 8
#define BLOCK_LEN 64
#define RUN_LEN 128 /* plain so far: then likely so for blocks */

/*
 * Bit 7 of each byte of the next eight that is not plain (printable ASCII, no quote, no backslash),
 * the first byte's lowest. A borrow can only mark a byte too many above one that is marked rightly:
 * no mark at all, and the lowest one, are exact.
 */
static uint64_t word_marks(const uint8_t *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t word, quote, slash;

	memcpy(&word, at, sizeof(word));
	word = le64toh(word);
	quote = word ^ (ones * '"');
	slash = word ^ (ones * '\\');
	return (word | (word - ones * 0x20) | (quote - ones) | (slash - ones)) & tops;
}

/* All of a block is plain, by the processor's vectors: what is over ASCII is below 0 in them. */
static bool block_plain(const uint8_t *at)
{
	typedef int8_t vector __attribute__((vector_size(16)));
	vector wrong = {0};
	uint64_t half[2];

	for (size_t i = 0; i < BLOCK_LEN; i += sizeof(vector)) {
		vector some;

		memcpy(&some, at + i, sizeof(some));
		wrong |= (some < 0x20) | (some == '"') | (some == '\\');
	}
	memcpy(half, &wrong, sizeof(half));
	return (half[0] | half[1]) == 0;
}

static bool plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

size_t json_plain(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *const from = at;
	const uint8_t *const long_run = end - at >= RUN_LEN ? at + RUN_LEN : end;

	while (end - at >= WORD_LEN) {
		const uint64_t marks = word_marks(at);

		if (marks != 0)
			return (size_t)(at - from) + (size_t)__builtin_ctzll(marks) / 8;
		at += WORD_LEN;
		if (at != long_run)
			continue;
		while (end - at >= BLOCK_LEN && block_plain(at))
			at += BLOCK_LEN;
	}
	while (at < end && plain(*at))
		at++;
	return (size_t)(at - from);
}
