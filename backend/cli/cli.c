/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cli/cli.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 12u
#define CELL_MAX 64u

int cli_fail(int code, const char *format, ...)
{
	va_list args;

	fputs("anchorhold: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

static bool is_wanted(int status, const int *wanted)
{
	for (; *wanted != 0; wanted++)
		if (*wanted == status)
			return true;
	return false;
}

json_t *cli_call(struct cli *cli, const char *method, const char *path, const json_t *body,
		 const int *wanted, int *ret_code)
{
	struct client_reply reply = { 0 };
	const int rc = client_call(cli->client, method, path, body, &reply);

	*ret_code = CLI_FAILED;
	if (rc != 0) {
		cli_fail(CLI_FAILED, "%s %s: %s", method, path, client_error(cli->client));
		return NULL;
	}
	if (!is_wanted(reply.status, wanted)) {
		const char *text = cli_text(reply.json, "message");

		if (reply.status == 401)
			text = "the gateway refuses the token";
		cli_fail(CLI_FAILED, "%s %s: %d: %s", method, path, reply.status, text);
		json_decref(reply.json);
		return NULL;
	}
	*ret_code = CLI_OK;
	return reply.json != NULL ? reply.json : json_null();
}

const char *cli_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && text[0] != '\0' ? text : "-";
}

/* What a gateway says may come from a node or a user: no control byte reaches the terminal. */
static void cell_text(const json_t *value, char text[CELL_MAX])
{
	if (json_is_string(value))
		snprintf(text, CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(text, CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		snprintf(text, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
	else
		snprintf(text, CELL_MAX, "-");
	if (text[0] == '\0')
		snprintf(text, CELL_MAX, "-");
	for (char *c = text; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
}

static void print_row(const char (*cells)[CELL_MAX], const int *widths, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++)
		printf("%-*s  ", widths[i], cells[i]);
	printf("%s\n", cells[count - 1]);
}

int cli_table(const struct cli *cli, const json_t *rows, const struct cli_column *columns,
	      size_t count)
{
	char cells[COLUMNS_MAX][CELL_MAX];
	int widths[COLUMNS_MAX];
	const json_t *row;
	size_t index;

	if (cli->json) {
		json_dumpf(rows, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
		putchar('\n');
		return CLI_OK;
	}
	for (size_t i = 0; i < count; i++)
		widths[i] = (int)strlen(columns[i].title);
	json_array_foreach(rows, index, row)
		for (size_t i = 0; i < count; i++) {
			cell_text(json_object_get(row, columns[i].member), cells[i]);
			if ((int)strlen(cells[i]) > widths[i])
				widths[i] = (int)strlen(cells[i]);
		}
	for (size_t i = 0; i < count; i++)
		snprintf(cells[i], CELL_MAX, "%s", columns[i].title);
	print_row((const char(*)[CELL_MAX])cells, widths, count);
	json_array_foreach(rows, index, row) {
		for (size_t i = 0; i < count; i++)
			cell_text(json_object_get(row, columns[i].member), cells[i]);
		print_row((const char(*)[CELL_MAX])cells, widths, count);
	}
	return CLI_OK;
}

static void print_member(const char *name, const json_t *value)
{
	char text[CELL_MAX];

	cell_text(value, text);
	printf("%-24s %s\n", name, text);
}

void cli_members(const struct cli *cli, const json_t *object)
{
	const json_t *value, *item;
	const char *name;
	size_t index;

	if (cli->json) {
		json_dumpf(object, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
		putchar('\n');
		return;
	}
	json_object_foreach((json_t *)object, name, value) {
		if (!json_is_array(value))
			print_member(name, value);
		else if (json_array_size(value) == 0)
			print_member(name, NULL);
		json_array_foreach(value, index, item)
			print_member(name, item);
	}
}

int cli_told(const struct cli *cli, const json_t *reply)
{
	const json_t *failed = json_object_get(reply, "failed");
	const json_t *away = json_object_get(reply, "away");
	const json_t *item;
	size_t index;

	if (cli->json)
		cli_members(cli, reply);
	json_array_foreach(failed, index, item)
		cli_fail(CLI_FAILED, "%s: %s", cli_text(item, "name"), cli_text(item, "message"));
	if (!cli->json)
		json_array_foreach(away, index, item)
			printf("%s: not connected, is told when it is back\n",
			       json_is_string(item) ? json_string_value(item) : "-");
	return json_array_size(failed) > 0 ? CLI_FAILED : CLI_OK;
}

bool cli_is_segment(const char *name)
{
	const size_t len = strlen(name);

	if (len == 0 || len > 63 || name[0] == '.')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	       len;
}
