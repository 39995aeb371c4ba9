/* SPDX-License-Identifier: Apache-2.0 */
/* project list, show, set. */
#include <stdio.h>
#include <string.h>

#include "backend/cli/cli.h"
#include "backend/cli/words.h"

#define API "/api/anchorhold/projects"

static const int want_ok[] = { 200, 0 };
static const int want_set[] = { 200, 201, 0 };

int verb_project_list(struct cli *cli, int argc, char **argv)
{
	static const struct cli_column columns[] = {
		{ "NAME", "name" },	    { "KERNELS", "kernels" },
		{ "MEMORY MIB", "memory_mib" }, { "CPU MILLI", "cpu_milli" },
		{ "PIDS", "pids_max" },	    { "WORKSPACE", "workspace" },
		{ "NETWORK", "network" },   { "STRICT", "strict" },
	};
	json_t *projects;
	int code;

	if (argc > 0)
		return cli_fail(CLI_USAGE, "project list: unexpected '%s'", argv[0]);
	projects = cli_call(cli, "GET", API, NULL, want_ok, &code);
	if (projects == NULL)
		return code;
	code = cli_table(cli, projects, columns, sizeof(columns) / sizeof(columns[0]));
	json_decref(projects);
	return code;
}

int verb_project_show(struct cli *cli, int argc, char **argv)
{
	char path[160];
	json_t *project;
	int code;

	if (argc != 1 || !cli_is_segment(argv[0]))
		return cli_fail(CLI_USAGE, "project show: expected one project's name");
	snprintf(path, sizeof(path), API "/%s", argv[0]);
	project = cli_call(cli, "GET", path, NULL, want_ok, &code);
	if (project == NULL)
		return code;
	cli_members(cli, project);
	json_decref(project);
	return CLI_OK;
}

int verb_project_set(struct cli *cli, int argc, char **argv)
{
	char path[160], error[WORDS_ERROR_MAX];
	json_t *body;
	json_t *reply;
	int code;

	if (argc < 2 || !cli_is_segment(argv[0]))
		return cli_fail(CLI_USAGE, "project set: expected NAME KEY=VALUE ...");
	body = words_object(argc - 1, (const char *const *)argv + 1, error);
	if (body == NULL)
		return cli_fail(CLI_USAGE, "project set: %s", error);
	snprintf(path, sizeof(path), API "/%s", argv[0]);
	reply = cli_call(cli, "PATCH", path, body, want_set, &code);
	json_decref(body);
	if (reply == NULL)
		return code;
	if (!cli->json)
		printf("%s: set\n", argv[0]);
	code = cli_told(cli, reply);
	json_decref(reply);
	return code;
}
