/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/crash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hostd/log.h"

#define BEFORE 4u /* lines in front of the cause */

struct line {
	const char *text;
	size_t len;
};

/* The line at *at, which moves behind it, without `<4>[   12.345678] `. False at the end. */
static bool line_next(const char *text, size_t len, size_t *at, struct line *ret_line)
{
	const char *begin = text + *at;
	const char *end;
	const char *head;

	if (*at >= len)
		return false;
	end = memchr(begin, '\n', len - *at);
	*at = end ? (size_t)(end - text) + 1 : len;
	if (!end)
		end = text + len;
	if (end - begin > 3 && begin[0] == '<' && (head = memchr(begin, '>', 4)))
		begin = head + 1;
	if (begin < end && begin[0] == '[' && (head = memchr(begin, ']', (size_t)(end - begin))))
		begin = head + 1;
	while (begin < end && *begin == ' ')
		begin++;
	*ret_line = (struct line){begin, (size_t)(end - begin)};
	return true;
}

static bool holds(const struct line *line, const char *word)
{
	return memmem(line->text, line->len, word, strlen(word)) != NULL;
}

/* The kernel says these of itself as it dies; the last of them is why. */
static bool is_cause(const struct line *line)
{
	static const char *const words[] = {"Kernel panic - not syncing", "Oops: ", "CFI failure"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (holds(line, words[i]))
			return true;
	return false;
}

/* A step of a trace in a kernel without symbols: `? 0xffffffff81234567`. */
static bool is_address(const struct line *line)
{
	size_t at = line->len > 2 && line->text[0] == '?' && line->text[1] == ' ' ? 2 : 0;

	if (line->len - at != 18 || memcmp(line->text + at, "0x", 2) != 0)
		return false;
	for (at += 2; at < line->len; at++)
		if (!strchr("0123456789abcdef", line->text[at]) || line->text[at] == '\0')
			return false;
	return true;
}

static void line_copy(const struct line *line, char ret[LINK_TEXT_MAX])
{
	size_t len = line->len < LINK_TEXT_MAX - 1 ? line->len : LINK_TEXT_MAX - 1;

	memcpy(ret, line->text, len);
	ret[len] = '\0';
	/* A NUL of the record's would end the text early. */
	for (size_t i = 0; i < len; i++)
		if (ret[i] == '\0')
			ret[i] = '?';
	log_make_printable(ret);
}

/* True where it was an address and the last line took it. */
static bool address_join(struct crash *crash, const struct line *line, bool joining)
{
	char *last;
	size_t used;

	if (!joining || crash->count == 0)
		return false;
	last = crash->lines[crash->count - 1];
	used = strlen(last);
	if (used + 1 + line->len < LINK_TEXT_MAX)
		snprintf(last + used, LINK_TEXT_MAX - used, " %.*s", (int)line->len, line->text);
	return true;
}

/* Lines from the number `from` on, but for the cause itself. */
static void lines_take(const char *text, size_t len, size_t from, size_t cause,
		       struct crash *crash)
{
	struct line line;
	bool joining = false;
	size_t at = 0;

	for (size_t number = 0; line_next(text, len, &at, &line); number++) {
		bool address = is_address(&line);

		if (number < from || number == cause || line.len == 0)
			continue;
		if (address && address_join(crash, &line, joining))
			continue;
		if (crash->count == CRASH_LINES_MAX)
			return;
		line_copy(&line, crash->lines[crash->count++]);
		joining = address;
	}
}

int crash_read(const char *text, size_t len, struct crash *ret_crash)
{
	struct line line;
	size_t cause = SIZE_MAX;
	size_t from;
	size_t count = 0;
	size_t at = 0;

	memset(ret_crash, 0, sizeof(*ret_crash));
	for (; line_next(text, len, &at, &line); count++) {
		if (!is_cause(&line))
			continue;
		cause = count;
		line_copy(&line, ret_crash->cause);
	}
	if (cause == SIZE_MAX) {
		snprintf(ret_crash->cause, sizeof(ret_crash->cause), "for no cause that it named");
		from = count > CRASH_LINES_MAX ? count - CRASH_LINES_MAX : 0;
	} else {
		from = cause > BEFORE ? cause - BEFORE : 0;
	}
	lines_take(text, len, from, cause, ret_crash);
	return cause == SIZE_MAX && ret_crash->count == 0 ? -ENODATA : 0;
}
