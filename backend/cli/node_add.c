/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node add: with a one-time secret, printed or in a file for the node, which makes its key itself;
 * or with a key pair that the gateway makes and gives away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cli/cli.h"

#define API "/api/anchorhold"
#define GATEWAYS_MAX 4
#define HOURS_MAX 720
#define TEXT_MAX 1024

static const int want_created[] = { 200, 201, 0 };

struct asked {
	const char *name;
	const char *gateways[GATEWAYS_MAX];
	size_t gateways_count;
	const char *file;   /* node.conf with the secret */
	const char *folder; /* node.conf and node.key in it */
	long hours;	    /* 0: the gateway's default */
};

/* ---- the words ---- */

static int hours_parse(const char *text, long *ret_hours)
{
	char *end = NULL;

	*ret_hours = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || *ret_hours < 1 || *ret_hours > HOURS_MAX)
		return cli_fail(CLI_USAGE, "--expires '%s': expected 1 to %d hours", text,
				HOURS_MAX);
	return CLI_OK;
}

static int option(const char *name, const char *value, struct asked *asked)
{
	if (strcmp(name, "--gateway") == 0 && asked->gateways_count < GATEWAYS_MAX)
		asked->gateways[asked->gateways_count++] = value;
	else if (strcmp(name, "--gateway") == 0)
		return cli_fail(CLI_USAGE, "--gateway '%s': at most %d", value, GATEWAYS_MAX);
	else if (strcmp(name, "--output") == 0)
		asked->folder = value;
	else if (strcmp(name, "--file") == 0)
		asked->file = value;
	else if (strcmp(name, "--expires") == 0)
		return hours_parse(value, &asked->hours);
	else
		return cli_fail(CLI_USAGE, "node add: unexpected '%s'", name);
	return CLI_OK;
}

static int parse(int argc, char **argv, struct asked *asked)
{
	int code = CLI_OK;

	for (int i = 0; i < argc && code == CLI_OK; i++) {
		if (argv[i][0] == '-' && i + 1 < argc) {
			code = option(argv[i], argv[i + 1], asked);
			i++;
		} else if (argv[i][0] != '-' && asked->name == NULL) {
			asked->name = argv[i];
		} else {
			code = cli_fail(CLI_USAGE, "node add: unexpected '%s'", argv[i]);
		}
	}
	return code;
}

static int check(const struct asked *asked)
{
	bool written = asked->file != NULL || asked->folder != NULL;

	if (asked->name == NULL)
		return cli_fail(CLI_USAGE, "node add: expected NAME");
	if (!cli_is_segment(asked->name))
		return cli_fail(CLI_USAGE,
				"node name '%s': expected up to 63 letters, digits and '-'",
				asked->name);
	if (asked->file != NULL && asked->folder != NULL)
		return cli_fail(CLI_USAGE, "node add: expected --file or --output, not both");
	if (written != (asked->gateways_count > 0))
		return cli_fail(CLI_USAGE, "node add: expected NAME, or NAME --gateway ADDRESS:PORT "
					   "with --file FILE or --output FOLDER");
	if (asked->folder != NULL && asked->hours != 0)
		return cli_fail(CLI_USAGE, "node add: --expires is for a secret, not for --output");
	if (asked->folder != NULL && access(asked->folder, W_OK) != 0)
		return cli_fail(CLI_FAILED, "node add: folder '%s': %s", asked->folder,
				strerror(errno));
	if (asked->file != NULL && access(asked->file, F_OK) == 0)
		return cli_fail(CLI_FAILED, "node add: file '%s': it exists", asked->file);
	return CLI_OK;
}

/* ---- what is written ---- */

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

