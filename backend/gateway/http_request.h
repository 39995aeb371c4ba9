/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a request from libwebsockets' header tables and writing its answer. */
#ifndef ANCHORHOLD_GATEWAY_HTTP_REQUEST_H
#define ANCHORHOLD_GATEWAY_HTTP_REQUEST_H

#include "backend/gateway/kernel.h"
#include "backend/gateway/request.h"

/* Everything but the body; who asks is looked up. NULL: no memory. */
struct request *http_request_read(struct gateway *gateway, struct lws *wsi);

/*
 * May this request become a WebSocket of a kernel? Then *ret_kernel is it; else the request is
 * answered and *ret_kernel NULL.
 */
void http_request_upgrade(struct request *request, struct kernel **ret_kernel);

/* Writes status, headers and body. Negative: the connection is to be closed. */
int http_request_write(struct request *request);

#endif
