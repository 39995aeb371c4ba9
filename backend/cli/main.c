/* SPDX-License-Identifier: Apache-2.0 */
/* anchorhold: the operator's and user's command. A table of verbs; each is one function. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cli/cli.h"

#define TOKEN_MAX 128u

static const struct verb {
	const char *group;
	const char *name; /* NULL where the group is the whole verb */
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *usage;
} verbs[] = {
	{ "node", "list", verb_node_list, "" },
	{ "node", "show", verb_node_show, "NAME" },
	{ "node", "add", verb_node_add,
	  "NAME [--expires HOURS] [--gateway ADDRESS:PORT ... --file FILE | --output FOLDER]" },
	{ "node", "rotate", verb_node_rotate, "NAME" },
	{ "node", "revoke", verb_node_revoke, "NAME" },
	{ "node", "unlock", verb_node_unlock, "NAME" },
	{ "kernel", "list", verb_kernel_list, "" },
	{ "kernel", "start", verb_kernel_start, "[--project NAME] [ENVIRONMENT]" },
	{ "kernel", "stop", verb_kernel_stop, "ID" },
	{ "kernel", "interrupt", verb_kernel_interrupt, "ID" },
	{ "kernel", "restart", verb_kernel_restart, "ID" },
	{ "kernel", "usage", verb_kernel_usage, "ID" },
	{ "kernel", "network", verb_kernel_network, "ID KEY=VALUE ..." },
	{ "project", "list", verb_project_list, "" },
	{ "project", "show", verb_project_show, "NAME" },
	{ "project", "set", verb_project_set, "NAME KEY=VALUE ..." },
	{ "cut", NULL, verb_cut, "[on|off [--kernel ID | --node NAME]]" },
	{ "run", NULL, verb_run,
	  "[--project NAME] [--environment NAME] [--allow-errors] FILE.ipynb | -c CODE" },
	{ "logs", NULL, verb_logs, "[--lines N] NODE" },
	{ "events", NULL, verb_events, "[--follow] [--lines N]" },
};

static volatile sig_atomic_t interrupted; /* set by the handler, watched by the client */

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static int usage(int code)
{
	FILE *out = code == CLI_OK ? stdout : stderr;

	fputs("usage: anchorhold [--url URL] [--token-file FILE] [--json] VERB ...\n"
	      "The gateway is named by --url or ANCHORHOLD_URL, the token by --token-file or "
	      "ANCHORHOLD_TOKEN.\n",
	      out);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %s%s%s %s\n", verbs[i].group, verbs[i].name != NULL ? " " : "",
			verbs[i].name != NULL ? verbs[i].name : "", verbs[i].usage);
	return code;
}

static const struct verb *find_verb(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (argc < 1 || strcmp(argv[0], verbs[i].group) != 0)
			continue;
		if (verbs[i].name == NULL) {
			*ret_words = 1;
			return &verbs[i];
		}
		if (argc >= 2 && strcmp(argv[1], verbs[i].name) == 0) {
			*ret_words = 2;
			return &verbs[i];
		}
	}
	return NULL;
}

static int read_token(const char *path, char token[TOKEN_MAX])
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return cli_fail(CLI_USAGE, "token file '%s': %s", path, strerror(errno));
	if (fgets(token, TOKEN_MAX, file) == NULL)
		token[0] = '\0';
	fclose(file);
	token[strcspn(token, "\r\n")] = '\0';
	if (token[0] == '\0')
		return cli_fail(CLI_USAGE, "token file '%s': expected a token in its first line",
				path);
	return CLI_OK;
}

static int run_verb(struct cli *cli, const char *url, const char *token, const struct verb *verb,
		    int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	char error[CLIENT_ERROR_MAX];
	int code;

	cli->client = client_new(url, token, error);
	if (cli->client == NULL)
		return cli_fail(CLI_USAGE, "%s", error);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	cli->interrupted = &interrupted;
	client_watch(cli->client, &interrupted);
	code = verb->run(cli, argc, argv);
	client_free(cli->client);
	return code;
}

int main(int argc, char **argv)
{
	const char *url = getenv("ANCHORHOLD_URL");
	const char *environment_token = getenv("ANCHORHOLD_TOKEN");
	char token[TOKEN_MAX] = "";
	struct cli cli = { 0 };
	const struct verb *verb;
	int words = 0;
	int code;

	if (environment_token != NULL)
		snprintf(token, sizeof(token), "%s", environment_token);
	for (argc--, argv++; argc > 0 && argv[0][0] == '-'; argc--, argv++) {
		if (strcmp(argv[0], "--json") == 0) {
			cli.json = true;
		} else if (strcmp(argv[0], "--help") == 0) {
			return usage(CLI_OK);
		} else if (argc > 1 && strcmp(argv[0], "--url") == 0) {
			url = argv[1];
			argc--, argv++;
		} else if (argc > 1 && strcmp(argv[0], "--token-file") == 0) {
			code = read_token(argv[1], token);
			if (code != CLI_OK)
				return code;
			argc--, argv++;
		} else {
			cli_fail(CLI_USAGE, "unknown option '%s', or its value is missing", argv[0]);
			return usage(CLI_USAGE);
		}
	}
	verb = find_verb(argc, argv, &words);
	if (verb == NULL) {
		if (argc > 0)
			cli_fail(CLI_USAGE, "unknown verb '%s%s%s'", argv[0], argc > 1 ? " " : "",
				 argc > 1 ? argv[1] : "");
		return usage(CLI_USAGE);
	}
	if (url == NULL)
		return cli_fail(CLI_USAGE, "no gateway named: give --url or set ANCHORHOLD_URL");
	code = run_verb(&cli, url, token[0] != '\0' ? token : NULL, verb, argc - words, argv + words);
	explicit_bzero(token, sizeof(token));
	if (fflush(stdout) != 0)
		return cli_fail(CLI_FAILED, "standard output: %s", strerror(errno));
	return code;
}
