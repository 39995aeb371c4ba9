/* SPDX-License-Identifier: Apache-2.0 */
/* kernel list, start, stop, interrupt, restart. */
#include <stdio.h>
#include <string.h>

#include "backend/cli/cli.h"

static const int want_ok[] = { 200, 0 };
static const int want_created[] = { 201, 0 };
static const int want_gone[] = { 204, 0 };

int verb_kernel_list(struct cli *cli, int argc, char **argv)
{
	static const struct cli_column columns[] = {
		{ "ID", "id" },		  { "ENVIRONMENT", "name" },	{ "NODE", "node" },
		{ "PROJECT", "project" }, { "STATE", "execution_state" }, { "CLIENTS", "connections" },
		{ "LAST ACTIVITY", "last_activity" }, { "REASON", "reason" },
	};
	json_t *kernels;
	int code;

	if (argc > 0)
		return cli_fail(CLI_USAGE, "kernel list: unexpected '%s'", argv[0]);
	kernels = cli_call(cli, "GET", "/api/anchorhold/kernels", NULL, want_ok, &code);
	if (kernels == NULL)
		return code;
	code = cli_table(cli, kernels, columns, sizeof(columns) / sizeof(columns[0]));
	json_decref(kernels);
	return code;
}

int verb_kernel_start(struct cli *cli, int argc, char **argv)
{
	const char *project = NULL;
	json_t *body;
	json_t *kernel;
	int code;

	if (argc > 1 && strcmp(argv[0], "--project") == 0) {
		project = argv[1];
		argc -= 2, argv += 2;
	}
	if (argc > 1 || (argc == 1 && !cli_is_segment(argv[0])))
		return cli_fail(CLI_USAGE, "kernel start: '%s': expected at most an environment's name",
				argv[argc - 1]);
	body = json_object();
	if (project != NULL)
		json_object_set_new(body, "project", json_string(project));
	if (argc == 1)
		json_object_set_new(body, "name", json_string(argv[0]));
	kernel = cli_call(cli, "POST", "/api/kernels", body, want_created, &code);
	json_decref(body);
	if (kernel == NULL)
		return code;
	if (cli->json)
		json_dumpf(kernel, stdout, JSON_INDENT(2));
	else
		fputs(cli_text(kernel, "id"), stdout);
	putchar('\n');
	json_decref(kernel);
	return CLI_OK;
}

/* One call that names a kernel in its path. */
static int act(struct cli *cli, int argc, char **argv, const char *verb, const char *method,
	       const char *suffix, const int *wanted)
{
	char path[160];
	json_t *body = NULL;
	json_t *reply;
	int code;

	if (argc != 1 || !cli_is_segment(argv[0]))
		return cli_fail(CLI_USAGE, "kernel %s: expected one kernel's id", verb);
	snprintf(path, sizeof(path), "/api/kernels/%s%s", argv[0], suffix);
	if (strcmp(method, "POST") == 0)
		body = json_object();
	reply = cli_call(cli, method, path, body, wanted, &code);
	json_decref(body);
	json_decref(reply);
	if (code == CLI_OK && !cli->json)
		printf("%s: %s\n", argv[0], verb);
	else if (code == CLI_OK)
		printf("{\"id\": \"%s\"}\n", argv[0]);
	return code;
}

int verb_kernel_stop(struct cli *cli, int argc, char **argv)
{
	return act(cli, argc, argv, "stop", "DELETE", "", want_gone);
}

int verb_kernel_interrupt(struct cli *cli, int argc, char **argv)
{
	return act(cli, argc, argv, "interrupt", "POST", "/interrupt", want_gone);
}

int verb_kernel_restart(struct cli *cli, int argc, char **argv)
{
	return act(cli, argc, argv, "restart", "POST", "/restart", want_ok);
}
