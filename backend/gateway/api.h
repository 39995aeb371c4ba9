/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of the routes, by file. Each answers its request or arranges that it will be. */
#ifndef ANCHORHOLD_GATEWAY_API_H
#define ANCHORHOLD_GATEWAY_API_H

#include <jansson.h>

#include "backend/gateway/kernel.h"
#include "backend/gateway/request.h"

/* api_kernels.c */
void api_kernels_list(struct request *request);
void api_kernels_start(struct request *request);
void api_kernel_get(struct request *request);
void api_kernel_delete(struct request *request);
void api_kernel_interrupt(struct request *request);
void api_kernel_restart(struct request *request);

/* api_specs.c */
void api_specs_list(struct request *request);
void api_spec_get(struct request *request);
void api_spec_file(struct request *request);

/* api_sessions.c */
void api_sessions_list(struct request *request);

/* api_own.c */
void api_own_nodes(struct request *request);
void api_own_node(struct request *request);
void api_own_node_add(struct request *request);
void api_own_node_logs(struct request *request);
void api_own_kernels(struct request *request);
void api_own_events(struct request *request);

/* api_basic.c */
void api_version(struct request *request);
void api_status(struct request *request);
void api_me(struct request *request);
/* The channels path without a WebSocket upgrade. */
void api_upgrade_needed(struct request *request);

/* ---- shared by them ---- */

/*
 * The kernel of the request's first parameter, if the asker may see it; else NULL, and the
 * request was answered with 404: a kernel of somebody else is not told from none.
 */
struct kernel *api_kernel_of(struct request *request);
/* The model of Jupyter's API. */
json_t *api_kernel_model(const struct kernel *kernel);
/* A string that is always valid JSON, whatever a node sent. */
json_t *api_text(const char *text);

#endif
