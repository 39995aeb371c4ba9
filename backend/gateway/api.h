/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of the routes, by file. Each answers its request or arranges that it will be. */
#ifndef ANCHORHOLD_GATEWAY_API_H
#define ANCHORHOLD_GATEWAY_API_H

#include <jansson.h>

#include "backend/gateway/kernel.h"
#include "backend/gateway/pending.h"
#include "backend/gateway/request.h"

/* api_start.c */
void api_kernels_start(struct request *request);
void api_kernel_restart(struct request *request);

/* api_kernels.c */
void api_kernels_list(struct request *request);
void api_kernel_get(struct request *request);
void api_kernel_delete(struct request *request);
void api_kernel_interrupt(struct request *request);

/* api_specs.c */
void api_specs_list(struct request *request);
void api_spec_get(struct request *request);
void api_spec_file(struct request *request);

/* api_sessions.c */
void api_sessions_list(struct request *request);

/* api_own.c */
void api_own_nodes(struct request *request);
void api_own_node(struct request *request);
void api_own_node_logs(struct request *request);
void api_own_kernels(struct request *request);

/* api_nodes.c */
void api_node_add(struct request *request);
void api_node_rotate(struct request *request);
void api_node_revoke(struct request *request);
void api_node_unlock(struct request *request);

/* api_events.c */
void api_own_events(struct request *request);

/* api_projects.c */
void api_projects_list(struct request *request);
void api_project_get(struct request *request);
void api_project_set(struct request *request); /* PUT: as given; PATCH: only what is given */

/* api_policy.c */
void api_kernel_network(struct request *request);
void api_kernel_usage(struct request *request);
void api_cut_get(struct request *request);
void api_cut_set(struct request *request);

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
/* The same kernel later, when its node has answered; NULL: it has gone meanwhile. */
struct kernel *api_kernel_again(struct request *request);
/* The node of the request's first parameter; NULL: answered with 404. */
struct node *api_node_of(struct request *request);
/* Answers with what a node said instead of yes. */
void api_node_error(struct request *request, const char *what,
		    const struct pending_outcome *outcome);
/*
 * The settings of a project that the asker may use. -ENOENT, -EIO: the request was answered.
 */
int api_project_settings(struct request *request, const char *name,
			 struct link_start *ret_settings);
/* A query parameter of digits alone. */
unsigned long api_query_number(const struct request *request, const char *name,
			       unsigned long otherwise);
/* The model of Jupyter's API. */
json_t *api_kernel_model(const struct kernel *kernel);
/* A string that is always valid JSON, whatever a node sent. */
json_t *api_text(const char *text);

#endif
