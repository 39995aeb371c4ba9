/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/egress.h"
#include "backend/gateway/settings_private.h"

static const void *const_field(const struct setting *setting, const struct link_start *start)
{
	return (const uint8_t *)start + setting->offset;
}

static void *field(const struct setting *setting, struct link_start *start)
{
	return (uint8_t *)start + setting->offset;
}

uint64_t setting_get(const struct setting *setting, const struct link_start *start)
{
	const void *from = const_field(setting, start);
	uint64_t u64 = 0;
	uint32_t u32;
	uint8_t u8;

	if (setting->kind > SETTING_FLAG)
		return 0;
	if (setting->size == 8) {
		memcpy(&u64, from, 8);
		return u64;
	}
	if (setting->size == 4) {
		memcpy(&u32, from, 4);
		return u32;
	}
	memcpy(&u8, from, 1);
	return u8;
}

static void put(const struct setting *setting, struct link_start *start, uint64_t value)
{
	void *to = field(setting, start);
	uint32_t u32 = (uint32_t)value;
	uint8_t u8 = (uint8_t)value;

	if (setting->size == 8)
		memcpy(to, &value, 8);
	else if (setting->size == 4)
		memcpy(to, &u32, 4);
	else
		memcpy(to, &u8, 1);
}

void setting_copy(const struct setting *setting, struct link_start *to,
		  const struct link_start *from)
{
	switch (setting->kind) {
	case SETTING_RULES:
		memcpy(to->egress.rules, from->egress.rules, sizeof(to->egress.rules));
		to->egress.rules_count = from->egress.rules_count;
		break;
	case SETTING_RESOLVERS:
		memcpy(to->egress.resolvers, from->egress.resolvers, sizeof(to->egress.resolvers));
		to->egress.resolvers_count = from->egress.resolvers_count;
		break;
	default:
		put(setting, to, setting_get(setting, from));
		break;
	}
}

/* ---- from JSON ---- */

/* The value as the client wrote it, cut short where it is long. */
static int refuse(const struct setting *setting, const json_t *value, const char *wanted,
		  char *error)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	snprintf(error, SETTINGS_ERROR_MAX, "%s %.80s: %s", setting->name,
		 text == NULL ? "?" : text, wanted);
	free(text);
	return -EINVAL;
}

static int number_read(const struct setting *setting, const json_t *value,
		       struct link_start *start, char *error)
{
	char wanted[64];

	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    (uint64_t)json_integer_value(value) <= setting->max) {
		put(setting, start, (uint64_t)json_integer_value(value));
		return 0;
	}
	snprintf(wanted, sizeof(wanted), "expected a number, 0 to %llu",
		 (unsigned long long)setting->max);
	return refuse(setting, value, wanted, error);
}

static int choice_read(const struct setting *setting, const json_t *value,
		       struct link_start *start, char *error)
{
	const char *text = json_string_value(value);
	char wanted[64] = "expected";

	for (size_t i = 0; setting->choices[i] != NULL; i++) {
		size_t at = strlen(wanted);

		if (text != NULL && strcmp(text, setting->choices[i]) == 0) {
			put(setting, start, i);
			return 0;
		}
		snprintf(wanted + at, sizeof(wanted) - at, "%s %s", i > 0 ? "," : "",
			 setting->choices[i]);
	}
	return refuse(setting, value, wanted, error);
}

static int rules_read(const struct setting *setting, const json_t *value, struct link_start *start,
		      char *error)
{
	struct link_egress *egress = &start->egress;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > LINK_EGRESS_RULES_MAX)
		return refuse(setting, value, "expected a list of at most 32 rules", error);
	memset(egress->rules, 0, sizeof(egress->rules));
	egress->rules_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(value, i);
		const char *text = json_string_value(item);
		const char *problem = text == NULL ? "expected a string"
						   : egress_rule_parse(text, &egress->rules[i]);

		if (problem != NULL)
			return refuse(setting, item, problem, error);
	}
	return 0;
}

static int resolvers_read(const struct setting *setting, const json_t *value,
			  struct link_start *start, char *error)
{
	struct link_egress *egress = &start->egress;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > LINK_RESOLVERS_MAX)
		return refuse(setting, value, "expected a list of at most 3 addresses", error);
	memset(egress->resolvers, 0, sizeof(egress->resolvers));
	egress->resolvers_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(value, i);
		const char *text = json_string_value(item);

		if (text == NULL || egress_address_parse(text, &egress->resolvers[i]) < 0 ||
		    egress->resolvers[i] == 0)
			return refuse(setting, item, "expected an IPv4 address", error);
	}
	return 0;
}

int setting_read(const struct setting *setting, const json_t *value, struct link_start *start,
		 char *error)
{
	switch (setting->kind) {
	case SETTING_NUMBER:
		return number_read(setting, value, start, error);
	case SETTING_CHOICE:
		return choice_read(setting, value, start, error);
	case SETTING_FLAG:
		if (!json_is_boolean(value))
			return refuse(setting, value, "expected true or false", error);
		put(setting, start, json_is_true(value));
		return 0;
	case SETTING_RULES:
		return rules_read(setting, value, start, error);
	default:
		return resolvers_read(setting, value, start, error);
	}
}

/* ---- to JSON ---- */

json_t *setting_json(const struct setting *setting, const struct link_start *start)
{
	const struct link_egress *egress = &start->egress;
	char text[EGRESS_TEXT_MAX];
	json_t *list;

	switch (setting->kind) {
	case SETTING_NUMBER:
		return json_integer((json_int_t)setting_get(setting, start));
	case SETTING_CHOICE:
		return json_string(setting->choices[setting_get(setting, start)]);
	case SETTING_FLAG:
		return json_boolean(setting_get(setting, start) != 0);
	case SETTING_RULES:
		list = json_array();
		for (uint32_t i = 0; i < egress->rules_count; i++) {
			egress_rule_format(&egress->rules[i], text);
			json_array_append_new(list, json_string(text));
		}
		return list;
	default:
		list = json_array();
		for (uint32_t i = 0; i < egress->resolvers_count; i++) {
			egress_address_format(egress->resolvers[i], text);
			json_array_append_new(list, json_string(text));
		}
		return list;
	}
}
