/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "environments/lua/text.h"

#define HEADER_MAX 512u
#define TOPIC_MAX 128u

static const uint8_t empty_object[] = {'{', '}'};

int session_new(const struct jupyter_key *key, struct session *ret_session)
{
	uint8_t random[SESSION_ID_LEN / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -errno;
	memset(ret_session, 0, sizeof(*ret_session));
	ret_session->key = *key;
	ret_session->thread = 'a';
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(ret_session->id + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static int header_write(struct session *session, const char *type, char ret[HEADER_MAX])
{
	struct timespec now;
	struct tm utc;
	char date[32];
	int len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	len = snprintf(ret, HEADER_MAX,
		       "{\"msg_id\": \"%s_%c%llu\", \"msg_type\": \"%s\", \"username\": \"user\", "
		       "\"session\": \"%s\", \"date\": \"%s.%06ldZ\", \"version\": \"5.3\"}",
		       session->id, session->thread, (unsigned long long)++session->sent, type,
		       session->id, date, now.tv_nsec / 1000);
	return len < 0 || (size_t)len >= HEADER_MAX ? -EMSGSIZE : len;
}

static int signed_add(struct session *session, const struct link_parts *parts,
		      struct frames *frames)
{
	char signature[JUPYTER_SIGNATURE_LEN + 1];
	int rc;

	rc = jupyter_sign(&session->key, parts, signature);
	if (rc == 0)
		rc = frames_add(frames, JUPYTER_DELIMITER, JUPYTER_DELIMITER_LEN);
	if (rc == 0)
		rc = frames_add(frames, signature, JUPYTER_SIGNATURE_LEN);
	for (uint32_t i = 0; rc == 0 && i < parts->count; i++)
		rc = frames_add(frames, parts->part[i].data, parts->part[i].len);
	return rc;
}

static int make_text(struct session *session, const char *type, const struct link_slice *parent,
		     struct link_slice content, struct frames *frames)
{
	struct link_parts parts = {.count = LINK_BUFFERS};
	char header[HEADER_MAX];
	int rc;

	if (content.len > MESSAGE_CONTENT_MAX)
		return -EMSGSIZE;
	rc = header_write(session, type, header);
	if (rc < 0)
		return rc;
	parts.part[LINK_HEADER] = (struct link_slice){(const uint8_t *)header, (size_t)rc};
	parts.part[LINK_PARENT] = parent ? *parent : (struct link_slice){empty_object, 2};
	parts.part[LINK_METADATA] = (struct link_slice){empty_object, 2};
	parts.part[LINK_CONTENT] = content;
	return signed_add(session, &parts, frames);
}

int message_make(struct session *session, const char *type, const struct link_slice *parent,
		 const json_t *content, struct frames *frames)
{
	char *text = json_dumps(content, JSON_COMPACT);
	int rc;

	if (!text)
		return -ENOMEM;
	rc = make_text(session, type, parent,
		       (struct link_slice){(const uint8_t *)text, strlen(text)}, frames);
	free(text);
	return rc;
}

int message_reply(struct session *session, const char *type, const struct request *request,
		  const json_t *content, struct frames *frames)
{
	struct link_slice parent = request_parent(request);
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < request->view.idents_count; i++)
		rc = frames_add(frames, request->view.ident[i].data, request->view.ident[i].len);
	return rc < 0 ? rc : message_make(session, type, &parent, content, frames);
}

static int topic_add(const struct session *session, const char *type, struct frames *frames)
{
	char topic[TOPIC_MAX];
	int len = snprintf(topic, sizeof(topic), "kernel.%s.%s", session->id, type);

	if (len < 0 || (size_t)len >= sizeof(topic))
		return -EMSGSIZE;
	return frames_add(frames, topic, (size_t)len);
}

int message_publish(struct session *session, const char *type, const struct link_slice *parent,
		    const json_t *content, struct frames *frames)
{
	int rc = topic_add(session, type, frames);

	return rc < 0 ? rc : message_make(session, type, parent, content, frames);
}

int message_publish_text(struct session *session, const char *type, const struct link_slice *parent,
			 struct link_slice content, struct frames *frames)
{
	int rc = topic_add(session, type, frames);

	return rc < 0 ? rc : make_text(session, type, parent, content, frames);
}

static int request_parse(const struct session *session, struct request *request)
{
	struct link_slice slices[FRAMES_MAX], content;
	int rc;

	for (size_t i = 0; i < request->frames.count; i++)
		slices[i] = frames_get(&request->frames, i);
	rc = jupyter_parse(slices, request->frames.count, &request->view);
	if (rc == 0)
		rc = jupyter_verify(&session->key, &request->view);
	/* Checks the depth before jansson, which recurses, sees the text. */
	if (rc == 0)
		rc = link_parts_check(&request->view.parts);
	if (rc == 0)
		rc = link_header_get(request->view.parts.part[LINK_HEADER], &request->header);
	if (rc < 0)
		return rc;
	content = request->view.parts.part[LINK_CONTENT];
	request->content = json_loadb((const char *)content.data, content.len,
				      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	return json_is_object(request->content) ? 0 : -EBADMSG;
}

int request_take(const struct session *session, struct frames *frames, size_t index,
		 struct request *ret_request)
{
	int rc;

	memset(&ret_request->view, 0, sizeof(ret_request->view));
	ret_request->content = NULL;
	frames_init(&ret_request->frames);
	rc = frames_move(&ret_request->frames, frames, index);
	frames_clear(frames);
	if (rc == 0)
		rc = request_parse(session, ret_request);
	if (rc < 0)
		request_clear(ret_request);
	return rc;
}

void request_clear(struct request *request)
{
	json_decref(request->content);
	request->content = NULL;
	frames_clear(&request->frames);
}

struct link_slice request_parent(const struct request *request)
{
	return request->view.parts.part[LINK_HEADER];
}

json_t *json_text(const char *data, size_t len)
{
	json_t *ret = json_stringn(data, len);
	char *clean;

	if (ret || len > SIZE_MAX / TEXT_CLEAN_FACTOR - 1)
		return ret;
	clean = malloc(len * TEXT_CLEAN_FACTOR + 1);
	if (!clean)
		return NULL;
	ret = json_stringn(clean, text_clean(data, len, clean));
	free(clean);
	return ret;
}