/* node.conf: whom the node speaks to, and with a secret how it gets in. */
static void conf_text(const struct asked *asked, const json_t *node, char text[TEXT_MAX])
{
	const char *next = json_string_value(json_object_get(node, "gateway_key_next"));
	const char *secret = json_string_value(json_object_get(node, "secret"));
	size_t at = (size_t)snprintf(text, TEXT_MAX, "name = %.63s\n", cli_text(node, "name"));

	for (size_t i = 0; i < asked->gateways_count; i++)
		at += (size_t)snprintf(text + at, TEXT_MAX - at, "gateway = %.63s\n",
				       asked->gateways[i]);
	at += (size_t)snprintf(text + at, TEXT_MAX - at, "gateway_key = %.40s\n",
			       cli_text(node, "gateway_key"));
	if (next != NULL)
		at += (size_t)snprintf(text + at, TEXT_MAX - at, "gateway_key_next = %.40s\n",
				       next);
	if (secret != NULL)
		at += (size_t)snprintf(text + at, TEXT_MAX - at, "join_secret = %.64s\n", secret);
	snprintf(text + at, TEXT_MAX - at, "network = dhcp\n");
}

static int write_folder(const struct asked *asked, const json_t *node)
{
	const char *key = json_string_value(json_object_get(node, "node_key"));
	char text[TEXT_MAX];
	char secret[64];
	int folder;
	int rc;

	if (key == NULL)
		return cli_fail(CLI_FAILED, "node add: the gateway's answer names no keys");
	folder = open(asked->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return cli_fail(CLI_FAILED, "node add: folder '%s': %s", asked->folder,
				strerror(errno));
	snprintf(secret, sizeof(secret), "%s\n", key);
	conf_text(asked, node, text);
	rc = write_new(folder, "node.key", 0600, secret);
	if (rc == 0)
		rc = write_new(folder, "node.conf", 0644, text);
	explicit_bzero(secret, sizeof(secret));
	close(folder);
	if (rc != 0)
		return cli_fail(CLI_FAILED, "node add: cannot write node.conf and node.key in '%s': %s",
				asked->folder, strerror(-rc));
	return CLI_OK;
}

static int write_file(const struct asked *asked, const json_t *node)
{
	char text[TEXT_MAX];
	int rc;

	conf_text(asked, node, text);
	rc = write_new(AT_FDCWD, asked->file, 0600, text);
	explicit_bzero(text, sizeof(text));
	if (rc != 0)
		return cli_fail(CLI_FAILED, "node add: cannot write '%s': %s", asked->file,
				strerror(-rc));
	return CLI_OK;
}

/* ---- the answer ---- */

static void say_secret(const json_t *node)
{
	printf("join_secret = %s\ngateway_key = %s\n", cli_text(node, "secret"),
	       cli_text(node, "gateway_key"));
	if (json_is_string(json_object_get(node, "gateway_key_next")))
		printf("gateway_key_next = %s\n", cli_text(node, "gateway_key_next"));
	printf("# for %s, once, until %s\n", cli_text(node, "name"), cli_text(node, "expires"));
}

static int say(const struct cli *cli, const struct asked *asked, const json_t *node)
{
	const char *where = asked->file != NULL ? asked->file : asked->folder;

	if (where == NULL && cli->json) {
		json_dumpf(node, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
		putchar('\n');
	} else if (where == NULL) {
		say_secret(node);
	} else if (cli->json) {
		printf("{\"name\": \"%s\", \"output\": \"%s\"}\n", asked->name, where);
	} else if (asked->folder != NULL) {
		printf("%s: node.conf and node.key are in %s\n", asked->name, where);
	} else {
		printf("%s: %s is its node.conf, good once, until %s\n", asked->name, where,
		       cli_text(node, "expires"));
	}
	return CLI_OK;
}

int verb_node_add(struct cli *cli, int argc, char **argv)
{
	struct asked asked = { 0 };
	json_t *body;
	json_t *node;
	int code = parse(argc, argv, &asked);

	if (code == CLI_OK)
		code = check(&asked);
	if (code != CLI_OK)
		return code;
	body = json_pack("{s:s, s:b}", "name", asked.name, "secret", asked.folder == NULL);
	if (asked.hours > 0)
		json_object_set_new(body, "expires_s", json_integer(asked.hours * 3600));
	node = cli_call(cli, "POST", API "/nodes", body, want_created, &code);
	json_decref(body);
	if (node == NULL)
		return code;
	if (asked.folder != NULL)
		code = write_folder(&asked, node);
	else if (asked.file != NULL)
		code = write_file(&asked, node);
	if (code == CLI_OK)
		code = say(cli, &asked, node);
	json_decref(node);
	return code;
}
