/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/http_request.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/access.h"
#include "backend/gateway/api.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/framing.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/log.h"
#include "backend/gateway/node.h"
#include "backend/gateway/refusals.h"
#include "backend/gateway/routes.h"

#define ANSWER_HEADERS_MAX 2048u

static const char *const METHOD_NAME[] = {
	[LWSHUMETH_GET] = "GET",   [LWSHUMETH_POST] = "POST",	[LWSHUMETH_OPTIONS] = "OPTIONS",
	[LWSHUMETH_PUT] = "PUT",   [LWSHUMETH_PATCH] = "PATCH", [LWSHUMETH_DELETE] = "DELETE",
	[LWSHUMETH_HEAD] = "HEAD",
};

static enum request_method method_of(int uri_method)
{
	static const enum request_method METHOD[] = {
		[LWSHUMETH_GET] = REQUEST_GET,	       [LWSHUMETH_POST] = REQUEST_POST,
		[LWSHUMETH_OPTIONS] = REQUEST_OPTIONS, [LWSHUMETH_PUT] = REQUEST_PUT,
		[LWSHUMETH_PATCH] = REQUEST_PATCH,     [LWSHUMETH_DELETE] = REQUEST_DELETE,
		[LWSHUMETH_HEAD] = REQUEST_HEAD,
	};

	if (uri_method < 0 || (size_t)uri_method >= sizeof(METHOD) / sizeof(METHOD[0]))
		return REQUEST_NONE;
	return METHOD[uri_method];
}

/* Takes the token out while the others are copied: it is not to be found later, or logged. */
static void query_read(struct request *request, char ret_token[IDS_TOKEN_LEN + 1])
{
	char *at = request->query;
	size_t left = sizeof(request->query);

	for (int i = 0; left > 1; i++) {
		int len = lws_hdr_copy_fragment(request->wsi, at, (int)left,
						WSI_TOKEN_HTTP_URI_ARGS, i);

		if (len < 0)
			break;
		at[len] = '\0';
		if (strncmp(at, "token=", 6) == 0) {
			if (ids_token_ok(at + 6))
				memcpy(ret_token, at + 6, IDS_TOKEN_LEN + 1);
			explicit_bzero(at, (size_t)len);
			continue;
		}
		at += len + 1;
		left -= (size_t)len + 1;
	}
	request->query_len = (size_t)(at - request->query);
}

static void header_read(struct request *request, char ret_token[IDS_TOKEN_LEN + 1])
{
	char value[512];

	if (lws_hdr_copy(request->wsi, value, sizeof(value), WSI_TOKEN_HTTP_AUTHORIZATION) > 0)
		access_header(value, ret_token);
	explicit_bzero(value, sizeof(value));
}

/* The path's capability before the header before the query; the first there is must be good. */
static void authorise(struct request *request, const struct access_path *path)
{
	char in_query[IDS_TOKEN_LEN + 1] = "", in_header[IDS_TOKEN_LEN + 1] = "";
	const char *token = path->token;
	int r;

	query_read(request, in_query);
	header_read(request, in_header);
	if (token[0] == '\0')
		token = in_header[0] != '\0' ? in_header : in_query;
	r = access_token(request->gateway->store, token, &request->owner);
	if (r == -EIO)
		log_line("store: %s", store_error(request->gateway->store));
	if (r < 0)
		request->denied = r == -EACCES ? 401 : 500;
	/* Without one nobody tried a token; browsers ask like that. */
	if (r == -EACCES && token[0] != '\0') {
		char address[64];

		request_address(request, address, sizeof(address));
		refusals_tell(request->gateway->refusals, clock_ms(), REFUSAL_TOKEN, address,
			      "a token that is nobody's");
	}
	explicit_bzero(in_query, sizeof(in_query));
	explicit_bzero(in_header, sizeof(in_header));
}

static void path_read(struct request *request, const char *uri, size_t len)
{
	char path[REQUEST_PATH_MAX];
	struct access_path split;

	if (len >= sizeof(path)) {
		request->denied = 414;
		return;
	}
	memcpy(path, uri, len);
	path[len] = '\0';
	if (access_path_split(path, request->gateway->options.base_url, &split) < 0) {
		request->denied = 404;
	} else {
		memcpy(request->prefix, path, split.prefix_len);
		snprintf(request->path, sizeof(request->path), "%s", split.rest);
		authorise(request, &split);
	}
	explicit_bzero(path, sizeof(path));
	explicit_bzero(&split, sizeof(split));
}

