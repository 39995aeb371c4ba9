/* SPDX-License-Identifier: Apache-2.0 */
/* node list, logs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cli/cli.h"

#define API "/api/anchorhold"
#define LINES_MAX 10000

static const int want_ok[] = { 200, 0 };

int verb_node_list(struct cli *cli, int argc, char **argv)
{
	static const struct cli_column columns[] = {
		{ "NAME", "name" },	  { "STATE", "state" },	    { "KERNELS", "kernels" },
		{ "MAX", "kernels_max" }, { "CPUS", "cpus" },	    { "MEMORY MIB", "memory_mib" },
		{ "VERSION", "version" }, { "LAST SEEN", "last_seen" },
	};
	json_t *nodes;
	int code;

	if (argc > 0)
		return cli_fail(CLI_USAGE, "node list: unexpected '%s'", argv[0]);
	nodes = cli_call(cli, "GET", API "/nodes", NULL, want_ok, &code);
	if (nodes == NULL)
		return code;
	code = cli_table(cli, nodes, columns, sizeof(columns) / sizeof(columns[0]));
	json_decref(nodes);
	return code;
}

int verb_logs(struct cli *cli, int argc, char **argv)
{
	const char *name = NULL;
	long lines = 100;
	char path[160];
	json_t *reply;
	int code;

	for (int i = 0; i < argc; i++) {
		char *end = NULL;

		if (strcmp(argv[i], "--lines") == 0 && i + 1 < argc) {
			lines = strtol(argv[++i], &end, 10);
			if (*end != '\0' || lines < 1 || lines > LINES_MAX)
				return cli_fail(CLI_USAGE, "--lines '%s': expected 1 to %d",
						argv[i], LINES_MAX);
		} else if (argv[i][0] != '-' && name == NULL) {
			name = argv[i];
		} else {
			return cli_fail(CLI_USAGE, "logs: unexpected '%s'", argv[i]);
		}
	}
	if (name == NULL || !cli_is_segment(name))
		return cli_fail(CLI_USAGE, "logs: expected a node's name");
	snprintf(path, sizeof(path), API "/nodes/%s/logs?lines=%ld", name, lines);
	reply = cli_call(cli, "GET", path, NULL, want_ok, &code);
	if (reply == NULL)
		return code;
	if (cli->json)
		json_dumpf(reply, stdout, JSON_INDENT(2));
	else
		fputs(json_is_string(json_object_get(reply, "text"))
			      ? json_string_value(json_object_get(reply, "text"))
			      : "",
		      stdout);
	if (cli->json)
		putchar('\n');
	json_decref(reply);
	return CLI_OK;
}
