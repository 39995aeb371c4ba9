/* SPDX-License-Identifier: Apache-2.0 */
/* What was executed, in memory, the newest HISTORY_MAX of it. */
#ifndef ANCHORHOLD_LUA_HISTORY_H
#define ANCHORHOLD_LUA_HISTORY_H

#include <jansson.h>
#include <stddef.h>

#define HISTORY_MAX 1000u

struct history {
	size_t first;
	size_t count;
	struct history_entry {
		int line;
		json_t *input;
		json_t *output; /* a string, or NULL */
	} entry[HISTORY_MAX];
};

/* Takes a share of both; output may be NULL. */
void history_add(struct history *history, int line, json_t *input, json_t *output);
void history_clear(struct history *history);

/* The input of that line, borrowed; NULL where it is not held. */
const char *history_input(const struct history *history, int line);

/* The content of history_reply to the content of a request; NULL: no memory. A request that
 * cannot be understood gets an empty history. */
json_t *history_answer(const struct history *history, const json_t *content);

#endif
