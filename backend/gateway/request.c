/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/request.h"

#include <libwebsockets.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"

struct request *request_new(struct gateway *gateway, struct lws *wsi)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request != NULL) {
		request->gateway = gateway;
		request->wsi = wsi;
	}
	return request;
}

void request_free(struct request *request)
{
	if (request == NULL)
		return;
	if (request->pending != 0)
		fleet_forget(request->gateway->fleet, request->pending);
	if (request->gone != NULL)
		request->gone(request);
	/* The answer of a new node holds its secret key; the prefix may hold a token. */
	if (request->answer != NULL)
		explicit_bzero(request->answer, request->answer_len);
	free(request->answer);
	free(request->body);
	explicit_bzero(request, sizeof(*request));
	free(request);
}

void request_body_add(struct request *request, const void *data, size_t len)
{
	uint8_t *grown;

	if (request->body_too_large || !request->body_wanted)
		return;
	grown = len > REQUEST_BODY_MAX - request->body_len
			? NULL
			: realloc(request->body, request->body_len + len + 1);
	if (grown == NULL) {
		request->body_too_large = true;
		return;
	}
	memcpy(grown + request->body_len, data, len);
	request->body = grown;
	request->body_len += len;
	request->body[request->body_len] = '\0';
}

json_t *request_object(struct request *request)
{
	json_error_t error;
	json_t *json;

	if (request->body_len == 0)
		return json_object();
	json = json_loadb((const char *)request->body, request->body_len, JSON_REJECT_DUPLICATES,
			  &error);
	if (json == NULL) {
		request_error(request, 400, "the body is not JSON: %s (line %d, column %d)",
			      error.text, error.line, error.column);
		return NULL;
	}
	if (!json_is_object(json)) {
		json_decref(json);
		request_error(request, 400, "the body is not a JSON object");
		return NULL;
	}
	return json;
}

const char *request_query(const struct request *request, const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at < request->query_len;) {
		const char *pair = request->query + at;

		if (strncmp(pair, name, len) == 0 && pair[len] == '=')
			return pair + len + 1;
		if (strcmp(pair, name) == 0)
			return "";
		at += strlen(pair) + 1;
	}
	return NULL;
}

static void answer(struct request *request, int status, char *text)
{
	if (request->answered) {
		free(text);
		return;
	}
	request->answered = true;
	request->status = status;
	request->answer = text;
	request->answer_len = text == NULL ? 0 : strlen(text);
	lws_callback_on_writable(request->wsi);
}

void request_json(struct request *request, int status, json_t *json)
{
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

	json_decref(json);
	if (text == NULL)
		answer(request, 500, strdup("{\"message\":\"out of memory\",\"reason\":null}"));
	else
		answer(request, status, text);
}

void request_empty(struct request *request, int status)
{
	answer(request, status, NULL);
}

void request_error(struct request *request, int status, const char *format, ...)
{
	char message[512];
	json_t *json;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	json = json_string(message);
	/* What is quoted may come from anywhere and need not be UTF-8. */
	if (json == NULL)
		json = json_string("the request is not valid UTF-8");
	request_json(request, status,
		     json_pack("{s:o, s:s}", "message", json, "reason", request_reason(status)));
}

void request_location(struct request *request, const char *path)
{
	snprintf(request->location, sizeof(request->location), "%s%s", request->prefix, path);
}

const char *request_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} REASON[] = {
		{400, "Bad Request"},	     {401, "Unauthorized"},
		{403, "Forbidden"},	     {404, "Not Found"},
		{405, "Method Not Allowed"}, {409, "Conflict"},
		{411, "Length Required"},    {413, "Payload Too Large"},
		{414, "URI Too Long"},	     {500, "Internal Server Error"},
		{501, "Not Implemented"},    {502, "Bad Gateway"},
		{503, "Service Unavailable"}, {504, "Gateway Timeout"},
	};

	for (size_t i = 0; i < sizeof(REASON) / sizeof(REASON[0]); i++)
		if (REASON[i].status == status)
			return REASON[i].reason;
	return "Error";
}

void request_address(const struct request *request, char *ret_text, size_t size)
{
	if (lws_get_peer_simple(request->wsi, ret_text, size) == NULL || ret_text[0] == '\0')
		snprintf(ret_text, size, "?");
}
