/* SPDX-License-Identifier: Apache-2.0 */
/* node rotate, node revoke, node unlock. */
#include <stdio.h>
#include <string.h>

#include "backend/cli/cli.h"

#define API "/api/anchorhold"

static const int want[] = { 200, 202, 0 };

/* The answer, or NULL with *ret_code set. */
static json_t *change(struct cli *cli, const char *verb, int argc, char **argv, int *ret_code)
{
	char path[160];

	if (argc != 1 || !cli_is_segment(argv[0])) {
		*ret_code = cli_fail(CLI_USAGE, "node %s: expected a node's name", verb);
		return NULL;
	}
	snprintf(path, sizeof(path), API "/nodes/%s/%s", argv[0], verb);
	return cli_call(cli, "POST", path, NULL, want, ret_code);
}

static int told(struct cli *cli, json_t *reply, const char *what)
{
	if (cli->json) {
		json_dumpf(reply, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
		putchar('\n');
	} else {
		printf("%s: %s\n", cli_text(reply, "name"), what);
	}
	json_decref(reply);
	return CLI_OK;
}

int verb_node_revoke(struct cli *cli, int argc, char **argv)
{
	int code;
	json_t *reply = change(cli, "revoke", argc, argv, &code);

	return reply == NULL ? code : told(cli, reply, "revoked");
}

int verb_node_unlock(struct cli *cli, int argc, char **argv)
{
	int code;
	json_t *reply = change(cli, "unlock", argc, argv, &code);

	return reply == NULL ? code : told(cli, reply, "unlocked: the next to join goes on");
}

int verb_node_rotate(struct cli *cli, int argc, char **argv)
{
	int code;
	json_t *reply = change(cli, "rotate", argc, argv, &code);
	char text[160];

	if (reply == NULL)
		return code;
	snprintf(text, sizeof(text), "its key changes from %.40s to %.40s", cli_text(reply, "key"),
		 cli_text(reply, "next_key"));
	return told(cli, reply, text);
}