static void body_expect(struct request *request)
{
	char length[24];
	bool carries = (request->method & (REQUEST_POST | REQUEST_PUT | REQUEST_PATCH)) != 0;

	/* Where the end of a body cannot be told, it is not waited for. */
	if (lws_hdr_total_length(request->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
		request->closing = true;
		request->denied = 411;
		return;
	}
	if (lws_hdr_copy(request->wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH) <=
	    0) {
		request->closing = carries;
		return;
	}
	request->body_wanted = atoll(length) > 0;
	/* Too much to swallow for the sake of a polite answer. */
	if (atoll(length) > (long long)REQUEST_BODY_MAX * 16) {
		request->body_wanted = false;
		request->body_too_large = true;
		request->closing = true;
	}
}

struct request *http_request_read(struct gateway *gateway, struct lws *wsi)
{
	struct request *request = request_new(gateway, wsi);
	char *uri = NULL;
	int uri_len = 0, method;

	if (request == NULL)
		return NULL;
	method = lws_http_get_uri_and_method(wsi, &uri, &uri_len);
	request->method = method_of(method);
	if (request->method == REQUEST_NONE || uri == NULL) {
		request->method = REQUEST_GET;
		request->closing = true;
		request->denied = 405;
		return request;
	}
	path_read(request, uri, (size_t)uri_len);
	body_expect(request);
	if (gateway->options.verbose)
		log_line("%s %s%s", METHOD_NAME[method], request->path,
			 request->denied == 401 ? " (no valid token)" : "");
	return request;
}

void http_request_upgrade(struct request *request, struct kernel **ret_kernel)
{
	char offered[256];

	*ret_kernel = NULL;
	if (request->denied != 0) {
		routes_dispatch(request);
		return;
	}
	if (routes_channels(request->path, request->param) == NULL) {
		request_error(request, 404, "there is no WebSocket at %s", request->path);
		return;
	}
	/* libwebsockets would hang up without a word. */
	if (lws_hdr_copy(request->wsi, offered, sizeof(offered), WSI_TOKEN_PROTOCOL) > 0 &&
	    strstr(offered, FRAMING_V1_NAME) == NULL) {
		request_error(request, 400,
			      "the WebSocket protocols known are " FRAMING_V1_NAME
			      " and none at all");
		return;
	}
	*ret_kernel = api_kernel_of(request);
	if (*ret_kernel == NULL)
		return;
	if (!(*ret_kernel)->node->up && (*ret_kernel)->state != LINK_KERNEL_DEAD) {
		request_error(request, 503, "node %s is not connected", (*ret_kernel)->node->name);
		*ret_kernel = NULL;
	} else if ((*ret_kernel)->connections >= KERNEL_SESSIONS_MAX) {
		request_error(request, 503, "the kernel has %u clients already",
			      (*ret_kernel)->connections);
		*ret_kernel = NULL;
	}
}

/* ---- answering ---- */

struct headers {
	struct lws *wsi;
	unsigned char *at, *end;
	int failed;
};

static void header(struct headers *headers, const char *name, const char *value)
{
	headers->failed |= lws_add_http_header_by_name(
		headers->wsi, (const unsigned char *)name, (const unsigned char *)value,
		(int)strlen(value), &headers->at, headers->end);
}

/*
 * A wildcard origin is safe here: nothing a browser sends by itself authorises, there are no
 * cookies, and a page that knows the token could use it without a browser as well.
 */
static void cors(struct headers *headers, const struct request *request)
{
	const char *origin = request->gateway->options.allow_origin;

	if (origin[0] == '\0')
		return;
	header(headers, "access-control-allow-origin:", origin);
	header(headers, "access-control-allow-headers:",
	       "accept, authorization, content-type, x-requested-with, x-xsrftoken");
	header(headers,
	       "access-control-allow-methods:", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	header(headers, "access-control-expose-headers:", "location");
	header(headers, "access-control-max-age:", "86400");
}

static int body_write(struct request *request)
{
	unsigned char *buf = malloc(LWS_PRE + request->answer_len);
	int r;

	if (buf == NULL)
		return -ENOMEM;
	memcpy(buf + LWS_PRE, request->answer, request->answer_len);
	r = lws_write(request->wsi, buf + LWS_PRE, request->answer_len, LWS_WRITE_HTTP_FINAL);
	explicit_bzero(buf, LWS_PRE + request->answer_len);
	free(buf);
	return r < 0 ? -EIO : 0;
}

int http_request_write(struct request *request)
{
	unsigned char buf[LWS_PRE + ANSWER_HEADERS_MAX];
	struct headers headers = {request->wsi, buf + LWS_PRE, buf + sizeof(buf), 0};
	unsigned char *start = headers.at;
	bool body = request->answer_len > 0 && request->method != REQUEST_HEAD;

	headers.failed |= lws_add_http_common_headers(
		request->wsi, (unsigned)request->status,
		request->answer_len > 0 ? "application/json" : NULL,
		request->status == 204 ? LWS_ILLEGAL_HTTP_CONTENT_LEN : request->answer_len,
		&headers.at, headers.end);
	cors(&headers, request);
	header(&headers, "cache-control:", "no-store");
	header(&headers, "x-content-type-options:", "nosniff");
	if (request->location[0] != '\0')
		header(&headers, "location:", request->location);
	if (request->status == 401)
		header(&headers, "www-authenticate:", "token");
	if (headers.failed ||
	    lws_finalize_write_http_header(request->wsi, start, &headers.at, headers.end))
		return -EIO;
	return body ? body_write(request) : 0;
}
