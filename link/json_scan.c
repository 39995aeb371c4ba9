/* SPDX-License-Identifier: Apache-2.0 */
#include "link/json_scan.h"

#include <errno.h>
#include <string.h>

#define NAMES_MAX 16u
#define NAME_LEN_MAX 63u

_Static_assert(JSON_DEPTH_MAX <= 64, "the stack of a scan is one bit a level in a uint64_t");

struct scan {
	const uint8_t *at;
	const uint8_t *end;
};

/* ---- tokens ---- */

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' ||
					*scan->at == '\r' || *scan->at == '\t'))
		scan->at++;
}

/* The next byte after white space is c, and is taken. */
static bool take(struct scan *scan, uint8_t c)
{
	skip_space(scan);
	if (scan->at == scan->end || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

static bool hex_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What follows a backslash. */
static bool scan_escape(struct scan *scan)
{
	uint8_t c;

	if (scan->at == scan->end)
		return false;
	c = *scan->at++;
	if (c != 'u')
		return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
	if (scan->end - scan->at < 4)
		return false;
	for (int i = 0; i < 4; i++)
		if (!hex_byte(*scan->at++))
			return false;
	return true;
}

/* A string; scan stands on its first quote. */
static bool scan_string(struct scan *scan)
{
	size_t step;

	scan->at++;
	for (;;) {
		scan->at += json_plain(scan->at, scan->end);
		if (scan->at == scan->end || *scan->at < 0x20)
			return false;
		if (*scan->at == '"') {
			scan->at++;
			return true;
		}
		if (*scan->at == '\\') {
			scan->at++;
			if (!scan_escape(scan))
				return false;
			continue;
		}
		step = json_utf8_sequence(scan->at, scan->end);
		if (step == 0)
			return false;
		scan->at += step;
	}
}

static bool scan_digits(struct scan *scan)
{
	const uint8_t *start = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > start;
}

static bool scan_number(struct scan *scan)
{
	const uint8_t *first;

	if (*scan->at == '-')
		scan->at++;
	first = scan->at;
	if (!scan_digits(scan) || (*first == '0' && scan->at - first > 1))
		return false;
	if (scan->at < scan->end && *scan->at == '.') {
		scan->at++;
		if (!scan_digits(scan))
			return false;
	}
	if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
		scan->at++;
		if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
			scan->at++;
		return scan_digits(scan);
	}
	return true;
}

static bool scan_word(struct scan *scan, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

static bool scan_scalar(struct scan *scan)
{
	switch (*scan->at) {
	case '"':
		return scan_string(scan);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	default:
		return scan_number(scan);
	}
}

/* ---- values ---- */

/* A member's name and colon. */
static bool scan_name(struct scan *scan)
{
	skip_space(scan);
	return scan->at < scan->end && *scan->at == '"' && scan_string(scan) && take(scan, ':');
}

/* The open containers: bit 0 is the innermost, 1 for an object. */
struct stack {
	uint64_t objects;
	unsigned int depth;
	unsigned int max;
};

/* Opens a container. *ret_closed where it is empty and closed at once. */
static bool scan_open(struct scan *scan, struct stack *stack, bool *ret_closed)
{
	bool object = *scan->at++ == '{';

	if (stack->depth == stack->max)
		return false;
	*ret_closed = take(scan, object ? '}' : ']');
	if (*ret_closed)
		return true;
	stack->objects = stack->objects << 1 | object;
	stack->depth++;
	return !object || scan_name(scan);
}

/* After a value: closes containers until another value follows or none is open. */
static bool scan_after(struct scan *scan, struct stack *stack)
{
	while (stack->depth > 0) {
		bool object = (stack->objects & 1) != 0;

		if (take(scan, ','))
			return !object || scan_name(scan);
		if (!take(scan, object ? '}' : ']'))
			return false;
		stack->objects >>= 1;
		stack->depth--;
	}
	return true;
}

/* One value of any kind, of at most depth_max open containers. */
static bool scan_value(struct scan *scan, unsigned int depth_max)
{
	struct stack stack = {.max = depth_max};

	do {
		bool closed = true;

		skip_space(scan);
		if (scan->at == scan->end)
			return false;
		if (*scan->at == '{' || *scan->at == '[') {
			if (!scan_open(scan, &stack, &closed))
				return false;
		} else if (!scan_scalar(scan)) {
			return false;
		}
		if (closed && !scan_after(scan, &stack))
			return false;
	} while (stack.depth > 0);
	return true;
}

enum json_kind json_kind_of(struct link_slice value)
{
	switch (value.len > 0 ? value.data[0] : 0) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

int json_check(const uint8_t *text, size_t len, enum json_kind *ret_kind)
{
	struct scan scan = {text, text + len};
	enum json_kind kind;

	if (len == 0)
		return -EBADMSG;
	skip_space(&scan);
	kind = json_kind_of((struct link_slice){scan.at, (size_t)(scan.end - scan.at)});
	if (!scan_value(&scan, JSON_DEPTH_MAX))
		return -EBADMSG;
	skip_space(&scan);
	if (scan.at != scan.end)
		return -EBADMSG;
	*ret_kind = kind;
	return 0;
}

/* ---- members ---- */

/* Puts a value where its name is sought. False where it is there already. */
static bool member_put(struct link_slice name, struct link_slice value, const char *const names[],
		       size_t count, struct link_slice ret[])
{
	char text[NAME_LEN_MAX + 1];

	/* A name that does not decode, or is longer, equals none of the sought ones. */
	if (json_string_get(name, text, sizeof(text)) != 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], text) != 0)
			continue;
		if (ret[i].data != NULL)
			return false;
		ret[i] = value;
	}
	return true;
}

