/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cli/session.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define WAIT_MS 3600000 /* one message; a user who waits longer interrupts */
#define MESSAGE_ID_LEN (SESSION_ID_LEN + 12u)

static int make_uuid(char text[SESSION_ID_LEN])
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return -EIO;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(text, SESSION_ID_LEN,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}

static json_t *make_request(struct session *session, const char *type, json_t *content,
			    char id[MESSAGE_ID_LEN])
{
	char seconds[24];
	char date[56];
	struct timespec t;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(date, sizeof(date), "%s.%06ldZ", seconds, t.tv_nsec / 1000);
	snprintf(id, MESSAGE_ID_LEN, "%s_%u", session->id, ++session->counter);
	return json_pack("{s:{s:s,s:s,s:s,s:s,s:s,s:s}, s:{}, s:{}, s:o, s:s, s:[]}", "header",
			 "msg_id", id, "session", session->id, "username", "anchorhold", "date",
			 date, "msg_type", type, "version", "5.3", "parent_header", "metadata",
			 "content", content, "channel", "shell", "buffers");
}

int session_open(struct session *session, const char *kernel_id)
{
	char path[256];
	int rc = make_uuid(session->id);

	if (rc != 0)
		return rc;
	snprintf(path, sizeof(path), "/api/kernels/%s/channels?session_id=%s", kernel_id,
		 session->id);
	return client_ws_open(session->client, path);
}

static const char *member(const json_t *message, const char *object, const char *name)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(message, object), name));

	return text != NULL ? text : "";
}

struct progress {
	bool idle;
	json_t *reply;
};

/* Notes what one message means for the request that is under way. */
static void take(struct session *session, const json_t *message, struct progress *progress)
{
	const char *type = member(message, "header", "msg_type");
	const char *channel = json_string_value(json_object_get(message, "channel"));
	json_t *content = json_object_get(message, "content");

	if (channel != NULL && strcmp(channel, "shell") == 0) {
		if (strcmp(type, "execute_reply") == 0 && progress->reply == NULL)
			progress->reply = json_incref(content);
		return;
	}
	if (strcmp(type, "status") == 0) {
		const char *state = json_string_value(json_object_get(content, "execution_state"));

		progress->idle |= state != NULL && strcmp(state, "idle") == 0;
		return;
	}
	session->output(session->user, type, content);
}

int session_execute(struct session *session, const char *code, json_t **ret_reply)
{
	char id[MESSAGE_ID_LEN];
	struct progress progress = { 0 };
	json_t *content = json_pack("{s:s, s:b, s:b, s:{}, s:b, s:b}", "code", code, "silent", 0,
				    "store_history", 1, "user_expressions", "allow_stdin", 0,
				    "stop_on_error", 1);
	json_t *request = content != NULL ? make_request(session, "execute_request", content, id)
					  : NULL;
	int rc = request != NULL ? client_ws_send(session->client, request) : -EINVAL;

	json_decref(request);
	while (rc == 0 && !(progress.idle && progress.reply != NULL)) {
		json_t *message = NULL;

		rc = client_ws_receive(session->client, WAIT_MS, &message);
		if (rc == -EINTR && *session->interrupted) {
			*session->interrupted = 0;
			rc = session->interrupt(session->user);
			continue;
		}
		/* Other sessions' requests on the same kernel are not ours to show. */
		if (rc == 0 && strcmp(member(message, "parent_header", "msg_id"), id) == 0)
			take(session, message, &progress);
		json_decref(message);
	}
	if (rc != 0) {
		json_decref(progress.reply);
		return rc;
	}
	*ret_reply = progress.reply;
	return 0;
}
