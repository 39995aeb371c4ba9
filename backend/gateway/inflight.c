/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/inflight.h"

#include <stdlib.h>
#include <string.h>

#include "link/json_scan.h"

struct inflight {
	struct inflight_request row[INFLIGHT_MAX]; /* oldest first */
	size_t count;
};

struct inflight *inflight_new(void)
{
	return calloc(1, sizeof(struct inflight));
}

void inflight_free(struct inflight *inflight)
{
	if (inflight == NULL)
		return;
	for (size_t i = 0; i < inflight->count; i++)
		free(inflight->row[i].header);
	free(inflight);
}

static void remove_at(struct inflight *inflight, size_t at)
{
	inflight->count--;
	memmove(&inflight->row[at], &inflight->row[at + 1],
		(inflight->count - at) * sizeof(inflight->row[0]));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

void inflight_add(struct inflight *inflight, enum link_channel channel,
		  const struct link_header *header, struct link_slice raw)
{
	struct inflight_request *request;

	if (channel == LINK_STDIN || raw.len > INFLIGHT_HEADER_MAX)
		return;
	if (inflight->count == INFLIGHT_MAX) {
		free(inflight->row[0].header);
		remove_at(inflight, 0);
	}
	request = &inflight->row[inflight->count];
	memset(request, 0, sizeof(*request));
	request->header = malloc(raw.len);
	if (request->header == NULL)
		return;
	memcpy(request->header, raw.data, raw.len);
	request->header_len = raw.len;
	request->channel = channel;
	memcpy(request->msg_id, header->msg_id, sizeof(request->msg_id));
	memcpy(request->msg_type, header->msg_type, sizeof(request->msg_type));
	/* comm_msg and its like are only answered by busy and idle. */
	request->replied = !ends_with(request->msg_type, "_request");
	inflight->count++;
}

static size_t find(const struct inflight *inflight, const char *msg_id)
{
	for (size_t i = 0; i < inflight->count; i++)
		if (strcmp(inflight->row[i].msg_id, msg_id) == 0)
			return i;
	return inflight->count;
}

void inflight_sent(struct inflight *inflight, const char *msg_id, uint64_t seq)
{
	size_t at = find(inflight, msg_id);

	if (at < inflight->count)
		inflight->row[at].seq = seq;
}

static void note_status(struct inflight_request *request, struct link_slice content)
{
	struct link_slice value;
	char state[16];

	if (json_member(content.data, content.len, "execution_state", &value) < 0 ||
	    json_string_get(value, state, sizeof(state)) < 0)
		return;
	if (strcmp(state, "idle") == 0)
		request->idle = true;
	else if (strcmp(state, "busy") == 0)
		request->running = true;
}

void inflight_note(struct inflight *inflight, enum link_channel channel,
		   const struct link_parts *parts, const struct link_header *header,
		   const struct link_header *parent)
{
	size_t at;

	if (parent->msg_id[0] == '\0' || inflight->count == 0)
		return;
	at = find(inflight, parent->msg_id);
	if (at == inflight->count)
		return;
	if (channel == inflight->row[at].channel)
		inflight->row[at].replied = true;
	else if (channel == LINK_IOPUB && strcmp(header->msg_type, "status") == 0)
		note_status(&inflight->row[at], parts->part[LINK_CONTENT]);
	if (inflight->row[at].replied && inflight->row[at].idle) {
		free(inflight->row[at].header);
		remove_at(inflight, at);
	}
}

void inflight_suspect(struct inflight *inflight)
{
	for (size_t i = 0; i < inflight->count; i++) {
		if (inflight->row[i].seq == 0)
			continue;
		inflight->row[i].old = true;
		if (!inflight->row[i].running)
			inflight->row[i].suspect = true;
	}
}

void inflight_abandon(struct inflight *inflight)
{
	for (size_t i = 0; i < inflight->count; i++)
		if (inflight->row[i].seq == 0)
			inflight->row[i].suspect = true;
}

static bool is(const struct inflight_request *request, enum inflight_which which)
{
	if (which == INFLIGHT_SENT)
		return request->seq != 0;
	if (which == INFLIGHT_SUSPECT)
		return request->suspect && !request->running;
	if (which == INFLIGHT_OLD)
		return request->old;
	return true;
}

bool inflight_take(struct inflight *inflight, enum inflight_which which,
		   struct inflight_request *ret_request)
{
	for (size_t i = 0; i < inflight->count; i++) {
		if (!is(&inflight->row[i], which))
			continue;
		*ret_request = inflight->row[i];
		remove_at(inflight, i);
		return true;
	}
	return false;
}

bool inflight_take_id(struct inflight *inflight, const char *msg_id,
		      struct inflight_request *ret_request)
{
	size_t at = find(inflight, msg_id);

	if (at == inflight->count)
		return false;
	*ret_request = inflight->row[at];
	remove_at(inflight, at);
	return true;
}

bool inflight_take_seq(struct inflight *inflight, enum link_channel channel, uint64_t seq,
		       struct inflight_request *ret_request)
{
	for (size_t i = 0; i < inflight->count; i++) {
		if (inflight->row[i].channel != channel || inflight->row[i].seq != seq)
			continue;
		*ret_request = inflight->row[i];
		remove_at(inflight, i);
		return true;
	}
	return false;
}

size_t inflight_count(const struct inflight *inflight)
{
	return inflight->count;
}