/* One member and what follows it. *ret_more: a comma did. */
static bool member_scan(struct scan *scan, const char *const names[], size_t count,
			struct link_slice ret[], bool *ret_more)
{
	struct link_slice name, value;

	skip_space(scan);
	name.data = scan->at;
	if (scan->at == scan->end || *scan->at != '"' || !scan_string(scan))
		return false;
	name.len = (size_t)(scan->at - name.data);
	if (!take(scan, ':'))
		return false;
	skip_space(scan);
	value.data = scan->at;
	if (!scan_value(scan, JSON_DEPTH_MAX - 1))
		return false;
	value.len = (size_t)(scan->at - value.data);
	if (!member_put(name, value, names, count, ret))
		return false;
	*ret_more = take(scan, ',');
	return *ret_more || take(scan, '}');
}

static bool members_scan(struct scan *scan, const char *const names[], size_t count,
			 struct link_slice ret[])
{
	bool more = true;

	if (!take(scan, '{'))
		return false;
	if (take(scan, '}'))
		more = false;
	while (more)
		if (!member_scan(scan, names, count, ret, &more))
			return false;
	skip_space(scan);
	return scan->at == scan->end;
}

int json_members(const uint8_t *text, size_t len, const char *const names[], size_t count,
		 struct link_slice ret[])
{
	struct scan scan = {text, text + len};

	if (count > NAMES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i]) > NAME_LEN_MAX)
			return -EINVAL;
		ret[i] = (struct link_slice){NULL, 0};
	}
	if (len > 0 && members_scan(&scan, names, count, ret))
		return 0;
	for (size_t i = 0; i < count; i++)
		ret[i] = (struct link_slice){NULL, 0};
	return -EBADMSG;
}

int json_member(const uint8_t *text, size_t len, const char *name, struct link_slice *ret_value)
{
	struct link_slice value;
	int error = json_members(text, len, &name, 1, &value);

	if (error != 0)
		return error;
	if (value.data == NULL)
		return -ENOENT;
	*ret_value = value;
	return 0;
}
