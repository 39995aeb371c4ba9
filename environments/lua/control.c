/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/control.h"

#include <lua.h>
#include <string.h>

#define KERNEL_VERSION "0.1.0"

json_t *kernel_info(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s}, s:s, s:[]}",
			 "status", "ok", "protocol_version", "5.3", "implementation",
			 "anchorhold-lua", "implementation_version", KERNEL_VERSION,
			 "language_info", "name", "lua", "version",
			 LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE,
			 "mimetype", "text/x-lua", "file_extension", ".lua", "pygments_lexer",
			 "lua", "codemirror_mode", "lua", "banner", LUA_RELEASE, "help_links");
}

static void publish(struct serve *serve, const char *type, const struct link_slice *parent,
		    json_t *content)
{
	struct frames frames;

	frames_init(&frames);
	if (content &&
	    message_publish(&serve->session, type, parent, content, &frames) == 0)
		spool_put(&serve->spool, JUPYTER_IOPUB, &frames);
	frames_clear(&frames);
	json_decref(content);
}

void control_status(struct serve *serve, const char *state, const struct link_slice *parent)
{
	publish(serve, "status", parent, json_pack("{s:s}", "execution_state", state));
}

static json_t *on_kernel_info(struct serve *serve, const struct request *request)
{
	(void)serve;
	(void)request;
	return kernel_info();
}

static json_t *on_interrupt(struct serve *serve, const struct request *request)
{
	(void)request;
	interp_interrupt(serve->interp);
	return json_pack("{s:s}", "status", "ok");
}

static json_t *on_shutdown(struct serve *serve, const struct request *request)
{
	int restart = json_is_true(json_object_get(request->content, "restart"));
	struct link_slice parent = request_parent(request);

	serve->exiting = true;
	publish(serve, "shutdown_reply", &parent,
		json_pack("{s:s, s:b}", "status", "ok", "restart", restart));
	return json_pack("{s:s, s:b}", "status", "ok", "restart", restart);
}

static const struct {
	const char *request;
	const char *reply;
	json_t *(*handle)(struct serve *serve, const struct request *request);
} rows[] = {
	{"kernel_info_request", "kernel_info_reply", on_kernel_info},
	{"interrupt_request", "interrupt_reply", on_interrupt},
	{"shutdown_request", "shutdown_reply", on_shutdown},
};

void control_handle(struct serve *serve, const struct request *request)
{
	struct link_slice parent = request_parent(request);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frames frames;
		json_t *content;

		if (strcmp(request->header.msg_type, rows[i].request))
			continue;
		control_status(serve, "busy", &parent);
		content = rows[i].handle(serve, request);
		frames_init(&frames);
		if (content && message_reply(&serve->session, rows[i].reply, request, content,
					     &frames) == 0)
			spool_put(&serve->spool, JUPYTER_CONTROL, &frames);
		frames_clear(&frames);
		json_decref(content);
		control_status(serve, "idle", &parent);
	}
}
