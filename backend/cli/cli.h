/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of `anchorhold` share. A verb gets the words after its own name and returns the
 * program's exit code: 0 done, 1 the thing failed, 2 it was asked wrongly.
 */
#ifndef ANCHORHOLD_CLI_H
#define ANCHORHOLD_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "backend/cli/client.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli {
	struct client *client;
	bool json; /* --json: one JSON document on standard output */
	volatile sig_atomic_t *interrupted; /* set by SIGINT and SIGTERM; a verb that acts on it clears it */
};

int verb_node_list(struct cli *cli, int argc, char **argv);
int verb_node_show(struct cli *cli, int argc, char **argv);
int verb_node_add(struct cli *cli, int argc, char **argv);
int verb_node_rotate(struct cli *cli, int argc, char **argv);
int verb_node_revoke(struct cli *cli, int argc, char **argv);
int verb_node_unlock(struct cli *cli, int argc, char **argv);
int verb_kernel_list(struct cli *cli, int argc, char **argv);
int verb_kernel_start(struct cli *cli, int argc, char **argv);
int verb_kernel_stop(struct cli *cli, int argc, char **argv);
int verb_kernel_interrupt(struct cli *cli, int argc, char **argv);
int verb_kernel_restart(struct cli *cli, int argc, char **argv);
int verb_kernel_usage(struct cli *cli, int argc, char **argv);
int verb_kernel_network(struct cli *cli, int argc, char **argv);
int verb_project_list(struct cli *cli, int argc, char **argv);
int verb_project_show(struct cli *cli, int argc, char **argv);
int verb_project_set(struct cli *cli, int argc, char **argv);
int verb_cut(struct cli *cli, int argc, char **argv);
int verb_events(struct cli *cli, int argc, char **argv);
int verb_run(struct cli *cli, int argc, char **argv);
int verb_logs(struct cli *cli, int argc, char **argv);

/* Prints `anchorhold: ...` to standard error and returns code. */
__attribute__((format(printf, 2, 3))) int cli_fail(int code, const char *format, ...);

/*
 * client_call that takes any status but those of wanted (0-terminated) for a failure, says why
 * and returns NULL with *ret_code set. Otherwise the body (the caller's), json_null() where empty.
 */
json_t *cli_call(struct cli *cli, const char *method, const char *path, const json_t *body,
		 const int *wanted, int *ret_code);

/* The string member, or "-" where it is missing; never NULL. Borrowed. */
const char *cli_text(const json_t *object, const char *name);

struct cli_column {
	const char *title;
	const char *member; /* of each row's object; strings and integers are shown */
};

/* The array as a table for people, or as it is with --json. */
int cli_table(const struct cli *cli, const json_t *rows, const struct cli_column *columns,
	      size_t count);

/* The object as lines `member value`, one a line of a list's values; or as it is with --json. */
void cli_members(const struct cli *cli, const json_t *object);

/*
 * What an answer says of those that were told: with --json the whole answer, else who was away.
 * CLI_FAILED and a message each where one failed.
 */
int cli_told(const struct cli *cli, const json_t *reply);

/* name stands for one path segment of a URL: letters, digits, '.', '_' and '-' only. */
bool cli_is_segment(const char *name);

#endif
