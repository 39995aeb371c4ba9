/* SPDX-License-Identifier: Apache-2.0 */
/* kernel usage, kernel network, cut: what is asked of or done to what runs. */
#include <stdio.h>
#include <string.h>

#include "backend/cli/cli.h"
#include "backend/cli/words.h"

#define API "/api/anchorhold"

static const int want_ok[] = { 200, 0 };

int verb_kernel_usage(struct cli *cli, int argc, char **argv)
{
	char path[160];
	json_t *usage;
	int code;

	if (argc != 1 || !cli_is_segment(argv[0]))
		return cli_fail(CLI_USAGE, "kernel usage: expected one kernel's id");
	snprintf(path, sizeof(path), API "/kernels/%s/usage", argv[0]);
	usage = cli_call(cli, "GET", path, NULL, want_ok, &code);
	if (usage == NULL)
		return code;
	cli_members(cli, usage);
	json_decref(usage);
	return CLI_OK;
}

int verb_kernel_network(struct cli *cli, int argc, char **argv)
{
	char path[160], error[WORDS_ERROR_MAX];
	json_t *body;
	json_t *policy;
	int code;

	if (argc < 2 || !cli_is_segment(argv[0]))
		return cli_fail(CLI_USAGE, "kernel network: expected ID KEY=VALUE ...");
	body = words_object(argc - 1, (const char *const *)argv + 1, error);
	if (body == NULL)
		return cli_fail(CLI_USAGE, "kernel network: %s", error);
	snprintf(path, sizeof(path), API "/kernels/%s/network", argv[0]);
	policy = cli_call(cli, "PUT", path, body, want_ok, &code);
	json_decref(body);
	if (policy == NULL)
		return code;
	cli_members(cli, policy);
	json_decref(policy);
	return CLI_OK;
}

/* ---- the kill switch ---- */

static int cut_show(struct cli *cli)
{
	json_t *state;
	int code;

	state = cli_call(cli, "GET", API "/cut", NULL, want_ok, &code);
	if (state == NULL)
		return code;
	cli_members(cli, state);
	json_decref(state);
	return CLI_OK;
}

/* on|off [--kernel ID | --node NAME] as the body; NULL and a message. */
static json_t *cut_body(int argc, char **argv)
{
	const bool on = strcmp(argv[0], "on") == 0;
	json_t *body;

	if (!on && strcmp(argv[0], "off") != 0) {
		cli_fail(CLI_USAGE, "cut '%s': expected on or off", argv[0]);
		return NULL;
	}
	if (argc > 3 || (argc > 1 && strcmp(argv[1], "--kernel") != 0 &&
			 strcmp(argv[1], "--node") != 0)) {
		cli_fail(CLI_USAGE, "cut: unexpected '%s'", argv[argc > 3 ? 3 : 1]);
		return NULL;
	}
	if (argc == 2) {
		cli_fail(CLI_USAGE, "cut %s: its value is missing", argv[1]);
		return NULL;
	}
	body = json_pack("{s:b}", "on", on);
	if (argc == 3)
		json_object_set_new(body, argv[1] + 2, json_string(argv[2]));
	return body;
}

int verb_cut(struct cli *cli, int argc, char **argv)
{
	json_t *body;
	json_t *reply;
	int code;

	if (argc == 0)
		return cut_show(cli);
	body = cut_body(argc, argv);
	if (body == NULL)
		return CLI_USAGE;
	reply = cli_call(cli, "PUT", API "/cut", body, want_ok, &code);
	json_decref(body);
	if (reply == NULL)
		return code;
	if (!cli->json)
		printf("cut: %s\n", argv[0]);
	code = cli_told(cli, reply);
	json_decref(reply);
	return code;
}
