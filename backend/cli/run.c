/* SPDX-License-Identifier: Apache-2.0 */
/* run: executes a notebook's code cells, or one piece of code, in a fresh kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/cli/cli.h"
#include "backend/cli/notebook.h"
#include "backend/cli/session.h"

static const int want_created[] = { 201, 0 };
static const int want_done[] = { 200, 204, 404, 0 };

struct run {
	struct cli *cli;
	const char *project;
	const char *environment;
	const char *file;
	const char *code;
	bool allow_errors;
	char kernel[64];
	json_t *outputs; /* --json: of the cell under way */
	unsigned int interrupts;
};

static int parse(struct run *run, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--environment") == 0 && i + 1 < argc)
			run->environment = argv[++i];
		else if (strcmp(argv[i], "--project") == 0 && i + 1 < argc)
			run->project = argv[++i];
		else if (strcmp(argv[i], "--allow-errors") == 0)
			run->allow_errors = true;
		else if (strcmp(argv[i], "-c") == 0 && i + 1 < argc && run->code == NULL)
			run->code = argv[++i];
		else if (argv[i][0] != '-' && run->file == NULL)
			run->file = argv[i];
		else
			return cli_fail(CLI_USAGE, "run: unexpected '%s'", argv[i]);
	}
	if ((run->file == NULL) == (run->code == NULL))
		return cli_fail(CLI_USAGE, "run: expected either FILE.ipynb or -c CODE");
	if (run->environment != NULL && !cli_is_segment(run->environment))
		return cli_fail(CLI_USAGE, "run: environment '%s': expected letters and digits",
				run->environment);
	return CLI_OK;
}

static int start_kernel(struct run *run)
{
	json_t *body = json_object();
	json_t *kernel;
	int code;

	if (run->environment != NULL)
		json_object_set_new(body, "name", json_string(run->environment));
	if (run->project != NULL)
		json_object_set_new(body, "project", json_string(run->project));
	kernel = cli_call(run->cli, "POST", "/api/kernels", body, want_created, &code);
	json_decref(body);
	if (kernel == NULL)
		return code;
	snprintf(run->kernel, sizeof(run->kernel), "%s", cli_text(kernel, "id"));
	json_decref(kernel);
	if (!cli_is_segment(run->kernel)) {
		run->kernel[0] = '\0';
		return cli_fail(CLI_FAILED, "run: the gateway's answer names no kernel");
	}
	return CLI_OK;
}

/* The first interrupt goes to the kernel, the second ends the run. */
static int on_interrupt(void *user)
{
	struct run *run = user;
	char path[128];
	json_t *body;
	json_t *reply;
	int code;

	if (run->interrupts++ > 0)
		return -EINTR;
	fputs("anchorhold: interrupting the kernel (once more to give up)\n", stderr);
	snprintf(path, sizeof(path), "/api/kernels/%s/interrupt", run->kernel);
	body = json_object();
	reply = cli_call(run->cli, "POST", path, body, want_done, &code);
	json_decref(body);
	json_decref(reply);
	return code == CLI_OK ? 0 : -EIO;
}

static void print_lines(const json_t *lines)
{
	const json_t *line;
	size_t index;

	json_array_foreach(lines, index, line)
		fprintf(stderr, "%s\n", json_is_string(line) ? json_string_value(line) : "");
}

static void on_output(void *user, const char *type, const json_t *content)
{
	struct run *run = user;
	const json_t *data = json_object_get(content, "data");

	if (run->cli->json) {
		if (strcmp(type, "execute_input") != 0)
			json_array_append_new(run->outputs,
					      json_pack("{s:s, s:O}", "output_type", type, "content",
							content));
		return;
	}
	if (strcmp(type, "stream") == 0) {
		FILE *out = strcmp(cli_text(content, "name"), "stderr") == 0 ? stderr : stdout;

		if (json_is_string(json_object_get(content, "text")))
			fputs(json_string_value(json_object_get(content, "text")), out);
		fflush(out);
	} else if (strcmp(type, "execute_result") == 0 || strcmp(type, "display_data") == 0) {
		puts(cli_text(data, "text/plain"));
		fflush(stdout);
	} else if (strcmp(type, "error") == 0) {
		print_lines(json_object_get(content, "traceback"));
	}
}

/* Executes one source; *ret_error whether the user's code failed. */
static int execute(struct run *run, struct session *session, const char *source, json_t *report,
		   bool *ret_error)
{
	json_t *reply = NULL;
	int rc;

	run->outputs = run->cli->json ? json_array() : NULL;
	rc = session_execute(session, source, &reply);
	if (rc != 0) {
		json_decref(run->outputs);
		if (rc == -EINTR)
			return cli_fail(CLI_FAILED, "run: given up");
		return cli_fail(CLI_FAILED, "run: %s", client_error(run->cli->client));
	}
	*ret_error = strcmp(cli_text(reply, "status"), "ok") != 0;
	if (run->cli->json)
		json_array_append_new(report,
				      json_pack("{s:s, s:s, s:o}", "source", source, "status",
						cli_text(reply, "status"), "outputs", run->outputs));
	json_decref(reply);
	return CLI_OK;
}

static int execute_all(struct run *run, const json_t *sources)
{
	struct session session = {
		.client = run->cli->client,
		.interrupted = run->cli->interrupted,
		.interrupt = on_interrupt,
		.output = on_output,
		.user = run,
	};
	json_t *report = json_array();
	const json_t *source;
	bool failed = false;
	size_t index;
	int code = CLI_OK;

	if (session_open(&session, run->kernel) != 0)
		code = cli_fail(CLI_FAILED, "run: kernel %s: %s", run->kernel,
				client_error(run->cli->client));
	json_array_foreach(sources, index, source) {
		bool error = false;

		if (code != CLI_OK || (failed && !run->allow_errors))
			break;
		code = execute(run, &session, json_string_value(source), report, &error);
		failed |= error;
	}
	client_ws_close(run->cli->client);
	if (run->cli->json) {
		json_dumpf(report, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(report);
	return code == CLI_OK && failed && !run->allow_errors ? CLI_FAILED : code;
}

static void stop_kernel(struct run *run)
{
	char path[128];
	int code;

	*run->cli->interrupted = 0; /* an interrupt must not leave the kernel behind */
	snprintf(path, sizeof(path), "/api/kernels/%s", run->kernel);
	json_decref(cli_call(run->cli, "DELETE", path, NULL, want_done, &code));
}

int verb_run(struct cli *cli, int argc, char **argv)
{
	struct run run = { .cli = cli };
	char error[NOTEBOOK_ERROR_MAX];
	json_t *sources;
	int code = parse(&run, argc, argv);

	if (code != CLI_OK)
		return code;
	sources = run.file != NULL ? notebook_sources(run.file, error)
				   : json_pack("[s]", run.code);
	if (sources == NULL)
		return cli_fail(CLI_USAGE, "%s: %s", run.file != NULL ? run.file : "-c",
				run.file != NULL ? error : "expected UTF-8 text");
	code = start_kernel(&run);
	if (code == CLI_OK)
		code = execute_all(&run, sources);
	if (run.kernel[0] != '\0')
		stop_kernel(&run);
	json_decref(sources);
	return code;
}
