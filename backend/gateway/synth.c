/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/synth.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/ids.h"

#define PROTOCOL_VERSION "5.3"
#define SESSION "anchorhold-gateway"

static struct link_slice slice_of(const char *text)
{
	return (struct link_slice){(const uint8_t *)text, strlen(text)};
}

static char *header_text(const char *msg_type)
{
	char id[IDS_TEXT_LEN + 1], date[CLOCK_STAMP_LEN];
	json_t *header;
	char *text;

	ids_uuid_make_text(id);
	clock_stamp(clock_unix_us(), date);
	header = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "msg_id", id, "msg_type", msg_type,
			   "username", "anchorhold", "session", SESSION, "date", date, "version",
			   PROTOCOL_VERSION);
	text = json_dumps(header, JSON_COMPACT);
	json_decref(header);
	return text;
}

/* Takes content over. */
static int make(struct synth *ret, enum link_channel channel, const char *msg_type,
		struct link_slice parent, json_t *content)
{
	memset(ret, 0, sizeof(*ret));
	ret->text[0] = header_text(msg_type);
	ret->text[1] = content == NULL ? NULL : json_dumps(content, JSON_COMPACT);
	json_decref(content);
	if (ret->text[0] == NULL || ret->text[1] == NULL)
		return -ENOMEM;
	ret->channel = channel;
	ret->parts.count = LINK_PARTS_MIN;
	ret->parts.part[LINK_HEADER] = slice_of(ret->text[0]);
	ret->parts.part[LINK_PARENT] = parent.data == NULL ? slice_of("{}") : parent;
	ret->parts.part[LINK_METADATA] = slice_of("{}");
	ret->parts.part[LINK_CONTENT] = slice_of(ret->text[1]);
	return 0;
}

int synth_status(struct synth *ret, struct link_slice parent, const char *execution_state)
{
	return make(ret, LINK_IOPUB, "status", parent,
		    json_pack("{s:s}", "execution_state", execution_state));
}

int synth_stderr(struct synth *ret, struct link_slice parent, const char *text)
{
	return make(ret, LINK_IOPUB, "stream", parent,
		    json_pack("{s:s, s:s}", "name", "stderr", "text", text));
}

int synth_error(struct synth *ret, struct link_slice parent, const char *name, const char *text)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %s", name, text);
	return make(ret, LINK_IOPUB, "error", parent,
		    json_pack("{s:s, s:s, s:[s]}", "ename", name, "evalue", text, "traceback",
			      line));
}

int synth_reply(struct synth *ret, const struct inflight_request *request, const char *name,
		const char *text)
{
	char msg_type[80], line[512];
	size_t len = strlen(request->msg_type);
	struct link_slice parent = {(const uint8_t *)request->header, request->header_len};

	if (len >= 8 && strcmp(request->msg_type + len - 8, "_request") == 0)
		len -= 8;
	snprintf(msg_type, sizeof(msg_type), "%.*s_reply", (int)len, request->msg_type);
	snprintf(line, sizeof(line), "%s: %s", name, text);
	return make(ret, request->channel, msg_type, parent,
		    json_pack("{s:s, s:s, s:s, s:[s], s:i}", "status", "error", "ename", name,
			      "evalue", text, "traceback", line, "execution_count", 0));
}

void synth_free(struct synth *synth)
{
	free(synth->text[0]);
	free(synth->text[1]);
	synth->text[0] = NULL;
	synth->text[1] = NULL;
}
