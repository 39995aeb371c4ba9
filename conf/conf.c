/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define QUOTED_MAX 72u /* bytes of a value shown in an error, quotes and escapes included */

/* One line's halves, pointing into the text; not NUL-terminated. */
struct assignment {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_key_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (!first && ((c >= '0' && c <= '9') || c == '_'));
}

/* Writes bytes as a quoted, printable string, so that an error can go to any terminal. */
static void quote(const char *bytes, size_t len, char ret_quoted[QUOTED_MAX])
{
	size_t used = 0;

	ret_quoted[used++] = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (used + 9 > QUOTED_MAX) { /* room for \xNN, ..., the quote and the NUL */
			memcpy(ret_quoted + used, "...", 3);
			used += 3;
			break;
		}
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			ret_quoted[used++] = (char)c;
		else
			used += (size_t)snprintf(ret_quoted + used, QUOTED_MAX - used, "\\x%02x", c);
	}
	ret_quoted[used++] = '"';
	ret_quoted[used] = '\0';
}

static int fail(struct conf_error *error, int code, unsigned line, const char *what,
		const char *bytes, size_t len)
{
	char quoted[QUOTED_MAX];

	quote(bytes, len, quoted);
	error->line = line;
	snprintf(error->text, sizeof(error->text), "line %u: %s: %s", line, what, quoted);
	return code;
}

static int fail_value(struct conf_error *error, unsigned line, const struct assignment *a,
		      const struct conf_key *key, const char *expected)
{
	char quoted[QUOTED_MAX] = "(a secret)";

	if (!(key->flags & CONF_SECRET))
		quote(a->value, a->value_len, quoted);
	error->line = line;
	snprintf(error->text, sizeof(error->text), "line %u: %.*s = %s: expected %s", line,
		 (int)(a->key_len < 32 ? a->key_len : 32), a->key, quoted, expected);
	return -EINVAL;
}

int conf_fault(struct conf_error *ret_error, const char *text)
{
	ret_error->line = 0;
	snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
	return -EINVAL;
}

/* Comments may hold any text but control bytes; nothing of them is used. */
static int check_bytes(const char *line, size_t len, unsigned number, struct conf_error *error)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return fail(error, -EINVAL, number, "a control byte", line, len);
	}
	return 0;
}

/* Splits a line that is neither empty nor a comment. */
static int split(const char *line, size_t len, unsigned number, struct assignment *ret_assignment,
		 struct conf_error *error)
{
	const char *equals = memchr(line, '=', len);
	struct assignment a = {.key = line};

	if (!equals)
		return fail(error, -EINVAL, number, "expected key = value", line, len);
	a.key_len = (size_t)(equals - line);
	while (a.key_len > 0 && is_blank(a.key[a.key_len - 1]))
		a.key_len--;
	for (size_t i = 0; i < a.key_len; i++)
		if (!is_key_byte(a.key[i], i == 0))
			return fail(error, -EINVAL, number, "not a key", a.key, a.key_len);
	if (a.key_len == 0)
		return fail(error, -EINVAL, number, "expected a key before =", line, len);
	a.value = equals + 1;
	a.value_len = len - (size_t)(a.value - line);
	while (a.value_len > 0 && is_blank(*a.value))
		a.value++, a.value_len--;
	if (a.value_len == 0)
		return fail(error, -EINVAL, number, "expected a value after =", line, len);
	*ret_assignment = a;
	return 0;
}

static size_t find_key(const struct conf_key *keys, size_t keys_len, const struct assignment *a)
{
	size_t i = 0;

	while (i < keys_len && (strlen(keys[i].name) != a->key_len ||
				memcmp(keys[i].name, a->key, a->key_len) != 0))
		i++;
	return i;
}

static int assign(const struct assignment *a, unsigned number, const struct conf_key *keys,
		  size_t keys_len, uint64_t *seen, void *object, struct conf_error *error)
{
	char value[CONF_LINE_MAX + 1];
	size_t i = find_key(keys, keys_len, a);
	int err;

	if (i == keys_len)
		return fail(error, -EINVAL, number, "unknown key", a->key, a->key_len);
	if ((*seen & UINT64_C(1) << i) && !(keys[i].flags & CONF_REPEATED))
		return fail(error, -EINVAL, number, "key given twice", a->key, a->key_len);
	*seen |= UINT64_C(1) << i;
	for (size_t at = 0; at < a->value_len; at++)
		if (a->value[at] < 0x20 || a->value[at] > 0x7e)
			return fail_value(error, number, a, &keys[i], "printable ASCII");
	memcpy(value, a->value, a->value_len);
	value[a->value_len] = '\0';
	err = keys[i].set(object, value);
	if (err == -ENOSPC)
		return fail(error, -EINVAL, number, "key given too often", a->key, a->key_len);
	explicit_bzero(value, a->value_len);
	return err ? fail_value(error, number, a, &keys[i], keys[i].expected) : 0;
}

static int parse_line(const char *line, size_t len, unsigned number, const struct conf_key *keys,
		      size_t keys_len, uint64_t *seen, unsigned *assignments, void *object,
		      struct conf_error *error)
{
	struct assignment a;
	int err;

	if (len > CONF_LINE_MAX)
		return fail(error, -EFBIG, number, "line too long", line, len);
	err = check_bytes(line, len, number, error);
	while (len > 0 && is_blank(*line))
		line++, len--;
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	if (err || len == 0 || *line == '#')
		return err;
	if (++*assignments > CONF_LINES_MAX)
		return fail(error, -EFBIG, number, "too many lines", line, len);
	err = split(line, len, number, &a, error);
	return err ? err : assign(&a, number, keys, keys_len, seen, object, error);
}

static int check_required(const struct conf_key *keys, size_t keys_len, uint64_t seen,
			  struct conf_error *error)
{
	char text[CONF_ERROR_MAX];

	for (size_t i = 0; i < keys_len; i++) {
		if (!(keys[i].flags & CONF_REQUIRED) || (seen & UINT64_C(1) << i))
			continue;
		snprintf(text, sizeof(text), "no %s given: expected %s", keys[i].name,
			 keys[i].expected);
		return conf_fault(error, text);
	}
	return 0;
}

int conf_parse(const char *text, size_t len, const struct conf_key *keys, size_t keys_len,
	       void *object, struct conf_error *ret_error)
{
	unsigned number = 0, assignments = 0;
	uint64_t seen = 0; /* one bit a row: CONF_KEYS_MAX is 64 */
	int err = 0;

	if (len > CONF_FILE_MAX || keys_len > CONF_KEYS_MAX) {
		conf_fault(ret_error, "the text is too long");
		return -EFBIG;
	}
	while (!err && len > 0) {
		const char *newline = memchr(text, '\n', len);
		size_t line_len = newline ? (size_t)(newline - text) : len;
		size_t step = newline ? line_len + 1 : line_len;

		err = parse_line(text, line_len, ++number, keys, keys_len, &seen, &assignments,
				 object, ret_error);
		text += step;
		len -= step;
	}
	return err ? err : check_required(keys, keys_len, seen, ret_error);
}
