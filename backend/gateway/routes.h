/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler answers which request: a table of method, pattern and handler. */
#ifndef ANCHORHOLD_GATEWAY_ROUTES_H
#define ANCHORHOLD_GATEWAY_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/gateway/request.h"

struct route {
	unsigned methods; /* enum request_method, ored */
	/*
	 * {} stands for one segment, which must not be empty; {id} for one that looks like a
	 * kernel id; a trailing * for any rest.
	 */
	const char *pattern;
	void (*handle)(struct request *request);
	bool admin; /* only for administrators */
};

/* Does path match? Fills in param. A segment too long for a param does not match. */
bool route_match(const char *pattern, const char *path,
		 char ret_param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN]);

/*
 * The row for method and path; NULL and *ret_status 404 or 405 where there is none. A trailing
 * slash is ignored.
 */
const struct route *route_find(const struct route *table, size_t count, enum request_method method,
			       const char *path,
			       char ret_param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN],
			       int *ret_status);

/* Answers the request or leaves it with a handler that will. */
void routes_dispatch(struct request *request);

/* The kernel id of a channels path; NULL where the path is another. Points into param. */
const char *routes_channels(const char *path,
			    char ret_param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN]);

#endif
