/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request and its answer. http.c fills it in, a handler of routes.c answers it, at
 * once or later; if the client goes first, the request is freed and what it waits for forgets
 * it. Every answer is JSON or empty; errors are {"message": ..., "reason": ...}.
 */
#ifndef ANCHORHOLD_GATEWAY_REQUEST_H
#define ANCHORHOLD_GATEWAY_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/gateway/store.h"

#define REQUEST_PATH_MAX 1024u
#define REQUEST_QUERY_MAX 2048u
#define REQUEST_BODY_MAX (1024u * 1024u)
#define REQUEST_PARAMS_MAX 2u
#define REQUEST_PARAM_LEN 128u

struct gateway;
struct lws;

enum request_method {
	REQUEST_NONE = 0, /* one we do not know */
	REQUEST_GET = 1,
	REQUEST_HEAD = 2,
	REQUEST_POST = 4,
	REQUEST_PUT = 8,
	REQUEST_PATCH = 16,
	REQUEST_DELETE = 32,
	REQUEST_OPTIONS = 64,
};

struct request {
	struct gateway *gateway;
	struct lws *wsi;
	enum request_method method;
	char path[REQUEST_PATH_MAX];   /* without base_url and capability */
	char prefix[REQUEST_PATH_MAX]; /* those; holds a token, wiped when freed */
	char query[REQUEST_QUERY_MAX]; /* "name=value" strings, NUL after each; without `token` */
	size_t query_len;
	int denied; /* 0, or the status an unauthorised request is answered with */
	struct store_owner owner;
	char param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN]; /* what {} in the route matched */

	uint8_t *body; /* owned, NUL-terminated beyond body_len; NULL while empty */
	size_t body_len;
	bool body_wanted;
	bool body_too_large;

	uint64_t pending; /* id of the fleet's request it waits for; 0: none */
	void *state;	  /* the handler's own, between its steps */
	void (*gone)(struct request *request); /* told when the client leaves before the answer */

	bool answered;
	bool closing; /* the connection ends after the answer */
	int status;
	char *answer; /* owned */
	size_t answer_len;
	char location[REQUEST_PATH_MAX + 64];
};

/* ---- for http.c ---- */

struct request *request_new(struct gateway *gateway, struct lws *wsi);
void request_free(struct request *request);
/* More of the body. Beyond REQUEST_BODY_MAX it is only counted as too large. */
void request_body_add(struct request *request, const void *data, size_t len);

/* ---- for handlers ---- */

/*
 * The body as a JSON object; an empty body is {}. NULL: it is none, and the request has been
 * answered with 400. The caller releases it.
 */
json_t *request_object(struct request *request);

/* A query parameter, NULL where there is none; "" where it has no value. */
const char *request_query(const struct request *request, const char *name);

/* Takes json over; NULL gives 500. */
void request_json(struct request *request, int status, json_t *json);
void request_empty(struct request *request, int status);
/* The client's address as text, "?" where it is not known. */
void request_address(const struct request *request, char *ret_text, size_t size);
void request_error(struct request *request, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The Location of what was made: prefix and path. Before the answer. */
void request_location(struct request *request, const char *path);

const char *request_reason(int status);

#endif
