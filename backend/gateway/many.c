/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/many.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/api.h"
#include "backend/gateway/plain.h"

struct many {
	struct request *request; /* NULL: its client has gone */
	int status;
	json_t *model, *failed, *away;
	unsigned told, left;
};

struct one {
	struct many *many;
	char name[LINK_NAME_MAX];
};

static void gone(struct request *request)
{
	struct many *many = request->state;

	many->request = NULL;
}

static void many_free(struct many *many)
{
	json_decref(many->model);
	json_decref(many->failed);
	json_decref(many->away);
	free(many);
}

struct many *many_new(struct request *request, int status, json_t *model)
{
	struct many *many = calloc(1, sizeof(*many));

	if (many == NULL) {
		json_decref(model);
		return NULL;
	}
	many->request = request;
	many->status = status;
	many->model = model;
	many->failed = json_array();
	many->away = json_array();
	many->left = 1; /* until many_go() */
	request->state = many;
	request->gone = gone;
	return many;
}

static void answer(struct many *many)
{
	struct request *request = many->request;

	if (--many->left > 0)
		return;
	if (request != NULL) {
		request->gone = NULL;
		json_object_set_new(many->model, "told", json_integer(many->told));
		json_object_set(many->model, "failed", many->failed);
		json_object_set(many->model, "away", many->away);
		request_json(request, many->status, json_incref(many->model));
	}
	many_free(many);
}

void *many_one(struct many *many, const char *name)
{
	struct one *one = calloc(1, sizeof(*one));

	if (one == NULL)
		return NULL;
	one->many = many;
	snprintf(one->name, sizeof(one->name), "%s", name);
	many->left++;
	return one;
}

static void failed(struct one *one, const char *message)
{
	json_array_append_new(one->many->failed,
			      json_pack("{s:s, s:s}", "name", one->name, "message", message));
}

/* What the node says of a step that failed goes with it. */
static void refused(struct one *one, const struct pending_outcome *outcome)
{
	char message[LINK_TEXT_MAX + 64];
	size_t len = outcome->text_len < LINK_TEXT_MAX ? outcome->text_len : LINK_TEXT_MAX;

	snprintf(message, sizeof(message), "%s%s%.*s", link_code_name(outcome->code),
		 len > 0 ? ": " : "", (int)len, len > 0 ? (const char *)outcome->text : "");
	plain_text(message, strlen(message)); /* it may have been cut in a letter */
	failed(one, message);
}

void many_done(void *ctx, const struct pending_outcome *outcome)
{
	struct one *one = ctx;

	if (outcome->code == LINK_OK)
		one->many->told++;
	else if (outcome->lost)
		json_array_append_new(one->many->away, json_string(one->name));
	else
		refused(one, outcome);
	answer(one->many);
	free(one);
}

void many_unsent(void *ctx, int error)
{
	struct one *one = ctx;

	if (error == -EHOSTDOWN)
		json_array_append_new(one->many->away, json_string(one->name));
	else
		failed(one, error == -EIO ? "it cannot be stored" : "its node takes no requests");
	answer(one->many);
	free(one);
}

void many_go(struct many *many)
{
	answer(many);
}
