/* SPDX-License-Identifier: Apache-2.0 */
/* node list, node add, logs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cli/cli.h"

#define API "/api/anchorhold"
#define LINES_MAX 10000

static const int want_ok[] = { 200, 0 };
static const int want_created[] = { 200, 201, 0 };

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

/* Writes text to folder/name, which must not exist; a secret is for its owner alone. */
static int write_new(int folder, const char *name, mode_t mode, const char *text)
{
	const size_t len = strlen(text);
	const int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			      mode);
	ssize_t written;

	if (fd < 0)
		return -errno;
	written = write(fd, text, len);
	if (written != (ssize_t)len || fsync(fd) != 0 || close(fd) != 0) {
		unlinkat(folder, name, 0);
		return written >= 0 && (size_t)written < len ? -ENOSPC : -errno;
	}
	return 0;
}

static int write_provision(const char *output, const json_t *node, const char *gateway)
{
	const char *key = json_string_value(json_object_get(node, "node_key"));
	const char *gateway_key = json_string_value(json_object_get(node, "gateway_key"));
	char text[512];
	char secret[64];
	int folder;
	int rc;

	if (key == NULL || gateway_key == NULL)
		return cli_fail(CLI_FAILED, "node add: the gateway's answer names no keys");
	folder = open(output, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return cli_fail(CLI_FAILED, "node add: folder '%s': %s", output, strerror(errno));
	snprintf(secret, sizeof(secret), "%s\n", key);
	snprintf(text, sizeof(text),
		 "name = %s\ngateway = %s\ngateway_key = %s\nnetwork = dhcp\n",
		 cli_text(node, "name"), gateway, gateway_key);
	rc = write_new(folder, "node.key", 0600, secret);
	if (rc == 0)
		rc = write_new(folder, "node.conf", 0644, text);
	explicit_bzero(secret, sizeof(secret));
	close(folder);
	if (rc != 0)
		return cli_fail(CLI_FAILED, "node add: cannot write node.conf and node.key in '%s': %s",
				output, strerror(-rc));
	return CLI_OK;
}

int verb_node_add(struct cli *cli, int argc, char **argv)
{
	const char *gateway = NULL;
	const char *output = NULL;
	const char *name = NULL;
	json_t *body;
	json_t *node;
	int code;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--gateway") == 0 && i + 1 < argc)
			gateway = argv[++i];
		else if (strcmp(argv[i], "--output") == 0 && i + 1 < argc)
			output = argv[++i];
		else if (argv[i][0] != '-' && name == NULL)
			name = argv[i];
		else
			return cli_fail(CLI_USAGE, "node add: unexpected '%s'", argv[i]);
	}
	if (name == NULL || gateway == NULL || output == NULL)
		return cli_fail(CLI_USAGE,
				"node add: expected NAME --gateway ADDRESS:PORT --output FOLDER");
	if (!cli_is_segment(name))
		return cli_fail(CLI_USAGE,
				"node name '%s': expected up to 63 letters, digits and '-'", name);
	if (access(output, W_OK) != 0)
		return cli_fail(CLI_FAILED, "node add: folder '%s': %s", output, strerror(errno));
	body = json_pack("{s:s}", "name", name);
	node = cli_call(cli, "POST", API "/nodes", body, want_created, &code);
	json_decref(body);
	if (node == NULL)
		return code;
	code = write_provision(output, node, gateway);
	if (code == CLI_OK && !cli->json)
		printf("%s: node.conf and node.key are in %s\n", name, output);
	else if (code == CLI_OK)
		printf("{\"name\": \"%s\", \"output\": \"%s\"}\n", name, output);
	json_decref(node);
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
