/* SPDX-License-Identifier: Apache-2.0 */
/* For unit tests alone: count what fails, say where, and go on. main returns TEST_RESULT(). */
#ifndef ANCHORHOLD_CONF_TEST_H
#define ANCHORHOLD_CONF_TEST_H

#include <stdio.h>

static int test_failures;

#define CHECK(condition)                                                                     \
	do {                                                                                 \
		if (!(condition)) {                                                          \
			test_failures++;                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
		}                                                                            \
	} while (0)

/* As CHECK, for a row of a table: also says which. */
#define CHECK_ROW(condition, row)                                                          \
	do {                                                                               \
		if (!(condition)) {                                                        \
			test_failures++;                                                   \
			fprintf(stderr, "%s:%d: not so: %s: row %s\n", __FILE__, __LINE__, \
				#condition, row);                                          \
		}                                                                          \
	} while (0)

#define TEST_SKIP 77
#define TEST_RESULT() (test_failures == 0 ? 0 : 1)

#endif
