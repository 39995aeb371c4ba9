/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole unit-test framework: CHECK counts and goes on, CHECK_DONE ends main.
 *
 *	int main(void)
 *	{
 *		struct check check = {0};
 *		test_rows(&check);
 *		return CHECK_DONE(&check);
 *	}
 *
 * A failed CHECK prints its place and expression. The exit code is 0 only where at least one
 * check ran and none failed, so that a test that tests nothing does not pass.
 * check_row names the row of a table under test; it is printed with a failure.
 */
#ifndef ANCHORHOLD_LINK_CHECK_H
#define ANCHORHOLD_LINK_CHECK_H

#include <stdint.h>
#include <stdio.h>

struct check {
	unsigned long run;
	unsigned long failed;
	const char *row; /* NULL: none */
};

#define CHECK(check, expr) check_one((check), (expr) ? 1 : 0, #expr, __FILE__, __LINE__)

/* Both sides are signed integers: return codes, counts, lengths cast by the caller. */
#define CHECK_EQ(check, got, want)                                                                 \
	check_equal((check), (long long)(got), (long long)(want), #got, __FILE__, __LINE__)

#define CHECK_DONE(check) check_done((check), __FILE__)

static inline int check_one(struct check *check, int ok, const char *expr, const char *file,
			    int line)
{
	check->run++;
	if (!ok) {
		check->failed++;
		fprintf(stderr, "%s:%d: failed: %s%s%s\n", file, line, expr,
			check->row ? " in row: " : "", check->row ? check->row : "");
	}
	return ok;
}

static inline int check_equal(struct check *check, long long got, long long want, const char *expr,
			      const char *file, int line)
{
	check->run++;
	if (got != want) {
		check->failed++;
		fprintf(stderr, "%s:%d: failed: %s is %lld, not %lld%s%s\n", file, line, expr, got,
			want, check->row ? " in row: " : "", check->row ? check->row : "");
	}
	return got == want;
}

static inline void check_row(struct check *check, const char *row)
{
	check->row = row;
}

static inline int check_done(const struct check *check, const char *file)
{
	printf("%s: %lu checks, %lu failed\n", file, check->run, check->failed);
	return check->run > 0 && check->failed == 0 ? 0 : 1;
}

/*
 * A small generator for random-operation tests (xorshift64*): the same seed gives the same run.
 * The state must not be 0.
 */
static inline uint64_t check_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(2685821657736338717);
}

#endif
