/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/history.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

struct query {
	const struct history *history;
	const json_t *content;
	bool output;
};

static const struct history_entry *entry_at(const struct history *history, size_t index)
{
	return &history->entry[(history->first + index) % HISTORY_MAX];
}

static void entry_clear(struct history_entry *entry)
{
	json_decref(entry->input);
	json_decref(entry->output);
	memset(entry, 0, sizeof(*entry));
}

void history_add(struct history *history, int line, json_t *input, json_t *output)
{
	struct history_entry *entry;

	if (history->count == HISTORY_MAX) {
		entry_clear(&history->entry[history->first]);
		history->first = (history->first + 1) % HISTORY_MAX;
		history->count--;
	}
	entry = &history->entry[(history->first + history->count) % HISTORY_MAX];
	entry->line = line;
	entry->input = json_incref(input);
	entry->output = json_incref(output);
	history->count++;
}

void history_clear(struct history *history)
{
	for (size_t i = 0; i < HISTORY_MAX; i++)
		entry_clear(&history->entry[i]);
	memset(history, 0, sizeof(*history));
}

const char *history_input(const struct history *history, int line)
{
	for (size_t i = 0; i < history->count; i++)
		if (entry_at(history, i)->line == line)
			return json_string_value(entry_at(history, i)->input);
	return NULL;
}

static long long number_get(const json_t *content, const char *name, long long otherwise)
{
	const json_t *value = json_object_get(content, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void append(const struct query *query, const struct history_entry *entry, json_t *list)
{
	json_t *output = entry->output ? entry->output : json_null();

	json_array_append_new(list, query->output ? json_pack("[i, i, [O, O]]", 1, entry->line,
							      entry->input, output)
						  : json_pack("[i, i, O]", 1, entry->line,
							      entry->input));
}

/* One session, this one: its number is 1, and 0 or below count back from it. */
static void on_range(const struct query *query, json_t *list)
{
	long long session = number_get(query->content, "session", 0);
	long long start = number_get(query->content, "start", 1);
	long long stop = number_get(query->content, "stop", LLONG_MAX);

	if (session != 0 && session != 1)
		return;
	for (size_t i = 0; i < query->history->count; i++) {
		const struct history_entry *entry = entry_at(query->history, i);

		if (entry->line >= start && entry->line < stop)
			append(query, entry, list);
	}
}

static void on_tail(const struct query *query, json_t *list)
{
	size_t count = query->history->count;
	long long wanted = number_get(query->content, "n", 10);
	size_t take = wanted < 0 ? 0 : (unsigned long long)wanted > count ? count : (size_t)wanted;

	for (size_t i = count - take; i < count; i++)
		append(query, entry_at(query->history, i), list);
}

static bool seen_later(const struct history *history, size_t index)
{
	for (size_t i = index + 1; i < history->count; i++)
		if (json_equal(entry_at(history, i)->input, entry_at(history, index)->input))
			return true;
	return false;
}

static void on_search(const struct query *query, json_t *list)
{
	const char *pattern = json_string_value(json_object_get(query->content, "pattern"));
	bool unique = json_is_true(json_object_get(query->content, "unique"));
	long long wanted = number_get(query->content, "n", HISTORY_MAX);
	size_t drop;

	for (size_t i = 0; i < query->history->count; i++) {
		const struct history_entry *entry = entry_at(query->history, i);

		if (fnmatch(pattern ? pattern : "*", json_string_value(entry->input), 0) == 0 &&
		    !(unique && seen_later(query->history, i)))
			append(query, entry, list);
	}
	drop = wanted >= 0 && json_array_size(list) > (size_t)wanted
		       ? json_array_size(list) - (size_t)wanted
		       : 0;
	while (drop-- > 0)
		json_array_remove(list, 0);
}

static const struct {
	const char *access;
	void (*collect)(const struct query *query, json_t *list);
} rows[] = {{"range", on_range}, {"tail", on_tail}, {"search", on_search}};

json_t *history_answer(const struct history *history, const json_t *content)
{
	const char *access = json_string_value(json_object_get(content, "hist_access_type"));
	struct query query = {history, content,
			      json_is_true(json_object_get(content, "output"))};
	json_t *list = json_array();

	for (size_t i = 0; access && list && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(access, rows[i].access))
			rows[i].collect(&query, list);
	return json_pack("{s:s, s:o}", "status", "ok", "history", list);
}
