/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/shell.h"

#include <string.h>

#include "environments/lua/assist.h"
#include "environments/lua/control.h"
#include "environments/lua/execute.h"

struct shell {
	struct interp *interp;
	const struct request *request;
	bool aborted;
	bool abort_rest;
	bool exit;
};

static json_t *on_kernel_info(struct shell *shell)
{
	(void)shell;
	return kernel_info();
}

static json_t *on_execute(struct shell *shell)
{
	if (shell->aborted)
		return json_pack("{s:s}", "status", "aborted");
	return execute(shell->interp, shell->request, &shell->abort_rest);
}

static json_t *on_complete(struct shell *shell)
{
	return assist_complete(shell->interp->lua, shell->request->content);
}

static json_t *on_inspect(struct shell *shell)
{
	return assist_inspect(shell->interp->lua, shell->request->content);
}

static json_t *on_is_complete(struct shell *shell)
{
	return assist_is_complete(shell->interp->lua, shell->request->content);
}

static json_t *on_history(struct shell *shell)
{
	return history_answer(&shell->interp->history, shell->request->content);
}

/* There are no comms here. */
static json_t *on_comm_info(struct shell *shell)
{
	(void)shell;
	return json_pack("{s:s, s:{}}", "status", "ok", "comms");
}

/* The protocol's answer to a comm of a target that nobody has: it is closed. */
static json_t *on_comm_open(struct shell *shell)
{
	json_t *id = json_object_get(shell->request->content, "comm_id"), *content;

	if (!json_is_string(id))
		return NULL;
	content = json_pack("{s:O, s:{}}", "comm_id", id, "data");
	if (content)
		outgoing_publish(&shell->interp->outgoing, "comm_close", shell->request, content);
	json_decref(content);
	return NULL;
}

/* Deprecated here since 5.4, but still sent. */
static json_t *on_shutdown(struct shell *shell)
{
	json_t *restart = json_object_get(shell->request->content, "restart");

	shell->exit = true;
	return json_pack("{s:s, s:b}", "status", "ok", "restart", json_is_true(restart));
}

static const struct {
	const char *request;
	const char *reply; /* NULL: it has none */
	json_t *(*handle)(struct shell *shell);
} rows[] = {
	{"execute_request", "execute_reply", on_execute},
	{"kernel_info_request", "kernel_info_reply", on_kernel_info},
	{"complete_request", "complete_reply", on_complete},
	{"inspect_request", "inspect_reply", on_inspect},
	{"is_complete_request", "is_complete_reply", on_is_complete},
	{"history_request", "history_reply", on_history},
	{"comm_info_request", "comm_info_reply", on_comm_info},
	{"comm_open", NULL, on_comm_open},
	{"shutdown_request", "shutdown_reply", on_shutdown},
};

static void publish_status(struct shell *shell, const char *state)
{
	json_t *content = json_pack("{s:s}", "execution_state", state);

	if (content)
		outgoing_publish(&shell->interp->outgoing, "status", shell->request, content);
	json_decref(content);
}

static void handle_row(struct shell *shell, size_t row)
{
	json_t *content;

	publish_status(shell, "busy");
	content = rows[row].handle(shell);
	if (shell->abort_rest)
		outgoing_byte(&shell->interp->outgoing, OUTGOING_FAILED, 0);
	if (content && rows[row].reply && !shell->interp->mute)
		outgoing_reply(&shell->interp->outgoing, JUPYTER_SHELL, rows[row].reply,
			       shell->request, content);
	json_decref(content);
	publish_status(shell, "idle");
}

void shell_handle(struct interp *interp, const struct request *request, bool aborted)
{
	struct shell shell = {.interp = interp, .request = request, .aborted = aborted};

	interp->request = request;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(request->header.msg_type, rows[i].request))
			handle_row(&shell, i);
	interp->request = NULL;
	if (shell.exit)
		outgoing_byte(&interp->outgoing, OUTGOING_EXIT, 0);
}
