/* SPDX-License-Identifier: Apache-2.0 */
/* events: what the nodes told, once or as it comes. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/cli/cli.h"

#define LINES_DEFAULT 100
#define LINES_MAX 1000
#define POLL_NS 500000000L

static const int want_ok[] = { 200, 0 };

/* What nodes and kernels say is shown without their control bytes. */
static void print_text(const char *text)
{
	for (; *text != '\0'; text++)
		putchar(iscntrl((unsigned char)*text) ? '?' : *text);
}

static void print_event(const json_t *event)
{
	const json_int_t time_ms = json_integer_value(json_object_get(event, "time_ms"));
	const time_t seconds = (time_t)(time_ms / 1000);
	static const char *const members[] = { "node", "kind", "project", "kernel", "text" };
	char stamp[32] = "-";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	printf("%s.%03dZ", stamp, (int)(time_ms % 1000));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		putchar(' ');
		print_text(cli_text(event, members[i]));
	}
	putchar('\n');
}

static json_int_t print_all(const struct cli *cli, const json_t *events, bool lines)
{
	json_int_t last = -1;
	const json_t *event;
	size_t index;

	if (cli->json && !lines) {
		json_dumpf(events, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
		putchar('\n');
	}
	json_array_foreach(events, index, event) {
		last = json_integer_value(json_object_get(event, "id"));
		if (!cli->json) {
			print_event(event);
		} else if (lines) {
			json_dumpf(event, stdout, JSON_COMPACT | JSON_SORT_KEYS);
			putchar('\n');
		}
	}
	fflush(stdout);
	return last;
}

static int follow(struct cli *cli, json_int_t last)
{
	const struct timespec pause = { 0, POLL_NS };
	int code = CLI_OK;

	while (code == CLI_OK) {
		char path[96];
		json_t *events;
		json_int_t seen;

		nanosleep(&pause, NULL);
		if (*cli->interrupted)
			return CLI_OK;
		snprintf(path, sizeof(path), "/api/anchorhold/events?after=%" JSON_INTEGER_FORMAT,
			 last);
		events = cli_call(cli, "GET", path, NULL, want_ok, &code);
		if (events == NULL)
			return *cli->interrupted ? CLI_OK : code;
		seen = print_all(cli, events, true);
		last = seen > last ? seen : last;
		json_decref(events);
		if (ferror(stdout))
			return CLI_FAILED;
	}
	return code;
}

int verb_events(struct cli *cli, int argc, char **argv)
{
	long lines = LINES_DEFAULT;
	bool following = false;
	char path[96];
	json_t *events;
	json_int_t last;
	int code;

	for (int i = 0; i < argc; i++) {
		char *end = NULL;

		if (strcmp(argv[i], "--follow") == 0) {
			following = true;
		} else if (strcmp(argv[i], "--lines") == 0 && i + 1 < argc) {
			lines = strtol(argv[++i], &end, 10);
			if (end == argv[i] || *end != '\0' || lines < 1 || lines > LINES_MAX)
				return cli_fail(CLI_USAGE, "--lines '%s': expected 1 to %d", argv[i],
						LINES_MAX);
		} else {
			return cli_fail(CLI_USAGE, "events: unexpected '%s'", argv[i]);
		}
	}
	snprintf(path, sizeof(path), "/api/anchorhold/events?last=%ld", lines);
	events = cli_call(cli, "GET", path, NULL, want_ok, &code);
	if (events == NULL)
		return code;
	last = print_all(cli, events, following);
	json_decref(events);
	return following ? follow(cli, last < 0 ? 0 : last) : CLI_OK;
}
