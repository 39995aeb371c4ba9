/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes there are and by which keys they may come: for the operator. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "backend/gateway/api.h"
#include "backend/gateway/clock.h"
#include "backend/gateway/fleet.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/log.h"
#include "link/curve.h"
#include "link/secret.h"

#define EXPIRES_DEFAULT_S (24 * 3600)
#define EXPIRES_MAX_S (30 * 24 * 3600)

static void store_failed(struct request *request)
{
	request_error(request, 500, "the node cannot be stored: %s",
		      store_error(request->gateway->store));
}

/* What a node must know of the gateways, beside their addresses. */
static void gateway_keys(const struct gateway *gateway, json_t *model)
{
	json_object_set_new(model, "gateway_key", json_string(gateway->gateway_key));
	if (gateway->next_key[0] != '\0')
		json_object_set_new(model, "gateway_key_next", json_string(gateway->next_key));
}

/* ---- by a key pair made here ---- */

/* The only time a node's secret key is seen: it is given away and not kept. */
static void add_pair(struct request *request, const char *name)
{
	struct gateway *gateway = request->gateway;
	char public_key[CURVE_TEXT_LEN + 1], secret_key[CURVE_TEXT_LEN + 1];
	struct curve_pair pair;
	json_t *model;
	int r = curve_pair_make(&pair);

	if (r < 0) {
		request_error(request, 500, "no key pair could be made");
		return;
	}
	curve_key_format(&pair.public_key, public_key);
	curve_key_format(&pair.secret_key, secret_key);
	curve_pair_wipe(&pair);
	r = store_node_add(gateway->store, name, public_key);
	if (r == 0)
		r = fleet_node_refresh(gateway->fleet, name);
	if (r == -EEXIST) {
		request_error(request, 409, "there is a node '%s' already", name);
	} else if (r < 0) {
		store_failed(request);
	} else {
		model = json_pack("{s:s, s:s, s:s}", "name", name, "node_key", secret_key,
				  "public_key", public_key);
		gateway_keys(gateway, model);
		request_json(request, 201, model);
		log_line("node %s: added by %s", name, request->owner.name);
	}
	secret_wipe(secret_key, sizeof(secret_key));
}

/* ---- by a one-time secret: the node makes its key itself ---- */

static void add_secret(struct request *request, const char *name, int64_t lasts_s)
{
	struct gateway *gateway = request->gateway;
	uint8_t secret[LINK_SECRET_LEN];
	char text[2 * LINK_SECRET_LEN + 1], stamp[CLOCK_STAMP_LEN];
	int64_t expires = (int64_t)(clock_unix_us() / 1000000u) + lasts_s;
	json_t *model;
	int r;

	randombytes_buf(secret, sizeof(secret));
	sodium_bin2hex(text, sizeof(text), secret, sizeof(secret));
	r = store_enrol_add(gateway->store, name, secret, expires);
	secret_wipe(secret, sizeof(secret));
	if (r == -EEXIST) {
		request_error(request, 409, "there is a node '%s' already", name);
	} else if (r < 0) {
		store_failed(request);
	} else {
		clock_stamp((uint64_t)expires * 1000000u, stamp);
		model = json_pack("{s:s, s:s, s:s}", "name", name, "secret", text, "expires", stamp);
		gateway_keys(gateway, model);
		request_json(request, 201, model);
		log_line("node %s: awaited until %s, by %s", name, stamp, request->owner.name);
	}
	secret_wipe(text, sizeof(text));
}

/* {"name": N} or {"name": N, "secret": true, "expires_s": S}. */
void api_node_add(struct request *request)
{
	json_t *body = request_object(request), *expires;
	const char *name;
	int64_t lasts_s = EXPIRES_DEFAULT_S;

	if (body == NULL)
		return;
	name = json_string_value(json_object_get(body, "name"));
	expires = json_object_get(body, "expires_s");
	if (expires != NULL)
		lasts_s = json_is_integer(expires) ? json_integer_value(expires) : 0;
	if (name == NULL || !ids_name_ok(name))
		request_error(request, 400,
			      "name must be 1 to 63 of a-z, 0-9 and -, not beginning with -");
	else if (lasts_s < 1 || lasts_s > EXPIRES_MAX_S)
		request_error(request, 400, "expires_s must be 1 to %d", EXPIRES_MAX_S);
	else if (json_is_true(json_object_get(body, "secret")))
		add_secret(request, name, lasts_s);
	else
		add_pair(request, name);
	json_decref(body);
}

/* ---- out, and in again ---- */

static void change(struct request *request, int (*apply)(struct store *store, const char *name),
		   const char *what)
{
	struct gateway *gateway = request->gateway;
	struct node *node = api_node_of(request);

	if (node == NULL)
		return;
	if (apply(gateway->store, node->name) < 0 ||
	    fleet_node_refresh(gateway->fleet, node->name) < 0) {
		store_failed(request);
		return;
	}
	log_line("node %s: %s by %s", node->name, what, request->owner.name);
	request_json(request, 200, json_pack("{s:s, s:b, s:b}", "name", node->name, "revoked",
					     node->revoked, "locked", node->locked));
}

void api_node_revoke(struct request *request)
{
	change(request, store_node_revoke, "revoked");
}

void api_node_unlock(struct request *request)
{
	change(request, store_node_unlock, "unlocked");
}

/* ---- another key ---- */

static void rotated(void *ctx, const struct pending_outcome *outcome)
{
	struct request *request = ctx;
	struct gateway *gateway = request->gateway;
	struct node *node = api_node_of(request);
	char text[CURVE_TEXT_LEN + 1] = "";
	struct curve_key key;
	int r;

	request->pending = 0;
	if (node == NULL)
		return;
	if (outcome->code != LINK_OK) {
		api_node_error(request, "its next key was not made", outcome);
		return;
	}
	r = curve_key_parse((const char *)outcome->text, outcome->text_len, &key);
	if (r == 0) {
		curve_key_format(&key, text);
		r = store_node_next_key(gateway->store, node->name, text);
	}
	if (r == 0)
		r = fleet_node_refresh(gateway->fleet, node->name);
	if (r == -EIO) {
		store_failed(request);
		return;
	}
	if (r < 0) {
		request_error(request, 502, "node %s: what it calls its next key is none, or is "
					    "another node's", node->name);
		return;
	}
	log_line("node %s: its next key is %s, by %s", node->name, node->next_key,
		 request->owner.name);
	request_json(request, 202, json_pack("{s:s, s:s, s:s}", "name", node->name, "key", node->key,
					     "next_key", node->next_key));
	fleet_rotate_use(gateway->fleet, node);
}

void api_node_rotate(struct request *request)
{
	struct node *node = api_node_of(request);

	if (node == NULL)
		return;
	if (fleet_rotate(request->gateway->fleet, node, rotated, request, &request->pending) < 0)
		request_error(request, 503, "node %s is not connected", node->name);
}
