/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/outgoing.h"

#include <errno.h>
#include <string.h>

static int begin(struct frames *frames, uint8_t kind)
{
	frames_init(frames);
	return frames_add(frames, &kind, 1);
}

/* Sends and empties, whatever becomes of it. */
static int finish(struct outgoing *outgoing, struct frames *frames, int rc)
{
	while (rc == 0) {
		rc = frames_send(frames, outgoing->socket, 0);
		if (rc != -EINTR && rc != -EAGAIN)
			break;
		rc = outgoing->wait(outgoing->wait_arg) ? -EINTR : 0;
	}
	frames_clear(frames);
	return rc;
}

int outgoing_publish(struct outgoing *outgoing, const char *type, const struct request *parent,
		     const json_t *content)
{
	struct link_slice header = request_parent(parent);
	struct frames frames;
	int rc;

	rc = begin(&frames, JUPYTER_IOPUB);
	if (rc == 0)
		rc = message_publish(&outgoing->session, type, &header, content, &frames);
	return finish(outgoing, &frames, rc);
}

int outgoing_reply(struct outgoing *outgoing, enum jupyter_port port, const char *type,
		   const struct request *request, const json_t *content)
{
	struct frames frames;
	int rc;

	rc = begin(&frames, (uint8_t)port);
	if (rc == 0)
		rc = message_reply(&outgoing->session, type, request, content, &frames);
	return finish(outgoing, &frames, rc);
}

int outgoing_stream(struct outgoing *outgoing, const char *name, const struct request *parent,
		    const char *text, size_t len)
{
	struct link_slice header = request_parent(parent);
	struct frames frames;
	int rc;

	rc = begin(&frames, OUTGOING_STREAM);
	if (rc == 0)
		rc = frames_add(&frames, name, strlen(name));
	if (rc == 0)
		rc = frames_add(&frames, header.data, header.len);
	if (rc == 0)
		rc = frames_add(&frames, text, len);
	return finish(outgoing, &frames, rc);
}

int outgoing_byte(struct outgoing *outgoing, enum outgoing_kind kind, uint8_t value)
{
	struct frames frames;
	int rc;

	rc = begin(&frames, (uint8_t)kind);
	if (rc == 0)
		rc = frames_add(&frames, &value, 1);
	return finish(outgoing, &frames, rc);
}

int outgoing_raw(struct outgoing *outgoing, uint8_t kind, struct frames *frames)
{
	struct frames whole;
	int rc;

	rc = begin(&whole, kind);
	if (rc == 0)
		rc = frames_move(&whole, frames, 0);
	frames_clear(frames);
	return finish(outgoing, &whole, rc);
}
